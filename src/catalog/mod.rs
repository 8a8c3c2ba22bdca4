//! What Lambda needs from IAM, as data with its source and date. Pure.
//!
//! Two things: what AWS's managed policies are ([`managed_policy`]), and recipes ([`recipe`]): what a feature, an event
//! source, a destination or a template of a function grants its role, with holes for the user to fill.

pub mod escalation;
mod expansion;
pub mod managed_policy;
pub mod parameter;
pub mod recipe;
pub mod service_call;
pub mod service_reference;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

pub use recipe::{Caller, Form, Grant, ParameterFault, Recipe, Values};

static FEATURES: LazyLock<Vec<Recipe>> = LazyLock::new(|| recipe::embedded(include_str!("data/features.yaml")));
static EVENT_SOURCES: LazyLock<Vec<Recipe>> =
    LazyLock::new(|| recipe::embedded(include_str!("data/event-sources.yaml")));
static DESTINATIONS: LazyLock<Vec<Recipe>> = LazyLock::new(|| recipe::embedded(include_str!("data/destinations.yaml")));
static TEMPLATES: LazyLock<Vec<Recipe>> = LazyLock::new(|| recipe::embedded(include_str!("data/templates.yaml")));

/// What a function of Lambda needs for itself: logs, traces, network interfaces, file systems.
#[must_use]
pub fn features() -> &'static [Recipe] {
    &FEATURES
}

/// What Lambda needs to read an event source for a function.
#[must_use]
pub fn event_sources() -> &'static [Recipe] {
    &EVENT_SOURCES
}

/// What Lambda needs to send results and failures of a function somewhere.
#[must_use]
pub fn destinations() -> &'static [Recipe] {
    &DESTINATIONS
}

/// What the code of a function does, by the names that serverless applications use, such as `DynamoDBCrudPolicy`. Those
/// of the `SQSPollerPolicy` kind are about calls that Lambda makes. There is only [`Form::Inline`] of each.
#[must_use]
pub fn templates() -> &'static [Recipe] {
    &TEMPLATES
}

/// The recipe of that name.
#[must_use]
pub fn find<'a>(recipes: &'a [Recipe], name: &str) -> Option<&'a Recipe> {
    recipes.iter().find(|recipe| recipe.name == name)
}
