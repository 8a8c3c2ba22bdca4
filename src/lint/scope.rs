//! Scopes by `lambda:SourceFunctionArn` over calls that Lambda makes itself.
//!
//! The requests of function code carry the key. Of the calls that Lambda makes with the same role some do not, and an
//! Allow that asks for the key does not allow them: the function, its poller or its destination fails, often long after
//! the change.
//! <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>

use super::{
    Code, Finding, LocatedPolicy, Report, Severity, Source,
    condition::{are_scoped, name_functions},
    coverage::Reading,
    some_of,
    subject::Spelling,
};
use crate::{
    catalog::service_call::{self, FunctionKey, Scoped, ServiceCall},
    policy::{ActionPattern, Pattern, document::Effect, function::SOURCE_FUNCTION_ARN},
};

pub(super) fn check(reading: &Reading<'_>, all: &[Reading<'_>], policies: &[LocatedPolicy], report: &mut Report) {
    let statement = &reading.located.statement;
    if statement.effect != Effect::Allow || !are_scoped(&statement.conditions) {
        return;
    }
    // What allows something to Lambda itself.
    let unscoped: Vec<&Reading<'_>> = all
        .iter()
        .filter(|reading| {
            let statement = &reading.located.statement;
            statement.effect == Effect::Allow && !name_functions(&statement.conditions)
        })
        .collect();
    let entries = entries(reading);
    let is_meant = |call: &&ServiceCall| entries.iter().any(|entry| entry.takes_in(call));
    let is_open = |call: &&ServiceCall| {
        resources_of(reading, call).any(|resource| !is_allowed(call, resource, reading, &unscoped, policies))
    };
    // Asked once a call, not once an entry: a statement may list hundreds.
    let is_doubted = |call: &&ServiceCall| match call.scoped {
        Scoped::Breaks => may_be_of_use(call, all),
        Scoped::DualUse => may_be_a_target(call, reading, all),
        Scoped::Doubtful => true,
    };
    let open: Vec<&ServiceCall> =
        service_call::all().iter().filter(is_meant).filter(is_open).filter(is_doubted).collect();
    for entry in &entries {
        let calls: Vec<&ServiceCall> = open.iter().copied().filter(|call| entry.takes_in(call)).collect();
        if let Some(finding) = entry.finding(reading, &calls) {
            report.add(&reading.located.ignored, finding);
        }
    }
}

/// An action of a scoped statement, or all but those that it excludes.
struct Entry<'a> {
    path: String,
    text: &'a str,
    reach: Reach<'a>,
}

enum Reach<'a> {
    Included(&'a ActionPattern),
    AllBut(&'a [ActionPattern]),
}

fn entries<'r>(reading: &'r Reading<'_>) -> Vec<Entry<'r>> {
    let located = reading.located;
    if reading.actions.excludes {
        let reach = Reach::AllBut(&reading.actions.patterns);
        return vec![Entry { path: located.action_path(0), text: "every other action", reach }];
    }
    reading
        .included_actions()
        .map(|(index, text, pattern)| Entry { path: located.action_path(index), text, reach: Reach::Included(pattern) })
        .collect()
}

impl Entry<'_> {
    fn takes_in(&self, call: &ServiceCall) -> bool {
        match self.reach {
            Reach::Included(pattern) => call.is_matched_by(pattern),
            Reach::AllBut(excluded) => !excluded.iter().any(|pattern| call.is_matched_by(pattern)),
        }
    }

    /// The one thing to say of the entry: the worst. What is broken anyway needs no doubts beside it.
    fn finding(&self, reading: &Reading<'_>, calls: &[&ServiceCall]) -> Option<Finding> {
        let with = |scoped: Scoped| -> Vec<&ServiceCall> {
            calls.iter().copied().filter(|call| call.scoped == scoped).collect()
        };
        let (breaks, dual_use, doubtful) = (with(Scoped::Breaks), with(Scoped::DualUse), with(Scoped::Doubtful));
        if !breaks.is_empty() {
            Some(self.breaks(&breaks, reading))
        } else if !dual_use.is_empty() {
            Some(self.dual_use(&dual_use, reading))
        } else if !doubtful.is_empty() {
            Some(self.doubtful(&doubtful, reading))
        } else {
            None
        }
    }

    fn breaks(&self, calls: &[&ServiceCall], reading: &Reading<'_>) -> Finding {
        let is_one = calls.len() == 1;
        let message = format!(
            "{} for function code alone, but Lambda makes {} itself {}, without {SOURCE_FUNCTION_ARN}: the scope would deny {}",
            self.allows(calls),
            if is_one { "the call" } else { "such calls" },
            purposes(calls),
            if is_one { "it" } else { "them" },
        );
        let fix = format!(
            "{}, or {}; if only the function's own code makes the call, say so: ignoreFindings: [{}]",
            leave_unscoped(reading),
            declare(calls),
            Code::ScopeBreaksServiceCall
        );
        Finding::new(self.severity(calls), Code::ScopeBreaksServiceCall, self.path.clone(), message, fix)
    }

    /// A wildcard may well be meant for other actions of the service, unless it takes in what function code has no use for.
    fn severity(&self, calls: &[&ServiceCall]) -> Severity {
        let names_a_service = self.text.contains(':');
        let is_meant = match self.reach {
            Reach::Included(pattern) => {
                pattern.is_literal() || (names_a_service && calls.iter().any(|call| call.only_lambda))
            }
            Reach::AllBut(_) => false,
        };
        if is_meant { Severity::Error } else { Severity::Warning }
    }

    fn doubtful(&self, calls: &[&ServiceCall], reading: &Reading<'_>) -> Finding {
        let documented = if calls.iter().all(|call| call.key == FunctionKey::Present) {
            "AWS documents today that the request carries the function's ARN, and documented the contrary before"
        } else {
            "AWS does not document that the request carries the function's ARN"
        };
        let message = format!(
            "{} for function code alone, but Lambda makes {} itself {}: {documented}",
            self.allows(calls),
            if calls.len() == 1 { "the call" } else { "such calls" },
            purposes(calls),
        );
        let fix = format!(
            "To be safe, {}, or {}; if you have tried it, ignoreFindings: [{}]",
            lower_first(&leave_unscoped(reading)),
            declare(calls),
            Code::ScopeOnServiceCall
        );
        Finding::new(Severity::Warning, Code::ScopeOnServiceCall, self.path.clone(), message, fix)
    }

    fn dual_use(&self, calls: &[&ServiceCall], reading: &Reading<'_>) -> Finding {
        let message = format!(
            "{} for function code alone; if Lambda makes the call, too, {}, the scope would deny that",
            self.allows(calls),
            purposes(calls),
        );
        let fix = format!(
            "Where it is Lambda's, {}, or {}; where it is not, ignoreFindings: [{}]",
            lower_first(&leave_unscoped(reading)),
            declare(calls),
            Code::DualUseAction
        );
        Finding::new(Severity::Warning, Code::DualUseAction, self.path.clone(), message, fix)
    }

    /// "allows sqs:ReceiveMessage", "allows sqs:*, which takes in sqs:ReceiveMessage and sqs:DeleteMessage,".
    fn allows(&self, calls: &[&ServiceCall]) -> String {
        match calls {
            [single] if single.action.eq_ignore_ascii_case(self.text) => format!("allows {}", single.action),
            _ => {
                let names = some_of(calls.iter().map(|call| call.action.as_str()));
                format!("allows {}, and so {names},", self.text)
            }
        }
    }
}

fn purposes(calls: &[&ServiceCall]) -> String {
    let mut purposes: Vec<&str> = calls.iter().map(|call| call.purpose.as_str()).collect();
    purposes.dedup();
    match purposes.as_slice() {
        [first, second, _, ..] => format!("{first}, {second} and for more"),
        few => few.join(" or "),
    }
}

fn declare(calls: &[&ServiceCall]) -> String {
    let mut places: Vec<&str> = calls.iter().map(|call| call.declare.as_str()).collect();
    places.dedup();
    match places.as_slice() {
        [first, second, _, ..] => format!("{first}, {second} and so on"),
        few => few.join(", "),
    }
}

fn leave_unscoped(reading: &Reading<'_>) -> String {
    match reading.located.spelling {
        Spelling::Manifest | Spelling::Whole => "Leave the statement unscoped (sourceFunctionArns: [])".to_owned(),
        Spelling::Document => format!("Leave the statement unscoped, without the condition on {SOURCE_FUNCTION_ARN}"),
    }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().into_iter().flat_map(char::to_lowercase).chain(characters).collect()
}

/// The resources of the statement that Lambda may make the call on; everything, where the statement says which not.
fn resources_of<'r>(reading: &'r Reading<'_>, call: &'r ServiceCall) -> impl Iterator<Item = Option<&'r Pattern>> {
    let excludes = reading.resources.excludes;
    let included = reading.resources.patterns.iter().filter(move |_| !excludes);
    let everything = excludes.then_some(None);
    included.filter(|resource| call.may_be_made_on(resource)).map(Some).chain(everything)
}

/// Whether the role allows Lambda itself the call on the resource: by another statement, or by a managed policy of AWS's
/// for that purpose.
fn is_allowed(
    call: &ServiceCall,
    resource: Option<&Pattern>,
    scoped: &Reading<'_>,
    unscoped: &[&Reading<'_>],
    policies: &[LocatedPolicy],
) -> bool {
    let action = ActionPattern::new(&call.action);
    let everything = Pattern::new("*");
    let resource = resource.unwrap_or(&everything);
    let is_attached = |name: &String| policies.iter().any(|policy| policy.aws_name() == Some(name.as_str()));
    call.managed_policies.iter().any(is_attached)
        || unscoped.iter().any(|reading| {
            // What we make for Lambda carries the conditions that suit Lambda.
            (reading.located.source == Source::Generated || reading.is_no_more_conditioned_than(scoped))
                && reading.actions.takes_in(&action)
                && reading.resources.takes_in(resource)
        })
}

/// Whether Lambda may make a call that function code makes as often, by what else the role says.
fn may_be_a_target(call: &ServiceCall, reading: &Reading<'_>, all: &[Reading<'_>]) -> bool {
    // Destinations and dead-letter targets are standard queues and topics.
    // https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    let is_fifo = |text: &str| text.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "fifo");
    let resources = reading.located.statement.resources.as_ref().map_or(&[][..], super::subject::entries);
    if !resources.is_empty() && resources.iter().all(|resource| is_fifo(resource)) {
        return false;
    }
    // A bucket that the role may not list cannot be a destination.
    let holders: Vec<Pattern> = resources.iter().map(|resource| Pattern::new(holder_of(resource))).collect();
    let needed = needed_statements(call, all);
    needed.is_none_or(|mut statements| {
        statements.any(|reading| {
            reading.resources.patterns.iter().any(|other| holders.iter().any(|holder| holder.intersects(other)))
        })
    })
}

/// Whether the role is written to allow what a call of Lambda's is a part of: nobody polls a queue by
/// `sqs:GetQueueAttributes` alone, while function code may well ask for it alone.
fn may_be_of_use(call: &ServiceCall, all: &[Reading<'_>]) -> bool {
    needed_statements(call, all).is_none_or(|mut statements| statements.next().is_some())
}

/// The statements that allow the action without which a call is of no use to Lambda; `None` if there is no such action.
/// What we make for Lambda does not count: it is whole by itself.
fn needed_statements<'a, 'r>(
    call: &ServiceCall,
    all: &'a [Reading<'r>],
) -> Option<impl Iterator<Item = &'a Reading<'r>>> {
    let needed = ActionPattern::new(call.needs.as_ref()?);
    Some(all.iter().filter(move |reading| {
        reading.located.statement.effect == Effect::Allow
            && reading.located.source != Source::Generated
            && reading.actions.takes_in(&needed)
    }))
}

/// The bucket of an object.
fn holder_of(resource: &str) -> &str {
    resource.split('/').next().unwrap_or(resource)
}
