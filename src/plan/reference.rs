//! References of roles to managed policies that are described by objects.

mod offline;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use super::{
    Account, Hold, ManagedPolicy as StoredPolicy, ObjectClass, ObservedRole, Owner, PolicyOwner, Step,
    class::{Namespace, bound_class, selects},
};
use crate::{
    api::{
        ConditionType, LambdaExecutionRoleSpec, LambdaManagedPolicy, LambdaManagedPolicySpec,
        LambdaManagedPolicyStatus, LambdaRoleClassSpec, Reason,
        role::{ManagedPolicy, PolicyReference},
    },
    lint::Finding,
    policy::Arn,
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
            .map(|policy| key(policy, namespace))
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
        self.0.get(&key(reference, namespace))
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

    /// The first reason for which the role waits.
    #[must_use]
    pub fn hold(&self) -> Option<&Hold> {
        self.0.values().find_map(|resolution| match resolution {
            Resolution::Ready { .. } => None,
            Resolution::Waiting { arn: _, hold } | Resolution::Withdrawn { arn: _, hold } => Some(hold),
        })
    }
}

fn key(reference: &PolicyReference, namespace: &str) -> PolicyKey {
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
            Some(why) => {
                let message = format!(
                    "LambdaManagedPolicy {namespace}/{name} is not ready: {why} The role goes on by itself when it is."
                );
                waiting(Some(arn), Reason::PolicyNotReady, message)
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
fn why_not_ready(policy: &LambdaManagedPolicy, arn: &str, is_attached: bool) -> Option<String> {
    let status = policy.status.as_ref();
    let in_place = status.is_some_and(|status| status.policy_id.is_some() && status.policy_arn.as_deref() == Some(arn));
    if policy.metadata.deletion_timestamp.is_some() && !is_attached {
        return Some("it is being deleted.".to_owned());
    }
    if in_place {
        return None;
    }
    Some(match status.and_then(ready) {
        Some(condition) => format!("{}: {}", condition.reason, condition.message),
        None => "nothing is known of it yet.".to_owned(),
    })
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
    let in_iam =
        status.map(|status| (&status.policy_arn, &status.policy_id, &status.class_name, &status.default_version_id));
    // Its condition is told only as long as there is nothing in IAM.
    let ready =
        status.filter(|status| status.policy_id.is_none()).and_then(ready).map(|ready| (&ready.reason, &ready.message));
    let is_going = policy.metadata.deletion_timestamp.is_some();
    format!("{:?}", (&policy.metadata.uid, is_going, &policy.spec.allowed_namespaces, in_iam, ready))
}

fn ready(status: &LambdaManagedPolicyStatus) -> Option<&Condition> {
    let ready: &str = ConditionType::Ready.into();
    status.conditions.iter().find(|condition| condition.type_ == ready)
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

/// Whether `spec` lists the policy of that ARN by an ARN.
#[must_use]
pub fn lists(spec: &LambdaExecutionRoleSpec, arn: &str) -> bool {
    let listed = spec.managed_policies.iter().filter_map(|policy| policy.arn.as_deref());
    identity(arn).is_some_and(|known| listed.filter_map(identity).any(|listed| listed == known))
}

/// By which an account tells a policy from others: its name, without regard to case and path.
fn identity(arn: &str) -> Option<(String, String)> {
    let arn = Arn::parse(arn)?;
    Some((arn.account.to_owned(), arn.resource.rsplit('/').next()?.to_ascii_lowercase()))
}

/// The hold of a role that lists by its ARN a policy that belongs to an object which does not admit the role, if so.
///
/// `described` are the objects whose policies are known, with their ARNs.
#[must_use]
pub fn borrowed<'a>(
    spec: &LambdaExecutionRoleSpec,
    namespace: &Namespace,
    described: impl IntoIterator<Item = (&'a LambdaManagedPolicy, &'a str)>,
) -> Option<Hold> {
    let listed: Vec<&str> =
        spec.managed_policies.iter().filter_map(|policy: &ManagedPolicy| policy.arn.as_deref()).collect();
    if listed.is_empty() {
        return None;
    }
    let listed: Vec<_> = listed.into_iter().map(|arn| (arn, identity(arn))).collect();
    described.into_iter().find_map(|(policy, arn)| {
        let is_admitted = admits(&policy.spec, &policy.namespace().unwrap_or_default(), namespace) == Some(true);
        let known = identity(arn).filter(|_| !is_admitted)?;
        let (listed, _) = listed.iter().find(|(_, listed)| listed.as_ref() == Some(&known))?;
        let message = format!(
            "spec.managedPolicies lists {listed}, which belongs to a LambdaManagedPolicy of another namespace that does not admit namespace {} (spec.allowedNamespaces of the policy). Ask whoever owns the policy, or leave it out.",
            namespace.name
        );
        Some(Hold::new(Reason::PolicyNotAllowed, message))
    })
}
