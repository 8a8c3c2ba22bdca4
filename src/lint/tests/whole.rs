use rstest::rstest;

use super::*;

#[rstest]
#[case("arn:aws:iam::aws:policy/AWSLambda_FullAccess", Some(Severity::Warning))]
#[case("arn:aws:iam::aws:policy/job-function/ViewOnlyAccess", Some(Severity::Warning))]
#[case("arn:aws:iam::aws:policy/aws-service-role/AWSLambdaServiceRolePolicy", Some(Severity::Error))]
#[case("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole", None)]
#[case("arn:aws:iam::123456789012:policy/AdministratorAccess", None)]
fn a_policy_for_something_else_is_told(#[case] arn: &str, #[case] expected: Option<Severity>) {
    let found = attaching(arn);
    assert_eq!(severity_of(&found, Code::PolicyNotForExecutionRole), expected, "{found:#?}");
}

fn attaching(arn: &str) -> Vec<Finding> {
    let path = "spec.managedPolicies[0]".to_owned();
    with_policies([], &[LocatedPolicy { path, arn: arn.to_owned(), is_described: false, ignored: BTreeSet::new() }])
}

#[rstest]
#[case("arn:aws-cn:iam::aws:policy/AWSXRayDaemonWriteAccess", Code::ForeignPartition, "Write arn:aws:")]
#[case("arn:aws:iam::210987654321:policy/shared", Code::InvalidField, "belongs to account 210987654321")]
#[case::of_a_path(
    "arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole",
    Code::InvalidField,
    "Write arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole, or aws: AWSLambdaBasicExecutionRole"
)]
#[case::of_no_path("arn:aws:iam::aws:policy/service-role/AdministratorAccess", Code::InvalidField, "another path")]
fn a_policy_that_no_role_here_can_have_is_an_error(#[case] arn: &str, #[case] code: Code, #[case] message: &str) {
    let found = attaching(arn);
    assert_eq!(told(&found), [format!("Error {code} spec.managedPolicies[0]")]);
    assert!(text_of(&found, code).contains(message), "{found:#?}");
}

#[rstest]
#[case("arn:aws:iam::123456789012:policy/team/AWSLambdaBasicExecutionRole")]
#[case("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")]
#[case("arn:aws:iam::aws:policy/service-role/NewPolicyOfAws")]
fn a_policy_of_the_account_or_one_that_aws_may_have_is_not_told(#[case] arn: &str) {
    assert_eq!(attaching(arn), []);
}

fn of_size(characters: usize) -> Vec<Finding> {
    let sizes = [Size {
        path: "spec.statements".to_owned(),
        what: "the inline policies of the role".to_owned(),
        characters,
        quota: 10_240,
    }];
    lint(&Subject { home: HOME, statements: &[], trust: &[], managed_policies: &[], sizes: &sizes })
}

#[rstest]
#[case(9215, false)]
#[case(9216, true)]
#[case(10_240, true)]
#[case(10_241, false)]
fn a_document_is_nearly_full_from_nine_tenths_of_the_quota(#[case] characters: usize, #[case] expected: bool) {
    let found = of_size(characters);
    assert_eq!(severity_of(&found, Code::SizeNearQuota), expected.then_some(Severity::Warning));
}

#[test]
fn the_message_gives_the_numbers() {
    assert_eq!(
        text_of(&of_size(9216), Code::SizeNearQuota),
        "spec.statements: the inline policies of the role take 9216 of the 10240 characters that IAM allows, 90 %. Move statements into managed policies, or share wildcards, before the next one does not fit"
    );
}
