//! What a deed will do, in figures, and the request that does it.

use rust_decimal::Decimal;
use serde_json::Value;
use shared::api::change::{CardChange, CardReturn};
use shared::api::member::{CardReportRequest, ConsentRequest, Membership, Scan};
use shared::api::moving::{JoinRequest, MemberConsent, MergeRequest, Share, SplitRequest, TransferRequest};
use shared::api::office::AdjustRequest;
use shared::page::words::grouped;

use super::tables::WITHDRAW;
use super::{Desk, consent};
use crate::app::{AppError, Done, cards, consents as agreements, members, merging, moving, points, sharing};
use crate::console::forms::Wrong;

/// What will happen.
pub(super) struct Plan {
    /// In sentences.
    pub(super) told: Vec<String>,
    /// In figures.
    pub(super) moves: Vec<Move>,
    /// What does it.
    pub(super) request: Request,
}

/// Why there is no plan.
pub(super) enum Stop {
    /// Something typed is wrong.
    Wrong(Wrong),
    /// The application failed.
    Failed(AppError),
}

impl Stop {
    fn at(field: &str, text: String) -> Self {
        Self::Wrong(Wrong::from([(field.to_owned(), text)]))
    }
}

impl From<AppError> for Stop {
    fn from(error: AppError) -> Self {
        Self::Failed(error)
    }
}

/// A balance as it is and as it will be.
pub(super) struct Move {
    pub(super) whose: String,
    pub(super) currency: String,
    pub(super) now: String,
    pub(super) then: String,
}

/// The deed as the application takes it.
pub(super) enum Request {
    Adjust(AdjustRequest),
    Transfer(TransferRequest),
    Merge(MergeRequest),
    Join(JoinRequest),
    Split(SplitRequest),
    Report(String, CardReportRequest),
    Replace(String, CardChange),
    Add(CardChange),
    Back(String, CardReturn),
    Consent(ConsentRequest),
}

fn text(item: &Value, name: &str) -> String {
    item.get(name).and_then(Value::as_str).unwrap_or("").to_owned()
}

fn given(item: &Value, name: &str) -> Option<String> {
    Some(text(item, name)).filter(|text| !text.is_empty())
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap_or_default()
}

fn balance(held: &Membership, currency: &str) -> Decimal {
    held.accounts.iter().find(|it| it.currency == currency).map_or(Decimal::ZERO, |it| decimal(&it.balance))
}

/// A membership's balance and what becomes of it.
fn moved(held: &Membership, currency: &str, by: Decimal) -> Move {
    let now = balance(held, currency);
    let then = now.checked_add(by).unwrap_or(now);
    let (currency, whose) = (currency.to_owned(), held.member_number.clone());
    Move { whose, currency, now: now.to_string(), then: then.to_string() }
}

/// What a deed will do; or what is wrong with which field.
pub(super) fn planned(desk: &Desk<'_>, item: &Value) -> Result<Plan, Stop> {
    match desk.deed.name {
        "adjust" => Ok(adjusted(desk, item)),
        "transfer" => given_away(desk, item),
        "merge" => merged(desk, item),
        "join" => joined(desk, item),
        "split" => parted(desk, item),
        "consent-give" | WITHDRAW => consent::agreed(desk, item),
        _ => of_card(desk, item),
    }
}

fn adjusted(desk: &Desk<'_>, item: &Value) -> Plan {
    let (currency, points) = (text(item, "currency"), text(item, "points"));
    let moves = vec![moved(&desk.held, &currency, decimal(&points))];
    let values =
        [("points", &*grouped(&points)), ("currency", &currency), ("number", &desk.held.member_number)];
    let told = vec![desk.words().fill("deed.adjust.told", &values)];
    Plan {
        told,
        moves,
        request: Request::Adjust(AdjustRequest { currency, points, reason: text(item, "reason") }),
    }
}

/// Another membership, by its id, its number or a card of it.
fn other(desk: &Desk<'_>, field: &str, asked: &str, alike: bool) -> Result<Membership, Stop> {
    let who = &desk.visitor.who;
    let found = match asked.parse() {
        Ok(id) => members::membership(desk.app, who, id).ok(),
        Err(_) => cards::scan(desk.app, who, asked).ok().and_then(|scan| best(desk, scan, alike)),
    };
    let key = match &found {
        None => "deed.nobody",
        Some(it) if it.id == desk.held.id => "deed.itself",
        Some(it) if alike && it.program.code != desk.held.program.code => "deed.other_program",
        Some(_) => "",
    };
    let wrong = || {
        let values = [("text", asked), ("program", &desk.held.program.name)];
        Stop::at(field, desk.words().fill(key, &values))
    };
    found.filter(|_| key.is_empty()).ok_or_else(wrong)
}

/// Of what a code opens, what fits: of the same program before others.
fn best(desk: &Desk<'_>, scan: Scan, alike: bool) -> Option<Membership> {
    let same = |it: &Membership| it.program.code == desk.held.program.code;
    let place = scan.memberships.iter().position(same);
    scan.memberships.into_iter().nth(place.or((!alike).then_some(0))?)
}

/// The consent of all concerned to the text that was said; without one, none.
fn consents(item: &Value, concerned: &[String]) -> Vec<MemberConsent> {
    let Some(said) = item.get("consent") else { return Vec::new() };
    let (text_version, channel) = (text(said, "text_version"), text(said, "channel"));
    if text_version.is_empty() {
        return Vec::new();
    }
    let one = |id: &String| MemberConsent {
        membership_id: id.clone(),
        text_version: text_version.clone(),
        channel: channel.clone(),
    };
    concerned.iter().map(one).collect()
}

fn given_away(desk: &Desk<'_>, item: &Value) -> Result<Plan, Stop> {
    let to = other(desk, "to", &text(item, "to"), true)?;
    let (currency, points) = (text(item, "currency"), text(item, "points"));
    let by = decimal(&points);
    if by > balance(&desk.held, &currency) {
        let has = grouped(&balance(&desk.held, &currency).to_string());
        let values = [("points", &*has), ("currency", &currency), ("number", &desk.held.member_number)];
        return Err(Stop::at("points", desk.words().fill("deed.too_many", &values)));
    }
    let moves = vec![moved(&desk.held, &currency, -by), moved(&to, &currency, by)];
    let told = grouped(&points);
    let values = [
        ("points", &*told),
        ("currency", &currency),
        ("from", &desk.held.member_number),
        ("to", &to.member_number),
    ];
    let told = vec![desk.words().fill("deed.transfer.told", &values)];
    let consent = consents(item, &[desk.held.id.clone(), to.id.clone()]);
    let reason = given(item, "reason");
    let request = TransferRequest { to_membership_id: to.id, currency, points, consent, reason };
    Ok(Plan { told, moves, request: Request::Transfer(request) })
}

/// Balances of two that become one: this one's and the other's.
fn united(desk: &Desk<'_>, other: &Membership) -> Vec<Move> {
    let sums = desk.held.accounts.iter().chain(&other.accounts).map(|it| it.currency.clone());
    let mut currencies: Vec<String> = Vec::new();
    for currency in sums {
        if !currencies.contains(&currency) {
            currencies.push(currency);
        }
    }
    currencies.iter().map(|currency| moved(&desk.held, currency, balance(other, currency))).collect()
}

fn merged(desk: &Desk<'_>, item: &Value) -> Result<Plan, Stop> {
    let from = other(desk, "from", &text(item, "from"), true)?;
    let own = from.accounts.iter().map(|it| moved(&from, &it.currency, -decimal(&it.balance)));
    let moves = united(desk, &from).into_iter().chain(own).collect();
    let values = [("from", &*from.member_number), ("into", &desk.held.member_number)];
    let told = vec![desk.words().fill("deed.merge.told", &values)];
    let request = MergeRequest {
        into: desk.held.id.clone(),
        consent: consents(item, &[desk.held.id.clone(), from.id.clone()]),
        from: vec![from.id],
        reason: given(item, "reason"),
    };
    Ok(Plan { told, moves, request: Request::Merge(request) })
}

fn joined(desk: &Desk<'_>, item: &Value) -> Result<Plan, Stop> {
    let with = other(desk, "with", &text(item, "with"), false)?;
    let kind = text(item, "kind");
    let shared = |currency: &str| {
        let kinds = desk.held.accounts.iter().chain(&with.accounts).find(|it| it.currency == currency);
        kind == "group" || kinds.is_some_and(|it| it.kind == "redeemable")
    };
    let moves = united(desk, &with).into_iter().filter(|it| shared(&it.currency));
    let moves = moves.map(|it| Move { whose: format!("{} + {}", it.whose, with.member_number), ..it });
    let values = [("one", &*desk.held.member_number), ("other", &with.member_number)];
    let told = vec![desk.words().fill("deed.join.told", &values)];
    let moves = moves.collect();
    let id = with.id.parse().map_err(|_| AppError::not_found("membership with this id"))?;
    let others = sharing::with_whom(desk.app, &desk.visitor.who, id)?;
    let concerned: Vec<String> =
        std::iter::once(desk.held.id.clone()).chain(others.iter().map(ToString::to_string)).collect();
    let consent = consents(item, &concerned);
    let request = JoinRequest { with: with.id, kind, consent, reason: given(item, "reason") };
    Ok(Plan { told, moves, request: Request::Join(request) })
}

fn parted(desk: &Desk<'_>, item: &Value) -> Result<Plan, Stop> {
    let (currency, points) = (text(item, "currency"), text(item, "points"));
    let by = decimal(&points);
    if by > balance(&desk.held, &currency) {
        let has = grouped(&balance(&desk.held, &currency).to_string());
        let values = [("points", &*has), ("currency", &currency), ("number", &desk.held.member_number)];
        return Err(Stop::at("points", desk.words().fill("deed.too_many", &values)));
    }
    let concerned = sharing::with_whom(desk.app, &desk.visitor.who, desk.id)?;
    let concerned: Vec<String> = concerned.iter().map(ToString::to_string).collect();
    let pool = desk.held.accounts.iter().map(|it| {
        let taken = if it.currency == currency { by } else { Decimal::ZERO };
        let rest = decimal(&it.balance).checked_sub(taken).unwrap_or_default();
        let left = Move {
            whose: desk.words().say("deed.shared").to_owned(),
            currency: it.currency.clone(),
            now: it.balance.clone(),
            then: rest.to_string(),
        };
        let own = Move {
            whose: desk.held.member_number.clone(),
            currency: it.currency.clone(),
            now: "0".to_owned(),
            then: taken.to_string(),
        };
        [left, own]
    });
    let moves: Vec<Move> = pool.flatten().collect();
    let told = desk.words().fill("deed.split.told", &[("number", &desk.held.member_number)]);
    let share = Share { membership_id: desk.held.id.clone(), currency, points };
    let request = SplitRequest {
        members: vec![desk.held.id.clone()],
        shares: Some(share).filter(|_| by > Decimal::ZERO).into_iter().collect(),
        consent: consents(item, &concerned),
        reason: given(item, "reason"),
    };
    Ok(Plan { told: vec![told], moves, request: Request::Split(request) })
}

/// Balances that stay as they are.
fn kept(desk: &Desk<'_>) -> Vec<Move> {
    desk.held.accounts.iter().map(|it| moved(&desk.held, &it.currency, Decimal::ZERO)).collect()
}

fn of_card(desk: &Desk<'_>, item: &Value) -> Result<Plan, Stop> {
    let (code, reason) = (text(item, "code"), given(item, "reason"));
    let old = given(item, "old");
    // a card that is there opens this membership, and no other one is touched from here
    let known = match desk.deed.name {
        "card-add" => None,
        "card-replace" => old.as_deref().map(|old| ("old", old)),
        _ => Some(("code", code.as_str())),
    };
    if let Some((field, code)) = known {
        let scan = cards::scan(desk.app, &desk.visitor.who, code).ok();
        let card = scan.and_then(|scan| scan.card).filter(|card| card.membership_id == desk.held.id);
        if card.is_none() {
            let values = [("text", code), ("number", &desk.held.member_number)];
            return Err(Stop::at(field, desk.words().fill("deed.no_card", &values)));
        }
    }
    let old = old.unwrap_or_default();
    let values = [("code", &*code), ("old", &old), ("number", &desk.held.member_number)];
    let told = vec![desk.words().fill(&format!("deed.{}.told", desk.deed.name), &values)];
    let request = match desk.deed.name {
        "card-report" => Request::Report(code, CardReportRequest { status: text(item, "status") }),
        "card-replace" => Request::Replace(old, CardChange { code, reason }),
        "card-add" => Request::Add(CardChange { code, reason }),
        _ => Request::Back(code, CardReturn { reason }),
    };
    Ok(Plan { told, moves: kept(desk), request })
}

/// Does it, once for each key.
pub(super) async fn done(desk: &Desk<'_>, request: Request, key: Option<&str>) -> Done<()> {
    let (app, who, id) = (desk.app, &desk.visitor.who, desk.id);
    match request {
        Request::Adjust(asked) => points::adjust(app, who, key, id, &asked).await.map(drop),
        Request::Transfer(asked) => moving::transfer(app, who, key, id, &asked).await.map(drop),
        Request::Merge(asked) => merging::merge(app, who, key, &asked).await.map(drop),
        Request::Join(asked) => sharing::join(app, who, key, id, &asked).await.map(drop),
        Request::Split(asked) => sharing::split(app, who, key, &asked).await.map(drop),
        Request::Report(code, asked) => cards::report(app, who, key, &code, &asked).await.map(drop),
        Request::Replace(old, asked) => cards::replace(app, who, &old, &asked).await.map(drop),
        Request::Add(asked) => cards::attach(app, who, id, &asked).await.map(drop),
        Request::Consent(asked) => agreements::record(app, who, id, &asked).await.map(drop),
        Request::Back(code, asked) => cards::reactivate(app, who, &code, &asked).await.map(drop),
    }
}
