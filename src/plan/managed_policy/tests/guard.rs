//! What may be done.

use rstest::rstest;
use serde_json::json;

use super::{READ, class, clauses, desired, no_class, owner, policy_owner, stored, tags};
use crate::{
    api::{KIND_TAG, NAMESPACE_TAG, Reason},
    plan::{
        Hold, ObjectClass, ObservedPolicy,
        managed_policy::{
            diff::diff,
            guard::{conflict, judge, other_account},
        },
    },
};

fn conflict_with(change: impl Fn(&mut ObservedPolicy)) -> Option<Hold> {
    let mut observed = stored(&desired(READ));
    change(&mut observed);
    conflict("shop-orders", &policy_owner(), &observed)
}

#[test]
fn a_policy_with_the_objects_tags_is_its_own() {
    assert_eq!(conflict_with(|_| {}), None);
}

#[rstest]
#[case::another_object(&[(NAMESPACE_TAG, "bank")], "it belongs to LambdaManagedPolicy bank/orders of cluster north")]
#[case::overflow_of_a_role(&[(KIND_TAG, "LambdaExecutionRole")], "it belongs to LambdaExecutionRole shop/orders of cluster north")]
fn a_policy_of_another_is_a_conflict_that_names_whose_it_is(#[case] changed: &[(&str, &str)], #[case] told: &str) {
    let hold = conflict_with(|policy| policy.tags.extend(tags(changed))).unwrap();
    assert_eq!(hold.reason, Reason::PolicyConflict);
    assert!(hold.message.contains(told), "{}", hold.message);
    assert!(hold.message.contains("It was not touched"), "{}", hold.message);
}

#[test]
fn a_policy_without_tags_is_nobodys_and_is_not_taken_over() {
    let hold = conflict_with(|policy| policy.tags.clear()).unwrap();
    assert!(hold.message.contains("its tags name no object"), "{}", hold.message);
    let hold = conflict_with(|policy| drop(policy.tags.remove(KIND_TAG))).unwrap();
    assert!(hold.message.contains("no kind of object"), "{}", hold.message);
}

#[test]
fn names_are_one_without_regard_to_case() {
    let hold = conflict_with(|policy| "Shop-Orders".clone_into(&mut policy.name)).unwrap();
    assert!(hold.message.contains("Shop-Orders stands in the way"), "{}", hold.message);
}

fn judged(yaml: &str, class: &ObjectClass, observed: &ObservedPolicy, is_settled: bool) -> Result<Vec<String>, Hold> {
    let desired = desired(yaml);
    let steps = diff(&desired, Some(observed));
    judge(&desired, &policy_owner(), class, Some(observed), steps, is_settled).map(|steps| clauses(&steps))
}

fn changed() -> ObservedPolicy {
    let mut observed = stored(&desired(READ));
    observed.tags.insert("note".to_owned(), "x".to_owned());
    observed
}

#[test]
fn a_class_that_observes_writes_nothing_and_says_what_it_would() {
    let class = class(&json!({"mode": "Observe"}), &owner());
    let hold = judged(READ, &class, &changed(), false).unwrap_err();
    assert_eq!((hold.reason, hold.plan.len()), (Reason::Observed, 1));
    assert_eq!(judged(READ, &class, &stored(&desired(READ)), false), Ok(Vec::new()));
}

#[test]
fn drift_is_reported_where_the_spec_says_so_and_corrected_else() {
    let report = format!("drift: Report\n{READ}");
    let hold = judged(&report, &no_class(), &changed(), true).unwrap_err();
    assert_eq!((hold.reason, hold.plan.len()), (Reason::Drifted, 1));
    assert!(judged(&report, &no_class(), &changed(), false).is_ok(), "a change of the spec is no drift");
    assert!(judged(READ, &no_class(), &changed(), true).is_ok());
}

#[test]
fn a_description_that_iam_cannot_change_is_told() {
    let mut observed = stored(&desired(READ));
    observed.description = "before".to_owned();
    let hold = judged(READ, &no_class(), &observed, false).unwrap_err();
    assert_eq!(hold.reason, Reason::InvalidSpec);
    assert!(hold.message.contains("\"before\""), "{}", hold.message);
}

#[test]
fn a_policy_does_not_move_to_another_account() {
    assert_eq!(other_account("shop-orders", None, "111122223333"), None);
    assert_eq!(other_account("shop-orders", Some("111122223333"), "111122223333"), None);
    let hold = other_account("shop-orders", Some("999999999999"), "111122223333").unwrap();
    assert_eq!(hold.reason, Reason::AccountMismatch);
    assert!(hold.message.starts_with("Policy shop-orders is in account 999999999999"), "{}", hold.message);
}
