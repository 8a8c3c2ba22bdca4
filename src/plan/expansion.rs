//! Placeholders in a spec: `$(accountId)` and the like in any of its strings.

use serde_json::{Map, Value};

use super::{Account, Owner};
use crate::{api::LambdaExecutionRoleSpec, lint::Finding, policy::Placeholders};

/// The values that placeholders stand for in the spec of `owner`'s object.
pub(super) fn placeholders(owner: &Owner, account: &Account, role_name: &str) -> Placeholders {
    Placeholders::default()
        .with("partition", &account.partition)
        .with("accountId", &account.id)
        .with("region", &account.region)
        .with("namespace", &owner.namespace)
        .with("name", &owner.name)
        .with("roleName", role_name)
}

/// The spec with every placeholder replaced, in values and in the keys of maps. What begins none is left and told.
pub(super) fn expanded(
    spec: &LambdaExecutionRoleSpec,
    placeholders: &Placeholders,
    faults: &mut Vec<Finding>,
) -> LambdaExecutionRoleSpec {
    let Ok(mut value) = serde_json::to_value(spec) else { return spec.clone() };
    let known = faults.len();
    let is_changed = expand(&mut value, "spec", placeholders, faults);
    if !is_changed || faults.len() > known {
        return spec.clone();
    }
    match serde_json::from_value(value) {
        Ok(expanded) => expanded,
        Err(error) => {
            faults
                .push(Finding::invalid("spec", format!("cannot be read once its placeholders are replaced: {error}")));
            spec.clone()
        }
    }
}

/// Expands what is below `path`, and says whether anything changed.
fn expand(value: &mut Value, path: &str, placeholders: &Placeholders, faults: &mut Vec<Finding>) -> bool {
    match value {
        Value::String(text) => match expanded_text(text, path, placeholders, faults) {
            Some(expanded) => {
                *text = expanded;
                true
            }
            None => false,
        },
        Value::Array(list) => list.iter_mut().enumerate().fold(false, |changed, (index, value)| {
            expand(value, &format!("{path}[{index}]"), placeholders, faults) || changed
        }),
        Value::Object(fields) => {
            let mut is_changed = false;
            let mut result = Map::new();
            for (key, mut value) in std::mem::take(fields) {
                let path = format!("{path}.{key}");
                is_changed |= expand(&mut value, &path, placeholders, faults);
                let expanded = expanded_text(&key, &path, placeholders, faults);
                is_changed |= expanded.is_some();
                result.insert(expanded.unwrap_or(key), value);
            }
            *fields = result;
            is_changed
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The text that `text` stands for; `None` if it stands for itself.
fn expanded_text(text: &str, path: &str, placeholders: &Placeholders, faults: &mut Vec<Finding>) -> Option<String> {
    if !text.contains("$(") {
        return None;
    }
    match placeholders.expand(text) {
        Ok(expanded) => Some(expanded.into_owned()),
        Err(unknown) => {
            faults.push(Finding::invalid(path, unknown.to_string()));
            None
        }
    }
}
