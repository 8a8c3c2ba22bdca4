//! Whom a role and its class let add what.

use rstest::rstest;
use serde_json::{Value, json};

use super::{applicant, class, judged, judged_by, message, namespace, reason, role, statement};
use crate::{
    api::Reason,
    plan::{
        class::Namespace,
        grant::{Applicant, Keeping},
    },
};

fn with(fields: &Value) -> Value {
    let mut statement = statement();
    json_patch::merge(&mut statement, fields);
    json!({"statements": [statement]})
}

#[test]
fn what_a_grant_adds_is_for_its_own_functions_and_its_placeholders_are_its_own() {
    let grant = judged(&applicant("shop", "orders", &json!({})));
    let document = grant.content.unwrap().to_string();
    assert_eq!(
        document,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::shop-data/orders/*","Condition":{"ArnEquals":{"lambda:SourceFunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:shop-orders"}}}]}"#
    );
}

#[rstest]
#[case::of_another_namespace("shop", json!({}), Some(Reason::GuardrailViolation))]
#[case::of_the_roles_own("platform", json!({}), None)]
#[case::where_the_class_says_whose_functions_are_whose("shop", json!({"guardrails": {"sourceFunctions": ["$(namespace)-*"]}}), None)]
fn who_denies_something_to_functions_denies_it_to_his_own(
    #[case] namespace: &str,
    #[case] of_class: Value,
    #[case] expected: Option<Reason>,
) {
    let denial = with(
        &json!({"effect": "Deny", "actions": ["*"], "resources": ["*"], "sourceFunctionArns": ["$(namespace)-*"]}),
    );
    let mut class = class(&json!({"guardrails": null}));
    if let Some(guardrails) = of_class.get("guardrails") {
        class.spec.guardrails = serde_json::from_value(guardrails.clone()).unwrap();
    }
    let grant = judged_by(&applicant(namespace, "orders", &denial), &role(&json!({})), &class);
    assert_eq!(reason(&grant), expected, "{}", message(&grant));
    if expected.is_some() {
        assert!(message(&grant).contains("spec.statements[0].effect"), "{}", message(&grant));
    }
}

#[test]
fn the_role_s_name_is_that_of_the_role() {
    let fields = with(&json!({"resources": ["arn:aws:s3:::$(roleName)/*"]}));
    let document = judged(&applicant("shop", "orders", &fields)).content.unwrap().to_string();
    assert!(document.contains("arn:aws:s3:::platform-gateway/*"), "{document}");
}

#[rstest]
#[case::nobody(json!({"from": "None", "selector": null}), Some(Reason::GrantNotAdmitted))]
#[case::its_own_namespace(json!({"from": "SameNamespace", "selector": null}), Some(Reason::GrantNotAdmitted))]
#[case::other_labels(json!({"selector": {"matchLabels": {"grants": "no"}}}), Some(Reason::GrantNotAdmitted))]
#[case::the_labels(json!({}), None)]
#[case::every_namespace(json!({"selector": {"matchLabels": null}}), None)]
fn a_role_admits_whom_it_says(#[case] grants: Value, #[case] expected: Option<Reason>) {
    let role = role(&json!({"spec": {"grants": grants}}));
    let grant = judged_by(&applicant("shop", "orders", &json!({})), &role, &class(&json!({})));
    assert_eq!(reason(&grant), expected, "{}", message(&grant));
    if expected.is_some() {
        assert!(
            message(&grant).contains("platform/gateway") && message(&grant).contains("shop"),
            "{}",
            message(&grant)
        );
        assert!(matches!(grant.keeps, Keeping::Nothing));
        assert!(!grant.is_of_role());
    }
}

#[test]
fn a_role_that_admits_its_own_namespace_admits_it() {
    let role = role(&json!({"spec": {"grants": {"from": "SameNamespace", "selector": null}}}));
    let grant = judged_by(&applicant("platform", "orders", &json!({})), &role, &class(&json!({})));
    assert_eq!(reason(&grant), None);
}

#[test]
fn labels_that_nobody_can_read_admit_nobody_and_take_nothing_away() {
    let unknown = Applicant {
        namespace: Namespace { labels: None, ..namespace("shop") },
        ..applicant("shop", "orders", &json!({}))
    };
    let grant = judged(&unknown);
    assert_eq!(reason(&grant), Some(Reason::NamespaceUnknown));
    assert!(matches!(grant.keeps, Keeping::Everything));
    let by_class = class(&json!({"namespaces": {"names": null, "selector": {"matchLabels": {"a": "b"}}}}));
    let role = role(&json!({"spec": {"grants": {"from": "SameNamespace", "selector": null}}}));
    let unknown = Applicant {
        namespace: Namespace { labels: None, ..namespace("platform") },
        ..applicant("platform", "orders", &json!({}))
    };
    assert_eq!(reason(&judged_by(&unknown, &role, &by_class)), Some(Reason::NamespaceUnknown));
}

#[rstest]
#[case::kept("Keep", false)]
#[case::revoked("Revoke", true)]
fn a_grant_is_of_a_namespace_that_may_use_the_role_s_class(#[case] on_violation: &str, #[case] is_lost: bool) {
    let class = class(&json!({"namespaces": {"names": ["platform"]}, "guardrails": {"onViolation": on_violation}}));
    let grant = judged_by(&applicant("shop", "orders", &json!({})), &role(&json!({})), &class);
    assert_eq!(reason(&grant), Some(Reason::ClassNotAllowed));
    assert_eq!(matches!(grant.keeps, Keeping::Nothing), is_lost);
}

#[rstest]
#[case::no_functions(json!({"sourceFunctionArns": []}), "spec.sourceFunctionArns: what a grant adds")]
#[case::every_function(json!({"sourceFunctionArns": ["*"]}), "spec.sourceFunctionArns[0]: *: a grant names its functions")]
#[case::every_function_of_an_account(
    json!({"sourceFunctionArns": ["arn:aws:lambda:eu-west-1:111122223333:function:?*"]}),
    "a grant names its functions"
)]
#[case::every_function_for_a_statement(with(&json!({"sourceFunctionArns": ["*"]})), "spec.statements[0].sourceFunctionArns[0]")]
#[case::a_lifted_scope(with(&json!({"sourceFunctionArns": []})), "spec.statements[0].sourceFunctionArns: what a grant adds")]
#[case::a_negated_scope(
    with(&json!({"sourceFunctionArns": ["$(namespace)-x"], "sourceFunctionArnOperator": "ArnNotEquals"})),
    "spec.statements[0].sourceFunctionArnOperator: what a grant adds"
)]
#[case::a_scope_if_there_is_one(
    with(&json!({"sourceFunctionArns": ["$(namespace)-x"], "sourceFunctionArnOperator": "ArnLikeIfExists"})),
    "spec.statements[0].sourceFunctionArnOperator: what a grant adds"
)]
#[case::no_statements(json!({"statements": []}), "spec.statements: give at least one statement")]
#[case::a_version(json!({"sourceFunctionArns": ["$(namespace)-orders:prod"]}), "spec.sourceFunctionArns[0]")]
#[case::no_such_placeholder(with(&json!({"resources": ["arn:aws:s3:::$(team)/*"]})), "spec.statements[0].resources[0]")]
#[case::no_action(with(&json!({"actions": ["GetObject"]})), "spec.statements[0].actions[0]")]
#[case::no_role(json!({"roleRef": {"name": "-"}}), "spec.roleRef.name")]
#[case::no_namespace(json!({"roleRef": {"namespace": "a.b"}}), "spec.roleRef.namespace")]
fn a_spec_that_cannot_be_is_told_field_by_field(#[case] fields: Value, #[case] expected: &str) {
    let grant = judged(&applicant("shop", "orders", &fields));
    assert_eq!(reason(&grant), Some(Reason::InvalidSpec));
    assert!(message(&grant).contains(expected), "{}", message(&grant));
}

#[test]
fn a_comparison_by_hand_does_not_take_the_place_of_the_scope() {
    let fields = with(&json!({"conditions": {"ArnLikeIfExists": {"lambda:SourceFunctionArn": "*"}}}));
    match judged(&applicant("shop", "orders", &fields)).content {
        Ok(document) => {
            let document = document.to_string();
            assert!(document.contains(r#""ArnEquals":{"lambda:SourceFunctionArn""#), "{document}");
        }
        Err(hold) => assert_eq!(hold.reason, Reason::InvalidSpec, "{}", hold.message),
    }
    for key in ["lambda:SourceFunctionArn", "Lambda:sourcefunctionarn"] {
        let fields = with(&json!({"conditions": {"ArnEquals": {key: "*"}}}));
        let grant = judged(&applicant("shop", "orders", &fields));
        assert_eq!(reason(&grant), Some(Reason::InvalidSpec), "{key}");
    }
}

#[rstest]
#[case::another_team_s_function(json!({"sourceFunctionArns": ["billing-x"]}), "spec.sourceFunctionArns[0]")]
#[case::a_wildcard_that_begins_too_early(json!({"sourceFunctionArns": ["$(namespace)*"]}), "spec.sourceFunctionArns[0]")]
#[case::what_is_denied_to_another_team_s_function(
    with(&json!({"effect": "Deny", "sourceFunctionArns": ["billing-x"]})),
    "spec.statements[0].sourceFunctionArns[0]"
)]
#[case::what_is_denied(with(&json!({"actions": ["s3:DeleteBucket"]})), "spec.statements[0].actions[0]")]
#[case::what_leads_to_other_identities(
    with(&json!({"actions": ["iam:PassRole"], "resources": ["arn:aws:iam::111122223333:role/x"]})),
    "spec.statements[0].actions[0]"
)]
fn the_class_judges_a_grant_as_one_of_the_grant_s_own_namespace(#[case] fields: Value, #[case] path: &str) {
    let class = class(&json!({"guardrails": {"permissions": {"denied": [{"actions": ["s3:DeleteBucket"]}]}}}));
    let grant = judged_by(&applicant("shop", "orders", &fields), &role(&json!({})), &class);
    assert_eq!(reason(&grant), Some(Reason::GuardrailViolation), "{}", message(&grant));
    assert!(
        message(&grant).starts_with(&format!("LambdaRoleClass production refuses the grant: {path}: ")),
        "{}",
        message(&grant)
    );
}

#[test]
fn what_is_denied_to_one_s_own_functions_is_one_s_own_matter() {
    let fields = with(&json!({"effect": "Deny"}));
    assert_eq!(reason(&judged(&applicant("shop", "orders", &fields))), None);
}

#[test]
fn findings_are_told_as_for_a_role() {
    let fields = with(&json!({"actions": ["s3:GetObjekt"]}));
    let grant = judged(&applicant("shop", "orders", &fields));
    assert!(
        grant.warnings.iter().any(|finding| finding.path == "spec.statements[0].actions[0]"),
        "{:?}",
        grant.warnings
    );
}

#[test]
fn a_grant_that_no_role_could_hold_is_invalid() {
    let resources: Vec<String> = (0..190).map(|n| format!("arn:aws:s3:::shop-{n:060}")).collect();
    let grant = judged(&applicant("shop", "orders", &with(&json!({"resources": resources}))));
    assert_eq!(reason(&grant), Some(Reason::InvalidSpec));
    assert!(message(&grant).contains("more than the 10240"), "{}", message(&grant));
}

#[test]
fn one_that_is_deleted_has_nothing_and_one_that_cannot_be_read_keeps_what_it_has() {
    let gone = Applicant { is_deleting: true, ..applicant("shop", "orders", &json!({})) };
    assert!(matches!(judged(&gone).keeps, Keeping::Nothing));
    let unreadable = Applicant { spec: None, ..applicant("shop", "orders", &json!({})) };
    let unreadable = judged(&unreadable);
    assert!(matches!(unreadable.keeps, Keeping::Everything));
    assert!(!unreadable.is_of_role(), "nobody knows for which role it is");
}
