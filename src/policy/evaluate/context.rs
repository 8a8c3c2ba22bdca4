//! What is known of a request.

/// The condition keys of a request and their values. Case does not count in a key's name.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/intro-structure.html#intro-structure-request>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(Vec<(String, Vec<String>)>);

impl Context {
    /// The same with a key of one value.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<String>) -> Self {
        self.with_many(key, [value])
    }

    /// The same with a key of several values. A key without any is no key.
    #[must_use]
    pub fn with_many(mut self, key: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(key));
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        if !values.is_empty() {
            self.0.push((key.to_owned(), values));
        }
        self
    }

    /// The values of a key, at least one; `None` if the request lacks the key.
    #[must_use]
    pub fn values(&self, key: &str) -> Option<&[String]> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, values)| values.as_slice())
    }

    /// The value of a key that has one value alone.
    #[must_use]
    pub fn single(&self, key: &str) -> Option<&str> {
        match self.values(key)? {
            [single] => Some(single),
            _ => None,
        }
    }
}
