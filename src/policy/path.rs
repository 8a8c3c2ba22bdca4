//! Where in a document something stands.

use std::fmt;

use super::document::Fault;

/// Longest name or text that a fault repeats, in characters: a fault is read by people, and its size must not grow with
/// the document's.
const EXCERPT_MAX: usize = 120;

/// A JSON path such as `Statement[0].Action`. It is borrowed from the way that led there and written out only where there
/// is a fault, so that reading a document costs no text for what is right in it.
#[derive(Clone, Copy, Debug)]
pub enum Path<'a> {
    /// Where the way begins.
    Root(&'a str),
    /// A member of an object.
    Member(&'a Self, &'a str),
    /// An element of a list.
    Element(&'a Self, usize),
}

impl<'a> Path<'a> {
    pub(super) const DOCUMENT: Path<'static> = Path::Root("");

    /// The member called `name` of what stands here.
    #[must_use]
    pub fn member(&'a self, name: &'a str) -> Self {
        Self::Member(self, name)
    }

    /// The element at `index` of what stands here.
    #[must_use]
    pub fn element(&'a self, index: usize) -> Self {
        Self::Element(self, index)
    }

    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        let path = self.to_string();
        Fault { path: if path.is_empty() { "$".to_owned() } else { path }, message: message.into() }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(text) => f.write_str(text),
            Self::Member(Self::Root(""), name) => Excerpt(name).fmt(f),
            Self::Member(parent, name) => write!(f, "{parent}.{}", Excerpt(name)),
            Self::Element(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A text as a fault repeats it: cut off where it is long.
#[derive(Clone, Copy, Debug)]
pub struct Excerpt<'a>(pub &'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(EXCERPT_MAX) {
            Some((end, _)) => write!(f, "{}…", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_elements_are_written_as_in_javascript() {
        let document = Path::DOCUMENT;
        let list = document.member("Statement");
        let statement = list.element(2);
        assert_eq!(statement.member("Action").to_string(), "Statement[2].Action");
        assert_eq!(document.fault("is odd").to_string(), "$: is odd");
        assert_eq!(Path::Root("spec.conditions").element(0).to_string(), "spec.conditions[0]");
    }

    #[test]
    fn a_long_name_is_cut_off_between_characters() {
        let path = Path::DOCUMENT.member(&"ü".repeat(500)).to_string();
        assert_eq!(path, format!("{}…", "ü".repeat(EXCERPT_MAX)));
    }
}
