//! What keeps a store safe: verifying it, copying it, taking out what the server does not have.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use shared::entry::Entry;
use shared::ids::Seq;
use shared::limits;
use shared::render::transaction;

use super::{App, Error};

/// An entry that the server does not have, as `export-queue` writes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Exported {
    /// Its id.
    pub id: String,
    /// What it is; `unknown` where it cannot be decoded here.
    pub kind: String,
    /// The receipt's number.
    pub receipt: Option<String>,
    /// The chain's hash after it, in hexadecimal.
    pub hash: String,
    /// Its stored bytes, in hexadecimal.
    pub stored: String,
    /// The keys that lie beside it, in hexadecimal. They open what customers gave of themselves.
    pub side: String,
}

impl App {
    /// Re-walks the store.
    pub fn verify(&self) -> Result<Value, Error> {
        let report = self.store().verify()?;
        serde_json::to_value(report).map_err(|error| Error::Broken(error.to_string()))
    }

    /// Copies the store into an empty directory.
    pub fn backup(&self, to: &Path) -> Result<Value, Error> {
        let report = self.store().backup(to)?;
        serde_json::to_value(report).map_err(|error| Error::Broken(error.to_string()))
    }

    /// Entries after `after` that the server does not have, and where the next page begins.
    pub fn export_queue(&self, after: Seq) -> Result<(Vec<Exported>, Option<Seq>), Error> {
        let acked = self.store().read()?.acked();
        let stored = self.store().journal_from(after.max(acked), limits::PUSH_ENTRIES, limits::PUSH_BYTES)?;
        let next = stored.last().map(|last| last.head.seq).filter(|seq| *seq < self.store().head().seq);
        let exported = stored.into_iter().map(|stored| {
            let entry = Entry::from_stored(&stored.bytes).ok();
            Exported {
                id: format!("{}-{}", self.identity().node.0, stored.head.seq.0),
                kind: entry.as_ref().map_or("unknown", |entry| transaction::kind(&entry.kind)).to_owned(),
                receipt: entry.as_ref().and_then(|it| transaction::receipt(&it.kind)).map(str::to_owned),
                hash: stored.head.hash.hex(),
                stored: hex(&stored.bytes),
                side: hex(&stored.side),
            }
        });
        Ok((exported.collect(), next))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use std::fmt::Write as _;
        // writing to a string does not fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}
