//! Features.

use super::*;

const FILE_SYSTEM: &str = "fileSystemArn=arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1";
const THROUGH_ACCESS_POINT: &str = "fileSystemArn=arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1
    accessPointArn=arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-1";
const READ_THROUGH_ACCESS_POINT: &str =
    "fileSystemArn=arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1
    accessPointArn=arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-1 readOnly=true";
const MOUNT: &str = "
    elasticfilesystem:ClientMount arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1";
const WRITE: &str = "
    elasticfilesystem:ClientWrite arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1";

pub(in crate::catalog::tests::proof) const FEATURES: &[Case] = &[
    // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
    both("feature", "Logging", "", &[LOGS], &[managed::LOGS]),
    inline("feature", "Logging", "logGroups=orders", &[LOGS_OF_ORDERS]),
    inline(
        "feature",
        "Logging",
        "logGroups=orders,shop-*",
        &[
            LOGS_OF_ORDERS,
            "
        logs:CreateLogGroup  arn:aws:logs:eu-west-1:123456789012:log-group:shop-*
        logs:CreateLogStream arn:aws:logs:eu-west-1:123456789012:log-group:shop-*:*
        logs:PutLogEvents    arn:aws:logs:eu-west-1:123456789012:log-group:shop-*:*",
        ],
    ),
    // https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
    both(
        "feature",
        "Tracing",
        "",
        &["
        xray:PutTelemetryRecords *
        xray:PutTraceSegments    *"],
        &[managed::TRACING],
    ),
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Lambda-Insights-Getting-Started.html
    both(
        "feature",
        "Insights",
        "",
        &["
        logs:CreateLogGroup  arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda-insights
        logs:CreateLogGroup  arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda-insights:*
        logs:CreateLogStream arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda-insights:*
        logs:PutLogEvents    arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda-insights:*"],
        &[managed::INSIGHTS],
    ),
    // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-application-signals.html
    both(
        "feature",
        "ApplicationSignals",
        "",
        &["
        xray:PutTraceSegments *
        logs:CreateLogGroup  arn:aws:logs:eu-west-1:123456789012:log-group:/aws/application-signals/data
        logs:CreateLogGroup  arn:aws:logs:eu-west-1:123456789012:log-group:/aws/application-signals/data:*
        logs:CreateLogStream arn:aws:logs:eu-west-1:123456789012:log-group:/aws/application-signals/data:*
        logs:PutLogEvents    arn:aws:logs:eu-west-1:123456789012:log-group:/aws/application-signals/data:*"],
        &[managed::APPLICATION_SIGNALS],
    ),
    // https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    both("feature", "VpcAccess", "", &[FUNCTION_INTERFACES], &[managed::LOGS, FUNCTION_INTERFACES]),
    both("feature", "VpcAccess", "denyFromCode=true", &[FUNCTION_INTERFACES], &[managed::LOGS, FUNCTION_INTERFACES]),
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/olap-policies.html
    both(
        "feature",
        "S3ObjectLambda",
        "",
        &["
        s3-object-lambda:WriteGetObjectResponse arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/*"],
        &[managed::LOGS, "s3-object-lambda:WriteGetObjectResponse *"],
    ),
    inline(
        "feature",
        "S3ObjectLambda",
        "accessPoints=orders,shop-*",
        &["
        s3-object-lambda:WriteGetObjectResponse arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/orders
        s3-object-lambda:WriteGetObjectResponse arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/shop-*"],
    ),
    // https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem-efs.html
    both(
        "feature",
        "EfsMount",
        FILE_SYSTEM,
        &[MOUNT, WRITE],
        &["
        elasticfilesystem:ClientMount          *
        elasticfilesystem:ClientWrite          *
        elasticfilesystem:DescribeMountTargets *"],
    ),
    both(
        "feature",
        "EfsMount",
        "fileSystemArn=arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1 readOnly=true",
        &[MOUNT],
        &["
        elasticfilesystem:ClientMount          *
        elasticfilesystem:DescribeMountTargets *"],
    ),
    inline("feature", "EfsMount", THROUGH_ACCESS_POINT, &[MOUNT, WRITE]),
    inline("feature", "EfsMount", READ_THROUGH_ACCESS_POINT, &[MOUNT]),
    // https://docs.aws.amazon.com/lambda/latest/dg/durable-security.html
    both(
        "feature",
        "DurableExecution",
        "",
        &["
        lambda:CheckpointDurableExecution arn:aws:lambda:eu-west-1:123456789012:function:*:*
        lambda:GetDurableExecutionState   arn:aws:lambda:eu-west-1:123456789012:function:*:*"],
        &[
            managed::LOGS,
            "
        lambda:CheckpointDurableExecution *
        lambda:GetDurableExecutionState   *",
        ],
    ),
    inline(
        "feature",
        "DurableExecution",
        "functions=orders",
        &["
        lambda:CheckpointDurableExecution arn:aws:lambda:eu-west-1:123456789012:function:orders:*
        lambda:GetDurableExecutionState   arn:aws:lambda:eu-west-1:123456789012:function:orders:*"],
    ),
];
