//! Head office's reports over a range of days. Days are those of the program's time zone.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Money;

/// `GET /api/reports/settlement`: what outlets owe each other for points issued by one and redeemed at another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Settlement {
    /// As of when.
    pub as_of: String,
    /// Who issued and who redeemed, by program and currency.
    pub items: Vec<SettlementItem>,
    /// What comes of it for each outlet.
    pub balances: Vec<SettlementBalance>,
}

/// Points that one outlet issued and another redeemed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SettlementItem {
    /// The program's code.
    pub program: String,
    /// The currency's code.
    pub currency: String,
    /// The outlet that issued them; `null` for head office, which also stands for what nobody had issued.
    pub issuer: Option<String>,
    /// The outlet that redeemed them; `null` for head office.
    pub redeemer: Option<String>,
    /// Points, net of what was given back.
    pub points: String,
    /// What they are worth: the issuer owes it to the redeemer, where these are not the same.
    pub value: Option<Money>,
}

/// An outlet's side of the settlement, in one program and currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SettlementBalance {
    /// The outlet's code; `null` for head office.
    pub outlet: Option<String>,
    /// The program's code.
    pub program: String,
    /// The currency's code.
    pub currency: String,
    /// Points that it issued and others redeemed: it owes them.
    pub owes: String,
    /// Points that others issued and it redeemed: it is owed them.
    pub owed: String,
    /// What it is owed less what it owes.
    pub net: String,
    /// What the net is worth; below zero where it has to pay.
    pub value: Option<Money>,
}

/// `GET /api/reports/programs`: one program over a range of days.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProgramReport {
    /// The program's code.
    pub program: String,
    /// Memberships that are active now.
    pub members: u64,
    /// Memberships that began in the range.
    pub new_members: u64,
    /// Memberships whose points moved in the range.
    pub active_members: u64,
    /// Terms that began anew in the range.
    pub renewals: u64,
    /// Fees: of renewals as charged, of memberships that began as the program asks; `null` where it asks none.
    pub fees: Option<Money>,
    /// What redeemed points were worth, over all of its currencies; `null` where none has a cash value.
    pub benefit_cost: Option<Money>,
    /// By currency.
    pub currencies: Vec<ProgramPoints>,
    /// Memberships that came to another level in the range.
    pub moves: Vec<LevelMove>,
}

/// A program's points of one currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProgramPoints {
    /// The currency's code.
    pub currency: String,
    /// Points earned, net of what was taken back.
    pub issued: String,
    /// Points redeemed, net of what was given back.
    pub redeemed: String,
    /// Points that expired.
    pub expired: String,
    /// Redeemed for each that was issued, to four places; `null` where none was issued.
    pub redemption_rate: Option<String>,
}

/// So many memberships went from one level to another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LevelMove {
    /// The level's code before.
    pub from: String,
    /// The level's code after.
    pub to: String,
    /// How many.
    pub count: u64,
}

/// What an outlet gave and took in a range of days.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct OutletReport {
    /// The outlet's code; `null` for head office.
    pub outlet: Option<String>,
    /// The currency's code.
    pub currency: String,
    /// Points earned there, net of what was taken back.
    pub issued: String,
    /// Points redeemed there, net of what was given back.
    pub redeemed: String,
    /// What the redeemed ones are worth.
    pub redeemed_value: Option<Money>,
    /// Points of shortfalls that it bears.
    pub borne: String,
}

/// A line of a customer's statement, across all memberships.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct CustomerLine {
    /// Its place in the ledger.
    pub id: String,
    /// The program's code.
    pub program: String,
    /// The membership.
    pub membership_id: String,
    /// The member's number there.
    pub member_number: String,
    /// The transaction.
    pub transaction_id: String,
    /// When.
    pub at: String,
    /// The currency's code.
    pub currency: String,
    /// Points: above zero in, below zero out.
    pub points: String,
    /// `earned`, `redeemed`, `earn_reversed` …
    pub column: String,
    /// In plain words.
    pub description: String,
    /// The receipt's number.
    pub receipt: Option<String>,
    /// The outlet's code.
    pub outlet: Option<String>,
}

/// `GET /api/reports/expiry`: what members have, by the last day on which it can be spent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExpiryAhead {
    /// As of when.
    pub as_of: String,
    /// Earliest first; what never expires is last, and is left out where the range ends.
    pub items: Vec<ExpiryItem>,
}

/// Points of one program and currency whose last day lies in one step of time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExpiryItem {
    /// The first day of the step, as far as the range holds it; `null` for what never expires.
    pub from: Option<String>,
    /// The last day of the step, as far as the range holds it; `null` for what never expires.
    pub until: Option<String>,
    /// Whether their last day is over: they can't be spent any more, and are taken off at the next settlement.
    pub lapsed: bool,
    /// The code of the program that owes them; `null` where their account is nobody's.
    pub program: Option<String>,
    /// The currency's code.
    pub currency: String,
    /// Points, less what was spent of them; what waits in suspense is not taken off.
    pub points: String,
    /// What they are worth; `null` where the currency has no cash value.
    pub value: Option<Money>,
    /// How many accounts have some of them.
    pub accounts: u64,
}

/// What members had at the end of a business day, in one program and currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LiabilityDay {
    /// The business day; by months, the last day of the month that there is.
    pub date: String,
    /// `closed`, under its seal, or `open`: everything that no closed day holds, up to now.
    pub state: String,
    /// The program's code; `null` for accounts that are nobody's.
    pub program: Option<String>,
    /// The currency's code.
    pub currency: String,
    /// What came to members in this day, or in this month up to it.
    pub added: String,
    /// What went from them.
    pub taken: String,
    /// What they had at its end.
    pub points: String,
    /// What that is worth today; `null` where the currency has no cash value.
    pub value: Option<Money>,
}
