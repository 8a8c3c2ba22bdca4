//! What the controller reports.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::rule;

/// What the controller saw and did. It says nothing about who owns a role: the role's tags do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LambdaExecutionRoleStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`, `Accepted` and `Synced` always; `Exported` where an export is asked for; `Drifted`, `DeletionBlocked`, `Reconciling`
    /// and `Stalled` while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,

    /// The class that the object is bound to. One that names no class stays with the default class that it found first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,

    /// ARN of the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,

    /// Name of the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,

    /// Unique id of the role (`AROA…`), which a recreated role of the same name would not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_id: Option<String>,

    /// The AWS account that the role is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,

    /// What the controller wrote, or was about to write, where workloads read it. It says nothing about whose a ConfigMap is: its
    /// owner reference does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    // Whole or not at all, as are foreign policies.
    #[x_kube(merge_strategy = MapMerge::Atomic)]
    pub export: Option<ExportStatus>,

    /// The managed policies that this object attached. Under `unlisted.managedPolicies: Keep` also those that it is about to
    /// attach: only what is listed here is taken away again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub managed_policies: Vec<AttachedPolicy>,

    /// The inline policies that this object put. Under `unlisted.inlinePolicies: Keep` also those that it is about to put.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub inline_policies: Vec<StoredPolicy>,

    /// The grants that the role admits, on it or not, by namespace and name; and others that still have something of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub grants: Vec<RoleGrant>,

    /// The managed policies of the role's own, with the statements for which its inline policies have no room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub overflow_policies: Vec<OverflowPolicy>,

    /// The policies on the role that others put there, and that `spec.unlisted` keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    // Whole or not at all: of a struct whose fields are owned one by one, the API server leaves `null` behind when they go,
    // and refuses that.
    #[x_kube(merge_strategy = MapMerge::Atomic)]
    pub foreign_policies: Option<ForeignPolicies>,

    /// Characters that the role's inline policies use, as IAM counts them (without white space between elements).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline_characters: Option<i64>,

    /// Characters that a role's inline policies may use together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline_quota: Option<i64>,

    /// What is probably not meant, or riskier than it looks, in the spec: code, field, explanation, fix. `lambdaroles lint` says
    /// the same before a manifest is applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub warnings: Vec<String>,

    /// What would be done in IAM, in order, where nothing is written: the class or `adoption` says `Observe`, or `drift` says
    /// `Report`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub plan: Vec<String>,

    /// Fingerprint of what the spec asked of IAM when IAM last equalled it. A difference from IAM while it is unchanged is
    /// somebody else's doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced_fingerprint: Option<String>,

    /// When IAM was last changed for this object, or first seen to equal the spec. A later look that finds nothing to do
    /// leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_change_time: Option<Time>,

    /// The value of the annotation `lambdaroles.dev/reconcile-at` that was last acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// A managed policy that the object attached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachedPolicy {
    /// ARN of the policy.
    pub arn: String,

    /// The default version of one of AWS's own policies, as last read: the one that counts for the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub version_id: Option<String>,

    /// The default version before that one, if AWS changed it since the policy was attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub previous_version_id: Option<String>,
}

/// Where the role's names were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportStatus {
    /// Name of the ConfigMap, in the object's namespace.
    pub config_map: String,

    /// Names of those that were written before and go once this one is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = rule::PREVIOUS_EXPORTS_MAX))]
    pub previous: Vec<String>,
}

/// Policies on a role that its object did not put there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForeignPolicies {
    /// ARNs of managed policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub managed_policies: Vec<String>,

    /// Names of inline policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub inline_policies: Vec<String>,
}

/// An inline policy that the object put.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct StoredPolicy {
    /// Name of the policy.
    pub name: String,

    /// Its characters, as IAM counts them.
    pub characters: i64,
}

/// A managed policy that holds statements of the role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct OverflowPolicy {
    /// Name of the policy.
    pub name: String,

    /// ARN of the policy.
    pub arn: String,

    /// Its characters, as IAM counts them.
    pub characters: i64,
}

/// What the controller found of a class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LambdaRoleClassStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`: the class is valid, and its credentials belong to its account. `Reconciling` and `Stalled` while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,

    /// The AWS account that the credentials belong to, as AWS says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,

    /// Who the controller is in that account, as AWS says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_arn: Option<String>,

    /// What the account allows, and how much of it is used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub quotas: Vec<AccountQuota>,

    /// How many objects use the class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<i64>,

    /// How many of them the class refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_roles: Option<i64>,
}

/// A quota of an AWS account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct AccountQuota {
    /// What it is about, as IAM calls it: `Roles`, `Policies`, `AttachedPoliciesPerRole`, `RolePolicySize`,
    /// `AssumeRolePolicySize`.
    pub name: String,

    /// How much is used, where IAM counts that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<i64>,

    /// How much is allowed.
    pub quota: i64,
}

/// What the controller saw and did about a managed policy. It says nothing about whose a policy is: the policy's tags do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LambdaManagedPolicyStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`, `Accepted` and `Synced` always; `Drifted`, `DeletionBlocked`, `Reconciling` and `Stalled` while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,

    /// The class that the object is bound to. One that names no class stays with the default class that it found first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,

    /// ARN of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_arn: Option<String>,

    /// Name of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_name: Option<String>,

    /// Unique id of the policy (`ANPA…`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_id: Option<String>,

    /// The AWS account that the policy is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,

    /// The version that holds (`v3`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_version_id: Option<String>,

    /// How many roles, users and groups had the policy at the last look, as IAM counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment_count: Option<i64>,

    /// Characters of the document, as IAM counts them (without white space between elements).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<i64>,

    /// Characters that a managed policy may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<i64>,

    /// What is probably not meant, or riskier than it looks, in the spec: code, field, explanation, fix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub warnings: Vec<String>,

    /// What would be done in IAM, in order, where nothing is written: the class says `Observe`, or `drift` says `Report`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub plan: Vec<String>,

    /// Fingerprint of what the spec asked of IAM when IAM last equalled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced_fingerprint: Option<String>,

    /// When IAM was last changed for this object, or first seen to equal the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_change_time: Option<Time>,

    /// The value of the annotation `lambdaroles.dev/reconcile-at` that was last acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// What became of a grant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LambdaRoleGrantStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`, `Accepted` and `Synced` always; `DeletionBlocked`, `Reconciling` and `Stalled` while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,

    /// ARN of the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,

    /// Name of the grant's inline policy on the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_name: Option<String>,

    /// Characters of the policy's document, as IAM counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<i64>,

    /// What is probably not meant, or riskier than it looks, in the spec: code, field, explanation, fix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub warnings: Vec<String>,
}

/// A grant as the last pass over the role found it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleGrant {
    /// Namespace of the grant.
    pub namespace: String,

    /// Name of the grant.
    pub name: String,

    /// The generation of the grant that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,

    /// Name of its inline policy.
    pub policy_name: String,

    /// Characters of the policy's document that is on the role; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<i64>,

    /// Why the grant as it stands is not on the role: a reason of the grant's `Accepted` condition. Absent if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
