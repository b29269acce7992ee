//! What is checked when the year is over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use shared::books::Side;
use shared::ids::Hash;

use super::baskets::Baskets;
use super::ledger::{self, Books, Posted};
use super::{AllSold, Options, Told, orders};
use crate::harness::office::Office;

/// What is held against each other.
pub struct Judging {
    /// How it was played.
    pub options: Options,
    /// The CSV.
    pub path: PathBuf,
    /// The receipts.
    pub baskets: Arc<Baskets>,
    /// What the tills acknowledged.
    pub sold: AllSold,
}

/// Orders that are taken in at the same time.
const AT_ONCE: u32 = 2;

/// Checks all of it. Stops the server first.
///
/// # Errors
/// Something cannot be read.
pub fn judge(judging: &Judging, office: &mut Office, told: &mut Told) -> Result<(), String> {
    office.stop();
    let verified = office.command(&["verify"]);
    let said = String::from_utf8_lossy(&[verified.stdout, verified.stderr].concat()).trim().to_owned();
    told.check(verified.status.success(), &format!("tillkeep-server verify exits 0: {said}"));

    let directory = office.folder().join("data");
    let books = ledger::read(&directory, judging.baskets.households().into_iter())?;
    told.figure(&format!("the server has {} entries, {} of them cuts", books.entries(), books.cuts()));
    once(judging, &books, told);
    balanced(&books, told);
    redeemed(judging, &books, told);
    if judging.options.days.is_none() {
        oracle(judging, &books, told)?;
    }
    in_other_orders(&judging.options, books, told)
}

/// Each acknowledged transaction is in the ledger once, with the points that were told, and nothing else is.
fn once(judging: &Judging, books: &Books, told: &mut Told) {
    let sales = books.sales();
    let (mut missing, mut doubled, mut other) = (0, 0, 0);
    for (place, sold) in &judging.sold {
        let Some(basket) = judging.baskets.all.get(*place) else { continue };
        match sales.get(&basket.id.to_string()) {
            None => missing += 1,
            Some(Posted { dots, .. }) if dots.len() != 1 => doubled += 1,
            Some(Posted { dots, earned, redeemed }) => {
                let same = dots.iter().all(|dot| dot.to_string() == sold.id);
                other += u64::from(!same || (*earned, *redeemed) != (sold.earned, sold.redeemed));
            }
        }
    }
    told.check(
        (missing, doubled, other) == (0, 0, 0) && sales.len() == judging.sold.len(),
        &format!(
            "of {} acknowledged transactions, {missing} are not in the ledger, {doubled} twice, {other} otherwise than \
             told; {} sales are there in all",
            judging.sold.len(),
            sales.len()
        ),
    );
}

/// The ledger balances, and says what the accounts say.
fn balanced(books: &Books, told: &mut Told) {
    let sides = books.sides();
    let sum: i64 = sides.values().sum();
    let each: Vec<String> = sides.iter().map(|(side, points)| format!("{side:?} {points}")).collect();
    let legs = books.lines.len();
    told.check(sum == 0, &format!("Σ of all postings is {sum} over {legs} legs: {}", each.join(", ")));
    let (has, says) = (books.liability(), sides.get(&Side::Member).copied().unwrap_or(0));
    told.check(has == says, &format!("Σ accounts is {has}, the ledger's liability {says}"));
    let suspense = sides.get(&Side::Suspense).copied().unwrap_or(0);
    told.check(suspense == 0, &format!("nothing waits to be settled: suspense {suspense}"));
}

/// What was redeemed on what grounds, and what fell short. Figures, and one rule: only what was redeemed with no line
/// falls short.
fn redeemed(judging: &Judging, books: &Books, told: &mut Told) {
    let mut at_tills: BTreeMap<&str, u64> = BTreeMap::new();
    for authority in judging.sold.values().filter_map(|sold| sold.authority.as_deref()) {
        *at_tills.entry(authority).or_default() += 1;
    }
    told.figure(&format!("redemptions as tills acknowledged them: {at_tills:?}"));
    let judged = books.authorities();
    told.figure(&format!("redemptions as the server judged them: {judged:?}"));
    let (count, member, outlet, program) = books.shorts();
    let all = member.plus(outlet).plus(program);
    told.figure(&format!(
        "short: {count} redemptions by {} points; {} became the members' debt, {} are borne by outlets, {} by the program",
        all.0, member.0, outlet.0, program.0
    ));
    let (needless, borne) = books.shorts_without_need();
    told.figure(&format!(
        "of these {needless} redemptions, with {} points short, are of accounts that never went below zero by the order of time",
        borne.0
    ));
    let points: i64 = judging.sold.values().map(|sold| sold.redeemed).sum();
    told.figure(&format!("{points} points were redeemed in all"));
    told.check(
        member.0 == 0 && outlet.0 == 0,
        "what fell short is borne as the catalog says: by the program",
    );
}

/// Every household has earned what a separate program works out.
fn oracle(judging: &Judging, books: &Books, told: &mut Told) -> Result<(), String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("baskets/oracle.py");
    let ran = Command::new("python3").arg("-B").arg(program).arg(&judging.path).output();
    let ran = ran.map_err(|error| format!("python3: {error}"))?;
    if !ran.status.success() {
        return Err(format!("oracle.py: {}", String::from_utf8_lossy(&ran.stderr)));
    }
    let said = String::from_utf8_lossy(&ran.stdout);
    let (mut same, mut wrong, mut total) = (0, Vec::new(), 0);
    for row in said.lines().skip(1) {
        let (household, points) = row.split_once(',').ok_or_else(|| format!("oracle.py says `{row}`"))?;
        let points: i64 = points.parse().map_err(|_| format!("oracle.py says `{row}`"))?;
        let Ok(household) = household.parse::<u32>() else { continue };
        let has = books.households.get(&household).map(|account| account.base().lifetime_earned.0);
        total += has.unwrap_or(0);
        if has == Some(points) {
            same += 1;
        } else {
            wrong.push(format!("{household}: {has:?}, not {points}"));
        }
    }
    let shown = wrong.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
    told.check(
        wrong.is_empty() && same == books.households.len(),
        &format!(
            "{same} of {} households earned what oracle.py says, {total} points in all {shown}",
            books.households.len()
        ),
    );
    Ok(())
}

/// Every other order gives the same state.
fn in_other_orders(options: &Options, books: Books, told: &mut Told) -> Result<(), String> {
    let hash = books.hash();
    let (books, next) = (books.shared(), Arc::new(AtomicU32::new(0)));
    let mut workers = Vec::new();
    for _ in 0..AT_ONCE {
        let (books, next, seed, orders) =
            (Arc::clone(&books), Arc::clone(&next), options.seed, options.orders);
        workers.push(std::thread::spawn(move || {
            let mut hashes: Vec<Hash> = Vec::new();
            loop {
                let order = next.fetch_add(1, Ordering::Relaxed);
                if order >= orders {
                    return hashes;
                }
                hashes.push(orders::replay(&books, seed.wrapping_add(1_000 + u64::from(order))));
            }
        }));
    }
    let mut same = 0;
    for worker in workers {
        let hashes = worker.join().map_err(|_| "a replay in another order failed".to_owned())?;
        same += hashes.into_iter().filter(|other| *other == hash).count();
    }
    told.check(
        same == usize::try_from(options.orders).unwrap_or(0),
        &format!(
            "{same} of {} other orders of the {} entries end in the state of the first, {}",
            options.orders,
            books.entries(),
            hash.hex()
        ),
    );
    Ok(())
}
