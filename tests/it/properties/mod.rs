//! Properties of the plan over generated specs and histories, with a model of IAM in AWS's place, and the contract that
//! holds the model to the emulator.

mod contract;
mod convergence;
mod deletion;
mod foreign;
mod generate;
mod iam_model;
mod order;
mod statements;
pub mod world;
