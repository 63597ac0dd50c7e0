//! The operator against a real API server. There are no controllers and no nodes behind it, so the tests themselves say that pods are
//! ready and Jobs are done, and nothing collects the children of a deleted Store.

#![expect(clippy::expect_used, reason = "tests")]
#![expect(unreachable_pub, reason = "a test has nobody to be reached by")]

mod backups;
mod charts;
mod cut_watches;
mod drift;
mod failed_calls;
mod faults;
mod hits;
mod killed;
mod kubectl;
mod leadership;
mod lost_secrets;
mod migration;
mod monitoring;
mod namespace_limits;
mod namespaces;
mod optional_kinds;
mod other_managers;
mod packaging;
mod policies;
mod quiet;
mod rbac;
mod refused;
mod rollouts;
mod signing_keys;
mod stores;
mod support;
mod suspend;
mod toggles;
mod traces;
mod volumes;
