//! From a recipe and what the user filled in to what it grants.

use std::collections::BTreeSet;

use super::{
    parameter::{Need, Parameter},
    recipe::{Form, Grant, ParameterFault, Recipe, Statement, Values, When},
};
use crate::policy::{
    self, Arn, Placeholders,
    document::{Conditions, Matching},
};

impl Recipe {
    /// The recipe filled in with `values`. `placeholders` are those that every recipe may use, whoever fills it in:
    /// `$(partition)`, `$(region)`, `$(accountId)`, `$(namespace)`, `$(name)` and `$(roleName)`.
    ///
    /// # Errors
    /// Everything that is wrong with `values`.
    pub fn expand(
        &self,
        values: &Values,
        form: Form,
        placeholders: &Placeholders,
    ) -> Result<Grant, Vec<ParameterFault>> {
        let (answers, mut faults) = self.answers(values);
        if form == Form::Managed && !self.has_managed_policy() {
            faults.push(ParameterFault::new("form", format!("{} has no AWS managed policy: use Inline", self.name)));
        } else {
            faults.extend(self.without_effect(values, form));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let managed_policy = match form {
            Form::Managed => self.managed_policies.iter().find(|policy| all_hold(&policy.when, &answers)),
            Form::Inline => None,
        };
        let statements = self
            .statements
            .iter()
            .filter(|statement| statement.is_in(form) && all_hold(&statement.when, &answers))
            .map(|statement| statement.expand(&answers, placeholders))
            .collect::<Result<_, _>>()
            .map_err(|fault| vec![fault])?;
        Ok(Grant { managed_policy: managed_policy.map(|policy| policy.name.clone()), statements })
    }

    /// The values of all parameters that have some, given or by default, and what is wrong with those that were given.
    fn answers(&self, values: &Values) -> (Values, Vec<ParameterFault>) {
        let mut faults: Vec<ParameterFault> = values
            .keys()
            .filter(|name| self.parameters.iter().all(|parameter| parameter.name != **name))
            .map(|name| ParameterFault::new(name, self.unknown()))
            .collect();
        let mut answers = Values::new();
        for parameter in &self.parameters {
            let Parameter { name, kind, need, is_list, when } = parameter;
            let given = values.get(name).filter(|values| !values.is_empty());
            // A parameter is written behind those that its `when` is about, so that they are answered here.
            if let Some(unmet) = when.iter().find(|when| !when.holds(&answers)) {
                if given.is_some() {
                    faults.push(ParameterFault::new(name, format!("has an effect only where {unmet}")));
                }
                continue;
            }
            match (given, need) {
                (Some(list), _) => {
                    if list.len() > 1 && !is_list {
                        faults.push(ParameterFault::new(name, "takes one value"));
                    }
                    let wrong = list.iter().filter_map(|value| kind.check(value).err());
                    faults.extend(wrong.map(|message| ParameterFault::new(name, message)));
                    answers.insert(name.clone(), list.clone());
                }
                (None, Need::Default(list)) => {
                    answers.insert(name.clone(), list.clone());
                }
                (None, Need::Required) => {
                    let why: Vec<String> = when.iter().map(|when| format!(", as {when}")).collect();
                    faults.push(ParameterFault::new(name, format!("is required{}", why.concat())));
                }
                (None, Need::Optional) => {}
            }
        }
        (answers, faults)
    }

    fn unknown(&self) -> String {
        let known: Vec<&str> = self.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        match known.as_slice() {
            [] => format!("is no parameter of {}, which has none", self.name),
            known => format!("is no parameter of {}, which has {}", self.name, known.join(", ")),
        }
    }

    /// Parameters that were given without need and that this form does not look at: they would be lost in silence.
    fn without_effect<'a>(&'a self, values: &'a Values, form: Form) -> impl Iterator<Item = ParameterFault> + 'a {
        let is_used =
            move |name: &str| {
                let is_about = |list: &[When]| list.iter().any(|when| when.parameter == name);
                self.parameters.iter().any(|parameter| is_about(&parameter.when))
                    || (form == Form::Managed && self.managed_policies.iter().any(|policy| is_about(&policy.when)))
                    || self.statements.iter().filter(|statement| statement.is_in(form)).any(|statement| {
                        is_about(&statement.when) || statement.texts().any(|text| mentions(text, name))
                    })
            };
        self.parameters
            .iter()
            .filter(|parameter| parameter.need != Need::Required && values.contains_key(&parameter.name))
            .filter(move |parameter| !is_used(&parameter.name))
            .map(|parameter| {
                ParameterFault::new(&parameter.name, "has no effect on an AWS managed policy: set form to Inline")
            })
    }
}

impl Statement {
    fn expand(&self, answers: &Values, placeholders: &Placeholders) -> Result<policy::Statement, ParameterFault> {
        let texts = |list: &[String]| -> Result<Vec<String>, ParameterFault> {
            let mut expanded = Vec::new();
            for text in list {
                expanded.extend(fill(text, answers, placeholders)?);
            }
            Ok(expanded)
        };
        let mut conditions = Conditions::new();
        for (operator, keys) in &self.conditions {
            let filled = conditions.entry(operator.clone()).or_default();
            for (key, values) in keys {
                filled.insert(key.clone(), texts(values)?);
            }
        }
        Ok(policy::Statement {
            sid: Some(self.sid.clone()),
            effect: self.effect,
            principal: None,
            not_principal: None,
            actions: Matching::In(self.actions.clone()),
            resources: Some(Matching::In(texts(&self.resources)?)),
            conditions,
        })
    }
}

impl When {
    fn holds(&self, answers: &Values) -> bool {
        let holds = answers
            .get(&self.parameter)
            .is_some_and(|values| self.is.is_empty() || values.iter().any(|value| self.is.contains(value)));
        holds != self.not
    }
}

fn all_hold(list: &[When], answers: &Values) -> bool {
    list.iter().all(|when| when.holds(answers))
}

/// Whether `text` has a hole for the parameter or a part of it.
fn mentions(text: &str, parameter: &str) -> bool {
    holes(text).any(|hole| hole.split('.').next() == Some(parameter))
}

/// What stands between `$(` and `)` in `text`.
pub(super) fn holes(text: &str) -> impl Iterator<Item = &str> {
    text.split("$(").skip(1).filter_map(|rest| rest.split_once(')')).map(|(hole, _)| hole)
}

/// `text` once for each combination of the values of the parameters that it mentions.
fn fill(text: &str, answers: &Values, placeholders: &Placeholders) -> Result<Vec<String>, ParameterFault> {
    let mentioned: BTreeSet<&str> = holes(text).filter_map(|hole| hole.split('.').next()).collect();
    let mut combinations = vec![placeholders.clone()];
    for (name, values) in answers.iter().filter(|(name, _)| mentioned.contains(name.as_str())) {
        combinations = combinations
            .into_iter()
            .flat_map(|known| values.iter().map(move |value| with_parts(known.clone(), name, value)))
            .collect();
    }
    combinations
        .iter()
        .map(|known| match known.expand(text) {
            Ok(expanded) => Ok(expanded.into_owned()),
            Err(unknown) => Err(ParameterFault::new(&unknown.found, unknown.to_string())),
        })
        .collect()
}

fn with_parts(known: Placeholders, name: &str, value: &str) -> Placeholders {
    let known = known.with(name, value);
    let Some(arn) = Arn::parse(value) else { return known };
    let path = arn.resource.split_once(['/', ':']).map_or("", |(_, path)| path);
    known
        .with(&format!("{name}.partition"), arn.partition)
        .with(&format!("{name}.region"), arn.region)
        .with(&format!("{name}.account"), arn.account)
        .with(&format!("{name}.resource"), arn.resource)
        .with(&format!("{name}.path"), path)
}
