//! What statements are about, and how the layers go together:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use rstest::rstest;

use super::*;

const OBJECT: &str = "arn:aws:s3:::lambda_bucket/key";

fn statement(effect: &str, action: &str) -> Document {
    document(&format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"{action}","Resource":"*"}}}}"#
    ))
}

#[rstest]
#[case::the_action(r#""Action":"s3:GetObject","Resource":"*""#, true)]
#[case::case_does_not_count(r#""Action":"S3:getobject","Resource":"*""#, true)]
#[case::a_pattern(r#""Action":"s3:Get*","Resource":"arn:aws:s3:::lambda_bucket/*""#, true)]
#[case::another_action(r#""Action":"s3:Put*","Resource":"*""#, false)]
#[case::not_another_action(r#""NotAction":"s3:Put*","Resource":"*""#, true)]
#[case::not_this_action(r#""NotAction":["s3:Put*","s3:get*"],"Resource":"*""#, false)]
#[case::another_resource(r#""Action":"*","Resource":"arn:aws:s3:::lambda_bucket""#, false)]
#[case::case_counts_in_resources(r#""Action":"*","Resource":"arn:aws:s3:::Lambda_bucket/*""#, false)]
#[case::not_another_resource(r#""Action":"*","NotResource":"arn:aws:s3:::other/*""#, true)]
#[case::not_this_resource(r#""Action":"*","NotResource":"arn:aws:s3:::lambda_bucket/*""#, false)]
#[case::beyond_the_colons(r#""Action":"*","Resource":"arn:aws:s3:*""#, true)]
fn a_statement_is_about(#[case] elements: &str, #[case] expected: bool) {
    let policy = document(&format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{elements}}}}}"#));
    assert_eq!(allows(&policy, "s3:GetObject", OBJECT, &Context::default()), expected);
}

/// An action that is about no resource is allowed on `*` alone.
#[test]
fn a_request_without_resource_needs_all_resources() {
    let policy =
        |resource| document(&format!(r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"{resource}"}}}}"#));
    assert!(allows(&policy("*"), "s3:ListAllMyBuckets", "*", &Context::default()));
    assert!(!allows(&policy("arn:aws:s3:::*"), "s3:ListAllMyBuckets", "*", &Context::default()));
}

fn verdict<'a>(policies: &Policies<'a>, action: &str) -> Verdict<'a> {
    evaluate(policies, &Request { action, resource: OBJECT, context: &Context::default() })
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>
#[rstest]
#[case::both_allow("s3:GetObject", true)]
#[case::the_identity_alone("s3:PutObject", false)]
#[case::the_boundary_alone("sqs:SendMessage", false)]
#[case::neither("sns:Publish", false)]
fn with_a_boundary_both_must_allow(#[case] action: &str, #[case] expected: bool) {
    let identity = [statement("Allow", "s3:*")];
    let boundary = document(r#"{"Statement":{"Effect":"Allow","Action":["s3:Get*","sqs:*"],"Resource":"*"}}"#);
    let policies = Policies { identity: &identity, boundary: Some(&boundary), ..Policies::default() };
    assert_eq!(verdict(&policies, action).is_allowed(), expected);
}

/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>
#[rstest]
#[case::every_level_allows(&["*", "s3:*"], true)]
#[case::one_level_does_not(&["*", "sqs:*"], false)]
#[case::a_level_without_policies(&["*", ""], false)]
#[case::none_in_force(&[], true)]
fn every_level_of_service_control_policies_must_allow(#[case] levels: &[&str], #[case] expected: bool) {
    let documents = |action: &&str| {
        if action.is_empty() { vec![] } else { vec![statement("Allow", "sqs:*"), statement("Allow", action)] }
    };
    let service_control: Vec<Vec<Document>> = levels.iter().map(documents).collect();
    let identity = [statement("Allow", "s3:GetObject")];
    let policies = Policies { identity: &identity, service_control: &service_control, ..Policies::default() };
    assert_eq!(verdict(&policies, "s3:GetObject").is_allowed(), expected);
}

#[test]
fn a_deny_wins_wherever_it_stands_and_is_named() {
    let (allow, deny) = ([allow_everything()], [allow_everything(), statement("Deny", "s3:*")]);
    let boundary_deny = document(
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"NoS3","Effect":"Deny","Action":"s3:*","Resource":"*"}]}"#,
    );
    let (none, levels) = ([], [vec![allow_everything()], deny.to_vec()]);
    let cases: [(Policies<'_>, &str); 4] = [
        (Policies { identity: &deny, ..Policies::default() }, "identity policy 1, statement 0"),
        (
            Policies { identity: &allow, boundary: Some(&boundary_deny), ..Policies::default() },
            "boundary, statement 1 (NoS3)",
        ),
        (
            Policies { identity: &allow, service_control: &levels, ..Policies::default() },
            "service control policy 1 of level 1, statement 0",
        ),
        (
            Policies { identity: &none, boundary: Some(&boundary_deny), ..Policies::default() },
            "boundary, statement 1 (NoS3)",
        ),
    ];
    for (policies, expected) in cases {
        let Verdict::ExplicitDeny(origin) = verdict(&policies, "s3:GetObject") else { panic!("{expected}") };
        assert_eq!(origin.to_string(), expected);
    }
}

#[test]
fn what_allows_and_what_does_not_is_named() {
    let identity = [statement("Allow", "sqs:*"), statement("Allow", "s3:Get*")];
    let (boundary, levels) =
        (statement("Allow", "s3:GetObject"), [vec![allow_everything()], vec![statement("Allow", "s3:*")]]);
    let policies = Policies { identity: &identity, boundary: Some(&boundary), service_control: &levels };
    let Verdict::Allowed(origin) = verdict(&policies, "s3:GetObject") else { panic!("not allowed") };
    assert_eq!((origin.document, origin.index), (1, 0));
    assert_eq!(verdict(&policies, "s3:GetBucketAcl"), Verdict::ImplicitDeny(Layer::Boundary));
    assert_eq!(verdict(&policies, "s3:PutObject"), Verdict::ImplicitDeny(Layer::Identity));
    assert_eq!(verdict(&policies, "sqs:SendMessage"), Verdict::ImplicitDeny(Layer::ServiceControl(1)));
    assert_eq!(Layer::ServiceControl(1).to_string(), "service control policies of level 1");
}

/// The two forms of "only from this function or this VPC": with both conditions in one statement a request is denied if
/// it comes from neither, with a statement for each if it does not come from both. AWS's page shows the second and
/// describes the first. An absent key makes a negated operator with `IfExists` hold.
/// <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>
#[rstest]
#[case::from_both(Some("vpc-12345678"), Some("source_lambda"), false, false)]
#[case::from_the_vpc_alone(Some("vpc-12345678"), None, false, true)]
#[case::from_the_function_alone(None, Some("source_lambda"), false, true)]
#[case::from_neither(None, None, true, true)]
#[case::from_another_vpc(Some("vpc-87654321"), Some("source_lambda"), false, true)]
#[case::from_another_function(Some("vpc-12345678"), Some("other"), false, true)]
#[case::from_others(Some("vpc-87654321"), Some("other"), true, true)]
fn a_service_control_policy_denies_requests(
    #[case] vpc: Option<&str>,
    #[case] function: Option<&str>,
    #[case] denied_by_one_statement: bool,
    #[case] denied_by_two: bool,
) {
    let vpc_condition = r#""StringNotEqualsIfExists":{"aws:SourceVpc":["vpc-12345678"]}"#;
    let function_condition = r#""ArnNotEqualsIfExists":{"lambda:SourceFunctionArn":"arn:aws:lambda:us-east-1:123456789012:function:source_lambda"}"#;
    let deny = |conditions: &str| {
        format!(
            r#"{{"Action":["s3:*"],"Resource":"arn:aws:s3:::lambda_bucket/*","Effect":"Deny","Condition":{{{conditions}}}}}"#
        )
    };
    let one = deny(&format!("{vpc_condition},{function_condition}"));
    let two = format!("{},{}", deny(vpc_condition), deny(function_condition));

    let mut context = Context::default();
    if let Some(vpc) = vpc {
        context = context.with("aws:SourceVpc", vpc);
    }
    if let Some(function) = function {
        let arn = format!("arn:aws:lambda:us-east-1:123456789012:function:{function}");
        context = context.with("lambda:SourceFunctionArn", arn);
    }
    for (statements, denied) in [(one, denied_by_one_statement), (two, denied_by_two)] {
        let scp = document(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#));
        let (identity, levels) = ([allow_everything()], [vec![allow_everything(), scp]]);
        let policies = Policies { identity: &identity, service_control: &levels, ..Policies::default() };
        let verdict = evaluate(&policies, &Request { action: "s3:PutObject", resource: OBJECT, context: &context });
        assert_eq!(matches!(verdict, Verdict::ExplicitDeny(_)), denied, "{statements}");
        assert_eq!(verdict.is_allowed(), !denied, "{statements}");
    }
}

/// The Deny for code in a function with VPC access, which leaves the calls of Lambda itself alone.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html>
#[test]
fn what_lambda_itself_needs_can_be_denied_to_the_functions_code() {
    let deny = conditional(
        "Deny",
        r#"{"ArnEquals":{"lambda:SourceFunctionArn":["arn:aws:lambda:us-west-2:123456789012:function:my_function"]}}"#,
    );
    let identity = [allow_everything(), deny];
    let policies = Policies { identity: &identity, ..Policies::default() };
    let asked = |context: &Context| {
        evaluate(&policies, &Request { action: "ec2:CreateNetworkInterface", resource: "*", context }).is_allowed()
    };
    let code = "arn:aws:lambda:us-west-2:123456789012:function:my_function";
    assert!(asked(&Context::default()));
    assert!(!asked(&Context::default().with("lambda:SourceFunctionArn", code)));
}
