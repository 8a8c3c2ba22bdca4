//! The CRD as the API server judges by it: its rules run client-side, by `kube/cel`.
//!
//! What the schema says without CEL (lengths, enums, unknown fields) no unit test sees: `check-crds` offers
//! `tests/invalid` and `examples` to a real API server.

mod agreement;
mod crd;
mod rules;
mod samples;

use std::sync::LazyLock;

use kube::core::cel::{CompiledSchema, ValidationError, ValidationErrors, Validator, compile_schema};
use serde_json::{Value, json};

use crate::{
    lint::{Code, Finding},
    plan::{Account, DesiredRole, ObjectClass, Owner, Quotas, desired::desired_role},
};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let crd = super::crds().remove(0);
    let schema = crd.spec.versions[0].schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
    serde_json::to_value(schema).unwrap()
});

static COMPILED: LazyLock<CompiledSchema> = LazyLock::new(|| compile_schema(&SCHEMA));

fn spec(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

fn complaints(object: &Value, old: Option<&Value>) -> Vec<ValidationError> {
    Validator::new().validate_compiled(&COMPILED, object, old).map_or_else(ValidationErrors::into_vec, |()| Vec::new())
}

/// What the API server says of a new object with this spec: path and message of each rule that it breaks.
fn at_admission(spec: &Value) -> Vec<String> {
    complaints(&json!({"spec": spec}), None).iter().map(ToString::to_string).collect()
}

/// What it says of a change from `old` to `new`.
fn at_update(old: &str, new: &str) -> Vec<String> {
    let [old, new] = [old, new].map(|yaml| json!({"spec": spec(yaml)}));
    complaints(&new, Some(&old)).iter().map(|complaint| complaint.message.clone()).collect()
}

/// What the controller says of the fields: what the role as a whole means no rule of the CRD can tell.
fn of_fields(spec: &Value) -> Vec<Finding> {
    let mut findings = in_controller(spec).err().unwrap_or_default();
    findings.retain(|finding| finding.code == Code::InvalidField);
    findings
}

/// What the controller says.
fn in_controller(spec: &Value) -> Result<DesiredRole, Vec<Finding>> {
    let owner = Owner { cluster: "north".to_owned(), namespace: "shop".to_owned(), name: "orders".to_owned() };
    let account = Account {
        id: "123456789012".to_owned(),
        partition: "aws".to_owned(),
        region: "us-east-1".to_owned(),
        quotas: Quotas::HIGHEST,
    };
    desired_role(&serde_json::from_value(spec.clone()).unwrap(), &owner, &account, &ObjectClass::unknown(&owner), None)
}
