//! What is not the object's is left alone, and what is goes without a trace.

use std::collections::BTreeSet;

use lambdaroles::{
    api::{
        CLUSTER_TAG, INLINE_POLICY_NAME, LambdaExecutionRoleSpec, NAME_TAG, NAMESPACE_TAG, Reason,
        role::{DeletionPolicy, Unlisted, UnlistedInlinePolicies, UnlistedManagedPolicies},
    },
    plan::{
        ObservedRole, Placed, References, Verdict,
        guard::{self, Removal},
    },
};
use proptest::{collection::vec, prelude::*, sample};

use super::{
    foreign::{self, Edit},
    generate::{self, Pool},
    iam_model::Fate,
    world::{Ended, NEIGHBOUR, World, account, class, desired, owner, terms},
};

/// Ways in which a role comes to be somebody else's.
#[derive(Clone, Debug)]
enum Loss {
    Retagged(&'static str, String),
    Untagged(&'static str),
    /// A role of another name, to IAM the same.
    OtherCase,
}

fn loss() -> impl Strategy<Value = Loss> {
    let key = || sample::select(vec![CLUSTER_TAG, NAMESPACE_TAG, NAME_TAG]);
    prop_oneof![
        (key(), generate::tag_value()).prop_map(|(key, value)| Loss::Retagged(key, format!("{value}'s"))),
        key().prop_map(Loss::Untagged),
        Just(Loss::OtherCase),
    ]
}

#[derive(Clone, Debug)]
struct Life {
    pool: Pool,
    spec: LambdaExecutionRoleSpec,
    edits: Vec<Edit>,
    /// Whether the controller lived to write the status.
    remembers: bool,
    seed: u64,
}

fn lives() -> impl Strategy<Value = Life> {
    (generate::pool(), generate::draft(), vec(foreign::edit(), 0..6), any::<bool>(), any::<u64>()).prop_map(
        |(pool, draft, edits, remembers, seed)| {
            let spec = pool.spec(&draft);
            Life { pool, spec, edits, remembers, seed }
        },
    )
}

impl Life {
    /// The role is made, and others work on it.
    fn live(&self) -> (World, String) {
        let Self { pool, spec, edits, remembers, seed } = self;
        let (mut world, name) = (World::new(*seed), desired(spec).name);
        let ended = world.pass(spec, Fate::Whole, *remembers);
        assert!(matches!(ended, Ended::Synced(_)), "{ended:?}");
        for edit in edits {
            edit.make(&mut world.iam, &name, pool);
        }
        (world, name)
    }

    /// Whether others put policies on the role that the spec keeps.
    fn is_shared(&self, role: &ObservedRole) -> bool {
        let Unlisted { managed_policies, inline_policies } = self.spec.unlisted;
        let desired = desired(&self.spec);
        let is_own = |arn: &String| desired.overflow_names.number(arn).is_some();
        let others =
            |arns: &BTreeSet<String>| arns.iter().any(|arn| !desired.managed_policies.contains(arn) && !is_own(arn));
        managed_policies == UnlistedManagedPolicies::Keep && others(&role.managed_policies)
            || inline_policies == UnlistedInlinePolicies::Keep
                && role.inline_policies.keys().any(|name| name != INLINE_POLICY_NAME)
    }

    /// What is judged of an object whose role shall go with it.
    fn judge(&self, world: &mut World, name: &str) -> Verdict {
        let by_spec = Placed::by_spec(&self.spec, &owner(), &account(), &References::default(), name);
        let (_, placed, _) = world.look(&desired(&self.spec));
        let placed = placed.clone().and(by_spec).with_overflow(placed.overflow_policies);
        let owner = owner();
        let removal = Removal {
            owner: &owner,
            role_name: name,
            deletion_policy: DeletionPolicy::Delete,
            deletion_policy_if_adopted: DeletionPolicy::Delete,
            observing_class: None,
            suspend: false,
            unlisted: self.spec.unlisted,
            delete_in_use: false,
        };
        assert_eq!(removal.judge_unseen(), None);
        let observed = world.observe(name);
        let verdict = removal.judge(observed.as_ref(), &world.iam.usage(name), &placed);
        let Verdict::Delete(steps) = &verdict else { return verdict };
        let policies = world.with_versions(placed.overflow_policies.clone(), steps);
        removal.judge(observed.as_ref(), &world.iam.usage(name), &placed.with_overflow(policies))
    }
}

proptest! {
    #![proptest_config(generate::config(200))]

    #[test]
    fn a_role_of_somebody_else_is_neither_changed_nor_deleted(life in lives(), loss in loss()) {
        let (mut world, name) = life.live();
        let Some(role) = world.iam.role_mut(&name) else { return Ok(()) };
        match loss {
            Loss::Retagged(key, value) => _ = role.tags.insert(key.to_owned(), value),
            Loss::Untagged(key) => _ = role.tags.remove(key),
            Loss::OtherCase => {
                role.name = name.to_ascii_uppercase();
                prop_assume!(role.name != name);
            }
        }
        let desired = desired(&life.spec);
        let steps = world.plan(&desired);
        for is_settled in [false, true] {
            let verdict = guard::judge(&desired, &terms(&owner(), &class()), world.observe(&name).as_ref(), steps.clone(), is_settled);
            prop_assert_eq!(verdict.unwrap_err().reason, Reason::RoleConflict);
        }
        let verdict = life.judge(&mut world, &name);
        prop_assert!(matches!(verdict, Verdict::Release(Some(_))), "{verdict:?}");
    }

    #[test]
    fn a_role_of_ours_goes_whole_or_its_deletion_waits(
        life in lives(),
        cut in 0..12usize,
        is_in_profile in prop::bool::weighted(0.1),
    ) {
        let (mut world, name) = life.live();
        if is_in_profile {
            world.iam.add_to_instance_profile(&name, "workers");
        }
        let (before, neighbour) = (world.iam.observe(&name, None), world.iam.observe(NEIGHBOUR, None));
        let is_shared = before.as_ref().is_some_and(|role| life.is_shared(role));
        match life.judge(&mut world, &name) {
            Verdict::Hold(hold) => {
                let reason = if is_in_profile { Reason::InUseByInstanceProfile } else { Reason::ForeignPolicies };
                prop_assert_eq!(hold.reason, reason);
                prop_assert!(is_in_profile || is_shared);
                return Ok(());
            }
            Verdict::Release(message) => prop_assert_eq!((message, before), (None, None)),
            Verdict::Delete(steps) => {
                prop_assert!(!is_in_profile && !is_shared);
                world.iam.apply(&name, steps, Fate::CutBefore(cut));
                match life.judge(&mut world, &name) {
                    Verdict::Delete(rest) => {
                        let applied = world.iam.apply(&name, rest, Fate::AnswerLost(cut));
                        prop_assert!(applied.failed.is_none(), "{applied:?}");
                    }
                    verdict => prop_assert_eq!(verdict, Verdict::Release(None)),
                }
            }
        }
        prop_assert_eq!(world.iam.observe(&name, None), None);
        prop_assert_eq!(world.iam.observe(NEIGHBOUR, None), neighbour);
    }
}
