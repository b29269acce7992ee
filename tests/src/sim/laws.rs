//! The laws of settlement over one account at one cut, whatever came before: L1 to L4, and that every leg balances. They
//! are checked over random windows, and by the simulator at every cut that it makes.

use std::collections::{BTreeMap, BTreeSet};

use shared::account::tally::Tallied;
use shared::account::{Account, LotTerms, Movement, Row, RowKey, Short};
use shared::books::Side;
use shared::catalog::Bearer;
use shared::entry::{Authority, Cut};
use shared::ids::{BucketId, Dot, NodeId, OutletId, Seq};
use shared::points::Points;
use shared::settle::fold::{Cover, Fold, Waterfall, fold};
use shared::settle::total_short;
use shared::time::{Day, Millis};

use super::rng::Rng;

/// What random windows came across.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Windows {
    /// Windows.
    pub all: u64,
    /// With something short.
    pub short: u64,
    /// With a shortfall that became debt.
    pub owed: u64,
    /// In which some redemptions were covered and others short.
    pub split: u64,
    /// With something that came after the watermark.
    pub late: u64,
    /// With points set aside.
    pub reserved: u64,
}

impl Windows {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.all += other.all;
        self.short += other.short;
        self.owed += other.owed;
        self.split += other.split;
        self.late += other.late;
        self.reserved += other.reserved;
    }
}

/// Settles a window of a seed and checks the laws over it.
///
/// # Errors
/// The law that does not hold, and the window.
pub fn window(seed: u64) -> Result<Windows, String> {
    let mut rng = Rng::new(seed ^ 0x1a35);
    let account = account(&mut rng);
    let cut = Cut {
        bucket: BucketId(0),
        watermark: Millis(rng.below(110)),
        day: Day(0),
        marks: (0..10).map(|node| (NodeId(node), Seq(u64::MAX))).collect(),
        parked: Vec::new(),
        parked_in_part: Vec::new(),
        left_out: Vec::new(),
        unused: Vec::new(),
    };
    let rule = waterfall(&mut rng);
    hold(&account, &cut, &rule, &mut rng).map_err(|text| format!("window {seed}: {text}; {account:?}"))?;
    let folded = settled(&account, &cut, &rule);
    let free = free_of(&account, &cut);
    // where nothing is settled, nothing is told of what is free
    if folded.account != account && folded.free.0 != free {
        return Err(format!("window {seed}: {:?} are free, not {free}; {account:?}", folded.free));
    }
    let short = total_short(&folded).is_positive();
    let owed = folded.shortfalls.iter().any(|one| one.short.member_debt.is_positive());
    let late = account.open.len() > Cover::of(&cut).selected(&account).len();
    let split = short && folded.window.len() > folded.shortfalls.len();
    Ok(Windows {
        all: 1,
        short: u64::from(short),
        owed: u64::from(owed),
        split: u64::from(split),
        late: u64::from(late),
        reserved: u64::from(account.base().reserved.is_positive()),
    })
}

fn points(rng: &mut Rng, most: u64) -> Points {
    Points(i64::try_from(rng.between(1, most)).unwrap_or(1))
}

fn waterfall(rng: &mut Rng) -> Waterfall {
    let debt = Bearer::MemberDebt(points(rng, 100));
    let end = if rng.chance(50) { Bearer::Outlet } else { Bearer::Program };
    let steps = if rng.chance(60) { vec![debt, end] } else { vec![end] };
    Waterfall { steps, review_over: None }
}

/// An account with something settled, and what came since from three nodes.
fn account(rng: &mut Rng) -> Account {
    let mut account = Account::default();
    if rng.chance(70) {
        account.settled.credit(LotTerms::plain(None), points(rng, 300));
    }
    if rng.chance(15) {
        account.debt = points(rng, 80);
    }
    if rng.chance(20) {
        account.reserved = points(rng, 60);
    }
    let mut heads: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    let mut rows: Vec<(RowKey, Row, Points)> = Vec::new();
    for _ in 0..rng.below(13) {
        let node = u32::try_from(rng.between(2, 4)).unwrap_or(2);
        let (seq, clock) = heads.entry(node).or_default();
        (*seq, *clock) = (*seq + 1, (*clock).max(rng.below(100)));
        let key = (Dot::new(NodeId(node), Seq(*seq)), 0);
        let at = Millis(*clock);
        let Some((movement, left)) = movement(rng, &mut rows) else { continue };
        rows.push((key, Row { at, outlet: Some(OutletId(node)), movement }, left));
    }
    account.open = rows.into_iter().map(|(key, row, _)| (key, row)).collect();
    account
}

/// What a row does, and how much of it can still be taken back.
fn movement(rng: &mut Rng, rows: &mut [(RowKey, Row, Points)]) -> Option<(Movement, Points)> {
    let (terms, some) = (LotTerms::plain(None), points(rng, 200));
    let redemption =
        |authority| Some((Movement::Redemption { authority, points: some, idem: None, on: Day(0) }, some));
    match rng.below(12) {
        0..3 => Some((Movement::Credit { terms, points: some, earned: Some(Tallied::on(Day(0))) }, some)),
        3..6 => redemption(Authority::Offline),
        6 => redemption(Authority::Late),
        7 => redemption(Authority::Forced),
        8 => redemption(if rng.chance(50) { Authority::Online } else { Authority::Reserved }),
        9 => {
            let earned = Some(Tallied::on(Day(0)));
            Some((Movement::Debit { points: some, terms: None, on: Day(0), earned }, some))
        }
        10 => Some((Movement::Hold { points: points(rng, 60), key: None }, Points::ZERO)),
        _ if rows.is_empty() => None,
        _ => {
            let place = rng.index(rows.len());
            let ((of, leg), row, left) = &mut rows[place];
            let back = some.min(*left);
            if !back.is_positive() {
                return None;
            }
            *left = left.minus(back);
            let movement = match row.movement {
                Movement::Credit { .. } => {
                    Movement::CreditReversed { of: *of, terms, points: back, earned: Tallied::on(Day(0)) }
                }
                Movement::Debit { .. } => {
                    Movement::DebitReversed { of: *of, on: Day(0), points: back, earned: Tallied::on(Day(0)) }
                }
                _ => Movement::RedemptionReversed {
                    of: *of,
                    leg: *leg,
                    on: Day(0),
                    back: Day(0),
                    points: back,
                },
            };
            Some((movement, Points::ZERO))
        }
    }
}

/// What is free for a window's redemptions, counted anew: max(0, posted − reserved), debt repaid.
fn free_of(account: &Account, cut: &Cut) -> i64 {
    let selected = Cover::of(cut).selected(account);
    let (mut posted, mut reserved) = (account.settled.posted().0, account.reserved.0);
    for (key, row) in &account.open {
        match &row.movement {
            // what is set aside counts whenever it was posted
            Movement::Hold { points, .. } => reserved += points.0,
            _ if !selected.contains(key) => {}
            Movement::Credit { points, .. } | Movement::DebitReversed { points, .. } => posted += points.0,
            Movement::CreditReversed { points, .. } | Movement::Debit { points, .. } => posted -= points.0,
            Movement::Redemption { authority, points, .. } if authority.is_covered() => posted -= points.0,
            Movement::Redemption { .. } => {}
            Movement::RedemptionReversed { of, leg, points, .. } => {
                let covered = account.open.get(&(*of, *leg)).is_none_or(|row| {
                    matches!(row.movement, Movement::Redemption { authority, .. } if authority.is_covered())
                });
                posted += if covered { points.0 } else { 0 };
            }
        }
    }
    (posted - reserved - account.debt.0).max(0)
}

fn settled(account: &Account, cut: &Cut, rule: &Waterfall) -> Fold {
    let rules = account.open.keys().map(|key| (*key, rule.clone())).collect();
    let unchanged = || Fold { account: account.clone(), ..Fold::default() };
    fold(account, &Cover::of(cut), &rules).unwrap_or_else(unchanged)
}

/// Of each redemption that fell short: what was covered, and who bears the rest.
fn results(fold: &Fold) -> BTreeMap<RowKey, (Points, Short)> {
    fold.shortfalls.iter().map(|short| (short.of, (short.covered, short.short))).collect()
}

/// Checks the laws over an account at a cut.
///
/// # Errors
/// The law that does not hold.
pub fn hold(account: &Account, cut: &Cut, rule: &Waterfall, rng: &mut Rng) -> Result<(), String> {
    let before = settled(account, cut, rule);
    order(account, cut, rule, &before)?;
    appended(account, cut, (rule, &before), points(rng, 300))?;
    more_credit(account, cut, (rule, &before), points(rng, 300))?;
    balanced(account, cut, &before)
}

/// L1: what the cut does not take in, because it is of later, changes nothing of it.
fn order(account: &Account, cut: &Cut, rule: &Waterfall, before: &Fold) -> Result<(), String> {
    let selected = Cover::of(cut).selected(account);
    let mut first = account.clone();
    first.open.retain(|key, row| selected.contains(key) || matches!(row.movement, Movement::Hold { .. }));
    let alone = settled(&first, cut, rule);
    let same = |one: &Account, other: &Account| {
        (&one.settled, one.reserved, one.debt, &one.shorts)
            == (&other.settled, other.reserved, other.debt, &other.shorts)
    };
    if results(&alone) == results(before) && same(&alone.account, &before.account) {
        Ok(())
    } else {
        Err(format!("L1: without what came later {:?}, with it {:?}", results(&alone), results(before)))
    }
}

/// L2: a redemption with a later key, at the end of a chain, leaves every earlier result as it was.
fn appended(
    account: &Account,
    cut: &Cut,
    (rule, before): (&Waterfall, &Fold),
    points: Points,
) -> Result<(), String> {
    let last = account.open.keys().map(|(dot, _)| *dot).max().unwrap_or(Dot::new(NodeId(2), Seq(0)));
    let marked = cut.marks.iter().any(|(node, seq)| *node == last.node && *seq > last.seq);
    if !marked {
        return Ok(());
    }
    let key = (Dot::new(last.node, last.seq.next()), 0);
    let movement = Movement::Redemption { authority: Authority::Forced, points, idem: None, on: Day(0) };
    let mut longer = account.clone();
    longer.open.insert(key, Row { at: cut.watermark, outlet: None, movement });
    let mut after = results(&settled(&longer, cut, rule));
    after.remove(&key);
    if after == results(before) {
        Ok(())
    } else {
        Err(format!("L2: {:?} before, {after:?} with a later redemption of {points:?}", results(before)))
    }
}

/// L3: more credit makes no shortfall larger, neither in all nor anyone's.
fn more_credit(
    account: &Account,
    cut: &Cut,
    (rule, before): (&Waterfall, &Fold),
    points: Points,
) -> Result<(), String> {
    let mut richer = account.clone();
    richer.settled.credit(LotTerms::plain(None), points);
    let after = settled(&richer, cut, rule);
    let (less, more) = (results(before), results(&after));
    let worse = |(key, (covered, _)): (&RowKey, &(Points, Short))| {
        less.get(key).is_none_or(|(before, _)| before > covered)
    };
    if total_short(&after) > total_short(before) || more.iter().any(worse) {
        return Err(format!("L3: {less:?} before, {more:?} with {points:?} more"));
    }
    Ok(())
}

/// L4: the window's shortfall is what it asked for beyond what was free; and every leg balances.
fn balanced(account: &Account, cut: &Cut, after: &Fold) -> Result<(), String> {
    let selected: BTreeSet<RowKey> = Cover::of(cut).selected(account);
    let mut asked = 0;
    for key in &selected {
        match account.open.get(key).map(|row| &row.movement) {
            Some(Movement::Redemption { authority, points, .. }) if !authority.is_covered() => {
                asked += points.0;
            }
            Some(Movement::RedemptionReversed { of, leg, points, .. }) if selected.contains(&(*of, *leg)) => {
                let row = account.open.get(&(*of, *leg)).map(|row| &row.movement);
                let offline =
                    matches!(row, Some(Movement::Redemption { authority, .. }) if !authority.is_covered());
                asked -= if offline { points.0 } else { 0 };
            }
            _ => {}
        }
    }
    let reversed = after.shortfalls.iter().any(|one| one.short.reversed.is_positive());
    let called_back: i64 = after
        .legs
        .iter()
        .filter(|leg| (leg.from, leg.to) == (Side::Program, Side::Member))
        .map(|leg| leg.points.0)
        .sum();
    let beyond = (asked - after.free.0).max(0);
    let short = total_short(after).0;
    // what had expired may be called back for a redemption that was good in its time; what is undone is borne by nobody
    let fits = if reversed || called_back > 0 { short <= beyond } else { short == beyond };
    if !fits {
        return Err(format!("L4: {short} short, {asked} asked for and {:?} free", after.free));
    }
    let (one, other) = (account.base(), after.account.base());
    let moved = |side: Side| -> i64 {
        let into = after.legs.iter().filter(|leg| leg.to == side).map(|leg| leg.points.0);
        let out = after.legs.iter().filter(|leg| leg.from == side).map(|leg| leg.points.0);
        into.sum::<i64>() - out.sum::<i64>()
    };
    let sides = [
        (other.lots.posted().0 - one.lots.posted().0, moved(Side::Member)),
        (one.suspense.0 - other.suspense.0, moved(Side::Suspense)),
        (one.debt.0 - other.debt.0, moved(Side::Debt)),
    ];
    if sides.iter().any(|(held, told)| held != told) {
        return Err(format!("I8: member, suspense and debt moved as {sides:?}"));
    }
    Ok(())
}
