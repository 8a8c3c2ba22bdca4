//! References of roles to managed policies that are described by objects.

mod offline;

pub use offline::borrowed_offline;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;

use super::{
    Account, Hold, ManagedPolicy as StoredPolicy, ObjectClass, ObservedRole, Owner, PolicyOwner, Step,
    class::{Namespace, bound_class, selects},
    status::conditions::condition,
};
use crate::{
    api::{
        ConditionType, LambdaExecutionRole, LambdaExecutionRoleSpec, LambdaManagedPolicy, LambdaManagedPolicySpec,
        LambdaRoleClassSpec, Reason, role::PolicyReference,
    },
    lint::Finding,
    policy::{Pattern, Placeholders},
};

/// Namespace and name of a `LambdaManagedPolicy`.
pub type PolicyKey = (String, String);

/// What the references of one role lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References(BTreeMap<PolicyKey, Resolution>);

/// What a reference leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// A policy that may be attached.
    Ready {
        /// Its ARN.
        arn: String,
    },
    /// One that is not there, not ready, or not for this role.
    Waiting {
        /// Its ARN, as far as it can be told.
        arn: Option<String>,
        /// Why.
        hold: Hold,
    },
    /// One that the role has, and that admits it no more.
    Withdrawn {
        /// Its ARN.
        arn: String,
        /// What there is to say.
        hold: Hold,
    },
}

impl Resolution {
    /// The ARN of what the role shall have, as far as it can be told.
    #[must_use]
    pub fn arn(&self) -> Option<&str> {
        match self {
            Self::Ready { arn } => Some(arn),
            Self::Waiting { arn, hold: _ } => arn.as_deref(),
            Self::Withdrawn { .. } => None,
        }
    }
}

/// The role that refers.
#[derive(Clone, Debug)]
pub struct Referrer<'a> {
    /// Its namespace, as policies admit it.
    pub namespace: &'a Namespace,
    /// Name of its class.
    pub class_name: &'a str,
    /// The class.
    pub class: &'a LambdaRoleClassSpec,
    /// The account.
    pub account: &'a Account,
    /// Name of the cluster in the tags.
    pub cluster: &'a str,
    /// ARNs of the policies that it has, by its status.
    pub attached: Vec<&'a str>,
}

impl References {
    /// The references of `spec`, whose role is in `namespace`, by namespace and name.
    #[must_use]
    pub fn of(spec: &LambdaExecutionRoleSpec, namespace: &str) -> Vec<PolicyKey> {
        spec.managed_policies
            .iter()
            .filter_map(|policy| policy.reference.as_ref())
            .map(|policy| key_of(policy, namespace))
            .collect()
    }

    /// Looks all references of `spec` up; `find` knows the policies.
    #[must_use]
    pub fn resolve<'a>(
        spec: &LambdaExecutionRoleSpec,
        referrer: &Referrer<'_>,
        find: impl Fn(&PolicyKey) -> Option<&'a LambdaManagedPolicy>,
    ) -> Self {
        let keys = Self::of(spec, &referrer.namespace.name);
        Self(keys.into_iter().map(|key| (key.clone(), referrer.resolve(&key, find(&key)))).collect())
    }

    /// What `reference` of a role in `namespace` leads to; `None` if nobody looked it up.
    #[must_use]
    pub fn get(&self, reference: &PolicyReference, namespace: &str) -> Option<&Resolution> {
        self.0.get(&key_of(reference, namespace))
    }

    /// The policies that may be attached, with their ARNs.
    pub fn ready(&self) -> impl Iterator<Item = (&PolicyKey, &str)> {
        self.0.iter().filter_map(|(key, resolution)| match resolution {
            Resolution::Ready { arn } => Some((key, arn.as_str())),
            Resolution::Waiting { .. } | Resolution::Withdrawn { .. } => None,
        })
    }

    /// ARNs of the policies that the role has and is not to have any more, as their owners say.
    pub fn withdrawn(&self) -> impl Iterator<Item = &str> {
        self.0.values().filter_map(|resolution| match resolution {
            Resolution::Withdrawn { arn, hold: _ } => Some(arn.as_str()),
            Resolution::Ready { .. } | Resolution::Waiting { .. } => None,
        })
    }

    /// The steps that take from a role, whatever else is the matter with it, what has been withdrawn.
    #[must_use]
    pub fn withdrawal(&self, observed: &ObservedRole) -> Vec<Step> {
        let attached = self.withdrawn().filter(|arn| observed.managed_policies.contains(*arn));
        attached.map(|arn| Step::DetachManagedPolicy(arn.to_owned())).collect()
    }

    /// Why the role waits, for each of the policies. The reason is that which needs somebody, if there is one.
    #[must_use]
    pub fn hold(&self) -> Option<Hold> {
        let holds: Vec<&Hold> = self
            .0
            .values()
            .filter_map(|resolution| match resolution {
                Resolution::Ready { .. } => None,
                Resolution::Waiting { arn: _, hold } | Resolution::Withdrawn { arn: _, hold } => Some(hold),
            })
            .collect();
        let first = holds.iter().find(|hold| hold.reason != Reason::PolicyNotReady).or(holds.first())?;
        let messages: Vec<&str> = holds.iter().map(|hold| hold.message.as_str()).collect();
        Some(Hold::new(first.reason, messages.join(" ")))
    }
}

/// What `reference` of a role in `namespace` names.
#[must_use]
pub fn key_of(reference: &PolicyReference, namespace: &str) -> PolicyKey {
    let PolicyReference { namespace: chosen, name } = reference;
    (chosen.as_deref().unwrap_or(namespace).to_owned(), name.clone())
}

impl Referrer<'_> {
    fn resolve(&self, key: &PolicyKey, policy: Option<&LambdaManagedPolicy>) -> Resolution {
        let (namespace, name) = key;
        let waiting = |arn: Option<String>, reason, message: String| Resolution::Waiting {
            arn,
            hold: Hold::new(reason, message),
        };
        let owner = Owner { cluster: self.cluster.to_owned(), namespace: namespace.clone(), name: name.clone() };
        let arn = |policy: &LambdaManagedPolicy| {
            policy_arn(self.class_name, self.class, &policy.spec, &owner, self.account).ok()
        };
        let is_own = *namespace == self.namespace.name;
        match policy.map_or(Some(is_own), |policy| admits(&policy.spec, namespace, self.namespace)) {
            Some(true) => {}
            Some(false) => {
                // Who may not refer to a policy is not told whether it is there.
                let message = format!(
                    "The role refers to LambdaManagedPolicy {namespace}/{name}, which is not there or does not admit namespace {} (spec.allowedNamespaces of the policy). Ask whoever owns the policy, or refer to one of the role's own namespace.",
                    self.namespace.name
                );
                let attached = policy.and_then(arn).filter(|arn| self.attached.contains(&arn.as_str()));
                return match attached {
                    Some(arn) => Resolution::Withdrawn { arn, hold: Hold::new(Reason::PolicyNotAllowed, message) },
                    None => waiting(None, Reason::PolicyNotAllowed, message),
                };
            }
            None => {
                let message = format!(
                    "LambdaManagedPolicy {namespace}/{name} admits namespaces by their labels, and the controller cannot read those of namespace {}. Let it list and watch namespaces.",
                    self.namespace.name
                );
                return waiting(None, Reason::NamespaceUnknown, message);
            }
        }
        let Some(policy) = policy else {
            let message =
                format!("There is no LambdaManagedPolicy {namespace}/{name}. The role waits until it is made.");
            return waiting(None, Reason::PolicyNotReady, message);
        };
        if bound_class(policy).is_some_and(|class| class != self.class_name) {
            let message = format!(
                "LambdaManagedPolicy {namespace}/{name} is of LambdaRoleClass {}, and the role of {}. Refer to a policy of the role's class.",
                bound_class(policy).unwrap_or_default(),
                self.class_name
            );
            return waiting(None, Reason::PolicyNotAllowed, message);
        }
        let Some(arn) = arn(policy) else {
            let message =
                format!("What LambdaManagedPolicy {namespace}/{name} is called cannot be told from its class.");
            return waiting(None, Reason::PolicyNotReady, message);
        };
        match why_not_ready(policy, &arn, self.attached.contains(&arn.as_str())) {
            None => Resolution::Ready { arn },
            Some((reason, why)) => {
                let message = format!(
                    "LambdaManagedPolicy {namespace}/{name} is not ready: {why} The role goes on by itself when it is."
                );
                waiting(Some(arn), reason, message)
            }
        }
    }
}

/// Whether roles of `namespace` may refer to a policy of namespace `of`; `None` if that depends on labels which nobody can read.
#[must_use]
pub fn admits(policy: &LambdaManagedPolicySpec, of: &str, namespace: &Namespace) -> Option<bool> {
    let Some(allowed) = &policy.allowed_namespaces else { return Some(of == namespace.name) };
    let is_admitted = of == namespace.name || selects(allowed, namespace);
    let is_known = is_admitted || namespace.labels.is_some() || allowed.selector.is_none();
    is_known.then_some(is_admitted)
}

/// Why a role cannot have the policy, if so. A policy that was in place once stays that, whatever becomes of later
/// generations: IAM holds the last that was accepted. One that goes is given to nobody who has it not.
fn why_not_ready(policy: &LambdaManagedPolicy, arn: &str, is_attached: bool) -> Option<(Reason, String)> {
    let status = policy.status.as_ref();
    let in_place = status.is_some_and(|status| status.policy_id.is_some() && status.policy_arn.as_deref() == Some(arn));
    if policy.metadata.deletion_timestamp.is_some() && !is_attached {
        return Some((Reason::PolicyNotReady, "it is being deleted.".to_owned()));
    }
    if in_place {
        return None;
    }
    let Some(ready) = status.and_then(|status| condition(&status.conditions, ConditionType::Ready)) else {
        return Some((Reason::PolicyNotReady, "nothing is known of it yet.".to_owned()));
    };
    let stalled = status.and_then(|status| condition(&status.conditions, ConditionType::Stalled));
    let reason = if stalled.is_some_and(|stalled| stalled.status == "True") {
        Reason::PolicyRefused
    } else {
        Reason::PolicyNotReady
    };
    Some((reason, format!("{}: {}", ready.reason, ready.message)))
}

/// The hold of a role whose reference leads to a policy in IAM that is not the object's, by its tags, if so.
#[must_use]
pub fn impostor(key: &PolicyKey, policy: &StoredPolicy, cluster: &str) -> Option<Hold> {
    let (namespace, name) = key;
    let owner = Owner { cluster: cluster.to_owned(), namespace: namespace.clone(), name: name.clone() };
    let is_owned = PolicyOwner::of(&policy.tags).is_some_and(|found| found == PolicyOwner::of_policy(&owner));
    if is_owned {
        return None;
    }
    let message = format!(
        "LambdaManagedPolicy {namespace}/{name} is not ready: the tags of {} in IAM do not say that it is that object's. The role goes on by itself when they do.",
        policy.arn
    );
    Some(Hold::new(Reason::PolicyNotReady, message))
}

/// What of a policy concerns the roles that refer to it, in a text that changes with it.
#[must_use]
pub fn essence(policy: &LambdaManagedPolicy) -> String {
    let status = policy.status.as_ref();
    // Not its version: what a role may have of it was judged before that was written, and nothing of the role changes.
    let in_iam = status.map(|status| (&status.policy_arn, &status.policy_id, &status.class_name));
    // Its condition is told only as long as there is nothing in IAM.
    let ready = status.filter(|status| status.policy_id.is_none()).map(|status| told(&status.conditions));
    let is_going = policy.metadata.deletion_timestamp.is_some();
    format!("{:?}", (&policy.metadata.uid, is_going, &policy.spec.allowed_namespaces, in_iam, ready))
}

fn told(conditions: &[Condition]) -> Vec<(&str, &str, &str)> {
    let kinds = [ConditionType::Ready, ConditionType::Stalled];
    let found = kinds.into_iter().filter_map(|kind| condition(conditions, kind));
    found.map(|found| (found.status.as_str(), found.reason.as_str(), found.message.as_str())).collect()
}

/// ARN of the IAM policy that `spec` describes, under the class called `class_name`.
///
/// # Errors
/// If the class cannot be used for it.
pub fn policy_arn(
    class_name: &str,
    class: &LambdaRoleClassSpec,
    spec: &LambdaManagedPolicySpec,
    owner: &Owner,
    account: &Account,
) -> Result<String, Vec<Finding>> {
    let class = ObjectClass::of(class_name, class, spec, owner, account)?;
    Ok(arn_of(account, class.path(spec.path.as_deref()), class.policy_name(spec)))
}

/// ARN of a customer managed policy.
#[must_use]
pub fn arn_of(account: &Account, path: &str, name: &str) -> String {
    format!("arn:{}:iam::{}:policy{path}{name}", account.partition, account.id)
}

/// Whether the role of `spec` in `namespace` may list the policy of that ARN by an ARN: what only its class could tell is taken
/// for anything.
#[must_use]
pub fn may_list(spec: &LambdaExecutionRoleSpec, (namespace, name): (&str, &str), arn: &str) -> bool {
    let placeholders = LENIENT.iter().fold(Placeholders::default(), |all, placeholder| all.with(placeholder, "*"));
    let placeholders = placeholders.with("namespace", namespace).with("name", name);
    let listed = spec.managed_policies.iter().filter_map(|policy| policy.arn.as_deref());
    listed.into_iter().any(|listed| {
        listed == arn || placeholders.expand(listed).is_ok_and(|listed| Pattern::new(&listed).matches(arn))
    })
}

const LENIENT: [&str; 4] = ["partition", "accountId", "region", "roleName"];

/// The hold of the role of `owner` that lists by its ARN a policy which by its tags in IAM is another object's, if that object does not
/// share it. `find` knows the policies that objects describe; it returns `None` where it cannot know them, and then nothing is shared.
///
/// What belongs to no object, or to one of another cluster or that is no more, is for the class to judge.
#[must_use]
pub fn borrowed<'a>(
    stored: &StoredPolicy,
    owner: &Owner,
    namespace: &Namespace,
    find: impl Fn(&PolicyKey) -> Option<Option<&'a LambdaManagedPolicy>>,
) -> Option<Hold> {
    let PolicyOwner { kind, owner: of } = PolicyOwner::of(&stored.tags)?;
    if of.cluster != owner.cluster {
        return None;
    }
    if kind == LambdaExecutionRole::kind(&()) {
        let message = format!(
            "spec.managedPolicies lists {}, which holds statements of another role. Leave it out, or have whoever owns the statements put them into a LambdaManagedPolicy.",
            stored.arn
        );
        return (of != *owner).then(|| Hold::new(Reason::PolicyNotAllowed, message));
    }
    let Some(found) = find(&(of.namespace.clone(), of.name.clone())) else {
        return Some(not_shared(&stored.arn, namespace));
    };
    let policy = found?;
    match admits(&policy.spec, &of.namespace, namespace) {
        Some(true) => None,
        Some(false) => Some(not_shared(&stored.arn, namespace)),
        None => Some(Hold::new(
            Reason::NamespaceUnknown,
            format!(
                "spec.managedPolicies lists {}, whose owner admits namespaces by their labels, and the controller cannot read those of namespace {}. Let it list and watch namespaces.",
                stored.arn, namespace.name
            ),
        )),
    }
}

fn not_shared(arn: &str, namespace: &Namespace) -> Hold {
    let message = format!(
        "spec.managedPolicies lists {arn}, which belongs to a LambdaManagedPolicy of another namespace that does not admit namespace {} (spec.allowedNamespaces of the policy). Ask whoever owns the policy, or leave it out.",
        namespace.name
    );
    Hold::new(Reason::PolicyNotAllowed, message)
}
