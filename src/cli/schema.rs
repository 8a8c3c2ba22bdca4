//! What the API server makes of an object before anybody sees it, by the schema of the CRD: it prunes nulls, and refuses
//! what has another shape or is out of bounds. <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>
//!
//! The rules in CEL and the patterns are not judged here: the controller judges them again, in the same words.

use std::{collections::BTreeSet, sync::LazyLock};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::Resource;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{api::crds, lint::Finding};

/// The schema of a `LambdaExecutionRole`.
pub(super) static ROLE: LazyLock<JSONSchemaProps> = LazyLock::new(|| of_kind("LambdaExecutionRole"));

/// The schema of a `LambdaManagedPolicy`.
pub(super) static POLICY: LazyLock<JSONSchemaProps> = LazyLock::new(|| of_kind("LambdaManagedPolicy"));

/// The schema of a `LambdaRoleGrant`.
pub(super) static GRANT: LazyLock<JSONSchemaProps> = LazyLock::new(|| of_kind("LambdaRoleGrant"));

/// The schema of a `LambdaRoleClass`.
pub(super) static CLASS: LazyLock<JSONSchemaProps> = LazyLock::new(|| of_kind("LambdaRoleClass"));

fn of_kind(kind: &str) -> JSONSchemaProps {
    let crd = crds().into_iter().find(|crd| crd.spec.names.kind == kind);
    let version = crd.and_then(|crd| crd.spec.versions.into_iter().next());
    version.and_then(|version| version.schema).and_then(|schema| schema.open_api_v3_schema).unwrap_or_default()
}

/// The object, and what is out of the schema's bounds in it.
///
/// # Errors
/// What cannot be read, fields that the API does not have included: the API server would drop or refuse them.
pub(super) fn decoded<K: Resource<DynamicType = ()> + DeserializeOwned>(
    mut object: Value,
    schema: &JSONSchemaProps,
) -> Result<(K, Vec<Finding>), Vec<Finding>> {
    // They say which kind it is, which is known here; the type has no fields for them.
    for field in ["apiVersion", "kind"] {
        object.as_object_mut().and_then(|fields| fields.remove(field));
    }
    let mut faults = Faults { kind: K::kind(&()).into_owned(), ..Faults::default() };
    let metadata = object.as_object_mut().and_then(|fields| fields.remove("metadata"));
    judge(&mut object, schema, "", &mut faults);
    if !faults.shape.is_empty() {
        return Err(faults.shape);
    }
    if let Some(fields) = object.as_object_mut() {
        fields.insert("metadata".to_owned(), metadata.unwrap_or_else(|| Value::Object(serde_json::Map::new())));
    }
    // The rest has the shape of the schema.
    match serde_json::from_value(object) {
        Ok(object) => Ok((object, faults.bounds)),
        Err(error) => Err(vec![Finding::invalid("metadata", format!("cannot be read: {error}"))]),
    }
}

/// What is wrong with an object.
#[derive(Debug, Default)]
struct Faults {
    /// Kind of the object.
    kind: String,
    /// What has another shape than the schema: it cannot be read.
    shape: Vec<Finding>,
    /// What is too many, too few, too long, too great, too small or there twice.
    bounds: Vec<Finding>,
}

/// Prunes the nulls of `value`, which stands at `path`, and tells what the API server would refuse.
fn judge(value: &mut Value, schema: &JSONSchemaProps, path: &str, faults: &mut Faults) {
    if let Some(fault) = shape_fault(value, schema) {
        faults.shape.push(Finding::invalid(path, fault));
        return;
    }
    faults.bounds.extend(bound_fault(value, schema).map(|fault| Finding::invalid(path, fault)));
    match value {
        Value::Object(_) => judge_fields(value, schema, path, faults),
        Value::Array(items) => {
            if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
                for (index, item) in items.iter_mut().enumerate() {
                    judge(item, schema, &format!("{path}[{index}]"), faults);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn judge_fields(value: &mut Value, schema: &JSONSchemaProps, path: &str, faults: &mut Faults) {
    let Value::Object(fields) = value else { return };
    let of_any = match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(schema)) => Some(schema.as_ref()),
        Some(JSONSchemaPropsOrBool::Bool(_)) | None => None,
    };
    let schema_of = |field: &str| schema.properties.as_ref().and_then(|known| known.get(field)).or(of_any);
    fields.retain(|field, value| !(value.is_null() && schema_of(field).is_some()));
    let missing = schema.required.iter().flatten().filter(|field| !fields.contains_key(*field));
    faults.shape.extend(missing.map(|field| Finding::invalid(within(path, field), "is missing")));
    for (field, value) in fields {
        let path = within(path, field);
        match schema_of(field) {
            Some(schema) => judge(value, schema, &path, faults),
            None if schema.properties.is_some() && schema.x_kubernetes_preserve_unknown_fields != Some(true) => {
                faults.shape.push(Finding::invalid(path, format!("is no field of a {}", faults.kind)));
            }
            None => {}
        }
    }
}

fn within(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

fn shape_fault(value: &Value, schema: &JSONSchemaProps) -> Option<String> {
    let (wanted, is_such) = match schema.type_.as_deref()? {
        "object" => ("an object", value.is_object()),
        "array" => ("a list", value.is_array()),
        "string" => ("a string", value.is_string()),
        "boolean" => ("true or false", value.is_boolean()),
        "integer" => ("a whole number", value.is_i64() || value.is_u64()),
        other => (other, true),
    };
    if !is_such {
        return Some(match value {
            Value::Null => format!("must be {wanted}, not null"),
            Value::Bool(_) | Value::Number(_) if value_may_be_quoted(schema) => {
                format!("must be {wanted}, not {value}: put it in quotes")
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) => format!("must be {wanted}, not {value}"),
            Value::Array(_) => format!("must be {wanted}, not a list"),
            Value::Object(_) => format!("must be {wanted}, not an object"),
        });
    }
    let choices: Vec<&str> = schema.enum_.iter().flatten().filter_map(|choice| choice.0.as_str()).collect();
    let chosen = value.as_str()?;
    (!choices.is_empty() && !choices.contains(&chosen))
        .then(|| format!("must be one of {}, not {chosen}", choices.join(", ")))
}

fn value_may_be_quoted(schema: &JSONSchemaProps) -> bool {
    schema.type_.as_deref() == Some("string") && schema.enum_.is_none()
}

fn bound_fault(value: &Value, schema: &JSONSchemaProps) -> Option<String> {
    let outside = |length: usize, min: Option<i64>, max: Option<i64>, unit: &str| {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        match (min, max) {
            (Some(min), _) if length < min => Some(format!("has {length} {unit}, and needs {min} at least")),
            (_, Some(max)) if length > max => Some(format!("has {length} {unit}, and {max} are allowed")),
            _ => None,
        }
    };
    match value {
        Value::Object(fields) => outside(fields.len(), schema.min_properties, schema.max_properties, "fields"),
        Value::Array(items) => outside(items.len(), schema.min_items, schema.max_items, "items")
            .or_else(|| twice(items, schema).map(|item| format!("has {item} twice"))),
        Value::String(text) => outside(text.chars().count(), schema.min_length, schema.max_length, "characters"),
        Value::Number(number) => out_of_range(number.as_f64()?, schema),
        Value::Null | Value::Bool(_) => None,
    }
}

fn out_of_range(number: f64, schema: &JSONSchemaProps) -> Option<String> {
    let (min, max) = (schema.minimum.filter(|min| number < *min), schema.maximum.filter(|max| number > *max));
    let least = min.map(|min| format!("is {number}, and must be {min} at least"));
    least.or_else(|| max.map(|max| format!("is {number}, and must be {max} at most")))
}

fn twice<'a>(items: &'a [Value], schema: &JSONSchemaProps) -> Option<&'a str> {
    if schema.x_kubernetes_list_type.as_deref() != Some("set") {
        return None;
    }
    let mut seen = BTreeSet::new();
    items.iter().filter_map(Value::as_str).find(|item| !seen.insert(*item))
}
