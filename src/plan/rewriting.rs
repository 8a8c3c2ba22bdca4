//! The writes that bring a role's own statements from where they stand to where they shall stand.
//!
//! One write replaces one document. A statement that moves is written where it goes before it is taken from where it was, so
//! that it is neither interrupted nor, if it denies, lifted on the way; and what moves counts neither as given nor as taken
//! when the writes are put into the order of [`Phase`].

use std::collections::{BTreeMap, BTreeSet};

use super::{
    DesiredRole, ObservedRole, PolicyOwner, Step,
    diff::{Phase, fits, put_inline_policy, replacement_phase},
    overflow::{self, ByNumber},
    owner::Owner,
    placement::Place,
};
use crate::{
    api::INLINE_POLICY_NAME,
    policy::{
        Document, Statement,
        canonical::{canonical_statement, equivalent, is_no_wider},
        document::Effect,
    },
};

/// The steps, each with its phase, in their order within it.
pub(super) fn steps(desired: &DesiredRole, observed: Option<&ObservedRole>, policies: &ByNumber) -> Vec<(Phase, Step)> {
    let mut writes = Writes::of(desired, observed, policies);
    writes.order();
    let mut steps: Vec<(Phase, usize, Place, Vec<Step>)> = Vec::new();
    for (home, change) in &writes.changes {
        let mut stored = change.is_stored;
        for (phase, statements) in &change.writes {
            steps.push((*phase, change.depth, *home, writes.steps(*home, statements, &mut stored)));
        }
    }
    steps.sort_by_key(|(phase, depth, home, _)| (*phase, *depth, *home));
    steps.into_iter().flat_map(|(phase, _, _, steps)| steps.into_iter().map(move |step| (phase, step))).collect()
}

/// Statements by what they mean, their names aside.
type Sayings = BTreeSet<Statement>;

fn sayings(statements: &[Statement]) -> Sayings {
    statements.iter().map(saying).collect()
}

fn saying(statement: &Statement) -> Statement {
    Statement { sid: None, ..canonical_statement(statement) }
}

/// One document on its way.
struct Change {
    /// What holds now: nothing of a policy that is not attached.
    old: Vec<Statement>,
    /// Whether that could be read.
    is_legible: bool,
    /// Whether IAM has the document, so that another version of it is written.
    is_stored: bool,
    /// What shall hold.
    new: Vec<Statement>,
    /// When which statements are written.
    writes: Vec<(Phase, Vec<Statement>)>,
    /// How many documents wait for each other until it is this one's turn.
    depth: usize,
}

struct Writes<'a> {
    desired: &'a DesiredRole,
    observed: Option<&'a ObservedRole>,
    policies: &'a ByNumber,
    /// The documents that change.
    changes: BTreeMap<Place, Change>,
    /// What all documents say now, and what they shall say.
    old: Sayings,
    new: Sayings,
}

impl<'a> Writes<'a> {
    fn of(desired: &'a DesiredRole, observed: Option<&'a ObservedRole>, policies: &'a ByNumber) -> Self {
        let homes = desired.overflow_policies.keys().chain(policies.keys()).map(|number| Place::Policy(*number));
        let homes: BTreeSet<Place> = homes.chain([Place::Inline]).collect();
        let mut writes =
            Self { desired, observed, policies, changes: BTreeMap::new(), old: Sayings::new(), new: Sayings::new() };
        for home in homes {
            let (stored, wanted) = (writes.stored(home), writes.wanted(home));
            let is_in_force = home == Place::Inline || writes.is_attached(home);
            let document = stored.as_ref().filter(|_| is_in_force).map(|stored| stored.as_ref());
            let is_legible = !matches!(document, Some(Err(())));
            let old = document.and_then(Result::ok).map(|document| document.statements.clone()).unwrap_or_default();
            let new = wanted.map(|document| document.statements.clone()).unwrap_or_default();
            writes.old.extend(sayings(&old));
            writes.new.extend(sayings(&new));
            let is_as_wanted = match (&stored, wanted) {
                (Some(Ok(stored)), Some(wanted)) => is_in_force && equivalent(stored, wanted),
                (Some(Err(())) | None, Some(_)) => false,
                (Some(_), None) => !is_in_force,
                (None, None) => true,
            };
            if !is_as_wanted {
                let is_stored = stored.is_some();
                let change = Change { old, is_legible, is_stored, new, writes: Vec::new(), depth: 0 };
                writes.changes.insert(home, change);
            }
        }
        writes
    }

    fn stored(&self, home: Place) -> Option<Result<Document, ()>> {
        let json = match home {
            Place::Inline => self.observed?.inline_policies.get(INLINE_POLICY_NAME)?,
            Place::Policy(number) => &self.policies.get(&number)?.document,
        };
        Some(Document::parse(json).map_err(drop))
    }

    fn wanted(&self, home: Place) -> Option<&'a Document> {
        match home {
            Place::Inline => self.desired.inline_policies.get(INLINE_POLICY_NAME),
            Place::Policy(number) => self.desired.overflow_policies.get(&number).map(|policy| &policy.document),
        }
    }

    fn arn(&self, home: Place) -> Option<String> {
        match home {
            Place::Inline => None,
            Place::Policy(number) => Some(self.desired.overflow_names.arn(number)),
        }
    }

    fn is_attached(&self, home: Place) -> bool {
        let arn = self.arn(home);
        self.observed.is_some_and(|role| arn.is_some_and(|arn| role.managed_policies.contains(&arn)))
    }

    /// Sets when which document is written.
    fn order(&mut self) {
        let givers = self.givers();
        let mut slots = self.free_slots();
        let homes: Vec<Place> = self.changes.keys().copied().collect();
        for home in &homes {
            let takes = givers.contains_key(home);
            let mut phase = self.phase(*home, takes);
            let takes_slot = self.changes.get(home).is_some_and(|change| !change.new.is_empty())
                && *home != Place::Inline
                && !self.is_attached(*home);
            if takes_slot {
                match slots.checked_sub(1) {
                    Some(left) => slots = left,
                    // What is detached makes room first.
                    None => phase = phase.max(Phase::Replace),
                }
            }
            if let Some(change) = self.changes.get_mut(home) {
                change.writes = vec![(phase, change.new.clone())];
            }
        }
        self.deny_before_all();
        // Those that take come before those that give, so their turns are settled first.
        let mut settled: BTreeSet<Place> = BTreeSet::new();
        while settled.len() < homes.len() {
            let waits = |home: &Place| {
                givers.iter().any(|(taker, givers)| givers.contains(home) && !settled.contains(taker) && taker != home)
            };
            let open = || homes.iter().filter(|home| !settled.contains(home));
            // Two that give to each other cannot both wait.
            let Some(next) = open().find(|home| !waits(home)).or_else(|| open().next()).copied() else { break };
            self.settle(next, givers.get(&next));
            settled.insert(next);
        }
    }

    /// Where several documents get statements that deny, none gives before all of these stand: those that only deny come first,
    /// and of the others all but one are written without what is new in what they allow.
    fn deny_before_all(&mut self) {
        let gains = |home: &Place, effect: Effect| {
            self.changes.get(home).is_some_and(|change| {
                let is_new = |statement: &Statement| statement.effect == effect && !self.old.contains(statement);
                sayings(&change.new).iter().any(is_new)
            })
        };
        let is_early = |home: &Place| {
            self.changes
                .get(home)
                .and_then(|change| change.writes.first())
                .is_some_and(|(phase, _)| *phase == Phase::Deny)
        };
        let denying: Vec<Place> =
            self.changes.keys().filter(|home| is_early(home) && gains(home, Effect::Deny)).copied().collect();
        let mixed: Vec<Place> = denying.iter().filter(|home| gains(home, Effect::Allow)).copied().collect();
        let Some((last, others)) = mixed.split_last().filter(|_| denying.len() > 1) else { return };
        for home in others {
            let first = self.taking_only(*home, Phase::Deny);
            if let Some(change) = self.changes.get_mut(home) {
                match first {
                    Some(first) => change.writes = vec![(Phase::Deny, first), (Phase::Add, change.new.clone())],
                    None => change.depth = 1,
                }
            }
        }
        if let Some(change) = self.changes.get_mut(last) {
            change.depth = 1;
        }
    }

    /// For each document those that give statements to it, which nothing else holds meanwhile.
    fn givers(&self) -> BTreeMap<Place, BTreeSet<Place>> {
        let stay: Sayings =
            self.changes.values().flat_map(|change| &sayings(&change.old) & &sayings(&change.new)).collect();
        let mut givers: BTreeMap<Place, BTreeSet<Place>> = BTreeMap::new();
        for (taker, taking) in &self.changes {
            let taken = &sayings(&taking.new) - &sayings(&taking.old);
            for (giver, giving) in &self.changes {
                let given = &sayings(&giving.old) - &sayings(&giving.new);
                if taken.intersection(&given).any(|saying| !stay.contains(saying)) {
                    givers.entry(*taker).or_default().insert(*giver);
                }
            }
        }
        givers
    }

    fn free_slots(&self) -> usize {
        let attached = self.observed.map_or(0, |role| role.managed_policies.len());
        self.desired.quotas.managed_policies.saturating_sub(attached)
    }

    /// When a document would be written if none waited for it.
    fn phase(&self, home: Place, takes: bool) -> Phase {
        let Some(change) = self.changes.get(&home) else { return Phase::Replace };
        if let (Place::Inline, Some(role), Some(wanted)) = (home, self.observed, self.wanted(home))
            && !fits(INLINE_POLICY_NAME, wanted, role, self.desired.quotas.inline_policies)
        {
            return Phase::Add;
        }
        if !change.is_legible {
            return Phase::Replace;
        }
        // What moves is neither new where it goes nor gone where it was.
        let (old, new) = (sayings(&change.old), sayings(&change.new));
        let old_net = document(&old | &(&new & &self.old));
        let new_net = document(&new | &(&old & &self.new));
        let is_neutral = is_no_wider(&old_net, &new_net) && is_no_wider(&new_net, &old_net);
        if is_neutral && takes { Phase::Deny } else { replacement_phase(&old_net, &new_net) }
    }

    /// Lets those that give to `taker` wait for it: for what it takes alone, if it is due later for what else it gets.
    fn settle(&mut self, taker: Place, givers: Option<&BTreeSet<Place>>) {
        let Some(givers) = givers else { return };
        // What it takes is in the first of its writes.
        let Some((phase, depth)) =
            self.changes.get(&taker).and_then(|change| Some((change.writes.first()?.0, change.depth)))
        else {
            return;
        };
        let is_due =
            |giver: &Place| self.changes.get(giver).and_then(|change| change.writes.first()).map(|first| first.0);
        let early: Vec<Place> =
            givers.iter().filter(|giver| **giver != taker && is_due(giver) < Some(phase)).copied().collect();
        let mut phase = phase;
        if !early.is_empty() {
            if let Some(first) = self.taking_only(taker, phase) {
                if let Some(change) = self.changes.get_mut(&taker) {
                    change.writes.insert(0, (Phase::Deny, first));
                }
                phase = Phase::Deny;
            } else {
                // What goes for good need not wait for what moves.
                for giver in early {
                    let first = self.giving_only(giver);
                    if let (Some(first), Some(change)) = (first, self.changes.get_mut(&giver)) {
                        change.writes.insert(0, (Phase::Remove, first));
                    }
                }
            }
        }
        for giver in givers.iter().filter(|giver| **giver != taker) {
            if let Some(change) = self.changes.get_mut(giver) {
                change.depth = change.depth.max(depth + 1);
                if let Some(last) = change.writes.last_mut() {
                    last.0 = last.0.max(phase);
                }
            }
        }
    }

    /// What `giver` holds between: what it held, without what is allowed no more. None if it lets go of nothing else, or holds
    /// that already.
    fn giving_only(&self, giver: Place) -> Option<Vec<Statement>> {
        let change = self.changes.get(&giver).filter(|change| change.writes.len() == 1 && change.is_legible)?;
        let stays = |statement: &&Statement| statement.effect == Effect::Deny || self.new.contains(&saying(statement));
        let kept: Vec<Statement> = change.old.iter().filter(stays).cloned().collect();
        (!kept.is_empty() && kept.len() < change.old.len()).then_some(kept)
    }

    /// What `taker` holds between: what it takes, what it keeps and what it denies, without what it is given that is new. None
    /// if there is no room for that.
    fn taking_only(&self, taker: Place, phase: Phase) -> Option<Vec<Statement>> {
        let change = self.changes.get(&taker)?;
        // It is late for want of room, not for what it gives.
        if phase > self.phase(taker, true) {
            return None;
        }
        let is_known =
            |statement: &&Statement| statement.effect == Effect::Deny || self.old.contains(&saying(statement));
        let kept: Vec<Statement> = change.new.iter().filter(is_known).cloned().collect();
        let held = sayings(&kept);
        let is_left = |statement: &&Statement| {
            let said = saying(statement);
            let goes_on = self.new.contains(&said) || statement.effect == Effect::Deny;
            goes_on && !held.contains(&said)
        };
        let sids: BTreeSet<&String> = kept.iter().filter_map(|statement| statement.sid.as_ref()).collect();
        let left = change
            .old
            .iter()
            .filter(is_left)
            .cloned()
            .map(|statement| Statement { sid: statement.sid.filter(|sid| !sids.contains(sid)), ..statement });
        let between: Vec<Statement> = kept.iter().cloned().chain(left).collect();
        let wanted = Document::new(between.clone());
        let has_room = match (taker, self.observed) {
            (Place::Inline, Some(role)) => fits(INLINE_POLICY_NAME, &wanted, role, self.desired.quotas.inline_policies),
            (Place::Inline, None) => false,
            (Place::Policy(_), _) => wanted.characters() <= self.desired.quotas.managed_policy_size,
        };
        (has_room && !between.is_empty() && !equivalent(&wanted, &Document::new(change.new.clone()))).then_some(between)
    }

    /// The steps that have these statements stand there. `is_stored` says whether IAM has the document before, and has it
    /// afterwards.
    fn steps(&self, home: Place, statements: &[Statement], is_stored: &mut bool) -> Vec<Step> {
        let document = Document::new(statements.to_vec());
        let Place::Policy(number) = home else {
            return match statements {
                [] => vec![Step::DeleteInlinePolicy(INLINE_POLICY_NAME.to_owned())],
                _ => vec![put_inline_policy(INLINE_POLICY_NAME, &document)],
            };
        };
        let names = &self.desired.overflow_names;
        let arn = names.arn(number);
        if statements.is_empty() {
            return vec![Step::DetachManagedPolicy(arn)];
        }
        let mut steps = Vec::new();
        let found = self.policies.get(&number);
        let is_attached = self.is_attached(home) || (*is_stored && found.is_none());
        match found {
            Some(policy) => {
                let holds = Document::parse(&policy.document).is_ok_and(|stored| equivalent(&stored, &document));
                if !holds {
                    steps.extend(overflow::rewrite(policy, &document));
                }
            }
            None if *is_stored => steps.push(Step::CreatePolicyVersion { arn: arn.clone(), document }),
            None => {
                let tags = Owner::of(&self.desired.tags).map(|owner| PolicyOwner::of_role(&owner).tags());
                let policy = names.policy(number, statements.to_vec());
                steps.push(Step::CreatePolicy(Box::new(names.new_policy(&policy, &tags.unwrap_or_default()))));
            }
        }
        *is_stored = true;
        if !is_attached {
            steps.push(Step::AttachManagedPolicy(arn));
        }
        steps
    }
}

fn document(statements: Sayings) -> Document {
    Document::new(statements.into_iter().collect())
}
