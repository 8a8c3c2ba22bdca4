//! How room is shared.

use k8s_openapi::jiff::Timestamp;
use proptest::prelude::*;

use crate::plan::grant::{
    GrantKey,
    share::{self, Claim, Room, Share},
};

fn claim(namespace: &str, age: i64, held: usize, wanted: Option<usize>) -> Claim {
    Claim {
        key: GrantKey { namespace: namespace.to_owned(), name: format!("grant-{age}") },
        created: Timestamp::from_second(age).ok(),
        held,
        wanted,
    }
}

/// Where no namespace is limited.
fn divide(claims: &[Claim], room: usize) -> Vec<Share> {
    share::divide(claims, Room { characters: room, per_namespace: room })
}

fn held_after(claim: &Claim, share: Share) -> usize {
    match share {
        Share::Wanted => claim.wanted.unwrap_or_default(),
        Share::Held => claim.held,
        Share::Nothing => 0,
    }
}

#[test]
fn the_older_grant_comes_first() {
    let claims = [claim("shop", 2, 0, Some(60)), claim("shop", 1, 0, Some(60))];
    assert_eq!(divide(&claims, 100), [Share::Nothing, Share::Wanted]);
}

#[test]
fn a_namespace_that_has_least_comes_before_an_older_grant() {
    let claims = [claim("shop", 1, 40, Some(40)), claim("shop", 2, 0, Some(50)), claim("billing", 3, 0, Some(50))];
    assert_eq!(divide(&claims, 100), [Share::Wanted, Share::Nothing, Share::Wanted]);
}

#[test]
fn who_has_something_keeps_it_whoever_comes_and_grows_into_what_is_free_only() {
    let claims = [claim("shop", 9, 90, Some(95)), claim("billing", 1, 0, Some(20)), claim("shop", 8, 5, None)];
    assert_eq!(divide(&claims, 100), [Share::Wanted, Share::Nothing, Share::Held]);
    assert_eq!(divide(&claims, 97), [Share::Held, Share::Nothing, Share::Held]);
}

#[test]
fn what_shrinks_always_goes() {
    let claims = [claim("shop", 1, 60, Some(50)), claim("shop", 2, 40, Some(40))];
    assert_eq!(divide(&claims, 100), [Share::Wanted, Share::Wanted]);
}

#[test]
fn the_youngest_of_the_namespace_that_has_most_makes_way_for_the_role_itself() {
    let claims = [claim("billing", 3, 40, Some(40)), claim("shop", 1, 30, Some(30)), claim("shop", 2, 30, Some(30))];
    assert_eq!(divide(&claims, 70), [Share::Wanted, Share::Wanted, Share::Nothing]);
    assert_eq!(divide(&claims, 0), [Share::Nothing; 3]);
}

#[test]
fn a_namespace_has_no_more_than_each_may_have() {
    let limited = |claims: &[Claim]| share::divide(claims, Room { characters: 100, per_namespace: 50 });
    let claims = [claim("shop", 1, 0, Some(40)), claim("shop", 2, 0, Some(40)), claim("billing", 3, 0, Some(50))];
    assert_eq!(limited(&claims), [Share::Wanted, Share::Nothing, Share::Wanted]);
    // A limit that comes later is one, too.
    let claims = [claim("shop", 1, 40, Some(40)), claim("shop", 2, 40, Some(40)), claim("billing", 3, 0, Some(50))];
    assert_eq!(limited(&claims), [Share::Wanted, Share::Nothing, Share::Wanted]);
    let claims = [claim("shop", 1, 60, Some(60)), claim("shop", 2, 0, Some(30))];
    assert_eq!(limited(&claims), [Share::Nothing, Share::Wanted]);
}

fn claims() -> impl Strategy<Value = Vec<Claim>> {
    let one = (0..4_usize, 0..6_i64, 0..400_usize, proptest::option::weighted(0.8, 1..400_usize));
    proptest::collection::vec(one, 0..12).prop_map(|list| {
        let named = list.into_iter().enumerate();
        named
            .map(|(index, (namespace, age, held, wanted))| Claim {
                key: GrantKey { namespace: format!("n{namespace}"), name: format!("g{index}") },
                ..claim("", age, if held < 150 { 0 } else { held }, wanted)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn no_namespace_has_more_than_each_may_have(claims in claims(), room in 0..2000_usize, per_namespace in 1..800_usize) {
        let shares = share::divide(&claims, Room { characters: room, per_namespace });
        for namespace in claims.iter().map(|claim| &claim.key.namespace) {
            let of = claims.iter().zip(&shares).filter(|(claim, _)| claim.key.namespace == *namespace);
            prop_assert!(of.map(|(claim, share)| held_after(claim, *share)).sum::<usize>() <= per_namespace);
        }
        let given: usize = claims.iter().zip(shares).map(|(claim, share)| held_after(claim, share)).sum();
        prop_assert!(given <= room);
    }

    #[test]
    fn never_is_more_given_than_there_is(claims in claims(), room in 0..2000_usize) {
        let shares = divide(&claims, room);
        let given: usize = claims.iter().zip(shares).map(|(claim, share)| held_after(claim, share)).sum();
        prop_assert!(given <= room);
    }

    #[test]
    fn a_second_division_changes_nothing(claims in claims(), room in 0..2000_usize) {
        let first = divide(&claims, room);
        let again: Vec<Claim> = claims
            .iter()
            .zip(&first)
            .map(|(claim, share)| Claim { held: held_after(claim, *share), ..claim.clone() })
            .collect();
        let second = divide(&again, room);
        let held = |claims: &[Claim], shares: &[Share]| -> Vec<usize> {
            claims.iter().zip(shares).map(|(claim, share)| held_after(claim, *share)).collect()
        };
        prop_assert_eq!(held(&claims, &first), held(&again, &second));
    }

    #[test]
    fn no_grant_takes_from_another_what_it_has(claims in claims(), spare in 0..300_usize, come in claims()) {
        let room = claims.iter().map(|claim| claim.held).sum::<usize>() + spare;
        let newcomers = come.into_iter().map(|claim| Claim {
            key: GrantKey { name: format!("new-{}", claim.key.name), ..claim.key },
            held: 0,
            ..claim
        });
        let all: Vec<Claim> = claims.iter().cloned().chain(newcomers).collect();
        let shares = divide(&all, room);
        for (claim, share) in claims.iter().zip(shares) {
            let least = claim.wanted.map_or(claim.held, |wanted| wanted.min(claim.held));
            prop_assert!(held_after(claim, share) >= least, "{claim:?} gets {share:?}");
        }
    }

    #[test]
    fn nobody_waits_for_room_that_is_there(claims in claims(), room in 0..2000_usize) {
        let shares = divide(&claims, room);
        let given: usize = claims.iter().zip(&shares).map(|(claim, share)| held_after(claim, *share)).sum();
        for (claim, share) in claims.iter().zip(shares).filter(|(claim, share)| *share != Share::Wanted && claim.wanted.is_some()) {
            let more = claim.wanted.unwrap_or_default().saturating_sub(held_after(claim, share));
            prop_assert!(more > room - given, "{claim:?} gets {share:?} of {room}, and {given} are given");
        }
    }

    #[test]
    fn the_order_in_which_grants_are_told_is_of_no_matter(claims in claims(), room in 0..2000_usize) {
        let forwards = divide(&claims, room);
        let mut reversed = claims;
        reversed.reverse();
        let mut backwards = divide(&reversed, room);
        backwards.reverse();
        prop_assert_eq!(forwards, backwards);
    }
}
