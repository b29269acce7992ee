//! The conversation, step by step: what to do is [`TillSync`]'s, how is here.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::api::till::SyncResult;
use shared::catalog::CatalogHash;
use shared::limits;
use shared::sync::{Fence, Step, TillSync, Verdict};
use shared::wire::sealed::GivenCatalog;
use shared::wire::snapshot::{Snapshot, SnapshotReply, SnapshotRequest};
use shared::wire::{Health, Pull, PullPage, Pulled, Push, PushReply, PushedEntry, batch_bytes, check, sign};

use super::client::{Client, PROBE_EVERY, Signer};
use super::enrol;
use crate::app::App;
use crate::app::events::{Decision, Event};
use crate::store::Store;

/// Steps in one round: a till that was away for months pushes some thousand batches.
pub(super) const STEPS: u32 = 100_000;
/// How often in one round the same side step may be needed before something is wrong.
const DETOURS: u32 = 64;
/// What a till is told once it is taken out of service.
const REVOKED: &str =
    "Head office has taken this till out of service. What it still sells waits until head office accepts it.";

/// The till's end of the conversation.
pub(super) struct Worker {
    app: App,
    client: Client,
    store: Store,
    state: TillSync,
    detours: u32,
    earlier: Earlier,
    /// Catalogs that were given back in this epoch of the server.
    given: BTreeSet<CatalogHash>,
}

/// Whether the server is known to hold what this store wrote as other nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Earlier {
    /// It has to be asked.
    Unknown,
    /// Asking failed in this round, which goes on without.
    Failed,
    /// It does.
    Told,
}

/// What a step came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Done {
    /// So many entries were told; there may be more.
    Pushed(u64),
    /// Something else moved on.
    Moved,
    /// Both sides know the same.
    Quiet,
}

impl Worker {
    pub(super) fn new(app: App, client: Client) -> Self {
        let store = app.store().clone();
        let state = store.sync();
        Self { app, client, store, state, detours: 0, earlier: Earlier::Unknown, given: BTreeSet::new() }
    }

    /// Whether nothing is left to be said until something happens at the server.
    pub(super) fn may_wait(&self) -> bool {
        self.earlier != Earlier::Unknown
            && matches!(self.state.next(&self.store), Step::Pull { .. } | Step::Rest)
    }

    /// Steps until both sides know the same, or something fails.
    pub(super) async fn round(&mut self) -> SyncResult {
        let (mut pushed, mut error) = (0, None);
        self.detours = 0;
        if self.earlier == Earlier::Failed {
            self.earlier = Earlier::Unknown;
        }
        for _ in 0..STEPS {
            match self.step().await {
                Ok(Done::Pushed(entries)) => pushed += entries,
                Ok(Done::Moved) => {}
                Ok(Done::Quiet) => break,
                Err(text) => {
                    error = Some(text);
                    break;
                }
            }
        }
        if let Some(text) = &error {
            self.fail(text);
        }
        self.tell(pushed, error)
    }

    /// Tells listeners what a round came to.
    pub(super) fn tell(&self, pushed: u64, error: Option<String>) -> SyncResult {
        let revoked = self.state.fence == Some(Fence::Revoked);
        let error = error.or_else(|| revoked.then(|| REVOKED.to_owned()));
        let result = SyncResult {
            connection: self.app.link().word().to_owned(),
            pushed,
            pending: self.pending(),
            error,
        };
        self.app.tell(Event::Synced(result.clone()));
        result
    }

    /// One step, without waiting for anything to happen at the server.
    pub(super) async fn step(&mut self) -> Result<Done, String> {
        match self.state.next(&self.store) {
            Step::Push { .. } => self.push().await,
            Step::Bootstrap | Step::Pull { .. } if self.earlier == Earlier::Unknown => {
                self.earlier = match self.tell_earlier().await {
                    Ok(()) => Earlier::Told,
                    Err(why) => {
                        // what this node itself has to say must not wait for it
                        tracing::warn!(%why, "an earlier journal of this store could not be told");
                        Earlier::Failed
                    }
                };
                Ok(Done::Moved)
            }
            Step::Pull { number, .. } => self.pull(number, 0, std::future::pending()).await,
            Step::Bootstrap => self.bootstrap().await,
            Step::Renew => self.renew().await,
            Step::Rest => {
                self.store.forget_members().await.map_err(text)?;
                if self.state.fence == Some(Fence::Revoked) {
                    self.fail(REVOKED);
                }
                Ok(Done::Quiet)
            }
        }
    }

    /// Where nothing is left to be said: waits up to `wait_ms` for something to happen at the server, or until
    /// `interrupt`. Only the waiting is broken off; a page that has come is applied whole.
    pub(super) async fn wait(
        &mut self,
        wait_ms: u32,
        interrupt: impl Future<Output = ()>,
    ) -> Result<Done, String> {
        self.detours = 0;
        match self.state.next(&self.store) {
            Step::Pull { number, .. } => {
                let (client, mut silent) = (self.client.clone(), None);
                let interrupt = async {
                    tokio::select! {
                        () = interrupt => {}
                        why = client.until_silent(PROBE_EVERY) => silent = Some(why),
                    }
                };
                let done = self.pull(number, wait_ms, interrupt).await;
                silent.map_or(done, Err)
            }
            Step::Rest => {
                // an interruption is as good a reason to look again
                let _ = tokio::time::timeout(Duration::from_millis(u64::from(wait_ms)), interrupt).await;
                Ok(Done::Quiet)
            }
            _ => Ok(Done::Moved),
        }
    }

    async fn push(&mut self) -> Result<Done, String> {
        let signer = self.signer();
        let since = self.state.since;
        let stored = self.store.journal_from(since.seq, limits::PUSH_ENTRIES, limits::PUSH_BYTES);
        let stored = stored.map_err(text)?;
        let after = stored.last().map_or(since, |last| last.head);
        let push = Push {
            node: signer.node,
            since,
            signature: sign(&signer.key, &batch_bytes(signer.node, after)),
            entries: stored.into_iter().map(|it| PushedEntry { stored: it.bytes, side: it.side }).collect(),
            head: self.store.head(),
            health: self.health(),
        };
        let before = self.state.acked.seq.0;
        let pushed = self.client.push(&signer, &push).await?;
        if !matches!(pushed.reply, PushReply::Taken { .. }) {
            self.detour("the server does not find our journal's place in its own")?;
        }
        self.state.on_pushed(pushed.reply, &self.store);
        self.keep().await?;
        if self.state.acked.seq >= self.store.head().seq {
            self.store.contact(self.app.clock().now());
        }
        Ok(Done::Pushed(self.state.acked.seq.0.saturating_sub(before)))
    }

    async fn pull(
        &mut self,
        number: u64,
        wait_ms: u32,
        interrupt: impl Future<Output = ()>,
    ) -> Result<Done, String> {
        let signer = self.signer();
        let Some(cursor) = self.state.cursor.clone() else { return Ok(Done::Moved) };
        let view = self.store.read().map_err(text)?;
        let (catalog, operators, budgets) =
            (view.catalog().hash, view.operators_digest(), view.budgets_told());
        drop(view);
        // after the shares: what was given by larger ones is in the journal then
        let head = self.store.head_written().await.map_err(text)?;
        let pull = Pull {
            node: signer.node,
            number,
            cursor,
            head,
            catalog,
            operators,
            till_name: self.store.identity().till_name.clone(),
            wait_ms,
            numbers_wanted: self.store.number_blocks_low(),
            budgets,
            rights_wanted: self.app.take_rights_wanted(),
            health: self.health(),
        };
        self.state.on_asked(number);
        // kept before it is sent, so that a number is never asked twice
        self.keep().await?;
        let server = self.store.identity().server_key;
        let pulled = tokio::select! {
            pulled = self.client.pull(&signer, &pull, &server) => pulled,
            () = interrupt => {
                self.state.on_pull_lost();
                return Ok(Done::Moved);
            }
        };
        match pulled {
            Ok(Pulled::Page(page)) => self.take(*page).await,
            Ok(Pulled::Bootstrap) => {
                self.detour("the server asks for one bootstrap after the other")?;
                self.lose_cursor();
                self.keep().await?;
                Ok(Done::Moved)
            }
            Ok(Pulled::Revoked) => {
                self.state.on_pull_lost();
                self.state.fence = Some(Fence::Revoked);
                self.keep().await?;
                Err(REVOKED.to_owned())
            }
            Err(error) => {
                self.state.on_pull_lost();
                Err(error)
            }
        }
    }

    async fn take(&mut self, page: PullPage) -> Result<Done, String> {
        match self.state.judge(&page, &self.store) {
            Verdict::Apply => {
                let (decisions, name) = (page.decisions.clone(), page.till_name.clone());
                let more = page.more;
                let due = page.buckets.iter().flat_map(|delta| &delta.accounts);
                let recalled =
                    due.into_iter().any(|(_, base)| base.right.is_some_and(|right| right.recalled));
                let mut after = self.state.clone();
                after.on_applied(&page);
                let epoch = |state: &TillSync| state.cursor.as_ref().map(|cursor| cursor.epoch);
                if epoch(&after) != epoch(&self.state) {
                    // each start of a server is a new epoch: it may have been restored
                    self.earlier = Earlier::Unknown;
                    self.given.clear();
                }
                let wanted = page.catalogs_wanted.clone();
                self.store.apply_page(page, after.clone()).await.map_err(text)?;
                self.state = after;
                self.give_catalogs(wanted).await;
                if let Some(name) = name {
                    self.store.change_identity(|identity| identity.till_name = name).map_err(text)?;
                }
                for decided in decisions {
                    let (transaction_id, text) = (decided.of.to_string(), decided.text);
                    self.app.tell(Event::Decision(Decision { transaction_id, text }));
                }
                if recalled {
                    // told with the next step: somebody may be waiting for these points at another till
                    self.app.return_rights().await.map_err(text)?;
                    return Ok(Done::Moved);
                }
                Ok(if more { Done::Moved } else { Done::Quiet })
            }
            Verdict::Skip(why) => {
                self.detour(why)?;
                self.state.on_pull_lost();
                Ok(Done::Moved)
            }
            Verdict::PushFirst => {
                self.detour("the server speaks of entries that this till does not have")?;
                self.state.on_pull_lost();
                self.state.push_first = true;
                Ok(Done::Moved)
            }
            Verdict::Bootstrap => {
                self.detour("the server is another one at every answer")?;
                self.lose_cursor();
                self.keep().await?;
                Ok(Done::Moved)
            }
        }
    }

    /// Gives back what the server lacks of the catalogs that it once handed out, where this till has them: each once. That
    /// it is refused keeps nothing else from being told.
    async fn give_catalogs(&mut self, wanted: Vec<CatalogHash>) {
        for hash in wanted {
            let sealed = self.store.read().and_then(|view| view.sealed_catalog(hash));
            let Some(catalog) = sealed.ok().flatten().filter(|_| self.given.insert(hash)) else { continue };
            let signer = self.signer();
            let given = GivenCatalog { node: signer.node, catalog };
            if let Err(why) = self.client.give_catalog(&signer, &given).await {
                tracing::warn!(%why, "a catalog could not be given back");
            }
        }
    }

    /// Fetches the snapshot's outline, or the next chunk of it, or finishes.
    async fn bootstrap(&mut self) -> Result<Done, String> {
        let Some(outline) = self.store.snapshot() else { return self.begin_bootstrap().await };
        let missing = self.store.snapshot_missing();
        self.app.link().bootstrapped(permille(outline.chunks.len(), missing.len()));
        let Some(place) = missing.first().copied() else {
            let mut after = self.state.clone();
            after.on_bootstrapped(outline.cursor);
            self.store.snapshot_finish(after.clone()).await.map_err(text)?;
            self.state = after;
            self.app.link().bootstrapped(1_000);
            return Ok(Done::Moved);
        };
        let signer = self.signer();
        let asked = SnapshotRequest { node: signer.node, chunk: Some((outline.id, place)) };
        match self.client.snapshot(&signer, &asked).await? {
            SnapshotReply::Chunk(bytes) => {
                self.store.snapshot_chunk(place, bytes).await.map_err(text)?;
                Ok(Done::Moved)
            }
            SnapshotReply::Gone => {
                self.detour("the server forgets its snapshots faster than they can be fetched")?;
                self.begin_bootstrap().await
            }
            SnapshotReply::Outline(_) => Err("the server answered an outline where a chunk was asked".into()),
        }
    }

    async fn begin_bootstrap(&mut self) -> Result<Done, String> {
        self.app.link().bootstrapped(0);
        let signer = self.signer();
        let asked = SnapshotRequest { node: signer.node, chunk: None };
        let SnapshotReply::Outline(outline) = self.client.snapshot(&signer, &asked).await? else {
            return Err("the server answered no outline".into());
        };
        self.check(&outline)?;
        self.store.snapshot_begin(*outline).await.map_err(text)?;
        Ok(Done::Moved)
    }

    fn check(&self, outline: &Snapshot) -> Result<(), String> {
        let key = self.store.identity().server_key;
        check(&key, &outline.signed_bytes(), &outline.signature).map_err(text)
    }

    /// Goes on as a new node after a fence.
    async fn renew(&mut self) -> Result<Done, String> {
        self.detour("the server fences every new node")?;
        let identity = enrol::renewed(&self.client, &self.store.identity()).await?;
        self.store.renew(identity).await.map_err(text)?;
        self.state = self.store.sync();
        // the old journal may have grown until a moment ago
        self.earlier = Earlier::Unknown;
        Ok(Done::Moved)
    }

    /// The server may have lost what it acknowledged, of this node and of those before it.
    fn lose_cursor(&mut self) {
        self.state.on_cursor_lost();
        self.earlier = Earlier::Unknown;
    }

    async fn keep(&self) -> Result<(), String> {
        self.store.keep_sync(self.state.clone()).await.map_err(text)
    }

    /// Counts a step aside; one that is needed again and again leads nowhere.
    fn detour(&mut self, why: &str) -> Result<(), String> {
        self.detours += 1;
        if self.detours > DETOURS { Err(why.to_owned()) } else { Ok(()) }
    }

    /// The server did not answer.
    pub(super) fn fail(&self, why: &str) {
        self.app.link().failed(why);
    }

    pub(super) fn calm_down(&mut self) {
        self.detours = 0;
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    fn signer(&self) -> Signer {
        enrol::signer(&self.store.identity())
    }

    fn pending(&self) -> u64 {
        self.store.read().map_or(0, |view| view.waiting())
    }

    pub(super) fn health(&self) -> Health {
        let view = self.store.read();
        let oldest =
            view.ok().and_then(|view| Some(view.waiting_after(None, 1).ok()?.first()?.entry.at.ms()));
        Health {
            pending: self.pending(),
            oldest_pending: oldest,
            now: self.app.clock().source(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            free_bytes: self.store.free_bytes(),
        }
    }
}

/// The share of a bootstrap that is there, in thousandths; short of whole until it is finished.
pub(super) fn permille(chunks: usize, missing: usize) -> u16 {
    let here = chunks.saturating_sub(missing);
    u16::try_from(here * 1_000 / chunks.max(1)).unwrap_or(0).min(999)
}

pub(super) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
