//! Placeholders in a spec: `$(accountId)` and the like in any of its strings.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, map::Entry};

use super::{Account, Owner};
use crate::{
    lint::Finding,
    policy::{Excerpt, Path, Placeholders},
};

/// Most faults that are told of one spec's placeholders. Raw documents are as large as the API server takes objects, and
/// so could be the list of what is wrong in them.
const FAULTS_MAX: usize = 100;

/// The values that placeholders stand for in the spec of `owner`'s object.
pub(super) fn placeholders(owner: &Owner, account: &Account, role_name: &str) -> Placeholders {
    placeholders_before_name(owner, account).with("roleName", role_name)
}

/// Those of them that the role's name may be made of.
pub(super) fn placeholders_before_name(owner: &Owner, account: &Account) -> Placeholders {
    Placeholders::default()
        .with("partition", &account.partition)
        .with("accountId", &account.id)
        .with("region", &account.region)
        .with("namespace", &owner.namespace)
        .with("name", &owner.name)
}

/// The spec with every placeholder replaced, in values and in the keys of maps. What begins none is left and told.
pub(super) fn expanded<S: Serialize + DeserializeOwned + Clone>(
    spec: &S,
    placeholders: &Placeholders,
    faults: &mut Vec<Finding>,
) -> S {
    let Ok(mut value) = serde_json::to_value(spec) else { return spec.clone() };
    let mut found = Vec::new();
    let is_changed = expand(&mut value, &Path::Root("spec"), placeholders, &mut found);
    let is_sound = found.is_empty();
    faults.append(&mut found);
    if !is_changed || !is_sound {
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
fn expand(value: &mut Value, path: &Path<'_>, placeholders: &Placeholders, faults: &mut Vec<Finding>) -> bool {
    match value {
        Value::String(text) => match expanded_text(text, path, placeholders, faults) {
            Some(expanded) => {
                *text = expanded;
                true
            }
            None => false,
        },
        Value::Array(list) => list.iter_mut().enumerate().fold(false, |changed, (index, value)| {
            expand(value, &path.element(index), placeholders, faults) || changed
        }),
        Value::Object(fields) => {
            let mut is_changed = false;
            let mut result = Map::new();
            for (key, mut value) in std::mem::take(fields) {
                let path = path.member(&key);
                is_changed |= expand(&mut value, &path, placeholders, faults);
                let expanded = expanded_text(&key, &path, placeholders, faults);
                is_changed |= expanded.is_some();
                match result.entry(expanded.unwrap_or_else(|| key.clone())) {
                    Entry::Vacant(place) => {
                        place.insert(value);
                    }
                    // One of the two would be lost, and with a condition what it forbids.
                    Entry::Occupied(place) => {
                        let message = format!(
                            "is {} once its placeholders are replaced, as another key is: keep one",
                            Excerpt(place.key())
                        );
                        tell(&path, message, faults);
                    }
                }
            }
            *fields = result;
            is_changed
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The text that `text` stands for; `None` if it stands for itself.
fn expanded_text(
    text: &str,
    path: &Path<'_>,
    placeholders: &Placeholders,
    faults: &mut Vec<Finding>,
) -> Option<String> {
    if !text.contains("$(") {
        return None;
    }
    match placeholders.expand(text) {
        Ok(expanded) => Some(expanded.into_owned()),
        Err(unknown) => {
            tell(path, unknown.to_string(), faults);
            None
        }
    }
}

fn tell(path: &Path<'_>, message: String, faults: &mut Vec<Finding>) {
    if faults.len() < FAULTS_MAX {
        faults.push(Finding::invalid(path.to_string(), message));
    }
}
