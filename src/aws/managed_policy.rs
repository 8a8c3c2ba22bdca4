//! Managed policies: the default version of each, and what it says, read as rarely as that can be.
//!
//! A version never changes, and which one is the default seldom does: it is read once a day for AWS's own policies, and what
//! a version says is read only if nobody knows it yet. The classes of an account share what is known.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tracing::warn;

use super::{Aws, Error, Kind, error::from_sdk, observe::decoded};
use crate::{
    catalog::managed_policy::{document_of_version, is_of_aws},
    plan::ManagedPolicy,
    policy::Document,
};

/// AWS changes its own policies a few times a year.
const AWS_POLICY_INTERVAL: Duration = Duration::from_hours(24);

/// A customer's policy may change whenever somebody likes.
const CUSTOMER_POLICY_INTERVAL: Duration = Duration::from_mins(5);

/// How long AWS is not asked again for one of its own policies that could not be read: every role that has it would ask.
const FAILURE_COUNTS: Duration = Duration::from_mins(10);

/// One policy; locked while it is read, so that many passes at once read it once.
type Slot = Arc<tokio::sync::Mutex<Known>>;

/// What is known of a policy.
#[derive(Debug, Default)]
struct Known {
    /// As of the last read, and when that was.
    current: Option<(Instant, Arc<ManagedPolicy>)>,
    /// The unique id of the policy that all this is about: one that is deleted and made anew counts its versions anew.
    id: Option<String>,
    /// When it could not be read; of AWS's own policies.
    failed: Option<Instant>,
    /// What further versions say; `None` for those that are gone, or that may not be read.
    others: HashMap<String, Option<Arc<Document>>>,
    /// The version up to which changes were counted.
    counted: Option<String>,
}

impl Known {
    fn fresh(&self, interval: Duration) -> Option<&Arc<ManagedPolicy>> {
        self.current.as_ref().filter(|(read, _)| read.elapsed() < interval).map(|(_, policy)| policy)
    }

    /// What a version says, if that need not be asked.
    fn document(&self, arn: &str, version_id: &str) -> Option<Arc<Document>> {
        let current = self.current.as_ref().map(|(_, policy)| policy).filter(|policy| policy.version_id == version_id);
        let of_current = || current.map(|policy| Arc::new(policy.document.clone()));
        let of_others = || self.others.get(version_id).cloned().flatten();
        of_current().or_else(of_others).or_else(|| document_of_version(arn, version_id).cloned().map(Arc::new))
    }

    /// Another version becomes the default: what the last one said is worth keeping, as roles are told what changed.
    fn set(&mut self, policy: &Arc<ManagedPolicy>) {
        if let Some((_, before)) = self.current.replace((Instant::now(), Arc::clone(policy)))
            && before.version_id != policy.version_id
        {
            self.others.insert(before.version_id.clone(), Some(Arc::new(before.document.clone())));
        }
        self.failed = None;
    }
}

/// The policies of an account that were read, by ARN.
#[derive(Debug)]
pub(super) struct KnownPolicies {
    slots: Mutex<HashMap<String, Slot>>,
    aws_policy_interval: Duration,
}

impl KnownPolicies {
    /// None are known. `aws_policy_interval` is how long the default versions of AWS's own count as known; a day if absent.
    pub(super) fn new(aws_policy_interval: Option<Duration>) -> Self {
        Self { slots: Mutex::default(), aws_policy_interval: aws_policy_interval.unwrap_or(AWS_POLICY_INTERVAL) }
    }

    fn slot(&self, arn: &str) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(arn) {
            return Arc::clone(slot);
        }
        slots.retain(|arn, slot| self.is_kept(arn, slot));
        Arc::clone(slots.entry(arn.to_owned()).or_default())
    }

    /// Customers' policies come and go: what nobody reads and is not fresh is forgotten. AWS's own are few. What is not there
    /// at all can be asked for by anybody, and is forgotten soon.
    fn is_kept(&self, arn: &str, slot: &Slot) -> bool {
        let Ok(known) = slot.try_lock() else { return true };
        let is_needed = known.fresh(self.interval(arn)).is_some() || (is_of_aws(arn) && known.current.is_some());
        let has_failed_lately = known.failed.is_some_and(|failed| failed.elapsed() < FAILURE_COUNTS);
        is_needed || has_failed_lately || Arc::strong_count(slot) > 1
    }

    /// Forgets a policy that is gone, or was made anew.
    pub(super) fn forget(&self, arn: &str) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(arn);
    }

    fn interval(&self, arn: &str) -> Duration {
        if is_of_aws(arn) { self.aws_policy_interval } else { CUSTOMER_POLICY_INTERVAL }
    }
}

impl Aws {
    /// A managed policy in its default version: as of a day ago at most for AWS's own, unless the settings say otherwise, of
    /// five minutes for a customer's.
    ///
    /// # Errors
    /// If there is no such policy, or a call fails. A failure is not remembered.
    pub async fn managed_policy(&self, arn: &str) -> Result<Arc<ManagedPolicy>, Error> {
        let slot = self.policies.slot(arn);
        let mut known = slot.lock().await;
        self.read_if_due(arn, &mut known).await
    }

    /// What a managed policy says in its default version.
    ///
    /// # Errors
    /// As [`Self::managed_policy`]; but where one of AWS's own cannot be read, what it last said counts.
    pub async fn policy_document(&self, arn: &str) -> Result<Document, Error> {
        let slot = self.policies.slot(arn);
        let mut known = slot.lock().await;
        match (self.read_if_due(arn, &mut known).await, &known.current) {
            (Ok(policy), _) => Ok(policy.document.clone()),
            (Err(error), Some((_, last))) if is_of_aws(arn) && error.kind != Kind::PolicyNotFound => {
                warn!(%error, "cannot read one of AWS's policies; what it last said counts");
                Ok(last.document.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    /// One of AWS's own policies in its default version, if that can be read, or else as it last was. A failure is
    /// remembered for ten minutes.
    pub async fn current_policy(&self, arn: &str) -> Option<Arc<ManagedPolicy>> {
        let slot = self.policies.slot(arn);
        let mut known = slot.lock().await;
        let has_failed_lately = known.failed.is_some_and(|failed| failed.elapsed() < FAILURE_COUNTS);
        if !has_failed_lately && let Err(error) = self.read_if_due(arn, &mut known).await {
            warn!(%error, "cannot read the version of one of AWS's policies; its roles are none the worse for it");
            known.failed = Some(Instant::now());
        }
        known.current.as_ref().map(|(_, policy)| Arc::clone(policy))
    }

    /// A managed policy as it was last read, if it was.
    pub async fn known_policy(&self, arn: &str) -> Option<Arc<ManagedPolicy>> {
        self.policies.slot(arn).lock().await.current.as_ref().map(|(_, policy)| Arc::clone(policy))
    }

    /// Remembers a version that was just made the default, so that roles are judged by it at once: IAM itself may take a moment
    /// to show it.
    pub(super) async fn know_version(&self, arn: &str, version_id: &str, document: &Document) {
        let slot = self.policies.slot(arn);
        let mut known = slot.lock().await;
        if let Some((_, before)) = known.current.clone() {
            let (version_id, document) = (version_id.to_owned(), document.clone());
            known.set(&Arc::new(ManagedPolicy { version_id, document, ..(*before).clone() }));
        }
    }

    /// What a version of a managed policy says; `None` if it is gone, or may not be read. Asked once.
    ///
    /// # Errors
    /// If a call fails otherwise.
    pub async fn policy_version(&self, arn: &str, version_id: &str) -> Result<Option<Arc<Document>>, Error> {
        let slot = self.policies.slot(arn);
        let mut known = slot.lock().await;
        if let Some(document) = known.document(arn, version_id) {
            return Ok(Some(document));
        }
        if let Some(document) = known.others.get(version_id) {
            return Ok(document.clone());
        }
        let document = match self.read_version(arn, version_id).await {
            Ok(document) => Some(Arc::new(document)),
            Err(Error { kind: Kind::PolicyNotFound | Kind::AccessDenied | Kind::Refused, .. }) => None,
            Err(error) => return Err(error),
        };
        known.others.insert(version_id.to_owned(), document.clone());
        Ok(document)
    }

    /// Whether nobody of the account has asked so far about that version of a policy, which has become the default.
    pub async fn is_news(&self, arn: &str, version_id: &str) -> bool {
        let counted = self.policies.slot(arn).lock().await.counted.replace(version_id.to_owned());
        counted.as_deref() != Some(version_id)
    }

    async fn read_if_due(&self, arn: &str, known: &mut Known) -> Result<Arc<ManagedPolicy>, Error> {
        if let Some(policy) = known.fresh(self.policies.interval(arn)) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(self.read_policy(arn, known).await?);
        known.set(&policy);
        Ok(policy)
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html>
    async fn read_policy(&self, arn: &str, known: &mut Known) -> Result<ManagedPolicy, Error> {
        let answer = self.iam.get_policy().policy_arn(arn).send().await;
        let answer = answer.map_err(|error| of_policy(from_sdk("iam:GetPolicy", &error), arn))?;
        let Some(policy) = answer.policy else { return Err(unread("iam:GetPolicy", arn, &"the answer is empty")) };
        if known.id != policy.policy_id {
            known.others.clear();
            known.current = None;
            known.id = policy.policy_id;
        }
        let version_id = policy.default_version_id.unwrap_or_default();
        let document = match known.document(arn, &version_id) {
            Some(document) => (*document).clone(),
            None => self.read_version(arn, &version_id).await?,
        };
        let tags = policy.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
        Ok(ManagedPolicy { arn: arn.to_owned(), version_id, document, tags })
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html>
    async fn read_version(&self, arn: &str, version_id: &str) -> Result<Document, Error> {
        let answer = self.iam.get_policy_version().policy_arn(arn).version_id(version_id).send().await;
        let answer = answer.map_err(|error| of_policy(from_sdk("iam:GetPolicyVersion", &error), arn))?;
        let document = answer.policy_version.and_then(|version| version.document).unwrap_or_default();
        Document::parse(&decoded(&document)).map_err(|fault| unread("iam:GetPolicyVersion", arn, &fault))
    }
}

fn unread(operation: &'static str, arn: &str, fault: &dyn std::fmt::Display) -> Error {
    let detail = format!("the document of managed policy {arn} cannot be read: {fault}");
    Error { operation, kind: Kind::Refused, detail }
}

/// The error with the policy that it is about.
fn of_policy(error: Error, arn: &str) -> Error {
    let Error { operation, kind, detail } = error;
    match kind {
        Kind::NotFound => Error { operation, kind: Kind::PolicyNotFound, detail: arn.to_owned() },
        kind => Error { operation, kind, detail: format!("managed policy {arn}: {detail}") },
    }
}
