//! The disk as the store sees it: one flat directory of files. The store does all its I/O through [`Disk`], so that
//! the simulated disk can stand in for the real one and cut the power at any operation.

use std::fmt::Debug;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::{DirBuilderExt as _, FileExt, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::Advice;

/// One directory. Names are plain file names, without a path.
///
/// What is created, renamed or removed outlives a power cut only after [`Disk::sync_dir`].
pub trait Disk: Debug + Send + Sync {
    /// Every file name in the directory, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// A new, empty file; `AlreadyExists` if the name is taken.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// A file that exists, for reading and writing; else `NotFound`.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Renames, replacing whatever had the new name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a name.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes every creation, renaming and removal so far durable.
    fn sync_dir(&self) -> io::Result<()>;
    /// Room that is left for this program, in bytes; `None` where the system does not tell.
    fn free_bytes(&self) -> Option<u64> {
        None
    }
}

/// One open file. It stays readable under its old handle after a renaming.
pub trait DiskFile: Debug + Send + Sync {
    /// Its length in bytes.
    fn size_bytes(&self) -> io::Result<u64>;
    /// Fills `buffer` from `offset`, and returns how much of it: less than the whole only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`, growing the file if need be.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts it off there, or grows it with zeros.
    fn set_size_bytes(&self, size: u64) -> io::Result<()>;
    /// Sets the disk to work on what was written in a range, and does not wait for it: what is done between this and
    /// [`DiskFile::sync`] costs no time. It makes nothing durable.
    fn begin_sync(&self, _offset: u64, _len: usize) {}
    /// Makes everything written so far durable (`fdatasync`).
    fn sync(&self) -> io::Result<()>;
}

/// Whether an error says that there is no room left.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Those files of a disk whose names begin with a prefix, as a disk of their own without it: one lock and one
/// directory to sync, however many journals there are.
#[derive(Debug)]
pub struct Folder {
    disk: Arc<dyn Disk>,
    prefix: String,
}

impl Folder {
    /// The files of `disk` that begin with `prefix`.
    pub fn new(disk: Arc<dyn Disk>, prefix: String) -> Self {
        Self { disk, prefix }
    }

    fn whole(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl Disk for Folder {
    fn list(&self) -> io::Result<Vec<String>> {
        let names = self.disk.list()?;
        Ok(names.iter().filter_map(|name| name.strip_prefix(&self.prefix)).map(str::to_owned).collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.create(&self.whole(name))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(&self.whole(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(&self.whole(from), &self.whole(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(&self.whole(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_dir()
    }

    fn free_bytes(&self) -> Option<u64> {
        self.disk.free_bytes()
    }
}

/// A directory of the real file system, held by one process at a time.
#[derive(Debug)]
pub struct RealDisk {
    path: PathBuf,
    /// Open on the directory itself: it carries the lock and is what gets synced.
    directory: File,
}

impl RealDisk {
    /// Opens `path`, making it (and its parents) if it is missing, and locks it until it is dropped.
    ///
    /// Fails with `WouldBlock` if another process, or another `RealDisk`, holds the directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        create_durably(path)?;
        let directory = File::open(path)?;
        // one that has no till's store in it may be somebody else's too
        if path.join(super::identity::FILE).exists() {
            keep_private(&directory, OWNERS_FOLDER)?;
        }
        match directory.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), directory }),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                format!("{} is in use by another process", path.display()),
            )),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The kernel's pages.
const PAGE_BYTES: u64 = 4096;
/// Pages of one write that the disk is set to work on before the sync: a large write takes as long either way.
const BEGUN_PAGES: u64 = 4;

/// Of a file with keys or members in it: for its owner alone.
const OWNERS_FILE: u32 = 0o600;
/// Of a directory with such files.
const OWNERS_FOLDER: u32 = 0o700;

/// Takes away what others may do with a file or directory that is there already.
fn keep_private(file: &File, mode: u32) -> io::Result<()> {
    // nothing for the group and the others, three bits each
    if file.metadata()?.permissions().mode().trailing_zeros() >= 6 {
        return Ok(());
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

/// Makes `path` and what is missing above it, each name synced in its parent: a store whose directory is gone after
/// the first power cut has lost everything.
fn create_durably(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_durably(parent)?;
    match std::fs::DirBuilder::new().mode(OWNERS_FOLDER).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent)?.sync_all()
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create_new(true).mode(OWNERS_FILE);
        let file = options.open(self.path.join(name))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.path.join(name))?;
        keep_private(&file, OWNERS_FILE)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.directory.sync_all()
    }

    fn free_bytes(&self) -> Option<u64> {
        let room = rustix::fs::fstatvfs(&self.directory).ok()?;
        room.f_bavail.checked_mul(room.f_frsize)
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.0.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn set_size_bytes(&self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn begin_sync(&self, offset: u64, len: usize) {
        let first = offset / PAGE_BYTES;
        let last = offset.saturating_add(len.saturating_sub(1) as u64) / PAGE_BYTES;
        if last - first >= BEGUN_PAGES {
            return;
        }
        for page in first..=last {
            // Of a page that is not covered whole this begins the writing, and lets nothing go. It is a hint: what it cannot
            // do is done by the sync.
            let _ = rustix::fs::fadvise(&self.0, page * PAGE_BYTES, NonZeroU64::new(1), Advice::DontNeed);
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
