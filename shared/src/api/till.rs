//! What only a till answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Money;
use super::transaction::Line;

/// `GET /api/status`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// This till's node.
    pub node: u32,
    /// The outlet's code.
    pub outlet: String,
    /// The till's name.
    pub till: String,
    /// `online` or `offline`: whether our server answered last.
    pub connection: String,
    /// When it last did.
    pub server_contact_at: Option<String>,
    /// Entries that the server has not acknowledged.
    pub pending: u64,
    /// When the oldest of them was written.
    pub oldest_pending_at: Option<String>,
    /// Entries of this till that the server has parked.
    pub parked: u64,
    /// Members in the cache.
    pub members: u64,
    /// As of when the cache is.
    pub cache_as_of: Option<String>,
    /// How far this clock is behind the server's, in ms.
    pub clock_offset_ms: i64,
    /// How far the bootstrap is.
    pub bootstrap: Bootstrap,
    /// The daemon's version.
    pub version: String,
    /// `auto` or `offline`.
    pub network: String,
}

/// How far a bootstrap is, 0 to 1.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Bootstrap {
    /// The share that is there.
    pub done: f64,
}

/// An entry in the queue.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct QueueItem {
    /// The transaction.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// When it was written.
    pub at: String,
    /// The receipt's number.
    pub receipt: Option<String>,
    /// `pending` or `parked`.
    pub state: String,
    /// Why it is parked.
    pub reason: Option<String>,
}

/// `POST /api/sync`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SyncResult {
    /// `online` or `offline`.
    pub connection: String,
    /// Entries pushed in this round.
    pub pushed: u64,
    /// Entries still waiting.
    pub pending: u64,
    /// What went wrong, in a sentence.
    pub error: Option<String>,
}

/// `POST /api/network`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkRequest {
    /// `auto` or `offline`.
    pub mode: String,
}

/// `GET /api/day`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DayReport {
    /// The business date.
    pub date: String,
    /// Sales.
    pub sales: u64,
    /// Returns and voids.
    pub returns: u64,
    /// By currency.
    pub currencies: Vec<DayCurrency>,
    /// Entries that wait for the server.
    pub waiting: u64,
}

/// A day in one currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DayCurrency {
    /// The currency's code.
    pub currency: String,
    /// Earned, returns taken off.
    pub earned: String,
    /// Redeemed, returns taken off.
    pub redeemed: String,
    /// What the redeemed points are worth.
    pub value: Option<Money>,
}

/// `PUT /api/basket`: what the POS shows on the till's page.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PosBasket {
    /// The receipt's number.
    pub receipt: String,
    /// ISO 4217 code of every amount.
    pub currency: String,
    /// The lines; none clears the page.
    pub lines: Vec<Line>,
    /// The card, where the POS scanned it.
    #[serde(default)]
    pub card: Option<String>,
}
