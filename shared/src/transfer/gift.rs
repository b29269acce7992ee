//! Points that one member gives to another within a program.

use super::{legs, spendable_first};
use crate::account::{AccountId, Base};
use crate::catalog::Catalog;
use crate::catalog::document::currency::CurrencyKind;
use crate::decide::party::Member;
use crate::entry::Posting;
use crate::entry::membership::Agreed;
use crate::ids::{CurrencyId, MembershipId};
use crate::limits;
use crate::points::Points;
use crate::refusal::{Problem, Refusal};
use crate::time::Millis;
use crate::view::MemberView;

/// A gift as asked for.
#[derive(Clone, Debug)]
pub struct Gift<'a> {
    /// Who gives.
    pub from: Member<'a>,
    /// Who is given.
    pub to: Member<'a>,
    /// Of which currency.
    pub currency: CurrencyId,
    /// So many.
    pub points: Points,
}

/// The two accounts of a gift.
///
/// # Errors
/// The two are in different programs or share the account, the program has no such points, or they only count towards a
/// level.
pub fn accounts(gift: &Gift<'_>, catalog: &Catalog) -> Result<(AccountId, AccountId), Refusal> {
    let (from, to) = (&gift.from.view.membership, &gift.to.view.membership);
    if from.program != to.program {
        let detail = "Points are given within one program; those of another are converted.";
        return Err(Refusal::field("to_membership_id", detail));
    }
    if !gift.from.program.currencies.contains(&gift.currency) {
        return Err(Refusal::field("currency", "This membership's program has no such points."));
    }
    let kind = catalog.currencies.get(&gift.currency).map(|currency| currency.kind);
    if kind != Some(CurrencyKind::Redeemable) {
        let detail = "These points only count towards a level; they cannot be given away.";
        return Err(Refusal::field("currency", detail));
    }
    let accounts = (from.account(gift.currency, catalog), to.account(gift.currency, catalog));
    if accounts.0 == accounts.1 {
        let detail = "Both memberships draw on the same points; there is nothing to move.";
        return Err(Refusal::field("to_membership_id", detail));
    }
    Ok(accounts)
}

/// The movements of a gift out of what the books have of both accounts: at most what is posted and not reserved, nothing that is owed, waits
/// to be settled, has expired or has not vested (I5).
///
/// # Errors
/// Either membership is not active, the giver owes points, there are too few, or more than the taker's account takes.
pub fn give(
    gift: &Gift<'_>,
    catalog: &Catalog,
    (base, taker): (&Base, &Base),
    now: Millis,
) -> Result<Vec<Posting>, Refusal> {
    let (from, to) = accounts(gift, catalog)?;
    if !gift.points.is_positive() || gift.points.0 > limits::POINTS {
        return Err(Refusal::amount("points", "Points to move are more than zero, and not too many."));
    }
    if let Some(refusal) = gift.from.closed(now) {
        return Err(refusal);
    }
    if let Some(refusal) = gift.to.closed(now) {
        return Err(refusal.at("to_membership_id"));
    }
    let day = now.day(gift.from.program.zone);
    let currency = catalog.currencies.get(&gift.currency);
    let there = base.clone().lapsing(currency.and_then(|it| it.inactive));
    check_there(&there, gift.points, currency.map_or(0, |it| it.scale), day)?;
    if let Some(currency) = currency {
        currency.check_room(taker.balance_on(day), gift.points)?;
    }
    let name = |view: &MemberView| view.membership.number.clone();
    let text = (format!("To {}", name(gift.to.view)), format!("From {}", name(gift.from.view)));
    let parts = spendable_first(&base.lots, day, gift.points);
    Ok(legs(from, to, &parts, (&text.0, &text.1)))
}

/// Whether so many points can leave an account.
///
/// # Errors
/// `account_overdrawn` or `insufficient_points`, with what is there.
pub fn check_there(base: &Base, points: Points, scale: u8, day: crate::time::Day) -> Result<(), Refusal> {
    let there = base.spendable(day);
    if points <= there {
        return Ok(());
    }
    let available = there.format(scale);
    let mut refusal = if base.debt.is_positive() && there.is_zero() {
        let detail = format!("This account owes {} points.", base.debt.format(scale));
        Refusal::new(Problem::AccountOverdrawn, detail)
    } else {
        let detail = format!("There are {available} points that can be moved.");
        Refusal::new(Problem::InsufficientPoints, detail)
    };
    refusal.available = Some(available);
    Err(refusal.at("points"))
}

/// Sees that every customer concerned has consented: for each membership there is a consent for it, or for another one of
/// the same customer's.
///
/// # Errors
/// `consent_required`, naming who has not.
pub fn check_consents(concerned: &[&MemberView], consents: &[Agreed]) -> Result<(), Refusal> {
    let of = |id: MembershipId| concerned.iter().find(|view| view.membership.id == id);
    for (place, consent) in consents.iter().enumerate() {
        if of(consent.membership).is_none() {
            let detail = "This consent is of a membership that is not concerned.";
            return Err(Refusal::field(format!("consent[{place}].membership_id"), detail));
        }
    }
    for view in concerned {
        let given =
            |consent: &Agreed| of(consent.membership).is_some_and(|it| it.customer.id == view.customer.id);
        if !consents.iter().any(given) {
            let detail = format!(
                "{} (member {}) has not consented: `consent` names each membership concerned with the text's version.",
                view.customer.display_name, view.membership.number
            );
            return Err(Refusal::new(Problem::ConsentRequired, detail).at("consent"));
        }
    }
    Ok(())
}
