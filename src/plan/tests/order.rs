//! The order of writes: narrow before widen.

use super::{clauses, desired, placed, stored};
use crate::plan::{
    ObservedRole, Quotas, Step,
    diff::{deletion, diff},
    overflow::ByNumber,
    step::NewRole,
};

const ALLOW: &str = r#"{effect: Allow, actions: ["s3:GetObject"], resources: ["*"]}"#;
const ALLOW_MORE: &str = r#"{effect: Allow, actions: ["s3:PutObject"], resources: ["*"]}"#;
const DENY: &str = r#"{effect: Deny, actions: ["s3:DeleteObject"], resources: ["*"]}"#;
const DENY_MORE: &str = r#"{effect: Deny, actions: ["s3:PutObject"], resources: ["*"]}"#;

fn order(yaml: &str, observed: &ObservedRole) -> Vec<String> {
    clauses(&diff(&desired(yaml), Some(observed), &placed(&[])))
}

fn from_to(old: &str, new: &str) -> Vec<String> {
    order(new, &stored(&desired(old)))
}

#[test]
fn a_role_is_created_with_all_that_one_call_can_set_then_filled_and_trusts_itself_last() {
    let role = desired(
        r#"
roleName: orders
path: /lambda/
description: Writes orders
maxSessionDurationSeconds: 7200
tags: {team: shop}
permissionsBoundary: {arn: "arn:aws:iam::111122223333:policy/boundary"}
trust: {self: true}
managedPolicies: [{aws: AWSLambdaRole}, {aws: AWSLambdaExecute}]
statements: [{effect: Allow, actions: ["s3:GetObject"], resources: ["*"]}]"#,
    );
    let document = role.inline_policies["lambdaroles"].clone();
    assert_ne!(role.trust_policy, role.trust_policy_before_role);
    assert_eq!(
        diff(&role, None, &placed(&[])),
        [
            Step::CreateRole(Box::new(NewRole {
                path: "/lambda/".to_owned(),
                trust_policy: role.trust_policy_before_role.clone(),
                description: "Writes orders".to_owned(),
                max_session_seconds: 7200,
                permissions_boundary: Some("arn:aws:iam::111122223333:policy/boundary".to_owned()),
                tags: role.tags.clone(),
            })),
            Step::PutInlinePolicy { name: "lambdaroles".to_owned(), document },
            Step::AttachManagedPolicy("arn:aws:iam::aws:policy/AWSLambdaExecute".to_owned()),
            Step::AttachManagedPolicy("arn:aws:iam::aws:policy/service-role/AWSLambdaRole".to_owned()),
            Step::UpdateTrustPolicy(role.trust_policy.clone()),
        ]
    );
}

#[test]
fn a_role_that_does_not_trust_itself_is_created_with_its_trust_policy() {
    assert_eq!(clauses(&diff(&desired("{}"), None, &placed(&[]))), ["create the role"]);
}

#[test]
fn boundary_and_denies_come_first_then_removals_then_additions() {
    let old = format!("{{managedPolicies: [{{aws: AWSLambdaRole}}], tags: {{a: b}}, statements: [{ALLOW}]}}");
    let new = format!(
        "{{permissionsBoundary: {{arn: 'arn:aws:iam::111122223333:policy/boundary'}}, managedPolicies: [{{aws: AWSLambdaExecute}}], tags: {{c: d}}, description: x, trust: {{edge: true}}, statements: [{ALLOW}, {ALLOW_MORE}, {DENY}]}}"
    );
    assert_eq!(
        from_to(&old, &new),
        [
            "set the permissions boundary arn:aws:iam::111122223333:policy/boundary",
            "put inline policy lambdaroles",
            "detach arn:aws:iam::aws:policy/service-role/AWSLambdaRole",
            "remove tags a",
            "set description and session duration",
            "set tags c",
            "attach arn:aws:iam::aws:policy/AWSLambdaExecute",
            "replace the trust policy",
        ]
    );
}

#[test]
fn the_boundary_goes_last() {
    let boundary = "permissionsBoundary: {arn: 'arn:aws:iam::111122223333:policy/boundary'}";
    assert_eq!(
        from_to(
            &format!("{{{boundary}, managedPolicies: [{{aws: AWSLambdaRole}}]}}"),
            &format!("{{managedPolicies: [{{aws: AWSLambdaExecute}}], trust: {{edge: true}}, statements: [{ALLOW}]}}"),
        ),
        [
            "detach arn:aws:iam::aws:policy/service-role/AWSLambdaRole",
            "put inline policy lambdaroles",
            "attach arn:aws:iam::aws:policy/AWSLambdaExecute",
            "replace the trust policy",
            "remove the permissions boundary",
        ]
    );
}

#[test]
fn an_inline_policy_that_only_loses_statements_is_a_removal() {
    assert_eq!(
        from_to(
            &format!("{{statements: [{ALLOW}, {ALLOW_MORE}]}}"),
            &format!("{{statements: [{ALLOW}], trust: {{edge: true}}}}")
        ),
        ["put inline policy lambdaroles", "replace the trust policy"]
    );
}

#[test]
fn a_deny_is_lifted_only_after_what_it_held_back_is_gone() {
    let old = format!("{{managedPolicies: [{{aws: AWSLambdaRole}}], statements: [{ALLOW}, {DENY}]}}");
    assert_eq!(
        from_to(&old, &format!("{{statements: [{ALLOW}]}}")),
        ["detach arn:aws:iam::aws:policy/service-role/AWSLambdaRole", "put inline policy lambdaroles"]
    );
    assert_eq!(
        from_to(&old, "{}"),
        ["detach arn:aws:iam::aws:policy/service-role/AWSLambdaRole", "delete inline policy lambdaroles"]
    );
}

#[test]
fn a_new_deny_that_comes_with_an_old_one_lifted_waits_for_what_the_old_one_held_back() {
    let old = format!("{{managedPolicies: [{{aws: AWSLambdaRole}}], statements: [{ALLOW}, {DENY}]}}");
    assert_eq!(
        from_to(&old, &format!("{{statements: [{ALLOW}, {DENY_MORE}]}}")),
        ["detach arn:aws:iam::aws:policy/service-role/AWSLambdaRole", "put inline policy lambdaroles"]
    );
}

#[test]
fn what_gives_and_takes_in_one_call_comes_before_a_deny_is_lifted() {
    let mut observed = stored(&desired(&format!("{{statements: [{ALLOW}]}}")));
    let deny = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;
    observed.inline_policies.insert("console".to_owned(), deny.to_owned());
    assert_eq!(
        order(&format!("{{statements: [{ALLOW_MORE}]}}"), &observed),
        ["put inline policy lambdaroles", "delete inline policy console"]
    );
}

#[test]
fn who_is_trusted_no_more_is_locked_out_before_the_role_may_do_more() {
    assert_eq!(
        from_to(
            &format!("{{trust: {{edge: true}}, statements: [{ALLOW}]}}"),
            &format!("{{statements: [{ALLOW}, {ALLOW_MORE}, {DENY}]}}")
        ),
        ["replace the trust policy", "put inline policy lambdaroles"]
    );
}

#[test]
fn what_denies_is_deleted_last() {
    let mut observed = stored(&desired("managedPolicies: [{aws: AWSLambdaRole}]"));
    let document = |effect| {
        format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"*","Resource":"*"}}}}"#)
    };
    observed.inline_policies = [("a".to_owned(), document("Deny")), ("b".to_owned(), document("Allow"))].into();
    assert_eq!(
        clauses(&deletion(&observed, &ByNumber::new())),
        [
            "detach arn:aws:iam::aws:policy/service-role/AWSLambdaRole",
            "delete inline policy b",
            "delete inline policy a",
            "delete the role"
        ]
    );
}

/// The quota is one for all inline policies: a document that fits only in place of another comes after it.
#[test]
fn a_deny_that_has_no_room_yet_waits_for_the_deletion_that_makes_it() {
    let foreign = |characters: usize| {
        let statement = |sid: &str| format!(r#"{{"Sid":"{sid}","Effect":"Allow","Action":"s3:*","Resource":"*"}}"#);
        let sid = "x".repeat(characters - statement("").len());
        format!(r#"{{"Version":"2012-10-17","Statement":{}}}"#, statement(&sid))
    };
    let new = format!("{{statements: [{DENY}]}}");
    let mut observed = stored(&desired("{}"));
    observed.inline_policies.insert("console".to_owned(), foreign(1000));
    assert_eq!(order(&new, &observed), ["put inline policy lambdaroles", "delete inline policy console"]);
    observed.inline_policies.insert("console".to_owned(), foreign(Quotas::HIGHEST.inline_policies - 100));
    assert_eq!(order(&new, &observed), ["delete inline policy console", "put inline policy lambdaroles"]);
}

#[test]
fn a_swap_at_the_attachment_quota_frees_the_slot_first() {
    let policies = |prefix: &str| {
        let list: Vec<String> = (0..20).map(|n| format!("{{aws: {prefix}{n:02}}}")).collect();
        format!("managedPolicies: [{}]", list.join(", "))
    };
    let steps = from_to(&policies("Old"), &policies("New"));
    let (first, last) = steps.split_at(20);
    assert!(first.iter().all(|step| step.starts_with("detach arn:aws:iam::aws:policy/Old")), "{first:?}");
    assert!(last.iter().all(|step| step.starts_with("attach arn:aws:iam::aws:policy/New")), "{last:?}");
}
