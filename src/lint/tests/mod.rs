//! A case for each finding, and a near miss for each.

mod breadth;
mod function_key;
mod repetition;
mod scope;
mod soundness;
mod trust;
mod vocabulary;
mod whole;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::policy::{
    Document, Statement,
    document::{Effect, Matching, Principal},
};

const HOME: Home<'_> = Home { partition: "aws", region: "us-east-1", account: "123456789012" };
const ORDERS: &str = "arn:aws:lambda:us-east-1:123456789012:function:orders";
const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:orders";

/// A statement of a manifest. Several actions or resources are divided by blanks.
fn statement(effect: Effect, actions: &str, resources: &str) -> Located {
    let list = |text: &str| Matching::In(text.split(' ').map(str::to_owned).collect());
    Located {
        path: String::new(),
        spelling: Spelling::Manifest,
        source: Source::Written,
        scope: None,
        statement: Statement {
            sid: None,
            effect,
            principal: None,
            not_principal: None,
            actions: list(actions),
            resources: Some(list(resources)),
            conditions: BTreeMap::new(),
        },
        ignored: BTreeSet::new(),
    }
}

fn allow(actions: &str, resources: &str) -> Located {
    statement(Effect::Allow, actions, resources)
}

fn deny(actions: &str, resources: &str) -> Located {
    statement(Effect::Deny, actions, resources)
}

/// A statement of a trust policy.
fn trust(principal: Principal) -> Located {
    let mut located = allow("sts:AssumeRole", "*");
    located.statement.principal = Some(principal);
    located.statement.resources = None;
    located
}

impl Located {
    /// With `sourceFunctionArns`.
    fn scoped_to(mut self, functions: &str) -> Self {
        self = self.when("ArnLike", "lambda:SourceFunctionArn", functions);
        self.scope = Some("sourceFunctionArns".to_owned());
        self
    }

    /// With a condition; several values are divided by blanks.
    fn when(mut self, operator: &str, key: &str, values: &str) -> Self {
        let values = values.split(' ').map(str::to_owned).collect();
        self.statement.conditions.entry(operator.to_owned()).or_default().insert(key.to_owned(), values);
        self
    }

    /// With what stands in the list meant to be left out.
    fn all_but_these_actions(mut self) -> Self {
        let Matching::In(list) = self.statement.actions else { panic!("is it already") };
        self.statement.actions = Matching::NotIn(list);
        self
    }

    /// With what stands in the list meant to be left out.
    fn all_but_these_resources(mut self) -> Self {
        let Some(Matching::In(list)) = self.statement.resources else { panic!("is it already") };
        self.statement.resources = Some(Matching::NotIn(list));
        self
    }

    fn from(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    fn spelled(mut self, spelling: Spelling) -> Self {
        self.spelling = spelling;
        self
    }

    fn ignoring(mut self, code: Code) -> Self {
        self.ignored.insert(code);
        self
    }
}

/// The findings about a role of these statements.
fn findings<const N: usize>(statements: [Located; N]) -> Vec<Finding> {
    with_policies(statements, &[])
}

fn with_policies<const N: usize>(mut statements: [Located; N], policies: &[LocatedPolicy]) -> Vec<Finding> {
    locate(&mut statements, "spec.statements");
    let subject = Subject { home: HOME, statements: &statements, trust: &[], managed_policies: policies, sizes: &[] };
    lint(&subject)
}

/// The findings about a role of these trust statements.
fn trust_findings<const N: usize>(mut statements: [Located; N]) -> Vec<Finding> {
    locate(&mut statements, "spec.trust.statements");
    lint(&Subject { home: HOME, statements: &[], trust: &statements, managed_policies: &[], sizes: &[] })
}

fn locate(statements: &mut [Located], list: &str) {
    for (index, located) in statements.iter_mut().enumerate() {
        located.path = format!("{list}[{index}]");
        located.scope = located.scope.take().map(|name| format!("{}.{name}", located.path));
    }
}

/// Severity, code and path of each, in a line each.
fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|Finding { severity, code, path, .. }| format!("{severity} {code} {path}")).collect()
}

/// The severity of the finding of that code, if there is one.
fn severity_of(findings: &[Finding], code: Code) -> Option<Severity> {
    findings.iter().find(|finding| finding.code == code).map(|finding| finding.severity)
}

/// The whole text of the finding of that code.
fn text_of(findings: &[Finding], code: Code) -> String {
    let found: Vec<String> = findings.iter().filter(|finding| finding.code == code).map(ToString::to_string).collect();
    assert_eq!(found.len(), 1, "{findings:#?}");
    found[0].clone()
}

fn document(json: &str) -> Vec<Located> {
    let statements = Document::parse(json).unwrap().statements.into_iter().enumerate();
    statements
        .map(|(index, statement)| Located {
            path: format!("spec.inlinePolicies[0].document.Statement[{index}]"),
            spelling: Spelling::Document,
            statement,
            ..allow("", "")
        })
        .collect()
}

#[test]
fn the_examples_of_awss_own_pages_hold_no_error() {
    for json in [
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"ExampleSourceFunctionArn","Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::lambda_bucket/*","Condition":{"ArnEquals":{"lambda:SourceFunctionArn":"arn:aws:lambda:us-east-1:123456789012:function:source_lambda"}}}]}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["ec2:CreateNetworkInterface","ec2:DeleteNetworkInterface","ec2:DescribeNetworkInterfaces","ec2:DescribeSubnets","ec2:DetachNetworkInterface","ec2:AssignPrivateIpAddresses","ec2:UnassignPrivateIpAddresses"],"Resource":["*"],"Condition":{"ArnEquals":{"lambda:SourceFunctionArn":["arn:aws:lambda:us-west-2:123456789012:function:my_function"]}}}]}"#,
    ] {
        let statements = document(json);
        let subject = Subject { home: HOME, statements: &statements, trust: &[], managed_policies: &[], sizes: &[] };
        assert_eq!(lint(&subject), [], "{json}");
    }
}

#[test]
fn errors_come_first_and_nothing_comes_twice() {
    let findings = findings([
        allow("s3:*", "*"),
        allow("kms:Decrypt kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/a").scoped_to(ORDERS),
    ]);
    assert_eq!(
        told(&findings),
        [
            "Error ScopeBreaksServiceCall spec.statements[1].actions[0]",
            "Error ScopeBreaksServiceCall spec.statements[1].actions[1]",
            "Warning WildcardAction spec.statements[0].actions[0]",
            "Warning WildcardResource spec.statements[0].resources[0]",
        ]
    );
}

#[test]
fn what_the_author_ignores_is_not_told_of_that_item_alone() {
    let statement = || allow("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/a").scoped_to(ORDERS);
    let other = allow("kms:Encrypt", "arn:aws:kms:us-east-1:123456789012:key/a").scoped_to(ORDERS);
    let findings = findings([statement().ignoring(Code::ScopeBreaksServiceCall), other]);
    assert_eq!(told(&findings), ["Error ScopeBreaksServiceCall spec.statements[1].actions[0]"]);
}

#[test]
fn paths_are_spelled_as_the_author_spells_fields() {
    let scoped = || allow("kms:Decrypt", "*").scoped_to(ORDERS).ignoring(Code::WildcardResource);
    let path = |located: Located| findings([located])[0].path.clone();
    assert_eq!(path(scoped()), "spec.statements[0].actions[0]");
    assert_eq!(path(scoped().spelled(Spelling::Document)), "spec.statements[0].Action");
    assert_eq!(path(scoped().spelled(Spelling::Whole)), "spec.statements[0]");
    let qualified = format!("{ORDERS}:1");
    let raw = allow("s3:GetObject", "arn:aws:s3:::b/*").when("ArnLike", "lambda:SourceFunctionArn", &qualified);
    assert_eq!(path(raw.clone()), "spec.statements[0].conditions.ArnLike.lambda:SourceFunctionArn");
    let documented = raw.spelled(Spelling::Document);
    assert_eq!(path(documented), "spec.statements[0].Condition.ArnLike.lambda:SourceFunctionArn");
    let listed = allow("s3:GetObject", "arn:aws:s3:::b/*").scoped_to(&format!("{ORDERS} {qualified}"));
    assert_eq!(path(listed), "spec.statements[0].sourceFunctionArns[1]");
}

#[test]
fn what_we_make_ourselves_is_not_judged() {
    assert_eq!(findings([allow("*", "*").from(Source::Generated)]), []);
    assert_eq!(findings([allow("sqs:*", "*").from(Source::Template)]), []);
}

#[test]
fn every_finding_says_what_to_do_in_whole_sentences() {
    let all = findings([
        allow("*", "*").scoped_to("*"),
        allow("iam:PassRole kms:* s3:Frobnicate nonsense:Get ec2:*", "*").when("StringEquals", "aws:SourceArn", "x"),
        allow("logs:PutLogEvents sns:Publish", "arn:aws-cn:sns:cn-north-1:123456789012:t").scoped_to(ORDERS),
        deny("s3:*", "*").when("ArnNotEquals", "lambda:SourceFunctionArn", ORDERS),
    ]);
    assert!(all.len() > 12, "{all:#?}");
    for finding in all {
        let fix = finding.fix.as_deref().unwrap_or_default();
        assert!(fix.starts_with(char::is_uppercase) && !fix.ends_with('.'), "{finding}");
        assert!(!finding.message.ends_with('.') && !finding.message.contains("  "), "{finding}");
    }
}
