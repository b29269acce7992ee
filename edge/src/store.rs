//! What the till keeps on its disk.
//!
//! The [`journal`] is the truth and the outbox: every entry is in it, synced, before anybody hears that it was taken.
//! Everything else here can be built again from it and from the server.

pub mod disk;
pub mod journal;
#[cfg(feature = "mutants")]
pub mod mutant;
#[cfg(any(test, feature = "sim"))]
pub mod sim_disk;
