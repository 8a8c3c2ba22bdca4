//! Recipes: what a feature, an event source, a destination or a template grants, as data with a few holes for the user
//! to fill. One format for all of them; the files are in `data/`.
//!
//! A hole is `$(parameter)`. Of an ARN its parts can be had too: `$(clusterArn.partition)`, `.region`, `.account`,
//! `.resource` and `.path`, which is the resource behind its first `/` or `:`. A text that names a list stands for one
//! text an element. A recipe says when a part of it counts (`when`), and never how: there is no logic in the data.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

use super::parameter::Parameter;
use crate::policy::{self, document::Effect};

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
    pub(super) fn new(parameter: &str, message: impl Into<String>) -> Self {
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
}
