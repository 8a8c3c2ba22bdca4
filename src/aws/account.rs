//! Which account the credentials belong to, whether it is the right one, and what it allows.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_iam::types::SummaryKeyType;
use tracing::warn;

use super::{Aws, Error, Kind, error::from_sdk};
use crate::{
    api::status::AccountQuota,
    plan::{Account, Quotas},
    policy::Arn,
};

/// How long an account's quotas count as known. A raised quota takes effect within that time.
const SUMMARY_FRESH: Duration = Duration::from_hours(1);

/// How long credentials of the wrong account count as that: they may be mended without a restart.
const MISMATCH_COUNTS: Duration = Duration::from_secs(30);

/// How long a failure to learn the account counts: every object of the account asks.
const FAILURE_COUNTS: Duration = Duration::from_secs(10);

/// What IAM says of an account, and when it was asked; nothing where it may not be asked.
pub(super) type KnownSummary = Option<(Instant, Arc<Summary>)>;

/// Numbers by their key. <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>
type Summary = HashMap<SummaryKeyType, i32>;

/// Quotas that the status of a class shows, with the keys of what is allowed and, where IAM counts it, of what is used.
const QUOTAS: [(&str, &str, Option<&str>); 5] = [
    ("Roles", "RolesQuota", Some("Roles")),
    ("Policies", "PoliciesQuota", Some("Policies")),
    ("AttachedPoliciesPerRole", "AttachedPoliciesPerRoleQuota", None),
    ("RolePolicySize", "RolePolicySizeQuota", None),
    ("AssumeRolePolicySize", "AssumeRolePolicySizeQuota", None),
];

/// Who the controller is in an account, as AWS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Twelve digits.
    pub account_id: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// The principal: an assumed role, a user, or the root user.
    pub arn: String,
}

impl Identity {
    /// Name of the role behind a session, `None` for other principals. The controller must never manage that role: it
    /// would write its own rights.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns>
    #[must_use]
    pub fn role_name(&self) -> Option<&str> {
        let arn = Arn::parse(&self.arn).filter(|arn| arn.service == "sts")?;
        let (name, _session) = arn.resource.strip_prefix("assumed-role/")?.split_once('/')?;
        Some(name)
    }
}

/// Who the controller is, as AWS said when it was asked.
#[derive(Debug)]
pub(super) struct KnownIdentity {
    access_key_id: String,
    asked: Instant,
    answer: Result<Identity, Error>,
}

impl KnownIdentity {
    /// Whether the answer still counts for these credentials.
    fn counts(&self, access_key_id: &str, expected: Option<&(String, String)>, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.asked);
        match &self.answer {
            Err(_) => age < FAILURE_COUNTS,
            Ok(_) if self.is_mismatch(expected) => age < MISMATCH_COUNTS,
            Ok(_) => self.access_key_id == access_key_id,
        }
    }

    fn is_mismatch(&self, expected: Option<&(String, String)>) -> bool {
        self.answer.as_ref().is_ok_and(|identity| mismatch(identity, expected).is_some())
    }
}

impl Aws {
    /// Where roles are made: the account of the credentials, with its quotas, asked anew every hour.
    ///
    /// # Errors
    /// If there are no credentials, AWS does not accept them, or they belong to another account than they should.
    pub async fn account(&self) -> Result<Account, Error> {
        let identity = self.verified().await?;
        let quotas = quotas(&*self.summary().await?);
        Ok(Account { id: identity.account_id, partition: identity.partition, region: self.region.clone(), quotas })
    }

    /// Who the controller is, asked once for each set of credentials. It may be in the wrong account, which
    /// [`Self::account`] refuses.
    ///
    /// # Errors
    /// If there are no credentials, or AWS does not accept them.
    pub async fn identity(&self) -> Result<Identity, Error> {
        let mut credentials = match self.session.credentials().await {
            Ok(credentials) => credentials,
            Err(error) => {
                *self.identity.lock().await = None;
                return Err(error);
            }
        };
        // Held while AWS is asked, so that many passes at once ask once.
        let mut known = self.identity.lock().await;
        let expected = self.expected.as_ref();
        if let Some(known) = &*known {
            if known.counts(credentials.access_key_id(), expected, Instant::now()) {
                return known.answer.clone();
            }
            if known.is_mismatch(expected) {
                self.session.doubt();
                credentials = self.session.credentials().await?;
            }
        }
        let answer = self.caller().await;
        if let Ok(identity) = &answer {
            self.account_id.set(&identity.account_id);
        }
        *known = Some(KnownIdentity {
            access_key_id: credentials.access_key_id().to_owned(),
            asked: Instant::now(),
            answer: answer.clone(),
        });
        answer
    }

    /// What the account allows, and how much of it is used, as of an hour ago at most. Empty if IAM may not be asked.
    ///
    /// # Errors
    /// As [`Self::account`].
    pub async fn usage_of_account(&self) -> Result<Vec<AccountQuota>, Error> {
        self.verified().await?;
        Ok(account_quotas(&*self.summary().await?))
    }

    async fn verified(&self) -> Result<Identity, Error> {
        let identity = self.identity().await?;
        match mismatch(&identity, self.expected.as_ref()) {
            None => Ok(identity),
            Some(error) => Err(error),
        }
    }

    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
    async fn caller(&self) -> Result<Identity, Error> {
        let answer = self.sts.get_caller_identity().send().await;
        let answer = answer.map_err(|error| from_sdk("sts:GetCallerIdentity", &error))?;
        let arn = answer.arn.unwrap_or_default();
        let partition = Arn::parse(&arn).map_or("aws", |arn| arn.partition).to_owned();
        Ok(Identity { account_id: answer.account.unwrap_or_default(), partition, arn })
    }

    /// Held while AWS is asked, so that many passes at once ask once.
    async fn summary(&self) -> Result<Arc<Summary>, Error> {
        let mut known = self.summary.lock().await;
        if let Some((since, summary)) = &*known
            && since.elapsed() < SUMMARY_FRESH
        {
            return Ok(Arc::clone(summary));
        }
        let summary = match self.iam.get_account_summary().send().await {
            Ok(answer) => answer.summary_map.unwrap_or_default(),
            Err(error) => match from_sdk("iam:GetAccountSummary", &error) {
                // Not worth stopping for: IAM judges what is too long by itself.
                error if error.kind == Kind::AccessDenied => {
                    warn!(%error, "cannot read the account's quotas; taking the highest that AWS grants");
                    Summary::new()
                }
                error => return Err(error),
            },
        };
        let summary = Arc::new(summary);
        *known = Some((Instant::now(), Arc::clone(&summary)));
        Ok(summary)
    }
}

/// What is wrong with credentials that belong to somebody else.
fn mismatch(identity: &Identity, expected: Option<&(String, String)>) -> Option<Error> {
    let (id, partition) = expected?;
    if identity.account_id == *id && identity.partition == *partition {
        return None;
    }
    let detail = format!(
        "The credentials belong to account {} of partition {} ({}), and the class says account {id} of partition {partition}; nothing is written. Let spec.account.assumeRole of the class lead to a role of account {id}, or give the controller credentials of that account. The account of a class is immutable: for another one make another class.",
        identity.account_id, identity.partition, identity.arn,
    );
    Some(Error { operation: "sts:GetCallerIdentity", kind: Kind::AccountMismatch, detail })
}

fn quotas(summary: &Summary) -> Quotas {
    // No account is granted none: what says so does not know.
    let quota = |key, otherwise| number(summary, key).filter(|value| *value > 0).unwrap_or(otherwise);
    let Quotas { inline_policies, trust_policy, managed_policies, managed_policy_size } = Quotas::HIGHEST;
    Quotas {
        inline_policies: quota("RolePolicySizeQuota", inline_policies),
        trust_policy: quota("AssumeRolePolicySizeQuota", trust_policy),
        managed_policies: quota("AttachedPoliciesPerRoleQuota", managed_policies),
        managed_policy_size: quota("PolicySizeQuota", managed_policy_size),
    }
}

fn account_quotas(summary: &Summary) -> Vec<AccountQuota> {
    let quota = |(name, quota, used): &(&str, &str, Option<&str>)| {
        Some(AccountQuota {
            name: (*name).to_owned(),
            used: used.and_then(|used| number(summary, used)),
            quota: number(summary, quota)?,
        })
    };
    QUOTAS.iter().filter_map(quota).collect()
}

fn number<N: TryFrom<i32>>(summary: &Summary, key: &str) -> Option<N> {
    summary.get(&SummaryKeyType::from(key)).and_then(|value| N::try_from(*value).ok())
}

#[cfg(test)]
mod tests;
