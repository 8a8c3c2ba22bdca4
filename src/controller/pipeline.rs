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

use super::{
    Context,
    circumstances::{Circumstances, circumstances},
    convergence::keep,
    removal::remove,
};
use crate::{
    api::{DELETE_IN_USE_ANNOTATION, LambdaExecutionRole, LambdaExecutionRoleStatus, RECONCILE_AT_ANNOTATION, Reason},
    aws::Applied,
    cluster::{self, Salvage},
    lint::Finding,
    plan::{
        Class, Failure, Hold, Owner,
        desired::{duration, resync_interval},
        look::{self, Subject},
        status::{self, Next, Outcome, Pass, Report},
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
    /// The process is to stop.
    Stopped,
}

/// One pass, counted and logged. It never fails: what the Kubernetes API cut short is tried again after a backoff, too.
pub(super) async fn reconcile(object: Arc<Guarded>, context: Arc<Context>) -> Result<Action, Infallible> {
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
    let Some(circumstances) = circumstances(role, context) else {
        debug!("another controller serves the class");
        context.memory.forget(key);
        return Ok((Action::await_change(), PassResult::Skipped));
    };
    let circumstances = &circumstances;
    let subject = Subject {
        class: circumstances.class.as_ref().map(|class| (class.uid(), class.metadata.generation)),
        obstacle: circumstances.obstacle.as_ref().map(|obstacle| obstacle.message.clone()),
        ..subject_of(role)
    };
    let none = LambdaExecutionRoleStatus::default();
    let previous = role.status.as_ref().unwrap_or(&none);
    if let Some(wait) = context.memory.wait(key, &subject, Instant::now()) {
        return skip(role, previous, circumstances, wait, context).await;
    }
    let ending = match (&role.metadata.deletion_timestamp, fault) {
        (None, None) => keep(role, previous, circumstances, context).await?,
        (None, Some(fault)) => refuse(role, previous, circumstances, fault, context),
        (Some(_), Some(fault)) if !fault.is_deletion_clear => refuse(role, previous, circumstances, fault, context),
        (Some(_), _) => remove(role, previous, circumstances, context).await?,
    };
    let (report, result) = match ending {
        Ending::Reported(report, result) => (report, result),
        Ending::Stopped => return Ok((Action::await_change(), PassResult::Skipped)),
        Ending::Gone => {
            context.memory.forget(key);
            context.gone(circumstances);
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
    context.tell_class(previous, &report.status);
    let wait = wait_of(role, circumstances, &report, failures, context);
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
    circumstances: &Circumstances,
    fault: &Fault<'_>,
    context: &Context,
) -> Ending {
    let pass = pass_of(role, previous, circumstances, context);
    let message = format!("cannot be read: {}", fault.message);
    let faults = [Finding::invalid("spec", message)];
    let hold = Hold::unreadable(fault.message);
    let outcome = match role.metadata.deletion_timestamp {
        None => Outcome::Rejected { findings: &faults, enforced: &[] },
        Some(_) => Outcome::Held { hold: &hold, is_deleting: true, enforced: &[] },
    };
    Ending::Reported(Box::new(status::report(&pass, &outcome)), result_of(&outcome))
}

/// No look at IAM is due: at most the settle window has passed.
async fn skip(
    role: &LambdaExecutionRole,
    previous: &LambdaExecutionRoleStatus,
    circumstances: &Circumstances,
    wait: Duration,
    context: &Context,
) -> Result<(Action, PassResult), cluster::Error> {
    let pass = pass_of(role, previous, circumstances, context);
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

fn wait_of(
    role: &LambdaExecutionRole,
    circumstances: &Circumstances,
    report: &Report,
    failures: u32,
    context: &Context,
) -> Duration {
    let of_class = || circumstances.class.as_ref()?.spec.defaults.resync_interval.as_deref();
    let text = role.spec.resync_interval.as_deref().or_else(of_class);
    let interval = text.and_then(resync_interval).unwrap_or(context.resync);
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
        Outcome::Rejected { .. } | Outcome::Held { .. } => PassResult::Held,
        Outcome::Failed { failure, .. } => PassResult::Failed(failure.class),
    }
}

pub(super) fn pass_of<'a>(
    role: &'a LambdaExecutionRole,
    previous: &'a LambdaExecutionRoleStatus,
    circumstances: &'a Circumstances,
    context: &Context,
) -> Pass<'a> {
    let of_class = || circumstances.class.as_ref()?.spec.defaults.settle_window.as_deref().and_then(duration);
    Pass {
        previous,
        generation: role.metadata.generation,
        reconcile_at: reconcile_at(role),
        class_name: circumstances.class_name(),
        now: Timestamp::now(),
        settle: of_class().unwrap_or(context.settle),
    }
}

fn subject_of(object: &impl ResourceExt) -> Subject {
    Subject {
        uid: object.uid(),
        generation: object.meta().generation,
        reconcile_at: reconcile_at(object).map(str::to_owned),
        delete_in_use: is_delete_in_use(object),
        is_deleting: object.meta().deletion_timestamp.is_some(),
        class: None,
        obstacle: None,
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
