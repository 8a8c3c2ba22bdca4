//! Which account the credentials belong to.

use super::{Aws, Error, error::from_sdk};
use crate::{plan::Account, policy::Arn};

impl Aws {
    /// Where roles are made: the account of the controller's credentials; asked once, then remembered.
    ///
    /// # Errors
    /// If there are no credentials, or AWS does not accept them.
    pub async fn account(&self) -> Result<&Account, Error> {
        self.account
            .get_or_try_init(|| async {
                let answer = self
                    .sts
                    .get_caller_identity()
                    .send()
                    .await
                    .map_err(|error| from_sdk("sts:GetCallerIdentity", &error))?;
                let partition =
                    Arn::parse(answer.arn().unwrap_or_default()).map_or("aws", |arn| arn.partition).to_owned();
                let id = answer.account().unwrap_or_default().to_owned();
                Ok(Account { id, partition, region: self.region.clone() })
            })
            .await
    }
}
