//! What a class says to a role, and what is done to one that it refuses.

#![expect(clippy::needless_pass_by_value, reason = "JSON literals are handed over as they stand")]

use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;
use serde_json::{Value, json};

use super::{account, clauses, owner, spec, stored};
use crate::{
    api::{LambdaRoleClassSpec, Reason, role::DeletionPolicy},
    plan::{
        DesiredRole, Hold, ObjectClass, ObservedRole, Placed, References,
        compliance::{self, Documents, Wanted, boundary, documents_needed, enforces, refusal, revocation, role_arn},
        desired::desired_role,
        diff::diff,
        guard::{Standing, Terms, judge, standing},
        overflow::ByNumber,
    },
    policy::Document,
};

const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/boundary";
const READER: &str = "arn:aws:iam::111122223333:policy/reader";
const NO_NAMES: &BTreeSet<String> = &BTreeSet::new();
/// No managed policies of the role's own.
const NONE: &ByNumber = &ByNumber::new();

/// A class for the tests' object with these fields.
fn class(fields: Value) -> ObjectClass {
    class_for(fields, "{}")
}

fn class_for(fields: Value, yaml: &str) -> ObjectClass {
    let mut class = json!({"account": {"id": "111122223333"}, "namespaces": {}});
    class.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let class: LambdaRoleClassSpec = serde_json::from_value(class).unwrap();
    ObjectClass::of("production", &class, &spec(yaml), &owner(), &account())
        .unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn denying(actions: &str) -> Value {
    json!({"guardrails": {"permissions": {"denied": [{"actions": [actions]}]}}})
}

fn desired(class: &ObjectClass, yaml: &str) -> DesiredRole {
    desired_role(&spec(yaml), &owner(), &account(), class, &References::default(), None)
        .unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn documents(actions: &str) -> Documents {
    let json =
        format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{actions}","Resource":"*"}}}}"#);
    Documents::from([(READER.to_owned(), Document::parse(&json).unwrap())])
}

fn refused(class: &ObjectClass, yaml: &str, observed: Option<&ObservedRole>, documents: &Documents) -> Option<String> {
    let desired = desired(class, yaml);
    let hold = refusal(class, &desired, &role_arn(&desired, &account()), observed, &Placed::default(), documents)?;
    assert_eq!(hold.reason, Reason::GuardrailViolation);
    Some(hold.message)
}

const KMS: &str = "statements: [{effect: Allow, actions: ['kms:Decrypt'], resources: ['*']}]";

#[test]
fn a_refusal_names_the_class_the_field_the_rule_and_the_fix() {
    let message = refused(&class(denying("kms:*")), KMS, None, &Documents::new()).unwrap();
    for part in [
        "LambdaRoleClass production",
        "spec.statements[0].actions[0]",
        "spec.guardrails.permissions.denied[0]",
        "Ask for",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(refused(&class(denying("s3:*")), KMS, None, &Documents::new()), None);
}

#[test]
fn a_long_list_of_violations_says_how_many_are_left_out() {
    let statements: Vec<Value> = (0..40)
        .map(
            |n| json!({"effect": "Allow", "actions": ["kms:Decrypt"], "resources": [format!("arn:aws:kms:::key/{n}")]}),
        )
        .collect();
    let yaml = json!({"statements": statements}).to_string();
    let message = refused(&class(denying("kms:*")), &yaml, None, &Documents::new()).unwrap();
    assert!(message.len() < 1000, "{}", message.len());
    assert!(
        message.contains("spec.statements[0]") && message.contains(" more, which `lambdaroles lint` shows"),
        "{message}"
    );
}

#[test]
fn what_an_attached_policy_allows_is_judged() {
    let yaml = format!("managedPolicies: [{{arn: '{READER}'}}]");
    let class = class(denying("kms:*"));
    assert_eq!(refused(&class, &yaml, None, &documents("s3:GetObject")), None);
    let message = refused(&class, &yaml, None, &documents("kms:*")).unwrap();
    assert!(message.contains("spec.managedPolicies[0]") && message.contains(READER), "{message}");
    // One that was not read is no excuse.
    assert!(refused(&class, &yaml, None, &Documents::new()).is_some());
}

#[rstest]
#[case::kept("unlisted: {managedPolicies: Keep, inlinePolicies: Keep}", true)]
#[case::taken_away("{}", false)]
fn what_others_put_on_the_role_is_judged_where_it_stays(#[case] yaml: &str, #[case] expected: bool) {
    let class = class(denying("kms:*"));
    let mut by_policy = stored(&desired(&class, yaml));
    by_policy.managed_policies.insert(READER.to_owned());
    assert_eq!(refused(&class, yaml, Some(&by_policy), &documents("kms:*")).is_some(), expected);
    for json in [r#"{"Statement":{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}}"#, "{"] {
        let mut by_document = stored(&desired(&class, yaml));
        by_document.inline_policies.insert("theirs".to_owned(), json.to_owned());
        assert_eq!(refused(&class, yaml, Some(&by_document), &Documents::new()).is_some(), expected, "{json}");
    }
}

#[test]
fn documents_are_asked_for_but_those_of_the_catalog() {
    let class = class(json!({}));
    let yaml = format!(
        "managedPolicies: [{{arn: '{READER}'}}, {{aws: AWSLambdaBasicExecutionRole}}, {{aws: ReadOnlyAccess}}]"
    );
    let desired = desired(&class, &yaml);
    let mut observed = stored(&desired);
    observed.managed_policies.insert("arn:aws:iam::111122223333:policy/AWSLambdaBasicExecutionRole".to_owned());
    let needed: Vec<String> = documents_needed(Some(&desired), Some(&observed), NONE).into_iter().collect();
    assert_eq!(
        needed,
        [
            "arn:aws:iam::111122223333:policy/AWSLambdaBasicExecutionRole",
            READER,
            "arn:aws:iam::aws:policy/ReadOnlyAccess"
        ]
    );
}

/// The catalog is as old as this program; AWS changes its policies when it likes.
#[test]
fn what_the_account_has_of_a_policy_of_aws_goes_before_the_catalog() {
    const LOGGING: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    let yaml = "managedPolicies: [{aws: AWSLambdaBasicExecutionRole}]";
    let now = |actions: &str| Documents::from([(LOGGING.to_owned(), documents(actions).remove(READER).unwrap())]);
    let class = class(denying("kms:*"));
    assert_eq!(refused(&class, yaml, None, &Documents::new()), None);
    let message = refused(&class, yaml, None, &now("kms:Decrypt")).unwrap();
    assert!(message.contains("spec.managedPolicies[0]") && message.contains(LOGGING), "{message}");

    let strict = self::class(denying("logs:*"));
    assert!(refused(&strict, yaml, None, &Documents::new()).is_some());
    assert_eq!(refused(&strict, yaml, None, &now("s3:GetObject")), None);

    // So it does where rights are taken away.
    let class = self::class(bounded("Revoke"));
    let role = ObservedRole { inline_policies: BTreeMap::new(), ..unbounded() };
    let taken = |documents: &Documents| clauses(&revocation(&class, &role, None, NONE, documents, &Wanted::default()));
    assert_eq!(taken(&Documents::new()), [] as [&str; 0]);
    assert_eq!(taken(&now("kms:Decrypt")), [format!("detach {LOGGING}")]);
}

#[test]
fn without_a_class_nothing_is_refused() {
    let class = ObjectClass::unknown(&owner());
    let yaml = "statements: [{effect: Allow, actions: ['*'], resources: ['*']}]";
    assert_eq!(refused(&class, yaml, None, &Documents::new()), None);
    assert!(!enforces(&class));
}

fn bounded(on_violation: &str) -> Value {
    json!({"guardrails": {
        "permissionsBoundary": {"arn": BOUNDARY},
        "permissions": {"denied": [{"actions": ["kms:*"]}]},
        "onViolation": on_violation,
    }})
}

/// A role as a tenant left it: no boundary, and a right that the class refuses.
fn unbounded() -> ObservedRole {
    let class = class(json!({}));
    let yaml = "{managedPolicies: [{aws: AWSLambdaBasicExecutionRole}], statements: [{effect: Allow, actions: ['kms:Decrypt'], resources: ['*']}]}";
    stored(&desired(&class, yaml))
}

fn enforced(class: &ObjectClass, hold: Option<Reason>) -> Vec<String> {
    let hold = hold.map(|reason| Hold { reason, message: String::new(), plan: Vec::new() });
    let (role, wanted) = (unbounded(), Wanted::default());
    let mut done = clauses(&boundary(class, &role, &wanted));
    done.extend(clauses(&revocation(class, &role, hold.as_ref(), NONE, &Documents::new(), &wanted)));
    done
}

const PUT_BOUNDARY: &str = "set the permissions boundary arn:aws:iam::111122223333:policy/boundary";

#[rstest]
#[case::invalid(None)]
#[case::suspended(Some(Reason::Suspended))]
#[case::refused(Some(Reason::GuardrailViolation))]
#[case::of_another_namespace(Some(Reason::ClassNotAllowed))]
fn under_keep_the_boundary_alone_is_put_back(#[case] reason: Option<Reason>) {
    assert_eq!(enforced(&class(bounded("Keep")), reason), [PUT_BOUNDARY]);
}

#[rstest]
#[case::invalid(None)]
#[case::suspended(Some(Reason::Suspended))]
#[case::refused(Some(Reason::GuardrailViolation))]
fn under_revoke_what_is_refused_goes(#[case] reason: Option<Reason>) {
    assert_eq!(enforced(&class(bounded("Revoke")), reason), [PUT_BOUNDARY, "delete inline policy lambdaroles"]);
}

#[rstest]
fn under_revoke_who_may_not_use_the_class_loses_every_right(
    #[values(Reason::ClassNotAllowed, Reason::RoleLimitReached)] reason: Reason,
) {
    let mut done = enforced(&class(bounded("Revoke")), Some(reason));
    done.sort();
    assert_eq!(
        done,
        [
            "delete inline policy lambdaroles",
            "detach arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
            PUT_BOUNDARY
        ]
    );
}

/// What Lambda itself needs may look like what the class refuses to code.
#[test]
fn a_suspended_role_that_complies_loses_nothing() {
    let class = class(json!({"guardrails": {"requireSourceFunctionScope": "WhereCarried", "onViolation": "Revoke"}}));
    let yaml = "destinations: [{sqs: {queueArn: 'arn:aws:sqs:eu-west-1:111122223333:orders'}}]";
    let desired = desired(&class, yaml);
    assert_eq!(refused(&class, yaml, None, &Documents::new()), None);
    let hold = Hold::suspended();
    let wanted = Wanted::by(&spec(yaml), &owner(), &account(), &References::default(), &desired.name);
    assert_eq!(revocation(&class, &stored(&desired), Some(&hold), NONE, &Documents::new(), &wanted), []);
}

#[test]
fn a_class_that_observes_has_nothing_done() {
    let mut fields = bounded("Revoke");
    fields["mode"] = json!("Observe");
    assert_eq!(enforced(&class(fields.clone()), Some(Reason::ClassNotAllowed)), [] as [&str; 0]);
    assert!(!enforces(&class(fields)));
    assert!(enforces(&class(bounded("Keep"))));
    assert!(!enforces(&class(denying("kms:*"))), "there is nothing that it would do");
}

/// A role that was there before, as nobody's.
fn legacy(class: &ObjectClass, yaml: &str) -> ObservedRole {
    let mut role = stored(&desired(class, yaml));
    role.tags = BTreeMap::from([("origin".to_owned(), "terraform".to_owned())]);
    role
}

const ADOPT: &str = "{roleName: legacy-orders, adoption: ExistingRole}";

fn standing_of(class: &ObjectClass, yaml: &str, role: &ObservedRole, protected: &[&str]) -> Standing {
    let protected = super::set(protected);
    standing(&desired(class, yaml), &Terms { owner: &owner(), class, protected: &protected }, role)
}

#[test]
fn a_role_that_is_nobodys_may_be_taken_over_if_spec_and_class_say_so() {
    let consenting = class_for(json!({"naming": {"adoptable": ["legacy-*"]}}), ADOPT);
    let role = legacy(&consenting, ADOPT);
    assert_eq!(standing_of(&consenting, ADOPT, &role, &[]), Standing::Adoptable);
    assert_eq!(
        standing_of(&consenting, "{roleName: legacy-orders, adoption: Observe}", &role, &[]),
        Standing::Adoptable
    );
    let foreign = |standing| matches!(standing, Standing::Foreign(Hold { reason: Reason::RoleConflict, .. }));
    assert!(foreign(standing_of(&consenting, "roleName: legacy-orders", &role, &[])), "the spec does not ask");
    let silent = class_for(json!({"naming": {"allowedRoleNames": ["*"]}}), ADOPT);
    assert!(foreign(standing_of(&silent, ADOPT, &role, &[])), "the class does not consent");
    assert!(foreign(standing_of(&consenting, ADOPT, &role, &["Legacy-Orders"])), "the controller's own");
    for path in ["/aws-service-role/lambda.amazonaws.com/", "/aws-reserved/sso/"] {
        let reserved = ObservedRole { path: path.to_owned(), ..role.clone() };
        assert!(foreign(standing_of(&consenting, ADOPT, &reserved, &[])), "{path}");
    }
    for tag in ["lambdaroles.dev/cluster", "LambdaRoles.dev/name", "lambdaroles.dev/adopted"] {
        let mut tagged = role.clone();
        tagged.tags.insert(tag.to_owned(), "x".to_owned());
        assert!(foreign(standing_of(&consenting, ADOPT, &tagged, &[])), "{tag}");
    }
    let other_case = ObservedRole { name: "Legacy-orders".to_owned(), ..role };
    assert!(foreign(standing_of(&consenting, ADOPT, &other_case, &[])), "IAM takes both for one name");
}

#[test]
fn a_role_is_claimed_before_anything_of_it_is_changed_and_says_from_then_on_that_it_was_adopted() {
    let class = class_for(json!({"naming": {"adoptable": ["legacy-*"]}}), ADOPT);
    let desired = desired(&class, ADOPT);
    let mut role = legacy(&class, ADOPT);
    role.permissions_boundary = Some(BOUNDARY.to_owned());
    role.inline_policies.insert("old".to_owned(), r#"{"Statement":[]}"#.to_owned());
    let steps = diff(&desired, Some(&role), &Placed::default());
    let terms = Terms { owner: &owner(), class: &class, protected: NO_NAMES };
    let steps = judge(&desired, &terms, Some(&role), steps, false).unwrap();
    assert!(clauses(&steps)[0].starts_with("set tags lambdaroles.dev/adopted"), "{steps:?}");
    let mut adopted = stored(&desired);
    adopted.tags.insert("lambdaroles.dev/adopted".to_owned(), "true".to_owned());
    assert!(adopted.is_adopted() && adopted.is_owned_by(&owner()));
    assert_eq!(diff(&desired, Some(&adopted), &Placed::default()), []);
}

#[rstest]
#[case::the_class("Observe", "{}", "LambdaRoleClass production only observes")]
#[case::the_spec("Enforce", "{roleName: legacy-orders, adoption: Observe}", "spec.adoption is Observe")]
fn who_observes_is_shown_the_plan(#[case] mode: &str, #[case] yaml: &str, #[case] why: &str) {
    let class = class_for(json!({"mode": mode, "naming": {"adoptable": ["*"]}}), yaml);
    let desired = desired(&class, yaml);
    let role = legacy(&class, yaml);
    let found = (mode == "Enforce").then_some(&role);
    let steps = diff(&desired, found, &Placed::default());
    let terms = Terms { owner: &owner(), class: &class, protected: NO_NAMES };
    let hold = judge(&desired, &terms, found, steps.clone(), false).unwrap_err();
    assert_eq!((hold.reason, hold.plan), (Reason::Observed, clauses(&steps).iter().map(ToString::to_string).collect()));
    assert!(hold.message.starts_with(why), "{}", hold.message);
}

#[test]
fn a_class_that_observes_a_role_that_equals_the_spec_has_nothing_to_show() {
    let class = class(json!({"mode": "Observe"}));
    let desired = desired(&class, "{}");
    let terms = Terms { owner: &owner(), class: &class, protected: NO_NAMES };
    assert_eq!(judge(&desired, &terms, Some(&stored(&desired)), Vec::new(), false), Ok(Vec::new()));
}

#[test]
fn offline_a_policy_that_nobody_read_is_a_warning_and_a_violation_an_error() {
    let class = class(denying("kms:*"));
    let yaml = format!("managedPolicies: [{{arn: '{READER}'}}]\n{KMS}");
    let role = desired(&class, &yaml);
    let (refused, unread) = compliance::offline(&class, &spec(&yaml), &role, &account(), &Documents::new());
    assert_eq!(
        refused.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(),
        ["spec.statements[0].actions[0]"]
    );
    assert_eq!(unread.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(), ["spec.managedPolicies[0]"]);
}

#[test]
fn where_a_boundary_is_to_be_chosen_the_chosen_one_is_put_back() {
    let class = class(json!({"guardrails": {"permissionsBoundary": {"allowed": ["arn:aws:iam::*:policy/team-*"]}}}));
    assert!(enforces(&class));
    let put = |arn: &str| {
        let yaml = format!("permissionsBoundary: {{arn: '{arn}'}}");
        let wanted = Wanted::by(&spec(&yaml), &owner(), &account(), &References::default(), "shop-orders");
        clauses(&boundary(&class, &unbounded(), &wanted))
    };
    let chosen = "arn:aws:iam::$(accountId):policy/team-shop";
    assert_eq!(put(chosen), ["set the permissions boundary arn:aws:iam::111122223333:policy/team-shop"]);
    assert_eq!(
        put("arn:aws:iam::111122223333:policy/other"),
        [] as [&str; 0],
        "what the class does not permit is not put"
    );
}

#[test]
fn where_roles_may_not_be_retained_they_go_unless_they_were_adopted() {
    let class =
        class(json!({"guardrails": {"deletionPolicies": ["Delete"]}, "defaults": {"deletionPolicy": "Retain"}}));
    let retain = spec("deletionPolicy: Retain");
    assert_eq!(class.deletion_policy(&retain, false), DeletionPolicy::Delete);
    assert_eq!(class.deletion_policy(&spec("adoption: ExistingRole"), false), DeletionPolicy::Delete);
    assert_eq!(class.deletion_policy(&retain, true), DeletionPolicy::Retain);
    let said: Vec<String> = class.judge_choices(&retain).iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "spec.deletionPolicy: is Retain, which the class does not allow (spec.guardrails.deletionPolicies). Leave it out"
        ]
    );
    assert_eq!(class.judge_choices(&spec("deletionPolicy: Delete")), []);
}

#[test]
fn documents_are_read_for_a_revocation_only_where_it_goes_by_them() {
    let role = ObservedRole { managed_policies: super::set(&[READER]), ..unbounded() };
    let needed = |on_violation, reason| {
        let hold = Hold { reason, message: String::new(), plan: Vec::new() };
        compliance::documents_for_revocation(&class(bounded(on_violation)), &role, Some(&hold), NONE).len()
    };
    assert_eq!(needed("Revoke", Reason::GuardrailViolation), 1, "the one that is attached");
    assert_eq!(needed("Revoke", Reason::ClassNotAllowed), 0, "everything goes");
    assert_eq!(needed("Keep", Reason::GuardrailViolation), 0, "nothing goes");
}

/// Labels that cannot be read are no verdict: of a role whose deletion waits, only what the class refuses goes.
#[test]
fn a_namespace_that_nobody_can_judge_costs_no_right_that_the_class_allows() {
    let done = enforced(&class(bounded("Revoke")), Some(Reason::NamespaceUnknown));
    assert_eq!(done, [PUT_BOUNDARY, "delete inline policy lambdaroles"]);
}
