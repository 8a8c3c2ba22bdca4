//! No escape: random classes and statements, judged by us and by trying every request of a small world.
//!
//! What a statement allows is asked of `policy::evaluate`; whether the class forbids it, of [`meaning`], which knows nothing
//! of containment. A request that is allowed and forbidden is an escape if the judge was silent.
//!
//! `cargo test --lib pairs_hold_no_escape -- --nocapture --include-ignored` prints the figures, of the full number too.

mod meaning;
pub mod world;

use std::{collections::BTreeMap, num::NonZeroUsize, thread};

use fastrand::Rng;

use self::meaning::{Allowed, Meaning};
use super::{Guardrails, HOME, Role, placeholders};
use crate::{
    api::class,
    lint::Source,
    policy::{Document, Statement},
};

#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    pairs: usize,
    refused: usize,
    accepted: usize,
    /// Pairs of which some request is forbidden: what a judge that says nothing would let through.
    forbidden: usize,
    escapes: usize,
    /// Refused, though no request of this world is forbidden.
    needless: usize,
}

#[test]
fn twenty_thousand_pairs_hold_no_escape() {
    check(20_000);
}

#[test]
#[ignore = "takes a minute or two without optimisation"]
fn a_hundred_thousand_pairs_hold_no_escape() {
    check(100_000);
}

fn check(pairs: usize) {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let parts: Vec<Figures> = thread::scope(|scope| {
        let parts: Vec<_> =
            (0..threads).map(|part| scope.spawn(move || prove((part..pairs).step_by(threads)))).collect();
        parts.into_iter().map(|part| part.join().unwrap()).collect()
    });
    let all = parts.into_iter().fold(Figures::default(), |all, part| Figures {
        pairs: all.pairs + part.pairs,
        refused: all.refused + part.refused,
        accepted: all.accepted + part.accepted,
        forbidden: all.forbidden + part.forbidden,
        escapes: all.escapes + part.escapes,
        needless: all.needless + part.needless,
    });
    println!("{all:?}");
    assert_eq!(all.pairs, pairs);
    assert_eq!(all.escapes, 0, "{all:?}");
    // The world must be able to tell: most is refused for what it shows, and much is accepted.
    assert!(all.forbidden > pairs / 4 && all.accepted > pairs / 10, "{all:?}");
    assert!(all.needless < all.forbidden / 2, "{all:?}");
}

/// Every pair has a seed of its own, so that one that escapes is found again.
fn prove(seeds: impl Iterator<Item = usize>) -> Figures {
    let mut figures = Figures::default();
    for seed in seeds {
        let (rules, guardrails, statement) = pair(&mut Rng::with_seed(seed as u64));
        let document = Document::new(vec![statement.clone()]);
        let is_refused = !role_of(&document).judged(&guardrails).is_empty();
        let forbidden = Meaning::of(&rules).forbidden(&Allowed::by(&statement));
        figures.pairs += 1;
        figures.refused += usize::from(is_refused);
        figures.accepted += usize::from(!is_refused);
        figures.forbidden += usize::from(forbidden.is_some());
        figures.needless += usize::from(is_refused && forbidden.is_none());
        if let (false, Some(request)) = (is_refused, forbidden) {
            figures.escapes += 1;
            println!("ESCAPE {seed}: {request}\n{rules:?}\n{document}");
        }
    }
    figures
}

/// A class that is taken, and a statement.
fn pair(rng: &mut Rng) -> (class::Guardrails, Guardrails, Statement) {
    loop {
        let rules = world::rules(rng);
        if let Ok(guardrails) = Guardrails::compile(&rules, &placeholders(), HOME) {
            let statement = world::statement(rng, &rules);
            return (rules, guardrails, statement);
        }
    }
}

/// By turns of the spec, of a document that something was added to, and of a managed policy.
fn role_of(document: &Document) -> Role {
    match document.characters() % 3 {
        0 => Role {
            statements: super::located(&document.statements, "spec.statements", Source::Written),
            ..Role::default()
        },
        1 => Role { inline_policies: BTreeMap::from([("x".to_owned(), document.clone())]), ..Role::default() },
        _ => Role::attaching("arn:aws:iam::111122223333:policy/x", Ok(document.clone())),
    }
}
