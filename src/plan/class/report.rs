//! What is said of a class.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};

use crate::{
    api::{ConditionType, LambdaRoleClassStatus, Reason, status::AccountQuota},
    plan::{Class, Failure, Hold},
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
    let (holds, reason, message) = match found {
        Found::Usable { account_id, principal_arn, quotas } => {
            status.account_id = Some((*account_id).to_owned());
            status.principal_arn = Some((*principal_arn).to_owned());
            status.quotas = quotas.to_vec();
            ("True", Reason::Ready, format!("The controller is {principal_arn}."))
        }
        Found::Unusable(Hold { reason, message, plan: _ }) => ("False", *reason, message.clone()),
        Found::Failed(Failure { class, reason, message }) => {
            // AWS does not become wrong by being slow: what was known stays known.
            let is_passing = matches!(class, Class::Transient | Class::Throttled | Class::Conflict);
            match ready(previous).filter(|before| is_passing && before.observed_generation == generation) {
                Some(_) => return LambdaRoleClassStatus { conditions: previous.conditions.clone(), ..status },
                None => ("False", *reason, message.clone()),
            }
        }
    };
    let since = ready(previous).filter(|before| before.status == holds);
    status.conditions = vec![Condition {
        type_: ConditionType::Ready.to_string(),
        status: holds.to_owned(),
        reason: reason.to_string(),
        message,
        observed_generation: generation,
        last_transition_time: since.map_or_else(
            || Time(Timestamp::from_second(now.as_second()).unwrap_or(now)),
            |before| before.last_transition_time.clone(),
        ),
    }];
    status
}

fn ready(status: &LambdaRoleClassStatus) -> Option<&Condition> {
    let kind = ConditionType::Ready.to_string();
    status.conditions.iter().find(|condition| condition.type_ == kind)
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

    /// `status/reason since`.
    fn said(status: &LambdaRoleClassStatus) -> String {
        let ready = ready(status).unwrap();
        format!("{}/{} {}", ready.status, ready.reason, ready.last_transition_time.0.as_second())
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
        assert_eq!(said(&after(&before, 2, &Found::Failed(&throttled), 60)), "False/Throttled 60", "of another spec");
        assert_eq!(
            said(&after(&LambdaRoleClassStatus::default(), 1, &Found::Failed(&throttled), 60)),
            "False/Throttled 60"
        );
    }

    #[test]
    fn what_somebody_has_to_mend_does() {
        let before = after(&LambdaRoleClassStatus::default(), 1, &USABLE, 5);
        let mismatch = failure(Class::Waiting, Reason::AccountMismatch);
        let status = after(&before, 1, &Found::Failed(&mismatch), 60);
        assert_eq!(said(&status), "False/AccountMismatch 60");
        let hold = Hold::unreadable_class("production", "no");
        assert_eq!(said(&after(&status, 1, &Found::Unusable(&hold), 90)), "False/InvalidClass 60");
        assert_eq!(said(&after(&status, 1, &USABLE, 90)), "True/Ready 90");
    }
}
