//! Proof by evaluation: what a spec comes to allows whom it names, and nobody else.

mod merging;
mod scope;
mod templates;

use super::{account, desired, owner, spec};
use crate::{
    catalog::managed_policy,
    plan::DesiredRole,
    policy::{
        Document, Statement,
        document::Matching,
        evaluate::{Context, Policies, Request, Verdict, evaluate},
        function::SOURCE_FUNCTION_ARN,
    },
};

const ORDERS: &str = "arn:aws:lambda:eu-west-1:111122223333:function:orders";
const OTHER: &str = "arn:aws:lambda:eu-west-1:111122223333:function:other";

/// What is answered, without the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Allowed,
    Denied,
    Nothing,
}

fn answer(documents: &[Document], action: &str, resource: &str, context: &Context) -> Answer {
    let policies = Policies { identity: documents, ..Policies::default() };
    match evaluate(&policies, &Request { action, resource, context }) {
        Verdict::Allowed(_) => Answer::Allowed,
        Verdict::ExplicitDeny(_) => Answer::Denied,
        Verdict::ImplicitDeny(_) => Answer::Nothing,
    }
}

/// All documents of the role: its own and those of AWS.
fn documents(role: &DesiredRole) -> Vec<Document> {
    let of_aws = role.managed_policies.iter().map(|arn| {
        let name = arn.rsplit('/').next().unwrap();
        managed_policy::find(name).unwrap_or_else(|| panic!("{arn}")).document.clone()
    });
    role.inline_policies.values().cloned().chain(of_aws).collect()
}

/// The request of a function's code, or of Lambda itself, which carries no function's ARN.
fn called_by(context: Context, function: Option<&str>) -> Context {
    context.with_many(SOURCE_FUNCTION_ARN, function)
}

fn entries(matching: &Matching) -> &[String] {
    match matching {
        Matching::In(list) | Matching::NotIn(list) => list,
    }
}

/// What a pattern stands for, as an example.
fn example(pattern: &str) -> String {
    pattern.replace('*', "x").replace('?', "y")
}

/// Examples of the resources that a statement names; `*` is one itself.
fn resources(statement: &Statement) -> Vec<String> {
    let named = statement.resources.iter().flat_map(entries);
    named.map(|pattern| if pattern == "*" { pattern.clone() } else { example(pattern) }).collect()
}
