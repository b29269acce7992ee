//! Members' prices and exchanges in a sale and its return, each figure worked out by hand.

use super::super::party::Member;
use super::super::{BackLine, Deed, Draft, Grounds, RedeemItem, Returning, decide, quote};
use super::stage::*;
use crate::catalog::Catalog;
use crate::entry::{Column, EntryKind, Line, Sale};
use crate::refusal::Refusal;
use crate::view::Facts;

fn with(add: impl Fn(&mut serde_json::Value)) -> Catalog {
    let mut doc = document();
    add(&mut doc);
    crate::catalog::Version::default().next(serde_json::from_value(doc).unwrap()).unwrap().1
}

/// Tea at 10% off for gold; a mug at 6.00, or 500 points, or 200 points and 3.00.
fn priced() -> Catalog {
    with(|doc| {
        doc["pricing_schemes"] = serde_json::json!([{
            "code": "tea", "name": "Tea", "program": "std", "percent": "10", "categories": ["tea"],
            "when": {"levels": ["gold"]}
        }]);
        doc["pricebooks"] = serde_json::json!([
            {"code": "mugs", "name": "Mugs", "program": "std", "currency": "MYR",
             "items": [{"sku": "mug", "price": "6.00", "points": "500"}]},
            {"code": "plus", "name": "Plus", "program": "std", "currency": "MYR",
             "items": [{"sku": "cup", "points": "200", "plus": "3.00"}]}
        ]);
    })
}

fn item(sku: &str, category: Option<&str>, quantity: &str, price: &str) -> Line {
    Line { sku: sku.into(), category: category.map(str::to_owned), ..line(quantity, price) }
}

fn sold(
    facts: &Facts,
    catalog: &Catalog,
    lines: Vec<Line>,
    redeem: Vec<RedeemItem>,
) -> Result<Draft, Refusal> {
    let mut selling = selling(lines, &[]);
    selling.redeem = redeem;
    decide(facts, catalog, &command(Grounds::Offline, Deed::Sale(selling)), now())
}

fn sale(draft: &Draft) -> &Sale {
    let EntryKind::Sale(sale) = &draft.kind else { panic!("a sale") };
    sale
}

fn exchange(line: u16, quantity: Option<&str>) -> RedeemItem {
    RedeemItem::Exchange { line, quantity: quantity.map(money) }
}

#[test]
fn a_sale_is_at_the_members_prices_and_earns_on_what_is_paid() {
    let lines = vec![item("8801", Some("tea"), "2", "10.00"), item("mug", None, "1", "8.00")];
    let draft = sold(&facts(0), &priced(), lines, Vec::new()).unwrap();
    // 20.00 − 2.00 + 6.00 = 24.00, gold doubles
    assert_eq!(crate::basket::payable(sale(&draft)), money("24.00"));
    assert_eq!(moved(&draft), [(Column::Earned, 48)]);
    let sources: Vec<_> =
        sale(&draft).repriced.iter().map(|known| (known.line, known.sources.concat())).collect();
    assert_eq!(sources, [(0, "scheme:tea".to_owned()), (1, "pricebook:mugs".to_owned())]);
}

#[test]
fn nobody_and_a_closed_membership_pay_the_shelfs_price() {
    let lines = || vec![item("mug", None, "1", "8.00")];
    let mut facts = facts(0);
    facts.members[0].membership.status = crate::member::MembershipStatus::Suspended;
    let draft = sold(&facts, &priced(), lines(), Vec::new()).unwrap();
    assert_eq!(crate::basket::payable(sale(&draft)), money("8.00"));
    let mut selling = selling(lines(), &[]);
    selling.by = super::super::By::Nobody;
    let draft = decide(&facts, &priced(), &command(Grounds::Offline, Deed::Sale(selling)), now()).unwrap();
    assert_eq!(crate::basket::payable(sale(&draft)), money("8.00"));
}

/// What points exchange: (line, quantity) -> points, what is left to pay, earned.
#[test]
fn things_are_exchanged_for_points_and_earn_only_on_the_money_beside_them() {
    for (balance, lines, redeem, expected) in [
        // the mug for 500: nothing to pay, nothing earned
        (500, vec![item("mug", None, "1", "8.00")], vec![exchange(0, None)], Ok((500, "0.00", 0))),
        // two of three: 1,000 points, one mug at 6.00 is left
        (1_000, vec![item("mug", None, "3", "8.00")], vec![exchange(0, Some("2"))], Ok((1_000, "6.00", 12))),
        // one after the other, each at what one costs: 6.00 is left of 18.00
        (
            1_000,
            vec![item("mug", None, "3", "8.00")],
            vec![exchange(0, Some("1")), exchange(0, Some("1"))],
            Ok((1_000, "6.00", 12)),
        ),
        // one, and then all that are left
        (
            1_500,
            vec![item("mug", None, "3", "8.00")],
            vec![exchange(0, Some("1")), exchange(0, None)],
            Ok((1_500, "0.00", 0)),
        ),
        (
            2_000,
            vec![item("mug", None, "3", "8.00")],
            vec![exchange(0, Some("1")), exchange(0, Some("3"))],
            Err("invalid_amount"),
        ),
        // 200 and 3.00 for the cup
        (200, vec![item("cup", None, "1", "9.00")], vec![exchange(0, None)], Ok((200, "3.00", 6))),
        // the cup, and points to cash on what is left: 3.00 takes 300
        (
            500,
            vec![item("cup", None, "1", "9.00")],
            vec![RedeemItem::Points { currency: PTS, points: crate::points::Points(300) }, exchange(0, None)],
            Ok((500, "0.00", 0)),
        ),
        (
            900,
            vec![item("cup", None, "1", "9.00")],
            vec![RedeemItem::Points { currency: PTS, points: crate::points::Points(400) }, exchange(0, None)],
            Err("above_maximum"),
        ),
        (499, vec![item("mug", None, "1", "8.00")], vec![exchange(0, None)], Err("insufficient_points")),
        // the points of one sale are drawn once: 500 of 900 for the first mug, 400 are not enough for the second
        (
            900,
            vec![item("mug", None, "1", "8.00"), item("mug", None, "1", "8.00")],
            vec![exchange(0, None), exchange(1, None)],
            Err("insufficient_points"),
        ),
        (900, vec![item("8801", None, "1", "8.00")], vec![exchange(0, None)], Err("reward_unavailable")),
        // a cup cheaper than the money that its exchange asks for
        (900, vec![item("cup", None, "1", "3.00")], vec![exchange(0, None)], Err("reward_unavailable")),
        (900, vec![item("mug", None, "1", "8.00")], vec![exchange(1, None)], Err("invalid_request")),
        (900, vec![item("mug", None, "1", "8.00")], vec![exchange(0, Some("2"))], Err("invalid_amount")),
        // all of it is exchanged already
        (
            1_000,
            vec![item("mug", None, "1", "8.00")],
            vec![exchange(0, None), exchange(0, None)],
            Err("reward_unavailable"),
        ),
    ] {
        let draft = sold(&facts(balance), &priced(), lines.clone(), redeem);
        let got = draft.as_ref().map_err(Refusal::code).map(|draft| {
            let sum = |column| {
                let of = draft.postings.iter().filter(|posting| posting.column == column);
                of.map(|posting| posting.points.0).sum::<i64>()
            };
            let payable = crate::money::format(crate::basket::payable(sale(draft)), sale(draft).currency);
            (sum(Column::Redeemed), payable, sum(Column::Earned))
        });
        let expected = expected.map(|(points, payable, earned)| (points, payable.to_owned(), earned));
        assert_eq!(got, expected, "{lines:?}");
    }
}

#[test]
fn a_return_of_exchanged_things_gives_their_points_back_one_by_one() {
    let lines = vec![item("mug", None, "3", "8.00"), item("8801", Some("tea"), "1", "10.00")];
    let draft = sold(&facts(1_500), &priced(), lines, vec![exchange(0, None)]).unwrap();
    // the tea is 9.00, so 18 are earned; the mugs take 1,500
    assert_eq!(moved(&draft), [(Column::Earned, 18), (Column::Redeemed, 1_500)]);
    let mut facts = facts(0);
    facts.sale = Some(known(draft));
    for (line, quantity, expected) in [
        (0, "1", vec![(Column::RedeemReversed, 500)]),
        (0, "3", vec![(Column::RedeemReversed, 1_500)]),
        (1, "1", vec![(Column::EarnReversed, 18)]),
    ] {
        let lines = vec![BackLine { line, quantity: Some(money(quantity)) }];
        let returning = Returning { receipt: "B-1".into(), lines, reason: None };
        let back =
            decide(&facts, &priced(), &command(Grounds::Offline, Deed::Refund(returning)), now()).unwrap();
        assert_eq!(moved(&back), expected, "{quantity} of line {line}");
    }
}

#[test]
fn points_do_not_pay_for_what_the_program_leaves_out() {
    let catalog = with(|doc| {
        doc["programs"][0]["redemption"] = serde_json::json!({
            "minimum": "100", "step": "100", "maximum_share": "0.5", "excluded_categories": ["tobacco"]
        });
    });
    let lines = || vec![item("8801", Some("tobacco"), "1", "30.00"), item("8802", None, "1", "10.00")];
    let points =
        |points: i64| vec![RedeemItem::Points { currency: PTS, points: crate::points::Points(points) }];
    // half of the 10.00 that points may pay
    let refusal = sold(&facts(9_000), &catalog, lines(), points(600)).unwrap_err();
    assert_eq!((refusal.code(), refusal.available.as_deref()), ("above_maximum", Some("500")));
    let draft = sold(&facts(9_000), &catalog, lines(), points(500)).unwrap();
    let redeemed = draft.postings.iter().find(|posting| posting.column == Column::Redeemed).unwrap();
    let parts: Vec<i64> = redeemed.why.lines.iter().map(|points| points.0).collect();
    assert_eq!(parts, [0, 500], "what comes back with the tobacco is nothing");
}

#[test]
fn a_quote_tells_the_members_prices_and_every_way_best_first() {
    let (facts, catalog) = (facts(700), priced());
    let member = Member { view: &facts.members[0], program: catalog.program("std").unwrap() };
    let lines = vec![item("mug", None, "1", "8.00"), item("8801", Some("tea"), "1", "10.00")];
    let quoted = quote::quote(&facts, &catalog, member, &basket(lines), &Grounds::Books, now()).unwrap();
    // 6.00 + 9.00
    assert_eq!(quoted.total, money("15.00"));
    let ways: Vec<_> = quoted.ways.iter().map(|way| (way.item.clone(), way.points.0, way.payable)).collect();
    let cash = RedeemItem::Points { currency: PTS, points: crate::points::Points(700) };
    assert_eq!(ways, [(cash, 700, money("8.00")), (exchange(0, None), 500, money("9.00"))]);
    // 15.00 doubled; of the 8.00 that are paid; of the tea alone
    let earned = |earned: &[crate::earning::Earned]| earned.iter().map(|it| it.points.0).sum::<i64>();
    assert_eq!(earned(&quoted.earned), 30);
    assert_eq!(quoted.ways.iter().map(|way| earned(&way.earned)).collect::<Vec<_>>(), [16, 18]);
}
