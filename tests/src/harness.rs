//! A small town of shops for tests: a head office and tills as real processes on loopback, each till behind a line that
//! can be cut, slowed, or made to lose and double what goes over it.
//!
//! Everything speaks as an outside client would: HTTP with JSON, and the command lines. Nothing here knows the crates
//! under test. What is started is ended when it is dropped; nothing else is.

#![expect(
    clippy::missing_panics_doc,
    reason = "a harness fails a test by a panic: nearly every function of it may"
)]

pub mod daemon;
pub mod goods;
pub mod http;
pub mod line;
pub mod mail;
pub mod office;
pub mod scratch;
pub mod till;
pub mod twice;
pub mod wait;

/// What a test usually needs.
pub mod prelude {
    pub use serde_json::{Value, json};

    pub use super::goods::{line, numbered, sale};
    pub use super::http::{Answer, Client, points, words};
    pub use super::office::{Member, Office};
    pub use super::till::Till;
    pub use super::wait::{eventually, until};
}
