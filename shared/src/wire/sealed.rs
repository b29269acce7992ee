//! A catalog under the server's seal. Whoever holds it can show later that head office made it, even to a server that was
//! put back from a backup which is older.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use super::{WireError, check, sign};
use crate::catalog::{Catalog, CatalogHash};
use crate::ids::{Hash, NodeId};

/// A catalog's stored bytes, and the server's signature over their hash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SealedCatalog {
    /// The stored bytes.
    pub stored: Vec<u8>,
    seal: Vec<u8>,
}

impl SealedCatalog {
    /// Seals stored bytes with the server's key.
    pub fn new(key: &SigningKey, stored: Vec<u8>) -> Self {
        let seal = sign(key, &sealed_bytes(&stored));
        Self { stored, seal }
    }

    /// The catalog's identity.
    #[must_use]
    pub fn hash(&self) -> CatalogHash {
        CatalogHash(Hash::of(&self.stored))
    }

    /// The catalog, if this server sealed it.
    ///
    /// # Errors
    /// [`WireError::Signature`] where another, or nobody, sealed it; [`WireError::Malformed`] where its bytes are no catalog.
    pub fn open(&self, server: &[u8; 32]) -> Result<Catalog, WireError> {
        check(server, &sealed_bytes(&self.stored), &self.seal)?;
        Catalog::from_bytes(&self.stored).map_err(|problem| WireError::Malformed(problem.to_string()))
    }
}

fn sealed_bytes(stored: &[u8]) -> Vec<u8> {
    let mut bytes = b"tillkeep catalog 1".to_vec();
    bytes.extend(Hash::of(stored).0);
    bytes
}

/// A till gives a catalog back that the server asked for ([`PullPage::catalogs_wanted`](super::PullPage::catalogs_wanted)).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GivenCatalog {
    /// The node that gives it.
    pub node: NodeId,
    /// The catalog.
    pub catalog: SealedCatalog,
}

/// The server's answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CatalogTaken {
    /// Whether the server did not know it before.
    pub is_new: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_is_known_again_by_the_server_that_sealed_it_and_by_no_other() {
        let ours = SigningKey::from_bytes(&[7; 32]);
        let server = ours.verifying_key().to_bytes();
        let catalog = Catalog::empty();
        let sealed = SealedCatalog::new(&ours, catalog.version.to_bytes());
        assert_eq!(sealed.open(&server).map(|opened| opened.hash), Ok(catalog.hash));
        assert_eq!(sealed.hash(), catalog.hash);
        let theirs = SealedCatalog::new(&SigningKey::from_bytes(&[8; 32]), sealed.stored.clone());
        let mut changed = sealed.clone();
        changed.stored.push(b' ');
        for other in [theirs, changed, SealedCatalog { seal: Vec::new(), ..sealed }] {
            assert_eq!(other.open(&server).map(|opened| opened.hash), Err(WireError::Signature));
        }
        let nonsense = SealedCatalog::new(&ours, b"{".to_vec());
        assert!(matches!(nonsense.open(&server), Err(WireError::Malformed(_))));
    }
}
