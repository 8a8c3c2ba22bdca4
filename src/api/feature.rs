//! What Lambda needs of a role for its own features, named by purpose instead of by action.
//!
//! The fields are parameters of the recipes in [`crate::catalog`], by name: one that is added here needs its parameter there.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{rule, schema};

/// How rights are given to Lambda itself: `Managed` attaches AWS's policy for the purpose (the default of features), `Inline`
/// gives the fewest rights by statements (the default of event sources).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, JsonSchema)]
pub enum Form {
    /// The managed policy that AWS made for it is attached.
    Managed,
    /// Statements with the fewest rights go into the role's inline policy.
    Inline,
}

/// The features of Lambda that need rights of the execution role.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumIter,
    strum::IntoStaticStr,
    JsonSchema,
)]
pub enum FeatureName {
    /// Logs in CloudWatch.
    Logging,
    /// Active tracing with X-Ray.
    Tracing,
    /// CloudWatch Lambda Insights.
    Insights,
    /// CloudWatch Application Signals.
    ApplicationSignals,
    /// Network interfaces in a VPC.
    VpcAccess,
    /// Answers of S3 Object Lambda.
    S3ObjectLambda,
    /// An EFS file system.
    EfsMount,
    /// Durable execution.
    DurableExecution,
}

/// A feature of Lambda that the role's functions use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(!has(self.logGroups) || self.name == 'Logging') && (!has(self.denyFromCode) || self.name == 'VpcAccess') && (!has(self.accessPoints) || self.name == 'S3ObjectLambda') && ((!has(self.fileSystemArn) && !has(self.accessPointArn) && !has(self.readOnly)) || self.name == 'EfsMount') && (!has(self.functions) || self.name == 'DurableExecution')").message(rule::FEATURE_FIELDS))]
#[x_kube(validation = Rule::new("self.name != 'EfsMount' || has(self.fileSystemArn)").message(rule::FEATURE_FILE_SYSTEM))]
pub struct Feature {
    /// The feature: `Logging` (CloudWatch Logs), `Tracing` (X-Ray), `Insights` (CloudWatch Lambda Insights),
    /// `ApplicationSignals` (CloudWatch), `VpcAccess` (network interfaces), `S3ObjectLambda`, `EfsMount` (with `VpcAccess`
    /// beside it) or `DurableExecution`.
    pub name: FeatureName,

    /// `Managed` attaches AWS's policy for it, `Inline` gives the fewest rights by statements. Default: `Managed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::choice::<Form>")]
    pub form: Option<Form>,

    /// `Logging`, `Inline`: names of the log groups, `*` and `?` are wildcards. Default: `/aws/lambda/*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 512)))]
    pub log_groups: Option<Vec<String>>,

    /// `VpcAccess`: deny the rights to the functions' own code, as AWS recommends: only Lambda itself needs them. Default:
    /// `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny_from_code: Option<bool>,

    /// `S3ObjectLambda`, `Inline`: names of the Object Lambda access points. Default: all of the account and region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 64)))]
    pub access_points: Option<Vec<String>>,

    /// `EfsMount`: ARN of the file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub file_system_arn: Option<String>,

    /// `EfsMount`, `Inline`: ARN of the access point through which alone the file system may be mounted. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub access_point_arn: Option<String>,

    /// `EfsMount`: read, but do not write. Default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,

    /// `DurableExecution`, `Inline`: names of the durable functions. Default: all of the account and region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 140)))]
    pub functions: Option<Vec<String>>,
}
