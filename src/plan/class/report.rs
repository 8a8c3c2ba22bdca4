//! What is said of a class.

use k8s_openapi::jiff::Timestamp;

use crate::{
    api::{ConditionType, LambdaRoleClassStatus, Reason, status::AccountQuota},
    plan::{
        Class, Failure, Hold,
        status::conditions::{Moment, Verdict, abnormal, condition},
    },
};

/// What was found of a class.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<'a> {
    /// Its credentials belong to its account.
    Usable {
        /// Id of the account, as AWS says.
        account_id: &'a str,
        /// Who the controller is there.
        principal_arn: &'a str,
        /// What the account allows.
        quotas: &'a [AccountQuota],
    },
    /// It cannot be used as it stands.
    Unusable(&'a Hold),
    /// AWS was asked in vain.
    Failed(&'a Failure),
}

/// How many objects have the class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All of them.
    pub roles: usize,
    /// Those that the class refuses.
    pub refused: usize,
}

/// The status of a class of that generation.
#[must_use]
pub fn report(
    previous: &LambdaRoleClassStatus,
    generation: Option<i64>,
    found: &Found<'_>,
    count: Count,
    now: Timestamp,
) -> LambdaRoleClassStatus {
    let mut status = LambdaRoleClassStatus {
        observed_generation: generation,
        roles: i64::try_from(count.roles).ok(),
        refused_roles: i64::try_from(count.refused).ok(),
        ..previous.clone()
    };
    let (abnormal, reason, message) = match found {
        Found::Usable { account_id, principal_arn, quotas } => {
            status.account_id = Some((*account_id).to_owned());
            status.principal_arn = Some((*principal_arn).to_owned());
            status.quotas = quotas.to_vec();
            (None, Reason::Ready, format!("The controller is {principal_arn}."))
        }
        Found::Unusable(Hold { reason, message, plan: _ }) => (Some(ConditionType::Stalled), *reason, message.clone()),
        Found::Failed(Failure { class, reason, message }) => {
            // AWS does not become wrong by being slow: what was known stays known.
            let is_passing = matches!(class, Class::Transient | Class::Throttled | Class::Conflict);
            let is_known = condition(&previous.conditions, ConditionType::Ready)
                .is_some_and(|before| is_passing && before.observed_generation == generation);
            if is_known {
                return LambdaRoleClassStatus { conditions: previous.conditions.clone(), ..status };
            }
            (Some(abnormal(*class)), *reason, message.clone())
        }
    };
    let moment = Moment { previous: &previous.conditions, generation, now };
    let ready = Verdict::new(ConditionType::Ready, abnormal.is_none(), reason, &message);
    let abnormal = abnormal.map(|kind| Verdict::new(kind, true, reason, &message));
    status.conditions =
        [Some(ready), abnormal].into_iter().flatten().map(|verdict| verdict.condition(&moment)).collect();
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    const USABLE: Found<'static> = Found::Usable {
        account_id: "111122223333",
        principal_arn: "arn:aws:iam::111122223333:user/north",
        quotas: &[],
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn failure(class: Class, reason: Reason) -> Failure {
        Failure { class, reason, message: "It did not work.".to_owned() }
    }

    fn after(
        previous: &LambdaRoleClassStatus,
        generation: i64,
        found: &Found<'_>,
        second: i64,
    ) -> LambdaRoleClassStatus {
        report(previous, Some(generation), found, Count { roles: 3, refused: 1 }, at(second))
    }

    /// `status/reason since`, and what is abnormal.
    fn said(status: &LambdaRoleClassStatus) -> String {
        let ready = condition(&status.conditions, ConditionType::Ready).unwrap();
        let told = format!("{}/{} {}", ready.status, ready.reason, ready.last_transition_time.0.as_second());
        let abnormal = status.conditions.iter().filter(|condition| condition.type_ != ready.type_);
        abnormal.fold(told, |told, condition| {
            assert_eq!((&condition.reason, &condition.message), (&ready.reason, &ready.message));
            format!("{told} {}={}", condition.type_, condition.status)
        })
    }

    #[test]
    fn a_class_whose_credentials_are_right_is_ready_and_says_whose_they_are() {
        let status = after(&LambdaRoleClassStatus::default(), 1, &USABLE, 5);
        assert_eq!(said(&status), "True/Ready 5");
        assert_eq!(status.account_id.as_deref(), Some("111122223333"));
        assert_eq!((status.roles, status.refused_roles, status.observed_generation), (Some(3), Some(1), Some(1)));
        assert_eq!(after(&status, 1, &USABLE, 60), status, "a pass that finds nothing new says nothing new");
    }

    #[test]
    fn what_passes_by_itself_does_not_unsay_that_a_class_is_ready() {
        let before = after(&LambdaRoleClassStatus::default(), 1, &USABLE, 5);
        let throttled = failure(Class::Throttled, Reason::Throttled);
        assert_eq!(said(&after(&before, 1, &Found::Failed(&throttled), 60)), "True/Ready 5");
        assert_eq!(
            said(&after(&before, 2, &Found::Failed(&throttled), 60)),
            "False/Throttled 60 Reconciling=True",
            "of another spec"
        );
        assert_eq!(
            said(&after(&LambdaRoleClassStatus::default(), 1, &Found::Failed(&throttled), 60)),
            "False/Throttled 60 Reconciling=True"
        );
    }

    #[test]
    fn what_somebody_has_to_mend_does() {
        let before = after(&LambdaRoleClassStatus::default(), 1, &USABLE, 5);
        let mismatch = failure(Class::Waiting, Reason::AccountMismatch);
        let status = after(&before, 1, &Found::Failed(&mismatch), 60);
        assert_eq!(said(&status), "False/AccountMismatch 60 Reconciling=True");
        let hold = Hold::unreadable_class("production", "no");
        assert_eq!(said(&after(&status, 1, &Found::Unusable(&hold), 90)), "False/InvalidClass 60 Stalled=True");
        assert_eq!(said(&after(&status, 1, &USABLE, 90)), "True/Ready 90");
    }
}
