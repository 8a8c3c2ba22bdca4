//! Policy templates: permissions by the names that the serverless world knows, such as `DynamoDBCrudPolicy`.
//!
//! Those of the `SQSPollerPolicy` kind allow what an event source mapping calls, which is Lambda itself
//! ([`Caller::Lambda`](super::recipe::Caller::Lambda)): the scope of a role does not extend to them.

use std::sync::LazyLock;

use super::recipe::{self, Recipe};

static ALL: LazyLock<Vec<Recipe>> = LazyLock::new(|| recipe::embedded(include_str!("data/templates.yaml")));

/// All templates, in the order of their names.
#[must_use]
pub fn all() -> &'static [Recipe] {
    &ALL
}

/// The template called `name`. There is only [`Form::Inline`](recipe::Form::Inline) of each.
#[must_use]
pub fn find(name: &str) -> Option<&'static Recipe> {
    ALL.iter().find(|template| template.name == name)
}

#[cfg(test)]
mod tests;
