//! What the conditions of an object come to, in one word.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::ObjectMeta;
use strum::{EnumIter, IntoStaticStr};

use super::{conditions::condition, is_refused};
use crate::api::{ConditionType, Reason};

/// What counts of an object for those who look at many: exactly one of these holds. What needs somebody goes before what does
/// not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// It is being deleted, and something outside it stands in the way.
    DeletionBlocked,
    /// It is being deleted.
    Deleting,
    /// The class refuses it.
    Refused,
    /// Somebody must change something before the controller can go on.
    Stalled,
    /// IAM differs from the spec, and is to.
    Drifted,
    /// Nothing is written to IAM, as it says `Observe`.
    Observed,
    /// It says `suspend`.
    Suspended,
    /// It is in place.
    Ready,
    /// The controller is on its way, or has not looked at this spec yet.
    Reconciling,
}

impl State {
    /// The state of an object with these conditions.
    #[must_use]
    pub fn of(meta: &ObjectMeta, conditions: &[Condition]) -> Self {
        let is_true = |kind| condition(conditions, kind).is_some_and(|condition| condition.status == "True");
        if meta.deletion_timestamp.is_some() {
            return if is_true(ConditionType::DeletionBlocked) { Self::DeletionBlocked } else { Self::Deleting };
        }
        let ready = condition(conditions, ConditionType::Ready);
        let Some(ready) = ready.filter(|ready| ready.observed_generation == meta.generation) else {
            return Self::Reconciling;
        };
        // Two of the reasons to stall have a word of their own.
        let own = [Reason::Drifted, Reason::Observed].map(Reason::as_str);
        let stalled = condition(conditions, ConditionType::Stalled).filter(|stalled| stalled.status == "True");
        if is_refused(conditions) {
            Self::Refused
        } else if stalled.is_some_and(|stalled| !own.contains(&stalled.reason.as_str())) {
            Self::Stalled
        } else if is_true(ConditionType::Drifted) {
            Self::Drifted
        } else if ready.reason == Reason::Observed.as_str() {
            Self::Observed
        } else if ready.reason == Reason::Suspended.as_str() {
            Self::Suspended
        } else if ready.status == "True" {
            Self::Ready
        } else {
            Self::Reconciling
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
    use rstest::rstest;

    use super::*;

    fn said(kind: ConditionType, status: &str, reason: Reason) -> Condition {
        Condition {
            type_: kind.to_string(),
            status: status.to_owned(),
            reason: reason.to_string(),
            message: String::new(),
            observed_generation: Some(2),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        }
    }

    #[rstest]
    #[case::new(&[], State::Reconciling)]
    #[case::in_place(&[(ConditionType::Ready, "True", Reason::Ready)], State::Ready)]
    #[case::in_place_while_aws_is_away(
        &[(ConditionType::Ready, "True", Reason::Ready), (ConditionType::Reconciling, "True", Reason::AwsUnavailable)],
        State::Ready
    )]
    #[case::in_place_and_nobody_can_look(
        &[(ConditionType::Ready, "True", Reason::Ready), (ConditionType::Stalled, "True", Reason::AccessDenied)],
        State::Stalled
    )]
    #[case::spreading(&[(ConditionType::Ready, "False", Reason::PropagationPending)], State::Reconciling)]
    #[case::refused(
        &[
            (ConditionType::Ready, "False", Reason::GuardrailViolation),
            (ConditionType::Accepted, "False", Reason::GuardrailViolation),
            (ConditionType::Stalled, "True", Reason::GuardrailViolation),
        ],
        State::Refused
    )]
    #[case::faulty(
        &[
            (ConditionType::Ready, "False", Reason::InvalidSpec),
            (ConditionType::Accepted, "False", Reason::InvalidSpec),
            (ConditionType::Stalled, "True", Reason::InvalidSpec),
        ],
        State::Stalled
    )]
    #[case::suspended(&[(ConditionType::Ready, "Unknown", Reason::Suspended)], State::Suspended)]
    #[case::observed(
        &[(ConditionType::Ready, "False", Reason::Observed), (ConditionType::Stalled, "True", Reason::Observed)],
        State::Observed
    )]
    #[case::drifted(
        &[
            (ConditionType::Ready, "False", Reason::Drifted),
            (ConditionType::Drifted, "True", Reason::Drifted),
            (ConditionType::Stalled, "True", Reason::Drifted),
        ],
        State::Drifted
    )]
    #[case::drifted_and_nobody_can_look(
        &[
            (ConditionType::Ready, "False", Reason::Drifted),
            (ConditionType::Drifted, "True", Reason::Drifted),
            (ConditionType::Stalled, "True", Reason::Refused),
        ],
        State::Stalled
    )]
    fn one_word_says_what_the_conditions_come_to(
        #[case] conditions: &[(ConditionType, &str, Reason)],
        #[case] expected: State,
    ) {
        let conditions: Vec<_> = conditions.iter().map(|(kind, status, reason)| said(*kind, status, *reason)).collect();
        let meta = ObjectMeta { generation: Some(2), ..ObjectMeta::default() };
        assert_eq!(State::of(&meta, &conditions), expected);
        let edited = ObjectMeta { generation: Some(3), ..meta.clone() };
        assert_eq!(State::of(&edited, &conditions), State::Reconciling, "what is said is about the spec before");
        let deleted = ObjectMeta { deletion_timestamp: Some(Time(Timestamp::UNIX_EPOCH)), ..meta };
        assert_eq!(State::of(&deleted, &conditions), State::Deleting);
        let held_up =
            [conditions, vec![said(ConditionType::DeletionBlocked, "True", Reason::InUseByFunctions)]].concat();
        assert_eq!(State::of(&deleted, &held_up), State::DeletionBlocked);
    }
}
