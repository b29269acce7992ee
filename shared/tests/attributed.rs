//! Sales that waited for a card: whose they become, by which rules, and when they go on waiting.
#![expect(clippy::unwrap_used, reason = "what does not hold here ends the test")]

use std::sync::Arc;

use shared::account::{Account, AccountId};
use shared::books::memory::MemoryBooks;
use shared::books::{Directory as _, Journals as _};
use shared::catalog::{Catalog, Version};
use shared::entry::membership::Attribute;
use shared::entry::{Actor, DirectoryChange, Entry, EntryKind, Line, Party, Sale};
use shared::ids::{
    AccountSetId, Code, CodeHash, CurrencyId, CustomerId, Dot, MembershipId, OutletId, ProgramId, TillId,
};
use shared::member::{
    Card, CardStatus, Customer, CustomerKind, Membership, MembershipKind, MembershipStatus,
};
use shared::money::CurrencyCode;
use shared::post::flow::{self, Desk};
use shared::render::follow;
use shared::time::{Day, Millis};
use uuid::Uuid;

const CATALOG: &str = r#"{
  "outlets": [{"code": "north", "name": "North", "time_zone": "UTC", "currency": "MYR"}],
  "currencies": [{"code": "PTS", "name": "Points"}],
  "programs": [
    {"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
     "levels": [{"code": "member", "name": "Member", "threshold": "0"}]},
    {"code": "vip", "name": "Vip", "time_zone": "UTC", "currencies": ["PTS"],
     "levels": [{"code": "in", "name": "In", "threshold": "0"}]}],
  "earning_rules": [
    {"code": "base", "program": "std", "currency": "PTS", "points": "1", "per": {"amount": "1.00", "currency": "MYR"}},
    {"code": "staff", "program": "std", "currency": "PTS", "points": "100", "each": "visit",
     "when": {"labels": ["staff"]}, "then": [{"label": {"add": ["seen"]}}]},
    {"code": "friend", "program": "std", "currency": "PTS", "points": "1000", "each": "visit",
     "when": {"member_of": [{"program": "vip", "levels": ["in"]}]}, "then": [{"label": {"add": ["friend"]}}]}]}"#;
const CARD: CodeHash = CodeHash([5; 16]);
/// The day of all that happens here.
const DAY: Day = Day(19_675);

fn membership(program: u16) -> Membership {
    Membership {
        id: MembershipId(Uuid::from_u128(u128::from(program))),
        customer: CustomerId(Uuid::from_u128(9)),
        program: ProgramId(program),
        number: format!("M-{program}"),
        set: AccountSetId(Uuid::from_u128(u128::from(program))),
        kind: MembershipKind::Standard,
        status: MembershipStatus::Active,
        level: Code::new(if program == 1 { "member" } else { "in" }).unwrap(),
        enrolled_on: Day(0),
        expires_on: None,
        labels: Vec::new(),
        pool: None,
        attributes: Vec::new(),
        moved_to: None,
        tiers: Vec::new(),
        held: Vec::new(),
        vouchers: Vec::new(),
    }
}

fn customer() -> Customer {
    Customer {
        id: CustomerId(Uuid::from_u128(9)),
        external_id: None,
        display_name: "Aisha".into(),
        kind: CustomerKind::Individual,
        since: Day(0),
        birth: None,
        phone_masked: None,
        email_masked: None,
        phone: None,
        email: None,
        identity: None,
        erased: false,
        opt_outs: Vec::new(),
        merged_into: None,
    }
}

/// A server, under a catalog that a till sold by and one that is today's.
struct Shop {
    books: MemoryBooks,
    sold_by: Arc<Catalog>,
    today: Arc<Catalog>,
    now: Millis,
}

impl Shop {
    fn new(retired: bool) -> Self {
        let mut document: serde_json::Value = serde_json::from_str(CATALOG).unwrap();
        let first = serde_json::from_value(document.clone()).unwrap();
        let (version, sold_by) = Version::default().next(first).unwrap();
        document["programs"][0]["retired"] = retired.into();
        document["programs"][0]["name"] = "Standard again".into();
        let (_, today) = version.next(serde_json::from_value(document).unwrap()).unwrap();
        let mut books = MemoryBooks::new(4);
        let (sold_by, today) = (Arc::new(sold_by), Arc::new(today));
        for catalog in [&sold_by, &today] {
            books.catalogs.insert(catalog.hash, Arc::clone(catalog));
        }
        let mut shop = Self { books, sold_by, today, now: Millis(1_700_000_000_000) };
        shop.put(vec![DirectoryChange::Customer(customer().record(None))]);
        shop
    }

    fn author(&mut self, kind: EntryKind) -> Dot {
        self.now = self.now.after(1_000);
        let desk = Desk::new(self.now, &self.today);
        flow::author(&mut self.books, &desk, flow::own(&desk, kind, Vec::new())).unwrap()
    }

    fn put(&mut self, changes: Vec<DirectoryChange>) {
        self.author(EntryKind::Directory(changes));
    }

    /// A sale of 10.00 on a card that nobody has, by the catalog of then.
    fn sell(&mut self) -> Dot {
        let line = Line {
            sku: "1".into(),
            category: None,
            brand: None,
            seller: None,
            quantity: 1.into(),
            unit_price: 10.into(),
            discount: 0.into(),
            tax: 0.into(),
        };
        let sale = Sale {
            receipt: "R-1".into(),
            occurred_at: None,
            channel: None,
            currency: CurrencyCode::new("MYR").unwrap(),
            lines: vec![line],
            earner: Party::Card { code: CARD, tail: "0001".into(), misread: false },
            level: None,
            repriced: Vec::new(),
            redemptions: Vec::new(),
            held: None,
        };
        let desk = Desk::new(self.now, &self.sold_by);
        let draft = flow::own(&desk, EntryKind::Sale(sale), Vec::new());
        let actor = Actor::Till { outlet: OutletId(1), till: TillId(1), cashier: None };
        let draft = shared::decide::Draft { business_date: DAY, actor, ..draft };
        flow::author(&mut self.books, &desk, draft).unwrap()
    }

    fn give_card(&mut self) {
        let membership = membership(1).id;
        let card = Card { code: CARD, tail: "0001".into(), membership, status: CardStatus::Active };
        self.put(vec![DirectoryChange::Card(card)]);
    }

    fn balance(&self) -> i64 {
        let id = AccountId { set: membership(1).set, currency: CurrencyId(1) };
        self.books.accounts.get(&id).map(Account::base).unwrap_or_default().balance().0
    }

    fn entry(&self, dot: Dot) -> Entry {
        Entry::from_stored(&self.books.stored(dot).unwrap().unwrap().bytes).unwrap()
    }

    /// How a sale was attributed, if it was.
    fn attribution(&self, sale: Dot) -> Option<Attribute> {
        let dot = self.books.sales.get(&sale)?.attributed?;
        let EntryKind::Attribute(attribute) = self.entry(dot).kind else { unreachable!() };
        Some(attribute)
    }
}

#[test]
fn a_membership_that_earns_nothing_is_given_nothing_that_waited() {
    use MembershipStatus::{Active, Expired, Inactive, Pending, Suspended, Terminated};
    let (before, on) = (Some(Day(DAY.0 - 1)), Some(DAY));
    for (status, expires_on, retired, expected) in [
        (Active, None, false, 10),
        (Active, on, false, 10),
        // its end has passed, whether or not that is written down
        (Active, before, false, 0),
        (Active, None, true, 0),
        (Pending, None, false, 0),
        (Inactive, None, false, 0),
        (Suspended, None, false, 0),
        (Expired, before, false, 0),
        (Terminated, None, false, 0),
    ] {
        let what = format!("{status:?}, to {expires_on:?}, retired {retired}");
        let mut shop = Shop::new(retired);
        let sale = shop.sell();
        let own = Membership { status, expires_on, ..membership(1) };
        shop.put(vec![DirectoryChange::Membership(own)]);
        shop.give_card();
        assert_eq!(shop.balance(), expected, "{what}");
        assert_eq!(shop.books.unattributed.contains_key(&sale), expected == 0, "else it waits: {what}");
        // nor by hand
        let desk = Desk::new(shop.now, &shop.today);
        let by_hand = flow::attribute(&mut shop.books, &desk, (sale, membership(1).id), Actor::Server, "");
        assert_eq!(by_hand.unwrap(), None, "{what}");
        assert_eq!(shop.balance(), expected, "{what}");
        // what is active again gets what waited for it, without anybody's hand
        shop.put(vec![DirectoryChange::Membership(membership(1))]);
        assert_eq!(shop.balance(), if retired { 0 } else { 10 }, "active again: {what}");
    }
}

#[test]
fn an_attributed_sale_meets_the_rules_that_ask_about_its_member() {
    let lapsed = Some(Day(DAY.0 - 1));
    for (labels, other, expires_on, points, rules) in [
        (&[][..], false, None, 10, &[][..]),
        (&["staff"], false, None, 110, &["staff"]),
        (&[], true, None, 1_010, &["friend"]),
        (&["staff"], true, None, 1_110, &["staff", "friend"]),
        (&[], true, lapsed, 10, &[]),
    ] {
        let what = format!("{labels:?} {other} {expires_on:?}");
        let mut shop = Shop::new(false);
        let sale = shop.sell();
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        shop.put(vec![DirectoryChange::Membership(Membership { labels, ..membership(1) })]);
        if other {
            shop.put(vec![DirectoryChange::Membership(Membership { expires_on, ..membership(2) })]);
        }
        shop.give_card();
        assert_eq!(shop.balance(), points, "{what}");
        // the same rules do what else they do
        let attribute = shop.attribution(sale).unwrap();
        let entry = shop.entry(sale);
        let EntryKind::Sale(sold) = &entry.kind else { unreachable!() };
        let own = shop.books.membership(membership(1).id).unwrap().unwrap().value;
        let earner = follow::Earner { membership: &own, attributed: Some(&attribute) };
        let met = follow::met(&entry, sold, earner, &shop.sold_by, &[]);
        let met: Vec<&str> = met.iter().map(|rule| rule.code.as_str()).collect();
        assert_eq!(met, rules, "{what}");
        // and none of it once the goods are back
        let back = follow::met(&entry, sold, earner, &shop.sold_by, &[1.into()]);
        assert!(back.is_empty(), "{what}");
    }
}
