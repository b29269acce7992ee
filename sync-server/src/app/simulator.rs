//! The dial's simulator for the console: one run at a time, in the background, on receipts that somebody uploaded. What it
//! reads and answers lies in memory, and is gone with a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use shared::refusal::Problem;

use super::{App, AppError, Done, Who, audit};
use crate::clock;
use crate::simulate::dial::{Custom, Setting};
use crate::simulate::receipts::Receipts;
use crate::simulate::{self, Found, Plan, Row};

/// The longest file of receipts, in bytes: a year of a chain with some hundred shops.
pub const FILE_BYTES: usize = 64 * 1024 * 1024;
/// Lengths of outages, and seeds, in one run: what they multiply has to end within a coffee break.
const RUNS: (usize, u64) = (4, 8);

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Lengths of outages, in hours.
    pub outage_hours: Vec<u32>,
    /// The share of the time without a line, in millionths.
    pub millionths: u64,
    /// Each figure is the mean over so many seeds.
    pub seeds: u64,
    /// Points that a member redeems at a visit, one after the other.
    pub blocks: Vec<i64>,
    /// From what a basket costs on they do, in hundredths.
    pub from_cents: u64,
    /// Up to how many points a member may owe.
    pub debt: i64,
    /// The most points that may be short: the setting that refuses least under it is looked for.
    pub loss: Option<i64>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many receipts, of how many members, in how many shops.
    pub receipts: (usize, u32, u32),
    /// One for each setting and length of outage.
    pub rows: Vec<Row>,
    /// Where a loss was named: for each length of outage and each block, the setting that refuses least under it.
    pub found: Vec<Found>,
}

/// Where the last run stands.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// There was none since the server's start.
    #[default]
    Idle,
    /// So many of so many parts are done.
    Running(Arc<(AtomicUsize, AtomicUsize)>),
    /// It is over.
    Over(Arc<Outcome>),
    /// It failed, with a sentence.
    Failed(String),
}

/// The last run.
#[derive(Debug, Default)]
pub struct Simulator(Mutex<State>);

/// Where the last run stands.
pub fn state(app: &App) -> State {
    app.simulator().0.lock().clone()
}

/// Begins a run on a file of receipts, as `tillkeep-server simulate` takes it.
///
/// # Errors
/// What is asked makes no sense, or a run is under way.
pub async fn start(app: &Arc<App>, who: Who, asked: Asked, file: Vec<u8>) -> Done<()> {
    check(&asked)?;
    if file.is_empty() {
        return Err(AppError::field("file", "Choose a file of receipts."));
    }
    let told = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    {
        let mut state = app.simulator().0.lock();
        if matches!(*state, State::Running(_)) {
            let detail = "A run is under way; wait for it, then begin another.";
            return Err(AppError::refused(Problem::InvalidTransition, detail));
        }
        *state = State::Running(Arc::clone(&told));
    }
    let own = Arc::clone(app);
    // its own thread: it takes minutes, and the pool's are for what is answered at once
    std::thread::spawn(move || {
        let over = match run(&own, &asked, &file, &told) {
            Ok(outcome) => State::Over(Arc::new(outcome)),
            Err(text) => State::Failed(text),
        };
        *own.simulator().0.lock() = over;
    });
    let now = clock::now();
    app.write(move |books| audit::note(books, &who, now, "simulator.run", "dial", "")).await
}

fn check(asked: &Asked) -> Done<()> {
    let wrong = |field: &str, detail: String| Err(AppError::field(field, detail));
    if asked.outage_hours.is_empty() || asked.outage_hours.len() > RUNS.0 || asked.outage_hours.contains(&0) {
        return wrong("outages", format!("Give 1 to {} lengths in hours, such as 4,24,72.", RUNS.0));
    }
    if asked.millionths == 0 || asked.millionths > 1_000_000 {
        return wrong("share", "The share is above 0 and at most 1, such as 0.1.".to_owned());
    }
    if asked.seeds == 0 || asked.seeds > RUNS.1 {
        return wrong("seeds", format!("Give 1 to {} seeds.", RUNS.1));
    }
    let blocks = &asked.blocks;
    if blocks.is_empty() || blocks.len() > RUNS.0 || blocks.iter().any(|block| *block <= 0) {
        return wrong(
            "block",
            format!("Give 1 to {} numbers of points above zero, such as 500,100.", RUNS.0),
        );
    }
    if asked.debt < 0 || asked.loss.is_some_and(|loss| loss < 0) {
        return wrong("debt", "A debt and a loss are not below zero.".to_owned());
    }
    Ok(())
}

fn run(app: &App, asked: &Asked, file: &[u8], told: &(AtomicUsize, AtomicUsize)) -> Result<Outcome, String> {
    let path = app.directory().join("simulator.csv");
    std::fs::write(&path, file).map_err(|error| format!("the file could not be kept: {error}"))?;
    let read = Receipts::read(&path);
    // left behind, it is written over by the next
    let _ = std::fs::remove_file(&path);
    // where this server keeps it is nobody's business
    let receipts = read.map_err(|text| text.replace(&format!("{}: ", path.display()), ""))?;
    let custom = Custom { from_cents: asked.from_cents, debt: asked.debt, ..Custom::default() };
    let settings = if asked.loss.is_some() { Setting::ladder } else { Setting::all };
    let plan = Plan {
        tries: asked.blocks.iter().map(|block| (*block, settings(*block))).collect(),
        outage_hours: asked.outage_hours.clone(),
        millionths: asked.millionths,
        seeds: asked.seeds,
        custom,
    };
    let rows = simulate::run(&receipts, &plan, &|done, all| {
        told.0.store(done, Ordering::Relaxed);
        told.1.store(all, Ordering::Relaxed);
    })?;
    let found = asked.loss.map_or_else(Vec::new, |loss| simulate::found(&rows, loss));
    let receipts = (receipts.all.len(), receipts.households, receipts.stores);
    Ok(Outcome { receipts, rows, found })
}
