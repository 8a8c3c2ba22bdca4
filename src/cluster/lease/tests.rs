//! The protocol, by a clock of its own.

#![allow(clippy::disallowed_methods, reason = "times have to begin somewhere")]

use std::time::{Duration, Instant};

use k8s_openapi::{api::coordination::v1::LeaseSpec, apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp};
use proptest::{collection::vec, prelude::*};
use rstest::rstest;

use super::{Candidate, Tenure, Timing};

const SECOND: Duration = Duration::from_secs(1);

fn time(text: &str) -> Timestamp {
    format!("2026-01-01T{text}Z").parse().unwrap()
}

fn candidate(identity: &str) -> Candidate {
    Candidate::new(identity.to_owned(), Timing::default())
}

fn lease(holder: &str, renewed: &str) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(holder.to_owned()),
        lease_duration_seconds: Some(15),
        acquire_time: Some(MicroTime(time("00:00:00"))),
        renew_time: Some(MicroTime(time(renewed))),
        lease_transitions: Some(3),
        ..LeaseSpec::default()
    }
}

#[test]
fn a_lease_that_nobody_has_made_is_taken_at_once() {
    let taken = candidate("a").bid(None, Instant::now(), time("00:00:01")).unwrap();
    let expected = LeaseSpec {
        acquire_time: Some(MicroTime(time("00:00:01"))),
        lease_transitions: Some(0),
        ..lease("a", "00:00:01")
    };
    assert_eq!(taken, expected);
}

#[test]
fn a_renewal_keeps_what_is_known_of_the_tenure() {
    let renewed = candidate("a").bid(Some(&lease("a", "00:00:02")), Instant::now(), time("00:00:04"));
    assert_eq!(renewed, Some(lease("a", "00:00:04")));
}

#[test]
fn a_lease_that_was_let_go_is_taken_at_once_and_counted() {
    let (mut a, mut b) = (candidate("a"), candidate("b"));
    let released = a.released(&lease("a", "00:00:02"), time("00:00:03")).unwrap();
    assert_eq!(a.released(&lease("b", "00:00:02"), time("00:00:03")), None, "nobody lets another's go");
    let taken = b.bid(Some(&released), Instant::now(), time("00:00:04")).unwrap();
    assert_eq!((taken.holder_identity.as_deref(), taken.lease_transitions), (Some("b"), Some(4)));
    assert_eq!(taken.acquire_time, Some(MicroTime(time("00:00:04"))));
    let _ = a.bid(Some(&taken), Instant::now(), time("00:00:05"));
}

#[test]
fn a_holder_that_is_silent_is_followed_by_the_clock_of_who_waits() {
    let (mut b, began) = (candidate("b"), Instant::now());
    // What its own clock says is no matter: these times are years apart.
    let bid = |b: &mut Candidate, spec: &LeaseSpec, after: u32| {
        b.bid(Some(spec), began + after * SECOND, "2036-01-01T00:00:00Z".parse().unwrap()).is_some()
    };
    assert!(!bid(&mut b, &lease("a", "00:00:00"), 0));
    assert!(!bid(&mut b, &lease("a", "00:00:00"), 14));
    // It renews, and the time begins anew.
    assert!(!bid(&mut b, &lease("a", "00:00:14"), 16));
    assert!(!bid(&mut b, &lease("a", "00:00:14"), 30));
    assert!(bid(&mut b, &lease("a", "00:00:14"), 31));
}

#[test]
fn a_holder_that_holds_for_longer_is_waited_for() {
    let (mut b, began) = (candidate("b"), Instant::now());
    let spec = LeaseSpec { lease_duration_seconds: Some(60), ..lease("a", "00:00:00") };
    for (after, is_taken) in [(0, false), (59, false), (60, true)] {
        assert_eq!(b.bid(Some(&spec), began + after * SECOND, time("00:00:00")).is_some(), is_taken, "{after}");
    }
}

#[test]
fn whoever_deletes_a_lease_does_not_stop_its_holder() {
    let (mut a, mut b, began) = (candidate("a"), candidate("b"), Instant::now());
    assert_eq!(b.bid(Some(&lease("a", "00:00:00")), began, time("00:00:00")), None);
    // It may have been renewed just before.
    assert_eq!(b.bid(None, began + 10 * SECOND, time("00:00:00")), None);
    assert!(a.bid(None, began + 10 * SECOND, time("00:00:00")).is_some(), "the holder makes it anew");
    assert_eq!(b.bid(None, began + 24 * SECOND, time("00:00:00")), None);
    assert!(b.bid(None, began + 25 * SECOND, time("00:00:00")).is_some());
}

#[rstest]
#[case::defaults(15_000, 10_000, 2_000, true)]
#[case::two_could_work(10_000, 10_000, 2_000, false)]
#[case::no_renewal_may_fail(15_000, 2_000, 2_000, false)]
#[case::no_pause(15_000, 10_000, 0, false)]
#[case::not_in_seconds(1_500, 1_000, 200, false)]
fn the_times_have_to_fit_each_other(
    #[case] duration: u64,
    #[case] deadline: u64,
    #[case] retry: u64,
    #[case] fits: bool,
) {
    let timing = Timing {
        duration: Duration::from_millis(duration),
        renew_deadline: Duration::from_millis(deadline),
        retry_period: Duration::from_millis(retry),
    };
    assert_eq!(timing.check().is_ok(), fits);
}

#[test]
fn a_tenure_ends_by_itself() {
    let (tenure, now) = (Tenure::unbegun(), Instant::now());
    assert!(!tenure.holds(now));
    tenure.extend(now + SECOND);
    assert!(tenure.holds(now) && tenure.clone().holds(now) && !tenure.holds(now + SECOND));
    tenure.end();
    assert!(!tenure.holds(now));
    Tenure::unlimited().end();
    assert!(Tenure::unlimited().holds(now));
}

/// A replica between its look at the lease and its write.
struct Replica {
    candidate: Candidate,
    tenure: Tenure,
    /// When the look began, what it saw, and of which version.
    looked: Option<(Instant, Option<LeaseSpec>, u64)>,
    is_gone: bool,
}

/// What happens next in a world of a few replicas, and how long after the last.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A look, or the write after it, of which the answer may be lost.
    Step {
        replica: usize,
        is_answer_lost: bool,
    },
    Release {
        replica: usize,
    },
    DeletedByHand,
}

fn event() -> impl Strategy<Value = (Event, u64)> {
    let step = (0..3_usize, prop::bool::weighted(0.1))
        .prop_map(|(replica, is_answer_lost)| Event::Step { replica, is_answer_lost });
    let release = (0..3_usize).prop_map(|replica| Event::Release { replica });
    let event = prop_oneof![20 => step, 1 => release, 1 => Just(Event::DeletedByHand)];
    // Mostly as planned, now and then after a stop.
    (event, prop_oneof![8 => 0..3_000_u64, 1 => 3_000..40_000_u64])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// However replicas are delayed, stopped and cut off: at no time may two of them write. Nor when somebody deletes the lease, but
    /// for one that has never seen it, or if it is deleted again before anybody sees the next.
    #[test]
    fn no_two_replicas_may_write_at_once(events in vec(event(), 1..120)) {
        let began = Instant::now();
        let mut now = began;
        let mut stored = candidate("0").bid(None, now, time("00:00:00"));
        let (mut version, mut is_deletion_left) = (1, true);
        let mut replicas: Vec<Replica> = (0..3).map(|number| {
            let mut candidate = candidate(&number.to_string());
            candidate.bid(stored.as_ref(), now, time("00:00:00"));
            Replica { candidate, tenure: Tenure::unbegun(), looked: None, is_gone: false }
        }).collect();
        replicas[0].tenure.extend(now + Timing::default().renew_deadline);
        for (event, pause) in events {
            now += Duration::from_millis(pause);
            let time: Timestamp = self::time("00:00:00") + (now - began);
            match event {
                Event::DeletedByHand => {
                    if std::mem::take(&mut is_deletion_left) {
                        version += 1;
                        stored = None;
                    }
                }
                Event::Release { replica } => {
                    let Replica { candidate, tenure, looked, is_gone } = &mut replicas[replica];
                    tenure.end();
                    *looked = None;
                    // It begins anew, as one that has seen nothing.
                    *is_gone = !std::mem::take(&mut is_deletion_left);
                    if let Some(released) = stored.as_ref().and_then(|spec| candidate.released(spec, time)) {
                        version += 1;
                        stored = Some(released);
                    }
                }
                Event::Step { replica, is_answer_lost } => {
                    let Replica { candidate, tenure, looked, is_gone } = &mut replicas[replica];
                    // Whose time is over ends.
                    if *is_gone || tenure.has_ended(now) {
                        continue;
                    }
                    let Some((since, seen, of)) = looked.take() else {
                        *looked = Some((now, stored.clone(), version));
                        continue;
                    };
                    let Some(bid) = candidate.bid(seen.as_ref(), now, time) else { continue };
                    if of != version {
                        continue;
                    }
                    version += 1;
                    stored = Some(bid);
                    if !is_answer_lost {
                        candidate.won();
                        tenure.extend(since + candidate.timing.renew_deadline);
                    }
                }
            }
            let may_write = replicas.iter().filter(|replica| replica.tenure.holds(now)).count();
            prop_assert!(may_write <= 1, "{may_write} at {:?}", now - began);
        }
    }
}
