//! What head office owes, and to whose account.
