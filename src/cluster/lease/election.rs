//! Carries the protocol out.

#![allow(clippy::disallowed_methods, reason = "renews by the clock")]

use std::time::{Duration, Instant};

use k8s_openapi::{api::coordination::v1::Lease, jiff::Timestamp};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::{debug, info, warn};

use super::{Candidate, Tenure, Timing};
use crate::cluster::FIELD_MANAGER;

/// The lease is another's, or may be: nothing may be changed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// Another replica has taken it.
    #[error("another replica has taken the lease")]
    Taken,
    /// It was not renewed in time.
    #[error("the lease could not be renewed in time")]
    NotRenewed,
}

/// What came of an attempt to take or renew the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// It is this replica's.
    Held,
    /// It is another's.
    Others,
    /// Somebody changed it between the look and the write.
    Conflict,
}

/// A replica that would have the lease, or has it.
#[derive(Debug)]
pub struct Election {
    api: Api<Lease>,
    name: String,
    candidate: Candidate,
    tenure: Tenure,
}

impl Election {
    /// One for the lease `namespace`/`name`. `identity` must be unlike any other replica's.
    #[must_use]
    pub fn new(client: Client, (namespace, name): (&str, &str), identity: String, timing: Timing) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            candidate: Candidate::new(identity, timing),
            tenure: Tenure::unbegun(),
        }
    }

    /// The time in which this replica may change anything.
    #[must_use]
    pub fn tenure(&self) -> Tenure {
        self.tenure.clone()
    }

    /// Waits until the lease is this replica's. Failed requests are repeated.
    pub async fn acquire(&mut self) {
        info!(lease = self.name, identity = self.candidate.identity, "waiting for the lease");
        loop {
            match self.attempt().await {
                Ok(Attempt::Held) => {
                    info!(lease = self.name, identity = self.candidate.identity, "leading");
                    return;
                }
                Ok(Attempt::Others | Attempt::Conflict) => debug!(lease = self.name, "another replica leads"),
                Err(error) => warn!(
                    lease = self.name,
                    %error,
                    "cannot read or write the lease: may the controller get, create and update Leases in its namespace?"
                ),
            }
            // Replicas that were started together do not ask together.
            sleep(self.candidate.timing.retry_period.mul_f64(1.0 + fastrand::f64() / 2.0)).await;
        }
    }

    /// Renews the lease until it is lost.
    pub async fn hold(&mut self) -> Lost {
        let mut ticks = interval(self.candidate.timing.retry_period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first comes at once, and the lease is fresh.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            // A request that hangs does not prolong what has ended, and what has ended does not begin again: another may have had the
            // lease in between.
            let now = Instant::now();
            if self.tenure.has_ended(now) {
                return self.lost(Lost::NotRenewed);
            }
            match timeout(self.tenure.left(now), self.attempt()).await {
                Ok(Ok(Attempt::Held)) => {}
                Ok(Ok(Attempt::Others)) => return self.lost(Lost::Taken),
                // Whose it is shows at the next look: a label may have been put on it.
                Ok(Ok(Attempt::Conflict)) => debug!(lease = self.name, "the lease was changed meanwhile"),
                Ok(Err(error)) => warn!(lease = self.name, %error, "cannot renew the lease"),
                Err(_) => return self.lost(Lost::NotRenewed),
            }
        }
    }

    fn lost(&self, how: Lost) -> Lost {
        self.tenure.end();
        how
    }

    /// Lets the lease go, so that another replica need not wait until it has run out. Nothing of this one may be under way any more.
    pub async fn release(&mut self) {
        self.tenure.end();
        let released = async {
            let Some(lease) = self.api.get_opt(&self.name).await? else { return Ok(()) };
            let released = lease.spec.as_ref().and_then(|spec| self.candidate.released(spec, Timestamp::now()));
            let Some(spec) = released else { return Ok(()) };
            self.api.replace(&self.name, &parameters(), &Lease { spec: Some(spec), ..lease }).await.map(drop)
        };
        match timeout(RELEASE_PATIENCE, released).await {
            Ok(Ok(())) => info!(lease = self.name, "let the lease go"),
            Ok(Err(error)) => warn!(lease = self.name, %error, "cannot let the lease go; it runs out by itself"),
            Err(_) => warn!(lease = self.name, "cannot let the lease go in time; it runs out by itself"),
        }
    }

    /// Takes or renews the lease, if it is free or this replica's.
    async fn attempt(&mut self) -> Result<Attempt, kube::Error> {
        // Other replicas may see what is written long before the answer is here, so time counts from the request.
        let began = Instant::now();
        let mut lease = self.api.get_opt(&self.name).await?;
        let spec = lease.as_mut().map(|lease| lease.spec.take().unwrap_or_default());
        let Some(bid) = self.candidate.bid(spec.as_ref(), Instant::now(), Timestamp::now()) else {
            return Ok(Attempt::Others);
        };
        let written = match lease {
            None => {
                let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
                self.api.create(&parameters(), &Lease { metadata, spec: Some(bid) }).await
            }
            // The resource version that was read goes with it.
            Some(lease) => self.api.replace(&self.name, &parameters(), &Lease { spec: Some(bid), ..lease }).await,
        };
        match written {
            Ok(_) => {
                self.candidate.won();
                self.tenure.extend(began + self.candidate.timing.renew_deadline);
                Ok(Attempt::Held)
            }
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => {
                Ok(Attempt::Conflict)
            }
            Err(error) => Err(error),
        }
    }
}

/// How long a process that ends waits for that.
const RELEASE_PATIENCE: Duration = Duration::from_secs(2);

fn parameters() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}
