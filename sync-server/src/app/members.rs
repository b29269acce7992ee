//! Customers and memberships as the books hold them, and a membership's statement.
