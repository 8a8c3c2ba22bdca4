//! Reading documents: what IAM accepts, and the path of what it does not.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::document::{Conditions, Document, Effect, Fault, Matching, Principal, Statement};

const STATEMENT_MEMBERS: [&str; 10] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition", "Id"];

pub(super) fn document(json: &str) -> Result<Document, Fault> {
    let value: Value = serde_json::from_str(json).map_err(|error| fault("$", format!("is not JSON: {error}")))?;
    let object = as_object(&value, "$")?;
    if let Some(unknown) = object.keys().find(|key| !["Version", "Id", "Statement"].contains(&key.as_str())) {
        return Err(fault(unknown, "is no element of a policy document"));
    }
    let version = match object.get("Version") {
        None => "2008-10-17",
        Some(Value::String(version)) if version == "2012-10-17" || version == "2008-10-17" => version,
        Some(_) => return Err(fault("Version", "must be 2012-10-17 or 2008-10-17")),
    };
    let statements = match object.get("Statement") {
        Some(Value::Array(list)) => list
            .iter()
            .enumerate()
            .map(|(index, value)| statement(value, &format!("Statement[{index}]")))
            .collect::<Result<Vec<_>, _>>()?,
        Some(single) => vec![statement(single, "Statement")?],
        None => return Err(fault("Statement", "is missing")),
    };
    Ok(Document { version: version.to_owned(), statements })
}

fn statement(value: &Value, path: &str) -> Result<Statement, Fault> {
    let object = as_object(value, path)?;
    if let Some(unknown) = object.keys().find(|key| !STATEMENT_MEMBERS.contains(&key.as_str())) {
        return Err(fault(&format!("{path}.{unknown}"), "is no element of a statement"));
    }
    let sid = match object.get("Sid") {
        None => None,
        Some(Value::String(sid)) if sid.is_empty() => None,
        Some(Value::String(sid)) => Some(sid.clone()),
        Some(_) => return Err(fault(&format!("{path}.Sid"), "must be a string")),
    };
    let effect = match object.get("Effect") {
        Some(Value::String(effect)) if effect.eq_ignore_ascii_case("allow") => Effect::Allow,
        Some(Value::String(effect)) if effect.eq_ignore_ascii_case("deny") => Effect::Deny,
        _ => return Err(fault(&format!("{path}.Effect"), "must be Allow or Deny")),
    };
    let actions = matching(object, path, "Action", "NotAction")?
        .ok_or_else(|| fault(&format!("{path}.Action"), "is missing: a statement needs Action or NotAction"))?;
    Ok(Statement {
        sid,
        effect,
        principal: principal(object, path, "Principal")?,
        not_principal: principal(object, path, "NotPrincipal")?,
        actions,
        resources: matching(object, path, "Resource", "NotResource")?,
        conditions: conditions(object, path)?,
    })
}

fn matching(
    object: &Map<String, Value>,
    path: &str,
    positive: &str,
    negative: &str,
) -> Result<Option<Matching>, Fault> {
    match (object.get(positive), object.get(negative)) {
        (Some(_), Some(_)) => {
            Err(fault(&format!("{path}.{negative}"), format!("excludes {positive} in the same statement")))
        }
        (Some(value), None) => Ok(Some(Matching::In(strings(value, &format!("{path}.{positive}"))?))),
        (None, Some(value)) => Ok(Some(Matching::NotIn(strings(value, &format!("{path}.{negative}"))?))),
        (None, None) => Ok(None),
    }
}

fn principal(object: &Map<String, Value>, path: &str, name: &str) -> Result<Option<Principal>, Fault> {
    let path = format!("{path}.{name}");
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(everyone)) if everyone == "*" => Ok(Some(Principal::Everyone)),
        Some(Value::Object(kinds)) => {
            let kinds = kinds
                .iter()
                .map(|(kind, value)| Ok((kind.clone(), strings(value, &format!("{path}.{kind}"))?)))
                .collect::<Result<_, Fault>>()?;
            Ok(Some(Principal::Listed(kinds)))
        }
        Some(_) => Err(fault(&path, "must be \"*\" or an object of principals by kind")),
    }
}

fn conditions(object: &Map<String, Value>, path: &str) -> Result<Conditions, Fault> {
    let path = format!("{path}.Condition");
    let Some(value) = object.get("Condition") else { return Ok(Conditions::new()) };
    as_object(value, &path)?
        .iter()
        .map(|(operator, keys)| {
            let path = format!("{path}.{operator}");
            let keys = as_object(keys, &path)?
                .iter()
                .map(|(key, value)| Ok((key.clone(), condition_values(value, &format!("{path}.{key}"))?)))
                .collect::<Result<BTreeMap<_, _>, Fault>>()?;
            Ok((operator.clone(), keys))
        })
        .collect()
}

/// The values of a condition key: scalars of any kind, as the strings that IAM makes of them.
///
/// # Errors
/// A fault where there is anything but a scalar or a list of scalars.
pub fn condition_values(value: &Value, path: &str) -> Result<Vec<String>, Fault> {
    match value {
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, value)| scalar(value, &format!("{path}[{index}]"))).collect()
        }
        single => Ok(vec![scalar(single, path)?]),
    }
}

fn scalar(value: &Value, path: &str) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(fault(path, "must be a string, a number, a boolean or a list of them"))
        }
    }
}

fn strings(value: &Value, path: &str) -> Result<Vec<String>, Fault> {
    let string = |value: &Value, path: &str| match value {
        Value::String(text) => Ok(text.clone()),
        _ => Err(fault(path, "must be a string or a list of strings")),
    };
    match value {
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, value)| string(value, &format!("{path}[{index}]"))).collect()
        }
        single => Ok(vec![string(single, path)?]),
    }
}

fn as_object<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>, Fault> {
    value.as_object().ok_or_else(|| fault(path, "must be an object"))
}

fn fault(path: &str, message: impl Into<String>) -> Fault {
    Fault { path: path.to_owned(), message: message.into() }
}
