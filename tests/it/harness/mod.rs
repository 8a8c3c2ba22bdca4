//! A world for one test: a namespace, an emulator of AWS with a proxy before it, and a controller process.

mod account;
mod collector;
mod controller;
mod objects;
mod proxy;
pub mod rights;
mod world;

pub use account::Account;
pub use collector::{Answer, Collector, Span};
pub use controller::ControllerProcess;
pub use objects::{Kind, Objects, condition_of};
pub use proxy::{Fault, Proxy};
pub use world::{
    PATIENCE, RoleSnapshot, World, condition, controller_client, namespaces, open_class, patiently, setting,
};
