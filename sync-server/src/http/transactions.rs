//! `/api/transactions`, `/api/refunds`.
