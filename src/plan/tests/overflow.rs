//! Statements that the inline policies have no room for: what is made of them, and in which order.

use std::collections::BTreeMap;

use rstest::rstest;

use super::{account, class, clauses, desired, faults, judged, owner, spec, stored};
use crate::{
    api::{LambdaExecutionRoleStatus, LambdaRoleClassSpec, OVERFLOW_TAG, Reason, status::OverflowPolicy as Told},
    lint::Code,
    plan::{
        DesiredRole, ObservedPolicy, ObservedRole, Owner, Placed, PolicyOwner, PolicyVersion, References, Step, Usage,
        Verdict,
        compliance::{Documents, boundary_refusal, refusal, role_arn},
        desired::desired_role,
        diff::diff,
        guard::Removal,
        managed_policy::Boundaries,
        overflow::{self, ByNumber, Names},
    },
    policy::{Document, document::Effect},
};

const PREFIX: &str = "arn:aws:iam::111122223333:policy/shop-orders+";

/// A statement of some 500 characters that merges with no other.
fn statement(number: usize, effect: &str) -> String {
    format!(
        "{{sid: S{number}, effect: {effect}, actions: ['s3:Get{number}*'], resources: ['arn:aws:s3:::{number}-{}/*']}}",
        "b".repeat(400)
    )
}

fn yaml(statements: &[String]) -> String {
    format!("statements: [{}]", statements.join(", "))
}

fn allows(count: usize) -> Vec<String> {
    (0..count).map(|number| statement(number, "Allow")).collect()
}

/// The managed policies as IAM holds them once they equal `desired`.
fn policies(desired: &DesiredRole) -> ByNumber {
    let tags = PolicyOwner::of_role(&owner()).tags();
    let policy = |(number, policy): (&u32, &overflow::OverflowPolicy)| {
        let observed = ObservedPolicy {
            name: policy.name.clone(),
            path: "/".to_owned(),
            arn: policy.arn.clone(),
            document: policy.document.to_string(),
            tags: tags.clone(),
            attachment_count: 1,
            versions: Some(vec![PolicyVersion { id: "v1".to_owned(), is_default: true }]),
            ..ObservedPolicy::default()
        };
        (*number, observed)
    };
    desired.overflow_policies.iter().map(policy).collect()
}

/// The role once it equals `desired`, and what is the object's.
fn synced(desired: &DesiredRole) -> (ObservedRole, Placed) {
    let mut role = stored(desired);
    role.managed_policies = desired.attached_policies();
    if let Some(highest) = desired.overflow_policies.keys().max() {
        role.tags.insert(OVERFLOW_TAG.to_owned(), highest.to_string());
    }
    (role, Placed::default().with_overflow(policies(desired)))
}

/// What is done to come from one spec to another.
fn from_to(old: &str, new: &str) -> (Vec<Step>, DesiredRole) {
    let (role, placed) = synced(&desired(old));
    let new = desired(new).placed(Some(&role), &placed);
    (diff(&new, Some(&role), &placed), new)
}

fn sids(document: &Document) -> Vec<&str> {
    document.statements.iter().map(|statement| statement.sid.as_deref().unwrap()).collect()
}

#[test]
fn a_new_role_says_how_many_policies_it_has_before_there_are_any() {
    let role = desired(&yaml(&allows(40)));
    assert_eq!(role.overflow_policies.keys().collect::<Vec<_>>(), [&2, &3]);
    let steps = diff(&role, None, &Placed::default());
    let Step::CreateRole(new) = &steps[0] else { panic!("{steps:?}") };
    assert_eq!(new.tags[OVERFLOW_TAG], "3");
    assert_eq!(
        clauses(&steps[1..]),
        [
            "put inline policy lambdaroles".to_owned(),
            format!("create policy {PREFIX}2"),
            format!("attach {PREFIX}2"),
            format!("create policy {PREFIX}3"),
            format!("attach {PREFIX}3"),
        ]
    );
    let Step::CreatePolicy(new) = &steps[2] else { panic!("{steps:?}") };
    assert_eq!(new.tags, PolicyOwner::of_role(&owner()).tags());
    assert!(new.document.characters() <= 6_144);
}

#[test]
fn a_role_that_is_as_it_shall_be_needs_nothing() {
    let (steps, _) = from_to(&yaml(&allows(40)), &yaml(&allows(40)));
    assert_eq!(steps, []);
}

#[test]
fn a_small_edit_is_one_write() {
    for number in [0, 20, 39] {
        let mut edited = allows(40);
        edited[number] = edited[number].replace("s3:Get", "s3:Put");
        let (steps, _) = from_to(&yaml(&allows(40)), &yaml(&edited));
        assert_eq!(steps.len(), 1, "{steps:?}");
    }
}

#[test]
fn of_five_versions_the_oldest_that_does_not_count_goes_for_the_next() {
    let (role, mut placed) = synced(&desired(&yaml(&allows(40))));
    let version = |number: u32| PolicyVersion { id: format!("v{number}"), is_default: number == 3 };
    placed.overflow_policies.get_mut(&3).unwrap().versions = Some((3..=7).map(version).collect());
    let mut edited = allows(40);
    edited[39] = edited[39].replace("s3:Get", "s3:Put");
    let new = desired(&yaml(&edited)).placed(Some(&role), &placed);
    assert_eq!(
        clauses(&diff(&new, Some(&role), &placed)),
        [format!("delete version v4 of {PREFIX}3"), format!("write a version of {PREFIX}3")]
    );
}

#[test]
fn a_role_that_comes_to_overflow_is_tagged_first() {
    let (steps, _) = from_to(&yaml(&allows(10)), &yaml(&allows(25)));
    assert_eq!(
        clauses(&steps),
        [
            format!("set tags {OVERFLOW_TAG}"),
            "put inline policy lambdaroles".to_owned(),
            format!("create policy {PREFIX}2"),
            format!("attach {PREFIX}2"),
        ]
    );
}

#[test]
fn what_goes_back_inline_is_written_there_before_its_policies_go_and_the_tag_goes_last() {
    let (steps, _) = from_to(&yaml(&allows(40)), &yaml(&[allows(2), allows(40)[36..].to_vec()].concat()));
    assert_eq!(
        clauses(&steps),
        [
            "put inline policy lambdaroles".to_owned(),
            format!("detach {PREFIX}2"),
            format!("detach {PREFIX}3"),
            format!("delete policy {PREFIX}2"),
            format!("delete policy {PREFIX}3"),
            format!("remove tags {OVERFLOW_TAG}"),
        ]
    );
}

#[test]
fn where_one_policy_goes_the_tag_is_lowered_behind_it() {
    let (steps, _) = from_to(&yaml(&allows(40)), &yaml(&allows(28)));
    let clauses = clauses(&steps);
    assert_eq!(clauses.last(), Some(&format!("set tags {OVERFLOW_TAG}")), "{clauses:?}");
    assert_eq!(clauses[clauses.len() - 2], format!("delete policy {PREFIX}3"));
}

/// Raw policies that grow push statements out of the inline policy.
#[test]
fn a_denial_that_moves_is_in_force_all_the_way() {
    let all = [vec![statement(90, "Deny")], allows(17)].concat();
    let raw = |characters: usize| {
        let value = "v".repeat(characters);
        format!(
            "inlinePolicies: [{{name: legacy, document: {{Version: '2012-10-17', Statement: {{Effect: Allow, Action: 's3:List*', Resource: '*', Condition: {{StringEquals: {{'aws:PrincipalTag/x': '{value}'}}}}}}}}}}]"
        )
    };
    let before = yaml(&all);
    let after = format!("{}\n{}", yaml(&all), raw(10_000));
    let (steps, new) = from_to(&before, &after);
    let denies = |document: &Document| sids(document).contains(&"S90");
    assert!(new.overflow_policies.values().any(|policy| denies(&policy.document)), "{steps:?}");
    let is_given = |step: &Step| matches!(step, Step::DeleteInlinePolicy(name) if name == "lambdaroles");
    let is_taken = |step: &Step| matches!(step, Step::AttachManagedPolicy(_));
    let given = steps.iter().position(is_given).unwrap();
    let taken = steps.iter().rposition(is_taken).unwrap();
    assert!(taken < given, "{:?}", clauses(&steps));
}

/// A statement that no managed policy has room for.
fn long_allow() -> String {
    let resources: Vec<String> =
        (0..15).map(|number| format!("'arn:aws:s3:::{number}-{}/*'", "c".repeat(430))).collect();
    format!("{{sid: Long, effect: Allow, actions: ['s3:GetObject'], resources: [{}]}}", resources.join(", "))
}

/// The effects that the steps write, document by document.
fn effects(steps: &[Step]) -> Vec<(bool, usize)> {
    let of = |document: &Document| {
        let denies = document.statements.iter().filter(|statement| statement.effect == Effect::Deny).count();
        (denies < document.statements.len(), denies)
    };
    let written = steps.iter().filter_map(|step| match step {
        Step::PutInlinePolicy { document, .. } | Step::CreatePolicyVersion { document, .. } => Some(of(document)),
        Step::CreatePolicy(new) => Some(of(&new.document)),
        _ => None,
    });
    written.collect()
}

#[test]
fn of_a_new_role_nothing_is_open_before_all_that_denies_stands() {
    let denies: Vec<String> = (0..10).map(|number| statement(number, "Deny")).collect();
    let new = desired(&yaml(&[vec![long_allow()], denies].concat()));
    let steps = diff(&new, None, &Placed::default());
    let written = effects(&steps);
    let (last, before) = written.split_last().unwrap();
    assert!(last.0 && before.iter().all(|(allows, _)| !allows), "{written:?}");
    assert_eq!(written.iter().map(|(_, denies)| denies).sum::<usize>(), 10, "{written:?}");
    let attached = steps.iter().position(|step| matches!(step, Step::AttachManagedPolicy(_)));
    let open = steps.iter().position(|step| matches!(step, Step::PutInlinePolicy { .. }));
    assert!(attached.is_some() && attached < open, "{:?}", clauses(&steps));
}

#[test]
fn a_policy_that_is_written_once_more_before_it_goes_is_deleted_with_the_version_that_leaves() {
    let (_, placed) = synced(&desired(&yaml(&allows(40))));
    let policy = &placed.overflow_policies[&2];
    let versions = |before: &[Step]| {
        let steps = overflow::deletion(policy, before);
        assert!(matches!(steps.last(), Some(Step::DeletePolicy(_))));
        steps.len() - 1
    };
    let rewritten = overflow::rewrite(policy, &Document::new(Vec::new()));
    assert_eq!((versions(&[]), versions(&rewritten)), (0, 1));
    let full = (1..=5).map(|n| PolicyVersion { id: format!("v{n}"), is_default: n == 5 });
    let full = ObservedPolicy { versions: Some(full.collect()), ..policy.clone() };
    let rewritten = overflow::rewrite(&full, &Document::new(Vec::new()));
    let deleted = overflow::deletion(&full, &rewritten);
    let named = |id: &str| {
        deleted.iter().any(|step| matches!(step, Step::DeletePolicyVersion { version, .. } if version == id))
    };
    assert!(!named("v1") && ["v2", "v3", "v4", "v5"].into_iter().all(named), "{:?}", clauses(&deleted));
}

#[test]
fn where_a_statement_stands_is_no_part_of_what_the_spec_asks_for() {
    let all = desired(&yaml(&allows(40)));
    let (role, mut placed) = synced(&all);
    // Somebody swapped two documents.
    let [two, three] = [2, 3].map(|number| placed.overflow_policies[&number].document.clone());
    placed.overflow_policies.get_mut(&2).unwrap().document = three;
    placed.overflow_policies.get_mut(&3).unwrap().document = two;
    let moved = all.placed(Some(&role), &placed);
    assert_ne!(moved.overflow_policies, all.overflow_policies);
    assert_eq!(moved.fingerprint(), all.fingerprint());
    assert_ne!(desired(&yaml(&allows(39))).fingerprint(), all.fingerprint());
}

#[rstest]
#[case::nobodys(BTreeMap::new(), "its tags name no object of this controller")]
#[case::of_another_kind(
    PolicyOwner { kind: "LambdaManagedPolicy".to_owned(), owner: owner() }.tags(),
    "it belongs to LambdaManagedPolicy shop/orders of cluster north"
)]
#[case::of_another_object(
    PolicyOwner::of_role(&Owner { name: "billing".to_owned(), ..owner() }).tags(),
    "it belongs to LambdaExecutionRole shop/billing of cluster north"
)]
fn a_policy_of_somebody_else_is_a_conflict(#[case] tags: BTreeMap<String, String>, #[case] whose: &str) {
    let role = desired(&yaml(&allows(25)));
    let found = ByNumber::from([(2, ObservedPolicy { tags, ..policies(&role)[&2].clone() })]);
    assert_eq!(overflow::owned(&found, &owner()), ByNumber::new());
    let hold = overflow::conflict(&role, &owner(), &found).unwrap();
    assert_eq!(hold.reason, Reason::PolicyConflict);
    assert!(hold.message.contains(&format!("{PREFIX}2")) && hold.message.contains(whose), "{}", hold.message);
    assert_eq!(overflow::conflict(&desired("{}"), &owner(), &found), None);
    assert_eq!(overflow::conflict(&role, &owner(), &policies(&role)), None);
}

#[test]
fn policies_are_looked_for_as_far_as_tag_attachments_and_status_go_and_no_further_than_is_sane() {
    let names = Names::of(&account(), "/", "shop-orders");
    let mut role = stored(&desired("{}"));
    let told = |number: u32| Told { arn: format!("{PREFIX}{number}"), ..Told::default() };
    let mut status = LambdaExecutionRoleStatus::default();
    let numbers = |role: &ObservedRole, status: &LambdaExecutionRoleStatus| {
        overflow::numbers(&names, Some(role), status).into_iter().collect::<Vec<_>>()
    };
    assert_eq!(numbers(&role, &status), [] as [u32; 0]);
    role.tags.insert(OVERFLOW_TAG.to_owned(), "3".to_owned());
    role.managed_policies.extend([format!("{PREFIX}5"), format!("{PREFIX}07"), format!("{PREFIX}x-8")]);
    status.overflow_policies = vec![told(6), told(1), told(4_000_000)];
    assert_eq!(numbers(&role, &status), [2, 3, 5, 6]);
    role.tags.insert(OVERFLOW_TAG.to_owned(), "4000000".to_owned());
    assert!(numbers(&role, &status).len() < 100);
    role.tags.insert(OVERFLOW_TAG.to_owned(), "many".to_owned());
    assert_eq!(numbers(&role, &status), [5, 6]);
}

#[test]
fn what_nothing_can_hold_is_refused_with_numbers() {
    let resources: Vec<String> = (0..26).map(|number| format!("'arn:aws:s3:::{number}-{}'", "b".repeat(400))).collect();
    let long = format!("{{effect: Allow, actions: ['s3:GetObject'], resources: [{}]}}", resources.join(", "));
    let told = faults(&yaml(&[vec![long], allows(40)[1..].to_vec()].concat()));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("spec.statements[0]: makes a document of "), "{told:?}");

    let attached: Vec<String> = (0..24).map(|number| format!("{{aws: Policy{number}}}")).collect();
    let many = format!("{}\nmanagedPolicies: [{}]", yaml(&allows(40)), attached.join(", "));
    assert_eq!(
        faults(&many),
        [
            "spec.statements: need 2 managed policies beside the inline ones, with all merged that can be; with the 24 that are attached besides that is 1 more than the 25 that the account allows for a role: ask AWS for a higher quota, or attach fewer"
        ]
    );

    let path = format!("path: /a!b/\n{}", yaml(&allows(40)));
    assert_eq!(faults(&path), [format!("spec.path: {}", crate::api::rule::POLICY_PATH)]);
    assert!(judged(&format!("path: /a!b/\n{}", yaml(&allows(10)))).is_ok());
    let refused = format!("overflow: Refuse\n{}", yaml(&allows(40)));
    assert!(faults(&refused)[0].contains("more than the 10240 that IAM allows"));
}

#[test]
fn a_number_that_the_spec_attaches_is_not_the_roles_own() {
    let all = format!("managedPolicies: [{{arn: '{PREFIX}2'}}]\n{}", yaml(&allows(25)));
    assert_eq!(desired(&all).overflow_policies.keys().collect::<Vec<_>>(), [&3]);
}

fn removal<'a>(owner: &'a Owner, role: &'a DesiredRole) -> Removal<'a> {
    Removal {
        owner,
        role_name: &role.name,
        deletion_policy: crate::api::role::DeletionPolicy::Delete,
        deletion_policy_if_adopted: crate::api::role::DeletionPolicy::Delete,
        observing_class: None,
        suspend: false,
        unlisted: role.unlisted,
        delete_in_use: false,
    }
}

#[test]
fn the_policies_go_between_what_they_hold_and_the_role() {
    let all = desired(&yaml(&allows(40)));
    let (role, mut placed) = synced(&all);
    let version = |number: u32| PolicyVersion { id: format!("v{number}"), is_default: number == 2 };
    placed.overflow_policies.get_mut(&2).unwrap().versions = Some((1..=2).map(version).collect());
    let owner = owner();
    let Verdict::Delete(steps) = removal(&owner, &all).judge(Some(&role), &Usage::default(), &placed) else { panic!() };
    assert_eq!(
        clauses(&steps),
        [
            "delete inline policy lambdaroles".to_owned(),
            format!("detach {PREFIX}2"),
            format!("detach {PREFIX}3"),
            format!("delete version v1 of {PREFIX}2"),
            format!("delete policy {PREFIX}2"),
            format!("delete policy {PREFIX}3"),
            "delete the role".to_owned(),
        ]
    );
    // Of a role that somebody else deleted only they are left.
    for policy in placed.overflow_policies.values_mut() {
        policy.attachment_count = 0;
    }
    let Verdict::Delete(steps) = removal(&owner, &all).judge(None, &Usage::default(), &placed) else { panic!() };
    assert_eq!(clauses(&steps).len(), 3);
    assert_eq!(removal(&owner, &all).judge(None, &Usage::default(), &Placed::default()), Verdict::Release(None));
}

#[test]
fn a_policy_that_others_use_holds_the_deletion_up() {
    let all = desired(&yaml(&allows(40)));
    let (role, mut placed) = synced(&all);
    placed.overflow_policies.get_mut(&3).unwrap().attachment_count = 2;
    let owner = owner();
    let Verdict::Hold(hold) = removal(&owner, &all).judge(Some(&role), &Usage::default(), &placed) else { panic!() };
    assert_eq!(hold.reason, Reason::PolicyInUse);
    assert!(hold.message.contains(&format!("{PREFIX}3")), "{}", hold.message);
}

#[test]
fn a_policy_that_the_class_takes_for_a_boundary_is_refused() {
    let boundary = format!("{PREFIX}2").replace("111122223333", "$(accountId)");
    let class_yaml = format!(
        "{{account: {{id: '111122223333'}}, namespaces: {{}}, guardrails: {{permissions: {{exempted: [{{actions: ['*']}}]}}, permissionsBoundary: {{arn: '{boundary}'}}}}}}"
    );
    let class_spec = serde_saphyr::from_str(&class_yaml).unwrap();
    let role_spec = spec(&yaml(&allows(25)));
    let class = crate::plan::ObjectClass::of("strict", &class_spec, &role_spec, &owner(), &account()).unwrap();
    let role = desired_role(&role_spec, &owner(), &account(), &class, &References::default(), None).unwrap();
    let arn = role_arn(&role, &account());
    let hold = refusal(&class, &role, &arn, None, &Placed::default(), &Documents::new()).unwrap();
    assert!(hold.message.contains("takes for a boundary"), "{}", hold.message);
}

#[test]
fn nor_does_a_role_write_the_boundary_of_another_class() {
    let classes = |boundary: &str| {
        let yaml = format!(
            "{{account: {{id: '111122223333'}}, namespaces: {{}}, guardrails: {{permissionsBoundary: {{allowed: ['{boundary}']}}}}}}"
        );
        serde_saphyr::from_str::<LambdaRoleClassSpec>(&yaml).unwrap()
    };
    let role = desired(&yaml(&allows(25)));
    let (hers, others) = (classes(&format!("{PREFIX}*")), classes("arn:aws:iam::111122223333:policy/boundary-*"));
    let hold =
        |spec: &LambdaRoleClassSpec| boundary_refusal(&class(), &role, &Boundaries::of([("other", spec)], &account()));
    let refused = hold(&hers).unwrap();
    assert_eq!(refused.reason, Reason::GuardrailViolation);
    assert!(refused.message.contains("permissionsBoundary.allowed[0] of LambdaRoleClass other"), "{}", refused.message);
    assert_eq!(hold(&others), None);
}

#[test]
fn offline_and_without_a_class_overflow_is_as_good_as_inline() {
    let role =
        desired_role(&spec(&yaml(&allows(40))), &owner(), &account(), &class(), &References::default(), None).unwrap();
    let all: Vec<&str> = role
        .inline_policies
        .values()
        .chain(role.overflow_policies.values().map(|policy| &policy.document))
        .flat_map(sids)
        .collect();
    assert_eq!(all.len(), 40);
    assert!(role.warnings.iter().all(|warning| warning.code != Code::SizeNearQuota), "{:?}", role.warnings);
}
