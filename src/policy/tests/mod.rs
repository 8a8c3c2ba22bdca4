//! Tables and properties of the policy language.

mod canonical;
mod change;
mod check;
mod fuzz;
mod generate;
mod merge;
mod parse;
mod rewrite;

use super::*;
