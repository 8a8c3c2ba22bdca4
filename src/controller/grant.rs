//! `LambdaRoleGrant` in the pipeline.

use super::{
    Context,
    circumstances::Circumstances,
    memory::Memory,
    pipeline::{Ending, Reconciled},
};
use crate::{
    api::{LambdaRoleGrant, LambdaRoleGrantStatus},
    cluster,
    plan::status::{Pass, Report},
};

impl Reconciled for LambdaRoleGrant {
    fn memory(context: &Context) -> &Memory {
        &context.memory_of_grants
    }

    fn circumstances(&self, _: &Context) -> Option<Circumstances> {
        None
    }

    fn neighbours(&self, _: &Context) -> Option<String> {
        None
    }

    async fn keep(
        &self,
        _: &LambdaRoleGrantStatus,
        _: &Circumstances,
        _: &Context,
    ) -> Result<Ending<LambdaRoleGrantStatus>, cluster::Error> {
        Ok(Ending::Stopped)
    }

    async fn remove(
        &self,
        _: &LambdaRoleGrantStatus,
        _: &Circumstances,
        _: &Context,
    ) -> Result<Ending<LambdaRoleGrantStatus>, cluster::Error> {
        Ok(Ending::Stopped)
    }

    fn refuse(
        &self,
        _: &LambdaRoleGrantStatus,
        _: &Circumstances,
        _: &str,
        _: &Context,
    ) -> Ending<LambdaRoleGrantStatus> {
        Ending::Stopped
    }

    fn settle(&self, _: &Pass<'_, LambdaRoleGrantStatus>) -> Option<Report<LambdaRoleGrantStatus>> {
        None
    }

    fn resync_interval(&self) -> Option<&str> {
        None
    }

    fn changed(&self, _: &LambdaRoleGrantStatus, _: &Context) {}

    fn gone(&self, _: &Circumstances, _: &Context) {}
}
