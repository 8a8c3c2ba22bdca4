//! Which of a role's own statements stands in which document: all in the inline policy where they fit, else what it has no
//! room for in numbered managed policies.
//!
//! The same statements over what this made of them before are placed the same, and of others as few documents are touched as
//! can be, so that a small edit is one write: `docs/decisions/0013-overflow.md`.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::policy::{Document, Statement, canonical::canonical_statement, document::Effect};

/// The number of the first managed policy: the inline policy is the first document.
pub const FIRST_NUMBER: u32 = 2;

/// A document of a role's own statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The inline policy.
    Inline,
    /// The managed policy of that number.
    Policy(u32),
}

/// What stands where. No document is empty.
pub type Placement = BTreeMap<Place, Vec<Statement>>;

/// A role's own statements, and the room that there is for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnStatements {
    /// As they are written.
    pub written: Vec<Statement>,
    /// As they are stored: merged, where they do not fit into the inline policy otherwise.
    pub stored: Vec<Statement>,
    /// The room.
    pub room: Room,
}

/// The room that there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Most characters of the inline policy.
    pub inline: usize,
    /// Most characters of a managed policy.
    pub policy: usize,
    /// Most managed policies.
    pub policies: usize,
    /// Numbers under which policies of others stand, which the spec names.
    pub taken: BTreeSet<u32>,
}

/// Why statements cannot be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unplaced {
    /// This one fits into no document.
    TooLong(Box<Statement>),
    /// They need that many managed policies.
    TooMany(usize),
}

impl OwnStatements {
    /// Where they stand, if `found` is where statements stand now.
    ///
    /// # Errors
    /// If there is no room.
    pub fn place(&self, found: &Placement) -> Result<Placement, Unplaced> {
        place(&self.stored, &self.room, found)
    }
}

impl Room {
    /// Whether a document of these statements alone fits into the inline policy.
    #[must_use]
    pub fn holds_inline(&self, statements: &[Statement]) -> bool {
        statements.is_empty() || Document::new(statements.to_vec()).characters() <= self.inline
    }

    /// Whether a document of the statement alone fits into a managed policy.
    #[must_use]
    pub fn holds_in_policy(&self, statement: &Statement) -> bool {
        Document::new(vec![statement.clone()]).characters() <= self.policy
    }

    const fn of(&self, home: Place) -> usize {
        match home {
            Place::Inline => self.inline,
            Place::Policy(_) => self.policy,
        }
    }
}

/// Places `statements`, each in one document, each document within its room, where `found` is where statements stand now.
///
/// - All stand in the inline policy if they fit there.
/// - Else each stays where it is. A new one goes where one like it left, for that is what an edit looks like, else into a
///   document that changes anyway, else where there is room, else into a new one.
/// - A managed policy goes if its statements fit into the other documents.
/// - Where that takes more managed policies than there may be, all are placed anew.
///
/// Placed again over the outcome, the outcome is the same.
///
/// # Errors
/// If there is no room.
pub fn place(statements: &[Statement], room: &Room, found: &Placement) -> Result<Placement, Unplaced> {
    if room.holds_inline(statements) {
        let inline = (!statements.is_empty()).then(|| (Place::Inline, statements.to_vec()));
        return Ok(inline.into_iter().collect());
    }
    let items = items(statements, room)?;
    let found = read(found, room);
    let placement = arranged(&items, room, &found)?;
    if policies_of(&placement) <= room.policies {
        return Ok(placement);
    }
    let fresh = arranged(&items, room, &BTreeMap::new())?;
    let needed = policies_of(&fresh);
    if needed <= room.policies { Ok(renumbered(fresh, &found, room)) } else { Err(Unplaced::TooMany(needed)) }
}

fn policies_of(placement: &Placement) -> usize {
    placement.keys().filter(|home| **home != Place::Inline).count()
}

/// A statement that is placed.
struct Item {
    statement: Statement,
    /// By which it is known again.
    key: Statement,
    /// Characters in a document, with the comma.
    characters: usize,
    is_for_inline_only: bool,
}

/// Each once. Those that deny come first, so that they stand in the inline policy, which is written first.
fn items(statements: &[Statement], room: &Room) -> Result<Vec<Item>, Unplaced> {
    let mut seen = BTreeSet::new();
    let mut items = Vec::with_capacity(statements.len());
    for statement in statements {
        let key = canonical_statement(statement);
        if !seen.insert(key.clone()) {
            continue;
        }
        let is_for_inline_only = !room.holds_in_policy(statement);
        if is_for_inline_only && !room.holds_inline(std::slice::from_ref(statement)) {
            return Err(Unplaced::TooLong(Box::new(statement.clone())));
        }
        let characters = Document::new(vec![statement.clone()]).characters() - frame();
        items.push(Item { statement: statement.clone(), key, characters, is_for_inline_only });
    }
    items.sort_by_key(|item| item.statement.effect == Effect::Allow);
    Ok(items)
}

/// Characters of a document around its statements, each of which is taken to have a comma.
fn frame() -> usize {
    Document::new(Vec::new()).characters() - 1
}

/// What stands where now, as it is known again.
type Found = BTreeMap<Place, BTreeSet<Statement>>;

fn read(found: &Placement, room: &Room) -> Found {
    let is_own = |home: &Place| !matches!(home, Place::Policy(number) if room.taken.contains(number));
    let read = |(home, list): (&Place, &Vec<Statement>)| (*home, list.iter().map(canonical_statement).collect());
    found.iter().filter(|(home, _)| is_own(home)).map(read).collect()
}

fn arranged(items: &[Item], room: &Room, found: &Found) -> Result<Placement, Unplaced> {
    let mut arrangement = Arrangement::new(items, room, found);
    arrangement.seat_the_longest()?;
    arrangement.seat_the_settled(found);
    arrangement.seat_the_rest(found);
    loop {
        arrangement.dissolve();
        if !arrangement.takes_numbers_over(found) {
            return Ok(arrangement.placement());
        }
    }
}

/// Documents as they fill.
struct Arrangement<'a> {
    items: &'a [Item],
    room: &'a Room,
    /// Indices of items by document; a document may be empty.
    documents: BTreeMap<Place, BTreeSet<usize>>,
}

impl<'a> Arrangement<'a> {
    fn new(items: &'a [Item], room: &'a Room, found: &Found) -> Self {
        let homes = found.keys().copied().chain([Place::Inline]);
        Self { items, room, documents: homes.map(|home| (home, BTreeSet::new())).collect() }
    }

    fn is_seated(&self, index: usize) -> bool {
        self.documents.values().any(|document| document.contains(&index))
    }

    fn fits(&self, home: Place, index: usize) -> bool {
        let seated = self.documents.get(&home).into_iter().flatten();
        let characters: usize = seated.map(|seated| self.items[*seated].characters).sum();
        let is_allowed = home == Place::Inline || !self.items[index].is_for_inline_only;
        is_allowed && frame() + characters + self.items[index].characters <= self.room.of(home)
    }

    fn seat(&mut self, home: Place, index: usize) {
        self.documents.entry(home).or_default().insert(index);
    }

    /// Those that no managed policy holds.
    fn seat_the_longest(&mut self) -> Result<(), Unplaced> {
        for (index, item) in self.items.iter().enumerate().filter(|(_, item)| item.is_for_inline_only) {
            if !self.fits(Place::Inline, index) {
                return Err(Unplaced::TooLong(Box::new(item.statement.clone())));
            }
            self.seat(Place::Inline, index);
        }
        Ok(())
    }

    /// Those that stand somewhere stay, as far as there is room.
    fn seat_the_settled(&mut self, found: &Found) {
        for (index, item) in self.items.iter().enumerate() {
            let mut homes = found.iter().filter(|(_, document)| document.contains(&item.key)).map(|(home, _)| *home);
            if !self.is_seated(index)
                && let Some(home) = homes.find(|home| self.fits(*home, index))
            {
                self.seat(home, index);
            }
        }
    }

    fn seat_the_rest(&mut self, found: &Found) {
        let keys: BTreeSet<&Statement> = self.items.iter().map(|item| &item.key).collect();
        let gone = |document: &BTreeSet<Statement>| {
            document.iter().filter(|statement| !keys.contains(statement)).cloned().collect::<Vec<_>>()
        };
        let mut lost: BTreeMap<Place, Vec<Statement>> =
            found.iter().map(|(home, document)| (*home, gone(document))).collect();
        let mut changed: BTreeSet<Place> =
            lost.iter().filter(|(_, lost)| !lost.is_empty()).map(|(home, _)| *home).collect();
        for (index, item) in self.items.iter().enumerate() {
            if self.is_seated(index) {
                continue;
            }
            let likeness = |home: &Place| {
                let lost = lost.get(home).into_iter().flatten();
                lost.map(|statement| likeness_of(statement, &item.key)).max().unwrap_or_default()
            };
            let homes = self.documents.keys().filter(|home| self.fits(**home, index));
            let nearest = homes.min_by_key(|home| (Reverse(likeness(home)), !changed.contains(home), **home)).copied();
            let home = nearest.unwrap_or_else(|| self.new_place());
            if let Some(lost) = lost.get_mut(&home)
                && let Some((most_alike, _)) =
                    lost.iter().enumerate().max_by_key(|(_, statement)| likeness_of(statement, &item.key))
            {
                lost.remove(most_alike);
            }
            changed.insert(home);
            self.seat(home, index);
        }
    }

    /// The lowest number that nobody has.
    fn new_place(&self) -> Place {
        let is_free =
            |number: &u32| !self.room.taken.contains(number) && !self.documents.contains_key(&Place::Policy(*number));
        Place::Policy((FIRST_NUMBER..=u32::MAX).find(is_free).unwrap_or(u32::MAX))
    }

    /// Lets documents go whose statements fit into the others, the last first, until none does.
    fn dissolve(&mut self) {
        self.documents.retain(|home, document| *home == Place::Inline || !document.is_empty());
        while let Some(without) = self.documents.keys().rev().find_map(|home| self.without(*home)) {
            self.documents = without;
        }
    }

    /// The documents without that one, if its statements fit into the others.
    fn without(&self, home: Place) -> Option<BTreeMap<Place, BTreeSet<usize>>> {
        if home == Place::Inline {
            return None;
        }
        let mut documents = self.documents.clone();
        let mut homeless: Vec<usize> = documents.remove(&home)?.into_iter().collect();
        homeless.sort_by_key(|index| Reverse(self.items[*index].characters));
        let mut others = Arrangement { items: self.items, room: self.room, documents };
        for index in homeless {
            let home = others.documents.keys().copied().find(|home| others.fits(*home, index))?;
            others.seat(home, index);
        }
        Some(others.documents)
    }

    /// Lets new documents stand where others went: a policy that is rewritten takes no second place among the attached.
    /// Returns whether any does.
    fn takes_numbers_over(&mut self, found: &Found) -> bool {
        let is_policy = |home: &&Place| **home != Place::Inline;
        let new = self.documents.keys().filter(is_policy).filter(|home| !found.contains_key(home));
        let left = found.keys().filter(is_policy).filter(|home| !self.documents.contains_key(home));
        let pairs: Vec<(Place, Place)> = new.copied().zip(left.copied()).collect();
        for (new, left) in &pairs {
            if let Some(document) = self.documents.remove(new) {
                self.documents.insert(*left, document);
            }
        }
        !pairs.is_empty()
    }

    fn placement(self) -> Placement {
        let statements =
            |document: BTreeSet<usize>| document.into_iter().map(|index| self.items[index].statement.clone()).collect();
        let documents = self.documents.into_iter().filter(|(_, document)| !document.is_empty());
        documents.map(|(home, document)| (home, statements(document))).collect()
    }
}

/// How much two statements have in common.
fn likeness_of(a: &Statement, b: &Statement) -> usize {
    let has_same_sid = a.sid.is_some() && a.sid == b.sid;
    let alike =
        [a.effect == b.effect, a.actions == b.actions, a.resources == b.resources, a.conditions == b.conditions];
    1 + alike.into_iter().filter(|is_alike| *is_alike).count() + if has_same_sid { alike.len() + 1 } else { 0 }
}

/// A placement made anew, under numbers that stand already as far as there are any: what is attached takes no second place.
fn renumbered(fresh: Placement, found: &Found, room: &Room) -> Placement {
    let old = found.keys().filter_map(|home| match home {
        Place::Policy(number) => Some(*number),
        Place::Inline => None,
    });
    let free =
        (FIRST_NUMBER..).filter(|number| !room.taken.contains(number) && !found.contains_key(&Place::Policy(*number)));
    let mut numbers: Vec<u32> = old.chain(free).take(policies_of(&fresh)).collect();
    numbers.sort_unstable();
    let mut numbers = numbers.into_iter();
    let home = |home: Place| match home {
        Place::Inline => Place::Inline,
        Place::Policy(number) => Place::Policy(numbers.next().unwrap_or(number)),
    };
    let (homes, documents): (Vec<Place>, Vec<Vec<Statement>>) = fresh.into_iter().unzip();
    homes.into_iter().map(home).zip(documents).collect()
}

#[cfg(test)]
mod tests;
