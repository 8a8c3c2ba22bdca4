//! What is told is held against what IAM would answer.

use proptest::{prelude::*, sample::subsequence};

use super::*;
use crate::{
    catalog::service_call::{self, Scoped},
    policy::{
        evaluate::{Context, Policies, Request, evaluate},
        function::SOURCE_FUNCTION_ARN,
    },
};

const ACTIONS: [&str; 5] = ["s3:GetObject", "s3:PutObject", "s3:Get*", "s3:*", "*"];
const RESOURCES: [&str; 4] = ["arn:aws:s3:::a/x", "arn:aws:s3:::a/*", "arn:aws:s3:::b/*", "*"];
const ASKED: [(&str, &str); 4] = [
    ("s3:GetObject", "arn:aws:s3:::a/x"),
    ("s3:PutObject", "arn:aws:s3:::a/y"),
    ("s3:DeleteObject", "arn:aws:s3:::b/x"),
    ("sqs:SendMessage", QUEUE),
];
const OTHER: &str = "arn:aws:lambda:us-east-1:123456789012:function:other";

/// Statements over so few names that they often take in one another.
fn statements() -> impl Strategy<Value = Vec<Located>> {
    let effect = prop_oneof![4 => Just(Effect::Allow), 1 => Just(Effect::Deny)];
    let actions = subsequence(ACTIONS.to_vec(), 1..=2);
    let resources = subsequence(RESOURCES.to_vec(), 1..=2);
    let functions = subsequence(vec![ORDERS, OTHER], 0..=2);
    let operator =
        prop_oneof![Just("ArnLike"), Just("ArnNotLike"), Just("ArnLikeIfExists"), Just("ForAllValues:ArnEquals")];
    let excludes = prop::bool::weighted(0.2);
    let one = (effect, actions, resources, functions, operator, excludes, excludes);
    let one = one.prop_map(|(effect, actions, resources, functions, operator, but_actions, but_resources)| {
        let mut located = statement(effect, &actions.join(" "), &resources.join(" "));
        if but_actions {
            located = located.all_but_these_actions();
        }
        if but_resources {
            located = located.all_but_these_resources();
        }
        if functions.is_empty() { located } else { located.when(operator, SOURCE_FUNCTION_ARN, &functions.join(" ")) }
    });
    prop::collection::vec(one, 1..6).prop_map(|mut list| {
        locate(&mut list, "spec.statements");
        list
    })
}

fn lint_all(statements: &[Located]) -> Vec<Finding> {
    lint(&Subject { home: HOME, statements, trust: &[], managed_policies: &[], sizes: &[] })
}

/// Whether each of a few requests is allowed, made by a function's code, by another's, and by Lambda itself.
fn answers<'a>(statements: impl IntoIterator<Item = &'a Located>) -> Vec<bool> {
    let document = Document::new(statements.into_iter().map(|located| located.statement.clone()).collect());
    let identity = [document];
    let policies = Policies { identity: &identity, boundary: None, service_control: &[] };
    let contexts = [
        Context::default(),
        Context::default().with(SOURCE_FUNCTION_ARN, ORDERS),
        Context::default().with(SOURCE_FUNCTION_ARN, OTHER),
    ];
    let requests = ASKED.iter().flat_map(|asked| contexts.iter().map(move |context| (asked, context)));
    requests
        .map(|((action, resource), context)| evaluate(&policies, &Request { action, resource, context }).is_allowed())
        .collect()
}

proptest! {
    #[test]
    fn whoever_removes_all_needless_statements_loses_nothing(statements in statements()) {
        let needless = [Code::DuplicateStatement, Code::RedundantStatement, Code::ScopeWithoutEffect, Code::DeniedStatement];
        let findings = lint_all(&statements);
        let is_told = |located: &&Located| {
            findings.iter().any(|finding| needless.contains(&finding.code) && finding.path == located.path)
        };
        let kept: Vec<&Located> = statements.iter().filter(|located| !is_told(located)).collect();
        prop_assert_eq!(answers(&statements), answers(kept));
    }

    #[test]
    fn a_call_of_lambdas_that_only_a_scoped_statement_allows_is_always_told(
        index in any::<prop::sample::Index>(),
        others in statements(),
    ) {
        let calls: Vec<_> = service_call::all().iter().filter(|call| call.scoped == Scoped::Breaks).collect();
        let call = index.get(&calls);
        let resource = call.resource.as_deref().map_or("*".to_owned(), |resource| resource.replace('*', "x"));
        // Beside what Lambda needs with it, without which it would not be Lambda's.
        let actions: Vec<&str> = [Some(&call.action), call.needs.as_ref()].into_iter().flatten().map(String::as_str).collect();
        let scoped = allow(&actions.join(" "), &resource).scoped_to(ORDERS);
        let mut statements = others;
        statements.retain(|located| located.statement.effect == Effect::Allow);
        statements.push(scoped);
        locate(&mut statements, "spec.statements");
        let path = format!("spec.statements[{}].actions[0]", statements.len() - 1);
        let is_told = lint_all(&statements)
            .iter()
            .any(|finding| finding.code == Code::ScopeBreaksServiceCall && finding.path == path);

        let identity = [Document::new(statements.into_iter().map(|located| located.statement).collect())];
        let policies = Policies { identity: &identity, boundary: None, service_control: &[] };
        let context = Context::default();
        let request = Request { action: &call.action, resource: &resource, context: &context };
        // It may be told of a call that several conditions on the function allow together, never the other way round.
        prop_assert!(is_told || evaluate(&policies, &request).is_allowed());
    }
}
