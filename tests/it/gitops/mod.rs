//! What GitOps tools make of our objects: Argo CD by its health check, Flux and others by kstatus, `kubectl wait` by conditions.
//! [`reasons`] asks about every reason, [`live`] about real objects, [`diff`] whether anything is left to apply.

mod argocd;
mod diff;
mod examples;
mod flux;
mod kstatus;
mod kubectl;
mod live;
mod reasons;
mod told;

use self::{argocd::Health, kstatus::Status};

/// How an object looks to whoever waits by kstatus, and in Argo CD.
type Look = (Status, Health);

const DONE: Look = (Status::Current, Health::Healthy);
const UNDER_WAY: Look = (Status::InProgress, Health::Progressing);
const BROKEN: Look = (Status::Failed, Health::Degraded);
/// Argo CD alone knows a state for what is held back on purpose.
const SUSPENDED: Look = (Status::InProgress, Health::Suspended);
const ONLY_OBSERVED: Look = (Status::Failed, Health::Suspended);
const GOING: Look = (Status::Terminating, Health::Progressing);

fn look(object: &serde_json::Value) -> Look {
    (kstatus::status(object), argocd::health(object).0)
}
