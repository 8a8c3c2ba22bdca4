//! The rights that the controller needs in the cluster, and those that its users may have: the one source of the chart's
//! RBAC, of what `lambdaroles controller-policy` prints, and of what the tests hold the controller to.

use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::{Value, json};

use crate::api::GROUP;

/// The kinds that live in namespaces.
const NAMESPACED: [&str; 3] = ["lambdaexecutionroles", "lambdamanagedpolicies", "lambdarolegrants"];

/// Everything that the controller needs when it watches all namespaces: the rules of its `ClusterRole`.
#[must_use]
pub fn policy_rules() -> Vec<PolicyRule> {
    namespace_policy_rules().into_iter().chain(cluster_policy_rules()).collect()
}

/// What the controller needs in each namespace that it watches. No right on Secrets, and none to change a spec: `patch` on the
/// objects themselves is for the finalizer.
#[must_use]
pub fn namespace_policy_rules() -> Vec<PolicyRule> {
    let status = NAMESPACED.map(|resource| format!("{resource}/status"));
    vec![
        rule(GROUP, &NAMESPACED, &["get", "list", "watch", "patch"]),
        rule(GROUP, &status.each_ref().map(String::as_str), &["patch"]),
        rule("events.k8s.io", &["events"], &["create"]),
    ]
}

/// What the controller needs of what has no namespace, whichever namespaces it watches.
#[must_use]
pub fn cluster_policy_rules() -> Vec<PolicyRule> {
    vec![
        rule(GROUP, &["lambdaroleclasses"], &["get", "list", "watch"]),
        rule(GROUP, &["lambdaroleclasses/status"], &["patch"]),
        // Their labels, by which classes select them; and the UID of kube-system, which names the cluster.
        rule("", &["namespaces"], &["get", "list", "watch"]),
    ]
}

/// The rules of the controller's `Role` in its own namespace: the Lease by which replicas agree.
#[must_use]
pub fn lease_policy_rules() -> Vec<PolicyRule> {
    vec![rule("coordination.k8s.io", &["leases"], &["get", "create", "update"])]
}

/// The rules of a further `ClusterRole`, for `spec.export`: without them the controller runs with `--export=false`. Neither list nor
/// watch: the controller reads only ConfigMaps whose names the specs of roles give.
#[must_use]
pub fn export_policy_rules() -> Vec<PolicyRule> {
    vec![rule("", &["configmaps"], &["get", "create", "patch", "delete"])]
}

/// What those may do who may look at a namespace. The chart adds it to Kubernetes' role `view`.
#[must_use]
pub fn viewer_policy_rules() -> Vec<PolicyRule> {
    vec![rule(GROUP, &NAMESPACED, &["get", "list", "watch"])]
}

/// What those may do who may change what is in a namespace. The chart adds it to Kubernetes' roles `edit` and `admin`. The
/// status is the controller's.
#[must_use]
pub fn editor_policy_rules() -> Vec<PolicyRule> {
    let verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    vec![rule(GROUP, &NAMESPACED, &verbs)]
}

/// To read the classes: what a team needs to know of what it may ask for. They hold no secrets.
#[must_use]
pub fn class_viewer_policy_rules() -> Vec<PolicyRule> {
    vec![rule(GROUP, &["lambdaroleclasses"], &["get", "list", "watch"])]
}

/// All of them by the names under which the chart finds them.
#[must_use]
pub fn chart() -> Value {
    json!({
        "namespace": namespace_policy_rules(),
        "cluster": cluster_policy_rules(),
        "lease": lease_policy_rules(),
        "export": export_policy_rules(),
        "viewer": viewer_policy_rules(),
        "editor": editor_policy_rules(),
        "classViewer": class_viewer_policy_rules(),
    })
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> PolicyRule {
    let owned = |list: &[&str]| list.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>();
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(owned(resources)),
        verbs: owned(verbs),
        ..PolicyRule::default()
    }
}
