//! Grants among the policies of a role.

use rstest::rstest;
use serde_json::json;

use super::{applicant, class, desired, judged, judged_by, namespace, role};
use crate::{
    api::{LambdaExecutionRoleStatus, Reason, status::RoleGrant},
    plan::{
        DesiredRole, ObservedRole, Placed, Step,
        class::Namespace,
        diff::diff,
        grant::{Applicant, Judged, digest, must_narrow, narrowing},
    },
};

const OWN: &str = "statements: [{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/*']}]";
const NOTHING: fn() -> LambdaExecutionRoleStatus = LambdaExecutionRoleStatus::default;

/// The role as IAM holds it once it equals `desired`.
fn stored(desired: &DesiredRole) -> ObservedRole {
    ObservedRole {
        name: desired.name.clone(),
        path: desired.path.clone(),
        arn: format!("arn:aws:iam::111122223333:role/{}", desired.name),
        id: "AROAEXAMPLEEXAMPLEEX".to_owned(),
        trust_policy: desired.trust_policy.to_string(),
        description: desired.description.clone(),
        max_session_seconds: desired.max_session_seconds,
        permissions_boundary: None,
        tags: desired.tags.clone(),
        inline_policies: desired.inline_policies.iter().map(|(name, json)| (name.clone(), json.to_string())).collect(),
        managed_policies: desired.managed_policies.clone(),
    }
}

fn clauses(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}

/// A grant whose policy makes about so many characters.
fn of_size(of: &str, name: &str, characters: usize) -> Applicant {
    let resources: Vec<String> =
        (0..characters / 100).map(|n| format!("arn:aws:s3:::{of}-{name}-{}/{n:02}", "x".repeat(70))).collect();
    let statement = json!({"effect": "Allow", "actions": ["s3:GetObject"], "resources": resources});
    applicant(of, name, &json!({"statements": [statement]}))
}

fn status_of(role: &DesiredRole) -> LambdaExecutionRoleStatus {
    LambdaExecutionRoleStatus { grants: role.grants.clone(), ..LambdaExecutionRoleStatus::default() }
}

fn reasons(role: &DesiredRole) -> Vec<(&str, Option<&str>)> {
    role.grants.iter().map(|entry| (entry.name.as_str(), entry.reason.as_deref())).collect()
}

#[test]
fn each_grant_is_a_policy_of_its_own_and_the_role_s_stays_as_it_is() {
    let grants = [judged(&applicant("shop", "a", &json!({}))), judged(&applicant("billing", "b", &json!({})))];
    let (before, after) = (desired(OWN), desired(OWN).with_grants(&grants, None, &NOTHING()));
    assert_eq!(
        after.inline_policies.keys().collect::<Vec<_>>(),
        ["lambdaroles", "lambdaroles+billing+b", "lambdaroles+shop+a"]
    );
    assert_eq!(after.inline_policies["lambdaroles"], before.inline_policies["lambdaroles"]);
    let come = diff(&after, Some(&stored(&before)), &Placed::default());
    assert_eq!(clauses(&come), ["put inline policy lambdaroles+billing+b", "put inline policy lambdaroles+shop+a"]);
    let go = diff(&before, Some(&stored(&after)), &Placed::default());
    assert_eq!(clauses(&go), ["delete inline policy lambdaroles+billing+b", "delete inline policy lambdaroles+shop+a"]);
}

#[test]
fn what_others_keep_is_told_from_what_grants_leave() {
    let keeping = desired("unlisted: {inlinePolicies: Keep}");
    let mut role = stored(&keeping);
    role.inline_policies.insert("theirs".to_owned(), OPEN.to_owned());
    role.inline_policies.insert("lambdaroles+shop+gone".to_owned(), OPEN.to_owned());
    let steps = diff(&keeping, Some(&role), &Placed::default());
    assert_eq!(clauses(&steps), ["delete inline policy lambdaroles+shop+gone"]);
}

const OPEN: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;

#[test]
fn a_bad_grant_keeps_what_it_has_and_blocks_nobody() {
    let bad = judged(&applicant("shop", "a", &json!({"sourceFunctionArns": ["*"]})));
    let good = judged(&applicant("billing", "b", &json!({})));
    let mut observed = stored(&desired(OWN));
    observed.inline_policies.insert("lambdaroles+shop+a".to_owned(), OPEN.to_owned());
    let role = desired(OWN).with_grants(&[bad, good], Some(&observed), &NOTHING());
    assert_eq!(reasons(&role), [("b", None), ("a", Some("InvalidSpec"))]);
    assert_eq!(
        role.grants[1].characters,
        i64::try_from(crate::policy::Document::parse(OPEN).unwrap().characters()).ok()
    );
    let steps = diff(&role, Some(&observed), &Placed::default());
    assert_eq!(clauses(&steps), ["put inline policy lambdaroles+billing+b"]);
}

#[rstest]
#[case::kept("Keep", true)]
#[case::revoked("Revoke", false)]
fn what_the_class_refuses_goes_as_the_class_has_it(#[case] on_violation: &str, #[case] is_kept: bool) {
    let class = class(
        &json!({"guardrails": {"onViolation": on_violation, "permissions": {"denied": [{"actions": ["s3:DeleteBucket"]}]}}}),
    );
    let fields =
        json!({"statements": [{"effect": "Allow", "actions": ["s3:DeleteBucket"], "resources": ["arn:aws:s3:::b"]}]});
    let refused = judged_by(&applicant("shop", "a", &fields), &role(&json!({})), &class);
    let invalid = judged_by(&applicant("shop", "b", &json!({"statements": []})), &role(&json!({})), &class);
    let mut observed = stored(&desired(OWN));
    let [forbidden, sound] = ["s3:DeleteBucket", "s3:GetObject"].map(|action| OPEN.replace("kms:*", action));
    for (name, json) in [("a", forbidden), ("b", sound)] {
        observed.inline_policies.insert(format!("lambdaroles+shop+{name}"), json);
    }
    let grants = [refused, invalid];
    let role = desired(OWN).with_grants(&grants, Some(&observed), &NOTHING());
    let expected: &[&str] = if is_kept { &[] } else { &["delete inline policy lambdaroles+shop+a"] };
    assert_eq!(clauses(&diff(&role, Some(&observed), &Placed::default())), expected);
    assert_eq!(clauses(&narrowing(&grants, &observed)), expected);
}

#[test]
fn a_grant_that_is_gone_or_not_admitted_any_more_is_taken_from_a_held_role_too() {
    let closed = role(&json!({"spec": {"grants": {"from": "SameNamespace", "selector": null}}}));
    let class = class(&json!({}));
    let not_admitted = judged_by(&applicant("shop", "a", &json!({})), &closed, &class);
    let admitted = judged_by(&applicant("platform", "b", &json!({})), &closed, &class);
    let mut observed = stored(&desired(OWN));
    for name in ["shop+a", "platform+b", "shop+gone"] {
        observed.inline_policies.insert(format!("lambdaroles+{name}"), OPEN.to_owned());
    }
    let grants = [not_admitted, admitted];
    let lost = narrowing(&grants, &observed);
    assert_eq!(
        clauses(&lost),
        ["delete inline policy lambdaroles+shop+a", "delete inline policy lambdaroles+shop+gone"]
    );
    let listing = |namespace: &str, name: &str, characters: Option<i64>| LambdaExecutionRoleStatus {
        grants: vec![RoleGrant {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            characters,
            ..RoleGrant::default()
        }],
        ..LambdaExecutionRoleStatus::default()
    };
    assert!(must_narrow(&grants, &listing("shop", "a", Some(100))));
    assert!(must_narrow(&grants, &listing("shop", "gone", Some(100))));
    assert!(!must_narrow(&grants, &listing("shop", "gone", None)));
    assert!(!must_narrow(&grants, &listing("platform", "b", Some(100))));
}

#[test]
fn who_does_not_fit_is_told_and_goes_in_when_another_leaves() {
    let grants: Vec<Judged> = ["a", "b", "c"].into_iter().map(|name| judged(&of_size("shop", name, 4_000))).collect();
    let first = desired(OWN).with_grants(&grants, None, &NOTHING());
    assert_eq!(reasons(&first), [("a", None), ("b", None), ("c", Some("NoRoomForGrant"))]);
    assert!(first.inline_characters() <= first.quotas.inline_policies);
    let left = desired(OWN).with_grants(&grants[1..], Some(&stored(&first)), &status_of(&first));
    assert_eq!(reasons(&left), [("b", None), ("c", None)]);
    let steps = diff(&left, Some(&stored(&first)), &Placed::default());
    assert_eq!(clauses(&steps), ["delete inline policy lambdaroles+shop+a", "put inline policy lambdaroles+shop+c"]);
}

#[test]
fn who_grows_beyond_the_room_keeps_the_old_document() {
    let grants = [judged(&of_size("shop", "a", 4_000)), judged(&of_size("billing", "b", 4_000))];
    let first = desired(OWN).with_grants(&grants, None, &NOTHING());
    let grown = [judged(&of_size("shop", "a", 7_000)), grants[1].clone()];
    let then = desired(OWN).with_grants(&grown, Some(&stored(&first)), &status_of(&first));
    assert_eq!(reasons(&then), [("b", None), ("a", Some("NoRoomForGrant"))]);
    assert_eq!(then.grants[1].characters, first.grants[1].characters);
    assert_eq!(diff(&then, Some(&stored(&first)), &Placed::default()), []);
    assert_eq!(then.inline_characters(), first.inline_characters());
}

#[test]
fn what_somebody_deleted_by_hand_keeps_its_room() {
    let grants: Vec<Judged> = ["a", "b", "c"].into_iter().map(|name| judged(&of_size("shop", name, 4_000))).collect();
    let first = desired(OWN).with_grants(&grants, None, &NOTHING());
    let mut observed = stored(&first);
    observed.inline_policies.remove("lambdaroles+shop+b");
    let then = desired(OWN).with_grants(&grants, Some(&observed), &status_of(&first));
    assert_eq!(then, first);
    assert_eq!(then.fingerprint(), first.fingerprint(), "that is drift");
}

#[test]
fn a_grant_that_comes_or_changes_is_no_drift() {
    let grant = judged(&applicant("shop", "a", &json!({})));
    let other = judged(&applicant("shop", "a", &json!({"sourceFunctionArns": ["$(namespace)-other"]})));
    let fingerprint = |grants: &[Judged]| desired(OWN).with_grants(grants, None, &NOTHING()).fingerprint();
    let (without, with, changed) = (fingerprint(&[]), fingerprint(&[grant]), fingerprint(&[other]));
    assert_ne!(without, with);
    assert_ne!(with, changed);
}

#[test]
fn the_role_s_own_policies_come_first_and_what_makes_way_goes_before_they_grow() {
    let grants = [judged(&of_size("shop", "a", 5_000)), judged(&of_size("billing", "b", 4_000))];
    let first = desired(OWN).with_grants(&grants, None, &NOTHING());
    let resources: Vec<String> = (0..30).map(|n| format!("arn:aws:s3:::{}{n:02}", "x".repeat(60))).collect();
    let own = json!({"statements": [{"effect": "Allow", "actions": ["s3:GetObject"], "resources": resources}]});
    let then = desired(&own.to_string()).with_grants(&grants, Some(&stored(&first)), &status_of(&first));
    assert_eq!(reasons(&then), [("b", None), ("a", Some("NoRoomForGrant"))]);
    let steps = diff(&then, Some(&stored(&first)), &Placed::default());
    assert_eq!(clauses(&steps), ["delete inline policy lambdaroles+shop+a", "put inline policy lambdaroles"]);
}

#[test]
fn what_shrinks_makes_room_for_what_grows() {
    let sizes = |a: usize, b: usize| [judged(&of_size("shop", "a", a)), judged(&of_size("shop", "b", b))];
    let first = desired(OWN).with_grants(&sizes(3_000, 6_000), None, &NOTHING());
    // Both are other documents than before, so neither narrows.
    let then = sizes(3_000, 6_000).map(|judged| {
        let mut document = judged.content.clone().unwrap();
        document.statements[0].actions = crate::policy::document::Matching::In(vec!["s3:PutObject".to_owned()]);
        Judged { content: Ok(document), ..judged }
    });
    let role = desired(OWN).with_grants(&then, Some(&stored(&first)), &status_of(&first));
    let mut taken: usize = first.inline_policies.values().map(crate::policy::Document::characters).sum();
    for step in diff(&role, Some(&stored(&first)), &Placed::default()) {
        let Step::PutInlinePolicy { name, document } = step else { panic!("{step}") };
        taken = taken + document.characters() - first.inline_policies[&name].characters();
        assert!(taken <= role.quotas.inline_policies, "{name}");
    }
}

#[test]
fn a_role_is_looked_at_for_grants_that_it_admits_and_for_no_others() {
    let role = role(&json!({}));
    let grant = applicant("shop", "a", &json!({}));
    let stranger = |name: &str| Applicant {
        namespace: Namespace { labels: Some(std::collections::BTreeMap::new()), ..namespace("mallory") },
        ..applicant("mallory", name, &json!({}))
    };
    let before = digest(&role, std::slice::from_ref(&grant));
    assert_eq!(digest(&role, &[grant.clone(), stranger("a"), stranger("b")]), before);
    assert_eq!(digest(&role, &[stranger("a")]), None);
    let changed = Applicant { generation: Some(2), ..grant.clone() };
    assert_ne!(digest(&role, &[changed]), before);
    let leaving = Applicant { is_deleting: true, ..grant };
    assert_ne!(digest(&role, std::slice::from_ref(&leaving)), before);
    assert_eq!(digest(&role, &[leaving]), digest(&role, &[]), "the role is not looked at again when it is gone");
}

#[test]
fn a_status_lists_whom_the_role_admits_and_not_who_fills_it_from_elsewhere() {
    let role_of = role(&json!({}));
    let class = class(&json!({}));
    let stranger = Applicant {
        namespace: Namespace { labels: Some(std::collections::BTreeMap::new()), ..namespace("mallory") },
        ..applicant("mallory", "a", &json!({}))
    };
    let mut grants: Vec<Judged> = (0..300)
        .map(|n| judged_by(&applicant("shop", &format!("bad-{n:03}"), &json!({"statements": []})), &role_of, &class))
        .collect();
    grants.push(judged_by(&stranger, &role_of, &class));
    grants.push(judged_by(&applicant("shop", "good", &json!({})), &role_of, &class));
    let role = desired(OWN).with_grants(&grants, None, &NOTHING());
    assert_eq!(role.grants.len(), 200);
    assert!(role.grants.iter().any(|entry| entry.name == "good" && entry.reason.is_none()));
    assert!(role.grants.iter().all(|entry| entry.namespace == "shop"));
    let reason: &str = Reason::InvalidSpec.as_str();
    assert!(
        role.grants.iter().filter(|entry| entry.name != "good").all(|entry| entry.reason.as_deref() == Some(reason))
    );
}
