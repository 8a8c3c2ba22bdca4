//! What is said of an object after a pass: conditions, events, and when to look again.

use std::time::Duration;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::{SignedDuration, Timestamp},
};

use super::{Class, DesiredRole, Failure, Hold, Rejection, Step, desired::INLINE_QUOTA, step::describe};
use crate::api::{ConditionType, LambdaExecutionRoleStatus, Reason, status::AttachedPolicy};

/// Longest message in bytes: events take no more than 1024, and conditions should read the same.
const MESSAGE_MAX: usize = 1000;

/// What came of a pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<'a> {
    /// The spec cannot be.
    Rejected(&'a [Rejection]),
    /// IAM was left as it was.
    Held {
        /// Why.
        hold: &'a Hold,
        /// Whether the object is being deleted.
        is_deleting: bool,
    },
    /// A call failed.
    Failed {
        /// What follows from it.
        failure: &'a Failure,
        /// What was done before.
        applied: &'a [Step],
        /// Whether it was known that something had to be done.
        is_behind: bool,
    },
    /// IAM equals the spec.
    Synced {
        /// The role.
        desired: &'a DesiredRole,
        /// Its ARN, id and account.
        identity: &'a Identity,
        /// What was done; nothing if nothing had to be.
        applied: &'a [Step],
    },
}

/// What AWS calls the role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// ARN.
    pub arn: String,
    /// Unique id, `AROA…`.
    pub id: String,
    /// Account.
    pub account_id: String,
}

/// The circumstances of a pass.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    /// The status as it was.
    pub previous: &'a LambdaExecutionRoleStatus,
    /// Generation of the spec that the pass read.
    pub generation: Option<i64>,
    /// Value of the annotation that forces a look.
    pub reconcile_at: Option<&'a str>,
    /// When the pass ended.
    pub now: Timestamp,
    /// How long after the last write a role counts as propagated.
    pub settle: Duration,
}

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

/// When the object is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// When the settle window has passed; IAM need not be read for it.
    Settled(Duration),
    /// When the settle window has passed, with a look at IAM: the last one came so soon after a change that it may not
    /// have seen it.
    Verify(Duration),
    /// At the resync interval.
    Resync,
    /// After a backoff that fits the class.
    Backoff(Class),
}

/// What is said of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The whole new status.
    pub status: LambdaExecutionRoleStatus,
    /// The events.
    pub notes: Vec<Note>,
    /// When to look again.
    pub next: Next,
}

/// Whether `status` says that IAM equalled this generation of the spec at the last look, so that a difference now is
/// drift and not work in progress.
#[must_use]
pub fn is_settled(status: &LambdaExecutionRoleStatus, generation: Option<i64>) -> bool {
    let holds =
        |kind| condition(status, kind).is_some_and(|c| c.status == "True" && c.observed_generation == generation);
    holds(ConditionType::Synced) || holds(ConditionType::Drifted)
}

/// What is said after a pass.
#[must_use]
pub fn report(pass: &Pass<'_>, outcome: &Outcome<'_>) -> Report {
    let mut status = LambdaExecutionRoleStatus {
        observed_generation: pass.generation,
        last_handled_reconcile_at: pass.reconcile_at.map(str::to_owned),
        conditions: Vec::new(),
        ..pass.previous.clone()
    };
    let (verdicts, next) = match outcome {
        Outcome::Rejected(faults) => (rejected(faults), Next::Resync),
        Outcome::Held { hold, is_deleting } => (held(pass, hold, *is_deleting), Next::Resync),
        Outcome::Failed { failure, applied, is_behind } => {
            if !applied.is_empty() {
                status.last_change_time = Some(whole_seconds(pass.now));
            }
            note_attachments(&mut status.managed_policies, applied);
            let next = match failure.class {
                Class::Terminal => Next::Resync,
                class @ (Class::Waiting | Class::Transient | Class::Throttled | Class::Conflict) => {
                    Next::Backoff(class)
                }
            };
            (failed(pass, failure, *is_behind), next)
        }
        Outcome::Synced { desired, identity, applied } => {
            describe_role(&mut status, desired, identity);
            if !applied.is_empty() {
                status.last_change_time = Some(whole_seconds(pass.now));
            }
            let wait = unsettled_for(&status, pass.now, pass.settle);
            let was_settled = unsettled_for(pass.previous, pass.now, pass.settle).is_none();
            let next = match wait {
                None => Next::Resync,
                Some(wait) if was_settled => Next::Settled(wait),
                Some(wait) => Next::Verify(wait),
            };
            (synced(&desired.name, wait), next)
        }
    };
    status.conditions = verdicts.into_iter().map(|verdict| verdict.condition(pass)).collect();
    let notes = notes(pass, outcome, &status);
    Report { status, notes, next }
}

/// The status once the settle window has passed, for an object that nothing else changed; or how long it still takes.
/// `None` if the object does not wait for that. What a look since then found amiss stays said.
#[must_use]
pub fn settle(pass: &Pass<'_>) -> Option<Report> {
    let is_pending = |condition: &Condition| condition.reason == Reason::PropagationPending.as_str();
    condition(pass.previous, ConditionType::Ready).filter(|ready| is_pending(ready))?;
    let wait = unsettled_for(pass.previous, pass.now, pass.settle);
    let name = pass.previous.role_name.as_deref().unwrap_or_default();
    let amiss: Vec<Verdict> = [ConditionType::Reconciling, ConditionType::Stalled]
        .into_iter()
        .filter_map(|kind| condition(pass.previous, kind).map(|before| (kind, before)))
        .filter(|(_, before)| !is_pending(before))
        .map(|(kind, before)| Verdict::kept(before, kind))
        .collect();
    let mut verdicts = synced(name, wait);
    if !amiss.is_empty() {
        verdicts.retain(|verdict| verdict.kind != ConditionType::Reconciling);
        verdicts.extend(amiss);
    }
    let mut status = pass.previous.clone();
    status.conditions = verdicts.into_iter().map(|verdict| verdict.condition(pass)).collect();
    Some(Report { status, notes: Vec::new(), next: wait.map_or(Next::Resync, Next::Settled) })
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

fn describe_role(status: &mut LambdaExecutionRoleStatus, desired: &DesiredRole, identity: &Identity) {
    status.role_arn = Some(identity.arn.clone());
    status.role_name = Some(desired.name.clone());
    status.role_id = Some(identity.id.clone());
    status.account_id = Some(identity.account_id.clone());
    status.managed_policies = desired.managed_policies.iter().map(|arn| AttachedPolicy { arn: arn.clone() }).collect();
    status.inline_characters = i64::try_from(desired.inline_characters()).ok();
    status.inline_quota = i64::try_from(INLINE_QUOTA).ok();
}

/// Under `unlisted: Keep` only what this list names is ever detached again, so it must not lose what a failed pass did.
fn note_attachments(attached: &mut Vec<AttachedPolicy>, applied: &[Step]) {
    for step in applied {
        match step {
            Step::AttachManagedPolicy(arn) if attached.iter().all(|policy| policy.arn != *arn) => {
                attached.push(AttachedPolicy { arn: arn.clone() });
            }
            Step::DetachManagedPolicy(arn) => attached.retain(|policy| policy.arn != *arn),
            _ => {}
        }
    }
}

/// A condition before it has a time.
struct Verdict {
    kind: ConditionType,
    /// `None` for unknown.
    holds: Option<bool>,
    reason: String,
    message: String,
}

impl Verdict {
    fn new(kind: ConditionType, holds: impl Into<Option<bool>>, reason: Reason, message: &str) -> Self {
        Self { kind, holds: holds.into(), reason: reason.as_str().to_owned(), message: clipped(message) }
    }

    /// The verdict of the last look, where this pass learned nothing new.
    fn kept(previous: &Condition, kind: ConditionType) -> Self {
        let holds = match previous.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        };
        Self { kind, holds, reason: previous.reason.clone(), message: previous.message.clone() }
    }

    /// With the rules of apimachinery's `SetStatusCondition`: the time moves only when the status does.
    fn condition(self, pass: &Pass<'_>) -> Condition {
        let status = match self.holds {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let last_transition_time = condition(pass.previous, self.kind)
            .filter(|previous| previous.status == status)
            .map_or_else(|| whole_seconds(pass.now), |previous| previous.last_transition_time.clone());
        Condition {
            type_: self.kind.to_string(),
            status: status.to_owned(),
            reason: self.reason,
            message: self.message,
            observed_generation: pass.generation,
            last_transition_time,
        }
    }
}

fn accepted() -> Verdict {
    Verdict::new(ConditionType::Accepted, true, Reason::Accepted, "The spec is valid.")
}

/// For passes that may have ended before the spec was judged: the last judgement, if it counts still.
fn accepted_before(pass: &Pass<'_>, counts: impl Fn(&Condition) -> bool) -> Verdict {
    condition(pass.previous, ConditionType::Accepted)
        .filter(|before| counts(before))
        .map_or_else(accepted, |before| Verdict::kept(before, ConditionType::Accepted))
}

fn rejected(faults: &[Rejection]) -> Vec<Verdict> {
    let message = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    vec![
        Verdict::new(ConditionType::Ready, false, Reason::InvalidSpec, &message),
        Verdict::new(ConditionType::Accepted, false, Reason::InvalidSpec, &message),
        Verdict::new(
            ConditionType::Synced,
            false,
            Reason::InvalidSpec,
            "IAM was left as it was, because the spec is not valid.",
        ),
        Verdict::new(ConditionType::Stalled, true, Reason::InvalidSpec, &message),
    ]
}

fn held(pass: &Pass<'_>, hold: &Hold, is_deleting: bool) -> Vec<Verdict> {
    let Hold { reason, message } = hold;
    if is_deleting {
        return vec![
            Verdict::new(ConditionType::Ready, false, Reason::Deleting, message),
            accepted_before(pass, |_| true),
            Verdict::new(ConditionType::Synced, false, Reason::Deleting, message),
            Verdict::new(ConditionType::DeletionBlocked, true, *reason, message),
        ];
    }
    match reason {
        Reason::Suspended => vec![
            Verdict::new(ConditionType::Ready, None, *reason, message),
            accepted(),
            Verdict::new(ConditionType::Synced, None, *reason, message),
        ],
        Reason::Drifted => vec![
            Verdict::new(ConditionType::Ready, false, *reason, message),
            accepted(),
            Verdict::new(ConditionType::Synced, false, *reason, message),
            Verdict::new(ConditionType::Drifted, true, *reason, message),
        ],
        Reason::InvalidSpec => vec![
            Verdict::new(ConditionType::Ready, false, *reason, message),
            Verdict::new(ConditionType::Accepted, false, *reason, message),
            Verdict::new(ConditionType::Synced, false, *reason, message),
            Verdict::new(ConditionType::Stalled, true, *reason, message),
        ],
        // Whatever else holds IAM as it is needs somebody.
        _ => vec![
            Verdict::new(ConditionType::Ready, false, *reason, message),
            accepted(),
            Verdict::new(ConditionType::Synced, false, *reason, message),
            Verdict::new(ConditionType::Stalled, true, *reason, message),
        ],
    }
}

/// A look that failed does not unsay what the last one saw: as long as nothing is known to be wrong, `Ready` and
/// `Synced` stay, and `Reconciling` says what the matter is.
fn failed(pass: &Pass<'_>, failure: &Failure, is_behind: bool) -> Vec<Verdict> {
    let Failure { class, reason, message } = failure;
    let is_kept = !is_behind && is_settled(pass.previous, pass.generation);
    let kept = |kind| condition(pass.previous, kind).filter(|_| is_kept).map(|previous| Verdict::kept(previous, kind));
    let or_false = |kind| kept(kind).unwrap_or_else(|| Verdict::new(kind, false, *reason, message));
    let abnormal = if *class == Class::Terminal { ConditionType::Stalled } else { ConditionType::Reconciling };
    let drifted = kept(ConditionType::Drifted);
    let accepted = accepted_before(pass, |accepted| accepted.observed_generation == pass.generation);
    let mut verdicts = vec![or_false(ConditionType::Ready), accepted, or_false(ConditionType::Synced)];
    verdicts.extend(drifted);
    verdicts.push(Verdict::new(abnormal, true, *reason, message));
    verdicts
}

fn synced(name: &str, wait: Option<Duration>) -> Vec<Verdict> {
    let in_sync = Verdict::new(ConditionType::Synced, true, Reason::Synced, &format!("Role {name} equals the spec."));
    if wait.is_none() {
        let ready = format!("Role {name} is in place.");
        return vec![Verdict::new(ConditionType::Ready, true, Reason::Ready, &ready), accepted(), in_sync];
    }
    let message = format!("Role {name} was changed, and IAM takes a moment to show it everywhere.");
    vec![
        Verdict::new(ConditionType::Ready, false, Reason::PropagationPending, &message),
        accepted(),
        in_sync,
        Verdict::new(ConditionType::Reconciling, true, Reason::PropagationPending, &message),
    ]
}

/// How long until the last change counts as propagated.
fn unsettled_for(status: &LambdaExecutionRoleStatus, now: Timestamp, settle: Duration) -> Option<Duration> {
    let since = now.duration_since(status.last_change_time.as_ref()?.0);
    let left = SignedDuration::try_from(settle).ok()?.checked_sub(since)?;
    Duration::try_from(left).ok().filter(|left| !left.is_zero())
}

/// Events: what was done, and what somebody has to see to. A state that goes on is told once.
fn notes(pass: &Pass<'_>, outcome: &Outcome<'_>, status: &LambdaExecutionRoleStatus) -> Vec<Note> {
    let mut notes = Vec::new();
    let applied: &[Step] = match outcome {
        Outcome::Failed { applied, .. } | Outcome::Synced { applied, .. } => applied,
        Outcome::Rejected(_) | Outcome::Held { .. } => &[],
    };
    if !applied.is_empty() {
        let reason = match applied.first() {
            Some(Step::CreateRole(_)) => Reason::Created,
            _ if is_settled(pass.previous, pass.generation) => Reason::DriftCorrected,
            _ => Reason::Updated,
        };
        let message = match reason {
            Reason::DriftCorrected => format!("Undid what somebody else changed in IAM: {}.", describe(applied)),
            _ => format!("Changed IAM: {}.", describe(applied)),
        };
        notes.push(Note { reason, message: clipped(&message), is_warning: reason == Reason::DriftCorrected });
    }
    notes.extend(warning(pass, outcome, status));
    notes
}

fn warning(pass: &Pass<'_>, outcome: &Outcome<'_>, status: &LambdaExecutionRoleStatus) -> Option<Note> {
    let kind = match outcome {
        Outcome::Synced { .. } => return None,
        Outcome::Held { hold, .. } if hold.reason == Reason::Suspended => ConditionType::Synced,
        Outcome::Held { is_deleting: true, .. } => ConditionType::DeletionBlocked,
        Outcome::Held { .. } | Outcome::Rejected(_) => ConditionType::Ready,
        Outcome::Failed { failure, .. } => match failure.class {
            Class::Terminal => ConditionType::Stalled,
            Class::Waiting => ConditionType::Reconciling,
            Class::Transient | Class::Throttled | Class::Conflict => return None,
        },
    };
    let now = condition(status, kind)?;
    let is_news = condition(pass.previous, kind)
        .is_none_or(|before| before.reason != now.reason || before.message != now.message);
    let reason = match outcome {
        Outcome::Rejected(_) => Reason::InvalidSpec,
        Outcome::Held { hold, .. } => hold.reason,
        Outcome::Failed { failure, .. } => failure.reason,
        Outcome::Synced { .. } => return None,
    };
    is_news.then(|| Note { reason, message: now.message.clone(), is_warning: reason != Reason::Suspended })
}

fn condition(status: &LambdaExecutionRoleStatus, kind: ConditionType) -> Option<&Condition> {
    let kind: &str = kind.into();
    status.conditions.iter().find(|condition| condition.type_ == kind)
}

fn clipped(message: &str) -> String {
    if message.len() <= MESSAGE_MAX {
        return message.to_owned();
    }
    let end = (0..=MESSAGE_MAX).rev().find(|index| message.is_char_boundary(*index)).unwrap_or_default();
    format!("{}…", &message[..end])
}

/// Kubernetes keeps times to the second.
fn whole_seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}
