//! One pass over one object: resolve, desired, observe, diff, guard, apply, status. The order, and nothing else.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::jiff::Timestamp;
use kube::{
    ResourceExt,
    core::{DeserializeGuard, error_boundary::InvalidObject},
    runtime::controller::Action,
};
use tracing::{Instrument, debug, info, info_span, warn};

use super::{Context, removal::remove};
use crate::{
    api::{DELETE_IN_USE_ANNOTATION, LambdaExecutionRole, LambdaExecutionRoleStatus, RECONCILE_AT_ANNOTATION, Reason},
    aws::{self, Applied, Kind},
    cluster::{self, Salvage},
    lint::Finding,
    plan::{
        Class, Failure, Hold, Owner, Placed, Step,
        desired::{DesiredRole, desired_role, resync_interval, role_name},
        diff::diff,
        guard::{self},
        look::{self, Subject},
        status::{self, Identity, Next, Outcome, Pass, Report},
    },
    telemetry::PassResult,
};

/// An object that may be impossible to decode, which must not stop the watch for the others.
pub(super) type Guarded = DeserializeGuard<LambdaExecutionRole>;

/// What a pass came to.
pub(super) enum Ending {
    /// There is something to say of the object, and to look at it again.
    Reported(Box<Report>, PassResult),
    /// The object is gone, or was let go.
    Gone,
}

/// One pass, counted and logged. It never fails: what the Kubernetes API cut short is tried again after a backoff, too.
pub(super) async fn reconcile(object: Arc<Guarded>, context: Arc<Context>) -> Result<Action, Infallible> {
    let Ok(_permit) = context.passes.acquire().await else { return Ok(Action::await_change()) };
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let span = info_span!(parent: None, "reconcile", object = format!("{namespace}/{name}"));
    let started = Instant::now();
    let pass = async {
        let result = match &object.0 {
            Ok(role) => reconcile_role(role, None, &context).await,
            Err(invalid) => reconcile_invalid(&object, invalid, &context).await,
        };
        result.unwrap_or_else(|error| (retry(&object, &error, &context), PassResult::ClusterError))
    };
    let (action, label) = pass.instrument(span).await;
    context.metrics.pass(label, started.elapsed());
    Ok(action)
}

/// The next attempt after the Kubernetes API cut a pass short.
fn retry(object: &Guarded, error: &cluster::Error, context: &Context) -> Action {
    if error.is_outdated() {
        info!(%error, "the object changed meanwhile; looking again");
    } else {
        warn!(%error, "cannot work with the cluster; trying again");
    }
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let key = (namespace.as_str(), name.as_str());
    let failures = context.memory.looked(key, subject_of(object), true);
    let wait = look::backoff(Class::Transient, failures, fastrand::f64()).unwrap_or(look::BACKOFF_MAX);
    context.memory.put_off(key, Instant::now() + wait);
    Action::requeue(wait)
}

/// An object of another version of the API, or written past an API server that checks: what can be read of it is.
async fn reconcile_invalid(
    object: &Guarded,
    invalid: &InvalidObject,
    context: &Context,
) -> Result<(Action, PassResult), cluster::Error> {
    match context.cluster.salvage(object).await? {
        Some(Salvage { role, is_deletion_clear }) => {
            reconcile_role(&role, Some(&Fault { message: &invalid.error, is_deletion_clear }), context).await
        }
        None => Ok((Action::await_change(), PassResult::Synced)),
    }
}

/// Why a spec cannot be decoded.
struct Fault<'a> {
    message: &'a str,
    /// Whether what a deletion goes by could be read all the same.
    is_deletion_clear: bool,
}

/// One pass; with a fault if the spec cannot be decoded.
async fn reconcile_role(
    role: &LambdaExecutionRole,
    fault: Option<&Fault<'_>>,
    context: &Context,
) -> Result<(Action, PassResult), cluster::Error> {
    let (namespace, name) = (role.namespace().unwrap_or_default(), role.name_any());
    let key = (namespace.as_str(), name.as_str());
    let subject = subject_of(role);
    let none = LambdaExecutionRoleStatus::default();
    let previous = role.status.as_ref().unwrap_or(&none);
    if let Some(wait) = context.memory.wait(key, &subject, Instant::now()) {
        return skip(role, previous, wait, context).await;
    }
    let ending = match (&role.metadata.deletion_timestamp, fault) {
        (None, None) => keep(role, previous, context).await?,
        (None, Some(fault)) => refuse(role, previous, fault, context),
        (Some(_), Some(fault)) if !fault.is_deletion_clear => refuse(role, previous, fault, context),
        (Some(_), _) => remove(role, previous, context).await?,
    };
    let (report, result) = match ending {
        Ending::Reported(report, result) => (report, result),
        Ending::Gone => {
            context.memory.forget(key);
            return Ok((Action::await_change(), PassResult::Synced));
        }
    };
    // What is due counts from here: the writes below take their time, and a wake-up at the end of the settle window
    // would come before the look that verifies, and call the role ready without it.
    let looked_at = Instant::now();
    context.cluster.write_status(role, role.status.as_ref(), &report.status).await?;
    for note in &report.notes {
        context.cluster.publish(role, note).await;
    }
    let failures = context.memory.looked(key, subject, matches!(report.next, Next::Backoff(_)));
    let wait = wait_of(role, &report, failures, context);
    // The settle window may end before the next look is due; the wake-up then says so without reading IAM.
    let (look, wake) = match report.next {
        Next::Settled(settled) => (wait, wait.min(settled)),
        Next::Verify(_) | Next::Resync | Next::Backoff(_) => (wait, wait),
    };
    context.memory.put_off(key, looked_at + look);
    debug!(?wake, "looked");
    Ok((Action::requeue(wake), result))
}

/// A spec that cannot be decoded: IAM stays as it is.
fn refuse(
    role: &LambdaExecutionRole,
    previous: &LambdaExecutionRoleStatus,
    fault: &Fault<'_>,
    context: &Context,
) -> Ending {
    let pass = pass_of(previous, role.metadata.generation, reconcile_at(role), context);
    let message = format!("cannot be read: {}", fault.message);
    let faults = [Finding::invalid("spec", message)];
    let hold = Hold::unreadable(fault.message);
    let outcome = match role.metadata.deletion_timestamp {
        None => Outcome::Rejected(&faults),
        Some(_) => Outcome::Held { hold: &hold, is_deleting: true },
    };
    Ending::Reported(Box::new(status::report(&pass, &outcome)), result_of(&outcome))
}

/// No look at IAM is due: at most the settle window has passed.
async fn skip(
    role: &LambdaExecutionRole,
    previous: &LambdaExecutionRoleStatus,
    wait: Duration,
    context: &Context,
) -> Result<(Action, PassResult), cluster::Error> {
    let pass = pass_of(previous, role.metadata.generation, reconcile_at(role), context);
    let wake = match status::settle(&pass) {
        None => wait,
        Some(report) => {
            context.cluster.write_status(role, role.status.as_ref(), &report.status).await?;
            match report.next {
                Next::Settled(settled) => wait.min(settled),
                Next::Verify(_) | Next::Resync | Next::Backoff(_) => wait,
            }
        }
    };
    Ok((Action::requeue(wake), PassResult::Skipped))
}

/// Makes IAM equal to the spec.
async fn keep(
    role: &LambdaExecutionRole,
    previous: &LambdaExecutionRoleStatus,
    context: &Context,
) -> Result<Ending, cluster::Error> {
    let report = |outcome: &Outcome<'_>| {
        let report = status::report(&pass_of(previous, role.metadata.generation, reconcile_at(role), context), outcome);
        Ending::Reported(Box::new(report), result_of(outcome))
    };
    let failed = |failure: Failure, desired: Option<&DesiredRole>, applied: &[Step], is_behind: bool| {
        log(&failure, "cannot bring IAM to the spec");
        report(&Outcome::Failed { failure: &failure, desired, applied, is_behind })
    };
    let owner = owner_of(role, context);

    let account = match context.aws.account().await {
        Ok(account) => account,
        Err(error) => return Ok(failed(error.failure(&role_name(&role.spec, &owner), None), None, &[], false)),
    };
    let desired = match desired_role(&role.spec, &owner, &account, previous.role_name.as_deref()) {
        Ok(desired) => desired,
        Err(faults) => return Ok(report(&Outcome::Rejected(&faults))),
    };
    if desired.suspend {
        return Ok(report(&Outcome::Held { hold: &Hold::suspended(), is_deleting: false }));
    }
    if let Some(hold) = Hold::for_account(&desired.name, previous.account_id.as_deref(), &account.id) {
        return Ok(report(&Outcome::Held { hold: &hold, is_deleting: false }));
    }
    let is_settled = status::has_synced(previous, role.metadata.generation, &desired);
    let placed_before = Placed::by_status(previous);

    // Twice at most: a role that turns out to exist when it is created (an answer that was lost) is looked at again.
    for is_second in [false, true] {
        let observed = match context.aws.observe(&desired.name).await {
            Ok(observed) => observed,
            Err(error) => return Ok(failed(error.failure(&desired.name, None), Some(&desired), &[], false)),
        };
        let steps = diff(&desired, observed.as_ref(), &placed_before);
        let steps = match guard::judge(&desired, &owner, observed.as_ref(), steps, is_settled) {
            Ok(steps) => steps,
            Err(hold) => return Ok(report(&Outcome::Held { hold: &hold, is_deleting: false })),
        };
        context.cluster.add_finalizer(role).await?;
        let applied = aws::apply(&context.aws, &desired.name, steps, &context.stop).await;
        let identity = applied.created.clone().or_else(|| observed.map(|role| (role.arn, role.id)));
        match (failure_of(&applied, &desired.name), identity) {
            (None, Some((arn, id))) => {
                let identity = Identity { arn, id, account_id: account.id.clone() };
                if is_settled && !applied.done.is_empty() {
                    context.metrics.drift_corrected();
                }
                return Ok(report(&Outcome::Synced { desired: &desired, identity: &identity, applied: &applied.done }));
            }
            (Some(_), _) if !is_second && has_found_role(&applied) => info!("the role exists already; looking again"),
            (Some(failure), _) => return Ok(failed(failure, Some(&desired), &applied.done, true)),
            (None, None) => return Ok(failed(vanished(&desired), Some(&desired), &applied.done, true)),
        }
    }
    Ok(failed(vanished(&desired), Some(&desired), &[], true))
}

pub(super) fn failure_of(applied: &Applied, role_name: &str) -> Option<Failure> {
    if applied.is_interrupted {
        return Some(Failure {
            class: Class::Transient,
            reason: Reason::Pending,
            message: format!("The controller stopped while it changed role {role_name}; it goes on when it is back."),
        });
    }
    applied.failed.as_ref().map(|(step, error)| error.failure(role_name, Some(step)))
}

/// What passes by itself is no warning.
pub(super) fn log(failure: &Failure, what: &'static str) {
    match failure.class {
        Class::Terminal | Class::Waiting => {
            warn!(class = %failure.class, reason = %failure.reason, error = %failure, what);
        }
        Class::Transient | Class::Throttled | Class::Conflict => {
            info!(class = %failure.class, reason = %failure.reason, error = %failure, what);
        }
    }
}

fn has_found_role(applied: &Applied) -> bool {
    matches!(&applied.failed, Some((Step::CreateRole(_), error)) if error.kind == Kind::AlreadyExists)
}

fn vanished(desired: &DesiredRole) -> Failure {
    Failure {
        class: Class::Transient,
        reason: Reason::ConcurrentModification,
        message: format!(
            "Role {} vanished while it was worked on. The controller looks again by itself.",
            desired.name
        ),
    }
}

fn wait_of(role: &LambdaExecutionRole, report: &Report, failures: u32, context: &Context) -> Duration {
    let interval = role.spec.resync_interval.as_deref().and_then(resync_interval).unwrap_or(context.resync);
    let resync = look::resync(interval, fastrand::f64());
    match report.next {
        Next::Settled(_) | Next::Resync => resync,
        Next::Verify(settled) => settled.min(resync),
        Next::Backoff(class) => look::backoff(class, failures, fastrand::f64()).unwrap_or(resync),
    }
}

pub(super) fn result_of(outcome: &Outcome<'_>) -> PassResult {
    match outcome {
        Outcome::Synced { .. } => PassResult::Synced,
        Outcome::Rejected(_) | Outcome::Held { .. } => PassResult::Held,
        Outcome::Failed { failure, .. } => PassResult::Failed(failure.class),
    }
}

pub(super) fn pass_of<'a>(
    previous: &'a LambdaExecutionRoleStatus,
    generation: Option<i64>,
    reconcile_at: Option<&'a str>,
    context: &Context,
) -> Pass<'a> {
    Pass { previous, generation, reconcile_at, now: Timestamp::now(), settle: context.settle }
}

fn subject_of(object: &impl ResourceExt) -> Subject {
    Subject {
        uid: object.uid(),
        generation: object.meta().generation,
        reconcile_at: reconcile_at(object).map(str::to_owned),
        delete_in_use: is_delete_in_use(object),
        is_deleting: object.meta().deletion_timestamp.is_some(),
    }
}

pub(super) fn owner_of(role: &LambdaExecutionRole, context: &Context) -> Owner {
    Owner {
        cluster: context.cluster_name.clone(),
        namespace: role.namespace().unwrap_or_default(),
        name: role.name_any(),
    }
}

pub(super) fn reconcile_at(object: &impl ResourceExt) -> Option<&str> {
    object.annotations().get(RECONCILE_AT_ANNOTATION).map(String::as_str)
}

pub(super) fn is_delete_in_use(object: &impl ResourceExt) -> bool {
    object.annotations().get(DELETE_IN_USE_ANNOTATION).is_some_and(|value| value == "true")
}
