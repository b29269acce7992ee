//! Tillkeep's daemon on the till: it keeps what the till knows, decides at the till, and reconciles with the centre.

pub mod app;
pub mod cli;
pub mod clock;
pub mod http;
pub mod store;
pub mod sync;
mod till;
pub mod web;

pub use till::{BUDGET_MS, ByHand, LISTEN, Options, Running, Till};
