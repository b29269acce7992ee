//! Who is signed in at the till's own page. Sessions live in memory: a restarted till is locked.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use shared::ids::Hash;
use shared::time::Millis;

use super::{App, Error, fresh};

/// How long a session may last, in ms: a long shift.
const LONGEST_MS: u64 = 12 * 3_600_000;
/// Sessions kept at once; the oldest goes first.
const MOST: usize = 32;

/// Who is signed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// The name under which everything is done.
    pub operator: String,
    /// Since when.
    pub since: Millis,
}

/// The sessions, by the hash of their secret.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<BTreeMap<Hash, Session>>);

impl App {
    /// Signs somebody in who brings a token of this till's; answers the session's secret, this once.
    pub fn sign_in_by_token(&self, token: &str, operator: &str) -> Result<Option<String>, Error> {
        let Some(name) = self.token_name(token.trim()) else { return Ok(None) };
        let operator = operator.trim();
        let operator = if operator.is_empty() { name } else { shared::request::text(operator, "operator")? };
        Ok(Some(self.open_session(operator)))
    }

    fn open_session(&self, operator: String) -> String {
        let secret = Hash(fresh::bytes()).hex();
        let mut sessions = self.0.sessions.0.lock();
        let now = self.now();
        sessions.retain(|_, session| now.since(session.since) < LONGEST_MS);
        while sessions.len() >= MOST {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.since).map(|(hash, _)| *hash);
            oldest.and_then(|oldest| sessions.remove(&oldest));
        }
        sessions.insert(Hash::of(secret.as_bytes()), Session { operator, since: now });
        secret
    }

    /// The session of a secret, while it lasts.
    pub fn session(&self, secret: &str) -> Option<Session> {
        let sessions = self.0.sessions.0.lock();
        let found = sessions.get(&Hash::of(secret.as_bytes()))?;
        (self.now().since(found.since) < LONGEST_MS).then(|| found.clone())
    }

    /// Ends a session.
    pub fn sign_out(&self, secret: &str) {
        self.0.sessions.0.lock().remove(&Hash::of(secret.as_bytes()));
    }
}
