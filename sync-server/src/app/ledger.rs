//! The general ledger, line by line.
