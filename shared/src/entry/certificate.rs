//! What the server certifies of a node: the first entry of its journal carries it, so that a server restored to before an
//! enrolment still knows the node.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::ids::{NodeId, OutletId, TillId};
use crate::time::Millis;
use crate::wire::{WireError, check, sign};

/// What the server certifies of a node. Its bytes are signed; see [`Certificate::issue`] and [`Certificate::read`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Certificate {
    /// The signed bytes: a [`CertificateBody`] in postcard.
    pub body: Vec<u8>,
    /// The server's Ed25519 signature over them.
    pub signature: Vec<u8>,
}

/// What a certificate says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CertificateBody {
    /// The node's number.
    pub node: NodeId,
    /// Its Ed25519 public key.
    pub key: [u8; 32],
    /// Where it stands.
    pub outlet: OutletId,
    /// At which till.
    pub till: TillId,
    /// The till's name.
    pub name: String,
    /// When it was taken in.
    pub issued_at: Millis,
}

impl Certificate {
    /// A certificate for a node, signed by the server.
    pub fn issue(body: &CertificateBody, server: &SigningKey) -> Self {
        let body = postcard::to_allocvec(body).unwrap_or_default();
        let signature = sign(server, &body);
        Self { body, signature }
    }

    /// What it says, if that server signed it.
    pub fn read(&self, server_key: &[u8; 32]) -> Result<CertificateBody, WireError> {
        check(server_key, &self.body, &self.signature)?;
        postcard::from_bytes(&self.body).map_err(|error| WireError::Malformed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[3; 32])
    }

    #[test]
    fn a_certificate_reads_only_under_its_servers_key() {
        let body = CertificateBody {
            node: NodeId(2),
            key: [1; 32],
            outlet: crate::ids::OutletId(1),
            till: crate::ids::TillId(1),
            name: "Till 1".into(),
            issued_at: Millis(5),
        };
        let certificate = Certificate::issue(&body, &key());
        assert_eq!(certificate.read(&key().verifying_key().to_bytes()), Ok(body));
        assert!(certificate.read(&[9; 32]).is_err());
    }
}
