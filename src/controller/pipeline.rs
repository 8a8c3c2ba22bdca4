//! One pass over one object: resolve, desired, observe, diff, guard, apply, status. The order, and nothing else.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::jiff::Timestamp;
use kube::{ResourceExt, core::error_boundary::InvalidObject, runtime::controller::Action};
use tracing::{Instrument, debug, info, warn};

use super::{Context, circumstances::Circumstances, memory::Memory};
use crate::{
    api::{DELETE_IN_USE_ANNOTATION, RECONCILE_AT_ANNOTATION, Reason},
    aws::{About, Applied},
    cluster::{self, Guarded, Kind, Salvage},
    plan::{
        Class, Failure, Owner,
        desired::{duration, resync_interval},
        look::{self, Subject},
        status::{self, Next, Pass, Report},
    },
    telemetry::{self, PassResult, Stage},
};

/// A kind that the pipeline brings to IAM.
pub(super) trait Reconciled: Kind {
    /// What is remembered of its objects.
    fn memory(context: &Context) -> &Memory;

    /// The class of the object; `None` if the object is another controller's, as its class is.
    fn circumstances(&self, context: &Context) -> Option<Circumstances>;

    /// What decides beside the object and its class, in a text that changes with it.
    fn neighbours(&self, context: &Context) -> Option<String>;

    /// Makes IAM equal to the spec.
    fn keep(
        &self,
        previous: &Self::Status,
        circumstances: &Circumstances,
        context: &Context,
    ) -> impl Future<Output = Result<Ending<Self::Status>, cluster::Error>> + Send;

    /// Removes from IAM what is the object's, and lets the object go.
    fn remove(
        &self,
        previous: &Self::Status,
        circumstances: &Circumstances,
        context: &Context,
    ) -> impl Future<Output = Result<Ending<Self::Status>, cluster::Error>> + Send;

    /// Says that the spec cannot be decoded: IAM stays as it is.
    fn refuse(
        &self,
        previous: &Self::Status,
        circumstances: &Circumstances,
        fault: &str,
        context: &Context,
    ) -> Ending<Self::Status>;

    /// What is said while no look at IAM is due: at most the settle window has passed.
    fn settle(
        &self,
        pass: &Pass<'_, Self::Status>,
        context: &Context,
    ) -> impl Future<Output = Option<Report<Self::Status>>> + Send;

    /// How often IAM is looked at, if the spec says so.
    fn resync_interval(&self) -> Option<&str>;

    /// Lets others know of what changed with a new status.
    fn changed(&self, status: &Self::Status, context: &Context);

    /// Lets others know that the object is gone.
    fn gone(&self, circumstances: &Circumstances, context: &Context);
}

/// What a pass came to.
pub(super) enum Ending<S> {
    /// There is something to say of the object, and to look at it again.
    Reported(Box<Report<S>>, PassResult),
    /// The object is gone, or was let go.
    Gone,
    /// The process is to stop.
    Stopped,
}

/// One pass, counted and logged. It never fails: what the Kubernetes API cut short is tried again after a backoff, too.
pub(super) async fn reconcile<K: Reconciled>(
    object: Arc<Guarded<K>>,
    context: Arc<Context>,
) -> Result<Action, Infallible> {
    let _in_hand = context.passes.token();
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let kind = K::kind(&());
    let span = telemetry::pass(&kind, Some(&namespace), &name);
    let in_hand = context.metrics.pass(&kind);
    let pass = async {
        let result = match &object.0 {
            Ok(decoded) => reconcile_decoded(decoded, None, &context).await,
            Err(invalid) => reconcile_invalid(&object, invalid, &context).await,
        };
        result.unwrap_or_else(|error| (retry(&object, &error, &context), PassResult::ClusterError))
    };
    let (action, result) = pass.instrument(span.clone()).await;
    telemetry::end_of_pass(&span, result);
    in_hand.ended(result);
    Ok(action)
}

/// The next attempt after the Kubernetes API cut a pass short.
fn retry<K: Reconciled>(object: &Guarded<K>, error: &cluster::Error, context: &Context) -> Action {
    if error.is_outdated() {
        info!(%error, "the object changed meanwhile; looking again");
    } else {
        warn!(%error, "cannot work with the cluster; trying again");
    }
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let key = (namespace.as_str(), name.as_str());
    let memory = K::memory(context);
    let failures = memory.looked(key, subject_of(object), true);
    let wait = look::backoff(Class::Transient, failures, fastrand::f64()).unwrap_or(look::BACKOFF_MAX);
    memory.put_off(key, Instant::now() + wait);
    Action::requeue(wait)
}

/// An object of another version of the API, or written past an API server that checks: what can be read of it is.
async fn reconcile_invalid<K: Reconciled>(
    object: &Guarded<K>,
    invalid: &InvalidObject,
    context: &Context,
) -> Result<(Action, PassResult), cluster::Error> {
    match context.cluster.salvage(object).await? {
        Some(Salvage { object, is_deletion_clear }) => {
            reconcile_decoded(&object, Some(&Fault { message: &invalid.error, is_deletion_clear }), context).await
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
async fn reconcile_decoded<K: Reconciled>(
    object: &K,
    fault: Option<&Fault<'_>>,
    context: &Context,
) -> Result<(Action, PassResult), cluster::Error> {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let (key, memory) = ((namespace.as_str(), name.as_str()), K::memory(context));
    let Some(circumstances) = object.circumstances(context) else {
        debug!("another controller serves the class");
        memory.forget(key);
        return Ok((Action::await_change(), PassResult::Skipped));
    };
    let circumstances = &circumstances;
    let subject = Subject {
        class: circumstances.class.as_ref().map(|class| (class.uid(), class.metadata.generation)),
        obstacle: circumstances.obstacle.as_ref().map(|obstacle| obstacle.message.clone()),
        neighbours: object.neighbours(context),
        ..subject_of(object)
    };
    let none = K::Status::default();
    let previous = object.status().unwrap_or(&none);
    if let Some(wait) = memory.wait(key, &subject, Instant::now()) {
        return skip(object, previous, circumstances, (wait, subject), context).await;
    }
    let ending = match (&object.meta().deletion_timestamp, fault) {
        (None, None) => object.keep(previous, circumstances, context).await?,
        (None, Some(fault)) => object.refuse(previous, circumstances, fault.message, context),
        (Some(_), Some(fault)) if !fault.is_deletion_clear => {
            object.refuse(previous, circumstances, fault.message, context)
        }
        (Some(_), _) => object.remove(previous, circumstances, context).await?,
    };
    let (report, result) = match ending {
        Ending::Reported(report, result) => (report, result),
        Ending::Stopped => return Ok((Action::await_change(), PassResult::Skipped)),
        Ending::Gone => {
            memory.forget(key);
            object.gone(circumstances, context);
            return Ok((Action::await_change(), PassResult::Synced));
        }
    };
    // What is due counts from here: the writes below take their time, and a wake-up at the end of the settle window
    // would come before the look that verifies, and call the object ready without it.
    let looked_at = Instant::now();
    tell(object, &report, context).instrument(Stage::Status.span()).await?;
    context.metrics.watch_drift(&K::kind(&()), circumstances.class_name().unwrap_or_default());
    if status::is_newly_drifted(K::conditions(previous), K::conditions(&report.status)) {
        context.drift::<K>(circumstances.class_name(), false);
    }
    let failures = memory.looked(key, subject, matches!(report.next, Next::Backoff(_)));
    object.changed(&report.status, context);
    let wait = wait_of(object, circumstances, report.next, failures, context);
    // The settle window may end before the next look is due; the wake-up then says so without reading IAM.
    let (look, wake) = match report.next {
        Next::Settled(settled) => (wait, wait.min(settled)),
        Next::Verify(_) | Next::Resync | Next::Backoff(_) => (wait, wait),
    };
    memory.put_off(key, looked_at + look);
    debug!(?wake, "looked");
    Ok((Action::requeue(wake), result))
}

/// Writes the status, and the events that go with it.
async fn tell<K: Reconciled>(object: &K, report: &Report<K::Status>, context: &Context) -> Result<(), cluster::Error> {
    context.cluster.write_status(object, &report.status).await?;
    for note in &report.notes {
        context.cluster.publish(object, note).await;
    }
    Ok(())
}

/// No look at IAM is due: at most the settle window has passed.
async fn skip<K: Reconciled>(
    object: &K,
    previous: &K::Status,
    circumstances: &Circumstances,
    (wait, subject): (Duration, Subject),
    context: &Context,
) -> Result<(Action, PassResult), cluster::Error> {
    let wake = match object.settle(&pass_of(object, previous, circumstances, context), context).await {
        None => wait,
        Some(report) => {
            tell(object, &report, context).instrument(Stage::Status.span()).await?;
            match report.next {
                Next::Settled(settled) => wait.min(settled),
                Next::Verify(_) | Next::Resync => wait,
                next @ Next::Backoff(_) => {
                    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
                    let (key, memory) = ((namespace.as_str(), name.as_str()), K::memory(context));
                    let failures = memory.looked(key, subject, true);
                    let look = wait.min(wait_of(object, circumstances, next, failures, context));
                    memory.put_off(key, Instant::now() + look);
                    look
                }
            }
        }
    };
    Ok((Action::requeue(wake), PassResult::Skipped))
}

/// What follows from a step that failed.
pub(super) fn failure_of<'a>(applied: &Applied, about: impl Into<About<'a>>) -> Option<Failure> {
    let about = about.into();
    if applied.is_interrupted {
        return Some(Failure {
            class: Class::Transient,
            reason: Reason::Pending,
            message: format!("The controller stopped while it changed {about}; it goes on when it is back."),
        });
    }
    applied.failed.as_ref().map(|(step, error)| error.failure(about, Some(step)))
}

/// What passes by itself is no warning.
pub(super) fn log(failure: &Failure, what: &'static str) {
    match failure.class {
        Class::Terminal | Class::Waiting => {
            warn!(failure_class = %failure.class, reason = %failure.reason, error = %failure, "{what}");
        }
        Class::Transient | Class::Throttled | Class::Conflict => {
            info!(failure_class = %failure.class, reason = %failure.reason, error = %failure, "{what}");
        }
    }
}

fn wait_of(
    object: &impl Reconciled,
    circumstances: &Circumstances,
    next: Next,
    failures: u32,
    context: &Context,
) -> Duration {
    let of_class = || circumstances.class.as_ref()?.spec.defaults.resync_interval.as_deref();
    let text = object.resync_interval().or_else(of_class);
    let interval = text.and_then(resync_interval).unwrap_or(context.resync);
    let resync = look::resync(interval, fastrand::f64());
    match next {
        Next::Settled(_) | Next::Resync => resync,
        Next::Verify(settled) => settled.min(resync),
        Next::Backoff(class) => look::backoff(class, failures, fastrand::f64()).unwrap_or(resync),
    }
}

/// The circumstances of a pass over an object.
pub(super) fn pass_of<'a, K: Reconciled>(
    object: &'a K,
    previous: &'a K::Status,
    circumstances: &'a Circumstances,
    context: &Context,
) -> Pass<'a, K::Status> {
    let of_class = || circumstances.class.as_ref()?.spec.defaults.settle_window.as_deref().and_then(duration);
    Pass {
        previous,
        generation: object.meta().generation,
        reconcile_at: reconcile_at(object),
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
        neighbours: None,
    }
}

/// The owner of what the object describes, as tags in IAM name it.
pub(super) fn owner_of(object: &impl ResourceExt, context: &Context) -> Owner {
    Owner {
        cluster: context.cluster_name.clone(),
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    }
}

pub(super) fn reconcile_at(object: &impl ResourceExt) -> Option<&str> {
    object.annotations().get(RECONCILE_AT_ANNOTATION).map(String::as_str)
}

pub(super) fn is_delete_in_use(object: &impl ResourceExt) -> bool {
    object.annotations().get(DELETE_IN_USE_ANNOTATION).is_some_and(|value| value == "true")
}
