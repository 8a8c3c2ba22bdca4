//! `LambdaManagedPolicy` in the pipeline.

mod convergence;
mod removal;

use super::{
    Context,
    circumstances::{Circumstances, circumstances},
    memory::Memory,
    pipeline::{Ending, Reconciled, pass_of},
};
use crate::{
    api::{LambdaManagedPolicy, LambdaManagedPolicyStatus},
    cluster,
    lint::Finding,
    plan::{
        Hold,
        managed_policy::status::{self, Outcome, Pass, Report},
    },
    telemetry::PassResult,
};

impl Reconciled for LambdaManagedPolicy {
    fn memory(context: &Context) -> &Memory {
        &context.memory_of_policies
    }

    fn circumstances(&self, context: &Context) -> Option<Circumstances> {
        circumstances(self, context)
    }

    fn neighbours(&self, _: &Context) -> Option<String> {
        None
    }

    async fn keep(
        &self,
        previous: &LambdaManagedPolicyStatus,
        circumstances: &Circumstances,
        context: &Context,
    ) -> Result<Ending<LambdaManagedPolicyStatus>, cluster::Error> {
        convergence::keep(self, previous, circumstances, context).await
    }

    async fn remove(
        &self,
        previous: &LambdaManagedPolicyStatus,
        circumstances: &Circumstances,
        context: &Context,
    ) -> Result<Ending<LambdaManagedPolicyStatus>, cluster::Error> {
        removal::remove(self, previous, circumstances, context).await
    }

    fn refuse(
        &self,
        previous: &LambdaManagedPolicyStatus,
        circumstances: &Circumstances,
        fault: &str,
        context: &Context,
    ) -> Ending<LambdaManagedPolicyStatus> {
        let faults = [Finding::invalid("spec", format!("cannot be read: {fault}"))];
        let hold = Hold::unreadable(fault);
        let outcome = match self.metadata.deletion_timestamp {
            None => Outcome::Rejected { findings: &faults, enforced: &[] },
            Some(_) => Outcome::Held { hold: &hold, is_deleting: true, enforced: &[] },
        };
        reported(self, previous, circumstances, context, &outcome)
    }

    async fn settle(&self, pass: &Pass<'_>, _: &Context) -> Option<Report> {
        status::settle(pass)
    }

    fn resync_interval(&self) -> Option<&str> {
        self.spec.resync_interval.as_deref()
    }

    /// Whoever refers to it is woken by the watch of policies.
    fn changed(&self, _: &LambdaManagedPolicyStatus, _: &Context) {}

    fn gone(&self, _: &Circumstances, _: &Context) {}
}

/// What a pass that came to `outcome` says.
fn reported(
    policy: &LambdaManagedPolicy,
    previous: &LambdaManagedPolicyStatus,
    circumstances: &Circumstances,
    context: &Context,
    outcome: &Outcome<'_>,
) -> Ending<LambdaManagedPolicyStatus> {
    let result = match outcome {
        Outcome::Synced { .. } => PassResult::Synced,
        Outcome::Rejected { .. } | Outcome::Held { .. } => PassResult::Held,
        Outcome::Failed { failure, .. } => PassResult::Failed(failure.class),
    };
    let report = status::report(&pass_of(policy, previous, circumstances, context), outcome);
    Ending::Reported(Box::new(report), result)
}
