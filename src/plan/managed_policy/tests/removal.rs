//! What becomes of the policy when its object is deleted.

#![expect(clippy::needless_pass_by_value, reason = "JSON literals are handed over as they stand")]

use rstest::rstest;
use serde_json::{Value, json};

use super::{ARN, READ, account, clauses, desired, owner, policy_owner, stored, tags, versions};
use crate::{
    api::{Reason, role::DeletionPolicy},
    plan::{
        Hold, HolderRole, ObservedPolicy, Owner, PolicyUsage, Verdict,
        managed_policy::{Referral, removal::Removal},
    },
};

fn judged(change: impl Fn(&mut Removal<'_>), usage: &PolicyUsage, roles: &[Value]) -> Verdict {
    judged_of(&observed(), change, usage, roles)
}

fn observed() -> ObservedPolicy {
    ObservedPolicy { versions: Some(versions(3)), ..stored(&desired(READ)) }
}

fn judged_of(
    observed: &ObservedPolicy,
    change: impl Fn(&mut Removal<'_>),
    usage: &PolicyUsage,
    roles: &[Value],
) -> Verdict {
    let owner = policy_owner();
    let mut removal = Removal {
        owner: &owner,
        name: "shop-orders",
        arn: ARN,
        deletion_policy: DeletionPolicy::Delete,
        observing_class: None,
        suspend: false,
    };
    change(&mut removal);
    let admits = |namespace: &str| ["shop", "data"].contains(&namespace);
    let roles: Vec<Referral> = roles.iter().map(|role| Referral::of(role, admits)).collect();
    removal.judge_unseen().unwrap_or_else(|| removal.judge(Some(observed), usage, &roles, &account()))
}

fn steps(verdict: Verdict) -> Vec<String> {
    match verdict {
        Verdict::Delete(steps) => clauses(&steps),
        other => panic!("{other:?}"),
    }
}

fn hold(verdict: Verdict) -> Hold {
    match verdict {
        Verdict::Hold(hold) => hold,
        other => panic!("{other:?}"),
    }
}

fn role(name: &str, spec: Value) -> Value {
    json!({"metadata": {"namespace": "shop", "name": name}, "spec": spec})
}

/// The role of the object `name`, which has the policy.
fn holder(name: &str) -> HolderRole {
    let owner = Owner { name: name.to_owned(), ..owner() };
    HolderRole { name: format!("shop-{name}"), tags: owner.tags() }
}

fn has(roles: &[HolderRole]) -> PolicyUsage {
    PolicyUsage { roles: roles.to_vec(), ..PolicyUsage::default() }
}

#[test]
fn versions_go_before_the_policy() {
    assert_eq!(
        steps(judged(|_| {}, &PolicyUsage::default(), &[])),
        [format!("delete version v1 of {ARN}"), format!("delete version v2 of {ARN}"), format!("delete policy {ARN}")]
    );
}

#[test]
fn a_policy_that_is_retained_or_suspended_is_not_even_looked_at() {
    let retained = judged(|removal| removal.deletion_policy = DeletionPolicy::Retain, &PolicyUsage::default(), &[]);
    assert!(matches!(retained, Verdict::Release(Some(_))));
    let suspended = hold(judged(|removal| removal.suspend = true, &PolicyUsage::default(), &[]));
    assert_eq!(suspended.reason, Reason::Suspended);
}

#[test]
fn a_policy_of_another_stays_untouched() {
    let mut foreign = observed();
    foreign.tags = tags(&[("team", "bank")]);
    assert!(matches!(judged_of(&foreign, |_| {}, &PolicyUsage::default(), &[]), Verdict::Release(Some(_))));
}

#[rstest]
#[case::by_reference(json!({"managedPolicies": [{"ref": {"name": "orders"}}]}), true)]
#[case::by_whole_reference(json!({"managedPolicies": [{"ref": {"namespace": "shop", "name": "orders"}}]}), true)]
#[case::by_arn(json!({"managedPolicies": [{"arn": ARN}]}), true)]
#[case::by_arn_with_placeholders(json!({"managedPolicies": [{"arn": "arn:$(partition):iam::$(accountId):policy/$(namespace)-orders"}]}), true)]
#[case::by_what_nobody_can_read(json!({"managedPolicies": [{"reference": "orders"}]}), true)]
#[case::by_no_list(json!({"managedPolicies": "orders"}), true)]
#[case::another_name(json!({"managedPolicies": [{"ref": {"name": "other"}}, {"aws": "AWSLambdaExecute"}]}), false)]
#[case::another_namespace(json!({"managedPolicies": [{"ref": {"namespace": "bank", "name": "orders"}}]}), false)]
#[case::nothing(json!({}), false)]
fn a_role_that_refers_to_it_keeps_it(#[case] spec: Value, #[case] is_kept: bool) {
    let verdict = judged(|_| {}, &PolicyUsage::default(), &[role("api", spec)]);
    if is_kept {
        let hold = hold(verdict);
        assert_eq!(hold.reason, Reason::InUseByRoles);
        assert!(hold.message.contains("while a role refers to it: LambdaExecutionRole shop/api"), "{}", hold.message);
    } else {
        assert!(matches!(verdict, Verdict::Delete(_)));
    }
}

#[rstest]
#[case::that_is_admitted("data", true)]
#[case::that_is_not("other", false)]
fn a_role_of_another_namespace_keeps_it_only_if_its_owner_admits_that(#[case] namespace: &str, #[case] is_kept: bool) {
    for managed in
        [json!([{"ref": {"namespace": "shop", "name": "orders"}}]), json!([{"arn": ARN}]), json!("illegible")]
    {
        let role = json!({
            "metadata": {"namespace": namespace, "name": "api"}, "spec": {"managedPolicies": managed},
        });
        let verdict = judged(|_| {}, &PolicyUsage::default(), &[role]);
        assert_eq!(matches!(verdict, Verdict::Hold(_)), is_kept, "{verdict:?}");
    }
}

#[test]
fn what_the_system_attached_and_no_object_asks_for_any_more_is_detached() {
    let mut role = role("api", json!({}));
    role["status"] = json!({"managedPolicies": [{"arn": ARN}]});
    let verdict = judged(|_| {}, &has(&[holder("api")]), &[role]);
    assert_eq!(steps(verdict)[0], format!("detach {ARN} from role shop-api"));
}

#[rstest]
#[case::foreign_role(HolderRole { name: "shop-api".to_owned(), tags: tags(&[]) }, json!({}))]
#[case::of_another_cluster(HolderRole { tags: Owner { cluster: "south".to_owned(), name: "api".to_owned(), ..owner() }.tags(), ..holder("api") }, json!({}))]
#[case::retained_when_its_object_went(holder("gone"), json!({}))]
#[case::suspended(holder("api"), json!({"suspend": true}))]
#[case::attached_by_others(holder("api"), json!({}))]
#[case::attached_by_others_and_kept(holder("api"), json!({"unlisted": {"managedPolicies": "Keep"}}))]
#[case::attached_by_others_and_reported(holder("api"), json!({"drift": "Report"}))]
fn a_role_that_the_system_does_not_touch_keeps_it(#[case] holder: HolderRole, #[case] spec: Value) {
    let hold = hold(judged(|_| {}, &has(std::slice::from_ref(&holder)), &[role("api", spec)]));
    assert_eq!(hold.reason, Reason::InUseByOthers);
    assert!(hold.message.contains(&format!("role {} has it", holder.name)), "{}", hold.message);
}

#[test]
fn what_the_status_says_was_attached_is_detached_under_keep_too() {
    let mut role = role("api", json!({"unlisted": {"managedPolicies": "Keep"}}));
    role["status"] = json!({"managedPolicies": [{"arn": ARN}]});
    assert!(matches!(judged(|_| {}, &has(&[holder("api")]), &[role]), Verdict::Delete(_)));
}

#[test]
fn users_groups_and_boundaries_are_named() {
    let usage = PolicyUsage {
        users: vec!["ann".to_owned()],
        groups: vec!["admins".to_owned()],
        bounded: vec!["role other".to_owned()],
        ..PolicyUsage::default()
    };
    let hold = hold(judged(|_| {}, &usage, &[]));
    assert_eq!(hold.reason, Reason::InUseByOthers);
    assert!(
        hold.message.contains("user ann, group admins, role other (as its permissions boundary)"),
        "{}",
        hold.message
    );
}

#[test]
fn a_class_that_observes_deletes_nothing_and_says_what_it_would() {
    let hold = hold(judged(|removal| removal.observing_class = Some("production"), &PolicyUsage::default(), &[]));
    assert_eq!((hold.reason, hold.plan.len()), (Reason::Observed, 3));
}
