//! What a pass makes of what the one before it said.

use std::time::Duration;

use rstest::rstest;
use strum::IntoEnumIterator;

use super::{
    GENERATION, SETTLE, Status, at, condition, conditions, created, failed, failure, held, notes, pass, ready,
    rejected, synced,
};
use crate::{
    api::{ConditionType, Reason},
    plan::{
        Class,
        status::{Next, Note, Pass, Report, farewell, is_settled, settle},
    },
};

/// A pass of every kind.
const PASSES: [fn(&Pass<'_>) -> Report; 11] = [
    |pass| synced(pass, &[]),
    rejected,
    |pass| held(pass, Reason::Suspended, false),
    |pass| held(pass, Reason::Drifted, false),
    |pass| held(pass, Reason::InvalidSpec, false),
    |pass| held(pass, Reason::RoleConflict, false),
    |pass| held(pass, Reason::Suspended, true),
    |pass| held(pass, Reason::ForeignPolicies, true),
    |pass| failed(pass, &failure(Class::Terminal, Reason::AccessDenied), &[], true),
    |pass| failed(pass, &failure(Class::Waiting, Reason::PolicyNotFound), &[], true),
    |pass| failed(pass, &failure(Class::Throttled, Reason::Throttled), &[], false),
];

#[test]
fn the_same_again_changes_nothing_and_tells_nothing() {
    for before in [Status::default(), ready()] {
        for run in PASSES {
            // The first pass of all opens the settle window, the next one may close it.
            let opened = run(&pass(&before, 100));
            let first = run(&pass(&opened.status, 200));
            let second = run(&pass(&first.status, 5000));
            assert_eq!(second.status, first.status);
            assert_eq!(second.notes, []);
            assert_eq!(second.next, first.next);
        }
    }
}

#[test]
fn a_time_moves_only_with_its_condition() {
    for before in PASSES {
        for after in PASSES {
            let before = before(&pass(&Status::default(), 100)).status;
            let after = after(&pass(&before, 5000)).status;
            for now in &after.conditions {
                let moved =
                    before.conditions.iter().find(|c| c.type_ == now.type_).is_none_or(|c| c.status != now.status);
                assert_eq!(now.last_transition_time.0, at(if moved { 5000 } else { 100 }), "{before:?} {now:?}");
            }
        }
    }
}

#[test]
fn every_condition_is_of_the_generation_that_the_pass_read() {
    let before = ready();
    for run in PASSES {
        let edited = Pass { generation: Some(GENERATION + 1), ..pass(&before, 100) };
        let status = run(&edited).status;
        assert_eq!(status.observed_generation, Some(GENERATION + 1));
        assert!(status.conditions.iter().all(|c| c.observed_generation == Some(GENERATION + 1)), "{status:?}");
    }
}

#[test]
fn three_conditions_are_always_there_and_the_others_only_while_they_are_true() {
    for before in PASSES {
        for after in PASSES {
            let before = before(&pass(&ready(), 100)).status;
            let status = after(&pass(&before, 200)).status;
            for kind in ConditionType::iter() {
                let found: Vec<_> = status.conditions.iter().filter(|c| c.type_ == kind.to_string()).collect();
                match kind {
                    ConditionType::Ready | ConditionType::Accepted | ConditionType::Synced => {
                        assert_eq!(found.len(), 1);
                    }
                    ConditionType::Exported
                    | ConditionType::Drifted
                    | ConditionType::DeletionBlocked
                    | ConditionType::Reconciling
                    | ConditionType::Stalled => assert!(matches!(&found[..], []) || found[0].status == "True"),
                }
            }
        }
    }
}

/// A time in a message would make every status a new one.
#[test]
fn no_message_holds_a_time() {
    let before = ready();
    for run in PASSES {
        let (early, late) = (run(&pass(&before, 100)), run(&pass(&before, 9999)));
        let messages =
            |report: &Report| -> Vec<String> { report.status.conditions.iter().map(|c| c.message.clone()).collect() };
        assert_eq!(messages(&early), messages(&late));
        assert_eq!(early.notes, late.notes);
    }
}

#[test]
fn the_annotation_that_forces_a_look_is_echoed_whatever_comes_of_it() {
    for run in PASSES {
        let before = Status { last_handled_reconcile_at: Some("yesterday".to_owned()), ..Status::default() };
        let forced = Pass { reconcile_at: Some("today"), ..pass(&before, 0) };
        assert_eq!(run(&forced).status.last_handled_reconcile_at.as_deref(), Some("today"));
        assert_eq!(run(&pass(&before, 0)).status.last_handled_reconcile_at, None);
    }
}

#[test]
fn a_failure_that_comes_back_is_told_again() {
    let denied = failure(Class::Terminal, Reason::AccessDenied);
    let first = failed(&pass(&ready(), 100), &denied, &[], false);
    let well = synced(&pass(&first.status, 200), &[]);
    assert_eq!(notes(&well), []);
    let again = failed(&pass(&well.status, 300), &denied, &[], false);
    assert_eq!(notes(&again), [(Reason::AccessDenied, "It did not work.")]);
}

#[test]
fn another_reason_to_hold_is_told() {
    let first = held(&pass(&ready(), 100), Reason::InUseByFunctions, true);
    let second = held(&pass(&first.status, 200), Reason::ForeignPolicies, true);
    assert_eq!(notes(&second), [(Reason::ForeignPolicies, "It stays as it is.")]);
}

#[rstest]
#[case::at_the_change(0, Some(15))]
#[case::a_moment_later(14, Some(1))]
#[case::at_the_end_of_the_window(15, None)]
#[case::long_after(15_000, None)]
#[case::on_a_clock_that_is_behind(-5, Some(15))]
fn the_settle_window_is_counted_from_the_last_change(#[case] now: i64, #[case] left: Option<u64>) {
    let before = synced(&pass(&Status::default(), 0), &[created()]).status;
    let left = left.map(Duration::from_secs);
    let looked = synced(&pass(&before, now), &[]);
    assert_eq!(looked.next, left.map_or(Next::Resync, Next::Verify), "a look within the window may have come too soon");
    assert_eq!(looked.status.last_change_time, before.last_change_time);
    let settled = settle(&pass(&before, now)).unwrap();
    assert_eq!(settled.next, left.map_or(Next::Resync, Next::Settled));
    assert_eq!(settled.status, looked.status);
    assert_eq!(settled.notes, []);
    assert_eq!(condition(&settled.status, ConditionType::Ready).status == "True", left.is_none());
    assert_eq!(settled.status == before, left.is_some(), "nothing is written while the window is open");
}

#[test]
fn a_window_of_no_length_is_over_at_once() {
    let report = synced(&Pass { settle: Duration::ZERO, ..pass(&Status::default(), 0) }, &[created()]);
    assert_eq!(report.next, Next::Resync);
    assert_eq!(condition(&report.status, ConditionType::Ready).status, "True");
}

#[test]
fn a_change_opens_the_window_again() {
    let report = synced(&pass(&ready(), 100), &[created()]);
    assert_eq!(report.next, Next::Settled(SETTLE));
    assert_eq!(condition(&report.status, ConditionType::Ready).status, "False");
    assert_eq!(report.status.last_change_time.as_ref().unwrap().0, at(100));
    let again = synced(&pass(&report.status, 110), &[created()]);
    assert_eq!(again.next, Next::Verify(SETTLE));
    assert_eq!(again.status.last_change_time.unwrap().0, at(110));
}

#[test]
fn only_what_waits_for_the_window_settles() {
    for run in PASSES {
        let status = run(&pass(&ready(), 100)).status;
        assert_eq!(settle(&pass(&status, 200)), None, "{status:?}");
    }
    assert_eq!(settle(&pass(&Status::default(), 0)), None);
}

#[rstest]
#[case(Class::Terminal, "Stalled=True/AccessDenied")]
#[case(Class::Transient, "Reconciling=True/AccessDenied")]
fn a_failure_within_the_window_outlasts_it(#[case] class: Class, #[case] said: &str) {
    let changed = synced(&pass(&Status::default(), 0), &[created()]).status;
    let before = failed(&pass(&changed, 5), &failure(class, Reason::AccessDenied), &[], false).status;
    let during = settle(&pass(&before, 10)).unwrap();
    assert_eq!(during.status, before);
    let after = settle(&pass(&before, 20)).unwrap();
    assert_eq!(conditions(&after.status), ["Ready=True/Ready", "Accepted=True/Accepted", "Synced=True/Synced", said]);
}

#[test]
fn a_spec_is_settled_once_it_was_in_place_until_it_changes() {
    let settled = |status: &Status| is_settled(status, Some(GENERATION));
    assert!(!settled(&Status::default()));
    assert!(settled(&ready()));
    assert!(!is_settled(&ready(), Some(GENERATION + 1)));
    assert!(settled(&synced(&pass(&Status::default(), 0), &[created()]).status), "within the settle window");
    assert!(settled(&held(&pass(&ready(), 100), Reason::Drifted, false).status), "drift that is reported stays drift");
    assert!(!settled(&held(&pass(&ready(), 100), Reason::Suspended, false).status));
    assert!(!settled(&held(&pass(&ready(), 100), Reason::RoleConflict, false).status));
    assert!(!settled(&rejected(&pass(&ready(), 100)).status));
    let denied = failure(Class::Terminal, Reason::AccessDenied);
    assert!(settled(&failed(&pass(&ready(), 100), &denied, &[], false).status), "a look that failed");
    assert!(!settled(&failed(&pass(&ready(), 100), &denied, &[], true).status), "a change that failed");
}

#[test]
fn a_long_message_is_clipped_between_characters() {
    let long =
        crate::plan::Failure { message: format!("x{}", "ü".repeat(600)), ..failure(Class::Terminal, Reason::Refused) };
    let report = failed(&pass(&Status::default(), 0), &long, &[], true);
    let message = &condition(&report.status, ConditionType::Ready).message;
    assert_eq!(message, &format!("x{}…", "ü".repeat(499)));
    assert_eq!(&report.notes[0].message, message);
    assert!(message.len() <= 1024, "events take no more");
    let again = failed(&pass(&report.status, 10), &long, &[], true);
    assert_eq!((again.status, again.notes), (report.status, vec![]));
}

#[test]
fn a_message_that_just_fits_is_whole() {
    let fitting = crate::plan::Failure { message: "m".repeat(1000), ..failure(Class::Terminal, Reason::Refused) };
    let report = failed(&pass(&Status::default(), 0), &fitting, &[], true);
    assert_eq!(condition(&report.status, ConditionType::Stalled).message, fitting.message);
}

#[rstest]
#[case::deleted(true, None, Some((Reason::Deleted, "Role orders was deleted.")))]
#[case::retained(false, Some("Role orders stays."), Some((Reason::Retained, "Role orders stays.")))]
#[case::there_was_none(false, None, None)]
fn an_object_that_goes_says_what_became_of_its_role(
    #[case] deleted: bool,
    #[case] message: Option<&str>,
    #[case] expected: Option<(Reason, &str)>,
) {
    let note = expected.map(|(reason, message)| Note { reason, message: message.to_owned(), is_warning: false });
    assert_eq!(farewell(deleted, "orders", message), note);
}
