//! What the command line does, in one place: run on the store itself, or by the daemon that has it, through its socket.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::api::office::NewToken;

use crate::app::console::Console;
use crate::app::{App, AppError, Done, Who, backup, catalog, export, import, tokens, verify};

pub mod socket;

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Makes a token and tells it, once.
    TokenCreate(NewToken),
    /// Re-walks every chain and control total.
    Verify,
    /// Takes members in from CSV, which follows as input.
    ImportMembers {
        /// Its length, for the progress bar.
        bytes: u64,
    },
    /// Makes a document the next catalog version.
    ImportCatalog {
        /// The file's name: JSON, or TOML where it ends so.
        name: String,
        /// What it says.
        text: String,
        /// Only tell what it would change.
        diff: bool,
    },
    /// Writes the ledger, a line a leg.
    ExportLedger {
        /// As JSON lines; else as CSV.
        json: bool,
    },
    /// Copies the store into a file.
    Backup {
        /// Not there yet; a whole path, for the daemon may work elsewhere.
        to: PathBuf,
    },
}

impl Command {
    /// Whether it may make a server in a directory that has none yet: a token and what is imported may come before the
    /// first start.
    pub fn may_found(&self) -> bool {
        matches!(self, Self::TokenCreate(_) | Self::ImportMembers { .. } | Self::ImportCatalog { .. })
    }
}

/// Runs a command; answers whether all of it was done. Blocks.
pub fn run(app: &Arc<App>, command: Command, input: &mut dyn Read, console: &mut dyn Console) -> bool {
    match attempt(app, command, input, console) {
        Ok(done) => done,
        Err(error) => {
            console.err(&error.to_string());
            false
        }
    }
}

fn attempt(app: &Arc<App>, command: Command, input: &mut dyn Read, console: &mut dyn Console) -> Done<bool> {
    match command {
        Command::TokenCreate(request) => {
            let token = wait(tokens::create(app, Who::local(), request))?;
            console.out(&serde_json::to_string(&token).unwrap_or_default());
            Ok(true)
        }
        Command::Verify => verify::verify(app, console),
        Command::ImportMembers { bytes } => import::members(app, input, bytes, console),
        Command::ImportCatalog { name, text, diff } => {
            let document =
                catalog::read_document(&name, &text).map_err(|detail| AppError::field("catalog", detail))?;
            if diff {
                for change in catalog::diff(app, document)? {
                    let told = serde_json::json!({
                        "list": change.list, "code": change.code, "change": change.change,
                    });
                    console.out(&told.to_string());
                }
                return Ok(true);
            }
            let catalog = wait(catalog::replace(app, Who::local(), document, None))?;
            let told = serde_json::json!({"version": catalog.version.version, "hash": catalog.hash.0.hex()});
            console.out(&told.to_string());
            Ok(true)
        }
        Command::ExportLedger { json } => export::ledger(app, json, console),
        Command::Backup { to } => backup::backup(app, &to, console),
    }
}

/// Waits for a future on a thread that may block.
fn wait<T>(future: impl Future<Output = T>) -> T {
    match tokio::runtime::Handle::try_current() {
        Ok(handle) => handle.block_on(future),
        Err(_) => block_on(future),
    }
}

/// Drives a future that only waits for the store's own thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = std::pin::pin!(future);
    let waker = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = std::task::Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(done) => return done,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}
