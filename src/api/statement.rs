//! Statements as users write them: the elements of IAM's policy language, in YAML's manner.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{rule, schema};

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Effect {
    /// The statement allows.
    Allow,
    /// The statement denies, whatever else allows.
    Deny,
}

/// The condition block of a statement: operator, then key, then a value or a list of values, as in IAM.
/// Numbers and booleans may stand unquoted.
pub type Conditions = BTreeMap<String, BTreeMap<String, Value>>;

/// The ARN operators that `lambda:SourceFunctionArn` can be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, schemars::JsonSchema)]
pub enum ArnOperator {
    /// The ARN matches one of the patterns.
    ArnEquals,
    /// The same as `ArnEquals`; reads better where there is a wildcard.
    ArnLike,
    /// The ARN matches none of the patterns. True where the request carries no function ARN.
    ArnNotEquals,
    /// The same as `ArnNotEquals`.
    ArnNotLike,
    /// `ArnEquals`, and true where the request carries no function ARN.
    ArnEqualsIfExists,
    /// The same as `ArnEqualsIfExists`.
    ArnLikeIfExists,
    /// The same as `ArnNotEquals`: a negated operator is true without the key anyway.
    ArnNotEqualsIfExists,
    /// The same as `ArnNotEqualsIfExists`.
    ArnNotLikeIfExists,
}

/// A statement of the role's permissions, optionally holding only for the code of named functions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.actions) != has(self.notActions)").message(rule::ACTIONS_ONE))]
#[x_kube(validation = Rule::new("has(self.resources) != has(self.notResources)").message(rule::RESOURCES_ONE))]
#[x_kube(validation = Rule::new("!has(self.sourceFunctionArnOperator) || has(self.sourceFunctionArns)").message(rule::FUNCTION_ARN_OPERATOR))]
pub struct Statement {
    /// Name of the statement, unique within the document: letters and digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::SID_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9]+$')").message(rule::SID))]
    pub sid: Option<String>,

    /// `Allow` or `Deny`.
    pub effect: Effect,

    /// Actions that the statement is about, `service:Action`; `*` and `?` are wildcards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 128)))]
    #[x_kube(validation = Rule::new("self.all(a, a == '*' || a.matches('^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$'))").message(rule::ACTION))]
    pub actions: Option<Vec<String>>,

    /// The statement is about every action but these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 128)))]
    #[x_kube(validation = Rule::new("self.all(a, a == '*' || a.matches('^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$'))").message(rule::ACTION))]
    pub not_actions: Option<Vec<String>>,

    /// Resources that the statement is about: ARNs, or `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 200),
        inner(length(min = 1, max = rule::ARN_MAX), regex(pattern = rule::DOCUMENT_PATTERN))
    )]
    #[x_kube(validation = Rule::new("self.all(r, r == '*' || r.startsWith('arn:'))").message(rule::RESOURCE))]
    pub resources: Option<Vec<String>>,

    /// The statement is about every resource but these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 200),
        inner(length(min = 1, max = rule::ARN_MAX), regex(pattern = rule::DOCUMENT_PATTERN))
    )]
    #[x_kube(validation = Rule::new("self.all(r, r == '*' || r.startsWith('arn:'))").message(rule::RESOURCE))]
    pub not_resources: Option<Vec<String>>,

    /// Conditions: operator, then key, then a value or a list of values, for example `{StringEquals: {"aws:ResourceAccount":
    /// "123456789012"}}`. Quote the operator `"Null"`: YAML takes it for no value otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Conditions>,

    /// The functions whose code the statement holds for: unqualified function ARNs, or bare names, which stand for functions
    /// of the role's account and the class's region. `*` and `?` are wildcards. Absent: `spec.sourceFunctionArns`, unless
    /// `conditions` compare `lambda:SourceFunctionArn` already. Empty: the statement holds for every use of the role, also
    /// for the calls that Lambda makes itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::source_function_arns")]
    pub source_function_arns: Option<Vec<String>>,

    /// How the functions are compared. Default: `ArnEquals`, or `ArnLike` where there is a wildcard (they mean the same).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::choice::<ArnOperator>")]
    pub source_function_arn_operator: Option<ArnOperator>,

    /// Codes of findings that are known and meant, for example `DualUseAction`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::finding_codes")]
    pub ignore_findings: Vec<String>,
}

/// Who a trust statement is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.aws) || has(self.service) || has(self.federated)").message(rule::PRINCIPALS))]
pub struct Principals {
    /// Accounts (twelve digits), roles and users (ARNs), or `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = rule::PRINCIPAL_MAX), regex(pattern = rule::PRINCIPAL_PATTERN)))]
    #[x_kube(validation = Rule::new("self.all(p, p == '*' || p.matches('^([0-9]{12}|arn:[^:*?]*:(iam|sts):[^:*?]*:[0-9]{12}:[^*?]+)$'))").message(rule::AWS_PRINCIPAL))]
    pub aws: Option<Vec<String>>,

    /// Service principals, for example `scheduler.amazonaws.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 256), regex(pattern = rule::PRINCIPAL_PATTERN)))]
    #[x_kube(validation = Rule::new("self.all(p, p.matches('^[A-Za-z0-9-]*[.][A-Za-z0-9.-]*$'))").message(rule::SERVICE_PRINCIPAL))]
    pub service: Option<Vec<String>>,

    /// Identity providers: ARNs of SAML or OpenID Connect providers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = rule::PRINCIPAL_MAX), regex(pattern = rule::PRINCIPAL_PATTERN)))]
    #[x_kube(validation = Rule::new("self.all(p, p.startsWith('arn:') ? p.matches('^arn:[^:]*:(iam|cognito-identity):[^:]*:[^:]*:') : p.contains('.'))").message(rule::FEDERATED_PRINCIPAL))]
    pub federated: Option<Vec<String>>,
}

/// A statement of the role's trust policy beside the one for Lambda.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustStatement {
    /// Name of the statement, unique within the trust policy: letters and digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::SID_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9]+$')").message(rule::SID))]
    pub sid: Option<String>,

    /// `Allow` or `Deny`.
    pub effect: Effect,

    /// Who may assume the role, or may not.
    pub principals: Principals,

    /// Actions of STS by which they may, or may not, for example `sts:TagSession`. Default: `sts:AssumeRole`.
    #[serde(default = "assume_role")]
    #[schemars(length(min = 1, max = 10), inner(length(min = 1, max = 64)))]
    #[x_kube(validation = Rule::new("self.all(a, a.matches('^[Ss][Tt][Ss]:[A-Za-z0-9*?]+$'))").message(rule::TRUST_ACTION))]
    pub actions: Vec<String>,

    /// Conditions: operator, then key, then a value or a list of values. Quote the operator `"Null"`: YAML takes it for no
    /// value otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Conditions>,
}

fn assume_role() -> Vec<String> {
    vec!["sts:AssumeRole".to_owned()]
}
