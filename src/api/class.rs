//! `LambdaRoleClass`: where roles are made, and what their authors may ask for.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{
    role::{DeletionPolicy, Drift},
    rule,
    status::LambdaRoleClassStatus,
};

/// Which account roles are made in, who may make them, how they are called and what they may hold.
///
/// Patterns take `*` for any text and `?` for any one character, and the placeholders `$(partition)`, `$(accountId)`, `$(region)`,
/// `$(namespace)`, `$(name)` and `$(roleName)` of the role that is judged.
#[expect(clippy::duplicated_attributes, reason = "each column has a name of its own; only their types repeat")]
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "lambdaroles.dev",
    version = "v1alpha1",
    kind = "LambdaRoleClass",
    plural = "lambdaroleclasses",
    status = "LambdaRoleClassStatus",
    derive = "PartialEq",
    shortname = "lrc",
    category = "lambdaroles",
    selectable = ".spec.account.id",
    selectable = ".spec.mode",
    doc = "What a platform team decides for the roles of Lambda functions: the AWS account, the namespaces that may use it, names, guardrails and defaults.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Account", type_ = "string", json_path = ".spec.account.id"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Roles", type_ = "integer", json_path = ".status.roles"),
    printcolumn(name = "Refused", type_ = "integer", json_path = ".status.refusedRoles"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct LambdaRoleClassSpec {
    /// The AWS account that roles are made in, and how it is reached.
    pub account: ClassAccount,

    /// The namespaces whose objects may use the class: those listed by name and those that the selector matches. Empty: none.
    pub namespaces: Namespaces,

    /// How roles and managed policies are called.
    #[serde(default)]
    pub naming: Naming,

    /// What roles may hold. With none at all, what leads to other identities is denied all the same: `iam:*`, `organizations:*`,
    /// `account:*`, `sso:*`, `sso-directory:*`, `identitystore:*`, `sts:AssumeRoot`, and `sts:AssumeRole` on more than roles
    /// that are named.
    #[serde(default)]
    pub guardrails: Guardrails,

    /// What counts where a role says nothing.
    #[serde(default)]
    pub defaults: ClassDefaults,

    /// `Enforce`: IAM is made equal to the roles. `Observe`: what would be done is planned and shown in their status, and
    /// nothing is written to IAM.
    #[serde(default)]
    pub mode: Mode,
}

/// An AWS account, and how it is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(has(self.partition) ? self.partition : 'aws') == (has(oldSelf.partition) ? oldSelf.partition : 'aws')").message(rule::CLASS_ACCOUNT_IMMUTABLE).field_path(".partition"))]
pub struct ClassAccount {
    /// Id of the account, twelve digits. What the credentials belong to is asked of AWS, and if it is another account nothing
    /// is written. Immutable.
    #[schemars(length(min = 12, max = 12))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9]{12}$')").message(rule::ACCOUNT_ID))]
    #[x_kube(validation = Rule::new("self == oldSelf").message(rule::CLASS_ACCOUNT_IMMUTABLE))]
    pub id: String,

    /// Partition: `aws` (default), `aws-cn`, `aws-us-gov`. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new("self.matches('^aws(-[a-z]+)*$')").message(rule::PARTITION))]
    pub partition: Option<String>,

    /// Region of functions that are named without one, and of AWS's endpoints. Default: the controller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z]+(-[a-z0-9]+)+$')").message(rule::REGION))]
    pub region: Option<String>,

    /// Regions whose functions are asked for before a role is deleted. Default: the controller's, or the region above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::regions")]
    pub function_regions: Vec<String>,

    /// Roles that are assumed one after the other, the first with the controller's own credentials. Empty: those are used as
    /// they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub assume_role: Vec<AssumeRole>,

    /// URL of an AWS emulator or of a proxy, for every service of this account. Default: the controller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[!-~]+$')").message(rule::ENDPOINT_URL))]
    pub endpoint_url: Option<String>,
}

/// One role on the way to an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssumeRole {
    /// ARN of the role.
    #[schemars(length(min = rule::ARN_MIN, max = rule::ARN_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$')").message(rule::ROLE_ARN))]
    pub arn: String,

    /// What the role's trust policy asks for in `sts:ExternalId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 1224))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9_+=,.@:/-]+$')").message(rule::EXTERNAL_ID))]
    pub external_id: Option<String>,

    /// Name of the session, as `CloudTrail` shows it. Default: `lambdaroles`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9_+=,.@-]+$')").message(rule::SESSION_NAME))]
    pub session_name: Option<String>,

    /// Tags of the session.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "super::schema::session_tags")]
    pub session_tags: BTreeMap<String, String>,
}

/// Namespaces, by name and by label.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct Namespaces {
    /// Names, in which `*` and `?` are wildcards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::namespace_names")]
    pub names: Vec<String>,

    /// Labels of namespaces. An empty selector matches every namespace. Whoever may label a namespace decides with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::label_selector")]
    pub selector: Option<LabelSelector>,
}

/// How roles and managed policies are called.
///
/// The path and the names of those that give none are immutable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(has(self.path) ? self.path : '/') == (has(oldSelf.path) ? oldSelf.path : '/') && (has(self.roleName) ? self.roleName : '') == (has(oldSelf.roleName) ? oldSelf.roleName : '') && (has(self.policyName) ? self.policyName : '') == (has(oldSelf.policyName) ? oldSelf.policyName : '')").message(rule::CLASS_NAMING_IMMUTABLE))]
pub struct Naming {
    /// Path of roles and policies that give none, with placeholders, for example `/lambda/$(namespace)/`. Default: `/`.
    /// Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::PATH_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^/([!-~]+/)?$')").message(rule::PATH))]
    pub path: Option<String>,

    /// Name of roles that give none, with placeholders. Default: `$(namespace)-$(name)`. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new("self.matches('^([A-Za-z0-9_+=,.@-]|[$][(][A-Za-z]+[)])+$')").message(rule::ROLE_NAME_TEMPLATE))]
    pub role_name: Option<String>,

    /// Name of managed policies that give none, with placeholders; `$(roleName)` is none of them. Default:
    /// `$(namespace)-$(name)`. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new("self.matches('^([A-Za-z0-9_+=,.@-]|[$][(][A-Za-z]+[)])+$')").message(rule::POLICY_NAME_TEMPLATE))]
    pub policy_name: Option<String>,

    /// Paths that a role or a policy may choose beside the one above, as patterns. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub allowed_paths: Vec<String>,

    /// Names that a role may choose beside the one above, as patterns, for example `$(namespace)-*`. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub allowed_role_names: Vec<String>,

    /// Names that a managed policy may choose beside the one above, as patterns. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub allowed_policy_names: Vec<String>,

    /// Names of roles that exist already, as patterns, that an object may take over with `adoption`. Such a role keeps its
    /// name; its path has to be one that the class allows. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub adoptable: Vec<String>,
}

/// What roles may hold. Judged on the documents as they are to be written, and on those of the managed policies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Guardrails {
    /// The permissions boundary that every role gets, or those among which it may choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<BoundaryRule>,

    /// Which actions may be allowed on which resources.
    #[serde(default)]
    pub permissions: PermissionRules,

    /// Which managed policies may be attached. What they allow is judged as well.
    #[serde(default)]
    pub managed_policies: PatternRules,

    /// Who may assume roles beside Lambda.
    #[serde(default)]
    pub trust: TrustRules,

    /// The functions that a scope may name: function ARNs or names, as patterns, for example `$(namespace)-*`. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub source_functions: Option<Vec<String>>,

    /// Which of the statements that allow must hold only for the code of named functions (`lambda:SourceFunctionArn`).
    /// `Never`: none. `WhereCarried`: those with calls that function code makes; what Lambda itself calls carries no function
    /// and is exempt. `Always`: every one, so that features, event sources and destinations cannot be used.
    #[serde(default)]
    pub require_source_function_scope: RequireScope,

    /// Tags that roles must have, and tags that they may not set.
    #[serde(default)]
    pub tags: TagRules,

    /// Most roles that a namespace may have with the class. The oldest objects keep their place. Absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 5000))]
    pub max_roles_per_namespace: Option<i32>,

    /// The deletion policies that roles may have. Absent: both. Where `Retain` is not among them a role goes with its object,
    /// unless it was adopted: who retains roles keeps them beyond the reach of the class and of `maxRolesPerNamespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2))]
    pub deletion_policies: Option<Vec<DeletionPolicy>>,

    /// What becomes of a role that does not comply, because it or the class was changed. `Keep`: IAM stays as it is, but for the
    /// class's permissions boundary. `Revoke`: what is refused is taken away.
    #[serde(default)]
    pub on_violation: OnViolation,
}

/// The permissions boundary that roles must have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.arn) || has(self.allowed)").message(rule::BOUNDARY_RULE))]
pub struct BoundaryRule {
    /// ARN of the boundary of roles that name none. It is put back at every pass, whatever else is wrong with the object. Absent: a
    /// role has to choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = rule::ARN_MIN, max = rule::ARN_MAX))]
    #[x_kube(validation = Rule::new("self.contains('$(') || self.matches('^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$')").message(rule::POLICY_ARN))]
    pub arn: Option<String>,

    /// ARNs of the boundaries that a role may choose instead, as patterns. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub allowed: Vec<String>,
}

/// Which actions may be allowed on which resources. What a role allows must be within one entry of `allowed`, and must have
/// nothing in common with any of `denied`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct PermissionRules {
    /// What may be allowed: each action on each resource that a role allows must be within one entry. Absent: everything that is
    /// not denied. Empty: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50))]
    pub allowed: Option<Vec<PermissionRule>>,

    /// What may not be allowed: nothing that a role allows may have anything in common with an entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub denied: Vec<PermissionRule>,

    /// What may be allowed although it is denied to every class by default, for example `iam:PassRole` on one role. It excuses
    /// from nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub exempted: Vec<PermissionRule>,
}

/// Actions on resources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.actions) || has(self.resources)").message(rule::PERMISSION_RULE))]
pub struct PermissionRule {
    /// Actions, as patterns. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::actions")]
    pub actions: Option<Vec<String>>,

    /// Resources, as patterns. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub resources: Option<Vec<String>>,
}

/// Patterns of what may be and what may not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct PatternRules {
    /// ARNs, or names of AWS managed policies, as patterns; a name without a path means any path. Absent: all that are not
    /// denied. Empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub allowed: Option<Vec<String>>,

    /// ARNs, or names of AWS managed policies, as patterns, that may not be attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub denied: Vec<String>,
}

/// Who may assume roles beside `lambda.amazonaws.com`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct TrustRules {
    /// AWS services, as patterns, for example `edgelambda.amazonaws.com`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub services: Vec<String>,

    /// ARNs of roles, users and accounts, or account ids, as patterns. An account id stands for the account's root, which
    /// hands the right on to whom it likes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub principals: Vec<String>,

    /// Identity providers, as patterns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub federated: Vec<String>,

    /// Whether a role may trust itself.
    #[serde(default, rename = "self")]
    pub self_: bool,
}

/// Which statements must be scoped to functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::Display, schemars::JsonSchema)]
pub enum RequireScope {
    /// None.
    #[default]
    Never,
    /// Those with calls that function code makes. What Lambda itself calls carries no function's ARN and is exempt.
    WhereCarried,
    /// Every one. Features, event sources and destinations then cannot be used.
    Always,
}

/// Tags that roles must and must not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct TagRules {
    /// Keys that every role must have, with a value. Those of `forced` and of `defaults` count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::tag_keys")]
    pub required: Vec<String>,

    /// Tags that every role gets, with placeholders. A role that gives another value is refused.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "super::schema::role_tags")]
    pub forced: BTreeMap<String, String>,

    /// Keys, as patterns, that roles may not set themselves: those by which other policies tell principals apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::patterns")]
    pub reserved: Vec<String>,
}

/// What becomes of a role that does not comply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::Display, schemars::JsonSchema)]
pub enum OnViolation {
    /// It keeps what it has.
    #[default]
    Keep,
    /// It loses what is refused.
    Revoke,
}

/// What counts where a role says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassDefaults {
    /// Tags that a role gets unless it gives the key another value, with placeholders.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "super::schema::role_tags")]
    pub tags: BTreeMap<String, String>,

    /// What becomes of a role when its object goes: `Delete`, or `Retain`, which leaves it. Default: `Delete`; `Retain` for a role
    /// that was adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::choice::<DeletionPolicy>")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// What becomes of changes that somebody else makes in IAM: `Correct` undoes them, `Report` says so and leaves them. Default:
    /// `Correct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::choice::<Drift>")]
    pub drift: Option<Drift>,

    /// How often IAM is looked at when nothing changes, for example `10m`; 30s to 24h. Default: the controller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('30s') && duration(self) <= duration('24h')").message(rule::RESYNC_INTERVAL))]
    pub resync_interval: Option<String>,

    /// How long after the last change in IAM a role counts as ready, for example `15s`; up to 1h. Default: the controller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self.matches('^([0-9]+(h|m|s))+$') && duration(self) <= duration('1h')").message(rule::SETTLE_WINDOW))]
    pub settle_window: Option<String>,
}

/// Whether IAM is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::Display, schemars::JsonSchema)]
pub enum Mode {
    /// It is.
    #[default]
    Enforce,
    /// It is not: what would be done is shown.
    Observe,
}
