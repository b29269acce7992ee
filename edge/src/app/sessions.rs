//! Who is signed in at the till's own page. Sessions live in memory: a restarted till is locked.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use shared::ids::{Code, Hash};
use shared::time::Millis;

use super::{App, Error, fresh};

/// How long a session may last, in ms: a long shift.
const LONGEST_MS: u64 = 12 * 3_600_000;
/// Sessions kept at once; the oldest goes first.
const MOST: usize = 32;

tokio::task_local! {
    /// Under whose name a request is answered, where it came from the page.
    static SIGNED_IN: String;
}

/// Answers a request under somebody's name: whatever it writes says so.
pub(crate) async fn in_the_name_of<T>(operator: String, answer: impl Future<Output = T>) -> T {
    SIGNED_IN.scope(operator, answer).await
}

/// Under whose name this request is answered; `None` for a POS, which says itself who sold.
pub(super) fn signed_in() -> Option<String> {
    SIGNED_IN.try_with(String::clone).ok()
}

/// Who is signed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// The name under which everything is done.
    pub operator: String,
    /// The operator's code; `None` for a token.
    pub code: Option<Code>,
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
        Ok(Some(self.open_session(operator, None)))
    }

    /// Signs an operator in by the PIN; answers the session's secret, this once.
    pub async fn sign_in_by_pin(&self, code: &str, pin: &str) -> Result<String, Error> {
        let operator = self.operator_by_pin(code, pin).await?;
        Ok(self.open_session(operator.name, Some(operator.code)))
    }

    fn open_session(&self, operator: String, code: Option<Code>) -> String {
        let secret = Hash(fresh::bytes()).hex();
        let mut sessions = self.0.sessions.0.lock();
        let now = self.now();
        sessions.retain(|_, session| now.since(session.since) < LONGEST_MS);
        while sessions.len() >= MOST {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.since).map(|(hash, _)| *hash);
            oldest.and_then(|oldest| sessions.remove(&oldest));
        }
        sessions.insert(Hash::of(secret.as_bytes()), Session { operator, code, since: now });
        secret
    }

    /// The session of a secret, while it lasts.
    pub fn session(&self, secret: &str) -> Option<Session> {
        let found = self.0.sessions.0.lock().get(&Hash::of(secret.as_bytes())).cloned()?;
        let lasts = self.now().since(found.since) < LONGEST_MS;
        Some(found).filter(|found| lasts && self.still_works_here(found))
    }

    /// An operator whom head office took away is let go at once.
    fn still_works_here(&self, session: &Session) -> bool {
        let Some(code) = &session.code else { return true };
        self.store().read().is_ok_and(|view| view.operator(code.as_str()).is_ok_and(|found| found.is_some()))
    }

    /// Ends a session.
    pub fn sign_out(&self, secret: &str) {
        self.0.sessions.0.lock().remove(&Hash::of(secret.as_bytes()));
    }
}
