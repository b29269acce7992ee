//! What the till does: load what is known, let the core decide, commit, answer.
//!
//! [`App`] stands on the store and is what `sync`, `http` and the command line stand on. A command goes through
//! [`write`]: a repeat is answered from its entry; else the ladder finds the grounds that a redemption stands on, and the
//! store has it decided on a view that holds everything before it.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use shared::account::AccountId;
use shared::api::till::PosBasket;
use shared::time::Millis;
use shared::view::Place;
use tokio::sync::{Notify, broadcast};

pub mod error;
pub mod events;
pub mod fresh;
pub mod ladder;
pub mod link;

mod asking;
mod facts;
mod repeat;
mod show;
mod write;

pub mod cards;
pub mod customers;
pub mod desk;
pub mod enrolments;
pub mod holds;
pub mod operators;
pub mod quotes;
pub mod relays;
pub mod returns;
pub mod rights;
pub mod sales;
pub mod sessions;
pub mod statement;
pub mod status;
pub mod tokens;
pub mod transactions;
pub mod upkeep;

pub use error::Error;

use self::events::Event;
use self::ladder::Centre;
use self::link::Link;
use crate::clock::Clock;
use crate::store::{Identity, Store};

/// Events kept for a listener that is slow; one that falls further behind misses some.
const EVENTS: usize = 256;

/// The till; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    link: Link,
    centre: Arc<dyn Centre>,
    budget_ms: u64,
    events: broadcast::Sender<Event>,
    written: Notify,
    sessions: sessions::Sessions,
    basket: Mutex<Option<PosBasket>>,
    /// One PIN is tried at a time.
    pins: Mutex<()>,
    /// Accounts in which rights are wanted on demand, for the next pull.
    rights_wanted: Mutex<BTreeSet<AccountId>>,
}

/// An answer, and whether it is the first one over again.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome<T> {
    /// The answer.
    pub body: T,
    /// Whether the request was a repeat.
    pub replayed: bool,
}

impl App {
    /// The till on its store. `budget_ms` is how long a redemption waits for the server.
    pub fn new(store: Store, clock: Clock, link: Link, centre: Arc<dyn Centre>, budget_ms: u64) -> Self {
        let events = broadcast::Sender::new(EVENTS);
        let written = Notify::new();
        Self(Arc::new(Inner {
            store,
            clock,
            link,
            centre,
            budget_ms,
            events,
            written,
            sessions: sessions::Sessions::default(),
            basket: Mutex::new(None),
            pins: Mutex::new(()),
            rights_wanted: Mutex::default(),
        }))
    }

    /// The store underneath.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// What time it is.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Whether there is a line.
    pub fn link(&self) -> &Link {
        &self.0.link
    }

    /// Tells listeners of something.
    pub fn tell(&self, event: Event) {
        // nobody listening is no failure
        let _ = self.0.events.send(event);
    }

    /// Hears what happens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Waits until something was written that nobody has waited for yet.
    pub async fn written(&self) {
        self.0.written.notified().await;
    }

    fn now(&self) -> Millis {
        self.0.clock.now()
    }

    fn identity(&self) -> Arc<Identity> {
        self.0.store.identity()
    }

    fn place(&self) -> Place {
        let identity = self.identity();
        Place { outlet: Some(identity.outlet), till: Some(identity.till), node: identity.node }
    }
}
