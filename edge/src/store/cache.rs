//! The cache file: redb over a file of the store's disk.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{Builder, Database, Durability, ReadableDatabase, StorageBackend, WriteTransaction};

use super::StoreError;
use super::disk::{Disk, DiskFile};
use super::tables::{META, Snap, Table};

/// The file's name.
pub(super) const FILE: &str = "cache.redb";
/// The name under which a new one is built.
pub(super) const NEW_FILE: &str = "cache.redb.new";

#[derive(Debug)]
struct Backend {
    file: Arc<dyn DiskFile>,
    /// A reader may outlive the store, and with it this: until then nobody else may open the directory.
    _disk: Arc<dyn Disk>,
    /// Set once another has opened the file: this one touches it no more, not even while it closes.
    retired: Arc<AtomicBool>,
}

impl Backend {
    fn file(&self) -> io::Result<&dyn DiskFile> {
        if self.retired.load(Ordering::Acquire) {
            return Err(io::Error::other("the cache was opened anew"));
        }
        Ok(&*self.file)
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> Result<u64, io::Error> {
        self.file()?.size_bytes()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        if self.file()?.read_at(out, offset)? < out.len() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.file()?.set_size_bytes(len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.file()?.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.file()?.write_at(data, offset)
    }
}

/// The open cache.
#[derive(Debug)]
pub(super) struct Cache {
    database: Arc<Database>,
    retired: Arc<AtomicBool>,
}

impl Cache {
    /// Opens it at its last durable commit; true if it was not there and was made.
    pub(super) fn open(disk: &Arc<dyn Disk>, cache_bytes: usize) -> Result<(Self, bool), StoreError> {
        let (file, is_new) = match disk.open(FILE) {
            // A size of zero is what a cut leaves of one that was being made.
            Ok(file) => {
                let size = file.size_bytes().map_err(StoreError::io("opening the cache"))?;
                (file, size == 0)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::make(disk, cache_bytes),
            Err(error) => return Err(StoreError::io("opening the cache")(error)),
        };
        if is_new {
            drop(file);
            return Self::make(disk, cache_bytes);
        }
        Ok((Self::on(disk, file, cache_bytes)?, false))
    }

    /// Made whole under another name, so that there is never half a cache.
    fn make(disk: &Arc<dyn Disk>, cache_bytes: usize) -> Result<(Self, bool), StoreError> {
        let cache = Self::build(disk, cache_bytes)?;
        Self::put_in_place(disk)?;
        Ok((cache, true))
    }

    /// An empty one under the new name.
    pub(super) fn build(disk: &Arc<dyn Disk>, cache_bytes: usize) -> Result<Self, StoreError> {
        match disk.remove(NEW_FILE) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io("removing an unfinished cache")(error));
            }
            _ => {}
        }
        let file = disk.create(NEW_FILE).map_err(StoreError::io("making a cache"))?;
        let cache = Self::on(disk, file, cache_bytes)?;
        let transaction = cache.begin(true)?;
        transaction.open_table(META)?;
        for table in Table::ALL {
            table.write(&transaction)?;
        }
        transaction.commit()?;
        Ok(cache)
    }

    /// What was built takes the cache's name, durably.
    pub(super) fn put_in_place(disk: &Arc<dyn Disk>) -> Result<(), StoreError> {
        disk.rename(NEW_FILE, FILE)
            .and_then(|()| disk.sync_dir())
            .map_err(StoreError::io("putting a new cache in place"))
    }

    fn on(disk: &Arc<dyn Disk>, file: Arc<dyn DiskFile>, cache_bytes: usize) -> Result<Self, StoreError> {
        let retired = Arc::new(AtomicBool::new(false));
        let backend = Backend { file, _disk: Arc::clone(disk), retired: Arc::clone(&retired) };
        let database = Builder::new().set_cache_size(cache_bytes).create_with_backend(backend)?;
        Ok(Self { database: Arc::new(database), retired })
    }

    /// A transaction that writes; a durable one also saves what makes reopening quick.
    pub(super) fn begin(&self, durable: bool) -> Result<WriteTransaction, StoreError> {
        let mut transaction = self.database.begin_write()?;
        let durability = if durable { Durability::Immediate } else { Durability::None };
        transaction
            .set_durability(durability)
            .map_err(|error| StoreError::Damaged(format!("the cache's durability: {error}")))?;
        transaction.set_quick_repair(durable);
        Ok(transaction)
    }

    /// The state after the last commit.
    pub(super) fn snap(&self) -> Result<Snap, StoreError> {
        Snap::of(&self.database)
    }

    /// A named value.
    pub(super) fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.database.begin_read()?.open_table(META)?;
        Ok(table.get(name)?.map(|value| value.value().to_vec()))
    }

    /// Takes its hands off the file, so that it can be opened anew after a failure. Who still reads is told an error.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Walks every page; false if something was wrong (and could be repaired).
    pub(super) fn check(&mut self) -> Result<bool, StoreError> {
        let database = Arc::get_mut(&mut self.database)
            .ok_or_else(|| StoreError::Unfit("the cache is being read and cannot be checked now".into()))?;
        Ok(database.check_integrity()?)
    }
}
