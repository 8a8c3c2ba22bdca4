//! From a user's statements to the policy language.

use std::collections::BTreeSet;

use super::Account;
use crate::{
    api::{
        rule,
        statement::{self as api, Effect, Statement},
    },
    lint::{Code, Finding, Located, Source, Spelling},
    policy::{
        self, Excerpt, check,
        document::{Conditions, Matching},
        function::{FunctionPattern, Home, NoFunction, SOURCE_FUNCTION_ARN},
        operator,
    },
};

/// Functions that statements are limited to, as ARNs, and the field that lists them.
#[derive(Clone)]
pub(super) struct Functions {
    arns: Vec<String>,
    field: String,
}

impl Functions {
    fn of(list: &[String], field: String, account: &Account, faults: &mut Vec<Finding>) -> Self {
        let home = Home { partition: &account.partition, region: &account.region, account: &account.id };
        let mut arns = Vec::new();
        for (index, entry) in list.iter().enumerate() {
            match FunctionPattern::parse(entry, &home) {
                Ok(function) => arns.push(function.as_str().to_owned()),
                Err(no_function) => {
                    let rule = match no_function {
                        NoFunction::Qualified => rule::FUNCTION_ARN_QUALIFIED,
                        NoFunction::OtherResource | NoFunction::Impossible(_) => rule::FUNCTION_ARN,
                    };
                    faults.push(Finding::invalid(format!("{field}[{index}]"), format!("{entry}: {rule}")));
                }
            }
        }
        Self { arns, field }
    }

    /// Makes a statement hold only for the functions' code, if there are any; and says which field it was.
    pub(super) fn limit(
        &self,
        statement: &mut policy::Statement,
        operator: Option<api::ArnOperator>,
    ) -> Option<String> {
        if self.arns.is_empty() {
            return None;
        }
        let keys = statement.conditions.entry(self.operator(operator).to_owned()).or_default();
        keys.insert(SOURCE_FUNCTION_ARN.to_owned(), self.arns.clone());
        Some(self.field.clone())
    }

    fn operator(&self, operator: Option<api::ArnOperator>) -> &'static str {
        let has_wildcard = self.arns.iter().any(|arn| arn.contains(['*', '?']));
        let default = if has_wildcard { api::ArnOperator::ArnLike } else { api::ArnOperator::ArnEquals };
        operator.unwrap_or(default).into()
    }
}

/// The functions whose code statements and templates hold for where they do not say.
pub(super) struct Scope<'a> {
    account: &'a Account,
    default: Functions,
    is_demanded: bool,
}

impl<'a> Scope<'a> {
    /// `spec.sourceFunctionArns`, which are `functions`.
    pub(super) fn of(functions: &[String], account: &'a Account, faults: &mut Vec<Finding>) -> Self {
        let field = "spec.sourceFunctionArns".to_owned();
        Self { account, default: Functions::of(functions, field, account, faults), is_demanded: false }
    }

    /// The scope that also statements have which compare the function's ARN by hand.
    pub(super) fn demanded(self) -> Self {
        Self { is_demanded: true, ..self }
    }

    /// The functions of the item at `path`: its own list, or the default.
    pub(super) fn functions(&self, own: Option<&[String]>, path: &str, faults: &mut Vec<Finding>) -> Functions {
        match own {
            Some(list) => Functions::of(list, format!("{path}.sourceFunctionArns"), self.account, faults),
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
            let (statement, scope) = statement_of(statement, &path, scope, faults);
            Located { path, spelling: Spelling::Manifest, source: Source::Written, scope, statement, ignored }
        })
        .collect()
}

/// The statement, and the field that limits it to functions.
fn statement_of(
    statement: &Statement,
    path: &str,
    scope: &Scope<'_>,
    faults: &mut Vec<Finding>,
) -> (policy::Statement, Option<String>) {
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
        |action| (!is_action(action)).then_some(rule::ACTION),
        faults,
    );
    let resources = Choice { field: "resources", positive: resources.as_ref(), negative: not_resources.as_ref() }
        .matching(path, rule::RESOURCES_ONE, resource_fault, faults);
    let conditions = conditions_of(conditions.as_ref(), path, faults);
    let is_scoped_by_hand = conditions.values().any(|keys| keys.keys().any(|key| is_function_key(key)));
    let functions = match source_function_arns {
        None if is_scoped_by_hand && !scope.is_demanded => scope.functions(Some(&[]), path, faults),
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
    let operator = functions.operator(*source_function_arn_operator);
    let mut keys = statement.conditions.get(operator).into_iter().flatten().map(|(key, _)| key);
    if let Some(key) = keys.find(|key| is_function_key(key) && !functions.arns.is_empty()) {
        let message = "is already compared by sourceFunctionArns with this operator: name the functions in one place";
        faults.push(Finding::invalid(format!("{path}.conditions.{operator}.{key}"), message));
    }
    let scope = functions.limit(&mut statement, *source_function_arn_operator);
    (statement, scope)
}

fn is_function_key(key: &str) -> bool {
    key.eq_ignore_ascii_case(SOURCE_FUNCTION_ARN)
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
        fault: fn(&str) -> Option<&'static str>,
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
            if let Some(why) = fault(entry) {
                faults.push(Finding::invalid(&path, format!("{entry} is none: {why}")));
            }
            check_characters(entry, &path, faults);
        }
        matching(list.clone())
    }
}

pub(super) fn conditions_of(conditions: Option<&api::Conditions>, path: &str, faults: &mut Vec<Finding>) -> Conditions {
    let mut result = Conditions::new();
    for (operator, keys) in conditions.into_iter().flatten() {
        let path = format!("{path}.conditions.{}", Excerpt(operator));
        if !operator::is_known(operator) {
            faults.push(Finding::invalid(&path, rule::OPERATOR));
        }
        if keys.is_empty() {
            faults.push(Finding::invalid(&path, "must name at least one condition key"));
        }
        let checked = result.entry(operator.clone()).or_default();
        let mut seen = BTreeSet::new();
        for (key, value) in keys {
            let path = format!("{path}.{}", Excerpt(key));
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
                    // One for all: they have the path in common, and there is no limit to their number.
                    if let Some(value) = values.iter().find(|value| foreign_character(value).is_some()) {
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

fn foreign_character(text: &str) -> Option<char> {
    text.chars().find(|c| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FF}'))
}

pub(super) fn check_characters(text: &str, path: &str, faults: &mut Vec<Finding>) {
    if let Some(c) = foreign_character(text) {
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

fn resource_fault(resource: &str) -> Option<&'static str> {
    if resource.len() > rule::ARN_MAX { Some(rule::RESOURCE) } else { check::resource_fault(resource) }
}
