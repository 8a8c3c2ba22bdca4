//! Who may assume the role.

use super::{
    Code, Finding, Located, Report, Severity,
    condition::{Condition, on_functions},
};
use crate::policy::document::{Effect, Principal};

/// Keys that narrow down who makes a request: with one of them, trust in everyone is trust in some.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
const CALLER_KEYS: [&str; 12] = [
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:SourceVpcArn",
    "aws:userid",
    "sts:ExternalId",
];

pub(super) fn check(located: &Located, report: &mut Report) {
    function_key(located, report);
    everyone(located, report);
}

/// Trust policies are evaluated before there is a session that could belong to a function.
/// <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>
fn function_key(located: &Located, report: &mut Report) {
    for condition in on_functions(&located.statement.conditions) {
        let allows_nothing = located.statement.effect == Effect::Allow && condition.needs_the_key();
        let (severity, consequence) = if allows_nothing {
            (Severity::Error, "nobody may assume the role by this statement")
        } else {
            (Severity::Warning, "the comparison decides nothing")
        };
        let message = format!("no request to assume a role carries {}: {consequence}", condition.key);
        let fix = "Scope the statements of the permissions instead, with sourceFunctionArns";
        let path = condition.path(located, None);
        report.add(&located.ignored, Finding::new(severity, Code::FunctionKeyInTrust, path, message, fix));
    }
}

fn everyone(located: &Located, report: &mut Report) {
    let statement = &located.statement;
    if statement.effect != Effect::Allow {
        return;
    }
    let Some(trusted) = statement.principal.as_ref().and_then(Trusted::of) else { return };
    let (severity, message) = match trusted {
        Trusted::Everyone if statement.conditions.is_empty() => {
            (Severity::Error, "lets every AWS account assume the role, and all that the role may do is theirs")
        }
        Trusted::Everyone if !has_caller_key(located) => (
            Severity::Warning,
            "lets every AWS account that meets the conditions assume the role; none of them says whose",
        ),
        Trusted::Provider if statement.conditions.is_empty() => {
            (Severity::Warning, "lets whoever the identity provider knows assume the role, also another customer's")
        }
        Trusted::Everyone | Trusted::Provider => return,
    };
    let fix = match trusted {
        Trusted::Everyone => {
            "Name the principals, or add a condition on aws:PrincipalOrgID, aws:PrincipalArn or sts:ExternalId"
        }
        Trusted::Provider => "Add conditions on the provider's aud and sub keys",
    };
    let path = located.path.clone();
    report.add(&located.ignored, Finding::new(severity, Code::TrustsEveryone, path, message.to_owned(), fix));
}

#[derive(Clone, Copy)]
enum Trusted {
    Everyone,
    Provider,
}

impl Trusted {
    fn of(principal: &Principal) -> Option<Self> {
        match principal {
            Principal::Everyone => Some(Self::Everyone),
            Principal::Listed(kinds) if kinds.get("AWS").is_some_and(|list| list.iter().any(|entry| entry == "*")) => {
                Some(Self::Everyone)
            }
            Principal::Listed(kinds) if kinds.contains_key("Federated") => Some(Self::Provider),
            Principal::Listed(_) => None,
        }
    }
}

fn has_caller_key(located: &Located) -> bool {
    Condition::all(&located.statement.conditions).any(|condition| {
        condition.needs_the_key()
            && !condition.operator.negated
            && !condition.is_null()
            && CALLER_KEYS.iter().any(|key| condition.is_about(key))
    })
}
