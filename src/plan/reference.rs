//! References of roles to managed policies that are described by objects.

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
    lint::{Code, Finding, Severity},
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

    /// The same where nothing is known but manifests: a policy among them counts as in place. Also what there is to say.
    #[must_use]
    pub fn offline<'a>(
        spec: &LambdaExecutionRoleSpec,
        referrer: &Referrer<'_>,
        find: impl Fn(&PolicyKey) -> Option<&'a LambdaManagedPolicy>,
    ) -> (Self, Vec<Finding>) {
        let found: BTreeMap<PolicyKey, LambdaManagedPolicy> = Self::of(spec, &referrer.namespace.name)
            .into_iter()
            .filter_map(|key| find(&key).map(|policy| (key.clone(), referrer.in_place(&key, policy))))
            .collect();
        let references = Self::resolve(spec, referrer, |key| found.get(key));
        let entries = spec.managed_policies.iter().enumerate();
        let entries = entries.filter_map(|(index, policy)| Some((index, policy.reference.as_ref()?)));
        let findings = entries.filter_map(|(index, reference)| {
            let (key, path) = (key(reference, &referrer.namespace.name), format!("spec.managedPolicies[{index}].ref"));
            match references.0.get(&key)? {
                Resolution::Ready { .. } => None,
                Resolution::Waiting { hold, .. } | Resolution::Withdrawn { hold, .. } if found.contains_key(&key) => {
                    Some(Finding::invalid(path, hold.message.trim_end_matches('.')))
                }
                Resolution::Waiting { .. } | Resolution::Withdrawn { .. } => Some(Finding {
                    severity: Severity::Warning,
                    code: Code::PolicyNotRead,
                    path,
                    message: format!(
                        "LambdaManagedPolicy {}/{} is not among the manifests, so that neither it nor what it allows is known here",
                        key.0, key.1
                    ),
                    fix: Some("Give its manifest, too".to_owned()),
                }),
            }
        });
        let findings = findings.collect();
        (references, findings)
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
        if *namespace != self.namespace.name && !policy.is_some_and(|policy| self.is_admitted_by(&policy.spec)) {
            // Who may not refer to a policy is not told whether it is there.
            let message = format!(
                "The role refers to LambdaManagedPolicy {namespace}/{name}, which is not there or does not admit namespace {} (spec.allowedNamespaces of the policy). Ask whoever owns the policy, or refer to one of the role's own namespace.",
                self.namespace.name
            );
            let arn = policy.filter(|policy| self.is_shut_out_by(&policy.spec)).and_then(arn);
            return match arn.filter(|arn| self.attached.contains(&arn.as_str())) {
                Some(arn) => Resolution::Withdrawn { arn, hold: Hold::new(Reason::PolicyNotAllowed, message) },
                None => waiting(None, Reason::PolicyNotAllowed, message),
            };
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

    /// The policy as it is once the controller has made it.
    fn in_place(&self, (namespace, name): &PolicyKey, policy: &LambdaManagedPolicy) -> LambdaManagedPolicy {
        let owner = Owner { cluster: self.cluster.to_owned(), namespace: namespace.clone(), name: name.clone() };
        let arn = policy_arn(self.class_name, self.class, &policy.spec, &owner, self.account).ok();
        let status = LambdaManagedPolicyStatus {
            policy_id: arn.is_some().then(String::new),
            policy_arn: arn,
            ..LambdaManagedPolicyStatus::default()
        };
        LambdaManagedPolicy { status: Some(status), ..policy.clone() }
    }

    fn is_admitted_by(&self, policy: &LambdaManagedPolicySpec) -> bool {
        policy.allowed_namespaces.as_ref().is_some_and(|allowed| selects(allowed, self.namespace))
    }

    /// Whether the policy does not admit the role for certain: nothing is taken away on a guess at labels.
    fn is_shut_out_by(&self, policy: &LambdaManagedPolicySpec) -> bool {
        let by_label = policy.allowed_namespaces.as_ref().is_some_and(|allowed| allowed.selector.is_some());
        !self.is_admitted_by(policy) && (self.namespace.labels.is_some() || !by_label)
    }
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
        let of_policy = policy.namespace().unwrap_or_default();
        let is_admitted = of_policy == namespace.name
            || policy.spec.allowed_namespaces.as_ref().is_some_and(|allowed| selects(allowed, namespace));
        let known = identity(arn).filter(|_| !is_admitted)?;
        let (listed, _) = listed.iter().find(|(_, listed)| listed.as_ref() == Some(&known))?;
        let message = format!(
            "spec.managedPolicies lists {listed}, which belongs to a LambdaManagedPolicy of another namespace that does not admit namespace {} (spec.allowedNamespaces of the policy). Ask whoever owns the policy, or leave it out.",
            namespace.name
        );
        Some(Hold::new(Reason::PolicyNotAllowed, message))
    })
}
