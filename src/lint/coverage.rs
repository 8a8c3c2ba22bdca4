//! What statements are about, as sets of actions and of resources, and whether one takes in another.

use super::{
    condition::follow_from,
    subject::{Located, entries},
};
use crate::policy::{ActionPattern, Pattern, document::Matching};

/// What a pattern has to answer.
pub(super) trait Language: Sized {
    fn of(text: &str) -> Self;
    fn is_within(&self, other: &Self) -> bool;
    fn intersects(&self, other: &Self) -> bool;
}

impl Language for ActionPattern {
    fn of(text: &str) -> Self {
        Self::new(text)
    }

    fn is_within(&self, other: &Self) -> bool {
        Self::is_within(self, other)
    }

    fn intersects(&self, other: &Self) -> bool {
        Self::intersects(self, other)
    }
}

impl Language for Pattern {
    fn of(text: &str) -> Self {
        Self::new(text)
    }

    fn is_within(&self, other: &Self) -> bool {
        Self::is_within(self, other)
    }

    fn intersects(&self, other: &Self) -> bool {
        Self::intersects(self, other)
    }
}

/// `Action` or `NotAction`, `Resource` or `NotResource`, as a set.
#[derive(Debug)]
pub(super) struct Extent<P> {
    /// The patterns, in the order in which they are written.
    pub patterns: Vec<P>,
    /// The set is everything but what the patterns match.
    pub excludes: bool,
}

impl<P: Language> Extent<P> {
    fn new(matching: &Matching) -> Self {
        Self {
            patterns: entries(matching).iter().map(|text| P::of(text)).collect(),
            excludes: matches!(matching, Matching::NotIn(_)),
        }
    }

    /// Whether all that matches `pattern` is in the set. "No" where only several entries together take it in.
    pub(super) fn takes_in(&self, pattern: &P) -> bool {
        if self.excludes {
            !self.patterns.iter().any(|excluded| excluded.intersects(pattern))
        } else {
            self.patterns.iter().any(|included| pattern.is_within(included))
        }
    }

    /// Whether the set is within another.
    fn is_within(&self, other: &Self) -> bool {
        match (self.excludes, other.excludes) {
            (false, _) => self.patterns.iter().all(|pattern| other.takes_in(pattern)),
            (true, true) => {
                other.patterns.iter().all(|excluded| self.patterns.iter().any(|own| excluded.is_within(own)))
            }
            (true, false) => other.takes_in(&P::of("*")),
        }
    }
}

/// A statement with its patterns.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    /// The statement.
    pub located: &'a Located,
    /// Its actions.
    pub actions: Extent<ActionPattern>,
    /// Its resources.
    pub resources: Extent<Pattern>,
}

impl<'a> Reading<'a> {
    /// Reads a statement. One without resources is about all, as those of trust policies are about their role.
    pub(super) fn new(located: &'a Located) -> Self {
        let statement = &located.statement;
        let everything = Extent { patterns: vec![Pattern::new("*")], excludes: false };
        Self {
            located,
            actions: Extent::new(&statement.actions),
            resources: statement.resources.as_ref().map_or(everything, Extent::new),
        }
    }

    /// The actions as they are written, with their patterns and their places. None if all but some are meant.
    pub(super) fn included_actions(&self) -> impl Iterator<Item = (usize, &'a str, &ActionPattern)> {
        included(&self.actions, entries(&self.located.statement.actions))
    }

    /// The resources as they are written, with their patterns and their places. None if all but some are meant.
    pub(super) fn included_resources(&self) -> impl Iterator<Item = (usize, &'a str, &Pattern)> {
        included(&self.resources, self.located.statement.resources.as_ref().map_or(&[], entries))
    }

    /// Whether the statement's conditions hold whenever those of `other` do. "No" where that does not show.
    pub(super) fn is_no_more_conditioned_than(&self, other: &Reading<'_>) -> bool {
        follow_from(&self.located.statement.conditions, &other.located.statement.conditions)
    }

    /// What the statement is about of what `of` is about; `None` if only under more conditions.
    fn share_of(&self, of: &Reading<'_>) -> Option<Share> {
        if !self.is_no_more_conditioned_than(of) {
            return None;
        }
        let actions: Vec<bool> = of.actions.patterns.iter().map(|pattern| self.actions.takes_in(pattern)).collect();
        let resources: Vec<bool> =
            of.resources.patterns.iter().map(|pattern| self.resources.takes_in(pattern)).collect();
        Some(Share { actions, resources })
    }

    /// Whether all that this statement is about, `other` is about, under no more conditions.
    pub(super) fn is_within(&self, other: &Reading<'_>) -> bool {
        other.is_no_more_conditioned_than(self)
            && self.actions.is_within(&other.actions)
            && self.resources.is_within(&other.resources)
    }

    /// Whether others together are about all that this statement is about, under no more conditions: each of its actions
    /// with each of its resources is in one of them.
    pub(super) fn is_within_all<'b>(&self, others: impl IntoIterator<Item = &'b Reading<'b>>) -> bool {
        let others: Vec<&Reading<'_>> = others.into_iter().collect();
        if others.iter().any(|other| self.is_within(other)) {
            return true;
        }
        if self.actions.excludes || self.resources.excludes {
            return false;
        }
        let shares: Vec<Share> = others.iter().filter_map(|other| other.share_of(self)).collect();
        (0..self.actions.patterns.len()).all(|action| {
            (0..self.resources.patterns.len())
                .all(|resource| shares.iter().any(|share| share.actions[action] && share.resources[resource]))
        })
    }
}

/// Which of a statement's actions and resources another is about.
struct Share {
    actions: Vec<bool>,
    resources: Vec<bool>,
}

fn included<'a, 'r, P>(
    extent: &'r Extent<P>,
    texts: &'a [String],
) -> impl Iterator<Item = (usize, &'a str, &'r P)> + use<'a, 'r, P> {
    let count = if extent.excludes { 0 } else { extent.patterns.len() };
    texts
        .iter()
        .zip(&extent.patterns)
        .take(count)
        .enumerate()
        .map(|(index, (text, pattern))| (index, text.as_str(), pattern))
}
