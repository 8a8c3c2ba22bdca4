//! Managed policies that objects own: what IAM holds of one, and the steps that change one.

use super::{
    Aws, Error, Kind,
    apply::{gone, sdk_tags},
    error::from_sdk,
    observe::decoded,
};
use crate::{
    plan::{ObservedPolicy, PolicyVersion, step::NewPolicy},
    policy::Document,
};

impl Aws {
    /// The managed policy of that ARN, if there is one, with the document that counts and without its versions:
    /// `GetPolicy` and `GetPolicyVersion`. Nothing is remembered, unlike with [`Self::policy_document`].
    ///
    /// # Errors
    /// If a call fails otherwise than with `NoSuchEntity`.
    pub async fn observe_policy(&self, arn: &str) -> Result<Option<ObservedPolicy>, Error> {
        let policy = match self.iam.get_policy().policy_arn(arn).send().await {
            Ok(answer) => answer.policy,
            Err(error) => match from_sdk("iam:GetPolicy", &error) {
                error if error.kind == Kind::NotFound => None,
                error => return Err(error),
            },
        };
        let Some(policy) = policy else { return Ok(None) };
        let default_version = policy.default_version_id.unwrap_or_default();
        let document = match self.iam.get_policy_version().policy_arn(arn).version_id(&default_version).send().await {
            Ok(answer) => answer.policy_version.and_then(|version| version.document).unwrap_or_default(),
            Err(error) => match from_sdk("iam:GetPolicyVersion", &error) {
                // It went between the two calls.
                error if error.kind == Kind::NotFound => return Ok(None),
                error => return Err(error),
            },
        };
        Ok(Some(ObservedPolicy {
            name: policy.policy_name.unwrap_or_default(),
            path: policy.path.unwrap_or_default(),
            arn: policy.arn.unwrap_or_else(|| arn.to_owned()),
            id: policy.policy_id.unwrap_or_default(),
            description: policy.description.unwrap_or_default(),
            default_version,
            document: decoded(&document),
            tags: policy.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
            attachment_count: policy.attachment_count.and_then(|count| usize::try_from(count).ok()).unwrap_or_default(),
            versions: None,
        }))
    }

    /// The versions of a managed policy, oldest first; none if there is no such policy.
    ///
    /// # Errors
    /// If a call fails otherwise than with `NoSuchEntity`.
    pub async fn policy_versions(&self, arn: &str) -> Result<Vec<PolicyVersion>, Error> {
        let mut pages = self.iam.list_policy_versions().policy_arn(arn).into_paginator().send();
        let mut versions = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) => match from_sdk("iam:ListPolicyVersions", &error) {
                    error if error.kind == Kind::NotFound => return Ok(Vec::new()),
                    error => return Err(error),
                },
            };
            versions.extend(page.versions.unwrap_or_default().into_iter().map(|version| PolicyVersion {
                id: version.version_id.unwrap_or_default(),
                is_default: version.is_default_version,
            }));
        }
        versions.sort_by_key(|version| number_of(&version.id));
        Ok(versions)
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>
    pub(super) async fn create_policy(&self, new: &NewPolicy) -> Result<(), Error> {
        let NewPolicy { name, path, arn: _, document, description, tags } = new;
        let request = self
            .iam_writes
            .create_policy()
            .policy_name(name)
            .path(path)
            .policy_document(document.to_string())
            .set_description(Some(description.clone()).filter(|description| !description.is_empty()))
            .set_tags(Some(sdk_tags(tags)?));
        request.send().await.map_err(|error| from_sdk("iam:CreatePolicy", &error))?;
        Ok(())
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html>
    pub(super) async fn create_policy_version(&self, arn: &str, document: &Document) -> Result<(), Error> {
        let request = self.iam_writes.create_policy_version().policy_arn(arn).set_as_default(true);
        let answer = request.policy_document(document.to_string()).send().await;
        answer.map_err(|error| from_sdk("iam:CreatePolicyVersion", &error))?;
        Ok(())
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicyVersion.html>
    pub(super) async fn delete_policy_version(&self, arn: &str, version: &str) -> Result<(), Error> {
        let answer = self.iam_writes.delete_policy_version().policy_arn(arn).version_id(version).send().await;
        gone(answer.map_err(|error| from_sdk("iam:DeletePolicyVersion", &error)))
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>
    pub(super) async fn delete_policy(&self, arn: &str) -> Result<(), Error> {
        let answer = self.iam_writes.delete_policy().policy_arn(arn).send().await;
        gone(answer.map_err(|error| from_sdk("iam:DeletePolicy", &error)))
    }
}

/// IAM numbers versions in the order in which they are made: `v2`, `v10`.
fn number_of(id: &str) -> u64 {
    id.trim_start_matches('v').parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_of_their_numbers() {
        assert!(number_of("v2") < number_of("v10"));
    }
}
