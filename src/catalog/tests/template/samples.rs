//! Values that go through, and what comes of them.

use super::*;
use crate::{
    catalog::{
        parameter::{Kind, Name},
        recipe::{Form, ParameterFault, Values},
    },
    policy::{Placeholders, Statement, document::Matching},
};

const ACCOUNT: &str = "123456789012";

fn placeholders(partition: &str) -> Placeholders {
    Placeholders::default().with("partition", partition).with("region", "eu-west-1").with("accountId", ACCOUNT)
}

/// A value that `kind` takes.
fn sample(kind: &Kind, partition: &str) -> String {
    match kind {
        Kind::Arn { service, resource, .. } => {
            let resource = resource.replace("**", "orders").replace('*', "orders");
            format!("arn:{partition}:{service}:eu-west-1:{ACCOUNT}:{resource}")
        }
        Kind::Name(Name::ParameterPath) => "/orders".to_owned(),
        Kind::Name(Name::TaskDefinition) => "orders:3".to_owned(),
        Kind::Name(_) => "orders".to_owned(),
        Kind::Flag | Kind::Choice(_) => panic!("no original has a parameter of this kind"),
    }
}

pub(super) fn samples(template: &Recipe, partition: &str) -> Values {
    let value = |kind| vec![sample(kind, partition)];
    template.parameters.iter().map(|parameter| (parameter.name.clone(), value(&parameter.kind))).collect()
}

pub(super) fn expand(
    template: &Recipe,
    values: &Values,
    partition: &str,
) -> Result<Vec<Statement>, Vec<ParameterFault>> {
    let grant = template.expand(values, Form::Inline, &placeholders(partition))?;
    assert_eq!(grant.managed_policy, None);
    Ok(grant.statements)
}

pub(super) fn positive(matching: &Matching) -> &[String] {
    match matching {
        Matching::In(list) => list,
        Matching::NotIn(list) => panic!("a template names what it means, not the rest: {list:?}"),
    }
}

pub(super) fn resources(statements: &[Statement]) -> Vec<&String> {
    statements.iter().flat_map(|statement| positive(statement.resources.as_ref().unwrap())).collect()
}
