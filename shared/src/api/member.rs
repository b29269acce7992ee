//! The scan's answer, customers, memberships, enrolment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Money;

/// `POST /api/scan`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanRequest {
    /// A card number, external card number, member number, or a signed card QR.
    pub code: String,
}

/// The scan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Scan {
    /// The card that was scanned; `null` where the look-up was not by card.
    pub card: Option<Card>,
    /// The customer.
    pub customer: Customer,
    /// Every membership of that customer.
    pub memberships: Vec<Membership>,
    /// As of when: the server's state that the answer builds on.
    pub as_of: Option<String>,
    /// `online` or `offline`.
    pub connection: String,
}

/// A card.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Card {
    /// Its code as scanned; masked where only its end is known.
    pub code: String,
    /// Its status.
    pub status: String,
    /// What it opens.
    pub membership_id: String,
    /// The text of a QR code that any till checks with no line, whether it has seen the card or not; the server's answers
    /// only, and for a card that is good.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub qr: Option<String>,
}

/// A customer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Customer {
    /// Its id.
    pub id: String,
    /// Its number in other systems.
    pub external_id: Option<String>,
    /// The name that a cashier sees.
    pub name: String,
    /// `individual` or `organisation`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Since when.
    pub since: String,
    /// The phone, masked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<String>,
    /// The e-mail, masked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<String>,
    /// Ways in which it is not written to, in any program: `email`, `sms`, `push`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub opt_outs: Vec<String>,
    /// What another system keeps of its money, by its field, as it came; to head office only.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub financial: BTreeMap<String, String>,
    /// The version to send back with a change; the server's answers only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<u64>,
}

/// A membership with its balances.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Membership {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub customer_id: String,
    /// Its program.
    pub program: ProgramRef,
    /// Its number.
    pub member_number: String,
    /// `standard`, `shared` or `group`.
    pub kind: String,
    /// Its status.
    pub status: String,
    /// Whether it applies at this outlet.
    pub here: bool,
    /// The first tier group's level.
    pub level: Option<Level>,
    /// All levels, where a program has several tier groups.
    pub levels: Vec<Level>,
    /// What counts towards a level.
    pub qualifier: Option<Qualifier>,
    /// How much of it there is.
    pub qualified: String,
    /// What comes next; `null` at the top.
    pub next_level: Option<NextLevel>,
    /// When it began.
    pub enrolled_on: String,
    /// When it ends.
    pub expires_on: Option<String>,
    /// The last business day on which points were earned or redeemed in the accounts that it draws on; `null` where they
    /// never were.
    #[serde(default)]
    pub last_activity_on: Option<String>,
    /// Labels.
    pub labels: Vec<String>,
    /// The code of the card that was made with it, where the program makes one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_number: Option<String>,
    /// What the program keeps of it beyond this: values by attribute.
    #[serde(default)]
    pub attributes: std::collections::BTreeMap<String, String>,
    /// The membership that took it over, where it was merged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub moved_to: Option<String>,
    /// Its accounts.
    pub accounts: Vec<Account>,
    /// Its vouchers that can still be used.
    pub vouchers: Vec<super::transaction::Voucher>,
    /// What a cashier should know, in plain words.
    pub alerts: Vec<Alert>,
    /// The version to send back with a change; the server's answers only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<u64>,
}

/// A program, named.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProgramRef {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its colour.
    pub color: String,
    /// Where its logo is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub logo: Option<String>,
}

/// A level.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Level {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its multiplier, a decimal string.
    pub multiplier: String,
    /// Its named entitlements.
    pub benefits: Vec<String>,
    /// The tier group's code; left out for the program's own levels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group: Option<String>,
    /// The last day of a level that was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
    /// What counts towards the levels of this group.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub qualifier: Option<Qualifier>,
    /// How much of it there is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub qualified: Option<String>,
    /// What comes next in this group.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<NextLevel>,
}

/// What counts towards a level.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Qualifier {
    /// `points`, `spend`, `visit`, `item`, or the activity that is counted.
    pub kind: String,
    /// The currency's code.
    pub unit: String,
    /// Over which time, such as `12 months` or `calendar year`; `null` is for ever.
    pub window: Option<String>,
}

/// The next level.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NextLevel {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How much is missing.
    pub needed: String,
}

/// An account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// The currency's code.
    pub currency: String,
    /// `redeemable` or `qualifying`.
    pub kind: String,
    /// What there is, redemptions that wait for settlement taken off.
    pub balance: String,
    /// Earned, not yet vested.
    pub pending: String,
    /// Set aside for redemptions under way.
    pub held: String,
    /// Owed.
    pub debt: String,
    /// What can be spent while the server answers.
    pub spendable: String,
    /// What can be spent here and now with no line.
    pub spendable_offline: String,
    /// What could be spent here and now with no line and a manager's approval.
    pub approvable_offline: String,
    /// What is reserved for this till, which nobody else can spend meanwhile.
    pub right: Option<Right>,
    /// The problem code that a redemption would meet now.
    pub refusal: Option<String>,
    /// Ever earned.
    pub lifetime_earned: String,
    /// Ever redeemed.
    pub lifetime_redeemed: String,
    /// What the spendable points are worth.
    pub cash_value: Option<Money>,
    /// What expires, soonest first.
    pub expiring: Vec<Expiring>,
}

/// Points that are reserved for one till.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Right {
    /// How many are left.
    pub points: String,
    /// From when on the till may spend them no more.
    pub expires_at: String,
}

/// Points that expire.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Expiring {
    /// The last day on which they can be spent.
    pub on: String,
    /// How many.
    pub points: String,
}

/// What a cashier should know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Stable code.
    pub code: String,
    /// In plain words.
    pub text: String,
}

/// `POST /api/enrolments`, `POST /api/customers`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// A new customer …
    #[serde(default)]
    pub customer: Option<NewCustomer>,
    /// … or a known one.
    #[serde(default)]
    pub customer_id: Option<String>,
    /// Which programs to join.
    #[serde(default)]
    pub memberships: Vec<NewMembership>,
    /// Enrol although a likely duplicate is known.
    #[serde(default)]
    pub allow_duplicate: bool,
}

/// A new customer.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustomer {
    /// Full name.
    pub name: String,
    /// Phone.
    #[serde(default)]
    pub phone: Option<String>,
    /// E-mail.
    #[serde(default)]
    pub email: Option<String>,
    /// Date of birth.
    #[serde(default)]
    pub birth_date: Option<String>,
    /// Number in other systems.
    #[serde(default)]
    pub external_id: Option<String>,
    /// `individual` (the default) or `organisation`.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// Identity number.
    #[serde(default)]
    pub identity_number: Option<String>,
    /// The language to be written to in, by its tag, such as `ms`.
    #[serde(default)]
    pub language: Option<String>,
    /// Ways in which not to be written to, in any program: `email`, `sms`, `push`.
    #[serde(default)]
    pub opt_outs: Vec<String>,
    /// What another system keeps of its money, by its field, such as `credit_limit`: kept and shown to head office as it
    /// came.
    #[serde(default)]
    pub financial: BTreeMap<String, String>,
}

/// A membership to begin.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMembership {
    /// The program's code.
    pub program: String,
    /// A card to attach, such as a pre-printed one.
    #[serde(default)]
    pub card: Option<String>,
    /// A member number to take over; head office's imports only.
    #[serde(default)]
    pub member_number: Option<String>,
    /// Consent to this program.
    #[serde(default)]
    pub consent: Option<Consent>,
}

/// A consent as given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Which text was shown.
    pub text_version: String,
    /// Through which channel.
    pub channel: String,
}

/// `POST /api/memberships/{id}/consents`: a consent given, or withdrawn, after the membership began.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentRequest {
    /// Which text was shown; of one withdrawn, which text's.
    pub text_version: String,
    /// Through which channel: `console`, `paper`, `phone`, `web` …
    pub channel: String,
    /// Whether it is withdrawn.
    #[serde(default)]
    pub withdrawn: bool,
    /// When it was given or withdrawn; left out, now.
    #[serde(default)]
    pub at: Option<String>,
    /// Why, or on what occasion.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A consent as it was recorded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordedConsent {
    /// The program's code.
    pub program: String,
    /// Which text was shown.
    pub text_version: String,
    /// Through which channel.
    pub channel: String,
    /// When.
    pub at: String,
    /// Whether it tells of a withdrawal.
    #[serde(default)]
    pub withdrawn: bool,
    /// Whether this consent stands: it was given, and not withdrawn since.
    #[serde(default)]
    pub stands: bool,
    /// Why, or on what occasion.
    #[serde(default)]
    pub reason: Option<String>,
    /// The entry that holds it.
    pub entry_id: String,
}

/// `POST /api/cards/{code}/report`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardReportRequest {
    /// `lost`, `stolen` or `damaged`.
    pub status: String,
}

/// A line of a membership's statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct StatementLine {
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
    /// Whether only the till that answers knows of it so far; a till tells it, where it is so.
    #[serde(default, skip_serializing_if = "is_false")]
    pub waits: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
fn is_false(it: &bool) -> bool {
    !it
}

/// `GET /api/memberships/{id}/statement` at a till: what the server has not heard of yet, then what the server tells.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Statement {
    /// A page of it, newest first.
    pub items: Vec<StatementLine>,
    /// Where the next page begins; `null` at the end.
    pub next: Option<String>,
    /// Where it is not whole: why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Which page of a statement a till asks the server for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementAsked {
    /// So many lines at the most.
    #[serde(default)]
    pub limit: Option<usize>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<String>,
}
