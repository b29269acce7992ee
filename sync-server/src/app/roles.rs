//! Which roles may do what: the one table. A route names the set; a till's own sync requests are signed instead.

pub use crate::store::rows::Role;

/// Scan and look up.
pub const SCAN: &[Role] = &[Role::Pos, Role::Office, Role::Admin, Role::Reader];
/// What a customer may see of themselves, and everyone who may scan.
pub const OWN: &[Role] = &[Role::Pos, Role::Office, Role::Admin, Role::Reader, Role::Member];
/// Sell, enrol, report cards.
pub const SELL: &[Role] = &[Role::Pos, Role::Office, Role::Admin];
/// Look at head office's books.
pub const READ: &[Role] = &[Role::Office, Role::Admin, Role::Reader];
/// Change members, decide cases.
pub const OFFICE: &[Role] = &[Role::Office, Role::Admin];
/// Catalog, tills, tokens, users.
pub const ADMIN: &[Role] = &[Role::Admin];
