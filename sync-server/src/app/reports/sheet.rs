//! Reports as CSV, for spreadsheets.

use shared::api::change::CampaignReport;
use shared::api::member::StatementLine;
use shared::api::office::{LedgerLine, LiabilityItem};
use shared::api::report::{
    CustomerLine, ExpiryItem, LiabilityDay, OutletReport, ProgramReport, SettlementBalance, SettlementItem,
};

/// What can stand in a row of a sheet.
pub trait Sheet {
    /// The columns' names.
    const COLUMNS: &'static [&'static str];
    /// A row or several, each with a cell for each column.
    fn rows(&self) -> Vec<Vec<String>>;
}

/// A sheet with a header, as CSV (RFC 4180).
pub fn csv<T: Sheet>(items: &[T]) -> Vec<u8> {
    [head::<T>(), rows(items)].concat()
}

/// The header alone, as CSV.
pub fn head<T: Sheet>() -> Vec<u8> {
    written([T::COLUMNS.iter().map(ToString::to_string).collect()].into_iter())
}

/// Rows without a header, as CSV.
pub fn rows<T: Sheet>(items: &[T]) -> Vec<u8> {
    written(items.iter().flat_map(Sheet::rows).map(|row| row.into_iter().map(plain).collect()))
}

fn written(rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut file = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // a writer into memory does not fail
        let _ = file.write_record(row);
    }
    file.into_inner().unwrap_or_default()
}

/// A cell that a spreadsheet does not take for a formula.
fn plain(text: String) -> String {
    let is_number = text.parse::<rust_decimal::Decimal>().is_ok();
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number { format!("'{text}") } else { text }
}

fn money(money: Option<&shared::api::Money>) -> [String; 2] {
    money.map_or_else(<[String; 2]>::default, |money| [money.amount.clone(), money.currency.clone()])
}

fn text(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}

impl Sheet for SettlementItem {
    const COLUMNS: &'static [&'static str] =
        &["program", "currency", "issuer", "redeemer", "points", "value", "value_currency"];

    fn rows(&self) -> Vec<Vec<String>> {
        let [value, money] = money(self.value.as_ref());
        let (issuer, redeemer) = (text(self.issuer.as_ref()), text(self.redeemer.as_ref()));
        let (program, currency) = (self.program.clone(), self.currency.clone());
        vec![vec![program, currency, issuer, redeemer, self.points.clone(), value, money]]
    }
}

impl Sheet for SettlementBalance {
    const COLUMNS: &'static [&'static str] =
        &["outlet", "program", "currency", "owes", "owed", "net", "value", "value_currency"];

    fn rows(&self) -> Vec<Vec<String>> {
        let [value, money] = money(self.value.as_ref());
        let named = [text(self.outlet.as_ref()), self.program.clone(), self.currency.clone()];
        let sums = [self.owes.clone(), self.owed.clone(), self.net.clone(), value, money];
        vec![named.into_iter().chain(sums).collect()]
    }
}

impl Sheet for OutletReport {
    const COLUMNS: &'static [&'static str] =
        &["outlet", "currency", "issued", "redeemed", "redeemed_value", "value_currency", "borne"];

    fn rows(&self) -> Vec<Vec<String>> {
        let [value, money] = money(self.redeemed_value.as_ref());
        let (outlet, currency) = (text(self.outlet.as_ref()), self.currency.clone());
        let sums = [self.issued.clone(), self.redeemed.clone(), value, money, self.borne.clone()];
        vec![[outlet, currency].into_iter().chain(sums).collect()]
    }
}

impl Sheet for ProgramReport {
    const COLUMNS: &'static [&'static str] = &[
        "program",
        "members",
        "new_members",
        "active_members",
        "renewals",
        "fees",
        "fees_currency",
        "benefit_cost",
        "benefit_currency",
        "currency",
        "issued",
        "redeemed",
        "expired",
        "redemption_rate",
        "level_moves",
    ];

    fn rows(&self) -> Vec<Vec<String>> {
        let counts = [self.members, self.new_members, self.active_members, self.renewals];
        let mut first = vec![self.program.clone()];
        first.extend(counts.iter().map(ToString::to_string));
        first.extend(money(self.fees.as_ref()));
        first.extend(money(self.benefit_cost.as_ref()));
        let moves: Vec<String> =
            self.moves.iter().map(|it| format!("{} > {}: {}", it.from, it.to, it.count)).collect();
        let none = [const { String::new() }; 5];
        let mut of: Vec<[String; 5]> = Vec::new();
        for it in &self.currencies {
            let rate = text(it.redemption_rate.as_ref());
            of.push([it.currency.clone(), it.issued.clone(), it.redeemed.clone(), it.expired.clone(), rate]);
        }
        if of.is_empty() {
            of.push(none);
        }
        let row = |points: [String; 5]| {
            let last = std::iter::once(moves.join("; "));
            first.iter().cloned().chain(points).chain(last).collect()
        };
        of.into_iter().map(row).collect()
    }
}

impl Sheet for CampaignReport {
    const COLUMNS: &'static [&'static str] = &[
        "campaign",
        "name",
        "program",
        "from",
        "until",
        "currency",
        "awarded",
        "transactions",
        "members",
        "budget",
        "left",
        "over",
    ];

    fn rows(&self) -> Vec<Vec<String>> {
        let named = [&self.campaign, &self.name, &self.program, &self.from, &self.until].map(Clone::clone);
        let counts = [self.transactions.to_string(), self.members.to_string()];
        let budget = [&self.budget, &self.left, &self.over].map(|points| text(points.as_ref()));
        let row = |awarded: [String; 2]| -> Vec<String> {
            named.iter().chain(&awarded).chain(&counts).chain(&budget).cloned().collect()
        };
        if self.awarded.is_empty() {
            return vec![row([String::new(), "0".to_owned()])];
        }
        self.awarded.iter().map(|it| row([it.currency.clone(), it.points.clone()])).collect()
    }
}

impl Sheet for LiabilityItem {
    const COLUMNS: &'static [&'static str] =
        &["currency", "points", "suspense", "debt", "ledger", "value", "value_currency", "accounts"];

    fn rows(&self) -> Vec<Vec<String>> {
        let [value, money] = money(self.value.as_ref());
        let points = [&self.currency, &self.points, &self.suspense, &self.debt, &self.ledger];
        vec![points.into_iter().cloned().chain([value, money, self.accounts.to_string()]).collect()]
    }
}

impl Sheet for ExpiryItem {
    const COLUMNS: &'static [&'static str] =
        &["from", "until", "lapsed", "program", "currency", "points", "value", "value_currency", "accounts"];

    fn rows(&self) -> Vec<Vec<String>> {
        let [value, money] = money(self.value.as_ref());
        let when = [text(self.from.as_ref()), text(self.until.as_ref()), self.lapsed.to_string()];
        let of = [text(self.program.as_ref()), self.currency.clone(), self.points.clone()];
        vec![when.into_iter().chain(of).chain([value, money, self.accounts.to_string()]).collect()]
    }
}

impl Sheet for LiabilityDay {
    const COLUMNS: &'static [&'static str] =
        &["date", "state", "program", "currency", "added", "taken", "points", "value", "value_currency"];

    fn rows(&self) -> Vec<Vec<String>> {
        let [value, money] = money(self.value.as_ref());
        let of = [self.date.clone(), self.state.clone(), text(self.program.as_ref()), self.currency.clone()];
        let sums = [self.added.clone(), self.taken.clone(), self.points.clone(), value, money];
        vec![of.into_iter().chain(sums).collect()]
    }
}

impl Sheet for StatementLine {
    const COLUMNS: &'static [&'static str] =
        &["at", "transaction_id", "column", "description", "receipt", "outlet", "currency", "points"];

    fn rows(&self) -> Vec<Vec<String>> {
        vec![vec![
            self.at.clone(),
            self.transaction_id.clone(),
            self.column.clone(),
            self.description.clone(),
            text(self.receipt.as_ref()),
            text(self.outlet.as_ref()),
            self.currency.clone(),
            self.points.clone(),
        ]]
    }
}

impl Sheet for CustomerLine {
    const COLUMNS: &'static [&'static str] = &[
        "at",
        "program",
        "member_number",
        "membership_id",
        "transaction_id",
        "column",
        "description",
        "receipt",
        "outlet",
        "currency",
        "points",
    ];

    fn rows(&self) -> Vec<Vec<String>> {
        let named = [&self.at, &self.program, &self.member_number, &self.membership_id];
        let what = [&self.transaction_id, &self.column, &self.description];
        let place = [text(self.receipt.as_ref()), text(self.outlet.as_ref())];
        let points = [self.currency.clone(), self.points.clone()];
        vec![named.into_iter().chain(what).cloned().chain(place).chain(points).collect()]
    }
}

impl Sheet for LedgerLine {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "transaction_id",
        "at",
        "posted_at",
        "program",
        "membership_id",
        "outlet",
        "currency",
        "debit",
        "credit",
        "points",
        "description",
        "receipt",
        "book_day",
        "belongs_to",
    ];

    fn rows(&self) -> Vec<Vec<String>> {
        let first = [&self.id, &self.transaction_id, &self.at, &self.posted_at].map(Clone::clone);
        let place = [&self.program, &self.membership_id, &self.outlet].map(|it| text(it.as_ref()));
        let sums = [&self.currency, &self.debit, &self.credit, &self.points, &self.description];
        let last = [text(self.receipt.as_ref()), self.book_day.clone(), self.belongs_to.clone()];
        vec![first.into_iter().chain(place).chain(sums.map(Clone::clone)).chain(last).collect()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_a_number_stays_one() {
        for (given, kept) in [
            ("-120", "-120"),
            ("+1.5", "+1.5"),
            ("=1+1", "'=1+1"),
            ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("Gold (x2)", "Gold (x2)"),
        ] {
            assert_eq!(plain(given.to_owned()), kept);
        }
    }
}
