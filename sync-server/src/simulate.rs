//! The dial's simulator: a chain's own receipts under chosen outages, for each setting of the dial, by the real rules.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

pub mod chain;
pub mod chart;
pub mod days;
pub mod dial;
pub mod outages;
pub mod receipts;
pub mod table;
pub mod tally;
mod till;

use chain::Chain;
use dial::{Custom, Setting};
use outages::Outages;
use receipts::Receipts;
use tally::Tally;

/// What is run.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// Points that a member redeems at a visit, one after the other; each with the settings of the dial, in the order in
    /// which they are told.
    pub tries: Vec<(i64, Vec<Setting>)>,
    /// How long outages are, in hours.
    pub outage_hours: Vec<u32>,
    /// The share of the time without a line, in millionths.
    pub millionths: u64,
    /// Each figure is the mean over so many seeds.
    pub seeds: u64,
    /// How members redeem, and who bears what; but for its block, which is each try's own.
    pub custom: Custom,
}

/// What came of one setting under outages of one length.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The setting's name.
    pub setting: String,
    /// Points that a member redeemed at a visit.
    pub block: i64,
    /// How long outages were, in hours.
    pub outage_hours: u32,
    /// One for each seed.
    pub runs: Vec<Tally>,
    /// Whether in each run every day was closed and every seal holds.
    pub sealed: bool,
}

/// What a run came to, and whether every day was closed and every seal holds.
type Ran = Result<(Tally, bool), String>;

/// One run of one setting.
struct Job<'a> {
    row: usize,
    setting: &'a Setting,
    outages: Outages,
    custom: Custom,
}

/// Runs a plan on as many threads as there are processors; `told` hears how many of how many runs are done.
///
/// # Errors
/// A setting that no catalog takes.
pub fn run(
    receipts: &Receipts,
    plan: &Plan,
    told: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let mut jobs = Vec::new();
    for hours in &plan.outage_hours {
        let tries = plan.tries.iter().flat_map(|(block, settings)| settings.iter().map(|it| (*block, it)));
        for (block, setting) in tries {
            let custom = Custom { block, ..plan.custom };
            for seed in 1..=plan.seeds {
                let outages = Outages { seed, hours: *hours, millionths: plan.millionths };
                jobs.push(Job { row: rows.len(), setting, outages, custom });
            }
            rows.push(Row {
                setting: setting.name.clone(),
                block,
                outage_hours: *hours,
                runs: Vec::new(),
                sealed: true,
            });
        }
    }
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Mutex<Vec<(usize, Ran)>> = Mutex::new(Vec::new());
    let work = || {
        while let Some((place, job)) = {
            let place = next.fetch_add(1, Ordering::Relaxed);
            jobs.get(place).map(|job| (place, job))
        } {
            let result = one(receipts, job);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((place, result));
            told(done.fetch_add(1, Ordering::Relaxed) + 1, jobs.len());
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(place, _)| *place);
    for (place, result) in results {
        let (tally, sealed) = result?;
        if let Some(row) = jobs.get(place).and_then(|job| rows.get_mut(job.row)) {
            row.runs.push(tally);
            row.sealed &= sealed;
        }
    }
    Ok(rows)
}

fn one(receipts: &Receipts, job: &Job<'_>) -> Ran {
    let mut chain = Chain::new(receipts, job.outages, job.setting, job.custom)?;
    chain.play();
    let last = receipts.all.last().map(|last| last.at.day(chrono_tz::UTC));
    let all = chain.days.closed.last().map(|day| day.day) >= last;
    Ok((chain.tally.clone(), all && chain.days.broken(&chain.books).is_empty()))
}

/// For each length of outage and each block, the setting that a search finds ([`best`]); `None` where none stays under the
/// loss.
#[must_use]
pub fn found(rows: &[Row], most_short: i64) -> Vec<Found> {
    let mut groups: Vec<(u32, i64)> = rows.iter().map(|row| (row.outage_hours, row.block)).collect();
    groups.dedup();
    let of_group = |(outage_hours, block): (u32, i64)| {
        let own = |row: &&Row| (row.outage_hours, row.block) == (outage_hours, block);
        let rows: Vec<Row> = rows.iter().filter(own).cloned().collect();
        Found { outage_hours, block, row: best(&rows, most_short).cloned() }
    };
    groups.into_iter().map(of_group).collect()
}

/// What a search finds.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// How long outages were, in hours.
    pub outage_hours: u32,
    /// Points that a member redeemed at a visit.
    pub block: i64,
    /// The row of the setting that refuses least; `None` where none stays under the loss.
    pub row: Option<Row>,
}

/// Of rows of one outage length and one block, the one that refuses least while at most so many points are short; of those that refuse
/// as little, the one that loses least.
#[must_use]
pub fn best(rows: &[Row], most_short: i64) -> Option<&Row> {
    let mean = |row: &Row, of: fn(&Tally) -> i64| {
        // compared as sums over the same seeds
        row.runs.iter().map(of).sum::<i64>()
    };
    let bound = |row: &Row| i64::try_from(row.runs.len()).unwrap_or(1).saturating_mul(most_short);
    let refused = |tally: &Tally| i64::try_from(tally.refusals()).unwrap_or(i64::MAX);
    let short = |tally: &Tally| tally.short().0;
    let within = rows.iter().filter(|row| mean(row, short) <= bound(row));
    within.min_by_key(|row| (mean(row, refused), mean(row, short)))
}

#[cfg(test)]
mod tests;
