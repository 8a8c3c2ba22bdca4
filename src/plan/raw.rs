//! Inline policies that the spec gives as documents.

use serde_json::Value;

use super::{permissions::Permissions, statement::ignored_codes};
use crate::{
    api::{GRANT_POLICY_PREFIX, INLINE_POLICY_NAME, rule, template::InlinePolicy},
    lint::{Finding, Located, Source, Spelling},
    policy::{
        Document, Fault,
        check::{self, Kind},
    },
};

/// Adds the documents, checked as IAM checks them.
pub(super) fn add(list: &[InlinePolicy], permissions: &mut Permissions, faults: &mut Vec<Finding>) {
    for (index, policy) in list.iter().enumerate() {
        let path = format!("spec.inlinePolicies[{index}]");
        if !is_name(&policy.name) {
            faults.push(Finding::invalid(format!("{path}.name"), rule::INLINE_POLICY_NAME));
        } else if permissions.raw.contains_key(&policy.name) {
            faults.push(Finding::invalid(&path, format!("{}: {}", policy.name, rule::INLINE_POLICY_TWICE)));
        }
        let ignored = ignored_codes(&policy.ignore_findings, &path, faults);
        let path = format!("{path}.document");
        let json = match &policy.document {
            Value::String(json) => json.clone(),
            Value::Object(_) => policy.document.to_string(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                faults.push(Finding::invalid(path, rule::DOCUMENT));
                continue;
            }
        };
        match Document::parse(&json) {
            Ok(document) => {
                let refused = check::faults(&document, Kind::Identity);
                faults.extend(refused.into_iter().map(|fault| finding(&path, fault)));
                for (index, statement) in document.statements.iter().enumerate() {
                    permissions.raw_statements.push(Located {
                        path: format!("{path}.Statement[{index}]"),
                        spelling: Spelling::Document,
                        source: Source::Written,
                        scope: None,
                        statement: statement.clone(),
                        ignored: ignored.clone(),
                    });
                }
                permissions.raw.insert(policy.name.clone(), document);
            }
            Err(fault) => faults.push(finding(&path, fault)),
        }
    }
}

fn finding(path: &str, fault: Fault) -> Finding {
    let path = match fault.path.as_str() {
        "$" => path.to_owned(),
        within => format!("{path}.{within}"),
    };
    Finding::invalid(path, fault.message)
}

fn is_name(name: &str) -> bool {
    (1..=rule::POLICY_NAME_MAX).contains(&name.len())
        && name != INLINE_POLICY_NAME
        && !name.starts_with(GRANT_POLICY_PREFIX)
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
}
