//! What must hold of every class and role, over the proof's small world.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use proptest::prelude::*;

use super::{Guardrails, HOME, LocatedDocument, ROLE, Role, located, placeholders, proof::world};
use crate::{
    api::class,
    lint::Source,
    plan::{ObservedRole, Step, overflow::ByNumber},
    policy::{
        Document, Statement,
        canonical::is_no_wider,
        document::{Effect, Principal},
    },
};

fn compiled(rules: &class::Guardrails) -> Guardrails {
    Guardrails::compile(rules, &placeholders(), HOME).unwrap()
}

/// A class that is taken.
fn class(rng: &mut Rng) -> class::Guardrails {
    let mut rules = world::rules(rng);
    while Guardrails::compile(&rules, &placeholders(), HOME).is_err() {
        rules = world::rules(rng);
    }
    let principals = ["444455556666", "arn:aws:iam::*:role/shop-*", "*"];
    rules.trust.principals = principals.iter().filter(|_| rng.u8(..4) == 0).map(|&text| text.to_owned()).collect();
    rules.trust.services = if rng.bool() { vec!["edge*.amazonaws.com".to_owned()] } else { Vec::new() };
    rules.trust.self_ = rng.bool();
    rules
}

fn statements(rng: &mut Rng, rules: &class::Guardrails) -> Vec<Statement> {
    (0..rng.usize(1..5)).map(|_| world::statement(rng, rules)).collect()
}

fn trust_statement(rng: &mut Rng) -> Statement {
    let service = ["lambda.amazonaws.com", "edgelambda.amazonaws.com", "ec2.amazonaws.com"];
    let aws = ["*", "444455556666", "arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:role/shop-a", ROLE];
    let some = |rng: &mut Rng, list: &[&str]| -> Vec<String> {
        list.iter().filter(|_| rng.u8(..3) == 0).map(|&text| text.to_owned()).collect()
    };
    let kinds = BTreeMap::from([("Service".to_owned(), some(rng, &service)), ("AWS".to_owned(), some(rng, &aws))]);
    let listed: BTreeMap<String, Vec<String>> = kinds.into_iter().filter(|(_, list)| !list.is_empty()).collect();
    let principal = if listed.is_empty() { Principal::Everyone } else { Principal::Listed(listed) };
    let is_negated = rng.u8(..8) == 0;
    Statement {
        effect: if rng.u8(..5) == 0 { Effect::Deny } else { Effect::Allow },
        principal: (!is_negated).then(|| principal.clone()),
        not_principal: is_negated.then_some(principal),
        resources: None,
        ..super::of_statements(r#"{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}"#).statements[0]
            .clone()
    }
}

/// A role as IAM may hold it, and what its attached policies say.
fn observed(rng: &mut Rng, rules: &class::Guardrails) -> (ObservedRole, Vec<LocatedDocument>) {
    let document = |rng: &mut Rng| Document::new(statements(rng, rules));
    let attached = |rng: &mut Rng, number: usize| LocatedDocument {
        path: format!("spec.managedPolicies[{number}]"),
        arn: format!("arn:aws:iam::111122223333:policy/p{number}"),
        is_described: false,
        document: if rng.u8(..5) == 0 { Err("gone".to_owned()) } else { Ok(document(rng)) },
    };
    let managed: Vec<LocatedDocument> = (0..rng.usize(..3)).map(|number| attached(rng, number)).collect();
    let inline = |rng: &mut Rng| if rng.u8(..6) == 0 { "{".to_owned() } else { document(rng).to_string() };
    let role = ObservedRole {
        name: "shop-orders".to_owned(),
        path: "/".to_owned(),
        arn: ROLE.to_owned(),
        id: "AROAEXAMPLEEXAMPLEEX".to_owned(),
        trust_policy: Document::new((0..rng.usize(1..4)).map(|_| trust_statement(rng)).collect()).to_string(),
        description: String::new(),
        max_session_seconds: 3600,
        permissions_boundary: None,
        tags: BTreeMap::new(),
        inline_policies: (0..rng.usize(..4)).map(|number| (format!("i{number}"), inline(rng))).collect(),
        managed_policies: managed.iter().map(|policy| policy.arn.clone()).collect(),
    };
    (role, managed)
}

/// The role once the steps are carried out.
fn after(role: &ObservedRole, steps: &[Step]) -> ObservedRole {
    let mut role = role.clone();
    for step in steps {
        match step {
            Step::PutInlinePolicy { name, document } => {
                role.inline_policies.insert(name.clone(), document.to_string());
            }
            Step::DeleteInlinePolicy(name) => {
                role.inline_policies.remove(name);
            }
            Step::DetachManagedPolicy(arn) => {
                role.managed_policies.remove(arn);
            }
            Step::UpdateTrustPolicy(document) => role.trust_policy = document.to_string(),
            other => panic!("{other}"),
        }
    }
    role
}

/// The judge's view of a role in IAM.
fn stored(role: &ObservedRole, managed: &[LocatedDocument]) -> Role {
    let parse = |json: &String| Document::parse(json).unwrap();
    Role {
        inline_policies: role.inline_policies.iter().map(|(name, json)| (name.clone(), parse(json))).collect(),
        trust_policy: parse(&role.trust_policy),
        managed_policies: managed
            .iter()
            .filter(|policy| role.managed_policies.contains(&policy.arn))
            .cloned()
            .collect(),
        ..Role::default()
    }
}

fn written(statements: &[Statement]) -> Role {
    Role {
        statements: located(statements, "spec.statements", Source::Written),
        inline_policies: BTreeMap::from([("lambdaroles".to_owned(), Document::new(statements.to_vec()))]),
        ..Role::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_left_after_a_revocation_complies_and_is_no_wider(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let rules = class(rng);
        let guardrails = compiled(&rules);
        let (role, managed) = observed(rng, &rules);
        let mut steps: Vec<Step> = guardrails.boundary_step(&role, None).into_iter().collect();
        steps.extend(guardrails.revocation(&role, &managed, &ByNumber::new(), &[]));
        let left = after(&role, &steps);
        prop_assert_eq!(stored(&left, &managed).judged(&guardrails), []);
        prop_assert_eq!(guardrails.revocation(&left, &managed, &ByNumber::new(), &[]), []);
        prop_assert!(left.managed_policies.is_subset(&role.managed_policies));
        for (name, json) in &left.inline_policies {
            let before = Document::parse(&role.inline_policies[name]).unwrap();
            prop_assert!(is_no_wider(&before, &Document::parse(json).unwrap()), "{}", name);
        }
    }

    /// Nobody is trusted afterwards who was not before, but Lambda for the role's account where nobody is left.
    #[test]
    fn a_narrowed_trust_policy_trusts_some_of_those_before(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let rules = class(rng);
        let (role, managed) = observed(rng, &rules);
        let steps = compiled(&rules).revocation(&role, &managed, &ByNumber::new(), &[]);
        let pairs = |json: &str| -> BTreeSet<(Effect, String)> {
            let entries = |statement: Statement| -> Vec<(Effect, String)> {
                let whom = match (statement.principal, statement.not_principal) {
                    (Some(Principal::Listed(kinds)), None) => kinds.into_values().flatten().collect(),
                    (principal, negated) => vec![format!("{principal:?} {negated:?}")],
                };
                whom.into_iter().map(|entry| (statement.effect, entry)).collect()
            };
            Document::parse(json).unwrap().statements.into_iter().flat_map(entries).collect()
        };
        let (before, left) = (pairs(&role.trust_policy), pairs(&after(&role, &steps).trust_policy));
        let lambda_alone = BTreeSet::from([(Effect::Allow, "lambda.amazonaws.com".to_owned())]);
        prop_assert!(left.is_subset(&before) || left == lambda_alone);
        let denies = |all: &BTreeSet<(Effect, String)>| all.iter().filter(|(effect, _)| *effect == Effect::Deny).cloned().collect::<Vec<_>>();
        prop_assert_eq!(denies(&before), denies(&left));
    }

    #[test]
    fn a_role_that_complies_loses_nothing(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let rules = class(rng);
        let guardrails = compiled(&rules);
        let (role, managed) = observed(rng, &rules);
        let is_parsed = role.inline_policies.values().all(|json| Document::parse(json).is_ok());
        if is_parsed && stored(&role, &managed).judged(&guardrails).is_empty() {
            prop_assert_eq!(guardrails.revocation(&role, &managed, &ByNumber::new(), &[]), []);
        }
    }

    #[test]
    fn one_statement_more_takes_no_violation_away(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let rules = class(rng);
        let guardrails = compiled(&rules);
        let mut statements = statements(rng, &rules);
        let before: BTreeSet<_> = written(&statements).judged(&guardrails).into_iter().collect();
        statements.push(world::statement(rng, &rules));
        let with_more: BTreeSet<_> = written(&statements).judged(&guardrails).into_iter().collect();
        prop_assert!(before.is_subset(&with_more), "{:?}\n{:?}", before, with_more);
    }

    #[test]
    fn a_stricter_class_accepts_nothing_more(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let (mut rules, other) = (class(rng), class(rng));
        let role = written(&statements(rng, &rules));
        let is_accepted = role.judged(&compiled(&rules)).is_empty();
        match rng.u8(..5) {
            0 => rules.permissions.denied.extend(other.permissions.allowed.into_iter().flatten()),
            1 => rules.permissions.exempted.clear(),
            2 => {
                rules.permissions.allowed.get_or_insert_with(|| vec![class::PermissionRule { actions: Some(vec!["*".to_owned()]), resources: None }]).pop();
            }
            3 => rules.require_source_function_scope = class::RequireScope::Always,
            _ => rules.source_functions = Some(Vec::new()),
        }
        prop_assert!(is_accepted || !role.judged(&compiled(&rules)).is_empty());
    }
}
