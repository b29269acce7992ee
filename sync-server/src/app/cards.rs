//! The scan, and what becomes of cards.

use shared::api::change::{CardChange, CardReturn};
use shared::api::member::{CardReportRequest, Scan};
use shared::decide::party;
use shared::entry::{DirectoryChange, EntryKind};
use shared::ids::MembershipId;
use shared::member::signed::SignedCard;
use shared::member::{Card, CardStatus, IndexKey, MembershipStatus};
use shared::refusal::{Problem, Refusal};
use shared::request;
use shared::time::Millis;
use shared::view::Facts;

use super::changes::{self, Change};
use super::facts::{Loader, memberships};
use super::repeat::Coming;
use super::write::{Outcome, Wish, place, write};
use super::{App, AppError, Done, Who, members, scope};
use crate::clock;
use crate::store::Read;

/// A scanned text as the code that it stands for: a signed card's own.
pub(super) fn read(app: &App, text: &str) -> Done<String> {
    let signed = SignedCard::read(text, &app.public_key())?;
    Ok(signed.map_or_else(|| text.trim().to_owned(), |card| card.code))
}

/// The scan: what a code opens.
pub fn scan(app: &App, who: &Who, code: &str) -> Done<Scan> {
    let read = read(app, code)?;
    let code = read.as_str();
    request::scanned(code, app.index())?;
    let books = app.read()?;
    let catalog = app.catalog()?;
    let loader = Loader { books: &*books, catalog: &catalog, index: app.index(), now: clock::now() };
    let mut facts = Facts::at(place(&catalog, who)?);
    facts.scanned = loader.scanned(code)?;
    for membership in memberships(&facts.scanned) {
        for customer in loader.customer_of(membership)? {
            if facts.members.iter().all(|it| it.customer.id != customer) {
                loader.customer(customer, &mut facts)?;
            }
        }
    }
    facts.members.retain(|member| !member.customer.erased);
    let member = party::scanned_here(&facts, &catalog)?.ok_or_else(|| party::unknown(&catalog, code))?;
    let (customer, first) = (member.view.customer.id, member.view.membership.id);
    scope::check_person(&*books, who, customer)?;
    let card = facts.scanned_card();
    members::shown(app, who, customer, card.as_ref().map(|card| (card, code)), Some(first))
}

/// A card is lost, stolen or damaged; answers the scan with it.
pub async fn report(
    app: &App,
    who: &Who,
    key: Option<&str>,
    code: &str,
    asked: &CardReportRequest,
) -> Done<Outcome<Scan>> {
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let card = read(app, code)?;
    let wanted = request::card_report(&card, asked, app.index())?;
    let keying = Coming::new(key, outlet, "card_report", &(code, asked)).without_receipt();
    let wish = Wish { asked: wanted, keying, code: Some(card), of: None };
    let done = write(app, who, wish).await?;
    Ok(Outcome { body: scan(app, who, code)?, replayed: done.replayed })
}

/// A card that is to open a membership. Sales that waited for it are that member's from now on.
pub async fn attach(app: &App, who: &Who, id: MembershipId, asked: &CardChange) -> Done<Scan> {
    let (by, index, change) = (who.clone(), app.index().clone(), asked.clone());
    let now = clock::now();
    app.write(move |books| {
        let membership = members::membership_for(books.as_read(), &by, id)?;
        check_open(membership.status)?;
        let card = fresh(books.as_read(), &index, (&change.code, "code"), id, now)?;
        let note = Change {
            action: "card.attach",
            subject: id.to_string(),
            detail: changes::why(&format!("card …{}", card.tail), change.reason.as_deref()),
        };
        changes::author(books, &by, EntryKind::Directory(vec![DirectoryChange::Card(card)]), &note, now)
    })
    .await?;
    scan(app, who, &asked.code)
}

/// A card that takes the place of another, whose owner and points stay.
pub async fn replace(app: &App, who: &Who, code: &str, asked: &CardChange) -> Done<Scan> {
    let (by, index, old, change) = (who.clone(), app.index().clone(), read(app, code)?, asked.clone());
    let now = clock::now();
    app.write(move |books| {
        let held = known(books.as_read(), &by, &index, &old)?;
        if held.status == CardStatus::Replaced {
            return Err(AppError::refused(Problem::InvalidTransition, "This card was replaced already."));
        }
        let new = fresh(books.as_read(), &index, (&change.code, "code"), held.membership, now)?;
        // what was lost or stolen stays blocked
        let status = if held.status.may_redeem() { CardStatus::Replaced } else { held.status };
        let note = Change {
            action: "card.replace",
            subject: held.membership.to_string(),
            detail: changes::why(&format!("…{} by …{}", held.tail, new.tail), change.reason.as_deref()),
        };
        let cards = vec![DirectoryChange::Card(Card { status, ..held }), DirectoryChange::Card(new)];
        changes::author(books, &by, EntryKind::Directory(cards), &note, now)
    })
    .await?;
    scan(app, who, &asked.code)
}

/// A card that was found again.
pub async fn reactivate(app: &App, who: &Who, code: &str, asked: &CardReturn) -> Done<Scan> {
    let (by, index, text, change) = (who.clone(), app.index().clone(), read(app, code)?, asked.clone());
    let now = clock::now();
    app.write(move |books| {
        let held = known(books.as_read(), &by, &index, &text)?;
        if matches!(held.status, CardStatus::Active | CardStatus::Replaced) {
            let detail = "Only a card that is lost, stolen, damaged or expired comes back.";
            return Err(AppError::refused(Problem::InvalidTransition, detail));
        }
        let note = Change {
            action: "card.reactivate",
            subject: held.membership.to_string(),
            detail: changes::why(&format!("card …{}", held.tail), change.reason.as_deref()),
        };
        let card = DirectoryChange::Card(Card { status: CardStatus::Active, ..held });
        changes::author(books, &by, EntryKind::Directory(vec![card]), &note, now)
    })
    .await?;
    scan(app, who, code)
}

/// A card whose membership the caller may change, and which has not ended.
fn known(books: &dyn Read, who: &Who, index: &IndexKey, code: &str) -> Done<Card> {
    let (hash, _) = request::scanned(code, index)?;
    let card = books.card(hash)?.ok_or_else(|| AppError::not_found("card with this code"))?.value;
    check_open(members::membership_for(books, who, card.membership)?.status)?;
    Ok(card)
}

fn check_open(status: MembershipStatus) -> Done<()> {
    if status == MembershipStatus::Terminated {
        return Err(AppError::refused(Problem::InvalidTransition, "This membership is terminated."));
    }
    Ok(())
}

/// A new card of a membership, whose code means nothing else yet.
fn fresh(
    books: &dyn Read,
    index: &IndexKey,
    (code, field): (&str, &str),
    membership: MembershipId,
    now: Millis,
) -> Done<Card> {
    let (hash, tail) = request::scanned(code, index).map_err(|refusal| refusal.at(field))?;
    let catalog = super::catalog::latest(books)?;
    if let Some(member) = books.membership(membership)?
        && let Some(program) = catalog.programs.get(&member.value.program)
    {
        party::check_standard(code.trim(), program.cards.standard).map_err(|refusal| refusal.at(field))?;
    }
    let loader = Loader { books, catalog: &catalog, index, now };
    if loader.is_taken(code.trim())? {
        return Err(Refusal::new(Problem::InUse, "This code is in use already.").at(field).into());
    }
    Ok(Card { code: hash, tail, membership, status: CardStatus::Active })
}
