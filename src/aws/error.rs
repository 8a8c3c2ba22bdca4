//! What AWS's errors mean.

use std::{error::Error as StdError, fmt};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_iam::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use crate::{
    api::Reason,
    plan::{Class, Failure, Step},
};

/// The kinds of error that lead to different consequences.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>, and the errors of each operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `NoSuchEntity`.
    NotFound,
    /// `EntityAlreadyExists`.
    AlreadyExists,
    /// `LimitExceeded`.
    LimitExceeded,
    /// `MalformedPolicyDocument` that names a principal which IAM does not know, or not yet.
    InvalidPrincipal,
    /// Any other `MalformedPolicyDocument`.
    MalformedPolicy,
    /// `AccessDenied`.
    AccessDenied,
    /// No credentials, or such that AWS does not know.
    Credentials,
    /// A role on the way to the account cannot be assumed; the detail is whole sentences with the fix.
    AssumeRole,
    /// The credentials belong to another account than the class says; the detail is whole sentences with the fix.
    AccountMismatch,
    /// There is no managed policy of that ARN, which is the detail.
    PolicyNotFound,
    /// `Throttling` and its like.
    Throttled,
    /// `ConcurrentModification`, `EntityTemporarilyUnmodifiable`.
    Concurrent,
    /// `DeleteConflict`: something was put on the role after the look at it.
    DeleteConflict,
    /// Any other refusal: `InvalidInput`, `UnmodifiableEntity`, `PolicyNotAttachable`, …
    Refused,
    /// AWS was not reached, or failed.
    Unavailable,
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {detail}")]
pub struct Error {
    /// The operation as an IAM action, for example `iam:GetRole`.
    pub operation: &'static str,
    /// What follows.
    pub kind: Kind,
    /// Code and message as AWS gave them.
    pub detail: String,
}

/// What a failure is about, by its name in IAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About<'a> {
    /// The role of an object.
    Role(&'a str),
    /// The managed policy of an object.
    Policy(&'a str),
}

impl<'a> From<&'a str> for About<'a> {
    fn from(role: &'a str) -> Self {
        Self::Role(role)
    }
}

impl<'a> From<&'a String> for About<'a> {
    fn from(role: &'a String) -> Self {
        Self::Role(role)
    }
}

/// Within a sentence; `{:#}` at its beginning.
impl fmt::Display for About<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, f.alternate()) {
            (Self::Role(name), false) => write!(f, "role {name}"),
            (Self::Role(name), true) => write!(f, "Role {name}"),
            (Self::Policy(name), false) => write!(f, "policy {name}"),
            (Self::Policy(name), true) => write!(f, "Policy {name}"),
        }
    }
}

impl Error {
    /// A request that could not even be built.
    pub(super) fn unbuilt(operation: &'static str, error: &dyn StdError) -> Self {
        Self { operation, kind: Kind::Refused, detail: error.to_string() }
    }

    /// What the failure means for the object whose role or policy it is about. `step` is the change that failed, or `None` if
    /// it was a look.
    #[must_use]
    pub fn failure<'a>(&self, about: impl Into<About<'a>>, step: Option<&Step>) -> Failure {
        let subject = about.into();
        let Self { operation, detail, .. } = self;
        if let Some(failure) = step.and_then(|step| self.policy_failure(step)) {
            return failure;
        }
        // Who the controller is and what the account allows concerns no role.
        let is_of_account = operation.starts_with("sts:") || *operation == "iam:GetAccountSummary";
        let about = if is_of_account { String::new() } else { format!(" for {subject}") };
        let (class, reason, message) = match self.kind {
            Kind::NotFound => return self.not_found(subject, step),
            Kind::AlreadyExists => (
                Class::Waiting,
                Reason::RoleConflict,
                format!(
                    "IAM says that {subject} exists, but does not show it under this very name: role names are compared without regard to case. Make a new object with another spec.roleName, or remove the role that stands in the way."
                ),
            ),
            Kind::LimitExceeded => (
                Class::Terminal,
                Reason::QuotaExceeded,
                format!(
                    "{subject:#} hits a quota of the AWS account ({operation}): {detail}. Ask for less, or for a higher quota."
                ),
            ),
            Kind::InvalidPrincipal => (
                Class::Waiting,
                Reason::PrincipalNotFound,
                format!(
                    "A principal of {subject}'s trust policy does not exist, or not yet: {detail}. Create it, or correct spec.trust."
                ),
            ),
            Kind::MalformedPolicy => (
                Class::Terminal,
                Reason::MalformedPolicy,
                format!("IAM refuses a policy document of {subject} ({operation}): {detail}. Correct the spec."),
            ),
            Kind::AccessDenied => (
                Class::Waiting,
                Reason::AccessDenied,
                format!("The controller may not {operation}{about}: {detail}. Grant its AWS principal the right."),
            ),
            Kind::Credentials => (
                Class::Waiting,
                Reason::CredentialsUnavailable,
                format!(
                    "The controller has no usable AWS credentials ({operation}): {detail}. See to its credentials."
                ),
            ),
            Kind::AssumeRole => (Class::Waiting, Reason::AccessDenied, detail.clone()),
            Kind::AccountMismatch => (Class::Waiting, Reason::AccountMismatch, detail.clone()),
            Kind::PolicyNotFound => return policy_not_found(detail),
            Kind::Throttled => (
                Class::Throttled,
                Reason::Throttled,
                format!("AWS asked the controller to slow down ({operation}); it goes on by itself."),
            ),
            Kind::Concurrent | Kind::DeleteConflict => (
                Class::Conflict,
                Reason::ConcurrentModification,
                format!(
                    "{subject:#} is being changed by somebody else ({operation}): {detail}. The controller tries again by itself."
                ),
            ),
            Kind::Refused => (Class::Terminal, Reason::Refused, format!("AWS refuses {operation}{about}: {detail}.")),
            Kind::Unavailable => (
                Class::Transient,
                Reason::AwsUnavailable,
                format!("AWS does not answer {operation}{about}: {detail}. The controller tries again by itself."),
            ),
        };
        Failure { class, reason, message }
    }

    /// What of a step about a managed policy of the object's own means something else than the same of a role.
    fn policy_failure(&self, step: &Step) -> Option<Failure> {
        let detail = &self.detail;
        let (class, reason, message) = match (step, self.kind) {
            (Step::CreatePolicy(new), Kind::AlreadyExists) => (
                Class::Waiting,
                Reason::PolicyConflict,
                format!(
                    "IAM says that managed policy {} exists, but does not show it as {}: names of policies are compared without regard to case and path. Remove the policy that stands in the way.",
                    new.name, new.arn
                ),
            ),
            (Step::DeletePolicy(arn), Kind::DeleteConflict) => (
                Class::Waiting,
                Reason::PolicyInUse,
                format!(
                    "Managed policy {arn} is no longer needed and is not deleted, as it is in use elsewhere: {detail}. Detach it from whatever else it is attached to."
                ),
            ),
            // Somebody else wrote a version, or an answer was lost: the next look counts them anew.
            (Step::CreatePolicyVersion { arn, .. }, Kind::LimitExceeded) => (
                Class::Conflict,
                Reason::ConcurrentModification,
                format!(
                    "Managed policy {arn} has more versions than a moment ago: {detail}. The controller tries again by itself."
                ),
            ),
            _ => return None,
        };
        Some(Failure { class, reason, message })
    }

    fn not_found(&self, subject: About<'_>, step: Option<&Step>) -> Failure {
        let policy = match step {
            Some(Step::AttachManagedPolicy(arn) | Step::PutPermissionsBoundary(arn)) => Some(arn),
            Some(Step::CreateRole(new)) => new.permissions_boundary.as_ref(),
            Some(
                Step::DeletePermissionsBoundary
                | Step::PutInlinePolicy { .. }
                | Step::DeleteInlinePolicy(_)
                | Step::DetachManagedPolicy(_)
                | Step::CreatePolicy(_)
                | Step::CreatePolicyVersion { .. }
                | Step::DeletePolicyVersion { .. }
                | Step::TagPolicy { .. }
                | Step::UntagPolicy { .. }
                | Step::DetachFromRole { .. }
                | Step::DeletePolicy(_)
                | Step::UpdateTrustPolicy(_)
                | Step::UpdateRole { .. }
                | Step::TagRole(_)
                | Step::UntagRole(_)
                | Step::DeleteRole,
            )
            | None => None,
        };
        match policy {
            Some(arn) => policy_not_found(arn),
            None => Failure {
                class: Class::Transient,
                reason: Reason::ConcurrentModification,
                message: format!(
                    "{subject:#}, or a part of it, vanished while it was worked on ({}). The controller looks again by itself.",
                    self.operation
                ),
            },
        }
    }
}

fn policy_not_found(arn: &str) -> Failure {
    Failure {
        class: Class::Waiting,
        reason: Reason::PolicyNotFound,
        message: format!(
            "Managed policy {arn} does not exist, or not yet. Create it, or correct spec.managedPolicies and spec.permissionsBoundary; AWS managed policies may need their path, as in service-role/AWSLambdaRole."
        ),
    }
}

/// Credentials that could not be had.
pub(super) fn from_credentials(error: &CredentialsError) -> Error {
    Error { operation: "AWS credentials", kind: Kind::Credentials, detail: innermost(error) }
}

/// Classifies an error of the SDK.
pub(super) fn from_sdk<E, R>(operation: &'static str, error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
    R: std::fmt::Debug + 'static,
{
    // Of the credentials that the call needed, which names what they come from.
    if let Some(error) = cause::<Error>(error) {
        return error.clone();
    }
    let (kind, detail) = match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("Unknown");
            let message = service.err().message().unwrap_or_default().trim_end_matches('.');
            let detail = if message.is_empty() { code.to_owned() } else { format!("{code}: {message}") };
            (kind_of(code, message), detail)
        }
        SdkError::TimeoutError(_) => (Kind::Unavailable, "no answer in time".to_owned()),
        SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            let kind = if cause::<CredentialsError>(error).is_some() { Kind::Credentials } else { Kind::Unavailable };
            (kind, innermost(error))
        }
        other => (Kind::Unavailable, format!("{}", DisplayErrorContext(other))),
    };
    Error { operation, kind, detail }
}

fn kind_of(code: &str, message: &str) -> Kind {
    match code {
        "NoSuchEntity" | "NoSuchEntityException" => Kind::NotFound,
        "EntityAlreadyExists" => Kind::AlreadyExists,
        "LimitExceeded" => Kind::LimitExceeded,
        // IAM checks that principals exist, and one just created may not be visible yet.
        "MalformedPolicyDocument" if message.contains("Invalid principal") => Kind::InvalidPrincipal,
        "MalformedPolicyDocument" => Kind::MalformedPolicy,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Kind::AccessDenied,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "OptInRequired" => Kind::Credentials,
        "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown" => Kind::Throttled,
        "ConcurrentModification" | "EntityTemporarilyUnmodifiable" => Kind::Concurrent,
        "DeleteConflict" => Kind::DeleteConflict,
        "ServiceFailure" | "InternalFailure" | "InternalError" | "ServiceException" | "ServiceUnavailable"
        | "RequestTimeout" | "RequestExpired" | "Unknown" => Kind::Unavailable,
        _ => Kind::Refused,
    }
}

/// The first error of that type in a chain of causes.
fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    std::iter::successors(Some(error), |error| (*error).source()).find_map(|error| error.downcast_ref())
}

/// The last cause of a chain: the one that says what happened.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("NoSuchEntity", "", Kind::NotFound)]
    #[case("MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"arn:…\"", Kind::InvalidPrincipal)]
    #[case("MalformedPolicyDocument", "Syntax errors in policy.", Kind::MalformedPolicy)]
    #[case("Throttling", "Rate exceeded", Kind::Throttled)]
    #[case("PolicyNotAttachable", "", Kind::Refused)]
    #[case("ServiceFailure", "", Kind::Unavailable)]
    fn codes_are_told_apart(#[case] code: &str, #[case] message: &str, #[case] kind: Kind) {
        assert_eq!(kind_of(code, message), kind);
    }

    #[test]
    fn a_policy_that_does_not_exist_is_waited_for_and_named() {
        let error = Error { operation: "iam:AttachRolePolicy", kind: Kind::NotFound, detail: String::new() };
        let step = Step::AttachManagedPolicy("arn:aws:iam::123456789012:policy/missing".to_owned());
        let failure = error.failure("orders", Some(&step));
        assert_eq!((failure.class, failure.reason), (Class::Waiting, Reason::PolicyNotFound));
        assert!(failure.message.contains("arn:aws:iam::123456789012:policy/missing"));
    }
}
