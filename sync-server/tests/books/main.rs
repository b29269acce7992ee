//! Members, sales, returns and cases at the centre, over HTTP on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod cases;
mod days;
mod earning;
mod members;
mod office;
mod over_time;
mod sales;
mod stories;
mod till;
