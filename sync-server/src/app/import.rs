//! Members from CSV: a million rows in batches, every bad row named, the good ones in, safe to run again.

use std::io::Read;
use std::sync::Arc;

use super::console::Console;
use super::{App, AppError, Done, Who, audit, settling};
use crate::clock;

mod batch;
mod row;

use row::Row;

/// The columns, in any order.
pub const HEADER: [&str; 11] = [
    "external_id",
    "name",
    "phone",
    "email",
    "birth_date",
    "program",
    "member_number",
    "card",
    "currency",
    "balance",
    "enrolled_on",
];
/// What stands before the name of a financial field in the header.
const FINANCIAL: &str = "financial.";
/// Rows in one commit: some megabytes of pages, a fraction of a second.
const BATCH_ROWS: usize = 2_000;
/// Batches between two settlements, so that no single one has to fold them all.
const SETTLE_BATCHES: u64 = 10;
/// Bad rows named one by one; the rest are counted.
const NAMED: u64 = 1_000;

/// What became of the rows.
#[derive(Clone, Copy, Default, Debug)]
struct Tally {
    rows: u64,
    added: u64,
    known: u64,
    bad: u64,
}

/// Takes members in; answers whether every row was good. Blocks.
pub fn members(app: &Arc<App>, input: &mut dyn Read, bytes: u64, console: &mut dyn Console) -> Done<bool> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
    check_header(&mut reader)?;
    let catalog = app.catalog()?;
    let (mut tally, mut batch, mut batches) = (Tally::default(), Vec::with_capacity(BATCH_ROWS), 0);
    let mut record = csv::StringRecord::new();
    let headers = reader.headers().cloned().map_err(unreadable)?;
    loop {
        let read = reader.read_record(&mut record);
        let line = record.position().map_or(0, csv::Position::line);
        match read {
            Ok(false) => break,
            Ok(true) => match Row::read(&headers, &record, line, &catalog, app.index()) {
                Ok(row) => batch.push(row),
                Err(why) => bad(&mut tally, line, &why, console),
            },
            Err(error) => {
                let line = error.position().map_or_else(|| reader.position().line(), csv::Position::line);
                bad(&mut tally, line, &broken(&error), console);
            }
        }
        tally.rows += 1;
        if batch.len() >= BATCH_ROWS {
            write(app, std::mem::take(&mut batch), &mut tally, console)?;
            batches += 1;
            if batches % SETTLE_BATCHES == 0 {
                settle(app)?;
            }
            console.progress(reader.position().byte().min(bytes), bytes);
        }
    }
    write(app, batch, &mut tally, console)?;
    settle(app)?;
    console.progress(bytes, bytes);
    finish(app, tally, console)
}

/// Why a row is none.
fn broken(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields, the header {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "stands in `map_err`")]
fn unreadable(error: csv::Error) -> AppError {
    AppError::field("members", error.to_string())
}

fn check_header(reader: &mut csv::Reader<&mut dyn Read>) -> Done<()> {
    let header = reader.headers().map_err(unreadable)?;
    let known = |name: &&str| HEADER.contains(name) || name.starts_with(FINANCIAL);
    if let Some(odd) = header.iter().find(|name| !known(name)) {
        let detail = format!(
            "`{odd}` is no column; there are {} and, for what another system keeps of a customer's money, \
             `{FINANCIAL}credit_limit` and the like.",
            HEADER.join(",")
        );
        return Err(AppError::field("members", detail));
    }
    if let Some(missing) = ["name", "program"].into_iter().find(|name| !header.iter().any(|it| it == *name)) {
        return Err(AppError::field("members", format!("The header has no column `{missing}`.")));
    }
    Ok(())
}

fn bad(tally: &mut Tally, line: u64, why: &str, console: &mut dyn Console) {
    tally.bad += 1;
    if tally.bad <= NAMED {
        console.err(&format!("line {line}: {why}"));
    }
}

fn write(app: &Arc<App>, rows: Vec<Row>, tally: &mut Tally, console: &mut dyn Console) -> Done<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = Arc::new(rows);
    let now = clock::now();
    let outcome = app.write_blocking(move |books| batch::put(books, &rows, now))?;
    tally.added += outcome.added;
    tally.known += outcome.known;
    for (line, why) in outcome.bad {
        bad(tally, line, &why, console);
    }
    Ok(())
}

fn settle(app: &Arc<App>) -> Done<()> {
    settling::round_blocking(app, clock::now()).map(|_| ())
}

fn finish(app: &Arc<App>, tally: Tally, console: &mut dyn Console) -> Done<bool> {
    if tally.bad > NAMED {
        console.err(&format!("… and {} more bad rows", tally.bad - NAMED));
    }
    let now = clock::now();
    let detail =
        format!("{} rows: {} added, {} known, {} bad", tally.rows, tally.added, tally.known, tally.bad);
    app.write_blocking(move |books| {
        audit::note(books, &Who::local(), now, "members.import", "members", &detail)
    })?;
    let told = serde_json::json!({
        "rows": tally.rows, "added": tally.added, "known": tally.known, "bad": tally.bad,
    });
    console.out(&told.to_string());
    Ok(tally.bad == 0)
}
