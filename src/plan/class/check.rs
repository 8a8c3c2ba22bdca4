//! What is wrong with a class before any object uses it.
//!
//! An API server may be older than CEL, so what the CRD's rules say of a field is judged here again, in the same words. Bounds in
//! the schema every API server judges.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use super::ObjectClass;
use crate::{
    api::{
        LambdaExecutionRoleSpec, LambdaRoleClassSpec,
        class::{AssumeRole, ClassAccount, Namespaces, Naming},
        rule,
    },
    lint::Finding,
    plan::{Account, Owner, Quotas, desired, tag},
    policy::{Arn, Excerpt, arn::is_account_id},
};

/// Checks a class by itself, before any object uses it.
///
/// # Errors
/// Every fault of single fields; if there is none, every fault of what the class means. Each with its path.
pub fn check(class: &LambdaRoleClassSpec) -> Result<(), Vec<Finding>> {
    let LambdaRoleClassSpec { account, namespaces, naming, guardrails, defaults, mode: _ } = class;
    let mut faults = Vec::new();
    check_account(account, &mut faults);
    check_namespaces(namespaces, "spec.namespaces", &mut faults);
    check_naming(naming, &mut faults);
    for (key, value) in &guardrails.tags.forced {
        let path = format!("spec.guardrails.tags.forced.{}", Excerpt(key));
        demand(tag::is_tag(key, &filled(value)), path, rule::TAGS, &mut faults);
    }
    let default_tags: BTreeMap<_, _> = defaults.tags.iter().map(|(key, value)| (key.clone(), filled(value))).collect();
    tag::check_tags(&default_tags, "spec.defaults.tags", &mut faults);
    tag::check_reserved_tags(&default_tags, "spec.defaults.tags", &mut faults);
    if faults.is_empty() { check_meaning(class) } else { Err(faults) }
}

/// What only shows when placeholders have values, in the place of some object.
fn check_meaning(class: &LambdaRoleClassSpec) -> Result<(), Vec<Finding>> {
    let owner = Owner { cluster: "cluster".to_owned(), namespace: "namespace".to_owned(), name: "name".to_owned() };
    let account = Account {
        id: class.account.id.clone(),
        partition: class.account.partition.clone().unwrap_or_else(|| "aws".to_owned()),
        region: class.account.region.clone().unwrap_or_else(|| "us-east-1".to_owned()),
        quotas: Quotas::HIGHEST,
    };
    ObjectClass::of("class", class, &LambdaExecutionRoleSpec::default(), &owner, &account).map(drop)
}

fn check_account(account: &ClassAccount, faults: &mut Vec<Finding>) {
    let ClassAccount { id, partition, region, function_regions, assume_role, endpoint_url } = account;
    demand(is_account_id(id), "spec.account.id", rule::ACCOUNT_ID, faults);
    let is_sound = partition.as_deref().is_none_or(is_partition);
    demand(is_sound, "spec.account.partition", rule::PARTITION, faults);
    demand(region.as_deref().is_none_or(is_region), "spec.account.region", rule::REGION, faults);
    for (index, region) in function_regions.iter().enumerate() {
        demand(is_region(region), format!("spec.account.functionRegions[{index}]"), rule::REGION, faults);
    }
    for (index, role) in assume_role.iter().enumerate() {
        check_assumed_role(role, &format!("spec.account.assumeRole[{index}]"), faults);
    }
    let is_sound = endpoint_url.as_deref().is_none_or(is_endpoint);
    demand(is_sound, "spec.account.endpointUrl", rule::ENDPOINT_URL, faults);
}

fn check_assumed_role(role: &AssumeRole, path: &str, faults: &mut Vec<Finding>) {
    let AssumeRole { arn, external_id, session_name, session_tags } = role;
    demand(is_role(arn), format!("{path}.arn"), rule::ROLE_ARN, faults);
    let is_sound = external_id.as_deref().is_none_or(|id| consists_of(id, "_+=,.@:/-"));
    demand(is_sound, format!("{path}.externalId"), rule::EXTERNAL_ID, faults);
    let is_sound = session_name.as_deref().is_none_or(|name| consists_of(name, desired::NAME_SIGNS));
    demand(is_sound, format!("{path}.sessionName"), rule::SESSION_NAME, faults);
    tag::check_tags(session_tags, &format!("{path}.sessionTags"), faults);
}

/// Checks namespaces that are selected at `path`.
pub(in crate::plan) fn check_namespaces(namespaces: &Namespaces, path: &str, faults: &mut Vec<Finding>) {
    let Namespaces { names, selector } = namespaces;
    let is_name_character = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "*?-".contains(c);
    for (index, name) in names.iter().enumerate() {
        let is_sound = !name.is_empty() && name.chars().all(is_name_character);
        demand(is_sound, format!("{path}.names[{index}]"), rule::NAMESPACE_NAME, faults);
    }
    if let Some(selector) = selector {
        check_selector(selector, &format!("{path}.selector"), faults);
    }
}

/// Checks a selector of namespaces that stands at `path`.
pub(in crate::plan) fn check_selector(selector: &LabelSelector, path: &str, faults: &mut Vec<Finding>) {
    for (index, requirement) in selector.match_expressions.iter().flatten().enumerate() {
        let path = format!("{path}.matchExpressions[{index}]");
        demand(has_fitting_values(requirement), path, rule::SELECTOR, faults);
    }
}

fn check_naming(naming: &Naming, faults: &mut Vec<Finding>) {
    let Naming {
        path,
        role_name,
        policy_name,
        allowed_paths: _,
        allowed_role_names: _,
        allowed_policy_names: _,
        adoptable: _,
    } = naming;
    demand(path.as_deref().is_none_or(desired::is_path), "spec.naming.path", rule::PATH, faults);
    let is_sound = |template: &Option<String>| {
        template.as_deref().is_none_or(|template| consists_of(&filled(template), desired::NAME_SIGNS))
    };
    demand(is_sound(role_name), "spec.naming.roleName", rule::ROLE_NAME_TEMPLATE, faults);
    demand(is_sound(policy_name), "spec.naming.policyName", rule::POLICY_NAME_TEMPLATE, faults);
}

fn demand(is_met: bool, path: impl Into<String>, rule: &str, faults: &mut Vec<Finding>) {
    if !is_met {
        faults.push(Finding::invalid(path, rule));
    }
}

/// `text` with a letter for whatever is written like a placeholder, whether or not there is such a one.
fn filled(text: &str) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("$(") {
        filled.push_str(before);
        match tail.split_once(')') {
            Some((name, behind)) if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic()) => {
                filled.push('x');
                rest = behind;
            }
            Some(_) | None => {
                filled.push_str("$(");
                rest = tail;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// Letters, digits and `signs`, one at least.
fn consists_of(text: &str, signs: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c))
}

/// As the CRD has it: `^aws(-[a-z]+)*$`.
fn is_partition(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
    let mut words = text.split('-');
    words.next() == Some("aws") && words.all(is_word)
}

/// As the CRD has it: `^[a-z]+(-[a-z0-9]+)+$`.
fn is_region(text: &str) -> bool {
    let Some((first, others)) = text.split_once('-') else { return false };
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    !first.is_empty() && first.chars().all(|c| c.is_ascii_lowercase()) && others.split('-').all(is_word)
}

fn is_role(text: &str) -> bool {
    Arn::parse(text).is_some_and(|arn| {
        let Arn { partition, service, region, account, resource } = arn;
        is_partition(partition)
            && (service, region) == ("iam", "")
            && is_account_id(account)
            && resource.strip_prefix("role/").is_some_and(|name| consists_of(name, "_+=,.@/-"))
    })
}

/// Whether `text` begins like a URL, and holds no space.
fn is_endpoint(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_graphic()))
}

fn has_fitting_values(requirement: &LabelSelectorRequirement) -> bool {
    let LabelSelectorRequirement { key: _, operator, values } = requirement;
    let has_values = values.as_ref().is_some_and(|values| !values.is_empty());
    has_values == matches!(operator.as_str(), "In" | "NotIn")
}
