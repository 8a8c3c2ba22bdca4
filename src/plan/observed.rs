//! What IAM and Lambda were seen to hold.

use std::collections::{BTreeMap, BTreeSet};

use super::{Owner, PolicyOwner};
use crate::api::ADOPTED_TAG;

/// A role as IAM holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedRole {
    /// Name, in the case in which it was created.
    pub name: String,
    /// Path.
    pub path: String,
    /// ARN.
    pub arn: String,
    /// Unique id, `AROA…`.
    pub id: String,
    /// The trust policy, JSON, percent-decoded.
    pub trust_policy: String,
    /// Description; empty if there is none.
    pub description: String,
    /// Longest session, in seconds.
    pub max_session_seconds: i32,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// Tags, AWS's own (`aws:`) included.
    pub tags: BTreeMap<String, String>,
    /// Inline policies, JSON by name, percent-decoded.
    pub inline_policies: BTreeMap<String, String>,
    /// ARNs of the attached managed policies.
    pub managed_policies: BTreeSet<String>,
}

impl ObservedRole {
    /// Whether it was there before its object, by its tags.
    #[must_use]
    pub fn is_adopted(&self) -> bool {
        self.tags.contains_key(ADOPTED_TAG)
    }

    /// Whether the role's tags name `owner`.
    #[must_use]
    pub fn is_owned_by(&self, owner: &Owner) -> bool {
        Owner::of(&self.tags).as_ref() == Some(owner)
    }
}

/// Who still uses a role that shall go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Names of the instance profiles that hold the role.
    pub instance_profiles: Vec<String>,
    /// ARNs of the functions, and of their versions, that run with the role.
    pub functions: Vec<String>,
}

/// A customer managed policy as IAM holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedPolicy {
    /// Name, in the case in which it was created.
    pub name: String,
    /// Path.
    pub path: String,
    /// ARN.
    pub arn: String,
    /// Unique id, `ANPA…`.
    pub id: String,
    /// Description; empty if there is none.
    pub description: String,
    /// Id of the default version, `v1`.
    pub default_version: String,
    /// The document of that version, JSON, percent-decoded.
    pub document: String,
    /// Tags, AWS's own (`aws:`) included.
    pub tags: BTreeMap<String, String>,
    /// How many users, groups and roles it is attached to.
    pub attachment_count: usize,
    /// How many users and roles have it as their permissions boundary.
    pub boundary_count: usize,
    /// Its versions, oldest first, where they were asked for.
    pub versions: Option<Vec<PolicyVersion>>,
}

/// A version of a managed policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Its id, `v1`.
    pub id: String,
    /// Whether it is the one that counts.
    pub is_default: bool,
}

impl ObservedPolicy {
    /// Whether the policy's tags name `owner`.
    #[must_use]
    pub fn is_owned_by(&self, owner: &PolicyOwner) -> bool {
        PolicyOwner::of(&self.tags).as_ref() == Some(owner)
    }

    /// The version that has to go before another is written, if the policy has as many as IAM keeps: the oldest that is
    /// not the default.
    #[must_use]
    pub fn version_in_the_way(&self) -> Option<&PolicyVersion> {
        let versions = self.versions.as_ref().filter(|versions| versions.len() >= VERSIONS_MAX)?;
        versions.iter().find(|version| !version.is_default)
    }
}

/// Who has a managed policy that shall go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyUsage {
    /// Names of the users that it is attached to.
    pub users: Vec<String>,
    /// Names of the groups that it is attached to.
    pub groups: Vec<String>,
    /// The roles that it is attached to.
    pub roles: Vec<HolderRole>,
    /// Users and roles whose permissions boundary it is, as messages name them: `role orders`.
    pub bounded: Vec<String>,
}

/// A role that a managed policy is attached to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HolderRole {
    /// Its name.
    pub name: String,
    /// Its tags, which say whose it is.
    pub tags: BTreeMap<String, String>,
}

/// Versions that IAM keeps of a managed policy.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const VERSIONS_MAX: usize = 5;
