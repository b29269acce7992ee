//! A membership's whole statement at a till: what the server has not heard of yet in front, then what the server tells;
//! with no line what this till itself knows, and a note that says so.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::api::Page;
use shared::api::member::{Statement, StatementAsked, StatementLine};
use shared::ids::{Dot, MembershipId};
use shared::refusal::{Problem, Refusal};
use shared::wire::relay::Deed;

use super::{App, Error};

/// How long the server may take to tell: somebody looks on.
const PATIENCE: Duration = Duration::from_secs(4);
/// What is said where the server cannot be asked.
const OWN_ALONE: &str = "There is no line: these are the movements that this till itself knows of. The whole statement is at head office.";
const UNKNOWN_THERE: &str =
    "Head office does not know this membership yet: these are the movements that this till itself knows of.";

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// After a movement of this till's own.
    Own(Dot, u16),
    /// After a line that the server told.
    Server(String),
}

enum Told {
    Page(Page<StatementLine>),
    Unknown,
    NoLine,
}

impl App {
    /// A membership's movements, newest first.
    ///
    /// # Errors
    /// No such membership at this till; `online_only` where the page before was the server's and there is no line any more.
    pub async fn whole_statement(
        &self,
        id: MembershipId,
        limit: usize,
        after: Option<From>,
    ) -> Result<Statement, Error> {
        let server = match &after {
            Some(From::Server(place)) => Some(place.clone()),
            _ => None,
        };
        if server.is_some() {
            return match self.ask_statement(id, limit, server).await {
                Told::Page(page) => Ok(Statement { items: page.items, next: page.next, note: None }),
                Told::Unknown | Told::NoLine => Err(Refusal::new(
                    Problem::OnlineOnly,
                    "The rest of this statement is at head office, and there is no line now.",
                )
                .into()),
            };
        }
        let own = match after {
            Some(From::Own(dot, leg)) => Some((dot, leg)),
            _ => None,
        };
        let waiting = self.waiting_lines(id, own)?;
        let mine = waiting.as_ref().map_or(0, Vec::len);
        // the rest of a page that the server does not fill stays with this till: so does what came after its last line
        let Some(mut waiting) = waiting.filter(|_| mine < limit) else {
            return self.own_statement(id, limit, own, None);
        };
        let mut looks = 3_u8;
        loop {
            let page = match self.ask_statement(id, limit.saturating_sub(waiting.len()), None).await {
                Told::Page(page) => page,
                Told::Unknown => return self.own_statement(id, limit, own, Some(UNKNOWN_THERE)),
                Told::NoLine => return self.own_statement(id, limit, own, Some(OWN_ALONE)),
            };
            let before = waiting.len();
            let there: BTreeSet<&str> = page.items.iter().map(|it| it.transaction_id.as_str()).collect();
            waiting.retain(|line| !there.contains(line.transaction_id.as_str()));
            // some of it has been sent since: there is room for more of the server's
            looks = looks.saturating_sub(1);
            if waiting.len() == before || looks == 0 {
                waiting.extend(page.items);
                return Ok(Statement { items: waiting, next: page.next, note: None });
            }
        }
    }

    fn own_statement(
        &self,
        id: MembershipId,
        limit: usize,
        after: Option<(Dot, u16)>,
        note: Option<&str>,
    ) -> Result<Statement, Error> {
        let page = self.statement(id, limit, after)?;
        Ok(Statement { items: page.items, next: page.next, note: note.map(str::to_owned) })
    }

    /// Own movements that the server has not acknowledged, newest first; `None` where a page goes on behind them.
    fn waiting_lines(
        &self,
        id: MembershipId,
        after: Option<(Dot, u16)>,
    ) -> Result<Option<Vec<StatementLine>>, Error> {
        let view = self.store().read()?;
        // what this store wrote last before a fence waits too
        let waits = |dot: Dot| !view.is_acked(dot);
        if after.is_some_and(|(dot, _)| !waits(dot)) {
            return Ok(None);
        }
        let all = self.statement(id, usize::MAX, after)?.items;
        let waiting = all.into_iter().filter(|line| line.transaction_id.parse().is_ok_and(waits));
        Ok(Some(waiting.map(|line| StatementLine { waits: true, ..line }).collect()))
    }

    async fn ask_statement(&self, id: MembershipId, limit: usize, after: Option<String>) -> Told {
        if !self.link().is_online() {
            return Told::NoLine;
        }
        let Ok(body) = serde_json::to_vec(&StatementAsked { limit: Some(limit), after }) else {
            return Told::NoLine;
        };
        let answer = self.0.centre.relay(Deed::Statement(id), None, body);
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(relayed)) if relayed.status == 200 => match serde_json::from_slice(&relayed.body) {
                Ok(page) => Told::Page(page),
                Err(error) => {
                    tracing::warn!(%error, "the server's statement is not read");
                    Told::NoLine
                }
            },
            Ok(Ok(relayed)) if relayed.status == 404 => Told::Unknown,
            Ok(Ok(relayed)) => {
                tracing::info!(status = relayed.status, "the server tells no statement");
                Told::NoLine
            }
            Ok(Err(error)) => {
                self.link().failed(&error);
                Told::NoLine
            }
            Err(_) => Told::NoLine,
        }
    }
}
