//! Which policies on a role are the object's doing. Under `unlisted: Keep` only those are ever taken away.

use std::collections::BTreeSet;

use super::{Account, Owner, expansion, grant, overflow::ByNumber, permissions::Permissions, reference::References};
use crate::api::{INLINE_POLICY_NAME, LambdaExecutionRoleSpec, LambdaExecutionRoleStatus};

/// The policies that an object put on its role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// ARNs of managed policies.
    pub managed_policies: BTreeSet<String>,
    /// Names of inline policies, but for `lambdaroles` and those of grants, which are the object's wherever they stand.
    pub inline_policies: BTreeSet<String>,
    /// The managed policies of the role's own, by their tags, as IAM holds them.
    pub overflow_policies: ByNumber,
}

impl Placed {
    /// What the status says.
    #[must_use]
    pub fn by_status(status: &LambdaExecutionRoleStatus) -> Self {
        Self {
            managed_policies: status.managed_policies.iter().map(|policy| policy.arn.clone()).collect(),
            inline_policies: status.inline_policies.iter().map(|policy| policy.name.clone()).collect(),
            overflow_policies: ByNumber::new(),
        }
    }

    /// What the spec lists, as far as it is valid: a pass that was killed may have placed it and not said so.
    #[must_use]
    pub fn by_spec(
        spec: &LambdaExecutionRoleSpec,
        owner: &Owner,
        account: &Account,
        references: &References,
        role_name: &str,
    ) -> Self {
        let mut faults = Vec::new();
        let placeholders = expansion::placeholders(owner, account, role_name);
        let spec = expansion::expanded(spec, &placeholders, &mut faults);
        let permissions = Permissions::of(&spec, account, &placeholders, references, &mut faults);
        Self {
            managed_policies: permissions.managed_policies(),
            inline_policies: permissions.raw.into_keys().collect(),
            overflow_policies: ByNumber::new(),
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.managed_policies.extend(other.managed_policies);
        self.inline_policies.extend(other.inline_policies);
        self.overflow_policies.extend(other.overflow_policies);
        self
    }

    /// With the managed policies of the role's own.
    #[must_use]
    pub fn with_overflow(self, overflow_policies: ByNumber) -> Self {
        Self { overflow_policies, ..self }
    }

    /// Whether the managed policy of that ARN is the object's, by its tags.
    #[must_use]
    pub fn has_overflow_policy(&self, arn: &str) -> bool {
        self.overflow_policies.values().any(|policy| policy.arn == arn)
    }

    /// Whether the inline policy called `name` is the object's.
    #[must_use]
    pub fn has_inline_policy(&self, name: &str) -> bool {
        name == INLINE_POLICY_NAME || grant::is_of_grant(name) || self.inline_policies.contains(name)
    }
}
