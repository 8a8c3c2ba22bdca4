//! The events that each outcome makes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{Outcome, Pass, clipped, conditions::condition, has_synced};
use crate::{
    api::{ADOPTED_TAG, ConditionType, LambdaExecutionRoleStatus, Reason},
    plan::{Class, Failure, Hold, Step, TrackedPolicy, step::describe},
};

/// An event for the object's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The event's reason.
    pub reason: Reason,
    /// The event's text.
    pub message: String,
    /// Whether it is a warning.
    pub is_warning: bool,
}

/// The event for an object that goes.
#[must_use]
pub fn farewell(deleted: bool, role_name: &str, message: Option<&str>) -> Option<Note> {
    let note = |reason, message: String| Note { reason, message: clipped(&message), is_warning: false };
    match (deleted, message) {
        (true, _) => Some(note(Reason::Deleted, format!("Role {role_name} was deleted."))),
        (false, Some(message)) => Some(note(Reason::Retained, message.to_owned())),
        (false, None) => None,
    }
}

/// Events: what was done, and what somebody has to see to. A state that goes on is told once.
pub(super) fn notes(pass: &Pass<'_>, outcome: &Outcome<'_>, status: &LambdaExecutionRoleStatus) -> Vec<Note> {
    let mut notes = Vec::new();
    let (applied, desired): (&[Step], _) = match outcome {
        Outcome::Failed { applied, desired, .. } => (applied, *desired),
        Outcome::Synced { applied, desired, .. } => (applied, Some(*desired)),
        Outcome::Rejected { enforced, .. } | Outcome::Held { enforced, .. } => {
            notes.extend(enforcement(enforced));
            (&[], None)
        }
    };
    if let [first, ..] = applied {
        let is_drift = desired.is_some_and(|desired| has_synced(pass.previous, pass.generation, desired));
        let (reason, message) = match first {
            Step::CreateRole(_) if is_drift => (
                Reason::DriftCorrected,
                format!(
                    "Somebody else deleted the role; made a new one: {}. Its unique id is another: set it anew on functions that use a KMS key, whose grants named the old one.",
                    describe(applied)
                ),
            ),
            _ if is_drift => {
                (Reason::DriftCorrected, format!("Undid what somebody else changed in IAM: {}.", describe(applied)))
            }
            Step::TagRole(tags) if tags.contains_key(ADOPTED_TAG) => {
                (Reason::Adopted, format!("Took over a role that was there before: {}.", describe(applied)))
            }
            Step::CreateRole(_) => (Reason::Created, format!("Changed IAM: {}.", describe(applied))),
            _ => (Reason::Updated, format!("Changed IAM: {}.", describe(applied))),
        };
        notes.push(Note { reason, message: clipped(&message), is_warning: is_drift });
    }
    if let Outcome::Synced { tracked, .. } = outcome {
        notes.extend(tracked.iter().filter_map(policy_change));
    }
    notes.extend(warning(pass, outcome, status));
    notes
}

/// The condition that tells of a hold.
pub(in crate::plan) fn held_in(hold: &Hold, is_deleting: bool) -> ConditionType {
    match (hold.reason, is_deleting) {
        (Reason::Suspended, _) => ConditionType::Synced,
        (_, true) => ConditionType::DeletionBlocked,
        (_, false) => ConditionType::Ready,
    }
}

/// The condition that tells of a failure; `None` for one that passes by itself.
pub(in crate::plan) fn failed_in(failure: &Failure) -> Option<ConditionType> {
    match failure.class {
        Class::Terminal => Some(ConditionType::Stalled),
        Class::Waiting => Some(ConditionType::Reconciling),
        Class::Transient | Class::Throttled | Class::Conflict => None,
    }
}

/// Told on every role that has the policy. Which one that is changes with the status, so it is told once.
fn policy_change(policy: &TrackedPolicy) -> Option<Note> {
    let message = policy.message()?;
    Some(Note { reason: Reason::ManagedPolicyChanged, message: clipped(&message), is_warning: true })
}

pub(in crate::plan) fn enforcement(steps: &[Step]) -> Option<Note> {
    let message = || clipped(&format!("Did what the class's guardrails demand: {}.", describe(steps)));
    (!steps.is_empty()).then(|| Note { reason: Reason::GuardrailEnforced, message: message(), is_warning: true })
}

fn warning(pass: &Pass<'_>, outcome: &Outcome<'_>, status: &LambdaExecutionRoleStatus) -> Option<Note> {
    let kind = match outcome {
        Outcome::Synced { .. } => return None,
        Outcome::Held { hold, is_deleting, .. } => held_in(hold, *is_deleting),
        Outcome::Rejected { .. } => ConditionType::Ready,
        Outcome::Failed { failure, .. } => failed_in(failure)?,
    };
    let reason = match outcome {
        Outcome::Rejected { .. } => Reason::InvalidSpec,
        Outcome::Held { hold, .. } => hold.reason,
        Outcome::Failed { failure, .. } => failure.reason,
        Outcome::Synced { .. } => return None,
    };
    news(&pass.previous.conditions, &status.conditions, kind, reason)
}

/// The event for a condition that says something else than before.
pub(in crate::plan) fn news(
    previous: &[Condition],
    now: &[Condition],
    kind: ConditionType,
    reason: Reason,
) -> Option<Note> {
    let now = condition(now, kind)?;
    let is_news =
        condition(previous, kind).is_none_or(|before| before.reason != now.reason || before.message != now.message);
    is_news.then(|| Note {
        reason,
        message: now.message.clone(),
        is_warning: !matches!(reason, Reason::Suspended | Reason::Observed | Reason::PolicyNotReady),
    })
}
