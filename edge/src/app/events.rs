//! What a till's page and its POS may listen to.

use serde::Serialize;
use shared::api::till::{PosBasket, Status, SyncResult};

/// Something happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// The status changed.
    Status(Box<Status>),
    /// A sync round is over.
    Synced(SyncResult),
    /// Head office, or the rules, decided a case of this outlet's.
    Decision(Decision),
    /// The POS put a basket on the page.
    Basket(Box<PosBasket>),
}

/// A decided case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Decision {
    /// The transaction that it is about.
    pub transaction_id: String,
    /// A sentence that a cashier can be shown.
    pub text: String,
}
