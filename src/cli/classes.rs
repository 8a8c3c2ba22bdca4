//! The classes among the manifests, and which of them a role has.

use std::collections::BTreeMap;

use kube::ResourceExt;
use serde_json::Value;

use super::{manifest::identity, schema};
use crate::{
    api::{DEFAULT_CLASS_ANNOTATION, LambdaRoleClass, Reason},
    lint::{Code, Finding, Severity},
    plan::{
        Account, Hold,
        class::{self, Classed, Namespace, Selection, bound_class, select},
        managed_policy::Boundaries,
    },
};

/// Classes and namespaces, as far as manifests tell of them.
#[derive(Debug, Default)]
pub(super) struct Classes {
    readable: Vec<LambdaRoleClass>,
    /// Names of those that cannot be read.
    unreadable: Vec<String>,
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
}

impl Classes {
    /// Takes a namespace up.
    pub(super) fn add_namespace(&mut self, object: &Value) {
        let labels = serde_json::from_value(object["metadata"]["labels"].clone()).unwrap_or_default();
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        self.namespaces.insert(name, labels);
    }

    /// A namespace, with its labels if they are told.
    pub(super) fn namespace(&self, name: &str) -> Namespace {
        Namespace { name: name.to_owned(), labels: self.namespaces.get(name).cloned() }
    }

    /// Takes a class up; returns what is wrong with it.
    pub(super) fn add(&mut self, object: Value) -> Vec<Finding> {
        let mut findings = identity(&object);
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        if self.readable.iter().any(|class| class.name_any() == name) || self.unreadable.contains(&name) {
            findings.push(Finding::invalid("metadata.name", "is that of another LambdaRoleClass among the manifests"));
        }
        match schema::decoded::<LambdaRoleClass>(object, &schema::CLASS) {
            Ok((class, bounds)) => {
                let told = class::check(&class.spec).err().unwrap_or_default();
                findings
                    .extend(bounds.into_iter().filter(|bound| told.iter().all(|finding| finding.path != bound.path)));
                findings.extend(told);
                self.readable.push(class);
            }
            Err(faults) => {
                findings.extend(faults);
                self.unreadable.push(name);
            }
        }
        findings
    }

    /// Whether the manifests hold no class at all, not even one that cannot be read.
    pub(super) fn is_empty(&self) -> bool {
        self.readable.is_empty() && self.unreadable.is_empty()
    }

    /// The class, if there is one and no other.
    pub(super) fn only(&self) -> Option<&LambdaRoleClass> {
        match self.readable.as_slice() {
            [class] => Some(class),
            _ => None,
        }
    }

    /// The policies that classes of the account may make a boundary.
    pub(super) fn boundaries(&self, account: &Account) -> Boundaries {
        let names: Vec<String> = self.readable.iter().map(ResourceExt::name_any).collect();
        let specs = self.readable.iter().map(|class| &class.spec);
        Boundaries::of(names.iter().map(String::as_str).zip(specs), account)
    }

    /// The class of an object. Where nothing is known of its namespace, a class that selects by label is taken to select it: the
    /// cluster says the rest.
    ///
    /// # Errors
    /// Why it has none.
    pub(super) fn of(&self, object: &impl Classed, namespace: &str) -> Result<&LambdaRoleClass, Finding> {
        let labels = self.namespaces.get(namespace).cloned();
        let is_known = labels.is_some();
        let namespace = Namespace { name: namespace.to_owned(), labels };
        match select(object, &namespace, &self.readable) {
            Selection::Allowed(class) => Ok(class),
            Selection::Forbidden(_, hold) => Err(finding(hold)),
            Selection::Missing(_) if !self.unreadable.is_empty() => Err(not_usable(format!(
                "which class the object has cannot be told while LambdaRoleClass {} cannot be read",
                self.unreadable.join(", ")
            ))),
            Selection::Missing(hold) if is_known => Err(finding(hold)),
            Selection::Missing(hold) => self.likely(object, &namespace.name, &hold).ok_or_else(|| finding(hold)),
        }
    }

    fn likely(&self, object: &impl Classed, namespace: &str, hold: &Hold) -> Option<&LambdaRoleClass> {
        let is_asked_for = |class: &&LambdaRoleClass| match bound_class(object) {
            Some(name) => class.name_any() == name,
            None => class.annotations().get(DEFAULT_CLASS_ANNOTATION).is_some_and(|value| value == "true"),
        };
        let asked_for: Vec<_> = self.readable.iter().filter(is_asked_for).collect();
        let is_named = |class: &LambdaRoleClass| class::is_named(namespace, class);
        let by_name: Vec<_> = asked_for.iter().filter(|class| is_named(class)).collect();
        let by_label: Vec<_> = asked_for.iter().filter(|class| class.spec.namespaces.selector.is_some()).collect();
        match (by_name.as_slice(), by_label.as_slice()) {
            _ if hold.reason == Reason::SeveralDefaultClasses => None,
            ([class], _) | ([], [class]) => Some(class),
            (_, _) => None,
        }
    }
}

fn finding(hold: Hold) -> Finding {
    let Hold { reason: _, message, plan: _ } = hold;
    not_usable(message.trim_end_matches('.').to_owned())
}

fn not_usable(message: String) -> Finding {
    Finding {
        severity: Severity::Error,
        code: Code::ClassNotUsable,
        path: "spec.className".to_owned(),
        message,
        fix: None,
    }
}
