//! The store's two threads. The commit thread makes the groups of commands that come together; one that comes alone is
//! committed by its caller (see [`queue`]). The applier works behind, and does whatever else writes the cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use shared::time::Millis;

use super::engine::{Engine, Job, Judged};
use super::reply::Answer;
use super::view::View;
use super::{CommitError, Committed, Decided, Reply, StoreCounters, StoreError, Written};

/// So long after the first entry that waits, all that wait are applied.
const TICK: Duration = Duration::from_millis(200);
/// So many waiting entries are applied at once: what a reader has to look through stays small.
const WAITING_MAX: u64 = 512;
/// A durable commit of the cache every so many ticks (5 seconds) …
const DURABLE_TICKS: u32 = 25;
/// … or entries: what a reopening replays (some 40 ms for a thousand).
const UNDURABLE_MAX: u64 = 2048;
/// Old entries are looked for at opening, and so often while there is work.
const PRUNE_MS: u64 = 3_600_000;
/// Between two times that those who were erased are taken out of the files, at least, in ms.
const FORGET_REST_MS: u64 = 10_000;
/// It takes no more than one part in so many of the time.
const FORGET_SHARE: u64 = 100;

mod queue;

use queue::Queue;

type Work = Box<dyn FnOnce(&Engine) + Send>;

/// A running store.
#[derive(Debug)]
pub(super) struct Threads {
    pub(super) engine: Arc<Engine>,
    queue: Arc<Queue>,
    work: Mutex<Option<Sender<Work>>>,
    /// Whether the applier waits to be told that there is something to apply.
    sleeps: Arc<AtomicBool>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    pub(super) fn start(engine: Engine) -> Result<Self, StoreError> {
        let engine = Arc::new(engine);
        let queue = Arc::<Queue>::default();
        let (work, worked) = channel::<Work>();
        let sleeps = Arc::new(AtomicBool::new(false));
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.into())
                .spawn(body)
                .map_err(StoreError::io("starting a thread"))
        };
        let (at, of, poke, sleeping) =
            (Arc::clone(&engine), Arc::clone(&queue), work.clone(), Arc::clone(&sleeps));
        let commit = spawn("commit", Box::new(move || commit(&at, &of, &poke, &sleeping)))?;
        let (at, sleeping) = (Arc::clone(&engine), Arc::clone(&sleeps));
        let apply = spawn("apply", Box::new(move || apply(&at, &worked, &sleeping)))?;
        let (work, running) = (Mutex::new(Some(work)), Mutex::new(vec![commit, apply]));
        Ok(Self { engine, queue, work, sleeps, running })
    }

    pub(super) fn commit<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&View) -> Result<Decided<T>, StoreError> + Send + 'static,
        prepare: impl FnOnce(&View, &Written, &mut T) + Send + 'static,
    ) -> Reply<Committed<T>, CommitError> {
        let (answer, reply) = Reply::channel();
        let command =
            Box::new(Command { decide: Some(decide), prepare: Some(prepare), decided: None, answer });
        if self.queue.put(&self.engine, command)
            && let Some(work) = &*self.work.lock()
        {
            wake(work, &self.sleeps);
        }
        reply
    }

    /// Has the applier do something, in order with all else that it does.
    pub(super) fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T, StoreError> + Send + 'static,
    ) -> Reply<T> {
        let (answer, reply) = Reply::channel();
        if let Some(sender) = &*self.work.lock() {
            let _ = sender.send(Box::new(move |engine: &Engine| {
                let _ = answer.send(work(engine));
            }));
        }
        reply
    }

    /// Lets the threads end once they have done what they were asked before.
    pub(super) fn stop(&self) -> Reply<()> {
        self.queue.close();
        let reply = self.work(|engine| engine.apply(true).map(|_| ()));
        self.work.lock().take();
        reply
    }

    pub(super) fn counters(&self) -> StoreCounters {
        let (waiting, undurable) = self.engine.backlog();
        let handovers = self.queue.handovers();
        StoreCounters { journal: self.engine.counters(), handovers, waiting, undurable }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.queue.close();
        self.work.lock().take();
        // The directory is free for the next one to open it once they are gone.
        for thread in std::mem::take(&mut *self.running.lock()) {
            let _ = thread.join();
        }
    }
}

/// The commit thread: all that wait are one group, and what nobody waits for is done after it.
fn commit(engine: &Engine, queue: &Queue, applier: &Sender<Work>, applier_sleeps: &AtomicBool) {
    while queue.serve(engine) {
        engine.tidy();
        wake(applier, applier_sleeps);
    }
}

/// Tells a sleeping applier that there is something to apply.
fn wake(applier: &Sender<Work>, sleeps: &AtomicBool) {
    if sleeps.swap(false, Ordering::AcqRel) {
        let _ = applier.send(Box::new(|_| {}));
    }
}

/// The applier: sleeps while there is nothing to do, and else ticks.
fn apply(engine: &Engine, work: &Receiver<Work>, sleeps: &AtomicBool) {
    let (mut ticks, mut pruned, mut forgetting) = (0, Millis(0), (Millis(0), 0));
    loop {
        if let Err(error) = engine.mend() {
            tracing::error!(%error, "the cache cannot be opened again");
            std::thread::sleep(TICK);
        }
        if engine.has_to_forget() {
            forget(engine, &mut forgetting);
        }
        let (waiting, undurable) = engine.backlog();
        if waiting >= WAITING_MAX {
            apply_now(engine, undurable + waiting >= UNDURABLE_MAX);
            continue;
        }
        let next = if waiting + undurable == 0 {
            sleeps.store(true, Ordering::Release);
            // A group may have come between the look and the word.
            if engine.backlog().0 > 0 {
                work.recv_timeout(TICK)
            } else {
                work.recv().map_err(RecvTimeoutError::from)
            }
        } else {
            work.recv_timeout(TICK)
        };
        match next {
            Ok(work) => work(engine),
            Err(RecvTimeoutError::Timeout) => {
                ticks = (ticks + 1) % DURABLE_TICKS;
                apply_now(engine, ticks == 0 || undurable >= UNDURABLE_MAX);
                if ticks == 0 && engine.options.clock.now().since(pruned) >= PRUNE_MS {
                    pruned = prune(engine);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    apply_now(engine, true);
}

/// Takes those who were erased out of the files: it costs a copy of the cache, and so is done once in a while for all of
/// them. Where it fails it is tried again the next time.
fn forget(engine: &Engine, (last, rest): &mut (Millis, u64)) {
    let began = engine.options.clock.now();
    // a clock that was set back makes nobody wait
    if began >= *last && began.since(*last) < *rest {
        return;
    }
    match engine.forget() {
        Ok(()) => tracing::info!("erased customers are out of this till's files"),
        Err(error) => tracing::error!(%error, "an erased customer is still in this till's files"),
    }
    *last = engine.options.clock.now();
    *rest = FORGET_REST_MS.max(last.since(began).saturating_mul(FORGET_SHARE));
}

/// Lets old entries go; answers when that was done with, or never if there are more.
fn prune(engine: &Engine) -> Millis {
    match engine.prune() {
        Ok((_, true)) => Millis(0),
        Ok((_, false)) => engine.options.clock.now(),
        Err(error) => {
            tracing::error!(%error, "old entries stay in the cache");
            engine.options.clock.now()
        }
    }
}

/// The journal has everything: a cache that cannot be written is a cause for concern, not for stopping the till.
fn apply_now(engine: &Engine, durable: bool) {
    // callers who commit by themselves leave this
    engine.tidy();
    if let Err(error) = engine.apply(durable) {
        tracing::error!(%error, "the cache cannot be written");
        std::thread::sleep(TICK);
    }
}

/// A command that waits to be committed.
struct Command<T, F, P> {
    decide: Option<F>,
    prepare: Option<P>,
    decided: Option<T>,
    answer: Answer<Committed<T>, CommitError>,
}

impl<T, F, P> Job for Command<T, F, P>
where
    T: Send,
    F: FnOnce(&View) -> Result<Decided<T>, StoreError> + Send,
    P: FnOnce(&View, &Written, &mut T) + Send,
{
    fn decide(&mut self, view: &View) -> Judged {
        let Some(decide) = self.decide.take() else { return Judged::Answer };
        match decide(view) {
            Ok(Decided::Append(draft, answer)) => {
                self.decided = Some(answer);
                Judged::Append(Box::new(draft))
            }
            Ok(Decided::Answer(answer)) => {
                self.decided = Some(answer);
                Judged::Answer
            }
            Err(error) => Judged::Failed(error),
        }
    }

    fn prepare(&mut self, view: &View, written: &Written) {
        if let (Some(prepare), Some(decided)) = (self.prepare.take(), &mut self.decided) {
            prepare(view, written, decided);
        }
    }

    fn answer(self: Box<Self>, outcome: Result<Option<Written>, CommitError>) {
        let Self { decided, answer, .. } = *self;
        let committed = outcome.and_then(|written| {
            let answer = decided.ok_or_else(|| CommitError::Stopped("the decision gave no answer".into()))?;
            Ok(Committed { answer, written })
        });
        let _ = answer.send(committed);
    }
}
