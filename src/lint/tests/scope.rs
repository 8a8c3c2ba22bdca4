use rstest::rstest;

use super::*;

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/a";
const STREAM: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";
const TABLE_STREAM: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/*";
const TABLE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/orders";

fn scope_findings<const N: usize>(statements: [Located; N]) -> Vec<(Severity, Code)> {
    let codes = [Code::ScopeBreaksServiceCall, Code::ScopeOnServiceCall, Code::DualUseAction];
    let all = findings(statements);
    all.iter().filter(|finding| codes.contains(&finding.code)).map(|finding| (finding.severity, finding.code)).collect()
}

#[rstest]
#[case("ec2:CreateNetworkInterface", "*")]
#[case("ec2:*NetworkInterface", "*")]
#[case("sqs:ReceiveMessage", QUEUE)]
#[case("SQS:receivemessage", QUEUE)]
#[case("sqs:*", QUEUE)]
#[case("kinesis:GetRecords", STREAM)]
#[case("dynamodb:GetRecords", TABLE_STREAM)]
#[case("kafka:GetBootstrapBrokers", "*")]
#[case("kafka-cluster:ReadData", "arn:aws:kafka:us-east-1:123456789012:topic/c/u/t")]
#[case("mq:DescribeBroker", "arn:aws:mq:us-east-1:123456789012:broker:b:1")]
#[case("glue:GetRegistry", "arn:aws:glue:us-east-1:123456789012:registry/r")]
#[case("kms:Decrypt", KEY)]
#[case("kms:GenerateDataKey", KEY)]
fn a_scope_over_a_call_of_lambdas_is_an_error(#[case] action: &str, #[case] resource: &str) {
    let found = scope_findings([allow(action, resource).scoped_to(ORDERS)]);
    assert_eq!(found, [(Severity::Error, Code::ScopeBreaksServiceCall)]);
    assert_eq!(scope_findings([allow(action, resource)]), []);
    assert_eq!(scope_findings([deny(action, resource).scoped_to(ORDERS)]), []);
}

#[rstest]
#[case("ec2:DescribeSubnets", "ec2:CreateNetworkInterface", "*")]
#[case("sqs:GetQueueAttributes", "sqs:ReceiveMessage", QUEUE)]
#[case("kinesis:DescribeStream", "kinesis:GetRecords", STREAM)]
#[case::of_the_template_kinesis_crud_policy("kinesis:GetShardIterator", "kinesis:GetRecords", STREAM)]
#[case("dynamodb:DescribeStream", "dynamodb:GetRecords", TABLE_STREAM)]
#[case("kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers", "*")]
#[case("kafka-cluster:Connect", "kafka-cluster:ReadData", "arn:aws:kafka:us-east-1:123456789012:*")]
#[case("kafka-cluster:WriteData", "kafka-cluster:ReadData", "arn:aws:kafka:us-east-1:123456789012:topic/c/u/t")]
#[case("rds:DescribeDBClusters", "rds:DescribeDBSubnetGroups", "*")]
#[case("glue:GetSchemaVersion", "glue:GetRegistry", "*")]
fn what_code_calls_as_well_is_lambdas_call_only_beside_what_lambda_needs_with_it(
    #[case] action: &str,
    #[case] needed: &str,
    #[case] resource: &str,
) {
    let scoped = || allow(action, resource).scoped_to(ORDERS);
    assert_eq!(scope_findings([scoped()]), []);
    let made_for_lambda = allow(needed, resource).from(Source::Generated);
    assert_eq!(scope_findings([scoped(), made_for_lambda]), []);
    for needed in [allow(needed, resource), allow(needed, resource).from(Source::Template)] {
        assert_eq!(scope_findings([scoped(), needed]), [(Severity::Error, Code::ScopeBreaksServiceCall)]);
    }
    let together = scope_findings([allow(&format!("{action} {needed}"), resource).scoped_to(ORDERS)]);
    assert_eq!(together, [(Severity::Error, Code::ScopeBreaksServiceCall); 2]);
}

#[rstest]
#[case("ArnEquals", "lambda:SourceFunctionArn", true)]
#[case("ArnLike", "LAMBDA:sourcefunctionarn", true)]
#[case("StringLike", "lambda:SourceFunctionARN", true)]
#[case("ForAnyValue:ArnLike", "lambda:SourceFunctionArn", true)]
#[case("ArnEqualsIfExists", "lambda:SourceFunctionArn", false)]
#[case("ArnNotEquals", "lambda:SourceFunctionArn", false)]
#[case("ForAllValues:ArnLike", "lambda:SourceFunctionArn", false)]
#[case("ArnLike", "aws:PrincipalArn", false)]
fn a_scope_is_whatever_fails_without_the_key(#[case] operator: &str, #[case] key: &str, #[case] is_scope: bool) {
    let found = scope_findings([allow("kms:Decrypt", KEY).when(operator, key, ORDERS)]);
    assert_eq!(!found.is_empty(), is_scope, "{found:?}");
}

#[test]
fn asking_that_the_key_be_there_is_a_scope_as_well() {
    let asked = |null: &str| scope_findings([allow("kms:Decrypt", KEY).when("Null", "lambda:SourceFunctionArn", null)]);
    assert_eq!(asked("false"), [(Severity::Error, Code::ScopeBreaksServiceCall)]);
    assert_eq!(asked("true"), []);
}

#[rstest]
#[case::everything(allow("*", "*"))]
#[case::a_service_whose_calls_function_code_makes(allow("kms:*", KEY))]
#[case::everything_but(allow("iam:*", "*").all_but_these_actions())]
fn a_wildcard_that_is_hardly_meant_for_lambdas_call_is_a_warning(#[case] statement: Located) {
    let found = scope_findings([statement.scoped_to(ORDERS)]);
    assert_eq!(found, [(Severity::Warning, Code::ScopeBreaksServiceCall)]);
}

#[rstest]
#[case::all_of_a_table_but_its_streams(allow("dynamodb:*", TABLE))]
#[case::an_action_that_lambda_does_not_make(allow("sqs:PurgeQueue kinesis:PutRecord", QUEUE))]
#[case::a_description_that_matches_no_resource(allow(
    "ec2:DescribeSubnets",
    "arn:aws:ec2:us-east-1:123456789012:subnet/a"
))]
#[case::everything_but_that(allow("kms:* ec2:* sqs:* kinesis:* kafka:* kafka-cluster:* mq:* rds:* glue:* dynamodb:* sns:* s3:* lambda:* events:* secretsmanager:* logs:* xray:* elasticfilesystem:* s3files:*", "*").all_but_these_actions())]
fn a_scope_over_other_calls_is_none(#[case] statement: Located) {
    assert_eq!(scope_findings([statement.scoped_to(ORDERS)]), []);
}

#[rstest]
#[case::the_same(allow("sqs:ReceiveMessage", QUEUE), true)]
#[case::a_wider_one(allow("sqs:*", "arn:aws:sqs:*:*:*"), true)]
#[case::made_for_lambda(allow("sqs:ReceiveMessage", QUEUE).when("StringEquals", "aws:ResourceAccount", "123456789012").from(Source::Generated), true)]
#[case::another_queue(allow("sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:123456789012:other"), false)]
#[case::another_action(allow("sqs:DeleteMessage", QUEUE), false)]
#[case::under_a_condition(allow("sqs:ReceiveMessage", QUEUE).when("StringEquals", "aws:ResourceAccount", "123456789012"), false)]
#[case::another_scope(allow("sqs:ReceiveMessage", "arn:aws:sqs:*:*:*").when("ArnLikeIfExists", "lambda:SourceFunctionArn", ORDERS), false)]
#[case::a_denial(deny("sqs:ReceiveMessage", QUEUE), false)]
fn what_the_role_allows_lambda_anyway_is_not_broken(#[case] other: Located, #[case] is_allowed: bool) {
    let found = scope_findings([allow("sqs:ReceiveMessage", QUEUE).scoped_to(ORDERS), other]);
    assert_eq!(found.iter().all(|(_, code)| *code != Code::ScopeBreaksServiceCall), is_allowed, "{found:?}");
}

#[test]
fn a_managed_policy_for_the_purpose_allows_it_too() {
    let policy = |name: &str| LocatedPolicy {
        path: "spec.managedPolicies[0]".to_owned(),
        arn: format!("arn:aws:iam::aws:policy/service-role/{name}"),
        is_described: false,
        ignored: BTreeSet::new(),
    };
    let statement = || [allow("ec2:CreateNetworkInterface", "*").scoped_to(ORDERS).ignoring(Code::WildcardResource)];
    assert_eq!(with_policies(statement(), &[policy("AWSLambdaVPCAccessExecutionRole")]), []);
    let found = with_policies(statement(), &[policy("AWSLambdaBasicExecutionRole")]);
    assert_eq!(told(&found), ["Error ScopeBreaksServiceCall spec.statements[0].actions[0]"]);
}

#[rstest]
#[case("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/orders:*")]
#[case("logs:*", "*")]
#[case("xray:PutTraceSegments", "*")]
#[case("xray:PutTelemetryRecords", "*")]
#[case("elasticfilesystem:ClientMount", "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-1")]
#[case("elasticfilesystem:ClientWrite", "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-1")]
#[case("s3files:ClientMount", "arn:aws:s3files:us-east-1:123456789012:file-system/fs-1")]
#[case("lambda:CheckpointDurableExecution", "arn:aws:lambda:us-east-1:123456789012:function:orders:*")]
fn a_scope_over_what_carries_the_key_today_is_a_warning(#[case] action: &str, #[case] resource: &str) {
    let found = scope_findings([allow(action, resource).scoped_to(ORDERS)]);
    assert_eq!(found, [(Severity::Warning, Code::ScopeOnServiceCall)]);
    assert_eq!(scope_findings([allow(action, resource)]), []);
}

#[rstest]
#[case("sqs:SendMessage", QUEUE)]
#[case("sns:Publish", "arn:aws:sns:us-east-1:123456789012:orders")]
#[case("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:next")]
#[case("events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/default")]
#[case("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:s-abcdef")]
fn an_action_that_lambda_may_make_as_well_is_a_warning(#[case] action: &str, #[case] resource: &str) {
    let found = scope_findings([allow(action, resource).scoped_to(ORDERS)]);
    assert_eq!(found, [(Severity::Warning, Code::DualUseAction)]);
    assert_eq!(scope_findings([allow(action, resource)]), []);
    let destination = allow(action, resource).from(Source::Generated);
    assert_eq!(scope_findings([allow(action, resource).scoped_to(ORDERS), destination]), []);
}

#[test]
fn a_fifo_queue_is_no_destination() {
    assert_eq!(scope_findings([allow("sqs:SendMessage", &format!("{QUEUE}.fifo")).scoped_to(ORDERS)]), []);
}

#[test]
fn a_bucket_is_a_destination_only_if_the_role_may_list_it() {
    let put = || allow("s3:PutObject", "arn:aws:s3:::archive/*").scoped_to(ORDERS);
    assert_eq!(scope_findings([put()]), []);
    assert_eq!(scope_findings([put(), allow("s3:ListBucket", "arn:aws:s3:::others")]), []);
    let listed = scope_findings([put(), allow("s3:ListBucket", "arn:aws:s3:::archive")]);
    assert_eq!(listed, [(Severity::Warning, Code::DualUseAction)]);
}

#[test]
fn a_template_that_is_scoped_is_judged_as_what_is_written() {
    let template = allow("sqs:ReceiveMessage", QUEUE).scoped_to(ORDERS).from(Source::Template);
    assert_eq!(scope_findings([template]), [(Severity::Error, Code::ScopeBreaksServiceCall)]);
}

#[test]
fn the_message_says_who_calls_and_what_to_do() {
    let found = findings([allow("sqs:ReceiveMessage", QUEUE).scoped_to(ORDERS)]);
    assert_eq!(
        text_of(&found, Code::ScopeBreaksServiceCall),
        "spec.statements[0].actions[0]: allows sqs:ReceiveMessage for function code alone, but Lambda makes the call itself to poll a queue, without lambda:SourceFunctionArn: the scope would deny it. Leave the statement unscoped (sourceFunctionArns: []), or list the queue under spec.eventSources; if only the function's own code makes the call, say so: ignoreFindings: [ScopeBreaksServiceCall]"
    );
    let found = findings([allow("ec2:*NetworkInterface*", "*").scoped_to(ORDERS)]);
    assert!(
        text_of(&found, Code::ScopeBreaksServiceCall).contains(
            "allows ec2:*NetworkInterface*, and so ec2:CreateNetworkInterface, ec2:DeleteNetworkInterface and ec2:DescribeNetworkInterfaces, for function code alone, but Lambda makes such calls itself"
        ),
        "{found:#?}"
    );
    let found = findings([allow("logs:PutLogEvents", "*").scoped_to(ORDERS)]);
    assert!(text_of(&found, Code::ScopeOnServiceCall).contains("AWS documents today"), "{found:#?}");
}
