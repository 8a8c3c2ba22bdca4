//! Event sources: where Lambda polls with the role. The rights are Lambda's own, so none is ever scoped to a function.
//!
//! The fields are parameters of the recipes in [`crate::catalog`], by name.

#![allow(clippy::struct_field_names, reason = "the names say what the ARNs are of, also where there are only ARNs")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{feature::Form, rule, schema};

/// A source that Lambda polls for the role's functions: exactly one of the fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.dynamodb), has(self.kinesis), has(self.sqs), has(self.msk), has(self.selfManagedKafka), has(self.mq), has(self.documentDb)].filter(x, x).size() == 1").message(rule::EVENT_SOURCE_ONE))]
pub struct EventSource {
    /// A stream of a DynamoDB table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamodb: Option<DynamoDbStream>,

    /// A Kinesis data stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinesis: Option<KinesisStream>,

    /// An SQS queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqs: Option<SqsQueue>,

    /// An Amazon MSK cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msk: Option<MskCluster>,

    /// A Kafka cluster of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_managed_kafka: Option<SelfManagedKafka>,

    /// An Amazon MQ broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mq: Option<MqBroker>,

    /// A DocumentDB cluster with change streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_db: Option<DocumentDbCluster>,
}

/// A stream of a DynamoDB table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DynamoDbStream {
    /// ARN of the stream; `*` as its label is allowed.
    #[schemars(schema_with = "schema::arn")]
    pub stream_arn: String,

    /// ARN of the KMS key that encrypts the table, if it is one of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub kms_key_arn: Option<String>,

    /// `Managed` attaches AWS's policy for it, which holds for every one of the account; `Inline` gives the fewest rights by
    /// statements. Default: `Inline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::choice::<Form>")]
    pub form: Option<Form>,
}

/// A Kinesis data stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct KinesisStream {
    /// ARN of the stream.
    #[schemars(schema_with = "schema::arn")]
    pub stream_arn: String,

    /// ARN of the consumer, for enhanced fan-out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub consumer_arn: Option<String>,

    /// ARN of the KMS key that encrypts the stream, if it is one of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub kms_key_arn: Option<String>,

    /// `Managed` attaches AWS's policy for it, which holds for every one of the account; `Inline` gives the fewest rights by
    /// statements. Default: `Inline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::choice::<Form>")]
    pub form: Option<Form>,
}

/// An SQS queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SqsQueue {
    /// ARN of the queue.
    #[schemars(schema_with = "schema::arn")]
    pub queue_arn: String,

    /// ARN of the KMS key that encrypts the queue, if it is one of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub kms_key_arn: Option<String>,

    /// `Managed` attaches AWS's policy for it, which holds for every one of the account; `Inline` gives the fewest rights by
    /// statements. Default: `Inline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::choice::<Form>")]
    pub form: Option<Form>,
}

/// How Lambda authenticates at an MSK cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MskAuthentication {
    /// Not at all.
    #[default]
    None,
    /// With the role, by IAM.
    Iam,
    /// With a user and a password, by SASL/SCRAM; needs `secretArn`.
    Scram,
    /// With a client certificate, by mutual TLS; needs `secretArn`.
    MutualTls,
}

/// An Amazon MSK cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.authentication) || !(self.authentication in ['Scram', 'MutualTls']) || has(self.secretArn)").message(rule::MSK_SECRET).field_path(".secretArn"))]
pub struct MskCluster {
    /// ARN of the cluster.
    #[schemars(schema_with = "schema::arn")]
    pub cluster_arn: String,

    /// How Lambda authenticates. Default: `None`.
    #[serde(default)]
    pub authentication: MskAuthentication,

    /// `Iam`: names of the topics; `*` and `?` are wildcards. Default: all of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 249)))]
    pub topics: Option<Vec<String>>,

    /// `Iam`: names of the consumer groups; `*` and `?` are wildcards. Default: all of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 249)))]
    pub consumer_groups: Option<Vec<String>>,

    /// `Scram`, `MutualTls`: ARN of the secret with the credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub secret_arn: Option<String>,

    /// ARN of the KMS key that encrypts the secret, if it is one of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub kms_key_arn: Option<String>,

    /// ARN of the VPC connection, for a cluster of another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub vpc_connection_arn: Option<String>,

    /// ARN of the Glue schema registry that Lambda reads schemas from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub schema_registry_arn: Option<String>,

    /// Names of the log groups that the poller may write to; `*` and `?` are wildcards. Default: `/aws/lambda/*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 512)))]
    pub log_groups: Option<Vec<String>>,

    /// `Managed` attaches AWS's policy for it, which holds for every one of the account; `Inline` gives the fewest rights by
    /// statements. Default: `Inline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::choice::<Form>")]
    pub form: Option<Form>,
}

/// A Kafka cluster of your own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelfManagedKafka {
    /// ARN of the secret that Lambda authenticates with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub secret_arn: Option<String>,

    /// ARN of the KMS key that encrypts the secret, if it is one of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub kms_key_arn: Option<String>,

    /// Whether the brokers are reached through a VPC, where Lambda makes network interfaces. Default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<bool>,

    /// ARN of the Glue schema registry that Lambda reads schemas from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub schema_registry_arn: Option<String>,

    /// Names of the log groups that the poller may write to; `*` and `?` are wildcards. Default: `/aws/lambda/*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 512)))]
    pub log_groups: Option<Vec<String>>,
}

/// An Amazon MQ broker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MqBroker {
    /// ARN of the broker.
    #[schemars(schema_with = "schema::arn")]
    pub broker_arn: String,

    /// ARN of the secret with the user and the password.
    #[schemars(schema_with = "schema::arn")]
    pub secret_arn: String,

    /// ARN of the KMS key that encrypts the secret, if it is one of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub kms_key_arn: Option<String>,

    /// Names of the log groups that the poller may write to; `*` and `?` are wildcards. Default: `/aws/lambda/*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 512)))]
    pub log_groups: Option<Vec<String>>,
}

/// A DocumentDB cluster with change streams.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentDbCluster {
    /// ARN of the cluster.
    #[schemars(schema_with = "schema::arn")]
    pub cluster_arn: String,

    /// ARN of the secret with the user and the password.
    #[schemars(schema_with = "schema::arn")]
    pub secret_arn: String,

    /// ARN of the KMS key that encrypts the secret, if it is one of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub kms_key_arn: Option<String>,
}
