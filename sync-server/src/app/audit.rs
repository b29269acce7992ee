//! Who did what at the office, and why.

use shared::time::Millis;

use super::{App, Done, Who};
use crate::store::Write;
use crate::store::rows::AuditRow;

/// Notes an action, in the transaction that does it.
pub fn note(
    books: &mut dyn Write,
    who: &Who,
    now: Millis,
    action: &str,
    subject: &str,
    detail: &str,
) -> Done<()> {
    books.add_audit(&AuditRow {
        at: now,
        who: who.name.clone(),
        role: who.role,
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: detail.to_owned(),
    })?;
    Ok(())
}

/// The audit, latest first, before a number.
pub fn list(app: &App, before: Option<u64>, limit: usize) -> Done<Vec<(u64, AuditRow)>> {
    Ok(app.read()?.audit(before, limit)?)
}
