//! A small world: actions, resources, functions and what principals are tagged with; and random rules and statements over
//! it, most of which miss each other narrowly.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::{
    api::class::{Guardrails, PermissionRule, PermissionRules, RequireScope},
    policy::{
        Statement,
        document::{Conditions, Effect, Matching},
        function::SOURCE_FUNCTION_ARN,
    },
};

pub const ACTIONS: [&str; 15] = [
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:PutObject",
    "sqs:SendMessage",
    "sqs:ReceiveMessage",
    "logs:PutLogEvents",
    "iam:PassRole",
    "iam:GetRole",
    "iamx:GetRole",
    "sts:AssumeRole",
    "sts:AssumeRoot",
    "sts:TagSession",
    "organizations:LeaveOrganization",
    "sso:CreateAccountAssignment",
    "account:CloseAccount",
];

pub const RESOURCES: [&str; 15] = [
    "*",
    "arn:aws:s3:::shop",
    "arn:aws:s3:::shop-in/a",
    "arn:aws:s3:::shop-in/b",
    "arn:aws:s3:::store/a",
    "arn:aws:s3:::secret/a",
    "arn:aws:s3:::s*/a",
    "arn:aws:sqs:eu-west-1:111122223333:shop",
    "arn:aws:sqs:us-east-1:444455556666:shop",
    "arn:aws:logs:eu-west-1:111122223333:log-group:shop:log-stream:a",
    "arn:aws:iam::111122223333:role/shop-a",
    "arn:aws:iam::111122223333:role/other",
    "arn:aws:iam::111122223333:user/shop-a",
    "arn:aws:iam::444455556666:role/shop-a",
    "arn:aws-cn:iam::111122223333:role/shop-a",
];

pub const FUNCTIONS: [Option<&str>; 8] = [
    None,
    Some("arn:aws:lambda:eu-west-1:111122223333:function:shop-a"),
    Some("arn:aws:lambda:eu-west-1:111122223333:function:shop-b"),
    Some("arn:aws:lambda:eu-west-1:111122223333:function:shopper"),
    Some("arn:aws:lambda:eu-west-1:111122223333:function:billing"),
    Some("arn:aws:lambda:us-east-1:111122223333:function:shop-a"),
    Some("arn:aws:lambda:eu-west-1:444455556666:function:shop-a"),
    Some("arn:aws-cn:lambda:eu-west-1:111122223333:function:shop-a"),
];

/// Values of the one tag that variables name; the first stands for a principal without it.
pub const TAGS: [Option<&str>; 6] =
    [None, Some("shop"), Some("secret"), Some("a"), Some("*"), Some("eu-west-1:111122223333:function:billing")];

pub const TAG: &str = "aws:PrincipalTag/team";

const OPERATORS: [&str; 17] = [
    "ArnEquals",
    "ArnLike",
    "ArnLike",
    "StringEquals",
    "StringLike",
    "StringLike",
    "ForAnyValue:ArnLike",
    "ForAnyValue:StringEquals",
    "ForAllValues:ArnLike",
    "ArnLikeIfExists",
    "StringLikeIfExists",
    "ArnNotLike",
    "StringNotEquals",
    "ForAnyValue:ArnNotEquals",
    "StringEqualsIgnoreCase",
    "Null",
    "StringNotEqualsIgnoreCase",
];

pub fn rules(rng: &mut Rng) -> Guardrails {
    let names = ["shop-*", "shop*", "*", "billing", "shop-?", "$(namespace)-a"];
    let functions = |rng: &mut Rng| {
        list(rng, 3, |rng| {
            let function = function(rng);
            if rng.bool() { pick(rng, &names).to_owned() } else { pattern(rng, function, 1) }
        })
    };
    Guardrails {
        permissions: PermissionRules {
            allowed: rng.bool().then(|| list(rng, 3, rule)),
            denied: if rng.u8(..3) == 0 { list(rng, 2, rule) } else { Vec::new() },
            exempted: if rng.bool() { list(rng, 3, rule) } else { Vec::new() },
        },
        source_functions: (rng.u8(..3) == 0).then(|| functions(rng)),
        require_source_function_scope: match rng.u8(..6) {
            0 => RequireScope::Always,
            1 => RequireScope::WhereCarried,
            _ => RequireScope::Never,
        },
        ..Guardrails::default()
    }
}

fn rule(rng: &mut Rng) -> PermissionRule {
    let actions = |rng: &mut Rng| list(rng, 3, rule_action);
    let resources = |rng: &mut Rng| {
        list(rng, 3, |rng| {
            let word = pick(rng, &RESOURCES);
            pattern(rng, word, 2)
        })
    };
    match rng.u8(..4) {
        0 => PermissionRule { actions: Some(actions(rng)), resources: None },
        1 => PermissionRule { actions: None, resources: Some(resources(rng)) },
        _ => PermissionRule { actions: Some(actions(rng)), resources: Some(resources(rng)) },
    }
}

/// With its colon, without which a class takes no pattern.
fn rule_action(rng: &mut Rng) -> String {
    let (service, name) = pick(rng, &ACTIONS).split_once(':').unwrap();
    match rng.u8(..8) {
        0 => "*".to_owned(),
        1 => format!("{}:{name}", pattern(rng, service, 1)),
        2 | 3 => format!("{service}:*"),
        _ => format!("{service}:{}", pattern(rng, name, 2)),
    }
}

/// A statement that often says what a rule of the class says, or nearly.
pub fn statement(rng: &mut Rng, rules: &Guardrails) -> Statement {
    let PermissionRules { allowed, denied, exempted } = &rules.permissions;
    let all: Vec<&PermissionRule> = allowed.iter().flatten().chain(denied).chain(exempted).collect();
    let near = (!all.is_empty() && rng.u8(..3) > 0).then(|| pick(rng, &all));
    let of_rule = |list: Option<&Vec<String>>| list.cloned().unwrap_or_default();
    let near_actions = of_rule(near.and_then(|rule| rule.actions.as_ref()));
    let near_resources = of_rule(near.and_then(|rule| rule.resources.as_ref()));
    let actions = list(rng, 3, |rng| near_or(rng, &near_actions, &ACTIONS, true));
    let resources = list(rng, 3, |rng| {
        let text = near_or(rng, &near_resources, &RESOURCES, false);
        if rng.u8(..8) == 0 { with_variable(rng, &text) } else { text }
    });
    // Roles that are assumed are judged by more than their pattern.
    let (actions, resources) = if rng.u8(..12) == 0 {
        let role = pick(rng, &["arn:aws:iam::111122223333:role/shop-a", "arn:aws:iam::444455556666:role/shop-a"]);
        (vec!["sts:AssumeRole".to_owned()], vec![pattern(rng, role, 1)])
    } else {
        (actions, resources)
    };
    let matching = |rng: &mut Rng, list| if rng.u8(..12) == 0 { Matching::NotIn(list) } else { Matching::In(list) };
    Statement {
        sid: None,
        effect: if rng.u8(..30) == 0 { Effect::Deny } else { Effect::Allow },
        principal: None,
        not_principal: None,
        actions: matching(rng, actions),
        resources: Some(matching(rng, resources)),
        conditions: conditions(rng, rules),
    }
}

/// What a list says, or a word, changed a little or not.
fn near_or(rng: &mut Rng, near: &[String], words: &[&str], changes_case: bool) -> String {
    let base = if near.is_empty() || rng.u8(..5) == 0 {
        pick(rng, words).to_owned()
    } else {
        near[rng.usize(..near.len())].clone()
    };
    let changed = if rng.bool() { base } else { pattern(rng, &base, 2) };
    match rng.u8(..6) {
        0 if changes_case => changed.to_uppercase(),
        1 if changes_case => changed.to_lowercase(),
        _ => changed,
    }
}

fn conditions(rng: &mut Rng, rules: &Guardrails) -> Conditions {
    let count = match (
        rules.source_functions.is_some() || rules.require_source_function_scope != RequireScope::Never,
        rng.u8(..5),
    ) {
        (_, 0) => 2,
        (true, 1..=3) | (false, 1) => 1,
        _ => 0,
    };
    let mut conditions = Conditions::new();
    for _ in 0..count {
        let operator = pick(rng, &OPERATORS);
        let values = if operator == "Null" {
            vec![pick(rng, &["true", "false"]).to_string()]
        } else {
            list(rng, 2, |rng| function_value(rng, rules))
        };
        let key = if rng.u8(..5) == 0 { SOURCE_FUNCTION_ARN.to_lowercase() } else { SOURCE_FUNCTION_ARN.to_owned() };
        conditions.insert(operator.to_owned(), BTreeMap::from([(key, values)]));
    }
    conditions
}

fn function_value(rng: &mut Rng, rules: &Guardrails) -> String {
    let own: Vec<&String> = rules.source_functions.iter().flatten().filter(|entry| entry.starts_with("arn:")).collect();
    let base = if own.is_empty() || rng.bool() { function(rng).to_owned() } else { pick(rng, &own).clone() };
    match rng.u8(..8) {
        0 => with_variable(rng, &base),
        1..=4 => base,
        _ => pattern(rng, &base, 1),
    }
}

fn function(rng: &mut Rng) -> &'static str {
    pick(rng, &FUNCTIONS).unwrap_or("arn:aws:lambda:*:111122223333:function:shop-a")
}

/// The text with wildcards in the place of some of it, at most so many.
fn pattern(rng: &mut Rng, text: &str, most: usize) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..rng.usize(..=most) {
        let (start, end) = part(rng, characters.len());
        match rng.u8(..6) {
            0 => {
                characters.splice(start..end.min(start + 1), ['?']);
            }
            1 => {
                characters.splice(start.., ['*']);
            }
            2 => {
                characters.splice(..end, ['*']);
            }
            3 => characters.insert(start, '*'),
            _ => {
                characters.splice(start..end, ['*']);
            }
        }
    }
    characters.into_iter().collect()
}

/// The text with a variable in the place of some of it.
fn with_variable(rng: &mut Rng, text: &str) -> String {
    let variables =
        ["${aws:PrincipalTag/team}", "${aws:PrincipalTag/team, 'shop'}", "${*}", "${?}", "${aws:PrincipalTag/team"];
    let mut characters: Vec<char> = text.chars().collect();
    let (start, end) = part(rng, characters.len());
    characters.splice(start..end, pick(rng, &variables).chars());
    characters.into_iter().collect()
}

fn part(rng: &mut Rng, length: usize) -> (usize, usize) {
    let start = rng.usize(..length.max(1));
    (start, rng.usize(start..=length))
}

/// One to so many.
fn list<T>(rng: &mut Rng, most: usize, mut entry: impl FnMut(&mut Rng) -> T) -> Vec<T> {
    (0..rng.usize(1..=most)).map(|_| entry(rng)).collect()
}

fn pick<T: Copy>(rng: &mut Rng, list: &[T]) -> T {
    list[rng.usize(..list.len())]
}
