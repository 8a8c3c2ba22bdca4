//! What is said of the policies on a role: versions of AWS's, and those of others.

use rstest::rstest;

use super::{Status, attached, desired, failure, identity, in_sync, notes, pass, ready, report, synced};
use crate::{
    api::{Reason, status::ForeignPolicies},
    plan::{
        Class, Foreign, ManagedPolicy, ObservedRole, Placed, Step, TrackedPolicy,
        status::{Outcome, Report, announcement},
        tests::{set, stored},
        tracking::{OTHER_ACTIONS, last_told},
    },
    policy::Document,
};

const EXECUTE: &str = "arn:aws:iam::aws:policy/AWSLambdaExecute";
const THEIRS: &str = "arn:aws:iam::111122223333:policy/theirs";

const ANY: &[&str] = &["s3:ListBucket"];

fn document(actions: &[String]) -> Document {
    let actions = serde_json::to_string(actions).unwrap();
    Document::parse(&format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":{actions},"Resource":"*"}}}}"#
    ))
    .unwrap()
}

fn current(version_id: &str, actions: &[&str]) -> ManagedPolicy {
    let actions: Vec<String> = actions.iter().map(|&action| action.to_owned()).collect();
    ManagedPolicy {
        arn: EXECUTE.to_owned(),
        version_id: version_id.to_owned(),
        document: document(&actions),
        tags: [].into(),
    }
}

/// A pass that finds nothing to do, and that version of the policy.
fn tracked(previous: &Status, tracked: &TrackedPolicy) -> Report {
    let (desired, identity) = (super::role(), identity());
    let outcome = Outcome::Synced {
        desired: &desired,
        identity: &identity,
        applied: &[],
        foreign: None,
        tracked: std::slice::from_ref(tracked),
    };
    report(&pass(previous, 1000), &outcome)
}

fn versions(status: &Status) -> Vec<(Option<&str>, Option<&str>)> {
    let policies = status.managed_policies.iter();
    policies.map(|policy| (policy.version_id.as_deref(), policy.previous_version_id.as_deref())).collect()
}

#[test]
fn the_first_version_that_is_seen_is_said_without_an_event() {
    let before = ready();
    let now = current("v1", &["s3:GetObject"]);
    assert_eq!(last_told(&before, EXECUTE), None);
    let report = tracked(&before, &TrackedPolicy::unchanged(&now));
    assert_eq!(versions(&report.status), [(Some("v1"), None)]);
    assert_eq!(report.notes, []);
    let again = tracked(&report.status, &TrackedPolicy::unchanged(&now));
    assert_eq!((again.status, again.notes), (report.status, vec![]));
}

#[test]
fn a_new_version_is_told_once_and_both_are_shown_until_the_next() {
    let first = tracked(&ready(), &TrackedPolicy::unchanged(&current("v1", &["s3:GetObject", "s3:PutObject"]))).status;
    let now = current("v2", &["s3:GetObject", "s3:DeleteObject"]);
    assert_eq!(last_told(&first, EXECUTE), Some("v1"));
    let old = current("v1", &["s3:GetObject", "s3:PutObject"]).document;
    let second = tracked(&first, &TrackedPolicy::changed(&now, "v1", Some(&old)));
    assert_eq!(versions(&second.status), [(Some("v2"), Some("v1"))]);
    assert_eq!(
        notes(&second),
        [(
            Reason::ManagedPolicyChanged,
            "AWS made v2 the default version of arn:aws:iam::aws:policy/AWSLambdaExecute, which was v1. Allowed now: s3:DeleteObject. Allowed no longer: s3:PutObject."
        )]
    );
    assert!(second.notes[0].is_warning);

    assert_eq!(last_told(&second.status, EXECUTE), Some("v2"));
    let third = tracked(&second.status, &TrackedPolicy::unchanged(&now));
    assert_eq!((&third.status, third.notes), (&second.status, vec![]));
    let fourth = tracked(&third.status, &TrackedPolicy::changed(&current("v3", ANY), "v2", None));
    assert_eq!(versions(&fourth.status), [(Some("v3"), Some("v2"))]);
    assert!(
        fourth.notes[0]
            .message
            .ends_with("Version v2 cannot be read any more, so nobody can tell which actions changed.")
    );
}

#[test]
fn versions_that_could_not_be_read_stay_as_they_were() {
    let before = tracked(&ready(), &TrackedPolicy::changed(&current("v2", ANY), "v1", None)).status;
    let after = synced(&pass(&before, 2000), &[]);
    assert_eq!((versions(&after.status), after.notes), (vec![(Some("v2"), Some("v1"))], vec![]));
}

#[test]
fn a_policy_that_was_taken_off_begins_anew() {
    let before = tracked(&ready(), &TrackedPolicy::changed(&current("v2", ANY), "v1", None)).status;
    let without = report(&pass(&before, 2000), &in_sync(&desired("{}"), &identity(), &[])).status;
    assert_eq!(without.managed_policies, []);
    assert_eq!(last_told(&without, EXECUTE), None);
}

#[test]
fn a_version_that_means_the_same_says_so() {
    let now = current("v2", &["s3:GetObject"]);
    let told = tracked(&ready(), &TrackedPolicy::changed(&now, "v1", Some(&now.document)));
    assert!(told.notes[0].message.ends_with("What it allows and denies is the same."), "{:?}", told.notes);
}

#[test]
fn of_many_actions_an_event_lists_some_and_metrics_count_all() {
    let actions: Vec<String> = (100..350).map(|number| format!("s3:Action{number}")).collect();
    let old = document(&["s3:None".to_owned()]);
    let now = ManagedPolicy { document: document(&actions), ..current("v2", ANY) };
    let changed = TrackedPolicy::changed(&now, "v1", Some(&old));
    let message = &tracked(&ready(), &changed).notes[0].message;
    assert!(
        message.contains("Allowed now: s3:Action100, ") && message.contains("s3:Action111 and 238 more."),
        "{message}"
    );
    let change = changed.change.unwrap();
    let counted = change.counted();
    assert_eq!(counted.len(), 251);
    assert_eq!(counted.iter().filter(|counted| counted.action == OTHER_ACTIONS).count(), 151);
    assert!(counted.iter().all(|counted| counted.effect == "allow"));
    assert_eq!(counted.iter().filter(|counted| counted.change == "removed").count(), 1);
}

const KEEP: &str = "unlisted: {managedPolicies: Keep, inlinePolicies: Keep}";

/// A role with policies that the object put there, and others.
fn shared() -> ObservedRole {
    let mut role = stored(&desired("{}"));
    role.managed_policies = set(&[EXECUTE, THEIRS]);
    role.inline_policies = ["lambdaroles", "ours", "theirs"].map(|name| (name.to_owned(), "{}".to_owned())).into();
    role
}

#[rstest]
#[case::both(KEEP, &[THEIRS], &["theirs"])]
#[case::attached("unlisted: {managedPolicies: Keep}", &[THEIRS], &[])]
#[case::inline("unlisted: {inlinePolicies: Keep}", &[], &["theirs"])]
#[case::neither("{}", &[], &[])]
#[case::listed("{unlisted: {managedPolicies: Keep}, managedPolicies: [{arn: 'arn:aws:iam::111122223333:policy/theirs'}]}", &[], &[])]
fn foreign_is_what_stays_and_neither_is_listed_nor_was_put(
    #[case] yaml: &str,
    #[case] managed: &[&str],
    #[case] inline: &[&str],
) {
    let placed = Placed { managed_policies: set(&[EXECUTE]), inline_policies: set(&["ours"]), ..Placed::default() };
    let role = shared();
    let shown = Foreign::of(&desired(yaml), Some(&role), &placed).shown();
    let expected = ForeignPolicies {
        managed_policies: managed.iter().map(|&arn| arn.to_owned()).collect(),
        inline_policies: inline.iter().map(|&name| name.to_owned()).collect(),
    };
    assert_eq!(shown.clone().unwrap_or_default(), expected);
    assert_eq!(shown.is_none(), managed.is_empty() && inline.is_empty(), "nothing is not an empty list");
}

#[test]
fn foreign_policies_are_shown_until_a_pass_finds_none_or_the_class_has_them_taken_away() {
    let foreign =
        ForeignPolicies { managed_policies: vec![THEIRS.to_owned()], inline_policies: vec!["theirs".to_owned()] };
    let (desired, identity) = (desired(KEEP), identity());
    let outcome =
        |foreign| Outcome::Synced { desired: &desired, identity: &identity, applied: &[], foreign, tracked: &[] };
    let before = report(&pass(&ready(), 100), &outcome(Some(&foreign))).status;
    assert_eq!(before.foreign_policies.as_ref(), Some(&foreign));
    assert_eq!(report(&pass(&before, 200), &outcome(None)).status.foreign_policies, None);

    let hold = crate::plan::Hold::suspended();
    let enforced = [Step::DetachManagedPolicy(THEIRS.to_owned()), Step::DeleteInlinePolicy("theirs".to_owned())];
    let after =
        |enforced| report(&pass(&before, 200), &Outcome::Held { hold: &hold, is_deleting: false, enforced }).status;
    assert_eq!(after(&[]).foreign_policies, before.foreign_policies);
    assert_eq!(after(&enforced[..1]).foreign_policies.unwrap().managed_policies, [] as [&str; 0]);
    assert_eq!(after(&enforced).foreign_policies, None);
}

fn steps() -> [Step; 3] {
    let put =
        |name: &str| Step::PutInlinePolicy { name: name.to_owned(), document: document(&["s3:ListBucket".to_owned()]) };
    [Step::AttachManagedPolicy(EXECUTE.to_owned()), put("raw"), put("lambdaroles")]
}

#[test]
fn what_is_about_to_be_put_is_announced_only_where_nobody_could_tell_whose_it_is() {
    assert_eq!(announcement(&Status::default(), &desired("{}"), &steps()), None);
    let announced = announcement(&Status::default(), &desired(KEEP), &steps()).unwrap();
    assert_eq!(announced.managed_policies, [attached(EXECUTE)]);
    assert_eq!(announced.inline_policies.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>(), ["raw"]);
    assert_eq!(announcement(&announced, &desired(KEEP), &steps()), None, "it has been said");
}

#[rstest]
#[case::kept(KEEP, 1)]
#[case::taken_away_anyway("{}", 0)]
fn a_step_whose_answer_failed_may_have_been_done(#[case] yaml: &str, #[case] expected: usize) {
    let desired = desired(yaml);
    let failure = failure(Class::Transient, Reason::AwsUnavailable);
    let outcome = Outcome::Failed {
        failure: &failure,
        desired: Some(&desired),
        applied: &[],
        attempted: Some(&steps()[0]),
        is_behind: true,
    };
    let before = Status::default();
    assert_eq!(report(&pass(&before, 0), &outcome).status.managed_policies.len(), expected);
}
