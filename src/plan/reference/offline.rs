//! References where nothing is known but manifests.

use std::collections::{BTreeMap, BTreeSet};

use super::{PolicyKey, References, Referrer, Resolution, admits, key_of, not_shared, policy_arn};
use crate::{
    api::{LambdaExecutionRoleSpec, LambdaManagedPolicy, LambdaManagedPolicyStatus},
    lint::{Code, Finding, Severity},
    plan::{Owner, class::Namespace},
    policy::Arn,
};

impl References {
    /// Looks all references of `spec` up among the policies that manifests describe, each with its ARN if it is known: those count as in
    /// place. Also what there is to say of them.
    #[must_use]
    pub fn offline(
        spec: &LambdaExecutionRoleSpec,
        referrer: &Referrer<'_>,
        policies: &BTreeMap<PolicyKey, (LambdaManagedPolicy, Option<String>)>,
    ) -> (Self, Vec<Finding>) {
        let keys = Self::of(spec, &referrer.namespace.name);
        let found: BTreeMap<PolicyKey, LambdaManagedPolicy> = keys
            .into_iter()
            .filter_map(|key| policies.get(&key).map(|(policy, _)| (key.clone(), referrer.in_place(&key, policy))))
            .collect();
        let references = Self::resolve(spec, referrer, |key| found.get(key));
        let mut findings = Vec::new();
        for (index, policy) in spec.managed_policies.iter().enumerate() {
            let Some(reference) = &policy.reference else { continue };
            let key = key_of(reference, &referrer.namespace.name);
            let path = format!("spec.managedPolicies[{index}].ref");
            findings.extend(match (references.0.get(&key), policies.get(&key)) {
                (Some(Resolution::Ready { .. }), Some((policy, _))) => {
                    admits(&policy.spec, &key.0, referrer.namespace).is_none().then(|| unlabelled(path, &key, referrer))
                }
                (Some(Resolution::Waiting { hold, .. } | Resolution::Withdrawn { hold, .. }), Some(_)) => {
                    Some(Finding::invalid(path, hold.message.trim_end_matches('.')))
                }
                (_, None) => Some(unread(path, &key)),
                (None, Some(_)) => None,
            });
        }
        (references, findings)
    }
}

impl Referrer<'_> {
    /// The policy as it is once the controller has made it. One that admits by labels which nobody told is taken to admit.
    fn in_place(&self, (namespace, name): &PolicyKey, policy: &LambdaManagedPolicy) -> LambdaManagedPolicy {
        let owner = Owner { cluster: self.cluster.to_owned(), namespace: namespace.clone(), name: name.clone() };
        let arn = policy_arn(self.class_name, self.class, &policy.spec, &owner, self.account).ok();
        let status = LambdaManagedPolicyStatus {
            policy_id: arn.is_some().then(String::new),
            policy_arn: arn,
            ..LambdaManagedPolicyStatus::default()
        };
        let mut policy = LambdaManagedPolicy { status: Some(status), ..policy.clone() };
        if admits(&policy.spec, namespace, self.namespace).is_none()
            && let Some(allowed) = &mut policy.spec.allowed_namespaces
        {
            allowed.names.push(self.namespace.name.clone());
        }
        policy
    }
}

/// What there is to say of a role in `namespace` that has one of `arns`, where manifests describe the policy and do not share it.
///
/// The names of policies are one in an account without regard to case and path, so ARNs are compared so.
#[must_use]
pub fn borrowed_offline(
    arns: &BTreeSet<String>,
    namespace: &Namespace,
    policies: &BTreeMap<PolicyKey, (LambdaManagedPolicy, Option<String>)>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ((of, _), (policy, arn)) in policies {
        let Some(known) = arn.as_deref().and_then(identity) else { continue };
        let listed = arns.iter().find(|listed| identity(listed).is_some_and(|listed| listed == known));
        if let (Some(listed), Some(false)) = (listed, admits(&policy.spec, of, namespace)) {
            let hold = not_shared(listed, namespace);
            findings.push(Finding::invalid("spec.managedPolicies", hold.message.trim_end_matches('.')));
        }
    }
    findings
}

fn identity(arn: &str) -> Option<(String, String)> {
    let arn = Arn::parse(arn)?;
    Some((arn.account.to_owned(), arn.resource.rsplit('/').next()?.to_ascii_lowercase()))
}

fn unread(path: String, (namespace, name): &PolicyKey) -> Finding {
    Finding {
        severity: Severity::Warning,
        code: Code::PolicyNotRead,
        path,
        message: format!(
            "LambdaManagedPolicy {namespace}/{name} is not among the manifests, so that neither it nor what it allows is known here"
        ),
        fix: Some("Give its manifest, too".to_owned()),
    }
}

fn unlabelled(path: String, (namespace, name): &PolicyKey, referrer: &Referrer<'_>) -> Finding {
    Finding::namespace_not_read(path, &format!("LambdaManagedPolicy {namespace}/{name}"), &referrer.namespace.name)
}
