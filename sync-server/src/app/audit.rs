//! Who did what at the office, and why.

use chrono_tz::Tz;
use shared::time::Millis;

use super::reports::range::Range;
use super::{App, Done, Who};
use crate::store::Write;
pub use crate::store::rows::AuditRow;

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

/// Which lines of the audit are asked for; nothing is all.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// By whom: the token's or user's name.
    pub who: Option<String>,
    /// What: a whole action such as `till.create`, or its first part such as `till`.
    pub action: Option<String>,
    /// To what: an id, a code, a name.
    pub subject: Option<String>,
    /// When, in head office's days.
    pub range: Range,
}

impl Wanted {
    fn fits(&self, row: &AuditRow, zone: Tz) -> bool {
        let acts = |wanted: &String| {
            row.action == *wanted
                || row.action.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        self.who.as_ref().is_none_or(|who| row.who == *who)
            && self.action.as_ref().is_none_or(acts)
            && self.subject.as_ref().is_none_or(|subject| row.subject == *subject)
            && self.range.holds(row.at, zone)
    }
}

/// Lines read at a time.
const STEP: usize = 1_000;

/// The audit, latest first, before a number.
pub fn list(app: &App, wanted: &Wanted, before: Option<u64>, limit: usize) -> Done<Vec<(u64, AuditRow)>> {
    let (books, zone) = (app.read()?, app.catalog()?.office_zone());
    let (mut before, mut found) = (before, Vec::new());
    loop {
        let page = books.audit(before, STEP)?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        before = Some(*last);
        found.extend(page.into_iter().filter(|(_, row)| wanted.fits(row, zone)));
        if found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}
