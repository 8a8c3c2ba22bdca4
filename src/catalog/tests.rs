//! Proof that the data is what AWS documents, and that recipes are filled in as they are meant to be.

mod data;
mod expansion;
mod permissions;
mod proof;
mod template;

use super::{
    parameter::{Kind, Name, Need, Parameter},
    *,
};
use crate::policy::{Placeholders, Statement, document::Matching};

/// Every recipe that Lambda's own needs are made of.
fn recipes() -> impl Iterator<Item = &'static Recipe> {
    features().iter().chain(event_sources()).chain(destinations())
}

fn recipe(kind: &str, name: &str) -> &'static Recipe {
    let recipes = match kind {
        "feature" => features(),
        "source" => event_sources(),
        "destination" => destinations(),
        other => panic!("{other}"),
    };
    find(recipes, name).unwrap_or_else(|| panic!("{kind} {name}"))
}

fn placeholders(partition: &str) -> Placeholders {
    Placeholders::default()
        .with("partition", partition)
        .with("region", "eu-west-1")
        .with("accountId", "123456789012")
        .with("namespace", "shop")
        .with("name", "orders")
        .with("roleName", "shop-orders")
}

/// `name=value` pairs separated by blanks; values of a list by commas.
fn values(text: &str) -> Values {
    let pair = |pair: &str| {
        let (name, values) = pair.split_once('=').unwrap();
        (name.to_owned(), values.split(',').map(str::to_owned).collect())
    };
    text.split_whitespace().map(pair).collect()
}

fn sample(kind: &Kind, partition: &str) -> Vec<String> {
    match kind {
        Kind::Arn { service, resource, .. } => {
            let resource = resource.replace("**", "a/b").replace('*', "orders");
            vec![format!("arn:{partition}:{service}:eu-west-1:123456789012:{resource}")]
        }
        Kind::Flag => vec!["true".to_owned(), "false".to_owned()],
        Kind::Choice(choices) => choices.clone(),
        Kind::Name(Name::ParameterPath) => vec!["/orders".to_owned()],
        Kind::Name(Name::TaskDefinition) => vec!["orders:1".to_owned()],
        Kind::Name(_) => vec!["orders".to_owned()],
    }
}

/// The recipe filled in in every way that makes a difference: each choice, what may be left out there and not there.
fn fillings(recipe: &Recipe, partition: &str) -> Vec<Values> {
    let mut fillings = vec![Values::new()];
    for Parameter { name, kind, need, when, .. } in &recipe.parameters {
        fillings = fillings
            .into_iter()
            .flat_map(|filling| {
                let applies = when.iter().all(|when| {
                    let given = filling.get(&when.parameter);
                    given.is_some_and(|given| when.is.is_empty() || when.is.contains(&given[0])) != when.not
                });
                let mut options: Vec<Values> = sample(kind, partition)
                    .into_iter()
                    .filter(|_| applies)
                    .map(|value| {
                        let mut filling = filling.clone();
                        filling.insert(name.clone(), vec![value]);
                        filling
                    })
                    .collect();
                if !applies || *need == Need::Optional {
                    options.push(filling);
                }
                options
            })
            .collect();
    }
    fillings
}

fn listed(matching: &Matching) -> &[String] {
    match matching {
        Matching::In(list) => list,
        Matching::NotIn(list) => panic!("a recipe names what it means, not the rest: {list:?}"),
    }
}

fn resources(statement: &Statement) -> &[String] {
    listed(statement.resources.as_ref().unwrap())
}

/// Whether `text` is what `pattern` stands for, `*` being any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    text.strip_prefix(head).is_some_and(|rest| (0..=rest.len()).any(|from| matches(tail, &rest[from..])))
}
