//! Condition types and the closed list of reasons.

use strum::{Display, EnumIter, IntoStaticStr};

/// The conditions that a status may hold. `Ready`, `Accepted` and `Synced` are always present, `Exported` where the spec asks
/// for an export; the others exist only while they are true, as [kstatus] asks of abnormal-true conditions.
///
/// [kstatus]: https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Display, EnumIter, IntoStaticStr)]
pub enum ConditionType {
    /// Accepted and synced, and the time that IAM needs to spread the last change has passed.
    Ready,
    /// The spec is valid, and the class allows it.
    Accepted,
    /// IAM equalled the spec at the last look.
    Synced,
    /// What the spec asks to be written where workloads read it is written.
    Exported,
    /// IAM differs from an unchanged spec, and `spec.drift` is `Report`.
    Drifted,
    /// The object is being deleted, and something outside it stands in the way.
    DeletionBlocked,
    /// The controller is on its way to the declared state and will go on by itself.
    Reconciling,
    /// The controller cannot go on until somebody changes something.
    Stalled,
}

/// Why a condition has its status, and what an event is about. A closed list: labels of metrics and alerts are made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumIter, IntoStaticStr)]
pub enum Reason {
    /// The spec is valid.
    Accepted,
    /// The spec breaks a rule of IAM, of Lambda or of this API; the message names each field.
    InvalidSpec,
    /// The `LambdaRoleClass` that the object names is not there.
    ClassNotFound,
    /// The object names no class, and the namespace may use no default class.
    NoDefaultClass,
    /// The object names no class, and the namespace may use several default classes.
    SeveralDefaultClasses,
    /// The namespace may not use the class.
    ClassNotAllowed,
    /// The class selects namespaces by label, and those of the object's namespace cannot be read: no verdict of the class.
    NamespaceUnknown,
    /// The spec of the class breaks a rule; the message names each field.
    InvalidClass,
    /// The class refuses what the spec asks for; the message names each rule, where it is broken, and the fix.
    GuardrailViolation,
    /// The namespace has as many roles as the class allows.
    RoleLimitReached,
    /// Nothing is written to IAM, as the class or `spec.adoption` says `Observe`; `status.plan` shows what would be.
    Observed,
    /// IAM equals the spec.
    Synced,
    /// Nothing is known yet.
    Pending,
    /// Everything is in place and has had time to spread.
    Ready,
    /// IAM was changed a moment ago and the change may not be visible everywhere yet.
    PropagationPending,
    /// `spec.suspend` is true: IAM is neither read nor written, but for what the class demands.
    Suspended,
    /// IAM was changed by somebody else.
    Drifted,
    /// A role of that name exists and is not this object's.
    RoleConflict,
    /// The role is in another account than the controller's credentials belong to.
    AccountMismatch,
    /// A managed policy of that name exists and is not this object's.
    PolicyConflict,
    /// A managed policy that shall go is in use elsewhere.
    PolicyInUse,
    /// A `LambdaManagedPolicy` that the role refers to is not there or not ready; the role goes on by itself when it is.
    PolicyNotReady,
    /// A `LambdaManagedPolicy` that the role refers to needs somebody to see to it; the role waits for that.
    PolicyRefused,
    /// The role refers to a `LambdaManagedPolicy` that does not admit it, or is of another class.
    PolicyNotAllowed,
    /// The managed policy is in use: the message says by whom.
    InUseByRoles,
    /// Who has the managed policy is not this controller's to detach: users, groups, other roles.
    InUseByOthers,
    /// The role that the grant is for is not there.
    RoleNotFound,
    /// The role does not admit grants of that namespace.
    GrantNotAdmitted,
    /// The role's inline policies have no room for the grant's.
    NoRoomForGrant,
    /// The grant waits for the next pass over its role.
    RolePending,
    /// A principal of the trust policy does not exist, or not yet.
    PrincipalNotFound,
    /// A managed policy, or the permissions boundary, does not exist, or not yet.
    PolicyNotFound,
    /// IAM found a document malformed that passed the controller's own checks.
    MalformedPolicy,
    /// A quota of the AWS account is reached.
    QuotaExceeded,
    /// The controller's own credentials lack a right.
    AccessDenied,
    /// The controller has no usable AWS credentials.
    CredentialsUnavailable,
    /// AWS asked the controller to slow down.
    Throttled,
    /// AWS was not reached or failed.
    AwsUnavailable,
    /// AWS is changing the same role for somebody else.
    ConcurrentModification,
    /// AWS refused the request for a reason that a retry does not change.
    Refused,
    /// The object is being deleted.
    Deleting,
    /// An instance profile holds the role.
    InUseByInstanceProfile,
    /// Lambda functions use the role.
    InUseByFunctions,
    /// Policies that this object does not own are on the role, and `spec.unlisted` keeps them.
    ForeignPolicies,
    /// Workloads can read what the role is called. As an event: the ConfigMap was written.
    Exported,
    /// The ConfigMap is written once the role is ready.
    RoleNotReady,
    /// A ConfigMap of that name exists and is not this object's.
    ConfigMapConflict,
    /// The controller runs without exports.
    ExportDisabled,
    /// The API server did not let the controller write or remove the ConfigMap.
    ExportFailed,
    /// Event: a ConfigMap that was exported before was removed.
    ExportRemoved,
    /// Event: the role was created.
    Created,
    /// Event: the role was changed to match a changed spec.
    Updated,
    /// Event: a change made by somebody else was undone.
    DriftCorrected,
    /// Event: a role that was there before became the object's.
    Adopted,
    /// Event: what the class refuses was taken away, or its boundary put back.
    GuardrailEnforced,
    /// Event: AWS made another version of one of its managed policies, which the role has, the default.
    ManagedPolicyChanged,
    /// Event: the role was deleted.
    Deleted,
    /// Event: the object went and the role stayed.
    Retained,
}

impl Reason {
    /// The reason as it stands in conditions and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    // Its reasons are in `docs/troubleshooting.md`, which has a test of its own.
    #[test]
    fn the_reference_names_every_condition() {
        let page = include_str!("../../docs/reference/lambdaexecutionrole.md");
        let section = page.split("### Conditions\n").nth(1).unwrap();
        let rows: String = section.lines().take_while(|line| !line.starts_with('#')).collect();
        for condition in ConditionType::iter() {
            assert!(rows.contains(&format!("| `{condition}` |")), "{condition}");
        }
    }
}
