//! Fewer statements with the same meaning, for where a document is too long.
//!
//! A statement is about actions times resources. Two that differ in one of these lists alone are one with both lists'
//! entries; one whose lists are part of another's says nothing that the other does not. Both hold for Allow and Deny, for a
//! request is decided by whether any statement of an effect matches it.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use super::{
    canonical::canonical_statement,
    document::{Matching, Statement},
};

/// `statements` merged as far as it goes without a change of meaning: as a set the result does not depend on their order,
/// it is never longer, and there is nothing left in it to merge.
///
/// - `NotAction` and `NotResource` are merged with none but their equals.
/// - Entries keep the order and the spelling in which they come first.
/// - A merged statement stands where its first part stood, under the first sid that its parts have. One that another
///   contains goes with its sid.
#[must_use]
pub fn merged(statements: &[Statement]) -> Vec<Statement> {
    let mut list: Vec<Statement> = statements.iter().cloned().map(without_repetitions).collect();
    loop {
        let before = list.len();
        list = united(list, List::Resources);
        list = united(list, List::Actions);
        list = without_contained(list);
        if list.len() == before {
            return list;
        }
    }
}

/// Which list of a statement.
#[derive(Clone, Copy)]
enum List {
    Actions,
    Resources,
}

impl List {
    /// The list, where it says what the statement is about and not what it leaves out.
    fn of(self, statement: &mut Statement) -> Option<&mut Vec<String>> {
        let matching = match self {
            Self::Actions => Some(&mut statement.actions),
            Self::Resources => statement.resources.as_mut(),
        };
        match matching {
            Some(Matching::In(list)) => Some(list),
            Some(Matching::NotIn(_)) | None => None,
        }
    }

    /// What makes two entries the same: IAM compares the names of actions without regard to case.
    fn identity(self, entry: &str) -> String {
        match self {
            Self::Actions => entry.to_ascii_lowercase(),
            Self::Resources => entry.to_owned(),
        }
    }

    fn retain_first(self, entries: &mut Vec<String>) {
        let mut seen = BTreeSet::new();
        entries.retain(|entry| seen.insert(self.identity(entry)));
    }
}

fn without_repetitions(mut statement: Statement) -> Statement {
    for list in [List::Actions, List::Resources] {
        if let Some(entries) = list.of(&mut statement) {
            list.retain_first(entries);
        }
    }
    statement
}

/// Statements that differ in nothing but `list` become one.
fn united(statements: Vec<Statement>, list: List) -> Vec<Statement> {
    let mut places: BTreeMap<Statement, usize> = BTreeMap::new();
    let mut united: Vec<Statement> = Vec::new();
    for mut statement in statements {
        let mut rest = nameless(&statement);
        if let Some(entries) = list.of(&mut rest) {
            entries.clear();
        }
        match places.entry(rest) {
            Entry::Vacant(place) => {
                place.insert(united.len());
                united.push(statement);
            }
            Entry::Occupied(place) => {
                let first = &mut united[*place.get()];
                if let (Some(entries), Some(more)) = (list.of(first), list.of(&mut statement)) {
                    entries.append(more);
                    list.retain_first(entries);
                }
                first.sid = first.sid.take().or(statement.sid);
            }
        }
    }
    united
}

fn without_contained(statements: Vec<Statement>) -> Vec<Statement> {
    let forms: Vec<Statement> = statements.iter().map(nameless).collect();
    let is_contained = |form: &Statement| forms.iter().any(|other| other != form && contains(other, form));
    let kept: Vec<bool> = forms.iter().map(|form| !is_contained(form)).collect();
    statements.into_iter().zip(kept).filter_map(|(statement, is_kept)| is_kept.then_some(statement)).collect()
}

/// The canonical form but for the sid, which changes no access.
fn nameless(statement: &Statement) -> Statement {
    Statement { sid: None, ..canonical_statement(statement) }
}

/// Whether the canonical `outer` is about all that the canonical `inner` is about. Entries are compared as they are: what
/// a wildcard contains is not seen.
fn contains(outer: &Statement, inner: &Statement) -> bool {
    let Statement { sid: _, effect, principal, not_principal, actions, resources, conditions } = outer;
    *effect == inner.effect
        && *principal == inner.principal
        && *not_principal == inner.not_principal
        && *conditions == inner.conditions
        && covers(actions, &inner.actions)
        && match (resources, &inner.resources) {
            (Some(outer), Some(inner)) => covers(outer, inner),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
}

fn covers(outer: &Matching, inner: &Matching) -> bool {
    let is_part = |part: &[String], whole: &[String]| part.iter().all(|entry| whole.binary_search(entry).is_ok());
    match (outer, inner) {
        (Matching::In(outer), Matching::In(inner)) => is_part(inner, outer),
        (Matching::NotIn(outer), Matching::NotIn(inner)) => is_part(outer, inner),
        (Matching::In(_), Matching::NotIn(_)) | (Matching::NotIn(_), Matching::In(_)) => false,
    }
}
