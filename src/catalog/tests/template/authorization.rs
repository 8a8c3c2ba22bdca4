//! Statements against AWS's Service Authorization Reference, which says what resource types each action takes.

use super::{
    samples::{expand, positive, samples},
    *,
};

/// What departs from the rule on purpose; the comments in the data say why.
const APART: [(&str, &str); 8] = [
    ("CloudWatchDescribeAlarmHistoryPolicy", "cloudwatch:DescribeAlarmHistory"),
    ("StepFunctionsCallbackPolicy", "states:SendTaskFailure"),
    ("StepFunctionsCallbackPolicy", "states:SendTaskHeartbeat"),
    ("StepFunctionsCallbackPolicy", "states:SendTaskSuccess"),
    ("TextractPolicy", "textract:*"),
    ("VPCAccessPolicy", "ec2:CreateNetworkInterface"),
    ("VPCAccessPolicy", "ec2:DeleteNetworkInterface"),
    ("VPCAccessPolicy", "ec2:DetachNetworkInterface"),
];

#[test]
fn every_action_is_on_the_resources_that_it_takes_and_on_all_that_it_needs() {
    let actions = resource_types();
    let mut apart = Vec::new();
    for template in templates() {
        let statements = expand(template, &samples(template, "aws"), "aws").unwrap();
        let mut granted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for statement in &statements {
            let resources = positive(statement.resources.as_ref().unwrap());
            for action in positive(&statement.actions) {
                granted.entry(action).or_default().extend(resources.iter().map(String::as_str));
            }
        }
        let departs =
            |action: &str, resources: &[&str]| actions.get(action).is_none_or(|types| !agrees(types, resources));
        granted.retain(|action, resources| departs(action, resources));
        apart.extend(granted.into_keys().map(|action| (template.name.as_str(), action.to_owned())));
    }
    assert_eq!(apart, APART.map(|(template, action)| (template, action.to_owned())));
}

fn agrees(types: &ResourceTypes, resources: &[&str]) -> bool {
    let ResourceTypes { required, optional } = types;
    if resources == ["*"] {
        return required.is_empty();
    }
    // Of what a wildcard stands for, one example.
    let has_form = |resource: &str, form: &String| matches(form, &resource.replace('*', "a/b"));
    let is_taken = |resource: &&str| required.iter().chain(optional).any(|form| has_form(resource, form));
    let is_granted = |form: &String| resources.iter().any(|resource| has_form(resource, form));
    resources.iter().all(is_taken) && required.iter().all(is_granted)
}
