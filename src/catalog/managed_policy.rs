//! AWS managed policies: those that fit an execution role, those that do not, and where they live: some under
//! `service-role/`, some at the root, and a wrong path is a policy that does not exist.
//! <https://docs.aws.amazon.com/lambda/latest/dg/permissions-managed-policies.html>

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, de::Error};

use crate::policy::{Arn, Document};

/// A policy of AWS's that fits an execution role.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedPolicy {
    /// Name.
    pub name: String,
    /// What stands between `policy/` and the name in its ARN: empty, or with a slash at the end.
    pub path: String,
    /// The default version, for example `v3`.
    pub version: String,
    /// When that became the default.
    pub updated: String,
    /// What a role can do with it, as it stands in messages behind "it".
    pub purpose: String,
    /// What it says. ARNs in it name the partition `aws`.
    #[serde(deserialize_with = "document")]
    pub document: Document,
}

/// A policy of AWS's that is attached to execution roles by mistake.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnfitPolicy {
    /// Name.
    pub name: String,
    /// What stands between `policy/` and the name in its ARN: empty, or with a slash at the end.
    pub path: String,
    /// What it is for instead, as it stands in messages behind "is".
    pub purpose: String,
}

/// What is known of AWS's policies, and from where.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedPolicies {
    /// AWS's own list.
    pub source: String,
    /// The package that the data was taken from, with its version.
    pub package: String,
    /// Up to when the package follows AWS.
    pub date: String,
    /// Those that fit, by name.
    pub fit: Vec<ManagedPolicy>,
    /// Those that do not, by name.
    pub unfit: Vec<UnfitPolicy>,
}

static ALL: LazyLock<ManagedPolicies> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the text is compiled in, and a test reads all of it")]
    serde_saphyr::from_str(include_str!("data/managed-policies.yaml")).expect("the embedded file is readable")
});

/// All that are known.
#[must_use]
pub fn all() -> &'static ManagedPolicies {
    &ALL
}

/// The policy of that name that fits an execution role.
#[must_use]
pub fn find(name: &str) -> Option<&'static ManagedPolicy> {
    all().fit.iter().find(|policy| policy.name == name)
}

/// The policy of that name that does not.
#[must_use]
pub fn find_unfit(name: &str) -> Option<&'static UnfitPolicy> {
    all().unfit.iter().find(|policy| policy.name == name)
}

/// The policy of that ARN that fits an execution role. The whole ARN has to be right: a policy of that name elsewhere is
/// another.
#[must_use]
pub fn find_by_arn(arn: &str) -> Option<&'static ManagedPolicy> {
    let parsed = Arn::parse(arn).filter(|arn| arn.account == "aws")?;
    let known = find(parsed.resource.rsplit('/').next()?)?;
    (aws_managed_policy_arn(parsed.partition, &known.name) == arn).then_some(known)
}

/// What a version of the policy of that ARN says, if the catalog holds that very version. Versions are counted, and
/// documents written, in each partition for itself; the catalog's are those of the partition `aws`.
#[must_use]
pub fn document_of_version(arn: &str, version_id: &str) -> Option<&'static Document> {
    let known = find_by_arn(arn).filter(|known| known.version == version_id)?;
    arn.starts_with("arn:aws:").then_some(&known.document)
}

/// Whether the ARN is that of one of AWS's own policies.
#[must_use]
pub fn is_of_aws(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|arn| arn.account == "aws")
}

/// Whether the catalog has a policy of that name, and so its path.
#[must_use]
pub fn is_known(name: &str) -> bool {
    find(name).is_some() || find_unfit(name).is_some()
}

/// Whether the resource of a policy's ARN is one that IAM attaches to service-linked roles alone.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html>
#[must_use]
pub fn is_service_linked(resource: &str) -> bool {
    resource.starts_with("policy/aws-service-role/")
}

/// The ARN, in `partition`, of the AWS managed policy called `name`. A name with a path (`service-role/…`) is taken as
/// it is; a bare name is looked up, and one that is not in the catalog is taken to live at the root.
#[must_use]
pub fn aws_managed_policy_arn(partition: &str, name: &str) -> String {
    let fit = find(name).map(|policy| policy.path.as_str());
    let path = fit.or_else(|| find_unfit(name).map(|policy| policy.path.as_str())).unwrap_or_default();
    format!("arn:{partition}:iam::aws:policy/{path}{name}")
}

fn document<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Document, D::Error> {
    Document::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_data_loads_sorted_and_without_a_name_twice() {
        let ManagedPolicies { source, package, date, fit, unfit } = all();
        assert!(source.starts_with("https://docs.aws.amazon.com/") && package.starts_with("npm "));
        assert_eq!(date.len(), "2026-08-26".len());
        assert_eq!((fit.len(), unfit.len()), (21, 15));
        assert!(fit.is_sorted_by(|a, b| a.name < b.name) && unfit.is_sorted_by(|a, b| a.name < b.name));
        assert!(unfit.iter().all(|policy| find(&policy.name).is_none()));
    }

    #[test]
    fn every_policy_has_a_path_that_makes_an_arn_and_a_document_that_a_role_can_have() {
        let ManagedPolicies { fit, unfit, .. } = all();
        for name in fit.iter().map(|policy| &policy.name).chain(unfit.iter().map(|policy| &policy.name)) {
            let arn = aws_managed_policy_arn("aws", name);
            assert!(Arn::parse(&arn).is_some_and(|arn| arn.is_managed_policy()), "{arn}");
            assert!(!arn["arn:aws:iam::aws:policy/".len()..].starts_with('/'), "{arn}");
        }
        for ManagedPolicy { name, version, updated, purpose, document, .. } in fit {
            assert!(!document.statements.is_empty(), "{name}");
            for statement in &document.statements {
                assert!(statement.resources.is_some() && statement.principal.is_none(), "{name}");
            }
            assert!(version.starts_with('v') && updated.len() == "2026-08-26".len() && !purpose.is_empty(), "{name}");
        }
    }

    #[test]
    fn policies_of_service_linked_roles_are_known_by_their_path() {
        assert!(is_service_linked("policy/aws-service-role/AWSLambdaServiceRolePolicy"));
        assert!(!is_service_linked("policy/service-role/AWSLambdaRole"));
    }

    #[test]
    fn the_document_of_a_version_is_that_of_the_very_arn_version_and_partition() {
        let arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
        let known = find_by_arn(arn).unwrap();
        assert_eq!(known.name, "AWSLambdaBasicExecutionRole");
        assert_eq!(document_of_version(arn, &known.version), Some(&known.document));
        assert_eq!(document_of_version(arn, "v0"), None);
        let elsewhere = arn.replace("arn:aws:", "arn:aws-cn:");
        assert!(find_by_arn(&elsewhere).is_some());
        assert_eq!(document_of_version(&elsewhere, &known.version), None);
        for other in ["service-role/", "aws:"].map(|part| arn.replace(part, "")) {
            assert!(find_by_arn(&other).is_none(), "{other}");
        }
        assert!(find_by_arn(&arn.replace("::aws:", "::123456789012:")).is_none());
    }

    #[test]
    fn the_path_of_a_known_policy_is_looked_up() {
        assert_eq!(
            aws_managed_policy_arn("aws", "AWSLambdaBasicExecutionRole"),
            "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
        );
        assert_eq!(
            aws_managed_policy_arn("aws-cn", "AWSXRayDaemonWriteAccess"),
            "arn:aws-cn:iam::aws:policy/AWSXRayDaemonWriteAccess"
        );
        assert_eq!(
            aws_managed_policy_arn("aws", "SystemAdministrator"),
            "arn:aws:iam::aws:policy/job-function/SystemAdministrator"
        );
    }

    #[test]
    fn a_given_path_is_kept_and_an_unknown_name_lives_at_the_root() {
        assert_eq!(
            aws_managed_policy_arn("aws", "job-function/Billing"),
            "arn:aws:iam::aws:policy/job-function/Billing"
        );
        assert_eq!(
            aws_managed_policy_arn("aws", "AmazonSQSReadOnlyAccess"),
            "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"
        );
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_it_is_for() {
        assert!(find("AWSLambda_FullAccess").is_none());
        assert!(find_unfit("AWSLambda_FullAccess").unwrap().purpose.contains("manage functions"));
        assert!(find_unfit("AWSLambdaBasicExecutionRole").is_none());
        let is_service_linked = |policy: &&UnfitPolicy| policy.path == "aws-service-role/";
        assert_eq!(all().unfit.iter().filter(is_service_linked).count(), 2);
    }
}
