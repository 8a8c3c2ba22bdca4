//! Which class an object has, and what a class says by itself.

#![expect(clippy::needless_pass_by_value, reason = "JSON literals are handed over as they stand")]

use std::collections::BTreeMap;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::{
    api::{LambdaExecutionRole, LambdaRoleClass, Reason},
    plan::{Hold, Quotas},
};

fn class(name: &str, is_default: bool, namespaces: Value) -> LambdaRoleClass {
    let annotations = if is_default { json!({"lambdaroles.dev/is-default-class": "true"}) } else { json!({}) };
    serde_json::from_value(json!({
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"account": {"id": "111122223333"}, "namespaces": namespaces},
    }))
    .unwrap()
}

fn role(class_name: Option<&str>, bound: Option<&str>) -> LambdaExecutionRole {
    let mut role: LambdaExecutionRole =
        serde_json::from_value(json!({"metadata": {"name": "orders", "namespace": "shop"}, "spec": {}})).unwrap();
    role.spec.class_name = class_name.map(str::to_owned);
    role.status.get_or_insert_default().class_name = bound.map(str::to_owned);
    role
}

fn shop(labels: &[(&str, &str)]) -> Namespace {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Namespace { name: "shop".to_owned(), labels: Some(labels) }
}

/// Name of the class, or the reason why there is none.
fn selected(role: &LambdaExecutionRole, namespace: &Namespace, classes: &[LambdaRoleClass]) -> Result<String, Reason> {
    match select(role, namespace, classes) {
        Selection::Allowed(class) => Ok(class.metadata.name.clone().unwrap()),
        Selection::Forbidden(_, Hold { reason, .. }) | Selection::Missing(Hold { reason, .. }) => Err(reason),
    }
}

#[rstest]
#[case::by_name(json!({"names": ["shop"]}), &[], true)]
#[case::by_a_pattern(json!({"names": ["sh*"]}), &[], true)]
#[case::a_name_is_not_a_prefix(json!({"names": ["sho", "hop", "shops"]}), &[], false)]
#[case::by_no_name(json!({"names": []}), &[], false)]
#[case::by_nothing(json!({}), &[], false)]
#[case::by_every_label(json!({"selector": {}}), &[], true)]
#[case::by_label(json!({"selector": {"matchLabels": {"team": "shop"}}}), &[("team", "shop")], true)]
#[case::by_another_value(json!({"selector": {"matchLabels": {"team": "shop"}}}), &[("team", "shops")], false)]
#[case::by_another_case(json!({"selector": {"matchLabels": {"team": "shop"}}}), &[("Team", "shop")], false)]
#[case::by_expression(json!({"selector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}}), &[("team", "")], true)]
#[case::by_absence(json!({"selector": {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}}), &[("team", "")], false)]
#[case::an_operator_that_does_not_exist(json!({"selector": {"matchExpressions": [{"key": "team", "operator": "Is"}]}}), &[("team", "")], false)]
#[case::by_either(json!({"names": ["other"], "selector": {"matchLabels": {"team": "shop"}}}), &[("team", "shop")], true)]
fn a_class_is_for_the_namespaces_that_it_selects(
    #[case] namespaces: Value,
    #[case] labels: &[(&str, &str)],
    #[case] expected: bool,
) {
    let found = selected(&role(Some("a"), None), &shop(labels), &[class("a", false, namespaces)]);
    assert_eq!(found, if expected { Ok("a".to_owned()) } else { Err(Reason::ClassNotAllowed) });
}

#[test]
fn an_object_that_names_a_class_has_that_one_or_none() {
    let classes = [class("a", true, json!({"names": ["shop"]})), class("b", false, json!({"names": ["other"]}))];
    assert_eq!(selected(&role(Some("b"), Some("a")), &shop(&[]), &classes), Err(Reason::ClassNotAllowed));
    assert_eq!(selected(&role(Some("c"), Some("a")), &shop(&[]), &classes), Err(Reason::ClassNotFound));
}

#[rstest]
#[case::one(&["a"], &[], Ok("a"))]
#[case::none(&[], &[], Err(Reason::NoDefaultClass))]
#[case::one_for_others(&[], &["b"], Err(Reason::NoDefaultClass))]
#[case::one_and_one_for_others(&["a"], &["b"], Ok("a"))]
#[case::two(&["a", "b"], &[], Err(Reason::SeveralDefaultClasses))]
fn an_object_that_names_none_has_the_one_default_class_of_its_namespace(
    #[case] usable: &[&str],
    #[case] others: &[&str],
    #[case] expected: Result<&str, Reason>,
) {
    let ours = usable.iter().map(|name| class(name, true, json!({"names": ["shop"]})));
    let theirs = others.iter().map(|name| class(name, true, json!({"names": ["other"]})));
    let no_default = [class("z", false, json!({"selector": {}}))];
    let classes: Vec<_> = ours.chain(theirs).chain(no_default).collect();
    assert_eq!(selected(&role(None, None), &shop(&[]), &classes), expected.map(str::to_owned));
}

#[test]
fn an_object_stays_with_the_default_class_that_it_found_first() {
    let mut classes = [class("a", true, json!({"selector": {}})), class("b", false, json!({"selector": {}}))];
    assert_eq!(selected(&role(None, Some("b")), &shop(&[]), &classes), Ok("b".to_owned()));
    classes[0] = class("a", false, json!({"selector": {}}));
    assert_eq!(selected(&role(None, Some("a")), &shop(&[]), &classes), Ok("a".to_owned()));
}

/// A status that somebody forged is worth no more than a spec that says the same.
#[test]
fn the_class_that_an_object_was_bound_to_has_to_be_for_its_namespace_still() {
    let classes = [class("a", true, json!({"names": ["shop"]})), class("b", true, json!({"names": ["other"]}))];
    assert_eq!(selected(&role(None, Some("b")), &shop(&[]), &classes), Err(Reason::ClassNotAllowed));
}

/// Under `Revoke` a class that may not be used takes everything away, and that is not done because labels could not be read.
#[test]
fn labels_that_cannot_be_read_are_no_verdict_of_the_class() {
    let unread = Namespace { name: "shop".to_owned(), labels: None };
    let by_label = [class("a", false, json!({"selector": {"matchLabels": {"team": "shop"}}}))];
    assert!(matches!(select(&role(Some("a"), None), &unread, &by_label), Selection::Missing(_)));
    let by_name = [class("a", false, json!({"names": ["other"]}))];
    assert!(matches!(select(&role(Some("a"), None), &unread, &by_name), Selection::Forbidden(..)));
}

fn aged(name: &str, second: i64) -> LambdaExecutionRole {
    let mut role = role(None, None);
    role.metadata.name = Some(name.to_owned());
    role.metadata.creation_timestamp = Some(Time(Timestamp::from_second(second).unwrap()));
    role
}

fn placed(most: usize, roles: &[LambdaExecutionRole], has_role: &[&str]) -> Vec<String> {
    let name = |role: &LambdaExecutionRole| role.metadata.name.clone().unwrap();
    let has_role = |role: &LambdaExecutionRole| has_role.contains(&name(role).as_str());
    let placed = roles.iter().filter(|role| has_place(role, roles, most, has_role));
    placed.map(name).collect()
}

#[test]
fn the_oldest_keep_their_place() {
    let roles = [aged("c", 1), aged("b", 3), aged("a", 2)];
    assert_eq!(placed(0, &roles, &[]), [] as [&str; 0]);
    assert_eq!(placed(2, &roles, &[]), ["c", "a"]);
    assert_eq!(placed(3, &roles, &[]), ["c", "b", "a"]);
    assert_eq!(placed(1, &roles, &["a", "b"]), ["c"], "who has a role and came later does not go before");
}

#[test]
fn of_those_made_in_the_same_second_who_has_a_role_keeps_its_place() {
    let roles = [aged("a", 1), aged("b", 1), aged("c", 1)];
    assert_eq!(placed(1, &roles, &[]), ["a"]);
    assert_eq!(placed(1, &roles, &["c"]), ["c"]);
    assert_eq!(placed(2, &roles, &["c"]), ["a", "c"]);
}

fn object_class(class: Value, spec: Value) -> Result<ObjectClass, Vec<String>> {
    let class: LambdaRoleClassSpec = serde_json::from_value(class).unwrap();
    let spec: LambdaExecutionRoleSpec = serde_json::from_value(spec).unwrap();
    let owner = Owner { cluster: "north".to_owned(), namespace: "shop".to_owned(), name: "orders".to_owned() };
    let account = Account {
        id: "111122223333".to_owned(),
        partition: "aws".to_owned(),
        region: "eu-west-1".to_owned(),
        quotas: Quotas::HIGHEST,
    };
    ObjectClass::of("production", &class, &spec, &owner, &account)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn with(naming: Value, spec: Value) -> (ObjectClass, LambdaExecutionRoleSpec) {
    let class = json!({"account": {"id": "111122223333"}, "namespaces": {}, "naming": naming});
    (object_class(class, spec.clone()).unwrap(), serde_json::from_value(spec).unwrap())
}

#[test]
fn names_and_paths_are_made_of_the_objects_own_words() {
    let naming = json!({"roleName": "lambda-$(region)-$(namespace)-$(name)", "path": "/$(namespace)/$(roleName)/"});
    let (class, spec) = with(naming, json!({}));
    assert_eq!(class.role_name(&spec), "lambda-eu-west-1-shop-orders");
    assert_eq!(class.path(spec.path.as_deref()), "/shop/lambda-eu-west-1-shop-orders/");
    let (class, spec) = with(json!({}), json!({}));
    assert_eq!((class.role_name(&spec), class.path(spec.path.as_deref())), ("shop-orders", "/"));
}

#[rstest]
#[case::nothing_is_chosen(json!({}), json!({}), &[])]
#[case::the_default_is_spelled_out(json!({}), json!({"roleName": "shop-orders", "path": "/"}), &[])]
#[case::another_name(json!({}), json!({"roleName": "admin"}), &["spec.roleName: is admin, which the class does not allow (spec.naming.allowedRoleNames). Leave it out, which makes it shop-orders"])]
#[case::another_path(json!({}), json!({"path": "/admin/"}), &["spec.path: is /admin/, which the class does not allow (spec.naming.allowedPaths). Leave it out, which makes it /"])]
#[case::a_name_of_the_pattern(json!({"allowedRoleNames": ["$(namespace)-*"]}), json!({"roleName": "shop-x"}), &[])]
#[case::a_name_beside_the_pattern(
    json!({"allowedRoleNames": ["$(namespace)-*"]}),
    json!({"roleName": "Shop-x"}),
    &["spec.roleName: is Shop-x, which the class does not allow (spec.naming.allowedRoleNames). Leave it out, which makes it shop-orders, or one that matches shop-*"]
)]
#[case::adoption_is_consented_to(json!({"adoptable": ["legacy-*"], "allowedPaths": ["/old/"]}), json!({"roleName": "legacy-a", "path": "/old/", "adoption": "ExistingRole"}), &[])]
#[case::adoption_elsewhere(json!({"adoptable": ["legacy-*"]}), json!({"roleName": "legacy-a", "path": "/old/", "adoption": "ExistingRole"}), &["spec.path: is /old/, which the class does not allow (spec.naming.allowedPaths). Leave it out, which makes it /"])]
#[case::adoption_is_not_asked_for(json!({"adoptable": ["legacy-*"]}), json!({"roleName": "legacy-a"}), &["spec.roleName: is legacy-a, which the class does not allow (spec.naming.allowedRoleNames). Leave it out, which makes it shop-orders"])]
fn a_name_is_the_classs_or_one_that_it_allows(#[case] naming: Value, #[case] spec: Value, #[case] expected: &[&str]) {
    let (class, spec) = with(naming, spec);
    let said: Vec<String> = class.judge_choices(&spec).iter().map(ToString::to_string).collect();
    assert_eq!(said, expected);
}

#[test]
fn a_class_with_faults_is_refused_with_each_of_them() {
    let class = json!({
        "account": {"id": "111122223333"},
        "namespaces": {},
        "naming": {"roleName": "$(roleName)", "path": "/$(team)/", "adoptable": ["$(x)"]},
        "defaults": {"tags": {"owner": "$(owner)"}, "resyncInterval": "1s", "settleWindow": "2h"},
    });
    let faults = object_class(class, json!({})).unwrap_err();
    let paths: Vec<&str> = faults.iter().filter_map(|fault| fault.split(": ").next()).collect();
    assert_eq!(
        paths,
        [
            "spec.naming.roleName",
            "spec.naming.path",
            "spec.naming.adoptable[0]",
            "spec.defaults.tags[owner]",
            "spec.defaults.resyncInterval",
            "spec.defaults.settleWindow"
        ]
    );
}

#[test]
fn defaults_count_where_the_object_says_nothing() {
    let class = json!({
        "account": {"id": "111122223333"},
        "namespaces": {},
        "defaults": {
            "tags": {"team": "$(namespace)", "stage": "test"},
            "deletionPolicy": "Retain", "drift": "Report", "resyncInterval": "1h", "settleWindow": "1m",
        },
    });
    let class = object_class(class, json!({})).unwrap();
    let (silent, outspoken): (LambdaExecutionRoleSpec, LambdaExecutionRoleSpec) = (
        LambdaExecutionRoleSpec::default(),
        serde_json::from_value(json!({"deletionPolicy": "Delete", "drift": "Correct", "resyncInterval": "2h"}))
            .unwrap(),
    );
    assert_eq!((class.drift(silent.drift), class.drift(outspoken.drift)), (Drift::Report, Drift::Correct));
    assert_eq!(class.deletion_policy(&silent, false), DeletionPolicy::Retain);
    assert_eq!(class.deletion_policy(&outspoken, true), DeletionPolicy::Delete);
    let hours = |hours| Some(Duration::from_hours(hours));
    assert_eq!(
        (
            class.resync_interval(silent.resync_interval.as_deref()),
            class.resync_interval(outspoken.resync_interval.as_deref())
        ),
        (hours(1), hours(2))
    );
    assert_eq!(class.settle_window(), Some(Duration::from_mins(1)));
    let own = BTreeMap::from([("Stage".to_owned(), "production".to_owned())]);
    let expected = [("Stage", "production"), ("team", "shop")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(class.with_default_tags(&own), BTreeMap::from(expected), "keys are compared as IAM compares them");
}

#[test]
fn a_role_that_was_adopted_stays_unless_the_object_says_otherwise() {
    let (class, spec) = with(json!({}), json!({}));
    assert_eq!(class.deletion_policy(&spec, false), DeletionPolicy::Delete);
    assert_eq!(class.deletion_policy(&spec, true), DeletionPolicy::Retain);
    let (class, spec) = with(json!({}), json!({"adoption": "ExistingRole"}));
    assert_eq!(class.deletion_policy(&spec, false), DeletionPolicy::Retain);
    let (class, spec) = with(json!({}), json!({"deletionPolicy": "Delete"}));
    assert_eq!(class.deletion_policy(&spec, true), DeletionPolicy::Delete);
}

#[test]
fn a_default_tag_that_no_role_may_have_is_a_fault_of_the_class() {
    let class = json!({
        "account": {"id": "111122223333"},
        "namespaces": {},
        "guardrails": {"tags": {"reserved": ["abac:*"], "forced": {"LambdaRoles.dev/name": "x"}}},
        "defaults": {"tags": {"ABAC:team": "shop"}},
    });
    let faults = object_class(class.clone(), json!({})).unwrap_err();
    assert!(faults[0].starts_with("spec.guardrails.tags.forced.LambdaRoles.dev/name: "), "{faults:?}");
    let mut class = class;
    class["guardrails"]["tags"]["forced"] = json!({});
    let faults = object_class(class, json!({})).unwrap_err();
    assert!(faults[0].starts_with("spec.defaults.tags[ABAC:team]: "), "{faults:?}");
}

#[test]
fn no_default_is_chosen_while_the_labels_that_others_select_by_are_unknown() {
    let by_name = class("by-name", true, json!({"names": ["*"]}));
    let by_label = class("by-label", true, json!({"selector": {"matchLabels": {"team": "shop"}}}));
    let classes = [by_name, by_label];
    let unknown = Namespace { name: "shop".to_owned(), labels: None };
    assert_eq!(selected(&role(None, None), &unknown, &classes), Err(Reason::NamespaceUnknown));
    assert_eq!(selected(&role(None, None), &unknown, &classes[..1]), Ok("by-name".to_owned()));
    assert_eq!(selected(&role(None, None), &shop(&[]), &classes), Ok("by-name".to_owned()));
    assert_eq!(selected(&role(None, None), &shop(&[("team", "shop")]), &classes), Err(Reason::SeveralDefaultClasses));
}
