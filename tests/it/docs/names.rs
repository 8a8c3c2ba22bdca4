//! What the pages name is there: flags of the command line, values of the chart, fields of the API.

use std::{collections::BTreeSet, path::Path, process::Command};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use lambdaroles::api::crds;
use serde_json::Value;

use super::pages;

const COMMANDS: [&str; 5] = ["controller", "crds", "render", "lint", "controller-policy"];

/// Flags of other programs.
const FOREIGN_FLAGS: [&str; 1] = ["--role"];

/// Fields of other APIs.
const FOREIGN_FIELDS: [&str; 3] = ["spec.role", "spec.forProvider.role", "status.storedVersions"];

#[test]
fn every_flag_is_one_of_a_command() {
    let help: String = COMMANDS.into_iter().map(help).collect();
    let known: BTreeSet<&str> = help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
    let flags = spans(|span| span.starts_with("--"));
    assert!(flags.len() >= 10, "flags are not found any more: {flags:?}");
    let is_known = |span: &String| {
        let flag = span.split([' ', '=']).next().unwrap_or_default();
        match flag.strip_suffix('*') {
            Some(beginning) => known.iter().any(|known| known.starts_with(beginning)),
            None => known.contains(flag) || FOREIGN_FLAGS.contains(&flag),
        }
    };
    let unknown: Vec<String> = flags.into_iter().filter(|span| !is_known(span)).collect();
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn every_value_is_one_of_the_chart() {
    let values = pages::read(Path::new("charts/lambdaroles/values.yaml")).text;
    let values: Value = serde_saphyr::from_str(&values).unwrap();
    let paths = spans(|span| is_path(span) && values.get(span.split('.').next().unwrap_or_default()).is_some());
    assert!(paths.len() >= 12, "values are not found any more: {paths:?}");
    let is_known = |span: &String| {
        let path = span.split('=').next().unwrap_or_default();
        // What a value that is empty may hold is another's to say.
        let mut found = Some(&values);
        for name in path.split('.') {
            found = found.and_then(|value| if value == &serde_json::json!({}) { Some(value) } else { value.get(name) });
        }
        found.is_some()
    };
    let unknown: Vec<String> = paths.into_iter().filter(|span| !is_known(span)).collect();
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn every_field_is_one_of_a_kind() {
    let mut known = BTreeSet::new();
    for crd in crds() {
        let schema = crd.spec.versions[0].schema.clone().unwrap().open_api_v3_schema.unwrap();
        fields(&schema, "", &mut known);
    }
    let starts: BTreeSet<&str> =
        known.iter().filter_map(|path| path.strip_prefix("spec.")?.split('.').next()).collect();
    let begins_so = |span: &str| {
        let start = span.split('.').next().unwrap_or_default();
        start == "spec" || start == "status" || starts.contains(start)
    };
    let paths = spans(|span| is_path(span) && begins_so(span));
    assert!(paths.len() >= 60, "fields are not found any more: {paths:?}");
    // Where the page is about a part of a spec, the path begins there.
    let is_known = |span: &String| {
        let path = span.split('=').next().unwrap_or_default();
        let is_end =
            |known: &String| known.strip_suffix(path).is_some_and(|start| start.is_empty() || start.ends_with('.'));
        known.iter().any(is_end) || FOREIGN_FIELDS.contains(&path)
    };
    let unknown: Vec<String> = paths.into_iter().filter(|span| !is_known(span)).collect();
    assert_eq!(unknown, Vec::<String>::new());
}

/// Names with dots between, and perhaps what is set; no file.
fn is_path(span: &str) -> bool {
    let path = span.split('=').next().unwrap_or_default();
    let is_file = [".yaml", ".md", ".rs"].iter().any(|extension| path.ends_with(extension));
    path.contains('.')
        && !is_file
        && path.split('.').all(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// What stands between backticks in the pages and is such; brackets of lists are left out.
fn spans(is_such: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut spans = BTreeSet::new();
    for page in pages::all() {
        let prose = page.prose();
        let found = prose.split('`').skip(1).step_by(2).map(|span| span.replace("[]", "").replace("[0]", ""));
        spans.extend(found.filter(|span| is_such(span)));
    }
    spans
}

fn help(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lambdaroles")).args([command, "--help"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn fields(schema: &JSONSchemaProps, path: &str, known: &mut BTreeSet<String>) {
    for (name, child) in schema.properties.iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        fields(child, &path, known);
        known.insert(path);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        fields(items, path, known);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        fields(values, path, known);
    }
}
