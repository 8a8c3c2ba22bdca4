//! Rules of the API that stand in the CRD (as CEL, or as bounds in the schema) and are judged again by the controller:
//! the limits and the message of each. The two judges word a fault alike.
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
/// Most tags that a user may set on a managed policy: four say whose it is.
pub const POLICY_TAGS_MAX: usize = 46;
/// Longest tag key, in characters.
pub const TAG_KEY_MAX: usize = 128;
/// Longest tag value, in characters.
pub const TAG_VALUE_MAX: usize = 256;
/// Shortest ARN, in characters.
pub const ARN_MIN: usize = 20;
/// Longest ARN, in characters.
pub const ARN_MAX: usize = 2048;
/// Longest principal, in characters: the longest ARN of a role (path and name take 576), and room.
pub const PRINCIPAL_MAX: usize = 1024;
/// Longest function ARN, in characters: Lambda's own limit for a function's name or ARN.
pub const FUNCTION_ARN_MAX: usize = 140;
/// Most functions that one scope may name.
pub const FUNCTIONS_MAX: usize = 50;
/// Longest name of an AWS managed policy with its path, in characters.
pub const AWS_POLICY_NAME_MAX: usize = 512;
/// Longest sid, in characters.
pub const SID_MAX: usize = 128;
/// Shortest maximum session duration, in seconds.
pub const SESSION_SECONDS_MIN: i32 = 3600;
/// Longest maximum session duration, in seconds.
pub const SESSION_SECONDS_MAX: i32 = 43_200;
/// Shortest resync interval, in seconds: below it a role costs more IAM requests than it is worth.
pub const RESYNC_SECONDS_MIN: u64 = 30;
/// Longest resync interval, in seconds (one day).
pub const RESYNC_SECONDS_MAX: u64 = 86_400;

/// Longest name of an inline policy, in characters.
pub const POLICY_NAME_MAX: usize = 128;

/// Longest name of an object, in characters.
pub const OBJECT_NAME_MAX: usize = 253;
/// Longest name of a namespace, in characters.
pub const NAMESPACE_MAX: usize = 63;
/// Longest name of a class, in characters: that of any object.
pub const CLASS_NAME_MAX: usize = OBJECT_NAME_MAX;
/// Longest window after a change in which a role is not ready, in seconds.
pub const SETTLE_SECONDS_MAX: u64 = 3600;

/// What a policy document may hold, as the CRD says it.
pub const DOCUMENT_PATTERN: &str = r"^[\t\n\r\x20-\xFF]*$";
/// What a principal may hold, as the CRD says it.
pub const PRINCIPAL_PATTERN: &str = r"^[\x21-\x7E]+$";

/// Message: `roleName` outside IAM's characters.
pub const ROLE_NAME: &str = "a role name consists of letters, digits and +=,.@_- (1 to 64 characters)";
/// Message: `roleName` changed.
pub const ROLE_NAME_IMMUTABLE: &str = "roleName is immutable: IAM cannot rename a role, and functions' KMS grants are tied to it; make a new object instead";
/// Message: `path` without its slashes.
pub const PATH: &str = "a path begins and ends with a slash and holds printable ASCII without spaces (1 to 512 characters), for example /lambda/";
/// Message: `path` that no managed policy can have.
pub const POLICY_PATH: &str = "the statements need managed policies, whose paths hold letters, digits and .,+@=_- between slashes only: make a new object with such a path, or set overflow to Refuse and ask for less";
/// Message: `path` changed.
pub const PATH_IMMUTABLE: &str =
    "path is immutable: IAM cannot move a role; make a new object with another roleName instead";
/// Message: `description` outside IAM's characters.
pub const DESCRIPTION: &str = "a description consists of up to 1000 Latin-1 characters (tab, line feed, carriage return, U+0020 to U+007E, U+00A1 to U+00FF)";
/// Message: a tag key or value outside IAM's characters.
pub const TAGS: &str = "a tag key has 1 to 128 and a tag value up to 256 letters, digits, spaces and _.:/=+-@";
/// Message: a tag key or value that is not the user's to set.
pub const TAGS_RESERVED: &str =
    "tag keys that begin with aws: or lambdaroles.dev/ are reserved, and so are tag values that begin with aws:";
/// Message: keys that IAM takes for one.
pub const TAGS_CASE: &str = "tag keys that differ only in case are one and the same to IAM";
/// Message: a boundary or attachment that is no managed policy.
pub const POLICY_ARN: &str =
    "must be the ARN of a managed policy, for example arn:aws:iam::123456789012:policy/boundary";
/// Message: none or several of `aws`, `arn` and `ref`.
pub const MANAGED_POLICY_ONE: &str =
    "give exactly one of aws (the name of an AWS managed policy), arn and ref (a LambdaManagedPolicy)";
/// Message: what can be no object's name.
pub const OBJECT_NAME: &str = "must be the name of an object: lower-case letters, digits, - and .";
/// Message: what can be no namespace's name.
pub const OBJECT_NAMESPACE: &str = "must be the name of a namespace: lower-case letters, digits and -";
/// Message: `policyName` outside IAM's characters.
pub const MANAGED_POLICY_NAME: &str =
    "the name of a managed policy consists of letters, digits and +=,.@_- (1 to 128 characters)";
/// Message: `policyName` changed.
pub const MANAGED_POLICY_NAME_IMMUTABLE: &str =
    "policyName is immutable: IAM cannot rename a policy; make a new object instead";
/// Message: `path` of a managed policy outside IAM's characters.
pub const MANAGED_POLICY_PATH: &str = "the path of a managed policy begins and ends with a slash and holds letters, digits and +=,.@_- between slashes, for example /lambda/";
/// Message: `path` of a managed policy changed.
pub const MANAGED_POLICY_PATH_IMMUTABLE: &str =
    "path is immutable: IAM cannot move a policy; make a new object with another policyName instead";
/// Message: `description` of a managed policy outside IAM's characters.
pub const MANAGED_POLICY_DESCRIPTION: &str = "the description of a managed policy consists of up to 1000 printable Latin-1 characters (U+0020 to U+007E, U+00A1 to U+00FF)";
/// Message: `description` of a managed policy changed.
pub const MANAGED_POLICY_DESCRIPTION_IMMUTABLE: &str =
    "description is immutable: IAM cannot change that of a managed policy; make a new object instead";
/// Message: a managed policy without statements.
pub const STATEMENTS_REQUIRED: &str = "give at least one statement";
/// Message: `roleRef` changed.
pub const ROLE_REF_IMMUTABLE: &str = "roleRef is immutable: make a new grant for another role";
/// Message: a grant that is not for its functions alone.
pub const GRANT_SCOPE: &str = "what a grant adds holds for the functions that it names, and for no other: sourceFunctionArns cannot be empty, and sourceFunctionArnOperator is ArnEquals or ArnLike";
/// Message: a function of a grant that is not named.
pub const GRANT_FUNCTION: &str = "a grant names its functions: the function's name must hold more than wildcards";
/// Message: a selector where it does not belong, or none where it does.
pub const GRANTS_SELECTOR: &str = "selector belongs to from: Selector, and to nothing else";
/// Most characters of all inline policies of a role together.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const INLINE_CHARACTERS_MAX: i64 = 10_240;
/// Message: a name that is that of a role's own policy.
pub const POLICY_NAME_OF_OVERFLOW: &str = "must not end in + and a number: so are called the policies that hold what a role's inline policies have no room for";
/// Message: a limit for the grants of a namespace that is none.
pub const GRANTS_MAX_CHARACTERS: &str =
    "must be from 1 to 10240, the characters that IAM allows the inline policies of a role";
/// Message: a name of an AWS managed policy that cannot be one.
pub const AWS_POLICY_NAME: &str = "must be the name of an AWS managed policy, with its path if it has one, for example service-role/AWSLambdaBasicExecutionRole";
/// Message: one policy twice.
pub const MANAGED_POLICY_TWICE: &str = "each managed policy may be listed once";
/// Message: a sid outside IAM's characters.
pub const SID: &str = "a sid consists of the letters A to Z and a to z and digits (1 to 128 characters)";
/// Message: one sid twice.
pub const SID_UNIQUE: &str = "each sid may be used once in a document";
/// Message: both or neither of `actions` and `notActions`.
pub const ACTIONS_ONE: &str = "give exactly one of actions and notActions";
/// Message: both or neither of `resources` and `notResources`.
pub const RESOURCES_ONE: &str = "give exactly one of resources and notResources";
/// Message: an action without its service.
pub const ACTION: &str = "an action is * or service:Action, for example s3:GetObject";
/// Message: an action that no trust policy knows.
pub const TRUST_ACTION: &str = "a trust statement is about sts: actions, for example sts:AssumeRole";
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
/// Message: an AWS principal that is none.
pub const AWS_PRINCIPAL: &str =
    "must be *, an account id or the ARN of a role, a user or an account, in which IAM takes no wildcards";
/// Message: a service principal that is none.
pub const SERVICE_PRINCIPAL: &str = "must be a service principal such as scheduler.amazonaws.com";
/// Message: an identity provider that is none.
pub const FEDERATED_PRINCIPAL: &str = "must be the ARN or the name of an identity provider";
/// Message: an interval out of range.
pub const RESYNC_INTERVAL: &str = "a resync interval is a duration such as 10m or 1h30m, from 30s to 24h";
/// Message: what is no ARN.
pub const ARN: &str = "must be an ARN";
/// Message: a field of another feature.
pub const FEATURE_FIELDS: &str = "logGroups belongs to Logging, denyFromCode to VpcAccess, accessPoints to S3ObjectLambda, fileSystemArn, accessPointArn and readOnly to EfsMount, and functions to DurableExecution";
/// Message: `EfsMount` without a file system.
pub const FEATURE_FILE_SYSTEM: &str = "EfsMount needs fileSystemArn";
/// Message: no event source, or several in one entry.
pub const EVENT_SOURCE_ONE: &str =
    "give exactly one of dynamodb, kinesis, sqs, msk, selfManagedKafka, mq and documentDb";
/// Message: an authentication without what it needs.
pub const MSK_SECRET: &str = "is required, as authentication is Scram or MutualTls";
/// Message: no destination, or several in one entry.
pub const DESTINATION_ONE: &str =
    "give exactly one of sqs, sns, s3, lambda, eventBridge, kafka, deadLetterSqs and deadLetterSns";
/// Message: a name of an inline policy outside IAM's characters, or the controller's own.
pub const INLINE_POLICY_NAME: &str = "the name of an inline policy consists of letters, digits and +=,.@_- (1 to 128 characters) and is neither lambdaroles, the policy that holds the role's own statements, nor begins with lambdaroles+, as those of grants do";
/// Message: one inline policy twice.
pub const INLINE_POLICY_TWICE: &str = "each inline policy may be listed once";
/// Message: a document that is neither object nor text.
pub const DOCUMENT: &str = "must be a policy document, as an object or as JSON text";
/// Message: what is no code of a finding.
pub const FINDING_CODE: &str = "must be the code of a finding, for example DualUseAction";
/// Message: a class name that no object can have.
pub const CLASS_NAME: &str = "must be the name of a LambdaRoleClass: lower-case letters, digits, - and .";
/// Message: `className` changed.
pub const CLASS_NAME_IMMUTABLE: &str = "className is immutable: the class says in which account the role is, and a role cannot move; make a new object instead";
/// Most names of ConfigMaps that a status remembers beside the one that is exported to. Each is one that could not be removed.
pub const PREVIOUS_EXPORTS_MAX: usize = 16;
/// Longest key of a ConfigMap, in characters.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/#configmap-object>
pub const CONFIG_MAP_KEY_MAX: usize = 253;
/// Message: what can be no ConfigMap's name.
pub const CONFIG_MAP_NAME: &str = "must be the name of a ConfigMap: parts of lower-case letters, digits and -, each begun and ended by a letter or digit, with dots between";
/// Message: what can be no key of a ConfigMap.
pub const CONFIG_MAP_KEY: &str =
    "must be a key of a ConfigMap: 1 to 253 letters, digits and ._-, not . alone and not begun by ..";
/// Message: `keys` that lists none.
pub const EXPORT_KEYS_NONE: &str =
    "give at least one of roleArn, roleName, roleId and accountId, or leave keys out for all of them";
/// Message: one key twice.
pub const EXPORT_KEY_TWICE: &str = "each key may be used once";
/// Message: what is no account id.
pub const ACCOUNT_ID: &str = "an account id has twelve digits; write it in quotes";
/// Message: the account of a class changed.
pub const CLASS_ACCOUNT_IMMUTABLE: &str =
    "the account of a class is immutable: its roles cannot move; make a new class instead";
/// Message: the naming of a class changed.
pub const CLASS_NAMING_IMMUTABLE: &str = "naming.roleName, naming.policyName and naming.path are immutable: IAM cannot rename or move a role or a policy; make a new class instead";
/// Message: what is no partition.
pub const PARTITION: &str = "must be a partition such as aws, aws-cn or aws-us-gov";
/// Message: what is no region.
pub const REGION: &str = "must be a region such as us-east-1";
/// Message: what is no role's ARN.
pub const ROLE_ARN: &str = "must be the ARN of a role, for example arn:aws:iam::123456789012:role/lambdaroles";
/// Message: an external id outside IAM's characters.
pub const EXTERNAL_ID: &str = "an external id has 2 to 1224 letters, digits and _+=,.@:/-";
/// Message: a session name outside IAM's characters.
pub const SESSION_NAME: &str = "a session name has 2 to 64 letters, digits and _+=,.@-";
/// Message: an endpoint that is no URL.
pub const ENDPOINT_URL: &str = "must be a URL that begins with http:// or https://";
/// Message: a template that makes no role name.
pub const ROLE_NAME_TEMPLATE: &str =
    "a template of role names consists of letters, digits, +=,.@_- and placeholders such as $(namespace)";
/// Message: a template that makes no name of a managed policy.
pub const POLICY_NAME_TEMPLATE: &str =
    "a template of policy names consists of letters, digits, +=,.@_- and placeholders such as $(namespace)";
/// Message: a rule about boundaries that says nothing.
pub const BOUNDARY_RULE: &str = "give arn, allowed or both";
/// Message: a rule about permissions that says nothing.
pub const PERMISSION_RULE: &str = "give actions, resources or both";
/// Message: a pattern of actions that matches none.
pub const ACTION_PATTERN: &str = "a pattern of actions is * or service:Action, for example s3:Get*";
/// Message: a settle window out of range.
pub const SETTLE_WINDOW: &str = "a settle window is a duration such as 15s or 1m, up to 1h";
/// Message: a namespace name that no namespace can have.
pub const NAMESPACE_NAME: &str =
    "a namespace's name consists of lower-case letters, digits and -; * and ? are wildcards";
/// Message: a requirement of a label selector whose values do not fit its operator.
pub const SELECTOR: &str = "In and NotIn need values, Exists and DoesNotExist take none";
