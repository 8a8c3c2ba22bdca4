//! What kstatus, by which Flux waits, says of an object of a kind that it has no rules of its own for. Written after its
//! documentation: <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    InProgress,
    Failed,
    Current,
    Terminating,
}

pub fn status(object: &Value) -> Status {
    let (metadata, status) = (&object["metadata"], &object["status"]);
    if metadata["deletionTimestamp"].is_string() {
        return Status::Terminating;
    }
    let (generation, observed) = (metadata["generation"].as_i64(), status["observedGeneration"].as_i64());
    if generation.zip(observed).is_some_and(|(generation, observed)| generation != observed) {
        return Status::InProgress;
    }
    let conditions = || status["conditions"].as_array().into_iter().flatten();
    for condition in conditions().filter(|condition| condition["status"] == "True") {
        match condition["type"].as_str() {
            Some("Reconciling") => return Status::InProgress,
            Some("Stalled") => return Status::Failed,
            _ => {}
        }
    }
    match conditions().find(|condition| condition["type"] == "Ready") {
        Some(ready) if ready["status"] != "True" => Status::InProgress,
        // Also of an object about which nothing is said at all.
        Some(_) | None => Status::Current,
    }
}
