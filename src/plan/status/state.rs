//! What the conditions of an object come to, in one word.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Condition, jiff::Timestamp};
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
    /// It was in place at the last look that succeeded; those since then failed.
    Unverified,
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
        } else if ready.status != "True" {
            Self::Reconciling
        } else if is_true(ConditionType::Reconciling) {
            Self::Unverified
        } else {
            Self::Ready
        }
    }

    /// Since when the object has been in this state, which it is in; `None` where that is of no interest, or cannot be told.
    #[must_use]
    pub fn since(self, meta: &ObjectMeta, conditions: &[Condition]) -> Option<Timestamp> {
        let change = |kind| condition(conditions, kind).map(|condition| condition.last_transition_time.0);
        match self {
            Self::Ready => None,
            Self::DeletionBlocked | Self::Deleting => meta.deletion_timestamp.as_ref().map(|time| time.0),
            Self::Refused => change(ConditionType::Accepted),
            Self::Stalled => change(ConditionType::Stalled).or_else(|| change(ConditionType::Ready)),
            Self::Drifted => change(ConditionType::Drifted),
            Self::Unverified => change(ConditionType::Reconciling),
            Self::Observed | Self::Suspended => change(ConditionType::Ready),
            Self::Reconciling => match condition(conditions, ConditionType::Ready) {
                None => meta.creation_timestamp.as_ref().map(|time| time.0),
                // Of a spec that was changed since then nobody knows when.
                Some(ready) if ready.observed_generation != meta.generation => None,
                Some(ready) => Some(ready.last_transition_time.0),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
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
        State::Unverified
    )]
    #[case::in_place_and_nobody_may_look(
        &[(ConditionType::Ready, "True", Reason::Ready), (ConditionType::Reconciling, "True", Reason::AccessDenied)],
        State::Unverified
    )]
    #[case::in_place_and_aws_refuses_what_was_changed_by_hand(
        &[(ConditionType::Ready, "True", Reason::Ready), (ConditionType::Stalled, "True", Reason::Refused)],
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

    #[test]
    fn a_state_lasts_since_what_it_goes_by_changed() {
        let at = |second| Time(Timestamp::from_second(second).unwrap());
        let told =
            |kind, status, reason, second| Condition { last_transition_time: at(second), ..said(kind, status, reason) };
        let meta = ObjectMeta { generation: Some(2), creation_timestamp: Some(at(1)), ..ObjectMeta::default() };
        let since = |meta: &ObjectMeta, conditions: &[Condition]| {
            State::of(meta, conditions).since(meta, conditions).map(Timestamp::as_second)
        };
        assert_eq!(since(&meta, &[]), Some(1), "from the beginning");
        let ready = told(ConditionType::Ready, "True", Reason::Ready, 5);
        assert_eq!(since(&meta, std::slice::from_ref(&ready)), None, "what is ready is of no interest");
        let unseen = told(ConditionType::Reconciling, "True", Reason::AwsUnavailable, 8);
        assert_eq!(since(&meta, &[ready.clone(), unseen]), Some(8));
        let edited = ObjectMeta { generation: Some(3), ..meta.clone() };
        assert_eq!(since(&edited, std::slice::from_ref(&ready)), None, "nobody knows when it was edited");
        let deleted = ObjectMeta { deletion_timestamp: Some(at(9)), ..meta };
        assert_eq!(since(&deleted, &[ready]), Some(9));
    }
}
