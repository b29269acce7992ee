//! Who may call this till: tokens of the role `pos`, kept hashed.

use shared::ids::Hash;

use super::{App, Error, fresh};
use crate::store::LocalToken;

/// Before every token, so that one that leaks is told for what it is.
const PREFIX: &str = "tkp_";

impl App {
    /// Makes a token; this is the only time that it is told. A name stands for one token: the same name again replaces
    /// it.
    pub fn new_token(&self, name: &str) -> Result<String, Error> {
        let name = shared::request::text(name, "name")?;
        // 256 random bits: a plain hash of them tells nothing
        let token = format!("{PREFIX}{}", Hash(fresh::bytes()).hex());
        let kept =
            LocalToken { name: name.clone(), hash: Hash::of(token.as_bytes()), created_at: self.now() };
        self.store().change_identity(|identity| {
            identity.tokens.retain(|token| token.name != name);
            identity.tokens.push(kept);
        })?;
        Ok(token)
    }

    /// Whether a token is one of this till's.
    pub fn knows_token(&self, token: &str) -> bool {
        // what is compared are hashes, so that the time it takes tells nothing of the token
        let hash = Hash::of(token.as_bytes());
        self.identity().tokens.iter().any(|kept| kept.hash == hash)
    }

    /// The name of a token, if it is one of this till's.
    pub fn token_name(&self, token: &str) -> Option<String> {
        let hash = Hash::of(token.as_bytes());
        self.identity().tokens.iter().find(|kept| kept.hash == hash).map(|kept| kept.name.clone())
    }
}
