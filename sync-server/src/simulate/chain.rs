//! A chain of stores over a year of receipts, in memory, by the real rules: each store's till decides with
//! [`shared::decide`] on what it knows, pushes its journal when it has a line, and the server takes in, posts and settles
//! with the same functions that it runs on its own store.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use shared::account::AccountId;
use shared::books::memory::MemoryBooks;
use shared::books::{Journals as _, NodeRow, SERVER, Told};
use shared::catalog::Catalog;
use shared::decide::{Basket, By, Command, Deed, Grounds, RedeemItem, Selling, decide};
use shared::entry::{Actor, DirectoryChange, EntryKind, Idem, Line};
use shared::ids::{
    AccountSetId, Code, CurrencyId, CustomerId, Dot, MembershipId, NodeId, OutletId, ProgramId, TillId,
};
use shared::intake;
use shared::member::{Customer, CustomerKind, Membership, MembershipKind, MembershipStatus};
use shared::money::CurrencyCode;
use shared::points::Points;
use shared::post::{self, flow};
use shared::settle;
use shared::time::{Day, Millis};
use shared::view::{AccountView, Facts, MemberView, Place};
use uuid::Uuid;

mod ladder;
mod rights;

use super::days::Days;
use super::dial::{Custom, Setting};
use super::outages::{HOUR_MS, Outages};
use super::receipts::{Receipt, Receipts};
use super::tally::Tally;
use super::till::Till;

/// How often tills are heard and the server settles what it can, in ms of the receipts' time.
const ROUND_MS: u64 = 2 * HOUR_MS;
/// Directory changes in one entry.
const CHANGES: usize = 500;

/// Unwraps what books in memory cannot fail with.
pub fn sure<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// The server and its tills.
pub struct Chain<'a> {
    receipts: &'a Receipts,
    outages: Outages,
    custom: Custom,
    catalog: Arc<Catalog>,
    /// The server's books.
    pub books: MemoryBooks,
    /// The program's business days.
    pub days: Days,
    /// What came of it so far.
    pub tally: Tally,
    tills: Vec<Till>,
    members: Vec<MemberView>,
    currency: CurrencyId,
    money: CurrencyCode,
}

/// What happens at a time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Turn {
    /// A store's line is back.
    Back(u32),
    /// A store's line goes.
    Gone(u32),
    /// Tills are heard, and the server settles.
    Round,
    /// A receipt, by its place.
    Sale(usize),
}

/// The member of a household, whose ids are all made of its number.
fn member(program: ProgramId, level: &Code, household: u32) -> MemberView {
    let id = Uuid::from_u128(u128::from(household) + 1);
    MemberView {
        customer: Customer {
            id: CustomerId(id),
            external_id: None,
            display_name: String::new(),
            kind: CustomerKind::Individual,
            since: Day(0),
            birth: None,
            phone_masked: None,
            email_masked: None,
            phone: None,
            email: None,
            identity: None,
            erased: false,
            merged_into: None,
            opt_outs: Vec::new(),
        },
        membership: Membership {
            id: MembershipId(id),
            customer: CustomerId(id),
            program,
            number: household.to_string(),
            set: AccountSetId(id),
            kind: MembershipKind::Standard,
            status: MembershipStatus::Active,
            level: level.clone(),
            enrolled_on: Day(0),
            expires_on: None,
            labels: Vec::new(),
            attributes: Vec::new(),
            moved_to: None,
            tiers: Vec::new(),
            held: Vec::new(),
            vouchers: Vec::new(),
            pool: None,
        },
    }
}

impl<'a> Chain<'a> {
    /// A chain before its first receipt.
    ///
    /// # Errors
    /// The setting is none that a catalog takes.
    pub fn new(
        receipts: &'a Receipts,
        outages: Outages,
        setting: &Setting,
        custom: Custom,
    ) -> Result<Self, String> {
        let catalog = Arc::new(setting.catalog(receipts.stores, &custom)?);
        let program = catalog.program("points").ok_or("the catalog has no program")?;
        let currency = program.currencies.first().copied().ok_or("the program has no currency")?;
        let level = program.levels.first().map(|level| &level.code).ok_or("the program has no level")?;
        let money = catalog.currencies.get(&currency).and_then(|currency| currency.cash_value);
        let money = money.ok_or("the points have no value")?.currency;
        let members: Vec<MemberView> =
            (0..receipts.households).map(|number| member(program.id, level, number)).collect();
        let start = receipts.all.first().map_or(Millis(0), |first| first.at).before(1);
        let mut books = MemoryBooks::new(1);
        books.catalogs.insert(catalog.hash, Arc::clone(&catalog));
        let days = Days::new(program.id, start);
        let mut chain = Self {
            receipts,
            outages,
            custom,
            catalog,
            books,
            days,
            tally: Tally::default(),
            tills: Vec::new(),
            members,
            currency,
            money,
        };
        chain.enrol(start);
        Ok(chain)
    }

    fn enrol(&mut self, now: Millis) {
        let changes: Vec<DirectoryChange> = self
            .members
            .iter()
            .flat_map(|member| {
                let customer = DirectoryChange::Customer(member.customer.record(None));
                [customer, DirectoryChange::Membership(member.membership.clone())]
            })
            .collect();
        for part in changes.chunks(CHANGES) {
            self.author(EntryKind::Directory(part.to_vec()), now);
        }
        for store in 0..self.receipts.stores {
            let node = sure(self.books.next_node());
            let outlet =
                self.catalog.outlet(&format!("store-{store}")).map_or(OutletId(0), |outlet| outlet.id);
            let place = Some((outlet, TillId(store)));
            let told = Some(Told { at: now, seq: shared::ids::Seq(0) });
            let row = NodeRow { place, told, received: now, live: true, ..NodeRow::default() };
            sure(self.books.put_node(node, row));
            self.tills.push(Till::new(node, outlet, TillId(store)));
        }
    }

    fn desk(&self, now: Millis) -> flow::Desk {
        flow::Desk::new(now, &self.catalog)
    }

    fn author(&mut self, kind: EntryKind, now: Millis) -> Dot {
        let desk = self.desk(now);
        sure(flow::author(&mut self.books, &desk, flow::own(&desk, kind, Vec::new())))
    }

    /// Plays all receipts, then lets every till tell everything and settles all of it.
    pub fn play(&mut self) {
        for (now, turn) in self.turns() {
            match turn {
                Turn::Back(store) => self.back(store, now),
                Turn::Gone(store) => self.gone(store, now),
                Turn::Round => self.round(now),
                Turn::Sale(place) => {
                    if let Some(receipt) = self.receipts.all.get(place).copied() {
                        self.serve(&receipt);
                    }
                }
            }
        }
        self.close();
    }

    /// Everything that happens, in the order of time.
    fn turns(&self) -> Vec<(Millis, Turn)> {
        let mut turns: Vec<(Millis, Turn)> = Vec::new();
        let mut known: BTreeMap<u32, Millis> = BTreeMap::new();
        for (place, receipt) in self.receipts.all.iter().enumerate() {
            turns.push((receipt.at, Turn::Sale(place)));
            if known.get(&receipt.store).is_some_and(|back| receipt.at < *back) {
                continue;
            }
            if let Some((gone, back)) = self.outages.outage(receipt.store, receipt.at) {
                known.insert(receipt.store, back);
                turns.push((gone, Turn::Gone(receipt.store)));
                turns.push((back, Turn::Back(receipt.store)));
            }
        }
        let (first, last) = (self.receipts.all.first(), self.receipts.all.last());
        if let (Some(first), Some(last)) = (first, last) {
            let mut at = first.at;
            while at < last.at {
                turns.push((at, Turn::Round));
                at = at.after(ROUND_MS);
            }
        }
        turns.sort();
        turns
    }

    fn account(&self, household: u32) -> AccountId {
        let set = AccountSetId(Uuid::from_u128(u128::from(household) + 1));
        AccountId { set, currency: self.currency }
    }

    /// The household whose account it is.
    fn household(account: AccountId) -> u32 {
        u32::try_from(account.set.0.as_u128().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// An account as a node with a line knows it.
    fn view(&self, account: AccountId, node: NodeId, now: Millis) -> AccountView {
        AccountView::of(sure(post::base_for(&self.books, account, node)).unwrap_or_default(), now)
    }

    fn till(&self, store: u32) -> Option<&Till> {
        self.tills.get(usize::try_from(store).unwrap_or(usize::MAX))
    }

    fn till_mut(&mut self, store: u32) -> Option<&mut Till> {
        self.tills.get_mut(usize::try_from(store).unwrap_or(usize::MAX))
    }

    /// A store's line goes: its till keeps what it pulled last. Of all accounts only those are kept that will ask there
    /// before the line is back.
    fn gone(&mut self, store: u32, now: Millis) {
        let Some((_, back)) = self.outages.outage(store, now) else { return };
        let Some(node) = self.till(store).map(|till| till.node) else { return };
        let all = &self.receipts.all;
        let first = all.partition_point(|receipt| receipt.at < now);
        let here = all.iter().skip(first).take_while(|receipt| receipt.at < back);
        let households: Vec<u32> =
            here.filter(|receipt| receipt.store == store).map(|receipt| receipt.household).collect();
        let views = households.into_iter().map(|household| {
            let account = self.account(household);
            (account, self.view(account, node, now))
        });
        let views = views.collect();
        if let Some(till) = self.till_mut(store) {
            till.lose_line(views);
        }
    }

    /// A store's line is back: its till tells everything, and gives back the rights that are over or asked for.
    fn back(&mut self, store: u32, now: Millis) {
        let desk = self.desk(now);
        if let Some(till) = self.tills.get_mut(usize::try_from(store).unwrap_or(usize::MAX)) {
            till.find_line();
            till.push(&mut self.books, &desk);
        }
        self.tend(now);
    }

    /// Tills with a line are heard, as by their pulls; then the server settles, and closes the days that are over.
    fn round(&mut self, now: Millis) {
        self.tend(now);
        for (store, till) in (0..).zip(&self.tills) {
            if !self.outages.is_out(store, now) {
                sure(intake::told_by_pull(&mut self.books, till.node, till.head, now));
            }
        }
        self.settle(now);
    }

    fn settle(&mut self, now: Millis) {
        let wait = u64::from(self.custom.longest_wait_hours) * HOUR_MS;
        let mark = settle::watermark(&sure(self.books.nodes()), now, wait);
        let desk = self.desk(now);
        sure(flow::settle(&mut self.books, &desk, &mark));
        self.days.close(&self.books, &mark, now);
    }

    /// All lines are back, every till tells everything, twice, so that the watermark passes all of it.
    fn close(&mut self) {
        let end = self.receipts.all.last().map_or(Millis(0), |last| last.at);
        for step in 1..=2 {
            let now = end.after(step * 48 * HOUR_MS);
            for store in 0..self.receipts.stores {
                self.back(store, now);
            }
            for till in &self.tills {
                sure(intake::told_by_pull(&mut self.books, till.node, till.head, now));
            }
            self.settle(now.after(1));
        }
        self.tally.count(&self.books);
    }

    /// One receipt at its till.
    fn serve(&mut self, receipt: &Receipt) {
        let now = receipt.at;
        let up = !self.outages.is_out(receipt.store, now);
        let place = usize::try_from(receipt.store).unwrap_or(usize::MAX);
        let account = self.account(receipt.household);
        let Some(till) = self.tills.get(place) else { return };
        let view = if up { self.view(account, till.node, now) } else { till.view(account) };
        // what is reserved elsewhere is the member's too, and asked for
        let has = view.whole().spendable_if_returned(now.day(chrono_tz::UTC));
        let wants =
            receipt.cents >= self.custom.from_cents && has.0 >= self.custom.block && !view.is_overdrawn();
        let Some(member) = self.members.get(usize::try_from(receipt.household).unwrap_or(usize::MAX)) else {
            return;
        };
        let mut facts = Facts::at(Place { outlet: Some(till.outlet), till: Some(till.id), node: till.node });
        facts.members = vec![member.clone()];
        facts.accounts.insert(account, view);
        if !up {
            facts.offline = till.used(account, now);
        }
        let membership = member.membership.id;
        let draft = if wants {
            self.tally.asked += 1;
            self.tally.asked_offline += u64::from(!up);
            self.redeem(receipt, (&facts, membership), up)
        } else {
            None
        };
        let plain = self.command(receipt, membership, false, Grounds::Offline);
        let draft = match draft {
            Some(draft) => Ok(draft),
            None => decide(&facts, &self.catalog, &plain, now),
        };
        let desk = self.desk(now);
        let (Ok(draft), Some(till)) = (draft, self.tills.get_mut(place)) else { return };
        till.append(draft, now);
        if up {
            till.push(&mut self.books, &desk);
            self.grant(account, now);
        }
    }

    fn command(
        &self,
        receipt: &Receipt,
        membership: MembershipId,
        redeems: bool,
        grounds: Grounds,
    ) -> Command {
        let place = usize::try_from(receipt.store).unwrap_or(usize::MAX);
        let (outlet, till) = self.tills.get(place).map_or((OutletId(0), TillId(0)), |it| (it.outlet, it.id));
        let points = RedeemItem::Points { currency: self.currency, points: Points(self.custom.block) };
        let selling = Selling {
            receipt: receipt.number.to_string(),
            channel: None,
            basket: Basket { currency: self.money, lines: vec![line(receipt.cents)] },
            by: By::Membership(membership),
            also: shared::decide::party::Also::default(),
            earn_membership: None,
            redeem_membership: None,
            redeem: if redeems { vec![points] } else { Vec::new() },
            approval: None,
        };
        Command {
            actor: Actor::Till { outlet, till, cashier: None },
            idem: Some(Idem { key: u128::from(receipt.number), body: 0 }),
            business_date: None,
            occurred_at: None,
            grounds,
            deed: Deed::Sale(selling),
        }
    }

    /// The nodes of the tills, and the server's.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::once(SERVER).chain(self.tills.iter().map(|till| till.node))
    }
}

/// A receipt as one line: points are of the whole basket.
fn line(cents: u64) -> Line {
    let zero = rust_decimal::Decimal::ZERO;
    Line {
        sku: String::new(),
        category: None,
        brand: None,
        seller: None,
        quantity: rust_decimal::Decimal::ONE,
        unit_price: rust_decimal::Decimal::new(i64::try_from(cents).unwrap_or(0), 2),
        discount: zero,
        tax: zero,
    }
}
