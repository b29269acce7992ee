//! Tillkeep's centre: takes every till's journal in, posts and settles it, and gives head office its books.

pub mod app;
pub mod clock;
pub mod http;
pub mod store;
