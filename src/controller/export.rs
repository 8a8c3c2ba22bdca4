//! What workloads read of a role is written before the role is called ready, so that whoever waits for that finds it.

use std::collections::BTreeSet;

use kube::ResourceExt;
use tracing::{info, warn};

use super::Context;
use crate::{
    api::{LambdaExecutionRole, LambdaExecutionRoleStatus},
    cluster,
    plan::{
        export::{self, Ask, DesiredConfigMap, Outcome, Step},
        status::{Pass, Report},
    },
};

/// Does what the spec asks for in the cluster, after a pass over IAM that came to `report`; returns the report with what came of
/// it. A failure is told and no more: IAM has converged.
pub(super) async fn hand_over(
    role: &LambdaExecutionRole,
    pass: &Pass<'_>,
    mut report: Report,
    context: &Context,
) -> Report {
    let mut done = Vec::new();
    let outcome = match export::ask(role, &report.status, context.export) {
        Ask::Settled(outcome) => outcome,
        Ask::Look { wanted, left } => {
            let look = Look { role, wanted: wanted.as_ref(), left: &left };
            match look.carry_out(pass.previous, &mut report.status, &mut done, context).await {
                Ok(outcome) => outcome,
                Err(error) if error.is_refused() => {
                    warn!(%error, "cannot hand the role over");
                    Outcome::Refused(format!("The API server refuses: {error}."))
                }
                Err(error) => {
                    info!(%error, "cannot hand the role over; trying again");
                    Outcome::Failing(format!("The export is tried again: {error}."))
                }
            }
        }
    };
    export::told(role, pass, report, &outcome, &done)
}

/// The ConfigMaps that a role is concerned with.
struct Look<'a> {
    role: &'a LambdaExecutionRole,
    wanted: Option<&'a DesiredConfigMap>,
    left: &'a BTreeSet<String>,
}

impl Look<'_> {
    async fn carry_out(
        &self,
        previous: &LambdaExecutionRoleStatus,
        status: &mut LambdaExecutionRoleStatus,
        done: &mut Vec<Step>,
        context: &Context,
    ) -> Result<Outcome, cluster::Error> {
        let found = match self.wanted {
            Some(wanted) => context.cluster.config_map(self.role, &wanted.name).await?,
            None => None,
        };
        let mut left = Vec::new();
        for name in self.left {
            left.extend(context.cluster.config_map(self.role, name).await?);
        }
        let uid = self.role.uid().unwrap_or_default();
        let steps = match export::judge(&uid, status, self.wanted, found.as_ref(), &left) {
            Ok(steps) => steps,
            Err(outcome) => return Ok(outcome),
        };
        if let Some(wanted) = self.wanted {
            status.export = Some(export::remembered(wanted, &steps));
        }
        for step in steps {
            if let Step::Create(_) = &step {
                // Before it is there: a process that is killed in between leaves one that the next spec may not name.
                context.cluster.write_status(self.role, &export::announcement(previous, status)).await?;
            }
            context.cluster.export(self.role, &step).await?;
            done.push(step);
        }
        Ok(if self.wanted.is_some() { Outcome::Exported } else { Outcome::Withdrawn })
    }
}

/// Removes what was handed over of a role whose object goes. The garbage collector takes what the controller has no right to
/// remove.
///
/// # Errors
/// If the API server fails in a way that passes.
pub(super) async fn withdraw(role: &LambdaExecutionRole, context: &Context) -> Result<(), cluster::Error> {
    if !context.export {
        return Ok(());
    }
    let uid = role.uid().unwrap_or_default();
    for name in export::names(role) {
        let removed = match context.cluster.config_map(role, &name).await {
            Ok(Some(found)) if found.is_owned_by(&uid) => context.cluster.export(role, &Step::Remove(found)).await,
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.is_refused() => warn!(%error, "the ConfigMap is left to the garbage collector"),
            result => result?,
        }
    }
    Ok(())
}
