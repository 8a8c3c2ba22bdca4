//! `LambdaExecutionRole` in the pipeline.

use std::sync::Arc;

use tracing::Instrument;

use super::{
    Context,
    circumstances::{Circumstances, circumstances, crowded_out},
    convergence, export,
    memory::Memory,
    neighbours,
    pipeline::{Ending, Reconciled, pass_of},
    removal,
};
use crate::{
    api::{LambdaExecutionRole, LambdaExecutionRoleStatus},
    cluster,
    lint::Finding,
    plan::{
        Hold,
        status::{self, Outcome, Pass, Report},
    },
    telemetry::{PassResult, Stage},
};

impl Reconciled for LambdaExecutionRole {
    fn memory(context: &Context) -> &Memory {
        &context.memory
    }

    fn circumstances(&self, context: &Context) -> Option<Circumstances> {
        let found = circumstances(self, context)?;
        let (Some(class), None) = (&found.class, &found.obstacle) else { return Some(found) };
        let obstacle = crowded_out(self, class, context);
        Some(Circumstances { class: Some(Arc::clone(class)), obstacle })
    }

    fn neighbours(&self, context: &Context) -> Option<String> {
        neighbours::of_role(self, context)
    }

    async fn keep(
        &self,
        previous: &LambdaExecutionRoleStatus,
        circumstances: &Circumstances,
        context: &Context,
    ) -> Result<Ending<LambdaExecutionRoleStatus>, cluster::Error> {
        let ending = convergence::keep(self, previous, circumstances, context).await?;
        let Ending::Reported(report, result) = ending else { return Ok(ending) };
        let pass = pass_of(self, previous, circumstances, context);
        let report = Box::pin(export::hand_over(self, &pass, *report, context)).instrument(Stage::Export.span()).await;
        Ok(Ending::Reported(Box::new(report), result))
    }

    async fn remove(
        &self,
        previous: &LambdaExecutionRoleStatus,
        circumstances: &Circumstances,
        context: &Context,
    ) -> Result<Ending<LambdaExecutionRoleStatus>, cluster::Error> {
        removal::remove(self, previous, circumstances, context).await
    }

    fn refuse(
        &self,
        previous: &LambdaExecutionRoleStatus,
        circumstances: &Circumstances,
        fault: &str,
        context: &Context,
    ) -> Ending<LambdaExecutionRoleStatus> {
        let pass = pass_of(self, previous, circumstances, context);
        let faults = [Finding::invalid("spec", format!("cannot be read: {fault}"))];
        let hold = Hold::unreadable(fault);
        let outcome = match self.metadata.deletion_timestamp {
            None => Outcome::Rejected { findings: &faults, enforced: &[] },
            Some(_) => Outcome::Held { hold: &hold, is_deleting: true, enforced: &[] },
        };
        Ending::Reported(Box::new(status::report(&pass, &outcome)), result_of(&outcome))
    }

    async fn settle(
        &self,
        pass: &Pass<'_, LambdaExecutionRoleStatus>,
        context: &Context,
    ) -> Option<Report<LambdaExecutionRoleStatus>> {
        let report = status::settle(pass)?;
        Some(Box::pin(export::hand_over(self, pass, report, context)).instrument(Stage::Export.span()).await)
    }

    fn resync_interval(&self) -> Option<&str> {
        self.spec.resync_interval.as_deref()
    }

    fn changed(&self, status: &LambdaExecutionRoleStatus, context: &Context) {
        let none = LambdaExecutionRoleStatus::default();
        context.tell_class(self.status.as_ref().unwrap_or(&none), status);
        neighbours::wake_let_go(self, status, context);
        neighbours::wake_grants(self, Some(status), context);
    }

    fn gone(&self, circumstances: &Circumstances, context: &Context) {
        context.gone(circumstances);
        neighbours::wake_let_go(self, &LambdaExecutionRoleStatus::default(), context);
        neighbours::wake_grants(self, None, context);
    }
}

/// How a pass that came to `outcome` is counted.
pub(super) fn result_of(outcome: &Outcome<'_>) -> PassResult {
    match outcome {
        Outcome::Synced { .. } => PassResult::Synced,
        Outcome::Rejected { .. } | Outcome::Held { .. } => PassResult::Held,
        Outcome::Failed { failure, .. } => PassResult::Failed(failure.class),
    }
}
