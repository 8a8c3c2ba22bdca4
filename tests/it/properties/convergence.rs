//! Whatever happened before, a pass ends in the declared state, and the next one finds nothing to do.

use std::collections::{BTreeMap, BTreeSet};

use lambdaroles::{
    api::{
        INLINE_POLICY_NAME, LambdaExecutionRoleSpec, OVERFLOW_TAG,
        role::{Drift, UnlistedInlinePolicies, UnlistedManagedPolicies},
    },
    plan::{DesiredRole, ObservedRole, Step, overflow::OverflowPolicy},
    policy::{Document, canonical::equivalent},
};
use proptest::{collection::vec, option, prelude::*};

use super::{
    foreign::{self, Edit},
    generate::{self, Pool},
    iam_model::{ATTACHMENT_QUOTA, Fate, characters},
    world::{Ended, World, desired},
};
use crate::rewrite::rewritten;

/// Something that happens to an object or its role.
#[derive(Clone, Debug)]
enum Event {
    /// A pass over the former spec.
    PassBefore(Fate),
    /// A pass over the present spec, which does not end well.
    PassAfter(Fate),
    /// Somebody else is at work.
    Edit(Edit),
}

#[derive(Clone, Debug)]
struct History {
    pool: Pool,
    before: LambdaExecutionRoleSpec,
    events: Vec<Event>,
    after: LambdaExecutionRoleSpec,
    /// Whether the controller lived to write the status of each pass.
    remembers: bool,
    seed: u64,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        2 => Just(Fate::Whole),
        2 => (0..12usize).prop_map(Fate::CutBefore),
        1 => (0..12usize).prop_map(Fate::AnswerLost),
    ]
}

fn histories() -> impl Strategy<Value = History> {
    let event = prop_oneof![
        1 => fate().prop_map(Event::PassBefore),
        1 => fate().prop_map(Event::PassAfter),
        3 => foreign::edit().prop_map(Event::Edit),
    ];
    let first = option::weighted(0.8, Just(Event::PassBefore(Fate::Whole)));
    let events = (first, vec(event, 0..10)).prop_map(|(first, then)| first.into_iter().chain(then).collect());
    (generate::pool(), generate::draft(), events, generate::draft(), any::<bool>(), any::<u64>()).prop_map(
        |(pool, before, events, after, remembers, seed)| {
            // Under `Report` a pass may rightly leave what others changed, which is tested by itself.
            let (before, after) =
                (pool.spec(&before), LambdaExecutionRoleSpec { drift: Some(Drift::Correct), ..pool.spec(&after) });
            History { pool, before, events, after, remembers, seed }
        },
    )
}

impl History {
    /// Plays all that happens before the last pass.
    fn play(&self) -> World {
        let Self { pool, before, events, after, remembers, seed } = self;
        let mut world = World::new(*seed);
        for event in events {
            match event {
                Event::PassBefore(fate) => drop(world.pass(before, *fate, *remembers)),
                Event::PassAfter(fate) => drop(world.pass(after, *fate, *remembers)),
                Event::Edit(edit) => edit.make(&mut world.iam, &desired(after).name, pool),
            }
            world.edit_spec();
        }
        world
    }

    /// What others attached at some time.
    fn attached_by_others(&self) -> BTreeSet<String> {
        let arns = self.events.iter().filter_map(|event| match event {
            Event::Edit(Edit::Attach(arn)) => Some(arn.clone()),
            Event::Edit(_) | Event::PassBefore(_) | Event::PassAfter(_) => None,
        });
        arns.collect()
    }
}

/// Whether IAM has room for what is declared beside what others keep.
fn has_room(desired: &DesiredRole, observed: Option<&ObservedRole>) -> bool {
    let Some(observed) = observed else { return true };
    let keeps_managed = desired.unlisted.managed_policies == UnlistedManagedPolicies::Keep;
    let keeps_inline = desired.unlisted.inline_policies == UnlistedInlinePolicies::Keep;
    let attached = desired.attached_policies();
    let is_own = |arn: &&String| desired.overflow_names.number(arn).is_some();
    let others = observed.managed_policies.difference(&attached).filter(|arn| !is_own(arn));
    let kept = others.filter(|_| keeps_managed).count();
    let kept_characters: usize = observed
        .inline_policies
        .iter()
        .filter(|(name, _)| keeps_inline && !desired.inline_policies.contains_key(*name))
        .map(|(_, json)| characters(json))
        .sum();
    kept + attached.len() <= ATTACHMENT_QUOTA
        && kept_characters + desired.inline_characters() <= desired.quotas.inline_policies
}

fn check_settings(role: &ObservedRole, desired: &DesiredRole) -> Result<(), TestCaseError> {
    let DesiredRole { name, path, description, max_session_seconds, permissions_boundary, .. } = desired;
    prop_assert_eq!((&role.name, &role.path, &role.description), (name, path, description));
    prop_assert_eq!(&role.permissions_boundary, permissions_boundary);
    prop_assert_eq!(role.max_session_seconds, *max_session_seconds);
    prop_assert!(means(&role.trust_policy, &desired.trust_policy));
    // A key in another case is the same key.
    let lower = |(key, value): (&String, &String)| (key.to_lowercase(), value.clone());
    let tags: BTreeMap<_, _> =
        role.tags.iter().filter(|(key, _)| !key.starts_with("aws:") && *key != OVERFLOW_TAG).map(lower).collect();
    prop_assert_eq!(tags, desired.tags.iter().map(lower).collect());
    Ok(())
}

/// `former` is the role before the last pass.
fn check_inline_policies(
    role: &ObservedRole,
    desired: &DesiredRole,
    former: Option<&ObservedRole>,
) -> Result<(), TestCaseError> {
    let mut others = role.inline_policies.clone();
    for (name, document) in &desired.inline_policies {
        let stored = others.remove(name).unwrap_or_default();
        prop_assert!(means(&stored, document), "{name}: {stored}");
    }
    let mut kept = former.map(|role| role.inline_policies.clone()).unwrap_or_default();
    let keeps = desired.unlisted.inline_policies == UnlistedInlinePolicies::Keep;
    kept.retain(|name, _| keeps && name != INLINE_POLICY_NAME);
    prop_assert_eq!(others, kept);
    Ok(())
}

fn check_managed_policies(role: &ObservedRole, desired: &DesiredRole, history: &History) -> Result<(), TestCaseError> {
    let attached = desired.attached_policies();
    prop_assert!(role.managed_policies.is_superset(&attached));
    let others: BTreeSet<_> = role.managed_policies.difference(&attached).cloned().collect();
    let keeps = desired.unlisted.managed_policies == UnlistedManagedPolicies::Keep;
    prop_assert!(keeps || others.is_empty(), "not detached: {others:?}");
    // A controller that was killed may not know any more what it attached while it had no need to say so, and leaves it.
    let knew = history.before.unlisted.managed_policies == UnlistedManagedPolicies::Keep;
    let are_known = !(history.remembers || knew) || others.is_subset(&history.attached_by_others());
    prop_assert!(are_known, "left behind: {others:?}");
    Ok(())
}

/// The managed policies of the role's own, and what says how many there are.
fn check_overflow(world: &World, desired: &DesiredRole, history: &History) -> Result<(), TestCaseError> {
    for OverflowPolicy { arn, document, .. } in desired.overflow_policies.values() {
        let stored = world.iam.observe_policy(arn, None).unwrap();
        prop_assert!(means(&stored.document, document), "{arn}: {}", stored.document);
    }
    let role = world.iam.observe(&desired.name, None).unwrap();
    let highest = desired.overflow_policies.keys().max().map(ToString::to_string);
    prop_assert_eq!(role.tags.get(OVERFLOW_TAG), highest.as_ref());
    // Whoever deletes a role by hand while nobody remembers what it had leaves that behind.
    let was_deleted = history.events.iter().any(|event| matches!(event, Event::Edit(Edit::DeleteRole)));
    let needed: BTreeSet<String> = desired.overflow_policies.values().map(|policy| policy.arn.clone()).collect();
    prop_assert!(was_deleted || world.iam.own_policies() == needed, "{:?}", world.iam.own_policies());
    Ok(())
}

fn means(json: &str, document: &Document) -> bool {
    Document::parse(json).is_ok_and(|stored| equivalent(&stored, document))
}

proptest! {
    #![proptest_config(generate::config(300))]

    #[test]
    fn a_pass_ends_in_the_declared_state_and_the_next_does_nothing(history in histories()) {
        let mut world = history.play();
        let desired = world.placed(&desired(&history.after));
        let former = world.iam.observe(&desired.name, None);
        prop_assume!(has_room(&desired, former.as_ref()));

        let ended = world.pass(&history.after, Fate::Whole, true);
        prop_assert!(matches!(ended, Ended::Synced(_)), "{ended:?}");
        let role = world.iam.observe(&desired.name, None).unwrap();
        check_settings(&role, &desired)?;
        check_inline_policies(&role, &desired, former.as_ref())?;
        check_managed_policies(&role, &desired, &history)?;
        check_overflow(&world, &desired, &history)?;

        world.edit_spec();
        for _ in 0..3 {
            let ended = world.pass(&history.after, Fate::Whole, true);
            prop_assert!(matches!(&ended, Ended::Synced(steps) if steps.is_empty()), "{ended:?}");
        }
    }
}

proptest! {
    #![proptest_config(generate::config(100))]

    #[test]
    fn wherever_a_pass_is_cut_the_next_ends_as_if_it_had_not_been(history in histories()) {
        let mut world = history.play();
        let desired = world.placed(&desired(&history.after));
        prop_assume!(has_room(&desired, world.iam.observe(&desired.name, None).as_ref()));
        let mut whole = world.clone();
        whole.pass(&history.after, Fate::Whole, true);
        let steps = world.clone().plan(&desired).len();
        for fate in (0..steps).flat_map(|step| [Fate::CutBefore(step), Fate::AnswerLost(step)]) {
            let mut cut = world.clone();
            cut.pass(&history.after, fate, true);
            cut.pass(&history.after, Fate::Whole, true);
            let ends = [&cut, &whole].map(|world| world.iam.observe(&desired.name, None));
            prop_assert_eq!(&ends[0], &ends[1], "{:?}", fate);
        }
    }

    #[test]
    fn under_keep_what_a_failed_pass_put_on_the_role_goes_all_the_same(
        (pool, before, after) in (generate::pool(), generate::draft(), generate::draft()),
        fate in fate(),
        is_killed in any::<bool>(),
    ) {
        let (mut before, mut after) = (pool.spec(&before), pool.spec(&after));
        for spec in [&mut before, &mut after] {
            spec.unlisted.managed_policies = UnlistedManagedPolicies::Keep;
            spec.unlisted.inline_policies = UnlistedInlinePolicies::Keep;
        }
        let mut world = World::new(0);
        world.pass(&before, fate, !is_killed);
        world.edit_spec();
        let ended = world.pass(&after, Fate::Whole, true);
        prop_assume!(matches!(ended, Ended::Synced(_)));
        let (desired, role) = (desired(&after), world.iam.observe(&desired(&after).name, None).unwrap());
        let desired = world.placed(&desired);
        prop_assert_eq!(role.managed_policies, desired.attached_policies());
        prop_assert!(role.inline_policies.keys().eq(desired.inline_policies.keys()));
        prop_assert_eq!(world.status.foreign_policies, None);
    }

    #[test]
    fn the_status_names_what_others_put_on_the_role_and_nothing_else(history in histories()) {
        let (mut world, desired) = (history.play(), desired(&history.after));
        let ended = world.pass(&history.after, Fate::Whole, true);
        prop_assume!(matches!(ended, Ended::Synced(_)));
        let desired = world.placed(&desired);
        let role = world.iam.observe(&desired.name, None).unwrap();
        let foreign = world.status.foreign_policies.unwrap_or_default();
        let others = role.managed_policies.difference(&desired.attached_policies()).cloned().collect::<Vec<_>>();
        prop_assert_eq!(foreign.managed_policies, others);
        let others = role.inline_policies.keys().filter(|name| !desired.inline_policies.contains_key(*name));
        prop_assert_eq!(foreign.inline_policies, others.cloned().collect::<Vec<_>>());
    }

    #[test]
    fn under_keep_the_attachments_of_others_are_not_touched(mut history in histories()) {
        history.before.unlisted.managed_policies = UnlistedManagedPolicies::Keep;
        history.after.unlisted.managed_policies = UnlistedManagedPolicies::Keep;
        let (mut world, role) = (history.play(), desired(&history.after));
        let listed: BTreeSet<_> =
            desired(&history.before).managed_policies.union(&role.managed_policies).cloned().collect();
        let others: BTreeSet<_> = history.attached_by_others().difference(&listed).cloned().collect();
        for step in world.plan(&role) {
            if let Step::AttachManagedPolicy(arn) | Step::DetachManagedPolicy(arn) = step {
                prop_assert!(!others.contains(&arn), "{arn}");
            }
        }
    }

    #[test]
    fn a_role_is_never_deleted_to_be_made_again(history in histories()) {
        let (mut world, desired) = (history.play(), desired(&history.after));
        let is_there = world.observe(&desired.name).is_some();
        for (index, step) in world.plan(&desired).iter().enumerate() {
            let is_creation = matches!(step, Step::CreateRole(_));
            prop_assert_eq!(is_creation, index == 0 && !is_there);
            prop_assert!(!matches!(step, Step::DeleteRole));
        }
    }

    #[test]
    fn no_tag_is_taken_off_that_is_put_on_or_stays(history in histories()) {
        let (mut world, desired) = (history.play(), desired(&history.after));
        let wanted: BTreeSet<String> = desired.tags.keys().map(|key| key.to_lowercase()).collect();
        for step in world.plan(&desired) {
            let Step::UntagRole(keys) = step else { continue };
            for key in keys {
                prop_assert!(!wanted.contains(&key.to_lowercase()) && !key.starts_with("aws:"), "{key}");
            }
        }
    }

    #[test]
    fn a_document_keeps_its_meaning_in_other_words(spec in generate::spec(), seed in any::<u64>()) {
        let desired = desired(&spec);
        let mut random = fastrand::Rng::with_seed(seed);
        for document in desired.inline_policies.values().chain([&desired.trust_policy]) {
            let json = document.to_string();
            prop_assert_eq!(&Document::parse(&json).unwrap(), document);
            let other = rewritten(&json, &mut random);
            prop_assert!(means(&other, document), "{json}: {other}");
            // And so it does when what was read is written.
            prop_assert!(means(&Document::parse(&other).unwrap().to_string(), document), "{other}");
        }
    }
}
