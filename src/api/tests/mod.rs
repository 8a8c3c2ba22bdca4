//! The CRDs as the API server judges by them: their rules run client-side, by `kube/cel`.
//!
//! What the schema says without CEL (lengths, enums, unknown fields) no unit test sees: `check-crds` offers
//! `tests/invalid` and `examples` to a real API server.

mod admission;
mod agreement;
mod class;
mod crd;
mod export;
mod grant;
mod managed_policy;
mod rules;
mod samples;

use std::{collections::BTreeSet, sync::LazyLock};

use kube::core::cel::{CompiledSchema, ValidationError, ValidationErrors, Validator, compile_schema};
use serde_json::{Value, json};

use crate::{
    lint::{Code, Finding},
    plan::{Account, DesiredRole, ObjectClass, Owner, Quotas, References, desired::desired_role},
};

static ROLE: LazyLock<Crd> = LazyLock::new(|| Crd::of("LambdaExecutionRole"));
static MANAGED_POLICY: LazyLock<Crd> = LazyLock::new(|| Crd::of("LambdaManagedPolicy"));
static GRANT: LazyLock<Crd> = LazyLock::new(|| Crd::of("LambdaRoleGrant"));
static CLASS: LazyLock<Crd> = LazyLock::new(|| Crd::of("LambdaRoleClass"));

/// A CRD of ours as a judge.
struct Crd {
    schema: Value,
    compiled: CompiledSchema,
}

impl Crd {
    fn of(kind: &str) -> Self {
        let crd = super::crds().into_iter().find(|crd| crd.spec.names.kind == kind).unwrap();
        let schema = crd.spec.versions[0].schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
        let schema = serde_json::to_value(schema).unwrap();
        Self { compiled: compile_schema(&schema), schema }
    }

    /// What the API server says of a new object with this spec: path and message of each rule that it breaks.
    fn at_admission(&self, spec: &Value) -> Vec<String> {
        self.complaints(&json!({"spec": spec}), None).iter().map(ToString::to_string).collect()
    }

    /// What it says of a change from `old` to `new`.
    fn at_update(&self, old: &str, new: &str) -> Vec<String> {
        let [old, new] = [old, new].map(|yaml| json!({"spec": spec(yaml)}));
        self.complaints(&new, Some(&old)).iter().map(|complaint| complaint.message.clone()).collect()
    }

    fn complaints(&self, object: &Value, old: Option<&Value>) -> Vec<ValidationError> {
        Validator::new()
            .validate_compiled(&self.compiled, object, old)
            .map_or_else(ValidationErrors::into_vec, |()| Vec::new())
    }

    /// The messages of all rules.
    fn messages(&self) -> BTreeSet<String> {
        let mut said = BTreeSet::new();
        messages(&self.schema, &mut said);
        said
    }
}

fn messages(schema: &Value, said: &mut BTreeSet<String>) {
    let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten();
    said.extend(rules.map(|rule| rule["message"].as_str().unwrap().to_owned()));
    let children = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|map| map.values());
    let nested = ["items", "additionalProperties"].iter().filter_map(|keyword| schema.get(*keyword));
    for child in children.chain(nested) {
        messages(child, said);
    }
}

fn spec(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

/// What the API server says of a new role with this spec.
fn at_admission(spec: &Value) -> Vec<String> {
    ROLE.at_admission(spec)
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
    desired_role(
        &serde_json::from_value(spec.clone()).unwrap(),
        &owner,
        &account,
        &ObjectClass::unknown(&owner),
        &References::default(),
        None,
    )
}
