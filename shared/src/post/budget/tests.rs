//! Shares of budgets by hand, and the law that what all give never passes the budget, whatever is lost on the way.

use proptest::prelude::*;

use super::*;
use crate::account::AccountId;
use crate::account::tally::Tallied;
use crate::books::memory::MemoryBooks;
use crate::books::{Accounts as _, Journals as _, Mark, Marks as _};
use crate::catalog::Version;
use crate::entry::{Column, Why};
use crate::ids::{AccountSetId, CurrencyId, Hash, TillId};
use crate::time::Day;

fn catalog(budget: i64, outlets: &serde_json::Value) -> Catalog {
    let document = serde_json::json!({
        "currencies": [{"code": "PTS", "name": "Points"}],
        "outlets": [{"code": "kl", "name": "KL", "time_zone": "UTC", "currency": "MYR"}, {"code": "penang", "name": "Penang", "time_zone": "UTC", "currency": "MYR"}],
        "programs": [{"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
            "levels": [{"code": "member", "name": "Member", "threshold": "0"}]}],
        "campaigns": [{"code": "nov", "name": "November", "program": "std", "from": "2026-11-01",
            "until": "2026-11-30", "budget": budget.to_string(), "outlets": outlets}]
    });
    Version::default().next(serde_json::from_value(document).unwrap()).unwrap().1
}

fn nov() -> Code {
    Code::new("nov").unwrap()
}

fn posting(points: i64) -> Posting {
    let account = AccountId { set: AccountSetId(uuid::Uuid::nil()), currency: CurrencyId(1) };
    let tallied = Some(Tallied { day: Day(20_000), under: vec![Counter::Campaign(nov())] });
    let why = Why::default();
    Posting { account, column: Column::Earned, points: Points(points), why, lot: None, tallied }
}

const KL: OutletId = OutletId(1);

/// A till: what it was told, what it gave, and how far it told that.
#[derive(Clone, Debug, Default)]
struct Till {
    node: u32,
    held: Vec<BudgetShare>,
    given: i64,
    pushed: i64,
    entries: u64,
    asked: u64,
}

impl Till {
    fn head(&self) -> Head {
        if self.entries == 0 { Head::default() } else { Head { seq: Seq(self.entries), hash: Hash([7; 32]) } }
    }

    /// What it may still give: what it was told in all, less what it gave.
    fn left(&self) -> i64 {
        self.held.iter().map(|held| held.limit.0 - self.given).sum::<i64>().max(0)
    }

    /// A sale that would give so much.
    fn sells(&mut self, points: i64) -> i64 {
        let given = points.min(self.left());
        self.given += given;
        self.entries += 1;
        given
    }
}

struct Shop {
    books: MemoryBooks,
    catalog: Catalog,
    budget: i64,
    tills: Vec<Till>,
    by_server: i64,
}

impl Shop {
    fn open(budget: i64) -> Self {
        let catalog = catalog(budget, &"all".into());
        Self { books: MemoryBooks::new(1), catalog, budget, tills: Vec::new(), by_server: 0 }
    }

    fn enrol(&mut self, outlet: OutletId) -> usize {
        let node = u32::try_from(self.tills.len()).unwrap() + 2;
        let place = Some((outlet, TillId(node)));
        self.books.put_node(NodeId(node), NodeRow { live: true, place, ..NodeRow::default() }).unwrap();
        self.tills.push(Till { node, ..Till::default() });
        self.tills.len() - 1
    }

    fn push(&mut self, place: usize) {
        let till = &mut self.tills[place];
        let node = NodeId(till.node);
        if till.given > till.pushed {
            given(&mut self.books, node, &posting(till.given - till.pushed)).unwrap();
            till.pushed = till.given;
        }
        let row = self.books.node(node).unwrap().unwrap();
        self.books.put_node(node, NodeRow { head: till.head(), ..row }).unwrap();
        self.books.put_mark(BucketId(0), node, Mark { head: till.head(), ..Mark::default() }).unwrap();
    }

    /// A pull as it is written at the till.
    fn asks(&mut self, place: usize) -> Till {
        self.tills[place].asked += 1;
        self.tills[place].clone()
    }

    /// What the server answers.
    fn answer(&mut self, asked: &Till) -> Vec<BudgetShare> {
        let node = NodeId(asked.node);
        let asking = Asking { node, number: asked.asked, head: asked.head(), held: &asked.held };
        grant(&mut self.books, &self.catalog, &asking).unwrap();
        shares(&self.books, &self.catalog, node).unwrap()
    }

    /// A till with a line: it pushes and pulls until it is told nothing new.
    fn sync(&mut self, place: usize) {
        for _ in 0..2 {
            self.push(place);
            let asked = self.asks(place);
            self.tills[place].held = self.answer(&asked);
        }
    }

    fn sync_all(&mut self, places: &[usize]) {
        for place in places {
            self.sync(*place);
        }
    }

    fn server_left(&self) -> i64 {
        left(&self.books, &self.catalog).unwrap()[&nov()].0
    }

    fn server_sells(&mut self, points: i64) -> i64 {
        let points = points.min(self.server_left());
        if points > 0 {
            given(&mut self.books, SERVER, &posting(points)).unwrap();
        }
        self.by_server += points;
        points
    }

    fn left(&self) -> Vec<i64> {
        self.tills.iter().map(Till::left).collect()
    }

    fn given(&self) -> i64 {
        self.tills.iter().map(|till| till.given).sum::<i64>() + self.by_server
    }
}

#[test]
fn tills_that_come_one_after_the_other_all_have_an_equal_part_at_last() {
    let mut shop = Shop::open(600);
    // each has something at once: half, and then half of what the others leave, and the server the same
    for expected in
        [vec![300], vec![300, 150], vec![300, 150, 75], vec![300, 150, 75, 37], vec![300, 150, 75, 37, 19]]
    {
        let till = shop.enrol(KL);
        shop.sync(till);
        assert_eq!(shop.left(), expected);
    }
    assert_eq!(shop.server_left(), 19);
    // and they give back what is more than a part, as they pull: a sixth each
    for _ in 0..6 {
        for place in 0..5 {
            shop.sync(place);
        }
    }
    assert_eq!((shop.left(), shop.server_left()), (vec![100; 5], 100));
    // the whole budget can be given, by one till while it has a line and the others have nothing to give
    for _ in 0..200 {
        shop.tills[4].sells(50);
        for place in 0..5 {
            shop.sync(place);
        }
    }
    // but for less than a point each, which is the server's
    let rest = shop.server_sells(10);
    assert!(rest <= 5, "{rest}");
    assert_eq!((shop.given(), shop.tills[4].given), (600, 600 - rest));
    assert_eq!((shop.left(), shop.server_left()), (vec![0; 5], 0));
}

#[test]
fn a_till_with_no_line_keeps_what_it_was_told() {
    let mut shop = Shop::open(600);
    let silent = shop.enrol(KL);
    shop.sync(silent);
    let others = [shop.enrol(KL), shop.enrol(KL)];
    for _ in 0..4 {
        shop.sync_all(&others);
    }
    // 300 are the silent one's; the other 300 go in three parts
    assert_eq!((shop.left(), shop.server_left()), (vec![300, 100, 100], 100));
    for _ in 0..100 {
        for place in others {
            shop.tills[place].sells(40);
            shop.sync(place);
        }
    }
    let rest = shop.server_sells(10);
    assert!(rest <= 2, "{rest}");
    assert_eq!((shop.given(), shop.server_left()), (300, 0), "all but what the silent one has");
    assert_eq!(shop.tills[silent].sells(1_000), 300);
    shop.sync(silent);
    assert_eq!(shop.given(), 600);
}

#[test]
fn a_smaller_share_counts_only_once_the_till_tells_that_it_has_it_and_all_is_posted() {
    let mut shop = Shop::open(600);
    let (first, second) = (shop.enrol(KL), shop.enrol(KL));
    // the first pulled when it was the only one
    shop.books.put_budget(&nov(), BudgetRow::default()).unwrap();
    let held = BudgetShare { campaign: nov(), left: Points(300), limit: Points(300) };
    shop.tills[first].held = vec![held];
    // it tells that it has 300: it is told 200, and the 300 still count
    let asked = shop.asks(first);
    let page = shop.answer(&asked);
    assert_eq!((page[0].limit, shop.server_left()), (Points(200), 300));
    // the page is lost: it has the 300 still, sells by them, and asks again before it pushed
    shop.tills[first].sells(250);
    let asked = shop.asks(first);
    let page = shop.answer(&asked);
    assert_eq!((page[0].limit, shop.server_left()), (Points(200), 300));
    // this one is applied; until what it sold is posted it counts as 300
    shop.tills[first].held = page;
    assert_eq!(shop.tills[first].left(), 0);
    let asked = shop.asks(first);
    let _ = shop.answer(&asked);
    assert_eq!(shop.server_left(), 300);
    // 250 are given; of the 350 that are left a third is its own, 116, and 234 are the others'
    shop.sync(first);
    assert_eq!((shop.left()[first], shop.server_left()), (116, 234));
    shop.sync(second);
    assert_eq!((shop.left(), shop.server_left()), (vec![116, 116], 118));
    // an old pull that comes late, from when it had 200 in all, changes nothing
    let before = shop.books.budget(&nov()).unwrap();
    let _ = shop.answer(&Till { asked: 2, ..asked });
    assert_eq!(shop.books.budget(&nov()).unwrap(), before);
}

#[test]
fn a_share_is_for_tills_where_the_campaign_holds() {
    let mut shop = Shop::open(1_000);
    shop.catalog = catalog(1_000, &serde_json::json!(["penang"]));
    let outlet = |code: &str| shop.catalog.outlet(code).unwrap().id;
    let (kl, penang) = (outlet("kl"), outlet("penang"));
    let tills = [shop.enrol(kl), shop.enrol(kl), shop.enrol(kl), shop.enrol(penang)];
    shop.sync_all(&tills);
    assert_eq!((shop.left(), shop.server_left()), (vec![0, 0, 0, 500], 500));
    // where it came to hold in one outlet only, what the others were told comes back as they tell it
    let mut shop = Shop::open(1_000);
    let tills = [shop.enrol(kl), shop.enrol(penang)];
    for _ in 0..3 {
        shop.sync_all(&tills);
    }
    assert_eq!((shop.left(), shop.server_left()), (vec![333, 333], 334));
    shop.catalog = catalog(1_000, &serde_json::json!(["penang"]));
    shop.sync(tills[1]);
    assert_eq!((shop.left(), shop.server_left()), (vec![333, 333], 334));
    shop.sync_all(&tills);
    assert_eq!((shop.left(), shop.server_left()), (vec![0, 500], 500));
}

#[test]
fn a_return_makes_room_again_for_whoever_asks_next_and_a_lost_till_too() {
    let mut shop = Shop::open(100);
    let tills = [shop.enrol(KL), shop.enrol(KL)];
    for _ in 0..3 {
        shop.sync_all(&tills);
    }
    assert_eq!((shop.left(), shop.server_left()), (vec![33, 33], 34));
    assert_eq!((shop.server_sells(50), shop.tills[0].sells(50), shop.tills[1].sells(50)), (34, 33, 33));
    shop.sync_all(&tills);
    assert_eq!(shop.left(), [0, 0]);
    taken_back(&mut shop.books, &posting(30)).unwrap();
    shop.sync(0);
    assert_eq!((shop.left(), shop.server_left()), (vec![10, 0], 20));
    let row = shop.books.node(NodeId(2)).unwrap().unwrap();
    shop.books.put_node(NodeId(2), NodeRow { revoked: true, ..row }).unwrap();
    // 30 in two parts
    shop.sync(1);
    assert_eq!((shop.left()[1], shop.server_left()), (15, 15));
}

#[derive(Clone, Debug)]
enum Deed {
    Enrol,
    Sell(usize, i64),
    Serve(i64),
    Push(usize),
    /// A pull is written; it may come to the server at any time after.
    Ask(usize),
    /// One of the pulls under way comes to the server, and may come again.
    Arrive(usize, bool),
    /// One of the answers under way comes to its till: it counts if it answers the till's last pull.
    Told(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        1 => Just(Deed::Enrol),
        4 => (0..5_usize, 1..120_i64).prop_map(|(till, points)| Deed::Sell(till, points)),
        1 => (1..80_i64).prop_map(Deed::Serve),
        3 => (0..5_usize).prop_map(Deed::Push),
        5 => (0..5_usize).prop_map(Deed::Ask),
        6 => (0..8_usize, any::<bool>()).prop_map(|(which, again)| Deed::Arrive(which, again)),
        6 => (0..8_usize).prop_map(Deed::Told),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// However pulls and answers are lost, late, or come twice: what all give never passes the budget, and once all have
    /// a line, all of it can be given.
    #[test]
    fn a_budget_is_never_overrun_and_can_be_given_whole(deeds in prop::collection::vec(deed(), 0..120)) {
        let mut shop = Shop::open(500);
        let _ = shop.enrol(KL);
        let (mut asked, mut told): (Vec<Till>, Vec<(Till, Vec<BudgetShare>)>) = Default::default();
        for deed in deeds {
            let tills = shop.tills.len();
            match deed {
                Deed::Enrol if tills < 5 => drop(shop.enrol(KL)),
                Deed::Sell(till, points) => drop(shop.tills[till % tills].sells(points)),
                Deed::Serve(points) => drop(shop.server_sells(points)),
                Deed::Push(till) => shop.push(till % tills),
                Deed::Ask(till) => {
                    let pull = shop.asks(till % tills);
                    asked.push(pull);
                }
                Deed::Arrive(which, again) if !asked.is_empty() => {
                    let which = which % asked.len();
                    let pull = if again { asked[which].clone() } else { asked.remove(which) };
                    let page = shop.answer(&pull);
                    told.push((pull, page));
                }
                Deed::Told(which) if !told.is_empty() => {
                    let (pull, page) = told.remove(which % told.len());
                    let place = usize::try_from(pull.node).unwrap() - 2;
                    if shop.tills[place].asked == pull.asked {
                        shop.tills[place].held = page;
                    }
                }
                Deed::Enrol | Deed::Arrive(..) | Deed::Told(_) => {}
            }
            prop_assert!(shop.given() <= shop.budget, "{} of {}", shop.given(), shop.budget);
        }
        for _ in 0..120 {
            for place in 0..shop.tills.len() {
                shop.sync(place);
            }
            shop.tills[0].sells(100);
            prop_assert!(shop.given() <= shop.budget);
        }
        let _ = shop.server_sells(10);
        prop_assert_eq!(shop.given(), shop.budget, "{:?}", shop.left());
    }
}
