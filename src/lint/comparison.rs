//! Conditions, one operator and key at a time, and what follows from them.

use super::subject::{Located, Spelling};
use crate::policy::document::Conditions;

/// The key that carries the function whose code makes a request.
/// <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>
pub(super) const FUNCTION_KEY: &str = "lambda:SourceFunctionArn";

/// How several values of a request are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    /// No prefix.
    None,
    /// `ForAllValues:`, which is true where the key is absent.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
    All,
    /// `ForAnyValue:`.
    Any,
}

/// One operator of a condition block with one of its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comparison<'a> {
    /// The operator as it is written.
    pub operator: &'a str,
    /// The key as it is written.
    pub key: &'a str,
    /// The values.
    pub values: &'a [String],
    quantifier: Quantifier,
    /// The operator without prefix and suffix.
    base: &'a str,
    if_exists: bool,
}

impl<'a> Comparison<'a> {
    fn new(operator: &'a str, key: &'a str, values: &'a [String]) -> Self {
        let (quantifier, base) = match operator.split_once(':') {
            Some(("ForAllValues", base)) => (Quantifier::All, base),
            Some(("ForAnyValue", base)) => (Quantifier::Any, base),
            Some(_) | None => (Quantifier::None, operator),
        };
        let (base, if_exists) = base.strip_suffix("IfExists").map_or((base, false), |base| (base, true));
        Self { operator, key, values, quantifier, base, if_exists }
    }

    /// Every one of a condition block.
    pub(super) fn all(conditions: &'a Conditions) -> impl Iterator<Item = Self> {
        conditions
            .iter()
            .flat_map(|(operator, keys)| keys.iter().map(|(key, values)| Self::new(operator, key, values)))
    }

    /// Whether it is about that key. The case of keys does not count.
    pub(super) fn is_about(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }

    /// Whether the operator asks for a difference.
    pub(super) fn is_negated(&self) -> bool {
        self.base.contains("Not")
    }

    /// Whether the operator compares ARNs.
    pub(super) fn is_for_arns(&self) -> bool {
        self.base.starts_with("Arn")
    }

    /// Whether the operator compares text.
    pub(super) fn is_for_strings(&self) -> bool {
        self.base.starts_with("String")
    }

    /// Whether the operator takes `*` and `?` for wildcards.
    pub(super) fn knows_wildcards(&self) -> bool {
        self.is_for_arns() || self.base == "StringLike" || self.base == "StringNotLike"
    }

    /// Whether the operator asks only if the key is there.
    pub(super) fn is_null(&self) -> bool {
        self.base == "Null"
    }

    /// Whether every value of a request is compared, so that none is as good as all.
    pub(super) fn is_for_all_values(&self) -> bool {
        self.quantifier == Quantifier::All
    }

    /// Whether it is false for a request without the key.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    pub(super) fn needs_the_key(&self) -> bool {
        if self.is_null() {
            return !self.values.is_empty() && self.values.iter().all(|value| value.eq_ignore_ascii_case("false"));
        }
        // `ForAnyValue` needs a value, also where the operator is negated.
        (!self.is_negated() || self.quantifier == Quantifier::Any) && !self.if_exists && !self.is_for_all_values()
    }

    /// Whether it is true whenever `other` is: the same operator and key, and the values allow no less.
    fn follows_from(&self, other: &Self) -> bool {
        let within = |some: &[String], others: &[String]| some.iter().all(|value| others.contains(value));
        self.operator == other.operator
            && self.is_about(other.key)
            && if self.is_negated() { within(self.values, other.values) } else { within(other.values, self.values) }
    }

    /// Path of the comparison, or of one of its values.
    pub(super) fn path(&self, located: &Located, value: Option<usize>) -> String {
        match (&located.scope, value) {
            (Some(list), None) if self.is_made_from_list() => list.clone(),
            (Some(list), Some(index)) if self.is_made_from_list() => format!("{list}[{index}]"),
            (_, Some(index)) if self.values.len() > 1 && located.spelling != Spelling::Whole => {
                format!("{}[{index}]", located.condition_path(self.operator, self.key))
            }
            _ => located.condition_path(self.operator, self.key),
        }
    }

    fn is_made_from_list(&self) -> bool {
        self.is_for_arns() && self.key == FUNCTION_KEY
    }
}

/// The comparisons of the function's ARN.
pub(super) fn function_comparisons(conditions: &Conditions) -> impl Iterator<Item = Comparison<'_>> {
    Comparison::all(conditions).filter(|comparison| comparison.is_about(FUNCTION_KEY))
}

/// Whether the conditions hold for function code alone: not for a request without the function's ARN.
pub(super) fn is_scoped(conditions: &Conditions) -> bool {
    function_comparisons(conditions).any(|comparison| comparison.needs_the_key())
}

/// Whether the conditions say anything of the function's ARN.
pub(super) fn names_functions(conditions: &Conditions) -> bool {
    function_comparisons(conditions).next().is_some()
}

/// Whether `conditions` hold whenever `others` do. "No" where that does not show.
pub(super) fn follow_from(conditions: &Conditions, others: &Conditions) -> bool {
    Comparison::all(conditions).all(|comparison| Comparison::all(others).any(|other| comparison.follows_from(&other)))
}
