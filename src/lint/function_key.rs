//! How the function's ARN is compared, and with what; and keys that are taken for it.

use std::fmt::Display;

use super::{
    Code, Finding, Home, Report, Severity,
    condition::{Condition, on_functions},
    coverage::Reading,
    some_of,
};
use crate::{
    catalog::service_call::{self, FunctionKey, ServiceCall},
    policy::{
        ActionPattern, ArnPattern, Pattern,
        document::Effect,
        function::{Component, FunctionPattern, NoFunction, SOURCE_FUNCTION_ARN},
    },
};

/// The keys that are set where an AWS service calls on its own behalf, which it never does with a role.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourcearn>
const CALLING_SERVICE_KEYS: [&str; 2] = ["aws:SourceArn", "aws:SourceAccount"];

/// The function that an event source mapping is for.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html>
const EVENT_SOURCE_MAPPING_KEY: &str = "lambda:FunctionArn";

pub(super) fn check(reading: &Reading<'_>, home: Home<'_>, report: &mut Report) {
    let conditions = &reading.located.statement.conditions;
    for condition in Condition::all(conditions) {
        wrong_key(&condition, reading, home, report);
    }
    for condition in on_functions(conditions).filter(|condition| !condition.is_null()) {
        operator(&condition, reading, report);
        negation(&condition, reading, report);
        for index in 0..condition.values.len() {
            function(&condition, index, reading, home, report);
        }
    }
}

fn wrong_key(condition: &Condition<'_>, reading: &Reading<'_>, home: Home<'_>, report: &mut Report) {
    let located = reading.located;
    let about = if condition.is_about(EVENT_SOURCE_MAPPING_KEY) {
        let mappings = ActionPattern::new("lambda:*EventSourceMapping");
        if !reading.actions.excludes && reading.actions.patterns.iter().all(|action| action.is_within(&mappings)) {
            return;
        }
        "names the function that an event source mapping is for, in requests about such mappings alone"
    } else if CALLING_SERVICE_KEYS.iter().any(|key| condition.is_about(key)) {
        "is there only where an AWS service calls on its own behalf, which no request with the role's credentials is"
    } else {
        return;
    };
    let allows_nothing = located.statement.effect == Effect::Allow && condition.needs_the_key();
    let (severity, consequence) = if allows_nothing {
        (Severity::Error, "the statement allows nothing")
    } else {
        (Severity::Warning, "the comparison decides nothing")
    };
    let message = format!("{about}: {consequence}");
    let fix = format!(
        "Name the functions in sourceFunctionArns, which compares {SOURCE_FUNCTION_ARN} with {}",
        function_arn(home, "NAME")
    );
    let path = condition.path(located, None);
    report.add(&located.ignored, Finding::new(severity, Code::WrongFunctionKey, path, message, fix));
}

fn operator(condition: &Condition<'_>, reading: &Reading<'_>, report: &mut Report) {
    if condition.is_for_arns() {
        return;
    }
    let (operator, key) = (condition.text, condition.key);
    let has_wildcard = condition.values.iter().any(|value| value.contains(['*', '?']));
    let (severity, message) = if !condition.is_for_strings() {
        (Severity::Error, format!("compares {key}, an ARN, by {operator}, which no ARN satisfies"))
    } else if has_wildcard && !condition.knows_wildcards() {
        (
            Severity::Error,
            format!("compares {key} by {operator}, which takes a wildcard for the character: no function matches"),
        )
    } else {
        (Severity::Warning, format!("compares {key}, an ARN, by {operator}, as text"))
    };
    let arn_operator = if condition.operator.negated { "ArnNotLike" } else { "ArnLike" };
    let fix = format!("Use {arn_operator}, which compares the parts of an ARN one by one, or sourceFunctionArns");
    let path = condition.path(reading.located, None);
    report.add(&reading.located.ignored, Finding::new(severity, Code::StringOperatorOnArnKey, path, message, fix));
}

fn negation(condition: &Condition<'_>, reading: &Reading<'_>, report: &mut Report) {
    let why = if condition.needs_the_key() {
        return;
    } else if condition.operator.negated {
        "is true also for requests that carry no function's ARN"
    } else if condition.is_for_all_values() {
        "is true also for requests that carry no function's ARN, because all of no values match"
    } else {
        // A positive operator with `IfExists` says that it is.
        return;
    };
    // Beside a condition that is false without the key it says no more than it seems to.
    let others = on_functions(&reading.located.statement.conditions);
    if others.into_iter().any(|other| other.needs_the_key()) {
        return;
    }
    let elsewhere = "whatever uses the role without being function code";
    let (consequence, fix) = match reading.located.statement.effect {
        Effect::Allow => (
            format!("the statement also allows {elsewhere}"),
            "Name the functions that may, with ArnLike, and deny the others if need be",
        ),
        Effect::Deny => (
            match own_calls(reading) {
                calls if calls.is_empty() => format!("the statement also denies {elsewhere}"),
                calls => format!("the statement also denies {}, which Lambda makes itself", some_of(calls)),
            },
            "Leave out what Lambda makes itself, or add the condition \"Null\": {\"lambda:SourceFunctionArn\": \"false\"}, which holds for function code alone",
        ),
    };
    let message = format!("{} {why}: {consequence}", condition.text);
    let path = condition.path(reading.located, None);
    report.add(&reading.located.ignored, Finding::new(Severity::Warning, Code::NegatedScope, path, message, fix));
}

/// The calls that Lambda makes itself, as far as is documented without the key, of those that the statement is about.
fn own_calls(reading: &Reading<'_>) -> Vec<&'static str> {
    let is_about = |call: &&ServiceCall| {
        let is_made_on = |resource: &Pattern| call.may_be_made_on(resource);
        call.key != FunctionKey::Present
            && reading.actions.takes_in(&ActionPattern::new(&call.action))
            && (reading.resources.excludes || reading.resources.patterns.iter().any(is_made_on))
    };
    service_call::all().iter().filter(is_about).map(|call| call.action.as_str()).collect()
}

fn function(condition: &Condition<'_>, index: usize, reading: &Reading<'_>, home: Home<'_>, report: &mut Report) {
    let value = condition.values[index].as_str();
    let name_has_wildcard = match may_name(value, home) {
        Ok(has_wildcard) => has_wildcard,
        // Compared as text, a wildcard also stands for several parts of the ARN.
        Err((Code::NotAFunctionArn, _)) if is_text_like(condition, value, home) => true,
        Err((code, message)) => {
            let fix = format!("Write {}", function_arn(home, name_in(value).unwrap_or("NAME")));
            let path = condition.path(reading.located, Some(index));
            report.add(&reading.located.ignored, Finding::new(Severity::Error, code, path, message, fix));
            return;
        }
    };
    if name_has_wildcard && condition.knows_wildcards() && !condition.operator.negated {
        let message = format!("{value} matches every function whose name fits, also those that are made later");
        let fix = "Name each function, or keep names of that form to those that may";
        let path = condition.path(reading.located, Some(index));
        let code = Code::WildcardMatchesOtherFunctions;
        report.add(&reading.located.ignored, Finding::new(Severity::Warning, code, path, message, fix));
    }
}

/// Whether a value has a wildcard in the name of the function, or why it names none that may run with the role.
fn may_name(value: &str, home: Home<'_>) -> Result<bool, (Code, String)> {
    // What a policy variable stands for is known only at the request.
    if value.contains("${") {
        return Ok(false);
    }
    let not_one = |why: &dyn Display| (Code::NotAFunctionArn, format!("{value} {why}, so no function matches"));
    let arn = ArnPattern::parse(value).ok_or_else(|| not_one(&"is no ARN"))?;
    // The parser takes a bare name for a function at home, which IAM does not.
    let parsed =
        if value.starts_with("arn:") { FunctionPattern::parse(value, &home) } else { Err(NoFunction::OtherResource) };
    match parsed {
        Ok(function) => {
            let foreign = function.foreign_components(&home);
            // IAM is one for all regions: a function of another may run with the role.
            match foreign.into_iter().find(|component| *component != Component::Region) {
                Some(component) => Err((
                    Code::ForeignFunction,
                    format!(
                        "{value} is in {component} {}, and no function there can run with a role of account {} in partition {}",
                        function.component(component),
                        home.account,
                        home.partition
                    ),
                )),
                None => Ok(function.has_wildcard_in(Component::Name)),
            }
        }
        Err(qualified @ NoFunction::Qualified) => {
            Err((Code::QualifiedFunctionArn, format!("{value} {qualified}: no request matches")))
        }
        Err(impossible @ NoFunction::Impossible(_)) => Err(not_one(&impossible)),
        // Wider than the ARN of a function, such as one that ends in a wildcard for every kind of resource.
        Err(other @ NoFunction::OtherResource) => {
            let functions = ArnPattern::parse(&functions_at(home));
            if functions.is_some_and(|functions| functions.intersects(&arn)) { Ok(true) } else { Err(not_one(&other)) }
        }
    }
}

/// The function's name, in a bare name or in an ARN, if it is one.
fn name_in(value: &str) -> Option<&str> {
    let name = if value.starts_with("arn:") { value.split(':').nth(6)? } else { value };
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_*?".contains(c));
    (is_name && name.contains(|c: char| c.is_ascii_alphanumeric())).then_some(name)
}

fn is_text_like(condition: &Condition<'_>, value: &str, home: Home<'_>) -> bool {
    condition.is_for_strings()
        && condition.knows_wildcards()
        && Pattern::new(value).intersects(&Pattern::new(&functions_at(home)))
}

/// The functions that may run with a role: those of its account, in any region.
fn functions_at(home: Home<'_>) -> String {
    let Home { partition, region: _, account } = home;
    format!("arn:{partition}:lambda:*:{account}:function:?*")
}

fn function_arn(home: Home<'_>, name: &str) -> String {
    let Home { partition, region, account } = home;
    format!("arn:{partition}:lambda:{region}:{account}:function:{name}")
}
