//! Backups: a copy of the whole store in one file, and the way back.
//!
//! A restored server is an earlier state of the same database. Opening it appends an epoch ([`App::open`]), so a till's
//! cursor that passes what the backup has is not valid any more: the till bootstraps again and pushes everything from the
//! server's frontier on. What was sold after the backup comes back from the tills' journals.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use super::console::Console;
use super::{App, AppError, Done, catalog, numbers, verify};
use crate::store::{StoreError, Write, embedded};

/// Where a backup is put back and verified before it takes the store's place.
const RESTORING: &str = "restoring";
/// Node numbers that are passed over: as many enrolments and renewals as may have come after the backup.
const NODES_PASSED: u32 = 1_000;
/// Blocks of member numbers that are passed over in each program, for each node that may have asked for some.
const BLOCKS_PASSED: u32 = 10;

/// Copies the store into a file that is not there yet, while the server goes on. Blocks.
pub fn backup(app: &App, to: &Path, console: &mut dyn Console) -> Done<bool> {
    let copied = app.copy_to(to)?;
    let told = serde_json::json!({"file": to, "bytes": copied.bytes, "rows": copied.rows});
    console.out(&told.to_string());
    Ok(true)
}

/// Puts a backup back into a data directory, once it has been verified there as `verify` does. A store that is there is
/// replaced only where that is asked for, and stays as it is where the backup does not verify. Blocks.
pub fn restore(from: &Path, directory: &Path, replace: bool, console: &mut dyn Console) -> Done<bool> {
    let failed = |error: std::io::Error| StoreError::Failed(error.to_string());
    if embedded::is_in(directory) {
        if !replace {
            console
                .err(&format!("{} has a store; --replace puts the backup in its place", directory.display()));
            return Ok(false);
        }
        match App::open(directory) {
            Ok(app) => app.close(),
            // a daemon that has it must not lose it under its hands
            Err(AppError::Store(error @ StoreError::Locked(_))) => return Err(error.into()),
            // one that does not open any more is what backups are for
            Err(error) => console.err(&format!("the store that is replaced does not open: {error}")),
        }
    }
    let beside = directory.join(RESTORING);
    if beside.exists() {
        std::fs::remove_dir_all(&beside).map_err(failed)?;
    }
    if let Some(above) = beside.parent() {
        std::fs::create_dir_all(above).map_err(failed)?;
    }
    std::fs::DirBuilder::new().mode(0o700).create(&beside).map_err(failed)?;
    let good = verified(from, &beside, console);
    if let Ok(true) = good {
        embedded::take_over(&beside, directory)?;
    }
    std::fs::remove_dir_all(&beside).map_err(failed)?;
    good
}

fn verified(from: &Path, beside: &Path, console: &mut dyn Console) -> Done<bool> {
    embedded::restore(from, beside)?;
    let app = App::open(beside)?;
    let good = verify::verify(&app, console);
    if matches!(good, Ok(true)) {
        let passed = app.write_blocking(|books| pass_over(books));
        app.close();
        passed?;
        return good;
    }
    app.close();
    good
}

/// Passes over what the lost part of this database may have handed out.
fn pass_over(books: &mut dyn Write) -> Done<()> {
    let nodes = u32::try_from(books.nodes()?.len()).unwrap_or(u32::MAX);
    let passed = nodes.saturating_add(1).saturating_mul(BLOCKS_PASSED * numbers::BLOCK);
    let programs = u32::try_from(catalog::latest(books)?.programs.len()).unwrap_or(u32::MAX);
    books.take_numbers(passed.saturating_mul(programs.max(1)))?;
    for _ in 0..NODES_PASSED {
        books.next_node()?;
    }
    Ok(())
}
