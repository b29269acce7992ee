//! Who this till is: one small file, replaced whole by renaming.

use std::fmt;

use serde::{Deserialize, Serialize};
use shared::entry::certificate::Certificate;
use shared::ids::{Hash, NodeId, OutletId, TillId};
use shared::member::IndexKey;
use shared::operator::Tries;
use shared::time::Millis;
use shared::wire::sealed::SealedCatalog;

use super::StoreError;
use super::disk::Disk;

/// The file's name.
pub(super) const FILE: &str = "identity";
const NEW_FILE: &str = "identity.new";

/// Who this till is, and how it knows its server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The node that this store is now.
    pub node: NodeId,
    /// Its Ed25519 signing key.
    pub secret: [u8; 32],
    /// What the server certified of it; the node's first entry carries it.
    pub certificate: Certificate,
    /// The outlet.
    pub outlet: OutletId,
    /// The outlet's code.
    pub outlet_code: String,
    /// The till.
    pub till: TillId,
    /// The till's name.
    pub till_name: String,
    /// Where the server is.
    pub server_url: String,
    /// The server's Ed25519 public key.
    pub server_key: [u8; 32],
    /// The random name of the server's database.
    pub incarnation: u64,
    /// Under which codes are hashed.
    pub index_key: IndexKey,
    /// How many buckets the server has.
    pub buckets: u16,
    /// The catalog that came with the enrolment.
    pub catalog: SealedCatalog,
    /// Who may speak to this till.
    pub tokens: Vec<LocalToken>,
    /// PINs that were tried and not right since.
    pub tries: Vec<PinTries>,
    /// The nodes that this store was before, oldest first. Their journals are still here.
    pub earlier: Vec<EarlierNode>,
}

/// A token for the till's own HTTP.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LocalToken {
    /// Its name.
    pub name: String,
    /// The token's hash.
    pub hash: Hash,
    /// When it was made.
    pub created_at: Millis,
}

/// How often a PIN was tried at this till.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PinTries {
    /// The operator's code; empty for all that nobody has.
    pub operator: String,
    /// The hash of the PIN's hash: another PIN begins anew.
    pub pin: Hash,
    /// The tries.
    pub tries: Tries,
}

/// A node that this store was before it was fenced.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierNode {
    /// The node.
    pub node: NodeId,
    /// Its signing key, with which its journal is told again to a server that lost it.
    pub secret: [u8; 32],
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Identity(node {}, till {} at {})", self.node.0, self.till_name, self.outlet_code)
    }
}

impl fmt::Debug for EarlierNode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "EarlierNode({})", self.node.0)
    }
}

impl Identity {
    /// Reads it; `None` where there is none.
    pub(super) fn read(disk: &dyn Disk) -> Result<Option<Self>, StoreError> {
        let file = match disk.open(FILE) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(StoreError::io("opening the identity"))?,
        };
        let doing = "reading the identity";
        let size = file.size_bytes().map_err(StoreError::io(doing))?;
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        file.read_at(&mut bytes, 0).map_err(StoreError::io(doing))?;
        serde_json::from_slice(&bytes).map(Some).map_err(StoreError::undecodable("identity"))
    }

    /// Replaces it whole: under another name first, synced, then renamed.
    pub(super) fn write(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec_pretty(self).map_err(StoreError::undecodable("identity"))?;
        let replaced = || {
            match disk.remove(NEW_FILE) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let file = disk.create(NEW_FILE)?;
            file.write_at(&bytes, 0)?;
            file.sync()?;
            disk.rename(NEW_FILE, FILE)?;
            disk.sync_dir()
        };
        replaced().map_err(StoreError::io("writing the identity"))
    }
}
