//! From an object that is being deleted to a managed policy that is gone, or stays for a reason.

use std::sync::Arc;

use kube::ResourceExt;
use tracing::{Instrument, info};

use super::{convergence::Convergence, reported};
use crate::{
    api::{
        FINALIZER, LambdaExecutionRole, LambdaManagedPolicy, LambdaManagedPolicyStatus, class::Mode,
        role::DeletionPolicy,
    },
    aws::{self, About},
    cluster,
    controller::{
        Context,
        circumstances::Circumstances,
        pipeline::{Ending, failure_of, log, owner_of},
    },
    plan::{
        Account, Failure, Hold, ObjectClass, PolicyOwner, PolicyUsage, Step, Verdict,
        class::bound_class,
        managed_policy::{
            Referral, guard,
            removal::Removal,
            status::{Outcome, farewell},
        },
        reference,
        status::Note,
    },
    telemetry::Stage,
};

/// Deletes the policy, if it is the object's and nobody has it, and lets the object go.
pub(super) async fn remove(
    policy: &LambdaManagedPolicy,
    previous: &LambdaManagedPolicyStatus,
    circumstances: &Circumstances,
    context: &Context,
) -> Result<Ending<LambdaManagedPolicyStatus>, cluster::Error> {
    if !policy.finalizers().iter().any(|finalizer| finalizer == FINALIZER) {
        return Ok(Ending::Gone);
    }
    let report = |outcome: &Outcome<'_>| reported(policy, previous, circumstances, context, outcome);
    let waiting = |hold: &Hold, enforced: &[Step]| report(&Outcome::Held { hold, is_deleting: true, enforced });
    let failed = |failure: Failure, applied: &[Step]| {
        log(&failure, "cannot delete the policy");
        report(&Outcome::Failed { failure: &failure, desired: None, applied, is_behind: true })
    };
    // Whether the namespace may use the class is of no matter to a deletion.
    let bound = || {
        bound_class(policy).and_then(|name| context.view.class(name)).and_then(|class| class.0.as_ref().ok().cloned())
    };
    let Some(class) = circumstances.class.clone().or_else(|| bound().map(Arc::new)) else {
        if policy.spec.deletion_policy == Some(DeletionPolicy::Retain) {
            let name = previous.policy_name.as_deref().unwrap_or("of the object");
            let message = format!("Policy {name} stays, as its deletion policy is Retain.");
            return let_go(policy, farewell(false, name, Some(&message)), context).await;
        }
        let hold = circumstances.obstacle.clone().unwrap_or_else(Hold::without_class).of_deletion();
        return Ok(waiting(&hold, &[]));
    };
    let aws = context.accounts.of(&class.spec.account);
    let Some(_place) = context.place::<LambdaManagedPolicy>(&aws).await else { return Ok(Ending::Stopped) };
    let owner = PolicyOwner::of_policy(&owner_of(policy, context));
    let pass = Convergence { policy, previous, context, aws: &aws, owner: &owner };
    let class_name = class.name_any();
    let account = match aws.account().instrument(Stage::Resolve.span()).await {
        Ok(account) => account,
        Err(error) => return Ok(failed(error.failure(About::Policy(&class_name), None), &[])),
    };
    let class = match ObjectClass::of(&class_name, &class.spec, &policy.spec, &owner.owner, &account) {
        Ok(class) => class,
        Err(faults) => return Ok(waiting(&Hold::invalid_class(&class_name, &faults), &[])),
    };
    let mut last_words = None;
    // The status is no evidence: the policy that the spec names is looked for whatever the status says, and the tags tell.
    for arn in pass.arns(Some(pass.arn(&class, &account)), &account) {
        let name = arn.rsplit('/').next().unwrap_or_default();
        let removal = Removal {
            owner: &owner,
            name,
            arn: &arn,
            deletion_policy: class.deletion_policy_of_policy(&policy.spec),
            observing_class: (class.mode == Mode::Observe).then_some(class_name.as_str()),
            suspend: policy.spec.suspend,
        };
        let verdict = match removal.judge_unseen() {
            Some(verdict) => verdict,
            None => match look(&removal, &pass, &account).instrument(Stage::Observe.span()).await? {
                Ok(verdict) => verdict,
                Err(error) => return Ok(failed(error.failure(About::Policy(name), None), &[])),
            },
        };
        match verdict {
            // A deletion that waits, perhaps because somebody suspended it, is no way round the class.
            Verdict::Hold(hold) => {
                return Ok(match pass.demand(&class, &account, circumstances.obstacle.as_ref()).await {
                    Ok(enforced) => waiting(&hold, &enforced),
                    Err((failure, applied)) => failed(failure, &applied),
                });
            }
            Verdict::Release(message) => last_words = last_words.or(farewell(false, name, message.as_deref())),
            Verdict::Delete(steps) => {
                let applied = aws::apply(&aws, name, steps, &context.stop).instrument(Stage::Apply.span()).await;
                if let Some(failure) = failure_of(&applied, About::Policy(name)) {
                    return Ok(failed(failure, &applied.done));
                }
                last_words = farewell(true, name, None);
            }
        }
    }
    let_go(policy, last_words, context).instrument(Stage::Status.span()).await
}

/// Looks at IAM, and at what the API server has of roles now: one that was made a moment ago counts.
async fn look(
    removal: &Removal<'_>,
    pass: &Convergence<'_>,
    account: &Account,
) -> Result<Result<Verdict, aws::Error>, cluster::Error> {
    let current = pass.previous.account_id.as_deref();
    if let Some(hold) = guard::other_account(removal.name, current, &account.id) {
        return Ok(Ok(Verdict::Hold(hold)));
    }
    let mut observed = match pass.aws.observe_policy(removal.arn).await {
        Ok(observed) => observed,
        Err(error) => return Ok(Err(error)),
    };
    let mut usage = PolicyUsage::default();
    let mut roles: Vec<Referral> = Vec::new();
    if let Some(found) = observed.as_mut().filter(|found| removal.concerns(found)) {
        let stored = pass.context.cluster.list_stored::<LambdaExecutionRole>(&pass.context.namespaces).await?;
        let own = &pass.owner.owner.namespace;
        let admits = |namespace: &str| {
            reference::admits(&pass.policy.spec, own, &pass.context.view.namespace(namespace)) != Some(false)
        };
        roles = stored.iter().map(|role| Referral::of(role, admits)).collect();
        let key = (own.clone(), pass.owner.owner.name.clone());
        // What holds it in the cluster is seen without asking AWS who has it.
        if roles.iter().any(|role| role.refers_to(&key, removal.arn, account)) {
            return Ok(Ok(removal.judge(observed.as_ref(), &usage, &roles, account)));
        }
        match pass.aws.policy_usage(found, |name| roles.iter().any(|role| role.may_be_called(name))).await {
            Ok(asked) => usage = asked,
            Err(error) => return Ok(Err(error)),
        }
        match pass.aws.policy_versions(&found.arn).await {
            Ok(versions) => found.versions = Some(versions),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(removal.judge(observed.as_ref(), &usage, &roles, account)))
}

/// The event comes first: once the finalizer is gone there is nothing left to tell it of.
async fn let_go(
    policy: &LambdaManagedPolicy,
    last_words: Option<Note>,
    context: &Context,
) -> Result<Ending<LambdaManagedPolicyStatus>, cluster::Error> {
    if let Some(note) = last_words {
        context.cluster.publish(policy, &note).await;
    }
    context.cluster.remove_finalizer(policy).await?;
    info!("let the object go");
    Ok(Ending::Gone)
}
