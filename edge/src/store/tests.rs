//! The store as a whole.

mod crash;
mod fixture;
mod life;
#[cfg(feature = "mutants")]
mod mutants;
mod pull;
mod snapshot;
