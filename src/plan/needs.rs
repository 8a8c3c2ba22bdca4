//! From features, event sources, destinations and templates to managed policies and statements, by the catalog's recipes.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::{
    permissions::Permissions,
    statement::{Scope, ignored_codes},
};
use crate::{
    api::{LambdaExecutionRoleSpec, feature, rule, template::PolicyTemplate},
    catalog::{self, Caller, Form, Recipe, Values},
    lint::{Finding, Located, Source, Spelling},
    policy::Placeholders,
};

/// Adds what Lambda itself needs, and what templates give to the functions' code.
pub(super) fn add(
    spec: &LambdaExecutionRoleSpec,
    scope: &Scope<'_>,
    placeholders: &Placeholders,
    permissions: &mut Permissions,
    faults: &mut Vec<Finding>,
) {
    let mut builder = Builder { placeholders, permissions, faults };
    for (index, feature) in spec.features.iter().enumerate() {
        builder.feature(feature, &format!("spec.features[{index}]"));
    }
    for (index, source) in spec.event_sources.iter().enumerate() {
        let path = format!("spec.eventSources[{index}]");
        builder.one_of(source, &path, rule::EVENT_SOURCE_ONE, catalog::event_sources());
    }
    for (index, destination) in spec.destinations.iter().enumerate() {
        let path = format!("spec.destinations[{index}]");
        builder.one_of(destination, &path, rule::DESTINATION_ONE, catalog::destinations());
    }
    for (index, template) in spec.templates.iter().enumerate() {
        builder.template(template, scope, &format!("spec.templates[{index}]"));
    }
}

/// Adds what recipes give to the role's permissions, and what is wrong with them to the faults.
struct Builder<'a> {
    placeholders: &'a Placeholders,
    permissions: &'a mut Permissions,
    faults: &'a mut Vec<Finding>,
}

impl Builder<'_> {
    fn feature(&mut self, feature: &feature::Feature, path: &str) {
        let name: &str = feature.name.into();
        let mut values = values(feature);
        values.remove("name");
        values.remove("form");
        let Some(recipe) = catalog::find(catalog::features(), name) else { return };
        let is_of_feature = |field: &&String| recipe.parameters.iter().any(|parameter| parameter.name == **field);
        if !values.keys().all(|field| is_of_feature(&field)) {
            self.faults.push(Finding::invalid(path, rule::FEATURE_FIELDS));
        } else if feature.name == feature::FeatureName::EfsMount && feature.file_system_arn.is_none() {
            self.faults.push(Finding::invalid(path, rule::FEATURE_FILE_SYSTEM));
        } else {
            let form = form_of(feature.form.unwrap_or(feature::Form::Managed));
            self.generate(recipe, &values, form, path);
        }
    }

    /// An entry of which exactly one field is set, and names the recipe.
    fn one_of(&mut self, entry: &impl Serialize, path: &str, one: &str, recipes: &[Recipe]) {
        let fields = match serde_json::to_value(entry) {
            Ok(Value::Object(fields)) if fields.len() == 1 => fields,
            Ok(_) | Err(_) => {
                self.faults.push(Finding::invalid(path, one));
                return;
            }
        };
        for (name, value) in fields {
            let mut values = values(&value);
            let form = match values.remove("form").as_deref() {
                Some([form]) if form == "Managed" => Form::Managed,
                Some(_) | None => Form::Inline,
            };
            if let Some(recipe) = catalog::find(recipes, &name) {
                self.generate(recipe, &values, form, &format!("{path}.{name}"));
            }
        }
    }

    fn template(&mut self, template: &PolicyTemplate, scope: &Scope<'_>, path: &str) {
        let PolicyTemplate { name, parameters, source_function_arns, source_function_arn_operator, ignore_findings } =
            template;
        let ignored = ignored_codes(ignore_findings, path, self.faults);
        let functions = scope.functions(source_function_arns.as_deref(), path, self.faults);
        if source_function_arn_operator.is_some() && source_function_arns.is_none() {
            self.faults.push(Finding::invalid(path, rule::FUNCTION_ARN_OPERATOR));
        }
        let Some(recipe) = catalog::find(catalog::templates(), name) else {
            let message = format!("there is no policy template {name}");
            self.faults.push(Finding::invalid(format!("{path}.name"), message));
            return;
        };
        let values = parameters.iter().map(|(parameter, value)| (parameter.clone(), vec![value.clone()])).collect();
        match recipe.expand(&values, Form::Inline, self.placeholders) {
            Ok(grant) => {
                for mut statement in grant.statements {
                    let scope = match recipe.caller {
                        // Lambda makes these calls itself, without the function's ARN.
                        Caller::Lambda => None,
                        Caller::Code => functions.limit(&mut statement, *source_function_arn_operator),
                    };
                    self.permissions.own.push(Located {
                        path: path.to_owned(),
                        spelling: Spelling::Whole,
                        source: Source::Template,
                        scope,
                        statement,
                        ignored: ignored.clone(),
                    });
                }
            }
            Err(faults) => self.faults.extend(
                faults
                    .into_iter()
                    .map(|fault| Finding::invalid(format!("{path}.parameters.{}", fault.parameter), fault.message)),
            ),
        }
    }

    fn generate(&mut self, recipe: &Recipe, values: &Values, form: Form, path: &str) {
        match recipe.expand(values, form, self.placeholders) {
            Ok(grant) => {
                if let Some(name) = grant.managed_policy {
                    self.permissions.attach_generated(&name, path, self.placeholders);
                }
                self.permissions.own.extend(grant.statements.into_iter().map(|statement| Located {
                    path: path.to_owned(),
                    spelling: Spelling::Whole,
                    source: Source::Generated,
                    scope: None,
                    statement,
                    ignored: BTreeSet::new(),
                }));
            }
            Err(faults) => self.faults.extend(
                faults.into_iter().map(|fault| Finding::invalid(format!("{path}.{}", fault.parameter), fault.message)),
            ),
        }
    }
}

fn form_of(form: feature::Form) -> Form {
    match form {
        feature::Form::Managed => Form::Managed,
        feature::Form::Inline => Form::Inline,
    }
}

/// The fields of an object as the values of a recipe's parameters: they have the same names.
fn values(object: &impl Serialize) -> Values {
    let Ok(Value::Object(fields)) = serde_json::to_value(object) else { return Values::new() };
    fields.into_iter().map(|(field, value)| (field, texts(value))).filter(|(_, values)| !values.is_empty()).collect()
}

fn texts(value: Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text],
        Value::Bool(flag) => vec![flag.to_string()],
        Value::Array(list) => list.into_iter().flat_map(texts).collect(),
        Value::Null | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}
