//! Customers, memberships and cards from entries: last writer wins by (time, node, seq), in whatever order they come.

use crate::books::{Books, Marked, Marker, Wait};
use crate::entry::card::CardReport;
use crate::entry::reward::vouchers_of;
use crate::entry::{DirectoryChange, Entry, EntryKind};
use crate::ids::{CodeHash, Dot, MembershipId};
use crate::intake::{Follow, card};
use crate::limits;
use crate::member::{Card, CustomerRecord, Membership, MembershipStatus};
use crate::time::{Day, Hlc};
use crate::view::Scanned;

/// Applies what an entry says of the directory. The keys beside it were kept before.
pub fn apply<B: Books>(books: &mut B, dot: Dot, entry: &Entry) -> Result<Follow, B::Error> {
    let received = books.receipt(dot)?.map_or(entry.at, |receipt| Hlc::at(receipt.received.after(1)));
    let marker = Marker { at: entry.at.min(received), dot: Some(dot) };
    let mut follow = Follow::default();
    match &entry.kind {
        EntryKind::Enrol(enrol) => {
            if let Some(record) = &enrol.customer {
                customer(books, marker, record)?;
            }
            for value in &enrol.memberships {
                membership(books, Marked { marker, value: value.clone() }, &mut follow)?;
            }
            for value in &enrol.cards {
                let row = Marked { marker, value: value.clone() };
                card::enrolled(books, (dot, entry), row, &mut follow)?;
            }
        }
        EntryKind::Directory(changes) => {
            for change in changes {
                match change {
                    DirectoryChange::Customer(record) => customer(books, marker, record)?,
                    DirectoryChange::Membership(value) => {
                        membership(books, Marked { marker, value: value.clone() }, &mut follow)?;
                    }
                    DirectoryChange::Card(_) => {}
                }
            }
            for change in changes {
                if let DirectoryChange::Card(value) = change {
                    card::written(books, Marked { marker, value: value.clone() }, &mut follow)?;
                }
            }
        }
        EntryKind::Renew(renewal) => {
            membership(books, Marked { marker, value: renewal.membership.clone() }, &mut follow)?;
        }
        EntryKind::Standing(standing) => {
            membership(books, Marked { marker, value: standing.membership.clone() }, &mut follow)?;
        }
        EntryKind::CardReport(of) => report(books, marker, of)?,
        EntryKind::Consent(change) => books.put_consent(change.membership, dot)?,
        _ => {}
    }
    Ok(follow)
}

/// Puts the vouchers that an entry gives to their memberships, and to those that took them over: they add up, whatever else
/// is written of these.
pub fn give<B: Books>(books: &mut B, entry: &Entry) -> Result<(), B::Error> {
    for voucher in vouchers_of(&entry.kind) {
        let mut next = Some(voucher.membership);
        for _ in 0..limits::GENERATIONS {
            let Some(mut row) = next.map(|id| books.membership(id)).transpose()?.flatten() else { break };
            next = row.value.moved_to;
            row.value.take_in(voucher, entry.business_date);
            books.put_membership(row)?;
        }
    }
    Ok(())
}

fn customer<B: Books>(books: &mut B, marker: Marker, record: &CustomerRecord) -> Result<(), B::Error> {
    if books.customer(record.id)?.is_some_and(|held| held.marker >= marker) {
        return Ok(());
    }
    let value = books.opened(record)?;
    books.put_customer(Marked { marker, value })
}

fn membership<B: Books>(books: &mut B, row: Marked<Membership>, follow: &mut Follow) -> Result<(), B::Error> {
    let held = books.membership(row.value.id)?;
    if held.is_none() {
        follow.retry.push(Wait::Membership(row.value.id));
    }
    let known = held.as_ref().is_some_and(|held| held.value.number == row.value.number);
    if held.as_ref().is_some_and(|held| held.marker >= row.marker) {
        return Ok(());
    }
    let (id, number) = (row.value.id, row.value.number.clone());
    let woken = held.as_ref().is_some_and(|held| wakes(&held.value, &row.value));
    let mut row = row;
    for voucher in held.iter().flat_map(|held| &held.value.vouchers) {
        row.value.take_in(voucher, Day(0));
    }
    books.put_membership(row)?;
    if !known {
        card::numbered(books, id, &number, follow)?;
        let code = books.number_hash(&number)?;
        for sale in books.unattributed_of(code)? {
            follow.attribute.extend(of_number(books, code)?.filter(|one| *one == id).map(|id| (sale, id)));
        }
    }
    if woken {
        for card in books.cards_of(id)? {
            follow.attribute.extend(books.unattributed_of(card.code)?.into_iter().map(|sale| (sale, id)));
        }
        let code = books.number_hash(&number)?;
        if of_number(books, code)? == Some(id) {
            follow.attribute.extend(books.unattributed_of(code)?.into_iter().map(|sale| (sale, id)));
        }
    }
    Ok(())
}

/// Whether what waited for a membership while it earned nothing may be its own now.
fn wakes(before: &Membership, now: &Membership) -> bool {
    let state = |it: &Membership| (it.status, it.expires_on);
    now.status == MembershipStatus::Active && state(before) != state(now)
}

/// The membership that a scanned member number means; `None` where none has it, or several have.
pub fn of_number<B: Books + ?Sized>(books: &B, code: CodeHash) -> Result<Option<MembershipId>, B::Error> {
    let found = books.numbered(code)?;
    let [one] = found.as_slice() else { return Ok(None) };
    Ok(Some(*one))
}

/// A card, unless what is known of it is newer.
pub(super) fn card<B: Books>(books: &mut B, row: Marked<Card>, follow: &mut Follow) -> Result<(), B::Error> {
    if books.card(row.value.code)?.is_some_and(|held| held.marker >= row.marker) {
        return Ok(());
    }
    put_card(books, row, follow)
}

/// A card, with what is known of its being lost; sales that waited for it are its member's.
pub(super) fn put_card<B: Books>(
    books: &mut B,
    mut row: Marked<Card>,
    follow: &mut Follow,
) -> Result<(), B::Error> {
    let means = Scanned::of(Some(row.value.clone()), books.numbered(row.value.code)?);
    for sale in books.unattributed_of(row.value.code)? {
        follow.attribute.extend(means.one().map(|membership| (sale, membership)));
    }
    if let Some(report) = books.report(row.value.code)?.filter(|report| report.marker > row.marker) {
        row.value.status = report.value;
    }
    books.put_card(row)
}

/// A report counts from its time on, whether the card is known yet or not.
fn report<B: Books>(books: &mut B, marker: Marker, of: &CardReport) -> Result<(), B::Error> {
    if books.report(of.code)?.is_some_and(|held| held.marker >= marker) {
        return Ok(());
    }
    books.put_report(of.code, Marked { marker, value: of.status })?;
    if let Some(mut card) = books.card(of.code)?.filter(|card| card.marker < marker) {
        card.value.status = of.status;
        books.put_card(card)?;
    }
    Ok(())
}
