//! What roles, policies and grants have to do with each other.

use std::{collections::BTreeSet, sync::Arc};

use kube::ResourceExt;

use super::{Context, pipeline::owner_of, shared_role::Said};
use crate::{
    api::{LambdaExecutionRole, LambdaExecutionRoleStatus, LambdaManagedPolicy, LambdaRoleClass, LambdaRoleGrant},
    cluster::{Change, Guarded},
    plan::{
        Account, ObjectClass, References,
        class::select,
        grant::{self, Applicant},
        managed_policy::{self as policy, Boundaries},
        reference::{self, Referrer},
        status::is_refused,
    },
};

/// Wakes whom a change of what surrounds objects concerns.
pub(super) fn wake_for(change: &Change, context: &Context) {
    match change {
        Change::Surroundings => {
            context.wake_roles.all();
            context.wake_policies.all();
            context.wake_grants.all();
        }
        Change::Policy { namespace, name, arn } => {
            let refers = |object: &Guarded<LambdaExecutionRole>| {
                object.0.as_ref().is_ok_and(|role| {
                    let keys = References::of(&role.spec, &role.namespace().unwrap_or_default());
                    keys.iter().any(|key| (&key.0, &key.1) == (namespace, name))
                        || arn.as_ref().is_some_and(|arn| may_list(role, arn))
                })
            };
            for role in context.roles.iter().flat_map(|store| store.state_filter(refers)) {
                context.wake_roles.one(&role.namespace().unwrap_or_default(), &role.name_any());
            }
        }
        Change::Grant(grant) => match &grant.0 {
            Ok(grant) => {
                let (namespace, name) = role_of(grant);
                context.wake_roles.one(&namespace, &name);
            }
            // Nobody can tell which role it is for.
            Err(_) => context.wake_roles.all(),
        },
    }
}

/// Namespace and name of the role that a grant is for.
pub(super) fn role_of(grant: &LambdaRoleGrant) -> (String, String) {
    let of = grant.namespace().unwrap_or_default();
    let (namespace, name) = grant::role_of(&grant.spec, &of);
    (namespace.to_owned(), name.to_owned())
}

/// The grants for a role, and those of which nobody can tell which role they are for.
pub(super) fn grants_for(role: &LambdaExecutionRole, context: &Context) -> Vec<Arc<Guarded<LambdaRoleGrant>>> {
    let key = (role.namespace().unwrap_or_default(), role.name_any());
    let mut grants = context.view.grants();
    grants.retain(|grant| grant.0.as_ref().map_or(true, |grant| role_of(grant) == key));
    grants
}

/// What decides about a role beside itself and its class: the policies that it refers to or lists, and the grants for it.
pub(super) fn of_role(role: &LambdaExecutionRole, context: &Context) -> Option<String> {
    let namespace = role.namespace().unwrap_or_default();
    let referred = References::of(&role.spec, &namespace).into_iter();
    let referred = referred.map(|(namespace, name)| context.view.policy(&namespace, &name));
    let seen = context.view.namespace(&namespace);
    let told = |policy: Option<Arc<Guarded<LambdaManagedPolicy>>>| {
        let policy = policy?;
        let policy = policy.0.as_ref().ok()?;
        let of = policy.namespace().unwrap_or_default();
        Some((reference::essence(policy), reference::admits(&policy.spec, &of, &seen)))
    };
    let policies: Vec<_> = referred.chain(listed(role, context).into_iter().map(Some)).map(told).collect();
    let grants = grant::digest(role, &applicants(role, context));
    (!policies.is_empty() || grants.is_some()).then(|| format!("{policies:?} {grants:?}"))
}

/// The policies with objects that the role may list by their ARNs.
fn listed(role: &LambdaExecutionRole, context: &Context) -> Vec<Arc<Guarded<LambdaManagedPolicy>>> {
    if role.spec.managed_policies.iter().all(|policy| policy.arn.is_none()) {
        return Vec::new();
    }
    let mut policies = context.view.policies();
    policies.retain(|policy| {
        let status = policy.0.as_ref().ok().and_then(|policy| policy.status.as_ref());
        let arn = status.and_then(|status| status.policy_arn.as_deref());
        arn.is_some_and(|arn| may_list(role, arn))
    });
    policies
}

fn may_list(role: &LambdaExecutionRole, arn: &str) -> bool {
    reference::may_list(&role.spec, (&role.namespace().unwrap_or_default(), &role.name_any()), arn)
}

/// The grants for a role, as they are judged.
pub(super) fn applicants(role: &LambdaExecutionRole, context: &Context) -> Vec<Applicant> {
    let applicant = |object: &Arc<Guarded<LambdaRoleGrant>>| {
        let namespace = context.view.namespace(&object.namespace().unwrap_or_default());
        match &object.0 {
            Ok(grant) => Applicant::of(grant, namespace),
            Err(invalid) => Applicant::undecodable(&invalid.metadata, namespace),
        }
    };
    grants_for(role, context).iter().map(applicant).collect()
}

/// Wakes the grants for a role of which `status` is said; `None` if it is gone.
pub(super) fn wake_grants(role: &LambdaExecutionRole, status: Option<&LambdaExecutionRoleStatus>, context: &Context) {
    let key = (role.namespace().unwrap_or_default(), role.name_any());
    let mut grants = grants_for(role, context);
    grants.retain(|grant| grant.0.is_ok());
    if grants.is_empty() {
        context.shared_roles.forget(&key);
        return;
    }
    let said = status.map_or(Said::Gone, |status| Said::Status(Box::new(status.clone())));
    context.shared_roles.remember(key, role.metadata.uid.clone(), said);
    for grant in grants {
        context.wake_grants.one(&grant.namespace().unwrap_or_default(), &grant.name_any());
    }
}

/// What the references of a role lead to.
pub(super) fn references(
    role: &LambdaExecutionRole,
    class: &LambdaRoleClass,
    account: &Account,
    context: &Context,
) -> References {
    let namespace = context.view.namespace(&role.namespace().unwrap_or_default());
    let policies: Vec<_> = References::of(&role.spec, &namespace.name)
        .into_iter()
        .filter_map(|key| context.view.policy(&key.0, &key.1).map(|policy| (key, policy)))
        .collect();
    let status = role.status.as_ref();
    let referrer = Referrer {
        namespace: &namespace,
        class_name: class.metadata.name.as_deref().unwrap_or_default(),
        class: &class.spec,
        account,
        cluster: &context.cluster_name,
        attached: status.iter().flat_map(|status| &status.managed_policies).map(|policy| policy.arn.as_str()).collect(),
    };
    References::resolve(&role.spec, &referrer, |key| {
        policies.iter().find(|(known, _)| known == key).and_then(|(_, policy)| policy.0.as_ref().ok())
    })
}

/// The policies that classes of the account may make a boundary.
pub(super) fn boundaries(account: &Account, context: &Context) -> Boundaries {
    let classes = context.view.classes();
    let classes = classes.iter().filter_map(|class| class.0.as_ref().ok());
    Boundaries::of(classes.map(|class| (class.metadata.name.as_deref().unwrap_or_default(), &class.spec)), account)
}

/// The roles that have a policy by their status, or are admitted by it and refer to it, each with its class: a new version
/// reaches all of them.
pub(super) fn referrers(
    arn: &str,
    policy: &LambdaManagedPolicy,
    account: &Account,
    context: &Context,
) -> Vec<policy::Referrer> {
    let key = (policy.namespace().unwrap_or_default(), policy.name_any());
    let refers = |object: &Guarded<LambdaExecutionRole>| {
        object.0.as_ref().is_ok_and(|role| {
            let namespace = role.namespace().unwrap_or_default();
            let has_it = role.status.iter().flat_map(|status| &status.managed_policies).any(|known| known.arn == arn);
            let names_it = || may_list(role, arn) || References::of(&role.spec, &namespace).contains(&key);
            // Whoever is not admitted has no say in what others own.
            let is_admitted =
                || reference::admits(&policy.spec, &key.0, &context.view.namespace(&namespace)) != Some(false);
            has_it || names_it() && is_admitted()
        })
    };
    let classes = context.view.classes();
    let classes: Vec<&LambdaRoleClass> = classes.iter().filter_map(|class| class.0.as_ref().ok()).collect();
    let of_account = |class: &&LambdaRoleClass| class.spec.account.id == account.id;
    let roles = context.roles.iter().flat_map(|store| store.state_filter(refers));
    let referrer = |object: Arc<Guarded<LambdaExecutionRole>>| {
        let role = object.0.as_ref().ok()?;
        let owner = owner_of(role, context);
        let namespace = context.view.namespace(&owner.namespace);
        let class = select(role, &namespace, classes.iter().copied()).class().filter(of_account)?;
        let region = class.spec.account.region.clone().unwrap_or_else(|| account.region.clone());
        let account = Account { region, ..account.clone() };
        let class = ObjectClass::of(&class.name_any(), &class.spec, &role.spec, &owner, &account);
        Some(policy::Referrer { namespace: owner.namespace, name: owner.name, class })
    };
    roles.filter_map(referrer).collect()
}

/// Wakes the policies that a role has no more and that waited for that: to be deleted, or to become what its class refuses.
pub(super) fn wake_let_go(role: &LambdaExecutionRole, now: &LambdaExecutionRoleStatus, context: &Context) {
    let arns = |status: &LambdaExecutionRoleStatus| -> BTreeSet<String> {
        status.managed_policies.iter().map(|policy| policy.arn.clone()).collect()
    };
    let before = role.status.as_ref().map(arns).unwrap_or_default();
    let let_go: BTreeSet<String> = before.difference(&arns(now)).cloned().collect();
    if let_go.is_empty() {
        return;
    }
    for policy in context.view.policies() {
        let Ok(policy) = &policy.0 else { continue };
        let status = policy.status.as_ref();
        let is_let_go = status.and_then(|status| status.policy_arn.as_ref()).is_some_and(|arn| let_go.contains(arn));
        let is_refused = status.is_some_and(|status| is_refused(&status.conditions));
        if is_let_go && (is_refused || policy.metadata.deletion_timestamp.is_some()) {
            let (namespace, name) = (policy.namespace().unwrap_or_default(), policy.name_any());
            context.memory_of_policies.forget((&namespace, &name));
            context.wake_policies.one(&namespace, &name);
        }
    }
}
