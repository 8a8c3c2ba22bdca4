//! What would make IAM equal to the spec, in an order that never widens before it narrows.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    desired::DesiredRole,
    observed::ObservedRole,
    step::{NewRole, Step},
};
use crate::{
    api::{
        INLINE_POLICY_NAME,
        role::{UnlistedInlinePolicies, UnlistedManagedPolicies},
    },
    policy::{
        Document,
        canonical::{adds_deny, equivalent},
    },
};

/// The steps from `observed` to `desired`; none if they mean the same.
///
/// `attached_before` are the managed policies that this object attached: under `unlisted.managedPolicies: Keep` they are
/// detached when they leave the spec, and others' are not.
#[must_use]
pub fn diff(desired: &DesiredRole, observed: Option<&ObservedRole>, attached_before: &BTreeSet<String>) -> Vec<Step> {
    match observed {
        None => creation(desired),
        Some(observed) => update(desired, observed, attached_before),
    }
}

/// The steps that delete `observed`, in the order that IAM demands: a role must be empty before it goes. Boundary and
/// tags go with the role. <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>
#[must_use]
pub fn deletion(observed: &ObservedRole) -> Vec<Step> {
    let inline = observed.inline_policies.keys().cloned().map(Step::DeleteInlinePolicy);
    let managed = observed.managed_policies.iter().cloned().map(Step::DetachManagedPolicy);
    inline.chain(managed).chain([Step::DeleteRole]).collect()
}

fn creation(desired: &DesiredRole) -> Vec<Step> {
    let mut steps = vec![Step::CreateRole(Box::new(NewRole {
        path: desired.path.clone(),
        trust_policy: desired.trust_policy_before_role.clone(),
        description: desired.description.clone(),
        max_session_seconds: desired.max_session_seconds,
        permissions_boundary: desired.permissions_boundary.clone(),
        tags: desired.tags.clone(),
    }))];
    // Inline first: it may hold denies.
    steps.extend(desired.inline_policies.iter().map(|(name, document)| put_inline_policy(name, document)));
    steps.extend(desired.managed_policies.iter().cloned().map(Step::AttachManagedPolicy));
    // Last: IAM may not know the role as a principal yet, and nothing else shall wait for that.
    if !equivalent(&desired.trust_policy, &desired.trust_policy_before_role) {
        steps.push(Step::UpdateTrustPolicy(desired.trust_policy.clone()));
    }
    steps
}

/// When a step of an update is carried out: narrow before widen. A replaced attachment is detached before its
/// successor is attached, so that a swap works at the attachment quota.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Bound,
    Deny,
    Remove,
    Trust,
    Describe,
    Add,
    Unbound,
}

fn update(desired: &DesiredRole, observed: &ObservedRole, attached_before: &BTreeSet<String>) -> Vec<Step> {
    let mut steps: Vec<(Phase, Step)> = Vec::new();
    boundary(desired, observed, &mut steps);
    inline_policies(desired, observed, &mut steps);
    managed_policies(desired, observed, attached_before, &mut steps);
    if !is_stored(&observed.trust_policy, &desired.trust_policy) {
        steps.push((Phase::Trust, Step::UpdateTrustPolicy(desired.trust_policy.clone())));
    }
    if desired.description != observed.description || desired.max_session_seconds != observed.max_session_seconds {
        let description = desired.description.clone();
        let max_session_seconds = desired.max_session_seconds;
        steps.push((Phase::Describe, Step::UpdateRole { description, max_session_seconds }));
    }
    tags(&desired.tags, &observed.tags, &mut steps);
    // Stable: within a phase the order is that of names.
    steps.sort_by_key(|(phase, _)| *phase);
    steps.into_iter().map(|(_, step)| step).collect()
}

fn boundary(desired: &DesiredRole, observed: &ObservedRole, steps: &mut Vec<(Phase, Step)>) {
    match (&desired.permissions_boundary, &observed.permissions_boundary) {
        (Some(wanted), found) if found.as_ref() != Some(wanted) => {
            steps.push((Phase::Bound, Step::PutPermissionsBoundary(wanted.clone())));
        }
        (None, Some(_)) => steps.push((Phase::Unbound, Step::DeletePermissionsBoundary)),
        (Some(_), _) | (None, None) => {}
    }
}

fn inline_policies(desired: &DesiredRole, observed: &ObservedRole, steps: &mut Vec<(Phase, Step)>) {
    for (name, document) in &desired.inline_policies {
        let stored = observed.inline_policies.get(name).map(|json| Document::parse(json));
        let phase = match stored {
            Some(Ok(stored)) if equivalent(&stored, document) => continue,
            Some(Ok(stored)) if adds_deny(&stored, document) => Phase::Deny,
            None if adds_deny(&Document::new(Vec::new()), document) => Phase::Deny,
            // A stored document that does not parse is somebody else's writing: replaced like any other change.
            Some(Ok(_) | Err(_)) | None => Phase::Add,
        };
        steps.push((phase, put_inline_policy(name, document)));
    }
    for name in observed.inline_policies.keys().filter(|name| !desired.inline_policies.contains_key(*name)) {
        let is_ours = name == INLINE_POLICY_NAME;
        if is_ours || desired.unlisted.inline_policies == UnlistedInlinePolicies::Delete {
            steps.push((Phase::Remove, Step::DeleteInlinePolicy(name.clone())));
        }
    }
}

fn managed_policies(
    desired: &DesiredRole,
    observed: &ObservedRole,
    attached_before: &BTreeSet<String>,
    steps: &mut Vec<(Phase, Step)>,
) {
    for arn in observed.managed_policies.difference(&desired.managed_policies) {
        if attached_before.contains(arn) || desired.unlisted.managed_policies == UnlistedManagedPolicies::Detach {
            steps.push((Phase::Remove, Step::DetachManagedPolicy(arn.clone())));
        }
    }
    for arn in desired.managed_policies.difference(&observed.managed_policies) {
        steps.push((Phase::Add, Step::AttachManagedPolicy(arn.clone())));
    }
}

/// A changed value is one `TagRole`. IAM compares keys without regard to case, so a key that differs only in case from
/// a wanted one is never removed: that would take the wanted tag with it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>
fn tags(desired: &BTreeMap<String, String>, observed: &BTreeMap<String, String>, steps: &mut Vec<(Phase, Step)>) {
    let wanted: BTreeSet<String> = desired.keys().map(|key| key.to_lowercase()).collect();
    let foreign: Vec<String> = observed
        .keys()
        .filter(|key| !key.starts_with("aws:") && !wanted.contains(&key.to_lowercase()))
        .cloned()
        .collect();
    if !foreign.is_empty() {
        steps.push((Phase::Remove, Step::UntagRole(foreign)));
    }
    let changed: BTreeMap<String, String> = desired
        .iter()
        .filter(|(key, value)| observed.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !changed.is_empty() {
        steps.push((Phase::Describe, Step::TagRole(changed)));
    }
}

fn put_inline_policy(name: &str, document: &Document) -> Step {
    Step::PutInlinePolicy { name: name.to_owned(), document: document.clone() }
}

fn is_stored(stored: &str, wanted: &Document) -> bool {
    Document::parse(stored).is_ok_and(|stored| equivalent(&stored, wanted))
}
