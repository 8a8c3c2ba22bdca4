//! Every template under a scope.

use super::{Answer::*, *};
use crate::{
    catalog::{
        self, Caller, Recipe,
        parameter::{Kind, Name},
    },
    lint::{Code, Severity},
    plan::tests::judged,
};

fn sample(kind: &Kind) -> String {
    match kind {
        Kind::Arn { service, resource, standard: _ } => {
            let resource = resource.replace("**", "orders").replace('*', "orders");
            format!("arn:aws:{service}:eu-west-1:111122223333:{resource}")
        }
        Kind::Name(Name::ParameterPath) => "/orders".to_owned(),
        Kind::Name(Name::TaskDefinition) => "orders:3".to_owned(),
        Kind::Name(_) => "orders".to_owned(),
        Kind::Flag | Kind::Choice(_) => panic!("no template has a parameter of this kind"),
    }
}

fn yaml(template: &Recipe, scope: &str) -> String {
    let values =
        template.parameters.iter().map(|parameter| format!("{}: '{}'", parameter.name, sample(&parameter.kind)));
    let parameters = values.collect::<Vec<_>>().join(", ");
    format!("templates: [{{name: {}, parameters: {{{parameters}}}{scope}}}]", template.name)
}

/// A request that the statement's own conditions let through, but for the function.
fn fitting(statement: &Statement) -> Context {
    let keys = statement.conditions.values().flatten().filter(|(key, _)| *key != SOURCE_FUNCTION_ARN);
    keys.fold(Context::default(), |context, (key, values)| context.with(key, example(&values[0])))
}

/// Every action of every statement, on each of its resources, by the function named, by another and by Lambda itself.
fn answers(yaml: &str) -> Vec<(String, [Answer; 3])> {
    let role = desired(yaml);
    let documents = documents(&role);
    let statements = || documents.iter().flat_map(|document| &document.statements);
    let mut answers = Vec::new();
    for statement in statements() {
        for action in entries(&statement.actions).iter().map(|action| example(action)) {
            for resource in resources(statement) {
                let by = |function| answer(&documents, &action, &resource, &called_by(fitting(statement), function));
                answers.push((format!("{action} on {resource}"), [Some(ORDERS), Some(OTHER), None].map(by)));
            }
        }
    }
    answers
}

#[test]
fn a_template_of_the_code_holds_for_the_functions_named_and_one_of_lambda_s_for_all() {
    for template in catalog::templates() {
        let expected = match template.caller {
            Caller::Code => [Allowed, Nothing, Nothing],
            Caller::Lambda => [Allowed; 3],
        };
        // Of what may be a call of Lambda's, the author says that it is not.
        let ignored = ", ignoreFindings: [ScopeBreaksServiceCall]";
        let by_default = format!("{{sourceFunctionArns: [orders], {}}}", yaml(template, ignored));
        for yaml in [by_default, yaml(template, &format!(", sourceFunctionArns: [orders]{ignored}"))] {
            let answers = answers(&yaml);
            assert!(!answers.is_empty(), "{yaml}");
            for (request, answer) in answers {
                assert_eq!(answer, expected, "{yaml}: {request}");
            }
        }
    }
}

#[test]
fn a_scope_on_what_may_be_lambda_s_own_call_is_refused_unless_it_is_meant() {
    let is_refused = |template: &&Recipe| {
        judged(&yaml(template, ", sourceFunctionArns: [orders]")).is_err_and(|findings| {
            findings
                .iter()
                .filter(|finding| finding.severity == Severity::Error)
                .all(|finding| finding.code == Code::ScopeBreaksServiceCall)
        })
    };
    let refused: Vec<&str> =
        catalog::templates().iter().filter(is_refused).map(|template| template.name.as_str()).collect();
    assert_eq!(refused, ["KMSDecryptPolicy", "KMSEncryptPolicy", "KMSEncryptPolicy_v2"]);
}

#[test]
fn a_template_whose_scope_is_lifted_holds_whoever_calls() {
    for template in catalog::templates() {
        let yaml = format!("{{sourceFunctionArns: [other], {}}}", yaml(template, ", sourceFunctionArns: []"));
        for (request, answer) in answers(&yaml) {
            assert_eq!(answer, [Allowed; 3], "{yaml}: {request}");
        }
    }
}
