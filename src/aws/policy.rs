//! Managed policies that objects own: what IAM holds of one, and the steps that change one.

use std::collections::BTreeMap;

use aws_sdk_iam::types::PolicyUsageType;

use super::{
    Aws, Error, Kind, Written,
    apply::{gone, sdk_tags},
    error::from_sdk,
    observe::decoded,
};
use crate::{
    plan::{HolderRole, ObservedPolicy, PolicyUsage, PolicyVersion, step::NewPolicy},
    policy::Document,
};

/// Most entries of a page of IAM's. A hundred is its default: ten requests instead of one.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html>
const PAGE_MAX: i32 = 1000;

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
            attachment_count: number(policy.attachment_count),
            boundary_count: number(policy.permissions_boundary_usage_count),
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

    /// Who has the policy: what it is attached to, with the tags of the roles that `may_be_ours`; and, if it is anybody's, whose
    /// boundary it is.
    ///
    /// # Errors
    /// If a call fails.
    pub async fn policy_usage(
        &self,
        policy: &ObservedPolicy,
        may_be_ours: impl Fn(&str) -> bool,
    ) -> Result<PolicyUsage, Error> {
        let mut usage = PolicyUsage::default();
        let (users, groups, roles) = self.entities(&policy.arn, PolicyUsageType::PermissionsPolicy).await?;
        (usage.users, usage.groups) = (users, groups);
        for name in roles {
            // Of roles that are called as none of ours is there is nothing to ask, and perhaps no right to.
            let tags = if may_be_ours(&name) { self.role_tags(&name).await? } else { Some(BTreeMap::new()) };
            usage.roles.extend(tags.map(|tags| HolderRole { name, tags }));
        }
        if policy.boundary_count > 0 {
            let (users, _, roles) = self.entities(&policy.arn, PolicyUsageType::PermissionsBoundary).await?;
            let users = users.into_iter().map(|name| format!("user {name}"));
            usage.bounded = users.chain(roles.into_iter().map(|name| format!("role {name}"))).collect();
        }
        Ok(usage)
    }

    /// Names of the users, groups and roles that have the policy in that way.
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html>
    async fn entities(
        &self,
        arn: &str,
        usage: PolicyUsageType,
    ) -> Result<(Vec<String>, Vec<String>, Vec<String>), Error> {
        let request =
            self.iam.list_entities_for_policy().policy_arn(arn).policy_usage_filter(usage).max_items(PAGE_MAX);
        let mut pages = request.into_paginator().send();
        let (mut users, mut groups, mut roles) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| from_sdk("iam:ListEntitiesForPolicy", &error))?;
            users.extend(page.policy_users.unwrap_or_default().into_iter().filter_map(|user| user.user_name));
            groups.extend(page.policy_groups.unwrap_or_default().into_iter().filter_map(|group| group.group_name));
            roles.extend(page.policy_roles.unwrap_or_default().into_iter().filter_map(|role| role.role_name));
        }
        Ok((users, groups, roles))
    }

    /// The tags of a role, or `None` if it is gone.
    async fn role_tags(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, Error> {
        match self.iam.get_role().role_name(name).send().await {
            Ok(answer) => {
                let tags = answer.role.and_then(|role| role.tags).unwrap_or_default();
                Ok(Some(tags.into_iter().map(|tag| (tag.key, tag.value)).collect()))
            }
            Err(error) => match from_sdk("iam:GetRole", &error) {
                error if error.kind == Kind::NotFound => Ok(None),
                error => Err(error),
            },
        }
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>
    pub(super) async fn create_policy(&self, new: &NewPolicy) -> Result<Written, Error> {
        let NewPolicy { name, path, arn, document, description, tags } = new;
        let request = self
            .iam_writes
            .create_policy()
            .policy_name(name)
            .path(path)
            .policy_document(document.to_string())
            .set_description(Some(description.clone()).filter(|description| !description.is_empty()))
            .set_tags(Some(sdk_tags(tags)?));
        let answer = request.send().await.map_err(|error| from_sdk("iam:CreatePolicy", &error))?;
        self.policies.forget(arn);
        let policy = answer.policy;
        let id = policy.as_ref().and_then(|policy| policy.policy_id.clone());
        Ok(Written { id, version: policy.and_then(|policy| policy.default_version_id).unwrap_or_default() })
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html>
    pub(super) async fn create_policy_version(&self, arn: &str, document: &Document) -> Result<Written, Error> {
        let request = self.iam_writes.create_policy_version().policy_arn(arn).set_as_default(true);
        let answer = request.policy_document(document.to_string()).send().await;
        let answer = answer.map_err(|error| from_sdk("iam:CreatePolicyVersion", &error))?;
        let version = answer.policy_version.and_then(|version| version.version_id).unwrap_or_default();
        self.know_version(arn, &version, document).await;
        Ok(Written { id: None, version })
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagPolicy.html>
    pub(super) async fn tag_policy(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), Error> {
        let request = self.iam_writes.tag_policy().policy_arn(arn).set_tags(Some(sdk_tags(tags)?));
        request.send().await.map_err(|error| from_sdk("iam:TagPolicy", &error))?;
        Ok(())
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagPolicy.html>
    pub(super) async fn untag_policy(&self, arn: &str, keys: &[String]) -> Result<(), Error> {
        let answer = self.iam_writes.untag_policy().policy_arn(arn).set_tag_keys(Some(keys.to_vec())).send().await;
        answer.map_err(|error| from_sdk("iam:UntagPolicy", &error))?;
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
        self.policies.forget(arn);
        gone(answer.map_err(|error| from_sdk("iam:DeletePolicy", &error)))
    }
}

fn number(count: Option<i32>) -> usize {
    count.and_then(|count| usize::try_from(count).ok()).unwrap_or_default()
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
