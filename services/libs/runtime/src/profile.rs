//! CPU profiles on demand, on the operational port: where the process spends its time, as a flame graph or for pprof.
//!
//! Nothing runs and nothing is set aside until somebody asks. Then a timer interrupts whatever thread is on a processor, so many times in
//! each second of CPU time, and its stack is written down. One profile at a time; it ends early when its caller goes away, and it keeps
//! nobody from stopping the process.

mod flame_graph;
mod pprof_format;
mod program;
mod recording;
mod slot;
mod stacks;

use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use garde::Validate;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderName, StatusCode};
use serde::Deserialize;

use self::flame_graph::Caption;
use self::recording::{Plan, RecordingError};
use self::slot::{Busy, Slot};
use self::stacks::Profile;
use crate::extract::{self, Query};
use crate::problem::Problem;
use crate::telemetry;

/// A flame graph is a page with a program in it, which needs nothing else and may do nothing else.
const SELF_CONTAINED: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'";

/// `GET /profiles/flamegraph.svg` and `GET /profiles/cpu.pb`, both with `?seconds=10&frequency=99`.
pub fn router(service: &'static str) -> Router {
    Router::new()
        .route("/profiles/flamegraph.svg", get(flame_graph))
        .route("/profiles/cpu.pb", get(for_pprof))
        .with_state(Subject::of_this_process(service))
}

/// Whose profile it is.
#[derive(Clone, Debug)]
struct Subject {
    service: &'static str,
    pod: Option<String>,
}

impl Subject {
    fn of_this_process(service: &'static str) -> Self {
        Self { service, pod: telemetry::named_pod() }
    }

    /// What it is a profile of, in one line.
    fn title(&self, plan: Plan) -> String {
        let (service, version, seconds) = (self.service, env!("CARGO_PKG_VERSION"), plan.length.as_secs());
        let pod = self.pod.as_ref().map(|pod| format!(", pod {pod}")).unwrap_or_default();
        format!("{service} {version}{pod}: CPU time of {seconds} s")
    }

    /// The name under which a browser keeps the file.
    fn file(&self, ending: &str) -> String {
        let whose =
            self.pod.as_deref().filter(|pod| pod.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        format!("inline; filename=\"{}-cpu.{ending}\"", whose.unwrap_or(self.service))
    }
}

/// How a profile is asked for.
#[derive(Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    /// How long it is watched.
    #[garde(range(min = 1, max = 60))]
    seconds: u32,
    /// Samples in each second of CPU time. The kernel looks at most 250 times a second on most machines, so more would only pretend; and
    /// 99 rather than 100 so that what happens at round times is not always met or always missed.
    #[garde(range(min = 1, max = 250))]
    frequency: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self { seconds: 10, frequency: 99 }
    }
}

impl Asked {
    fn plan(&self) -> Result<Plan, Problem> {
        self.validate().map_err(|report| extract::invalid(&report))?;
        Ok(Plan { length: Duration::from_secs(self.seconds.into()), frequency: self.frequency })
    }
}

async fn flame_graph(State(subject): State<Subject>, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let plan = asked.plan()?;
    let title = subject.title(plan);
    let draw = move |profile: &Profile| flame_graph::draw(profile, Caption { title, subtitle: summary(profile) });
    let drawing = take(&subject, plan, draw).await?;
    Ok(file("image/svg+xml", subject.file("svg"), drawing))
}

async fn for_pprof(State(subject): State<Subject>, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let plan = asked.plan()?;
    let title = subject.title(plan);
    let packed = take(&subject, plan, move |profile| pprof_format::write(profile, &title)).await?;
    Ok(file("application/octet-stream", subject.file("pb.gz"), packed))
}

/// Takes the only place there is, and the profile, of which a file is made.
async fn take(
    subject: &Subject,
    plan: Plan,
    make: impl FnOnce(&Profile) -> io::Result<Vec<u8>> + Send + 'static,
) -> Result<Vec<u8>, Problem> {
    let slot = Slot::take(plan.length)?;
    tracing::info!(seconds = plan.length.as_secs(), frequency = plan.frequency, "taking a CPU profile");
    let make = move |profile: Profile| (profile.samples(), make(&profile));
    let (samples, file) = recording::record(plan, slot, make).await?;
    tracing::info!(service = subject.service, samples, "took a CPU profile");
    file.map_err(Problem::internal)
}

fn summary(profile: &Profile) -> String {
    let (samples, frequency) = (profile.samples(), profile.frequency);
    format!(
        "{samples} samples, {frequency} in each second of CPU time: {:.2} s were used",
        profile.cpu_time().as_secs_f64()
    )
}

fn file(media_type: &'static str, disposition: String, content: Vec<u8>) -> Response {
    let headers: [(HeaderName, String); 4] = [
        (CONTENT_TYPE, media_type.to_owned()),
        (CONTENT_DISPOSITION, disposition),
        (CONTENT_SECURITY_POLICY, SELF_CONTAINED.to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, content).into_response()
}

impl From<Busy> for Problem {
    fn from(Busy { left }: Busy) -> Self {
        Self::new(StatusCode::CONFLICT, "profile-in-progress", "A profile of this process is being taken already")
            .detail("one at a time: ask again when it is done")
            .retry_after(left)
    }
}

impl From<RecordingError> for Problem {
    fn from(error: RecordingError) -> Self {
        match error {
            RecordingError::NoFolder(_) => {
                Self::unavailable("no-profile", "A profile can't be taken here").detail(error.to_string())
            }
            _ => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::SystemTime;

    use super::stacks::{Loaded, Place, Stack};
    use super::*;

    pub(super) const INNER: u64 = 0x1010;
    pub(super) const OUTER: u64 = 0x1100;
    pub(super) const VDSO: u64 = 0x9000;

    /// Six samples of three stacks, two of which differ only in where the inner function was.
    pub(super) fn profile() -> Profile {
        let stack =
            |inner, samples, cut| Stack { thread: "worker".to_owned(), addresses: vec![inner, OUTER], cut, samples };
        let inner = Place::Function("shop::inner<[u8; 4]>".to_owned());
        Profile {
            began: SystemTime::UNIX_EPOCH,
            lasted: Duration::from_secs(10),
            frequency: 100,
            stacks: vec![stack(INNER, 3, false), stack(INNER + 4, 2, false), stack(VDSO, 1, true)],
            places: BTreeMap::from([
                (INNER, inner.clone()),
                (INNER + 4, inner),
                (OUTER, Place::Function("_ZN4shop5outer17h0123456789abcdefE".to_owned())),
                (VDSO, Place::Region("[vdso]".to_owned())),
            ]),
            program: Some(Loaded {
                code: 0x1000..0x2000,
                offset: 0x400,
                file: "/app".to_owned(),
                build_id: "c0ffee".to_owned(),
            }),
        }
    }

    #[test]
    fn a_title_tells_whose_profile_it_is() {
        let plan = Plan { length: Duration::from_secs(7), frequency: 99 };
        let mut subject = Subject { service: "cart", pod: Some("demo-cart-1".to_owned()) };
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(subject.title(plan), format!("cart {version}, pod demo-cart-1: CPU time of 7 s"));
        subject.pod = None;
        assert_eq!(subject.title(plan), format!("cart {version}: CPU time of 7 s"));
    }

    #[test]
    fn a_name_of_a_pod_that_is_none_does_not_get_into_a_header() {
        let subject = Subject { service: "cart", pod: Some("a\"\r\nx: y".to_owned()) };
        assert_eq!(subject.file("svg"), "inline; filename=\"cart-cpu.svg\"");
    }

    #[test]
    fn samples_are_told_as_cpu_time_too() {
        assert_eq!(summary(&profile()), "6 samples, 100 in each second of CPU time: 0.06 s were used");
    }
}
