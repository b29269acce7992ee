//! The store's two threads. A command goes to the commit thread and its answer comes back: two hand-overs. The applier
//! works behind, and does whatever else writes the cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use shared::time::Millis;

use super::engine::{Engine, Job, Judged};
use super::reply::Answer;
use super::view::View;
use super::{CommitError, Committed, Decided, Reply, StoreCounters, StoreError, Written};

/// Commands in one group: more wait for the next.
const GROUP_JOBS: usize = 256;
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

type Work = Box<dyn FnOnce(&Engine) + Send>;

/// A running store.
#[derive(Debug)]
pub(super) struct Threads {
    pub(super) engine: Arc<Engine>,
    commands: Mutex<Option<Sender<Box<dyn Job>>>>,
    work: Mutex<Option<Sender<Work>>>,
    running: Mutex<Vec<JoinHandle<()>>>,
    handovers: Arc<AtomicU64>,
}

impl Threads {
    pub(super) fn start(engine: Engine) -> Result<Self, StoreError> {
        let engine = Arc::new(engine);
        let (commands, commanded) = channel();
        let (work, worked) = channel::<Work>();
        let sleeps = Arc::new(AtomicBool::new(false));
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.into())
                .spawn(body)
                .map_err(StoreError::io("starting a thread"))
        };
        let (at, poke, sleeping) = (Arc::clone(&engine), work.clone(), Arc::clone(&sleeps));
        let commit = spawn("commit", Box::new(move || commit(&at, &commanded, &poke, &sleeping)))?;
        let at = Arc::clone(&engine);
        let apply = spawn("apply", Box::new(move || apply(&at, &worked, &sleeps)))?;
        Ok(Self {
            engine,
            commands: Mutex::new(Some(commands)),
            work: Mutex::new(Some(work)),
            running: Mutex::new(vec![commit, apply]),
            handovers: Arc::default(),
        })
    }

    pub(super) fn commit<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&View) -> Result<Decided<T>, StoreError> + Send + 'static,
    ) -> Reply<Committed<T>, CommitError> {
        let (answer, reply) = Reply::channel();
        let handovers = Arc::clone(&self.handovers);
        let command = Box::new(Command { decide: Some(decide), decided: None, answer, handovers });
        self.handovers.fetch_add(1, Ordering::Relaxed);
        if let Some(commands) = &*self.commands.lock() {
            // Where nobody takes it, its answer is dropped with it, and says so.
            let _ = commands.send(command);
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
        self.commands.lock().take();
        let reply = self.work(|engine| engine.apply(true).map(|_| ()));
        self.work.lock().take();
        reply
    }

    pub(super) fn counters(&self) -> StoreCounters {
        let (waiting, undurable) = self.engine.backlog();
        let handovers = self.handovers.load(Ordering::Relaxed);
        StoreCounters { journal: self.engine.counters(), handovers, waiting, undurable }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.commands.lock().take();
        self.work.lock().take();
        // The directory is free for the next one to open it once they are gone.
        for thread in std::mem::take(&mut *self.running.lock()) {
            let _ = thread.join();
        }
    }
}

/// The commit thread: all that wait are one group.
fn commit(
    engine: &Engine,
    commands: &Receiver<Box<dyn Job>>,
    applier: &Sender<Work>,
    applier_sleeps: &AtomicBool,
) {
    while let Ok(first) = commands.recv() {
        let mut jobs = vec![first];
        jobs.extend(commands.try_iter().take(GROUP_JOBS - 1));
        engine.commit(jobs);
        if applier_sleeps.swap(false, Ordering::AcqRel) {
            let _ = applier.send(Box::new(|_| {}));
        }
    }
}

/// The applier: sleeps while there is nothing to do, and else ticks.
fn apply(engine: &Engine, work: &Receiver<Work>, sleeps: &AtomicBool) {
    let (mut ticks, mut pruned) = (0, Millis(0));
    loop {
        if let Err(error) = engine.mend() {
            tracing::error!(%error, "the cache cannot be opened again");
            std::thread::sleep(TICK);
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
    if let Err(error) = engine.apply(durable) {
        tracing::error!(%error, "the cache cannot be written");
        std::thread::sleep(TICK);
    }
}

/// A command that waits for the commit thread.
struct Command<T, F> {
    decide: Option<F>,
    decided: Option<T>,
    answer: Answer<Committed<T>, CommitError>,
    handovers: Arc<AtomicU64>,
}

impl<T, F> Job for Command<T, F>
where
    T: Send,
    F: FnOnce(&View) -> Result<Decided<T>, StoreError> + Send,
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

    fn answer(self: Box<Self>, outcome: Result<Option<Written>, CommitError>) {
        let Self { decided, answer, handovers, .. } = *self;
        let committed = outcome.and_then(|written| {
            let answer = decided.ok_or_else(|| CommitError::Stopped("the decision gave no answer".into()))?;
            Ok(Committed { answer, written })
        });
        handovers.fetch_add(1, Ordering::Relaxed);
        let _ = answer.send(committed);
    }
}
