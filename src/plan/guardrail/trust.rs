//! Who may assume roles beside Lambda.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use std::collections::BTreeMap;

use super::{
    compile::Compiler,
    grant::Grant,
    violation::{Refusal, Violation},
};
use crate::{
    api::class::TrustRules,
    policy::{
        Arn, Document, Excerpt, Pattern, Statement,
        arn::is_account_id,
        document::{Conditions, Effect, Matching, Principal},
    },
};

const LAMBDA: &str = "lambda.amazonaws.com";
const SERVICES: &str = "spec.guardrails.trust.services";
const PRINCIPALS: &str = "spec.guardrails.trust.principals";
const FEDERATED: &str = "spec.guardrails.trust.federated";
const SELF: &str = "spec.guardrails.trust.self";

/// The rules about trust.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    services: Vec<Pattern>,
    principals: Vec<Pattern>,
    federated: Vec<Pattern>,
    /// Whether `principals` lists `*`. No other pattern is taken to mean everyone.
    everyone: bool,
    self_: bool,
    /// That of root users whose account is named by its id.
    partition: String,
}

impl Trust {
    pub(super) fn compile(rules: &TrustRules, compiler: &mut Compiler<'_>) -> Self {
        let TrustRules { services, principals, federated, self_ } = rules;
        let everyone = principals.iter().any(|entry| entry == "*");
        let principals = compiler.texts(principals, PRINCIPALS);
        Self {
            services: compiler.patterns(services, SERVICES),
            principals: compiler.principals(&principals),
            federated: compiler.patterns(federated, FEDERATED),
            everyone,
            self_: *self_,
            partition: compiler.home().partition.to_owned(),
        }
    }

    /// What a statement is refused for, in a role of that ARN.
    pub(super) fn refusals(&self, grant: &Grant<'_>, role_arn: &str) -> Vec<Refusal> {
        let Statement { principal, not_principal, .. } = grant.statement;
        if not_principal.is_some() {
            let path = grant.member_path("principals", "NotPrincipal");
            return vec![refusal(PRINCIPALS, path, grant, "everyone but whom it lists")];
        }
        let path = grant.member_path("principals", "Principal");
        match principal {
            None => vec![refusal(PRINCIPALS, path, grant, "nobody in particular")],
            Some(Principal::Everyone) if self.everyone => Vec::new(),
            Some(Principal::Everyone) => vec![refusal(PRINCIPALS, path, grant, "*")],
            Some(Principal::Listed(kinds)) => kinds
                .iter()
                .flat_map(|(kind, list)| list.iter().enumerate().map(move |(index, entry)| (kind, list, index, entry)))
                .filter_map(|(kind, list, index, entry)| {
                    let rule = self.broken_rule(kind, entry, role_arn)?;
                    let (field, element) = (kind.to_lowercase(), format!("Principal.{kind}"));
                    let path = grant.entry_path(&format!("principals.{field}"), &element, index, list.len());
                    Some(refusal(rule, path, grant, entry))
                })
                .collect(),
        }
    }

    /// The same of a statement of the final policy. Where no statement of the spec's names a principal, a field of its own
    /// does, if there is one.
    pub(super) fn final_refusals(&self, grant: &Grant<'_>, role_arn: &str) -> Vec<Refusal> {
        let field = |subject: &str| match subject {
            "edgelambda.amazonaws.com" => Some("spec.trust.edge"),
            subject if subject == role_arn => Some("spec.trust.self"),
            _ => None,
        };
        let mut refusals = self.refusals(grant, role_arn);
        for Refusal { violation, subjects } in &mut refusals {
            if let Some(field) = subjects.first().and_then(|subject| field(subject)) {
                field.clone_into(&mut violation.path);
            }
        }
        refusals
    }

    /// The rule that refuses a principal; `None` if it may be trusted. Case counts: IAM's documents do not say that it does
    /// not.
    fn broken_rule(&self, kind: &str, entry: &str, role_arn: &str) -> Option<&'static str> {
        let is_within = |patterns: &[Pattern]| Pattern::new(entry).is_within_one_of(patterns);
        let (is_permitted, rule) = match kind {
            "Service" => (entry == LAMBDA || is_within(&self.services), SERVICES),
            "Federated" => (is_within(&self.federated), FEDERATED),
            "AWS" if entry == "*" => (self.everyone, PRINCIPALS),
            "AWS" if entry == role_arn => (self.self_ || is_within(&self.principals), SELF),
            "AWS" => (is_within(&self.principals) || self.permits_account(entry), PRINCIPALS),
            // Canonical users, and what else there may be.
            _ => (false, PRINCIPALS),
        };
        (!is_permitted).then_some(rule)
    }

    /// Whether an account may be trusted by the other of its names: its id, and the ARN of its root user.
    fn permits_account(&self, entry: &str) -> bool {
        let other = if is_account_id(entry) {
            Some(format!("arn:{}:iam::{entry}:root", self.partition))
        } else {
            let root = Arn::parse(entry).filter(|arn| arn.service == "iam" && arn.resource == "root");
            root.filter(|arn| is_account_id(arn.account)).map(|arn| arn.account.to_owned())
        };
        other.is_some_and(|other| Pattern::new(&other).is_within_one_of(&self.principals))
    }

    /// The policy without those that may not be trusted, or `None` if it has none. A policy needs a statement: where
    /// none is left, Lambda is trusted for the functions of the role's account.
    pub(super) fn narrowed(&self, stored: &str, role_arn: &str) -> Option<Document> {
        let Ok(document) = Document::parse(stored) else { return Some(lambda_alone(role_arn)) };
        let statements: Vec<Statement> =
            document.statements.iter().filter_map(|statement| self.narrowed_statement(statement, role_arn)).collect();
        if statements == document.statements {
            None
        } else if statements.is_empty() {
            Some(lambda_alone(role_arn))
        } else {
            Some(Document { statements, ..document })
        }
    }

    fn narrowed_statement(&self, statement: &Statement, role_arn: &str) -> Option<Statement> {
        if statement.effect == Effect::Deny {
            return Some(statement.clone());
        }
        let principal = match (&statement.principal, &statement.not_principal) {
            (Some(Principal::Everyone), None) if self.everyone => Principal::Everyone,
            (Some(Principal::Listed(kinds)), None) => Principal::Listed(self.permitted(kinds, role_arn)?),
            (Some(Principal::Everyone) | None, None) | (_, Some(_)) => return None,
        };
        Some(Statement { principal: Some(principal), ..statement.clone() })
    }

    /// Those that may be trusted, if there are any.
    fn permitted(
        &self,
        kinds: &BTreeMap<String, Vec<String>>,
        role_arn: &str,
    ) -> Option<BTreeMap<String, Vec<String>>> {
        let permitted: BTreeMap<String, Vec<String>> = kinds
            .iter()
            .map(|(kind, list)| {
                let permitted = list.iter().filter(|entry| self.broken_rule(kind, entry, role_arn).is_none());
                (kind.clone(), permitted.cloned().collect::<Vec<_>>())
            })
            .filter(|(_, list)| !list.is_empty())
            .collect();
        (!permitted.is_empty()).then_some(permitted)
    }
}

/// Trust in Lambda, for the functions of the role's account.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html>
fn lambda_alone(role_arn: &str) -> Document {
    let account = Arn::parse(role_arn).map(|arn| arn.account.to_owned());
    let keys = BTreeMap::from([("aws:SourceAccount".to_owned(), account.into_iter().collect())]);
    Document::new(vec![Statement {
        sid: None,
        effect: Effect::Allow,
        principal: Some(Principal::Listed(BTreeMap::from([("Service".to_owned(), vec![LAMBDA.to_owned()])]))),
        not_principal: None,
        actions: Matching::In(vec!["sts:AssumeRole".to_owned()]),
        resources: None,
        conditions: Conditions::from([("StringEquals".to_owned(), keys)]),
    }])
}

fn refusal(rule: &str, path: String, grant: &Grant<'_>, whom: &str) -> Refusal {
    let message = format!("trusts {}{}, whom the class does not allow", Excerpt(whom), grant.place);
    let fix = "Trust only those whom the class allows, or have it allow this one".to_owned();
    Refusal { violation: Violation { rule: rule.to_owned(), path, message, fix }, subjects: vec![whom.to_owned()] }
}
