//! A line of nginx's log, from bytes to what is known of the request.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use shop_runtime::trace::TraceContext;
use strum::{EnumIter, EnumString, IntoStaticStr};

/// The longest line that is read. nginx takes addresses of up to 8 KiB, and the rest of a line is short.
pub const LONGEST: usize = 16 * 1024;

/// The most attempts at upstreams that are looked at: nginx makes ten of them.
const MOST_ATTEMPTS: usize = 32;

/// Who a request was for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Service {
    /// Products.
    Catalog,
    /// Carts.
    Cart,
    /// Orders.
    Order,
    /// Accounts.
    User,
    /// The shop's pages.
    Storefront,
    /// Dashboards.
    Grafana,
    /// Metrics.
    Prometheus,
    /// Alerts.
    Alertmanager,
    /// Traces.
    Jaeger,
    /// Load.
    Locust,
    /// Where the services spend their time.
    Profiles,
    /// A look into the database.
    Pgadmin,
    /// A look into Redis.
    RedisCommander,
    /// The gateway itself.
    #[default]
    None,
}

/// A method that has a name of its own in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "UPPERCASE")]
pub enum Method {
    /// To read.
    Get,
    /// To read what there is to say of it.
    Head,
    /// To do something.
    Post,
    /// To put it there.
    Put,
    /// To change a part of it.
    Patch,
    /// To remove it.
    Delete,
    /// To ask what may be done.
    Options,
    /// Any other, or none that could be read.
    #[strum(serialize = "_OTHER")]
    Other,
}

/// A request that was served, or refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Who it was for.
    pub service: Service,
    /// Its method.
    pub method: Method,
    /// The status of the answer; 0 where there was none.
    pub status: u16,
    /// Its path, without the query.
    pub path: String,
    /// `http` or `https`, as the client said it.
    pub scheme: &'static str,
    /// Its id.
    pub id: String,
    /// When it was over.
    pub ended: SystemTime,
    /// From its first byte to the last one of the answer.
    pub took: Duration,
    /// The bytes of the answer.
    pub bytes: u64,
    /// What upstreams had to do with it.
    pub upstream: Upstream,
    /// Its place in a trace, which is that of the gateway's own span.
    pub place: TraceContext,
    /// The place of the client, where it said one.
    pub caller: Option<TraceContext>,
}

/// What upstreams had to do with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// How long all attempts took together; not known where there was none.
    pub took: Option<Duration>,
    /// How long it took until an answer began.
    pub answered_after: Option<Duration>,
    /// Attempts without an answer.
    pub failures: u64,
}

/// Why a line says nothing.
#[derive(Debug, thiserror::Error)]
pub enum BadLine {
    /// It may be cut off.
    #[error("longer than {LONGEST} bytes")]
    TooLong,
    /// What comes before the message is not that of syslog.
    #[error("no message of syslog")]
    NoSyslog,
    /// It is no JSON, or lacks a field.
    #[error("not the JSON that the gateway writes: {0}")]
    Json(#[from] serde_json::Error),
    /// A field is not what it should be.
    #[error("its {0} is none")]
    Field(&'static str),
}

/// The fields, as nginx writes them. Further ones are for people.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    service: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow)]
    scheme: Cow<'a, str>,
    #[serde(borrow)]
    request_id: Cow<'a, str>,
    #[serde(borrow)]
    trace_id: Cow<'a, str>,
    #[serde(borrow)]
    span_id: Cow<'a, str>,
    #[serde(borrow)]
    parent_id: Cow<'a, str>,
    #[serde(borrow)]
    sampled: Cow<'a, str>,
    status: u16,
    bytes: u64,
    ended: f64,
    seconds: f64,
    #[serde(borrow)]
    upstream_status: Cow<'a, str>,
    #[serde(borrow)]
    upstream_seconds: Cow<'a, str>,
    #[serde(borrow)]
    upstream_header_seconds: Cow<'a, str>,
}

impl Request {
    /// Reads a datagram: syslog's head, and the line.
    pub fn parse(datagram: &[u8]) -> Result<Self, BadLine> {
        if datagram.len() > LONGEST {
            return Err(BadLine::TooLong);
        }
        // Addresses may have bytes that are no text; such a request is one all the same.
        let text = String::from_utf8_lossy(datagram);
        let json = message(&text).ok_or(BadLine::NoSyslog)?;
        serde_json::from_str::<Fields<'_>>(json)?.request()
    }

    /// How long the client waited. Of a connection that is open for as long as somebody listens, that is until it was opened.
    pub fn waited(&self) -> Duration {
        match self.upstream.answered_after {
            Some(answered) if self.status == 101 => answered.min(self.took),
            _ => self.took,
        }
    }
}

/// What comes after syslog's priority, time and tag.
fn message(text: &str) -> Option<&str> {
    let (priority, rest) = text.strip_prefix('<')?.split_once('>')?;
    priority.parse::<u8>().ok()?;
    let (_, message) = rest.split_once(": ")?;
    Some(message)
}

impl Fields<'_> {
    fn request(self) -> Result<Request, BadLine> {
        let known = |status: u16| status == 0 || status == 9 || (100..600).contains(&status);
        Ok(Request {
            service: match &*self.service {
                "" => Service::None,
                name => name.parse().map_err(|_| BadLine::Field("service"))?,
            },
            method: self.method.parse().unwrap_or(Method::Other),
            status: Some(self.status).filter(|status| known(*status)).ok_or(BadLine::Field("status"))?,
            scheme: match &*self.scheme {
                "http" => "http",
                "https" => "https",
                _ => return Err(BadLine::Field("scheme")),
            },
            ended: Duration::try_from_secs_f64(self.ended)
                .ok()
                .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
                .ok_or(BadLine::Field("ended"))?,
            took: Duration::try_from_secs_f64(self.seconds).map_err(|_| BadLine::Field("seconds"))?,
            bytes: self.bytes,
            upstream: self.upstream()?,
            place: self.place(&self.span_id).ok_or(BadLine::Field("place in a trace"))?,
            caller: match &*self.parent_id {
                "" => None,
                id => Some(self.place(id).ok_or(BadLine::Field("parent_id"))?),
            },
            id: self.request_id.into_owned(),
            path: self.path.into_owned(),
        })
    }

    fn upstream(&self) -> Result<Upstream, BadLine> {
        let times = |text, name| {
            let time = |time: Option<&str>| match time {
                None => Ok(None),
                Some(time) => seconds(time).map(Some).ok_or(BadLine::Field(name)),
            };
            attempts(text).map(time).collect::<Result<Vec<Option<Duration>>, BadLine>>()
        };
        let took = times(&self.upstream_seconds, "upstream_seconds")?;
        let answered = times(&self.upstream_header_seconds, "upstream_header_seconds")?;
        // Only the status that nginx itself gives an attempt without an answer; a service may have said the same.
        let failed = |status: Option<&str>| matches!(status, Some("502" | "504"));
        let statuses = attempts(&self.upstream_status);
        let failures = statuses.zip(answered.iter()).filter(|(status, answer)| failed(*status) && answer.is_none());
        let known: Vec<Duration> = took.iter().copied().flatten().collect();
        Ok(Upstream {
            took: (!known.is_empty()).then(|| known.into_iter().sum()),
            answered_after: answered.iter().rev().find_map(|answer| *answer),
            failures: failures.count().try_into().unwrap_or(u64::MAX),
        })
    }

    /// A place in its trace, which is kept or not.
    fn place(&self, span: &str) -> Option<TraceContext> {
        let sampled = matches!(&*self.sampled, "00" | "01");
        sampled.then(|| format!("00-{}-{span}-{}", self.trace_id, self.sampled).parse().ok()).flatten()
    }
}

/// What nginx lists for each attempt, with commas, or colons where it went on to another group; a dash is none.
fn attempts(text: &str) -> impl Iterator<Item = Option<&str>> {
    let all = text.split([',', ':']).map(str::trim).filter(|each| !each.is_empty()).take(MOST_ATTEMPTS);
    all.map(|each| (each != "-").then_some(each))
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use strum::IntoEnumIterator as _;

    use super::*;

    fn fields() -> Value {
        json!({
            "time": "2026-11-28T11:37:01+00:00", "ended": 1_795_865_821.123, "request_id": "my-request",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7", "parent_id": "", "sampled": "01",
            "service": "catalog", "method": "GET", "scheme": "https", "path": "/api/products", "status": 200, "bytes": 512,
            "seconds": 0.012, "upstream": "10.0.0.1:8000", "upstream_status": "200", "upstream_seconds": "0.010",
            "upstream_header_seconds": "0.009",
        })
    }

    fn with(changes: &Value) -> Result<Request, BadLine> {
        let mut fields = fields();
        for (name, value) in changes.as_object().expect("changes") {
            fields[name] = value.clone();
        }
        Request::parse(format!("<190>Nov 28 11:37:01 gateway: {fields}").as_bytes())
    }

    #[test]
    fn a_line_says_what_happened() {
        let request = with(&json!({"parent_id": "b7ad6b7169203331"})).expect("a request");
        assert_eq!((request.service, request.method, request.status), (Service::Catalog, Method::Get, 200));
        assert_eq!((request.path.as_str(), request.id.as_str()), ("/api/products", "my-request"));
        assert_eq!((request.took, request.bytes), (Duration::from_millis(12), 512));
        assert_eq!(request.upstream.took, Some(Duration::from_millis(10)));
        assert_eq!(request.place.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let caller = request.caller.map(|caller| caller.to_string());
        assert_eq!(caller.as_deref(), Some("00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01"));
        let unwanted = with(&json!({"sampled": "00"})).expect("a request");
        assert_eq!((unwanted.place.is_sampled(), unwanted.caller), (false, None));
    }

    #[test]
    fn every_attempt_without_an_answer_is_a_failure_and_a_refusal_by_a_service_is_none() {
        let request = with(&json!({
            "upstream_status": "502, 504, 502 : 503", "upstream_seconds": "0.001, 1.000, - : 0.004",
            "upstream_header_seconds": "-, -, - : 0.003", "status": 503,
        }));
        let upstream = request.expect("a request").upstream;
        assert_eq!((upstream.failures, upstream.took), (3, Some(Duration::from_millis(1005))));
        let own = with(&json!({"upstream_status": "502", "status": 502})).expect("a request");
        assert_eq!(own.upstream.failures, 0, "the service itself said 502");
        let none = json!({"upstream_status": "", "upstream_seconds": "", "upstream_header_seconds": "", "service": ""});
        let none = with(&none).expect("a request");
        assert_eq!((none.upstream, none.service), (Upstream::default(), Service::None));
        let left =
            json!({"upstream_status": "-", "upstream_seconds": "0.100", "upstream_header_seconds": "-", "status": 499});
        assert_eq!(with(&left).expect("a request").upstream.failures, 0, "the client went away");
    }

    #[test]
    fn a_socket_counts_until_it_was_opened() {
        let socket = json!({"status": 101, "seconds": 3600.0, "upstream_seconds": "3600.000"});
        assert_eq!(with(&socket).expect("a request").waited(), Duration::from_millis(9));
        assert_eq!(with(&json!({})).expect("a request").waited(), Duration::from_millis(12));
    }

    #[test]
    fn what_is_not_known_is_a_label_of_its_own_or_refused() {
        for (method, known) in
            [("PATCH", Method::Patch), ("patch", Method::Other), ("BREW", Method::Other), ("", Method::Other)]
        {
            assert_eq!(with(&json!({"method": method})).expect("a request").method, known);
        }
        for service in Service::iter() {
            let name: &str = service.into();
            assert_eq!(with(&json!({"service": name})).expect("a request").service, service);
        }
        for (name, value) in [
            ("service", json!("nobody")),
            ("status", json!(42)),
            ("status", json!("200")),
            ("status", json!(70_000)),
            ("seconds", json!(-1.0)),
            ("seconds", json!(1e300)),
            ("ended", json!(-1.0)),
            ("scheme", json!("ftp")),
            ("trace_id", json!("00000000000000000000000000000000")),
            ("trace_id", json!("4BF92F3577B34DA6A3CE929D0E0E4736")),
            ("trace_id", json!("4bf92f3577b34da6a3ce929d0e0e473")),
            ("span_id", json!("0000000000000000")),
            ("span_id", json!("+0f067aa0ba902b7")),
            ("span_id", json!("00f067aa0ba902b7-0")),
            ("parent_id", json!("0")),
            ("sampled", json!("")),
            ("sampled", json!("02")),
            ("sampled", json!("01-x")),
            ("upstream_seconds", json!("soon")),
        ] {
            assert!(with(&json!({name: value})).is_err(), "{name} {value}");
        }
    }

    #[test]
    fn nothing_that_is_sent_is_more_than_a_bad_line() {
        let line = format!("<190>Nov 28 11:37:01 gateway: {}", fields());
        for length in 0..line.len() {
            assert!(Request::parse(&line.as_bytes()[..length]).is_err(), "{length}");
        }
        assert!(Request::parse(line.as_bytes()).is_ok());
        assert!(Request::parse(fields().to_string().as_bytes()).is_err(), "no syslog");
        assert!(Request::parse(&[0xff; 100]).is_err());
        let long = with(&json!({"path": "/".repeat(LONGEST)}));
        assert!(matches!(long, Err(BadLine::TooLong)), "{long:?}");
        let mut strange = line.clone().into_bytes();
        let at = line.find("/api/products").expect("the path");
        strange[at + 1] = 0xff;
        assert_eq!(Request::parse(&strange).expect("a request").path, "/\u{fffd}pi/products");
    }
}
