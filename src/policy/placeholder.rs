//! Placeholders: `$(name)` in a string stands for a value that is known only where the string is used.
//!
//! Not to be confused with IAM's own policy variables (`${aws:username}`), which IAM fills in at each request and which
//! pass through here untouched.

use std::{borrow::Cow, collections::BTreeMap};

use super::path::Excerpt;

/// What a string holds that no placeholder is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("holds {found}, which is no placeholder: there are {known}")]
pub struct Unknown {
    /// The text from `$(` on, up to its `)` if it has one; its beginning where it is long.
    pub found: String,
    /// The placeholders that there are, for the message.
    pub known: String,
}

/// The values that placeholders stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placeholders(BTreeMap<String, String>);

impl Placeholders {
    /// The same with one more value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The value of one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `text` with every placeholder replaced. What a value holds is not looked at again.
    ///
    /// # Errors
    /// If `text` holds a `$(` that begins none.
    pub fn expand<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, Unknown> {
        if !text.contains("$(") {
            return Ok(Cow::Borrowed(text));
        }
        let mut expanded = String::with_capacity(text.len() + 32);
        let mut rest = text;
        while let Some(start) = rest.find("$(") {
            expanded.push_str(&rest[..start]);
            let (name, tail) = rest[start + 2..].split_once(')').ok_or_else(|| self.unknown(&rest[start..]))?;
            let value = self.get(name).ok_or_else(|| self.unknown(&format!("$({name})")))?;
            expanded.push_str(value);
            rest = tail;
        }
        expanded.push_str(rest);
        Ok(Cow::Owned(expanded))
    }

    fn unknown(&self, found: &str) -> Unknown {
        let known: Vec<String> = self.0.keys().map(|name| format!("$({name})")).collect();
        Unknown { found: Excerpt(found).to_string(), known: known.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholders() -> Placeholders {
        Placeholders::default().with("partition", "aws-cn").with("accountId", "111122223333")
    }

    #[test]
    fn every_placeholder_is_replaced_and_iam_variables_are_left() {
        let expanded = placeholders().expand("arn:$(partition):iam::$(accountId):user/${aws:username}$").unwrap();
        assert_eq!(expanded, "arn:aws-cn:iam::111122223333:user/${aws:username}$");
        assert!(matches!(placeholders().expand("arn:aws:s3:::b").unwrap(), Cow::Borrowed(_)));
    }

    #[test]
    fn what_a_value_holds_is_not_expanded_again() {
        let twice = Placeholders::default().with("a", "$(b)").with("b", "c");
        assert_eq!(twice.expand("$(a)").unwrap(), "$(b)");
    }

    #[test]
    fn what_is_no_placeholder_is_named_with_those_that_there_are() {
        for text in ["x$(account)y", "x$(account"] {
            let unknown = placeholders().expand(text).unwrap_err();
            assert!(unknown.found.starts_with("$(account"), "{unknown}");
            assert!(unknown.to_string().ends_with("there are $(accountId), $(partition)"), "{unknown}");
        }
    }
}
