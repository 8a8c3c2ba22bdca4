//! What is read of a role and of the managed policies of its own, before anything is decided.

use std::collections::BTreeSet;

use super::convergence::Convergence;
use crate::{
    aws::{self, Aws},
    plan::{
        DesiredRole, Hold, ObjectClass, ObservedRole, Placed, Step, compliance,
        diff::diff,
        overflow::{self, ByNumber, Names},
    },
};

/// What IAM holds of a role, and the role as it shall be in view of that.
pub(super) struct Looked {
    pub(super) observed: Option<ObservedRole>,
    /// What stands where the managed policies of its own would, whoever it belongs to.
    pub(super) policies: ByNumber,
    pub(super) desired: Box<DesiredRole>,
    /// What is the object's.
    pub(super) placed_before: Placed,
}

impl Convergence<'_> {
    /// Looks at the role and at the managed policies of its own: those that may be there, and those that it needs.
    pub(super) async fn look(&self, unplaced: &DesiredRole) -> Result<Looked, aws::Error> {
        let observed = self.aws.observe(&unplaced.name).await?;
        let names = &unplaced.overflow_names;
        let mut numbers = overflow::numbers(names, observed.as_ref(), self.previous);
        let mut policies = read_policies(self.aws, names, &numbers).await?;
        loop {
            let placed_before = Placed::by_status(self.previous).with_overflow(overflow::owned(&policies, &self.owner));
            let desired = Box::new(unplaced.placed(observed.as_ref(), &placed_before));
            let unseen = overflow::unseen(&desired, &numbers);
            if unseen.is_empty() {
                return Ok(Looked { observed, policies, desired, placed_before });
            }
            policies.extend(read_policies(self.aws, names, &unseen).await?);
            numbers.extend(unseen);
        }
    }

    /// The steps to the role as it shall be, with the versions of policies that have to go for others.
    pub(super) async fn steps(
        &self,
        desired: &DesiredRole,
        observed: Option<&ObservedRole>,
        placed_before: &Placed,
    ) -> Result<Vec<Step>, aws::Error> {
        let steps = diff(desired, observed, placed_before);
        if overflow::versions_needed(&steps).is_empty() {
            return Ok(steps);
        }
        let overflow = with_versions(self.aws, &placed_before.overflow_policies, &steps).await?;
        Ok(diff(desired, observed, &placed_before.clone().with_overflow(overflow)))
    }

    /// The role, and the managed policies of its own where the class goes by what they hold.
    pub(super) async fn observe_for_class(
        &self,
        class: &ObjectClass,
        name: &str,
        hold: Option<&Hold>,
    ) -> Result<(Option<ObservedRole>, ByNumber), aws::Error> {
        let observed = self.aws.observe(name).await?;
        let mut policies = ByNumber::new();
        if let Some(role) = &observed
            && compliance::reads_overflow(class, hold)
        {
            let names = Names::of_role(role);
            let numbers = overflow::numbers(&names, observed.as_ref(), self.previous);
            policies = overflow::owned(&read_policies(self.aws, &names, &numbers).await?, &self.owner);
        }
        Ok((observed, policies))
    }
}

/// The policies of these numbers that there are, whoever they belong to.
pub(super) async fn read_policies(aws: &Aws, names: &Names, numbers: &BTreeSet<u32>) -> Result<ByNumber, aws::Error> {
    let mut policies = ByNumber::new();
    for number in numbers {
        if let Some(policy) = aws.observe_policy(&names.arn(*number)).await? {
            policies.insert(*number, policy);
        }
    }
    Ok(policies)
}

/// The policies, with their versions where the steps are about these.
pub(super) async fn with_versions(aws: &Aws, policies: &ByNumber, steps: &[Step]) -> Result<ByNumber, aws::Error> {
    let needed = overflow::versions_needed(steps);
    let mut policies = policies.clone();
    for policy in policies.values_mut().filter(|policy| needed.contains(&policy.arn)) {
        policy.versions = Some(aws.policy_versions(&policy.arn).await?);
    }
    Ok(policies)
}
