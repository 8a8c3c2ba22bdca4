//! `LambdaRoleGrant` in the pipeline. It asks nothing of IAM: the pass over the role puts and deletes the policies of grants, and a
//! grant says what came of it.

use std::sync::Arc;

use kube::ResourceExt;
use tracing::{Instrument, info};

use super::{
    Context,
    circumstances::{Circumstances, circumstances},
    memory::Memory,
    neighbours::role_of,
    pipeline::{Ending, Reconciled, owner_of, pass_of},
    shared_role::Said,
    wake::find,
};
use crate::{
    api::{
        ConditionType, FINALIZER, LambdaExecutionRole, LambdaExecutionRoleStatus, LambdaRoleClass, LambdaRoleGrant,
        LambdaRoleGrantStatus, Reason,
    },
    cluster::{self, Guarded},
    plan::{
        Hold, ObjectClass,
        grant::{
            Applicant, GrantKey, Judged, SharedRole, admits, judge,
            status::{Found, RoleSeen, leaving, report, role_not_found, role_pending},
        },
        status::{Pass, Report},
    },
    telemetry::{PassResult, Stage},
};

impl Reconciled for LambdaRoleGrant {
    fn memory(context: &Context) -> &Memory {
        &context.memory_of_grants
    }

    /// Those of the role: a grant has no class of its own.
    fn circumstances(&self, context: &Context) -> Option<Circumstances> {
        match Role::of(self, context) {
            Some(Role { object, .. }) => match &object.0 {
                Ok(role) => circumstances(role, context),
                Err(_) => Some(Circumstances::default()),
            },
            None => Some(Circumstances::default()),
        }
    }

    /// What the role says of itself, and of the grant.
    fn neighbours(&self, context: &Context) -> Option<String> {
        let key = key_of(self);
        let labels = context.view.namespace(&key.namespace).labels;
        let role = Role::of(self, context).map(|role| {
            let meta = kube::Resource::meta(&*role.object);
            let ready: &str = ConditionType::Ready.into();
            let said = role.status.as_ref().map(|status| {
                let entry = status.grants.iter().find(|entry| key.is_of(entry));
                let ready = status.conditions.iter().find(|condition| condition.type_ == ready);
                let ready = ready.map(|ready| (&ready.status, &ready.reason, &ready.message));
                let room = entry.filter(|entry| entry.reason.is_some()).map(|_| status.inline_characters);
                format!("{:?}", (entry, ready, &status.role_arn, room))
            });
            (meta.uid.clone(), meta.generation, meta.deletion_timestamp.is_some(), said)
        });
        Some(format!("{:?}", (role, labels)))
    }

    async fn keep(
        &self,
        previous: &LambdaRoleGrantStatus,
        circumstances: &Circumstances,
        context: &Context,
    ) -> Result<Ending<LambdaRoleGrantStatus>, cluster::Error> {
        let pass = pass_of(self, previous, circumstances, context);
        let (namespace, name) = role_of(self);
        let place = (namespace.as_str(), name.as_str());
        let role = Role::of(self, context);
        if role.is_none() && self.has_unseen_role(context).await? {
            return Ok(Ending::Stopped);
        }
        let decoded = role.as_ref().and_then(|role| Some((role.object.0.as_ref().ok()?, role.status.as_ref())));
        let Some((object, status)) = decoded else {
            let hold = role_not_found(place, &self.namespace().unwrap_or_default());
            return Ok(said(&pass, &Found::Unjudged(&hold)));
        };
        match self.judged(object, circumstances, context).instrument(Stage::Desired.span()).await {
            Ok(judged) => {
                if judged.content.is_ok() {
                    context.cluster.add_finalizer(self).await?;
                }
                let role = RoleSeen {
                    namespace: place.0,
                    name: place.1,
                    status,
                    is_suspended: object.spec.suspend,
                    per_namespace: object.spec.grants.max_characters_per_namespace,
                };
                Ok(said(&pass, &Found::Judged { judged: &judged, role }))
            }
            Err(hold) => Ok(said(&pass, &Found::Unjudged(&hold))),
        }
    }

    async fn remove(
        &self,
        previous: &LambdaRoleGrantStatus,
        circumstances: &Circumstances,
        context: &Context,
    ) -> Result<Ending<LambdaRoleGrantStatus>, cluster::Error> {
        if !self.finalizers().iter().any(|finalizer| finalizer == FINALIZER) {
            return Ok(Ending::Gone);
        }
        let (namespace, name) = role_of(self);
        let role = Role::of(self, context);
        if role.is_none() && self.has_unseen_role(context).await? {
            return Ok(Ending::Stopped);
        }
        let seen = role.as_ref().map(|role| RoleSeen {
            namespace: &namespace,
            name: &name,
            status: role.status.as_ref(),
            is_suspended: role.object.0.as_ref().is_ok_and(|role| role.spec.suspend),
            per_namespace: None,
        });
        if let Some(hold) = leaving(&key_of(self), seen.as_ref()) {
            let pass = pass_of(self, previous, circumstances, context);
            return Ok(said(&pass, &Found::Leaving { hold: &hold }));
        }
        context.cluster.remove_finalizer(self).await?;
        info!("let the object go");
        Ok(Ending::Gone)
    }

    fn refuse(
        &self,
        previous: &LambdaRoleGrantStatus,
        circumstances: &Circumstances,
        fault: &str,
        context: &Context,
    ) -> Ending<LambdaRoleGrantStatus> {
        let pass = pass_of(self, previous, circumstances, context);
        if self.metadata.deletion_timestamp.is_some() {
            let message = format!(
                "The deletion waits, as it cannot be read which role the grant is for: {fault}. Correct spec.roleRef."
            );
            return said(
                &pass,
                &Found::Leaving { hold: &Hold { reason: Reason::InvalidSpec, message, plan: Vec::new() } },
            );
        }
        let message = format!("spec: cannot be read: {fault}. Correct it.");
        said(&pass, &Found::Unjudged(&Hold { reason: Reason::InvalidSpec, message, plan: Vec::new() }))
    }

    async fn settle(&self, _: &Pass<'_, LambdaRoleGrantStatus>, _: &Context) -> Option<Report<LambdaRoleGrantStatus>> {
        None
    }

    fn resync_interval(&self) -> Option<&str> {
        None
    }

    fn changed(&self, _: &LambdaRoleGrantStatus, _: &Context) {}

    // The role is woken by the watch.
    fn gone(&self, _: &Circumstances, _: &Context) {}
}

impl LambdaRoleGrant {
    /// Whether the role is there although the watch has not told of it, as when the process begins. It wakes the grant when it
    /// has been looked at.
    async fn has_unseen_role(&self, context: &Context) -> Result<bool, cluster::Error> {
        let (namespace, name) = role_of(self);
        if !context.namespaces.is_empty() && !context.namespaces.contains(&namespace) {
            return Ok(false);
        }
        let is_there = context.cluster.get::<LambdaExecutionRole>(&namespace, &name).await?;
        // One that was seen and is gone may be told late.
        let is_gone = |role: &LambdaExecutionRole| {
            matches!(context.shared_roles.last(&namespace, &name, role.uid().as_deref()), Some(Said::Gone))
        };
        Ok(is_there.is_some_and(|role| !is_gone(&role)))
    }

    /// The verdict of role and class.
    async fn judged(
        &self,
        role: &LambdaExecutionRole,
        circumstances: &Circumstances,
        context: &Context,
    ) -> Result<Judged, Hold> {
        let (namespace, name) = role_of(self);
        let place = (namespace.as_str(), name.as_str());
        let own = context.view.namespace(&self.namespace().unwrap_or_default());
        let Some(class) = &circumstances.class else {
            let hold = admits(&role.spec.grants, place, &own);
            let obstacle = circumstances.obstacle.clone().unwrap_or_else(Hold::without_class);
            return Err(hold.unwrap_or_else(|| role_pending(place, &obstacle.message)));
        };
        let account = match context.accounts.of(&class.spec.account).account().await {
            Ok(account) => account,
            Err(error) => {
                let class = class.metadata.name.as_deref().unwrap_or_default();
                let hold = admits(&role.spec.grants, place, &own);
                return Err(hold.unwrap_or_else(|| role_pending(place, &error.failure(class, None).message)));
            }
        };
        let role_name = role_name(role, class, &account, context).map_err(|hold| role_pending(place, &hold.message))?;
        let cluster = &context.cluster_name;
        let shared = SharedRole { object: role, role_name: &role_name, class: Some(class), account: &account, cluster };
        Ok(judge(&Applicant::of(self, own), &shared))
    }
}

/// Name of the role in IAM, by spec and class.
fn role_name(
    role: &LambdaExecutionRole,
    class: &LambdaRoleClass,
    account: &crate::plan::Account,
    context: &Context,
) -> Result<String, Hold> {
    let name = class.metadata.name.as_deref().unwrap_or_default();
    match ObjectClass::of(name, &class.spec, &role.spec, &owner_of(role, context), account) {
        Ok(class) => Ok(class.role_name(&role.spec).to_owned()),
        Err(faults) => Err(Hold::invalid_class(name, &faults)),
    }
}

/// The role of a grant.
struct Role {
    object: Arc<Guarded<LambdaExecutionRole>>,
    /// What was last said of it, which the watch may not have told yet.
    status: Option<LambdaExecutionRoleStatus>,
}

impl Role {
    fn of(grant: &LambdaRoleGrant, context: &Context) -> Option<Self> {
        let (namespace, name) = role_of(grant);
        let object = find(&context.roles, &namespace, &name)?;
        let status = match context.shared_roles.last(&namespace, &name, object.uid().as_deref()) {
            Some(Said::Gone) => return None,
            Some(Said::Status(status)) => Some(*status),
            None => object.0.as_ref().ok().and_then(|role| role.status.clone()),
        };
        Some(Self { object, status })
    }
}

fn key_of(grant: &LambdaRoleGrant) -> GrantKey {
    GrantKey { namespace: grant.namespace().unwrap_or_default(), name: grant.name_any() }
}

fn said(pass: &Pass<'_, LambdaRoleGrantStatus>, found: &Found<'_>) -> Ending<LambdaRoleGrantStatus> {
    let report = report(pass, found);
    let synced: &str = ConditionType::Synced.into();
    let is_synced =
        report.status.conditions.iter().any(|condition| condition.type_ == synced && condition.status == "True");
    Ending::Reported(Box::new(report), if is_synced { PassResult::Synced } else { PassResult::Held })
}
