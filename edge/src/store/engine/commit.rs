//! Committing: a group of commands decided, journaled as one frame, synced once, published, answered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use shared::chain::Head;
use shared::decide::Draft;
use shared::entry::{Actor, Entry, EntryKind, Totals};
use shared::ids::{Dot, Seq};
use shared::time::{Day, Hlc};

use super::Engine;
use crate::store::effects::{Placed, put_effects};
use crate::store::journal::limits::GROUP_MAX_RECORDS;
use crate::store::journal::{Counters, Journal, JournalError, Record, encoded_bytes};
#[cfg(feature = "mutants")]
use crate::store::mutant::{self, Mutant};
use crate::store::overlay::{Layer, Published};
use crate::store::view::View;
use crate::store::{CommitError, StoreError, Written};

/// One command that waits.
pub(in crate::store) trait Job: Send {
    /// Decides it.
    fn decide(&mut self, view: &View) -> Judged;
    /// Makes ready what it will be answered with, while the disk works: what came of it is written, and not durable yet.
    /// `view` holds it, and all of its group.
    fn prepare(&mut self, _view: &View, _written: &Written) {}
    /// Answers it.
    fn answer(self: Box<Self>, outcome: Result<Option<Written>, CommitError>);
}

/// What a job's decision came to; what it will answer stays in the job.
pub(in crate::store) enum Judged {
    /// This is to be journaled.
    Append(Box<Draft>),
    /// An answer alone.
    Answer,
    /// The decision failed to read.
    Failed(StoreError),
}

/// Who writes the journal.
#[derive(Debug)]
pub(in crate::store) struct Writer {
    pub(super) journal: Journal,
    totals: Totals,
    clock: Hlc,
    /// Why nothing is written any more.
    pub(super) stopped: Option<String>,
}

impl Writer {
    /// Goes on where the journal's last entry stands.
    pub(super) fn of(journal: Journal) -> Result<Self, StoreError> {
        let mut writer = Self { journal, totals: Totals::default(), clock: Hlc::default(), stopped: None };
        let seq = writer.journal.head().seq;
        if let Some(last) = writer.journal.read_from(seq.max(1))?.next() {
            let last = Entry::from_stored(&last?.stored)
                .map_err(|error| StoreError::Damaged(format!("own entry {seq}: {error}")))?;
            (writer.totals, writer.clock) = (last.totals, last.at);
        }
        Ok(writer)
    }
}

/// The group so far.
struct Group {
    layer: Arc<Layer>,
    head: Head,
    totals: Totals,
    clock: Hlc,
    records: Vec<(Vec<u8>, Vec<u8>)>,
    waiting: Vec<(Box<dyn Job>, Option<Written>)>,
}

impl Group {
    fn after(writer: &Writer) -> Self {
        Self {
            layer: Arc::default(),
            head: writer.journal.head().into(),
            totals: writer.totals,
            clock: writer.clock,
            records: Vec::new(),
            waiting: Vec::new(),
        }
    }

    fn has_room_for(&self, record: &(Vec<u8>, Vec<u8>), limit: usize) -> bool {
        let records: Vec<Record<'_>> = self.records.iter().chain([record]).map(as_record).collect();
        records.len() <= GROUP_MAX_RECORDS && encoded_bytes(&records) <= limit
    }
}

fn as_record((stored, side): &(Vec<u8>, Vec<u8>)) -> Record<'_> {
    Record { stored, side }
}

impl Engine {
    /// Decides `jobs` in order, each on all before it, journals what comes of them and answers them.
    pub(in crate::store) fn commit(&self, jobs: Vec<Box<dyn Job>>) {
        let mut writer = self.writer.lock();
        let mut group = Group::after(&writer);
        for job in jobs {
            if let Some(why) = &writer.stopped {
                job.answer(Err(CommitError::Stopped(why.clone())));
                continue;
            }
            self.take(&mut writer, &mut group, job);
        }
        // Whoever waits was told; nobody is left to tell.
        let _told = self.flush(&mut writer, group);
    }

    /// The journal's head, once what is being decided is written: what comes after was decided on what is published now.
    pub(in crate::store) fn head_written(&self) -> Head {
        let _writing = self.writer.lock();
        self.published().head()
    }

    /// Decides one job and adds it to the group, or answers it at once where nothing is to be waited for.
    fn take(&self, writer: &mut Writer, group: &mut Group, mut job: Box<dyn Job>) {
        let staged = (!group.records.is_empty()).then(|| (Arc::clone(&group.layer), group.head));
        #[cfg(feature = "mutants")]
        let staged = staged.filter(|_| !mutant::on(Mutant::GroupDecidedAlike));
        let view = View { staged, ..self.view() };
        // A decision that panics answers nobody, and takes nothing else down with it.
        let Ok(judged) = catch_unwind(AssertUnwindSafe(|| job.decide(&view))) else { return };
        match judged {
            Judged::Failed(error) => job.answer(Err(CommitError::Read(error))),
            // It may rest on entries that are not durable yet.
            Judged::Answer if !group.records.is_empty() => group.waiting.push((job, None)),
            Judged::Answer => job.answer(Ok(None)),
            Judged::Append(draft) => self.stage(writer, group, job, *draft, &view),
        }
    }

    fn stage(&self, writer: &mut Writer, group: &mut Group, job: Box<dyn Job>, draft: Draft, view: &View) {
        let published = &view.published;
        let dot = Dot::new(published.node, group.head.seq.next());
        let at = group.clock.resume(self.options.clock.now());
        let side = Entry::side(&draft.keys);
        let entry = draft.entry(dot, at, published.meta.sync.applied, group.totals);
        let Ok(stored) = entry.to_stored() else { return job.answer(Err(CommitError::TooLarge)) };
        let head = group.head.then(&stored);
        let mut effects = Layer::default();
        let index = &self.identity().index_key;
        if let Err(error) =
            put_effects(&mut effects, &Placed { entry: &entry, head, stored: &stored, side: &side }, index)
        {
            return job.answer(Err(CommitError::Read(error)));
        }
        let record = (stored, side);
        let limit = writer.journal.group_limit_bytes();
        if !group.has_room_for(&record, limit) {
            let alone = Group { records: Vec::new(), waiting: Vec::new(), ..Group::after(writer) };
            if !alone.has_room_for(&record, limit) {
                return job.answer(Err(CommitError::TooLarge));
            }
            let full = std::mem::replace(group, alone);
            if let Err(fail) = self.flush(writer, full) {
                *group = Group::after(writer);
                return job.answer(Err(fail()));
            }
            *group = Group::after(writer);
        }
        if group.records.is_empty() {
            group.layer = Arc::new(effects);
        } else {
            Arc::make_mut(&mut group.layer).cover_with(&effects);
        }
        (group.head, group.totals, group.clock) = (head, entry.totals, at);
        group.records.push(record);
        group.waiting.push((job, Some(Written { entry: Arc::new(entry), hash: head.hash })));
    }

    /// Journals the group, publishes it and answers it. On failure all of it is told so, and the error can be told again.
    fn flush(&self, writer: &mut Writer, mut group: Group) -> Result<(), impl Fn() -> CommitError + use<>> {
        let appended = self.append(writer, &mut group);
        match appended {
            Ok(()) => {
                for (job, written) in group.waiting {
                    job.answer(Ok(written));
                }
                Ok(())
            }
            Err(fault) => {
                let fail = move || match &fault {
                    Fault::Full => CommitError::StoreFull,
                    Fault::Stopped(why) => CommitError::Stopped(why.clone()),
                };
                for (job, _) in group.waiting {
                    job.answer(Err(fail()));
                }
                Err(fail)
            }
        }
    }

    fn append(&self, writer: &mut Writer, group: &mut Group) -> Result<(), Fault> {
        if group.records.is_empty() {
            return Ok(());
        }
        let records: Vec<Record<'_>> = group.records.iter().map(as_record).collect();
        let before = self.view();
        let (mut next, layer) = (Vec::new(), Arc::clone(&group.layer));
        let (waiting, head) = (&mut group.waiting, group.head);
        let meanwhile = || {
            next = before.published.active_with(Arc::clone(&layer));
            let view = View { staged: Some((layer, head)), ..before.clone() };
            for (job, written) in waiting {
                let Some(written) = written else { continue };
                // What panics here is not ready, and is made when it is asked for: the journal goes on.
                let _ = catch_unwind(AssertUnwindSafe(|| job.prepare(&view, written)));
            }
        };
        match writer.journal.append_while(&records, self.options.clock.now().0, meanwhile) {
            Ok(_) => {}
            Err(JournalError::StoreFull) => return Err(Fault::Full),
            Err(error) => {
                let why = error.to_string();
                writer.stopped = Some(why.clone());
                return Err(Fault::Stopped(why));
            }
        }
        (writer.totals, writer.clock) = (group.totals, group.clock);
        let (layer, journal) = (Arc::clone(&group.layer), writer.journal.snapshot());
        self.publish(|published| {
            // the applier may have taken some of the layers meanwhile
            let same = std::ptr::eq(published, &raw const *before.published);
            let active = if same { next } else { published.active_with(layer) };
            Published { active, journal, ..published.clone() }
        });
        Ok(())
    }

    /// What nobody waits for: the next segment is made ready, and those that nobody needs are let go.
    pub(in crate::store) fn tidy(&self) {
        let mut writer = self.writer.lock();
        if writer.stopped.is_some() {
            return;
        }
        let needless = self.needless.load(Ordering::Acquire);
        let done = writer.journal.release_until(needless, self.options.clock.now().0).and_then(|released| {
            writer.journal.prepare()?;
            Ok(released)
        });
        match done {
            Ok(0) | Err(JournalError::StoreFull) => {}
            Ok(_) => {
                let journal = writer.journal.snapshot();
                self.publish(|published| Published { journal, ..published.clone() });
            }
            Err(error) => writer.stopped = Some(error.to_string()),
        }
    }

    /// A new node's first entry, if it is not there.
    pub(super) fn open_entry(&self) -> Result<(), StoreError> {
        let identity = self.identity();
        if self.published().head().seq > Seq(0) {
            return Ok(());
        }
        let catalog = self.view().catalog();
        let now = self.options.clock.now();
        let outlet = catalog.outlets.get(&identity.outlet);
        let today = outlet.map_or_else(|| Day::of(now.utc().date_naive()), |outlet| now.day(outlet.zone));
        let draft = Draft {
            business_date: today,
            catalog: catalog.hash,
            idem: None,
            actor: Actor::Till { outlet: identity.outlet, till: identity.till, cashier: None },
            kind: EntryKind::Open(identity.certificate.clone()),
            postings: Vec::new(),
            keys: Vec::new(),
        };
        let (answer, opened) = std::sync::mpsc::channel();
        self.commit(vec![Box::new(Opening { draft: Some(draft), answer })]);
        self.tidy();
        match opened.recv() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(CommitError::StoreFull)) => Err(StoreError::Full),
            Ok(Err(error)) => Err(StoreError::Stopped(error.to_string())),
            Err(gone) => Err(StoreError::Stopped(gone.to_string())),
        }
    }

    /// What the journal has done since it was opened.
    pub(in crate::store) fn counters(&self) -> Counters {
        self.writer.lock().journal.counters()
    }

    /// Whether somebody is at the journal, so that a group would wait.
    pub(in crate::store) fn is_written(&self) -> bool {
        self.writer.is_locked()
    }

    /// Why nothing is written any more. Whoever is writing now has not stopped.
    pub(in crate::store) fn stopped(&self) -> Option<String> {
        self.writer.try_lock().and_then(|writer| writer.stopped.clone())
    }
}

/// Why a group was not journaled.
enum Fault {
    Full,
    Stopped(String),
}

/// The job of a node's first entry.
struct Opening {
    draft: Option<Draft>,
    answer: std::sync::mpsc::Sender<Result<(), CommitError>>,
}

impl Job for Opening {
    fn decide(&mut self, _view: &View) -> Judged {
        self.draft.take().map_or(Judged::Answer, |draft| Judged::Append(Box::new(draft)))
    }

    fn answer(self: Box<Self>, outcome: Result<Option<Written>, CommitError>) {
        let _ = self.answer.send(outcome.map(|_| ()));
    }
}
