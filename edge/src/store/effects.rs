//! What an entry does to the tables: a pure function, the same when it is written, when it is replayed, and when it is
//! applied twice. Every key names the entry, or something that only this entry makes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::account::AccountId;
use shared::account::tally::Counter;
use shared::chain::{self, Head};
use shared::entry::card::CardReport;
use shared::entry::reward::vouchers_of;
use shared::entry::{Authority, Column, Entry, EntryKind, Intent, Move, Party, Reversal};
use shared::ids::{AccountSetId, Code, Dot, Hash, MembershipId, OutletId};
use shared::member::{Card, CardStatus, Customer, IndexKey, Membership};
use shared::points::Points;
use shared::render::transaction::redemptions;
use shared::time::Hlc;
use shared::view::TailRow;
use shared::view::rows::summed;
use uuid::Uuid;

use super::StoreError;
use super::directory::{
    card_key, customer_index, customer_key, encode, membership_index, membership_key, membership_of_key,
};
use super::key::Key;
use super::overlay::Layer;
use super::packed;
use super::tables::Table;
use super::view::holds::{end_hold, put_ended, put_hold};

/// An entry, where it stands, its bytes, and what lies beside them.
pub(super) struct Placed<'a> {
    pub(super) entry: &'a Entry,
    pub(super) head: Head,
    pub(super) stored: &'a [u8],
    pub(super) side: &'a [u8],
}

/// Puts an own entry's effects into a layer.
pub(super) fn put_effects(
    layer: &mut Layer,
    placed: &Placed<'_>,
    index: &IndexKey,
) -> Result<(), StoreError> {
    let Placed { entry, head, stored, side } = placed;
    layer.entries += 1;
    layer.put(Key::of(Table::Entries).dot(entry.dot), &[&head.hash.0, *stored].concat());
    layer.put(verification_key(head.hash, entry.dot), &[]);
    let rows = summed(entry);
    for row in &rows {
        put_row(layer, row, entry.at)?;
    }
    put_budgeted(layer, &rows)?;
    if let Some(idem) = entry.idem.filter(|_| is_found_by_idem(&entry.kind)) {
        layer.put(Key::of(Table::Idems).u128(idem.key), &dot_bytes(entry.dot));
        for row in rows.iter().filter(|row| row.authority.is_some()) {
            layer.remove(Key::of(Table::Intents).u128(idem.key).account(row.account));
        }
    }
    for (account, key) in ended(entry, &rows) {
        put_ended(layer, account, key, entry.dot);
    }
    let redeemed = entry.postings.iter().filter(|posting| posting.column == Column::Redeemed);
    for (posting, redemption) in redeemed.zip(redemptions(&entry.kind)) {
        if let Some(lift) = &redemption.approval {
            layer.put(Key::of(Table::ApprovalsUsed).uuid(lift.approval.0), &dot_bytes(entry.dot));
        }
        if let Some(hold) = redemption.hold {
            end_hold(layer, posting.account, hold.key());
        }
    }
    for voucher in vouchers_of(&entry.kind) {
        let key = Key::of(Table::Vouchers).uuid(voucher.membership.0).uuid(voucher.id.0);
        layer.put(key, &encode(voucher)?);
    }
    put_kind(layer, (entry, side), index)
}

/// What an entry ends of what the server may have set aside: accounts, and under which key.
pub(super) fn ended(entry: &Entry, rows: &[TailRow]) -> Vec<(AccountId, u128)> {
    let mut ended = Vec::new();
    if let Some(idem) = entry.idem.filter(|_| is_found_by_idem(&entry.kind)) {
        let redeemed = rows.iter().filter(|row| row.authority.is_some());
        ended.extend(redeemed.map(|row| (row.account, idem.key)));
    }
    let redeemed = entry.postings.iter().filter(|posting| posting.column == Column::Redeemed);
    for (posting, redemption) in redeemed.zip(redemptions(&entry.kind)) {
        ended.extend(redemption.hold.map(|hold| (posting.account, hold.key())));
    }
    if let EntryKind::Release(release) = &entry.kind {
        ended.push((release.account, release.key));
    }
    ended
}

/// An intent is a step of a redemption, under its key: the key is that of the redemption. So is its end, which bears no
/// key of its own.
fn is_found_by_idem(kind: &EntryKind) -> bool {
    !matches!(kind, EntryKind::Intent(_))
}

/// What an own entry gave to an account of campaigns that are counted.
#[derive(Serialize, Deserialize)]
pub(super) struct Budgeted {
    /// The account set, which says the bucket.
    pub(super) set: AccountSetId,
    /// So many points of each campaign.
    pub(super) given: BTreeMap<Code, Points>,
}

/// Puts that, under the first of its rows of each account.
fn put_budgeted(layer: &mut Layer, rows: &[TailRow]) -> Result<(), StoreError> {
    let mut budgeted: BTreeMap<AccountId, (Key, Budgeted)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.column == Column::Earned) {
        for (counter, points) in row.tallied.iter().flat_map(|counted| &counted.under) {
            let Counter::Campaign(code) = counter else { continue };
            let (_, account) = budgeted.entry(row.account).or_insert_with(|| {
                let key = Key::of(Table::Budgeted).dot(row.dot).u16(row.leg);
                (key, Budgeted { set: row.account.set, given: BTreeMap::new() })
            });
            let sum = account.given.entry(code.clone()).or_default();
            *sum = sum.plus(*points);
        }
    }
    for (key, given) in budgeted.values() {
        layer.put(*key, &encode(given)?);
    }
    Ok(())
}

/// A row, and what finds it.
pub(super) fn put_row(layer: &mut Layer, row: &TailRow, at: Hlc) -> Result<(), StoreError> {
    let key = Key::of(Table::Rows).account(row.account).dot(row.dot).u16(row.leg);
    layer.put(key, &encode(row)?);
    if row.moves() {
        let history = Key::of(Table::History).uuid(row.account.set.0).newest_first(at);
        layer.put(history.dot(row.dot), &[]);
    }
    // what a manager let pass is as much at risk as what the policy did, and counts against its caps
    if matches!(row.authority, Some(Authority::Offline | Authority::Forced)) {
        let used = Key::of(Table::Offline).account(row.account).u64(row.at.0).dot(row.dot).u16(row.leg);
        layer.put(used, &row.points.0.to_be_bytes());
        let untold = Key::of(Table::Untold).dot(row.dot).u16(row.leg);
        layer.put(untold, &encode(&(row.account.currency, row.points))?);
    }
    Ok(())
}

fn put_kind(layer: &mut Layer, (entry, side): (&Entry, &[u8]), index: &IndexKey) -> Result<(), StoreError> {
    match &entry.kind {
        EntryKind::Sale(sale) => {
            put_receipt(layer, entry, &sale.receipt);
            let earner = match &sale.earner {
                Party::Membership(membership) => Some(membership.0),
                Party::Customer(customer) => Some(customer.0),
                Party::Nobody | Party::Card { .. } => None,
            };
            let redeemers = sale.redemptions.iter().map(|redemption| redemption.membership.0);
            for owner in earner.into_iter().chain(redeemers) {
                put_owner(layer, entry, owner);
            }
        }
        EntryKind::Unlinked(unlinked) => {
            put_receipt(layer, entry, &unlinked.sale.receipt);
            if let Party::Membership(membership) = &unlinked.sale.earner {
                put_owner(layer, entry, membership.0);
            }
        }
        EntryKind::Refund(reversal) | EntryKind::Void(reversal) => put_reversal(layer, entry, reversal),
        EntryKind::Earn(Move { membership, .. })
        | EntryKind::Redeem(Move { membership, .. }, _)
        | EntryKind::Adjust(Move { membership, .. }) => put_owner(layer, entry, membership.0),
        EntryKind::Issue(issue) => put_owner(layer, entry, issue.about.membership.0),
        EntryKind::Transfer(transfer) => {
            put_owner(layer, entry, transfer.from.0);
            put_owner(layer, entry, transfer.to.0);
        }
        EntryKind::Intent(intent) => layer.put(intent_key(intent), &encode(intent)?),
        EntryKind::Release(release) => {
            layer.remove(Key::of(Table::Intents).u128(release.key).account(release.account));
            end_hold(layer, release.account, release.key);
        }
        EntryKind::PaymentHold(placed) => put_hold(layer, entry, placed)?,
        EntryKind::Enrol(enrol) => {
            let keys = Entry::read_side(side).unwrap_or_default();
            let opened = enrol.customer.as_ref().map(|record| {
                let key = keys.iter().find(|(of, _)| *of == record.id);
                record.open(key.map(|(_, key)| key), index)
            });
            put_enrolment(layer, entry, opened.as_ref(), index)?;
        }
        EntryKind::CardReport(report) => {
            layer.put(Key::of(Table::CardReports).code(report.code), &encode(&(report.status, entry.dot))?);
            if let Some(membership) = report.membership {
                put_card(layer, report, membership)?;
            }
        }
        EntryKind::Approval(approval) => {
            layer.put(Key::of(Table::Approvals).uuid(approval.id.0), &encode(approval)?);
        }
        EntryKind::Attribute(attribute) => {
            layer.put(Key::of(Table::References).dot(attribute.of).dot(entry.dot), &[]);
        }
        EntryKind::Open(_)
        | EntryKind::Hold(_)
        | EntryKind::Directory(_)
        | EntryKind::Cut(_)
        | EntryKind::Decision(_)
        | EntryKind::Renew(_)
        | EntryKind::WriteOff(_)
        | EntryKind::Standing(_)
        | EntryKind::Consent(_)
        | EntryKind::Right(_) => {}
    }
    Ok(())
}

fn put_reversal(layer: &mut Layer, entry: &Entry, reversal: &Reversal) {
    put_receipt(layer, entry, &reversal.receipt);
    let key = match reversal.of.dot {
        Some(of) => Key::of(Table::References).dot(of).dot(entry.dot),
        None => receipt_prefix(Table::Blind, reversal.of.outlet, &reversal.of.receipt).dot(entry.dot),
    };
    layer.put(key, &[]);
}

fn put_receipt(layer: &mut Layer, entry: &Entry, receipt: &str) {
    if let Some(outlet) = entry.actor.outlet().filter(|_| !receipt.is_empty()) {
        layer.put(receipt_prefix(Table::Receipts, outlet, receipt).dot(entry.dot), &[]);
    }
}

fn put_owner(layer: &mut Layer, entry: &Entry, owner: Uuid) {
    let key = Key::of(Table::Owned).uuid(owner).newest_first(entry.at).dot(entry.dot);
    layer.put(key, &[]);
}

/// The members that an enrolment makes, a new customer among them; nothing for other entries.
pub(super) fn put_enrolment(
    layer: &mut Layer,
    entry: &Entry,
    customer: Option<&Customer>,
    index: &IndexKey,
) -> Result<(), StoreError> {
    let EntryKind::Enrol(enrol) = &entry.kind else { return Ok(()) };
    let mut row = Vec::new();
    if let Some(customer) = customer {
        packed::customer(customer, &[], &mut row)?;
        layer.put(customer_key(customer.id), &row);
        for key in customer_index(customer, index) {
            layer.put(key, &[]);
        }
    }
    for membership in &enrol.memberships {
        row.clear();
        packed::membership(membership, &mut row)?;
        layer.put(membership_key(membership.id), &row);
        layer.put(membership_index(membership, index), &[]);
        layer.put(membership_of_key(membership), &[]);
        layer.put(Key::of(Table::Enrolled).uuid(membership.set.0), &encode(&entry.at.ms())?);
        if let Some(key) = number_used(membership) {
            layer.put(key, &[]);
        }
    }
    for card in &enrol.cards {
        row.clear();
        packed::card(card, &mut row)?;
        layer.put(card_key(card.code), &row);
    }
    Ok(())
}

/// A card that this till has never seen but by its own signed word: it is one from its report on.
fn put_card(layer: &mut Layer, report: &CardReport, membership: MembershipId) -> Result<(), StoreError> {
    let (tail, mut row) = (report.tail.clone(), Vec::new());
    packed::card(&Card { code: report.code, tail, membership, status: CardStatus::Active }, &mut row)?;
    layer.put(card_key(report.code), &row);
    Ok(())
}

/// The digits that end a membership's number, as `numbers_used` keeps them.
fn number_used(membership: &Membership) -> Option<Key> {
    let digits = membership.number.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let start = digits.rfind(|letter: char| !letter.is_ascii_digit()).map_or(0, |at| at + 1);
    let number: u64 = digits.get(start..)?.parse().ok()?;
    Some(Key::of(Table::NumbersUsed).u16(membership.program.0).u64(number))
}

pub(super) fn intent_key(intent: &Intent) -> Key {
    Key::of(Table::Intents).u128(intent.key).account(intent.account)
}

pub(super) fn receipt_prefix(table: Table, outlet: OutletId, receipt: &str) -> Key {
    let hash = Hash::of(receipt.as_bytes());
    Key::of(table).u32(outlet.0).bytes(&hash.0[..16])
}

fn verification_key(hash: Hash, dot: Dot) -> Key {
    verification_prefix(&chain::verification(hash)).dot(dot)
}

/// A verification code's key, however it is written.
pub(super) fn verification_prefix(code: &str) -> Key {
    let mut letters = [0; 8];
    let given = code.bytes().filter(u8::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase());
    for (to, from) in letters.iter_mut().zip(given) {
        *to = from;
    }
    Key::of(Table::Verifications).bytes(&letters)
}

pub(super) fn dot_bytes(dot: Dot) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&dot.node.0.to_be_bytes());
    bytes[4..].copy_from_slice(&dot.seq.0.to_be_bytes());
    bytes
}
