//! Whom statements hold for, and what holds whoever calls.

use rstest::rstest;

use super::{Answer::*, *};

/// The same function elsewhere, and what the key never is.
const ABROAD: &str = "arn:aws:lambda:us-east-1:111122223333:function:orders";
const FOREIGN: &str = "arn:aws:lambda:eu-west-1:444455556666:function:orders";
const CHINESE: &str = "arn:aws-cn:lambda:eu-west-1:111122223333:function:orders";
const LONGER: &str = "arn:aws:lambda:eu-west-1:111122223333:function:orders-2";
const SHIPS: &str = "arn:aws:lambda:eu-west-1:111122223333:function:ship-fast";

/// Whoever calls: functions, then Lambda itself.
const CALLERS: [Option<&str>; 8] =
    [Some(ORDERS), Some(SHIPS), Some(OTHER), Some(LONGER), Some(ABROAD), Some(FOREIGN), Some(CHINESE), None];

fn answers(yaml: &str, action: &str, resource: &str) -> [Answer; 8] {
    let documents = documents(&desired(yaml));
    CALLERS.map(|function| answer(&documents, action, resource, &called_by(Context::default(), function)))
}

fn allowed(callers: &[Option<&str>]) -> [Answer; 8] {
    CALLERS.map(|caller| if callers.contains(&caller) { Allowed } else { Nothing })
}

fn all_but(callers: &[Option<&str>]) -> Vec<Option<&'static str>> {
    CALLERS.into_iter().filter(|caller| !callers.contains(caller)).collect()
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN>
#[rstest]
#[case(&["ArnEquals", "ArnLike"], allowed(&[Some(ORDERS), Some(SHIPS)]))]
#[case(&["ArnEqualsIfExists", "ArnLikeIfExists"], allowed(&[Some(ORDERS), Some(SHIPS), None]))]
#[case(
    &["ArnNotEquals", "ArnNotLike", "ArnNotEqualsIfExists", "ArnNotLikeIfExists"],
    allowed(&all_but(&[Some(ORDERS), Some(SHIPS)]))
)]
fn every_operator_holds_for_whom_it_says(#[case] operators: &[&str], #[case] expected: [Answer; 8]) {
    for operator in operators {
        let scope = format!("sourceFunctionArns: [orders, 'ship-*'], sourceFunctionArnOperator: {operator}");
        let statement =
            format!("statements: [{{effect: Allow, actions: ['s3:GetObject'], resources: ['*'], {scope}}}]");
        assert_eq!(answers(&statement, "s3:GetObject", "arn:aws:s3:::b/k"), expected, "{operator}");
        let template = format!("templates: [{{name: S3ReadPolicy, parameters: {{BucketName: b}}, {scope}}}]");
        assert_eq!(answers(&template, "s3:GetObject", "arn:aws:s3:::b/k"), expected, "{operator}");
        assert_eq!(answers(&template, "s3:GetObject", "arn:aws:s3:::c/k"), allowed(&[]), "{operator}");
        assert_eq!(answers(&template, "s3:PutObject", "arn:aws:s3:::b/k"), allowed(&[]), "{operator}");
    }
}

#[rstest]
#[case::a_name("orders", &[Some(ORDERS)])]
#[case::an_arn(ORDERS, &[Some(ORDERS)])]
#[case::another_region(ABROAD, &[Some(ABROAD)])]
#[case::every_region("arn:aws:lambda:*:111122223333:function:orders", &[Some(ORDERS), Some(ABROAD)])]
#[case::a_beginning("orders*", &[Some(ORDERS), Some(LONGER)])]
#[case::one_character("orders-?", &[Some(LONGER)])]
#[case::one_character_too_many("orders-??", &[])]
#[case::every_name("*", &[Some(ORDERS), Some(SHIPS), Some(OTHER), Some(LONGER)])]
#[case::every_partition("arn:*:lambda:eu-west-1:111122223333:function:orders", &[Some(ORDERS), Some(CHINESE)])]
#[case::every_account("arn:aws:lambda:eu-west-1:*:function:orders", &[Some(ORDERS), Some(FOREIGN)])]
#[case::everything("arn:*:lambda:*:*:function:*", &all_but(&[None]))]
fn a_wildcard_stands_for_any_text_of_its_component(#[case] entry: &str, #[case] callers: &[Option<&str>]) {
    let yaml = format!(
        "statements: [{{effect: Allow, actions: ['s3:GetObject'], resources: ['*'], sourceFunctionArns: ['{entry}']}}]"
    );
    assert_eq!(answers(&yaml, "s3:GetObject", "arn:aws:s3:::b/k"), allowed(callers));
}

#[rstest]
#[case::no_scope("", "", &CALLERS)]
#[case::the_default("sourceFunctionArns: [orders], ", "", &[Some(ORDERS)])]
#[case::a_list_of_its_own("sourceFunctionArns: [orders], ", ", sourceFunctionArns: ['ship-*', other]", &[Some(SHIPS), Some(OTHER)])]
#[case::lifted("sourceFunctionArns: [orders], ", ", sourceFunctionArns: []", &CALLERS)]
#[case::a_list_without_a_default("", ", sourceFunctionArns: [other]", &[Some(OTHER)])]
fn a_statement_and_a_template_hold_for_their_functions_alone(
    #[case] default: &str,
    #[case] own: &str,
    #[case] callers: &[Option<&str>],
) {
    for item in [
        format!("statements: [{{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/*']{own}}}]"),
        format!("templates: [{{name: S3ReadPolicy, parameters: {{BucketName: b}}{own}}}]"),
    ] {
        let yaml = format!("{{{default}{item}}}");
        assert_eq!(answers(&yaml, "s3:GetObject", "arn:aws:s3:::b/k"), allowed(callers), "{yaml}");
        assert_eq!(answers(&yaml, "s3:GetObject", "arn:aws:s3:::c/k"), allowed(&[]), "{yaml}");
        assert_eq!(answers(&yaml, "s3:DeleteObject", "arn:aws:s3:::b/k"), allowed(&[]), "{yaml}");
    }
}

#[rstest]
#[case::the_default("", [Denied, Allowed, Allowed, Allowed, Allowed, Allowed, Allowed, Allowed])]
#[case::a_list_of_its_own(", sourceFunctionArns: ['ship-*']", [Allowed, Denied, Allowed, Allowed, Allowed, Allowed, Allowed, Allowed])]
#[case::lifted(", sourceFunctionArns: []", [Denied; 8])]
#[case::all_but_the_named(
    ", sourceFunctionArns: [orders], sourceFunctionArnOperator: ArnNotEquals",
    [Allowed, Denied, Denied, Denied, Denied, Denied, Denied, Denied]
)]
fn a_deny_binds_whom_its_scope_names(#[case] own: &str, #[case] expected: [Answer; 8]) {
    let yaml = format!(
        "{{sourceFunctionArns: [orders], statements: [
            {{effect: Allow, actions: ['s3:GetObject', 's3:DeleteObject'], resources: ['arn:aws:s3:::b/*'], sourceFunctionArns: []}},
            {{effect: Deny, actions: ['s3:DeleteObject'], resources: ['*']{own}}}]}}"
    );
    assert_eq!(answers(&yaml, "s3:DeleteObject", "arn:aws:s3:::b/k"), expected);
    assert_eq!(answers(&yaml, "s3:GetObject", "arn:aws:s3:::b/k"), [Allowed; 8]);
    let elsewhere = expected.map(|answer| if answer == Denied { Denied } else { Nothing });
    assert_eq!(answers(&yaml, "s3:DeleteObject", "arn:aws:s3:::c/k"), elsewhere);
}

/// One call for each feature, source, destination and template of Lambda's.
const BY_LAMBDA: &str = "
    logs:PutLogEvents               arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders:log-stream:x
    xray:PutTraceSegments           *
    ec2:CreateNetworkInterface      arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-1
    elasticfilesystem:ClientMount   arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-1
    lambda:GetDurableExecutionState arn:aws:lambda:eu-west-1:111122223333:function:orders:1
    dynamodb:GetRecords             arn:aws:dynamodb:eu-west-1:111122223333:table/t/stream/2026-01-01T00:00:00.000
    kinesis:GetRecords              arn:aws:kinesis:eu-west-1:111122223333:stream/s
    sqs:ReceiveMessage              arn:aws:sqs:eu-west-1:111122223333:in
    kafka:DescribeClusterV2         arn:aws:kafka:eu-west-1:111122223333:cluster/c/1-2
    kafka-cluster:ReadData          arn:aws:kafka:eu-west-1:111122223333:topic/c/1-2/placed
    secretsmanager:GetSecretValue   arn:aws:secretsmanager:eu-west-1:111122223333:secret:s
    mq:DescribeBroker               arn:aws:mq:eu-west-1:111122223333:broker:b:b-1
    rds:DescribeDBClusters          arn:aws:rds:eu-west-1:111122223333:cluster:d
    kms:Decrypt                     arn:aws:kms:eu-west-1:111122223333:key/k
    sqs:SendMessage                 arn:aws:sqs:eu-west-1:111122223333:out
    sns:Publish                     arn:aws:sns:eu-west-1:111122223333:out
    lambda:InvokeFunction           arn:aws:lambda:eu-west-1:111122223333:function:after
    events:PutEvents                arn:aws:events:eu-west-1:111122223333:event-bus/out
    kafka-cluster:WriteData         arn:aws:kafka:eu-west-1:111122223333:topic/c/1-2/failed
    sqs:SendMessage                 arn:aws:sqs:eu-west-1:111122223333:dead
    sns:Publish                     arn:aws:sns:eu-west-1:111122223333:dead
    dynamodb:GetRecords             arn:aws:dynamodb:eu-west-1:111122223333:table/old/stream/2026-01-01T00:00:00.000
    kinesis:GetRecords              arn:aws:kinesis:eu-west-1:111122223333:stream/old
    sqs:ReceiveMessage              arn:aws:sqs:eu-west-1:111122223333:old
    ec2:DetachNetworkInterface      *";

fn needs(form: &str, scope: &str) -> String {
    format!(
        "
{scope}
features:
  - {{name: Logging, form: {form}}}
  - {{name: Tracing, form: {form}}}
  - {{name: VpcAccess, form: {form}}}
  - {{name: EfsMount, form: {form}, fileSystemArn: 'arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-1'}}
  - {{name: DurableExecution, form: {form}}}
eventSources:
  - dynamodb: {{form: {form}, streamArn: 'arn:aws:dynamodb:eu-west-1:111122223333:table/t/stream/2026-01-01T00:00:00.000'}}
  - kinesis: {{form: {form}, streamArn: 'arn:aws:kinesis:eu-west-1:111122223333:stream/s'}}
  - sqs: {{form: {form}, queueArn: 'arn:aws:sqs:eu-west-1:111122223333:in', kmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/k'}}
  - msk: {{form: {form}, clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/c/1-2', authentication: Iam, topics: [placed]}}
  - selfManagedKafka: {{vpc: true, secretArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:s'}}
  - mq: {{brokerArn: 'arn:aws:mq:eu-west-1:111122223333:broker:b:b-1', secretArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:s'}}
  - documentDb: {{clusterArn: 'arn:aws:rds:eu-west-1:111122223333:cluster:d', secretArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:s'}}
destinations:
  - sqs: {{queueArn: 'arn:aws:sqs:eu-west-1:111122223333:out'}}
  - sns: {{topicArn: 'arn:aws:sns:eu-west-1:111122223333:out'}}
  - lambda: {{functionArn: 'arn:aws:lambda:eu-west-1:111122223333:function:after'}}
  - eventBridge: {{eventBusArn: 'arn:aws:events:eu-west-1:111122223333:event-bus/out'}}
  - kafka: {{clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/c/1-2', topic: failed}}
  - deadLetterSqs: {{queueArn: 'arn:aws:sqs:eu-west-1:111122223333:dead'}}
  - deadLetterSns: {{topicArn: 'arn:aws:sns:eu-west-1:111122223333:dead'}}
templates:
  - {{name: DynamoDBStreamReadPolicy, parameters: {{TableName: old, StreamName: '2026-01-01T00:00:00.000'}}}}
  - {{name: KinesisStreamReadPolicy, parameters: {{StreamName: old}}}}
  - {{name: SQSPollerPolicy, parameters: {{QueueName: old}}}}
  - {{name: VPCAccessPolicy}}"
    )
}

#[rstest]
fn what_lambda_needs_is_allowed_whoever_calls_and_whatever_the_default_scope_is(
    #[values("Managed", "Inline")] form: &str,
    #[values("", "sourceFunctionArns: [orders]", "sourceFunctionArns: ['*']", "sourceFunctionArns: [nobody]")]
    scope: &str,
) {
    let documents = documents(&desired(&needs(form, scope)));
    for (action, resource) in BY_LAMBDA.lines().filter_map(|line| line.trim().split_once(' ')) {
        for function in CALLERS {
            let context = called_by(Context::default(), function);
            assert_eq!(answer(&documents, action, resource.trim(), &context), Allowed, "{action} by {function:?}");
        }
    }
}

#[rstest]
fn a_deny_to_the_code_takes_nothing_from_lambda(#[values("Managed", "Inline")] form: &str) {
    let yaml = format!("features: [{{name: VpcAccess, form: {form}, denyFromCode: true}}]");
    let mut expected = [Denied; 8];
    // Of another account or partition nothing can assume the role; Lambda itself is not bound.
    expected[5..].copy_from_slice(&[Allowed; 3]);
    assert_eq!(answers(&yaml, "ec2:CreateNetworkInterface", "*"), expected);
}
