//! The IAM policy language, as values: documents, their meaning, their size, what they allow, patterns and ARNs.
//!
//! Pure: nothing here knows Kubernetes, AWS's SDK or the clock. Grammar:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

pub mod arn;
pub mod canonical;
pub mod change;
pub mod check;
pub mod document;
pub mod evaluate;
pub mod function;
mod json;
pub mod merge;
pub mod operator;
mod parse;
mod path;
pub mod pattern;
pub mod placeholder;
#[cfg(test)]
mod tests;

pub use arn::Arn;
pub use document::{Document, Fault, Statement};
pub use parse::condition_values;
pub use path::{Excerpt, Path};
pub use pattern::{ActionPattern, ArnPattern, Pattern};
pub use placeholder::Placeholders;
