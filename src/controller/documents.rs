//! What managed policies say, for the pass in hand, and what is told of those that AWS changed.

use std::collections::{BTreeMap, BTreeSet};

use tracing::info;

use super::{convergence::Convergence, neighbours};
use crate::{
    catalog::managed_policy::is_of_aws,
    plan::{
        Account, DesiredRole, Failure, Hold, ManagedPolicy, ObjectClass, ObservedRole, Placed, Step, TrackedPolicy,
        compliance::{self, Documents},
        reference::{self, PolicyKey},
        tracking::last_told,
    },
};

impl Convergence<'_> {
    /// Why the class refuses the role, if it does.
    pub(super) async fn refusal(
        &self,
        class: &ObjectClass,
        account: &Account,
        desired: &DesiredRole,
        observed: Option<&ObservedRole>,
        placed_before: &Placed,
    ) -> Result<Option<Hold>, Failure> {
        let role_arn = compliance::role_arn(desired, account);
        let own = &placed_before.overflow_policies;
        let mut unread = compliance::unread_documents(&compliance::documents_needed(Some(desired), observed, own));
        unread.extend(self.of_aws(compliance::documents_in_catalog(Some(desired), observed), true).await);
        let refusal_by =
            |documents: &Documents| compliance::refusal(class, desired, &role_arn, observed, placed_before, documents);
        // First what can be told without reading anything: which policies there are is not every author's to know.
        let boundaries = neighbours::boundaries(account, self.context);
        if let Some(hold) = refusal_by(&unread).or_else(|| compliance::boundary_refusal(class, desired, &boundaries)) {
            return Ok(Some(hold));
        }
        let judged = compliance::documents_judged(Some(desired), observed, own);
        let documents = self.documents(judged, &desired.name).await?;
        match self.of_others(desired).await? {
            Some(hold) => Ok(Some(hold)),
            None => Ok(refusal_by(&documents)),
        }
    }

    /// The documents of managed policies. A role is neither accepted nor taken anything from on a guess about them.
    pub(super) async fn documents(&self, arns: BTreeSet<String>, role_name: &str) -> Result<Documents, Failure> {
        let (in_catalog, needed): (BTreeSet<_>, BTreeSet<_>) =
            arns.into_iter().partition(|arn| compliance::is_in_catalog(arn));
        let mut documents = self.of_aws(in_catalog, true).await;
        for arn in needed {
            let step = Step::AttachManagedPolicy(arn.clone());
            let document = self.aws.policy_document(&arn).await;
            documents.insert(arn, document.map_err(|error| error.failure(role_name, Some(&step)))?);
        }
        Ok(documents)
    }

    /// The hold of a role that refers to a policy whose place somebody else's has taken in IAM, or that lists one which another object
    /// does not share with it, if so: what is whose is told by the tags, and statuses are no evidence.
    async fn of_others(&self, desired: &DesiredRole) -> Result<Option<Hold>, Failure> {
        let referred: BTreeMap<&str, &PolicyKey> = self.references.ready().map(|(key, arn)| (arn, key)).collect();
        let namespace = self.context.view.namespace(&self.owner.namespace);
        let all = self.context.view.policies();
        let watched = &self.context.namespaces;
        let find = |(namespace, name): &PolicyKey| {
            let described = all.iter().filter_map(|policy| policy.0.as_ref().ok());
            let mut described = described.filter(|policy| policy.metadata.name.as_ref() == Some(name));
            described.find(|policy| policy.metadata.namespace.as_ref() == Some(namespace))
        };
        for arn in desired.managed_policies.iter().filter(|arn| !is_of_aws(arn)) {
            let step = Step::AttachManagedPolicy(arn.clone());
            let policy = self.aws.managed_policy(arn).await;
            let policy = policy.map_err(|error| error.failure(&desired.name, Some(&step)))?;
            let hold = match referred.get(arn.as_str()) {
                Some(key) => reference::impostor(key, &policy, &self.owner.cluster),
                None => reference::borrowed(&policy, &self.owner, &namespace, |key| {
                    let is_watched = watched.is_empty() || watched.contains(&key.0);
                    is_watched.then(|| find(key))
                }),
            };
            if let Some(hold) = hold {
                return Ok(Some(hold));
            }
        }
        Ok(None)
    }

    /// What the account has of AWS's policies that the catalog holds, read if `may_read`, as far as that is known: where it is
    /// not, the catalog stands.
    pub(super) async fn of_aws(&self, arns: BTreeSet<String>, may_read: bool) -> Documents {
        let mut documents = Documents::new();
        for arn in arns {
            let current =
                if may_read { self.aws.current_policy(&arn).await } else { self.aws.known_policy(&arn).await };
            if let Some(policy) = current {
                documents.insert(arn, policy.document.clone());
            }
        }
        documents
    }

    /// The versions of AWS's policies on a role that equals its spec. What cannot be read is left out: it fails no pass.
    pub(super) async fn tracked(&self, desired: &DesiredRole, account_id: &str) -> Vec<TrackedPolicy> {
        let mut tracked = Vec::new();
        for arn in desired.managed_policies.iter().filter(|arn| is_of_aws(arn)) {
            if let Some(current) = self.aws.current_policy(arn).await {
                tracked.extend(self.tracked_policy(&current, account_id).await);
            }
        }
        tracked
    }

    async fn tracked_policy(&self, current: &ManagedPolicy, account_id: &str) -> Option<TrackedPolicy> {
        let ManagedPolicy { arn, version_id, .. } = current;
        // Who is told for the first time has seen no change.
        let Some(before) = last_told(self.previous, arn) else { return Some(TrackedPolicy::unchanged(current)) };
        let tracked = if before == version_id {
            TrackedPolicy::unchanged(current)
        } else {
            match self.aws.policy_version(arn, before).await {
                Ok(old) => TrackedPolicy::changed(current, before, old.as_deref()),
                Err(error) => {
                    info!(%error, "cannot read what one of AWS's policies said before; trying again at the next look");
                    return None;
                }
            }
        };
        let is_news = self.aws.is_news(arn, version_id).await;
        if let Some(change) = tracked.change.as_ref().filter(|_| is_news) {
            info!(policy = arn, from = change.from, to = version_id, "AWS changed one of its policies");
            self.context.metrics.managed_policy_changed(account_id, arn, change);
        }
        Some(tracked)
    }
}
