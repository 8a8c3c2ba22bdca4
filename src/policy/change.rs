//! What differs between two documents, told by the actions that they list.
//!
//! For people who want to know what a new version of a policy means. It is exact where documents list actions; wildcards
//! are told as they are written, and what several of them contain only together counts as not contained.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ActionPattern, Document, Statement,
    canonical::canonical_statement,
    document::{Conditions, Effect, Matching},
};

/// What one document says of actions and another does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionChanges {
    /// In statements that allow.
    pub allowed: Changes,
    /// In statements that deny.
    pub denied: Changes,
}

/// Actions as they are written, `everything but …` for a `NotAction`; each list in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What the old document lists nowhere, not even within a wildcard.
    pub added: Vec<String>,
    /// What the new document lists nowhere, not even within a wildcard.
    pub removed: Vec<String>,
    /// What both list, on other resources or under other conditions.
    pub changed: Vec<String>,
}

impl ActionChanges {
    /// What differs between `old` and `new`.
    #[must_use]
    pub fn between(old: &Document, new: &Document) -> Self {
        let changes = |effect| Changes::between(&Listed::of(old, effect), &Listed::of(new, effect));
        Self { allowed: changes(Effect::Allow), denied: changes(Effect::Deny) }
    }

    /// Whether nothing differs but names, order and spelling.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.allowed == Changes::default() && self.denied == Changes::default()
    }
}

impl Changes {
    fn between(old: &Listed, new: &Listed) -> Self {
        let mut changes = Self::default();
        // Case does not count, so what differs in nothing else is one action.
        let all: BTreeMap<String, &Entry> =
            old.entries().chain(new.entries()).map(|entry| (entry.text.to_ascii_lowercase(), entry)).collect();
        for entry in all.into_values() {
            let (before, after) = (old.terms_of(entry), new.terms_of(entry));
            let list = match (before.is_empty(), after.is_empty()) {
                (true, _) => &mut changes.added,
                (false, true) => &mut changes.removed,
                (false, false) if before != after => &mut changes.changed,
                (false, false) => continue,
            };
            list.push(entry.text.clone());
        }
        changes
    }
}

/// One resource, or all but a list of them, under conditions, in their canonical form.
type Term = (Option<Matching>, Conditions);

/// An action of a statement.
struct Entry {
    text: String,
    actions: Actions,
    /// On what, and when.
    terms: BTreeSet<Term>,
}

enum Actions {
    Like(ActionPattern),
    AllBut(Vec<ActionPattern>),
}

impl Actions {
    fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Like(this), Self::Like(other)) => other.is_within(this),
            (Self::Like(this), Self::AllBut(_)) => ActionPattern::new("*").is_within(this),
            (Self::AllBut(excluded), Self::Like(other)) => !excluded.iter().any(|pattern| pattern.intersects(other)),
            (Self::AllBut(excluded), Self::AllBut(others)) => {
                excluded.iter().all(|pattern| pattern.is_within_one_of(others))
            }
        }
    }
}

/// All actions that a document lists with one effect. Those of a service are kept together, as AWS's longest policies list
/// thousands and only these can contain one another.
struct Listed {
    by_service: BTreeMap<String, Vec<Entry>>,
    of_any_service: Vec<Entry>,
}

impl Listed {
    fn of(document: &Document, effect: Effect) -> Self {
        let mut listed = Self { by_service: BTreeMap::new(), of_any_service: Vec::new() };
        for statement in document.statements.iter().filter(|statement| statement.effect == effect) {
            let terms = terms(statement);
            match &statement.actions {
                Matching::In(actions) => {
                    for text in actions {
                        let actions = Actions::Like(ActionPattern::new(text));
                        listed.group(text).push(Entry { text: text.clone(), actions, terms: terms.clone() });
                    }
                }
                Matching::NotIn(excluded) => listed.of_any_service.push(Entry {
                    text: format!("everything but {}", excluded.join(", ")),
                    actions: Actions::AllBut(excluded.iter().map(|text| ActionPattern::new(text)).collect()),
                    terms,
                }),
            }
        }
        listed
    }

    fn group(&mut self, text: &str) -> &mut Vec<Entry> {
        match service(text) {
            Some(service) => self.by_service.entry(service).or_default(),
            None => &mut self.of_any_service,
        }
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.by_service.values().flatten().chain(&self.of_any_service)
    }

    /// On what, and when, the document lists all that `entry` stands for; empty if nowhere.
    fn terms_of(&self, entry: &Entry) -> BTreeSet<&Term> {
        let of_service = service(&entry.text).and_then(|service| self.by_service.get(&service));
        let candidates = of_service.into_iter().flatten().chain(&self.of_any_service);
        candidates.filter(|other| other.actions.contains(&entry.actions)).flat_map(|other| &other.terms).collect()
    }
}

/// The service of an action, if it is one.
fn service(action: &str) -> Option<String> {
    let (service, _) = action.split_once(':')?;
    let is_one = service.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_one.then(|| service.to_ascii_lowercase())
}

/// A statement about two resources says the same as two statements about one each.
fn terms(statement: &Statement) -> BTreeSet<Term> {
    let Statement { resources, conditions, .. } = canonical_statement(statement);
    match resources {
        Some(Matching::In(list)) => {
            list.into_iter().map(|resource| (Some(Matching::In(vec![resource])), conditions.clone())).collect()
        }
        other => BTreeSet::from([(other, conditions)]),
    }
}
