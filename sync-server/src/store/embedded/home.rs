//! The store's file and the directory it lies in: made whole under another name, for its owner alone, and opened anew
//! after a write that failed.
//!
//! redb touches its file no more once a write has failed, be it only for want of room. So what was open is closed, the
//! spare file beside it is given up to make room for that, and the store is opened at its last commit: reads go on, and
//! writes are refused as long as the spare cannot be made again.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use redb::backends::FileBackend;
use redb::{Database, ReadTransaction, ReadableDatabase as _};

use super::backup::{self, sync_folder};
use super::kv::{Stored, failed};
use super::{FILE, cached};
use crate::store::{Copied, StoreError};

/// The name under which a new store is made.
const NEW_FILE: &str = "server.redb.new";
/// What is given up when the disk is full.
const SPARE: &str = "server.spare";
/// Its size: what opening a store anew writes is a few pages of it.
const SPARE_BYTES: usize = 4 * 1024 * 1024;
/// How long a reader takes to begin, which a store that is closed waits for.
const BEGINNING: Duration = Duration::from_millis(1);
/// Files with keys and members in them are for their owner alone, and so is the directory.
const OWNERS_FILE: u32 = 0o600;
const OWNERS_FOLDER: u32 = 0o700;

/// Makes a store's directory, and what is missing above it, for its owner alone; one that has a store is made so.
pub(super) fn prepare(directory: &Path) -> Stored<()> {
    let wrong = |error: std::io::Error| at(directory, &error);
    if !directory.is_dir() {
        return DirBuilder::new().recursive(true).mode(OWNERS_FOLDER).create(directory).map_err(wrong);
    }
    // one that has no store in it may be somebody else's too
    if directory.join(FILE).exists() {
        let folder = File::open(directory).map_err(wrong)?;
        keep_private(&folder, OWNERS_FOLDER).map_err(wrong)?;
    }
    Ok(())
}

/// Takes away what others may do with a file or directory that is there already.
fn keep_private(file: &File, mode: u32) -> std::io::Result<()> {
    // nothing for the group and the others, three bits each
    if file.metadata()?.permissions().mode().trailing_zeros() >= 6 {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(mode))
}

/// Makes a new store where there is none: `fill` puts into it what it begins with. Killed at any moment, it leaves none
/// or a whole one.
pub(super) fn found(directory: &Path, fill: impl FnOnce(&Database) -> Stored<()>) -> Stored<()> {
    let (new, path) = (directory.join(NEW_FILE), directory.join(FILE));
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(at(&new, &error)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create_new(true).mode(OWNERS_FILE);
    let file = options.open(&new).map_err(|error| at(&new, &error))?;
    let backend = FileBackend::new(file).map_err(failed)?;
    let database = cached().create_with_backend(backend).map_err(failed)?;
    fill(&database)?;
    drop(database);
    std::fs::rename(&new, &path).map_err(|error| at(&path, &error))?;
    sync_folder(&path)
}

/// Opens the store that is there.
pub(super) fn open(directory: &Path) -> Stored<Database> {
    let path = directory.join(FILE);
    let wrong = |error: std::io::Error| at(&path, &error);
    let file = OpenOptions::new().read(true).write(true).open(&path).map_err(wrong)?;
    keep_private(&file, OWNERS_FILE).map_err(wrong)?;
    let unusable = |why: &str| {
        let remedy = "`tillkeep-server restore --replace` puts a backup in its place";
        StoreError::Damaged(format!("{}: {why}; {remedy}", path.display()))
    };
    if file.metadata().map_err(wrong)?.len() == 0 {
        return Err(unusable("the file is empty"));
    }
    let backend = FileBackend::new(file).map_err(failed)?;
    cached().create_with_backend(backend).map_err(|error| match failed(error) {
        StoreError::Failed(why) | StoreError::Damaged(why) => unusable(&why),
        other => other,
    })
}

fn at(path: &Path, error: &std::io::Error) -> StoreError {
    let told = format!("{}: {error}", path.display());
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full(told),
        _ => StoreError::Failed(told),
    }
}

/// What there is of the store's file.
enum Slot {
    Open(Arc<Database>),
    /// It did not open after a failure; tried again by whoever asks next.
    Shut,
    /// For good.
    Closed,
}

/// Closes the file, once the last one who reads it is done.
fn shut(slot: &mut Slot) {
    let mut rest = match std::mem::replace(slot, Slot::Shut) {
        Slot::Open(database) => Some(database),
        Slot::Shut | Slot::Closed => None,
    };
    while let Some(database) = rest.take() {
        // dropped here by the last one who has it, which closes the file
        if let Err(database) = Arc::try_unwrap(database) {
            std::thread::sleep(BEGINNING);
            rest = Some(database);
        }
    }
}

/// An open store's file.
pub(super) struct Home {
    directory: PathBuf,
    slot: Mutex<Slot>,
    /// There was no room: nothing is written until the spare is there again.
    full: AtomicBool,
    /// Held while something is written.
    writing: Mutex<()>,
}

impl Home {
    /// A store's file that was just opened.
    pub(super) fn new(directory: &Path, database: Database) -> Self {
        let home = Self {
            directory: directory.to_owned(),
            slot: Mutex::new(Slot::Open(Arc::new(database))),
            full: AtomicBool::new(false),
            writing: Mutex::new(()),
        };
        // full from the beginning, it reads all the same
        home.full.store(home.save(1).is_err(), Ordering::Release);
        home
    }

    /// The open file.
    pub(super) fn database(&self) -> Stored<Arc<Database>> {
        let mut slot = self.slot.lock();
        match &*slot {
            Slot::Open(database) => Ok(Arc::clone(database)),
            Slot::Closed => Err(StoreError::Closed),
            Slot::Shut => {
                let database = Arc::new(open(&self.directory)?);
                *slot = Slot::Open(Arc::clone(&database));
                Ok(database)
            }
        }
    }

    /// What is committed now.
    pub(super) fn snapshot(&self) -> Stored<ReadTransaction> {
        self.database()?.begin_read().map_err(failed)
    }

    /// Whether there is room to write.
    ///
    /// # Errors
    /// [`StoreError::Full`] where there was none and still is not.
    pub(super) fn room(&self) -> Stored<()> {
        if self.full.load(Ordering::Acquire) {
            // as much again as was given up, or the first write would meet a full disk once more
            self.save(2)?;
            self.full.store(false, Ordering::Release);
            tracing::info!("the disk has room again");
        }
        Ok(())
    }

    /// Whether writes are refused for want of room.
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// Opens the file anew after a write that failed.
    pub(super) fn renew(&self, after: &StoreError) {
        if matches!(after, StoreError::Full(_)) {
            self.full.store(true, Ordering::Release);
            // what it takes up is what the opening needs
            let _ = std::fs::remove_file(self.directory.join(SPARE));
        }
        let mut slot = self.slot.lock();
        if !matches!(*slot, Slot::Open(_)) {
            return;
        }
        shut(&mut slot);
        match open(&self.directory) {
            Ok(database) => *slot = Slot::Open(Arc::new(database)),
            Err(error) => tracing::error!(%error, "the store does not open after a failure"),
        }
    }

    /// Held while something is written: nobody else does meanwhile.
    pub(super) fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock()
    }

    /// Writes the file anew, without what its pages still hold of rows that are gone. Writers wait for all of it, readers
    /// for the moment in which it takes the old one's place. `noted` is what is written into the new one first.
    ///
    /// # Errors
    /// There is no room for both, or it cannot be renamed; the old file stays.
    pub(super) fn rewrite(&self, noted: impl FnOnce(&Database) -> Stored<()>) -> Stored<Copied> {
        let _writing = self.writing();
        let (new, place) = (self.directory.join(NEW_FILE), self.directory.join(FILE));
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(at(&new, &error)),
            _ => {}
        }
        let copied = backup::copy(&self.snapshot()?, &new)?;
        let mut slot = self.slot.lock();
        if !matches!(*slot, Slot::Open(_)) {
            return Err(StoreError::Closed);
        }
        shut(&mut slot);
        let moved = std::fs::rename(&new, &place).map_err(|error| at(&place, &error));
        let synced = moved.and_then(|()| sync_folder(&place));
        let database = Arc::new(open(&self.directory)?);
        *slot = Slot::Open(Arc::clone(&database));
        drop(slot);
        synced?;
        noted(&database)?;
        Ok(copied)
    }

    /// Closes it for good.
    pub(super) fn close(&self) {
        *self.slot.lock() = Slot::Closed;
    }

    /// Makes the spare, of bytes that no file system squeezes, where there is room for it so many times over.
    fn save(&self, times: usize) -> Stored<()> {
        let path = self.directory.join(SPARE);
        if std::fs::metadata(&path).is_ok_and(|data| data.len() == SPARE_BYTES as u64) {
            return Ok(());
        }
        let mut bytes = vec![0; SPARE_BYTES];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for chunk in bytes.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            chunk.copy_from_slice(&state.to_le_bytes());
        }
        let written = || {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(OWNERS_FILE).open(&path)?;
            for _ in 0..times {
                file.write_all(&bytes)?;
            }
            file.set_len(SPARE_BYTES as u64)?;
            file.sync_all()
        };
        written().map_err(|error: std::io::Error| {
            let _ = std::fs::remove_file(&path);
            at(&path, &error)
        })
    }
}
