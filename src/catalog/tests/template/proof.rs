//! Proof by evaluation: a template filled in allows each of its actions on what it names, and nothing else.

use rstest::rstest;

use super::{
    samples::{expand, samples},
    *,
};
use crate::{
    catalog::tests::proof::{allowed_anywhere, verdict},
    policy::{Document, evaluate::Context},
};

/// How a resource differs from the one that the template is filled in with.
const ELSEWHERE: [&str; 5] = ["partition", "region", "account", "name", "longer"];

/// What is allowed beyond the resource that the parameters name: template, action, form of the resource, and in what it may
/// differ. The comments in the data say why, where no parameter and no reference does.
const WIDE: &str = "
    AWSSecretsManagerRotationPolicy secretsmanager:DescribeSecret arn:*:secretsmanager:*:*:secret:* name,longer
    AWSSecretsManagerRotationPolicy secretsmanager:GetSecretValue arn:*:secretsmanager:*:*:secret:* name,longer
    AWSSecretsManagerRotationPolicy secretsmanager:PutSecretValue arn:*:secretsmanager:*:*:secret:* name,longer
    AWSSecretsManagerRotationPolicy secretsmanager:UpdateSecretVersionStage arn:*:secretsmanager:*:*:secret:* name,longer
    CloudFormationDescribeStacksPolicy cloudformation:DescribeStacks arn:*:cloudformation:*:*:stack/*/* name,longer
    CloudWatchDashboardPolicy cloudwatch:GetDashboard arn:*:cloudwatch::*:dashboard/* name,longer
    CloudWatchDashboardPolicy cloudwatch:ListMetrics arn:*:cloudwatch:*:*:dataset/* partition,region,account,name,longer
    CloudWatchDashboardPolicy cloudwatch:PutDashboard arn:*:cloudwatch::*:dashboard/* name,longer
    CloudWatchDescribeAlarmHistoryPolicy cloudwatch:DescribeAlarmHistory arn:*:cloudwatch:*:*:alarm:* partition,region,account,name,longer
    CloudWatchPutMetricPolicy cloudwatch:PutMetricData arn:*:cloudwatch:*:*:dataset/* partition,region,account,name,longer
    ComprehendBasicAccessPolicy comprehend:DetectEntities arn:*:comprehend:*:*:entity-recognizer-endpoint/* partition,region,account,name,longer
    CostExplorerReadOnlyPolicy ce:GetCostAndUsage arn:*:billing::*:billingview/* partition,account,name,longer
    CostExplorerReadOnlyPolicy ce:GetDimensionValues arn:*:billing::*:billingview/* partition,account,name,longer
    CostExplorerReadOnlyPolicy ce:GetTags arn:*:billing::*:billingview/* partition,account,name,longer
    EC2CopyImagePolicy ec2:CopyImage arn:*:ec2:*::image/* region,name,longer
    EC2CopyImagePolicy ec2:CopyImage arn:*:ec2:*::snapshot/* region,name,longer
    EKSDescribePolicy eks:DescribeCluster arn:*:eks:*:*:cluster/* name,longer
    PollyFullAccessPolicy polly:SynthesizeSpeech arn:*:polly:*:*:lexicon/* partition,region,account,name,longer
    RekognitionDetectOnlyPolicy rekognition:DetectModerationLabels arn:*:rekognition:*:*:project/*/version/*/* partition,region,account,name,longer
    RekognitionLabelsPolicy rekognition:DetectModerationLabels arn:*:rekognition:*:*:project/*/version/*/* partition,region,account,name,longer
    RekognitionNoDataAccessPolicy rekognition:DetectModerationLabels arn:*:rekognition:*:*:project/*/version/*/* partition,region,account,name,longer
    SESBulkTemplatedCrudPolicy ses:SendBulkTemplatedEmail arn:*:ses:*:*:template/* name,longer
    SESBulkTemplatedCrudPolicy ses:SendEmail arn:*:ses:*:*:template/* name,longer
    SESBulkTemplatedCrudPolicy ses:SendTemplatedEmail arn:*:ses:*:*:template/* name,longer
    SageMakerCreateEndpointPolicy sagemaker:CreateEndpoint arn:*:sagemaker:*:*:endpoint-config/* name,longer
    ServerlessRepoReadWriteAccessPolicy serverlessrepo:CreateApplicationVersion arn:*:serverlessrepo:*:*:applications/* name,longer
    ServerlessRepoReadWriteAccessPolicy serverlessrepo:GetApplication arn:*:serverlessrepo:*:*:applications/* name,longer
    ServerlessRepoReadWriteAccessPolicy serverlessrepo:ListApplicationDependencies arn:*:serverlessrepo:*:*:applications/* name,longer
    ServerlessRepoReadWriteAccessPolicy serverlessrepo:ListApplicationVersions arn:*:serverlessrepo:*:*:applications/* name,longer
    ServerlessRepoReadWriteAccessPolicy serverlessrepo:UpdateApplication arn:*:serverlessrepo:*:*:applications/* name,longer
    VPCAccessPolicy ec2:CreateNetworkInterface arn:*:ec2:*:*:network-interface/* partition,region,account,name,longer
    VPCAccessPolicy ec2:CreateNetworkInterface arn:*:ec2:*:*:subnet/* partition,region,account,name,longer
    VPCAccessPolicy ec2:CreateNetworkInterface arn:*:ec2:*:*:security-group/* partition,region,account,name,longer
    VPCAccessPolicy ec2:DeleteNetworkInterface arn:*:ec2:*:*:network-interface/* partition,region,account,name,longer
    VPCAccessPolicy ec2:DetachNetworkInterface arn:*:ec2:*:*:instance/* partition,region,account,name,longer
    VPCAccessPolicy ec2:DetachNetworkInterface arn:*:ec2:*:*:network-interface/* partition,region,account,name,longer
";

/// The resource of a form, as the samples name it.
fn example(form: &str) -> String {
    // What a request names is longer than the form, or not made of names alone.
    let form = match form {
        "arn:*:logs:*:*:log-group:*" => "arn:*:logs:*:*:log-group:*:log-stream:",
        "arn:*:es:*:*:domain/*" => "arn:*:es:*:*:domain/*/_bulk",
        "arn:*:ecs:*:*:task-definition/*:*" => "arn:*:ecs:*:*:task-definition/*:3",
        other => other,
    };
    let [arn, _, service, region, account, resource] = parts(form);
    let [region, account, resource] = [(region, "eu-west-1"), (account, "123456789012"), (resource, "orders")]
        .map(|(part, value)| part.replace('*', value));
    format!("{arn}:aws:{service}:{region}:{account}:{resource}")
}

fn parts(arn: &str) -> [&str; 6] {
    arn.splitn(6, ':').collect::<Vec<_>>().try_into().unwrap()
}

/// The resource that differs from `example` in that, where it can.
fn elsewhere(example: &str, difference: &str) -> Option<String> {
    let [arn, partition, service, region, account, resource] = parts(example);
    let changed = match difference {
        "partition" => [arn, "aws-cn", service, region, account, resource].join(":"),
        "region" if !region.is_empty() => [arn, partition, service, "us-east-1", account, resource].join(":"),
        "account" if !account.is_empty() => [arn, partition, service, region, "999999999999", resource].join(":"),
        "name" => [arn, partition, service, region, account, &resource.replacen("orders", "other", 1)].join(":"),
        "longer" => [arn, partition, service, region, account, &resource.replacen("orders", "orders-2", 1)].join(":"),
        _ => return None,
    };
    Some(changed)
}

fn context() -> Context {
    Context::default()
        .with("ec2:ImageID", "orders")
        .with("secretsmanager:resource/AllowRotationLambdaArn", "arn:aws:lambda:eu-west-1:123456789012:function:orders")
        .with(
            "elasticfilesystem:AccessPointArn",
            "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/orders",
        )
}

fn documents(template: &Recipe) -> [Document; 1] {
    [Document::new(expand(template, &samples(template, "aws"), "aws").unwrap())]
}

#[test]
fn a_template_allows_the_actions_of_the_original_and_no_other() {
    for (name, Original { actions, .. }) in originals() {
        let allowed = allowed_anywhere(&documents(find(templates(), &name).unwrap()));
        let is_expected = |action: &str| actions.iter().any(|pattern| matches(pattern, action));
        assert!(allowed.iter().all(|action| is_expected(action)), "{name}: {allowed:?}");
        let is_allowed = |pattern: &String| allowed.iter().any(|action| matches(pattern, action));
        assert!(actions.iter().all(is_allowed), "{name}: {allowed:?}");
    }
}

#[test]
fn each_action_is_allowed_on_what_the_template_names_and_not_elsewhere() {
    let mut types = resource_types();
    // What Step Functions asks for, whatever the reference says.
    for action in ["states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"] {
        let required = vec!["arn:*:states:*:*:stateMachine:*".to_owned()];
        types.insert(action.to_owned(), ResourceTypes { required, optional: Vec::new() });
    }
    let mut wide = Vec::new();
    for (name, Original { actions, .. }) in originals() {
        let documents = documents(find(templates(), &name).unwrap());
        for action in actions.iter().filter(|action| types.contains_key(*action)) {
            let ResourceTypes { required, optional } = &types[action];
            let is_allowed = |resource: &str| verdict(&documents, action, resource, &context()).is_allowed();
            let is_allowed_on = |form: &String| is_allowed(&example(form));
            if required.is_empty() {
                assert!(is_allowed("*") || optional.iter().any(is_allowed_on), "{name}: {action}");
            } else {
                for form in required {
                    assert!(is_allowed_on(form), "{name}: {action} on {}", example(form));
                }
            }
            for form in required.iter().chain(optional) {
                let is_wide =
                    |difference: &&str| elsewhere(&example(form), difference).is_some_and(|other| is_allowed(&other));
                let differences: Vec<&str> = ELSEWHERE.into_iter().filter(is_wide).collect();
                if !differences.is_empty() {
                    wide.push(format!("{name} {action} {form} {}", differences.join(",")));
                }
            }
        }
    }
    let expected: Vec<&str> = WIDE.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert!(wide == expected, "expected\n{}", wide.join("\n"));
}

/// The key, what the sample has there, and whether a request without the key is allowed: that of an image that is still to
/// be made has none.
#[rstest]
#[case(
    "AWSSecretsManagerRotationPolicy",
    "secretsmanager:PutSecretValue",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a",
    "secretsmanager:resource/AllowRotationLambdaArn",
    "arn:aws:lambda:eu-west-1:123456789012:function:other",
    false
)]
#[case(
    "EFSWriteAccessPolicy",
    "elasticfilesystem:ClientWrite",
    "arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/orders",
    "elasticfilesystem:AccessPointArn",
    "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/other",
    false
)]
#[case("EC2CopyImagePolicy", "ec2:CopyImage", "arn:aws:ec2:eu-west-1::image/ami-1", "ec2:ImageID", "other", true)]
fn what_a_condition_names_is_refused_elsewhere(
    #[case] template: &str,
    #[case] action: &str,
    #[case] resource: &str,
    #[case] key: &str,
    #[case] other: &str,
    #[case] absent: bool,
) {
    let documents = documents(find(templates(), template).unwrap());
    let is_allowed = |context: &Context| verdict(&documents, action, resource, context).is_allowed();
    assert!(is_allowed(&context()));
    assert!(!is_allowed(&context().with(key, other)));
    assert_eq!(is_allowed(&context().with_many(key, Vec::<String>::new())), absent);
}
