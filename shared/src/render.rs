//! From what is known to JSON: members, transactions and refusals as [`crate::api`] shows them. One implementation for
//! both daemons.

use ed25519_dalek::SigningKey;

use crate::account::{AccountId, Base};
use crate::api::member as out;
use crate::api::problem;
use crate::catalog::document::currency::CurrencyKind;
use crate::catalog::{Catalog, Currency, Program};
use crate::decide::Grounds;
use crate::decide::party::Member;
use crate::decide::quote;
use crate::entry::Authority;
use crate::ids::{CurrencyId, OutletId};
use crate::member::signed::SignedCard;
use crate::member::{Card, CardStatus, Customer, CustomerKind, Membership, MembershipKind, MembershipStatus};
use crate::page::language::Language;
use crate::page::locale;
use crate::points::Points;
use crate::refusal::{Problem, Refusal};
use crate::time::{Day, Millis};
use crate::view::{AccountView, Facts, MemberView};

pub mod follow;
pub mod hold;
pub mod holding;
pub mod quoted;
pub mod standing;
pub mod transaction;
pub mod voucher;

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
    /// The server's key, where this is the server: it signs vouchers' codes.
    pub key: Option<&'a SigningKey>,
}

/// What may be redeemed of an account with no line, and what a redemption would meet now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Allowance {
    /// Points that would pass with no line.
    pub offline: Points,
    /// Points that would pass with no line and a manager's approval.
    pub approvable: Points,
    /// The first refusal that any redemption would meet now.
    pub refusal: Option<Problem>,
}

impl Allowance {
    /// That of a member's account, by the program's rules: on the books while the server answers, else on its policy for
    /// tills with no line.
    pub fn of(facts: &Facts, scene: &Scene<'_>, member: &MemberView, account: AccountId) -> Self {
        let Some(program) = scene.catalog.programs.get(&member.membership.program) else {
            return Self::default();
        };
        let grounds = if scene.online { Grounds::Books } else { Grounds::Offline };
        let member = Member { view: member, program };
        let standing = quote::standing(facts, scene.catalog, member, account.currency, &grounds, scene.now);
        match standing {
            Ok(standing) => Self {
                offline: standing.spendable_offline,
                approvable: standing.approvable_offline,
                refusal: standing.refusal,
            },
            Err(refusal) => {
                Self { offline: Points::ZERO, approvable: Points::ZERO, refusal: Some(refusal.problem) }
            }
        }
    }
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
    status.word()
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
        opt_outs: customer.opt_outs.iter().map(|channel| channel.word().to_owned()).collect(),
        financial: std::collections::BTreeMap::new(),
        version: None,
    }
}

/// A card; `code` is what was scanned.
pub fn card(card: &Card, code: Option<&str>) -> out::Card {
    out::Card {
        code: code.map_or_else(|| format!("…{}", card.tail), str::to_owned),
        status: card_status(card.status).to_owned(),
        membership_id: card.membership.to_string(),
        qr: None,
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
    // what was merged is shown as what took it over
    let members = facts.members.iter().filter(|member| member.customer.id == person.id);
    let members = members.filter(|member| member.membership.moved_to.is_none());
    let memberships: Vec<_> = members.map(|member| membership(member, facts, scene, &allowance)).collect();
    let as_of = facts.accounts.values().map(|account| account.base_as_of).filter(|at| at.0 > 0).min();
    out::Scan {
        card: scanned
            .map(|(known, code)| out::Card { qr: qr(known, code, scene), ..card(known, Some(code)) }),
        customer: customer(person),
        memberships,
        as_of: as_of.map(Millis::rfc3339),
        connection: if scene.online { "online" } else { "offline" }.to_owned(),
    }
}

/// The signed code of a card that is good.
fn qr(card: &Card, code: &str, scene: &Scene<'_>) -> Option<String> {
    let key = scene.key.filter(|_| card.status.may_redeem())?;
    Some(SignedCard { code: code.trim().to_owned(), membership: card.membership }.signed(key))
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
    let empty = AccountView::default();
    let account = |currency: CurrencyId| {
        let id = view.account(currency, scene.catalog);
        (id, facts.accounts.get(&id).unwrap_or(&empty))
    };
    let standings = facts.standings(scene.catalog, view, scene.now);
    let own = standings.first();
    let mut levels: Vec<_> = standings.iter().map(|it| standing::level(it, scene.catalog)).collect();
    let level = if levels.len() > 1 { levels.first().cloned() } else { levels.pop() };
    let day = scene.catalog.today(view.program, scene.now);
    let grace = program.filter(|program| view.is_in_grace(&program.term, day));
    let grace = grace.and_then(|program| view.last_day(&program.term));
    let standing = program.map_or(view.status, |program| view.standing(&program.term, day));
    let (mut accounts, mut active) = (Vec::new(), None);
    for currency in program.iter().flat_map(|program| &program.currencies) {
        if let Some(currency) = scene.catalog.currencies.get(currency) {
            let (id, known) = account(currency.id);
            active = active.max(known.active());
            accounts.push(account_out(known, currency, day, allowance(member, id)));
        }
    }
    out::Membership {
        id: view.id.to_string(),
        customer_id: view.customer.to_string(),
        program: program_ref(view, program),
        member_number: view.number.clone(),
        kind: membership_kind(view.kind).to_owned(),
        status: standing.word().to_owned(),
        here: program.is_some_and(|program| scene.outlet.is_none_or(|outlet| program.here(outlet))),
        qualifier: level.as_ref().and_then(|level| level.qualifier.clone()),
        qualified: own
            .map_or_else(|| "0".to_owned(), |own| standing::amount(own, own.qualified, scene.catalog)),
        next_level: level.as_ref().and_then(|level| level.next.clone()),
        level,
        levels,
        enrolled_on: view.enrolled_on.to_string(),
        expires_on: view.expires_on.map(|day| day.to_string()),
        last_activity_on: active.map(|day| day.to_string()),
        labels: view.labels.clone(),
        card_number: program.and_then(|program| program.cards.made(&view.number)),
        attributes: attributes(view),
        moved_to: view.moved_to.map(|id| id.to_string()),
        alerts: alerts(view, (standing, grace), &accounts),
        version: None,
        accounts,
        vouchers: voucher::open(member, facts, day, scene.key),
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
            logo: program.logo.clone(),
        },
        None => out::ProgramRef {
            code: view.program.0.to_string(),
            name: "A program that this catalog does not have".to_owned(),
            color: "#5d584e".to_owned(),
            logo: None,
        },
    }
}

fn account_out(view: &AccountView, currency: &Currency, day: Day, allowance: Allowance) -> out::Account {
    let whole = view.state();
    let spendable = whole.spendable(day);
    let text = |points: Points| points.format(currency.scale);
    out::Account {
        currency: currency.code.to_string(),
        kind: match currency.kind {
            CurrencyKind::Redeemable => "redeemable".to_owned(),
            CurrencyKind::Qualifying => "qualifying".to_owned(),
        },
        balance: text(whole.balance_on(day)),
        pending: text(whole.lots.pending(day)),
        held: text(whole.reserved),
        debt: text(whole.debt),
        spendable: text(spendable),
        spendable_offline: text(allowance.offline),
        approvable_offline: text(allowance.approvable),
        right: view
            .own_right()
            .filter(|right| right.left.is_positive())
            .map(|right| out::Right { points: text(right.left), expires_at: right.expires_at.rfc3339() }),
        refusal: allowance.refusal.map(|problem| problem.code().to_owned()),
        lifetime_earned: text(whole.lifetime_earned),
        lifetime_redeemed: text(whole.lifetime_redeemed),
        cash_value: currency.worth(spendable).map(Into::into),
        expiring: expiring(&whole, currency, day),
    }
}

/// How far ahead expiring points are told, in days.
const EXPIRING_DAYS: i32 = 90;

fn expiring(whole: &Base, currency: &Currency, day: Day) -> Vec<out::Expiring> {
    let until = Day(day.0.saturating_add(EXPIRING_DAYS));
    let lots = whole.lots.expiring(day, until);
    lots.into_iter()
        .map(|(on, points)| out::Expiring { on: on.to_string(), points: points.format(currency.scale) })
        .collect()
}

fn attributes(view: &Membership) -> std::collections::BTreeMap<String, String> {
    view.attributes.iter().map(|(code, value)| (code.to_string(), value.to_string())).collect()
}

fn alerts(
    view: &Membership,
    (standing, grace): (MembershipStatus, Option<Day>),
    accounts: &[out::Account],
) -> Vec<out::Alert> {
    let mut alerts = Vec::new();
    let mut alert = |code: &str, text: String| alerts.push(out::Alert { code: code.to_owned(), text });
    if view.moved_to.is_some() {
        alert("membership_merged", "This membership was merged into another.".to_owned());
    } else if standing != MembershipStatus::Active {
        alert("membership_not_active", format!("This membership is {}.", standing.word()));
    }
    if let Some(last) = grace {
        let last = locale::day(Language::English, last);
        alert("membership_in_grace", format!("This membership has ended; it works until {last}."));
    }
    for account in accounts {
        if !account.debt.trim_matches(['0', '.']).is_empty() {
            let text =
                format!("Owes {} {}; what is earned next pays it back.", account.debt, account.currency);
            alert("points_owed", text);
        }
        if let Some(lot) = account.expiring.first() {
            let on =
                Day::parse(&lot.on).map_or_else(|_| lot.on.clone(), |on| locale::day(Language::English, on));
            alert("points_expiring", format!("{} {} expire on {on}.", lot.points, account.currency));
        }
    }
    alerts
}
