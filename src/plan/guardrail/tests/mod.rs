//! What a class refuses. Rules are written in YAML, as users write them, and documents in JSON.

mod attachment;
mod compile;
mod permission;
mod proof;
mod property;
mod report;
mod revocation;
mod scope;
mod tag_and_boundary;
mod trust;

use std::collections::{BTreeMap, BTreeSet};

use super::{Guardrails, JudgedRole, LocatedDocument, Violation};
use crate::{
    api,
    lint::{Finding, Located, Source, Spelling},
    policy::{Document, Placeholders, Statement, function::Home},
};

const HOME: Home<'static> = Home { partition: "aws", region: "eu-west-1", account: "111122223333" };
const ROLE: &str = "arn:aws:iam::111122223333:role/shop-orders";

fn placeholders() -> Placeholders {
    let values = [
        ("partition", "aws"),
        ("accountId", "111122223333"),
        ("region", "eu-west-1"),
        ("namespace", "shop"),
        ("name", "orders"),
        ("roleName", "shop-orders"),
    ];
    values.into_iter().fold(Placeholders::default(), |all, (name, value)| all.with(name, value))
}

fn compiled(yaml: &str) -> Result<Guardrails, Vec<Finding>> {
    let rules: api::class::Guardrails = serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    Guardrails::compile(&rules, &placeholders(), HOME)
}

fn guardrails(yaml: &str) -> Guardrails {
    compiled(yaml).unwrap_or_else(|faults| panic!("{faults:?}\n{yaml}"))
}

fn document(json: &str) -> Document {
    Document::parse(json).unwrap_or_else(|fault| panic!("{fault}\n{json}"))
}

/// A document of the statements.
fn of_statements(statements: &str) -> Document {
    document(&format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#))
}

/// The statements as a spec writes them out.
fn located(statements: &[Statement], field: &str, source: Source) -> Vec<Located> {
    let locate = |(index, statement): (usize, &Statement)| Located {
        path: format!("{field}[{index}]"),
        spelling: Spelling::Manifest,
        source,
        scope: None,
        statement: statement.clone(),
        ignored: BTreeSet::new(),
    };
    statements.iter().enumerate().map(locate).collect()
}

/// A role of which tests set what they are about.
struct Role {
    statements: Vec<Located>,
    inline_policies: BTreeMap<String, Document>,
    trust: Vec<Located>,
    trust_policy: Document,
    boundary: Option<String>,
    managed_policies: Vec<LocatedDocument>,
    tags: BTreeMap<String, String>,
}

impl Default for Role {
    fn default() -> Self {
        let lambda =
            r#"{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}"#;
        Self {
            statements: Vec::new(),
            inline_policies: BTreeMap::new(),
            trust: Vec::new(),
            trust_policy: of_statements(lambda),
            boundary: None,
            managed_policies: Vec::new(),
            tags: BTreeMap::new(),
        }
    }
}

impl Role {
    /// One whose spec lists the statements, which make its inline policy.
    fn allowed(statements: &str) -> Self {
        let document = of_statements(statements);
        Self {
            statements: located(&document.statements, "spec.statements", Source::Written),
            inline_policies: BTreeMap::from([("lambdaroles".to_owned(), document)]),
            ..Self::default()
        }
    }

    /// One whose spec lists the trust statements.
    fn trusting(statements: &str) -> Self {
        let trust_policy = of_statements(statements);
        let trust = located(&trust_policy.statements, "spec.trust.statements", Source::Written);
        Self { trust, trust_policy, ..Self::default() }
    }

    /// One that attaches a policy of that ARN which says that.
    fn attaching(arn: &str, document: Result<Document, String>) -> Self {
        let policy = LocatedDocument {
            path: "spec.managedPolicies[0]".to_owned(),
            arn: arn.to_owned(),
            is_described: false,
            document,
        };
        Self { managed_policies: vec![policy], ..Self::default() }
    }

    fn judged(&self, guardrails: &Guardrails) -> Vec<Violation> {
        guardrails.judge(&JudgedRole {
            arn: ROLE,
            statements: &self.statements,
            inline_policies: &self.inline_policies,
            overflow_policies: &BTreeMap::new(),
            trust: &self.trust,
            trust_policy: &self.trust_policy,
            chosen_boundary: self.boundary.as_deref(),
            managed_policies: &self.managed_policies,
            tags: &self.tags,
        })
    }

    /// The violations as people read them.
    fn told(&self, rules: &str) -> Vec<String> {
        self.judged(&guardrails(rules)).iter().map(ToString::to_string).collect()
    }

    /// Where the role breaks which rule.
    fn broken(&self, rules: &str) -> Vec<(String, String)> {
        self.judged(&guardrails(rules)).into_iter().map(|violation| (violation.path, violation.rule)).collect()
    }
}

/// A statement that allows the actions on the resources, each a JSON string or list.
fn allow(actions: &str, resources: &str) -> String {
    format!(r#"{{"Effect": "Allow", "Action": {actions}, "Resource": {resources}}}"#)
}

/// The same of one action and one resource.
fn allow_one(action: &str, resource: &str) -> String {
    allow(&format!("{action:?}"), &format!("{resource:?}"))
}
