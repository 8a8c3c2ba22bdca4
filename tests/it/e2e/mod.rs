//! End to end: a controller process between a real kube-apiserver and an emulator of AWS.

mod account;
mod adoption;
mod attack;
mod bad_input;
mod change;
mod class;
mod conflict;
mod deletion;
mod drift;
mod export;
mod faults;
mod frugality;
mod grant;
mod leadership;
mod lifecycle;
mod logs;
mod managed_policy;
mod metrics;
mod needs;
mod overflow;
mod process;
mod reference;
mod traces;
mod tracking;
mod unlisted;
