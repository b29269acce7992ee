//! `/api/ledger`, `/api/reports`.
