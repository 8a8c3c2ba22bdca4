//! Destinations: where Lambda itself sends records and results with the role. The rights are Lambda's own, so none is ever
//! scoped to a function.
//!
//! The fields are parameters of the recipes in [`crate::catalog`], by name.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{rule, schema};

/// Where Lambda sends what became of asynchronous invocations, records that could not be processed, and dead letters: exactly
/// one of the fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.sqs), has(self.sns), has(self.s3), has(self.lambda), has(self.eventBridge), has(self.kafka), has(self.deadLetterSqs), has(self.deadLetterSns)].filter(x, x).size() == 1").message(rule::DESTINATION_ONE))]
pub struct Destination {
    /// An SQS queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqs: Option<QueueDestination>,

    /// An SNS topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sns: Option<TopicDestination>,

    /// An S3 bucket, for failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<BucketDestination>,

    /// Another function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lambda: Option<FunctionDestination>,

    /// An EventBridge event bus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_bridge: Option<EventBusDestination>,

    /// A topic of an MSK cluster, for failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka: Option<KafkaDestination>,

    /// The dead-letter queue of a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_sqs: Option<QueueDestination>,

    /// The dead-letter topic of a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_sns: Option<TopicDestination>,
}

/// An SQS queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueDestination {
    /// ARN of the queue: a standard one.
    #[schemars(schema_with = "schema::arn")]
    pub queue_arn: String,

    /// ARN of the KMS key that encrypts the queue, if it is one of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub kms_key_arn: Option<String>,
}

/// An SNS topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicDestination {
    /// ARN of the topic: a standard one.
    #[schemars(schema_with = "schema::arn")]
    pub topic_arn: String,

    /// ARN of the KMS key that encrypts the topic, if it is one of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub kms_key_arn: Option<String>,
}

/// An S3 bucket. It has to belong to the account of the role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BucketDestination {
    /// ARN of the bucket.
    #[schemars(schema_with = "schema::arn")]
    pub bucket_arn: String,

    /// ARN of the KMS key that encrypts the bucket, if it is one of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::arn")]
    pub kms_key_arn: Option<String>,
}

/// Another function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct FunctionDestination {
    /// ARN of the function; with a version or an alias if that one is invoked.
    #[schemars(schema_with = "schema::arn")]
    pub function_arn: String,
}

/// An EventBridge event bus.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventBusDestination {
    /// ARN of the event bus.
    #[schemars(schema_with = "schema::arn")]
    pub event_bus_arn: String,
}

/// A topic of an MSK cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct KafkaDestination {
    /// ARN of the cluster.
    #[schemars(schema_with = "schema::arn")]
    pub cluster_arn: String,

    /// Name of the topic.
    #[schemars(length(min = 1, max = 249))]
    pub topic: String,
}
