//! The conditions that each outcome makes.

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Condition, jiff::Timestamp};

use super::{clipped, whole_seconds};
use crate::{
    api::{ConditionType, Reason},
    lint::{Finding, Severity},
    plan::{Class, Failure, Hold},
};

/// The condition of a kind, if the status has it.
pub(in crate::plan) fn condition(conditions: &[Condition], kind: ConditionType) -> Option<&Condition> {
    let kind: &str = kind.into();
    conditions.iter().find(|condition| condition.type_ == kind)
}

/// What conditions are made from, beside what is said.
#[derive(Clone, Copy, Debug)]
pub(in crate::plan) struct Moment<'a> {
    /// The conditions as they were.
    pub(in crate::plan) previous: &'a [Condition],
    /// Generation of the spec that the pass read.
    pub(in crate::plan) generation: Option<i64>,
    /// When the pass ended.
    pub(in crate::plan) now: Timestamp,
}

impl Moment<'_> {
    /// Whether IAM equalled this generation of the spec at the last look, or differed by drift alone.
    pub(in crate::plan) fn is_settled(&self) -> bool {
        let holds = |kind| {
            condition(self.previous, kind)
                .is_some_and(|c| c.status == "True" && c.observed_generation == self.generation)
        };
        holds(ConditionType::Synced) || holds(ConditionType::Drifted)
    }
}

/// A condition before it has a time.
pub(in crate::plan) struct Verdict {
    pub(in crate::plan) kind: ConditionType,
    /// `None` for unknown.
    holds: Option<bool>,
    reason: String,
    message: String,
}

impl Verdict {
    pub(in crate::plan) fn new(
        kind: ConditionType,
        holds: impl Into<Option<bool>>,
        reason: Reason,
        message: &str,
    ) -> Self {
        Self { kind, holds: holds.into(), reason: reason.as_str().to_owned(), message: clipped(message) }
    }

    /// The verdict of the last look, where this pass learned nothing new.
    pub(in crate::plan) fn kept(previous: &Condition, kind: ConditionType) -> Self {
        let holds = match previous.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        };
        Self { kind, holds, reason: previous.reason.clone(), message: previous.message.clone() }
    }

    /// With the rules of apimachinery's `SetStatusCondition`: the time moves only when the status does.
    pub(in crate::plan) fn condition(self, moment: &Moment<'_>) -> Condition {
        let status = match self.holds {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let last_transition_time = condition(moment.previous, self.kind)
            .filter(|previous| previous.status == status)
            .map_or_else(|| whole_seconds(moment.now), |previous| previous.last_transition_time.clone());
        Condition {
            type_: self.kind.to_string(),
            status: status.to_owned(),
            reason: self.reason,
            message: self.message,
            observed_generation: moment.generation,
            last_transition_time,
        }
    }
}

pub(in crate::plan) fn accepted() -> Verdict {
    Verdict::new(ConditionType::Accepted, true, Reason::Accepted, "The spec is valid, and its class allows it.")
}

/// For passes that ended before the spec was judged: the last judgement, if there was one and it counts still.
fn accepted_before(moment: &Moment<'_>, counts: impl Fn(&Condition) -> bool) -> Verdict {
    let before = condition(moment.previous, ConditionType::Accepted).filter(|before| counts(before));
    match before {
        Some(before) => Verdict::kept(before, ConditionType::Accepted),
        None => Verdict::new(ConditionType::Accepted, None, Reason::Pending, "The spec has not been judged yet."),
    }
}

pub(in crate::plan) fn rejected(faults: &[Finding], is_enforced: bool) -> Vec<Verdict> {
    let errors = faults.iter().filter(|finding| finding.severity == Severity::Error);
    let message = errors.map(ToString::to_string).collect::<Vec<_>>().join("; ");
    vec![
        Verdict::new(ConditionType::Ready, false, Reason::InvalidSpec, &message),
        Verdict::new(ConditionType::Accepted, false, Reason::InvalidSpec, &message),
        Verdict::new(
            ConditionType::Synced,
            false,
            Reason::InvalidSpec,
            if is_enforced {
                "The spec is not valid; in IAM only what the class demands was done."
            } else {
                "IAM was left as it was, because the spec is not valid."
            },
        ),
        Verdict::new(ConditionType::Stalled, true, Reason::InvalidSpec, &message),
    ]
}

pub(in crate::plan) fn held(moment: &Moment<'_>, hold: &Hold, is_deleting: bool) -> Vec<Verdict> {
    let Hold { reason, message, plan: _ } = hold;
    if is_deleting {
        return vec![
            Verdict::new(ConditionType::Ready, false, Reason::Deleting, message),
            accepted_before(moment, |_| true),
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
            Verdict::new(ConditionType::Stalled, true, *reason, message),
        ],
        Reason::InvalidSpec
        | Reason::GuardrailViolation
        | Reason::RoleLimitReached
        | Reason::ClassNotAllowed
        | Reason::SeveralDefaultClasses
        | Reason::PolicyNotAllowed
        | Reason::PolicyRefused
        | Reason::InvalidClass => vec![
            Verdict::new(ConditionType::Ready, false, *reason, message),
            Verdict::new(ConditionType::Accepted, false, *reason, message),
            Verdict::new(ConditionType::Synced, false, *reason, message),
            Verdict::new(ConditionType::Stalled, true, *reason, message),
        ],
        // What it waits for may be on its way: objects that are applied together come in any order.
        Reason::ClassNotFound | Reason::NoDefaultClass | Reason::NamespaceUnknown | Reason::PolicyNotReady => vec![
            Verdict::new(ConditionType::Ready, false, *reason, message),
            Verdict::new(ConditionType::Accepted, false, *reason, message),
            Verdict::new(ConditionType::Synced, false, *reason, message),
            Verdict::new(ConditionType::Reconciling, true, *reason, message),
        ],
        // Whatever else holds IAM as it is, also a class that only observes, needs somebody.
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
pub(in crate::plan) fn failed(
    moment: &Moment<'_>,
    failure: &Failure,
    is_judged: bool,
    is_behind: bool,
) -> Vec<Verdict> {
    let Failure { class, reason, message } = failure;
    let is_current = |condition: &Condition| condition.observed_generation == moment.generation;
    let is_unsaid = is_behind || !moment.is_settled();
    let kept = |kind| {
        let before = condition(moment.previous, kind).filter(|before| !is_unsaid && is_current(before))?;
        Some(Verdict::kept(before, kind))
    };
    let or_false = |kind| kept(kind).unwrap_or_else(|| Verdict::new(kind, false, *reason, message));
    let accepted = if is_judged { accepted() } else { accepted_before(moment, is_current) };
    let mut verdicts = vec![or_false(ConditionType::Ready), accepted, or_false(ConditionType::Synced)];
    verdicts.extend(kept(ConditionType::Drifted));
    verdicts.push(Verdict::new(abnormal(*class), true, *reason, message));
    verdicts
}

/// What a failure of that class says by kstatus: whether the controller goes on by itself.
pub(in crate::plan) fn abnormal(class: Class) -> ConditionType {
    match class {
        Class::Terminal => ConditionType::Stalled,
        Class::Waiting | Class::Transient | Class::Throttled | Class::Conflict => ConditionType::Reconciling,
    }
}

/// The conditions once the settle window has passed, or with `wait` to go; `None` if they do not wait for that. What a look
/// since then found amiss stays said.
pub(in crate::plan) fn settled(previous: &[Condition], subject: &str, wait: Option<Duration>) -> Option<Vec<Verdict>> {
    let is_pending = |condition: &Condition| condition.reason == Reason::PropagationPending.as_str();
    condition(previous, ConditionType::Ready).filter(|ready| is_pending(ready))?;
    let amiss: Vec<Verdict> = [ConditionType::Reconciling, ConditionType::Stalled]
        .into_iter()
        .filter_map(|kind| condition(previous, kind).map(|before| (kind, before)))
        .filter(|(_, before)| !is_pending(before))
        .map(|(kind, before)| Verdict::kept(before, kind))
        .collect();
    let mut verdicts = synced(subject, wait);
    if !amiss.is_empty() {
        verdicts.retain(|verdict| verdict.kind != ConditionType::Reconciling);
        verdicts.extend(amiss);
    }
    Some(verdicts)
}

/// `subject` is what IAM holds, as it begins a sentence: `Role shop-orders`.
pub(in crate::plan) fn synced(subject: &str, wait: Option<Duration>) -> Vec<Verdict> {
    let in_sync = Verdict::new(ConditionType::Synced, true, Reason::Synced, &format!("{subject} equals the spec."));
    if wait.is_none() {
        let ready = format!("{subject} is in place.");
        return vec![Verdict::new(ConditionType::Ready, true, Reason::Ready, &ready), accepted(), in_sync];
    }
    let message = format!("{subject} was changed, and IAM takes a moment to show it everywhere.");
    vec![
        Verdict::new(ConditionType::Ready, false, Reason::PropagationPending, &message),
        accepted(),
        in_sync,
        Verdict::new(ConditionType::Reconciling, true, Reason::PropagationPending, &message),
    ]
}
