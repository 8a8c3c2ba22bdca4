//! The LambdaManagedPolicies among the manifests, which roles refer to.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;
use serde_json::Value;

use super::{classes::Classes, schema};
use crate::{
    api::{LambdaExecutionRole, LambdaManagedPolicy, LambdaRoleClass, LambdaRoleClassSpec},
    lint::Finding,
    plan::{
        Account, Owner, References,
        class::bound_class,
        managed_policy::DesiredPolicy,
        reference::{PolicyKey, Referrer, borrowed_offline},
    },
    policy::Document,
};

/// Policies by namespace and name.
#[derive(Debug, Default)]
pub(super) struct Policies {
    /// Each with its ARN, if it leads to a policy.
    readable: BTreeMap<PolicyKey, (LambdaManagedPolicy, Option<String>)>,
    /// What those say that lead to a policy, by ARN.
    documents: BTreeMap<String, Document>,
}

impl Policies {
    /// Takes a policy up, whose manifest may name no namespace.
    pub(super) fn add(&mut self, object: &Value, namespace: &str) {
        if let Ok((policy, _)) = schema::decoded::<LambdaManagedPolicy>(object.clone(), &schema::POLICY) {
            let namespace = policy.namespace().unwrap_or_else(|| namespace.to_owned());
            let mut policy = policy;
            policy.metadata.namespace = Some(namespace.clone());
            self.readable.insert((namespace, policy.name_any()), (policy, None));
        }
    }

    /// Takes up what the policy of that namespace and name leads to.
    pub(super) fn add_document(&mut self, key: &PolicyKey, policy: &DesiredPolicy) {
        if let Some((_, arn)) = self.readable.get_mut(key) {
            *arn = Some(policy.arn.clone());
        }
        self.documents.insert(policy.arn.clone(), policy.document.clone());
    }

    /// What the policies say, by ARN.
    pub(super) fn documents(&self) -> &BTreeMap<String, Document> {
        &self.documents
    }

    /// What there is to say of a role that lists by an ARN what others describe.
    pub(super) fn borrowed(&self, arns: &BTreeSet<String>, classes: &Classes, namespace: &str) -> Vec<Finding> {
        borrowed_offline(arns, &classes.namespace(namespace), &self.readable)
    }

    /// What the references of a role lead to, and what there is to say of them.
    pub(super) fn references(
        &self,
        role: &LambdaExecutionRole,
        class: Option<&LambdaRoleClass>,
        classes: &Classes,
        account: &Account,
        owner: &Owner,
    ) -> (References, Vec<Finding>) {
        let name = class.map(ResourceExt::name_any).or_else(|| bound_class(role).map(str::to_owned));
        let unknown = LambdaRoleClassSpec::default();
        let referrer = Referrer {
            namespace: &classes.namespace(&owner.namespace),
            class_name: name.as_deref().unwrap_or_default(),
            class: class.map_or(&unknown, |class| &class.spec),
            account,
            cluster: &owner.cluster,
            attached: Vec::new(),
        };
        References::offline(&role.spec, &referrer, &self.readable)
    }
}
