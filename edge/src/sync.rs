//! How this till keeps up with its server, in the background: push what is new, pull what changed, wait on the line for
//! more; and back off while nobody answers.

use std::sync::Arc;
use std::time::Duration;

use shared::api::till::SyncResult;
use shared::entry::{Intent, SaleRef};
use shared::ids::{Dot, Seq};
use shared::view::KnownSale;
use shared::wire::relay::{Deed, Relay, Relayed};
use shared::wire::told::{SaleFound, Told, ToldRequest};
use shared::wire::{Authorize, Authorized, ReceiptRequest};
use tokio::sync::{mpsc, oneshot, watch};

use crate::app::events::Event;
use crate::app::ladder::{Answer, Centre};
use crate::app::{App, fresh};
use crate::store::Store;

mod backoff;
pub mod client;
mod earlier;
pub mod enrol;
mod round;
pub mod transport;

use backoff::Backoff;
use client::Client;
use round::{Done, Worker};

/// How long a pull waits at the server for something to happen, in ms.
const LONG_POLL_MS: u32 = 25_000;

/// Somebody who waits for a round to be over.
type Asker = oneshot::Sender<SyncResult>;

/// The server, for the app's commands.
pub struct Server {
    client: Client,
    store: Store,
    rounds: mpsc::Sender<Asker>,
}

/// What [`run`] works with.
pub struct Rounds(mpsc::Receiver<Asker>);

impl Server {
    /// The server behind a client, and the queue of rounds that are asked for.
    pub fn new(client: Client, store: Store) -> (Arc<Self>, Rounds) {
        let (rounds, asked) = mpsc::channel(16);
        (Arc::new(Self { client, store, rounds }), Rounds(asked))
    }

    async fn ask_for_sale(&self, of: &SaleRef) -> Result<Option<KnownSale>, String> {
        let signer = enrol::signer(&self.store.identity());
        let asked = ReceiptRequest { node: signer.node, of: of.clone() };
        let reply = self.client.receipt(&signer, &asked).await?;
        reply.sale.map(SaleFound::known).transpose().map_err(|error| error.to_string())
    }

    async fn ask_what_became(&self, of: &[Dot]) -> Result<Vec<(Dot, Told)>, String> {
        let signer = enrol::signer(&self.store.identity());
        let asked = ToldRequest { node: signer.node, of: of.to_vec() };
        Ok(self.client.told(&signer, &asked).await?.told)
    }

    async fn ask_for_points(&self, intent: &(Seq, Intent), wait_ms: u32) -> Result<Authorized, String> {
        let signer = enrol::signer(&self.store.identity());
        let (intent, Intent { key, account, points }) = *intent;
        let asked = Authorize { node: signer.node, intent, key, account, points, wait_ms };
        self.client.authorize(&signer, &asked).await
    }

    async fn hand_on(&self, deed: Deed, key: Option<String>, body: Vec<u8>) -> Result<Relayed, String> {
        let signer = enrol::signer(&self.store.identity());
        self.client.relay(&signer, &Relay { node: signer.node, deed, key, body }).await
    }

    async fn round(&self) -> SyncResult {
        let (tell, told) = oneshot::channel();
        // the worker lives as long as the daemon; where it is gone, so is the line
        let _ = self.rounds.send(tell).await;
        told.await.unwrap_or_else(|_| SyncResult {
            connection: "offline".to_owned(),
            pushed: 0,
            pending: 0,
            error: Some("This till is stopping.".to_owned()),
        })
    }
}

impl Centre for Server {
    fn authorize<'a>(
        &'a self,
        intent: &'a (Seq, Intent),
        wait_ms: u32,
    ) -> Answer<'a, Result<Authorized, String>> {
        Box::pin(self.ask_for_points(intent, wait_ms))
    }

    fn sale<'a>(&'a self, of: &'a SaleRef) -> Answer<'a, Result<Option<KnownSale>, String>> {
        Box::pin(self.ask_for_sale(of))
    }

    fn told<'a>(&'a self, of: &'a [Dot]) -> Answer<'a, Result<Vec<(Dot, Told)>, String>> {
        Box::pin(self.ask_what_became(of))
    }

    fn relay(&self, deed: Deed, key: Option<String>, body: Vec<u8>) -> Answer<'_, Result<Relayed, String>> {
        Box::pin(self.hand_on(deed, key, body))
    }

    fn sync(&self) -> Answer<'_, SyncResult> {
        Box::pin(self.round())
    }
}

/// Keeping up only when told to: nothing runs in the background, nothing waits at the server. For whoever runs many tills
/// in one process.
pub struct ByHand(Worker);

impl ByHand {
    /// The conversation of a till with its server.
    pub fn new(app: App, client: Client) -> Self {
        Self(Worker::new(app, client))
    }

    /// Pushes and pulls until both sides know the same, or something fails.
    pub async fn round(&mut self) -> SyncResult {
        self.0.round().await
    }

    /// Pushes what is new, and pulls nothing.
    ///
    /// # Errors
    /// Why the server does not have it.
    pub async fn tell(&mut self) -> Result<(), String> {
        self.0.calm_down();
        while !self.0.may_wait() {
            if let Err(error) = self.0.step().await {
                self.0.fail(&error);
                return Err(error);
            }
        }
        Ok(())
    }
}

/// The share of the bootstrap that a store holds, in thousandths.
pub fn bootstrapped(store: &Store) -> u16 {
    if store.sync().cursor.is_some() {
        return 1_000;
    }
    store
        .snapshot()
        .map_or(0, |outline| round::permille(outline.chunks.len(), store.snapshot_missing().len()))
}

/// Keeps up until `stop` says so.
pub async fn run(app: App, client: Client, mut rounds: Rounds, mut stop: watch::Receiver<bool>) {
    let mut worker = Worker::new(app.clone(), client);
    let mut backoff = Backoff::default();
    let keep_up = async {
        loop {
            answer_all(&mut worker, &mut rounds).await;
            if app.link().line().cut {
                rest(&app, &mut rounds, &mut worker, Duration::MAX).await;
                continue;
            }
            match next_step(&app, &mut worker, &mut rounds).await {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    tracing::info!(%error, "the server cannot be reached");
                    app.link().failed(&error);
                    let wait = backoff.next(u64::from_le_bytes(fresh::bytes()));
                    rest(&app, &mut rounds, &mut worker, wait).await;
                }
            }
        }
    };
    tokio::select! {
        () = keep_up => {}
        () = stopped(&mut stop) => {}
    }
}

/// Waits for the end.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // a sender that is gone means the same
    let _ = stop.wait_for(|stop| *stop).await;
}

/// One step. One that only waits for something to happen at the server is left when something happens here.
async fn next_step(app: &App, worker: &mut Worker, rounds: &mut Rounds) -> Result<(), String> {
    let mut asker = None;
    if worker.may_wait() && app.link().is_online() {
        let interrupt = async {
            tokio::select! {
                () = app.written() => {}
                asked = rounds.0.recv() => asker = asked,
            }
        };
        worker.wait(LONG_POLL_MS, interrupt).await?;
    } else if let Done::Pushed(pushed) = worker.step().await?
        && worker.may_wait()
    {
        // what the server posted of this is fetched at once, before waiting for more
        worker.step().await?;
        worker.tell(pushed, None);
    }
    if let Some(asker) = asker {
        // who asked may have gone
        let _ = asker.send(worker.round().await);
    }
    Ok(())
}

/// Does the rounds that were asked for meanwhile.
async fn answer_all(worker: &mut Worker, rounds: &mut Rounds) {
    while let Ok(asker) = rounds.0.try_recv() {
        let _ = asker.send(worker.round().await);
    }
}

/// Waits, but not longer than until a round is asked for, or the line is let go again.
async fn rest(app: &App, rounds: &mut Rounds, worker: &mut Worker, wait: Duration) {
    tokio::select! {
        () = tokio::time::sleep(wait) => {}
        () = app.link().until_switched() => {}
        asked = rounds.0.recv() => {
            if let Some(asker) = asked {
                let _ = asker.send(worker.round().await);
            }
        }
    }
}

/// Tells listeners whenever the line changes.
pub async fn tell_status(app: App, mut stop: watch::Receiver<bool>) {
    let mut line = app.link().watch();
    loop {
        tokio::select! {
            changed = line.changed() => if changed.is_err() { return },
            () = stopped(&mut stop) => return,
        }
        if let Ok(status) = app.status() {
            app.tell(Event::Status(Box::new(status)));
        }
    }
}
