//! `/api/cards`, `/api/scan`.
