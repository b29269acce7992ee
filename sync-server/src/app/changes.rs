//! What the office changes of customers and memberships.
