//! A year of real receipts, replayed: each store a till with its own store on disk and real sync, a real server, lines
//! that go down, processes that are killed, requests that are sent again; and then the books are held against what
//! everybody was told, against a separate program, and against themselves in other orders.
//!
//! A till pulls before it sells on line, in the morning, and pushes and pulls when its line is back; mornings on which
//! nobody could notice that it did are left out, except once a week.
//!
//! Days go in order. Within a day stores work at the same time, but a household's receipts stay in the order in which it
//! bought: all that stores have to do with each other is what a household has left, so this keeps what decides and lets
//! the rest overlap. When the server settles, and when it or a till dies, follows the wall clock; a few figures
//! (what was redeemed with no line, what fell short) differ a little between runs of one seed for that.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

pub mod baskets;
pub mod centre;
pub mod days;
pub mod dial;
pub mod fleet;
pub mod judge;
pub mod ledger;
pub mod orders;
pub mod plan;
pub mod shop;

use baskets::Baskets;
use days::World;
use dial::{Dial, Line};
use plan::Plan;

/// What is replayed, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// All receipts, or those of a fixed tenth of the households.
    pub whole: bool,
    /// From what everything that goes wrong is drawn.
    pub seed: u64,
    /// How long a line is down at a time.
    pub outage_hours: u32,
    /// The share of the time that it is down, in millionths.
    pub outage_millionths: u64,
    /// In how many other orders the journals are taken in.
    pub orders: u32,
    /// Where tills and server keep their stores; the system's own place for temporary files if none is named.
    pub dir: Option<PathBuf>,
    /// Every so many days every till pulls in the morning; on the others only those that will sell from it.
    pub pull_days: usize,
    /// Only the first so many days, for a quick look; the household's points are then not compared.
    pub days: Option<usize>,
    /// How far tills with no line are trusted.
    pub dial: Dial,
    /// Whether the server's business days are closed in the end, as if some days had passed.
    pub closes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            whole: false,
            seed: 1,
            outage_hours: 24,
            outage_millionths: 100_000,
            orders: 10,
            dir: None,
            pull_days: 7,
            days: None,
            dial: Dial::default(),
            closes: false,
        }
    }
}

/// What is told, line by line, as it becomes known.
pub struct Told {
    say: Box<dyn FnMut(&str) + Send>,
    bad: Vec<String>,
    begun: Instant,
}

impl Told {
    /// Tells through a function.
    pub fn new(say: impl FnMut(&str) + Send + 'static) -> Self {
        Self { say: Box::new(say), bad: Vec::new(), begun: Instant::now() }
    }

    /// Tells a figure.
    pub fn figure(&mut self, text: &str) {
        (self.say)(&format!("{:>7.1} s       {text}", self.begun.elapsed().as_secs_f32()));
    }

    /// Tells something that must hold, with its figures.
    pub fn check(&mut self, holds: bool, text: &str) {
        let word = if holds { "holds" } else { "BROKEN" };
        (self.say)(&format!("{:>7.1} s {word:>6} {text}", self.begun.elapsed().as_secs_f32()));
        if !holds {
            self.bad.push(text.to_owned());
        }
    }
}

/// Replays the receipts and checks what came of it; answers the line that it makes in the table of the dial's settings.
///
/// # Errors
/// What does not hold, or could not be done.
pub fn run(options: &Options, mut told: Told) -> Result<Line, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let line = runtime.block_on(replay(options, &mut told))?;
    if told.bad.is_empty() { Ok(line) } else { Err(format!("broken: {}", told.bad.join("; "))) }
}

async fn replay(options: &Options, told: &mut Told) -> Result<Line, String> {
    let path = baskets::path(options.whole);
    let mut baskets = Baskets::read(&path, options.whole)?;
    if let Some(days) = options.days {
        let end = baskets.days().get(days).map_or(baskets.all.len(), |(_, range)| range.start);
        baskets.all.truncate(end);
    }
    let plan = Plan::draw(options, &baskets);
    told.figure(&format!(
        "{} baskets of {} households at {} stores; seed {}, lines down {} h at a time, {} of a million; the dial at {}",
        baskets.all.len(),
        baskets.households().len(),
        baskets.stores().len(),
        options.seed,
        options.outage_hours,
        options.outage_millionths,
        options.dial.name(),
    ));
    let baskets = Arc::new(baskets);
    let (office, shops) = fleet::open(options, &baskets, &plan).await?;
    told.figure(&format!("{} tills are enrolled, {} of them processes", shops.len(), plan.apart.len()));

    let world = Arc::new(World::new(Arc::clone(&baskets), plan, (office, shops), options));
    days::play(&world, told).await?;
    days::quieten(&world, told).await?;
    let sold = world.sold()?;
    told.check(
        sold.len() == baskets.all.len(),
        &format!("all baskets are replayed: {} of {}", sold.len(), baskets.all.len()),
    );
    world.tally(told);
    let (asked, refused) = world.asked();

    let mut office = fleet::close(world, told).await?;
    let judging = judge::Judging { options: options.clone(), path, baskets, sold };
    let mut said = std::mem::replace(told, Told::new(|_| ()));
    let judged = tokio::task::spawn_blocking(move || {
        let done = judge::judge(&judging, &mut office, &mut said);
        (done, said)
    });
    let (done, said) = judged.await.map_err(|error| error.to_string())?;
    *told = said;
    Ok(Line { asked, refused, ..done? })
}

/// What a till acknowledged.
#[derive(Clone, Debug)]
pub struct Sold {
    /// The transaction's id.
    pub id: String,
    /// Points earned.
    pub earned: i64,
    /// Points redeemed.
    pub redeemed: i64,
    /// On what grounds, where any were.
    pub authority: Option<String>,
}

/// What was acknowledged, by the basket's place in the list.
pub type AllSold = BTreeMap<usize, Sold>;
