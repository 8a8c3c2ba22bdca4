//! Condition operators.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

/// Every operator without set prefix and without `IfExists`, but for `Null`, which takes neither suffix.
const OPERATORS: [&str; 27] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

/// Whether IAM knows the operator, with `ForAllValues:` or `ForAnyValue:` before it and `IfExists` behind.
#[must_use]
pub fn is_known(operator: &str) -> bool {
    if operator == "Null" {
        return true;
    }
    let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
    let operator =
        ["ForAllValues:", "ForAnyValue:"].iter().find_map(|prefix| operator.strip_prefix(prefix)).unwrap_or(operator);
    operator != "Null" && OPERATORS.contains(&operator)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for operator in
            ["", "stringequals", "NullIfExists", "ForAnyValue:Null", "ForAll:StringLike", "StringMatches", "IfExists"]
        {
            assert!(!is_known(operator), "{operator}");
        }
    }
}
