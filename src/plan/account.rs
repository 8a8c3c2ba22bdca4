//! The account that roles are made in, and what it allows one of them.

/// Where roles are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// The region that bare function names stand for.
    pub region: String,
    /// What a role may hold there.
    pub quotas: Quotas,
}

/// What IAM allows one role, which differs by account and by year.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Most characters of the inline policies together (`RolePolicySizeQuota`).
    pub inline_policies: usize,
    /// Most characters of the trust policy (`AssumeRolePolicySizeQuota`).
    pub trust_policy: usize,
    /// Most attached managed policies (`AttachedPoliciesPerRoleQuota`).
    pub managed_policies: usize,
    /// Most characters of a managed policy (`PolicySizeQuota`).
    pub managed_policy_size: usize,
}

impl Quotas {
    /// What an account has that asked for nothing.
    pub const DEFAULT: Self =
        Self { inline_policies: 10_240, trust_policy: 2_048, managed_policies: 20, managed_policy_size: 6_144 };

    /// The most that AWS grants. Where an account's own quotas are unknown, only what no account has is refused here; IAM
    /// judges the rest.
    pub const HIGHEST: Self =
        Self { inline_policies: 10_240, trust_policy: 8_192, managed_policies: 25, managed_policy_size: 6_144 };
}
