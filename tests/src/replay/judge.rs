//! What is checked when the year is over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use shared::books::Side;
use shared::ids::Hash;
use sync_server::app::{App, AppError};

use super::baskets::Baskets;
use super::dial::{Dial, Line};
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

/// How much later the server's days are closed: tills that are silent for so long are not waited for.
const LATER_MS: u64 = 5 * 24 * 3_600_000;

/// Checks all of it. Stops the server first.
///
/// # Errors
/// Something cannot be read.
pub fn judge(judging: &Judging, office: &mut Office, told: &mut Told) -> Result<Line, String> {
    office.stop();
    let directory = office.folder().join("data");
    let mut line = Line::default();
    if judging.options.closes {
        line.days = close_days(&directory)?;
        let (closed, over) = line.days;
        told.check(closed == over, &format!("{closed} of {over} business days that are over are closed"));
    }
    let verified = office.command(&["verify"]);
    let said = String::from_utf8_lossy(&[verified.stdout, verified.stderr].concat()).trim().to_owned();
    told.check(verified.status.success(), &format!("tillkeep-server verify exits 0: {said}"));

    let books = ledger::read(&directory, judging.baskets.households().into_iter())?;
    told.figure(&format!("the server has {} entries, {} of them cuts", books.entries(), books.cuts()));
    once(judging, &books, told);
    line.sum = balanced(&books, told);
    line.allowed = books.authorities();
    redeemed(judging, &books, told);
    let (overdrawn, member, outlet, program) = books.shorts();
    (line.overdrawn, line.borne) = (overdrawn, [member.0, outlet.0, program.0]);
    if judging.options.days.is_none() {
        oracle(judging, &books, told)?;
    }
    line.orders = in_other_orders(&judging.options, books, told)?;
    Ok(line)
}

/// Some days later the server settles what is left and closes the days that are over: how many it closed, of how many.
fn close_days(directory: &Path) -> Result<(usize, usize), String> {
    let text = |error: AppError| error.to_string();
    let app = App::open(directory).map_err(|error| error.to_string())?;
    let later = sync_server::clock::now().after(LATER_MS);
    let closed = || -> Result<(usize, usize), AppError> {
        sync_server::app::settling::round_blocking(&app, later)?;
        sync_server::app::days::round_blocking(&app, later)?;
        let (books, catalog) = (app.read()?, app.catalog()?);
        let Some(program) = catalog.programs.values().next() else { return Ok((0, 0)) };
        let closed = books.closed_days(program.id, None, usize::MAX)?;
        let first = closed.iter().map(|day| day.day.0).min().unwrap_or(0);
        let over = later.day(program.zone).0.saturating_sub(first);
        Ok((closed.len(), usize::try_from(over).unwrap_or(0)))
    };
    let closed = closed().map_err(text);
    app.close();
    closed
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

/// The ledger balances, and says what the accounts say; Σ of all postings.
fn balanced(books: &Books, told: &mut Told) -> i64 {
    let sides = books.sides();
    let sum: i64 = sides.values().sum();
    let each: Vec<String> = sides.iter().map(|(side, points)| format!("{side:?} {points}")).collect();
    let legs = books.lines.len();
    told.check(sum == 0, &format!("Σ of all postings is {sum} over {legs} legs: {}", each.join(", ")));
    let (has, says) = (books.liability(), sides.get(&Side::Member).copied().unwrap_or(0));
    told.check(has == says, &format!("Σ accounts is {has}, the ledger's liability {says}"));
    let suspense = sides.get(&Side::Suspense).copied().unwrap_or(0);
    told.check(suspense == 0, &format!("nothing waits to be settled: suspense {suspense}"));
    sum
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
    let dial = judging.options.dial;
    if matches!(dial, Dial::Refuse | Dial::Reserved) {
        told.check(count == 0, &format!("nothing falls short under `{}`: {count}", dial.name()));
    }
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

/// Every other order gives the same state: how many do, of how many.
fn in_other_orders(options: &Options, books: Books, told: &mut Told) -> Result<(usize, usize), String> {
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
    let all = usize::try_from(options.orders).unwrap_or(0);
    told.check(
        same == all,
        &format!(
            "{same} of {} other orders of the {} entries end in the state of the first, {}",
            options.orders,
            books.entries(),
            hash.hex()
        ),
    );
    Ok((same, all))
}
