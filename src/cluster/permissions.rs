//! The rights that the controller needs in the cluster: the one source of its RBAC, for tests and for what installs it.

use k8s_openapi::api::rbac::v1::PolicyRule;

use crate::api::GROUP;

/// The rules of the controller's `ClusterRole`. No right on Secrets, and none to change a spec: `patch` on the objects
/// themselves is for the finalizer.
#[must_use]
pub fn policy_rules() -> Vec<PolicyRule> {
    vec![
        rule(
            GROUP,
            &["lambdaexecutionroles", "lambdamanagedpolicies", "lambdarolegrants"],
            &["get", "list", "watch", "patch"],
        ),
        rule(
            GROUP,
            &["lambdaexecutionroles/status", "lambdamanagedpolicies/status", "lambdarolegrants/status"],
            &["patch"],
        ),
        rule(GROUP, &["lambdaroleclasses"], &["get", "list", "watch"]),
        rule(GROUP, &["lambdaroleclasses/status"], &["patch"]),
        rule("events.k8s.io", &["events"], &["create"]),
        // Their labels, by which classes select them; and the UID of kube-system, which names the cluster.
        rule("", &["namespaces"], &["get", "list", "watch"]),
    ]
}

/// The rules of the controller's `Role` in its own namespace: the Lease by which replicas agree.
#[must_use]
pub fn lease_policy_rules() -> Vec<PolicyRule> {
    vec![rule("coordination.k8s.io", &["leases"], &["get", "create", "update"])]
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
