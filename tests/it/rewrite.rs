//! Documents as AWS may give them back: other text, same meaning.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use fastrand::Rng;
use lambdaroles::policy::{Arn, arn::is_account_id};
use serde_json::{Map, Value, json};

/// `json` in other words; what is no JSON stays as it is.
pub fn rewritten(json: &str, random: &mut Rng) -> String {
    let Ok(mut document) = serde_json::from_str::<Value>(json) else { return json.to_owned() };
    if let Some(statements) = document.get_mut("Statement") {
        each(statements, |statement| {
            if let Some(statement) = statement.as_object_mut() {
                rewrite_statement(statement, random);
            }
        });
        reshape(statements, random);
    }
    if random.bool() { document.to_string() } else { format!("{document:#}") }
}

fn rewrite_statement(statement: &mut Map<String, Value>, random: &mut Rng) {
    for name in ["Action", "NotAction"] {
        if let Some(actions) = statement.get_mut(name) {
            each(actions, |action| rewrite_text(action, |text| with_any_case(text, random)));
            reshape(actions, random);
        }
    }
    for name in ["Resource", "NotResource"] {
        if let Some(resources) = statement.get_mut(name) {
            reshape(resources, random);
        }
    }
    if let Some(principal) = statement.get_mut("Principal") {
        rewrite_principal(principal, random);
    }
    let operators = statement.get_mut("Condition").and_then(Value::as_object_mut);
    for keys in operators.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        *keys = std::mem::take(keys)
            .into_iter()
            .map(|(key, mut values)| {
                each(&mut values, |value| rewrite_scalar(value, random));
                reshape(&mut values, random);
                (with_any_case(&key, random), values)
            })
            .collect();
    }
    if !statement.contains_key("Sid") && random.bool() {
        statement.insert("Sid".to_owned(), json!(""));
    }
}

fn rewrite_principal(principal: &mut Value, random: &mut Rng) {
    let everyone = json!({"AWS": "*"});
    if *principal == everyone && random.bool() {
        *principal = json!("*");
        return;
    }
    if *principal == "*" && random.bool() {
        *principal = everyone;
    }
    for (kind, list) in principal.as_object_mut().into_iter().flatten() {
        if kind == "AWS" {
            each(list, |entry| {
                rewrite_text(entry, |text| if random.bool() { as_root_or_id(text) } else { text.to_owned() });
            });
        }
        reshape(list, random);
    }
}

/// An account id is stored as the ARN of the account's root, and either may be read.
fn as_root_or_id(principal: &str) -> String {
    match Arn::parse(principal) {
        Some(arn) if arn.service == "iam" && arn.resource == "root" => arn.account.to_owned(),
        None if is_account_id(principal) => format!("arn:aws:iam::{principal}:root"),
        Some(_) | None => principal.to_owned(),
    }
}

/// Quotes around numbers and booleans come and go, where going does not lose a zero.
fn rewrite_scalar(value: &mut Value, random: &mut Rng) {
    let other = match &*value {
        Value::String(text) => serde_json::from_str(text).ok().filter(|bare: &Value| {
            let printed = bare.to_string();
            (bare.is_boolean() || bare.is_number()) && printed == *text
        }),
        bare => Some(Value::String(bare.to_string())),
    };
    if let Some(other) = other.filter(|_| random.bool()) {
        *value = other;
    }
}

/// A list in another order, or its only element; a scalar, or a list of it.
fn reshape(value: &mut Value, random: &mut Rng) {
    match value {
        Value::Array(list) => {
            random.shuffle(list);
            if let [single] = list.as_slice()
                && random.bool()
            {
                *value = single.clone();
            }
        }
        single => {
            if random.bool() {
                *single = json!([single]);
            }
        }
    }
}

fn each(value: &mut Value, mut rewrite: impl FnMut(&mut Value)) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(rewrite),
        single => rewrite(single),
    }
}

fn rewrite_text(value: &mut Value, rewrite: impl FnOnce(&str) -> String) {
    if let Value::String(text) = value {
        *text = rewrite(text);
    }
}

fn with_any_case(text: &str, random: &mut Rng) -> String {
    match random.u8(..4) {
        0 => text.to_ascii_lowercase(),
        1 => text.to_ascii_uppercase(),
        _ => text.to_owned(),
    }
}
