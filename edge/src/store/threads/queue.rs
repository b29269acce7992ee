//! Commands on their way to the journal. Who makes the next group is settled here: a caller who finds nobody at it and
//! was alone of late makes it itself, on its own thread, and nothing is handed over; where commands come together, the
//! commit thread makes their groups.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::super::engine::{Engine, Job};

/// Commands in one group: more wait for the next.
const GROUP_JOBS: usize = 256;

/// What waits, and who is at it.
#[derive(Default)]
struct State {
    waiting: Vec<Box<dyn Job>>,
    /// Whether a group is being made.
    busy: bool,
    /// Whether the last group had several commands, or some came while it was made: then the next waits for the commit
    /// thread, as groups of one would cost a sync each.
    crowded: bool,
    /// Whether nothing more is taken.
    closed: bool,
}

/// The queue.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something waits for the commit thread, or the queue was closed.
    called: Condvar,
    handovers: AtomicU64,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl Queue {
    /// Takes a command; where nobody is at a group, on this thread at once, so that it is answered on return. A closed
    /// queue drops it, which answers it too. Answers whether this thread made the group.
    pub(super) fn put(&self, engine: &Engine, job: Box<dyn Job>) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            return false;
        }
        if state.busy || state.crowded || !state.waiting.is_empty() || engine.is_written() {
            state.waiting.push(job);
            if !state.busy {
                self.called.notify_one();
            }
            return false;
        }
        self.group(state, vec![job], engine);
        true
    }

    /// The commit thread's turn: waits for commands, and makes one group of those that are there. Answers false once the
    /// queue is closed and empty.
    pub(super) fn serve(&self, engine: &Engine) -> bool {
        let mut state = self.state.lock();
        while state.busy || state.waiting.is_empty() {
            if state.closed && !state.busy {
                return false;
            }
            self.called.wait(&mut state);
        }
        let many = state.waiting.len().min(GROUP_JOBS);
        let jobs: Vec<_> = state.waiting.drain(..many).collect();
        // to this thread, and the answer back
        self.handovers.fetch_add(2 * jobs.len() as u64, Ordering::Relaxed);
        self.group(state, jobs, engine);
        true
    }

    fn group<'a>(&'a self, mut state: MutexGuard<'a, State>, jobs: Vec<Box<dyn Job>>, engine: &Engine) {
        let together = jobs.len() > 1;
        state.busy = true;
        drop(state);
        let turn = Turn { queue: self, together };
        engine.commit(jobs);
        drop(turn);
    }

    /// Nothing more is taken; what waits is done still.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.called.notify_one();
    }

    /// Commands and answers that went from one thread to another.
    pub(super) fn handovers(&self) -> u64 {
        self.handovers.load(Ordering::Relaxed)
    }
}

/// A group under way. Where making it panics nobody knows what is on the disk: what waits is dropped, which answers it,
/// and nothing more is taken.
struct Turn<'a> {
    queue: &'a Queue,
    together: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        state.busy = false;
        if std::thread::panicking() {
            state.closed = true;
            state.waiting.clear();
        }
        state.crowded = self.together || !state.waiting.is_empty();
        if !state.waiting.is_empty() || state.closed {
            self.queue.called.notify_one();
        }
    }
}
