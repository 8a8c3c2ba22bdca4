//! Every template against what it is called after and against AWS's own account of its actions.

mod authorization;
mod expansion;
mod proof;
mod reference;
mod samples;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::*;

/// What the templates of the source are.
#[derive(Deserialize)]
struct Originals {
    templates: BTreeMap<String, Original>,
}

#[derive(Deserialize)]
struct Original {
    parameters: BTreeSet<String>,
    actions: BTreeSet<String>,
}

/// The originals, their actions by the names that IAM has.
fn originals() -> BTreeMap<String, Original> {
    let renamed = |action: String| match RENAMED.iter().find(|(old, _)| *old == action) {
        Some((_, new)) => (*new).to_owned(),
        None => action,
    };
    let Originals { mut templates } = serde_saphyr::from_str(include_str!("template/originals.yaml")).unwrap();
    for original in templates.values_mut() {
        original.actions = std::mem::take(&mut original.actions).into_iter().map(renamed).collect();
    }
    templates
}

/// The resource types of an action, as patterns of ARNs.
#[derive(Deserialize)]
struct ResourceTypes {
    /// Each must be allowed.
    #[serde(default)]
    required: Vec<String>,
    /// Asked for where a request names one.
    #[serde(default)]
    optional: Vec<String>,
}

#[derive(Deserialize)]
struct Reference {
    actions: BTreeMap<String, ResourceTypes>,
}

/// What AWS's Service Authorization Reference says of the actions of all templates.
fn resource_types() -> BTreeMap<String, ResourceTypes> {
    serde_saphyr::from_str::<Reference>(include_str!("template/resource_types.yaml")).unwrap().actions
}

/// Actions of the originals that IAM does not have, and the one that allows the call.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html>
const RENAMED: [(&str, &str); 3] = [
    ("sqs:ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility"),
    ("sqs:DeleteMessageBatch", "sqs:DeleteMessage"),
    ("sqs:SendMessage*", "sqs:SendMessage"),
];

#[test]
fn every_name_is_there_in_order() {
    let names: Vec<&str> = templates().iter().map(|template| template.name.as_str()).collect();
    let expected: Vec<String> = originals().into_keys().collect();
    assert_eq!(names, expected);
    assert_eq!(names.len(), 81);
    assert!(names.iter().all(|name| find(templates(), name).is_some_and(|template| template.name == *name)));
    assert!(find(templates(), "DynamoDBCrud").is_none());
}

#[test]
fn every_template_has_the_parameters_and_allows_the_actions_of_the_original() {
    for (name, Original { parameters, actions }) in originals() {
        let template = find(templates(), &name).unwrap();
        let ours: BTreeSet<String> = template.parameters.iter().map(|parameter| parameter.name.clone()).collect();
        assert_eq!(ours, parameters, "{name}");

        let ours: BTreeSet<String> =
            template.statements.iter().flat_map(|statement| statement.actions.clone()).collect();
        assert_eq!(ours, actions, "{name}");
    }
}

#[test]
fn what_pollers_and_network_interfaces_need_is_called_by_lambda() {
    let by_lambda: Vec<&str> = templates()
        .iter()
        .filter(|template| template.caller == Caller::Lambda)
        .map(|template| template.name.as_str())
        .collect();
    assert_eq!(
        by_lambda,
        ["DynamoDBStreamReadPolicy", "KinesisStreamReadPolicy", "SQSPollerPolicy", "VPCAccessPolicy"]
    );
}

#[test]
fn sids_are_short_plain_and_unique() {
    let mut seen = BTreeSet::new();
    for statement in templates().iter().flat_map(|template| &template.statements) {
        let sid = statement.sid.as_str();
        assert!(!sid.is_empty() && sid.chars().all(|c| c.is_ascii_alphanumeric()), "{sid}");
        assert!(sid.len() <= 40, "{sid}");
        assert!(seen.insert(sid), "{sid} is there twice");
    }
}
