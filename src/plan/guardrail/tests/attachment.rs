//! Managed policies.

use rstest::rstest;

use super::{Role, allow_one, of_statements};
use crate::{catalog::managed_policy, policy::Document};

const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const BASIC: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
const OWN: &str = "arn:aws:iam::111122223333:policy/shop/orders";

fn harmless() -> Document {
    of_statements(&allow_one("logs:PutLogEvents", "*"))
}

#[rstest]
#[case::by_arn(BASIC, BASIC, true)]
#[case::by_name("AWSLambdaBasicExecutionRole", BASIC, true)]
#[case::by_path_and_name("service-role/AWSLambdaBasicExecutionRole", BASIC, true)]
#[case::by_another_path("job-function/AWSLambdaBasicExecutionRole", BASIC, false)]
#[case::by_the_beginning_of_a_name("AWSLambda*", BASIC, true)]
#[case::by_a_path("service-role/*", BASIC, true)]
#[case::by_the_name_of_another("AWSLambdaExecute", BASIC, false)]
#[case::by_part_of_a_name("AWSLambdaBasic", BASIC, false)]
#[case::by_a_name_in_another_case("awslambdabasicexecutionrole", BASIC, false)]
#[case::an_own_policy_of_that_name("orders", OWN, false)]
#[case::an_own_policy_by_any_name("*", OWN, false)]
#[case::every_policy_of_aws("*", BASIC, true)]
#[case::an_own_policy_by_arn("arn:aws:iam::$(accountId):policy/$(namespace)/*", OWN, true)]
#[case::another_account("arn:aws:iam::$(accountId):policy/*", "arn:aws:iam::444455556666:policy/x", false)]
#[case::a_name_that_only_looks_alike("AWSLambda*", "arn:aws:iam::444455556666:policy/AWSLambdaX", false)]
#[case::a_name_behind_an_own_path("service-role/*", "arn:aws:iam::111122223333:policy/service-role/x", false)]
fn only_listed_policies_are_attached(#[case] entry: &str, #[case] arn: &str, #[case] is_allowed: bool) {
    let rules = format!("managedPolicies: {{allowed: [AWSXRayDaemonWriteAccess, '{entry}']}}");
    let rule = "spec.guardrails.managedPolicies.allowed".to_owned();
    let expected = if is_allowed { vec![] } else { vec![("spec.managedPolicies[0]".to_owned(), rule)] };
    assert_eq!(Role::attaching(arn, Ok(harmless())).broken(&rules), expected);
}

#[rstest]
#[case::by_arn(ADMIN, ADMIN, true)]
#[case::by_name("AdministratorAccess", ADMIN, true)]
#[case::in_another_partition("AdministratorAccess", "arn:aws-cn:iam::aws:policy/AdministratorAccess", true)]
#[case::attached_in_another_case("AdministratorAccess", "arn:aws:iam::aws:policy/administratoraccess", true)]
#[case::by_arn_in_another_case(ADMIN, "arn:aws:iam::aws:policy/ADMINISTRATORACCESS", true)]
#[case::whatever_the_path("AWSLambdaBasicExecutionRole", BASIC, true)]
#[case::by_part_of_the_name("*Admin*", ADMIN, true)]
#[case::own_ones_by_part_of_the_name("*admin*", "arn:aws:iam::111122223333:policy/team-Admin", true)]
#[case::everything("*", OWN, true)]
#[case::every_own_one("arn:*:iam::????????????:policy/*", OWN, true)]
#[case::another("AdministratorAccess", BASIC, false)]
#[case::every_own_one_and_no_others("arn:*:iam::????????????:policy/*", BASIC, false)]
fn denied_policies_are_not_attached(#[case] entry: &str, #[case] arn: &str, #[case] is_denied: bool) {
    let rules = format!("managedPolicies: {{denied: [PowerUserAccess, '{entry}']}}");
    let rule = "spec.guardrails.managedPolicies.denied[1]".to_owned();
    let expected = if is_denied { vec![("spec.managedPolicies[0]".to_owned(), rule)] } else { vec![] };
    assert_eq!(Role::attaching(arn, Ok(harmless())).broken(&rules), expected);
}

#[test]
fn an_empty_list_lets_none_be_attached() {
    assert_eq!(Role::attaching(BASIC, Ok(harmless())).broken("managedPolicies: {allowed: []}").len(), 1);
    assert_eq!(Role::attaching(BASIC, Ok(harmless())).broken("{}"), []);
}

#[test]
fn what_a_policy_allows_is_judged_as_if_the_spec_allowed_it() {
    let statements = format!(
        r#"{}, {{"Sid": "Escalate", "Effect": "Allow", "Action": ["iam:CreateRole", "s3:GetObject"], "Resource": "*"}}"#,
        allow_one("s3:GetObject", "arn:aws:s3:::shop/*")
    );
    let role = Role::attaching(OWN, Ok(of_statements(&statements)));
    let rules = "permissions: {allowed: [{actions: ['s3:*', 'iam:*'], resources: ['arn:aws:s3:::shop/*']}]}";
    assert_eq!(
        role.told(rules),
        [
            "spec.managedPolicies[0]: allows iam:CreateRole on * in Statement[1] (Escalate) of arn:aws:iam::111122223333:policy/shop/orders, which no entry takes in (spec.guardrails.permissions.allowed). Ask only for what one entry takes in, the action and the resource, or have the class allow more",
            "spec.managedPolicies[0]: allows s3:GetObject on * in Statement[1] (Escalate) of arn:aws:iam::111122223333:policy/shop/orders, which no entry takes in (spec.guardrails.permissions.allowed). Ask only for what one entry takes in, the action and the resource, or have the class allow more",
            "spec.managedPolicies[0]: allows iam:CreateRole on * in Statement[1] (Escalate) of arn:aws:iam::111122223333:policy/shop/orders, which leads to other identities (the default denial of iam:*). Leave it out, or have the class exempt it",
        ]
    );
}

#[test]
fn variables_in_a_policy_of_the_old_version_are_any_text() {
    let json = r#"{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::${*}"}}"#;
    let role = Role::attaching(OWN, Ok(super::document(json)));
    assert_eq!(role.broken("permissions: {denied: [{resources: ['arn:aws:s3:::secret']}]}").len(), 1);
}

/// By name an administrator's policy is let through here; by what it says it is not.
#[test]
fn aws_policies_for_administrators_are_refused_without_a_rule() {
    let everything = of_statements(&allow_one("*", "*"));
    assert_eq!(Role::attaching(ADMIN, Ok(everything)).broken("{}").len(), 1);
    // As AWS has it: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/PowerUserAccess.html
    let power_user = of_statements(
        r#"{"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
           {"Effect": "Allow", "Action": ["account:GetAccountInformation", "iam:CreateServiceLinkedRole", "iam:ListRoles"], "Resource": "*"}"#,
    );
    assert!(!Role::attaching("arn:aws:iam::aws:policy/PowerUserAccess", Ok(power_user)).broken("{}").is_empty());
}

#[test]
fn policies_for_execution_roles_pass_without_a_rule() {
    for policy in &managed_policy::all().fit {
        let arn = managed_policy::aws_managed_policy_arn("aws", &policy.name);
        assert_eq!(Role::attaching(&arn, Ok(policy.document.clone())).broken("{}"), [], "{arn}");
    }
}

#[test]
fn what_could_not_be_read_is_refused() {
    let role = Role::attaching(OWN, Err("it does not exist".to_owned()));
    assert_eq!(
        role.told("{}"),
        [
            "spec.managedPolicies[0]: attaches arn:aws:iam::111122223333:policy/shop/orders, which could not be read: it does not exist (what is attached is judged). Attach a policy that exists and that the controller may read, or leave it out"
        ]
    );
}
