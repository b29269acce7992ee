//! From what is known to JSON: members, transactions and refusals as [`crate::api`] shows them. One implementation for
//! both daemons.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::account::AccountId;
use crate::api::member as out;
use crate::api::problem;
use crate::api::transaction as tx;
use crate::catalog::document::CurrencyKind;
use crate::catalog::{Catalog, Currency, Program};
use crate::entry::{Authority, Column, Entry, EntryKind, Line, Party, Posting, Redemption, Sale};
use crate::ids::{CurrencyId, Hash, MembershipId, OutletId};
use crate::member::{Card, CardStatus, Customer, CustomerKind, Membership, MembershipKind, MembershipStatus};
use crate::money::{self, CurrencyCode, Money};
use crate::points::Points;
use crate::refusal::{Problem, Refusal};
use crate::time::{Day, Millis};
use crate::view::{AccountView, Facts, MemberView};

/// Under which light something is shown.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Today's catalog.
    pub catalog: &'a Catalog,
    /// Where; `None` at head office.
    pub outlet: Option<OutletId>,
    /// Now.
    pub now: Millis,
    /// Whether the server answers.
    pub online: bool,
}

/// What may be redeemed of an account with no line, and what a redemption would meet now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Allowance {
    /// Points that would pass with no line.
    pub offline: Points,
    /// The first refusal that any redemption would meet now.
    pub refusal: Option<Problem>,
}

/// A refusal as a problem document.
pub fn problem(refusal: &Refusal) -> problem::Problem {
    problem::Problem {
        title: refusal.problem.title().to_owned(),
        field: refusal.field.clone(),
        limit: refusal.limit.clone(),
        available: refusal.available.clone(),
        can_approve: refusal.can_approve,
        can_earn: refusal.can_earn().then_some(true),
        candidates: refusal.candidates.iter().map(candidate).collect(),
        ..problem::Problem::new(refusal.status(), refusal.code(), refusal.detail.clone())
    }
}

fn candidate(candidate: &crate::refusal::Candidate) -> problem::Candidate {
    problem::Candidate {
        customer_id: Some(candidate.customer.to_string()),
        membership_id: candidate.membership.map(|id| id.to_string()),
        program: candidate.program.as_ref().map(ToString::to_string),
        name: candidate.name.clone(),
        because: candidate.because.clone(),
    }
}

/// A word for each status of a card.
pub fn card_status(status: CardStatus) -> &'static str {
    match status {
        CardStatus::Active => "active",
        CardStatus::Lost => "lost",
        CardStatus::Stolen => "stolen",
        CardStatus::Damaged => "damaged",
        CardStatus::Expired => "expired",
        CardStatus::Replaced => "replaced",
    }
}

/// A word for each status of a membership.
pub fn membership_status(status: MembershipStatus) -> &'static str {
    match status {
        MembershipStatus::Pending => "pending",
        MembershipStatus::Active => "active",
        MembershipStatus::Inactive => "inactive",
        MembershipStatus::Suspended => "suspended",
        MembershipStatus::Expired => "expired",
        MembershipStatus::Terminated => "terminated",
    }
}

/// A word for each authority.
pub fn authority(authority: Authority) -> &'static str {
    match authority {
        Authority::Online => "online",
        Authority::Reserved => "reserved",
        Authority::Offline => "offline",
        Authority::Late => "late",
        Authority::Forced => "forced",
    }
}

/// A customer.
pub fn customer(customer: &Customer) -> out::Customer {
    out::Customer {
        id: customer.id.to_string(),
        external_id: customer.external_id.clone(),
        name: customer.display_name.clone(),
        kind: match customer.kind {
            CustomerKind::Individual => "individual".to_owned(),
            CustomerKind::Organisation => "organisation".to_owned(),
        },
        since: customer.since.to_string(),
        phone: customer.phone_masked.clone(),
        email: customer.email_masked.clone(),
        version: None,
    }
}

/// A card; `code` is what was scanned.
pub fn card(card: &Card, code: Option<&str>) -> out::Card {
    out::Card {
        code: code.map_or_else(|| format!("…{}", card.tail), str::to_owned),
        status: card_status(card.status).to_owned(),
        membership_id: card.membership.to_string(),
    }
}

/// The scan of one customer: card, customer and all memberships.
pub fn scan(
    scanned: Option<(&Card, &str)>,
    person: &Customer,
    facts: &Facts,
    scene: &Scene<'_>,
    allowance: impl Fn(&MemberView, AccountId) -> Allowance,
) -> out::Scan {
    let members = facts.members.iter().filter(|member| member.customer.id == person.id);
    let memberships: Vec<_> = members.map(|member| membership(member, facts, scene, &allowance)).collect();
    let as_of = facts.accounts.values().map(|account| account.base_as_of).filter(|at| at.0 > 0).min();
    out::Scan {
        card: scanned.map(|(known, code)| card(known, Some(code))),
        customer: customer(person),
        memberships,
        as_of: as_of.map(Millis::rfc3339),
        connection: if scene.online { "online" } else { "offline" }.to_owned(),
    }
}

/// One membership with its accounts.
pub fn membership(
    member: &MemberView,
    facts: &Facts,
    scene: &Scene<'_>,
    allowance: impl Fn(&MemberView, AccountId) -> Allowance,
) -> out::Membership {
    let view = &member.membership;
    let program = scene.catalog.programs.get(&view.program);
    let primary = program.and_then(|program| program.currencies.first());
    let primary = primary.and_then(|id| scene.catalog.currencies.get(id));
    let empty = AccountView::default();
    let account = |currency: CurrencyId| {
        let id = AccountId { set: view.set, currency };
        (id, facts.accounts.get(&id).unwrap_or(&empty))
    };
    let qualified = primary.map_or(Points::ZERO, |currency| account(currency.id).1.whole().lifetime_earned);
    let day = scene.now.day(program.map_or(chrono_tz::UTC, |program| program.zone));
    let mut accounts = Vec::new();
    for currency in program.iter().flat_map(|program| &program.currencies) {
        if let Some(currency) = scene.catalog.currencies.get(currency) {
            let (id, known) = account(currency.id);
            accounts.push(account_out(known, currency, day, allowance(member, id)));
        }
    }
    out::Membership {
        id: view.id.to_string(),
        customer_id: view.customer.to_string(),
        program: program_ref(view, program),
        member_number: view.number.clone(),
        kind: membership_kind(view.kind).to_owned(),
        status: membership_status(view.status).to_owned(),
        here: program.is_some_and(|program| scene.outlet.is_none_or(|outlet| program.here(outlet))),
        level: program.and_then(|program| program.level(view.level.as_str())).map(level),
        levels: Vec::new(),
        qualifier: primary.map(|currency| qualifier(program, currency)),
        qualified: qualified.format(primary.map_or(0, |currency| currency.scale)),
        next_level: program.and_then(|program| next_level(program, view, qualified, primary)),
        enrolled_on: view.enrolled_on.to_string(),
        expires_on: view.expires_on.map(|day| day.to_string()),
        labels: view.labels.clone(),
        alerts: alerts(view, &accounts),
        accounts,
        vouchers: Vec::new(),
    }
}

fn membership_kind(kind: MembershipKind) -> &'static str {
    match kind {
        MembershipKind::Standard => "standard",
        MembershipKind::Shared => "shared",
        MembershipKind::Group => "group",
    }
}

fn program_ref(view: &Membership, program: Option<&Program>) -> out::ProgramRef {
    match program {
        Some(program) => out::ProgramRef {
            code: program.code.to_string(),
            name: program.name.clone(),
            color: program.color.clone(),
        },
        None => out::ProgramRef {
            code: view.program.0.to_string(),
            name: "A program that this catalog does not have".to_owned(),
            color: "#5d584e".to_owned(),
        },
    }
}

fn level(level: &crate::catalog::Level) -> out::Level {
    out::Level {
        code: level.code.to_string(),
        name: level.name.clone(),
        multiplier: level.multiplier.normalize().to_string(),
        benefits: level.benefits.clone(),
    }
}

fn qualifier(program: Option<&Program>, currency: &Currency) -> out::Qualifier {
    let window = program.and_then(|program| program.window);
    let named = window.and_then(|window| {
        let units = [(window.days, "days"), (window.months, "months"), (window.years, "years")];
        units.into_iter().find_map(|(length, unit)| length.map(|length| format!("{length} {unit}")))
    });
    out::Qualifier { kind: "points".to_owned(), unit: currency.code.to_string(), window: named }
}

fn next_level(
    program: &Program,
    view: &Membership,
    qualified: Points,
    primary: Option<&Currency>,
) -> Option<out::NextLevel> {
    let now = program.level(view.level.as_str()).map_or(Points::ZERO, |level| level.threshold);
    let next = program.levels.iter().find(|level| level.threshold > now)?;
    Some(out::NextLevel {
        code: next.code.to_string(),
        name: next.name.clone(),
        needed: next
            .threshold
            .minus(qualified)
            .at_least_zero()
            .format(primary.map_or(0, |currency| currency.scale)),
    })
}

fn account_out(view: &AccountView, currency: &Currency, day: Day, allowance: Allowance) -> out::Account {
    let whole = view.whole();
    let spendable = view.spendable(day);
    let text = |points: Points| points.format(currency.scale);
    out::Account {
        currency: currency.code.to_string(),
        kind: match currency.kind {
            CurrencyKind::Redeemable => "redeemable".to_owned(),
            CurrencyKind::Qualifying => "qualifying".to_owned(),
        },
        balance: text(view.balance()),
        pending: text(view.pending(day)),
        held: text(whole.reserved),
        debt: text(whole.debt),
        spendable: text(spendable),
        spendable_offline: text(allowance.offline),
        refusal: allowance.refusal.map(|problem| problem.code().to_owned()),
        lifetime_earned: text(whole.lifetime_earned),
        lifetime_redeemed: text(whole.lifetime_redeemed),
        cash_value: currency.worth(spendable).map(Into::into),
        expiring: expiring(view, currency, day),
    }
}

/// How far ahead expiring points are told, in days.
const EXPIRING_DAYS: i32 = 90;

fn expiring(view: &AccountView, currency: &Currency, day: Day) -> Vec<out::Expiring> {
    let until = Day(day.0.saturating_add(EXPIRING_DAYS));
    let lots = view.expiring(day, until);
    lots.into_iter()
        .map(|(on, points)| out::Expiring { on: on.to_string(), points: points.format(currency.scale) })
        .collect()
}

fn alerts(view: &Membership, accounts: &[out::Account]) -> Vec<out::Alert> {
    let mut alerts = Vec::new();
    let mut alert = |code: &str, text: String| alerts.push(out::Alert { code: code.to_owned(), text });
    if view.status != MembershipStatus::Active {
        alert("membership_not_active", format!("This membership is {}.", membership_status(view.status)));
    }
    for account in accounts {
        if !account.debt.trim_matches(['0', '.']).is_empty() {
            let text =
                format!("Owes {} {}; what is earned next pays it back.", account.debt, account.currency);
            alert("points_owed", text);
        }
        if let Some(lot) = account.expiring.first() {
            alert("points_expiring", format!("{} {} expire on {}.", lot.points, account.currency, lot.on));
        }
    }
    alerts
}

/// What a transaction is shown with, beside its entry.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// The catalog under which it was decided (or today's, where that one is gone).
    pub catalog: &'a Catalog,
    /// The chain's hash after the entry.
    pub hash: Hash,
    /// `waiting`, `provisional`, `confirmed` or `voided`.
    pub state: &'a str,
    /// What the accounts hold today: membership, currency, balance, debt.
    pub balances: &'a [(MembershipId, CurrencyId, Points, Points)],
    /// The memberships of the postings' accounts.
    pub owners: &'a BTreeMap<AccountId, MembershipId>,
    /// The sale that is given back, for the prices of its lines.
    pub original: Option<&'a Entry>,
    /// Legs that came later: an attribution's.
    pub later: &'a [Posting],
    /// As of when the balances are.
    pub as_of: Option<Millis>,
}

/// A transaction.
pub fn transaction(entry: &Entry, shown: &Shown<'_>) -> tx::Transaction {
    let sale = sale_of(entry).or_else(|| shown.original.and_then(sale_of));
    let reversal = reversal_of(entry);
    let (total, payable) = totals(entry, sale);
    let currency = sale.map(|sale| sale.currency);
    let money = |amount: Decimal| currency.map(|currency| money::format(amount, currency));
    tx::Transaction {
        id: entry.dot.to_string(),
        kind: kind(&entry.kind).to_owned(),
        receipt: receipt(&entry.kind).map(str::to_owned),
        state: shown.state.to_owned(),
        lines: priced_lines(sale, reversal),
        total: total.and_then(money),
        payable: payable.and_then(money),
        money: currency.map(|currency| currency.as_str().to_owned()),
        earned: earned(entry, shown),
        redeemed: redeemed(entry, shown),
        balances: balances(shown),
        approved_by: redemptions(&entry.kind).iter().find_map(|redemption| redemption.approval.clone()),
        verification: crate::chain::verification(shown.hash),
        at: entry.at.ms().rfc3339(),
        business_date: entry.business_date.to_string(),
        as_of: shown.as_of.map(Millis::rfc3339),
    }
}

/// The word for an entry's kind.
pub fn kind(kind: &EntryKind) -> &'static str {
    match kind {
        EntryKind::Open(_) => "open",
        EntryKind::Sale(_) => "sale",
        EntryKind::Refund(_) => "refund",
        EntryKind::Void(_) => "void",
        EntryKind::Earn(_) => "earn",
        EntryKind::Redeem(..) => "redeem",
        EntryKind::Intent(_) => "intent",
        EntryKind::Hold(_) => "hold",
        EntryKind::Release(_) => "release",
        EntryKind::Enrol(_) => "enrol",
        EntryKind::CardReport(_) => "card_report",
        EntryKind::Directory(_) => "directory",
        EntryKind::Attribute(_) => "attribute",
        EntryKind::Adjust(_) => "adjust",
        EntryKind::Cut(_) => "cut",
        EntryKind::Decision(_) => "decision",
    }
}

/// The number of the receipt that an entry is of.
pub fn receipt(kind: &EntryKind) -> Option<&str> {
    match kind {
        EntryKind::Sale(sale) => Some(&sale.receipt),
        EntryKind::Refund(reversal) | EntryKind::Void(reversal) if !reversal.receipt.is_empty() => {
            Some(&reversal.receipt)
        }
        EntryKind::Earn(moved) | EntryKind::Redeem(moved, _) | EntryKind::Adjust(moved) => {
            moved.reference.as_deref()
        }
        _ => None,
    }
}

fn sale_of(entry: &Entry) -> Option<&Sale> {
    match &entry.kind {
        EntryKind::Sale(sale) => Some(sale),
        _ => None,
    }
}

fn reversal_of(entry: &Entry) -> Option<&crate::entry::Reversal> {
    match &entry.kind {
        EntryKind::Refund(reversal) | EntryKind::Void(reversal) => Some(reversal),
        _ => None,
    }
}

/// The redemptions of an entry, in the order of its `Redeemed` postings.
pub fn redemptions(kind: &EntryKind) -> &[Redemption] {
    match kind {
        EntryKind::Sale(sale) => &sale.redemptions,
        EntryKind::Redeem(_, redemption) => std::slice::from_ref(redemption),
        _ => &[],
    }
}

fn totals(entry: &Entry, sale: Option<&Sale>) -> (Option<Decimal>, Option<Decimal>) {
    let EntryKind::Sale(_) = &entry.kind else { return (None, None) };
    let Some(sale) = sale else { return (None, None) };
    let total: Decimal = sale.lines.iter().map(|line| line.total(sale.currency)).sum();
    let value: Decimal = sale.redemptions.iter().map(|redemption| redemption.value).sum();
    (Some(total), total.checked_sub(value))
}

fn priced_lines(sale: Option<&Sale>, reversal: Option<&crate::entry::Reversal>) -> Vec<tx::PricedLine> {
    let Some(sale) = sale else {
        let lines = reversal.iter().flat_map(|reversal| &reversal.lines);
        return lines.map(|back| unknown_line(back.line, back.quantity)).collect();
    };
    let returned = |place: u16, line: &Line| match reversal {
        None => Some(line.quantity),
        Some(reversal) if reversal.lines.is_empty() => Some(line.quantity),
        Some(reversal) => reversal.lines.iter().find(|back| back.line == place).map(|back| back.quantity),
    };
    let mut lines = Vec::new();
    for (place, line) in sale.lines.iter().enumerate() {
        let place = u16::try_from(place).unwrap_or(u16::MAX);
        if let Some(quantity) = returned(place, line) {
            lines.push(priced_line(place, line, quantity, sale.currency));
        }
    }
    lines
}

fn unknown_line(line: u16, quantity: Decimal) -> tx::PricedLine {
    tx::PricedLine {
        line,
        sku: String::new(),
        quantity: quantity.normalize().to_string(),
        unit_price: String::new(),
        discount: String::new(),
        source: None,
    }
}

fn priced_line(place: u16, line: &Line, quantity: Decimal, currency: CurrencyCode) -> tx::PricedLine {
    tx::PricedLine {
        line: place,
        sku: line.sku.clone(),
        quantity: quantity.normalize().to_string(),
        unit_price: money::format(line.unit_price, currency),
        discount: money::format(line.discount, currency),
        source: None,
    }
}

/// Points at their currency's code and scale.
fn written(points: Points, currency: CurrencyId, catalog: &Catalog) -> (String, String) {
    match catalog.currencies.get(&currency) {
        Some(known) => (known.code.to_string(), points.format(known.scale)),
        None => (currency.0.to_string(), points.format(0)),
    }
}

fn owner(account: AccountId, entry: &Entry, shown: &Shown<'_>) -> String {
    if let Some(id) = shown.owners.get(&account) {
        return id.to_string();
    }
    match &entry.kind {
        EntryKind::Sale(Sale { earner: Party::Membership(id), .. }) => id.to_string(),
        EntryKind::Earn(moved) | EntryKind::Redeem(moved, _) | EntryKind::Adjust(moved) => {
            moved.membership.to_string()
        }
        _ => String::new(),
    }
}

fn earned(entry: &Entry, shown: &Shown<'_>) -> Vec<tx::Earned> {
    let mut earned = Vec::new();
    for posting in entry.postings.iter().chain(shown.later) {
        let sign = match posting.column {
            Column::Earned | Column::AdjustedUp => 1,
            Column::EarnReversed | Column::AdjustedDown => -1,
            _ => continue,
        };
        let signed = |points: Points| if sign > 0 { points } else { points.negated() };
        let one = |points: Points, line: Option<u16>| {
            let (currency, points) = written(signed(points), posting.account.currency, shown.catalog);
            tx::Earned {
                membership_id: owner(posting.account, entry, shown),
                currency,
                points,
                rule: posting.why.rule.as_ref().map(ToString::to_string),
                description: posting.why.text.clone(),
                line,
                expires_on: lot_day(posting.lot.map(|lot| lot.expires), crate::account::LotTerms::NEVER),
                vests_on: lot_day(posting.lot.map(|lot| lot.vests), Day(0)),
            }
        };
        if posting.why.lines.is_empty() {
            earned.push(one(posting.points, None));
            continue;
        }
        for (place, points) in posting.why.lines.iter().enumerate().filter(|(_, points)| !points.is_zero()) {
            earned.push(one(*points, u16::try_from(place).ok()));
        }
    }
    earned
}

fn lot_day(day: Option<Day>, none: Day) -> Option<String> {
    day.filter(|day| *day != none).map(|day| day.to_string())
}

fn redeemed(entry: &Entry, shown: &Shown<'_>) -> Vec<tx::Redeemed> {
    let original = shown.original.map_or(&entry.kind, |original| &original.kind);
    let sold_in = sale_of(entry).or_else(|| shown.original.and_then(sale_of)).map(|sale| sale.currency);
    let mut grounds = redemptions(original).iter();
    let mut redeemed = Vec::new();
    for posting in &entry.postings {
        let back = match posting.column {
            Column::Redeemed => false,
            Column::RedeemReversed => true,
            _ => continue,
        };
        let ground = grounds.next();
        let signed = if back { posting.points.negated() } else { posting.points };
        let (currency, points) = written(signed, posting.account.currency, shown.catalog);
        redeemed.push(tx::Redeemed {
            membership_id: ground
                .map_or_else(|| owner(posting.account, entry, shown), |g| g.membership.to_string()),
            currency,
            points,
            authority: ground.map_or("", |ground| authority(ground.authority)).to_owned(),
            value: value(posting, ground, back, sold_in, shown.catalog),
            reward: None,
        });
    }
    redeemed
}

/// What redeemed points are worth: as recorded, or at today's cash value for a part that came back.
fn value(
    posting: &Posting,
    ground: Option<&Redemption>,
    back: bool,
    sold_in: Option<CurrencyCode>,
    catalog: &Catalog,
) -> Option<crate::api::Money> {
    let known = catalog.currencies.get(&posting.account.currency)?;
    if back {
        return known.worth(posting.points).map(|worth| Money { amount: -worth.amount, ..worth }.into());
    }
    let currency = sold_in.or(known.cash_value.map(|value| value.currency))?;
    ground.map(|ground| Money { amount: ground.value, currency }.into())
}

fn balances(shown: &Shown<'_>) -> Vec<tx::Balance> {
    let mut balances = Vec::new();
    for (membership, currency, balance, debt) in shown.balances {
        let (code, balance) = written(*balance, *currency, shown.catalog);
        let (_, debt) = written(*debt, *currency, shown.catalog);
        balances.push(tx::Balance { membership_id: membership.to_string(), currency: code, balance, debt });
    }
    balances
}
