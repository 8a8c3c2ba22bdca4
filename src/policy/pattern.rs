//! Patterns: text in which `*` stands for any text, also none, and `?` for any one character.
//!
//! What may be asked of patterns is answered exactly and in polynomial time: whether a text matches, whether whatever
//! matches one pattern matches another, and whether any text matches both. The alphabet is taken for unbounded: there
//! is always a character that neither pattern names.
//!
//! There is a type for each way in which IAM compares, so that none is compared in another's way:
//!
//! | type | what | how |
//! |---|---|---|
//! | [`Pattern`] | `Resource`, `StringLike` | whole text, case counts, `*` also takes colons and slashes |
//! | [`ActionPattern`] | `Action` | whole text, ASCII case does not count |
//! | [`ArnPattern`] | `ArnEquals`, `ArnLike` | each of the six components of an ARN for itself, case counts |
//!
//! On `Resource` AWS says that a `*` which ends a segment of an ARN can match beyond the colon, and advises to keep
//! wildcards within segments; it does not say that any other `*` cannot. Here every one can: the whole text is
//! matched, which is the reading that never takes a resource for out of reach when it is not.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>

use std::fmt;

pub use variable::Variables;

mod containment;
mod variable;

/// One element of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Token {
    /// That character.
    Exactly(char),
    /// `?`.
    One,
    /// `*`.
    Any,
}

impl Token {
    /// The element that the character writes.
    pub(super) const fn of(character: char) -> Self {
        match character {
            '?' => Self::One,
            '*' => Self::Any,
            other => Self::Exactly(other),
        }
    }

    const fn ignoring_case(self) -> Self {
        match self {
            Self::Exactly(character) => Self::Exactly(character.to_ascii_lowercase()),
            Self::One | Self::Any => self,
        }
    }
}

/// A pattern for whole texts in which case counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern(Vec<Token>);

impl Pattern {
    /// The pattern that `text` writes. There is no escape: whoever means a `*` needs a policy variable, `${*}`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        text.chars().map(Token::of).collect()
    }

    /// The pattern of whatever `text` stands for in some request, policy variables being any text.
    #[must_use]
    pub fn in_any_request(text: &str, variables: Variables) -> Self {
        Self(variable::tokens(text, variables))
    }

    /// Whether `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        glob(self.0.iter().copied(), text.chars())
    }

    /// Whether whatever matches this pattern matches `other`.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        containment::is_within(&self.0, &other.0)
    }

    /// Whether this pattern is within a single one of `others`. One that only several together cover is not.
    #[must_use]
    pub fn is_within_one_of<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> bool {
        others.into_iter().any(|other| self.is_within(other))
    }

    /// Whether any text matches both patterns.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        containment::intersects(&self.0, &other.0)
    }

    /// Whether one text alone matches: the pattern holds no wildcard.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.0.iter().all(|token| matches!(token, Token::Exactly(_)))
    }
}

impl FromIterator<Token> for Pattern {
    fn from_iter<I: IntoIterator<Item = Token>>(tokens: I) -> Self {
        Self(tokens.into_iter().collect())
    }
}

/// As it is written in a policy: a literal wildcard, which only a policy variable can bring in, as such a variable.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|token| match token {
            Token::One => f.write_str("?"),
            Token::Any => f.write_str("*"),
            Token::Exactly(wildcard @ ('*' | '?')) => write!(f, "${{{wildcard}}}"),
            Token::Exactly(character) => write!(f, "{character}"),
        })
    }
}

/// A pattern for actions: `s3:getobject` is `s3:GetObject`.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActionPattern(Pattern);

impl ActionPattern {
    /// The pattern that `text` writes.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.chars().map(|character| Token::of(character).ignoring_case()).collect())
    }

    /// Whether the action matches.
    #[must_use]
    pub fn matches(&self, action: &str) -> bool {
        glob(self.0.0.iter().copied(), lower_case(action))
    }

    /// Whether whatever matches this pattern matches `other`.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.is_within(&other.0)
    }

    /// Whether this pattern is within a single one of `others`. One that only several together cover is not.
    #[must_use]
    pub fn is_within_one_of<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> bool {
        others.into_iter().any(|other| self.is_within(other))
    }

    /// Whether any action matches both patterns.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.0.intersects(&other.0)
    }

    /// Whether one action alone matches.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.0.is_literal()
    }
}

/// In lower case, as actions are compared.
impl fmt::Display for ActionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A pattern for ARNs whose six components are compared one by one, as the ARN operators do: a wildcard crosses no
/// colon but those of the last component.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN>
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArnPattern([Pattern; 6]);

impl ArnPattern {
    /// The pattern that `text` writes, or `None` if it has fewer than six components.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_tokens(text.chars().map(Token::of))
    }

    /// The pattern of whatever `text` stands for in some request, policy variables being any text. `None` also where one
    /// stands before the last component: the colons of its value would move the others.
    #[must_use]
    pub fn in_any_request(text: &str, variables: Variables) -> Option<Self> {
        let fixed = text.split_once("${").map_or(text, |(before, _)| before);
        (fixed.matches(':').count() >= 5).then(|| Self::from_tokens(variable::tokens(text, variables))).flatten()
    }

    /// The pattern of a text whose literal wildcards are told from the others. The colons of what a variable stands for
    /// count, as they do in any text.
    pub(super) fn from_tokens(tokens: impl IntoIterator<Item = Token>) -> Option<Self> {
        let tokens: Vec<Token> = tokens.into_iter().collect();
        let components: Vec<Pattern> = tokens
            .splitn(6, |token| *token == Token::Exactly(':'))
            .map(|component| component.iter().copied().collect())
            .collect();
        components.try_into().ok().map(Self)
    }

    /// Whether `arn` matches. What has fewer than six components does not.
    #[must_use]
    pub fn matches(&self, arn: &str) -> bool {
        let mut components = arn.splitn(6, ':');
        self.0.iter().all(|pattern| components.next().is_some_and(|component| pattern.matches(component)))
    }

    /// Whether whatever matches this pattern matches `other`.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(component, other)| component.is_within(other))
    }

    /// Whether this pattern is within a single one of `others`. One that only several together cover is not.
    #[must_use]
    pub fn is_within_one_of<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> bool {
        others.into_iter().any(|other| self.is_within(other))
    }

    /// Whether any ARN matches both patterns.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(component, other)| component.intersects(other))
    }

    /// Whether one ARN alone matches.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.0.iter().all(Pattern::is_literal)
    }
}

impl fmt::Display for ArnPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, others @ ..] = &self.0;
        first.fmt(f)?;
        others.iter().try_for_each(|component| write!(f, ":{component}"))
    }
}

/// Whether `text` matches what `pattern` writes: [`Pattern`] without keeping it.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    glob(pattern.chars().map(Token::of), text.chars())
}

/// Whether `action` matches what `pattern` writes: [`ActionPattern`] without keeping it.
pub(super) fn matches_action(pattern: &str, action: &str) -> bool {
    glob(pattern.chars().map(|character| Token::of(character).ignoring_case()), lower_case(action))
}

fn lower_case(text: &str) -> impl Iterator<Item = char> + Clone {
    text.chars().map(|character| character.to_ascii_lowercase())
}

/// Goes through both at once. At a mismatch the last `*` takes one character more; none before it needs to: what lies
/// between two `*` was found at its first place, and whatever fits behind a later place fits behind the first.
/// So the work is at most the product of the lengths.
fn glob(mut pattern: impl Iterator<Item = Token> + Clone, mut text: impl Iterator<Item = char> + Clone) -> bool {
    let mut last_any = None;
    loop {
        let expected = pattern.next();
        if expected == Some(Token::Any) {
            last_any = Some((pattern.clone(), text.clone()));
            continue;
        }
        match (expected, text.next()) {
            (None, None) => return true,
            (Some(_), None) => return false,
            (Some(token), Some(found)) if token == Token::One || token == Token::Exactly(found) => {}
            (_, Some(_)) => {
                let Some((behind, tried)) = &mut last_any else { return false };
                if tried.next().is_none() {
                    return false;
                }
                (pattern, text) = (behind.clone(), tried.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
