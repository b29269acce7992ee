//! The store as a whole.

mod crash;
mod fixture;
mod forget;
mod life;
mod members;
#[cfg(feature = "mutants")]
mod mutants;
mod prune;
mod pull;
mod salvage;
mod snapshot;
