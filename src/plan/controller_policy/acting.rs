//! The roles that the controller acts as: its own, and those of the chains that classes name.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    Assumer, Controller, MANAGED_POLICY_QUOTA, NamedClass,
    identity::{Identity, Scope, account_of, document, scopes},
    trust::trust_policy,
};
use crate::{
    lint::Finding,
    policy::{Arn, Document, Pattern},
};

/// What a role needs that the controller acts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Its ARN.
    pub role_arn: String,
    /// The account that it is in.
    pub account_id: String,
    /// The classes whose roles are made with it.
    pub classes: Vec<String>,
    /// What it may do.
    pub identity_policy: Document,
    /// Who may become it, by how they do; one is to be chosen where there are several.
    pub trust_policies: Vec<(AssumedBy, Document)>,
    /// What of these rights is wider than it need be, or cannot be used.
    pub warnings: Vec<String>,
}

/// How a role is assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "camelCase")]
pub enum AssumedBy {
    /// By the token of a service account.
    #[strum(to_string = "IRSA, or another OIDC provider of the cluster")]
    WebIdentity,
    /// Through the agent on the node.
    #[strum(to_string = "EKS Pod Identity")]
    PodIdentity,
    /// With the credentials of the role before it.
    #[strum(to_string = "the role before it in the chain")]
    Role,
}

/// Such a role, and its place among the others.
#[derive(Debug)]
pub(super) struct Acting<'a> {
    pub(super) role_arn: &'a str,
    classes: Vec<NamedClass<'a>>,
    next: BTreeSet<&'a str>,
    /// The roles before it, each with the external id that it presents.
    before: BTreeSet<(&'a str, Option<&'a str>)>,
}

impl<'a> Acting<'a> {
    /// The controller's own first, then the others by their ARNs.
    pub(super) fn all(controller: &Controller<'a>, classes: &[NamedClass<'a>]) -> Vec<Self> {
        let mut all: BTreeMap<&str, Self> = BTreeMap::new();
        let new = |role_arn| Self { role_arn, classes: Vec::new(), next: BTreeSet::new(), before: BTreeSet::new() };
        for (name, spec) in classes {
            let mut current = controller.role_arn;
            for hop in &spec.account.assume_role {
                all.entry(current).or_insert_with(|| new(current)).next.insert(&hop.arn);
                let next = all.entry(&hop.arn).or_insert_with(|| new(&hop.arn));
                next.before.insert((current, hop.external_id.as_deref()));
                current = &hop.arn;
            }
            all.entry(current).or_insert_with(|| new(current)).classes.push((name, spec));
        }
        let own = all.remove(controller.role_arn);
        own.into_iter().chain(all.into_values()).collect()
    }

    /// Its policies.
    ///
    /// # Errors
    /// What of its classes cannot be understood.
    pub(super) fn rights(
        &self,
        controller: &Controller<'_>,
        all_arns: &BTreeSet<&str>,
    ) -> Result<Rights, Vec<Finding>> {
        let account_id = account_of(self.role_arn);
        let scopes = scopes(&self.classes)?;
        let next: Vec<&str> = self.next.iter().copied().collect();
        let untouchable: Vec<&str> = all_arns.iter().copied().filter(|arn| account_of(arn) == account_id).collect();
        let identity =
            Identity { cluster: controller.cluster, classes: &self.classes, next: &next, untouchable: &untouchable };
        let identity_policy = document(&identity, &scopes);
        let mut warnings = self.warnings(account_id, &scopes);
        warnings.extend(length_warning(&identity_policy));
        Ok(Rights {
            role_arn: self.role_arn.to_owned(),
            account_id: account_id.to_owned(),
            classes: self.classes.iter().map(|(name, _)| (*name).to_owned()).collect(),
            identity_policy,
            trust_policies: self.trust_policies(controller),
            warnings,
        })
    }

    fn trust_policies(&self, controller: &Controller<'_>) -> Vec<(AssumedBy, Document)> {
        if self.role_arn != controller.role_arn {
            let assumers =
                self.before.iter().map(|(arn, external_id)| Assumer::Role { arn, external_id: *external_id });
            return vec![(AssumedBy::Role, trust_policy(&assumers.collect::<Vec<_>>()))];
        }
        let Arn { partition, account: account_id, .. } = Arn::parse(self.role_arn).unwrap_or(NO_ARN);
        let workload = controller.workload;
        vec![
            (AssumedBy::WebIdentity, trust_policy(&[Assumer::WebIdentity { partition, account_id, workload }])),
            (AssumedBy::PodIdentity, trust_policy(&[Assumer::PodIdentity { account_id, workload }])),
        ]
    }

    fn warnings(&self, account_id: &str, scopes: &[Scope<'_>]) -> Vec<String> {
        let mut warnings = Vec::new();
        for Scope { class, account_id: wanted, is_enforced, names, guard, .. } in scopes {
            if *wanted != account_id {
                warnings.push(format!(
                    "class {class} is of account {wanted}, and {} of account {account_id}: the controller will write nothing. Give spec.account.assumeRole a role of that account.",
                    self.role_arn
                ));
            }
            if !is_enforced {
                continue;
            }
            if guard.boundaries.is_none() {
                warnings.push(format!(
                    "class {class} forces no permissions boundary: whoever gets hold of the controller's credentials can give its roles any right in the account. Set spec.guardrails.permissionsBoundary.arn."
                ));
            }
            let open = |arn: &&String| arn.split_once(":role/").is_some_and(|(_, name)| name.starts_with(['*', '?']));
            if let Some(arn) = names.managed.iter().find(open) {
                warnings.push(format!(
                    "class {class} takes in roles that others make, by {arn}: tags alone protect them. Set spec.naming.path to a path of its own, such as /lambda/, or begin spec.naming.roleName and its patterns with a text of their own."
                ));
            }
        }
        warnings.extend(overlaps(scopes));
        warnings
    }
}

/// What stands for an ARN that is none. Callers check theirs.
const NO_ARN: Arn<'static> = Arn { partition: "aws", service: "", region: "", account: "", resource: "" };

/// Classes of different guardrails that name the same roles.
fn overlaps(scopes: &[Scope<'_>]) -> Vec<String> {
    let patterns = |scope: &Scope<'_>| scope.names.managed.iter().map(|arn| Pattern::new(arn)).collect::<Vec<_>>();
    let scopes: Vec<_> =
        scopes.iter().filter(|scope| scope.is_enforced).map(|scope| (scope, patterns(scope))).collect();
    let mut warnings = Vec::new();
    for (index, (one, names)) in scopes.iter().enumerate() {
        for (other, other_names) in &scopes[index + 1..] {
            let meet = || names.iter().any(|name| other_names.iter().any(|other| name.intersects(other)));
            if one.guard != other.guard && meet() {
                warnings.push(format!(
                    "classes {} and {} can name the same roles, for which IAM then allows what either of them does. Give each a path of its own.",
                    one.class, other.class
                ));
            }
        }
    }
    warnings
}

fn length_warning(policy: &Document) -> Option<String> {
    let characters = policy.characters();
    (characters > MANAGED_POLICY_QUOTA).then(|| {
        format!(
            "the identity policy has {characters} characters; IAM takes {MANAGED_POLICY_QUOTA} in a managed policy and 10240 in all inline policies of a role together. Let classes share paths and guardrails, or reach some of them by a role of their own (spec.account.assumeRole)."
        )
    })
}
