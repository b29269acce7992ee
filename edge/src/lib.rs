//! Tillkeep's daemon on the till: it keeps what the till knows, decides at the till, and reconciles with the centre.

pub mod store;
