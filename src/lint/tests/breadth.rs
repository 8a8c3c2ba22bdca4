use rstest::rstest;

use super::*;

#[rstest]
#[case("*", true)]
#[case("**", true)]
#[case("s3:*", true)]
#[case("s3:Get*", false)]
#[case("s3:GetObject", false)]
fn all_actions_or_all_of_a_service_are_told(#[case] action: &str, #[case] expected: bool) {
    let found = findings([allow(action, "arn:aws:s3:::archive/*")]);
    assert_eq!(severity_of(&found, Code::WildcardAction), expected.then_some(Severity::Warning));
    assert_eq!(severity_of(&findings([deny(action, "*")]), Code::WildcardAction), None);
}

#[test]
fn allowing_all_but_some_is_allowing_nearly_all() {
    let found = findings([allow("s3:*", "arn:aws:s3:::archive").all_but_these_actions()]);
    assert_eq!(told(&found), ["Warning WildcardAction spec.statements[0].notActions[0]"]);
    let found = findings([allow("s3:GetObject", "arn:aws:s3:::archive/*").all_but_these_resources()]);
    assert_eq!(told(&found), ["Warning WildcardResource spec.statements[0].notResources[0]"]);
}

#[rstest]
#[case("s3:GetObject", "*", true)]
#[case("s3:Get*", "*", true)]
#[case("*", "*", true)]
#[case("s3:ListAllMyBuckets", "*", false)]
#[case("ec2:DescribeSubnets ec2:DescribeVpcs", "*", false)]
#[case::lambda_refuses_less("ec2:CreateNetworkInterface EC2:DeleteNetworkInterface", "*", false)]
#[case("ec2:*NetworkInterface", "*", true)]
#[case("s3:GetObject", "arn:aws:s3:::archive/*", false)]
fn all_resources_are_told_where_aws_can_limit_them(
    #[case] actions: &str,
    #[case] resource: &str,
    #[case] expected: bool,
) {
    let found = findings([allow(actions, resource)]);
    assert_eq!(severity_of(&found, Code::WildcardResource), expected.then_some(Severity::Warning));
    assert_eq!(severity_of(&findings([deny(actions, resource)]), Code::WildcardResource), None);
}

#[test]
fn only_the_actions_that_can_be_limited_are_named() {
    let found = findings([allow("s3:GetObject s3:ListAllMyBuckets", "*")]);
    assert!(text_of(&found, Code::WildcardResource).contains("allows s3:GetObject on every resource"), "{found:#?}");
}

#[rstest]
#[case("iam:PassRole", "*", true)]
#[case("iam:PassRole", "arn:aws:iam::123456789012:role/*", true)]
#[case("iam:PassRole", "arn:aws:iam::123456789012:role/orders-*", false)]
#[case("iam:Pass*", "*", true)]
#[case("iam:CreatePolicyVersion", "arn:aws:iam::123456789012:policy/orders", true)]
#[case("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/orders", true)]
#[case("iam:Attach*", "arn:aws:iam::123456789012:role/orders", true)]
#[case("iam:UpdateAssumeRolePolicy", "arn:aws:iam::123456789012:role/orders", true)]
#[case("sts:AssumeRole", "*", true)]
#[case("sts:AssumeRole", "arn:aws:iam::210987654321:role/reader", false)]
#[case("lambda:UpdateFunctionCode", "arn:aws:lambda:us-east-1:123456789012:function:*", true)]
#[case("lambda:UpdateFunctionCode", "arn:aws:lambda:us-east-1:123456789012:function:orders", false)]
#[case("iam:GetRole", "*", false)]
fn ways_to_more_rights_are_told(#[case] action: &str, #[case] resource: &str, #[case] expected: bool) {
    let found = findings([allow(action, resource)]);
    assert_eq!(severity_of(&found, Code::PrivilegeEscalation), expected.then_some(Severity::Warning), "{found:#?}");
    assert_eq!(severity_of(&findings([deny(action, resource)]), Code::PrivilegeEscalation), None);
}
