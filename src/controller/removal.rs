//! The pipeline on the way out: from an object that is being deleted to a role that is gone, or stays for a reason.

use std::{collections::BTreeSet, sync::Arc};

use kube::ResourceExt;
use tracing::{Instrument, info};

use super::{
    Context,
    circumstances::Circumstances,
    convergence::Convergence,
    export,
    look::{read_policies, with_versions},
    neighbours::references,
    pipeline::{Ending, failure_of, is_delete_in_use, log, owner_of, pass_of},
    role::result_of,
};
use crate::{
    api::{
        FINALIZER, LambdaExecutionRole, LambdaExecutionRoleStatus, LambdaRoleClassSpec, class::Mode,
        role::DeletionPolicy,
    },
    aws::{self, Aws},
    cluster,
    plan::{
        Account, Failure, Hold, ObjectClass, Owner, Placed, References, Step, Usage, Verdict,
        class::bound_class,
        guard::Removal,
        overflow::{self, ByNumber, Names},
        status::{self, Note, Outcome},
    },
    telemetry::Stage,
};

/// Deletes the role, if it is the object's, and lets the object go.
pub(super) async fn remove(
    role: &LambdaExecutionRole,
    previous: &LambdaExecutionRoleStatus,
    circumstances: &Circumstances,
    context: &Context,
) -> Result<Ending<LambdaExecutionRoleStatus>, cluster::Error> {
    if !role.finalizers().iter().any(|finalizer| finalizer == FINALIZER) {
        return Ok(Ending::Gone);
    }
    let report = |outcome: &Outcome<'_>| {
        let report = status::report(&pass_of(role, previous, circumstances, context), outcome);
        Ending::Reported(Box::new(report), result_of(outcome))
    };
    let failed = |failure: Failure, applied: &[Step]| {
        log(&failure, "cannot delete the role");
        report(&Outcome::Failed { failure: &failure, desired: None, applied, attempted: None, is_behind: true })
    };
    let owner = owner_of(role, context);
    // Whether the namespace may use the class is of no matter to a deletion.
    let bound =
        || bound_class(role).and_then(|name| context.view.class(name)).and_then(|class| class.0.as_ref().ok().cloned());
    let class = circumstances.class.clone().or_else(|| bound().map(Arc::new));
    let Some(class) = &class else {
        if role.spec.deletion_policy == Some(DeletionPolicy::Retain) {
            let name = previous.role_name.as_deref().unwrap_or("of the object");
            let message = format!("Role {name} stays, as its deletion policy is Retain.");
            let_go(role, status::farewell(false, name, Some(&message)), context).await?;
            return Ok(Ending::Gone);
        }
        let hold = circumstances.obstacle.clone().unwrap_or_else(Hold::without_class).of_deletion();
        return Ok(report(&Outcome::Held { hold: &hold, is_deleting: true, enforced: &[] }));
    };
    let aws = context.accounts.of(&class.spec.account);
    let Some(_place) = context.place::<LambdaExecutionRole>(&aws).await else { return Ok(Ending::Stopped) };
    let class_name = class.metadata.name.as_deref().unwrap_or_default();
    let exit = Exit { role, previous, aws: &aws, owner: &owner };
    let of_role = Arc::clone(class);
    let (account, class) = match exit.class(class_name, &class.spec).instrument(Stage::Resolve.span()).await {
        Ok(Ok(found)) => found,
        Ok(Err(hold)) => return Ok(report(&Outcome::Held { hold: &hold, is_deleting: true, enforced: &[] })),
        Err(error) => return Ok(failed(error.failure(class_name, None), &[])),
    };
    let references = references(role, &of_role, &account, context);
    let mut farewell = None;
    // The status is no evidence: the role that the spec names is looked for whatever the status says, and the tags tell.
    for name in names_of(Some(class.role_name(&role.spec)), previous) {
        let removal = Removal {
            owner: &owner,
            role_name: &name,
            deletion_policy: class.deletion_policy(&role.spec, false),
            deletion_policy_if_adopted: class.deletion_policy(&role.spec, true),
            observing_class: (class.mode == Mode::Observe).then_some(class_name),
            suspend: role.spec.suspend,
            unlisted: role.spec.unlisted,
            delete_in_use: is_delete_in_use(role),
        };
        let verdict = match removal.judge_unseen() {
            Some(verdict) => verdict,
            None => match exit.look(&removal, &account, &class, &references).instrument(Stage::Observe.span()).await {
                Ok(verdict) => verdict,
                Err(error) => return Ok(failed(error.failure(&name, None), &[])),
            },
        };
        match verdict {
            // A deletion that waits, perhaps because somebody suspended it, is no way round the class.
            Verdict::Hold(hold) => {
                let owner = owner.clone();
                let of_class = &*of_role;
                let account_of_class = &of_class.spec.account;
                let pass = Convergence {
                    role,
                    previous,
                    context,
                    aws: &aws,
                    account: account_of_class,
                    of_class,
                    owner,
                    references,
                };
                return Ok(match pass.demand(&class, &account, circumstances.obstacle.as_ref()).await {
                    Ok(enforced) => report(&Outcome::Held { hold: &hold, is_deleting: true, enforced: &enforced }),
                    Err((failure, applied)) => failed(failure, &applied),
                });
            }
            Verdict::Release(message) => farewell = farewell.or(status::farewell(false, &name, message.as_deref())),
            Verdict::Delete(steps) => {
                let applied = aws::apply(&aws, &name, steps, &context.stop).instrument(Stage::Apply.span()).await;
                if let Some(failure) = failure_of(&applied, &name) {
                    return Ok(failed(failure, &applied.done));
                }
                farewell = status::farewell(true, &name, None);
            }
        }
    }
    let_go(role, farewell, context).instrument(Stage::Status.span()).await?;
    Ok(Ending::Gone)
}

/// The names under which the object's role may be: that of spec and class, and the status's if somebody renamed it meanwhile.
pub(super) fn names_of(named: Option<&str>, previous: &LambdaExecutionRoleStatus) -> BTreeSet<String> {
    named.into_iter().chain(previous.role_name.as_deref()).map(str::to_owned).collect()
}

/// An object on its way out.
struct Exit<'a> {
    role: &'a LambdaExecutionRole,
    previous: &'a LambdaExecutionRoleStatus,
    aws: &'a Aws,
    owner: &'a Owner,
}

impl Exit<'_> {
    /// The account, and the class as it holds for the object; or why the deletion waits for the class.
    async fn class(
        &self,
        name: &str,
        class: &LambdaRoleClassSpec,
    ) -> Result<Result<(Account, ObjectClass), Hold>, aws::Error> {
        let account = self.aws.account().await?;
        let class = ObjectClass::of(name, class, &self.role.spec, self.owner, &account);
        Ok(class.map(|class| (account, class)).map_err(|faults| Hold::invalid_class(name, &faults)))
    }

    async fn look(
        &self,
        removal: &Removal<'_>,
        account: &Account,
        class: &ObjectClass,
        references: &References,
    ) -> Result<Verdict, aws::Error> {
        let Self { role, previous, aws, owner } = self;
        if let Some(hold) = Hold::for_account(removal.role_name, previous.account_id.as_deref(), &account.id) {
            return Ok(Verdict::Hold(hold));
        }
        let observed = aws.observe(removal.role_name).await?;
        let usage = match &observed {
            Some(found) if removal.concerns(found) => aws.usage(found, !removal.delete_in_use).await?,
            Some(_) | None => Usage::default(),
        };
        // A role that somebody else deleted leaves the managed policies of its own behind.
        let names = match &observed {
            Some(role) => Names::of_role(role),
            None => Names::of(account, class.path(role.spec.path.as_deref()), removal.role_name),
        };
        let mut policies = ByNumber::new();
        if observed.as_ref().is_none_or(|role| removal.concerns(role)) {
            let numbers = overflow::numbers(&names, observed.as_ref(), previous);
            policies = overflow::owned(&read_policies(aws, &names, &numbers).await?, owner);
        }
        let by_spec = Placed::by_spec(&role.spec, owner, account, references, removal.role_name);
        let placed = Placed::by_status(previous).and(by_spec).with_overflow(policies);
        let judge = |placed: &Placed| removal.judge(observed.as_ref(), &usage, placed);
        let verdict = judge(&placed);
        let Verdict::Delete(steps) = &verdict else { return Ok(verdict) };
        let policies = with_versions(aws, &placed.overflow_policies, steps).await?;
        Ok(judge(&placed.with_overflow(policies)))
    }
}

/// The event comes first: once the finalizer is gone there is nothing left to tell it of.
async fn let_go(role: &LambdaExecutionRole, farewell: Option<Note>, context: &Context) -> Result<(), cluster::Error> {
    if let Some(note) = farewell {
        context.cluster.publish(role, &note).await;
    }
    export::withdraw(role, context).await?;
    context.cluster.remove_finalizer(role).await?;
    info!("let the object go");
    Ok(())
}
