//! The pages about exports, as the API server and the controller judge what they show; and what can be selected by.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use super::{at_admission, in_controller};
use crate::api::{LambdaExecutionRoleSpec, crds};

fn read(page: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap()
}

/// The objects in the YAML blocks of a page.
fn objects(page: &str) -> Vec<Value> {
    let page = read(page);
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks
        .flat_map(|block| {
            let documents: Vec<Value> =
                serde_saphyr::from_multiple(block).unwrap_or_else(|error| panic!("{error}\n{block}"));
            documents
        })
        .collect()
}

#[test]
fn the_guide_shows_objects_and_its_roles_are_accepted_by_both_judges() {
    let objects = objects("docs/guides/hand-over.md");
    let mut count = 0;
    for object in &objects {
        assert!(["apiVersion", "kind", "metadata"].iter().all(|field| !object[field].is_null()), "{object}");
        if object["kind"] == "LambdaExecutionRole" {
            count += 1;
            assert_eq!(at_admission(&object["spec"]), [] as [String; 0]);
            let spec: LambdaExecutionRoleSpec = serde_json::from_value(object["spec"].clone()).unwrap();
            let written = serde_json::to_value(&spec).unwrap();
            assert!(written["export"] == object["spec"]["export"], "an unknown field: {object}");
            assert!(in_controller(&object["spec"]).is_ok());
        }
    }
    assert!(count >= 2 && objects.len() > count, "{count}");
}

#[test]
fn the_reference_names_every_field_that_objects_are_selected_by() {
    let page = read("docs/reference/lambdaexecutionrole.md");
    let section = page.split("## Field selectors\n").nth(1).unwrap().split("\n## ").next().unwrap();
    for crd in crds() {
        let fields = crd.spec.versions[0].selectable_fields.clone().unwrap_or_default();
        assert!((1..=8).contains(&fields.len()), "the API server takes up to eight");
        let named = |path: &str| section.contains(&format!("`{}`", path.trim_start_matches('.')));
        let missing: BTreeSet<String> =
            fields.into_iter().map(|field| field.json_path).filter(|path| !named(path)).collect();
        assert_eq!(missing, BTreeSet::new(), "{}", crd.spec.names.kind);
    }
}
