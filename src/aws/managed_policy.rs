//! What managed policies allow, as documents.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Aws, Error, Kind, error::from_sdk, observe::decoded};
use crate::policy::{Arn, Document};

/// AWS changes its own policies a few times a year.
const AWS_POLICY_FRESH: Duration = Duration::from_hours(24);

/// A customer's policy may change whenever somebody likes.
const CUSTOMER_POLICY_FRESH: Duration = Duration::from_mins(5);

/// One policy; locked while it is read, so that many passes at once read it once.
type Slot = Arc<tokio::sync::Mutex<Option<(Instant, Document)>>>;

/// The documents that were read, by ARN.
#[derive(Debug, Default)]
pub(super) struct KnownPolicies(Mutex<HashMap<String, Slot>>);

impl KnownPolicies {
    fn slot(&self, arn: &str) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(arn) {
            return Arc::clone(slot);
        }
        // What nobody reads and is not fresh goes, as policies come and go.
        let now = Instant::now();
        slots.retain(|arn, slot| {
            let is_fresh = slot.try_lock().is_ok_and(|known| is_fresh(arn, known.as_ref(), now));
            is_fresh || Arc::strong_count(slot) > 1
        });
        Arc::clone(slots.entry(arn.to_owned()).or_default())
    }
}

impl KnownPolicies {
    /// Forgets a policy that is gone.
    pub(super) fn forget(&self, arn: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(arn);
    }
}

fn is_fresh(arn: &str, known: Option<&(Instant, Document)>, now: Instant) -> bool {
    let is_of_aws = Arn::parse(arn).is_some_and(|arn| arn.account == "aws");
    let fresh = if is_of_aws { AWS_POLICY_FRESH } else { CUSTOMER_POLICY_FRESH };
    known.is_some_and(|(read, _)| now.saturating_duration_since(*read) < fresh)
}

impl Aws {
    /// Remembers what was just written, so that roles are judged by it at once.
    pub(super) async fn know_policy(&self, arn: &str, document: &Document) {
        let slot = self.policies.slot(arn);
        *slot.lock().await = Some((Instant::now(), document.clone()));
    }

    /// The document of a managed policy, in its default version: as of a day ago at most for AWS's own, of five minutes for
    /// a customer's. A failure is not remembered.
    ///
    /// # Errors
    /// If there is no such policy, or a call fails.
    pub async fn policy_document(&self, arn: &str) -> Result<Document, Error> {
        let slot = self.policies.slot(arn);
        let mut known = slot.lock().await;
        if is_fresh(arn, known.as_ref(), Instant::now())
            && let Some((_, document)) = &*known
        {
            return Ok(document.clone());
        }
        let document = self.read_policy(arn).await?;
        *known = Some((Instant::now(), document.clone()));
        Ok(document)
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html>
    async fn read_policy(&self, arn: &str) -> Result<Document, Error> {
        let policy = self.iam.get_policy().policy_arn(arn).send().await;
        let policy = policy.map_err(|error| of_policy(from_sdk("iam:GetPolicy", &error), arn))?;
        let version = policy.policy.and_then(|policy| policy.default_version_id).unwrap_or_default();
        let answer = self.iam.get_policy_version().policy_arn(arn).version_id(&version).send().await;
        let answer = answer.map_err(|error| of_policy(from_sdk("iam:GetPolicyVersion", &error), arn))?;
        let document = answer.policy_version.and_then(|version| version.document).unwrap_or_default();
        Document::parse(&decoded(&document)).map_err(|fault| Error {
            operation: "iam:GetPolicyVersion",
            kind: Kind::Refused,
            detail: format!("the document of managed policy {arn} cannot be read: {fault}"),
        })
    }
}

/// The error with the policy that it is about.
fn of_policy(error: Error, arn: &str) -> Error {
    let Error { operation, kind, detail } = error;
    match kind {
        Kind::NotFound => Error { operation, kind: Kind::PolicyNotFound, detail: arn.to_owned() },
        kind => Error { operation, kind, detail: format!("managed policy {arn}: {detail}") },
    }
}
