//! Which exports a spec may ask for.

use std::collections::BTreeSet;

use crate::{
    api::{
        LambdaExecutionRoleSpec,
        export::{Export, ExportKeys},
        rule,
    },
    lint::Finding,
    plan::desired::is_object_name,
};

/// What is wrong with the spec's export.
pub(in crate::plan) fn check(spec: &LambdaExecutionRoleSpec, found: &mut Vec<Finding>) {
    found.extend(spec.export.iter().flat_map(faults));
}

pub(super) fn faults(export: &Export) -> Vec<Finding> {
    let mut faults = Vec::new();
    if !is_config_map_name(&export.config_map.name) {
        faults.push(Finding::invalid("spec.export.configMap.name", rule::CONFIG_MAP_NAME));
    }
    let Some(ExportKeys { role_arn, role_name, role_id, account_id }) = &export.config_map.keys else { return faults };
    let given: Vec<(&str, &String)> =
        [("roleArn", role_arn), ("roleName", role_name), ("roleId", role_id), ("accountId", account_id)]
            .into_iter()
            .filter_map(|(field, key)| Some((field, key.as_ref()?)))
            .collect();
    for (field, _) in given.iter().filter(|(_, key)| !is_key(key)) {
        faults.push(Finding::invalid(format!("spec.export.configMap.keys.{field}"), rule::CONFIG_MAP_KEY));
    }
    if given.is_empty() {
        faults.push(Finding::invalid("spec.export.configMap.keys", rule::EXPORT_KEYS_NONE));
    }
    if given.iter().map(|(_, key)| key).collect::<BTreeSet<_>>().len() < given.len() {
        faults.push(Finding::invalid("spec.export.configMap.keys", rule::EXPORT_KEY_TWICE));
    }
    faults
}

/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>
fn is_config_map_name(name: &str) -> bool {
    name.len() <= rule::OBJECT_NAME_MAX && name.split('.').all(is_object_name)
}

fn is_key(key: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=rule::CONFIG_MAP_KEY_MAX).contains(&key.len())
        && key.chars().all(is_sign)
        && key != "."
        && !key.starts_with("..")
}
