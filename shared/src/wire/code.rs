//! Codes that the server signs and any till checks with no line: a format's name, then the signature and what is signed, as
//! letters that a QR code and a path can hold.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{check, decode, encode, sign};

/// Bytes of an Ed25519 signature.
const SIGNATURE_BYTES: usize = 64;

/// A kind of signed code.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// What stands before the code: it names the format, which may change.
    pub prefix: &'static str,
    /// What is signed before the value, so that no code passes for one of another kind.
    pub domain: &'static [u8],
}

impl Format {
    /// Whether a text is meant to be one.
    pub fn is(self, text: &str) -> bool {
        text.trim().starts_with(self.prefix)
    }

    /// A value's code.
    pub fn signed<T: Serialize>(self, key: &SigningKey, value: &T) -> String {
        let value = encode(value);
        let signature = sign(key, &self.bytes(&value));
        format!("{}{}", self.prefix, URL_SAFE_NO_PAD.encode([signature, value].concat()))
    }

    /// What a code says, whoever signed it.
    pub fn said<T: DeserializeOwned>(self, code: &str) -> Option<T> {
        decode(self.parts(code)?.get(SIGNATURE_BYTES..)?).ok()
    }

    /// What a code says, if this server signed it.
    pub fn read<T: DeserializeOwned>(self, code: &str, server: &[u8; 32]) -> Option<T> {
        let parts = self.parts(code)?;
        let (signature, value) = parts.split_at_checked(SIGNATURE_BYTES)?;
        check(server, &self.bytes(value), signature).ok()?;
        decode(value).ok()
    }

    fn parts(self, code: &str) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(code.trim().strip_prefix(self.prefix)?).ok()
    }

    fn bytes(self, value: &[u8]) -> Vec<u8> {
        [self.domain, value].concat()
    }
}
