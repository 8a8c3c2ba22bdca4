//! Reading documents: what IAM stores, old documents included, and the path of what it refuses as a fault of syntax. What
//! it refuses of a kind of policy is the matter of [`super::check`].

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::{
    document::{Conditions, Document, Effect, Fault, Matching, OLD_VERSION, Principal, Statement, VERSION},
    json,
    path::Path,
};

const DOCUMENT_MEMBERS: [&str; 3] = ["Version", "Id", "Statement"];

const STATEMENT_MEMBERS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// Whole numbers below have all their digits in a floating-point number; 2⁵³.
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

pub(super) fn document(json: &str) -> Result<Document, Fault> {
    let path = Path::DOCUMENT;
    let value = json::value(json)?;
    let object = as_object(&value, &path)?;
    if let Some(unknown) = object.keys().find(|name| !DOCUMENT_MEMBERS.contains(&name.as_str())) {
        return Err(path.member(unknown).fault("is no element of a policy document"));
    }
    let version = match object.get("Version") {
        None => OLD_VERSION,
        Some(Value::String(version)) if version == VERSION || version == OLD_VERSION => version,
        Some(_) => return Err(path.member("Version").fault(format!("must be {VERSION} or {OLD_VERSION}"))),
    };
    let statements_path = path.member("Statement");
    let statements = match object.get("Statement") {
        Some(Value::Array(list)) if list.is_empty() => {
            return Err(statements_path.fault("is empty: a document needs a statement"));
        }
        Some(Value::Array(list)) => list
            .iter()
            .enumerate()
            .map(|(index, value)| statement(value, &statements_path.element(index)))
            .collect::<Result<_, _>>()?,
        Some(single) => vec![statement(single, &statements_path)?],
        None => return Err(statements_path.fault("is missing")),
    };
    Ok(Document { version: version.to_owned(), id: name(object, &path, "Id")?, statements })
}

fn statement(value: &Value, path: &Path<'_>) -> Result<Statement, Fault> {
    let object = as_object(value, path)?;
    if let Some(unknown) = object.keys().find(|name| !STATEMENT_MEMBERS.contains(&name.as_str())) {
        return Err(path.member(unknown).fault("is no element of a statement"));
    }
    let effect = match object.get("Effect") {
        Some(Value::String(effect)) if effect.eq_ignore_ascii_case("allow") => Effect::Allow,
        Some(Value::String(effect)) if effect.eq_ignore_ascii_case("deny") => Effect::Deny,
        _ => return Err(path.member("Effect").fault("must be Allow or Deny")),
    };
    let actions = matching(object, path, "Action", "NotAction")?
        .ok_or_else(|| path.member("Action").fault("is missing: a statement needs Action or NotAction"))?;
    Ok(Statement {
        sid: name(object, path, "Sid")?,
        effect,
        principal: principal(object, path, "Principal")?,
        not_principal: principal(object, path, "NotPrincipal")?,
        actions,
        resources: matching(object, path, "Resource", "NotResource")?,
        conditions: conditions(object, path)?,
    })
}

/// A sid or an id; an empty one is none.
fn name(object: &Map<String, Value>, path: &Path<'_>, member: &str) -> Result<Option<String>, Fault> {
    match object.get(member) {
        None => Ok(None),
        Some(Value::String(name)) => Ok(Some(name.clone()).filter(|name| !name.is_empty())),
        Some(_) => Err(path.member(member).fault("must be a string")),
    }
}

fn matching(
    object: &Map<String, Value>,
    path: &Path<'_>,
    positive: &str,
    negative: &str,
) -> Result<Option<Matching>, Fault> {
    match (object.get(positive), object.get(negative)) {
        (Some(_), Some(_)) => {
            Err(path.member(negative).fault(format!("excludes {positive} in the same statement: keep one")))
        }
        (Some(value), None) => Ok(Some(Matching::In(strings(value, &path.member(positive))?))),
        (None, Some(value)) => Ok(Some(Matching::NotIn(strings(value, &path.member(negative))?))),
        (None, None) => Ok(None),
    }
}

fn principal(object: &Map<String, Value>, path: &Path<'_>, member: &str) -> Result<Option<Principal>, Fault> {
    let path = path.member(member);
    match object.get(member) {
        None => Ok(None),
        Some(Value::String(everyone)) if everyone == "*" => Ok(Some(Principal::Everyone)),
        Some(Value::Object(kinds)) if kinds.is_empty() => Err(path.fault("names nobody")),
        Some(Value::Object(kinds)) => {
            let kinds = kinds
                .iter()
                .map(|(kind, value)| Ok((kind.clone(), strings(value, &path.member(kind))?)))
                .collect::<Result<_, Fault>>()?;
            Ok(Some(Principal::Listed(kinds)))
        }
        Some(_) => Err(path.fault("must be \"*\" or an object of principals by kind")),
    }
}

/// IAM takes a `Condition` without operators, operators without keys, and keys without values; moto's tests, which were
/// written against IAM, hold each (`tests/test_iam/test_iam_policies.py`).
fn conditions(object: &Map<String, Value>, path: &Path<'_>) -> Result<Conditions, Fault> {
    let path = path.member("Condition");
    let Some(value) = object.get("Condition") else { return Ok(Conditions::new()) };
    as_object(value, &path)?
        .iter()
        .map(|(operator, keys)| {
            let path = path.member(operator);
            let keys = as_object(keys, &path)?
                .iter()
                .map(|(key, value)| Ok((key.clone(), scalars(value, &path.member(key))?)))
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
    scalars(value, &Path::Root(path))
}

fn scalars(value: &Value, path: &Path<'_>) -> Result<Vec<String>, Fault> {
    match value {
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, value)| scalar(value, &path.element(index))).collect()
        }
        single => Ok(vec![scalar(single, path)?]),
    }
}

fn scalar(value: &Value, path: &Path<'_>) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) if lost_digits(number) => {
            Err(path.fault("is a number of more digits than JSON's readers keep: write it as a string"))
        }
        Value::Number(number) => Ok(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(path.fault("must be a string, a number, a boolean or a list of them"))
        }
    }
}

/// What fits no 64-bit integer was read as floating point: two such numbers may differ in the document and not here.
fn lost_digits(number: &Number) -> bool {
    number.is_f64() && number.as_f64().is_some_and(|number| number.abs() >= EXACT_BELOW)
}

/// IAM refuses empty lists of actions, resources and principals ("Policy statement must contain actions.").
fn strings(value: &Value, path: &Path<'_>) -> Result<Vec<String>, Fault> {
    let string = |value: &Value, path: &Path<'_>| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(path.fault("must be a string or a list of strings"))
        }
    };
    match value {
        Value::Array(list) if list.is_empty() => Err(path.fault("is an empty list, which IAM refuses")),
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, value)| string(value, &path.element(index))).collect()
        }
        single => Ok(vec![string(single, path)?]),
    }
}

fn as_object<'a>(value: &'a Value, path: &Path<'_>) -> Result<&'a Map<String, Value>, Fault> {
    value.as_object().ok_or_else(|| path.fault("must be an object"))
}
