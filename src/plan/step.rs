//! The changes that a plan is made of.

use std::{collections::BTreeMap, fmt};

use crate::policy::Document;

/// One call to IAM. Each may be repeated without harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Create the role, with what `CreateRole` can set at once; its tags say from the first instant whose it is.
    CreateRole(Box<NewRole>),
    /// Set or replace the permissions boundary.
    PutPermissionsBoundary(String),
    /// Remove the permissions boundary.
    DeletePermissionsBoundary,
    /// Put an inline policy, new or changed.
    PutInlinePolicy {
        /// Name of the policy.
        name: String,
        /// The whole document.
        document: Document,
    },
    /// Delete an inline policy.
    DeleteInlinePolicy(String),
    /// Attach a managed policy.
    AttachManagedPolicy(String),
    /// Detach a managed policy.
    DetachManagedPolicy(String),
    /// Create a managed policy; its tags say from the first instant whose it is.
    CreatePolicy(Box<NewPolicy>),
    /// Write another version of a managed policy, which counts from then on.
    CreatePolicyVersion {
        /// ARN of the policy.
        arn: String,
        /// The whole document.
        document: Document,
    },
    /// Delete a version of a managed policy that does not count.
    DeletePolicyVersion {
        /// ARN of the policy.
        arn: String,
        /// Id of the version.
        version: String,
    },
    /// Set tags of a managed policy, new or changed.
    TagPolicy {
        /// ARN of the policy.
        arn: String,
        /// The tags.
        tags: BTreeMap<String, String>,
    },
    /// Remove tags of a managed policy.
    UntagPolicy {
        /// ARN of the policy.
        arn: String,
        /// Their keys.
        keys: Vec<String>,
    },
    /// Detach a managed policy that shall go from a role of another object.
    DetachFromRole {
        /// ARN of the policy.
        arn: String,
        /// Name of the role.
        role: String,
    },
    /// Delete a managed policy that is attached to nothing and has one version.
    DeletePolicy(String),
    /// Replace the trust policy.
    UpdateTrustPolicy(Document),
    /// Set description and longest session.
    UpdateRole {
        /// Description; empty for none.
        description: String,
        /// Longest session, in seconds.
        max_session_seconds: i32,
    },
    /// Set tags, new or changed.
    TagRole(BTreeMap<String, String>),
    /// Remove tags.
    UntagRole(Vec<String>),
    /// Delete the role.
    DeleteRole,
}

/// A role to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRole {
    /// Path.
    pub path: String,
    /// Trust policy, without the trust in the role itself, which cannot be expressed before the role exists.
    pub trust_policy: Document,
    /// Description; empty for none.
    pub description: String,
    /// Longest session, in seconds.
    pub max_session_seconds: i32,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// All tags, those of the owner included.
    pub tags: BTreeMap<String, String>,
}

/// A managed policy to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPolicy {
    /// Name.
    pub name: String,
    /// Path.
    pub path: String,
    /// ARN that it will have.
    pub arn: String,
    /// The whole document.
    pub document: Document,
    /// Description, which IAM cannot change later; empty for none.
    pub description: String,
    /// All tags, those of the owner included.
    pub tags: BTreeMap<String, String>,
}

/// A clause such as `attach arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess`, for events, messages and plans.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateRole(_) => f.write_str("create the role"),
            Self::PutPermissionsBoundary(arn) => write!(f, "set the permissions boundary {arn}"),
            Self::DeletePermissionsBoundary => f.write_str("remove the permissions boundary"),
            Self::PutInlinePolicy { name, .. } => write!(f, "put inline policy {name}"),
            Self::DeleteInlinePolicy(name) => write!(f, "delete inline policy {name}"),
            Self::AttachManagedPolicy(arn) => write!(f, "attach {arn}"),
            Self::DetachManagedPolicy(arn) => write!(f, "detach {arn}"),
            Self::CreatePolicy(new) => write!(f, "create policy {}", new.arn),
            Self::CreatePolicyVersion { arn, .. } => write!(f, "write a version of {arn}"),
            Self::DeletePolicyVersion { arn, version } => write!(f, "delete version {version} of {arn}"),
            Self::TagPolicy { arn, tags } => {
                write!(f, "set tags {} of {arn}", tags.keys().cloned().collect::<Vec<_>>().join(", "))
            }
            Self::UntagPolicy { arn, keys } => write!(f, "remove tags {} of {arn}", keys.join(", ")),
            Self::DetachFromRole { arn, role } => write!(f, "detach {arn} from role {role}"),
            Self::DeletePolicy(arn) => write!(f, "delete policy {arn}"),
            Self::UpdateTrustPolicy(_) => f.write_str("replace the trust policy"),
            Self::UpdateRole { .. } => f.write_str("set description and session duration"),
            Self::TagRole(tags) => write!(f, "set tags {}", tags.keys().cloned().collect::<Vec<_>>().join(", ")),
            Self::UntagRole(keys) => write!(f, "remove tags {}", keys.join(", ")),
            Self::DeleteRole => f.write_str("delete the role"),
        }
    }
}

/// The clauses of several steps, in order.
#[must_use]
pub fn describe(steps: &[Step]) -> String {
    steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
