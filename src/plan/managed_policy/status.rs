//! What is said of a policy after a pass: conditions, events, and when to look again.

use super::desired::DesiredPolicy;
use crate::{
    api::{ConditionType, LambdaManagedPolicyStatus, Reason},
    lint::Finding,
    plan::{
        Class, Failure, Hold, Step,
        status::{
            self, Next, Note, PLAN_MAX, clipped,
            conditions::{Moment, failed, held, rejected, settled, synced},
            notes::{enforcement, failed_in, held_in, news},
            unsettled_for, warnings, whole_seconds,
        },
        step::describe,
    },
};

/// The circumstances of a pass.
pub type Pass<'a> = status::Pass<'a, LambdaManagedPolicyStatus>;

/// What is said of an object.
pub type Report = status::Report<LambdaManagedPolicyStatus>;

/// What came of a pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<'a> {
    /// The spec cannot be.
    Rejected {
        /// The findings, of which at least one is an error.
        findings: &'a [Finding],
        /// What the class's guardrails had done all the same.
        enforced: &'a [Step],
    },
    /// IAM was left as it was.
    Held {
        /// Why.
        hold: &'a Hold,
        /// Whether the object is being deleted.
        is_deleting: bool,
        /// What the class's guardrails had done all the same.
        enforced: &'a [Step],
    },
    /// A call failed.
    Failed {
        /// What follows from it.
        failure: &'a Failure,
        /// The policy as the spec asks for it, if the pass came so far.
        desired: Option<&'a DesiredPolicy>,
        /// What was done before.
        applied: &'a [Step],
        /// Whether it was known that something had to be done.
        is_behind: bool,
    },
    /// IAM equals the spec.
    Synced {
        /// The policy.
        desired: &'a DesiredPolicy,
        /// What AWS calls it.
        identity: &'a Identity,
        /// What was done; nothing if nothing had to be.
        applied: &'a [Step],
    },
}

/// What AWS calls the policy, and what it says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Unique id, `ANPA…`.
    pub id: String,
    /// Account.
    pub account_id: String,
    /// Id of the default version, `v1`.
    pub default_version: String,
    /// How many users, groups and roles it is attached to.
    pub attachment_count: usize,
}

fn moment<'a>(pass: &'a Pass<'_>) -> Moment<'a> {
    Moment { previous: &pass.previous.conditions, generation: pass.generation, now: pass.now }
}

/// Whether IAM equalled what `desired` asks of it before, so that a difference now is somebody else's doing. As for roles, it
/// does not outlast a generation that left no trace in the status.
#[must_use]
pub fn has_synced(status: &LambdaManagedPolicyStatus, generation: Option<i64>, desired: &DesiredPolicy) -> bool {
    let is_next = status.observed_generation.zip(generation).is_some_and(|(before, now)| now <= before + 1);
    is_next && status.synced_fingerprint == Some(desired.fingerprint())
}

/// What is said after a pass.
#[must_use]
pub fn report(pass: &Pass<'_>, outcome: &Outcome<'_>) -> Report {
    let mut status = LambdaManagedPolicyStatus {
        observed_generation: pass.generation,
        last_handled_reconcile_at: pass.reconcile_at.map(str::to_owned),
        conditions: Vec::new(),
        plan: Vec::new(),
        class_name: pass.class_name.map(str::to_owned).or_else(|| pass.previous.class_name.clone()),
        ..pass.previous.clone()
    };
    let (verdicts, next) = match outcome {
        Outcome::Rejected { findings, enforced } => {
            status.warnings = warnings(findings);
            note_enforced(&mut status, pass, enforced);
            (rejected(findings, !enforced.is_empty()), Next::Resync)
        }
        Outcome::Held { hold, is_deleting, enforced } => {
            note_enforced(&mut status, pass, enforced);
            status.plan = hold.plan.iter().take(PLAN_MAX).cloned().collect();
            // What stands in the way of a deletion goes without a sign; what suspends it does not.
            let is_watched = !*is_deleting || hold.reason == Reason::Suspended;
            let next = if is_watched { Next::Resync } else { Next::Backoff(Class::Waiting) };
            (held(&moment(pass), hold, *is_deleting), next)
        }
        Outcome::Failed { failure, desired, applied, is_behind } => {
            if !applied.is_empty() {
                status.last_change_time = Some(whole_seconds(pass.now));
                // From now on the object has a policy, which can be neither renamed nor moved.
                status.policy_arn = desired.map(|desired| desired.arn.clone()).or(status.policy_arn);
                // What was done is ours, also if the spec goes back to what it was.
                let is_drift = desired.is_some_and(|desired| has_synced(pass.previous, pass.generation, desired));
                status.synced_fingerprint = status.synced_fingerprint.filter(|_| is_drift);
            }
            if let Some(desired) = desired {
                status.warnings = warnings(&desired.warnings);
            }
            let next = match failure.class {
                Class::Terminal => Next::Resync,
                class @ (Class::Waiting | Class::Transient | Class::Throttled | Class::Conflict) => {
                    Next::Backoff(class)
                }
            };
            (failed(&moment(pass), failure, desired.is_some(), *is_behind), next)
        }
        Outcome::Synced { desired, identity, applied } => {
            describe_policy(&mut status, desired, identity);
            // A change may have been made that this status does not know of, by a pass that could not write it.
            if !applied.is_empty() || !has_synced(pass.previous, pass.generation, desired) {
                status.last_change_time = Some(whole_seconds(pass.now));
            }
            let wait = unsettled_for(status.last_change_time.as_ref(), pass.now, pass.settle);
            let was_settled = unsettled_for(pass.previous.last_change_time.as_ref(), pass.now, pass.settle).is_none();
            let next = match wait {
                None => Next::Resync,
                Some(wait) if was_settled => Next::Settled(wait),
                Some(wait) => Next::Verify(wait),
            };
            (synced(&format!("Policy {}", desired.name), wait), next)
        }
    };
    status.conditions = verdicts.into_iter().map(|verdict| verdict.condition(&moment(pass))).collect();
    let notes = notes(pass, outcome, &status);
    Report { status, notes, next }
}

/// The status once the settle window has passed, for an object that nothing else changed; or how long it still takes.
/// `None` if the object does not wait for that. What a look since then found amiss stays said.
#[must_use]
pub fn settle(pass: &Pass<'_>) -> Option<Report> {
    let wait = unsettled_for(pass.previous.last_change_time.as_ref(), pass.now, pass.settle);
    let name = pass.previous.policy_name.as_deref().unwrap_or_default();
    let verdicts = settled(&pass.previous.conditions, &format!("Policy {name}"), wait)?;
    let mut status = pass.previous.clone();
    status.conditions = verdicts.into_iter().map(|verdict| verdict.condition(&moment(pass))).collect();
    Some(Report { status, notes: Vec::new(), next: wait.map_or(Next::Resync, Next::Settled) })
}

fn describe_policy(status: &mut LambdaManagedPolicyStatus, desired: &DesiredPolicy, identity: &Identity) {
    let number = |number: usize| i64::try_from(number).ok();
    status.policy_arn = Some(desired.arn.clone());
    status.policy_name = Some(desired.name.clone());
    status.policy_id = Some(identity.id.clone());
    status.account_id = Some(identity.account_id.clone());
    status.default_version_id = Some(identity.default_version.clone());
    status.attachment_count = number(identity.attachment_count);
    status.characters = number(desired.document.characters());
    status.quota = number(desired.quota);
    status.synced_fingerprint = Some(desired.fingerprint());
    status.warnings = warnings(&desired.warnings);
}

/// What was taken away is IAM's state now, and no longer what the spec asked for when IAM equalled it.
fn note_enforced(status: &mut LambdaManagedPolicyStatus, pass: &Pass<'_>, enforced: &[Step]) {
    if !enforced.is_empty() {
        status.last_change_time = Some(whole_seconds(pass.now));
        status.synced_fingerprint = None;
    }
}

/// The event for an object that goes, and whose policy was deleted or stays with a `message`.
#[must_use]
pub fn farewell(deleted: bool, policy_name: &str, message: Option<&str>) -> Option<Note> {
    let note = |reason, message: String| Note { reason, message: clipped(&message), is_warning: false };
    match (deleted, message) {
        (true, _) => Some(note(Reason::Deleted, format!("Policy {policy_name} was deleted."))),
        (false, Some(message)) => Some(note(Reason::Retained, message.to_owned())),
        (false, None) => None,
    }
}

/// Events: what was done, and what somebody has to see to. A state that goes on is told once.
fn notes(pass: &Pass<'_>, outcome: &Outcome<'_>, status: &LambdaManagedPolicyStatus) -> Vec<Note> {
    let (done, news): (Option<Note>, _) = match outcome {
        Outcome::Rejected { enforced, .. } => {
            (enforcement(enforced), Some((ConditionType::Ready, Reason::InvalidSpec)))
        }
        Outcome::Held { hold, is_deleting, enforced } => {
            (enforcement(enforced), Some((held_in(hold, *is_deleting), hold.reason)))
        }
        Outcome::Failed { failure, desired, applied, .. } => {
            (change(pass, *desired, applied), failed_in(failure).map(|kind| (kind, failure.reason)))
        }
        Outcome::Synced { desired, applied, .. } => (change(pass, Some(desired), applied), None),
    };
    let news = news.and_then(|(kind, reason)| self::news(&pass.previous.conditions, &status.conditions, kind, reason));
    done.into_iter().chain(news).collect()
}

fn change(pass: &Pass<'_>, desired: Option<&DesiredPolicy>, applied: &[Step]) -> Option<Note> {
    let is_drift = desired.is_some_and(|desired| has_synced(pass.previous, pass.generation, desired));
    let (reason, message) = match applied.first()? {
        Step::CreatePolicy(_) if is_drift => (
            Reason::DriftCorrected,
            format!("Somebody else deleted the policy; made a new one: {}.", describe(applied)),
        ),
        _ if is_drift => {
            (Reason::DriftCorrected, format!("Undid what somebody else changed in IAM: {}.", describe(applied)))
        }
        Step::CreatePolicy(_) => (Reason::Created, format!("Changed IAM: {}.", describe(applied))),
        _ => (Reason::Updated, format!("Changed IAM: {}.", describe(applied))),
    };
    Some(Note { reason, message: clipped(&message), is_warning: is_drift })
}
