//! Tests of the whole: real daemons over real sockets, and what they are driven with.

pub mod bars;
pub mod browser;
pub mod harness;
pub mod replay;
pub mod sim;
