//! What `Ready` of each kind can be told: without `_`, so that a new reason has to be thought about.

use lambdaroles::{
    api::Reason,
    aws::{self, Kind},
    plan::{Class, Failure, Step, export},
};

use super::{BROKEN, DONE, GOING, Look, ONLY_OBSERVED, SUSPENDED, UNDER_WAY};

/// What came of a pass.
pub enum Outcome {
    Synced {
        is_settled: bool,
    },
    Rejected,
    Held,
    Deleting,
    Failed(Failure),
    /// All is well but for the export.
    Export(export::Outcome),
}

/// Where `Ready` of a role or a managed policy gets the reason from, and how the object then looks; `None` if `Ready` never has
/// it.
pub fn told(reason: Reason) -> Option<(Outcome, Look)> {
    Some(match reason {
        Reason::Ready => (Outcome::Synced { is_settled: true }, DONE),
        Reason::PropagationPending => (Outcome::Synced { is_settled: false }, UNDER_WAY),
        Reason::InvalidSpec => (Outcome::Rejected, BROKEN),
        // What may be on its way.
        Reason::ClassNotFound | Reason::NoDefaultClass | Reason::NamespaceUnknown | Reason::PolicyNotReady => {
            (Outcome::Held, UNDER_WAY)
        }
        Reason::SeveralDefaultClasses
        | Reason::ClassNotAllowed
        | Reason::InvalidClass
        | Reason::GuardrailViolation
        | Reason::RoleLimitReached
        | Reason::Drifted
        | Reason::RoleConflict
        | Reason::AccountMismatch
        | Reason::PolicyConflict
        | Reason::PolicyRefused
        | Reason::PolicyNotAllowed => (Outcome::Held, BROKEN),
        Reason::Observed => (Outcome::Held, ONLY_OBSERVED),
        Reason::Suspended => (Outcome::Held, SUSPENDED),
        Reason::PrincipalNotFound => (Outcome::Failed(failure(Kind::InvalidPrincipal)), UNDER_WAY),
        Reason::PolicyNotFound => (Outcome::Failed(failure(Kind::PolicyNotFound)), UNDER_WAY),
        Reason::AccessDenied => (Outcome::Failed(failure(Kind::AccessDenied)), UNDER_WAY),
        Reason::CredentialsUnavailable => (Outcome::Failed(failure(Kind::Credentials)), UNDER_WAY),
        Reason::Throttled => (Outcome::Failed(failure(Kind::Throttled)), UNDER_WAY),
        Reason::AwsUnavailable => (Outcome::Failed(failure(Kind::Unavailable)), UNDER_WAY),
        Reason::ConcurrentModification => (Outcome::Failed(failure(Kind::Concurrent)), UNDER_WAY),
        Reason::PolicyInUse => {
            let step = Step::DeletePolicy("arn:aws:iam::123456789012:policy/shop-orders+2".to_owned());
            (Outcome::Failed(error(Kind::DeleteConflict).failure("shop-orders", Some(&step))), UNDER_WAY)
        }
        // The process was told to stop.
        Reason::Pending => {
            let message = "The controller stopped.".to_owned();
            (Outcome::Failed(Failure { class: Class::Transient, reason, message }), UNDER_WAY)
        }
        Reason::MalformedPolicy => (Outcome::Failed(failure(Kind::MalformedPolicy)), BROKEN),
        Reason::QuotaExceeded => (Outcome::Failed(failure(Kind::LimitExceeded)), BROKEN),
        Reason::Refused => (Outcome::Failed(failure(Kind::Refused)), BROKEN),
        Reason::ConfigMapConflict => (Outcome::Export(export::Outcome::Conflict(reason.to_string())), BROKEN),
        Reason::ExportDisabled => (Outcome::Export(export::Outcome::Disabled), BROKEN),
        Reason::ExportFailed => (Outcome::Export(export::Outcome::Failing(reason.to_string())), UNDER_WAY),
        Reason::Deleting => (Outcome::Deleting, GOING),
        // Of other conditions.
        Reason::Accepted
        | Reason::Synced
        | Reason::InUseByRoles
        | Reason::InUseByOthers
        | Reason::InUseByInstanceProfile
        | Reason::InUseByFunctions
        | Reason::ForeignPolicies
        | Reason::Exported
        | Reason::RoleNotReady
        // Of grants.
        | Reason::RoleNotFound
        | Reason::GrantNotAdmitted
        | Reason::NoRoomForGrant
        | Reason::RolePending
        // Of events.
        | Reason::ExportRemoved
        | Reason::Created
        | Reason::Updated
        | Reason::DriftCorrected
        | Reason::Adopted
        | Reason::GuardrailEnforced
        | Reason::ManagedPolicyChanged
        | Reason::Deleted
        | Reason::Retained => return None,
    })
}

/// The same of a grant.
pub fn told_of_grant(reason: Reason) -> Option<Look> {
    Some(match reason {
        Reason::Ready => DONE,
        Reason::PropagationPending
        | Reason::RolePending
        | Reason::RoleNotFound
        | Reason::NoRoomForGrant
        | Reason::ClassNotFound
        | Reason::NoDefaultClass
        | Reason::NamespaceUnknown => UNDER_WAY,
        Reason::GrantNotAdmitted
        | Reason::InvalidSpec
        | Reason::GuardrailViolation
        | Reason::InvalidClass
        | Reason::ClassNotAllowed
        | Reason::SeveralDefaultClasses => BROKEN,
        Reason::Deleting => GOING,
        Reason::Accepted
        | Reason::Synced
        | Reason::Pending
        | Reason::RoleLimitReached
        | Reason::Observed
        | Reason::Suspended
        | Reason::Drifted
        | Reason::RoleConflict
        | Reason::AccountMismatch
        | Reason::PolicyConflict
        | Reason::PolicyInUse
        | Reason::PolicyNotReady
        | Reason::PolicyRefused
        | Reason::PolicyNotAllowed
        | Reason::InUseByRoles
        | Reason::InUseByOthers
        | Reason::PrincipalNotFound
        | Reason::PolicyNotFound
        | Reason::MalformedPolicy
        | Reason::QuotaExceeded
        | Reason::AccessDenied
        | Reason::CredentialsUnavailable
        | Reason::Throttled
        | Reason::AwsUnavailable
        | Reason::ConcurrentModification
        | Reason::Refused
        | Reason::InUseByInstanceProfile
        | Reason::InUseByFunctions
        | Reason::ForeignPolicies
        | Reason::Exported
        | Reason::RoleNotReady
        | Reason::ConfigMapConflict
        | Reason::ExportDisabled
        | Reason::ExportFailed
        | Reason::ExportRemoved
        | Reason::Created
        | Reason::Updated
        | Reason::DriftCorrected
        | Reason::Adopted
        | Reason::GuardrailEnforced
        | Reason::ManagedPolicyChanged
        | Reason::Deleted
        | Reason::Retained => return None,
    })
}

/// Every error of AWS that means something else.
pub const ERRORS: [Kind; 15] = [
    Kind::NotFound,
    Kind::AlreadyExists,
    Kind::LimitExceeded,
    Kind::InvalidPrincipal,
    Kind::MalformedPolicy,
    Kind::AccessDenied,
    Kind::Credentials,
    Kind::AssumeRole,
    Kind::AccountMismatch,
    Kind::PolicyNotFound,
    Kind::Throttled,
    Kind::Concurrent,
    Kind::DeleteConflict,
    Kind::Refused,
    Kind::Unavailable,
];

fn error(kind: Kind) -> aws::Error {
    aws::Error { operation: "iam:PutRolePolicy", kind, detail: "It did not work".to_owned() }
}

pub fn failure(kind: Kind) -> Failure {
    error(kind).failure("shop-orders", None)
}
