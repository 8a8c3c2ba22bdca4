//! Which account the credentials belong to, and what it allows a role.

use std::time::{Duration, Instant};

use aws_sdk_iam::types::SummaryKeyType;
use tracing::warn;

use super::{Aws, Error, Kind, error::from_sdk};
use crate::{
    plan::{Account, Quotas},
    policy::Arn,
};

/// How long an account's quotas count as known. A raised quota takes effect within that time.
const QUOTAS_FRESH: Duration = Duration::from_hours(1);

/// Quotas, and when they were asked for.
pub(super) type KnownQuotas = Option<(Instant, Quotas)>;

impl Aws {
    /// Where roles are made: the account of the controller's credentials, asked once and then remembered, with its quotas,
    /// asked anew every hour.
    ///
    /// # Errors
    /// If there are no credentials, or AWS does not accept them.
    pub async fn account(&self) -> Result<Account, Error> {
        let (id, partition) = self.identity.get_or_try_init(|| self.caller()).await?.clone();
        Ok(Account { id, partition, region: self.region.clone(), quotas: self.quotas().await? })
    }

    /// Id and partition.
    async fn caller(&self) -> Result<(String, String), Error> {
        let answer = self.sts.get_caller_identity().send().await;
        let answer = answer.map_err(|error| from_sdk("sts:GetCallerIdentity", &error))?;
        let partition = Arn::parse(answer.arn().unwrap_or_default()).map_or("aws", |arn| arn.partition).to_owned();
        Ok((answer.account().unwrap_or_default().to_owned(), partition))
    }

    /// Held while AWS is asked, so that many passes at once ask once.
    async fn quotas(&self) -> Result<Quotas, Error> {
        let mut known = self.quotas.lock().await;
        if let Some((since, quotas)) = *known
            && since.elapsed() < QUOTAS_FRESH
        {
            return Ok(quotas);
        }
        let quotas = self.summary().await?;
        *known = Some((Instant::now(), quotas));
        Ok(quotas)
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>
    async fn summary(&self) -> Result<Quotas, Error> {
        let summary = match self.iam.get_account_summary().send().await {
            Ok(answer) => answer.summary_map.unwrap_or_default(),
            Err(error) => match from_sdk("iam:GetAccountSummary", &error) {
                // Not worth stopping for: IAM judges what is too long by itself.
                error if error.kind == Kind::AccessDenied => {
                    warn!(%error, "cannot read the account's quotas; taking the highest that AWS grants");
                    return Ok(Quotas::HIGHEST);
                }
                error => return Err(error),
            },
        };
        let quota = |key: &str, otherwise: usize| {
            let value = summary.get(&SummaryKeyType::from(key)).and_then(|value| usize::try_from(*value).ok());
            // No account is granted none: what says so does not know.
            value.filter(|value| *value > 0).unwrap_or(otherwise)
        };
        let Quotas { inline_policies, trust_policy, managed_policies } = Quotas::HIGHEST;
        Ok(Quotas {
            inline_policies: quota("RolePolicySizeQuota", inline_policies),
            trust_policy: quota("AssumeRolePolicySizeQuota", trust_policy),
            managed_policies: quota("AttachedPoliciesPerRoleQuota", managed_policies),
        })
    }
}
