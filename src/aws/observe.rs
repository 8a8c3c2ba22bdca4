//! What IAM holds of a role, and who uses it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::Role;
use aws_sdk_lambda::types::FunctionVersion;
use futures::future::try_join_all;
use percent_encoding::percent_decode_str;

use super::{Aws, Error, Kind, error::from_sdk};
use crate::plan::{ObservedRole, Usage};

/// Longest session of a role where IAM does not say, in seconds.
const DEFAULT_SESSION_SECONDS: i32 = 3600;

impl Aws {
    /// The role called `name`, if there is one: `GetRole`, the two lists, and a read for each inline policy.
    ///
    /// # Errors
    /// If a call fails otherwise than with `NoSuchEntity` for the role itself.
    pub async fn observe(&self, name: &str) -> Result<Option<ObservedRole>, Error> {
        let role = match self.iam.get_role().role_name(name).send().await {
            Ok(answer) => answer.role,
            Err(error) => match from_sdk("iam:GetRole", &error) {
                error if error.kind == Kind::NotFound => None,
                error => return Err(error),
            },
        };
        let Some(role) = role else { return Ok(None) };
        let (managed_policies, inline_policies) =
            futures::try_join!(self.managed_policies(name), self.inline_policies(name))?;
        Ok(Some(observed(role, managed_policies, inline_policies)))
    }

    /// Who still uses a role: instance profiles, and functions of every version in the configured regions.
    ///
    /// # Errors
    /// If a call fails.
    pub async fn usage(&self, role: &ObservedRole, with_functions: bool) -> Result<Usage, Error> {
        let instance_profiles = self.instance_profiles(&role.name).await?;
        let mut functions = Vec::new();
        if with_functions {
            for lambda in &self.lambda {
                functions.extend(functions_of(lambda, &role.arn).await?);
            }
        }
        Ok(Usage { instance_profiles, functions })
    }

    async fn managed_policies(&self, name: &str) -> Result<BTreeSet<String>, Error> {
        let mut pages = self.iam.list_attached_role_policies().role_name(name).into_paginator().send();
        let mut arns = BTreeSet::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| from_sdk("iam:ListAttachedRolePolicies", &error))?;
            arns.extend(page.attached_policies().iter().filter_map(|policy| policy.policy_arn()).map(str::to_owned));
        }
        Ok(arns)
    }

    async fn inline_policies(&self, name: &str) -> Result<BTreeMap<String, String>, Error> {
        let mut pages = self.iam.list_role_policies().role_name(name).into_paginator().send();
        let mut policies = Vec::new();
        while let Some(page) = pages.next().await {
            policies.extend(page.map_err(|error| from_sdk("iam:ListRolePolicies", &error))?.policy_names);
        }
        let documents = try_join_all(policies.into_iter().map(|policy| async move {
            let answer = self.iam.get_role_policy().role_name(name).policy_name(&policy).send().await;
            let answer = answer.map_err(|error| from_sdk("iam:GetRolePolicy", &error))?;
            Ok::<_, Error>((policy, decoded(answer.policy_document())))
        }));
        Ok(documents.await?.into_iter().collect())
    }

    async fn instance_profiles(&self, name: &str) -> Result<Vec<String>, Error> {
        let mut pages = self.iam.list_instance_profiles_for_role().role_name(name).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| from_sdk("iam:ListInstanceProfilesForRole", &error))?;
            names.extend(page.instance_profiles().iter().map(|profile| profile.instance_profile_name().to_owned()));
        }
        Ok(names)
    }
}

/// Functions whose code runs with the role. Each published version has a role of its own, and keeps it.
async fn functions_of(lambda: &aws_sdk_lambda::Client, role_arn: &str) -> Result<Vec<String>, Error> {
    let mut pages = lambda.list_functions().function_version(FunctionVersion::All).into_paginator().send();
    let mut arns = BTreeSet::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| from_sdk("lambda:ListFunctions", &error))?;
        let users = page.functions().iter().filter(|function| function.role() == Some(role_arn));
        arns.extend(users.filter_map(|function| function.function_arn()).map(unlatest));
    }
    Ok(arns.into_iter().collect())
}

/// The function itself rather than its unpublished version.
fn unlatest(arn: &str) -> String {
    arn.strip_suffix(":$LATEST").unwrap_or(arn).to_owned()
}

fn observed(role: Role, managed_policies: BTreeSet<String>, inline_policies: BTreeMap<String, String>) -> ObservedRole {
    let boundary = role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
    ObservedRole {
        trust_policy: decoded(role.assume_role_policy_document.as_deref().unwrap_or_default()),
        name: role.role_name,
        path: role.path,
        arn: role.arn,
        id: role.role_id,
        description: role.description.unwrap_or_default(),
        max_session_seconds: role.max_session_duration.unwrap_or(DEFAULT_SESSION_SECONDS),
        permissions_boundary: boundary,
        tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
        inline_policies,
        managed_policies,
    }
}

/// IAM percent-encodes documents after RFC 3986: a plus is a plus, and no blank.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>
pub(super) fn decoded(document: &str) -> String {
    percent_decode_str(document).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_in_a_document_stays_a_plus() {
        assert_eq!(decoded("%7B%22a%22%3A%22x+y%20z%2B%25%22%7D"), r#"{"a":"x+y z+%"}"#);
    }
}
