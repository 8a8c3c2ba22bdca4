//! Which account the credentials belong to.

use super::{Aws, Error, error::from_sdk};
use crate::{plan::Account, policy::Arn};

/// Who the controller is to AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Where roles are made.
    pub account: Account,
    /// ARN of the controller's own principal.
    pub arn: String,
}

impl Aws {
    /// Who the controller is; asked once, then remembered.
    ///
    /// # Errors
    /// If there are no credentials, or AWS does not accept them.
    pub async fn identity(&self) -> Result<&Identity, Error> {
        self.identity
            .get_or_try_init(|| async {
                let answer = self
                    .sts
                    .get_caller_identity()
                    .send()
                    .await
                    .map_err(|error| from_sdk("sts:GetCallerIdentity", &error))?;
                let arn = answer.arn().unwrap_or_default().to_owned();
                let partition = Arn::parse(&arn).map_or("aws", |arn| arn.partition).to_owned();
                let id = answer.account().unwrap_or_default().to_owned();
                Ok(Identity { account: Account { id, partition, region: self.region.clone() }, arn })
            })
            .await
    }
}
