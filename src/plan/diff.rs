//! What would make IAM equal to the spec, in an order that never widens before it narrows.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Owner, Placed,
    desired::DesiredRole,
    observed::{ObservedPolicy, ObservedRole},
    overflow::{self, ByNumber},
    rewriting,
    step::{NewRole, Step},
};
use crate::{
    api::{
        ADOPTED_TAG, INLINE_POLICY_NAME, OVERFLOW_TAG,
        role::{UnlistedInlinePolicies, UnlistedManagedPolicies},
    },
    policy::{
        Document,
        canonical::{adds_deny, equivalent, is_no_wider},
    },
};

/// The steps from `observed` to `desired`; none if they mean the same.
///
/// `placed_before` is what this object put on the role: under `unlisted: Keep` it goes when it leaves the spec, and others'
/// policies do not.
#[must_use]
pub fn diff(desired: &DesiredRole, observed: Option<&ObservedRole>, placed_before: &Placed) -> Vec<Step> {
    match observed {
        None => creation(desired, placed_before),
        Some(observed) => update(desired, observed, placed_before),
    }
}

/// The steps that delete `observed` and the managed policies of its own, in the order that IAM demands: a role must be empty
/// before it goes, and a policy attached to nothing. Boundary and tags go with the role, which goes last: its tag says which
/// policies there may be. <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>
///
/// What denies goes last, so that nothing opens up should the deletion end halfway.
#[must_use]
pub fn deletion(observed: &ObservedRole, policies: &ByNumber) -> Vec<Step> {
    let own: Vec<&ObservedPolicy> = policies.values().collect();
    let is_own = |arn: &String| own.iter().any(|policy| policy.arn == *arn);
    let others = observed.managed_policies.iter().filter(|arn| !is_own(arn)).cloned();
    let mut documents: Vec<(Phase, Step)> = observed
        .inline_policies
        .iter()
        .map(|(name, json)| (removal_phase(json), Step::DeleteInlinePolicy(name.clone())))
        .collect();
    let attached = own.iter().filter(|policy| observed.managed_policies.contains(&policy.arn));
    documents.extend(
        attached.map(|policy| (removal_phase(&policy.document), Step::DetachManagedPolicy(policy.arn.clone()))),
    );
    documents.sort_by_key(|(phase, _)| *phase);
    let emptied = documents.into_iter().map(|(_, step)| step);
    let gone = own.iter().flat_map(|policy| overflow::deletion(policy, []));
    others.map(Step::DetachManagedPolicy).chain(emptied).chain(gone).chain([Step::DeleteRole]).collect()
}

fn creation(desired: &DesiredRole, placed_before: &Placed) -> Vec<Step> {
    let policies = &placed_before.overflow_policies;
    let mut tags = desired.tags.clone();
    if let Some(number) = highest(desired, policies) {
        tags.insert(OVERFLOW_TAG.to_owned(), number.to_string());
    }
    let mut steps = vec![Step::CreateRole(Box::new(NewRole {
        path: desired.path.clone(),
        trust_policy: desired.trust_policy_before_role.clone(),
        description: desired.description.clone(),
        max_session_seconds: desired.max_session_seconds,
        permissions_boundary: desired.permissions_boundary.clone(),
        tags,
    }))];
    let given = desired.inline_policies.iter().filter(|(name, _)| *name != INLINE_POLICY_NAME);
    let nothing = Document::new(Vec::new());
    let mut documents: Vec<(Phase, Step)> = given
        .map(|(name, document)| (replacement_phase(&nothing, document), put_inline_policy(name, document)))
        .collect();
    documents.extend(rewriting::steps(desired, None, policies));
    // What denies first, and all of them before the policies of others.
    documents.sort_by_key(|(phase, _)| *phase);
    steps.extend(documents.into_iter().map(|(_, step)| step));
    steps.extend(desired.managed_policies.iter().cloned().map(Step::AttachManagedPolicy));
    // Last: IAM may not know the role as a principal yet, and nothing else shall wait for that.
    if !equivalent(&desired.trust_policy, &desired.trust_policy_before_role) {
        steps.push(Step::UpdateTrustPolicy(desired.trust_policy.clone()));
    }
    let gone = policies.iter().filter(|(number, _)| !desired.overflow_policies.contains_key(number));
    let gone: Vec<Step> = gone.flat_map(|(_, policy)| overflow::deletion(policy, &steps)).collect();
    steps.extend(gone);
    steps
}

/// When a step of an update is carried out: narrow before widen, so that nothing is open on the way that is open neither
/// before nor after. A replaced attachment is detached before its successor is attached, so that a swap works at the
/// attachment quota.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// What says whose the role is, before anything else of one that is taken over: two objects shall not both work on it.
    Claim,
    Bound,
    Deny,
    Remove,
    /// What gives and takes in one call.
    Replace,
    Describe,
    Add,
    /// Last of what gives, as where a role is made: IAM may not know a principal yet, and nothing else shall wait for it.
    Trust,
    Unbound,
    /// What holds no right any more, so that nothing waits for it.
    Clean,
}

/// When a document of the role's permissions takes the place of another.
pub(super) fn replacement_phase(old: &Document, new: &Document) -> Phase {
    match (is_no_wider(old, new), is_no_wider(new, old)) {
        _ if adds_deny(old, new) && !adds_deny(new, old) => Phase::Deny,
        (true, _) => Phase::Remove,
        (false, false) => Phase::Replace,
        (false, true) => Phase::Add,
    }
}

/// When a stored document goes: one that denies widens access then. One that does not parse may say anything.
fn removal_phase(stored: &str) -> Phase {
    Document::parse(stored).map_or(Phase::Replace, |stored| replacement_phase(&stored, &Document::new(Vec::new())))
}

/// When the trust policy is replaced. Who is trusted no more is locked out before anything else changes.
fn trust_phase(stored: &str, new: &Document) -> Phase {
    match Document::parse(stored) {
        Ok(stored) if is_no_wider(&stored, new) => Phase::Bound,
        Ok(stored) if is_no_wider(new, &stored) => Phase::Trust,
        Ok(_) | Err(_) => Phase::Replace,
    }
}

fn update(desired: &DesiredRole, observed: &ObservedRole, placed_before: &Placed) -> Vec<Step> {
    let mut steps: Vec<(Phase, Step)> = Vec::new();
    boundary(desired, observed, &mut steps);
    inline_policies(desired, observed, placed_before, &mut steps);
    overflow_policies(desired, observed, &placed_before.overflow_policies, &mut steps);
    managed_policies(desired, observed, placed_before, &mut steps);
    if !is_stored(&observed.trust_policy, &desired.trust_policy) {
        let phase = trust_phase(&observed.trust_policy, &desired.trust_policy);
        steps.push((phase, Step::UpdateTrustPolicy(desired.trust_policy.clone())));
    }
    if desired.description != observed.description || desired.max_session_seconds != observed.max_session_seconds {
        let description = desired.description.clone();
        let max_session_seconds = desired.max_session_seconds;
        steps.push((Phase::Describe, Step::UpdateRole { description, max_session_seconds }));
    }
    let claimed = Owner::of(&observed.tags).is_none().then(|| with_adoption(&desired.tags));
    tags(claimed.as_ref().unwrap_or(&desired.tags), &observed.tags, &mut steps);
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

/// Deletions come before puts of the same phase, so that what a put needs is free: the quota is one for all inline
/// policies of a role.
fn inline_policies(
    desired: &DesiredRole,
    observed: &ObservedRole,
    placed_before: &Placed,
    steps: &mut Vec<(Phase, Step)>,
) {
    // Together with the managed policies of its own, if there are any.
    let is_left_out =
        |name: &String| name == INLINE_POLICY_NAME && overflows(desired, &placed_before.overflow_policies);
    let is_listed =
        |name: &str| desired.inline_policies.contains_key(name) || desired.kept_inline_policies.contains_key(name);
    let unlisted = observed.inline_policies.iter().filter(|(name, _)| !is_listed(name));
    for (name, json) in unlisted.filter(|(name, _)| !is_left_out(name)) {
        if placed_before.has_inline_policy(name) || desired.unlisted.inline_policies == UnlistedInlinePolicies::Delete {
            steps.push((removal_phase(json), Step::DeleteInlinePolicy(name.clone())));
        }
    }
    let mut room = desired
        .quotas
        .inline_policies
        .saturating_sub(observed.inline_policies.values().map(|json| characters(json)).sum());
    let mut late: Vec<(bool, Step)> = Vec::new();
    for (name, document) in desired.inline_policies.iter().filter(|(name, _)| !is_left_out(name)) {
        let stored = observed.inline_policies.get(name).map(|json| Document::parse(json));
        let replaced = observed.inline_policies.get(name).map_or(0, |json| characters(json));
        let growth = document.characters().saturating_sub(replaced);
        let phase = match stored {
            Some(Ok(stored)) if equivalent(&stored, document) => continue,
            // Where there is no room before others are deleted or shrink, putting it first would fail for ever.
            _ if growth > room => Phase::Add,
            Some(Ok(stored)) => replacement_phase(&stored, document),
            // A stored document that does not parse is somebody else's writing.
            Some(Err(_)) => Phase::Replace,
            None => replacement_phase(&Document::new(Vec::new()), document),
        };
        if phase == Phase::Add {
            late.push((growth > 0, put_inline_policy(name, document)));
        } else {
            room -= growth;
            steps.push((phase, put_inline_policy(name, document)));
        }
    }
    // What shrinks makes room for what grows.
    late.sort_by_key(|(grows, _)| *grows);
    steps.extend(late.into_iter().map(|(_, step)| (Phase::Add, step)));
}

/// The role's own statements where they stand in several documents, and what says how many there are.
fn overflow_policies(
    desired: &DesiredRole,
    observed: &ObservedRole,
    policies: &ByNumber,
    steps: &mut Vec<(Phase, Step)>,
) {
    let tag = |number: u32| Step::TagRole([(OVERFLOW_TAG.to_owned(), number.to_string())].into());
    let told = overflow::tagged(observed);
    let there = highest(desired, policies);
    if there > told {
        steps.extend(there.map(|number| (Phase::Bound, tag(number))));
    }
    if overflows(desired, policies) {
        steps.extend(rewriting::steps(desired, Some(observed), policies));
    }
    for (_, policy) in policies.iter().filter(|(number, _)| !desired.overflow_policies.contains_key(number)) {
        let deletion = overflow::deletion(policy, steps.iter().map(|(_, step)| step));
        steps.extend(deletion.into_iter().map(|step| (Phase::Clean, step)));
    }
    let needed = desired.overflow_policies.keys().max().copied();
    match (needed, overflow::tag_of(observed)) {
        (None, Some((key, _))) => steps.push((Phase::Clean, Step::UntagRole(vec![key.clone()]))),
        (None, None) if there.is_some() => {
            steps.push((Phase::Clean, Step::UntagRole(vec![OVERFLOW_TAG.to_owned()])));
        }
        (Some(needed), _) if Some(needed) < told.max(there) => steps.push((Phase::Clean, tag(needed))),
        (Some(_), _) | (None, None) => {}
    }
}

/// Whether the role's own statements stand in several documents, or shall.
fn overflows(desired: &DesiredRole, policies: &ByNumber) -> bool {
    !desired.overflow_policies.is_empty() || !policies.is_empty()
}

/// The highest number of a policy that is there or shall be.
fn highest(desired: &DesiredRole, policies: &ByNumber) -> Option<u32> {
    desired.overflow_policies.keys().chain(policies.keys()).max().copied()
}

/// Whether there is room for `document` before any other inline policy is deleted. Where there is none, putting it first
/// would fail for ever.
pub(super) fn fits(name: &str, document: &Document, observed: &ObservedRole, quota: usize) -> bool {
    let others = observed.inline_policies.iter().filter(|(other, _)| *other != name);
    others.map(|(_, json)| characters(json)).sum::<usize>() + document.characters() <= quota
}

/// Characters of a stored document, as IAM counts them.
fn characters(json: &str) -> usize {
    Document::parse(json).map_or_else(|_| json.chars().count(), |stored| stored.characters())
}

fn managed_policies(
    desired: &DesiredRole,
    observed: &ObservedRole,
    placed_before: &Placed,
    steps: &mut Vec<(Phase, Step)>,
) {
    let is_own = |arn: &String| {
        placed_before.has_overflow_policy(arn) || desired.overflow_policies.values().any(|policy| policy.arn == *arn)
    };
    for arn in observed.managed_policies.difference(&desired.managed_policies).filter(|arn| !is_own(arn)) {
        if placed_before.managed_policies.contains(arn)
            || desired.unlisted.managed_policies == UnlistedManagedPolicies::Detach
        {
            steps.push((Phase::Remove, Step::DetachManagedPolicy(arn.clone())));
        }
    }
    for arn in desired.managed_policies.difference(&observed.managed_policies) {
        steps.push((Phase::Add, Step::AttachManagedPolicy(arn.clone())));
    }
}

/// A changed value is one `TagRole`. IAM compares the keys of a role's tags without regard to case and keeps the case in
/// which it first saw one, so a key in another case is the wanted one: to remove it would take the wanted tag with it, and
/// to set it again would change nothing, at every look.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>
fn tags(desired: &BTreeMap<String, String>, observed: &BTreeMap<String, String>, steps: &mut Vec<(Phase, Step)>) {
    let found: BTreeMap<String, &String> = observed.iter().map(|(key, value)| (key.to_lowercase(), value)).collect();
    let wanted: BTreeSet<String> = desired.keys().map(|key| key.to_lowercase()).collect();
    let foreign: Vec<String> = observed
        .keys()
        .filter(|key| !key.starts_with("aws:") && *key != ADOPTED_TAG && !key.eq_ignore_ascii_case(OVERFLOW_TAG))
        .filter(|key| !wanted.contains(&key.to_lowercase()))
        .cloned()
        .collect();
    if !foreign.is_empty() {
        steps.push((Phase::Remove, Step::UntagRole(foreign)));
    }
    let changed: BTreeMap<String, String> = desired
        .iter()
        .filter(|(key, value)| found.get(&key.to_lowercase()) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !changed.is_empty() {
        let phase = if changed.contains_key(ADOPTED_TAG) { Phase::Claim } else { Phase::Describe };
        steps.push((phase, Step::TagRole(changed)));
    }
}

/// The tags of a role that is taken over: that it was there before tells later that it is not the object's to delete.
fn with_adoption(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut tags = tags.clone();
    tags.insert(ADOPTED_TAG.to_owned(), "true".to_owned());
    tags
}

pub(super) fn put_inline_policy(name: &str, document: &Document) -> Step {
    Step::PutInlinePolicy { name: name.to_owned(), document: document.clone() }
}

fn is_stored(stored: &str, wanted: &Document) -> bool {
    Document::parse(stored).is_ok_and(|stored| equivalent(&stored, wanted))
}
