use rstest::rstest;

use super::*;
use crate::catalog::service_reference;

fn codes(found: &[Finding]) -> Vec<Code> {
    found.iter().map(|finding| finding.code).collect()
}

#[rstest]
#[case("dynamobd:GetItem", Some(Code::UnknownService), "Is dynamodb:GetItem meant?")]
#[case("cloud-watch-metrics:Put", Some(Code::UnknownService), "Look the name up")]
#[case("s3:GetObjects", Some(Code::UnknownAction), "Is s3:GetObject meant?")]
#[case("s3:Frobnicate*", Some(Code::UnknownAction), "Look the name up")]
#[case("s3:Get*", None, "")]
#[case("S3:getobject", None, "")]
#[case("s3express:CreateSession", None, "")]
fn names_that_aws_does_not_have_are_told_with_their_like(
    #[case] action: &str,
    #[case] expected: Option<Code>,
    #[case] fix: &str,
) {
    let found = findings([allow(action, "arn:aws:s3:::archive/*")]);
    assert_eq!(codes(&found), Vec::from_iter(expected), "{found:#?}");
    assert!(found.iter().all(|finding| finding.severity == Severity::Warning));
    assert!(found.iter().all(|finding| finding.to_string().contains(fix)), "{found:#?}");
    assert!(found.iter().all(|finding| finding.message.contains(service_reference::date())), "{found:#?}");
}

#[test]
fn what_is_excluded_is_looked_up_as_well() {
    let found = findings([deny("s3:GetObjects", "*").all_but_these_actions()]);
    assert_eq!(told(&found), ["Warning UnknownAction spec.statements[0].notActions[0]"]);
}

#[rstest]
#[case("lambda:SourceFunctionArns", Some("Is lambda:SourceFunctionArn meant?"))]
#[case("aws:SourceVpec", Some("Is aws:SourceVpc"))]
#[case("aws:ResourceTag/team", None)]
#[case("s3:prefix", None)]
#[case("accounts.google.com:aud", None)]
fn condition_keys_that_aws_does_not_have_are_told(#[case] key: &str, #[case] fix: Option<&str>) {
    let found = findings([allow("s3:GetObject", "arn:aws:s3:::archive/*").when("StringEquals", key, "x")]);
    assert_eq!(codes(&found), Vec::from_iter(fix.map(|_| Code::UnknownConditionKey)));
    if let Some(fix) = fix {
        assert!(text_of(&found, Code::UnknownConditionKey).contains(fix), "{found:#?}");
    }
}

#[rstest]
#[case("s3:ListAllMyBuckets", "arn:aws:s3:::archive", true)]
#[case("xray:PutTraceSegments", "arn:aws:xray:*:*:*", true)]
#[case("ec2:DescribeSubnets ec2:DescribeVpcs", "arn:aws:ec2:*:*:subnet/*", true)]
#[case("s3:ListAllMyBuckets", "*", false)]
#[case("s3:ListAllMyBuckets", "arn:aws:s3:::archive *", false)]
#[case("s3:List*", "arn:aws:s3:::archive", false)]
#[case("s3:GetObject", "arn:aws:s3:::archive/*", false)]
fn an_action_without_resources_matches_none_but_all(
    #[case] actions: &str,
    #[case] resources: &str,
    #[case] expected: bool,
) {
    for statement in [allow(actions, resources), deny(actions, resources)] {
        let found = findings([statement]);
        assert_eq!(severity_of(&found, Code::ResourceNeverMatches), expected.then_some(Severity::Warning));
    }
}

#[rstest]
#[case("arn:aws:s3:::archive/*", false)]
#[case("arn:aws-cn:s3:::archive/*", true)]
#[case("arn:aws-*:s3:::archive/*", true)]
#[case("arn:aws*:s3:::archive/*", false)]
#[case("*", false)]
fn a_resource_of_another_partition_is_an_error(#[case] resource: &str, #[case] expected: bool) {
    let found = findings([allow("s3:GetObject", resource)]);
    assert_eq!(severity_of(&found, Code::ForeignPartition), expected.then_some(Severity::Error));
}

#[test]
fn the_partition_of_an_event_source_or_a_template_is_looked_at_too() {
    for source in [Source::Generated, Source::Template] {
        let statement = allow("sqs:PurgeQueue", "arn:aws-cn:sqs:cn-north-1:123456789012:orders");
        let found = findings([statement.from(source).spelled(Spelling::Whole)]);
        assert_eq!(told(&found), ["Error ForeignPartition spec.statements[0]"]);
    }
}

#[test]
fn a_resource_that_is_excluded_may_be_anywhere() {
    let statement = deny("s3:GetObject", "arn:aws-cn:s3:::archive/*").all_but_these_resources();
    assert_eq!(findings([statement]), []);
}
