//! `/api/customers`, `/api/memberships`, `/api/enrolments`.
