//! Tags that roles must and must not have.

use std::collections::BTreeMap;

use super::{
    compile::Compiler,
    violation::{Refusal, Violation},
};
use crate::{
    api::{class::TagRules, rule},
    plan::tag,
    policy::{Excerpt, Pattern},
};

const RULES: &str = "spec.guardrails.tags";

/// The rules about tags.
#[derive(Clone, Debug)]
pub(super) struct Tags {
    required: Vec<String>,
    forced: BTreeMap<String, String>,
    /// As they are written, and as they are compared.
    reserved: Vec<(String, Pattern)>,
}

impl Tags {
    pub(super) fn compile(rules: &TagRules, compiler: &mut Compiler<'_>) -> Self {
        let TagRules { required, forced, reserved } = rules;
        let required =
            compiler.texts(required, &format!("{RULES}.required")).into_iter().map(|entry| entry.text).collect();
        let reserved = compiler.texts(reserved, &format!("{RULES}.reserved")).into_iter();
        let forced: BTreeMap<String, String> = forced
            .iter()
            .filter_map(|(key, value)| {
                let path = format!("{RULES}.forced.{}", Excerpt(key));
                Some((compiler.text(key, path.clone())?.text, compiler.text(value, path)?.text))
            })
            .collect();
        for (key, value) in &forced {
            if tag::is_reserved(key, value) {
                compiler.fault(&format!("{RULES}.forced.{}", Excerpt(key)), rule::TAGS_RESERVED);
            }
        }
        for (index, key) in forced.keys().enumerate() {
            if forced.keys().take(index).any(|other| is_same_key(key, other)) {
                compiler.fault(&format!("{RULES}.forced.{}", Excerpt(key)), rule::TAGS_CASE);
            }
        }
        let reserved = reserved.map(|entry| (entry.text.clone(), Pattern::new(&folded(&entry.text)))).collect();
        Self { required, forced, reserved }
    }

    pub(super) fn forced(&self) -> &BTreeMap<String, String> {
        &self.forced
    }

    /// Whether roles may not set the key.
    pub(super) fn reserves(&self, key: &str) -> bool {
        self.reserved.iter().any(|(_, pattern)| pattern.matches(&folded(key)))
    }

    pub(super) fn refusals(&self, tags: &BTreeMap<String, String>) -> Vec<Refusal> {
        let mut refusals: Vec<Refusal> = tags.iter().filter_map(|(key, value)| self.refusal_of(key, value)).collect();
        let has = |required: &str| {
            let mut all = tags.iter().chain(&self.forced);
            all.any(|(key, value)| key.to_lowercase() == required.to_lowercase() && !value.trim().is_empty())
        };
        for (index, required) in self.required.iter().enumerate().filter(|(_, required)| !has(required)) {
            refusals.push(refusal(
                format!("{RULES}.required[{index}]"),
                "spec.tags".to_owned(),
                format!("has no value for {}", Excerpt(required)),
                "Add the tag".to_owned(),
            ));
        }
        refusals
    }

    fn refusal_of(&self, key: &str, value: &str) -> Option<Refusal> {
        let path = format!("spec.tags.{}", Excerpt(key));
        let reserved = self.reserved.iter().enumerate().find(|(_, (_, pattern))| pattern.matches(&folded(key)));
        if let Some((index, (text, _))) = reserved {
            let message = format!("is a key of {}, which is not for roles to set", Excerpt(text));
            return Some(refusal(format!("{RULES}.reserved[{index}]"), path, message, "Leave it out".to_owned()));
        }
        let (forced_key, forced) = self.forced.iter().find(|(forced, _)| is_same_key(key, forced))?;
        (value != forced).then(|| {
            let message = format!("is {}, and the class sets it to {}", Excerpt(value), Excerpt(forced));
            refusal(format!("{RULES}.forced.{forced_key}"), path, message, "Leave it out".to_owned())
        })
    }
}

/// IAM compares the keys of a role's tags without regard to case.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>
fn is_same_key(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
}

/// What IAM makes of letters such as ſ and ı is not documented; here they are taken for s and i.
fn folded(key: &str) -> String {
    key.to_uppercase().to_lowercase()
}

fn refusal(rule: String, path: String, message: String, fix: String) -> Refusal {
    Refusal { violation: Violation { rule, path, message, fix }, subjects: Vec::new() }
}
