//! Which functions a statement holds for, and whether it must hold for named ones alone.
//! <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>

use super::{
    compile::Compiler,
    grant::{Entry, Extent, Grant},
    violation::{Refusal, Violation, some_of},
};
use crate::{
    api::class::{Guardrails, RequireScope},
    catalog::service_call::{self, Scoped},
    policy::{
        ActionPattern, ArnPattern, Excerpt, Pattern,
        document::Matching,
        function::{FunctionPattern, SOURCE_FUNCTION_ARN},
        operator::{Comparison, Operator, SetOperator},
        pattern::Variables,
    },
};

const FUNCTIONS: &str = "spec.guardrails.sourceFunctions";
const REQUIRED: &str = "spec.guardrails.requireSourceFunctionScope";

/// The rules about scopes.
#[derive(Clone, Debug)]
pub(super) struct Scopes {
    functions: Option<Vec<Functions>>,
    required: RequireScope,
}

/// An entry of the functions that a scope may name.
#[derive(Clone, Debug)]
struct Functions {
    components: ArnPattern,
    text: Pattern,
}

/// A comparison of the function's ARN.
struct Comparing<'a> {
    text: &'a str,
    key: &'a str,
    operator: Operator,
    values: &'a [String],
}

impl Scopes {
    pub(super) fn compile(rules: &Guardrails, compiler: &mut Compiler<'_>) -> Self {
        let functions = rules.source_functions.as_ref().map(|list| {
            let list = compiler.texts(list, FUNCTIONS);
            compiler.functions(&list).iter().map(Functions::of).collect()
        });
        Self { functions, required: rules.require_source_function_scope }
    }

    /// What a statement is refused for. `for_lambda` are those that we made for Lambda itself.
    pub(super) fn refusals(&self, grant: &Grant<'_>, for_lambda: &[&Grant<'_>]) -> Vec<Refusal> {
        let comparisons = Comparing::all(grant);
        let scopes: Vec<&Comparing<'_>> = comparisons.iter().filter(|comparison| comparison.is_scope()).collect();
        let is_for_functions = comparisons.iter().any(Comparing::needs_the_key);
        let foreign = self.functions.as_ref().filter(|_| is_for_functions);
        let foreign = foreign.and_then(|functions| foreign_functions(functions, &scopes, grant));
        let unscoped = if scopes.is_empty() { self.unscoped(grant, for_lambda) } else { None };
        foreign.into_iter().chain(unscoped).collect()
    }

    /// The refusal of a statement without a scope, if it must have one.
    fn unscoped(&self, grant: &Grant<'_>, for_lambda: &[&Grant<'_>]) -> Option<Refusal> {
        let actions: Vec<&str> = match (self.required, &grant.actions) {
            (RequireScope::Never, _) => return None,
            (RequireScope::WhereCarried, _) if grant.is_for_lambda => return None,
            (RequireScope::WhereCarried, Extent::Listed(actions)) => {
                let carried = actions.iter().filter(|action| !is_exempt(action, grant, for_lambda));
                carried.map(|action| action.text).collect()
            }
            (RequireScope::Always, Extent::Listed(actions)) => actions.iter().map(|action| action.text).collect(),
            (RequireScope::WhereCarried | RequireScope::Always, Extent::AllBut(_)) => vec!["all but what it lists"],
        };
        if actions.is_empty() {
            return None;
        }
        let subjects = actions.iter().map(|action| action.to_ascii_lowercase()).collect();
        let message = format!("allows {}{} whatever code calls", some_of(actions), grant.place);
        let fix = match self.required {
            _ if grant.is_attached() => "Detach it and write out what is needed of it, with sourceFunctionArns",
            RequireScope::Never | RequireScope::WhereCarried => {
                "Name the functions in sourceFunctionArns; what Lambda itself calls belongs under features, eventSources and destinations"
            }
            RequireScope::Always => "Name the functions in sourceFunctionArns",
        };
        let violation = Violation { rule: REQUIRED.to_owned(), path: grant.path(), message, fix: fix.to_owned() };
        Some(Refusal { violation, subjects })
    }
}

/// The refusal of a statement for function code, unless one of its scopes names permitted functions alone: all of its
/// conditions must hold, so one is enough.
fn foreign_functions(functions: &[Functions], scopes: &[&Comparing<'_>], grant: &Grant<'_>) -> Option<Refusal> {
    let foreign: Vec<Option<usize>> =
        scopes.iter().map(|scope| scope.first_outside(functions, grant.variables)).collect();
    if foreign.contains(&None) {
        return None;
    }
    let (path, message, subject) = match (scopes.first(), foreign.first()) {
        (Some(scope), Some(Some(index))) => {
            let value = &scope.values[*index];
            (
                scope.path(grant, *index),
                format!("names {}{}, which no entry takes in", Excerpt(value), grant.place),
                value.clone(),
            )
        }
        (_, _) => (
            grant.path(),
            format!("holds for function code alone{}, and no condition says for whose", grant.place),
            format!("{:?}", grant.statement.conditions),
        ),
    };
    let fix = "Name functions that the class allows, with an ARN operator".to_owned();
    let violation = Violation { rule: FUNCTIONS.to_owned(), path, message, fix };
    Some(Refusal { violation, subjects: vec![subject] })
}

/// Whether an action needs no scope: Lambda itself makes the call, or we made the statement for such calls. What code calls
/// as often as Lambda is exempt in a statement of ours alone. A wildcard takes in more than what is listed.
fn is_exempt(action: &Entry<'_, ActionPattern>, grant: &Grant<'_>, for_lambda: &[&Grant<'_>]) -> bool {
    let is_call_of_lambda = action.pattern.is_literal()
        && service_call::all().iter().any(|call| call.scoped != Scoped::DualUse && call.is_matched_by(&action.pattern));
    is_call_of_lambda
        || match &grant.statement.resources {
            Some(Matching::In(resources)) => {
                resources.iter().all(|resource| for_lambda.iter().any(|made| made.allows(action.text, resource, grant)))
            }
            Some(Matching::NotIn(_)) | None => false,
        }
}

impl Grant<'_> {
    /// Whether it allows just that action on just that resource under the conditions of `other`.
    fn allows(&self, action: &str, resource: &str, other: &Grant<'_>) -> bool {
        let lists = |matching: &Matching, is_it: &dyn Fn(&String) -> bool| match matching {
            Matching::In(list) => list.iter().any(is_it),
            Matching::NotIn(_) => false,
        };
        self.statement.conditions == other.statement.conditions
            && lists(&self.statement.actions, &|own| own.eq_ignore_ascii_case(action))
            && self.statement.resources.as_ref().is_some_and(|list| lists(list, &|own| own == resource))
    }
}

impl Functions {
    fn of(function: &FunctionPattern) -> Self {
        Self { components: function.pattern().clone(), text: Pattern::new(function.as_str()) }
    }
}

impl<'a> Comparing<'a> {
    /// Every comparison of the function's ARN. An operator that IAM does not know compares nothing.
    fn all(grant: &Grant<'a>) -> Vec<Self> {
        let known = grant.statement.conditions.iter();
        let known = known.filter_map(|(text, keys)| Operator::parse(text).map(|operator| (text, operator, keys)));
        let all = known.flat_map(|(text, operator, keys)| {
            keys.iter().map(move |(key, values)| Self { text, key, operator, values })
        });
        all.filter(|comparison| comparison.key.eq_ignore_ascii_case(SOURCE_FUNCTION_ARN)).collect()
    }

    /// Whether it is true of named functions alone: for no request without the key, and for none whose key has a value that
    /// is not named.
    fn is_scope(&self) -> bool {
        let Operator { set, comparison, negated, if_exists } = self.operator;
        matches!(comparison, Comparison::Arn | Comparison::String | Comparison::StringLike)
            && matches!(set, None | Some(SetOperator::ForAnyValue))
            && !negated
            && !if_exists
    }

    /// Whether it is false for a request without the key.
    fn needs_the_key(&self) -> bool {
        match self.operator.comparison {
            Comparison::Null => self.values.iter().all(|value| value.eq_ignore_ascii_case("false")),
            Comparison::String
            | Comparison::StringIgnoringCase
            | Comparison::StringLike
            | Comparison::Numeric(_)
            | Comparison::Date(_)
            | Comparison::Bool
            | Comparison::Binary
            | Comparison::IpAddress
            | Comparison::Arn => !self.operator.holds_without_the_key(),
        }
    }

    /// The first value that no entry takes in. ARN operators compare component by component, the others the text.
    fn first_outside(&self, functions: &[Functions], variables: Variables) -> Option<usize> {
        let is_within = |value: &String| {
            if self.operator.comparison == Comparison::Arn {
                let value = ArnPattern::in_any_request(value, variables);
                value.is_some_and(|value| functions.iter().any(|function| value.is_within(&function.components)))
            } else {
                let value = Pattern::in_any_request(value, variables);
                functions.iter().any(|function| value.is_within(&function.text))
            }
        };
        self.values.iter().position(|value| !is_within(value))
    }

    /// Path of a value, which may stand in the list that the scope was made of.
    fn path(&self, grant: &Grant<'_>, index: usize) -> String {
        match grant.scope {
            Some(list) if self.operator.comparison == Comparison::Arn && self.key == SOURCE_FUNCTION_ARN => {
                format!("{list}[{index}]")
            }
            Some(_) | None => {
                let field = format!("conditions.{}.{}", self.text, self.key);
                let element = format!("Condition.{}.{}", self.text, self.key);
                grant.entry_path(&field, &element, index, self.values.len())
            }
        }
    }
}
