use proptest::{collection::vec, prelude::*, sample, test_runner::RngSeed};

use super::*;
use crate::policy::document::Matching;

/// A statement of about that many characters; its number tells it from others.
fn statement(number: usize, effect: Effect, characters: usize) -> Statement {
    Statement {
        sid: (!number.is_multiple_of(3)).then(|| format!("S{number}")),
        effect,
        principal: None,
        not_principal: None,
        actions: Matching::In(vec![["s3:GetObject", "s3:PutObject"][number % 2].to_owned()]),
        resources: Some(Matching::In(vec![format!("arn:aws:s3:::{number}{}", "x".repeat(characters))])),
        conditions: [].into(),
    }
}

fn allows(numbers: impl IntoIterator<Item = usize>, characters: usize) -> Vec<Statement> {
    numbers.into_iter().map(|number| statement(number, Effect::Allow, characters)).collect()
}

fn room(inline: usize, policy: usize) -> Room {
    Room { inline, policy, policies: 20, taken: BTreeSet::new() }
}

fn characters(list: &[Statement]) -> usize {
    Document::new(list.to_vec()).characters()
}

/// How many documents differ.
fn rewritten(old: &Placement, new: &Placement) -> usize {
    let keys = |placement: &Placement, home: &Place| -> BTreeSet<Statement> {
        placement.get(home).into_iter().flatten().map(canonical_statement).collect()
    };
    let homes: BTreeSet<&Place> = old.keys().chain(new.keys()).collect();
    homes.into_iter().filter(|home| keys(old, home) != keys(new, home)).count()
}

#[test]
fn what_fits_into_the_inline_policy_stands_there_whatever_stood_elsewhere() {
    let all = allows(0..4, 10);
    let found = Placement::from([(Place::Policy(2), all.clone()), (Place::Policy(5), allows(9..10, 10))]);
    let placed = place(&all, &room(2_000, 1_000), &found).unwrap();
    assert_eq!(placed, Placement::from([(Place::Inline, all)]));
    assert_eq!(place(&[], &room(2_000, 1_000), &found).unwrap(), Placement::new());
}

#[test]
fn what_denies_stands_in_the_inline_policy() {
    let mut all = allows(0..20, 100);
    all.push(statement(20, Effect::Deny, 100));
    let placed = place(&all, &room(1_000, 2_000), &Placement::new()).unwrap();
    assert!(placed[&Place::Inline].iter().any(|statement| statement.effect == Effect::Deny));
}

#[test]
fn an_edited_statement_stays_in_its_document() {
    let room = room(1_000, 1_000);
    let all = allows(0..20, 100);
    let before = place(&all, &room, &Placement::new()).unwrap();
    assert!(before.len() > 2, "{before:?}");
    for number in 0..20 {
        let mut edited = all.clone();
        edited[number].actions = Matching::In(vec!["s3:ListBucket".to_owned()]);
        let after = place(&edited, &room, &before).unwrap();
        assert_eq!(rewritten(&before, &after), 1, "{number}");
    }
}

#[test]
fn an_edited_statement_that_has_outgrown_its_document_takes_no_other_with_it() {
    let room = room(1_000, 1_000);
    let all = allows(0..20, 100);
    let before = place(&all, &room, &Placement::new()).unwrap();
    let mut edited = all;
    edited[0] = statement(0, Effect::Allow, 700);
    let after = place(&edited, &room, &before).unwrap();
    assert_eq!(rewritten(&before, &after), 2, "{after:?}");
}

#[test]
fn two_edits_go_back_to_where_each_came_from() {
    let room = room(1_000, 1_000);
    let all = allows(0..20, 100);
    let before = place(&all, &room, &Placement::new()).unwrap();
    let mut edited = all.clone();
    let home = |number: usize| before.iter().find(|(_, list)| list.contains(&all[number])).unwrap().0;
    let other = (1..20).find(|number| home(*number) != home(0)).unwrap();
    for number in [0, other] {
        edited[number].conditions = [("Bool".to_owned(), [("aws:SecureTransport".to_owned(), vec![])].into())].into();
    }
    let after = place(&edited, &room, &before).unwrap();
    assert!(after[home(0)].contains(&edited[0]) && after[home(other)].contains(&edited[other]), "{after:?}");
}

#[test]
fn a_document_goes_whose_statements_fit_into_the_others() {
    let room = room(1_000, 1_000);
    let all = allows(0..20, 100);
    let before = place(&all, &room, &Placement::new()).unwrap();
    let after = place(&all[..12], &room, &before).unwrap();
    assert!(after.len() < before.len(), "{after:?}");
    let least: usize = place(&all[..12], &room, &Placement::new()).unwrap().len();
    assert_eq!(after.len(), least);
}

#[test]
fn a_statement_that_no_managed_policy_holds_stands_inline_and_one_that_nothing_holds_is_named() {
    let long = statement(1, Effect::Allow, 1_500);
    let mut all = allows(2..10, 100);
    all.push(long.clone());
    let found = Placement::from([(Place::Inline, allows(2..10, 100))]);
    let placed = place(&all, &room(2_000, 1_000), &found).unwrap();
    assert!(placed[&Place::Inline].contains(&long));
    assert_eq!(place(&all, &room(1_000, 1_000), &found), Err(Unplaced::TooLong(Box::new(long))));
}

#[test]
fn numbers_that_the_spec_names_are_left_alone() {
    let room = Room { taken: [2, 4].into(), ..room(500, 1_000) };
    let placed = place(&allows(0..20, 100), &room, &Placement::new()).unwrap();
    let homes: Vec<&Place> = placed.keys().collect();
    assert_eq!(homes, [&Place::Inline, &Place::Policy(3), &Place::Policy(5), &Place::Policy(6), &Place::Policy(7)]);
}

#[test]
fn more_documents_than_may_be_attached_are_counted_after_all_were_placed_anew() {
    let all = allows(0..20, 100);
    let limited = |policies| Room { policies, ..room(1_000, 1_000) };
    let least = place(&all, &limited(20), &Placement::new()).unwrap().len() - 1;
    assert_eq!(place(&all, &limited(least - 1), &Placement::new()), Err(Unplaced::TooMany(least)));
    // Each in a document of its own, under high numbers.
    let scattered = (30..).map(Place::Policy).zip(all.iter().map(|statement| vec![statement.clone()])).collect();
    let placed = place(&all, &limited(least), &scattered).unwrap();
    assert!(placed.keys().all(|home| *home == Place::Inline || *home >= Place::Policy(30)), "{placed:?}");
    assert_eq!(placed.len() - 1, least);
}

fn any_statement() -> impl Strategy<Value = Statement> {
    (0..30usize, sample::select(vec![Effect::Allow, Effect::Allow, Effect::Deny]), 0..500usize)
        .prop_map(|(number, effect, characters)| statement(number, effect, characters))
}

/// Sids are used once.
fn any_statements() -> impl Strategy<Value = Vec<Statement>> {
    vec(any_statement(), 0..30).prop_map(|list| {
        let mut sids = BTreeSet::new();
        list.into_iter().filter(|s| s.sid.as_ref().is_none_or(|sid| sids.insert(sid.clone()))).collect()
    })
}

fn any_home() -> impl Strategy<Value = Place> {
    prop_oneof![1 => Just(Place::Inline), 4 => (2..12u32).prop_map(Place::Policy)]
}

/// What may stand in IAM, some of it of the statements that are placed, some more than once.
fn any_found(all: Vec<Statement>) -> impl Strategy<Value = (Vec<Statement>, Placement)> {
    let known = sample::select(if all.is_empty() { vec![statement(0, Effect::Allow, 0)] } else { all.clone() });
    let entries = vec((any_home(), prop_oneof![4 => known, 1 => any_statement()]), 0..40);
    entries.prop_map(move |entries| {
        let mut found = Placement::new();
        for (home, statement) in entries {
            found.entry(home).or_default().push(statement);
        }
        (all.clone(), found)
    })
}

fn any_room() -> impl Strategy<Value = Room> {
    let taken = prop::collection::btree_set(2..8u32, 0..3);
    (100..3_000usize, 500..2_000usize, 0..8usize, taken).prop_map(|(inline, policy, policies, taken)| Room {
        inline,
        policy,
        policies,
        taken,
    })
}

fn config() -> ProptestConfig {
    ProptestConfig { rng_seed: RngSeed::Fixed(0), failure_persistence: None, cases: 400, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn each_statement_stands_in_one_document_and_each_document_within_its_room(
        (all, found) in any_statements().prop_flat_map(any_found),
        room in any_room(),
    ) {
        let Ok(placed) = place(&all, &room, &found) else { return Ok(()) };
        let stored: Vec<Statement> = placed.values().flatten().map(canonical_statement).collect();
        let distinct: BTreeSet<Statement> = all.iter().map(canonical_statement).collect();
        prop_assert_eq!(stored.iter().cloned().collect::<BTreeSet<_>>(), distinct.clone());
        prop_assert!(stored.len() == distinct.len() || placed.len() == 1);
        for (home, list) in &placed {
            prop_assert!(!list.is_empty() && characters(list) <= room.of(*home), "{home:?}");
            prop_assert!(!matches!(home, Place::Policy(number) if room.taken.contains(number) || *number < FIRST_NUMBER));
        }
        prop_assert!(policies_of(&placed) <= room.policies);
    }

    #[test]
    fn placed_again_nothing_moves(
        (all, found) in any_statements().prop_flat_map(any_found),
        room in any_room(),
    ) {
        let Ok(placed) = place(&all, &room, &found) else { return Ok(()) };
        prop_assert_eq!(place(&all, &room, &placed), Ok(placed));
    }

    #[test]
    fn whether_there_is_room_does_not_depend_on_what_stands_where(
        (all, found) in any_statements().prop_flat_map(any_found),
        room in any_room(),
    ) {
        let fresh = place(&all, &room, &Placement::new());
        let placed = place(&all, &room, &found);
        prop_assert!(fresh.is_err() || placed.is_ok(), "{fresh:?} {placed:?}");
    }

    #[test]
    fn an_edit_of_the_same_length_rewrites_one_document(
        all in any_statements(),
        room in any_room(),
        number in 0..30usize,
    ) {
        let distinct: BTreeSet<Statement> = all.iter().map(canonical_statement).collect();
        prop_assume!(number < all.len() && distinct.len() == all.len());
        let Ok(before) = place(&all, &room, &Placement::new()) else { return Ok(()) };
        let mut edited = all.clone();
        let Some(Matching::In(resources)) = &mut edited[number].resources else { panic!() };
        resources[0] = resources[0].replace("arn:aws:s3", "arn:aws:s4");
        let after = place(&edited, &room, &before).unwrap();
        prop_assert_eq!(rewritten(&before, &after), 1);
    }

    #[test]
    fn no_managed_policy_is_left_whose_statements_fit_into_another(
        (all, found) in any_statements().prop_flat_map(any_found),
        room in any_room(),
    ) {
        let Ok(placed) = place(&all, &room, &found) else { return Ok(()) };
        for (home, list) in placed.iter().filter(|(home, _)| **home != Place::Inline) {
            for (other, others) in placed.iter().filter(|(other, _)| *other != home) {
                let together: Vec<Statement> = others.iter().chain(list).cloned().collect();
                prop_assert!(characters(&together) > room.of(*other), "{home:?} fits into {other:?}");
            }
        }
    }
}
