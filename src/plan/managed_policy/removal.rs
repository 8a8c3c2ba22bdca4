//! What becomes of the policy when its object is deleted.

use super::{guard::conflict, referral::Referral};
use crate::{
    api::{Reason, role::DeletionPolicy},
    plan::{
        Account, Hold, ObservedPolicy, Owner, PolicyOwner, PolicyUsage, Step, Verdict, guard::listed,
        reference::PolicyKey,
    },
};

/// What is known about an object that is being deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal<'a> {
    /// Whose object.
    pub owner: &'a PolicyOwner,
    /// Name of its policy.
    pub name: &'a str,
    /// ARN of its policy.
    pub arn: &'a str,
    /// Delete or retain.
    pub deletion_policy: DeletionPolicy,
    /// The class, if it only observes.
    pub observing_class: Option<&'a str>,
    /// Whether the object is suspended.
    pub suspend: bool,
}

impl Removal<'_> {
    /// Judges what needs no look at cluster or IAM; `None` if there must be one.
    #[must_use]
    pub fn judge_unseen(&self) -> Option<Verdict> {
        match (self.deletion_policy, self.suspend) {
            (DeletionPolicy::Retain, _) => {
                Some(Verdict::Release(Some(format!("Policy {} stays, as its deletion policy is Retain.", self.name))))
            }
            (DeletionPolicy::Delete, true) => Some(Verdict::Hold(Hold::new(
                Reason::Suspended,
                format!(
                    "The deletion waits: spec.suspend is true, so policy {} is not touched. Set spec.suspend to false to delete the policy, or spec.deletionPolicy to Retain to leave it.",
                    self.name
                ),
            ))),
            (DeletionPolicy::Delete, false) => None,
        }
    }

    /// Whether `policy` is this object's, so that it is worth asking who has it.
    #[must_use]
    pub fn concerns(&self, policy: &ObservedPolicy) -> bool {
        conflict(self.name, self.owner, policy).is_none()
    }

    /// Judges the policy as IAM holds it, with its versions, given who has it, and what all roles of the cluster say.
    #[must_use]
    pub fn judge(
        &self,
        observed: Option<&ObservedPolicy>,
        usage: &PolicyUsage,
        roles: &[Referral],
        account: &Account,
    ) -> Verdict {
        let Some(policy) = observed else { return Verdict::Release(None) };
        if !self.concerns(policy) {
            return Verdict::Release(Some(format!("Policy {} is not this object's and stays.", self.name)));
        }
        let Owner { namespace, name, .. } = &self.owner.owner;
        let key: PolicyKey = (namespace.clone(), name.clone());
        let referring: Vec<&Referral> = roles.iter().filter(|role| role.refers_to(&key, self.arn, account)).collect();
        if !referring.is_empty() {
            let names: Vec<String> = referring.iter().map(|role| format!("{}/{}", role.namespace, role.name)).collect();
            let message = format!(
                "Policy {} is not deleted while a role refers to it: LambdaExecutionRole {}. Take it out of spec.managedPolicies there, or delete what refers to it; the deletion then goes on by itself.",
                self.name,
                listed(&names)
            );
            return Verdict::Hold(Hold::new(Reason::InUseByRoles, message));
        }
        let others = self.others(usage, roles);
        if !others.is_empty() {
            let message = format!(
                "Policy {} is not deleted: {} has it, and this object did not attach it. Detach it there, or set spec.deletionPolicy to Retain to leave the policy.",
                self.name,
                listed(&others)
            );
            return Verdict::Hold(Hold::new(Reason::InUseByOthers, message));
        }
        let steps = self.steps(policy, usage);
        match self.observing_class {
            Some(class) => Verdict::Hold(
                Hold::new(
                    Reason::Observed,
                    format!(
                        "Policy {} is not deleted: LambdaRoleClass {class} only observes. Set spec.mode of the class to Enforce, or spec.deletionPolicy to Retain to leave the policy.",
                        self.name
                    ),
                )
                .with_plan(&steps),
            ),
            None => Verdict::Delete(steps),
        }
    }

    /// Who has the policy without this system's doing, or keeps it there. A role whose object is gone was retained as it is.
    fn others(&self, usage: &PolicyUsage, roles: &[Referral]) -> Vec<String> {
        let PolicyUsage { users, groups, roles: holders, bounded } = usage;
        let is_left = |tags| {
            let owner = Owner::of(tags).filter(|owner| owner.cluster == self.owner.owner.cluster);
            let object = owner.and_then(|owner| roles.iter().find(|role| role.is_of(&owner)));
            object.is_some_and(|role| role.lets_go_of(self.arn))
        };
        let users = users.iter().map(|name| format!("user {name}"));
        let groups = groups.iter().map(|name| format!("group {name}"));
        let holders = holders.iter().filter(|role| !is_left(&role.tags)).map(|role| format!("role {}", role.name));
        let bounded = bounded.iter().map(|who| format!("{who} (as its permissions boundary)"));
        users.chain(groups).chain(holders).chain(bounded).collect()
    }

    /// In the order that IAM demands: a policy that is deleted is attached to nothing and has one version.
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>
    fn steps(&self, policy: &ObservedPolicy, usage: &PolicyUsage) -> Vec<Step> {
        let arn = || self.arn.to_owned();
        let detach = usage.roles.iter().map(|role| Step::DetachFromRole { arn: arn(), role: role.name.clone() });
        let versions = policy.versions.iter().flatten().filter(|version| !version.is_default);
        let versions = versions.map(|version| Step::DeletePolicyVersion { arn: arn(), version: version.id.clone() });
        detach.chain(versions).chain([Step::DeletePolicy(arn())]).collect()
    }
}
