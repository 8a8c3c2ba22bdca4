//! Which calls Lambda itself makes with an execution role, and what a scope by `lambda:SourceFunctionArn` does to them.
//! The data says where each is documented.

use std::sync::LazyLock;

use serde::Deserialize;

use super::service_reference;
use crate::policy::{ActionPattern, Pattern};

const DATA: &str = include_str!("data/service-calls.yaml");

#[expect(clippy::expect_used, reason = "the text is compiled in, and a test reads it")]
static CALLS: LazyLock<Vec<ServiceCall>> = LazyLock::new(|| parse().expect("the calls of Lambda are readable"));

/// Whether a request carries `lambda:SourceFunctionArn`.
/// <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum FunctionKey {
    /// AWS says that it does not.
    Absent,
    /// AWS says that it does.
    Present,
    /// AWS says nothing.
    Undocumented,
}

/// What a scope by function does to a call of Lambda's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Scoped {
    /// The call fails.
    Breaks,
    /// It works by what AWS documents today, or AWS does not say.
    Doubtful,
    /// It breaks the call where Lambda makes it, and is right where function code does: only the target tells which.
    DualUse,
}

/// A call that Lambda makes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCall {
    /// `service:Action`.
    pub action: String,
    /// What for: "to poll a queue".
    pub purpose: String,
    /// Whether the request carries the function's ARN.
    pub key: FunctionKey,
    /// What a scope by function does to it.
    pub scoped: Scoped,
    /// Where a spec declares such calls: "list the queue under spec.eventSources".
    pub declare: String,
    /// Where AWS documents that Lambda makes it: a page of Lambda's developer guide.
    pub source: String,
    /// Names of the AWS managed policies that allow what Lambda needs for the same, on every resource.
    pub managed_policies: Vec<String>,
    /// Function code hardly ever makes the call.
    pub only_lambda: bool,
    /// The resources that Lambda makes it on, where the action has others; `None` if any may be.
    pub resource: Option<String>,
    /// Another action without which the call is of no use to Lambda.
    pub needs: Option<String>,
    /// Lambda has no use for it on less than every resource, though IAM can limit it.
    pub everywhere: bool,
}

impl ServiceCall {
    /// Whether an action of a policy takes the call in.
    #[must_use]
    pub fn is_matched_by(&self, action: &ActionPattern) -> bool {
        action.matches(&self.action)
    }

    /// Whether a resource of a policy takes in any that Lambda may make the call on. Without resource-level permissions
    /// that is `*` alone.
    #[must_use]
    pub fn may_be_made_on(&self, resource: &Pattern) -> bool {
        match &self.resource {
            Some(own) => resource.intersects(&Pattern::new(own)),
            None => self.has_resources() || resource.matches("*"),
        }
    }

    fn has_resources(&self) -> bool {
        let action = self.action.split_once(':').and_then(|(service, name)| service_reference::action(service, name));
        action.is_none_or(|action| action.resource_level)
    }
}

/// All of them.
#[must_use]
pub fn all() -> &'static [ServiceCall] {
    &CALLS
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    r#for: String,
    key: FunctionKey,
    scoped: Scoped,
    declare: String,
    source: String,
    #[serde(default)]
    attach: Vec<String>,
    calls: Vec<Call>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Call {
    action: String,
    #[serde(default)]
    only_lambda: bool,
    resource: Option<String>,
    needs: Option<String>,
    #[serde(default)]
    everywhere: bool,
}

fn parse() -> Result<Vec<ServiceCall>, serde_saphyr::Error> {
    let families: Vec<Family> = serde_saphyr::from_str(DATA)?;
    Ok(families.into_iter().flat_map(Family::into_calls).collect())
}

impl Family {
    fn into_calls(self) -> impl Iterator<Item = ServiceCall> {
        let Self { r#for, key, scoped, declare, source, attach, calls } = self;
        calls.into_iter().map(move |Call { action, only_lambda, resource, needs, everywhere }| ServiceCall {
            action,
            purpose: r#for.clone(),
            key,
            scoped,
            declare: declare.clone(),
            source: source.clone(),
            managed_policies: attach.clone(),
            only_lambda,
            resource,
            needs,
            everywhere,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_data_is_read_and_names_actions_that_exist_once_each() {
        let calls = parse().unwrap();
        assert!(calls.len() > 50);
        let mut actions: Vec<&str> = calls.iter().map(|call| call.action.as_str()).collect();
        let needed = calls.iter().filter_map(|call| call.needs.as_deref());
        for action in actions.iter().copied().chain(needed) {
            let (service, name) = action.split_once(':').unwrap();
            assert!(service_reference::action(service, name).is_some_and(|known| known.name == name), "{action}");
        }
        actions.sort_unstable();
        assert!(actions.windows(2).all(|pair| pair[0] != pair[1]), "{actions:?}");
        for call in &calls {
            assert!(call.source.contains(".html") && !call.purpose.is_empty() && !call.declare.is_empty(), "{call:?}");
        }
    }

    #[test]
    fn a_scope_never_breaks_a_call_that_carries_the_key() {
        for call in all() {
            assert!(call.key != FunctionKey::Present || call.scoped == Scoped::Doubtful, "{}", call.action);
        }
    }

    #[rstest]
    #[case("dynamodb:GetRecords", "arn:aws:dynamodb:us-east-1:123456789012:table/orders", false)]
    #[case("dynamodb:GetRecords", "arn:aws:dynamodb:us-east-1:123456789012:table/orders*", true)]
    #[case("dynamodb:GetRecords", "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/*", true)]
    #[case("ec2:DescribeSubnets", "arn:aws:ec2:us-east-1:123456789012:subnet/*", false)]
    #[case("ec2:DescribeSubnets", "*", true)]
    #[case("sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:123456789012:orders", true)]
    fn a_call_is_made_on_what_lambda_makes_it_on(#[case] action: &str, #[case] resource: &str, #[case] expected: bool) {
        let call = all().iter().find(|call| call.action == action).unwrap();
        assert_eq!(call.may_be_made_on(&Pattern::new(resource)), expected);
    }
}
