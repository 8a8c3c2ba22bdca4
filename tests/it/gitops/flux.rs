//! Flux's verdict on an object, by the expressions of our example, evaluated in Flux's order:
//! <https://fluxcd.io/flux/components/kustomize/kustomizations/#health-check-expressions>

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use cel::{Context, Program, Value as CelValue};
use serde_json::Value;

use super::kstatus::Status;

/// By kind, as Flux looks them up.
static EXPRESSIONS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/flux/kustomizations.yaml");
    let kustomizations: Vec<Value> = serde_saphyr::from_multiple(&fs::read_to_string(file).unwrap()).unwrap();
    let all = kustomizations.iter().filter_map(|object| object["spec"]["healthCheckExprs"].as_array()).flatten();
    let mut by_kind = BTreeMap::new();
    for check in all {
        // What Flux's CRD requires of each.
        assert!(["apiVersion", "kind", "current"].iter().all(|field| check[field].is_string()), "{check}");
        assert_eq!(check["apiVersion"], "lambdaroles.dev/v1alpha1");
        assert!(by_kind.insert(check["kind"].as_str().unwrap().to_owned(), check.clone()).is_none(), "{check}");
    }
    by_kind
});

pub fn status(object: &Value) -> Status {
    let kind = object["kind"].as_str().unwrap();
    let expressions = EXPRESSIONS.get(kind).unwrap_or_else(|| panic!("no expressions for {kind}"));
    let mut context = Context::default();
    for (name, value) in object.as_object().unwrap() {
        context.add_variable(name.as_str(), value).unwrap();
    }
    let holds = |name: &str| {
        let program = Program::compile(expressions[name].as_str().unwrap()).unwrap();
        match program.execute(&context) {
            Ok(CelValue::Bool(holds)) => holds,
            other => panic!("{name}: {other:?}: {object:#}"),
        }
    };
    if holds("inProgress") {
        Status::InProgress
    } else if holds("failed") {
        Status::Failed
    } else if holds("current") {
        Status::Current
    } else {
        Status::InProgress
    }
}
