//! The pages of the project hold together: links lead somewhere, manifests are sound, and messages are those of the code.

mod links;
mod manifests;
mod names;
mod pages;
mod troubleshooting;
