//! Condition operators.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

/// A condition operator, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operator {
    /// How a key of several values is looked at.
    pub set: Option<SetOperator>,
    /// How values are compared.
    pub comparison: Comparison,
    /// Whether the condition holds where none of the policy's values match.
    pub negated: bool,
    /// Whether the condition also holds where the request lacks the key.
    pub if_exists: bool,
}

/// The prefixes for keys of several values.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetOperator {
    /// `ForAllValues`: of every value of the request.
    ForAllValues,
    /// `ForAnyValue`: of at least one.
    ForAnyValue,
}

/// How an operator compares a value of the request with one of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `StringEquals`: the same text.
    String,
    /// `StringEqualsIgnoreCase`.
    StringIgnoringCase,
    /// `StringLike`: a pattern.
    StringLike,
    /// `Numeric…`.
    Numeric(Order),
    /// `Date…`.
    Date(Order),
    /// `Bool`.
    Bool,
    /// `BinaryEquals`: the same bytes, in base64.
    Binary,
    /// `IpAddress`: an address or a range of addresses.
    IpAddress,
    /// `ArnEquals` and `ArnLike`, which are the same: a pattern for each component.
    Arn,
    /// `Null`: whether the request lacks the key.
    Null,
}

/// How numbers and dates of the request are to be ordered with those of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The same.
    Equals,
    /// Below.
    LessThan,
    /// Below or the same.
    LessThanEquals,
    /// Above.
    GreaterThan,
    /// Above or the same.
    GreaterThanEquals,
}

/// Every operator without prefix and suffix, its comparison and whether it is negated.
const OPERATORS: [(&str, Comparison, bool); 26] = [
    ("StringEquals", Comparison::String, false),
    ("StringNotEquals", Comparison::String, true),
    ("StringEqualsIgnoreCase", Comparison::StringIgnoringCase, false),
    ("StringNotEqualsIgnoreCase", Comparison::StringIgnoringCase, true),
    ("StringLike", Comparison::StringLike, false),
    ("StringNotLike", Comparison::StringLike, true),
    ("NumericEquals", Comparison::Numeric(Order::Equals), false),
    ("NumericNotEquals", Comparison::Numeric(Order::Equals), true),
    ("NumericLessThan", Comparison::Numeric(Order::LessThan), false),
    ("NumericLessThanEquals", Comparison::Numeric(Order::LessThanEquals), false),
    ("NumericGreaterThan", Comparison::Numeric(Order::GreaterThan), false),
    ("NumericGreaterThanEquals", Comparison::Numeric(Order::GreaterThanEquals), false),
    ("DateEquals", Comparison::Date(Order::Equals), false),
    ("DateNotEquals", Comparison::Date(Order::Equals), true),
    ("DateLessThan", Comparison::Date(Order::LessThan), false),
    ("DateLessThanEquals", Comparison::Date(Order::LessThanEquals), false),
    ("DateGreaterThan", Comparison::Date(Order::GreaterThan), false),
    ("DateGreaterThanEquals", Comparison::Date(Order::GreaterThanEquals), false),
    ("Bool", Comparison::Bool, false),
    ("BinaryEquals", Comparison::Binary, false),
    ("IpAddress", Comparison::IpAddress, false),
    ("NotIpAddress", Comparison::IpAddress, true),
    ("ArnEquals", Comparison::Arn, false),
    ("ArnLike", Comparison::Arn, false),
    ("ArnNotEquals", Comparison::Arn, true),
    ("ArnNotLike", Comparison::Arn, true),
];

impl Operator {
    /// Takes `text` apart, or returns `None` if IAM does not know it. `Null` takes neither prefix nor suffix.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "Null" {
            return Some(Self { set: None, comparison: Comparison::Null, negated: false, if_exists: false });
        }
        let (set, name) = match text.split_once(':') {
            None => (None, text),
            Some(("ForAllValues", name)) => (Some(SetOperator::ForAllValues), name),
            Some(("ForAnyValue", name)) => (Some(SetOperator::ForAnyValue), name),
            Some(_) => return None,
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (_, comparison, negated) = OPERATORS.into_iter().find(|(known, ..)| *known == name)?;
        Some(Self { set, comparison, negated, if_exists })
    }

    /// Whether the condition holds for a request that lacks the key.
    ///
    /// AWS says of each part alone what an absent key does, not of parts that contradict each other: `IfExists` is
    /// taken to win over `ForAnyValue`, and either over a negation.
    #[must_use]
    pub const fn holds_without_the_key(&self) -> bool {
        match (self.if_exists, self.set) {
            (true, _) | (false, Some(SetOperator::ForAllValues)) => true,
            (false, Some(SetOperator::ForAnyValue)) => false,
            (false, None) => self.negated,
        }
    }
}

impl Order {
    /// Whether a value that compares so with the policy's is in order.
    #[must_use]
    pub const fn accepts(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equals => ordering.is_eq(),
            Self::LessThan => ordering.is_lt(),
            Self::LessThanEquals => ordering.is_le(),
            Self::GreaterThan => ordering.is_gt(),
            Self::GreaterThanEquals => ordering.is_ge(),
        }
    }
}

/// Whether IAM knows the operator, with `ForAllValues:` or `ForAnyValue:` before it and `IfExists` behind.
#[must_use]
pub fn is_known(operator: &str) -> bool {
    Operator::parse(operator).is_some()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn an_operator_is_taken_apart() {
        let operator = Operator::parse("ForAnyValue:ArnNotLikeIfExists").unwrap();
        let set = Some(SetOperator::ForAnyValue);
        assert_eq!(operator, Operator { set, comparison: Comparison::Arn, negated: true, if_exists: true });
    }

    #[test]
    fn set_prefixes_and_if_exists_combine() {
        for operator in
            ["StringEquals", "ForAllValues:StringLike", "ForAnyValue:ArnLikeIfExists", "BoolIfExists", "Null"]
        {
            assert!(is_known(operator), "{operator}");
        }
    }

    #[test]
    fn what_iam_does_not_know_is_not_known() {
        for operator in [
            "",
            "stringequals",
            "NullIfExists",
            "ForAnyValue:Null",
            "ForAll:StringLike",
            "StringMatches",
            "IfExists",
            "StringEqualsIfExistsIfExists",
            "ForAnyValue:ForAnyValue:StringLike",
        ] {
            assert!(!is_known(operator), "{operator}");
        }
    }

    #[rstest]
    #[case("StringEquals", false)]
    #[case("StringNotEquals", true)]
    #[case("StringEqualsIfExists", true)]
    #[case("ArnNotEqualsIfExists", true)]
    #[case("NotIpAddress", true)]
    #[case("ForAllValues:StringEquals", true)]
    #[case("ForAllValues:StringNotEquals", true)]
    #[case("ForAnyValue:StringEquals", false)]
    #[case("ForAnyValue:StringNotEquals", false)]
    #[case("ForAnyValue:StringEqualsIfExists", true)]
    fn an_absent_key_is_judged_by_the_operator_alone(#[case] operator: &str, #[case] expected: bool) {
        assert_eq!(Operator::parse(operator).unwrap().holds_without_the_key(), expected);
    }
}
