//! Documents in other words of the same meaning, as AWS may give them back.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::*;
use crate::policy::{
    arn::is_account_id,
    document::{Conditions, Effect, Matching, OLD_VERSION, Principal},
};

/// The JSON of `document`, every part of which may be written otherwise.
pub(super) fn rewritten(document: &Document, random: &mut Rng) -> String {
    let Document { version, id, statements } = document;
    let mut members = Map::new();
    if version != OLD_VERSION || random.bool() {
        members.insert("Version".to_owned(), json!(version));
    }
    if let Some(id) = id {
        members.insert("Id".to_owned(), json!(id));
    }
    let mut list: Vec<Value> = Vec::new();
    for each in statements {
        list.push(statement(each, random));
        if each.sid.is_none() && random.u8(..4) == 0 {
            list.push(statement(each, random));
        }
    }
    members.insert("Statement".to_owned(), scalar_or_list(list, random));
    let mut text = String::new();
    write(&Value::Object(members), random, &mut text);
    text
}

fn statement(statement: &Statement, random: &mut Rng) -> Value {
    let Statement { sid, effect, principal, not_principal, actions, resources, conditions } = statement;
    let mut members = Map::new();
    match sid {
        Some(sid) => drop(members.insert("Sid".to_owned(), json!(sid))),
        None if random.bool() => drop(members.insert("Sid".to_owned(), json!(""))),
        None => {}
    }
    let effect = match effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    };
    members.insert("Effect".to_owned(), json!(any_case(effect, random)));
    for (name, principal) in [("Principal", principal), ("NotPrincipal", not_principal)] {
        if let Some(principal) = principal {
            members.insert(name.to_owned(), self::principal(principal, random));
        }
    }
    let (name, list) = match actions {
        Matching::In(list) => ("Action", list),
        Matching::NotIn(list) => ("NotAction", list),
    };
    members.insert(name.to_owned(), strings(list, random, any_case));
    let resources = match resources {
        Some(Matching::In(list)) => Some(("Resource", list)),
        Some(Matching::NotIn(list)) => Some(("NotResource", list)),
        None => None,
    };
    if let Some((name, list)) = resources {
        members.insert(name.to_owned(), strings(list, random, |entry, _| entry.to_owned()));
    }
    if !conditions.is_empty() || random.bool() {
        members.insert("Condition".to_owned(), self::conditions(conditions, random));
    }
    Value::Object(members)
}

fn principal(principal: &Principal, random: &mut Rng) -> Value {
    let kinds = match principal {
        Principal::Everyone => return if random.bool() { json!("*") } else { json!({"AWS": "*"}) },
        Principal::Listed(kinds) => kinds,
    };
    let everyone = *kinds == [("AWS".to_owned(), vec!["*".to_owned()])].into();
    if everyone && random.bool() {
        return json!("*");
    }
    let kinds = kinds.iter().map(|(kind, list)| {
        let list = strings(
            list,
            random,
            |entry, random| {
                if kind == "AWS" { root_or_id(entry, random) } else { entry.to_owned() }
            },
        );
        (kind.clone(), list)
    });
    Value::Object(kinds.collect())
}

fn root_or_id(entry: &str, random: &mut Rng) -> String {
    match Arn::parse(entry).filter(|arn| arn.resource == "root") {
        Some(arn) if random.bool() => arn.account.to_owned(),
        None if is_account_id(entry) && random.bool() => format!("arn:aws:iam::{entry}:root"),
        Some(_) | None => entry.to_owned(),
    }
}

fn conditions(conditions: &Conditions, random: &mut Rng) -> Value {
    let mut operators = Map::new();
    for (operator, keys) in conditions {
        let mut members = Map::new();
        for (key, values) in keys {
            let is_number = operator.contains("Numeric");
            let mut list: Vec<Value> = values.iter().map(|value| scalar(value, is_number, random)).collect();
            list.extend(values.first().filter(|_| random.u8(..4) == 0).map(|value| json!(value)));
            members.insert(any_case(key, random), scalar_or_list(list, random));
        }
        operators.insert(operator.clone(), Value::Object(members));
    }
    if random.u8(..4) == 0 {
        operators.entry("DateEquals").or_insert_with(|| json!({}));
    }
    Value::Object(operators)
}

/// With quotes or without, where the value is the same without.
fn scalar(text: &str, is_number: bool, random: &mut Rng) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(bare @ (Value::Bool(_) | Value::Number(_))) if random.bool() => {
            let printed = bare.to_string();
            let is_same = printed == text || (is_number && text.contains('.'));
            if is_same { bare } else { json!(text) }
        }
        Ok(_) | Err(_) => json!(text),
    }
}

fn strings(list: &[String], random: &mut Rng, mut rewrite: impl FnMut(&str, &mut Rng) -> String) -> Value {
    let mut entries: Vec<Value> = list.iter().map(|entry| json!(rewrite(entry, random))).collect();
    if random.u8(..4) == 0 {
        entries.push(json!(rewrite(&list[0], random)));
    }
    scalar_or_list(entries, random)
}

fn scalar_or_list(mut list: Vec<Value>, random: &mut Rng) -> Value {
    random.shuffle(&mut list);
    match list.as_slice() {
        [single] if random.bool() => single.clone(),
        _ => Value::Array(list),
    }
}

fn any_case(text: &str, random: &mut Rng) -> String {
    text.chars().map(|c| if random.bool() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
}

/// JSON with members in any order and white space wherever it may stand.
fn write(value: &Value, random: &mut Rng, text: &mut String) {
    let blank = |random: &mut Rng, text: &mut String| text.push_str(["", "", " ", "\r\n\t"][random.usize(..4)]);
    blank(random, text);
    match value {
        Value::Array(list) => {
            text.push('[');
            for (index, value) in list.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write(value, random, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            random.shuffle(&mut members);
            text.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write(&json!(name), random, text);
                text.push(':');
                write(value, random, text);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
    blank(random, text);
}
