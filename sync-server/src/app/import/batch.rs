//! A batch of rows in one transaction: what is new becomes directory entries and opening balances.

use std::collections::{BTreeMap, BTreeSet};

use shared::account::{AccountId, LotTerms};
use shared::decide::enrol::check_financial;
use shared::entry::{Actor, Column, DirectoryChange, EntryKind, Move, Posting, Why};
use shared::ids::{CodeHash, CurrencyId, CustomerId, MembershipId, ProgramId};
use shared::member::{self, Card, CardStatus, CustomerKey, Membership, MembershipStatus};
use shared::points::Points;
use shared::post::flow::{self, Desk};
use shared::time::Millis;

use super::Row;
use super::row::NewCard;
use crate::app::sync::desk;
use crate::app::{Done, catalog, duplicates, members, numbers};
use crate::clock;
use crate::store::Write;

/// Rows in one entry: some 600 bytes each, far below the longest entry.
const ENTRY_ROWS: usize = 200;
/// What a statement says of an opening balance.
const OPENING: &str = "Opening balance";

/// What became of a batch.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) added: u64,
    pub(super) known: u64,
    pub(super) bad: Vec<(u64, String)>,
}

/// What earlier rows of this batch made, not written yet.
#[derive(Default)]
struct Fresh {
    customers: BTreeMap<String, CustomerId>,
    memberships: BTreeMap<(CustomerId, ProgramId), Membership>,
    numbers: BTreeMap<(ProgramId, String), CustomerId>,
    cards: BTreeMap<CodeHash, MembershipId>,
    scanned_numbers: BTreeMap<CodeHash, MembershipId>,
    balances: BTreeSet<AccountId>,
}

impl Fresh {
    /// Whether a code is a card or a number here.
    fn has(&self, code: CodeHash) -> bool {
        self.cards.contains_key(&code) || self.scanned_numbers.contains_key(&code)
    }
}

/// Entries in the making.
#[derive(Default)]
struct Page {
    changes: Vec<DirectoryChange>,
    keys: Vec<(CustomerId, CustomerKey)>,
    balances: Vec<(MembershipId, AccountId, Points)>,
}

/// Puts a batch of rows.
pub(super) fn put(books: &mut dyn Write, rows: &[Row], now: Millis) -> Done<Outcome> {
    let mut outcome = Outcome::default();
    let mut fresh = Fresh::default();
    let desk = desk(books, now)?;
    for rows in rows.chunks(ENTRY_ROWS) {
        let mut page = Page::default();
        for row in rows {
            match place(books, row, &mut fresh, &mut page)? {
                Ok(true) => outcome.added += 1,
                Ok(false) => outcome.known += 1,
                Err(why) => outcome.bad.push((row.line, why)),
            }
        }
        write(books, &desk, page)?;
    }
    Ok(outcome)
}

/// Works one row out: `true` where it adds anything.
fn place(books: &mut dyn Write, row: &Row, fresh: &mut Fresh, page: &mut Page) -> Done<Result<bool, String>> {
    let known = match find_customer(books, row, fresh)? {
        Ok(known) => known,
        Err(why) => return Ok(Err(why)),
    };
    let customer = known.unwrap_or(row.customer.id);
    let held = find_membership(books, customer, row, fresh)?;
    let membership = held.as_ref().map_or(row.membership.id, |held| held.id);
    if let Err(why) = check(books, row, customer, membership, fresh)? {
        return Ok(Err(why));
    }
    let mut added = false;
    if known.is_none() {
        page.changes.push(DirectoryChange::Customer(row.customer.record(Some(row.personal.clone()))));
        page.keys.push((customer, row.key.clone()));
        added = true;
    } else {
        added |= refresh(books, customer, row, page)?;
    }
    if let Some(external) = &row.customer.external_id {
        fresh.customers.insert(external.clone(), customer);
    }
    let membership = if let Some(held) = held {
        held
    } else {
        added = true;
        new_membership(books, row, customer, fresh, page)?
    };
    added |= put_card(books, row, membership.id, fresh, page)?;
    added |= put_balance(books, row, &membership, fresh, page)?;
    Ok(Ok(added))
}

/// What another system keeps of a known customer's money is what it says now; a field that the row does not fill stays.
fn refresh(books: &dyn Write, customer: CustomerId, row: &Row, page: &mut Page) -> Done<bool> {
    let (Some(known), Some(key)) = (books.customer(customer)?, books.customer_key(customer)?) else {
        return Ok(false);
    };
    let Some(mut personal) = members::personal(books.as_read(), customer)? else { return Ok(false) };
    let before = personal.financial.clone();
    personal.financial.extend(row.financial.clone());
    if personal.financial == before || check_financial(&personal.financial).is_err() {
        return Ok(false);
    }
    let sealed = member::seal(&personal, customer, &key, clock::random());
    page.changes.push(DirectoryChange::Customer(known.value.record(Some(sealed))));
    page.keys.push((customer, key));
    Ok(true)
}

/// Whose row it is, where they are known; why it cannot be told, where several may be meant.
fn find_customer(books: &dyn Write, row: &Row, fresh: &Fresh) -> Done<Result<Option<CustomerId>, String>> {
    if let Some(external) = &row.customer.external_id {
        if let Some(known) = fresh.customers.get(external) {
            return Ok(Ok(Some(*known)));
        }
        let mut found = Vec::new();
        for id in books.customers_external(external)? {
            found.push(duplicates::now_is(books.as_read(), id)?);
        }
        found.sort_unstable();
        found.dedup();
        if found.len() > 1 {
            return Ok(Err(format!("external_id: several customers have `{external}`; merge them first.")));
        }
        return Ok(Ok(found.pop()));
    }
    // without a number of another system, whoever has the member number is meant
    let number = &row.membership.number;
    if number.is_empty() {
        return Ok(Ok(None));
    }
    let same = |it: &Membership| it.program == row.membership.program;
    let holder = books.memberships_numbered(number)?.into_iter().find(same).map(|it| it.customer);
    Ok(Ok(holder.or_else(|| fresh.numbers.get(&(row.membership.program, number.clone())).copied())))
}

fn find_membership(
    books: &dyn Write,
    customer: CustomerId,
    row: &Row,
    fresh: &Fresh,
) -> Done<Option<Membership>> {
    let program = row.membership.program;
    if let Some(held) = fresh.memberships.get(&(customer, program)) {
        return Ok(Some(held.clone()));
    }
    let live = |it: &Membership| it.program == program && it.status != MembershipStatus::Terminated;
    Ok(books.memberships_of(customer)?.into_iter().find(live))
}

/// What a row may not take from others.
fn check(
    books: &dyn Write,
    row: &Row,
    customer: CustomerId,
    membership: MembershipId,
    fresh: &Fresh,
) -> Done<Result<(), String>> {
    let number = &row.membership.number;
    let program = row.membership.program;
    if !number.is_empty() {
        let held = books.memberships_numbered(number)?.into_iter().find(|it| it.program == program);
        let holder = held.map(|it| it.customer).or(fresh.numbers.get(&(program, number.clone())).copied());
        if holder.is_some_and(|holder| holder != customer) {
            return Ok(Err(format!("member number `{number}` of `{}` is somebody else's", row.program)));
        }
    }
    check_codes(books, row, membership, fresh)
}

/// What is scanned means one membership: a card is nobody else's, nor their number, and a number is nobody else's card.
fn check_codes(
    books: &dyn Write,
    row: &Row,
    membership: MembershipId,
    fresh: &Fresh,
) -> Done<Result<(), String>> {
    let other = |whose: Option<MembershipId>| whose.is_some_and(|whose| whose != membership);
    let card_of = |code: CodeHash| -> Done<Option<MembershipId>> {
        let held = books.card(code)?.map(|card| card.value.membership);
        Ok(held.or_else(|| fresh.cards.get(&code).copied()))
    };
    let number = &row.membership.number;
    if !number.is_empty() && other(card_of(books.number_hash(number)?)?) {
        return Ok(Err(format!("member number `{number}` is the card of another membership")));
    }
    let Some(NewCard { code, text, tail }) = &row.card else { return Ok(Ok(())) };
    if other(card_of(*code)?) {
        return Ok(Err(format!("the card …{tail} belongs to another membership")));
    }
    let numbered = books.numbered(*code)?;
    let to_give = numbered.is_empty() && numbers::is_kept(books.as_read(), text)?;
    let another = !numbered.is_empty() && !numbered.contains(&membership);
    if to_give || another || other(fresh.scanned_numbers.get(code).copied()) {
        return Ok(Err(format!("the card …{tail} is the member number of another membership")));
    }
    Ok(Ok(()))
}

fn new_membership(
    books: &mut dyn Write,
    row: &Row,
    customer: CustomerId,
    fresh: &mut Fresh,
    page: &mut Page,
) -> Done<Membership> {
    let program = row.membership.program;
    let mut membership = Membership { customer, ..row.membership.clone() };
    if membership.number.is_empty() {
        membership.number = numbers::next(books, |code| fresh.has(code))?;
    }
    fresh.scanned_numbers.insert(books.number_hash(&membership.number)?, membership.id);
    fresh.numbers.insert((program, membership.number.clone()), customer);
    fresh.memberships.insert((customer, program), membership.clone());
    page.changes.push(DirectoryChange::Membership(membership.clone()));
    Ok(membership)
}

fn put_card(
    books: &dyn Write,
    row: &Row,
    membership: MembershipId,
    fresh: &mut Fresh,
    page: &mut Page,
) -> Done<bool> {
    let Some(NewCard { code, tail, .. }) = &row.card else { return Ok(false) };
    if books.card(*code)?.is_some() || fresh.cards.insert(*code, membership).is_some() {
        return Ok(false);
    }
    let card = Card { code: *code, tail: tail.clone(), membership, status: CardStatus::Active };
    page.changes.push(DirectoryChange::Card(card));
    Ok(true)
}

/// An opening balance is put once: an account that was ever posted to has had its own.
fn put_balance(
    books: &dyn Write,
    row: &Row,
    membership: &Membership,
    fresh: &mut Fresh,
    page: &mut Page,
) -> Done<bool> {
    let Some((currency, points)) = row.balance.filter(|(_, points)| points.is_positive()) else {
        return Ok(false);
    };
    let account = membership.account(currency, &*super::super::catalog::latest(books)?);
    if books.account(account)?.is_some() || !fresh.balances.insert(account) {
        return Ok(false);
    }
    page.balances.push((membership.id, account, points));
    Ok(true)
}

/// Writes a page as two entries: the directory's, then the balances'.
fn write(books: &mut dyn Write, desk: &Desk, page: Page) -> Done<()> {
    let actor = Actor::Office { name: "import".to_owned(), outlet: None };
    if !page.changes.is_empty() {
        let mut draft = flow::own(desk, EntryKind::Directory(page.changes), Vec::new());
        draft.actor = actor.clone();
        draft.keys = page.keys;
        books.author(desk, draft)?;
    }
    let Some((membership, ..)) = page.balances.first() else { return Ok(()) };
    let catalog = catalog::latest(books)?;
    let day = desk.today();
    let terms = |currency: CurrencyId| {
        let known = catalog.currencies.get(&currency);
        known.map_or(LotTerms::plain(None), |currency| currency.given(day, None))
    };
    // one entry for many accounts: it names the first, its postings name each
    let kind =
        EntryKind::Adjust(Move { membership: *membership, reason: OPENING.to_owned(), reference: None });
    let postings = page.balances.iter().map(|(_, account, points)| Posting {
        account: *account,
        column: Column::AdjustedUp,
        points: *points,
        why: Why { rule: None, text: OPENING.to_owned(), lines: Vec::new(), campaign: None },
        lot: Some(terms(account.currency)),
        tallied: None,
    });
    let mut draft = flow::own(desk, kind, postings.collect());
    draft.actor = actor;
    books.author(desk, draft)?;
    Ok(())
}
