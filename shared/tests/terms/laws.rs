//! What must hold of every draft, at every step, and once everything is back.

use std::collections::BTreeMap;

use shared::account::tally::{Counter, Tally};
use shared::account::{AccountId, Lots};
use shared::books::{CaseKind, LedgerLine, SERVER, Side};
use shared::decide::Draft;
use shared::entry::{Column, EntryKind, Posting};
use shared::points::Points;
use shared::post;
use shared::view::Facts;

use crate::shop::{OPENING, Shop};

fn signed(posting: &Posting) -> i64 {
    if posting.column.is_credit() { posting.points.0 } else { -posting.points.0 }
}

/// What a till decided: the parts of a receipt's lines make the receipt's points, and nothing passes a cap that was known.
pub(crate) fn of_a_draft(shop: &Shop, facts: &Facts, draft: &Draft) {
    for posting in &draft.postings {
        assert!(posting.points.is_positive(), "a movement moves something: {posting:?}");
        let lines = &posting.why.lines;
        assert!(lines.iter().all(|part| part.0 >= 0), "a line's part is below zero: {posting:?}");
        if matches!(draft.kind, EntryKind::Sale(_) | EntryKind::Unlinked(_)) {
            let parts: Points = lines.iter().copied().sum();
            assert_eq!(parts, posting.points, "the lines' parts are not the whole: {posting:?}");
        }
    }
    let EntryKind::Sale(sale) = &draft.kind else { return };
    let shared::entry::Party::Membership(earner) = &sale.earner else { return };
    let membership = &facts.member(*earner).unwrap().membership;
    let program = &shop.catalog.programs[&membership.program];
    for rule in program.rules.all() {
        let gave = draft.postings.iter().filter(|posting| {
            posting.column == Column::Earned && posting.why.rule.as_ref() == Some(&rule.code)
        });
        let gave: i64 = gave.map(|posting| posting.points.0).sum();
        assert!(rule.transaction_cap.is_none_or(|cap| gave <= cap.0), "{} gave {gave} at once", rule.code);
    }
    let redeemed = draft.postings.iter().filter(|posting| posting.column == Column::Redeemed);
    for (posting, redemption) in redeemed.zip(&sale.redemptions) {
        let program = facts.member(redemption.membership).unwrap().membership.program;
        let most = shop.catalog.programs[&program].offline.per_redemption;
        let points = posting.points;
        assert!(
            most.is_none_or(|most| points <= most),
            "{points:?} redeemed with no line, of at most {most:?}"
        );
    }
    caps(shop, facts, draft);
}

/// Rules' and campaigns' caps a day and a member, greatest balances, and the till's share of budgets.
fn caps(shop: &Shop, facts: &Facts, draft: &Draft) {
    let day = draft.business_date;
    for account in shop.accounts() {
        let before = facts.accounts.get(&account).cloned().unwrap_or_default();
        let mut tally = before.whole().tally;
        for posting in draft.postings.iter().filter(|posting| posting.account == account) {
            if let (Column::Earned, Some(counts)) = (posting.column, posting.counts_for(day)) {
                tally.add(&counts, posting.points);
            }
        }
        for program in shop.catalog.programs.values() {
            let rules = program.rules.all().iter().filter(|rule| rule.currency == account.currency);
            for (counter, caps) in rules.filter_map(|rule| Some((rule.counter()?, rule.caps))) {
                let ((today, ever), (had_today, had)) =
                    (tally.under(&counter, day), before.whole().tally.under(&counter, day));
                let within =
                    |cap: Option<Points>, sum: Points, had: Points| cap.is_none_or(|cap| sum <= cap.max(had));
                assert!(within(caps.day, today, had_today), "{counter:?} gave {today:?} on a day");
                assert!(within(caps.member, ever, had), "{counter:?} gave {ever:?} to a member");
            }
        }
    }
    let mut given: BTreeMap<_, i64> = BTreeMap::new();
    for posting in draft.postings.iter().filter(|posting| posting.column == Column::Earned) {
        for counter in posting.tallied.iter().flat_map(|tallied| &tallied.under) {
            if let Counter::Campaign(code) = counter {
                *given.entry(code).or_default() += posting.points.0;
            }
        }
    }
    for (code, given) in given {
        if let Some(left) = facts.budgets.get(code) {
            assert!(given <= left.0, "{code} gave {given} of {left:?}");
        }
    }
}

/// What a line of the ledger does to a member's side: points, suspense and debt together.
fn members(line: &LedgerLine) -> i64 {
    let is = |side| matches!(side, Side::Member | Side::Suspense | Side::Debt);
    i64::from(is(line.to)) * line.points.0 - i64::from(is(line.from)) * line.points.0
}

/// At every step: each account's balance is what remains of its lots less what is owed, counted in the account, in the
/// ledger, and in what the tills wrote; and the server finds what the tills found.
pub(crate) fn always(shop: &Shop) {
    let exact = shop.raced.is_empty();
    for id in shop.accounts() {
        at_the_server(shop, id, exact);
        for till in &shop.tills {
            let view = till.view(id);
            let told = till.bases.get(&id).map_or(Points::ZERO, shared::account::Base::balance);
            let unsynced = till.unsynced.iter().flat_map(|(entry, _)| &entry.postings);
            let moved: i64 = unsynced.filter(|posting| posting.account == id).map(signed).sum();
            assert_eq!(view.balance().0, told.0 + moved, "{id:?} as {:?} knows it", till.node);
        }
    }
    assert!(shop.books.parked.is_empty(), "{:?}", shop.books.parked);
    let sum: i64 = shop.books.totals.values().sum();
    assert_eq!(sum, 0, "the ledger does not balance");
    for case in shop.books.cases.values() {
        match &case.kind {
            CaseKind::Difference { is_return: false, .. } => panic!("not the same at the server: {case:?}"),
            CaseKind::Difference { .. } | CaseKind::OverReturn { .. } => {
                assert!(!exact, "a return that the till knew all about: {case:?}");
            }
            CaseKind::Overdraft { .. } => {}
            _ => panic!("{case:?}"),
        }
    }
    for program in shop.catalog.programs.values() {
        for campaign in &program.campaigns {
            let given = shop.books.budgets.get(&campaign.code).map_or(Points::ZERO, |row| row.given);
            assert!(given.0 >= 0, "{} took back more than it gave", campaign.code);
            assert!(campaign.budget.is_none_or(|budget| given <= budget), "{} gave {given:?}", campaign.code);
        }
    }
}

fn at_the_server(shop: &Shop, id: AccountId, exact: bool) {
    let Some(account) = shop.books.accounts.get(&id) else { return };
    let base = account.base();
    let balance = base.balance().minus(base.debt).0;
    // what comes back of points that had expired is told at once, and the ledger has it with the next cut
    let expired = |lots: &Lots| lots.expired.values().map(|points| points.0).sum::<i64>();
    let undone = expired(&account.settled) - expired(&base.lots);
    assert!(undone >= 0 && (undone == 0 || !account.open.is_empty()), "{id:?}: {base:?}");
    // the lots: what remains of each makes up what there is; points that came back beyond all that was spent are made a lot
    // by the next cut
    let remaining: i64 = base.lots.remaining().iter().map(|(_, points)| points.0).sum();
    let below: i64 = base.lots.credits.values().map(|points| points.0.min(0)).sum();
    let surplus = (below - base.lots.spent.0).max(0);
    assert!(surplus == 0 || !account.open.is_empty(), "{id:?}: {base:?}");
    let there_is = base.lots.posted().0.max(0);
    assert_eq!(remaining + surplus, there_is, "{id:?}: the lots are not what there is: {base:?}");
    // the ledger
    let lines = || shop.books.lines.iter().filter(|(_, line)| line.account == id);
    let ledger: i64 = lines().map(|(_, line)| members(line)).sum();
    assert_eq!(balance, ledger + undone, "{id:?}: the ledger says otherwise: {base:?}");
    if !exact {
        return;
    }
    // what the tills wrote, and what the server did by itself
    let heard = || shop.heard.iter().filter(|posting| posting.account == id);
    let own: i64 = lines().filter(|(key, _)| key.dot.node == SERVER).map(|(_, line)| members(line)).sum();
    assert_eq!(
        balance,
        heard().map(signed).sum::<i64>() + own + undone,
        "{id:?}: the tills wrote otherwise: {base:?}"
    );
    let net = |up: Column, down: Column| -> i64 {
        let of =
            |column| heard().filter(move |posting| posting.column == column).map(|posting| posting.points.0);
        of(up).sum::<i64>() - of(down).sum::<i64>()
    };
    assert_eq!(base.lifetime_earned.0, net(Column::Earned, Column::EarnReversed), "{id:?}");
    assert_eq!(base.lifetime_redeemed.0, net(Column::Redeemed, Column::RedeemReversed), "{id:?}");
}

/// Everything is back: nothing was earned, nothing redeemed, nothing is owed, and each account holds what it began with.
pub(crate) fn nothing_is_left(shop: &Shop) {
    for id in shop.accounts() {
        let base = post::base_of(&shop.books, id).unwrap().unwrap_or_default();
        assert_eq!(base.lifetime_earned, Points(0), "{id:?}: earned: {base:?}");
        assert_eq!(base.lifetime_redeemed, Points(0), "{id:?}: redeemed: {base:?}");
        assert_eq!(base.tally, Tally::default(), "{id:?}: nothing counts for anything any more");
        let opening = if shop.openings.contains(&id) { OPENING } else { 0 };
        assert_eq!((base.balance().0, base.debt.0, base.suspense.0), (opening, 0, 0), "{id:?}: {base:?}");
    }
    for (campaign, row) in &shop.books.budgets {
        assert_eq!(row.given, Points(0), "{campaign} gave what came back");
    }
}
