//! CPU and memory of each container.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ResourceRequirements, apimachinery::pkg::api::resource::Quantity as K8sQuantity};
use shopkeeper_api::{ComputeResources, Profile, Quantity, ResourceAmounts};

use crate::Component;

/// CPU and memory of a container, all four of them known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compute {
    pub(crate) cpu_request: Quantity,
    pub(crate) memory_request: Quantity,
    pub(crate) cpu_limit: Quantity,
    pub(crate) memory_limit: Quantity,
}

/// A request that is greater than the limit beside it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request of {what} ({request}) is greater than its limit ({limit}): raise the limit or lower the request")]
pub struct RequestAboveLimit {
    what: &'static str,
    request: Quantity,
    limit: Quantity,
}

impl Compute {
    #[expect(clippy::expect_used, reason = "literals, all of which the tests read")]
    fn new(cpu_request: &str, memory_request: &str, cpu_limit: &str, memory_limit: &str) -> Self {
        let quantity = |text: &str| text.parse().expect("a quantity");
        Self {
            cpu_request: quantity(cpu_request),
            memory_request: quantity(memory_request),
            cpu_limit: quantity(cpu_limit),
            memory_limit: quantity(memory_limit),
        }
    }

    /// What the profile gives a component.
    pub(crate) fn of(profile: Profile, component: Component) -> Self {
        use Component::{
            Alertmanager, Backup, Gateway, GatewayExporter, Grafana, Jaeger, Locust, Migrate, PgAdmin, Postgres,
            PostgresExporter, Prometheus, Redis, RedisCommander, RedisExporter, Seed, User,
        };
        match (profile, component) {
            (Profile::Laptop, Postgres) => Self::new("100m", "128Mi", "2", "512Mi"),
            (Profile::Standard, Postgres) => Self::new("250m", "512Mi", "2", "1Gi"),
            (Profile::HighAvailability, Postgres) => Self::new("500m", "1Gi", "4", "2Gi"),
            (_, Redis) => Self::new("25m", "64Mi", "1", "128Mi"),
            (Profile::Laptop, Gateway) => Self::new("25m", "16Mi", "1", "64Mi"),
            (_, Gateway) => Self::new("100m", "32Mi", "1", "128Mi"),
            (Profile::Laptop, Prometheus) => Self::new("25m", "96Mi", "1", "256Mi"),
            (Profile::Standard, Prometheus) => Self::new("100m", "256Mi", "2", "1Gi"),
            (Profile::HighAvailability, Prometheus) => Self::new("250m", "512Mi", "2", "2Gi"),
            (Profile::Laptop, Grafana) => Self::new("25m", "64Mi", "1", "256Mi"),
            (_, Grafana) => Self::new("50m", "128Mi", "1", "512Mi"),
            // How much Jaeger holds is added to this.
            (_, Jaeger) => Self::new("25m", "48Mi", "1", "96Mi"),
            (_, Alertmanager | PostgresExporter) => Self::new("5m", "16Mi", "500m", "64Mi"),
            (_, RedisExporter | GatewayExporter) => Self::new("5m", "8Mi", "500m", "32Mi"),
            (_, Locust) => Self::new("100m", "64Mi", "2", "512Mi"),
            (_, PgAdmin) => Self::new("25m", "128Mi", "1", "512Mi"),
            (_, RedisCommander) => Self::new("10m", "48Mi", "500m", "192Mi"),
            // Hashing a password takes 19 MiB for as long as it lasts.
            (_, Migrate | Seed | Backup) | (Profile::Laptop, User) => Self::new("25m", "32Mi", "1", "256Mi"),
            (Profile::Laptop, _) => Self::new("25m", "32Mi", "1", "128Mi"),
            (Profile::Standard, _) => Self::new("100m", "64Mi", "1", "256Mi"),
            (Profile::HighAvailability, _) => Self::new("250m", "128Mi", "2", "512Mi"),
        }
    }

    /// The same CPU, and as much memory as so much data may take, with half as much again for fragments and buffers.
    #[expect(clippy::expect_used, reason = "a whole number of mebibytes is an amount")]
    pub(crate) fn holding(self, data: &Quantity) -> Self {
        const MIB: u128 = 1 << 20;
        let mebibytes = |bytes: u128| format!("{}Mi", bytes.div_ceil(MIB)).parse().expect("a quantity");
        let data = data.units();
        Self {
            memory_request: mebibytes((data / 2).max(16 * MIB)),
            memory_limit: mebibytes(data + data / 2 + 32 * MIB),
            ..self
        }
    }

    /// The same CPU, and room for so many traces in memory as well. One of a page has a few spans, one of a checkout fifty; a shop of customers who
    /// don't think made 14 for each request, which took 16 KiB (`docs/src/memory.md`).
    #[expect(clippy::expect_used, reason = "a whole number of mebibytes is an amount")]
    pub(crate) fn keeping_traces(self, traces: u32) -> Self {
        const BYTES_OF_A_TRACE: u128 = 20 * 1024;
        const MIB: u128 = 1 << 20;
        let mebibytes = |bytes: u128| format!("{}Mi", bytes.div_ceil(MIB)).parse().expect("a quantity");
        let kept = u128::from(traces) * BYTES_OF_A_TRACE;
        Self { memory_limit: mebibytes(self.memory_limit.units() + kept), ..self }
    }

    /// The same, with what the Store says instead. A limit that was not given grows with its request.
    pub(crate) fn overridden(self, by: Option<&ComputeResources>) -> Result<Self, RequestAboveLimit> {
        let none = ResourceAmounts::default();
        let requests = by.and_then(|r| r.requests.as_ref()).unwrap_or(&none);
        let limits = by.and_then(|r| r.limits.as_ref()).unwrap_or(&none);
        let (cpu_request, cpu_limit) = pair("CPU", (&requests.cpu, &limits.cpu), (self.cpu_request, self.cpu_limit))?;
        let (memory_request, memory_limit) =
            pair("memory", (&requests.memory, &limits.memory), (self.memory_request, self.memory_limit))?;
        Ok(Self { cpu_request, memory_request, cpu_limit, memory_limit })
    }

    pub(crate) fn requirements(&self) -> ResourceRequirements {
        let amounts = |cpu: &Quantity, memory: &Quantity| {
            BTreeMap::from([
                ("cpu".to_owned(), K8sQuantity(cpu.to_string())),
                ("memory".to_owned(), K8sQuantity(memory.to_string())),
            ])
        };
        ResourceRequirements {
            requests: Some(amounts(&self.cpu_request, &self.memory_request)),
            limits: Some(amounts(&self.cpu_limit, &self.memory_limit)),
            ..ResourceRequirements::default()
        }
    }
}

/// A request and its limit. Where only one is given, the other follows it as far as needed.
fn pair(
    what: &'static str,
    given: (&Option<Quantity>, &Option<Quantity>),
    defaults: (Quantity, Quantity),
) -> Result<(Quantity, Quantity), RequestAboveLimit> {
    let larger = |a: Quantity, b: &Quantity| if a.millis() < b.millis() { b.clone() } else { a };
    let smaller = |a: Quantity, b: &Quantity| if a.millis() > b.millis() { b.clone() } else { a };
    match given {
        (Some(request), Some(limit)) if request.millis() > limit.millis() => {
            Err(RequestAboveLimit { what, request: request.clone(), limit: limit.clone() })
        }
        (Some(request), Some(limit)) => Ok((request.clone(), limit.clone())),
        (Some(request), None) => Ok((request.clone(), larger(defaults.1, request))),
        (None, Some(limit)) => Ok((smaller(defaults.0, limit), limit.clone())),
        (None, None) => Ok(defaults),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    fn amounts(cpu: Option<&str>, memory: Option<&str>) -> ResourceAmounts {
        let quantity = |text: &str| text.parse().unwrap();
        ResourceAmounts { cpu: cpu.map(quantity), memory: memory.map(quantity) }
    }

    #[test]
    fn every_profile_gives_every_component_requests_within_limits() {
        for profile in [Profile::Laptop, Profile::Standard, Profile::HighAvailability] {
            for component in Component::iter() {
                let compute = Compute::of(profile, component);
                assert!(compute.cpu_request.millis() <= compute.cpu_limit.millis(), "{profile:?} {component}");
                assert!(compute.memory_request.millis() <= compute.memory_limit.millis(), "{profile:?} {component}");
            }
        }
    }

    #[test]
    fn a_limit_that_was_not_given_grows_with_its_request() {
        let wanted = ComputeResources { requests: Some(amounts(None, Some("1Gi"))), limits: None };
        let compute = Compute::of(Profile::Laptop, Component::Cart).overridden(Some(&wanted)).unwrap();
        assert_eq!(compute.memory_limit.as_str(), "1Gi");
    }

    #[test]
    fn a_request_above_its_limit_is_refused() {
        let wanted =
            ComputeResources { requests: Some(amounts(Some("2"), None)), limits: Some(amounts(Some("1500m"), None)) };
        let error = Compute::of(Profile::Laptop, Component::Cart).overridden(Some(&wanted)).unwrap_err();
        assert!(error.to_string().contains("raise the limit"), "{error}");
    }
}
