//! That the files are well made.

use std::collections::{BTreeMap, BTreeSet};

use super::{super::expansion::holes, *};
use crate::policy::{Arn, operator};

/// What any recipe may use, whoever fills it in.
const EVERYWHERE: [&str; 6] = ["partition", "region", "accountId", "namespace", "name", "roleName"];

#[test]
fn all_data_loads() {
    let names = |recipes: &[Recipe]| recipes.iter().map(|recipe| recipe.name.clone()).collect::<Vec<_>>();
    assert_eq!(
        names(features()),
        [
            "Logging",
            "Tracing",
            "Insights",
            "ApplicationSignals",
            "VpcAccess",
            "S3ObjectLambda",
            "EfsMount",
            "DurableExecution"
        ]
    );
    assert_eq!(names(event_sources()), ["dynamodb", "kinesis", "sqs", "msk", "selfManagedKafka", "mq", "documentDb"]);
    assert_eq!(
        names(destinations()),
        ["sqs", "sns", "s3", "lambda", "eventBridge", "kafka", "deadLetterSqs", "deadLetterSns"]
    );
}

#[test]
fn every_recipe_says_what_it_is_for_and_where_aws_documents_it() {
    for Recipe { name, description, source, date, statements, .. } in recipes() {
        assert!(description.ends_with('.'), "{name}");
        assert!(source.starts_with("https://docs.aws.amazon.com/"), "{name}: {source}");
        assert_eq!(date.len(), "2026-10-01".len(), "{name}");
        assert!(!statements.is_empty(), "{name}");
    }
}

#[test]
fn sids_are_letters_and_digits_and_each_is_there_once_in_its_file() {
    for file in [features(), event_sources(), destinations()] {
        let mut seen = BTreeSet::new();
        for sid in file.iter().flat_map(|recipe| &recipe.statements).map(|statement| &statement.sid) {
            assert!(!sid.is_empty() && sid.chars().all(|c| c.is_ascii_alphanumeric()), "{sid}");
            assert!(seen.insert(sid), "{sid} is there twice");
        }
    }
}

#[test]
fn actions_are_named_in_full_and_operators_are_known() {
    for recipe in recipes() {
        for statement in &recipe.statements {
            for action in &statement.actions {
                let (service, action) = action.split_once(':').unwrap();
                assert!(service.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{service}");
                assert!(action.chars().all(|c| c.is_ascii_alphanumeric()), "{action}");
            }
            for operator in statement.conditions.keys() {
                assert!(operator::is_known(operator), "{operator}");
            }
        }
    }
}

#[test]
fn every_hole_is_a_parameter_or_known_everywhere_and_parts_are_of_arns() {
    for recipe in recipes() {
        let kinds: BTreeMap<&str, &Kind> =
            recipe.parameters.iter().map(|parameter| (parameter.name.as_str(), &parameter.kind)).collect();
        for hole in recipe.statements.iter().flat_map(recipe::Statement::texts).flat_map(|text| holes(text)) {
            let is_hole = match hole.split_once('.') {
                None => kinds.contains_key(hole) || EVERYWHERE.contains(&hole),
                Some((name, part)) => {
                    matches!(kinds.get(name), Some(Kind::Arn { .. }))
                        && ["partition", "region", "account", "resource", "path"].contains(&part)
                }
            };
            assert!(is_hole, "{}: {hole}", recipe.name);
        }
    }
}

#[test]
fn every_condition_is_about_a_parameter_before_it_and_a_value_that_it_can_have() {
    for recipe in recipes() {
        let check = |known: &[Parameter], when: &recipe::When| {
            let parameter = known.iter().find(|parameter| parameter.name == when.parameter);
            let parameter = parameter.unwrap_or_else(|| panic!("{}: {when}", recipe.name));
            assert!(when.is.iter().all(|value| parameter.kind.check(value).is_ok()), "{}: {when}", recipe.name);
        };
        for (index, parameter) in recipe.parameters.iter().enumerate() {
            parameter.when.iter().for_each(|when| check(&recipe.parameters[..index], when));
        }
        let of_policies = recipe.managed_policies.iter().flat_map(|policy| policy.when.iter());
        let of_statements = recipe.statements.iter().flat_map(|statement| statement.when.iter());
        of_policies.chain(of_statements).for_each(|when| check(&recipe.parameters, when));
    }
}

#[test]
fn every_default_is_a_value_that_could_be_given() {
    for parameter in recipes().flat_map(|recipe| &recipe.parameters) {
        if let Need::Default(values) = &parameter.need {
            assert!(!values.is_empty() && (parameter.is_list || values.len() == 1), "{}", parameter.name);
            assert!(values.iter().all(|value| parameter.kind.check(value).is_ok()), "{}: {values:?}", parameter.name);
        }
    }
}

/// Whatever may be filled in, no hole is left open and no ARN leaves the partition.
#[test]
fn every_filling_expands_to_arns_of_its_partition() {
    for partition in ["aws", "aws-cn", "aws-us-gov"] {
        for recipe in recipes() {
            for values in fillings(recipe, partition) {
                let statements = recipe.expand(&values, Form::Inline, &placeholders(partition)).unwrap().statements;
                let conditions = statements.iter().flat_map(|statement| statement.conditions.values());
                let arns = conditions.flat_map(BTreeMap::values).flatten().filter(|value| value.starts_with("arn:"));
                for arn in statements.iter().flat_map(resources).filter(|resource| *resource != "*").chain(arns) {
                    assert_eq!(Arn::parse(arn).unwrap().partition, partition, "{}: {arn}", recipe.name);
                    assert!(!arn.contains(['$', '(']), "{}: {arn}", recipe.name);
                }
            }
        }
    }
}
