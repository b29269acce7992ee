//! Transactions as the books have them now.
