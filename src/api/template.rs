//! What a function's code needs, by template or by raw document.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{rule, schema, statement::ArnOperator};

/// A policy template: one of the names that serverless applications know, with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.sourceFunctionArnOperator) || has(self.sourceFunctionArns)").message(rule::FUNCTION_ARN_OPERATOR))]
pub struct PolicyTemplate {
    /// Name of the template, for example `DynamoDBCrudPolicy`.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,

    /// Its parameters, for example `{TableName: orders}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::template_parameters")]
    pub parameters: BTreeMap<String, String>,

    /// The functions whose code its statements hold for, instead of `spec.sourceFunctionArns`; an empty list lifts the scope.
    /// Templates for what Lambda itself does (`SQSPollerPolicy`, …) have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::source_function_arns")]
    pub source_function_arns: Option<Vec<String>>,

    /// How the functions are compared. Default: `ArnEquals`, or `ArnLike` where there is a wildcard (they mean the same).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::choice::<ArnOperator>")]
    pub source_function_arn_operator: Option<ArnOperator>,

    /// Codes of findings that are known and meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::finding_codes")]
    pub ignore_findings: Vec<String>,
}

/// An inline policy as it stands in IAM, for those who migrate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct InlinePolicy {
    /// Name of the policy. `lambdaroles` is the one that holds the role's own statements, and those that
    /// begin with `lambdaroles+` are of grants.
    #[schemars(length(min = 1, max = rule::POLICY_NAME_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9_+=,.@-]+$') && self != 'lambdaroles' && !self.startsWith('lambdaroles+')").message(rule::INLINE_POLICY_NAME))]
    pub name: String,

    /// The document: an object, or JSON text.
    #[schemars(schema_with = "schema::document")]
    pub document: Value,

    /// Codes of findings that are known and meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::finding_codes")]
    pub ignore_findings: Vec<String>,
}
