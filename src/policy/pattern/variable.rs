//! Text of a policy whose variables may stand for anything: what is judged before there is a request.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use super::Token;

/// What `${…}` means in a document, which depends on its version.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variables {
    /// `2012-10-17`: a variable, and `${*}`, `${?}` and `${$}` are the characters themselves.
    Filled,
    /// `2008-10-17`: text, in which wildcards are wildcards. It is taken for any text, too, which is no less.
    Written,
}

/// The elements of `text` with any text in the place of each variable. Where it does not show at which `}` a variable ends,
/// all that follows is any text.
pub(super) fn tokens(text: &str, variables: Variables) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        tokens.extend(before.chars().map(Token::of));
        match (behind.split_once('}'), variables) {
            (Some((character @ ("*" | "?" | "$"), behind)), Variables::Filled) => {
                tokens.extend(character.chars().map(Token::Exactly));
                rest = behind;
            }
            (Some((variable, behind)), Variables::Filled | Variables::Written) if is_plain(variable) => {
                tokens.push(Token::Any);
                rest = behind;
            }
            (Some(_) | None, Variables::Filled | Variables::Written) => {
                tokens.push(Token::Any);
                return tokens;
            }
        }
    }
    tokens.extend(rest.chars().map(Token::of));
    tokens
}

/// A key, and perhaps a default in quotes, without what could hold another `}`.
fn is_plain(variable: &str) -> bool {
    let (key, default) = variable.split_once(',').map_or((variable, None), |(key, default)| (key, Some(default)));
    let is_quoted = |default: &str| {
        let text = default.trim().strip_prefix('\'').and_then(|default| default.strip_suffix('\''));
        text.is_some_and(|text| !text.contains(['$', '{', '\'']))
    };
    !key.contains(['$', '{', '\'']) && default.is_none_or(is_quoted)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{
        super::{ArnPattern, Pattern},
        *,
    };

    #[rstest]
    #[case::none("a*b?", "a*b?", "a*b?")]
    #[case::a_variable("a${aws:username}/b", "a*/b", "a*/b")]
    #[case::a_default("a${aws:PrincipalTag/team, 'company'}/b", "a*/b", "a*/b")]
    #[case::characters("a${*}${?}${$}b", "a${*}${?}$b", "a***")]
    #[case::unclosed("a${aws:username/b", "a*", "a*")]
    #[case::a_brace_in_the_default("a${x, 'b}c'}d", "a*", "a*")]
    #[case::one_in_another("a${x${y}}d", "a*", "a*")]
    #[case::a_default_without_quotes("a${x, y}d", "a*", "a*")]
    #[case::a_dollar_alone("a$b{c}", "a$b{c}", "a$b{c}")]
    fn variables_are_any_text(#[case] text: &str, #[case] filled: &str, #[case] written: &str) {
        assert_eq!(Pattern::in_any_request(text, Variables::Filled).to_string(), filled);
        assert_eq!(Pattern::in_any_request(text, Variables::Written).to_string(), written);
    }

    #[rstest]
    #[case::in_the_last_component("arn:aws:lambda:eu-west-1:111122223333:function:${x}", true)]
    #[case::before_it("arn:aws:lambda:${x}:111122223333:function:orders", false)]
    #[case::too_few_components("arn:aws:lambda:eu-west-1:${x}", false)]
    #[case::without_a_variable("arn:aws:lambda:*:111122223333:function:orders", true)]
    fn a_variable_may_bring_colons_into_an_arn(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(ArnPattern::in_any_request(text, Variables::Filled).is_some(), expected);
    }
}
