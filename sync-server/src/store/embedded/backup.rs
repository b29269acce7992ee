//! Copies of the embedded store: one file, made from a snapshot while the writer goes on.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use redb::ReadTransaction;
use redb::backends::FileBackend;

use super::kv::{Stored, failed};
use super::{begin, cached, tables};
use crate::store::{Copied, StoreError};

/// Writes a snapshot into a file that is not there yet. It has the server's keys in it, so it is for its owner alone. It
/// stands under its name only once it is whole and on disk.
pub(super) fn copy(snapshot: &ReadTransaction, to: &Path) -> Stored<Copied> {
    if to.exists() {
        return Err(StoreError::Failed(format!("{} is there already", to.display())));
    }
    let part = part_of(to);
    let copied = fill(snapshot, &part).and_then(|rows| {
        std::fs::rename(&part, to).map_err(io)?;
        sync_folder(to)?;
        let bytes = std::fs::metadata(to).map_err(io)?.len();
        Ok(Copied { rows, bytes })
    });
    if copied.is_err() {
        // what is half-written is of no use; that it could not be written is what is told
        let _ = std::fs::remove_file(&part);
    }
    copied
}

fn fill(snapshot: &ReadTransaction, part: &Path) -> Stored<u64> {
    let file =
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(part).map_err(io)?;
    let copy = cached().create_with_backend(FileBackend::new(file).map_err(failed)?).map_err(failed)?;
    let transaction = begin(&copy)?;
    let rows = tables::copy_all(snapshot, &transaction)?;
    transaction.commit().map_err(failed)?;
    Ok(rows)
}

/// Copies a backup to where a store lies, and checks every page of it.
pub(super) fn put_back(from: &Path, to: &Path) -> Stored<()> {
    let unread = |error: &dyn std::fmt::Display| StoreError::Failed(format!("{}: {error}", from.display()));
    std::fs::copy(from, to).map_err(|error| unread(&error))?;
    File::open(to).and_then(|file| file.sync_all()).map_err(io)?;
    let mut copy = cached().open(to).map_err(|error| {
        unread(&format!("this is no backup of `tillkeep-server backup`, or a damaged one ({error})"))
    })?;
    // nobody else has this copy: what is checked is what was read from the backup
    if !copy.check_integrity().map_err(failed)? {
        return Err(StoreError::Damaged(format!("{} does not verify", from.display())));
    }
    Ok(())
}

/// Makes a rename in a file's folder durable.
pub(super) fn sync_folder(of: &Path) -> Stored<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

fn part_of(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn io(error: std::io::Error) -> StoreError {
    failed(redb::Error::Io(error))
}
