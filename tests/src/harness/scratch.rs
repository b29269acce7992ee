//! A folder of a test's own, gone when the test is over.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that nobody else uses. It is deleted on drop, except where `TILLKEEP_KEEP` is set.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty folder.
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tillkeep-it-{}-{number}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder under the temporary directory");
        Self(path)
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
