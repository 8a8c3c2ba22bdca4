//! Rules of the API that stand in the CRD as CEL and are judged again by the controller: pattern and message of each.
//!
//! The limits are IAM's own: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html> and the
//! `Pattern` and `Length` of the API reference, for example
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>.

/// Longest role name, in characters.
pub const ROLE_NAME_MAX: usize = 64;
/// Longest path of a role, in characters.
pub const PATH_MAX: usize = 512;
/// Longest description of a role, in characters.
pub const DESCRIPTION_MAX: usize = 1000;
/// Most tags that a user may set: IAM allows 50 a role, and three say whose the role is.
pub const TAGS_MAX: usize = 47;
/// Longest tag key, in characters.
pub const TAG_KEY_MAX: usize = 128;
/// Longest tag value, in characters.
pub const TAG_VALUE_MAX: usize = 256;
/// Longest ARN, in characters.
pub const ARN_MAX: usize = 2048;
/// Shortest and longest maximum session duration, in seconds.
pub const SESSION_SECONDS: std::ops::RangeInclusive<i32> = 3600..=43200;
/// Shortest resync interval, in seconds: below it a role costs more IAM requests than it is worth.
pub const RESYNC_SECONDS_MIN: u64 = 30;
/// Longest resync interval, in seconds (one day).
pub const RESYNC_SECONDS_MAX: u64 = 86_400;

/// Message: `roleName` outside IAM's characters.
pub const ROLE_NAME: &str = "a role name consists of letters, digits and +=,.@_- (1 to 64 characters)";
/// Message: `roleName` changed.
pub const ROLE_NAME_IMMUTABLE: &str = "roleName is immutable: IAM cannot rename a role, and functions' KMS grants are tied to it; make a new object instead";
/// Message: `path` without its slashes.
pub const PATH: &str =
    "a path begins and ends with a slash and holds printable ASCII without spaces, for example /lambda/";
/// Message: `path` changed.
pub const PATH_IMMUTABLE: &str =
    "path is immutable: IAM cannot move a role; make a new object with another roleName instead";
/// Message: `description` outside IAM's characters.
pub const DESCRIPTION: &str = "a description consists of Latin-1 characters (tab, line feed, carriage return, U+0020 to U+007E, U+00A1 to U+00FF)";
/// Message: a tag key or value outside IAM's characters.
pub const TAGS: &str = "a tag key has 1 to 128 and a tag value up to 256 letters, digits, spaces and _.:/=+-@";
/// Message: a tag key that is not the user's to set.
pub const TAGS_RESERVED: &str = "tag keys that begin with aws: or lambdaroles.dev/ are reserved";
/// Message: a boundary or attachment that is no managed policy.
pub const POLICY_ARN: &str =
    "must be the ARN of a managed policy, for example arn:aws:iam::123456789012:policy/boundary";
/// Message: both or neither of `aws` and `arn`.
pub const MANAGED_POLICY_ONE: &str = "give exactly one of aws (the name of an AWS managed policy) and arn";
/// Message: a name of an AWS managed policy that cannot be one.
pub const AWS_POLICY_NAME: &str = "must be the name of an AWS managed policy, with its path if it has one, for example service-role/AWSLambdaBasicExecutionRole";
/// Message: one policy twice.
pub const MANAGED_POLICY_TWICE: &str = "each managed policy may be listed once";
/// Message: a sid outside IAM's characters.
pub const SID: &str = "a sid consists of the letters A to Z and a to z and digits";
/// Message: one sid twice.
pub const SID_UNIQUE: &str = "each sid may be used once in a document";
/// Message: both or neither of `actions` and `notActions`.
pub const ACTIONS_ONE: &str = "give exactly one of actions and notActions";
/// Message: both or neither of `resources` and `notResources`.
pub const RESOURCES_ONE: &str = "give exactly one of resources and notResources";
/// Message: an action without its service.
pub const ACTION: &str = "an action is * or service:Action, for example s3:GetObject";
/// Message: a resource that is no ARN.
pub const RESOURCE: &str = "a resource is * or an ARN, for example arn:aws:s3:::bucket/*";
/// Message: an unknown condition operator.
pub const OPERATOR: &str = "unknown condition operator: IAM has String…, Numeric…, Date…, Bool, BinaryEquals, IpAddress, NotIpAddress, Arn… and Null, with ForAllValues: or ForAnyValue: before and IfExists behind";
/// Message: a function ARN with a version or an alias.
pub const FUNCTION_ARN_QUALIFIED: &str = "lambda:SourceFunctionArn never carries a version or an alias, so a qualified function ARN can never match: leave the qualifier out";
/// Message: neither a function ARN nor a function name.
pub const FUNCTION_ARN: &str = "must be an unqualified function ARN or a bare function name; * and ? are wildcards";
/// Message: an operator without the list that it applies to.
pub const FUNCTION_ARN_OPERATOR: &str = "sourceFunctionArnOperator needs sourceFunctionArns";
/// Message: a principal element that names nobody.
pub const PRINCIPALS: &str = "a trust statement names at least one principal (aws, service or federated)";
/// Message: an interval out of range.
pub const RESYNC_INTERVAL: &str = "a resync interval is a duration such as 10m or 1h30m, from 30s to 24h";

/// Regular expression (RE2 and Rust) for role names.
pub const ROLE_NAME_PATTERN: &str = "^[A-Za-z0-9_+=,.@-]+$";
/// Regular expression for paths.
pub const PATH_PATTERN: &str = "^/([!-~]+/)?$";
/// Regular expression for descriptions.
pub const DESCRIPTION_PATTERN: &str = r"^[\t\n\r\x20-\x7E\xA1-\xFF]*$";
/// Regular expression for what a policy document may hold.
pub const DOCUMENT_PATTERN: &str = r"^[\t\n\r\x20-\xFF]*$";
