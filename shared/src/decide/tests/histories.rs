use proptest::prelude::*;
use rust_decimal::Decimal;

use super::super::{BackLine, By, Deed, Grounds, RedeemItem, Returning, decide, intents, quote};
use super::book::Book;
use super::stage::*;
use crate::account::tally::Tally;
use crate::entry::{Column, EntryKind, Line};
use crate::member::{CardStatus, MembershipStatus};
use crate::points::Points;
use crate::view::{AccountView, Facts, KnownSale, Scanned};

/// One thing that a till does.
#[derive(Clone, Debug)]
enum Step {
    Sell { lines: Vec<(i64, i64)>, redeem: Vec<i64> },
    GiveBack { sale: usize, line: u16, quantity: i64 },
    Void { sale: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let lines = prop::collection::vec((0_i64..6, 0_i64..5_000), 1..6);
    prop_oneof![
        4 => (lines, prop::collection::vec(1_i64..600, 0..3)).prop_map(|(lines, redeem)| Step::Sell { lines, redeem }),
        4 => (0_usize..8, 0_u16..6, 0_i64..4).prop_map(|(sale, line, quantity)| Step::GiveBack { sale, line, quantity }),
        1 => (0_usize..8).prop_map(|sale| Step::Void { sale }),
    ]
}

fn sold(lines: &[(i64, i64)]) -> Vec<Line> {
    let line = |(quantity, cents): &(i64, i64)| {
        let mut sold = line("1", "1");
        sold.quantity = Decimal::from(*quantity);
        sold.unit_price = Decimal::new(*cents, 2);
        sold
    };
    lines.iter().map(line).collect()
}

fn give_back(facts: &Facts, sale: &mut KnownSale, lines: Vec<BackLine>, book: &mut Book) {
    let mut facts = facts.clone();
    facts.sale = Some(sale.clone());
    let returning = Returning { receipt: "X".into(), lines, reason: None };
    let asked = command(Grounds::Offline, Deed::Refund(returning));
    let Ok(draft) = decide(&facts, &catalog(), &asked, now()) else { return };
    book.post(&draft.postings);
    let EntryKind::Refund(reversal) = &draft.kind else { panic!() };
    for line in &reversal.lines {
        *sale.returned.entry(line.line).or_default() += line.quantity;
    }
}

fn void(facts: &Facts, sale: &mut KnownSale, book: &mut Book) {
    let mut facts = facts.clone();
    facts.sale = Some(sale.clone());
    let returning = Returning { receipt: String::new(), lines: Vec::new(), reason: None };
    let Ok(draft) = decide(&facts, &catalog(), &command(Grounds::Offline, Deed::Void(returning)), now())
    else {
        return;
    };
    book.post(&draft.postings);
    sale.voided = true;
}

/// Plays the steps, then gives everything back that is not back yet.
fn play(steps: &[Step], voiding: bool) {
    let catalog = catalog_with("/programs/0/redemption", serde_json::json!({}));
    let (mut book, mut sales) = (Book::default(), Vec::<KnownSale>::new());
    let mut facts = facts(0);
    facts.accounts.clear();
    for step in steps {
        facts.accounts = book.views.clone();
        match step {
            Step::Sell { lines, redeem } => {
                if let Ok(draft) = sell(&facts, &catalog, sold(lines), redeem) {
                    book.post(&draft.postings);
                    sales.push(known(draft));
                }
            }
            Step::GiveBack { sale, line, quantity } => {
                if let Some(sale) = sales.get_mut(*sale) {
                    let quantity = Some(Decimal::from(*quantity));
                    give_back(&facts, sale, vec![BackLine { line: *line, quantity }], &mut book);
                }
            }
            Step::Void { sale } => {
                if let Some(sale) = sales.get_mut(*sale) {
                    void(&facts, sale, &mut book);
                }
            }
        }
        book.check();
    }
    for sale in sales.iter_mut().filter(|sale| !sale.voided) {
        if voiding {
            void(&facts, sale, &mut book);
        } else {
            let EntryKind::Sale(sold) = &sale.entry.kind else { panic!() };
            let count = u16::try_from(sold.lines.len()).unwrap();
            for line in 0..count {
                give_back(&facts, sale, vec![BackLine { line, quantity: None }], &mut book);
            }
        }
    }
    book.check();
    for account in book.views.keys() {
        assert_eq!(book.sum(*account, Column::Earned), book.sum(*account, Column::EarnReversed));
        assert_eq!(book.tally(*account), Tally::default(), "nothing is left below a cap or towards a level");
        assert_eq!(book.sum(*account, Column::Redeemed), book.sum(*account, Column::RedeemReversed));
    }
}

proptest! {
    #[test]
    fn giving_everything_back_leaves_the_member_as_if_nothing_had_been_sold(
        steps in prop::collection::vec(step(), 1..24),
        voiding: bool,
    ) {
        play(&steps, voiding);
    }

    #[test]
    fn the_same_facts_and_the_same_command_give_the_same_draft(
        lines in prop::collection::vec((0_i64..6, 0_i64..5_000), 1..6),
        balance in 0_i64..2_000,
    ) {
        let (facts, catalog) = (facts(balance), catalog());
        let first = sell(&facts, &catalog, sold(&lines), &[100]);
        prop_assert_eq!(&first, &sell(&facts, &catalog, sold(&lines), &[100]));
        // and the server, computing it again from the entry alone, finds the same points
        if let Ok(draft) = first {
            let EntryKind::Sale(sale) = &draft.kind else { panic!() };
            let program = catalog.program("std").unwrap();
            let level = sale.level.clone().unwrap();
            let day = draft.business_date;
            let place = crate::earning::Issuer { catalog: &catalog, outlet: Some(OUTLET), day };
            let again = crate::earning::postings(program, &level, account(1).set, &place, sale).unwrap();
            let earned: Vec<_> =
                draft.postings.into_iter().filter(|posting| posting.column == Column::Earned).collect();
            prop_assert_eq!(again, earned);
        }
    }

    #[test]
    fn what_a_refusal_says_would_do_does_and_a_step_more_does_not(
        balance in 0_i64..3_000,
        cents in 0_i64..4_000,
        asked in 1_i64..4_000,
        (minimum, step) in (0_u32..300, 0_u32..150),
        cap in prop::option::of(0_u32..1_500),
    ) {
        let mut doc = document();
        doc["programs"][0]["redemption"] = serde_json::json!({"minimum": minimum.to_string(), "step": step.to_string()});
        doc["programs"][0]["offline"]["per_redemption"] = serde_json::json!(cap.map(|cap| cap.to_string()));
        let catalog = crate::catalog::Version::default().next(serde_json::from_value(doc).unwrap()).unwrap().1;
        let facts = facts(balance);
        let basket = || sold(&[(1, cents)]);
        if let Err(refusal) = sell(&facts, &catalog, basket(), &[asked]) {
            let available: i64 = refusal.available.unwrap().parse().unwrap();
            if available > 0 {
                prop_assert!(sell(&facts, &catalog, basket(), &[available]).is_ok());
            }
            let more = available + i64::from(step.max(1));
            prop_assert!(sell(&facts, &catalog, basket(), &[more]).is_err());
        }
    }

    #[test]
    fn decide_answers_whatever_it_is_asked(
        numbers in prop::collection::vec(any::<(i64, i64)>(), 1..5),
        scale in 0_u32..28,
        redeem in prop::collection::vec(any::<i64>(), 0..4),
        balance: i64,
        time: u64,
        text in ".{0,12}",
        choice in 0_u8..12,
    ) {
        let mut facts = facts(0);
        let mut view = AccountView::default();
        view.base.lots.spent = Points(balance);
        view.base.debt = Points(balance.wrapping_mul(3));
        facts.accounts.insert(account(1), view);
        facts.members[0].membership.status =
            if choice % 2 == 0 { MembershipStatus::Active } else { MembershipStatus::Expired };
        if let Scanned::Card(card) = &mut facts.scanned {
            card.status = if choice % 3 == 0 { CardStatus::Stolen } else { CardStatus::Active };
        }
        let lines: Vec<Line> = numbers.iter().map(|(a, b)| {
            let mut sold = line("1", "1");
            (sold.sku, sold.quantity, sold.unit_price) = (text.clone(), Decimal::new(*a, scale), Decimal::new(*b, scale % 3));
            (sold.discount, sold.tax) = (Decimal::new(*b, scale), Decimal::new(*a, 0));
            sold
        }).collect();
        let mut sale = selling(lines.clone(), &redeem);
        sale.receipt.clone_from(&text);
        if choice == 1 { sale.by = By::Membership(id(7)); }
        if choice == 2 { sale.redeem.push(RedeemItem::Voucher(text.clone())); }
        let grounds = [Grounds::Books, Grounds::Offline, Grounds::Held(vec![(account(1), Points(balance))])];
        let now = crate::time::Millis(time);
        for grounds in grounds {
            let asked = command(grounds, Deed::Sale(sale.clone()));
            let _ = decide(&facts, &catalog(), &asked, now);
            let _ = intents(&facts, &catalog(), &asked, now);
        }
        let catalog = catalog();
        let member = super::super::party::Member { view: &facts.members[0], program: catalog.program("std").unwrap() };
        let _ = quote::quote(&facts, &catalog, member, &basket(lines.clone()), &Grounds::Books, now);
        let _ = quote::standing(&facts, &catalog, member, PTS, &Grounds::Offline, now);
        // a sale that no till of ours would have written, given back
        if let Ok(draft) = sell(&super::stage::facts(900), &catalog, sold(&[(3, 333), (1, 1_001)]), &[100]) {
            let mut hostile = known(draft);
            if let EntryKind::Sale(sold) = &mut hostile.entry.kind {
                sold.lines = lines;
            }
            hostile.returned.insert(0, Decimal::new(balance, scale));
            hostile.entry.postings[0].points = Points(balance);
            facts.sale = Some(hostile);
            let quantity = Some(Decimal::new(numbers[0].0, scale));
            let back = Returning { receipt: text, lines: vec![BackLine { line: u16::from(choice), quantity }], reason: None };
            let _ = decide(&facts, &catalog, &command(Grounds::Offline, Deed::Refund(back.clone())), now);
            let _ = decide(&facts, &catalog, &command(Grounds::Offline, Deed::Void(back)), now);
        }
    }
}
