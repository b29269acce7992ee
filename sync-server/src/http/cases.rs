//! `/api/unattributed`, `/api/parked`, `/api/overdrafts`.
