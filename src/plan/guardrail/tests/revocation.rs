//! What is taken from a role in IAM.

use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;

use super::{LocatedDocument, ROLE, allow_one, document, guardrails, of_statements};
use crate::{
    plan::{ObservedPolicy, ObservedRole, Step, guardrail::revoke_all, overflow::ByNumber},
    policy::Document,
};

const LAMBDA: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const LAMBDA_OF_THE_ACCOUNT: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}]}"#;
const BASIC: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
const OWN: &str = "arn:aws:iam::111122223333:policy/own";
const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/boundary";

fn role() -> ObservedRole {
    ObservedRole {
        name: "shop-orders".to_owned(),
        path: "/".to_owned(),
        arn: ROLE.to_owned(),
        id: "AROAEXAMPLEEXAMPLEEX".to_owned(),
        trust_policy: LAMBDA.to_owned(),
        description: String::new(),
        max_session_seconds: 3600,
        permissions_boundary: None,
        tags: BTreeMap::new(),
        inline_policies: BTreeMap::new(),
        managed_policies: BTreeSet::new(),
    }
}

fn with_inline(policies: &[(&str, &str)]) -> ObservedRole {
    let inline = policies.iter().map(|(name, json)| ((*name).to_owned(), (*json).to_owned())).collect();
    ObservedRole { inline_policies: inline, ..role() }
}

fn attached(arn: &str, document: Result<Document, String>) -> LocatedDocument {
    LocatedDocument { path: arn.to_owned(), arn: arn.to_owned(), is_described: false, document }
}

fn clauses(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}

#[test]
fn of_an_inline_policy_the_refused_statements_go_and_the_rest_stays() {
    let deny = r#"{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}"#;
    let kept = format!("{}, {deny}", allow_one("s3:GetObject", "arn:aws:s3:::b/*"));
    let mixed = of_statements(&format!("{}, {kept}", allow_one("iam:*", "*")));
    let role = with_inline(&[("mixed", &mixed.to_string()), ("sound", &of_statements(&kept).to_string())]);
    let expected = Step::PutInlinePolicy { name: "mixed".to_owned(), document: of_statements(&kept) };
    assert_eq!(guardrails("{}").revocation(&role, &[], &ByNumber::new(), &[]), [expected]);
}

#[rstest]
#[case::nothing_is_left(&of_statements(&allow_one("iam:*", "*")).to_string())]
#[case::it_does_not_parse("{")]
#[case::it_is_no_policy("{}")]
fn an_inline_policy_of_which_nothing_is_left_goes(#[case] json: &str) {
    assert_eq!(
        clauses(&guardrails("{}").revocation(&with_inline(&[("bad", json)]), &[], &ByNumber::new(), &[])),
        ["delete inline policy bad"]
    );
}

#[test]
fn the_version_of_what_is_kept_stays() {
    let json = r#"{"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::${x}"}, {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}]}"#;
    let steps = guardrails("{}").revocation(&with_inline(&[("old", json)]), &[], &ByNumber::new(), &[]);
    let [Step::PutInlinePolicy { document, .. }] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(document.version, "2008-10-17");
}

#[test]
fn refused_and_unread_policies_are_detached() {
    let arns = [BASIC, OWN, "arn:aws:iam::111122223333:policy/unread", "arn:aws:iam::111122223333:policy/unknown"];
    let role = ObservedRole { managed_policies: arns.iter().map(|&arn| arn.to_owned()).collect(), ..role() };
    let managed = [
        attached(BASIC, Ok(of_statements(&allow_one("logs:PutLogEvents", "*")))),
        attached(OWN, Ok(of_statements(&allow_one("iam:*", "*")))),
        attached(arns[2], Err("gone".to_owned())),
    ];
    assert_eq!(
        clauses(&guardrails("{}").revocation(&role, &managed, &ByNumber::new(), &[])),
        [
            "detach arn:aws:iam::111122223333:policy/own",
            "detach arn:aws:iam::111122223333:policy/unknown",
            "detach arn:aws:iam::111122223333:policy/unread"
        ]
    );
    let denied = guardrails("managedPolicies: {denied: ['*']}").revocation(&role, &managed, &ByNumber::new(), &[]);
    assert_eq!(denied.len(), 4);
}

#[rstest]
#[case::lambda(LAMBDA, None)]
#[case::one_of_several(
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"],"AWS":["999999999999"]},"Action":"sts:AssumeRole"}]}"#,
    Some(LAMBDA)
)]
#[case::a_statement(
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Allow","NotPrincipal":{"AWS":"999999999999"},"Action":"sts:AssumeRole"}]}"#,
    Some(LAMBDA)
)]
#[case::whom_the_class_allows(
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"sts:AssumeRole"}}"#,
    None
)]
#[case::all_of_it(
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}"#,
    Some(LAMBDA_OF_THE_ACCOUNT)
)]
#[case::what_does_not_parse("{", Some(LAMBDA_OF_THE_ACCOUNT))]
#[case::all_but_what_denies(
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":{"AWS":"999999999999"},"Action":"sts:AssumeRole"}]}"#,
    Some(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"999999999999"},"Action":"sts:AssumeRole"}]}"#)
)]
fn of_the_trust_policy_goes_whom_the_class_does_not_allow(#[case] stored: &str, #[case] expected: Option<&str>) {
    let role = ObservedRole { trust_policy: stored.to_owned(), ..role() };
    let steps = guardrails("trust: {principals: ['444455556666']}").revocation(&role, &[], &ByNumber::new(), &[]);
    assert_eq!(steps, expected.map(|json| Step::UpdateTrustPolicy(document(json))).into_iter().collect::<Vec<_>>());
}

#[rstest]
#[case::no_rule("{}", None, false)]
#[case::none("permissionsBoundary: {arn: 'arn:aws:iam::111122223333:policy/boundary'}", None, true)]
#[case::another("permissionsBoundary: {arn: 'arn:aws:iam::111122223333:policy/boundary'}", Some(OWN), true)]
#[case::that("permissionsBoundary: {arn: 'arn:aws:iam::111122223333:policy/boundary'}", Some(BOUNDARY), false)]
#[case::a_choice(
    "permissionsBoundary: {arn: 'arn:aws:iam::111122223333:policy/boundary', allowed: ['arn:aws:iam::*:policy/own']}",
    Some(OWN),
    false
)]
#[case::nothing_to_put("permissionsBoundary: {allowed: ['arn:aws:iam::*:policy/own']}", None, false)]
fn a_boundary_is_put_where_the_role_may_not_have_its_own(
    #[case] rules: &str,
    #[case] found: Option<&str>,
    #[case] is_put: bool,
) {
    let role = ObservedRole { permissions_boundary: found.map(str::to_owned), ..role() };
    let step = guardrails(rules).boundary_step(&role, None);
    assert_eq!(step, is_put.then(|| Step::PutPermissionsBoundary(BOUNDARY.to_owned())));
}

#[test]
fn the_trust_policy_comes_last() {
    let mut role = with_inline(&[("bad", "{")]);
    role.managed_policies.insert(OWN.to_owned());
    "{".clone_into(&mut role.trust_policy);
    assert_eq!(
        clauses(&guardrails("{}").revocation(&role, &[], &ByNumber::new(), &[])),
        ["delete inline policy bad", "detach arn:aws:iam::111122223333:policy/own", "replace the trust policy",]
    );
}

/// Whether something was made for Lambda, IAM does not say.
#[test]
fn what_code_calls_as_often_as_lambda_goes_where_a_scope_is_required() {
    let dual = of_statements(&format!(
        "{}, {}",
        allow_one("s3:PutObject", "arn:aws:s3:::b/*"),
        allow_one("logs:PutLogEvents", "*")
    ));
    let steps = guardrails("requireSourceFunctionScope: WhereCarried").revocation(
        &with_inline(&[("x", &dual.to_string())]),
        &[],
        &ByNumber::new(),
        &[],
    );
    let kept = of_statements(&allow_one("logs:PutLogEvents", "*"));
    assert_eq!(steps, [Step::PutInlinePolicy { name: "x".to_owned(), document: kept }]);
}

#[test]
fn a_role_that_may_not_use_the_class_loses_everything_but_its_trust_in_lambda() {
    let sound = of_statements(&allow_one("s3:GetObject", "arn:aws:s3:::b/*")).to_string();
    let denies = of_statements(r#"{"Effect": "Deny", "Action": "*", "Resource": "*"}"#).to_string();
    let mut role = with_inline(&[("a-denies", &denies), ("sound", &sound)]);
    role.managed_policies.insert(BASIC.to_owned());
    role.trust_policy =
        LAMBDA.replace(r#""lambda.amazonaws.com""#, r#"["edgelambda.amazonaws.com","lambda.amazonaws.com"]"#);
    let steps = revoke_all(&role, &ByNumber::new());
    assert_eq!(
        clauses(&steps),
        [
            "detach arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
            "delete inline policy sound",
            "delete inline policy a-denies",
            "replace the trust policy"
        ]
    );
    assert_eq!(steps.last(), Some(&Step::UpdateTrustPolicy(document(LAMBDA))));
    assert_eq!(revoke_all(&self::role(), &ByNumber::new()), []);
}

#[test]
fn the_managed_policies_of_its_own_lose_what_is_refused_whatever_may_be_attached() {
    let policy = |number: u32, document: String| ObservedPolicy {
        name: format!("orders+{number}"),
        arn: format!("arn:aws:iam::111122223333:policy/orders+{number}"),
        document,
        ..ObservedPolicy::default()
    };
    let (sound, bad) = (allow_one("s3:GetObject", "*"), allow_one("iam:*", "*"));
    let overflow = ByNumber::from([
        (2, policy(2, of_statements(&sound).to_string())),
        (3, policy(3, of_statements(&format!("{sound}, {bad}")).to_string())),
        (4, policy(4, of_statements(&bad).to_string())),
        (5, policy(5, "{".to_owned())),
    ]);
    let mut role = self::role();
    role.managed_policies = overflow.values().map(|policy| policy.arn.clone()).collect();
    let steps = guardrails("managedPolicies: {allowed: []}").revocation(&role, &[], &overflow, &[]);
    assert_eq!(
        clauses(&steps),
        [
            "write a version of arn:aws:iam::111122223333:policy/orders+3",
            "detach arn:aws:iam::111122223333:policy/orders+4",
            "detach arn:aws:iam::111122223333:policy/orders+5",
        ]
    );
    let Step::CreatePolicyVersion { document, .. } = &steps[0] else { panic!("{steps:?}") };
    assert_eq!(*document, of_statements(&sound));
    assert_eq!(clauses(&revoke_all(&role, &overflow)).len(), 4);
}
