//! Policy variables: `${key}` in a resource or in a value of a string or ARN operator stands for what the request holds.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use super::{
    super::pattern::{self, ArnPattern, Pattern, Token},
    Context,
};

/// Text of a policy that may hold variables.
///
/// Documents of version 2008-10-17 have none: there, such text stands for itself.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'a> {
    text: &'a str,
    variables: Option<&'a Context>,
}

/// Text without variables is compared as it is, so that the usual case builds nothing. A variable without a value makes
/// a comparison fail: "there is no equal or like value", says AWS.
impl<'a> Written<'a> {
    /// `variables`: where the values of variables come from, if the document has any.
    pub(super) fn new(text: &'a str, variables: Option<&'a Context>) -> Self {
        Self { text, variables: variables.filter(|_| text.contains("${")) }
    }

    /// Whether `found` is that text.
    pub(super) fn equals(self, found: &str) -> bool {
        self.compare(|text| text == found, |tokens| tokens.into_iter().map(character).eq(found.chars()))
    }

    /// Whether `found` is that text but for the case of ASCII letters.
    pub(super) fn equals_ignoring_case(self, found: &str) -> bool {
        let lower_case = |character: char| character.to_ascii_lowercase();
        self.compare(
            |text| text.eq_ignore_ascii_case(found),
            |tokens| tokens.into_iter().map(character).map(lower_case).eq(found.chars().map(lower_case)),
        )
    }

    /// Whether `found` matches that text as a pattern.
    pub(super) fn is_like(self, found: &str) -> bool {
        self.compare(
            |text| pattern::matches(text, found),
            |tokens| tokens.into_iter().collect::<Pattern>().matches(found),
        )
    }

    /// Whether `found` matches that text as a pattern of an ARN. What is no ARN does not match.
    pub(super) fn is_like_arn(self, found: &str) -> bool {
        let matches = |pattern: Option<ArnPattern>| pattern.is_some_and(|pattern| pattern.matches(found));
        self.compare(|text| matches(ArnPattern::parse(text)), |tokens| matches(ArnPattern::from_tokens(tokens)))
    }

    fn compare(self, as_written: impl Fn(&str) -> bool, filled: impl Fn(Vec<Token>) -> bool) -> bool {
        match self.variables {
            None => as_written(self.text),
            Some(context) => fill(self.text, context).is_some_and(filled),
        }
    }
}

/// The text with the values of its variables, in which no character is a wildcard; `None` if one has no value.
fn fill(text: &str, context: &Context) -> Option<Vec<Token>> {
    let mut tokens = Vec::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((variable, behind)) = behind.split_once('}') else { break };
        tokens.extend(before.chars().map(Token::of));
        tokens.extend(value(variable, context)?.chars().map(Token::Exactly));
        rest = behind;
    }
    tokens.extend(rest.chars().map(Token::of));
    Some(tokens)
}

/// `${*}`, `${?}` and `${$}` are the characters themselves. Others name a key of a single value, with a default in
/// quotes behind a comma if they like: `${aws:PrincipalTag/team, 'company-wide'}`.
fn value<'a>(variable: &'a str, context: &'a Context) -> Option<&'a str> {
    if matches!(variable, "*" | "?" | "$") {
        return Some(variable);
    }
    let (key, default) = match variable.split_once(',') {
        None => (variable, None),
        Some((key, default)) => (key, Some(default.trim().strip_prefix('\'')?.strip_suffix('\'')?)),
    };
    context.single(key.trim()).or(default)
}

fn character(token: Token) -> char {
    match token {
        Token::Exactly(character) => character,
        Token::One => '?',
        Token::Any => '*',
    }
}
