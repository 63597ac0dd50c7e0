//! The program as it runs in the gateway's pods: lines come by datagrams, from the test itself and from a real nginx.

#![expect(clippy::expect_used, reason = "tests")]

mod datagrams;
mod gateway;
mod program;

// The gateway's configuration in a real nginx, as the tests of the plan have it.
#[path = "../../../../operator/plan/tests/plan/fixture.rs"]
#[allow(dead_code, reason = "it is for tests of the plan, which need more of it")]
mod fixture;
#[path = "../../../../operator/plan/tests/plan/gateway/nginx.rs"]
#[allow(dead_code, reason = "it is for tests of the plan, which need more of it")]
mod nginx;
