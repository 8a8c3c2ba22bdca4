//! Which roles of the cluster name a policy, read from objects as the API server stores them.
//!
//! A deletion goes by this, so nothing that cannot be decoded is overlooked: what a spec may mean counts as meant.

use serde_json::Value;

use crate::{
    plan::{Account, Owner, reference::PolicyKey},
    policy::{Pattern, Placeholders},
};

/// What an object of kind `LambdaExecutionRole` says of managed policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referral {
    /// Namespace of the role.
    pub namespace: String,
    /// Name of the role.
    pub name: String,
    /// Names that its role may have, by its spec and its status.
    role_names: Vec<String>,
    /// Whether the policy is for roles of that namespace, or may be.
    is_admitted: bool,
    /// Whether IAM is neither read nor written for it.
    pub is_suspended: bool,
    /// The objects that it refers to.
    keys: Vec<PolicyKey>,
    /// The ARNs that it lists, with placeholders.
    arns: Vec<String>,
    /// ARNs of what it attached, by its status.
    attached: Vec<String>,
    /// Whether a list of managed policies is there that nobody can read.
    is_illegible: bool,
}

impl Referral {
    /// What `object`, which is whole, says to a policy that admits the namespaces of which `admits` says so.
    #[must_use]
    pub fn of(object: &Value, admits: impl Fn(&str) -> bool) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (metadata, spec) = (&object["metadata"], &object["spec"]);
        let namespace = text(&metadata["namespace"]).unwrap_or_default();
        let entries = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let listed = &spec["managedPolicies"];
        let policies = entries(listed);
        let key = |policy: &Value| {
            let name = text(&policy["ref"]["name"])?;
            Some((text(&policy["ref"]["namespace"]).unwrap_or_else(|| namespace.clone()), name))
        };
        let is_legible =
            |policy: &Value| ["aws", "arn"].iter().any(|field| policy[field].is_string()) || key(policy).is_some();
        Self {
            name: text(&metadata["name"]).unwrap_or_default(),
            role_names: [&spec["roleName"], &object["status"]["roleName"]].into_iter().filter_map(text).collect(),
            is_admitted: admits(&namespace),
            is_suspended: spec["suspend"].as_bool().unwrap_or_default(),
            keys: policies.iter().filter_map(key).collect(),
            arns: policies.iter().filter_map(|policy| text(&policy["arn"])).collect(),
            attached: entries(&object["status"]["managedPolicies"])
                .iter()
                .filter_map(|policy| text(&policy["arn"]))
                .collect(),
            is_illegible: !(listed.is_null() || listed.is_array()) || !policies.iter().all(is_legible),
            namespace,
        }
    }

    /// Whether the role refers to the policy of the object `key`, whose ARN is `arn`, by either, or may do so. Whoever is not admitted
    /// is not to hold up what others own.
    #[must_use]
    pub fn refers_to(&self, key: &PolicyKey, arn: &str, account: &Account) -> bool {
        let names_it = self.keys.contains(key) || self.arns.iter().any(|listed| self.is(listed, arn, account));
        self.is_admitted && (self.is_illegible || names_it)
    }

    /// What only the class of the role could tell is taken for anything.
    fn is(&self, listed: &str, arn: &str, account: &Account) -> bool {
        let placeholders = Placeholders::default()
            .with("partition", &account.partition)
            .with("accountId", &account.id)
            .with("namespace", &self.namespace)
            .with("name", &self.name)
            .with("region", "*")
            .with("roleName", "*");
        if !listed.contains("$(") {
            return listed == arn;
        }
        placeholders.expand(listed).is_ok_and(|listed| Pattern::new(&listed).matches(arn))
    }

    /// Whether its role may be called so.
    #[must_use]
    pub fn may_be_called(&self, role_name: &str) -> bool {
        self.role_names.iter().any(|name| name == role_name)
    }

    /// Whether this is the object of `owner`.
    #[must_use]
    pub fn is_of(&self, owner: &Owner) -> bool {
        self.namespace == owner.namespace && self.name == owner.name
    }

    /// Whether the policy is on its role by this system's doing, and nothing but an outstanding pass over the role keeps it there.
    #[must_use]
    pub fn lets_go_of(&self, arn: &str) -> bool {
        self.attached.iter().any(|attached| attached == arn) && !self.is_suspended
    }
}
