//! A world for one test: a namespace, an emulator of AWS with a proxy before it, and a controller process.

mod controller;
mod proxy;
mod world;

pub use controller::ControllerProcess;
pub use proxy::{Fault, Proxy};
pub use world::{RoleSnapshot, World, condition, controller_client, patiently};
