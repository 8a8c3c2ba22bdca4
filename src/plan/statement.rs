//! From a user's statements to the policy language.

use std::collections::BTreeSet;

use super::{Account, permissions::located};
use crate::{
    api::{
        LambdaExecutionRoleSpec, rule,
        statement::{self as api, Effect, Statement},
    },
    lint::{Code, Finding, Located, Source, Spelling},
    policy::{
        self, Arn,
        document::{Conditions, Matching},
        operator,
    },
};

/// The condition key that carries the function whose code makes a request.
/// <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>
pub(super) const SOURCE_FUNCTION_ARN: &str = "lambda:SourceFunctionArn";

/// Longest function name, in characters.
const FUNCTION_NAME_MAX: usize = 64;

/// The functions whose code statements and templates hold for where they do not say.
pub(super) struct Scope<'a> {
    account: &'a Account,
    default: Vec<String>,
}

impl<'a> Scope<'a> {
    /// `spec.sourceFunctionArns`.
    pub(super) fn of(spec: &LambdaExecutionRoleSpec, account: &'a Account, faults: &mut Vec<Finding>) -> Self {
        Self { account, default: functions(&spec.source_function_arns, "spec", account, faults) }
    }

    /// The functions of the item at `path`, as ARNs: its own list, or the default.
    pub(super) fn functions(&self, own: Option<&[String]>, path: &str, faults: &mut Vec<Finding>) -> Vec<String> {
        match own {
            Some(list) => functions(list, path, self.account, faults),
            None => self.default.clone(),
        }
    }
}

/// The statements that the spec writes out.
pub(super) fn statements(list: &[Statement], scope: &Scope<'_>, faults: &mut Vec<Finding>) -> Vec<Located> {
    let mut sids = BTreeSet::new();
    list.iter()
        .enumerate()
        .map(|(index, statement)| {
            let path = format!("spec.statements[{index}]");
            check_sid(statement.sid.as_deref(), &path, &mut sids, faults);
            let ignored = ignored_codes(&statement.ignore_findings, &path, faults);
            let statement = statement_of(statement, &path, scope, faults);
            located(&path, Source::Written, Spelling::Manifest, statement, &ignored)
        })
        .collect()
}

fn statement_of(statement: &Statement, path: &str, scope: &Scope<'_>, faults: &mut Vec<Finding>) -> policy::Statement {
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
        ignore_findings: _,
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
    let conditions = conditions_of(conditions.as_ref(), path, faults);
    let functions = match source_function_arns {
        // A scope of the statement's own, if by hand.
        None if conditions.values().any(|keys| keys.keys().any(|key| is_function_key(key))) => Vec::new(),
        own => scope.functions(own.as_deref(), path, faults),
    };
    if source_function_arn_operator.is_some() && source_function_arns.is_none() {
        faults.push(Finding::invalid(format!("{path}.sourceFunctionArnOperator"), rule::FUNCTION_ARN_OPERATOR));
    }
    let mut statement = policy::Statement {
        sid: sid.clone(),
        effect: effect_of(*effect),
        principal: None,
        not_principal: None,
        actions,
        resources: Some(resources),
        conditions,
    };
    let operator = operator_for(&functions, *source_function_arn_operator);
    let keys = statement.conditions.get(operator).into_iter().flatten();
    if let Some((key, _)) = keys.filter(|_| !functions.is_empty()).find(|(key, _)| is_function_key(key)) {
        let message = "is already compared by sourceFunctionArns with this operator: name the functions in one place";
        faults.push(Finding::invalid(format!("{path}.conditions.{operator}.{key}"), message));
    }
    scoped(&mut statement, &functions, *source_function_arn_operator);
    statement
}

fn is_function_key(key: &str) -> bool {
    key.eq_ignore_ascii_case(SOURCE_FUNCTION_ARN)
}

/// Makes a statement hold only for the code of `functions`, if there are any.
pub(super) fn scoped(statement: &mut policy::Statement, functions: &[String], operator: Option<api::ArnOperator>) {
    if !functions.is_empty() {
        let keys = statement.conditions.entry(operator_for(functions, operator).to_owned()).or_default();
        keys.insert(SOURCE_FUNCTION_ARN.to_owned(), functions.to_vec());
    }
}

fn operator_for(functions: &[String], operator: Option<api::ArnOperator>) -> &'static str {
    let has_wildcard = functions.iter().any(|arn| arn.contains(['*', '?']));
    let default = if has_wildcard { api::ArnOperator::ArnLike } else { api::ArnOperator::ArnEquals };
    operator.unwrap_or(default).into()
}

/// The codes of the findings that the author of an item says to ignore.
pub(super) fn ignored_codes(codes: &[String], path: &str, faults: &mut Vec<Finding>) -> BTreeSet<Code> {
    let mut ignored = BTreeSet::new();
    for (index, code) in codes.iter().enumerate() {
        match code.parse() {
            Ok(code) if code != Code::InvalidField => {
                ignored.insert(code);
            }
            Ok(_) | Err(_) => {
                let path = format!("{path}.ignoreFindings[{index}]");
                faults.push(Finding::invalid(path, format!("{code}: {}", rule::FINDING_CODE)));
            }
        }
    }
    ignored
}

pub(super) fn effect_of(effect: Effect) -> policy::document::Effect {
    match effect {
        Effect::Allow => policy::document::Effect::Allow,
        Effect::Deny => policy::document::Effect::Deny,
    }
}

pub(super) fn check_sid(sid: Option<&str>, path: &str, seen: &mut BTreeSet<String>, faults: &mut Vec<Finding>) {
    let Some(sid) = sid else { return };
    if !(1..=rule::SID_MAX).contains(&sid.len()) || !sid.chars().all(|c| c.is_ascii_alphanumeric()) {
        faults.push(Finding::invalid(format!("{path}.sid"), rule::SID));
    }
    if !seen.insert(sid.to_owned()) {
        faults.push(Finding::invalid(format!("{path}.sid"), format!("{sid} is used twice: {}", rule::SID_UNIQUE)));
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
        faults: &mut Vec<Finding>,
    ) -> Matching {
        let (field, list, matching): (_, _, fn(Vec<String>) -> Matching) = match (self.positive, self.negative) {
            (Some(list), None) => (self.field.to_owned(), list, Matching::In),
            (None, Some(list)) => {
                let field = self.field.chars().take(1).flat_map(char::to_uppercase).chain(self.field.chars().skip(1));
                (format!("not{}", field.collect::<String>()), list, Matching::NotIn)
            }
            (Some(_), Some(_)) | (None, None) => {
                faults.push(Finding::invalid(path, one));
                return Matching::In(Vec::new());
            }
        };
        if list.is_empty() {
            faults.push(Finding::invalid(format!("{path}.{field}"), "must not be empty"));
        }
        for (index, entry) in list.iter().enumerate() {
            let path = format!("{path}.{field}[{index}]");
            if !is_valid(entry) {
                faults.push(Finding::invalid(&path, format!("{entry} is none: {rule}")));
            }
            check_characters(entry, &path, faults);
        }
        matching(list.clone())
    }
}

pub(super) fn conditions_of(
    conditions: Option<&api::Conditions>,
    path: &str,
    faults: &mut Vec<Finding>,
) -> Conditions {
    let mut result = Conditions::new();
    for (operator, keys) in conditions.into_iter().flatten() {
        let path = format!("{path}.conditions.{operator}");
        if !operator::is_known(operator) {
            faults.push(Finding::invalid(&path, rule::OPERATOR));
        }
        if keys.is_empty() {
            faults.push(Finding::invalid(&path, "must name at least one condition key"));
        }
        let checked = result.entry(operator.clone()).or_default();
        let mut seen = BTreeSet::new();
        for (key, value) in keys {
            let path = format!("{path}.{key}");
            if !seen.insert(key.to_ascii_lowercase()) {
                faults.push(Finding::invalid(
                    &path,
                    "differs from another key only in case, which IAM does not tell apart",
                ));
            }
            check_characters(key, &path, faults);
            if !key.contains(':') {
                faults.push(Finding::invalid(&path, "a condition key is service:key, for example aws:SourceVpc"));
            }
            match policy::condition_values(value, &path) {
                Ok(values) => {
                    for value in &values {
                        check_characters(value, &path, faults);
                    }
                    checked.insert(key.clone(), values);
                }
                Err(fault) => faults.push(Finding::invalid(fault.path, fault.message)),
            }
        }
    }
    result
}

/// The functions as ARNs.
fn functions(list: &[String], path: &str, account: &Account, faults: &mut Vec<Finding>) -> Vec<String> {
    let mut functions = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        match function_arn(entry, account) {
            Ok(arn) => functions.push(arn),
            Err(message) => {
                let message = format!("{entry}: {message}");
                faults.push(Finding::invalid(format!("{path}.sourceFunctionArns[{index}]"), message));
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

pub(super) fn check_characters(text: &str, path: &str, faults: &mut Vec<Finding>) {
    let is_allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FF}');
    if let Some(c) = text.chars().find(|c| !is_allowed(*c)) {
        let message = format!("holds {c:?} (U+{:04X}): IAM takes Latin-1 characters only", u32::from(c));
        faults.push(Finding::invalid(path, message));
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
