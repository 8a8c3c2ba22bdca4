//! Schemas that the derives cannot express, and the CRDs as they are published.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{
    class::LambdaRoleClass, grant::LambdaRoleGrant, managed_policy::LambdaManagedPolicy, role::LambdaExecutionRole,
    rule,
};

/// The CRD of every kind, in the order in which they are installed.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut crds =
        vec![LambdaExecutionRole::crd(), LambdaManagedPolicy::crd(), LambdaRoleGrant::crd(), LambdaRoleClass::crd()];
    for version in crds.iter_mut().flat_map(|crd| &mut crd.spec.versions) {
        if let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            publish(schema, false);
            begin_unobserved(schema);
        }
    }
    crds
}

/// Takes out what the derives say and the API server had better not hear:
///
/// - `nullable`, which schemars derives from every `Option`: without it the API server prunes an explicit `null` instead of
///   storing it, so that CEL's `has()` and server-side apply see one kind of absence.
/// - Defaults inside lists, which the controller has anyway. Argo CD compares a list of a custom resource as a whole, so what
///   the API server adds to its items would show as a difference from git for ever.
///   <https://argo-cd.readthedocs.io/en/stable/user-guide/diffing/>
fn publish(schema: &mut JSONSchemaProps, is_in_list: bool) {
    schema.nullable = None;
    if is_in_list {
        schema.default = None;
    }
    for child in schema.properties.iter_mut().flat_map(|properties| properties.values_mut()) {
        publish(child, is_in_list);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        publish(items, true);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        publish(values, is_in_list);
    }
}

/// An object that no controller has seen yet has a status that is about no generation. Whoever waits by kstatus (Flux) takes an
/// object without any for one that is done.
/// <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md#the-ready-condition>
fn begin_unobserved(schema: &mut JSONSchemaProps) {
    let status = schema.properties.as_mut().and_then(|properties| properties.get_mut("status"));
    if let Some(status) = status {
        status.default = Some(JSON(json!({"observedGeneration": -1})));
    }
}

/// One of the names of an enum, where the field may be absent. kube's derive writes the type's description over the field's own there,
/// which says more.
pub(super) fn choice<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = T::json_schema(generator);
    schema.remove("description");
    schema
}

/// `operator: {key: value or list}`. Values are scalars or lists of scalars, which a structural schema cannot say; the
/// controller checks them.
pub(super) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 30,
        // The preserving is done here, not one level below: CEL has no type for a map of untyped values, and the API
        // server then refuses the whole CRD.
        "additionalProperties": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 30,
            "x-kubernetes-preserve-unknown-fields": true,
        },
        "x-kubernetes-validations": [{
            "rule": "self.all(o, o.matches('^(ForAllValues:|ForAnyValue:)?(String(Not)?Equals(IgnoreCase)?|String(Not)?Like|(Numeric|Date)((Not)?Equals|(Less|Greater)Than(Equals)?)|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like))(IfExists)?$|^Null$'))",
            "message": rule::OPERATOR,
        }],
    })
}

/// A map of tags with bounded values.
pub(super) fn tags(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": rule::TAGS_MAX,
        "additionalProperties": {"type": "string", "maxLength": rule::TAG_VALUE_MAX},
    })
}

/// The same for a managed policy, on which one more says whose it is.
pub(super) fn policy_tags(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": rule::POLICY_TAGS_MAX,
        "additionalProperties": {"type": "string", "maxLength": rule::TAG_VALUE_MAX},
    })
}

/// Tags of roles, as a class gives them: values may hold placeholders.
pub(super) fn role_tags(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": rule::TAGS_MAX,
        "additionalProperties": {"type": "string", "maxLength": rule::TAG_VALUE_MAX},
        "x-kubernetes-validations": [
            {
                "rule": "self.all(k, k.size() <= 128 && k.matches('^[\\\\p{L}\\\\p{Z}\\\\p{N}_.:/=+@-]+$') && self[k].matches('^([\\\\p{L}\\\\p{Z}\\\\p{N}_.:/=+@-]|[$][(][A-Za-z]+[)])*$'))",
                "message": rule::TAGS,
            },
            {
                "rule": "self.all(k, !k.lowerAscii().startsWith('aws:') && !k.lowerAscii().startsWith('lambdaroles.dev/') && !self[k].startsWith('aws:'))",
                "message": rule::TAGS_RESERVED,
            },
            {
                "rule": "self.all(k, self.exists_one(j, j.lowerAscii() == k.lowerAscii()))",
                "message": rule::TAGS_CASE,
            },
        ],
    })
}

/// Tags of a session.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
pub(super) fn session_tags(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": rule::TAGS_MAX,
        "additionalProperties": {"type": "string", "maxLength": rule::TAG_VALUE_MAX},
        "x-kubernetes-validations": [
            {
                "rule": "self.all(k, k.size() <= 128 && k.matches('^[\\\\p{L}\\\\p{Z}\\\\p{N}_.:/=+@-]+$') && self[k].matches('^[\\\\p{L}\\\\p{Z}\\\\p{N}_.:/=+@-]*$'))",
                "message": rule::TAGS,
            },
            {
                "rule": "self.all(k, self.exists_one(j, j.lowerAscii() == k.lowerAscii()))",
                "message": rule::TAGS_CASE,
            },
        ],
    })
}

/// An ARN.
pub(super) fn arn(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": rule::ARN_MAX,
        "x-kubernetes-validations": [{
            "rule": "self.matches('^arn:[^:]*:[^:]*:[^:]*:[^:]*:.+$')",
            "message": rule::ARN,
        }],
    })
}

/// Functions whose code a statement holds for. What holds a placeholder is checked by the controller, which knows its value.
pub(super) fn source_function_arns(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": rule::FUNCTIONS_MAX,
        "items": {"type": "string", "minLength": 1, "maxLength": rule::FUNCTION_ARN_MAX},
        "x-kubernetes-validations": [
            {
                "rule": "self.all(f, f.split(':').size() < (f.startsWith('arn:') ? 8 : 2))",
                "message": rule::FUNCTION_ARN_QUALIFIED,
            },
            {
                "rule": "self.all(f, f.contains('$(') || f.matches('^(arn:[a-z*?-]+:lambda:[a-z0-9*?-]+:[0-9*?]+:function:)?[A-Za-z0-9_*?-]{1,64}$') || f.matches('^arn:[^:]*:lambda:[^:]*:[^:]*:function:[^:]*:') || (!f.startsWith('arn:') && f.contains(':')))",
                "message": rule::FUNCTION_ARN,
            },
        ],
    })
}

/// The functions of a grant.
pub(super) fn grant_source_function_arns(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = source_function_arns(generator);
    schema.insert("minItems".to_owned(), 1.into());
    if let Some(rules) = schema.get_mut("x-kubernetes-validations").and_then(Value::as_array_mut) {
        rules.push(json!({
            "rule": "self.all(f, f.contains('$(') || f.matches('[A-Za-z0-9_-][*?]*$'))",
            "message": rule::GRANT_FUNCTION,
        }));
    }
    schema
}

/// Codes of findings. Which there are the controller knows.
pub(super) fn finding_codes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 20,
        "items": {"type": "string", "minLength": 1, "maxLength": 64},
        "x-kubernetes-list-type": "set",
    })
}

/// A map of parameters with bounded values.
pub(super) fn template_parameters(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 10,
        "additionalProperties": {"type": "string", "maxLength": rule::ARN_MAX},
    })
}

/// A policy document: an object, or text. A structural schema has no word for either, so it says nothing; the controller
/// reads the document.
pub(super) fn document(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-preserve-unknown-fields": true})
}

/// A list of patterns.
pub(super) fn patterns(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 100,
        "items": {"type": "string", "minLength": 1, "maxLength": rule::ARN_MAX},
    })
}

/// A list of patterns of actions.
pub(super) fn actions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 100,
        "items": {"type": "string", "minLength": 1, "maxLength": 128},
        "x-kubernetes-validations": [{
            "rule": "self.all(a, a.matches('^([*]|[A-Za-z0-9*?-]+:[A-Za-z0-9*?]+)$'))",
            "message": rule::ACTION_PATTERN,
        }],
    })
}

/// A list of regions.
pub(super) fn regions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 40,
        "items": {"type": "string", "minLength": 1, "maxLength": 32},
        "x-kubernetes-validations": [{
            "rule": "self.all(r, r.matches('^[a-z]+(-[a-z0-9]+)+$'))",
            "message": rule::REGION,
        }],
    })
}

/// A list of namespaces' names.
pub(super) fn namespace_names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 500,
        "items": {"type": "string", "minLength": 1, "maxLength": 63},
        "x-kubernetes-validations": [{
            "rule": "self.all(n, n.matches('^[a-z0-9*?-]+$'))",
            "message": rule::NAMESPACE_NAME,
        }],
    })
}

/// A list of keys of tags.
pub(super) fn tag_keys(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": rule::TAGS_MAX,
        "items": {"type": "string", "minLength": 1, "maxLength": rule::TAG_KEY_MAX},
    })
}

/// A label selector, as everywhere in Kubernetes.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>
pub(super) fn label_selector(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "matchLabels": {
                "description": "Labels that must be there, with these values.",
                "type": "object",
                "maxProperties": 20,
                "additionalProperties": {"type": "string", "maxLength": 63},
            },
            "matchExpressions": {
                "description": "Requirements that must all hold.",
                "type": "array",
                "maxItems": 20,
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {"description": "Key of the label.", "type": "string", "minLength": 1, "maxLength": 317},
                        "operator": {
                            "description": "How values and the label's value belong together.",
                            "type": "string",
                            "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                        },
                        "values": {
                            "description": "Values, for In and NotIn.",
                            "type": "array",
                            "maxItems": 50,
                            "items": {"type": "string", "maxLength": 63},
                        },
                    },
                    "x-kubernetes-validations": [{
                        "rule": "(has(self.values) && self.values.size() > 0) == (self.operator in ['In', 'NotIn'])",
                        "message": rule::SELECTOR,
                    }],
                },
            },
        },
    })
}
