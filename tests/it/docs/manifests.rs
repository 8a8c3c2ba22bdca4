//! What a reader copies from the pages is taken by the controller.

use std::path::Path;

use super::pages;
use crate::cli::run;

#[test]
fn every_manifest_of_ours_in_the_pages_passes_lint() {
    let mut count = 0;
    for page in pages::all() {
        for block in page.blocks("yaml") {
            let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&block)
                .unwrap_or_else(|error| panic!("{}: {error}:\n{block}", page.path.display()));
            let is_ours = |document: &serde_json::Value| {
                document["apiVersion"].as_str().is_some_and(|version| version.starts_with("lambdaroles.dev/"))
            };
            if documents.iter().any(is_ours) {
                count += 1;
                let told = lint(&block);
                assert_eq!(told, None, "{}:\n{block}", page.path.display());
            }
        }
    }
    assert!(count >= 12, "manifests are not found any more: {count}");
}

/// The class of the README's first look judges its roles, policies and grants.
#[test]
fn the_readme_as_a_whole_passes_the_guardrails_that_it_shows() {
    let readme = pages::read(Path::new("README.md"));
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {tier: product}}\n";
    let blocks = readme.blocks("yaml").into_iter().chain([namespace.to_owned()]);
    assert_eq!(lint(&blocks.collect::<Vec<_>>().join("\n---\n")), None);
}

/// What `lambdaroles lint` says of a manifest with an error in it.
fn lint(manifest: &str) -> Option<String> {
    let output = run(&["lint", "-", "--account-id", "123456789012", "--namespace", "shop"], manifest);
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (!output.status.success()).then_some(told)
}
