//! From a user's statements to the policy language.

use std::collections::BTreeSet;

use super::desired::{Account, Rejection};
use crate::{
    api::{
        rule,
        statement::{self as api, Effect, Statement},
    },
    policy::{
        self, Arn,
        document::{Conditions, Matching},
        operator,
    },
};

/// Reserved for what they will stand for: written to IAM as they are, they would match nothing, and change their meaning later.
const PLACEHOLDERS: [&str; 6] = ["$(partition)", "$(accountId)", "$(region)", "$(namespace)", "$(name)", "$(roleName)"];

/// The condition key that carries the function whose code makes a request.
/// <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>
pub(super) const SOURCE_FUNCTION_ARN: &str = "lambda:SourceFunctionArn";

/// Longest function name, in characters.
const FUNCTION_NAME_MAX: usize = 64;

/// The statements of the role's inline policy.
pub(super) fn statements(list: &[Statement], account: &Account, faults: &mut Vec<Rejection>) -> Vec<policy::Statement> {
    let mut sids = BTreeSet::new();
    list.iter()
        .enumerate()
        .map(|(index, statement)| {
            let path = format!("spec.statements[{index}]");
            check_sid(statement.sid.as_deref(), &path, &mut sids, faults);
            statement_of(statement, &path, account, faults)
        })
        .collect()
}

fn statement_of(
    statement: &Statement,
    path: &str,
    account: &Account,
    faults: &mut Vec<Rejection>,
) -> policy::Statement {
    let Statement {
        sid,
        effect,
        actions,
        not_actions,
        resources,
        not_resources,
        conditions,
        source_function_arns,
        source_function_arn_operator,
    } = statement;
    let actions = Choice { field: "actions", positive: actions.as_ref(), negative: not_actions.as_ref() }.matching(
        path,
        rule::ACTIONS_ONE,
        rule::ACTION,
        is_action,
        faults,
    );
    let resources = Choice { field: "resources", positive: resources.as_ref(), negative: not_resources.as_ref() }
        .matching(path, rule::RESOURCES_ONE, rule::RESOURCE, is_resource, faults);
    let mut conditions = conditions_of(conditions.as_ref(), path, faults);
    let functions = functions(source_function_arns.as_deref().unwrap_or_default(), path, account, faults);
    if !functions.is_empty() {
        scope(&mut conditions, functions, *source_function_arn_operator, path, faults);
    } else if source_function_arn_operator.is_some() && source_function_arns.is_none() {
        faults.push(Rejection::new(format!("{path}.sourceFunctionArnOperator"), rule::FUNCTION_ARN_OPERATOR));
    }
    policy::Statement {
        sid: sid.clone(),
        effect: effect_of(*effect),
        principal: None,
        not_principal: None,
        actions,
        resources: Some(resources),
        conditions,
    }
}

pub(super) fn effect_of(effect: Effect) -> policy::document::Effect {
    match effect {
        Effect::Allow => policy::document::Effect::Allow,
        Effect::Deny => policy::document::Effect::Deny,
    }
}

pub(super) fn check_sid(sid: Option<&str>, path: &str, seen: &mut BTreeSet<String>, faults: &mut Vec<Rejection>) {
    let Some(sid) = sid else { return };
    if !(1..=rule::SID_MAX).contains(&sid.len()) || !sid.chars().all(|c| c.is_ascii_alphanumeric()) {
        faults.push(Rejection::new(format!("{path}.sid"), rule::SID));
    }
    if !seen.insert(sid.to_owned()) {
        faults.push(Rejection::new(format!("{path}.sid"), format!("{sid} is used twice: {}", rule::SID_UNIQUE)));
    }
}

/// A list that may be given as it is or negated (`notActions`), but not both.
struct Choice<'a> {
    field: &'a str,
    positive: Option<&'a Vec<String>>,
    negative: Option<&'a Vec<String>>,
}

impl Choice<'_> {
    fn matching(
        &self,
        path: &str,
        one: &str,
        rule: &str,
        is_valid: fn(&str) -> bool,
        faults: &mut Vec<Rejection>,
    ) -> Matching {
        let (field, list, matching): (_, _, fn(Vec<String>) -> Matching) = match (self.positive, self.negative) {
            (Some(list), None) => (self.field.to_owned(), list, Matching::In),
            (None, Some(list)) => {
                let field = self.field.chars().take(1).flat_map(char::to_uppercase).chain(self.field.chars().skip(1));
                (format!("not{}", field.collect::<String>()), list, Matching::NotIn)
            }
            (Some(_), Some(_)) | (None, None) => {
                faults.push(Rejection::new(path, one));
                return Matching::In(Vec::new());
            }
        };
        if list.is_empty() {
            faults.push(Rejection::new(format!("{path}.{field}"), "must not be empty"));
        }
        for (index, entry) in list.iter().enumerate() {
            let path = format!("{path}.{field}[{index}]");
            if !is_valid(entry) {
                faults.push(Rejection::new(&path, format!("{entry} is none: {rule}")));
            }
            check_characters(entry, &path, faults);
        }
        matching(list.clone())
    }
}

pub(super) fn conditions_of(
    conditions: Option<&api::Conditions>,
    path: &str,
    faults: &mut Vec<Rejection>,
) -> Conditions {
    let mut result = Conditions::new();
    for (operator, keys) in conditions.into_iter().flatten() {
        let path = format!("{path}.conditions.{operator}");
        if !operator::is_known(operator) {
            faults.push(Rejection::new(&path, rule::OPERATOR));
        }
        if keys.is_empty() {
            faults.push(Rejection::new(&path, "must name at least one condition key"));
        }
        let checked = result.entry(operator.clone()).or_default();
        let mut seen = BTreeSet::new();
        for (key, value) in keys {
            let path = format!("{path}.{key}");
            if !seen.insert(key.to_ascii_lowercase()) {
                faults.push(Rejection::new(
                    &path,
                    "differs from another key only in case, which IAM does not tell apart",
                ));
            }
            check_characters(key, &path, faults);
            if !key.contains(':') {
                faults.push(Rejection::new(&path, "a condition key is service:key, for example aws:SourceVpc"));
            }
            match policy::condition_values(value, &path) {
                Ok(values) => {
                    for value in &values {
                        check_characters(value, &path, faults);
                    }
                    checked.insert(key.clone(), values);
                }
                Err(fault) => faults.push(Rejection::new(fault.path, fault.message)),
            }
        }
    }
    result
}

/// The functions as ARNs.
fn functions(list: &[String], path: &str, account: &Account, faults: &mut Vec<Rejection>) -> Vec<String> {
    let mut functions = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        match function_arn(entry, account) {
            Ok(arn) => functions.push(arn),
            Err(message) => {
                let message = format!("{entry}: {message}");
                faults.push(Rejection::new(format!("{path}.sourceFunctionArns[{index}]"), message));
            }
        }
    }
    functions
}

fn function_arn(entry: &str, account: &Account) -> Result<String, &'static str> {
    let is_name = |name: &str| {
        (1..=FUNCTION_NAME_MAX).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_*?".contains(c))
    };
    if !entry.starts_with("arn:") {
        let Account { id, partition, region } = account;
        let arn = format!("arn:{partition}:lambda:{region}:{id}:function:{entry}");
        return if is_name(entry) { Ok(arn) } else { Err(rule::FUNCTION_ARN) };
    }
    let arn = Arn::parse(entry).filter(|arn| arn.service == "lambda").ok_or(rule::FUNCTION_ARN)?;
    let name = arn.resource.strip_prefix("function:").ok_or(rule::FUNCTION_ARN)?;
    let is_partition = |c: char| c.is_ascii_lowercase() || c == '-';
    let is_account = |c: char| c.is_ascii_digit();
    let is_region = |c: char| is_partition(c) || is_account(c);
    if name.contains(':') {
        Err(rule::FUNCTION_ARN_QUALIFIED)
    } else if is_name(name)
        && is_component(arn.partition, is_partition)
        && is_component(arn.region, is_region)
        && is_component(arn.account, is_account)
    {
        Ok(entry.to_owned())
    } else {
        Err(rule::FUNCTION_ARN)
    }
}

/// Whether `text` consists of such characters and wildcards.
fn is_component(text: &str, is_character: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(|c| "*?".contains(c) || is_character(c))
}

fn scope(
    conditions: &mut Conditions,
    functions: Vec<String>,
    operator: Option<api::ArnOperator>,
    path: &str,
    faults: &mut Vec<Rejection>,
) {
    let has_wildcard = functions.iter().any(|arn| arn.contains(['*', '?']));
    let operator = match operator {
        Some(operator) => operator,
        None if has_wildcard => api::ArnOperator::ArnLike,
        None => api::ArnOperator::ArnEquals,
    };
    let operator: &str = operator.into();
    let keys = conditions.entry(operator.to_owned()).or_default();
    if let Some(key) = keys.keys().find(|key| key.eq_ignore_ascii_case(SOURCE_FUNCTION_ARN)) {
        let message = "is already compared by sourceFunctionArns with this operator: name the functions in one place";
        faults.push(Rejection::new(format!("{path}.conditions.{operator}.{key}"), message));
    }
    keys.insert(SOURCE_FUNCTION_ARN.to_owned(), functions);
}

pub(super) fn check_characters(text: &str, path: &str, faults: &mut Vec<Rejection>) {
    if let Some(placeholder) = PLACEHOLDERS.iter().find(|placeholder| text.contains(**placeholder)) {
        let message = format!("holds {placeholder}, and this version expands no placeholders: write the value");
        faults.push(Rejection::new(path, message));
    }
    let is_allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FF}');
    if let Some(c) = text.chars().find(|c| !is_allowed(*c)) {
        let message = format!("holds {c:?} (U+{:04X}): IAM takes Latin-1 characters only", u32::from(c));
        faults.push(Rejection::new(path, message));
    }
}

pub(super) fn is_action(action: &str) -> bool {
    action == "*"
        || action.split_once(':').is_some_and(|(service, name)| {
            !service.is_empty()
                && service.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "*?".contains(c))
        })
}

fn is_resource(resource: &str) -> bool {
    resource == "*" || (resource.len() <= rule::ARN_MAX && Arn::parse(resource).is_some())
}
