//! `simulate`: the dial tried on a chain's own receipts.

use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::terminal;
use crate::simulate::dial::{Custom, Setting};
use crate::simulate::receipts::Receipts;
use crate::simulate::tally::Tally;
use crate::simulate::{self, Found, Plan, chart, table};

/// Replays receipts under outages for each setting of the dial, in memory, by the server's own rules.
///
/// FILE is a CSV with the columns basket_id, household_id, store_id, timestamp (2017-01-01T11:53:26, or with an offset)
/// and sales_value (at most two decimal places); other columns may stand beside them. One row is one line of a receipt;
/// rows of one basket_id are one receipt. Each household has one card, each store one till, and a member redeems a block
/// of points at every basket that is large enough where the till shows enough points. Each figure is a mean over seeds.
/// Under `reserved` all points of a member are reserved for the tills where they usually shop; `reserved_plus_allowance` lets
/// a block a member and day pass beyond that, by a balance up to a day old; `trust` lets everything pass.
#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// The receipts.
    #[arg(long, value_name = "FILE")]
    receipts: PathBuf,
    /// How long a line is down at a time, in hours; several are run one after the other.
    #[arg(long, value_name = "HOURS", value_delimiter = ',', default_value = "4,24,72")]
    outages: Vec<u32>,
    /// The share of the time that each line is down, such as 0.1.
    #[arg(long, value_name = "SHARE", default_value = "0.1", value_parser = millionths)]
    share: u64,
    /// Over how many seeds each figure is a mean.
    #[arg(long, value_name = "N", default_value_t = 4)]
    seeds: u64,
    /// Points that a member redeems at a visit; several stand beside each other.
    #[arg(long, value_name = "POINTS", value_delimiter = ',', default_value = "500,100")]
    block: Vec<i64>,
    /// From what a basket costs on they do, in whole units of money.
    #[arg(long, value_name = "AMOUNT", default_value_t = 5)]
    from: u64,
    /// Up to how many points a member may owe; the program bears what is beyond.
    #[arg(long, value_name = "POINTS", default_value_t = 0)]
    debt: i64,
    /// Searches for the setting that refuses least while staying under --loss: among `refuse`, `reserved`, and
    /// `reserved_plus_allowance` and `trust` within ages of the balance and points a member and day.
    #[arg(long, requires = "loss")]
    search: bool,
    /// The most points that may be short over all of the receipts.
    #[arg(long, value_name = "POINTS")]
    loss: Option<i64>,
    /// Writes the table as CSV too.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Writes a chart as SVG too.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

fn millionths(text: &str) -> Result<u64, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let share =
        format!("{whole}{part:0<6}").parse().ok().filter(|share| part.len() <= 6 && *share <= 1_000_000);
    share.ok_or_else(|| format!("`{text}` is no share; it is from 0 to 1, such as 0.1"))
}

impl Simulate {
    fn plan(&self) -> Result<Plan, String> {
        if self.block.iter().any(|block| *block <= 0)
            || self.block.is_empty()
            || self.seeds == 0
            || self.debt < 0
            || self.outages.contains(&0)
        {
            return Err("--block, --seeds and --outages are above zero, --debt is not below".to_owned());
        }
        let custom =
            Custom { from_cents: self.from.saturating_mul(100), debt: self.debt, ..Custom::default() };
        let settings = if self.search { Setting::ladder } else { Setting::all };
        Ok(Plan {
            tries: self.block.iter().map(|block| (*block, settings(*block))).collect(),
            outage_hours: self.outages.clone(),
            millionths: self.share,
            seeds: self.seeds,
            custom,
        })
    }
}

/// Runs it; an error is wrong usage.
pub(super) fn run(asked: &Simulate, json: bool) -> Result<bool, String> {
    let plan = asked.plan()?;
    let done = Receipts::read(&asked.receipts).and_then(|receipts| play(asked, &receipts, (&plan, json)));
    Ok(match done {
        Ok(()) => true,
        Err(text) => {
            terminal::complain(&text);
            false
        }
    })
}

fn play(asked: &Simulate, receipts: &Receipts, (plan, json): (&Plan, bool)) -> Result<(), String> {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {elapsed}");
    bar.set_style(style.map_err(|error| error.to_string())?);
    let rows = simulate::run(receipts, plan, &|done, all| {
        bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
        bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    })?;
    bar.finish_and_clear();
    let found = asked.loss.filter(|_| asked.search).map(|loss| (loss, simulate::found(&rows, loss)));
    let found = found.as_ref();
    if json {
        terminal::say(&table::json(&rows, found.map(|(_, found)| found.as_slice())).to_string());
    } else {
        terminal::say(table::text(&rows).trim_end());
    }
    write(asked.csv.as_deref(), &table::csv(&rows)?)?;
    write(asked.svg.as_deref(), &chart::svg(&rows))?;
    if let Some((loss, found)) = found.filter(|_| !json) {
        for found in found {
            terminal::say(&answer(found, *loss));
        }
    }
    let wrong = rows.iter().find(|row| !row.sealed || !row.runs.iter().all(Tally::is_balanced));
    wrong.map_or(Ok(()), |row| {
        Err(format!("{}: the ledger does not balance, or a day was not closed", row.setting))
    })
}

fn answer(found: &Found, loss: i64) -> String {
    let of = format!("Outages of {} h, {} points a visit", found.outage_hours, found.block);
    match &found.row {
        Some(row) => format!(
            "{of}, at most {loss} points short: `{}` refuses least ({}% of what is asked with no line).",
            row.setting,
            table::refused_share(row)
        ),
        None => format!("{of}: no setting stays under {loss} points."),
    }
}

fn write(path: Option<&Path>, text: &str) -> Result<(), String> {
    let Some(path) = path else { return Ok(()) };
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
