//! `LambdaManagedPolicy`: a customer managed policy that roles refer to.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{
    class::Namespaces,
    role::{DeletionPolicy, Drift},
    rule,
    statement::Statement,
    status::LambdaManagedPolicyStatus,
};

/// What the managed policy shall say. The controller makes the IAM policy exactly this and keeps it so; it never writes here.
#[expect(clippy::duplicated_attributes, reason = "each column has a name of its own; only their types repeat")]
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "lambdaroles.dev",
    version = "v1alpha1",
    kind = "LambdaManagedPolicy",
    plural = "lambdamanagedpolicies",
    namespaced,
    status = "LambdaManagedPolicyStatus",
    derive = "PartialEq",
    shortname = "lmp",
    category = "lambdaroles",
    selectable = ".spec.className",
    selectable = ".spec.suspend",
    selectable = ".status.className",
    selectable = ".status.accountId",
    selectable = ".status.policyName",
    selectable = ".status.policyArn",
    doc = "A customer managed IAM policy with typed statements, which LambdaExecutionRoles refer to by its name.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.defaultVersionId"),
    printcolumn(name = "Attached", type_ = "integer", json_path = ".status.attachmentCount"),
    printcolumn(name = "Policy ARN", type_ = "string", json_path = ".status.policyArn", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(has(self.policyName) ? self.policyName : '') == (has(oldSelf.policyName) ? oldSelf.policyName : '')").message(rule::MANAGED_POLICY_NAME_IMMUTABLE).field_path(".policyName"))]
#[x_kube(validation = Rule::new("(has(self.path) ? self.path : '') == (has(oldSelf.path) ? oldSelf.path : '')").message(rule::MANAGED_POLICY_PATH_IMMUTABLE).field_path(".path"))]
#[x_kube(validation = Rule::new("(has(self.description) ? self.description : '') == (has(oldSelf.description) ? oldSelf.description : '')").message(rule::MANAGED_POLICY_DESCRIPTION_IMMUTABLE).field_path(".description"))]
#[x_kube(validation = Rule::new("(has(self.className) ? self.className : '') == (has(oldSelf.className) ? oldSelf.className : '')").message(rule::CLASS_NAME_IMMUTABLE).field_path(".className"))]
pub struct LambdaManagedPolicySpec {
    /// Name of the `LambdaRoleClass`: the account that the policy is made in, and what it may allow. Default: the default class
    /// that the namespace may use. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::CLASS_NAME_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')").message(rule::CLASS_NAME))]
    pub class_name: Option<String>,

    /// Name of the IAM policy, 1 to 128 letters, digits and `+=,.@_-`. Default: the class's, which is `<namespace>-<name>` where
    /// the class does not say. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::POLICY_NAME_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9_+=,.@-]+$')").message(rule::MANAGED_POLICY_NAME))]
    pub policy_name: Option<String>,

    /// Path of the IAM policy, with a slash before and behind. Default: the class's. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::PATH_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^/([A-Za-z0-9.,+@=_-]+/)*$')").message(rule::MANAGED_POLICY_PATH))]
    pub path: Option<String>,

    /// Description of the policy, up to 1000 printable Latin-1 characters. Default: empty. Immutable: IAM has no call to change
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = rule::DESCRIPTION_MAX))]
    #[x_kube(validation = Rule::new(r"self.matches('^[\\x20-\\x7E\\xA1-\\xFF]*$')").message(rule::MANAGED_POLICY_DESCRIPTION))]
    pub description: Option<String>,

    /// Tags of the policy, up to 46, beside those of the class. Other tags are removed, but for those of AWS itself (`aws:`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "super::schema::policy_tags")]
    #[x_kube(validation = Rule::new(r"self.all(k, k.size() <= 128 && k.matches('^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]+$') && self[k].matches('^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*$'))").message(rule::TAGS))]
    #[x_kube(validation = Rule::new("self.all(k, !k.lowerAscii().startsWith('aws:') && !k.lowerAscii().startsWith('lambdaroles.dev/') && !self[k].startsWith('aws:'))").message(rule::TAGS_RESERVED))]
    #[x_kube(validation = Rule::new("self.all(k, self.exists_one(j, j.lowerAscii() == k.lowerAscii()))").message(rule::TAGS_CASE))]
    pub tags: BTreeMap<String, String>,

    /// The default scope of statements, those that deny included: the functions whose code they hold for. A list of their own
    /// replaces it, an empty one lifts it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::source_function_arns")]
    pub source_function_arns: Vec<String>,

    /// The policy's statements, at least one. Their document is made a version of the policy whenever its meaning changes.
    #[schemars(length(min = 1, max = 100))]
    #[x_kube(validation = Rule::new("self.all(s, !has(s.sid) || self.exists_one(t, has(t.sid) && t.sid == s.sid))").message(rule::SID_UNIQUE))]
    pub statements: Vec<Statement>,

    /// The namespaces, beside its own, whose roles may refer to the policy. Roles of a namespace that is taken out lose it at
    /// once. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<Namespaces>,

    /// What becomes of changes that somebody else makes in IAM: `Correct` undoes them, `Report` says so and leaves them until
    /// the spec changes. Default: the class's, or `Correct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::choice::<Drift>")]
    pub drift: Option<Drift>,

    /// What becomes of the policy when the object is deleted: `Delete` or `Retain`. Default: the class's, or `Delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::choice::<DeletionPolicy>")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// While true, IAM is neither read nor written for this object, but for what the class's guardrails demand. A deletion
    /// waits for the end of the suspension, unless `deletionPolicy` is `Retain`.
    #[serde(default)]
    pub suspend: bool,

    /// How often IAM is looked at when nothing changes, in whole `h`, `m` and `s`, for example `10m`; 30s to 24h. Default:
    /// the class's, or the controller's (`10m`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('30s') && duration(self) <= duration('24h')").message(rule::RESYNC_INTERVAL))]
    pub resync_interval: Option<String>,
}
