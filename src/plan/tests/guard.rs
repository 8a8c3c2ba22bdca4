//! What may be done, and what is said where it may not.

use std::collections::BTreeSet;

use rstest::rstest;

use super::{account, class, clauses, desired, owner, placed, set, spec, stored};
use crate::{
    api::{
        Reason,
        role::{DeletionPolicy, Unlisted, UnlistedInlinePolicies, UnlistedManagedPolicies},
    },
    plan::{
        Hold, ObjectClass, ObservedRole, Owner, Placed, References, Step, Usage, Verdict,
        diff::diff,
        guard::{Removal, Terms, judge},
    },
};

/// The role of another spec under the name that the tests' object wants.
fn found(yaml: &str, tags_of: Option<&Owner>) -> ObservedRole {
    let mut role = stored(&desired(yaml));
    role.tags = tags_of.map(Owner::tags).unwrap_or_default();
    role
}

fn verdict(yaml: &str, observed: &ObservedRole, is_settled: bool) -> Result<Vec<Step>, Hold> {
    let role = desired(yaml);
    let steps = diff(&role, Some(observed), &placed(&[]));
    judge(&role, &terms(&owner(), &class()), Some(observed), steps, is_settled)
}

const NONE: &BTreeSet<String> = &BTreeSet::new();

fn terms<'a>(owner: &'a Owner, class: &'a ObjectClass) -> Terms<'a> {
    Terms { owner, class, protected: NONE }
}

fn hold(reason: Reason, message: &str) -> Hold {
    Hold { reason, message: message.to_owned(), plan: Vec::new() }
}

fn planned(reason: Reason, plan: &[&str], message: &str) -> Hold {
    Hold { plan: plan.iter().map(|&step| step.to_owned()).collect(), ..hold(reason, message) }
}

#[test]
fn a_role_with_our_tags_is_ours() {
    let steps = verdict("description: x", &found("{}", Some(&owner())), false).unwrap();
    assert_eq!(clauses(&steps), ["set description and session duration"]);
}

#[test]
fn a_role_that_does_not_exist_may_be_created() {
    let role = desired("{}");
    let steps = diff(&role, None, &placed(&[]));
    assert_eq!(judge(&role, &terms(&owner(), &class()), None, steps.clone(), false), Ok(steps));
}

#[test]
fn who_only_wants_to_see_what_an_adoption_would_change_makes_no_role_either() {
    let role = desired("adoption: Observe");
    let steps = diff(&role, None, &placed(&[]));
    let held = judge(&role, &terms(&owner(), &class()), None, steps, false).unwrap_err();
    assert_eq!((held.reason, held.plan[0].as_str()), (Reason::Observed, "create the role"));
    assert!(held.message.contains("spec.adoption is Observe"), "{}", held.message);
}

#[rstest]
#[case::without_tags(
    None,
    "its tags name no LambdaExecutionRole, so it is not this controller's (if somebody took the tags away, give it back lambdaroles.dev/cluster, /namespace and /name)"
)]
#[case::of_another_object(
    Some(Owner { name: "billing".to_owned(), ..owner() }),
    "it belongs to LambdaExecutionRole shop/billing of cluster north"
)]
#[case::of_another_namespace(
    Some(Owner { namespace: "store".to_owned(), ..owner() }),
    "it belongs to LambdaExecutionRole store/orders of cluster north"
)]
fn a_role_of_somebody_else_is_a_conflict_even_if_nothing_differs(
    #[case] tags_of: Option<Owner>,
    #[case] whose: &str,
    #[values("{}", "description: x")] yaml: &str,
    #[values(false, true)] is_settled: bool,
) {
    let message = format!(
        "Role shop-orders exists already (arn:aws:iam::111122223333:role/shop-orders): {whose}. It was not touched. Make a new object with another spec.roleName, or remove the role."
    );
    assert_eq!(verdict(yaml, &found("{}", tags_of.as_ref()), is_settled), Err(hold(Reason::RoleConflict, &message)));
}

/// It may be this very object's, and functions may use it: nobody is told to remove it.
#[test]
fn a_role_of_the_same_object_in_another_cluster_may_be_that_of_a_cluster_that_was_renamed() {
    let south = Owner { cluster: "south".to_owned(), ..owner() };
    let message = "Role shop-orders exists already (arn:aws:iam::111122223333:role/shop-orders): it belongs to LambdaExecutionRole shop/orders of cluster south. It was not touched. If this cluster was called south before, run the controller with --cluster-name south again; if that is another cluster, make a new object with another name, and leave what is there to it.";
    assert_eq!(verdict("{}", &found("{}", Some(&south)), false), Err(hold(Reason::RoleConflict, message)));
}

#[test]
fn tags_that_name_half_an_owner_name_none() {
    let mut role = found("{}", Some(&owner()));
    role.tags.remove("lambdaroles.dev/namespace");
    let message = verdict("{}", &role, false).unwrap_err().message;
    assert!(message.contains("its tags name no LambdaExecutionRole, so it is not this controller's (if somebody took the tags away, give it back lambdaroles.dev/cluster, /namespace and /name)"), "{message}");
}

#[rstest]
#[case::even_with_our_tags(Some(owner()))]
#[case::without_tags(None)]
fn a_role_whose_name_differs_in_case_stands_in_the_way(#[case] tags_of: Option<Owner>) {
    let mut role = found("{}", tags_of.as_ref());
    role.name = "Shop-Orders".to_owned();
    role.arn = "arn:aws:iam::111122223333:role/Shop-Orders".to_owned();
    assert_eq!(
        verdict("{}", &role, false),
        Err(hold(
            Reason::RoleConflict,
            "Role shop-orders exists already (arn:aws:iam::111122223333:role/Shop-Orders): role names are compared without regard to case, and Shop-Orders stands in the way. It was not touched. Make a new object with another spec.roleName, or remove the role."
        ))
    );
}

#[test]
fn a_role_is_not_moved_to_another_path() {
    assert_eq!(
        verdict("path: /lambda/", &found("{}", Some(&owner())), false),
        Err(hold(
            Reason::InvalidSpec,
            "spec.path: Path is immutable: IAM cannot move a role; make a new object with another roleName instead. Role shop-orders has the path /, not /lambda/."
        ))
    );
}

#[test]
fn drift_is_undone_or_reported_as_the_spec_says() {
    let role = found("description: by hand", Some(&owner()));
    let undo = ["set description and session duration"];
    assert_eq!(clauses(&verdict("drift: Correct", &role, true).unwrap()), undo);
    assert_eq!(
        verdict("drift: Report", &role, true),
        Err(planned(
            Reason::Drifted,
            &undo,
            "Role shop-orders was changed by somebody else, and spec.drift is Report. To match the spec the controller would: set description and session duration. Undo the change in IAM, change the spec, or set spec.drift to Correct."
        ))
    );
}

#[test]
fn a_difference_is_no_drift_until_the_spec_was_in_place_once() {
    let role = found("description: before", Some(&owner()));
    let steps = verdict("drift: Report", &role, false).unwrap();
    assert_eq!(clauses(&steps), ["set description and session duration"]);
}

#[test]
fn a_role_that_equals_the_spec_is_no_drift() {
    assert_eq!(verdict("drift: Report", &found("{}", Some(&owner())), true), Ok(Vec::new()));
}

#[test]
fn a_role_that_somebody_deleted_is_drift() {
    let role = desired("drift: Report");
    let steps = diff(&role, None, &placed(&[]));
    assert_eq!(judge(&role, &terms(&owner(), &class()), None, steps, true).unwrap_err().reason, Reason::Drifted);
}

/// The removal of the tests' object; tests change what they are about.
fn removal(owner: &Owner) -> Removal<'_> {
    Removal {
        owner,
        role_name: "shop-orders",
        deletion_policy: DeletionPolicy::Delete,
        deletion_policy_if_adopted: DeletionPolicy::Retain,
        observing_class: None,
        suspend: false,
        unlisted: Unlisted::default(),
        delete_in_use: false,
    }
}

fn functions(count: usize) -> Usage {
    let arn = |n| format!("arn:aws:lambda:eu-west-1:111122223333:function:f{n}");
    Usage { functions: (1..=count).map(arn).collect(), ..Usage::default() }
}

const SUSPENDED: &str = "The deletion waits: spec.suspend is true, so role shop-orders is not touched. Set spec.suspend to false to delete the role, or spec.deletionPolicy to Retain to leave it.";

#[rstest]
#[case::delete(DeletionPolicy::Delete, false, None)]
#[case::delete_while_suspended(DeletionPolicy::Delete, true, Some(Verdict::Hold(hold(Reason::Suspended, SUSPENDED))))]
#[case::retain(DeletionPolicy::Retain, false, Some(Verdict::Release(Some("Role shop-orders stays, as its deletion policy is Retain.".to_owned()))))]
#[case::retain_while_suspended(DeletionPolicy::Retain, true, Some(Verdict::Release(Some("Role shop-orders stays, as its deletion policy is Retain.".to_owned()))))]
fn retaining_and_waiting_need_no_look_at_iam(
    #[case] deletion_policy: DeletionPolicy,
    #[case] suspend: bool,
    #[case] expected: Option<Verdict>,
) {
    assert_eq!(Removal { deletion_policy, suspend, ..removal(&owner()) }.judge_unseen(), expected);
}

#[test]
fn our_role_is_emptied_and_deleted() {
    let owner = owner();
    let mut role = found("managedPolicies: [{aws: AWSLambdaExecute}]", Some(&owner));
    role.inline_policies.insert("console".to_owned(), "{}".to_owned());
    assert!(removal(&owner).concerns(&role));
    let Verdict::Delete(steps) = removal(&owner).judge(Some(&role), &Usage::default(), &Placed::default()) else {
        panic!()
    };
    assert_eq!(
        clauses(&steps),
        ["detach arn:aws:iam::aws:policy/AWSLambdaExecute", "delete inline policy console", "delete the role"]
    );
}

#[test]
fn a_role_that_is_gone_holds_nobody() {
    assert_eq!(removal(&owner()).judge(None, &Usage::default(), &Placed::default()), Verdict::Release(None));
}

#[rstest]
#[case::without_tags(None)]
#[case::of_another_cluster(Some(Owner { cluster: "south".to_owned(), ..owner() }))]
fn a_role_that_is_not_ours_is_never_deleted(#[case] tags_of: Option<Owner>) {
    let owner = owner();
    let role = found("{}", tags_of.as_ref());
    assert!(!removal(&owner).concerns(&role));
    assert_eq!(
        Removal { delete_in_use: true, ..removal(&owner) }.judge(Some(&role), &Usage::default(), &Placed::default()),
        Verdict::Release(Some("Role shop-orders is not this object's and stays.".to_owned()))
    );
}

#[test]
fn a_role_of_ours_in_another_case_is_not_the_one_that_goes() {
    let owner = owner();
    let mut role = found("{}", Some(&owner));
    role.name = "Shop-Orders".to_owned();
    assert_eq!(
        removal(&owner).judge(Some(&role), &Usage::default(), &Placed::default()),
        Verdict::Release(Some("Role shop-orders is not this object's and stays.".to_owned()))
    );
}

#[test]
fn an_instance_profile_holds_the_role_whatever_the_annotation_says() {
    let owner = owner();
    let usage = Usage { instance_profiles: vec!["workers".to_owned()], ..functions(1) };
    for delete_in_use in [false, true] {
        assert_eq!(
            Removal { delete_in_use, ..removal(&owner) }.judge(
                Some(&found("{}", Some(&owner))),
                &usage,
                &Placed::default()
            ),
            Verdict::Hold(hold(
                Reason::InUseByInstanceProfile,
                "Role shop-orders is not deleted: instance profile workers holds it, which this object does not own. Remove the role from it."
            ))
        );
    }
}

#[test]
fn functions_hold_the_role_unless_the_annotation_lets_go() {
    let owner = owner();
    let role = found("{}", Some(&owner));
    assert_eq!(
        removal(&owner).judge(Some(&role), &functions(2), &Placed::default()),
        Verdict::Hold(hold(
            Reason::InUseByFunctions,
            "Role shop-orders is not deleted: Lambda runs arn:aws:lambda:eu-west-1:111122223333:function:f1, arn:aws:lambda:eu-west-1:111122223333:function:f2 with it. Give the functions another role, or set the annotation lambdaroles.dev/delete-in-use to \"true\" to delete it all the same."
        ))
    );
    let forced = Removal { delete_in_use: true, ..removal(&owner) };
    assert_eq!(forced.judge(Some(&role), &functions(2), &Placed::default()), Verdict::Delete(vec![Step::DeleteRole]));
}

#[rstest]
#[case(5, "function:f5 with it")]
#[case(6, "function:f5 and 1 more with it")]
#[case(100, "function:f5 and 95 more with it")]
fn many_functions_are_counted(#[case] count: usize, #[case] expected: &str) {
    let owner = owner();
    let Verdict::Hold(hold) =
        removal(&owner).judge(Some(&found("{}", Some(&owner))), &functions(count), &Placed::default())
    else {
        panic!()
    };
    assert!(hold.message.contains(expected), "{}", hold.message);
}

const KEEP: Unlisted =
    Unlisted { managed_policies: UnlistedManagedPolicies::Keep, inline_policies: UnlistedInlinePolicies::Keep };

#[rstest]
#[case::managed_and_inline(KEEP, Some("arn:aws:iam::aws:policy/ReadOnlyAccess, console"))]
#[case::managed(Unlisted { inline_policies: UnlistedInlinePolicies::Delete, ..KEEP }, Some("arn:aws:iam::aws:policy/ReadOnlyAccess"))]
#[case::inline(Unlisted { managed_policies: UnlistedManagedPolicies::Detach, ..KEEP }, Some("console"))]
#[case::nothing_is_kept(Unlisted::default(), None)]
fn policies_of_others_hold_the_role_where_they_are_kept(#[case] unlisted: Unlisted, #[case] named: Option<&str>) {
    let owner = owner();
    let mut role = found("managedPolicies: [{aws: AWSLambdaExecute}, {aws: ReadOnlyAccess}]", Some(&owner));
    role.inline_policies = ["console", "lambdaroles"].map(|name| (name.to_owned(), "{}".to_owned())).into();
    let removal = Removal { unlisted, ..removal(&owner) };
    let ours = placed(&["arn:aws:iam::aws:policy/AWSLambdaExecute"]);
    match (removal.judge(Some(&role), &Usage::default(), &ours), named) {
        (Verdict::Delete(steps), None) => assert_eq!(steps.len(), 5),
        (Verdict::Hold(found), Some(named)) => assert_eq!(
            found,
            hold(
                Reason::ForeignPolicies,
                &format!(
                    "Role shop-orders is not deleted: others put {named} on it, and spec.unlisted keeps them. Remove them, or set spec.unlisted to Detach and Delete."
                )
            )
        ),
        (verdict, _) => panic!("{verdict:?}"),
    }
}

#[test]
fn what_is_ours_alone_goes_although_others_policies_would_be_kept() {
    let owner = owner();
    let mut role = found("managedPolicies: [{aws: AWSLambdaExecute}]", Some(&owner));
    role.inline_policies = ["lambdaroles", "legacy"].map(|name| (name.to_owned(), "{}".to_owned())).into();
    let removal = Removal { unlisted: KEEP, ..removal(&owner) };
    let ours = Placed { inline_policies: set(&["legacy"]), ..placed(&["arn:aws:iam::aws:policy/AWSLambdaExecute"]) };
    assert!(matches!(removal.judge(Some(&role), &Usage::default(), &ours), Verdict::Delete(_)));
}

#[test]
fn what_the_spec_lists_is_ours_although_a_killed_pass_did_not_say_so() {
    let owner = owner();
    let yaml = r#"
managedPolicies: [{aws: AWSLambdaExecute}, {arn: "arn:$(partition):iam::$(accountId):policy/shared"}]
features: [{name: Tracing}]
inlinePolicies: [{name: legacy, document: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:GetObject", Resource: "*"}}}]"#;
    let role = found(yaml, Some(&owner));
    let removal = Removal { unlisted: KEEP, ..removal(&owner) };
    let ours = Placed::by_spec(&spec(yaml), &owner, &account(), &References::default(), "shop-orders");
    assert!(matches!(removal.judge(Some(&role), &Usage::default(), &ours), Verdict::Delete(_)));
    assert!(matches!(removal.judge(Some(&role), &Usage::default(), &Placed::default()), Verdict::Hold(_)));
}

#[test]
fn a_role_in_another_account_than_the_controller_s_is_not_touched() {
    let hold = |current| Hold::for_account("shop-orders", current, "111122223333");
    assert_eq!(hold(None), None);
    assert_eq!(hold(Some("111122223333")), None);
    let found = hold(Some("444455556666")).unwrap();
    assert_eq!(found.reason, Reason::AccountMismatch);
    assert!(found.message.contains("111122223333") && found.message.contains("444455556666"), "{}", found.message);
}
