//! Whether the policy that `lambdaroles controller-policy` prints allows what a controller did.
//!
//! Each recorded call becomes the requests that IAM judges: action, resource and context, as AWS's table has them:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>.

use std::collections::BTreeMap;

use lambdaroles::{
    api::LambdaRoleClassSpec,
    plan::controller_policy::{Identity, identity_policy},
    policy::{
        Document,
        evaluate::{Context, Policies, Request, evaluate},
    },
};

use super::proxy::Call;

/// A role as IAM held it when a request to change it arrived: what the request itself does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleBefore {
    /// With its path, which no parameter names.
    pub arn: String,
    pub boundary: Option<String>,
    pub tags: BTreeMap<String, String>,
}

impl RoleBefore {
    /// Reads the emulator's answer to `GetRole`; `None` if there is no such role.
    pub fn parse(xml: &str) -> Option<Self> {
        Some(Self { arn: element(xml, "Arn")?, boundary: element(xml, "PermissionsBoundaryArn"), tags: tags_in(xml) })
    }
}

fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once("</")?;
    let characters = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    Some(characters.iter().fold(text.to_owned(), |text, (written, meant)| text.replace(written, meant)))
}

/// A managed policy as IAM held it when a request to change it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyBefore {
    pub tags: BTreeMap<String, String>,
}

impl PolicyBefore {
    /// Reads the emulator's answer to `GetPolicy`; `None` if there is no such policy.
    pub fn parse(xml: &str) -> Option<Self> {
        element(xml, "Arn")?;
        Some(Self { tags: tags_in(xml) })
    }
}

fn tags_in(xml: &str) -> BTreeMap<String, String> {
    let (_, tags) = xml.split_once("<Tags>").unwrap_or_default();
    let tags = tags.split("<member>").skip(1);
    tags.filter_map(|tag| Some((element(tag, "Key")?, element(tag, "Value")?))).collect()
}

/// What IAM is asked about a call.
#[derive(Debug)]
struct Asked {
    action: String,
    resource: String,
    context: Context,
}

/// The policy of a controller that makes the roles of `class` with its own credentials.
pub fn policy_of(class: &LambdaRoleClassSpec, cluster: &str) -> Document {
    let classes = [("class", class)];
    identity_policy(&Identity { cluster, classes: &classes, next: &[], untouchable: &[] }).unwrap()
}

/// The policy of a controller that makes no role with its own credentials, and assumes those.
pub fn policy_of_hub(cluster: &str, next: &[&str]) -> Document {
    identity_policy(&Identity { cluster, classes: &[], next, untouchable: &[] }).unwrap()
}

/// Fails unless `policy` allows every one of the calls, made in `account`.
///
/// # Panics
/// If it does not, with each call that is denied, what IAM was asked, and its verdict.
pub fn assert_allowed(calls: &[Call], account: &str, policy: &Document) {
    let denied = denied(calls, account, policy);
    assert!(
        denied.is_empty(),
        "of {} calls of the controller its own policy does not allow:\n{}\nThe policy is {policy}",
        calls.len(),
        denied.join("\n"),
    );
}

/// What of the calls `policy` does not allow, a paragraph each.
pub fn denied(calls: &[Call], account: &str, policy: &Document) -> Vec<String> {
    let policies = Policies { identity: std::slice::from_ref(policy), ..Policies::default() };
    let mut denied = Vec::new();
    for call in calls {
        for Asked { action, resource, context } in asked(call, account) {
            let verdict = evaluate(&policies, &Request { action: &action, resource: &resource, context: &context });
            if !verdict.is_allowed() {
                denied.push(format!(
                    "{} {:?}\n  asks for {action} on {resource}\n  with {context:?}\n  verdict: {verdict:?}",
                    call.operation, call.parameters
                ));
            }
        }
    }
    denied
}

fn asked(call: &Call, account: &str) -> Vec<Asked> {
    let parameter = |name: &str| call.parameters.get(name).cloned().unwrap_or_default();
    let one = |action: &str, resource: &str| {
        vec![Asked { action: action.to_owned(), resource: resource.to_owned(), context: Context::default() }]
    };
    let operation = call.operation.as_str();
    match operation {
        // Anybody may ask who they are; a token of a service account is judged by the trust policy alone.
        "GetCallerIdentity" | "AssumeRoleWithWebIdentity" => Vec::new(),
        "ListFunctions" => one("lambda:ListFunctions", "*"),
        "GetAccountSummary" => one("iam:GetAccountSummary", "*"),
        "GetPolicy" | "GetPolicyVersion" | "ListPolicyVersions" | "ListEntitiesForPolicy" => {
            one(&format!("iam:{operation}"), &parameter("PolicyArn"))
        }
        "AssumeRole" => {
            let mut asked = one("sts:AssumeRole", &parameter("RoleArn"));
            if !tags_of(call).is_empty() {
                asked.extend(one("sts:TagSession", &parameter("RoleArn")));
            }
            asked
        }
        "CreateRole" => creating(call, account),
        "CreatePolicy" => creating_policy(call, account),
        _ if is_about_policy(call) => changing_policy(call),
        // The role has one path or, if it does not exist, none: both must do.
        _ if is_read(operation) => ["", "some/path/"]
            .iter()
            .flat_map(|path| {
                let arn = format!("arn:aws:iam::{account}:role/{path}{}", parameter("RoleName"));
                one(&format!("iam:{operation}"), &arn)
            })
            .collect(),
        _ => changing(call),
    }
}

/// Whether an operation of IAM changes nothing.
pub fn is_read(operation: &str) -> bool {
    ["Get", "List"].iter().any(|verb| operation.starts_with(verb))
}

/// To set tags at once takes the right to set tags.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_roles.html>
fn creating(call: &Call, account: &str) -> Vec<Asked> {
    let parameter = |name: &str| call.parameters.get(name).map(String::as_str);
    let path = parameter("Path").unwrap_or("/");
    let resource = format!("arn:aws:iam::{account}:role{path}{}", parameter("RoleName").unwrap_or_default());
    let tagged = tagging(Context::default(), call);
    let bound = parameter("PermissionsBoundary").map(|arn| tagged.clone().with("iam:PermissionsBoundary", arn));
    let create = Asked {
        action: "iam:CreateRole".to_owned(),
        resource: resource.clone(),
        context: bound.unwrap_or_else(|| tagged.clone()),
    };
    let tag = Asked { action: "iam:TagRole".to_owned(), resource, context: tagged };
    if tags_of(call).is_empty() { vec![create] } else { vec![create, tag] }
}

/// The same of a managed policy.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_customer-managed-policies.html>
fn creating_policy(call: &Call, account: &str) -> Vec<Asked> {
    let parameter = |name: &str| call.parameters.get(name).map(String::as_str);
    let (path, name) = (parameter("Path").unwrap_or("/"), parameter("PolicyName").unwrap_or_default());
    let resource = format!("arn:aws:iam::{account}:policy{path}{name}");
    let context = tagging(Context::default(), call);
    let asked =
        |action: &str| Asked { action: action.to_owned(), resource: resource.clone(), context: context.clone() };
    if tags_of(call).is_empty() {
        vec![asked("iam:CreatePolicy")]
    } else {
        vec![asked("iam:CreatePolicy"), asked("iam:TagPolicy")]
    }
}

/// Whether a call changes a managed policy itself, and no role that has it.
pub fn is_about_policy(call: &Call) -> bool {
    call.parameters.contains_key("PolicyArn") && !call.parameters.contains_key("RoleName")
}

/// As with roles, a call about a policy that is gone is not judged.
fn changing_policy(call: &Call) -> Vec<Asked> {
    let Some(policy) = &call.policy else { return Vec::new() };
    let mut context = tagging(Context::default(), call);
    for (key, value) in &policy.tags {
        context = context.with(&format!("aws:ResourceTag/{key}"), value);
    }
    let resource = call.parameters.get("PolicyArn").cloned().unwrap_or_default();
    vec![Asked { action: format!("iam:{}", call.operation), resource, context }]
}

/// A call about a role that is gone is not judged: there are no tags to judge it by, whatever AWS answers changes nothing,
/// and the next look finds the role gone.
fn changing(call: &Call) -> Vec<Asked> {
    let Some(role) = &call.role else { return Vec::new() };
    let mut context = tagging(Context::default(), call);
    for (key, value) in &role.tags {
        context = context.with(&format!("aws:ResourceTag/{key}"), value);
    }
    let boundary = match call.operation.as_str() {
        "TagRole" | "UntagRole" => None,
        "PutRolePermissionsBoundary" => call.parameters.get("PermissionsBoundary"),
        _ => role.boundary.as_ref(),
    };
    if let Some(arn) = boundary {
        context = context.with("iam:PermissionsBoundary", arn);
    }
    if let Some(arn) = call.parameters.get("PolicyArn") {
        context = context.with("iam:PolicyARN", arn);
    }
    vec![Asked { action: format!("iam:{}", call.operation), resource: role.arn.clone(), context }]
}

/// The tags, or the keys of tags, that a call names.
fn tagging(mut context: Context, call: &Call) -> Context {
    let tags = tags_of(call);
    for (key, value) in &tags {
        context = context.with(&format!("aws:RequestTag/{key}"), *value);
    }
    let removed = call.parameters.iter().filter(|(name, _)| name.starts_with("TagKeys.member.")).map(|(_, key)| key);
    context.with_many("aws:TagKeys", tags.keys().copied().chain(removed.map(String::as_str)))
}

fn tags_of(call: &Call) -> BTreeMap<&str, &str> {
    let keys = call.parameters.iter().filter_map(|(name, key)| Some((name.strip_suffix(".Key")?, key)));
    let tags = keys.filter(|(name, _)| name.starts_with("Tags.member."));
    let value = |name: &str| call.parameters.get(&format!("{name}.Value")).map_or("", String::as_str);
    tags.map(|(name, key)| (key.as_str(), value(name))).collect()
}
