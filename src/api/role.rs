//! `LambdaExecutionRole`: the execution role of one or more Lambda functions.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{
    destination::Destination,
    event_source::EventSource,
    export::Export,
    feature::Feature,
    rule,
    statement::{Statement, TrustStatement},
    status::LambdaExecutionRoleStatus,
    template::{InlinePolicy, PolicyTemplate},
};

/// What the role shall be. The controller makes the IAM role exactly this and keeps it so; it never writes here.
///
/// An absent field stands for its default, an empty list or map for empty.
#[expect(clippy::duplicated_attributes, reason = "each column has a name of its own; only their types repeat")]
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "lambdaroles.dev",
    version = "v1alpha1",
    kind = "LambdaExecutionRole",
    namespaced,
    status = "LambdaExecutionRoleStatus",
    derive = "PartialEq",
    shortname = "ler",
    category = "lambdaroles",
    selectable = ".spec.className",
    selectable = ".spec.suspend",
    selectable = ".status.className",
    selectable = ".status.accountId",
    selectable = ".status.roleName",
    selectable = ".status.roleArn",
    doc = "An IAM role that Lambda functions run with: trust policy, managed policies, permissions boundary, and statements that may hold only for the code of named functions.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Role ARN", type_ = "string", json_path = ".status.roleArn", priority = 1),
    printcolumn(name = "Drift", type_ = "string", json_path = ".status.conditions[?(@.type==\"Drifted\")].status"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(has(self.roleName) ? self.roleName : '') == (has(oldSelf.roleName) ? oldSelf.roleName : '')").message(rule::ROLE_NAME_IMMUTABLE).field_path(".roleName"))]
#[x_kube(validation = Rule::new("(has(self.path) ? self.path : '') == (has(oldSelf.path) ? oldSelf.path : '')").message(rule::PATH_IMMUTABLE).field_path(".path"))]
#[x_kube(validation = Rule::new("(has(self.className) ? self.className : '') == (has(oldSelf.className) ? oldSelf.className : '')").message(rule::CLASS_NAME_IMMUTABLE).field_path(".className"))]
pub struct LambdaExecutionRoleSpec {
    /// Name of the `LambdaRoleClass`: the account that the role is made in, and what it may hold. Default: the default class
    /// that the namespace may use. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::CLASS_NAME_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')").message(rule::CLASS_NAME))]
    pub class_name: Option<String>,

    /// Name of the IAM role, 1 to 64 letters, digits and `+=,.@_-`. Default: the class's, which is `<namespace>-<name>` where
    /// the class does not say. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::ROLE_NAME_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9_+=,.@-]+$')").message(rule::ROLE_NAME))]
    pub role_name: Option<String>,

    /// Path of the IAM role, with a slash before and behind. Default: the class's. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::PATH_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^/([!-~]+/)?$')").message(rule::PATH))]
    pub path: Option<String>,

    /// Description of the role, up to 1000 Latin-1 characters. Default: empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = rule::DESCRIPTION_MAX))]
    #[x_kube(validation = Rule::new(r"self.matches('^[\\t\\n\\r\\x20-\\x7E\\xA1-\\xFF]*$')").message(rule::DESCRIPTION))]
    pub description: Option<String>,

    /// Tags of the role, up to 47, beside those of the class. Keys that differ only in case are one, as to IAM. Other tags
    /// are removed, but for those of AWS itself (`aws:`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "super::schema::tags")]
    #[x_kube(validation = Rule::new(r"self.all(k, k.size() <= 128 && k.matches('^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]+$') && self[k].matches('^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*$'))").message(rule::TAGS))]
    #[x_kube(validation = Rule::new("self.all(k, !k.lowerAscii().startsWith('aws:') && !k.lowerAscii().startsWith('lambdaroles.dev/') && !self[k].startsWith('aws:'))").message(rule::TAGS_RESERVED))]
    #[x_kube(validation = Rule::new("self.all(k, self.exists_one(j, j.lowerAscii() == k.lowerAscii()))").message(rule::TAGS_CASE))]
    pub tags: BTreeMap<String, String>,

    /// Longest session that others who assume the role may ask for, in seconds, 3600 to 43200. Default: 3600. Does not
    /// apply to the sessions that Lambda assumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = rule::SESSION_SECONDS_MIN, max = rule::SESSION_SECONDS_MAX))]
    pub max_session_duration_seconds: Option<i32>,

    /// The managed policy that bounds what the role may do, where the class leaves a choice. Absent: the class's, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<PermissionsBoundary>,

    /// Who may assume the role. Default: Lambda, on behalf of the role's own account.
    #[serde(default)]
    pub trust: Trust,

    /// What Lambda's own features need of the role. The rights are Lambda's, so none is scoped to a function.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub features: Vec<Feature>,

    /// Where Lambda polls for the role's functions. The rights are Lambda's, so none is scoped to a function.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub event_sources: Vec<EventSource>,

    /// Where Lambda sends results, failed records and dead letters. The rights are Lambda's, so none is scoped to a function.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub destinations: Vec<Destination>,

    /// Managed policies that are attached to the role. The order does not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 25))]
    #[x_kube(validation = Rule::new("self.all(p, self.exists_one(q, q == p))").message(rule::MANAGED_POLICY_TWICE))]
    pub managed_policies: Vec<ManagedPolicy>,

    /// Policy templates of serverless applications: what the functions' code needs, by name and parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub templates: Vec<PolicyTemplate>,

    /// The default scope of statements and templates, those that deny included: the functions whose code they hold for. A list
    /// of their own replaces it, an empty one lifts it. What Lambda itself needs is never scoped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::schema::source_function_arns")]
    pub source_function_arns: Vec<String>,

    /// The role's own statements. They go into one inline policy, `lambdaroles`, and where that has no room, see `overflow`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(validation = Rule::new("self.all(s, !has(s.sid) || self.exists_one(t, has(t.sid) && t.sid == s.sid))").message(rule::SID_UNIQUE))]
    pub statements: Vec<Statement>,

    /// Inline policies as they stand in IAM, for those who migrate. They are checked like all else, and never scoped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(validation = Rule::new("self.all(p, self.exists_one(q, q.name == p.name))").message(rule::INLINE_POLICY_TWICE))]
    pub inline_policies: Vec<InlinePolicy>,

    /// Who may add statements with a `LambdaRoleGrant`, each of which becomes an inline policy of its own. Default: nobody.
    #[serde(default)]
    pub grants: Grants,

    /// What becomes of the role's own statements for which its inline policies have no room, even merged. `ManagedPolicies`: they
    /// go into managed policies of the role's own, `<roleName>+2` and so on. `Refuse`: the object is refused.
    #[serde(default)]
    pub overflow: Overflow,

    /// What becomes of policies on the role that are not listed here.
    #[serde(default)]
    pub unlisted: Unlisted,

    /// What becomes of changes that somebody else makes in IAM: `Correct` undoes them, `Report` says so and leaves them until
    /// the spec changes. Default: the class's, or `Correct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::choice::<Drift>")]
    pub drift: Option<Drift>,

    /// What becomes of the role when the object is deleted: `Delete` or `Retain`. Default: `Retain` for a role that was adopted,
    /// else the class's, or `Delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::choice::<DeletionPolicy>")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// Where workloads read what the role is called. Default: in the status alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<Export>,

    /// What becomes of a role of that name that exists already and is no object's. `Never`: it is left, and the object waits.
    /// `Observe`: it is left, and the status shows what taking it over would change; if there is none, none is made.
    /// `ExistingRole`: it is taken over, if the class consents to the name.
    #[serde(default)]
    pub adoption: Adoption,

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

/// The permissions boundary of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct PermissionsBoundary {
    /// ARN of the managed policy.
    #[schemars(length(min = rule::ARN_MIN, max = rule::ARN_MAX))]
    #[x_kube(validation = Rule::new("self.contains('$(') || self.matches('^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$')").message(rule::POLICY_ARN))]
    pub arn: String,
}

/// Who may assume the role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trust {
    /// Also trust `edgelambda.amazonaws.com`, for functions at the edge.
    #[serde(default)]
    pub edge: bool,

    /// The role may assume itself.
    #[serde(default, rename = "self")]
    pub self_: bool,

    /// Trust Lambda only on behalf of the role's own account (condition `aws:SourceAccount`).
    #[serde(default = "yes")]
    pub source_account_condition: bool,

    /// Further trust statements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(validation = Rule::new("self.all(s, !has(s.sid) || self.exists_one(t, has(t.sid) && t.sid == s.sid))").message(rule::SID_UNIQUE))]
    pub statements: Vec<TrustStatement>,
}

impl Default for Trust {
    fn default() -> Self {
        Self { edge: false, self_: false, source_account_condition: true, statements: Vec::new() }
    }
}

fn yes() -> bool {
    true
}

/// A managed policy: by the name of one of AWS's, by ARN, or by the `LambdaManagedPolicy` that describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("(has(self.aws) ? 1 : 0) + (has(self.arn) ? 1 : 0) + (has(self.ref) ? 1 : 0) == 1").message(rule::MANAGED_POLICY_ONE))]
pub struct ManagedPolicy {
    /// Name of an AWS managed policy. Path and partition are looked up for those that fit execution roles; for others
    /// give the path, as in `service-role/AWSLambdaRole`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::AWS_POLICY_NAME_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^([A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]+$')").message(rule::AWS_POLICY_NAME))]
    pub aws: Option<String>,

    /// ARN of a managed policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = rule::ARN_MIN, max = rule::ARN_MAX))]
    #[x_kube(validation = Rule::new("self.contains('$(') || self.matches('^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$')").message(rule::POLICY_ARN))]
    pub arn: Option<String>,

    /// A `LambdaManagedPolicy` of the same class. The role waits until it is ready.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<PolicyReference>,
}

/// A `LambdaManagedPolicy`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, KubeSchema)]
pub struct PolicyReference {
    /// Its namespace, whose policy must admit the role's (`allowedNamespaces`). Default: the role's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::NAMESPACE_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')").message(rule::OBJECT_NAMESPACE))]
    pub namespace: Option<String>,

    /// Its name.
    #[schemars(length(min = 1, max = rule::OBJECT_NAME_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')").message(rule::OBJECT_NAME))]
    pub name: String,
}

/// Who may add statements to a role with a `LambdaRoleGrant`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.selector) == (self.from == 'Selector')").message(rule::GRANTS_SELECTOR))]
pub struct Grants {
    /// Whose grants are admitted: nobody's (`None`, the default), those of the role's own namespace (`SameNamespace`), or
    /// those of the namespaces that `selector` matches (`Selector`).
    #[serde(default)]
    pub from: GrantsFrom,

    /// Labels of the namespaces whose grants are admitted. An empty selector matches every namespace; the role's own needs
    /// the labels as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::label_selector")]
    pub selector: Option<LabelSelector>,

    /// Most characters of inline policies that the grants of one namespace may take of the role's 10,240, so that no
    /// namespace takes all. Of a namespace that has more the youngest grants give way. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = rule::INLINE_CHARACTERS_MAX))]
    pub max_characters_per_namespace: Option<i64>,
}

/// Where grants may come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum GrantsFrom {
    /// Nowhere.
    #[default]
    None,
    /// The namespace of the role.
    SameNamespace,
    /// Namespaces with the labels of `selector`.
    Selector,
}

/// What becomes of statements for which the inline policies have no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Overflow {
    /// They go into managed policies that the object owns.
    #[default]
    ManagedPolicies,
    /// The object is refused.
    Refuse,
}

/// What becomes of policies on the role that the spec does not list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unlisted {
    /// Managed policies that others attached: `Detach` (default) or `Keep`.
    #[serde(default)]
    pub managed_policies: UnlistedManagedPolicies,

    /// Inline policies that others put: `Delete` (default) or `Keep`.
    #[serde(default)]
    pub inline_policies: UnlistedInlinePolicies,
}

/// What becomes of managed policies that others attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum UnlistedManagedPolicies {
    /// They are detached.
    #[default]
    Detach,
    /// They stay.
    Keep,
}

/// What becomes of inline policies that others put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum UnlistedInlinePolicies {
    /// They are deleted.
    #[default]
    Delete,
    /// They stay.
    Keep,
}

/// What becomes of changes that somebody else makes in IAM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Drift {
    /// They are undone.
    #[default]
    Correct,
    /// They are reported and left, until the spec changes.
    Report,
}

/// What becomes of a role that exists already and is no object's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Adoption {
    /// It stands in the way.
    #[default]
    Never,
    /// It stands in the way, and what would be done is shown.
    Observe,
    /// It becomes the object's.
    ExistingRole,
}

/// What becomes of the role when its object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum DeletionPolicy {
    /// The role is deleted.
    #[default]
    Delete,
    /// The role stays, with its tags, so that the same object can claim it again.
    Retain,
}
