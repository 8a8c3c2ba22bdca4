//! What is done about a difference, and in which order. The clauses are those of events and plans.

use std::collections::BTreeMap;

use rstest::rstest;

use super::{clauses, desired, placed, set, stored};
use crate::plan::{
    DesiredRole, ObservedRole, Step,
    diff::{deletion, diff},
    overflow::ByNumber,
};

/// A role with everything a role can have.
const FULL: &str = r#"
roleName: orders
path: /lambda/
description: Writes orders
maxSessionDurationSeconds: 7200
tags: {team: shop, stage: test}
permissionsBoundary: {arn: "arn:aws:iam::111122223333:policy/boundary"}
trust: {edge: true, statements: [{effect: Allow, principals: {aws: ["444455556666"]}}]}
managedPolicies: [{aws: AWSLambdaBasicExecutionRole}, {arn: "arn:aws:iam::111122223333:policy/shared"}]
statements:
  - {sid: Read, effect: Allow, actions: ["s3:GetObject", "s3:ListBucket"], resources: ["*"], sourceFunctionArns: [orders]}
  - {sid: Guard, effect: Deny, actions: ["s3:DeleteObject"], resources: ["*"]}"#;

fn steps(desired: &DesiredRole, observed: &ObservedRole) -> Vec<Step> {
    diff(desired, Some(observed), &placed(&[]))
}

/// The steps after `FULL` was in place and `old` became `new` in it.
fn after_edit(old: &str, new: &str) -> Vec<Step> {
    assert!(FULL.contains(old), "{old}");
    steps(&desired(&FULL.replace(old, new)), &stored(&desired(FULL)))
}

#[rstest]
#[case::description("description: Writes orders", "description: Reads orders", "set description and session duration")]
#[case::description_removed("description: Writes orders\n", "", "set description and session duration")]
#[case::session("7200", "3601", "set description and session duration")]
#[case::session_removed("maxSessionDurationSeconds: 7200\n", "", "set description and session duration")]
#[case::tag_value("team: shop", "team: store", "set tags team")]
#[case::tag_added("team: shop", "team: shop, owner: x", "set tags owner")]
#[case::tag_removed("team: shop, ", "", "remove tags team")]
#[case::tag_renamed("team: shop", "group: shop", "remove tags team; set tags group")]
#[case::all_tags_removed("tags: {team: shop, stage: test}\n", "", "remove tags stage, team")]
#[case::boundary(
    "policy/boundary",
    "policy/other",
    "set the permissions boundary arn:aws:iam::111122223333:policy/other"
)]
#[case::boundary_removed(
    "permissionsBoundary: {arn: \"arn:aws:iam::111122223333:policy/boundary\"}\n",
    "",
    "remove the permissions boundary"
)]
#[case::trust_edge("edge: true", "edge: false", "replace the trust policy")]
#[case::trust_itself("edge: true", "edge: true, self: true", "replace the trust policy")]
#[case::trust_account("edge: true", "edge: true, sourceAccountCondition: false", "replace the trust policy")]
#[case::trust_statement("444455556666", "777788889999", "replace the trust policy")]
#[case::trust_removed(
    "trust: {edge: true, statements: [{effect: Allow, principals: {aws: [\"444455556666\"]}}]}\n",
    "",
    "replace the trust policy"
)]
#[case::managed_policy(
    "aws: AWSLambdaBasicExecutionRole",
    "aws: AWSLambdaExecute",
    "detach arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole; attach arn:aws:iam::aws:policy/AWSLambdaExecute"
)]
#[case::managed_policy_removed(
    "{aws: AWSLambdaBasicExecutionRole}, ",
    "",
    "detach arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
)]
#[case::action("s3:ListBucket", "s3:PutObject", "put inline policy lambdaroles")]
#[case::action_removed(", \"s3:ListBucket\"", "", "put inline policy lambdaroles")]
#[case::sid("sid: Read", "sid: Look", "put inline policy lambdaroles")]
#[case::scope("sourceFunctionArns: [orders]", "sourceFunctionArns: [billing]", "put inline policy lambdaroles")]
#[case::scope_lifted("sourceFunctionArns: [orders]", "sourceFunctionArns: []", "put inline policy lambdaroles")]
#[case::statement_removed(
    "  - {sid: Guard, effect: Deny, actions: [\"s3:DeleteObject\"], resources: [\"*\"]}",
    "",
    "put inline policy lambdaroles"
)]
#[case::drift_policy("roleName: orders", "roleName: orders\ndrift: Report\nsuspend: true\nresyncInterval: 1m", "")]
fn a_changed_field_is_changed_in_iam_and_nothing_else(#[case] old: &str, #[case] new: &str, #[case] expected: &str) {
    assert_eq!(clauses(&after_edit(old, new)).join("; "), expected);
}

#[test]
fn statements_that_are_all_gone_take_their_policy_with_them() {
    let (head, _) = FULL.split_once("statements:\n").unwrap();
    let steps = steps(&desired(head), &stored(&desired(FULL)));
    assert_eq!(clauses(&steps), ["delete inline policy lambdaroles"]);
}

#[test]
fn what_equals_the_spec_is_left_alone() {
    for yaml in ["{}", FULL, "trust: {self: true}"] {
        let role = desired(yaml);
        assert_eq!(steps(&role, &stored(&role)), [], "{yaml}");
    }
}

const SCOPED: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"*","Condition":{"ArnEquals":{"lambda:SourceFunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:orders"}}},{"Sid":"Guard","Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}]}"#;

#[rstest]
#[case::statements_in_another_order(
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"Guard","Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"},{"Sid":"Read","Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"*","Condition":{"ArnEquals":{"lambda:SourceFunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:orders"}}}]}"#
)]
#[case::lists_in_another_order(&SCOPED.replace(r#""s3:GetObject","s3:ListBucket""#, r#""s3:ListBucket","s3:GetObject""#))]
#[case::lists_for_scalars(&SCOPED.replace(r#""Resource":"*""#, r#""Resource":["*"]"#))]
#[case::another_case_of_actions(&SCOPED.replace("s3:GetObject", "S3:getobject"))]
#[case::another_case_of_condition_keys(&SCOPED.replace("lambda:SourceFunctionArn", "lambda:sourceFunctionArn"))]
#[case::white_space(&SCOPED.replace(',', " ,\n\t"))]
fn an_inline_policy_that_means_the_same_is_left_alone(#[case] found: &str) {
    let role = desired(FULL);
    let mut observed = stored(&role);
    observed.inline_policies.insert("lambdaroles".to_owned(), found.to_owned());
    assert_eq!(steps(&role, &observed), []);
}

#[test]
fn a_trust_policy_that_iam_wrote_in_its_own_way_is_left_alone() {
    let role = desired(FULL);
    let mut observed = stored(&role);
    observed.trust_policy = r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::444455556666:root"]},"Action":["sts:AssumeRole"]},
        {"Effect":"Allow","Principal":{"Service":["edgelambda.amazonaws.com"]},"Action":"sts:AssumeRole"},
        {"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:sourceaccount":[111122223333]}}}]}"#.to_owned();
    assert_eq!(steps(&role, &observed), []);
}

#[rstest]
#[case::trust(|role: &mut ObservedRole| role.trust_policy = r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(), "replace the trust policy")]
#[case::trust_that_is_no_document(|role: &mut ObservedRole| role.trust_policy = "{".to_owned(), "replace the trust policy")]
#[case::inline_policy_edited(|role: &mut ObservedRole| { role.inline_policies.insert("lambdaroles".to_owned(), r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#.to_owned()); }, "put inline policy lambdaroles")]
#[case::inline_policy_that_is_no_document(|role: &mut ObservedRole| { role.inline_policies.insert("lambdaroles".to_owned(), "{}".to_owned()); }, "put inline policy lambdaroles")]
#[case::inline_policy_deleted(|role: &mut ObservedRole| role.inline_policies.clear(), "put inline policy lambdaroles")]
#[case::inline_policy_added(|role: &mut ObservedRole| { role.inline_policies.insert("console".to_owned(), "{}".to_owned()); }, "delete inline policy console")]
#[case::attachment_added(|role: &mut ObservedRole| { role.managed_policies.insert("arn:aws:iam::aws:policy/AdministratorAccess".to_owned()); }, "detach arn:aws:iam::aws:policy/AdministratorAccess")]
#[case::attachment_removed(|role: &mut ObservedRole| { role.managed_policies.remove("arn:aws:iam::111122223333:policy/shared"); }, "attach arn:aws:iam::111122223333:policy/shared")]
#[case::boundary_replaced(|role: &mut ObservedRole| role.permissions_boundary = Some("arn:aws:iam::aws:policy/AdministratorAccess".to_owned()), "set the permissions boundary arn:aws:iam::111122223333:policy/boundary")]
#[case::boundary_removed(|role: &mut ObservedRole| role.permissions_boundary = None, "set the permissions boundary arn:aws:iam::111122223333:policy/boundary")]
#[case::tag_changed(|role: &mut ObservedRole| { role.tags.insert("team".to_owned(), "eve".to_owned()); }, "set tags team")]
#[case::tag_added(|role: &mut ObservedRole| { role.tags.insert("x".to_owned(), String::new()); }, "remove tags x")]
#[case::tag_removed(|role: &mut ObservedRole| { role.tags.remove("team"); }, "set tags team")]
#[case::description(|role: &mut ObservedRole| role.description.clear(), "set description and session duration")]
#[case::session(|role: &mut ObservedRole| role.max_session_seconds = 43_200, "set description and session duration")]
fn a_change_by_somebody_else_is_undone_and_nothing_else(#[case] edit: fn(&mut ObservedRole), #[case] expected: &str) {
    let role = desired(FULL);
    let mut observed = stored(&role);
    edit(&mut observed);
    assert_eq!(clauses(&steps(&role, &observed)), [expected]);
}

/// IAM puts the unique id of a deleted principal in the place of its ARN.
#[rstest]
#[case("AROAEXAMPLEEXAMPLEEX")]
#[case("AIDAEXAMPLEEXAMPLEEX")]
fn a_dangling_principal_is_repaired(#[case] id: &str) {
    let role = desired(
        r#"trust: {statements: [{effect: Allow, principals: {aws: ["arn:aws:iam::111122223333:role/deployer"]}}]}"#,
    );
    let mut observed = stored(&role);
    observed.trust_policy = observed.trust_policy.replace("arn:aws:iam::111122223333:role/deployer", id);
    assert_eq!(steps(&role, &observed), [Step::UpdateTrustPolicy(role.trust_policy.clone())]);
}

#[test]
fn a_step_carries_what_the_spec_says() {
    let steps = after_edit("team: shop", "team: store");
    assert_eq!(steps, [Step::TagRole(BTreeMap::from([("team".to_owned(), "store".to_owned())]))]);
    let steps = after_edit("Writes orders", "Reads orders");
    assert_eq!(steps, [Step::UpdateRole { description: "Reads orders".to_owned(), max_session_seconds: 7200 }]);
    let changed = desired(&FULL.replace("s3:ListBucket", "s3:PutObject"));
    let document = changed.inline_policies["lambdaroles"].clone();
    let steps = diff(&changed, Some(&stored(&desired(FULL))), &placed(&[]));
    assert_eq!(steps, [Step::PutInlinePolicy { name: "lambdaroles".to_owned(), document }]);
}

#[rstest]
#[case::of_aws("aws:cloudformation:stack-name", "x", &[])]
#[case::in_another_case("Team", "shop", &[])]
#[case::in_another_case_with_another_value("Team", "eve", &["set tags team"])]
fn a_tag_is_known_by_its_key_in_any_case_and_those_of_aws_stay(
    #[case] key: &str,
    #[case] value: &str,
    #[case] expected: &[&str],
) {
    let role = desired("tags: {team: shop}");
    let mut observed = stored(&role);
    if key.eq_ignore_ascii_case("team") {
        observed.tags.remove("team");
    }
    observed.tags.insert(key.to_owned(), value.to_owned());
    assert_eq!(clauses(&steps(&role, &observed)), expected);
}

const OTHERS: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const OURS_BEFORE: &str = "arn:aws:iam::aws:policy/AWSLambdaExecute";

#[rstest]
#[case::by_default("{}", &[
    "delete inline policy console",
    "delete inline policy lambdaroles",
    "detach arn:aws:iam::aws:policy/AWSLambdaExecute",
    "detach arn:aws:iam::aws:policy/ReadOnlyAccess",
])]
#[case::managed_policies_kept("unlisted: {managedPolicies: Keep}", &[
    "delete inline policy console",
    "delete inline policy lambdaroles",
    "detach arn:aws:iam::aws:policy/AWSLambdaExecute",
])]
#[case::inline_policies_kept("unlisted: {inlinePolicies: Keep}", &[
    "delete inline policy lambdaroles",
    "detach arn:aws:iam::aws:policy/AWSLambdaExecute",
    "detach arn:aws:iam::aws:policy/ReadOnlyAccess",
])]
#[case::both_kept("unlisted: {managedPolicies: Keep, inlinePolicies: Keep}", &[
    "delete inline policy lambdaroles",
    "detach arn:aws:iam::aws:policy/AWSLambdaExecute",
])]
fn unlisted_policies_go_or_stay_and_what_was_ours_goes(#[case] yaml: &str, #[case] expected: &[&str]) {
    let role = desired(yaml);
    let mut observed = stored(&role);
    observed.managed_policies = set(&[OTHERS, OURS_BEFORE]);
    let allow = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    observed.inline_policies = ["console", "lambdaroles"].map(|name| (name.to_owned(), allow.to_owned())).into();
    assert_eq!(clauses(&diff(&role, Some(&observed), &placed(&[OURS_BEFORE]))), expected);
}

#[test]
fn a_role_is_emptied_before_it_is_deleted() {
    let mut observed = stored(&desired(FULL));
    observed.inline_policies.insert("console".to_owned(), "{}".to_owned());
    assert_eq!(
        clauses(&deletion(&observed, &ByNumber::new())),
        [
            "detach arn:aws:iam::111122223333:policy/shared",
            "detach arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
            "delete inline policy console",
            "delete inline policy lambdaroles",
            "delete the role",
        ]
    );
}
