//! Who may assume roles.

use rstest::rstest;

use super::{ROLE, Role, of_statements};

/// Rules that trust something of every kind.
const RULES: &str = "trust: {
    services: [edgelambda.amazonaws.com, '*.example.com'],
    principals: ['444455556666', 'arn:aws:iam::777788889999:root', 'arn:aws:iam::111122223333:role/$(namespace)-*', 'arn:aws:iam::121212121212:*'],
    federated: ['arn:aws:iam::111122223333:oidc-provider/*', cognito-identity.amazonaws.com]}";

fn trusting(principal: &str) -> Role {
    Role::trusting(&format!(r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "sts:AssumeRole"}}"#))
}

#[rstest]
#[case::lambda(r#"{"Service": "lambda.amazonaws.com"}"#, None)]
#[case::lambda_in_another_case(r#"{"Service": "Lambda.amazonaws.com"}"#, Some("services"))]
#[case::lambda_with_more(r#"{"Service": "lambda.amazonaws.com.example.org"}"#, Some("services"))]
#[case::a_service(r#"{"Service": "ec2.amazonaws.com"}"#, Some("services"))]
#[case::every_service(r#"{"Service": "*"}"#, Some("services"))]
#[case::the_account_itself(r#"{"AWS": "111122223333"}"#, Some("principals"))]
#[case::another_account(r#"{"AWS": "arn:aws:iam::444455556666:root"}"#, Some("principals"))]
#[case::a_role(r#"{"AWS": "arn:aws:iam::111122223333:role/x"}"#, Some("principals"))]
#[case::a_unique_id(r#"{"AWS": "AROAEXAMPLEEXAMPLEEX"}"#, Some("principals"))]
#[case::everyone(r#""*""#, Some("principals"))]
#[case::everyone_by_kind(r#"{"AWS": "*"}"#, Some("principals"))]
#[case::a_provider(r#"{"Federated": "accounts.google.com"}"#, Some("federated"))]
#[case::a_canonical_user(r#"{"CanonicalUser": "0123456789abcdef"}"#, Some("principals"))]
#[case::a_kind_that_nobody_knows(r#"{"aws": "111122223333"}"#, Some("principals"))]
#[case::one_of_several(r#"{"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}"#, Some("services"))]
fn lambda_alone_is_trusted_without_a_rule(#[case] principal: &str, #[case] broken: Option<&str>) {
    let rules: Vec<String> = trusting(principal).broken("{}").into_iter().map(|(_, rule)| rule).collect();
    assert_eq!(rules, broken.map(|rule| format!("spec.guardrails.trust.{rule}")).into_iter().collect::<Vec<_>>());
}

#[rstest]
#[case::a_service(r#"{"Service": "edgelambda.amazonaws.com"}"#, true)]
#[case::a_service_by_pattern(r#"{"Service": "x.example.com"}"#, true)]
#[case::every_service(r#"{"Service": "*"}"#, false)]
#[case::a_wildcard_within_a_pattern(r#"{"Service": "*.example.com"}"#, true)]
#[case::an_account_by_id(r#"{"AWS": "444455556666"}"#, true)]
#[case::its_root(r#"{"AWS": "arn:aws:iam::444455556666:root"}"#, true)]
#[case::its_root_in_another_partition(r#"{"AWS": "arn:aws-cn:iam::444455556666:root"}"#, true)]
#[case::its_role(r#"{"AWS": "arn:aws:iam::444455556666:role/x"}"#, false)]
#[case::a_root(r#"{"AWS": "arn:aws:iam::777788889999:root"}"#, true)]
#[case::the_id_of_its_account(r#"{"AWS": "777788889999"}"#, true)]
#[case::all_of_an_account(r#"{"AWS": "121212121212"}"#, true)]
#[case::a_role_of_the_namespace(r#"{"AWS": "arn:aws:iam::111122223333:role/shop-x"}"#, true)]
#[case::a_role_of_another(r#"{"AWS": "arn:aws:iam::111122223333:role/store-x"}"#, false)]
#[case::a_root_that_is_none(r#"{"AWS": "arn:aws:sts::444455556666:root"}"#, false)]
#[case::another_account(r#"{"AWS": "999999999999"}"#, false)]
#[case::everyone(r#""*""#, false)]
#[case::everyone_by_kind(r#"{"AWS": ["*"]}"#, false)]
#[case::a_provider(r#"{"Federated": "arn:aws:iam::111122223333:oidc-provider/x"}"#, true)]
#[case::another_provider(r#"{"Federated": "arn:aws:iam::444455556666:oidc-provider/x"}"#, false)]
#[case::a_canonical_user(r#"{"CanonicalUser": "444455556666"}"#, false)]
fn others_are_trusted_if_a_pattern_takes_them_in(#[case] principal: &str, #[case] is_allowed: bool) {
    let broken = trusting(principal).broken(RULES);
    assert_eq!(broken.is_empty(), is_allowed, "{broken:?}");
}

#[rstest]
#[case::star("'*'", true)]
#[case::two("'**'", false)]
#[case::at_least_one_character("'?*'", false)]
#[case::every_arn("'arn:*'", false)]
#[case::one_character("'?'", false)]
fn everyone_is_trusted_by_the_star_alone(
    #[case] pattern: &str,
    #[case] is_allowed: bool,
    #[values(r#""*""#, r#"{"AWS": "*"}"#)] principal: &str,
) {
    let rules = format!("trust: {{principals: [{pattern}]}}");
    let Ok(guardrails) = super::compiled(&rules) else {
        assert_eq!(pattern, "'?'");
        return;
    };
    assert_eq!(trusting(principal).judged(&guardrails).is_empty(), is_allowed);
}

#[test]
fn whom_a_statement_leaves_out_says_not_whom_it_trusts() {
    let role = Role::trusting(
        r#"{"Effect": "Allow", "NotPrincipal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"},
           {"Sid": "Nobody", "Effect": "Allow", "Action": "sts:AssumeRole"},
           {"Effect": "Deny", "NotPrincipal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"},
           {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}"#,
    );
    assert_eq!(
        role.told("trust: {principals: ['*']}"),
        [
            "spec.trust.statements[0].principals: trusts everyone but whom it lists, whom the class does not allow (spec.guardrails.trust.principals). Trust only those whom the class allows, or have it allow this one",
            "spec.trust.statements[1].principals: trusts nobody in particular in statement Nobody, whom the class does not allow (spec.guardrails.trust.principals). Trust only those whom the class allows, or have it allow this one",
        ]
    );
}

#[test]
fn a_condition_excuses_nobody() {
    let role = Role::trusting(
        r#"{"Effect": "Allow", "Principal": {"AWS": ["444455556666", "*"]}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}"#,
    );
    assert_eq!(
        role.broken(RULES),
        [("spec.trust.statements[0].principals.aws[1]".to_owned(), "spec.guardrails.trust.principals".to_owned())]
    );
}

#[rstest]
#[case::not_allowed("{}", false)]
#[case::allowed("trust: {self: true}", true)]
#[case::by_a_pattern("trust: {principals: ['arn:aws:iam::111122223333:role/$(roleName)']}", true)]
fn a_role_trusts_itself_if_the_class_says_so(#[case] rules: &str, #[case] is_allowed: bool) {
    let broken = trusting(&format!(r#"{{"AWS": "{ROLE}"}}"#)).broken(rules);
    assert_eq!(broken.is_empty(), is_allowed, "{broken:?}");
    let other = trusting(r#"{"AWS": "arn:aws:iam::111122223333:role/Shop-Orders"}"#);
    assert_eq!(other.broken("trust: {self: true}").len(), 1);
}

#[test]
fn what_the_spec_has_fields_for_is_told_of_those() {
    let trust_policy = of_statements(&format!(
        r#"{{"Effect": "Allow", "Principal": {{"Service": "edgelambda.amazonaws.com"}}, "Action": "sts:AssumeRole"}},
           {{"Effect": "Allow", "Principal": {{"AWS": "{ROLE}"}}, "Action": "sts:AssumeRole"}},
           {{"Effect": "Allow", "Principal": {{"AWS": "444455556666"}}, "Action": "sts:AssumeRole"}}"#
    ));
    let role = Role { trust_policy, ..Role::default() };
    assert_eq!(
        role.broken("{}"),
        [
            ("spec.trust.edge".to_owned(), "spec.guardrails.trust.services".to_owned()),
            ("spec.trust.self".to_owned(), "spec.guardrails.trust.self".to_owned()),
            ("trust policy, Statement[2].Principal.AWS".to_owned(), "spec.guardrails.trust.principals".to_owned()),
        ]
    );
}
