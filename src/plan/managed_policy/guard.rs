//! What may be done: ownership, immutability, the class's mode, drift policy.

use super::desired::DesiredPolicy;
use crate::{
    api::{Reason, class::Mode, role::Drift, rule},
    plan::{Hold, ObjectClass, ObservedPolicy, Owner, PolicyOwner, Step, guard::sentence, step::describe},
};

/// The hold of an object where a policy that is not its own stands in the place of its own, if so. Nothing is taken over:
/// the name of a policy is free to choose, and whoever has it may have it for a reason.
#[must_use]
pub fn conflict(name: &str, owner: &PolicyOwner, observed: &ObservedPolicy) -> Option<Hold> {
    if observed.is_owned_by(owner) && observed.name == name {
        return None;
    }
    let whose = match (PolicyOwner::of(&observed.tags), Owner::of(&observed.tags)) {
        (Some(other), _) if other != *owner => format!("it belongs to {other}"),
        (Some(_), _) => {
            format!("names of policies are compared without regard to case, and {} stands in the way", observed.name)
        }
        (None, Some(other)) => format!("its tags name {other}, and no kind of object"),
        (None, None) => "its tags name no object, so it is not this controller's (if somebody took the tags away, give it back lambdaroles.dev/cluster, /namespace, /name and /kind)".to_owned(),
    };
    let mend = Owner::of(&observed.tags)
        .and_then(|other| other.of_renamed_cluster(&owner.owner))
        .unwrap_or_else(|| "Make a new object with another spec.policyName, or remove the policy.".to_owned());
    let message = format!("Policy {name} exists already ({}): {whose}. It was not touched. {mend}", observed.arn);
    Some(Hold::new(Reason::PolicyConflict, message))
}

/// The hold of an object whose policy lives in another account than its class is of now, if that is so.
#[must_use]
pub fn other_account(name: &str, current: Option<&str>, account: &str) -> Option<Hold> {
    Hold::for_account_of(&format!("Policy {name}"), current, account)
}

/// The steps that may be carried out, of those that would make `observed` equal to `desired`: all or none.
///
/// `is_settled` says that IAM equalled the spec before, so that a difference now is somebody else's doing.
///
/// # Errors
/// Why IAM stays as it is.
pub fn judge(
    desired: &DesiredPolicy,
    owner: &PolicyOwner,
    class: &ObjectClass,
    observed: Option<&ObservedPolicy>,
    steps: Vec<Step>,
    is_settled: bool,
) -> Result<Vec<Step>, Hold> {
    if let Some(observed) = observed {
        if let Some(conflict) = conflict(&desired.name, owner, observed) {
            return Err(conflict);
        }
        if observed.description != desired.description {
            let message = format!(
                "spec.description: {} Policy {} has the description {:?}, not {:?}.",
                sentence(rule::MANAGED_POLICY_DESCRIPTION_IMMUTABLE),
                observed.name,
                observed.description,
                desired.description
            );
            return Err(Hold::new(Reason::InvalidSpec, message));
        }
    }
    if steps.is_empty() {
        return Ok(steps);
    }
    if class.mode == Mode::Observe {
        let message = format!(
            "LambdaRoleClass {} only observes, so nothing is written to IAM. To match the spec the controller would: {}. To have it done, set spec.mode of the class to Enforce.",
            class.name.as_deref().unwrap_or_default(),
            describe(&steps)
        );
        return Err(Hold::new(Reason::Observed, message).with_plan(&steps));
    }
    if is_settled && desired.drift == Drift::Report {
        let message = format!(
            "Policy {} was changed by somebody else, and spec.drift is Report. To match the spec the controller would: {}. Undo the change in IAM, change the spec, or set spec.drift to Correct.",
            desired.name,
            describe(&steps)
        );
        return Err(Hold::new(Reason::Drifted, message).with_plan(&steps));
    }
    Ok(steps)
}
