//! Tillkeep's pure core: values in, values out.
//!
//! Everything about points is decided here, by the same code at the till and at the server: what a basket earns, whether
//! a redemption may pass, how entries post, how overdrawn accounts settle, and how two sides agree on what the other
//! lacks. Nothing here reads a clock, a file, a socket, the environment or randomness: time, ids and keys are handed in.
//!
//! Reading order: [`ids`], [`points`], [`money`], [`time`] → [`catalog`] → [`member`] → [`entry`], [`chain`] →
//! [`account`] → the till's [`view`] and [`decide`] → the server's [`books`], [`intake`], [`post`], [`settle`] →
//! [`sync`] and [`wire`] → [`api`].
#![deny(clippy::float_arithmetic)]

pub mod limits;

pub mod ids;
pub mod money;
pub mod points;
pub mod time;

pub mod catalog;
pub mod member;
pub mod operator;

pub mod chain;
pub mod control;
pub mod entry;
pub mod frontier;

pub mod account;

pub mod refusal;
pub mod view;

pub mod consent;
pub mod idle;
pub mod level;

pub mod basket;
pub mod earning;
pub mod pricing;
pub mod voucher;

pub mod decide;

pub mod transfer;

pub mod books;
pub mod days;
pub mod fork;
pub mod grant;
pub mod intake;
pub mod post;
pub mod settle;

#[cfg(feature = "mutants")]
pub mod mutant;

pub mod sync;
pub mod wire;

pub mod api;
pub mod page;
pub mod render;
pub mod request;
