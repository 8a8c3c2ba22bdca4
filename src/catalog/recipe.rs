//! Recipes: what a feature, an event source, a destination or a template grants, as data with a few holes for the user
//! to fill. One format for all of them; the files are in `data/`.
//!
//! A hole is `$(parameter)`. Of an ARN its parts can be had too: `$(clusterArn.partition)`, `.region`, `.account`,
//! `.resource` and `.path`, which is the resource behind its first `/` or `:`. A text that names a list stands for one
//! text an element. A recipe says when a part of it counts (`when`), and never how: there is no logic in the data.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Deserialize;

use super::parameter::{Need, Parameter};
use crate::policy::{
    self, Arn, Placeholders,
    document::{Conditions, Effect, Matching},
};

/// What the user filled in: the values of each parameter, free of placeholders.
pub type Values = BTreeMap<String, Vec<String>>;

/// One recipe.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recipe {
    /// Name, as specs write it.
    pub name: String,
    /// What it is for, in a sentence.
    pub description: String,
    /// Who makes the calls that it allows.
    pub caller: Caller,
    /// Where AWS documents it; that of the file, if it has none of its own.
    #[serde(default)]
    pub source: String,
    /// When that was read.
    #[serde(default)]
    pub date: String,
    /// The AWS managed policy that grants the same: the first whose `when` holds.
    #[serde(default)]
    pub managed_policies: Vec<ManagedPolicy>,
    /// What the user fills in.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// What it grants and, rarely, denies.
    pub statements: Vec<Statement>,
}

/// Who makes a call with the role's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Caller {
    /// Lambda itself: a scope by function would take the permission away.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>
    Lambda,
    /// The function's code.
    Code,
}

/// An AWS managed policy that stands in for the statements of a recipe.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagedPolicy {
    /// Its name, which [`super::managed_policy::find`] knows.
    pub name: String,
    /// When it is the one.
    #[serde(default)]
    pub when: OneOrMany<When>,
}

/// A statement with holes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement {
    /// Name: letters and digits, unique in its file.
    pub sid: String,
    /// When it counts: always, where nothing is said.
    #[serde(default)]
    pub when: OneOrMany<When>,
    /// Whether it stays beside the managed policy, which does not say it.
    #[serde(default)]
    pub in_both_forms: bool,
    /// Allow, where nothing is said.
    #[serde(default = "allow", with = "WrittenEffect")]
    pub effect: Effect,
    /// The actions, without holes.
    pub actions: Vec<String>,
    /// The resources.
    pub resources: Vec<String>,
    /// The conditions.
    #[serde(default)]
    pub conditions: BTreeMap<String, BTreeMap<String, OneOrMany<String>>>,
}

const fn allow() -> Effect {
    Effect::Allow
}

#[derive(Deserialize)]
#[serde(remote = "Effect")]
enum WrittenEffect {
    Allow,
    Deny,
}

/// Something that must hold of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct When {
    /// The parameter.
    pub parameter: String,
    /// It has one of these values. Where nothing is said, any.
    #[serde(default)]
    pub is: OneOrMany<String>,
    /// Turned round.
    #[serde(default)]
    pub not: bool,
}

/// For messages: "authentication is Iam".
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parameter, is, not } = self;
        match (is.0.is_empty(), not) {
            (true, false) => write!(f, "{parameter} is given"),
            (true, true) => write!(f, "{parameter} is not given"),
            (false, false) => write!(f, "{parameter} is {}", is.0.join(" or ")),
            (false, true) => write!(f, "{parameter} is not {}", is.0.join(" or ")),
        }
    }
}

/// A list that may be written as its only element.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Scalar<T>", bound = "T: Deserialize<'de>")]
pub struct OneOrMany<T>(Vec<T>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> From<Scalar<T>> for OneOrMany<T> {
    fn from(scalar: Scalar<T>) -> Self {
        match scalar {
            Scalar::Many(list) => Self(list),
            Scalar::One(single) => Self(vec![single]),
        }
    }
}

impl<T> From<OneOrMany<T>> for Vec<T> {
    fn from(list: OneOrMany<T>) -> Self {
        list.0
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> std::ops::Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

/// How a recipe is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// By the AWS managed policy, beside what that leaves out.
    Managed,
    /// By statements of the role's own, no wider than they must be.
    Inline,
}

/// What a filled-in recipe comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Name of the AWS managed policy to attach.
    pub managed_policy: Option<String>,
    /// Statements for the role's own policy.
    pub statements: Vec<policy::Statement>,
}

/// What is wrong with how a recipe was filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {message}")]
pub struct ParameterFault {
    /// The parameter, or `form`.
    pub parameter: String,
    /// What is wrong and what would be right, as a sentence without its subject.
    pub message: String,
}

impl ParameterFault {
    fn new(parameter: &str, message: impl Into<String>) -> Self {
        Self { parameter: parameter.to_owned(), message: message.into() }
    }
}

/// A file of recipes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: String,
    date: String,
    recipes: Vec<Recipe>,
}

/// The recipes of a file that is compiled in.
pub(super) fn embedded(yaml: &str) -> Vec<Recipe> {
    #[expect(clippy::expect_used, reason = "the text is compiled in, and a test reads every file of it")]
    let File { source, date, recipes } = serde_saphyr::from_str(yaml).expect("an embedded file is readable");
    let inherit = |recipe: Recipe| Recipe {
        source: if recipe.source.is_empty() { source.clone() } else { recipe.source },
        date: if recipe.date.is_empty() { date.clone() } else { recipe.date },
        ..recipe
    };
    recipes.into_iter().map(inherit).collect()
}

impl Recipe {
    /// Whether AWS has a managed policy for it, so that there is a [`Form::Managed`].
    #[must_use]
    pub fn has_managed_policy(&self) -> bool {
        !self.managed_policies.is_empty()
    }

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
        }
        faults.extend(self.without_effect(values, form));
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
    /// Whether it belongs to the form.
    #[must_use]
    pub fn is_in(&self, form: Form) -> bool {
        match form {
            Form::Managed => self.in_both_forms,
            Form::Inline => true,
        }
    }

    /// Every text of it that may have holes.
    pub(super) fn texts(&self) -> impl Iterator<Item = &String> {
        self.resources.iter().chain(self.conditions.values().flat_map(BTreeMap::values).flat_map(|list| list.iter()))
    }

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
