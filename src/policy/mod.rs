//! The IAM policy language, as values: documents, their meaning, their size, what they allow, patterns and ARNs.
//!
//! Pure: nothing here knows Kubernetes, AWS's SDK or the clock. Grammar:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

pub mod arn;
pub mod canonical;
pub mod document;
pub mod evaluate;
pub mod function;
pub mod operator;
mod parse;
pub mod pattern;
pub mod placeholder;

pub use arn::Arn;
pub use document::{Document, Fault, Statement};
pub use parse::condition_values;
pub use pattern::{ActionPattern, ArnPattern, Pattern};
pub use placeholder::Placeholders;
