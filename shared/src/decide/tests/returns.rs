use super::super::{BackLine, Deed, Draft, Grounds, Returning, decide};
use super::stage::*;
use crate::entry::{Column, EntryKind, SaleRef};
use crate::points::Points;
use crate::refusal::Refusal;
use crate::view::KnownSale;

/// Line, and how many of it come back (`None`: the rest).
type Asked<'a> = &'a [(u16, Option<&'a str>)];

fn returning(lines: Asked<'_>) -> Returning {
    let back =
        |(line, quantity): &(u16, Option<&str>)| BackLine { line: *line, quantity: quantity.map(money) };
    Returning { receipt: "X-1".into(), lines: lines.iter().map(back).collect(), reason: None }
}

fn ask(sale: &KnownSale, deed: Deed) -> Result<Draft, Refusal> {
    let mut facts = facts(0);
    facts.sale = Some(sale.clone());
    decide(&facts, &catalog(), &command(Grounds::Offline, deed), now())
}

/// Gives back, and counts it in.
fn give_back(sale: &mut KnownSale, lines: Asked<'_>) -> Result<Draft, Refusal> {
    let draft = ask(sale, Deed::Refund(returning(lines)))?;
    let EntryKind::Refund(reversal) = &draft.kind else { panic!() };
    for line in &reversal.lines {
        *sale.returned.entry(line.line).or_default() += line.quantity;
    }
    Ok(draft)
}

/// 3 × 3.33 and 1 × 10.01 = 20.00, 500 points pay 5.00: 15.00 × 2 = 30 earned.
/// Earned by line: floor(30 × 9.99 ÷ 20) = 14, 16. Redeemed: floor(500 × 9.99 ÷ 20) = 249, 251.
/// Of line 0's three, the first brings back floor(14 ÷ 3) = 4 and 83, the second 5 (9 in all) and 83, the third 5 and 83.
#[test]
fn a_line_brings_back_exactly_its_points_however_it_comes() {
    let draft = sell(&facts(5430), &catalog(), vec![line("3", "3.33"), line("1", "10.01")], &[500]).unwrap();
    let mut sale = known(draft);
    let steps: [(Asked<'_>, [i64; 2]); 4] = [
        (&[(0, Some("1"))], [4, 83]),
        (&[(0, Some("1"))], [5, 83]),
        (&[(1, None)], [16, 251]),
        (&[(0, None)], [5, 83]),
    ];
    for (lines, [earned, redeemed]) in steps {
        let draft = give_back(&mut sale, lines).unwrap();
        assert_eq!(moved(&draft), [(Column::EarnReversed, earned), (Column::RedeemReversed, redeemed)]);
        assert_eq!(draft.postings[0].lot, sale.entry.postings[0].lot);
    }
    let refusal = give_back(&mut sale, &[(0, Some("1"))]).unwrap_err();
    assert_eq!((refusal.code(), refusal.field.as_deref()), ("refund_exceeds_sale", Some("lines[0]")));
}

#[test]
fn more_than_was_sold_does_not_come_back() {
    let mut sale = known(sell(&facts(0), &catalog(), vec![line("2", "5.00")], &[]).unwrap());
    for lines in [&[(0, Some("3"))][..], &[(1, Some("1"))], &[(0, Some("1")), (0, Some("2"))]] {
        assert_eq!(give_back(&mut sale, lines).unwrap_err().code(), "refund_exceeds_sale");
    }
    assert_eq!(give_back(&mut sale, &[(0, Some("-1"))]).unwrap_err().code(), "invalid_amount");
    assert_eq!(give_back(&mut sale, &[]).unwrap_err().code(), "invalid_request");
}

#[test]
fn a_void_takes_what_is_left_and_only_once() {
    let mut sale =
        known(sell(&facts(5430), &catalog(), vec![line("3", "3.33"), line("1", "10.01")], &[500]).unwrap());
    give_back(&mut sale, &[(0, Some("2"))]).unwrap();
    let draft = ask(&sale, Deed::Void(Returning { receipt: String::new(), ..returning(&[]) })).unwrap();
    assert_eq!(moved(&draft), [(Column::EarnReversed, 21), (Column::RedeemReversed, 334)]);
    sale.voided = true;
    assert_eq!(ask(&sale, Deed::Void(returning(&[]))).unwrap_err().code(), "already_void");
    assert_eq!(give_back(&mut sale, &[(1, None)]).unwrap_err().code(), "already_void");
}

#[test]
fn points_given_by_hand_can_be_undone_and_not_returned_by_line() {
    let moving = super::super::Moving {
        membership: id(1),
        currency: PTS,
        points: Points(50),
        reason: "Birthday".into(),
        reference: None,
        approval: None,
    };
    let given =
        decide(&facts(0), &catalog(), &command(Grounds::Offline, Deed::EarnPoints(moving)), now()).unwrap();
    let mut sale = known(given);
    assert_eq!(moved(&ask(&sale, Deed::Void(returning(&[]))).unwrap()), [(Column::EarnReversed, 50)]);
    assert_eq!(give_back(&mut sale, &[(0, None)]).unwrap_err().code(), "invalid_transition");
}

#[test]
fn a_return_with_no_receipt_is_undone_exactly_once_and_never_by_line() {
    // 2 × 10.00 and 1 × 3.50, doubled by the level: 40 and 7 come off, and on again
    let goods = selling(vec![line("2", "10.00"), line("1", "3.50")], &[]);
    let deed = Deed::Unlinked(Box::new(goods), None);
    let taken = decide(&facts(30), &catalog(), &command(Grounds::Offline, deed), now()).unwrap();
    assert_eq!(moved(&taken), [(Column::EarnReversed, 47)]);
    let mut back = known(taken);
    let refused = give_back(&mut back.clone(), &[(0, Some("1"))]).unwrap_err();
    assert_eq!(refused.code(), "invalid_transition");
    assert!(refused.detail.contains("undone as a whole"), "{}", refused.detail);
    let undone = ask(&back, Deed::Void(Returning { receipt: String::new(), ..returning(&[]) })).unwrap();
    assert_eq!(moved(&undone), [(Column::Earned, 47)]);
    let (before, after) = (&back.entry.postings[0], &undone.postings[0]);
    assert_eq!((&after.why.lines, after.lot), (&before.why.lines, None));
    assert_eq!(after.tallied, before.counts_for(back.entry.business_date));
    back.voided = true;
    assert_eq!(ask(&back, Deed::Void(returning(&[]))).unwrap_err().code(), "already_void");
}

#[test]
fn a_return_of_an_unknown_sale_is_taken_and_moves_nothing() {
    let of = SaleRef { dot: None, outlet: OUTLET, business_date: None, receipt: "R-9".into() };
    let blind = |lines| {
        let deed = Deed::BlindRefund(returning(lines), of.clone());
        decide(&facts(0), &catalog(), &command(Grounds::Offline, deed), now())
    };
    let draft = blind(&[(0, Some("1"))]).unwrap();
    assert!(draft.postings.is_empty());
    assert!(matches!(draft.kind, EntryKind::Refund(reversal) if reversal.of == of));
    assert_eq!(blind(&[(0, None)]).unwrap_err().code(), "invalid_request");
}

#[test]
fn what_was_attributed_later_comes_back_too() {
    let mut known_facts = facts(0);
    known_facts.scanned = crate::view::Scanned::Unknown;
    let mut sale = known(sell(&known_facts, &catalog(), vec![line("2", "5.00")], &[]).unwrap());
    assert!(moved(&give_back(&mut sale.clone(), &[(0, Some("1"))]).unwrap()).is_empty());
    let EntryKind::Sale(sold) = &sale.entry.kind else { panic!() };
    let (catalog, gold) = (catalog(), crate::ids::Code::new("gold").unwrap());
    let program = catalog.program("std").unwrap();
    let day = sale.entry.business_date;
    let place = crate::earning::Issuer { catalog: &catalog, outlet: Some(OUTLET), day };
    sale.attributed = crate::earning::postings(program, &gold, account(1).set, &place, sold).unwrap();
    assert_eq!(moved(&give_back(&mut sale, &[(0, Some("1"))]).unwrap()), [(Column::EarnReversed, 10)]);
}
