//! Whether conditions hold.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use ipnet::IpNet;
use jiff::{Timestamp, civil, tz::TimeZone};

use super::{
    super::{
        document::Conditions,
        operator::{Comparison, Operator, SetOperator},
    },
    Context,
    variable::Written,
};

/// Whether all conditions hold: every operator, and every key of each.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>
///
/// An operator that IAM does not know never holds. IAM stores no such document.
pub(super) fn hold(conditions: &Conditions, context: &Context, variables: Option<&Context>) -> bool {
    conditions.iter().all(|(operator, keys)| {
        Operator::parse(operator).is_some_and(|operator| {
            let condition = |values| Condition { operator, values, variables };
            keys.iter().all(|(key, values)| condition(values).holds(context.values(key)))
        })
    })
}

struct Condition<'a> {
    operator: Operator,
    values: &'a [String],
    variables: Option<&'a Context>,
}

impl Condition<'_> {
    /// A key of several values takes a set operator. AWS does not say what other operators make of several values; here
    /// they do not hold, negated or not.
    fn holds(&self, found: Option<&[String]>) -> bool {
        if self.operator.comparison == Comparison::Null {
            return self.values.iter().any(|absent| boolean(absent) == Some(found.is_none()));
        }
        match (found, self.operator.set) {
            (None, _) => self.operator.holds_without_the_key(),
            (Some(found), Some(SetOperator::ForAllValues)) => found.iter().all(|found| self.holds_for(found)),
            (Some(found), Some(SetOperator::ForAnyValue)) => found.iter().any(|found| self.holds_for(found)),
            (Some([single]), None) => self.holds_for(single),
            (Some(_), None) => false,
        }
    }

    /// Any of the policy's values will do; none of them may match if the operator is negated.
    fn holds_for(&self, found: &str) -> bool {
        self.values.iter().any(|value| self.matches(value, found)) != self.operator.negated
    }

    /// Values that are not of the operator's type do not match.
    fn matches(&self, value: &str, found: &str) -> bool {
        let written = Written::new(value, self.variables);
        match self.operator.comparison {
            Comparison::String => written.equals(found),
            Comparison::StringIgnoringCase => written.equals_ignoring_case(found),
            Comparison::StringLike => written.is_like(found),
            Comparison::Arn => written.is_like_arn(found),
            Comparison::Numeric(order) => {
                both(number, found, value).is_some_and(|(found, value)| order.accepts(found.total_cmp(&value)))
            }
            Comparison::Date(order) => {
                both(date, found, value).is_some_and(|(found, value)| order.accepts(found.cmp(&value)))
            }
            Comparison::Bool => both(boolean, found, value).is_some_and(|(found, value)| found == value),
            Comparison::Binary => both(binary, found, value).is_some_and(|(found, value)| found == value),
            Comparison::IpAddress => both(network, found, value).is_some_and(|(found, value)| value.contains(&found)),
            // Looks at the key alone, in `holds`.
            Comparison::Null => false,
        }
    }
}

fn both<T>(read: fn(&str) -> Option<T>, found: &str, value: &str) -> Option<(T, T)> {
    Some((read(found)?, read(value)?))
}

/// Digits, with sign and decimal point if need be. Adding 0 makes one of both zeros.
fn number(text: &str) -> Option<f64> {
    let is_number = text.chars().all(|c| c.is_ascii_digit() || "+-.".contains(c));
    text.parse().ok().filter(|_| is_number).map(|number: f64| number + 0.0)
}

/// Whole seconds since 1970, or a form of ISO 8601 that the W3C names: a year and a month, a date, or a date and time
/// with an offset. A year alone cannot be told from seconds.
/// <https://www.w3.org/TR/NOTE-datetime>
fn date(text: &str) -> Option<Timestamp> {
    let midnight = |date: civil::Date| date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    if let Ok(seconds) = text.parse() {
        return Timestamp::from_second(seconds).ok();
    }
    match text.len() {
        7 => format!("{text}-01").parse().ok().and_then(midnight),
        10 => text.parse().ok().and_then(midnight),
        _ => text.parse().ok(),
    }
}

fn boolean(text: &str) -> Option<bool> {
    ["false", "true"].iter().position(|known| text.eq_ignore_ascii_case(known)).map(|index| index == 1)
}

fn binary(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A range, or an address, which is the range of itself.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
