//! Actions with which whoever may call them can get more rights than they were given. The data names its sources.

use std::sync::LazyLock;

use serde::Deserialize;

const DATA: &str = include_str!("data/escalation.yaml");

#[expect(clippy::expect_used, reason = "the text is compiled in, and a test reads it")]
static WAYS: LazyLock<Vec<Way>> = LazyLock::new(|| parse().expect("the ways to more rights are readable"));

/// A way to more rights.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// What who may call one of the actions does: "decides who may assume a role".
    pub how: String,
    /// It is one only where the action is allowed on every resource, or on every one of its type.
    #[serde(default)]
    pub broad: bool,
    /// `service:Action`.
    pub actions: Vec<String>,
}

/// All of them.
#[must_use]
pub fn ways() -> &'static [Way] {
    &WAYS
}

fn parse() -> Result<Vec<Way>, serde_saphyr::Error> {
    serde_saphyr::from_str(DATA)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::service_reference;

    #[test]
    fn the_data_is_read_and_names_actions_that_exist() {
        for way in parse().unwrap() {
            assert!(!way.how.is_empty() && !way.actions.is_empty(), "{way:?}");
            for action in &way.actions {
                let (service, name) = action.split_once(':').unwrap();
                assert!(service_reference::action(service, name).is_some_and(|known| known.name == name), "{action}");
            }
        }
    }
}
