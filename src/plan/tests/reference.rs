//! References of roles to managed policies.

use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::json;

use super::{account, spec};
use crate::{
    api::{LambdaManagedPolicy, LambdaRoleClassSpec, Reason},
    lint::{Code, Finding, Severity},
    plan::{
        References,
        class::Namespace,
        reference::{PolicyKey, Referrer, Resolution, borrowed, essence, lists},
    },
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

#[rstest]
#[case::its_arn("arn:aws:iam::111122223333:policy/lambda/data/data-table", true)]
#[case::in_another_case("arn:aws:iam::111122223333:policy/lambda/data/DATA-Table", true)]
#[case::under_another_path("arn:aws:iam::111122223333:policy/data-table", true)]
#[case::another_account("arn:aws:iam::444455556666:policy/lambda/data/data-table", false)]
#[case::another_name("arn:aws:iam::111122223333:policy/lambda/data/data-table-2", false)]
fn the_arn_is_no_way_round_a_policy_that_does_not_admit_the_role(#[case] arn: &str, #[case] is_borrowed: bool) {
    let spec = spec(&format!("managedPolicies: [{{arn: '{arn}'}}]"));
    let namespace = Namespace { name: "shop".to_owned(), labels: None };
    let policy_arn = ARN.replace("shop", "data");
    let hold = |patch| borrowed(&spec, &namespace, [(&policy("data", patch), policy_arn.as_str())]);
    assert_eq!(hold("{}").map(|hold| hold.reason), is_borrowed.then_some(Reason::PolicyNotAllowed));
    assert_eq!(hold("spec: {allowedNamespaces: {names: [shop]}}"), None);
    assert_eq!(borrowed(&spec, &namespace, [(&policy("shop", "{}"), policy_arn.as_str())]), None);
    assert_eq!(lists(&spec, &policy_arn), is_borrowed, "it is looked at again when that policy changes");
}

/// Roles are woken when it changes, and each wake costs a look at IAM.
#[test]
fn the_essence_of_a_policy_is_what_its_roles_go_by() {
    let before = essence(&policy("shop", "{}"));
    let same = [
        "metadata: {generation: 7}",
        "status: {attachmentCount: 3}",
        "status: {conditions: [{type: Ready, status: Unknown, reason: Ready, message: fine, lastTransitionTime: '2026-01-01T00:00:00Z'}]}",
    ];
    for patch in same {
        assert_eq!(essence(&policy("shop", patch)), before, "{patch}");
    }
    let other = [
        "metadata: {uid: '2'}",
        "metadata: {deletionTimestamp: '2026-01-01T00:00:00Z'}",
        "spec: {allowedNamespaces: {names: [a]}}",
        "status: {defaultVersionId: v2}",
        "status: {policyId: null}",
    ];
    for patch in other {
        assert_ne!(essence(&policy("shop", patch)), before, "{patch}");
    }
}

/// What a role in `shop` is told offline that has `entry`, and that policy among its manifests, if there is one.
fn offline(entry: &str, policy: Option<LambdaManagedPolicy>) -> (Option<Resolution>, Vec<Finding>) {
    let spec = spec(&format!("managedPolicies: [{entry}]"));
    let class = LambdaRoleClassSpec::default();
    let referrer = Referrer {
        namespace: &Namespace { name: "shop".to_owned(), labels: None },
        class_name: "production",
        class: &class,
        account: &account(),
        cluster: "c",
        attached: Vec::new(),
    };
    let policies = policy.map(|policy| (("data".to_owned(), "table".to_owned()), (policy, Some(OFFLINE.to_owned()))));
    let (references, findings) = References::offline(&spec, &referrer, &policies.into_iter().collect());
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
#[case::not_admitted("{}", &[(Severity::Error, Code::InvalidField, "spec.managedPolicies")])]
#[case::admitted("spec: {allowedNamespaces: {names: [shop]}}", &[])]
#[case::nobody_can_tell("spec: {allowedNamespaces: {selector: {matchLabels: {tier: web}}}}", &[])]
fn offline_too_the_arn_is_no_way_round(#[case] patch: &str, #[case] expected: &[(Severity, Code, &str)]) {
    let (_, findings) = offline(&format!("{{arn: '{OFFLINE}'}}"), Some(policy("data", patch)));
    assert_eq!(told(&findings), expected);
}
