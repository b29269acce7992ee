//! Lines given back, transactions undone.
