//! Argo CD's verdict on an object, by the health check that we ship, run as Argo CD runs it.

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use mlua::{Lua, LuaOptions, LuaSerdeExt, StdLib, Table, serde::SerializeOptions};
use serde_json::Value;

/// Those of <https://argo-cd.readthedocs.io/en/stable/operator-manual/health/> that a check may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Healthy,
    Progressing,
    Degraded,
    Suspended,
}

/// The check of each kind, where Argo CD reads it.
static CHECKS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/argocd/argocd-cm-patch.yaml");
    let mut patch: Value = serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    serde_json::from_value(patch["data"].take()).unwrap()
});

/// The health of an object, and the message beside it.
pub fn health(object: &Value) -> (Health, String) {
    // Argo CD asks no check about what is being deleted.
    if object["metadata"]["deletionTimestamp"].is_string() {
        return (Health::Progressing, "Pending deletion".to_owned());
    }
    let kind = object["kind"].as_str().unwrap();
    let check = CHECKS
        .get(&format!("resource.customizations.health.lambdaroles.dev_{kind}"))
        .unwrap_or_else(|| panic!("no health check for {kind}"));
    // Argo CD's Lua is 5.1 with the base and the table library, unless an administrator opens the others.
    let lua = Lua::new_with(StdLib::TABLE, LuaOptions::default()).unwrap();
    assert_eq!(lua.globals().get::<String>("_VERSION").unwrap(), "Lua 5.1");
    assert!(lua.globals().get::<Option<Table>>("string").unwrap().is_none());
    let options =
        SerializeOptions::new().set_array_metatable(false).serialize_none_to_null(false).serialize_unit_to_null(false);
    lua.globals().set("obj", lua.to_value_with(object, options).unwrap()).unwrap();
    let verdict: Table = lua.load(check).eval().unwrap_or_else(|error| panic!("{error}\n{object:#}"));
    let health = match verdict.get::<String>("status").unwrap().as_str() {
        "Healthy" => Health::Healthy,
        "Progressing" => Health::Progressing,
        "Degraded" => Health::Degraded,
        "Suspended" => Health::Suspended,
        other => panic!("{other} is no health"),
    };
    (health, verdict.get("message").unwrap())
}
