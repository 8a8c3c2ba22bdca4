//! References of roles to managed policies.

use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::json;

use super::{account, spec};
use crate::{
    api::{LambdaManagedPolicy, LambdaRoleClassSpec, Reason},
    lint::{Code, Finding, Severity},
    plan::{
        ManagedPolicy, Owner, PolicyOwner, References,
        class::Namespace,
        reference::{PolicyKey, Referrer, Resolution, borrowed, borrowed_offline, essence, may_list},
    },
    policy::Document,
};

const ARN: &str = "arn:aws:iam::111122223333:policy/lambda/shop/shop-table";

/// A policy that is in place, changed by a merge patch.
fn policy(namespace: &str, patch: &str) -> LambdaManagedPolicy {
    let mut object = json!({
        "metadata": {"name": "table", "namespace": namespace, "uid": "1"},
        "spec": {"className": "production", "statements": []},
        "status": {"policyArn": ARN.replace("shop", namespace), "policyId": "ANPA"},
    });
    json_patch::merge(&mut object, &serde_saphyr::from_str(patch).unwrap());
    serde_json::from_value(object).unwrap()
}

/// What a role in `shop`, labelled `tier: web`, finds that refers to the policy.
fn resolved(reference: &str, policies: &[LambdaManagedPolicy], attached: &[&str]) -> Resolution {
    let labels = BTreeMap::from([("tier".to_owned(), "web".to_owned())]);
    resolved_with(Some(labels), reference, policies, attached)
}

fn resolved_with(
    labels: Option<BTreeMap<String, String>>,
    reference: &str,
    policies: &[LambdaManagedPolicy],
    attached: &[&str],
) -> Resolution {
    let spec = spec(&format!("managedPolicies: [{{ref: {reference}}}]"));
    let class: LambdaRoleClassSpec = serde_json::from_value(json!({
        "account": {"id": "111122223333"}, "namespaces": {"names": ["*"]}, "naming": {"path": "/lambda/$(namespace)/"},
    }))
    .unwrap();
    let referrer = Referrer {
        namespace: &Namespace { name: "shop".to_owned(), labels },
        class_name: "production",
        class: &class,
        account: &account(),
        cluster: "c",
        attached: attached.to_vec(),
    };
    let references = References::resolve(&spec, &referrer, |key: &PolicyKey| {
        policies.iter().find(|policy| {
            let metadata = &policy.metadata;
            (metadata.namespace.as_ref(), metadata.name.as_ref()) == (Some(&key.0), Some(&key.1))
        })
    });
    references.get(spec.managed_policies[0].reference.as_ref().unwrap(), "shop").unwrap().clone()
}

fn ready(arn: &str) -> Resolution {
    Resolution::Ready { arn: arn.to_owned() }
}

fn reason(resolution: &Resolution) -> Reason {
    match resolution {
        Resolution::Ready { arn } => panic!("{arn}"),
        Resolution::Waiting { hold, .. } | Resolution::Withdrawn { hold, .. } => hold.reason,
    }
}

#[test]
fn a_policy_of_the_roles_namespace_is_attached_once_it_is_in_place() {
    assert_eq!(resolved("{name: table}", &[policy("shop", "{}")], &[]), ready(ARN));
    assert_eq!(resolved("{name: table, namespace: shop}", &[policy("shop", "{}")], &[]), ready(ARN));
}

#[rstest]
#[case::not_there(&[])]
#[case::not_looked_at(&[policy("shop", "status: null")])]
#[case::not_made(&[policy("shop", "status: {policyId: null}")])]
#[case::another_than_it_describes(&[policy("shop", "status: {policyArn: 'arn:aws:iam::aws:policy/AdministratorAccess'}")])]
#[case::going(&[policy("shop", "metadata: {deletionTimestamp: '2026-01-01T00:00:00Z'}")])]
fn a_role_waits_for_a_policy_that_is(#[case] policies: &[LambdaManagedPolicy]) {
    assert_eq!(reason(&resolved("{name: table}", policies, &[])), Reason::PolicyNotReady);
}

#[test]
fn a_role_that_has_a_policy_keeps_it_while_it_is_being_deleted() {
    let going = policy("shop", "metadata: {deletionTimestamp: '2026-01-01T00:00:00Z'}");
    assert_eq!(resolved("{name: table}", &[going], &[ARN]), ready(ARN));
}

#[test]
fn what_was_in_place_once_stays_so_while_a_later_generation_is_refused() {
    let refused = policy(
        "shop",
        "status: {conditions: [{type: Ready, status: Unknown, reason: GuardrailViolation, message: refused, lastTransitionTime: '2026-01-01T00:00:00Z'}]}",
    );
    assert_eq!(resolved("{name: table}", &[refused], &[]), ready(ARN));
}

#[rstest]
#[case::by_default("{}", false)]
#[case::by_name("spec: {allowedNamespaces: {names: ['sh*']}}", true)]
#[case::by_label("spec: {allowedNamespaces: {selector: {matchLabels: {tier: web}}}}", true)]
#[case::by_another_label("spec: {allowedNamespaces: {selector: {matchLabels: {tier: data}}}}", false)]
#[case::by_another_name("spec: {allowedNamespaces: {names: [store]}}", false)]
fn a_policy_of_another_namespace_is_for_those_that_it_admits(#[case] patch: &str, #[case] is_admitted: bool) {
    let resolution = resolved("{name: table, namespace: data}", &[policy("data", patch)], &[]);
    if is_admitted {
        assert_eq!(resolution, ready(&ARN.replace("shop", "data")));
    } else {
        assert_eq!(reason(&resolution), Reason::PolicyNotAllowed);
        // Whether it is there is none of the asker's business.
        assert_eq!(resolution, resolved("{name: table, namespace: data}", &[], &[]));
    }
}

#[rstest]
#[case::nobody("{}", None, true)]
#[case::others("spec: {allowedNamespaces: {names: [store]}}", None, true)]
#[case::another_label("spec: {allowedNamespaces: {selector: {matchLabels: {tier: data}}}}", Some("web"), true)]
// Nothing is taken away on a guess.
#[case::labels_that_nobody_can_read("spec: {allowedNamespaces: {selector: {matchLabels: {tier: data}}}}", None, false)]
fn a_role_loses_a_policy_that_admits_it_no_more(
    #[case] patch: &str,
    #[case] tier: Option<&str>,
    #[case] is_withdrawn: bool,
) {
    let arn = ARN.replace("shop", "data");
    let labels = tier.map(|tier| BTreeMap::from([("tier".to_owned(), tier.to_owned())]));
    let reference = "{name: table, namespace: data}";
    let resolution = |attached: &[&str]| resolved_with(labels.clone(), reference, &[policy("data", patch)], attached);
    let (before, after) = (resolution(&[&arn]), resolution(&[]));
    assert_eq!(
        matches!(before, Resolution::Withdrawn { arn: ref known, .. } if *known == arn),
        is_withdrawn,
        "{before:?}"
    );
    assert_eq!(before.arn(), None);
    let expected = if is_withdrawn { Reason::PolicyNotAllowed } else { Reason::NamespaceUnknown };
    assert_eq!(reason(&after), expected);
    assert_eq!(reason(&before), expected);
}

#[test]
fn a_policy_of_another_class_is_not_for_the_role() {
    let other = policy("shop", "spec: {className: sandbox}");
    assert_eq!(reason(&resolved("{name: table}", &[other], &[])), Reason::PolicyNotAllowed);
}

/// A policy in IAM with the tags of an object.
fn stored(kind: &str, cluster: &str, namespace: &str, name: &str) -> ManagedPolicy {
    let owner = Owner { cluster: cluster.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() };
    ManagedPolicy {
        arn: ARN.replace("shop", namespace),
        version_id: "v1".to_owned(),
        document: Document::new(Vec::new()),
        tags: PolicyOwner { kind: kind.to_owned(), owner }.tags(),
    }
}

/// Why the role `shop/orders` may not list the policy by its ARN, if there is an object `data/table` with the patch.
fn borrowed_from(stored: &ManagedPolicy, patch: Option<&str>) -> Option<Reason> {
    let owner = Owner { cluster: "c".to_owned(), namespace: "shop".to_owned(), name: "orders".to_owned() };
    let namespace = Namespace { name: "shop".to_owned(), labels: None };
    let object = patch.map(|patch| policy("data", patch));
    // Nobody watches namespace far.
    let found = |key: &PolicyKey| {
        let object = object.as_ref().filter(|_| *key == ("data".to_owned(), "table".to_owned()));
        (key.0 != "far").then_some(object)
    };
    borrowed(stored, &owner, &namespace, found).map(|hold| hold.reason)
}

const BY_LABEL: &str = "spec: {allowedNamespaces: {selector: {matchLabels: {tier: web}}}}";

#[rstest]
#[case::not_shared(Some("{}"), Some(Reason::PolicyNotAllowed))]
#[case::shared_with_others(Some("spec: {allowedNamespaces: {names: [bank]}}"), Some(Reason::PolicyNotAllowed))]
#[case::shared(Some("spec: {allowedNamespaces: {names: [shop]}}"), None)]
#[case::nobody_can_tell(Some(BY_LABEL), Some(Reason::NamespaceUnknown))]
#[case::of_no_object_any_more(None, None)]
fn the_arn_is_no_way_round_a_policy_that_does_not_admit_the_role(
    #[case] patch: Option<&str>,
    #[case] expected: Option<Reason>,
) {
    assert_eq!(borrowed_from(&stored("LambdaManagedPolicy", "c", "data", "table"), patch), expected);
    // Another cluster's is for the class to judge, as is one that no object describes.
    assert_eq!(borrowed_from(&stored("LambdaManagedPolicy", "north", "data", "table"), patch), None);
    let unwatched = borrowed_from(&stored("LambdaManagedPolicy", "c", "far", "table"), patch);
    assert_eq!(unwatched, Some(Reason::PolicyNotAllowed));
    let untagged = ManagedPolicy { tags: BTreeMap::new(), ..stored("LambdaManagedPolicy", "c", "data", "table") };
    assert_eq!(borrowed_from(&untagged, patch), None);
}

#[test]
fn what_holds_statements_of_one_role_is_no_other_s_to_attach() {
    let refused = Some(Reason::PolicyNotAllowed);
    assert_eq!(borrowed_from(&stored("LambdaExecutionRole", "c", "data", "table"), None), refused);
    assert_eq!(borrowed_from(&stored("LambdaExecutionRole", "c", "shop", "other"), None), refused);
    assert_eq!(borrowed_from(&stored("LambdaExecutionRole", "c", "shop", "orders"), None), None);
}

#[rstest]
#[case::as_it_is("arn:aws:iam::111122223333:policy/lambda/shop/shop-table", true)]
#[case::with_placeholders("arn:$(partition):iam::$(accountId):policy/lambda/$(namespace)/$(namespace)-table", true)]
#[case::another("arn:aws:iam::111122223333:policy/lambda/shop/shop-tables", false)]
#[case::another_by_placeholder("arn:aws:iam::111122223333:policy/lambda/shop/$(name)-table", false)]
fn a_role_that_may_list_a_policy_is_looked_at_again_when_that_changes(#[case] listed: &str, #[case] may_list_it: bool) {
    let spec = spec(&format!("managedPolicies: [{{arn: '{listed}'}}]"));
    assert_eq!(may_list(&spec, ("shop", "orders"), ARN), may_list_it);
}

/// What a role in `shop` finds, of whose labels nobody knows.
fn referring<Found>(look: impl FnOnce(&Referrer<'_>) -> Found) -> Found {
    look(&Referrer {
        namespace: &Namespace { name: "shop".to_owned(), labels: None },
        class_name: "production",
        class: &LambdaRoleClassSpec::default(),
        account: &account(),
        cluster: "c",
        attached: Vec::new(),
    })
}

#[test]
fn a_role_is_told_of_each_policy_that_it_waits_for_and_first_what_needs_somebody() {
    let spec =
        spec("managedPolicies: [{ref: {name: absent}}, {ref: {name: missing}}, {ref: {name: table, namespace: data}}]");
    let hold = referring(|referrer| References::resolve(&spec, referrer, |_| None)).hold().unwrap();
    assert_eq!(hold.reason, Reason::PolicyNotAllowed);
    for name in ["shop/absent", "shop/missing", "data/table"] {
        assert!(hold.message.contains(name), "{}", hold.message);
    }
}

#[test]
fn a_policy_that_needs_somebody_is_told_from_one_that_is_on_its_way() {
    let condition = |kind: &str, status: &str| {
        format!(
            "{{type: {kind}, status: '{status}', reason: GuardrailViolation, message: refused, lastTransitionTime: '2026-01-01T00:00:00Z'}}"
        )
    };
    for (kind, expected) in [("Stalled", Reason::PolicyRefused), ("Reconciling", Reason::PolicyNotReady)] {
        let conditions = [condition("Ready", "False"), condition(kind, "True")].join(", ");
        let waiting = policy("shop", &format!("status: {{policyId: null, conditions: [{conditions}]}}"));
        assert_eq!(reason(&resolved("{name: table}", &[waiting], &[])), expected);
    }
}

/// Roles are woken when it changes, and each wake costs a look at IAM.
#[test]
fn the_essence_of_a_policy_is_what_its_roles_go_by() {
    let before = essence(&policy("shop", "{}"));
    let same = [
        "metadata: {generation: 7}",
        "status: {attachmentCount: 3}",
        "status: {defaultVersionId: v2}",
        "status: {conditions: [{type: Ready, status: Unknown, reason: Ready, message: fine, lastTransitionTime: '2026-01-01T00:00:00Z'}]}",
    ];
    for patch in same {
        assert_eq!(essence(&policy("shop", patch)), before, "{patch}");
    }
    let other = [
        "metadata: {uid: '2'}",
        "metadata: {deletionTimestamp: '2026-01-01T00:00:00Z'}",
        "spec: {allowedNamespaces: {names: [a]}}",
        "status: {policyId: null}",
    ];
    for patch in other {
        assert_ne!(essence(&policy("shop", patch)), before, "{patch}");
    }
}

/// What a role in `shop` is told offline that has `entry`, and that policy among its manifests, if there is one.
fn offline(entry: &str, policy: Option<LambdaManagedPolicy>) -> (Option<Resolution>, Vec<Finding>) {
    let spec = spec(&format!("managedPolicies: [{entry}]"));
    let policies = policy.map(|policy| (("data".to_owned(), "table".to_owned()), (policy, Some(OFFLINE.to_owned()))));
    let policies = policies.into_iter().collect();
    let (references, findings) = referring(|referrer| References::offline(&spec, referrer, &policies));
    let reference = spec.managed_policies[0].reference.as_ref();
    (reference.and_then(|reference| references.get(reference, "shop")).cloned(), findings)
}

const OFFLINE: &str = "arn:aws:iam::111122223333:policy/data-table";

const REFERENCE: &str = "{ref: {name: table, namespace: data}}";

fn told(findings: &[Finding]) -> Vec<(Severity, Code, &str)> {
    findings.iter().map(|finding| (finding.severity, finding.code, finding.path.as_str())).collect()
}

#[rstest]
#[case::admitted(Some("{status: null, spec: {allowedNamespaces: {names: [shop]}}}"), true, &[])]
#[case::not_admitted(Some("status: null"), false, &[(Severity::Error, Code::InvalidField, "spec.managedPolicies[0].ref")])]
#[case::admitted_by_labels_that_no_manifest_tells(
    Some("{status: null, spec: {allowedNamespaces: {selector: {matchLabels: {tier: web}}}}}"),
    true,
    &[(Severity::Warning, Code::NamespaceNotRead, "spec.managedPolicies[0].ref")]
)]
#[case::not_among_the_manifests(None, false, &[(Severity::Warning, Code::PolicyNotRead, "spec.managedPolicies[0].ref")])]
fn offline_a_policy_among_the_manifests_counts_as_in_place(
    #[case] patch: Option<&str>,
    #[case] is_ready: bool,
    #[case] expected: &[(Severity, Code, &str)],
) {
    let (resolution, findings) = offline(REFERENCE, patch.map(|patch| policy("data", patch)));
    assert_eq!(resolution == Some(ready(OFFLINE)), is_ready, "{resolution:?}");
    assert_eq!(told(&findings), expected);
}

#[rstest]
#[case::its_arn("arn:aws:iam::111122223333:policy/data-table", true)]
#[case::in_another_case("arn:aws:iam::111122223333:policy/DATA-Table", true)]
#[case::under_another_path("arn:aws:iam::111122223333:policy/x/data-table", true)]
#[case::another_account("arn:aws:iam::444455556666:policy/data-table", false)]
#[case::another_name("arn:aws:iam::111122223333:policy/data-table-2", false)]
fn offline_too_the_arn_is_no_way_round(#[case] arn: &str, #[case] is_described: bool) {
    let namespace = Namespace { name: "shop".to_owned(), labels: None };
    let told_of = |patch: &str| {
        let policies = [(("data".to_owned(), "table".to_owned()), (policy("data", patch), Some(OFFLINE.to_owned())))];
        borrowed_offline(&[arn.to_owned()].into(), &namespace, &policies.into())
    };
    assert_eq!(told(&told_of("{}")).len(), usize::from(is_described));
    assert_eq!(told_of("spec: {allowedNamespaces: {names: [shop]}}"), []);
    // Labels that nobody told are no reason to refuse.
    assert_eq!(told_of(BY_LABEL), []);
}
