//! `LambdaManagedPolicy` in the pipeline.

use super::{
    Context,
    circumstances::Circumstances,
    memory::Memory,
    pipeline::{Ending, Reconciled},
};
use crate::{
    api::{LambdaManagedPolicy, LambdaManagedPolicyStatus},
    cluster,
    plan::status::{Pass, Report},
};

impl Reconciled for LambdaManagedPolicy {
    fn memory(context: &Context) -> &Memory {
        &context.memory_of_policies
    }

    fn circumstances(&self, _: &Context) -> Option<Circumstances> {
        None
    }

    fn neighbours(&self, _: &Context) -> Option<String> {
        None
    }

    async fn keep(
        &self,
        _: &LambdaManagedPolicyStatus,
        _: &Circumstances,
        _: &Context,
    ) -> Result<Ending<LambdaManagedPolicyStatus>, cluster::Error> {
        Ok(Ending::Stopped)
    }

    async fn remove(
        &self,
        _: &LambdaManagedPolicyStatus,
        _: &Circumstances,
        _: &Context,
    ) -> Result<Ending<LambdaManagedPolicyStatus>, cluster::Error> {
        Ok(Ending::Stopped)
    }

    fn refuse(
        &self,
        _: &LambdaManagedPolicyStatus,
        _: &Circumstances,
        _: &str,
        _: &Context,
    ) -> Ending<LambdaManagedPolicyStatus> {
        Ending::Stopped
    }

    fn settle(&self, _: &Pass<'_, LambdaManagedPolicyStatus>) -> Option<Report<LambdaManagedPolicyStatus>> {
        None
    }

    fn resync_interval(&self) -> Option<&str> {
        None
    }

    fn changed(&self, _: &LambdaManagedPolicyStatus, _: &Context) {}

    fn gone(&self, _: &Circumstances, _: &Context) {}
}
