//! Amazon resource names.

/// The six colon-separated components of an ARN; the last keeps further colons.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: &'a str,
    /// Service prefix, for example `iam`.
    pub service: &'a str,
    /// Region; empty for global services.
    pub region: &'a str,
    /// Account; empty for resources without one, `aws` for AWS's own policies.
    pub account: &'a str,
    /// The service's own naming of the resource.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits `text`, or returns `None` if it has fewer than six components or does not begin with `arn:`.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        Some(Self {
            partition: parts.next()?,
            service: parts.next()?,
            region: parts.next()?,
            account: parts.next()?,
            resource: parts.next()?,
        })
    }

    /// Whether this is a managed policy: a customer's (twelve digits) or AWS's own (`aws`).
    #[must_use]
    pub fn is_managed_policy(&self) -> bool {
        let name = self.resource.strip_prefix("policy/").unwrap_or_default();
        self.service == "iam"
            && self.region.is_empty()
            && (self.account == "aws" || is_account_id(self.account))
            && !self.partition.is_empty()
            && self.partition.chars().all(|c| c.is_ascii_lowercase() || c == '-')
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_/-".contains(c))
    }
}

/// Whether `text` is an AWS account id: twelve digits.
#[must_use]
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_component_keeps_its_colons() {
        let arn = Arn::parse("arn:aws:lambda:us-east-1:123456789012:function:orders:prod").unwrap();
        assert_eq!((arn.service, arn.account, arn.resource), ("lambda", "123456789012", "function:orders:prod"));
    }

    #[test]
    fn what_is_short_or_has_another_prefix_is_no_arn() {
        for text in ["", "*", "arn:aws:s3", "urn:aws:iam::123456789012:policy/x"] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_managed_policies_count_as_such() {
        let is_policy = |text| Arn::parse(text).is_some_and(|arn| arn.is_managed_policy());
        assert!(is_policy("arn:aws:iam::123456789012:policy/team/boundary"));
        assert!(is_policy("arn:aws-cn:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"));
        assert!(!is_policy("arn:aws:iam::123456789012:role/boundary"));
        assert!(!is_policy("arn:aws:iam::123456789012:policy/"));
        assert!(!is_policy("arn:aws:iam::12345:policy/boundary"));
        assert!(!is_policy("arn:aws:s3:::policy/boundary"));
    }
}
