//! The till over real HTTP on loopback, on a store in a temporary folder. Head office is a stand-in in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod centre;
mod commands;
mod door;
mod holds;
mod offline;
mod online;
mod repeats;
mod shop;
