//! Function patterns: what `lambda:SourceFunctionArn` can be compared with.
//!
//! The key holds the ARN of the function that the credentials were delivered to, without version or alias. The ARN
//! operators compare each component for itself and take wildcards.
//! <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>

use std::fmt;

use super::{
    Arn,
    pattern::{self, ArnPattern},
};

/// The condition key that carries the function whose code makes a request.
/// <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>
pub const SOURCE_FUNCTION_ARN: &str = "lambda:SourceFunctionArn";

/// Longest function name, in characters.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html>
pub const NAME_MAX: usize = 64;

/// Where a role's functions are taken to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home<'a> {
    /// For example `aws`.
    pub partition: &'a str,
    /// For example `us-east-1`.
    pub region: &'a str,
    /// Twelve digits.
    pub account: &'a str,
}

/// An unqualified function ARN in which `*` and `?` are wildcards.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionPattern {
    text: String,
    pattern: ArnPattern,
}

/// The components of a function ARN that tell functions apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Component {
    /// `aws`, `aws-cn`, …
    Partition,
    /// The region.
    Region,
    /// The account.
    Account,
    /// The function's name.
    Name,
}

/// Why a text is no function pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFunction {
    /// It names a version or an alias, which the key never does, so that it would never match.
    #[error("names a version or an alias, which {SOURCE_FUNCTION_ARN} never does")]
    Qualified,
    /// It is an ARN, but not that of a function.
    #[error("is not the ARN of a function")]
    OtherResource,
    /// That component holds what no function ARN has there.
    #[error("has a {0} that no function has")]
    Impossible(Component),
}

impl FunctionPattern {
    /// Reads an ARN, or a function's name, which stands for the function of that name at `home`.
    ///
    /// # Errors
    /// If no function could match.
    pub fn parse(entry: &str, home: &Home<'_>) -> Result<Self, NoFunction> {
        if entry.starts_with("arn:") {
            return Self::parse_arn(entry);
        }
        if entry.contains(':') {
            return Err(NoFunction::Qualified);
        }
        if !is_name(entry) {
            return Err(NoFunction::Impossible(Component::Name));
        }
        let Home { partition, region, account } = home;
        Self::parse_arn(&format!("arn:{partition}:lambda:{region}:{account}:function:{entry}"))
    }

    fn parse_arn(text: &str) -> Result<Self, NoFunction> {
        let arn = Arn::parse(text).filter(|arn| arn.service == "lambda").ok_or(NoFunction::OtherResource)?;
        let name = arn.resource.strip_prefix("function:").ok_or(NoFunction::OtherResource)?;
        if name.contains(':') {
            return Err(NoFunction::Qualified);
        }
        let is_partition = |c: char| c.is_ascii_lowercase() || c == '-';
        let is_account = |c: char| c.is_ascii_digit();
        let is_region = |c: char| is_partition(c) || is_account(c);
        for (component, is_possible) in [
            (Component::Partition, is_component(arn.partition, is_partition)),
            (Component::Region, is_component(arn.region, is_region)),
            (Component::Account, is_component(arn.account, is_account)),
            (Component::Name, is_name(name)),
        ] {
            if !is_possible {
                return Err(NoFunction::Impossible(component));
            }
        }
        let pattern = ArnPattern::parse(text).ok_or(NoFunction::OtherResource)?;
        Ok(Self { text: text.to_owned(), pattern })
    }

    /// The ARN as a policy writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, to be compared with other patterns.
    #[must_use]
    pub const fn pattern(&self) -> &ArnPattern {
        &self.pattern
    }

    /// Whether the function of that ARN matches, under `ArnEquals` as under `ArnLike`.
    #[must_use]
    pub fn matches(&self, arn: &str) -> bool {
        self.pattern.matches(arn)
    }

    /// What the pattern writes for a component.
    #[must_use]
    pub fn component(&self, component: Component) -> &str {
        // arn:partition:lambda:region:account:function:name
        let index = match component {
            Component::Partition => 1,
            Component::Region => 3,
            Component::Account => 4,
            Component::Name => 6,
        };
        self.text.split(':').nth(index).unwrap_or_default()
    }

    /// Whether that component may be one of several: with a wildcard in the name, `orders*`, other functions match too.
    #[must_use]
    pub fn has_wildcard_in(&self, component: Component) -> bool {
        has_wildcard(self.component(component))
    }

    /// Whether any component may be one of several.
    #[must_use]
    pub fn has_wildcard(&self) -> bool {
        has_wildcard(&self.text)
    }

    /// The components in which no function at `home` matches. Partition and account are those of the role, so a pattern
    /// that is foreign there never matches; one of another region may well be meant.
    #[must_use]
    pub fn foreign_components(&self, home: &Home<'_>) -> Vec<Component> {
        let Home { partition, region, account } = home;
        [(Component::Partition, partition), (Component::Region, region), (Component::Account, account)]
            .into_iter()
            .filter(|(component, value)| !pattern::matches(self.component(*component), value))
            .map(|(component, _)| component)
            .collect()
    }
}

impl fmt::Display for FunctionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= NAME_MAX && is_component(text, |c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

/// Whether `text` consists of such characters and wildcards.
fn is_component(text: &str, is_character: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(|c| "*?".contains(c) || is_character(c))
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

#[cfg(test)]
mod tests;
