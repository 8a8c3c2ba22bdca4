//! What IAM and Lambda were seen to hold.

use std::collections::{BTreeMap, BTreeSet};

use super::Owner;
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
