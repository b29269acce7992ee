//! Payment holds placed at the centre: the points are set aside at once, and time out by the centre's own clock.

use shared::api::hold::{CaptureRequest, Hold, HoldRequest, ReleaseRequest};
use shared::api::transaction::Transaction;
use shared::books::SERVER;
use shared::decide::{Deed, Draft};
use shared::entry::{self, EntryKind};
use shared::ids::{Dot, HoldId, MembershipId, Seq};
use shared::refusal::Refusal;
use shared::render;
use shared::request;
use shared::time::Day;
use shared::view::HeldPoints;

use super::facts::Loader;
use super::repeat::Coming;
use super::write::{Outcome, Wish, place, transact, write};
use super::{App, AppError, Done, Who, members, roles};
use crate::clock;
use crate::store::Write;

/// Points set aside for a payment.
pub async fn hold(app: &App, who: &Who, key: Option<&str>, asked: &HoldRequest) -> Done<Outcome<Hold>> {
    let catalog = app.catalog()?;
    let wanted = request::hold::hold(asked, HoldId(clock::fresh_id()), &catalog)?;
    let membership: MembershipId =
        asked.membership_id.parse().map_err(|detail: String| Refusal::field("membership_id", detail))?;
    members::membership_for(&*app.read()?, who, membership)?;
    let outlet = place(&catalog, who)?.outlet;
    let keying = Coming::new(key, outlet, "hold", asked).without_receipt();
    let done = write(app, who, Wish { asked: wanted, keying, code: None, of: None }).await?;
    let (dot, replayed) = (done.dot, done.replayed);
    Ok(Outcome { body: shown(app, dot)?, replayed })
}

/// A hold's points redeemed, or part of them.
pub async fn capture(
    app: &App,
    who: &Who,
    key: Option<&str>,
    id: HoldId,
    asked: &CaptureRequest,
) -> Done<Outcome<Transaction>> {
    let wanted = request::hold::capture(asked, id)?;
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let coming = Coming::new(key, outlet, "capture", &(id, asked));
    // with a receipt it is known again by that, as a sale is; without one only by a key
    let keying = match &asked.receipt {
        // a hold is captured once, on whatever day: another body is no other request
        Some(receipt) => coming.with_receipt(&format!("{id} {receipt}"), Some(Day(0))),
        None => coming.without_receipt(),
    };
    transact(app, who, Wish { asked: wanted, keying, code: None, of: None }).await
}

/// A hold given up. A till's is given up at that till; head office may do it in its place, where the till is gone or its
/// hold is past its time: a redemption that comes under it afterwards is late.
pub async fn release(
    app: &App,
    who: &Who,
    key: Option<&str>,
    id: HoldId,
    asked: &ReleaseRequest,
) -> Done<Outcome<Hold>> {
    let mut wanted = request::hold::release(asked, id)?;
    if let Some(held) = of_a_till(app, id)? {
        if !roles::OFFICE.contains(&who.role) {
            let detail = "A till's hold is released at that till, or here by head office.";
            return Err(AppError::Forbidden(detail.to_owned()));
        }
        if held.open && clock::now() >= held.placed.expires_at {
            wanted.deed = Deed::TimeOut(id);
        }
    }
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let keying = Coming::new(key, outlet, "release", &(id, asked)).without_receipt();
    let done = write(app, who, Wish { asked: wanted, keying, code: None, of: None }).await?;
    Ok(Outcome { body: shown(app, done.dot)?, replayed: done.replayed })
}

/// A hold that was placed at a till.
fn of_a_till(app: &App, id: HoldId) -> Done<Option<HeldPoints>> {
    let (books, catalog) = (app.read()?, app.catalog()?);
    let loader = Loader { books: &*books, catalog: &catalog, index: app.index(), now: clock::now() };
    if loader.hold(id)?.is_some() { Ok(None) } else { loader.hold_anywhere(id, None) }
}

/// The hold that an entry placed or released, as it stands now.
fn shown(app: &App, dot: Dot) -> Done<Hold> {
    let books = app.read()?;
    let missing = || AppError::not_found("such hold");
    let entry = books.taken(dot)?.and_then(|taken| taken.entry.ok()).ok_or_else(missing)?;
    let (id, account) = match &entry.kind {
        EntryKind::PaymentHold(placed) => (placed.hold, placed.account),
        EntryKind::Release(release) => (HoldId::of_key(release.key), release.account),
        _ => return Err(missing()),
    };
    let (catalog, now) = (app.catalog()?, clock::now());
    let loader = Loader { books: &*books, catalog: &catalog, index: app.index(), now };
    let held = loader.hold_anywhere(id, Some(account))?.ok_or_else(missing)?;
    Ok(render::hold::hold(&held, &catalog, now))
}

/// The server's own release ends the hold, and so says how much that is.
pub(super) fn prepare(books: &mut dyn Write, draft: &mut Draft) -> Done<()> {
    if let EntryKind::Release(release) = &mut draft.kind {
        let row = books.hold(release.key, release.account)?.unwrap_or_default();
        release.points = row.points;
    }
    Ok(())
}

/// The setting aside that goes with a payment hold.
pub(super) fn placed(draft: &Draft) -> Option<entry::Hold> {
    let EntryKind::PaymentHold(placed) = &draft.kind else { return None };
    Some(entry::Hold {
        key: placed.hold.key(),
        account: placed.account,
        points: placed.points,
        asked_by: SERVER,
        intent: Seq(0),
        expires_at: Some(placed.expires_at),
    })
}
