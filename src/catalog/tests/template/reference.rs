//! The page that lists the templates.

use std::{fs, path::Path};

use super::*;

const FILE: &str = "docs/reference/templates.md";

#[test]
fn the_table_of_the_reference_is_that_of_the_data() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)).unwrap();
    let committed: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    let expected = table();
    assert!(committed == expected, "the table of {FILE} is stale; it should be:\n{}", expected.join("\n"));
}

fn table() -> Vec<String> {
    let head = ["| template | parameters | allows | called by |", "|---|---|---|---|"].map(str::to_owned);
    let row = |template: &Recipe| {
        let parameters: Vec<String> =
            template.parameters.iter().map(|parameter| format!("`{}`", parameter.name)).collect();
        let caller = match template.caller {
            Caller::Code => "the function's code",
            Caller::Lambda => "**Lambda**",
        };
        format!("| `{}` | {} | {} | {caller} |", template.name, parameters.join(", "), template.description)
    };
    head.into_iter().chain(templates().iter().map(row)).collect()
}
