//! The pipeline on the way out: from an object that is being deleted to a role that is gone, or stays for a reason.

use std::collections::BTreeSet;

use kube::ResourceExt;
use tracing::info;

use super::{
    Context,
    pipeline::{Ending, failure_of, is_delete_in_use, log, owner_of, pass_of, reconcile_at, result_of},
};
use crate::{
    api::{FINALIZER, LambdaExecutionRole, LambdaExecutionRoleSpec, LambdaExecutionRoleStatus},
    aws, cluster,
    plan::{
        Failure, Hold, Owner, Placed, Step, Usage, Verdict,
        desired::role_name,
        guard::Removal,
        status::{self, Note, Outcome},
    },
};

/// Deletes the role, if it is the object's, and lets the object go.
pub(super) async fn remove(
    role: &LambdaExecutionRole,
    previous: &LambdaExecutionRoleStatus,
    context: &Context,
) -> Result<Ending, cluster::Error> {
    if !role.finalizers().iter().any(|finalizer| finalizer == FINALIZER) {
        return Ok(Ending::Gone);
    }
    let report = |outcome: &Outcome<'_>| {
        let report = status::report(&pass_of(previous, role.metadata.generation, reconcile_at(role), context), outcome);
        Ending::Reported(Box::new(report), result_of(outcome))
    };
    let failed = |failure: Failure, applied: &[Step]| {
        log(&failure, "cannot delete the role");
        report(&Outcome::Failed { failure: &failure, desired: None, applied, is_behind: true })
    };
    let owner = owner_of(role, context);
    let mut farewell = None;
    // The status is no evidence: the role that the spec names is looked for whatever the status says, and the tags tell.
    for name in names_of(&role.spec, &owner, previous) {
        let removal = Removal {
            owner: &owner,
            role_name: &name,
            deletion_policy: role.spec.deletion_policy.unwrap_or_default(),
            suspend: role.spec.suspend,
            unlisted: role.spec.unlisted,
            delete_in_use: is_delete_in_use(role),
        };
        let verdict = match removal.judge_unseen() {
            Some(verdict) => verdict,
            None => match look_before_removal(&removal, role, previous, context).await {
                Ok(verdict) => verdict,
                Err(error) => return Ok(failed(error.failure(&name, None), &[])),
            },
        };
        match verdict {
            Verdict::Hold(hold) => return Ok(report(&Outcome::Held { hold: &hold, is_deleting: true })),
            Verdict::Release(message) => farewell = farewell.or(status::farewell(false, &name, message.as_deref())),
            Verdict::Delete(steps) => {
                let applied = aws::apply(&context.aws, &name, steps, &context.stop).await;
                if let Some(failure) = failure_of(&applied, &name) {
                    return Ok(failed(failure, &applied.done));
                }
                farewell = status::farewell(true, &name, None);
            }
        }
    }
    let_go(role, farewell, context).await?;
    Ok(Ending::Gone)
}

/// The names under which the object's role may be: the spec's, and the status's if somebody renamed it meanwhile.
fn names_of(spec: &LambdaExecutionRoleSpec, owner: &Owner, previous: &LambdaExecutionRoleStatus) -> BTreeSet<String> {
    let named = role_name(spec, owner);
    previous.role_name.iter().cloned().chain([named]).collect()
}

async fn look_before_removal(
    removal: &Removal<'_>,
    role: &LambdaExecutionRole,
    previous: &LambdaExecutionRoleStatus,
    context: &Context,
) -> Result<Verdict, aws::Error> {
    let account = context.aws.account().await?;
    if let Some(hold) = Hold::for_account(removal.role_name, previous.account_id.as_deref(), &account.id) {
        return Ok(Verdict::Hold(hold));
    }
    let observed = context.aws.observe(removal.role_name).await?;
    let usage = match &observed {
        Some(found) if removal.concerns(found) => context.aws.usage(found, !removal.delete_in_use).await?,
        Some(_) | None => Usage::default(),
    };
    let placed = Placed::by_status(previous).and(Placed::by_spec(&role.spec, removal.owner, &account));
    Ok(removal.judge(observed.as_ref(), &usage, &placed))
}

/// The event comes first: once the finalizer is gone there is nothing left to tell it of.
async fn let_go(role: &LambdaExecutionRole, farewell: Option<Note>, context: &Context) -> Result<(), cluster::Error> {
    if let Some(note) = farewell {
        context.cluster.publish(role, &note).await;
    }
    context.cluster.remove_finalizer(role).await?;
    info!("let the object go");
    Ok(())
}
