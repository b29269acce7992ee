//! Answers to pulls, signed by the server: a till's bases, catalog and revocation are the server's word, whatever lies
//! between the two.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use super::{Pull, Pulled, WireError, check, decode, encode, sign};
use crate::ids::Hash;

/// An answer's bytes, and the server's signature over them together with the pull that they answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignedPull {
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl SignedPull {
    /// Signs an answer. It is one to this pull of this node only.
    pub fn new(key: &SigningKey, ask: &Pull, answer: &Pulled) -> Self {
        let message = encode(answer);
        let signature = sign(key, &signed_bytes(ask, &message));
        Self { message, signature }
    }

    /// The answer, if the server signed it as one to this pull.
    pub fn read(&self, server: &[u8; 32], ask: &Pull) -> Result<Pulled, WireError> {
        check(server, &signed_bytes(ask, &self.message), &self.signature)?;
        decode(&self.message)
    }
}

fn signed_bytes(ask: &Pull, message: &[u8]) -> Vec<u8> {
    let mut bytes = b"tillkeep pull 1".to_vec();
    bytes.extend(ask.node.0.to_le_bytes());
    bytes.extend(ask.number.to_le_bytes());
    bytes.extend(Hash::of(message).0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::wire::{Cursor, Health};

    fn ask(node: u32, number: u64) -> Pull {
        Pull {
            node: NodeId(node),
            number,
            cursor: Cursor { incarnation: 1, epoch: 1, buckets: vec![0], directory: 0 },
            head: crate::chain::Head::default(),
            catalog: crate::catalog::Catalog::empty().hash,
            operators: crate::ids::Hash::default(),
            till_name: String::new(),
            wait_ms: 0,
            numbers_wanted: Vec::new(),
            budgets: Vec::new(),
            rights_wanted: Vec::new(),
            health: Health::default(),
        }
    }

    #[test]
    fn an_answer_is_taken_from_our_server_and_for_its_own_pull_only() {
        let ours = SigningKey::from_bytes(&[7; 32]);
        let server = ours.verifying_key().to_bytes();
        let signed = SignedPull::new(&ours, &ask(3, 9), &Pulled::Revoked);
        assert_eq!(signed.read(&server, &ask(3, 9)), Ok(Pulled::Revoked));
        for other in [ask(3, 10), ask(4, 9)] {
            assert_eq!(signed.read(&server, &other), Err(WireError::Signature));
        }
        let theirs = SignedPull::new(&SigningKey::from_bytes(&[8; 32]), &ask(3, 9), &Pulled::Revoked);
        assert_eq!(theirs.read(&server, &ask(3, 9)), Err(WireError::Signature));
        let changed = SignedPull { message: encode(&Pulled::Bootstrap), ..signed };
        assert_eq!(changed.read(&server, &ask(3, 9)), Err(WireError::Signature));
    }
}
