//! What AWS's pages say that Lambda and the function's code need: the table that the recipes are held to. It is written
//! from the pages and knows nothing of the recipes.
//!
//! A line is an action and where it must be allowed; `*` in an ARN stands for anything. On all that no line is about, it must
//! not be.

mod destinations;
mod features;
mod sources;

pub(super) use self::{destinations::DESTINATIONS, features::FEATURES, sources::SOURCES};

/// One way to fill a recipe in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    /// `feature`, `source` or `destination`.
    pub kind: &'static str,
    pub name: &'static str,
    pub filling: &'static str,
    /// What the statements of the role's own must allow.
    pub inline: &'static [&'static str],
    /// What the managed policy allows, and what has to stand beside it; `None` where there is no such form.
    pub managed: Option<&'static [&'static str]>,
}

const fn inline(
    kind: &'static str,
    name: &'static str,
    filling: &'static str,
    inline: &'static [&'static str],
) -> Case {
    Case { kind, name, filling, inline, managed: None }
}

const fn both(
    kind: &'static str,
    name: &'static str,
    filling: &'static str,
    inline: &'static [&'static str],
    managed: &'static [&'static str],
) -> Case {
    Case { kind, name, filling, inline, managed: Some(managed) }
}

/// The right to make a log group is asked for on its ARN with `:log-stream:` behind it, which AWS's own policy for Application
/// Signals names, or on the bare one, which the reference does.
/// <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/CloudWatchLambdaApplicationSignalsExecutionRolePolicy.html>
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html>
const LOGS: &str = "
    logs:CreateLogGroup  arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/*
    logs:CreateLogStream arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/*:*
    logs:PutLogEvents    arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/*:*";
const LOGS_OF_ORDERS: &str = "
    logs:CreateLogGroup  arn:aws:logs:eu-west-1:123456789012:log-group:orders
    logs:CreateLogGroup  arn:aws:logs:eu-west-1:123456789012:log-group:orders:*
    logs:CreateLogStream arn:aws:logs:eu-west-1:123456789012:log-group:orders:*
    logs:PutLogEvents    arn:aws:logs:eu-west-1:123456789012:log-group:orders:*";
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-msk-permissions.html>
const POLLER_INTERFACES: &str = "
    ec2:CreateNetworkInterface    *
    ec2:DeleteNetworkInterface    *
    ec2:DescribeNetworkInterfaces *
    ec2:DescribeSecurityGroups    *
    ec2:DescribeSubnets           *
    ec2:DescribeVpcs              *";
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html>
const FUNCTION_INTERFACES: &str = "
    ec2:AssignPrivateIpAddresses   *
    ec2:CreateNetworkInterface     *
    ec2:DeleteNetworkInterface     *
    ec2:DescribeNetworkInterfaces  *
    ec2:DescribeSubnets            *
    ec2:UnassignPrivateIpAddresses *";
const MSK: &str = "
    kafka:DescribeClusterV2   arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2
    kafka:GetBootstrapBrokers *";
const SECRET: &str = "
    secretsmanager:GetSecretValue arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders";
const DECRYPT: &str = "
    kms:Decrypt arn:aws:kms:eu-west-1:123456789012:key/k-1";
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-consume-kafka-events.html>
const REGISTRY: &str = "
    glue:GetRegistry      arn:aws:glue:eu-west-1:123456789012:registry/orders
    glue:GetSchemaVersion *";

/// The managed policies, as AWS lists them.
/// <https://docs.aws.amazon.com/lambda/latest/dg/permissions-managed-policies.html>
mod managed {
    /// `AWSLambdaBasicExecutionRole`; most of the others say it, too.
    pub(super) const LOGS: &str = "
        logs:CreateLogGroup  *
        logs:CreateLogStream *
        logs:PutLogEvents    *";
    /// `AWSXRayDaemonWriteAccess`.
    pub(super) const TRACING: &str = "
        xray:GetSamplingRules              *
        xray:GetSamplingStatisticSummaries *
        xray:GetSamplingTargets            *
        xray:PutTelemetryRecords           *
        xray:PutTraceSegments              *";
    /// `CloudWatchLambdaInsightsExecutionRolePolicy`.
    pub(super) const INSIGHTS: &str = "
        logs:CreateLogGroup  *
        logs:CreateLogStream arn:aws:logs:*:*:log-group:/aws/lambda-insights:*
        logs:PutLogEvents    arn:aws:logs:*:*:log-group:/aws/lambda-insights:*";
    /// `CloudWatchLambdaApplicationSignalsExecutionRolePolicy`.
    pub(super) const APPLICATION_SIGNALS: &str = "
        logs:CreateLogGroup   arn:aws:logs:*:*:log-group:/aws/application-signals/data:*
        logs:CreateLogStream  arn:aws:logs:*:*:log-group:/aws/application-signals/data:*
        logs:PutLogEvents     arn:aws:logs:*:*:log-group:/aws/application-signals/data:*
        xray:PutTraceSegments *";
    /// `AWSLambdaMSKExecutionRole`, but for logs and network interfaces.
    pub(super) const MSK: &str = "
        kafka:DescribeCluster     *
        kafka:DescribeClusterV2   *
        kafka:GetBootstrapBrokers *";
    /// `AWSLambdaDynamoDBExecutionRole`, but for logs.
    pub(super) const DYNAMODB: &str = "
        dynamodb:DescribeStream   *
        dynamodb:GetRecords       *
        dynamodb:GetShardIterator *
        dynamodb:ListStreams      *";
    /// `AWSLambdaKinesisExecutionRole`, but for logs.
    pub(super) const KINESIS: &str = "
        kinesis:DescribeStream        *
        kinesis:DescribeStreamSummary *
        kinesis:GetRecords            *
        kinesis:GetShardIterator      *
        kinesis:ListShards            *
        kinesis:ListStreams           *
        kinesis:SubscribeToShard      *";
}
