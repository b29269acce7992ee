//! Transactions read back, whoever wrote them.
