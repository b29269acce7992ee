//! Points of one currency that become another's: those given are redeemed for good, those that come of it are issued anew, on
//! the terms of their own currency.

use super::gift::check_there;
use super::spendable_first;
use crate::account::Base;
use crate::catalog::conversion::Conversion;
use crate::catalog::{Catalog, Currency};
use crate::decide::party::Member;
use crate::entry::{Column, Posting, Why};
use crate::ids::{CurrencyId, MembershipId, OutletId};
use crate::limits;
use crate::points::Points;
use crate::refusal::{Problem, Refusal};
use crate::time::Millis;
use crate::view::Facts;

/// A conversion as asked for.
#[derive(Clone, Debug)]
pub struct Converting<'a> {
    /// Whose points are given.
    pub from: Member<'a>,
    /// Who gets what comes of them.
    pub to: Member<'a>,
    /// By what.
    pub rule: &'a Conversion,
    /// So many of the rule's `from`.
    pub points: Points,
    /// Where it is done.
    pub outlet: Option<OutletId>,
}

/// The rule by which one currency becomes another.
///
/// # Errors
/// `invalid_request`: there is none.
pub fn rule(catalog: &Catalog, from: CurrencyId, to: CurrencyId) -> Result<&Conversion, Refusal> {
    let found = catalog.conversions.iter().find(|rule| (rule.from, rule.to) == (from, to));
    found.ok_or_else(|| Refusal::field("to", "These points are not converted into those."))
}

/// Who gets what comes of it, where the request does not say: the same membership if its program has the currency, else the
/// customer's only one that has.
///
/// # Errors
/// `invalid_request`, where none or several of the customer's have it.
pub fn receiver(
    facts: &Facts,
    catalog: &Catalog,
    from: &Member<'_>,
    to: CurrencyId,
) -> Result<MembershipId, Refusal> {
    let has = |id| catalog.programs.get(&id).is_some_and(|program| program.currencies.contains(&to));
    if has(from.program.id) {
        return Ok(from.view.membership.id);
    }
    let own = facts.members.iter().filter(|it| it.customer.id == from.view.customer.id);
    let own = own.filter(|it| it.membership.moved_to.is_none());
    let mut having = own.filter(|it| has(it.membership.program));
    match (having.next(), having.next()) {
        (Some(one), None) => Ok(one.membership.id),
        (Some(_), Some(_)) => {
            let detail = "Several memberships of this customer have such points; say which.";
            Err(Refusal::field("to_membership_id", detail))
        }
        _ => Err(Refusal::field("to", "No membership of this customer has such points.")),
    }
}

/// The movements of a conversion.
///
/// # Errors
/// The two are not one customer's or not active, a program does not have the currency, or there are too few points: for
/// the rule, or in the account; or what comes of it is more than the other account takes.
pub fn convert(
    asked: &Converting<'_>,
    catalog: &Catalog,
    (base, has): (&Base, &Base),
    now: Millis,
) -> Result<Vec<Posting>, Refusal> {
    let (giver, taker) = (&asked.from.view.membership, &asked.to.view.membership);
    if asked.from.view.customer.id != asked.to.view.customer.id {
        let detail = "Points are converted between memberships of one customer.";
        return Err(Refusal::field("to_membership_id", detail));
    }
    let sides = [(&asked.from, asked.rule.from, "from"), (&asked.to, asked.rule.to, "to")];
    for (member, currency, field) in sides {
        if !member.program.currencies.contains(&currency) {
            let detail = format!("The program `{}` has no such points.", member.program.code);
            return Err(Refusal::field(field, detail));
        }
        if let Some(refusal) = member.closed(now) {
            return Err(refusal.at(field));
        }
    }
    let known = |id| catalog.currencies.get(&id).ok_or_else(|| Refusal::field("from", "No such points."));
    let (from, to) = (known(asked.rule.from)?, known(asked.rule.to)?);
    let gives = amount(asked, from, to)?;
    let day = now.day(asked.from.program.zone);
    check_there(&base.clone().lapsing(from.inactive), asked.points, from.scale, day)?;
    to.check_room(has.balance_on(day), gives)?;
    let (of, into) = (giver.account(from.id, catalog), taker.account(to.id, catalog));
    let fee = if asked.rule.fee.is_zero() {
        String::new()
    } else {
        format!(", fee {} {}", asked.rule.fee.format(from.scale), from.code)
    };
    let (given, comes) = (asked.points.format(from.scale), gives.format(to.scale));
    let text = format!("{given} {} into {comes} {}{fee}", from.code, to.code);
    let why =
        || Why { rule: Some(asked.rule.code.clone()), text: text.clone(), lines: Vec::new(), campaign: None };
    let mut postings: Vec<Posting> = Vec::new();
    for (terms, points) in spendable_first(&base.lots, day, asked.points) {
        let column = Column::AdjustedDown;
        postings.push(Posting { account: of, column, points, why: why(), lot: Some(terms), tallied: None });
    }
    let terms = to.given(now.day(asked.to.program.zone), asked.outlet);
    let lot = Some(taker.issued(terms, into));
    let column = Column::AdjustedUp;
    postings.push(Posting { account: into, column, points: gives, why: why(), lot, tallied: None });
    Ok(postings)
}

/// What comes of it.
fn amount(asked: &Converting<'_>, from: &Currency, to: &Currency) -> Result<Points, Refusal> {
    if asked.points < asked.rule.minimum {
        let minimum = asked.rule.minimum.format(from.scale);
        let detail = format!("At least {minimum} {} are converted at once.", from.code);
        let mut refusal = Refusal::new(Problem::BelowMinimum, detail).at("points");
        refusal.limit = Some(minimum);
        return Err(refusal);
    }
    let much = || Refusal::amount("points", "This is more than can be converted at once.");
    let gives = asked.rule.of(asked.points, (from.scale, to.scale)).ok_or_else(much)?;
    if asked.points.0 > limits::POINTS {
        return Err(much());
    }
    if gives.is_zero() {
        let detail = format!("So few points come to no {}.", to.code);
        return Err(Refusal::new(Problem::BelowMinimum, detail).at("points"));
    }
    Ok(gives)
}
