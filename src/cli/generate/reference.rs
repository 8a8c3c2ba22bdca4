//! The reference of every field, from the schemas of the CRDs, whose descriptions are the comments of the types: what
//! `kubectl explain` prints, on a page.

use std::{collections::BTreeSet, fmt::Write};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionNames, JSONSchemaProps, JSONSchemaPropsOrArray,
    JSONSchemaPropsOrBool,
};
use serde_json::Value;

/// The page of a kind, by its path within the pages of the reference.
pub(super) fn page(crd: &CustomResourceDefinition) -> (String, String) {
    let names = &crd.spec.names;
    let version = crd.spec.versions.first();
    let schema = version.and_then(|version| version.schema.as_ref()?.open_api_v3_schema.as_ref());
    let none = JSONSchemaProps::default();
    let schema = schema.unwrap_or(&none);
    let mut page = head(names, schema);
    for part in ["spec", "status"] {
        if let Some(schema) = schema.properties.as_ref().and_then(|parts| parts.get(part)) {
            let description = schema.description.as_deref().unwrap_or_default();
            let _ = write!(page, "\n## {part}\n\n{description}\n\n");
            page.push_str("| field | type | default | meaning | limits |\n|---|---|---|---|---|\n");
            let mut fields = Fields { page: &mut page, immutable: BTreeSet::new() };
            fields.note_immutable(schema, "");
            fields.write_children(schema, "");
        }
    }
    (format!("fields/{}.md", names.kind.to_lowercase()), page)
}

fn head(names: &CustomResourceDefinitionNames, schema: &JSONSchemaProps) -> String {
    let CustomResourceDefinitionNames { kind, short_names, .. } = names;
    let short = short_names.iter().flatten().next().unwrap_or(&names.plural);
    let description = schema.description.as_deref().unwrap_or_default();
    format!(
        "<!-- Written by `make generate` from the comments of the types in src/api. -->\n\n# Fields of {kind}\n\n{description} `kubectl explain {short}.spec` says the same. [{kind}](../{}.md) says how they belong together.\n",
        kind.to_lowercase()
    )
}

/// The rows of a table, as they are written.
struct Fields<'a> {
    page: &'a mut String,
    /// Paths of the fields that do not change.
    immutable: BTreeSet<String>,
}

impl Fields<'_> {
    /// A rule that compares with `oldSelf` is about whether a field changes: that which it names behind, or its own.
    fn note_immutable(&mut self, schema: &JSONSchemaProps, path: &str) {
        for rule in schema.x_kubernetes_validations.iter().flatten() {
            for behind in rule.rule.split("oldSelf").skip(1) {
                let named = behind.strip_prefix('.').unwrap_or_default();
                let named = named.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
                self.immutable.insert(if named.is_empty() { path.to_owned() } else { within(path, named) });
            }
        }
        for (name, child) in schema.properties.iter().flatten() {
            self.note_immutable(child, &within(path, name));
        }
    }

    fn write_children(&mut self, schema: &JSONSchemaProps, path: &str) {
        let is_required = |name: &String| schema.required.iter().flatten().any(|required| required == name);
        for (name, child) in schema.properties.iter().flatten() {
            let path = within(path, name);
            self.write(child, &path, is_required(name));
            self.write_below(child, &path);
        }
    }

    /// What is within a field, also within the items of a list and the values of a map.
    fn write_below(&mut self, schema: &JSONSchemaProps, path: &str) {
        // Conditions are Kubernetes' own.
        if is_conditions(schema) {
            return;
        }
        self.write_children(schema, path);
        if let Some(items) = items(schema) {
            self.write_below(items, &format!("{path}[]"));
        }
        if let Some(values) = values(schema) {
            self.write_below(values, &format!("{path}.*"));
        }
    }

    fn write(&mut self, schema: &JSONSchemaProps, path: &str, is_required: bool) {
        let mut limits = Vec::new();
        limits.extend(is_required.then(|| "**required**".to_owned()));
        limits.extend(self.immutable.contains(path).then(|| "**immutable**".to_owned()));
        limits.extend(bounds(schema));
        for part in [items(schema), values(schema)].into_iter().flatten() {
            limits.extend(bounds(part).into_iter().map(|bound| format!("each: {bound}")));
            limits.extend(rules(part));
        }
        limits.extend(rules(schema));
        let meaning = schema.description.as_deref().unwrap_or_default();
        let _ = writeln!(
            self.page,
            "| `{path}` | {} | {} | {} | {} |",
            cell(&type_of(schema)),
            cell(&default_of(schema)),
            cell(meaning),
            cell(&limits.join("<br>"))
        );
    }
}

fn within(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn items(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => Some(items),
        Some(JSONSchemaPropsOrArray::Schemas(_)) | None => None,
    }
}

fn values(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(values)) => Some(values),
        Some(JSONSchemaPropsOrBool::Bool(_)) | None => None,
    }
}

fn is_conditions(schema: &JSONSchemaProps) -> bool {
    schema.x_kubernetes_list_map_keys.as_deref() == Some(&["type".to_owned()])
}

fn type_of(schema: &JSONSchemaProps) -> String {
    let is_anything = schema.x_kubernetes_preserve_unknown_fields == Some(true);
    match (schema.type_.as_deref(), items(schema), values(schema)) {
        _ if is_conditions(schema) => "[]Condition".to_owned(),
        (_, Some(items), _) => format!("[]{}", type_of(items)),
        (_, _, Some(values)) => format!("map[string]{}", type_of(values)),
        (Some("object"), ..) if is_anything => "map[string]any".to_owned(),
        (None, ..) => "any".to_owned(),
        (Some(_), ..) if schema.format.as_deref() == Some("date-time") => "time".to_owned(),
        (Some(name), ..) => name.to_owned(),
    }
}

/// Of an object it is that of its fields.
fn default_of(schema: &JSONSchemaProps) -> String {
    match schema.default.as_ref().map(|default| &default.0) {
        None | Some(Value::Object(_)) => String::new(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(other) => format!("`{other}`"),
    }
}

/// What the schema says without a rule.
fn bounds(schema: &JSONSchemaProps) -> Vec<String> {
    let mut bounds = Vec::new();
    if let Some(choices) = &schema.enum_ {
        let names = choices.iter().map(|choice| choice.0.as_str().map_or(choice.0.to_string(), str::to_owned));
        bounds.push(names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
    }
    let whole = |bound: Option<f64>| bound.map(|bound| format!("{bound}"));
    let counted = |bound: Option<i64>| bound.map(|bound| bound.to_string());
    bounds.extend(range(whole(schema.minimum), whole(schema.maximum), ""));
    bounds.extend(range(counted(schema.min_length), counted(schema.max_length), " characters"));
    bounds.extend(range(counted(schema.min_items), counted(schema.max_items), " items"));
    bounds.extend(range(counted(schema.min_properties), counted(schema.max_properties), " entries"));
    if schema.x_kubernetes_list_type.as_deref() == Some("set") {
        bounds.push("each once".to_owned());
    }
    bounds
}

fn range(min: Option<String>, max: Option<String>, unit: &str) -> Option<String> {
    match (min, max) {
        (Some(min), Some(max)) if min == max => Some(format!("{min}{unit}")),
        (Some(min), Some(max)) => Some(format!("{min} to {max}{unit}")),
        (Some(min), None) => Some(format!("{min}{unit} or more")),
        (None, Some(max)) => Some(format!("up to {max}{unit}")),
        (None, None) => None,
    }
}

/// What the rules say that are about more than change.
fn rules(schema: &JSONSchemaProps) -> Vec<String> {
    let lasting = schema.x_kubernetes_validations.iter().flatten().filter(|rule| !rule.rule.contains("oldSelf"));
    lasting.filter_map(|rule| rule.message.as_deref()).map(plain).collect()
}

/// Text that is no markdown.
fn plain(text: &str) -> String {
    let escaped = |c: char| match c {
        '*' | '_' | '<' | '>' | '[' | ']' | '`' => vec!['\\', c],
        c => vec![c],
    };
    text.chars().flat_map(escaped).collect()
}

fn cell(text: &str) -> String {
    text.replace("\n\n", "<br><br>").replace('\n', " ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api;

    /// The rows of the tables: path, meaning and limits of each field.
    fn rows() -> Vec<(String, String, String)> {
        let pages = api::crds().iter().map(page).collect::<Vec<_>>();
        let rows = pages.iter().flat_map(|(name, text)| {
            let rows = text.lines().filter(|line| line.starts_with("| `"));
            rows.map(move |row| (name, row.replace("\\|", "/")))
        });
        let cells = rows.map(|(name, row)| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [path, _, _, meaning, limits] = cells[..] else { panic!("{name}: {row}") };
            (format!("{name} {path}"), meaning.to_owned(), limits.to_owned())
        });
        cells.collect()
    }

    #[test]
    fn every_field_is_explained() {
        let unexplained = rows().into_iter().filter(|(_, meaning, _)| meaning.is_empty());
        assert_eq!(unexplained.map(|(path, ..)| path).collect::<Vec<_>>(), Vec::<String>::new());
    }

    /// `kubectl explain` prints the comment and no rule.
    #[test]
    fn the_comment_of_an_immutable_field_says_so() {
        let immutable = rows().into_iter().filter(|(.., limits)| limits.contains("**immutable**")).collect::<Vec<_>>();
        assert!(immutable.len() >= 13, "{immutable:?}");
        for (path, meaning, _) in immutable {
            assert!(meaning.contains("Immutable"), "{path}: {meaning}");
        }
    }

    #[test]
    fn limits_say_what_schema_and_rules_say() {
        let limits_of = |page: &str, field: &str| {
            let path = format!("fields/{page}.md `{field}`");
            rows().into_iter().find(|(found, ..)| *found == path).map(|(.., limits)| limits).unwrap()
        };
        for (field, limits) in [
            ("maxSessionDurationSeconds", "3600 to 43200"),
            ("statements[].effect", "**required**<br>`Allow`, `Deny`"),
            ("features[].logGroups", "1 to 50 items<br>each: 1 to 512 characters"),
            ("overflow", "`ManagedPolicies`, `Refuse`"),
        ] {
            assert_eq!(limits_of("lambdaexecutionrole", field), limits, "{field}");
        }
        let account = limits_of("lambdaroleclass", "account.id");
        assert!(account.starts_with("**required**<br>**immutable**<br>12 characters<br>"), "{account}");
        let naming = limits_of("lambdaroleclass", "naming.roleName");
        assert!(naming.starts_with("**immutable**<br>1 to 128 characters<br>"), "{naming}");
        assert_eq!(limits_of("lambdaroleclass", "naming.adoptable"), "up to 100 items<br>each: 1 to 2048 characters");
    }
}
