//! Rewards and vouchers in a sale, by themselves and given back, each figure worked out by hand.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::super::reward::Buying;
use super::super::{BackLine, Deed, Draft, Grounds, RedeemItem, Returning, decide, intents};
use super::stage::*;
use crate::account::{AccountId, Base};
use crate::catalog::Catalog;
use crate::entry::reward::{Gave, Got, vouchers_of};
use crate::entry::{Authority, Column, EntryKind, Line, Sale};
use crate::ids::Code;
use crate::points::Points;
use crate::refusal::Refusal;
use crate::view::{AccountView, Facts};
use crate::voucher::{USES, Voucher};

fn catalog() -> Catalog {
    let mut doc = document();
    doc["rewards"] = serde_json::json!([
        {"code": "five", "name": "Five off", "program": "std", "points": "450",
         "gives": {"off": {"value": {"amount": "5.00", "currency": "MYR"}}}},
        {"code": "tenth", "name": "A tenth off", "program": "std", "points": "300",
         "gives": {"off": {"percent": {"percent": "10", "most": {"amount": "2.00", "currency": "MYR"}}}}},
        {"code": "mug", "name": "A mug", "program": "std", "points": "400", "gives": {"off": {"item": ["mug"]}}},
        {"code": "later", "name": "Five off later", "program": "std", "points": "400",
         "gives": {"voucher": {"off": {"value": {"amount": "5.00", "currency": "MYR"}}, "days": 30}}},
        {"code": "coffee", "name": "Coffee card", "program": "std",
         "gives": {"voucher": {"off": {"item": ["coffee"]}, "uses": 3, "days": 90}}},
        {"code": "miles", "name": "Miles", "program": "std", "points": "1000",
         "gives": {"partner": {"partner": "skyways", "units": "250", "unit": "miles"}}},
        {"code": "trees", "name": "A tree", "program": "std", "points": "100", "gives": {"donation": {"cause": "Forests"}}},
        {"code": "platinum", "name": "For others", "program": "std", "points": "100",
         "when": {"levels": ["member"]}, "gives": {"donation": {"cause": "Forests"}}},
    ]);
    crate::catalog::Version::default().next(serde_json::from_value(doc).unwrap()).unwrap().1
}

fn reward(code: &str, quantity: &str) -> RedeemItem {
    RedeemItem::Reward { reward: Code::new(code).unwrap(), quantity: money(quantity) }
}

fn item(sku: &str, quantity: &str, price: &str) -> Line {
    Line { sku: sku.into(), ..line(quantity, price) }
}

fn sold(
    facts: &Facts,
    lines: Vec<Line>,
    redeem: Vec<RedeemItem>,
    grounds: Grounds,
) -> Result<Draft, Refusal> {
    let mut selling = selling(lines, &[]);
    selling.redeem = redeem;
    decide(facts, &catalog(), &command(grounds, Deed::Sale(selling)), now())
}

fn sale(draft: &Draft) -> &Sale {
    let EntryKind::Sale(sale) = &draft.kind else { panic!("a sale") };
    sale
}

fn payable(draft: &Draft) -> Decimal {
    crate::basket::payable(sale(draft))
}

fn sum(draft: &Draft, column: Column) -> i64 {
    let of =
        draft.postings.iter().filter(|posting| posting.column == column && posting.account.currency == PTS);
    of.map(|posting| posting.points.0).sum()
}

/// A member who was given a voucher of a reward, all of whose uses but `used` are left.
fn with_voucher(balance: i64, code: &str, used: i64) -> (Facts, Voucher) {
    let catalog = catalog();
    let mut facts = facts(balance);
    let program = catalog.program("std").unwrap();
    let reward = program.rewards.iter().find(|reward| reward.code.as_str() == code).unwrap();
    let id = uuid::Uuid::from_u128(0x77);
    let today = now().day(program.zone);
    let voucher = Voucher::new(reward, program.id, crate::decide::tests::stage::id(1), id, today).unwrap();
    let mut view = AccountView::of(Base::default(), now());
    view.base.lots.credit(voucher.terms(), Points(i64::from(voucher.uses)));
    view.base.lots.spent = Points(used);
    facts.accounts.insert(voucher.account(), view);
    facts.members[0].membership.vouchers.push(voucher.clone());
    (facts, voucher)
}

/// What rewards do to a sale: points, what is left to pay, earned.
#[test]
fn rewards_make_a_sale_cheaper() {
    let two = || vec![item("8801", "2", "10.00"), item("mug", "1", "8.00")];
    for (balance, redeem, expected) in [
        (500, vec![reward("five", "1")], Ok((450, "23.00", 46))),
        (900, vec![reward("five", "2")], Ok((900, "18.00", 36))),
        // a tenth of 28.00 is 2.80; at most 2.00
        (300, vec![reward("tenth", "1")], Ok((300, "26.00", 52))),
        (400, vec![reward("mug", "1")], Ok((400, "20.00", 40))),
        // the mug first, then a tenth of the 20.00 that are left
        (700, vec![reward("mug", "1"), reward("tenth", "1")], Ok((700, "18.00", 36))),
        // and points pay of what is left then: 18.00, of which 1,800
        (
            2_600,
            vec![
                RedeemItem::Points { currency: PTS, points: Points(1_800) },
                reward("mug", "1"),
                reward("tenth", "1"),
            ],
            Ok((2_500, "0.00", 0)),
        ),
        (400, vec![reward("later", "1")], Ok((400, "28.00", 56))),
        (1_000, vec![reward("miles", "1")], Ok((1_000, "28.00", 56))),
        (449, vec![reward("five", "1")], Err("insufficient_points")),
        (899, vec![reward("five", "2")], Err("insufficient_points")),
        // one mug only
        (900, vec![reward("mug", "2")], Err("reward_unavailable")),
        (900, vec![reward("none", "1")], Err("reward_unavailable")),
        (900, vec![reward("platinum", "1")], Err("reward_unavailable")),
        (900, vec![reward("coffee", "1")], Err("reward_unavailable")),
        (900, vec![reward("five", "0.5")], Err("invalid_amount")),
        (900, vec![reward("five", "0")], Err("invalid_amount")),
    ] {
        let draft = sold(&facts(balance), two(), redeem.clone(), Grounds::Offline);
        let got = draft
            .as_ref()
            .map_err(Refusal::code)
            .map(|draft| (sum(draft, Column::Redeemed), payable(draft), sum(draft, Column::Earned)));
        let expected = expected.map(|(points, payable, earned)| (points, money(payable), earned));
        assert_eq!(got, expected, "{balance} {redeem:?}");
    }
}

/// Rewards and vouchers for several things of one line: points, what is left to pay.
#[test]
fn each_thing_of_a_line_is_taken_once_at_its_own_price() {
    let (facts, voucher) = with_voucher(5_000, "coffee", 0);
    let cup = || RedeemItem::Voucher(voucher.number());
    for (lines, redeem, expected) in [
        (vec![item("mug", "2", "8.00")], vec![reward("mug", "2")], Ok((800, "0.00"))),
        (vec![item("mug", "2", "8.00")], vec![reward("mug", "1"), reward("mug", "1")], Ok((800, "0.00"))),
        // three of four at 8.00
        (vec![item("mug", "4", "8.00")], vec![reward("mug", "3")], Ok((1_200, "8.00"))),
        // the two dear ones
        (
            vec![item("mug", "1", "3.00"), item("mug", "2", "8.00")],
            vec![reward("mug", "2")],
            Ok((800, "3.00")),
        ),
        (vec![item("mug", "2", "8.00")], vec![reward("mug", "3")], Err("reward_unavailable")),
        (vec![item("mug", "0.5", "8.00")], vec![reward("mug", "1")], Err("reward_unavailable")),
        (vec![item("mug", "2.5", "8.00")], vec![reward("mug", "2")], Ok((800, "4.00"))),
        (vec![item("mug", "2.5", "8.00")], vec![reward("mug", "3")], Err("reward_unavailable")),
        // a tenth of 16.00, at most 2.00, is 1.60; a mug still 8.00, and the last one what is left, 6.40
        (vec![item("mug", "2", "8.00")], vec![reward("tenth", "1"), reward("mug", "1")], Ok((700, "6.40"))),
        (vec![item("mug", "2", "8.00")], vec![reward("tenth", "1"), reward("mug", "2")], Ok((1_100, "0.00"))),
        // uses of a voucher alike
        (vec![item("coffee", "3", "4.50")], vec![cup(), cup()], Ok((0, "4.50"))),
        (vec![item("coffee", "3", "4.50")], vec![cup(), cup(), cup()], Ok((0, "0.00"))),
        (vec![item("coffee", "1", "4.50")], vec![cup(), cup()], Err("reward_unavailable")),
    ] {
        let draft = sold(&facts, lines.clone(), redeem.clone(), Grounds::Offline);
        let got = draft.as_ref().map_err(Refusal::code);
        let got = got.map(|draft| (sum(draft, Column::Redeemed), payable(draft)));
        assert_eq!(got, expected.map(|(points, left)| (points, money(left))), "{lines:?} {redeem:?}");
    }
    let refusal =
        sold(&facts, vec![item("mug", "2", "8.00")], vec![reward("mug", "3")], Grounds::Offline).unwrap_err();
    assert_eq!(refusal.detail, "`mug` (one of mug for nothing) fits here 2 of 3 times.");
}

#[test]
fn things_of_a_line_bring_their_points_back_one_by_one() {
    let draft =
        sold(&facts(2_000), vec![item("mug", "4", "8.00")], vec![reward("mug", "3")], Grounds::Offline)
            .unwrap();
    let mut facts = facts(0);
    facts.sale = Some(known(draft));
    // 1,200 points over four mugs, of which 8.00 were paid
    for (quantity, back) in [("1", 300), ("3", 900), ("4", 1_200)] {
        let lines = vec![BackLine { line: 0, quantity: Some(money(quantity)) }];
        let returning = Returning { receipt: "B-1".into(), lines, reason: None };
        let command = command(Grounds::Offline, Deed::Refund(returning));
        let draft = decide(&facts, &catalog(), &command, now()).unwrap();
        assert_eq!(sum(&draft, Column::RedeemReversed), back, "{quantity}");
    }
}

#[test]
fn a_reward_outside_a_sale_gives_vouchers_units_or_a_gift() {
    let bought = |code: &str, quantity: &str| {
        let buying = Buying {
            membership: id(1),
            reward: Code::new(code).unwrap(),
            quantity: money(quantity),
            reference: Some("WEB-1".into()),
        };
        decide(&facts(2_000), &catalog(), &command(Grounds::Books, Deed::Buy(buying)), now())
    };
    let draft = bought("later", "2").unwrap();
    assert_eq!(moved(&draft), [(Column::Redeemed, 800), (Column::Earned, 1), (Column::Earned, 1)]);
    let vouchers = vouchers_of(&draft.kind);
    assert_eq!(vouchers.len(), 2);
    assert_ne!(vouchers[0].id, vouchers[1].id);
    assert_eq!((vouchers[0].uses, vouchers[0].until.0 - vouchers[0].from.0), (1, 30));
    assert!(draft.postings[1..].iter().all(|posting| posting.account.currency == USES));
    // a repeat gives the same vouchers
    assert_eq!(vouchers_of(&bought("later", "2").unwrap().kind), vouchers);
    let gave = |draft: &Draft| {
        let EntryKind::Redeem(_, redemption) = &draft.kind else { panic!("a redemption") };
        let Some(Got::Reward(bought)) = &redemption.got else { panic!("a reward") };
        bought.gave.clone()
    };
    let units =
        Gave::Partner { partner: Code::new("skyways").unwrap(), units: money("500"), unit: "miles".into() };
    assert_eq!(gave(&bought("miles", "2").unwrap()), units);
    assert_eq!(gave(&bought("trees", "3").unwrap()), Gave::Donation { cause: "Forests".into() });
    assert_eq!(bought("five", "1").unwrap_err().code(), "reward_unavailable");
    assert_eq!(bought("miles", "3").unwrap_err().code(), "insufficient_points");
}

#[test]
fn the_server_is_asked_for_a_vouchers_use_as_for_points() {
    let (facts, voucher) = with_voucher(500, "coffee", 0);
    let mut selling = selling(vec![item("coffee", "1", "4.00"), item("8801", "1", "10.00")], &[]);
    selling.redeem = vec![RedeemItem::Voucher(voucher.number()), reward("five", "1")];
    let asked = command(Grounds::Offline, Deed::Sale(selling));
    let wanted = intents(&facts, &catalog(), &asked, now()).unwrap();
    let wanted: Vec<_> = wanted.into_iter().map(|intent| (intent.account, intent.points.0)).collect();
    let mut expected = vec![(account(1), 450), (voucher.account(), 1)];
    expected.sort();
    assert_eq!(wanted, expected);
}

/// Voucher, uses spent, what is sold -> authority and what is left to pay, or the refusal.
#[test]
fn a_voucher_is_used_as_often_as_its_terms_say() {
    let coffee = || vec![item("coffee", "1", "4.00"), item("8801", "1", "10.00")];
    let tea = || vec![item("8801", "1", "10.00")];
    let held = |voucher: &Voucher, points: i64| Grounds::Held(vec![(voucher.account(), Points(points))]);
    let (facts, known) = with_voucher(0, "coffee", 2);
    let number = || RedeemItem::Voucher(known.number());
    for (grounds, lines, redeem, expected) in [
        (Grounds::Offline, coffee(), vec![number()], Ok((Authority::Offline, "10.00"))),
        (Grounds::Books, coffee(), vec![number()], Ok((Authority::Online, "10.00"))),
        (held(&known, 1), coffee(), vec![number()], Ok((Authority::Online, "10.00"))),
        // one is left, two are asked for
        (Grounds::Books, vec![item("coffee", "2", "4.00")], vec![number(), number()], Err("voucher_used")),
        (Grounds::Books, tea(), vec![number()], Err("reward_unavailable")),
        (
            Grounds::Books,
            coffee(),
            vec![RedeemItem::Voucher("V-000000000000".into())],
            Err("voucher_unknown"),
        ),
        (Grounds::Books, coffee(), vec![RedeemItem::Voucher("TKV1.xyz".into())], Err("voucher_unknown")),
    ] {
        let draft = sold(&facts, lines, redeem.clone(), grounds);
        let got = draft
            .as_ref()
            .map_err(Refusal::code)
            .map(|draft| (sale(draft).redemptions[0].authority, payable(draft)));
        assert_eq!(got, expected.map(|(authority, payable)| (authority, money(payable))), "{redeem:?}");
    }
    let (spent, known) = with_voucher(0, "coffee", 3);
    let used =
        sold(&spent, coffee(), vec![RedeemItem::Voucher(known.number())], Grounds::Offline).unwrap_err();
    assert_eq!(used.code(), "voucher_used");
    let (mut late, known) = with_voucher(0, "coffee", 0);
    late.members[0].membership.vouchers[0].until.0 -= 91;
    let late =
        sold(&late, coffee(), vec![RedeemItem::Voucher(known.number())], Grounds::Offline).unwrap_err();
    assert_eq!(late.code(), "voucher_expired");
}

#[test]
fn a_signed_code_is_enough_where_nothing_else_is_known() {
    let (with, voucher) = with_voucher(0, "coffee", 0);
    let mut facts = Facts::at(with.place);
    facts.vouchers = vec![("TKV1.code".into(), voucher.clone())];
    let mut selling = selling(vec![item("coffee", "1", "4.00"), item("8801", "1", "10.00")], &[]);
    selling.by = super::super::By::Nobody;
    selling.redeem = vec![RedeemItem::Voucher("TKV1.code".into())];
    let asked = |facts: &Facts, catalog: &Catalog| {
        decide(facts, catalog, &command(Grounds::Offline, Deed::Sale(selling.clone())), now())
    };
    let draft = asked(&facts, &catalog()).unwrap();
    assert_eq!(moved(&draft), [(Column::Redeemed, 1)]);
    assert_eq!((payable(&draft), sale(&draft).redemptions[0].seen), (money("10.00"), Points(3)));
    // what this till saw of it counts
    let mut seen = AccountView::default();
    for posting in &draft.postings {
        seen.add_posting(posting, draft.business_date);
        seen.add_posting(posting, draft.business_date);
    }
    facts.accounts.insert(voucher.account(), seen.clone());
    assert_eq!(sale(&asked(&facts, &catalog()).unwrap()).redemptions[0].seen, Points(1));
    seen.add_posting(&draft.postings[0], draft.business_date);
    facts.accounts.insert(voucher.account(), seen);
    assert_eq!(asked(&facts, &catalog()).unwrap_err().code(), "voucher_used");
    // a program that lets nothing through without a line
    let mut doc = serde_json::to_value(&catalog().version.document).unwrap();
    doc["programs"][0]["offline"]["mode"] = "refuse".into();
    let strict = crate::catalog::Version::default().next(serde_json::from_value(doc).unwrap()).unwrap().1;
    facts.accounts.clear();
    assert_eq!(asked(&facts, &strict).unwrap_err().code(), "offline_refused");
}

#[test]
fn a_voucher_comes_back_with_the_whole_receipt_and_a_rewards_points_line_by_line() {
    let (mut facts, voucher) = with_voucher(450, "coffee", 0);
    let lines = vec![item("coffee", "1", "4.00"), item("8801", "2", "10.00")];
    let redeem = vec![RedeemItem::Voucher(voucher.number()), reward("five", "1")];
    let draft = sold(&facts, lines, redeem, Grounds::Offline).unwrap();
    // 24.00 − 4.00 − 5.00
    assert_eq!(payable(&draft), money("15.00"));
    let mut known = known(draft);
    let back = |facts: &Facts, line: u16, quantity: &str| {
        let lines = vec![BackLine { line, quantity: Some(money(quantity)) }];
        let returning = Returning { receipt: "B".into(), lines, reason: None };
        moved(&decide(facts, &catalog(), &command(Grounds::Offline, Deed::Refund(returning)), now()).unwrap())
    };
    facts.sale = Some(known.clone());
    // the coffee cost nothing, and the reward took nothing off it
    assert_eq!(back(&facts, 0, "1"), []);
    assert_eq!(back(&facts, 1, "1"), [(Column::EarnReversed, 15), (Column::RedeemReversed, 225)]);
    known.returned.insert(1, money("2"));
    facts.sale = Some(known.clone());
    assert_eq!(
        back(&facts, 0, "1"),
        [(Column::RedeemReversed, 1)],
        "all of it is back now, and so is the use"
    );
    let void = Returning { receipt: String::new(), lines: Vec::new(), reason: None };
    let void = decide(&facts, &catalog(), &command(Grounds::Offline, Deed::Void(void)), now()).unwrap();
    assert_eq!(moved(&void), [(Column::RedeemReversed, 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Rounding makes and loses no point: what is redeemed is split over the lines to the last one, and returning
    /// everything, in whatever portions, gives back everything that was redeemed and takes back all that was earned.
    #[test]
    fn returning_everything_gives_back_everything(
        lines in prop::collection::vec((1_i64..=5, 1_i64..=3_000, 0_usize..3), 1..6),
        picks in prop::collection::vec(0_usize..5, 0..4),
        order in prop::collection::vec(0_usize..64, 0..24),
    ) {
        let skus = ["8801", "mug", "coffee"];
        let lines: Vec<Line> = lines.iter().map(|(quantity, cents, sku)| {
            Line { quantity: Decimal::from(*quantity), unit_price: Decimal::new(*cents, 2), ..item(skus[*sku], "1", "1.00") }
        }).collect();
        let (facts, voucher) = with_voucher(100_000, "coffee", 0);
        let redeem: Vec<RedeemItem> = picks.iter().map(|pick| match pick {
            0 => reward("five", "1"),
            1 => reward("tenth", "1"),
            2 => reward("mug", "1"),
            3 => RedeemItem::Voucher(voucher.number()),
            _ => RedeemItem::Points { currency: PTS, points: Points(100) },
        }).collect();
        let Ok(draft) = sold(&facts, lines.clone(), redeem, Grounds::Offline) else { return Ok(()) };
        prop_assert!(payable(&draft) >= Decimal::ZERO);
        for posting in draft.postings.iter().filter(|posting| !posting.why.lines.is_empty()) {
            prop_assert_eq!(posting.why.lines.iter().copied().sum::<Points>(), posting.points);
        }
        let mut known = known(draft.clone());
        let mut facts = facts;
        let mut left: Vec<i64> = lines.iter().map(|line| i64::try_from(line.quantity.mantissa()).unwrap()).collect();
        let mut sums: BTreeMap<(AccountId, bool), i64> = BTreeMap::new();
        let turns = order.into_iter().chain(0..).take(200);
        for turn in turns {
            let place = turn % left.len();
            if left[place] == 0 {
                continue;
            }
            left[place] -= 1;
            let number = u16::try_from(place).unwrap();
            let back = vec![BackLine { line: number, quantity: Some(Decimal::ONE) }];
            let returning = Returning { receipt: "B".into(), lines: back, reason: None };
            facts.sale = Some(known.clone());
            let back = decide(&facts, &catalog(), &command(Grounds::Offline, Deed::Refund(returning)), now()).unwrap();
            for posting in &back.postings {
                *sums.entry((posting.account, posting.column == Column::RedeemReversed)).or_default() += posting.points.0;
            }
            *known.returned.entry(number).or_default() += Decimal::ONE;
        }
        prop_assert!(left.iter().all(|left| *left == 0));
        let mut expected: BTreeMap<(AccountId, bool), i64> = BTreeMap::new();
        for posting in &draft.postings {
            *expected.entry((posting.account, posting.column == Column::Redeemed)).or_default() += posting.points.0;
        }
        prop_assert_eq!(sums, expected);
    }
}
