//! Conditions, one operator and key at a time, and what follows from them.

use std::collections::BTreeSet;

use super::subject::{Located, Spelling};
use crate::policy::{
    document::Conditions,
    function::SOURCE_FUNCTION_ARN,
    operator::{Comparison, Operator, SetOperator, is_known},
};

/// One operator of a condition block with one of its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition<'a> {
    /// The operator as it is written.
    pub text: &'a str,
    /// The operator.
    pub operator: Operator,
    /// The key as it is written.
    pub key: &'a str,
    /// The values.
    pub values: &'a [String],
}

impl<'a> Condition<'a> {
    /// Every one of a condition block. What IAM does not know is refused elsewhere.
    pub(super) fn all(conditions: &'a Conditions) -> impl Iterator<Item = Self> {
        let known =
            conditions.iter().filter_map(|(text, keys)| Operator::parse(text).map(|parsed| (text, parsed, keys)));
        known.flat_map(|(text, operator, keys)| {
            keys.iter().map(move |(key, values)| Self { text, operator, key, values })
        })
    }

    /// Whether it is about that key. The case of keys does not count.
    pub(super) fn is_about(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }

    /// Whether the operator compares ARNs.
    pub(super) fn is_for_arns(&self) -> bool {
        self.operator.comparison == Comparison::Arn
    }

    /// Whether the operator compares text.
    pub(super) fn is_for_strings(&self) -> bool {
        matches!(self.operator.comparison, Comparison::String | Comparison::StringIgnoringCase | Comparison::StringLike)
    }

    /// Whether the operator takes `*` and `?` for wildcards.
    pub(super) fn knows_wildcards(&self) -> bool {
        matches!(self.operator.comparison, Comparison::Arn | Comparison::StringLike)
    }

    /// Whether the operator asks only if the key is there.
    pub(super) fn is_null(&self) -> bool {
        self.operator.comparison == Comparison::Null
    }

    /// Whether every value of a request is compared, so that none is as good as all.
    pub(super) fn is_for_all_values(&self) -> bool {
        self.operator.set == Some(SetOperator::ForAllValues)
    }

    /// Whether it is false for a request without the key.
    pub(super) fn needs_the_key(&self) -> bool {
        if self.is_null() {
            !self.values.is_empty() && self.values.iter().all(|value| value.eq_ignore_ascii_case("false"))
        } else {
            !self.operator.holds_without_the_key()
        }
    }

    /// Whether it is true whenever `other` is: the same operator and key, and the values allow no less.
    fn follows_from(&self, other: &Self) -> bool {
        let within = |some: &[String], others: &[String]| {
            let others: BTreeSet<&String> = others.iter().collect();
            some.iter().all(|value| others.contains(value))
        };
        let allows_no_less = || {
            self.values == other.values
                || if self.operator.negated {
                    within(self.values, other.values)
                } else {
                    within(other.values, self.values)
                }
        };
        self.operator == other.operator && self.is_about(other.key) && allows_no_less()
    }

    /// Path of the condition, or of one of its values.
    pub(super) fn path(&self, located: &Located, value: Option<usize>) -> String {
        match (&located.scope, value) {
            (Some(list), None) if self.is_made_from_list() => list.clone(),
            (Some(list), Some(index)) if self.is_made_from_list() => format!("{list}[{index}]"),
            (_, Some(index)) if self.values.len() > 1 && located.spelling != Spelling::Whole => {
                format!("{}[{index}]", located.condition_path(self.text, self.key))
            }
            _ => located.condition_path(self.text, self.key),
        }
    }

    fn is_made_from_list(&self) -> bool {
        self.is_for_arns() && self.key == SOURCE_FUNCTION_ARN
    }
}

/// The conditions on the function's ARN.
pub(super) fn on_functions(conditions: &Conditions) -> impl Iterator<Item = Condition<'_>> {
    Condition::all(conditions).filter(|condition| condition.is_about(SOURCE_FUNCTION_ARN))
}

/// Whether the conditions hold for function code alone: not for a request without the function's ARN.
pub(super) fn are_scoped(conditions: &Conditions) -> bool {
    on_functions(conditions).any(|condition| condition.needs_the_key())
}

/// Whether the conditions say anything of the function's ARN.
pub(super) fn name_functions(conditions: &Conditions) -> bool {
    on_functions(conditions).next().is_some()
}

/// Whether `conditions` hold whenever `others` do. "No" where that does not show.
pub(super) fn follow_from(conditions: &Conditions, others: &Conditions) -> bool {
    conditions.keys().all(|operator| is_known(operator))
        && Condition::all(conditions)
            .all(|condition| Condition::all(others).any(|other| condition.follows_from(&other)))
}
