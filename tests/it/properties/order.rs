//! Narrow before widen: what the order of a plan's steps opens up on the way, were it cut at any of them.

use std::collections::BTreeSet;

use lambdaroles::{
    api::{INLINE_POLICY_NAME, role::UnlistedManagedPolicies},
    plan::{DesiredRole, ObservedPolicy, ObservedRole, Step, diff, overflow::ByNumber},
    policy::{Document, Statement, canonical::Canonical, document::Effect},
};
use proptest::{collection::vec, prelude::*};

use super::{
    foreign::{self, Edit},
    generate::{self, Pool},
    iam_model::{ATTACHMENT_QUOTA, Fate, Iam, characters},
    world::{World, desired},
};

/// What a document says: the meanings of its statements, their names aside.
#[derive(Clone, Debug, Default)]
struct Sayings {
    allows: BTreeSet<String>,
    denies: BTreeSet<String>,
}

impl Sayings {
    /// A document that does not parse allows and denies something of its own.
    fn of(json: &str) -> Self {
        let Ok(document) = Document::parse(json) else {
            return Self { allows: [json.to_owned()].into(), denies: [json.to_owned()].into() };
        };
        let (allows, denies): (Vec<Statement>, Vec<Statement>) =
            document.statements.into_iter().partition(|statement| statement.effect == Effect::Allow);
        let meanings = |list: Vec<Statement>| list.into_iter().map(meaning).collect();
        Self { allows: meanings(allows), denies: meanings(denies) }
    }

    fn extend(&mut self, other: Self) {
        self.allows.extend(other.allows);
        self.denies.extend(other.denies);
    }

    fn common_with(&self, other: &Self) -> Self {
        Self { allows: &self.allows & &other.allows, denies: &self.denies & &other.denies }
    }

    /// Whether a change to `other` gives something that `self` does not.
    fn grows_into(&self, other: &Self) -> bool {
        !other.allows.is_subset(&self.allows) || !self.denies.is_subset(&other.denies)
    }
}

fn meaning(statement: Statement) -> String {
    format!("{:?}", Canonical::of(&Document::new(vec![Statement { sid: None, ..statement }])))
}

/// Who may do what with a role. A managed policy, whose content the controller does not read, is taken to allow
/// something of its own; a boundary is taken to leave something out, and every boundary the same.
#[derive(Clone, Debug, Default)]
struct Access {
    permissions: Sayings,
    trust: Sayings,
    is_bounded: bool,
}

impl Access {
    fn of(role: Option<&ObservedRole>) -> Self {
        let Some(role) = role else { return Self::default() };
        let mut permissions = Sayings { allows: role.managed_policies.clone(), denies: BTreeSet::new() };
        role.inline_policies.values().for_each(|json| permissions.extend(Sayings::of(json)));
        let is_bounded = role.permissions_boundary.is_some();
        Self { permissions, trust: Sayings::of(&role.trust_policy), is_bounded }
    }

    /// Whether `allow` lets those whom `trust` lets in do all here that it lets them do at `now`: what is denied or out of
    /// bounds here is so at `now`.
    fn covers(&self, now: &Self, allow: &str, trust: &str) -> bool {
        self.permissions.allows.contains(allow)
            && self.permissions.denies.is_subset(&now.permissions.denies)
            && self.trust.allows.contains(trust)
            && self.trust.denies.is_subset(&now.trust.denies)
            && (now.is_bounded || !self.is_bounded)
    }

    /// Something that is open now, and neither at the start nor at the end.
    fn beyond(&self, start: &Self, end: &Self) -> Option<(String, String)> {
        let trusts = self.trust.allows.iter();
        let mut pairs = trusts.flat_map(|trust| self.permissions.allows.iter().map(move |allow| (allow, trust)));
        let is_beyond =
            |(allow, trust): &(&String, &String)| !start.covers(self, allow, trust) && !end.covers(self, allow, trust);
        pairs.find(is_beyond).map(|(allow, trust)| (allow.clone(), trust.clone()))
    }
}

#[derive(Clone, Debug)]
struct Change {
    pool: Pool,
    before: generate::Draft,
    edits: Vec<Edit>,
    after: generate::Draft,
    is_new: bool,
}

fn changes() -> impl Strategy<Value = Change> {
    (generate::pool(), generate::draft(), vec(foreign::edit(), 0..6), generate::draft(), prop::bool::weighted(0.1))
        .prop_map(|(pool, before, edits, after, is_new)| Change { pool, before, edits, after, is_new })
}

impl Change {
    /// IAM before the change, the desired role, and the steps to it.
    fn plan(&self) -> (Iam, DesiredRole, Vec<Step>) {
        let Self { pool, before, edits, after, is_new } = self;
        let (mut world, desired) = (World::new(0), desired(&pool.spec(after)));
        if !is_new {
            world.pass(&pool.spec(before), Fate::Whole, true);
            for edit in edits {
                edit.make(&mut world.iam, &desired.name, pool);
            }
        }
        let steps = world.plan(&desired);
        (world.iam, desired, steps)
    }
}

/// The managed policies of the role's own, with their versions.
fn policies(iam: &Iam, desired: &DesiredRole) -> ByNumber {
    let number = |arn: &String| desired.overflow_names.number(arn);
    let numbered = iam.own_policies().into_iter().filter_map(|arn| Some((number(&arn)?, arn)));
    let policy = |(number, arn): (u32, String)| {
        let versions = Some(iam.policy_versions(&arn));
        Some((number, ObservedPolicy { versions, ..iam.observe_policy(&arn, None)? }))
    };
    numbered.filter_map(policy).collect()
}

/// The role after each step, beginning with the role before the first. No case for a property if IAM refuses one: what
/// others keep on the role may leave too little room.
fn stages(mut iam: Iam, name: &str, steps: &[Step]) -> Result<Vec<Option<ObservedRole>>, TestCaseError> {
    let mut stages = vec![with_documents(&iam, name)];
    for step in steps {
        let applied = iam.apply(name, vec![step.clone()], Fate::Whole);
        prop_assume!(applied.failed.is_none());
        stages.push(with_documents(&iam, name));
    }
    Ok(stages)
}

/// The role, with the managed policies of its own among its inline policies by their ARNs: what they hold is known.
fn with_documents(iam: &Iam, name: &str) -> Option<ObservedRole> {
    let mut role = iam.observe(name, None)?;
    for arn in iam.own_policies() {
        if let Some(policy) = iam.observe_policy(&arn, None).filter(|_| role.managed_policies.remove(&arn)) {
            role.inline_policies.insert(arn, policy.document);
        }
    }
    Some(role)
}

/// Whether a document, by the name that it has in [`with_documents`], is of the role's own statements, which move between
/// several.
fn is_own(name: &str) -> bool {
    name == INLINE_POLICY_NAME || name.starts_with("arn:")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Bounds,
    Narrows,
    Widens,
    Unbounds,
}

impl Grade {
    /// What a step does to access, if it is one thing.
    fn of(step: &Step, start: Option<&ObservedRole>) -> Option<Self> {
        let inline = |name| start.and_then(|role| role.inline_policies.get(name)).map(|json| Sayings::of(json));
        match step {
            Step::CreateRole(_) | Step::PutPermissionsBoundary(_) => Some(Self::Bounds),
            Step::DetachManagedPolicy(_) => Some(Self::Narrows),
            Step::AttachManagedPolicy(_) => Some(Self::Widens),
            Step::DeletePermissionsBoundary => Some(Self::Unbounds),
            Step::PutInlinePolicy { name, document } => {
                Self::between(&inline(name).unwrap_or_default(), &Sayings::of(&document.to_string()))
            }
            Step::DeleteInlinePolicy(name) => Self::between(&inline(name).unwrap_or_default(), &Sayings::default()),
            Step::UpdateTrustPolicy(document) => {
                // A new role trusts itself last, which is no change of what was there.
                Self::between(&Sayings::of(&start?.trust_policy), &Sayings::of(&document.to_string()))
            }
            Step::CreatePolicy(_)
            | Step::CreatePolicyVersion { .. }
            | Step::DeletePolicyVersion { .. }
            | Step::TagPolicy { .. }
            | Step::UntagPolicy { .. }
            | Step::DetachFromRole { .. }
            | Step::DeletePolicy(_)
            | Step::UpdateRole { .. }
            | Step::TagRole(_)
            | Step::UntagRole(_)
            | Step::DeleteRole => None,
        }
    }

    fn between(old: &Sayings, new: &Sayings) -> Option<Self> {
        match (old.grows_into(new), new.grows_into(old)) {
            (false, true) => Some(Self::Narrows),
            (true, false) => Some(Self::Widens),
            (false, false) | (true, true) => None,
        }
    }
}

/// How many documents both give and take between two states. One call replaces one document, so with two such
/// documents there is a moment between them in every order.
fn replaced(start: &ObservedRole, end: &ObservedRole) -> usize {
    let names: BTreeSet<&String> = start.inline_policies.keys().chain(end.inline_policies.keys()).collect();
    let of = |role: &ObservedRole, name: &str| {
        role.inline_policies.get(name).map(|json| Sayings::of(json)).unwrap_or_default()
    };
    let own = |role: &ObservedRole| {
        let mut all = Sayings::default();
        role.inline_policies.keys().filter(|name| is_own(name)).for_each(|name| all.extend(of(role, name)));
        all
    };
    let (own_start, own_end) = (own(start), own(end));
    // What moves is neither given nor taken.
    let inline = names.into_iter().map(|name| {
        let (mut old, mut new) = (of(start, name), of(end, name));
        if is_own(name) {
            let (moved_in, moved_out) = (new.common_with(&own_start), old.common_with(&own_end));
            old.extend(moved_in);
            new.extend(moved_out);
        }
        (old, new)
    });
    let trust = (Sayings::of(&start.trust_policy), Sayings::of(&end.trust_policy));
    inline.chain([trust]).filter(|(old, new)| old.grows_into(new) && new.grows_into(old)).count()
}

/// Whether the inline policies of two states fit beside each other; else what goes has to go first.
fn fit_together(start: &ObservedRole, end: &ObservedRole) -> bool {
    let is_inline = |(name, _): &(&String, &String)| !name.starts_with("arn:");
    let lasting = end.inline_policies.iter().filter(is_inline);
    let going =
        start.inline_policies.iter().filter(|(name, _)| !end.inline_policies.contains_key(*name)).filter(is_inline);
    let mut inline = lasting.chain(going);
    let total: usize = inline.clone().map(|(_, json)| characters(json)).sum();
    // The controller counts blanks too, so it is on the safe side somewhat earlier. One document alone always fits.
    total < 9_000 || inline.all(|(name, _)| name == INLINE_POLICY_NAME)
}

proptest! {
    #![proptest_config(generate::config(300))]

    #[test]
    fn nothing_is_open_on_the_way_that_is_not_at_the_start_or_at_the_end(change in changes()) {
        let (iam, desired, steps) = change.plan();
        let stages = stages(iam, &desired.name, &steps)?;
        let (start, end) = (stages.first().unwrap().as_ref(), stages.last().unwrap().as_ref().unwrap());
        let is_orderable = start.is_none_or(|start| replaced(start, end) < 2 && fit_together(start, end));
        prop_assume!(is_orderable);
        let (start, end) = (Access::of(start), Access::of(Some(end)));
        for (index, stage) in stages.iter().enumerate() {
            let now = Access::of(stage.as_ref());
            let beyond = now.beyond(&start, &end);
            prop_assert_eq!(beyond, None, "after {} of {:#?}", index, steps);
        }
    }
}

proptest! {
    #![proptest_config(generate::config(150))]

    #[test]
    fn what_only_narrows_comes_before_what_only_widens(change in changes()) {
        let (iam, desired, steps) = change.plan();
        let stages = stages(iam, &desired.name, &steps)?;
        let (start, end) = (stages.first().unwrap().as_ref(), stages.last().unwrap().as_ref().unwrap());
        prop_assume!(start.is_none_or(|start| fit_together(start, end)));
        // Where own statements stand in several documents, a step is what it does to all of them together.
        let own = |role: Option<&ObservedRole>| {
            let mut all = Sayings::default();
            let documents = role.into_iter().flat_map(|role| &role.inline_policies).filter(|(name, _)| is_own(name));
            documents.for_each(|(_, json)| all.extend(Sayings::of(json)));
            all
        };
        let overflows = stages.iter().flatten().any(|role| role.inline_policies.keys().any(|name| name.starts_with("arn:")));
        let is_of_own = |step: &Step| match step {
            Step::PutInlinePolicy { name, .. } | Step::DeleteInlinePolicy(name) => name == INLINE_POLICY_NAME,
            Step::CreatePolicyVersion { .. } => true,
            Step::AttachManagedPolicy(arn) | Step::DetachManagedPolicy(arn) => {
                desired.overflow_names.number(arn).is_some()
            }
            _ => false,
        };
        let grade = |(index, step): (usize, &Step)| {
            if overflows && is_of_own(step) {
                return Grade::between(&own(stages[index].as_ref()), &own(stages[index + 1].as_ref()));
            }
            Grade::of(step, start)
        };
        let grades: Vec<Grade> = steps.iter().enumerate().filter_map(grade).collect();
        prop_assert!(grades.is_sorted(), "{grades:?}: {steps:#?}");
    }

    #[test]
    fn a_swap_fits_into_the_attachment_quota(change in changes()) {
        let (iam, desired, steps) = change.plan();
        if steps.iter().any(|step| matches!(step, Step::CreatePolicy(_))) {
            // A policy that takes a statement over comes before one that goes, where there is a slot for both.
            prop_assume!(desired.unlisted.managed_policies == UnlistedManagedPolicies::Detach);
            let applied = iam.clone().apply(&desired.name, steps, Fate::Whole);
            prop_assert!(!matches!(applied.failed, Some((Step::AttachManagedPolicy(_), _))), "{applied:?}");
            return Ok(());
        }
        let stages = stages(iam, &desired.name, &steps)?;
        let attached = |role: &ObservedRole| {
            role.managed_policies.len() + role.inline_policies.keys().filter(|name| name.starts_with("arn:")).count()
        };
        let counts: Vec<usize> = stages.iter().flatten().map(attached).collect();
        let most = counts[0].max(*counts.last().unwrap());
        prop_assert!(most <= ATTACHMENT_QUOTA && counts.iter().all(|count| *count <= most), "{counts:?}");
    }

    /// A deletion is the change to nothing at all.
    #[test]
    fn nothing_opens_up_while_a_role_is_deleted(change in changes()) {
        let (iam, desired, _) = change.plan();
        let Some(observed) = iam.observe(&desired.name, None) else { return Ok(()) };
        let Some(role) = with_documents(&iam, &desired.name) else { return Ok(()) };
        let policies = policies(&iam, &desired);
        let denying = role.inline_policies.values().filter(|json| !Sayings::of(json).denies.is_empty()).count();
        prop_assume!(denying < 2);
        let stages = stages(iam, &desired.name, &diff::deletion(&observed, &policies))?;
        prop_assert_eq!(stages.last().unwrap(), &None);
        let (start, end) = (Access::of(Some(&role)), Access::default());
        for stage in &stages {
            let now = Access::of(stage.as_ref());
            prop_assert_eq!(now.beyond(&start, &end), None);
        }
    }
}
