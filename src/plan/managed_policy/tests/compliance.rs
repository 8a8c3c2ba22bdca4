//! What a class says to a policy, and what is done to one that it refuses.

use rstest::rstest;
use serde_json::{Value, json};

use super::{READ, account, class, class_spec, clauses, desired, owner, spec, stored, versions};
use crate::{
    api::Reason,
    plan::{
        Hold, ObjectClass, ObservedPolicy, Owner, Step,
        managed_policy::{
            Boundaries, DesiredPolicy, Referrer,
            compliance::{nothing, offline, refusal, refusal_for_roles, revocation},
            desired_policy,
        },
    },
    policy::{
        Document,
        evaluate::{Context, Policies, Request, evaluate},
    },
};

fn desired_in(class: &ObjectClass, yaml: &str) -> DesiredPolicy {
    desired_policy(&spec(yaml), &owner(), &account(), class, None).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// What the class refuses of the policy.
fn refused(fields: &Value, yaml: &str) -> Option<String> {
    let spec = spec(yaml);
    let class_spec = class_spec(fields);
    let class = ObjectClass::of("production", &class_spec, &spec, &owner(), &account()).unwrap();
    let boundaries = Boundaries::of([("production", &class_spec)], &account());
    let desired = desired_in(&class, yaml);
    let hold = refusal(&class, &spec, &desired, &boundaries);
    assert_eq!(hold.is_some(), !offline(&class, &spec, &desired, &boundaries).is_empty(), "offline as in the cluster");
    hold.map(|hold| {
        assert_eq!(hold.reason, Reason::GuardrailViolation);
        hold.message
    })
}

#[rstest]
#[case::action(json!({"permissions": {"denied": [{"actions": ["s3:Get*"]}]}}), "", "spec.statements[0].actions[0]")]
#[case::resource(json!({"permissions": {"allowed": [{"actions": ["s3:*"], "resources": ["arn:aws:s3:::bank-*"]}]}}), "", "spec.guardrails.permissions.allowed")]
#[case::scope(json!({"requireSourceFunctionScope": "Always"}), "", "sourceFunctionArns")]
#[case::tag(json!({"tags": {"required": ["team"]}}), "", "spec.tags")]
#[case::reserved_tag(json!({"tags": {"reserved": ["abac:*"]}}), "tags: {'abac:x': y}\n", "spec.tags.abac:x")]
#[case::retention(json!({"deletionPolicies": ["Delete"]}), "deletionPolicy: Retain\n", "spec.deletionPolicy")]
fn statements_tags_and_choices_are_judged_like_a_roles(
    #[case] guardrails: Value,
    #[case] fields: &str,
    #[case] told: &str,
) {
    let fields = format!("{fields}{READ}");
    let message = refused(&json!({"guardrails": guardrails}), &fields).unwrap();
    assert!(message.starts_with("LambdaRoleClass production refuses the policy: "), "{message}");
    assert!(message.contains(told), "{message}");
    assert_eq!(refused(&json!({}), &fields), None);
}

#[test]
fn a_name_or_path_that_the_class_does_not_allow_is_refused() {
    let naming = json!({"naming": {"path": "/lambda/", "allowedPolicyNames": ["$(namespace)-*"]}});
    assert!(refused(&naming, &format!("policyName: bank-x\n{READ}")).unwrap().contains("spec.policyName"));
    assert!(refused(&naming, &format!("path: /\n{READ}")).unwrap().contains("spec.path"));
    assert_eq!(refused(&naming, &format!("policyName: shop-x\n{READ}")), None);
}

#[rstest]
#[case::by_name("arn:aws:iam::$(accountId):policy/shop-orders", true)]
#[case::in_another_case("arn:aws:iam::$(accountId):policy/Shop-Orders", true)]
#[case::on_another_path("arn:aws:iam::$(accountId):policy/core/shop-orders", true)]
#[case::of_another_namespace("arn:aws:iam::$(accountId):policy/$(namespace)-orders", true)]
#[case::of_another_object("arn:aws:iam::$(accountId):policy/shop-$(name)", true)]
#[case::another_name("arn:aws:iam::$(accountId):policy/core-orders", false)]
#[case::of_another_account("arn:aws:iam::999999999999:policy/shop-orders", false)]
fn nobody_writes_his_own_boundary(#[case] boundary: &str, #[case] is_refused: bool) {
    let as_arn = json!({"guardrails": {"permissionsBoundary": {"arn": boundary}}});
    assert_eq!(refused(&as_arn, READ).is_some(), is_refused);
    let as_choice = json!({"guardrails": {"permissionsBoundary": {"allowed": [boundary]}}});
    assert_eq!(refused(&as_choice, READ).is_some(), is_refused);
}

#[test]
fn nor_that_of_another_class_of_the_account() {
    let open = class(&json!({}), &owner());
    let desired = desired_in(&open, READ);
    let rule = json!({"guardrails": {"permissionsBoundary": {"arn": "arn:aws:iam::111122223333:policy/shop-*"}}});
    let other = class_spec(&rule);
    let boundaries = Boundaries::of([("other", &other)], &account());
    let hold = refusal(&open, &spec(READ), &desired, &boundaries).unwrap();
    assert!(hold.message.contains("of LambdaRoleClass other"), "{}", hold.message);
    let mut elsewhere = other.clone();
    elsewhere.account.id = "999999999999".to_owned();
    let boundaries = Boundaries::of([("other", &elsewhere)], &account());
    assert_eq!(refusal(&open, &spec(READ), &desired, &boundaries), None);
}

/// A role of that namespace under a class whose patterns name it.
fn referrer(namespace: &str) -> Referrer {
    let fields = json!({"guardrails": {"permissions": {"allowed": [{"resources": ["arn:aws:s3:::$(namespace)-*"]}]}}});
    let owner = Owner { namespace: namespace.to_owned(), ..owner() };
    Referrer { namespace: namespace.to_owned(), name: "api".to_owned(), class: Ok(class(&fields, &owner)) }
}

#[test]
fn a_new_version_is_allowed_for_every_role_that_refers_to_the_policy() {
    let desired = desired(READ);
    assert_eq!(refusal_for_roles(&desired, &[]), None);
    assert_eq!(refusal_for_roles(&desired, &[referrer("shop")]), None);
    let hold = refusal_for_roles(&desired, &[referrer("shop"), referrer("bank")]).unwrap();
    assert_eq!(hold.reason, Reason::GuardrailViolation);
    for part in ["LambdaExecutionRole bank/api", "LambdaRoleClass production", "arn:aws:s3:::shop-data/*"] {
        assert!(hold.message.contains(part), "{part}: {}", hold.message);
    }
}

const REVOKE: &str = "Revoke";

fn revoking(on_violation: &str, mode: &str) -> ObjectClass {
    let fields = json!({
        "mode": mode,
        "guardrails": {"onViolation": on_violation, "permissions": {"denied": [{"actions": ["kms:*"]}]}},
    });
    class(&fields, &owner())
}

fn holding(actions: &[&str], count: usize) -> ObservedPolicy {
    let statement = |action: &&str| {
        let effect = if action.starts_with("deny ") { "Deny" } else { "Allow" };
        json!({"Effect": effect, "Action": action.trim_start_matches("deny "), "Resource": "*"})
    };
    let document = json!({"Version": "2012-10-17", "Statement": actions.iter().map(statement).collect::<Vec<_>>()});
    ObservedPolicy { document: document.to_string(), versions: Some(versions(count)), ..stored(&desired(READ)) }
}

/// The document that is written, if one is.
fn left(class: &ObjectClass, observed: &ObservedPolicy, hold: Option<&Hold>) -> Option<String> {
    let steps = revocation(class, observed, hold);
    let [.., Step::CreatePolicyVersion { document, .. }] = &steps[..] else {
        assert_eq!(clauses(&steps), [] as [String; 0]);
        return None;
    };
    Some(document.to_string())
}

#[test]
fn what_the_class_refuses_is_taken_away_and_nothing_else() {
    let class = revoking(REVOKE, "Enforce");
    let document = left(&class, &holding(&["kms:Decrypt", "s3:GetObject", "deny s3:*"], 1), None).unwrap();
    assert!(!document.contains("kms"), "{document}");
    assert!(document.contains("s3:GetObject") && document.contains("Deny"), "{document}");
    assert_eq!(left(&class, &holding(&["s3:GetObject", "deny kms:*"], 1), None), None);
}

#[test]
fn where_nothing_is_left_or_legible_a_document_takes_its_place_that_allows_nothing() {
    let class = revoking(REVOKE, "Enforce");
    assert_eq!(left(&class, &holding(&["kms:Decrypt"], 1), None), Some(nothing().to_string()));
    let illegible = ObservedPolicy { document: "?".to_owned(), ..holding(&[], 1) };
    assert_eq!(left(&class, &illegible, None), Some(nothing().to_string()));
    let done = ObservedPolicy { document: nothing().to_string(), ..holding(&[], 1) };
    assert_eq!(left(&class, &done, None), None, "and it is written once");
}

#[test]
fn whoever_may_not_use_the_class_keeps_what_denies() {
    let class = revoking(REVOKE, "Enforce");
    let hold = Hold::new(Reason::ClassNotAllowed, "");
    assert_eq!(left(&class, &holding(&["s3:GetObject"], 1), Some(&hold)), Some(nothing().to_string()));
    let document = left(&class, &holding(&["s3:GetObject", "deny s3:*"], 1), Some(&hold)).unwrap();
    assert!(!document.contains("Allow") && document.contains("Deny"), "{document}");
    assert_eq!(left(&class, &holding(&["deny s3:*"], 1), Some(&hold)), None);
}

#[test]
fn a_full_list_of_versions_makes_room() {
    let class = revoking(REVOKE, "Enforce");
    assert_eq!(revocation(&class, &holding(&["kms:Decrypt"], 5), None).len(), 2);
}

#[test]
fn nothing_is_taken_away_where_the_class_keeps_or_observes() {
    for class in [revoking("Keep", "Enforce"), revoking(REVOKE, "Observe")] {
        assert_eq!(left(&class, &holding(&["kms:Decrypt"], 1), None), None);
    }
}

#[test]
fn the_document_that_allows_nothing_neither_allows_nor_denies() {
    let nothing = nothing();
    let allowing = Document::parse(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#,
    )
    .unwrap();
    let context = Context::default().with("aws:PrincipalAccount", "111122223333");
    let request = Request { action: "s3:GetObject", resource: "arn:aws:s3:::b/k", context: &context };
    let is_allowed =
        |identity: &[Document]| evaluate(&Policies { identity, ..Policies::default() }, &request).is_allowed();
    assert!(!is_allowed(std::slice::from_ref(&nothing)));
    assert!(is_allowed(&[nothing, allowing]));
}
