//! How a pod is, in the words of kubectl.

use serde_json::Value;

use super::health::{Health, condition, number, text};

pub(super) fn health(data: &Value) -> Health {
    let statuses = list(data, "/status/containerStatuses");
    let ready = statuses.iter().filter(|it| it["ready"] == true).count();
    let all = list(data, "/spec/containers").len();
    let phase = text(data, "/status/phase").unwrap_or_else(|| "Pending".to_owned());
    let trouble = initial(data).or_else(|| statuses.iter().rev().find_map(why_not_running)).or_else(|| unplaced(data));
    let well = match phase.as_str() {
        "Succeeded" => true,
        "Running" => ready == all && trouble.is_none(),
        _ => false,
    };
    let reason = trouble.or_else(|| text(data, "/status/reason")).unwrap_or(phase);
    Health { ready: Some(format!("{ready}/{all}")), reason: Some(with_restarts(reason, statuses)), well: Some(well) }
}

fn list<'a>(data: &'a Value, path: &str) -> &'a [Value] {
    data.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// How far the containers are that run before the others, while they do.
fn initial(data: &Value) -> Option<String> {
    let all = list(data, "/status/initContainerStatuses");
    let is_done = |it: &Value| number(it, "/state/terminated/exitCode") == Some(0) || it["started"] == true;
    let done = all.iter().take_while(|it| is_done(it)).count();
    let current = all.get(done)?;
    let why = why_not_running(current).filter(|reason| reason != "PodInitializing");
    Some(format!("Init:{}", why.unwrap_or_else(|| format!("{done}/{}", all.len()))))
}

fn why_not_running(container: &Value) -> Option<String> {
    let ended = || match number(container, "/state/terminated/exitCode")? {
        0 => Some("Completed".to_owned()),
        code => Some(format!("ExitCode:{code}")),
    };
    let reason = |path: &str| text(container, path);
    reason("/state/waiting/reason").or_else(|| reason("/state/terminated/reason")).or_else(ended)
}

fn unplaced(data: &Value) -> Option<String> {
    text(condition(data, "PodScheduled").filter(|it| it["status"] == "False")?, "/reason")
}

fn with_restarts(reason: String, statuses: &[Value]) -> String {
    match statuses.iter().filter_map(|it| number(it, "/restartCount")).sum::<i64>() {
        0 => reason,
        1 => format!("{reason} (1 restart)"),
        many => format!("{reason} ({many} restarts)"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// How a pod of one container is.
    fn told(status: &Value) -> (String, String, bool) {
        let pod = json!({"spec": {"containers": [{}]}, "status": status});
        let Health { ready, reason, well } = health(&pod);
        (ready.unwrap(), reason.unwrap(), well.unwrap())
    }

    fn is(ready: &str, reason: &str, well: bool) -> (String, String, bool) {
        (ready.into(), reason.into(), well)
    }

    #[test]
    fn a_pod_is_told_in_the_words_of_kubectl() {
        let running = json!({"phase": "Running", "containerStatuses": [{"ready": true, "state": {"running": {}}}]});
        assert_eq!(told(&running), is("1/1", "Running", true));
        let crashing = json!({"phase": "Running", "containerStatuses": [
            {"ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]});
        assert_eq!(told(&crashing), is("0/1", "CrashLoopBackOff (3 restarts)", false));
        let done = json!({"phase": "Succeeded", "containerStatuses": [
            {"ready": false, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]});
        assert_eq!(told(&done), is("0/1", "Completed", true));
        let failed = json!({"phase": "Failed", "containerStatuses": [
            {"ready": false, "state": {"terminated": {"exitCode": 3}}}]});
        assert_eq!(told(&failed), is("0/1", "ExitCode:3", false));
        assert_eq!(told(&json!({"phase": "Failed", "reason": "Evicted"})), is("0/1", "Evicted", false));
        assert_eq!(told(&json!({})), is("0/1", "Pending", false));
    }

    #[test]
    fn a_pod_that_no_node_takes_says_so() {
        let status = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]});
        assert_eq!(told(&status), is("0/1", "Unschedulable", false));
    }

    #[test]
    fn what_runs_first_is_told_while_it_does() {
        let waits = json!({"ready": false, "state": {"waiting": {"reason": "PodInitializing"}}});
        let done = json!({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
        let status = |first: &Value, second: Value| json!({"phase": "Pending", "containerStatuses": [waits], "initContainerStatuses": [first, second]});
        let runs = json!({"state": {"running": {}}});
        assert_eq!(told(&status(&done, runs)), is("0/1", "Init:1/2", false));
        let crashed = json!({"state": {"waiting": {"reason": "CrashLoopBackOff"}}});
        assert_eq!(told(&status(&done, crashed)), is("0/1", "Init:CrashLoopBackOff", false));
        assert_eq!(told(&status(&done, done.clone())), is("0/1", "PodInitializing", false));
    }
}
