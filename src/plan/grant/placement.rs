//! The grants of a role among the policies that it shall have.

use std::collections::BTreeMap;

use super::{
    Applicant, Judged, Keeping, admits, is_of_grant,
    share::{Claim, Room, Share, divide},
};
use crate::{
    api::{LambdaExecutionRole, LambdaExecutionRoleStatus, Reason, status::RoleGrant},
    plan::{DesiredRole, Foreign, ObservedRole, Placed, Step, desired::digest as digest_of},
    policy::Document,
};

/// Most grants that a role's status lists.
pub(super) const LISTED_MAX: usize = 200;

/// A grant, and what IAM holds of it.
struct Placing<'a> {
    judged: &'a Judged,
    policy_name: String,
    /// Characters of the document in IAM that it may keep.
    stored: Option<usize>,
    claim: Claim,
}

impl DesiredRole {
    /// The role with the policies of its grants, as far as there is room beside its own.
    ///
    /// What was placed before, by IAM and by the status, stays placed: a policy that somebody deleted by hand keeps its room.
    #[must_use]
    pub fn with_grants(
        self,
        grants: &[Judged],
        observed: Option<&ObservedRole>,
        status: &LambdaExecutionRoleStatus,
    ) -> Self {
        if grants.is_empty() {
            return self;
        }
        let placing: Vec<Placing<'_>> = grants.iter().map(|judged| placing(judged, observed, status)).collect();
        let characters = self.room_for_grants(observed, &Placed::by_status(status));
        let room = Room { characters, per_namespace: self.grants_per_namespace.unwrap_or(characters) };
        let claims: Vec<Claim> = placing.iter().map(|placing| placing.claim.clone()).collect();
        let shares = divide(&claims, room);
        let mut role = self;
        let mut listed = Vec::new();
        for (placing, share) in placing.into_iter().zip(shares) {
            let Placing { judged, policy_name, stored, claim: _ } = placing;
            let (characters, reason) = match (share, &judged.content, stored) {
                (Share::Wanted, Ok(document), _) => {
                    role.inline_policies.insert(policy_name.clone(), document.clone());
                    (Some(document.characters()), None)
                }
                (Share::Held, content, Some(stored)) => {
                    role.kept_inline_policies.insert(policy_name.clone(), stored);
                    (Some(stored), Some(reason_of(content)))
                }
                (Share::Held | Share::Nothing | Share::Wanted, content, _) => (None, Some(reason_of(content))),
            };
            if judged.is_of_role() || characters.is_some() {
                listed.push(RoleGrant {
                    namespace: judged.key.namespace.clone(),
                    name: judged.key.name.clone(),
                    generation: judged.generation,
                    policy_name,
                    characters: characters.and_then(|characters| i64::try_from(characters).ok()),
                    reason: reason.map(|reason| reason.as_str().to_owned()),
                });
            }
        }
        role.grants = first_of(listed);
        role
    }

    /// Characters that the role's own policies leave, and what others put there and `spec.unlisted` keeps.
    fn room_for_grants(&self, observed: Option<&ObservedRole>, placed_before: &Placed) -> usize {
        let foreign = Foreign::of(self, observed, placed_before);
        let foreign: usize = foreign.inline_policies.values().map(|json| characters_of(json)).sum();
        self.quotas.inline_policies.saturating_sub(self.inline_characters() + foreign)
    }
}

fn placing<'a>(judged: &'a Judged, observed: Option<&ObservedRole>, status: &LambdaExecutionRoleStatus) -> Placing<'a> {
    let policy_name = judged.key.policy_name();
    let found = observed.and_then(|role| role.inline_policies.get(&policy_name));
    let stored = found.filter(|json| judged.keeps.allows(&policy_name, json)).map(|json| characters_of(json));
    let wanted = judged.content.as_ref().ok().map(Document::characters);
    let recorded = status.grants.iter().find(|entry| judged.key.is_of(entry)).and_then(|entry| entry.characters);
    let recorded = recorded.filter(|_| wanted.is_some()).and_then(|characters| usize::try_from(characters).ok());
    let held = stored.max(recorded).unwrap_or_default();
    let claim = Claim { key: judged.key.clone(), created: judged.created, held, wanted };
    Placing { judged, policy_name, stored, claim }
}

fn characters_of(json: &str) -> usize {
    Document::parse(json).map_or_else(|_| json.chars().count(), |stored| stored.characters())
}

/// Why a grant is not on the role as it stands: its own fault, or there is no room.
fn reason_of(content: &Result<Document, super::Hold>) -> Reason {
    content.as_ref().err().map_or(Reason::NoRoomForGrant, |hold| hold.reason)
}

/// As many as a status lists, by namespace and name: those that are on the role before others.
fn first_of(mut grants: Vec<RoleGrant>) -> Vec<RoleGrant> {
    grants.sort_by(|a, b| {
        (a.characters.is_none(), &a.namespace, &a.name).cmp(&(b.characters.is_none(), &b.namespace, &b.name))
    });
    grants.truncate(LISTED_MAX);
    grants.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    grants
}

/// The steps that take from a role, which is held or refused, the policies of grants that are not to have any: those that are
/// gone, that the role does not admit any more, and that the class refuses and has revoked.
#[must_use]
pub fn narrowing(grants: &[Judged], observed: &ObservedRole) -> Vec<Step> {
    let judged: BTreeMap<String, &Judged> = grants.iter().map(|judged| (judged.key.policy_name(), judged)).collect();
    let stored = observed.inline_policies.iter().filter(|(name, _)| is_of_grant(name));
    let lost = stored.filter(|(name, json)| judged.get(*name).is_none_or(|judged| !judged.keeps.allows(name, json)));
    lost.map(|(name, _)| Step::DeleteInlinePolicy(name.clone())).collect()
}

/// Whether the status of a role that is held or refused names a grant that may have to lose its policy, so that IAM is worth a look.
#[must_use]
pub fn must_narrow(grants: &[Judged], status: &LambdaExecutionRoleStatus) -> bool {
    let placed = status.grants.iter().filter(|entry| entry.characters.is_some());
    placed.into_iter().any(|entry| {
        let judged = grants.iter().find(|judged| judged.key.is_of(entry));
        judged.is_none_or(|judged| match &judged.keeps {
            Keeping::Everything => false,
            // What is admitted as it is on the role was judged with its content.
            Keeping::Allowed(_) => judged.content.is_err(),
            Keeping::Nothing => true,
        })
    })
}

/// A short text that changes whenever something changes by which grants are judged, beside the role and its class: the role is
/// looked at for that. Grants that it does not admit are no matter of it, nor is that one which is being deleted is gone at last.
#[must_use]
pub fn digest(role: &LambdaExecutionRole, grants: &[Applicant]) -> Option<String> {
    let metadata = &role.metadata;
    let place = (metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default());
    let text = |grant: &Applicant| {
        let Applicant { key, uid, generation, created: _, namespace, spec, is_deleting } = grant;
        let hold = admits(&role.spec.grants, place, namespace).map(|hold| hold.reason);
        let is_admitted = !is_deleting && hold != Some(Reason::GrantNotAdmitted);
        is_admitted.then(|| format!("{:?}", (key, uid, generation, hold, &namespace.labels, spec.is_some())))
    };
    let mut texts: Vec<String> = grants.iter().filter_map(text).collect();
    texts.sort();
    (!texts.is_empty()).then(|| digest_of(&texts.concat()))
}
