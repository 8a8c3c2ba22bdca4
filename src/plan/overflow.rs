//! The managed policies of a role's own, which hold the statements that its inline policies have no room for: what they are
//! called, whose they are, and how many may be there.
//!
//! They are called after the role, with a number. The role's tag [`OVERFLOW_TAG`] says how far the numbers go: it is set before
//! the first policy is made and taken back after the last is gone, so that a pass that ends halfway leaves none that nobody
//! looks for.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Account, DesiredRole, Hold, ObservedPolicy, ObservedRole, Owner, Placed, PolicyOwner, Step,
    placement::{FIRST_NUMBER, Place, Placement},
    step::NewPolicy,
};
use crate::{
    api::{INLINE_POLICY_NAME, LambdaExecutionRoleStatus, OVERFLOW_TAG, Reason},
    policy::{Document, Statement},
};

/// The highest number that is ever looked for: more policies than that can be attached to no role, and a tag that somebody
/// wrote by hand shall not cost a thousand reads.
const NUMBER_MAX: u32 = 60;

/// Between the role's name and the number. No name of an object or a namespace holds it, so that no policy of an object stands in the
/// way of another's role by its default name.
pub const OVERFLOW_SIGN: char = '+';

/// Whether a policy of that name could be one of a role's own.
#[must_use]
pub fn is_overflow_name(policy_name: &str) -> bool {
    let number = policy_name.rsplit_once(OVERFLOW_SIGN).map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
}

/// Policies by their numbers.
pub type ByNumber = BTreeMap<u32, ObservedPolicy>;

/// A managed policy as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverflowPolicy {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// The document.
    pub document: Document,
}

/// What the managed policies of a role are called: as the role, with a number, under the same path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    role_name: String,
    path: String,
    arn_prefix: String,
}

impl Names {
    /// The names of the policies of a role.
    #[must_use]
    pub fn of(account: &Account, path: &str, role_name: &str) -> Self {
        let Account { id, partition, .. } = account;
        Self {
            role_name: role_name.to_owned(),
            path: path.to_owned(),
            arn_prefix: format!("arn:{partition}:iam::{id}:policy{path}{role_name}{OVERFLOW_SIGN}"),
        }
    }

    /// The same of a role that IAM has, whatever path a spec says.
    #[must_use]
    pub fn of_role(role: &ObservedRole) -> Self {
        Self {
            role_name: role.name.clone(),
            path: role.path.clone(),
            arn_prefix: format!("{}{OVERFLOW_SIGN}", role.arn.replacen(":role/", ":policy/", 1)),
        }
    }

    /// Name of the policy of that number.
    #[must_use]
    pub fn name(&self, number: u32) -> String {
        format!("{}{OVERFLOW_SIGN}{number}", self.role_name)
    }

    /// ARN of the policy of that number.
    #[must_use]
    pub fn arn(&self, number: u32) -> String {
        format!("{}{number}", self.arn_prefix)
    }

    /// The number of the policy of that ARN, if it is called so.
    #[must_use]
    pub fn number(&self, arn: &str) -> Option<u32> {
        let number = arn.strip_prefix(&self.arn_prefix)?.parse().ok()?;
        (is_number(number) && self.arn(number) == arn).then_some(number)
    }

    /// Whether a managed policy can be called so: its path may hold less than a role's.
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>
    #[must_use]
    pub fn are_possible(&self) -> bool {
        let inner = self.path.trim_matches('/');
        let is_segment = |segment: &str| {
            !segment.is_empty() && segment.chars().all(|c| c.is_ascii_alphanumeric() || ".,+@=_-".contains(c))
        };
        self.path == "/" || inner.split('/').all(is_segment)
    }

    /// The policy of that number, with these statements.
    pub(super) fn policy(&self, number: u32, statements: Vec<Statement>) -> OverflowPolicy {
        OverflowPolicy { name: self.name(number), arn: self.arn(number), document: Document::new(statements) }
    }

    /// The policy as it is created.
    pub(super) fn new_policy(&self, policy: &OverflowPolicy, tags: &BTreeMap<String, String>) -> NewPolicy {
        let OverflowPolicy { name, arn, document } = policy;
        NewPolicy {
            name: name.clone(),
            path: self.path.clone(),
            arn: arn.clone(),
            document: document.clone(),
            description: format!("Statements of role {} that its inline policies have no room for", self.role_name),
            tags: tags.clone(),
        }
    }
}

impl DesiredRole {
    /// The role with its own statements where they stand now, as far as they can stay there: whoever compares it with IAM
    /// compares this. `placed` are the object's own policies.
    #[must_use]
    pub fn placed(&self, role: Option<&ObservedRole>, placed: &Placed) -> Self {
        let found = found(role, &placed.overflow_policies);
        // There was room when nothing was known of IAM, so there is.
        self.own.place(&found).map_or_else(|_| self.clone(), |placement| self.clone().with_placement(placement))
    }

    /// The role with its own statements where `placement` has them.
    pub(super) fn with_placement(mut self, placement: Placement) -> Self {
        self.inline_policies.remove(INLINE_POLICY_NAME);
        self.overflow_policies.clear();
        for (home, statements) in placement {
            match home {
                Place::Inline => {
                    self.inline_policies.insert(INLINE_POLICY_NAME.to_owned(), Document::new(statements));
                }
                Place::Policy(number) => {
                    self.overflow_policies.insert(number, self.overflow_names.policy(number, statements));
                }
            }
        }
        self
    }

    /// ARNs of all managed policies that shall be attached.
    #[must_use]
    pub fn attached_policies(&self) -> BTreeSet<String> {
        let overflow = self.overflow_policies.values().map(|policy| policy.arn.clone());
        self.managed_policies.iter().cloned().chain(overflow).collect()
    }
}

const fn is_number(number: u32) -> bool {
    FIRST_NUMBER <= number && number <= NUMBER_MAX
}

/// The numbers under which policies may stand: as far as the role's tag says, those that are attached, and those that the
/// status names. None for a role that never needed any.
#[must_use]
pub fn numbers(names: &Names, role: Option<&ObservedRole>, status: &LambdaExecutionRoleStatus) -> BTreeSet<u32> {
    let tagged = role.and_then(tagged).unwrap_or_default().min(NUMBER_MAX);
    let attached = role.into_iter().flat_map(|role| &role.managed_policies);
    let told = status.overflow_policies.iter().map(|policy| &policy.arn);
    (FIRST_NUMBER..=tagged).chain(attached.chain(told).filter_map(|arn| names.number(arn))).collect()
}

/// How far the numbers go by the tag of the role.
pub(super) fn tagged(role: &ObservedRole) -> Option<u32> {
    tag_of(role)?.1.parse().ok()
}

/// The tag as it stands. IAM compares keys without regard to case.
pub(super) fn tag_of(role: &ObservedRole) -> Option<(&String, &String)> {
    role.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(OVERFLOW_TAG))
}

/// Those of the policies that are the object's.
#[must_use]
pub fn owned(found: &ByNumber, owner: &Owner) -> ByNumber {
    let owner = PolicyOwner::of_role(owner);
    found.iter().filter(|(_, policy)| policy.is_owned_by(&owner)).map(|(n, policy)| (*n, policy.clone())).collect()
}

/// The numbers that the role needs and nobody has looked for.
#[must_use]
pub fn unseen(desired: &DesiredRole, looked_for: &BTreeSet<u32>) -> BTreeSet<u32> {
    desired.overflow_policies.keys().filter(|number| !looked_for.contains(number)).copied().collect()
}

/// The hold of a role that needs a policy whose name is somebody else's.
#[must_use]
pub fn conflict(desired: &DesiredRole, owner: &Owner, found: &ByNumber) -> Option<Hold> {
    let own = PolicyOwner::of_role(owner);
    let needed = desired.overflow_policies.keys().filter_map(|number| found.get(number));
    let foreign = needed.into_iter().find(|policy| !policy.is_owned_by(&own))?;
    let whose = match PolicyOwner::of(&foreign.tags) {
        Some(other) => format!("it belongs to {other}"),
        None => "its tags name no object of this controller".to_owned(),
    };
    let message = format!(
        "Managed policy {} exists already: {whose}. Role {} needs the name for statements that its inline policies have no room for, and nothing was touched. Remove that policy, ask for less, or make a new object with another spec.roleName.",
        foreign.arn, desired.name
    );
    Some(Hold::new(Reason::PolicyConflict, message))
}

/// The hold of a deletion that would take policies away from whom others attached them to.
pub(super) fn in_use(role_name: &str, role: Option<&ObservedRole>, policies: &ByNumber) -> Option<Hold> {
    let own = |arn: &String| usize::from(role.is_some_and(|role| role.managed_policies.contains(arn)));
    let used = policies.values().find(|policy| policy.attachment_count > own(&policy.arn))?;
    let message = format!(
        "Role {role_name} is not deleted: its managed policy {} is attached to something else, too. Detach it there.",
        used.arn
    );
    Some(Hold::new(Reason::PolicyInUse, message))
}

/// Where statements stand in IAM now. What does not parse holds none that is known.
pub(super) fn found(role: Option<&ObservedRole>, policies: &ByNumber) -> Placement {
    let statements = |json: &String| Document::parse(json).map(|document| document.statements).unwrap_or_default();
    let inline = role.and_then(|role| role.inline_policies.get(INLINE_POLICY_NAME));
    let inline = inline.map(|json| (Place::Inline, statements(json)));
    let policies = policies.iter().map(|(number, policy)| (Place::Policy(*number), statements(&policy.document)));
    inline.into_iter().chain(policies).collect()
}

/// ARNs of the policies whose versions have to be known before these steps are carried out.
#[must_use]
pub fn versions_needed(steps: &[Step]) -> BTreeSet<String> {
    let arns = steps.iter().filter_map(|step| match step {
        Step::CreatePolicyVersion { arn, .. } | Step::DeletePolicy(arn) => Some(arn.clone()),
        _ => None,
    });
    arns.collect()
}

/// The steps that write another version.
pub(super) fn rewrite(policy: &ObservedPolicy, document: &Document) -> Vec<Step> {
    let arn = policy.arn.clone();
    let in_the_way = policy.version_in_the_way();
    let deletion = in_the_way.map(|old| Step::DeletePolicyVersion { arn: arn.clone(), version: old.id.clone() });
    deletion.into_iter().chain([Step::CreatePolicyVersion { arn: arn.clone(), document: document.clone() }]).collect()
}

/// The steps that delete a policy: its other versions have to go first. One that `before` writes another version of has its
/// present default among these by then.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>
pub(super) fn deletion<'a>(policy: &ObservedPolicy, before: impl IntoIterator<Item = &'a Step>) -> Vec<Step> {
    let (mut is_rewritten, mut gone) = (false, BTreeSet::new());
    for step in before {
        match step {
            Step::CreatePolicyVersion { arn, .. } if *arn == policy.arn => is_rewritten = true,
            Step::DeletePolicyVersion { arn, version } if *arn == policy.arn => drop(gone.insert(version)),
            _ => {}
        }
    }
    let others = policy.versions.iter().flatten();
    let others = others.filter(|version| (is_rewritten || !version.is_default) && !gone.contains(&version.id));
    let versions =
        others.map(|version| Step::DeletePolicyVersion { arn: policy.arn.clone(), version: version.id.clone() });
    versions.chain([Step::DeletePolicy(policy.arn.clone())]).collect()
}
