//! How the function's ARN is compared, and with what; and keys that are taken for it.

use super::{
    Code, Finding, Home, Report, Severity,
    comparison::{Comparison, FUNCTION_KEY, function_comparisons},
    coverage::Reading,
};
use crate::policy::{ActionPattern, Arn, Pattern, document::Effect};

/// The keys that are set where an AWS service calls on its own behalf, which it never does with a role.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourcearn>
const CALLING_SERVICE_KEYS: [&str; 2] = ["aws:SourceArn", "aws:SourceAccount"];

/// The function that an event source mapping is for.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html>
const EVENT_SOURCE_MAPPING_KEY: &str = "lambda:FunctionArn";

pub(super) fn check(reading: &Reading<'_>, home: Home<'_>, report: &mut Report) {
    let conditions = &reading.located.statement.conditions;
    for comparison in Comparison::all(conditions) {
        wrong_key(&comparison, reading, home, report);
    }
    for comparison in function_comparisons(conditions).filter(|comparison| !comparison.is_null()) {
        operator(&comparison, reading, report);
        negation(&comparison, reading, report);
        for index in 0..comparison.values.len() {
            function(&comparison, index, reading, home, report);
        }
    }
}

fn wrong_key(comparison: &Comparison<'_>, reading: &Reading<'_>, home: Home<'_>, report: &mut Report) {
    let located = reading.located;
    let about = if comparison.is_about(EVENT_SOURCE_MAPPING_KEY) {
        let mappings = ActionPattern::new("lambda:*EventSourceMapping");
        if !reading.actions.excludes && reading.actions.patterns.iter().all(|action| action.is_within(&mappings)) {
            return;
        }
        "names the function that an event source mapping is for, in requests about such mappings alone"
    } else if CALLING_SERVICE_KEYS.iter().any(|key| comparison.is_about(key)) {
        "is there only where an AWS service calls on its own behalf, which no request with the role's credentials is"
    } else {
        return;
    };
    let allows_nothing = located.statement.effect == Effect::Allow && comparison.needs_the_key();
    let (severity, consequence) = if allows_nothing {
        (Severity::Error, "the statement allows nothing")
    } else {
        (Severity::Warning, "the comparison decides nothing")
    };
    let message = format!("{about}: {consequence}");
    let fix = format!(
        "Name the functions in sourceFunctionArns, which compares {FUNCTION_KEY} with {}",
        function_arn(home, "NAME")
    );
    let path = comparison.path(located, None);
    report.add(&located.ignored, Finding::new(severity, Code::WrongFunctionKey, path, message, fix));
}

fn operator(comparison: &Comparison<'_>, reading: &Reading<'_>, report: &mut Report) {
    if comparison.is_for_arns() {
        return;
    }
    let (operator, key) = (comparison.operator, comparison.key);
    let has_wildcard = comparison.values.iter().any(|value| value.contains(['*', '?']));
    let (severity, message) = if !comparison.is_for_strings() {
        (Severity::Error, format!("compares {key}, an ARN, by {operator}, which no ARN satisfies"))
    } else if has_wildcard && !comparison.knows_wildcards() {
        (Severity::Error, format!("compares {key} by {operator}, which takes a wildcard for the character: no function matches"))
    } else {
        (Severity::Warning, format!("compares {key}, an ARN, by {operator}, as text"))
    };
    let arn_operator = if comparison.is_negated() { "ArnNotLike" } else { "ArnLike" };
    let fix = format!("Use {arn_operator}, which compares the parts of an ARN one by one, or sourceFunctionArns");
    let path = comparison.path(reading.located, None);
    report.add(&reading.located.ignored, Finding::new(severity, Code::StringOperatorOnArnKey, path, message, fix));
}

fn negation(comparison: &Comparison<'_>, reading: &Reading<'_>, report: &mut Report) {
    let why = if comparison.needs_the_key() {
        return;
    } else if comparison.is_negated() {
        "is true also for requests that carry no function's ARN"
    } else if comparison.is_for_all_values() {
        "is true also for requests that carry no function's ARN, because all of no values match"
    } else {
        // A positive operator with `IfExists` says that it is.
        return;
    };
    let (consequence, fix) = match reading.located.statement.effect {
        Effect::Allow => (
            "the statement allows whatever uses the role without being function code",
            "Name the functions that may, with ArnLike, and deny the others if need be",
        ),
        Effect::Deny => (
            "the statement also denies the calls that Lambda makes itself",
            "Leave out the actions that Lambda makes itself, or add \"Null\": {\"lambda:SourceFunctionArn\": \"false\"}, which holds for function code alone",
        ),
    };
    // With the other condition beside it the comparison says no more than it seems to.
    let others = function_comparisons(&reading.located.statement.conditions);
    if others.into_iter().any(|other| other.needs_the_key()) {
        return;
    }
    let message = format!("{} {why}: {consequence}", comparison.operator);
    let path = comparison.path(reading.located, None);
    report.add(&reading.located.ignored, Finding::new(Severity::Warning, Code::NegatedScope, path, message, fix));
}

fn function(comparison: &Comparison<'_>, index: usize, reading: &Reading<'_>, home: Home<'_>, report: &mut Report) {
    let value = comparison.values[index].as_str();
    let named = match Function::parse(value, home) {
        Ok(named) => named,
        // Compared as text, a wildcard also stands for several parts of the ARN.
        Err((Code::NotAFunctionArn, _)) if is_text_like(comparison, value, home) => {
            Function { name_has_wildcard: true }
        }
        Err((code, message)) => {
            let fix = format!("Name functions as {}", function_arn(home, "NAME"));
            let path = comparison.path(reading.located, Some(index));
            report.add(&reading.located.ignored, Finding::new(Severity::Error, code, path, message, fix));
            return;
        }
    };
    if named.name_has_wildcard && comparison.knows_wildcards() && !comparison.is_negated() {
        let message = format!("{value} matches every function whose name fits, also those that are made later");
        let fix = "Name each function, or keep names of that form to those that may";
        let path = comparison.path(reading.located, Some(index));
        let code = Code::WildcardMatchesOtherFunctions;
        report.add(&reading.located.ignored, Finding::new(Severity::Warning, code, path, message, fix));
    }
}

/// A value that some function's ARN can match.
struct Function {
    name_has_wildcard: bool,
}

impl Function {
    /// Reads a value, whose parts are compared one by one: a wildcard crosses no colon but those of the last part.
    fn parse(value: &str, home: Home<'_>) -> Result<Self, (Code, String)> {
        // What a policy variable stands for is known only at the request.
        if value.contains("${") {
            return Ok(Self { name_has_wildcard: false });
        }
        let may_be = |part: &str, own: &str| Pattern::new(part).matches(own);
        let not_one = |why: &str| (Code::NotAFunctionArn, format!("{value} {why}, so no function matches"));
        let arn = Arn::parse(value).ok_or_else(|| not_one("is no ARN"))?;
        let (kind, name) = arn.resource.split_once(':').unwrap_or((arn.resource, "*"));
        let is_function = |kind: &str| may_be(kind, "function") || (kind == arn.resource && kind.contains('*'));
        if !may_be(arn.service, "lambda") || !is_function(kind) || arn.region.is_empty() || name.is_empty() {
            return Err(not_one("is not the ARN of a function"));
        }
        if name.contains(':') {
            let message = format!("{value} names a version or an alias, which {FUNCTION_KEY} never carries: no request matches");
            return Err((Code::QualifiedFunctionArn, message));
        }
        for (what, part, own) in [("partition", arn.partition, home.partition), ("account", arn.account, home.account_id)] {
            if !may_be(part, own) {
                let message = format!("{value} is in {what} {part}, and no function there can run with a role of {own}");
                return Err((Code::ForeignFunction, message));
            }
        }
        Ok(Self { name_has_wildcard: name.contains(['*', '?']) })
    }
}

fn is_text_like(comparison: &Comparison<'_>, value: &str, home: Home<'_>) -> bool {
    let Home { partition, account_id, .. } = home;
    let functions = Pattern::new(&format!("arn:{partition}:lambda:*:{account_id}:function:*"));
    comparison.is_for_strings() && comparison.knows_wildcards() && Pattern::new(value).intersects(&functions)
}

fn function_arn(home: Home<'_>, name: &str) -> String {
    let Home { partition, region, account_id } = home;
    format!("arn:{partition}:lambda:{region}:{account_id}:function:{name}")
}
