//! One object, its role and the controller's passes over them: `controller::pipeline`, with the model in AWS's place.

use std::{
    cell::RefCell,
    collections::{BTreeSet, VecDeque},
};

use k8s_openapi::jiff::Timestamp;
use lambdaroles::{
    api::{LambdaExecutionRoleSpec, LambdaExecutionRoleStatus, Reason},
    aws::{Applied, Kind},
    plan::{
        Account, Class, DesiredRole, Failure, Foreign, Hold, ObjectClass, ObservedRole, Owner, Placed, Quotas,
        References, Step,
        desired::desired_role,
        diff::diff,
        guard::{self, Terms},
        overflow::{self, ByNumber, Names},
        status::{self, Identity, Outcome, Pass},
        step::NewRole,
    },
};

use super::{
    generate,
    iam_model::{ATTACHMENT_QUOTA, Fate, Iam},
};

/// The account that the emulator calls its own.
pub const ACCOUNT_ID: &str = "123456789012";

/// A role that trust policies name.
pub const NEIGHBOUR: &str = "neighbour";

/// Where roles are made.
pub fn account() -> Account {
    Account {
        id: ACCOUNT_ID.to_owned(),
        partition: "aws".to_owned(),
        region: "us-east-1".to_owned(),
        quotas: Quotas { managed_policies: ATTACHMENT_QUOTA, ..Quotas::HIGHEST },
    }
}

/// Whose the object is.
pub fn owner() -> Owner {
    Owner { cluster: "test".to_owned(), namespace: "shop".to_owned(), name: "orders".to_owned() }
}

/// No class: what holds here holds for every one.
pub fn class() -> ObjectClass {
    ObjectClass::unknown(&owner())
}

/// What the role is judged by.
pub fn terms<'a>(owner: &'a Owner, class: &'a ObjectClass) -> Terms<'a> {
    const NONE: &BTreeSet<String> = &BTreeSet::new();
    Terms { owner, class, protected: NONE }
}

thread_local! {
    /// The latest specs of the test at hand: a history goes over the same few again and again.
    static JUDGED: RefCell<VecDeque<(LambdaExecutionRoleSpec, DesiredRole)>> = RefCell::default();
}

/// What a valid spec asks for.
pub fn desired(spec: &LambdaExecutionRoleSpec) -> DesiredRole {
    JUDGED.with_borrow_mut(|judged| {
        if let Some((_, role)) = judged.iter().find(|(known, _)| known == spec) {
            return role.clone();
        }
        let role = desired_role(spec, &owner(), &account(), &class(), &References::default(), None)
            .unwrap_or_else(|faults| panic!("{faults:?}"));
        judged.push_front((spec.clone(), role.clone()));
        judged.truncate(4);
        role
    })
}

/// What came of a pass.
#[derive(Debug)]
#[expect(dead_code, reason = "shown when a property fails")]
pub enum Ended {
    /// IAM equals the spec; with what was done for it.
    Synced(Vec<Step>),
    /// A step failed, or the process ended.
    Failed(Box<Applied>),
    /// The guard left IAM as it was.
    Held(Hold),
}

/// A pass, with the status that it ends with and the one that it wrote before the first step.
struct Kept {
    ended: Ended,
    status: LambdaExecutionRoleStatus,
    announced: Option<LambdaExecutionRoleStatus>,
}

/// IAM, and what the object's status says.
#[derive(Clone, Debug)]
pub struct World {
    /// IAM.
    pub iam: Iam,
    /// The object's status.
    pub status: LambdaExecutionRoleStatus,
    generation: i64,
    seed: u64,
}

impl World {
    /// An account with one other role, whose ways, where AWS is free, follow from `seed`.
    pub fn new(seed: u64) -> Self {
        let mut iam = Iam::new(ACCOUNT_ID, generate::every_policy()).keeping_tag_case(seed % 2 == 1);
        iam.call(NEIGHBOUR, &Step::CreateRole(Box::new(neighbour()))).unwrap();
        Self { iam, status: LambdaExecutionRoleStatus::default(), generation: 0, seed }
    }

    /// The role as it is read, each time in other words.
    pub fn observe(&mut self, name: &str) -> Option<ObservedRole> {
        self.seed = self.seed.wrapping_add(1);
        self.iam.observe(name, Some(self.seed))
    }

    /// The policies of these numbers that are there.
    fn policies(&mut self, names: &Names, numbers: &BTreeSet<u32>) -> ByNumber {
        let observe = |number: &u32| {
            self.seed = self.seed.wrapping_add(1);
            Some((*number, self.iam.observe_policy(&names.arn(*number), Some(self.seed))?))
        };
        numbers.iter().filter_map(observe).collect()
    }

    /// What a look finds: the role, what is the object's, and the role as it shall be in view of that.
    pub fn look(&mut self, desired: &DesiredRole) -> (Option<ObservedRole>, Placed, DesiredRole) {
        let observed = self.observe(&desired.name);
        let names = desired.overflow_names.clone();
        let mut numbers = overflow::numbers(&names, observed.as_ref(), &self.status);
        let mut policies = self.policies(&names, &numbers);
        loop {
            let placed_before = Placed::by_status(&self.status).with_overflow(overflow::owned(&policies, &owner()));
            let placed = desired.placed(observed.as_ref(), &placed_before);
            let unseen = overflow::unseen(&placed, &numbers);
            if unseen.is_empty() {
                return (observed, placed_before, placed);
            }
            policies.extend(self.policies(&names, &unseen));
            numbers.extend(unseen);
        }
    }

    /// The policies, with the versions that the steps go by.
    pub fn with_versions(&self, mut policies: ByNumber, steps: &[Step]) -> ByNumber {
        let needed = overflow::versions_needed(steps);
        for policy in policies.values_mut().filter(|policy| needed.contains(&policy.arn)) {
            policy.versions = Some(self.iam.policy_versions(&policy.arn));
        }
        policies
    }

    fn steps(&self, desired: &DesiredRole, observed: Option<&ObservedRole>, placed_before: Placed) -> Vec<Step> {
        let steps = diff(desired, observed, &placed_before);
        let policies = self.with_versions(placed_before.overflow_policies.clone(), &steps);
        diff(desired, observed, &placed_before.with_overflow(policies))
    }

    /// The role as it shall be in view of what IAM holds now.
    pub fn placed(&mut self, desired: &DesiredRole) -> DesiredRole {
        self.look(desired).2
    }

    /// What the controller would do now.
    pub fn plan(&mut self, desired: &DesiredRole) -> Vec<Step> {
        let (observed, placed_before, desired) = self.look(desired);
        self.steps(&desired, observed.as_ref(), placed_before)
    }

    /// A new spec, whatever it says.
    pub fn edit_spec(&mut self) {
        self.generation += 1;
    }

    /// One pass. Unless the controller `remembers`, it is killed before it writes the status.
    pub fn pass(&mut self, spec: &LambdaExecutionRoleSpec, fate: Fate, remembers: bool) -> Ended {
        let Kept { ended, status, announced } = self.keep(spec, fate);
        match (remembers, announced) {
            (true, _) => self.status = status,
            (false, Some(announced)) => self.status = announced,
            (false, None) => {}
        }
        ended
    }

    fn keep(&mut self, spec: &LambdaExecutionRoleSpec, fate: Fate) -> Kept {
        let unplaced = desired_role(
            spec,
            &owner(),
            &account(),
            &class(),
            &References::default(),
            self.status.role_name.as_deref(),
        )
        .unwrap();
        let is_settled = status::has_synced(&self.status, Some(self.generation), &unplaced);
        for fate in [fate, Fate::Whole] {
            let (observed, placed_before, desired) = self.look(&unplaced);
            let foreign = Foreign::of(&desired, observed.as_ref(), &placed_before).shown();
            let steps = self.steps(&desired, observed.as_ref(), placed_before);
            let steps = match guard::judge(&desired, &terms(&owner(), &class()), observed.as_ref(), steps, is_settled) {
                Ok(steps) => steps,
                Err(hold) => {
                    let status = self.report(&Outcome::Held { hold: &hold, is_deleting: false, enforced: &[] });
                    return Kept { ended: Ended::Held(hold), status, announced: None };
                }
            };
            let announced = status::announcement(&self.status, &desired, &steps);
            let applied = self.iam.apply(&desired.name, steps, fate);
            if has_found_it(&applied) {
                continue;
            }
            let status = match (failure_of(&applied, &desired.name), self.iam.observe(&desired.name, None)) {
                (None, Some(ObservedRole { arn, id, .. })) => {
                    let identity = Identity { arn, id, account_id: ACCOUNT_ID.to_owned() };
                    let status = self.report(&Outcome::Synced {
                        desired: &desired,
                        identity: &identity,
                        applied: &applied.done,
                        foreign: foreign.as_ref(),
                        tracked: &[],
                    });
                    return Kept { ended: Ended::Synced(applied.done), status, announced };
                }
                (None, None) => panic!("the role vanished"),
                (Some(failure), _) => {
                    let (desired, attempted) = (Some(&desired), applied.failed.as_ref().map(|(step, _)| step));
                    let applied = applied.done.as_slice();
                    self.report(&Outcome::Failed { failure: &failure, desired, applied, attempted, is_behind: true })
                }
            };
            return Kept { ended: Ended::Failed(Box::new(applied)), status, announced };
        }
        panic!("the role exists and does not");
    }

    fn report(&self, outcome: &Outcome<'_>) -> LambdaExecutionRoleStatus {
        let pass = Pass {
            previous: &self.status,
            generation: Some(self.generation),
            reconcile_at: None,
            class_name: None,
            now: Timestamp::UNIX_EPOCH,
            settle: std::time::Duration::ZERO,
        };
        status::report(&pass, outcome).status
    }
}

/// The neighbour, who trusts Lambda like everybody here.
pub fn neighbour() -> NewRole {
    let DesiredRole { trust_policy, .. } = desired(&LambdaExecutionRoleSpec::default());
    NewRole {
        path: "/".to_owned(),
        trust_policy,
        description: String::new(),
        max_session_seconds: 3600,
        permissions_boundary: None,
        tags: [].into(),
    }
}

fn has_found_it(applied: &Applied) -> bool {
    let creates = |step: &Step| matches!(step, Step::CreateRole(_) | Step::CreatePolicy(_));
    matches!(&applied.failed, Some((step, error)) if creates(step) && error.kind == Kind::AlreadyExists)
}

fn failure_of(applied: &Applied, name: &str) -> Option<Failure> {
    if applied.is_interrupted {
        let message = "The controller stopped.".to_owned();
        return Some(Failure { class: Class::Transient, reason: Reason::Pending, message });
    }
    applied.failed.as_ref().map(|(step, error)| error.failure(name, Some(step)))
}
