//! Entries that could not be posted.
