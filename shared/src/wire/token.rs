//! The token that each sync request carries: who asks, for which body, until when.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use super::{WireError, check, sign};
use crate::ids::{Hash, NodeId};
use crate::time::Millis;

/// How long a request's token lives, in ms. The server allows as much for the difference of two clocks again.
const TOKEN_MS: u64 = 5 * 60_000;

/// The claims of a request's token (RFC 7519; in the manner of RFC 7523, signed with `EdDSA`).
#[derive(Serialize, Deserialize)]
struct Claims {
    /// The node's number.
    iss: String,
    /// The base64url of the body's blake3 hash.
    body: String,
    /// Issued at, in seconds.
    iat: u64,
    /// Expires at, in seconds.
    exp: u64,
}

/// A token for one request, by a node's key. `now` is the server's time as the till knows it.
pub fn token(node: NodeId, key: &SigningKey, body: &[u8], now: Millis) -> String {
    let claims = Claims {
        iss: node.0.to_string(),
        body: BASE64.encode(Hash::of(body).0),
        iat: now.0 / 1_000,
        exp: now.after(TOKEN_MS).0 / 1_000,
    };
    let claims = serde_json::to_vec(&claims).unwrap_or_default();
    let signed = format!("{}.{}", BASE64.encode(br#"{"alg":"EdDSA","typ":"JWT"}"#), BASE64.encode(claims));
    let signature = BASE64.encode(sign(key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// The node that a token names, before its key is known.
pub fn token_node(token: &str) -> Result<NodeId, WireError> {
    let claims = read_claims(token)?;
    claims.iss.parse().map(NodeId).map_err(|_| WireError::Token("it names no node"))
}

/// Checks a request's token against its body, the node's key and the server's time.
pub fn check_token(token: &str, key: &[u8; 32], body: &[u8], now: Millis) -> Result<(), WireError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(WireError::Token("it has no signature"))?;
    let signature =
        BASE64.decode(signature).map_err(|_| WireError::Token("its signature is no base64url"))?;
    check(key, signed.as_bytes(), &signature)?;
    let claims = read_claims(token)?;
    if claims.body != BASE64.encode(Hash::of(body).0) {
        return Err(WireError::Token("it is of another body"));
    }
    let now = now.0 / 1_000;
    let slack = TOKEN_MS / 1_000;
    if claims.iat > now.saturating_add(slack) || claims.exp.saturating_add(slack) < now {
        return Err(WireError::Token("it is out of time; the till's clock differs from the server's"));
    }
    Ok(())
}

fn read_claims(token: &str) -> Result<Claims, WireError> {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(WireError::Token("it is no token"));
    };
    let header = BASE64.decode(header).map_err(|_| WireError::Token("its header is no base64url"))?;
    if header != br#"{"alg":"EdDSA","typ":"JWT"}"# {
        return Err(WireError::Token("its header is not EdDSA's"));
    }
    let claims = BASE64.decode(claims).map_err(|_| WireError::Token("its claims are no base64url"))?;
    serde_json::from_slice(&claims).map_err(|_| WireError::Token("its claims cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[3; 32])
    }

    #[test]
    fn a_token_holds_for_its_node_body_and_time_only() {
        let now = Millis(1_000_000_000_000);
        let token = token(NodeId(7), &key(), b"body", now);
        let public = key().verifying_key().to_bytes();
        assert_eq!(token_node(&token), Ok(NodeId(7)));
        assert_eq!(check_token(&token, &public, b"body", now), Ok(()));
        assert!(check_token(&token, &public, b"other", now).is_err());
        assert!(check_token(&token, &public, b"body", now.after(11 * 60_000)).is_err());
        assert!(check_token(&token, &public, b"body", now.before(6 * 60_000)).is_err());
        let other = SigningKey::from_bytes(&[4; 32]).verifying_key().to_bytes();
        assert_eq!(check_token(&token, &other, b"body", now), Err(WireError::Signature));
    }
}
