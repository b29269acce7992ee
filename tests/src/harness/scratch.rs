//! A folder of a test's own, gone when the test is over.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where folders are made, if not where the system keeps temporary files.
static HOME: OnceLock<PathBuf> = OnceLock::new();

/// A folder that nobody else uses. It is deleted on drop, except where `TILLKEEP_KEEP` is set.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty folder.
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let home = HOME.get().cloned().unwrap_or_else(std::env::temp_dir);
        let path = home.join(format!("tillkeep-it-{}-{number}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder under the temporary directory");
        Self(path)
    }

    /// Makes all folders of this process in one, for instance on another disk. The first word counts.
    pub fn keep_in(home: &Path) {
        let _ = HOME.set(home.to_owned());
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file or folder in it, as text for a command line.
    pub fn at(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

/// Copies a folder with all that is in it, sockets left out; what stood at `to` is gone.
pub fn copy(from: &Path, to: &Path) {
    // it may not have been there
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).expect("a folder to copy into");
    for entry in std::fs::read_dir(from).expect("a folder to copy") {
        let entry = entry.expect("an entry of the folder");
        let (kind, to) = (entry.file_type().expect("its kind"), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &to);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), to).expect("a file copied");
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::env::var_os("TILLKEEP_KEEP").is_some() {
            eprintln!("kept: {}", self.0.display());
        } else {
            // a test that failed for another reason should say that one
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
