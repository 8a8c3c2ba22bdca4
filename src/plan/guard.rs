//! What may be done: ownership, immutability, suspension, drift policy, deletion.
//!
//! The last place where anything is decided: the steps that come out of here are carried out as they stand.

use std::collections::BTreeSet;

use super::{
    ObjectClass, Placed,
    desired::DesiredRole,
    diff,
    observed::{ObservedRole, Usage},
    overflow,
    owner::Owner,
    step::{Step, describe},
};
use crate::{
    api::{
        DELETE_IN_USE_ANNOTATION, Reason, TAG_PREFIX,
        class::Mode,
        role::{Adoption, DeletionPolicy, Drift, Unlisted, UnlistedInlinePolicies, UnlistedManagedPolicies},
        rule,
    },
    lint::Finding,
};

/// Paths of roles that AWS makes and nobody else may change.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html>
const RESERVED_PATHS: [&str; 2] = ["/aws-service-role/", "/aws-reserved/"];

/// Names shown in a message before the rest is counted.
const NAMES_SHOWN: usize = 5;

/// What is done about an object that is being deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// These steps delete the role; then the object may go.
    Delete(Vec<Step>),
    /// Role and object stay for now.
    Hold(Hold),
    /// The object may go; the role, if there is one, stays. With a message if that is worth one.
    Release(Option<String>),
}

/// Why IAM stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The reason in conditions and events.
    pub reason: Reason,
    /// Whole sentences that name the object and the fix.
    pub message: String,
    /// What would be done in IAM otherwise, a line a step.
    pub plan: Vec<String>,
}

impl Hold {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), plan: Vec::new() }
    }

    pub(super) fn with_plan(self, steps: &[Step]) -> Self {
        Self { plan: steps.iter().map(ToString::to_string).collect(), ..self }
    }

    /// The hold of an object whose class cannot be used as it stands.
    #[must_use]
    pub fn invalid_class(class: &str, faults: &[Finding]) -> Self {
        let told = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self::new(Reason::InvalidClass, format!("LambdaRoleClass {class} cannot be used: {told}. Correct the class."))
    }

    /// The hold of an object of which not even that is known why it has no class.
    #[must_use]
    pub fn without_class() -> Self {
        Self::new(Reason::ClassNotFound, "The object has no LambdaRoleClass.")
    }

    /// The same, where it keeps an object from being deleted.
    #[must_use]
    pub fn of_deletion(self) -> Self {
        let message = format!(
            "The deletion waits, as it is not known in which account the role is. {} To leave the role, set spec.deletionPolicy to Retain.",
            self.message
        );
        Self { message, ..self }
    }

    /// The hold of an object whose class cannot be decoded.
    #[must_use]
    pub fn unreadable_class(class: &str, fault: &str) -> Self {
        Self::new(Reason::InvalidClass, format!("LambdaRoleClass {class} cannot be read: {fault}. Correct the class."))
    }

    /// The hold of an object that came when its namespace had as many roles as the class allows.
    #[must_use]
    pub fn role_limit(class: &str, namespace: &str, most: usize) -> Self {
        Self::new(
            Reason::RoleLimitReached,
            format!(
                "Namespace {namespace} has the {most} roles that LambdaRoleClass {class} allows (spec.guardrails.maxRolesPerNamespace), and the oldest keep their place. Delete another LambdaExecutionRole, or ask whoever runs the class for more."
            ),
        )
    }

    /// The hold of an object whose role lives in another account than its class is of now, if that is so: an account is as
    /// immutable as a name.
    #[must_use]
    pub fn for_account(role_name: &str, current: Option<&str>, account: &str) -> Option<Self> {
        Self::for_account_of(&format!("Role {role_name}"), current, account)
    }

    /// The same for what `subject` names, as it begins a sentence: `Policy shop-orders`.
    pub(super) fn for_account_of(subject: &str, current: Option<&str>, account: &str) -> Option<Self> {
        let current = current.filter(|current| *current != account)?;
        let message = format!(
            "{subject} is in account {current}, but the object's class is of account {account} now. Nothing is touched. Make the class anew with account {current}, or make a new object."
        );
        Some(Self::new(Reason::AccountMismatch, message))
    }

    /// The hold of a deletion that nobody can tell the meaning of.
    #[must_use]
    pub fn unreadable(fault: &str) -> Self {
        let message = format!(
            "The deletion waits, as the spec cannot be read: {fault}. Correct it, or set spec.deletionPolicy to Retain to leave the role."
        );
        Self::new(Reason::InvalidSpec, message)
    }

    /// The hold of a suspended object.
    #[must_use]
    pub fn suspended() -> Self {
        Self::new(
            Reason::Suspended,
            "spec.suspend is true: IAM is neither read nor written, but for what the class demands. Set it to false to go on.",
        )
    }
}

/// Whose a role is that stands where the object's should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The object's.
    Owned,
    /// Nobody's, and the object may take it over, or see what that would change.
    Adoptable,
    /// Not the object's: it is not touched.
    Foreign(Hold),
}

/// What a role is judged by, beside the spec.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Whose the role shall be.
    pub owner: &'a Owner,
    /// The class of the object.
    pub class: &'a ObjectClass,
    /// Names of roles that are never taken over: those that the controller itself uses.
    pub protected: &'a BTreeSet<String>,
}

/// Judges whose `role` is.
#[must_use]
pub fn standing(desired: &DesiredRole, terms: &Terms<'_>, role: &ObservedRole) -> Standing {
    let Terms { owner, class, protected } = terms;
    let Some(conflict) = conflict(&desired.name, owner, role) else { return Standing::Owned };
    if desired.adoption == Adoption::Never || role.name != desired.name {
        return Standing::Foreign(conflict);
    }
    let refusal = if role.tags.keys().any(|key| key.to_ascii_lowercase().starts_with(TAG_PREFIX)) {
        return Standing::Foreign(conflict);
    } else if protected.iter().any(|name| name.eq_ignore_ascii_case(&role.name)) {
        "the controller itself uses it".to_owned()
    } else if RESERVED_PATHS.iter().any(|path| role.path.starts_with(path)) {
        format!("roles under {} are AWS's own", role.path)
    } else if !class.may_adopt(&role.name) {
        format!(
            "LambdaRoleClass {} does not consent (spec.naming.adoptable)",
            class.name.as_deref().unwrap_or_default()
        )
    } else {
        return Standing::Adoptable;
    };
    let message = format!("Role {} exists already ({}) and is not taken over: {refusal}.", role.name, role.arn);
    Standing::Foreign(Hold::new(Reason::RoleConflict, message))
}

/// The steps that may be carried out, of those that would make `observed` equal to `desired`: all or none.
///
/// `is_settled` says that IAM equalled the spec before, so that a difference now is somebody else's doing.
///
/// # Errors
/// Why IAM stays as it is.
pub fn judge(
    desired: &DesiredRole,
    terms: &Terms<'_>,
    observed: Option<&ObservedRole>,
    steps: Vec<Step>,
    is_settled: bool,
) -> Result<Vec<Step>, Hold> {
    let mut is_adoption = false;
    if let Some(role) = observed {
        match standing(desired, terms, role) {
            Standing::Owned => {}
            Standing::Adoptable => is_adoption = true,
            Standing::Foreign(hold) => return Err(hold),
        }
        if role.path != desired.path {
            let message = format!(
                "spec.path: {} Role {} has the path {}, not {}.",
                sentence(rule::PATH_IMMUTABLE),
                role.name,
                role.path,
                desired.path
            );
            return Err(Hold::new(Reason::InvalidSpec, message));
        }
    }
    let class = terms.class;
    let is_observed = class.mode == Mode::Observe;
    // A name with a slip in it stands for no role yet, and would otherwise make one.
    let is_preview = desired.adoption == Adoption::Observe && (is_adoption || observed.is_none());
    if !steps.is_empty() && (is_observed || is_preview) {
        let (who, fix) = if is_observed {
            let class = class.name.as_deref().unwrap_or_default();
            (format!("LambdaRoleClass {class} only observes"), "To have it done, set spec.mode of the class to Enforce")
        } else {
            ("spec.adoption is Observe".to_owned(), "To have it done, set spec.adoption to ExistingRole")
        };
        let message = format!(
            "{who}, so nothing is written to IAM. To match the spec the controller would: {}. {fix}.",
            describe(&steps)
        );
        return Err(Hold::new(Reason::Observed, message).with_plan(&steps));
    }
    if is_settled && !steps.is_empty() && desired.drift == Drift::Report {
        let message = format!(
            "Role {} was changed by somebody else, and spec.drift is Report. To match the spec the controller would: {}. Undo the change in IAM, change the spec, or set spec.drift to Correct.",
            desired.name,
            describe(&steps)
        );
        return Err(Hold::new(Reason::Drifted, message).with_plan(&steps));
    }
    Ok(steps)
}

/// A role that stands where ours should, if `role` is one.
fn conflict(name: &str, owner: &Owner, role: &ObservedRole) -> Option<Hold> {
    if role.is_owned_by(owner) && role.name == name {
        return None;
    }
    let whose = match Owner::of(&role.tags) {
        Some(other) if other != *owner => format!("it belongs to LambdaExecutionRole {other}"),
        Some(_) | None if role.name != name => {
            format!("role names are compared without regard to case, and {} stands in the way", role.name)
        }
        Some(_) | None => "its tags name no LambdaExecutionRole, so it is not this controller's (if somebody took the tags away, give it back lambdaroles.dev/cluster, /namespace and /name)".to_owned(),
    };
    let mend = Owner::of(&role.tags)
        .and_then(|other| other.of_renamed_cluster(owner))
        .unwrap_or_else(|| "Make a new object with another spec.roleName, or remove the role.".to_owned());
    let message = format!("Role {name} exists already ({}): {whose}. It was not touched. {mend}", role.arn);
    Some(Hold::new(Reason::RoleConflict, message))
}

/// What is known about an object that is being deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal<'a> {
    /// Whose object.
    pub owner: &'a Owner,
    /// Name of its role.
    pub role_name: &'a str,
    /// Delete or retain.
    pub deletion_policy: DeletionPolicy,
    /// The same for a role that turns out to have been adopted.
    pub deletion_policy_if_adopted: DeletionPolicy,
    /// The class, if it only observes.
    pub observing_class: Option<&'a str>,
    /// Whether the object is suspended.
    pub suspend: bool,
    /// What others put on the role.
    pub unlisted: Unlisted,
    /// Whether the annotation to delete a role in use is set.
    pub delete_in_use: bool,
}

impl Removal<'_> {
    /// Judges what needs no look at IAM; `None` if IAM must be looked at.
    #[must_use]
    pub fn judge_unseen(&self) -> Option<Verdict> {
        match (self.deletion_policy, self.suspend) {
            (DeletionPolicy::Retain, _) => Some(self.retained()),
            (DeletionPolicy::Delete, true) => Some(Verdict::Hold(Hold::new(
                Reason::Suspended,
                format!(
                    "The deletion waits: spec.suspend is true, so role {} is not touched. Set spec.suspend to false to delete the role, or spec.deletionPolicy to Retain to leave it.",
                    self.role_name
                ),
            ))),
            (DeletionPolicy::Delete, false) => None,
        }
    }

    fn retained(&self) -> Verdict {
        Verdict::Release(Some(format!("Role {} stays, as its deletion policy is Retain.", self.role_name)))
    }

    /// Whether `role` is this object's, so that it is worth asking who uses it.
    #[must_use]
    pub fn concerns(&self, role: &ObservedRole) -> bool {
        conflict(self.role_name, self.owner, role).is_none()
    }

    /// Judges the role as IAM holds it, given who uses it and what on it is the object's own.
    #[must_use]
    pub fn judge(&self, observed: Option<&ObservedRole>, usage: &Usage, placed: &Placed) -> Verdict {
        match observed {
            None => self.judge_remains(placed),
            Some(role) if self.concerns(role) && self.is_retained(role) => self.retained(),
            Some(role) if self.concerns(role) => self.judge_owned(role, usage, placed),
            Some(_) => Verdict::Release(Some(format!("Role {} is not this object's and stays.", self.role_name))),
        }
    }

    /// Managed policies of its own that outlived a role which somebody else deleted.
    fn judge_remains(&self, placed: &Placed) -> Verdict {
        let policies = &placed.overflow_policies;
        match (policies.is_empty(), self.observing_class, overflow::in_use(self.role_name, None, policies)) {
            (false, None, None) => {
                Verdict::Delete(policies.values().flat_map(|policy| overflow::deletion(policy, [])).collect())
            }
            (false, None, Some(hold)) => Verdict::Hold(hold),
            (true, _, _) | (false, Some(_), _) => Verdict::Release(None),
        }
    }

    fn is_retained(&self, role: &ObservedRole) -> bool {
        role.is_adopted() && self.deletion_policy_if_adopted == DeletionPolicy::Retain
    }

    fn judge_owned(&self, role: &ObservedRole, usage: &Usage, placed: &Placed) -> Verdict {
        let Usage { instance_profiles, functions } = usage;
        let name = &role.name;
        if !instance_profiles.is_empty() {
            return Verdict::Hold(Hold::new(
                Reason::InUseByInstanceProfile,
                format!(
                    "Role {name} is not deleted: instance profile {} holds it, which this object does not own. Remove the role from it.",
                    listed(instance_profiles)
                ),
            ));
        }
        if !functions.is_empty() && !self.delete_in_use {
            return Verdict::Hold(Hold::new(
                Reason::InUseByFunctions,
                format!(
                    "Role {name} is not deleted: Lambda runs {} with it. Give the functions another role, or set the annotation {DELETE_IN_USE_ANNOTATION} to \"true\" to delete it all the same.",
                    listed(functions)
                ),
            ));
        }
        let foreign = self.foreign_policies(role, placed);
        if !foreign.is_empty() {
            return Verdict::Hold(Hold::new(
                Reason::ForeignPolicies,
                format!(
                    "Role {name} is not deleted: others put {} on it, and spec.unlisted keeps them. Remove them, or set spec.unlisted to Detach and Delete.",
                    listed(&foreign)
                ),
            ));
        }
        if let Some(hold) = overflow::in_use(name, Some(role), &placed.overflow_policies) {
            return Verdict::Hold(hold);
        }
        let steps = diff::deletion(role, &placed.overflow_policies);
        match self.observing_class {
            Some(class) => Verdict::Hold(
                Hold::new(
                    Reason::Observed,
                    format!(
                        "Role {name} is not deleted: LambdaRoleClass {class} only observes. Set spec.mode of the class to Enforce, or spec.deletionPolicy to Retain to leave the role."
                    ),
                )
                .with_plan(&steps),
            ),
            None => Verdict::Delete(steps),
        }
    }

    fn foreign_policies(&self, role: &ObservedRole, placed: &Placed) -> Vec<String> {
        let managed = role.managed_policies.iter().filter(|arn| {
            self.unlisted.managed_policies == UnlistedManagedPolicies::Keep
                && !placed.managed_policies.contains(*arn)
                && !placed.has_overflow_policy(arn)
        });
        let inline = role.inline_policies.keys().filter(|name| {
            self.unlisted.inline_policies == UnlistedInlinePolicies::Keep && !placed.has_inline_policy(name)
        });
        managed.chain(inline).cloned().collect()
    }
}

pub(super) fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMES_SHOWN) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        Some(_) | None => shown,
    }
}

pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    format!("{}.", first.chain(characters).collect::<String>())
}
