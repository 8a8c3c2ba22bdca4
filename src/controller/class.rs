//! One pass over one class: is it valid, whose are its credentials, how many objects use it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use k8s_openapi::jiff::Timestamp;
use kube::{
    Resource, ResourceExt,
    runtime::{controller::Action, reflector::Store},
};
use tracing::{Instrument, warn};

use super::Context;
use crate::{
    api::{LambdaExecutionRole, LambdaRoleClass, LambdaRoleClassStatus, class::ClassAccount, status::AccountQuota},
    aws,
    cluster::{GuardedClass, Writable},
    plan::{
        Class, Hold,
        class::{self, Count, Found, bound_class, select},
        look, status,
    },
    telemetry::{self, PassResult, Stage},
};

/// How long after a failure AWS is asked again.
const RETRY: Duration = Duration::from_secs(30);

/// One pass. It never fails: what went wrong is in the status, and is tried again.
pub(super) async fn reconcile(object: Arc<GuardedClass>, context: Arc<Context>) -> Result<Action, Infallible> {
    let name = object.name_any();
    if !context.serves(&name) {
        return Ok(Action::await_change());
    }
    let kind = LambdaRoleClass::kind(&());
    let span = telemetry::pass(&kind, None, &name);
    let in_hand = context.metrics.pass(&kind);
    let pass = async {
        match &object.0 {
            Ok(class) => reconcile_class(class, &context).await,
            Err(invalid) => {
                let hold = Hold::unreadable_class(&name, &invalid.error);
                let found = Found::Unusable(&hold);
                write(&*object, None, invalid.metadata.generation, &found, Count::default(), &context).await;
                (context.resync, PassResult::Held)
            }
        }
    };
    let (wait, result) = pass.instrument(span.clone()).await;
    telemetry::end_of_pass(&span, result);
    in_hand.ended(result);
    Ok(Action::requeue(look::resync(wait, fastrand::f64())))
}

async fn reconcile_class(class: &LambdaRoleClass, context: &Context) -> (Duration, PassResult) {
    let name = class.name_any();
    context.accounts.retain(&accounts_in_use(context));
    let count = count(class, context);
    let generation = class.metadata.generation;
    let previous = class.status.as_ref();
    let write = |found| async move { write(class, previous, generation, &found, count, context).await };
    if let Err(faults) = class::check(&class.spec) {
        write(Found::Unusable(&Hold::invalid_class(&name, &faults))).await;
        return (context.resync, PassResult::Held);
    }
    match ask(class, context).instrument(Stage::Resolve.span()).await {
        Ok((identity, quotas)) => {
            let aws::Identity { account_id, arn, .. } = &identity;
            write(Found::Usable { account_id, principal_arn: arn, quotas: &quotas }).await;
            (context.resync, PassResult::Synced)
        }
        Err(error) => {
            let failure = error.failure(&name, None);
            warn!(failure_class = %failure.class, reason = %failure.reason, error = %failure, "cannot use the class");
            write(Found::Failed(&failure)).await;
            let wait = if failure.class == Class::Terminal { context.resync } else { RETRY.min(context.resync) };
            (wait, PassResult::Failed(failure.class))
        }
    }
}

async fn ask(class: &LambdaRoleClass, context: &Context) -> Result<(aws::Identity, Vec<AccountQuota>), aws::Error> {
    let aws = context.accounts.of(&class.spec.account);
    aws.account().await?;
    Ok((aws.identity().await?, aws.usage_of_account().await?))
}

fn accounts_in_use(context: &Context) -> Vec<ClassAccount> {
    let classes = context.view.classes();
    classes.iter().filter_map(|class| class.0.as_ref().ok()).map(|class| class.spec.account.clone()).collect()
}

/// The objects that have the class, and those of them that it refuses, by what their status says.
fn count(class: &LambdaRoleClass, context: &Context) -> Count {
    let classes = context.view.classes();
    let classes: Vec<&LambdaRoleClass> = classes.iter().filter_map(|class| class.0.as_ref().ok()).collect();
    let name = class.name_any();
    let has_class = |role: &LambdaExecutionRole| {
        bound_class(role).map(str::to_owned).or_else(|| {
            let namespace = context.view.namespace(&role.namespace().unwrap_or_default());
            select(role, &namespace, classes.iter().copied()).class().map(ResourceExt::name_any)
        }) == Some(name.clone())
    };
    let mut count = Count::default();
    for object in context.roles.iter().flat_map(Store::state) {
        if let Some(role) = object.0.as_ref().ok().filter(|role| has_class(role)) {
            count.roles += 1;
            count.refused +=
                usize::from(role.status.as_ref().is_some_and(|status| status::is_refused(&status.conditions)));
        }
    }
    count
}

async fn write(
    class: &impl Writable,
    previous: Option<&LambdaRoleClassStatus>,
    generation: Option<i64>,
    found: &Found<'_>,
    count: Count,
    context: &Context,
) {
    let none = LambdaRoleClassStatus::default();
    let status = class::report(previous.unwrap_or(&none), generation, found, count, Timestamp::now());
    let write = context.cluster.write_class_status(class, previous, &status);
    if let Err(error) = write.instrument(Stage::Status.span()).await {
        warn!(%error, "cannot say what was found of the class; trying again at the next look");
    }
}
