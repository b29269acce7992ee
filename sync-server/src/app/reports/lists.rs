//! What head office lists, as sheets: cases, the fleet, members.

use shared::api::member::Customer;
use shared::api::office::{Overdraft, Till};
use shared::ids::ProgramId;

use super::sheet::Sheet;
use crate::app::{App, Done, Who, members};

/// A customer with the numbers of their memberships that the caller may see.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// The customer; contacts masked.
    pub customer: Customer,
    /// Program and member number of each.
    pub memberships: Vec<(String, String)>,
}

impl MemberRow {
    /// A customer's row.
    pub fn of(app: &App, who: &Who, customer: Customer) -> Done<Self> {
        let books = app.read()?;
        let catalog = app.catalog()?;
        let mut held = Vec::new();
        if let Ok(id) = customer.id.parse() {
            held = books.memberships_of(id)?;
        }
        let seen = held.into_iter().filter(|it| members::may_see(who, &catalog, it.program));
        let code = |id: ProgramId| catalog.programs.get(&id).map(|known| known.code.to_string());
        let memberships = seen.map(|it| (code(it.program).unwrap_or_default(), it.number)).collect();
        Ok(Self { customer, memberships })
    }
}

fn text(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}

fn number<T: ToString>(number: Option<T>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

impl Sheet for MemberRow {
    const COLUMNS: &'static [&'static str] =
        &["id", "external_id", "name", "type", "since", "phone", "email", "opt_outs", "memberships"];

    fn rows(&self) -> Vec<Vec<String>> {
        let it = &self.customer;
        let numbers = self.memberships.iter().map(|(program, number)| format!("{program}: {number}"));
        vec![vec![
            it.id.clone(),
            text(it.external_id.as_ref()),
            it.name.clone(),
            it.kind.clone(),
            it.since.clone(),
            text(it.phone.as_ref()),
            text(it.email.as_ref()),
            it.opt_outs.join("; "),
            numbers.collect::<Vec<_>>().join("; "),
        ]]
    }
}

impl Sheet for Overdraft {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "kind",
        "state",
        "transaction_id",
        "membership_id",
        "currency",
        "points",
        "short",
        "member_debt",
        "outlet",
        "program",
        "text",
        "settled_at",
        "decision",
    ];

    fn rows(&self) -> Vec<Vec<String>> {
        let named = [&self.id, &self.kind, &self.state, &self.transaction_id].map(Clone::clone);
        let sums =
            [&self.currency, &self.points, &self.short, &self.member_debt, &self.outlet, &self.program];
        let last = [self.text.clone(), self.settled_at.clone(), text(self.decision.as_ref())];
        let membership = text(self.membership_id.as_ref());
        vec![named.into_iter().chain([membership]).chain(sums.map(Clone::clone)).chain(last).collect()]
    }
}

impl Sheet for Till {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "outlet",
        "name",
        "node",
        "status",
        "last_contact_at",
        "pending",
        "oldest_pending_at",
        "clock_offset_ms",
        "rights",
        "free_bytes",
        "version",
        "told_until",
        "holds_up",
        "left_out",
    ];

    fn rows(&self) -> Vec<Vec<String>> {
        let rights = self.rights.iter().map(|it| format!("{} {}", it.points, it.currency));
        let days = self.holds_up.iter().map(|it| format!("{} {}", it.program, it.date));
        vec![vec![
            self.id.clone(),
            self.outlet.clone(),
            self.name.clone(),
            number(self.node),
            self.status.clone(),
            text(self.last_contact_at.as_ref()),
            number(self.pending),
            text(self.oldest_pending_at.as_ref()),
            number(self.clock_offset_ms),
            rights.collect::<Vec<_>>().join("; "),
            number(self.free_bytes),
            text(self.version.as_ref()),
            text(self.told_until.as_ref()),
            days.collect::<Vec<_>>().join("; "),
            self.left_out.to_string(),
        ]]
    }
}
