//! A till's life on the simulated disk: groups appended, segments prepared and released, and a model of what must be
//! there after it, whatever happened to the power.

use super::*;
use crate::store::sim_disk::Random;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

type Bytes = (Vec<u8>, Vec<u8>);

/// What the till was told, and what it was in the middle of.
#[derive(Clone)]
pub(super) struct Model {
    random: Random,
    /// Every record acknowledged so far, record 1 first, and the hash after each.
    acknowledged: Vec<(Bytes, ChainHash)>,
    outstanding: Vec<Bytes>,
    /// What the caller holds durably elsewhere; nothing after it may be released.
    applied: u64,
    now_ms: u64,
    serial: u64,
    /// What lies beside records may have been taken out.
    redacted: bool,
}

impl Model {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            acknowledged: Vec::new(),
            outstanding: Vec::new(),
            applied: 0,
            now_ms: 1_750_000_000_000,
            serial: 0,
            redacted: false,
        }
    }

    /// From now on what lies beside records may be gone.
    pub(super) fn redacted(&mut self) {
        self.redacted = true;
    }

    pub(super) fn options(&self) -> JournalOptions {
        JournalOptions { known: Known { applied: self.applied, acknowledged: self.applied }, ..SMALL }
    }

    /// Appends so many groups, with all that a writer does between; stops at the first error.
    pub(super) fn work(&mut self, journal: &mut Journal, groups: usize) -> Result<(), JournalError> {
        for _ in 0..groups {
            let group = self.group();
            self.outstanding.clone_from(&group);
            let records: Vec<Record<'_>> =
                group.iter().map(|(stored, side)| Record { stored, side }).collect();
            match journal.append(&records, self.now_ms) {
                Ok(_) => self.settle(),
                Err(JournalError::StoreFull) => self.outstanding.clear(),
                Err(error) => return Err(error),
            }
            if self.random.one_in(2) {
                tolerate_full(journal.prepare())?;
            }
            if self.random.one_in(3) {
                let newer = self.acknowledged.len() - usize::try_from(self.applied).unwrap();
                self.applied += self.random.below(newer + 1) as u64;
                self.now_ms += 20 * DAY_MS;
                journal.release_until(self.applied, self.now_ms)?;
            }
        }
        Ok(())
    }

    /// Up to four records; no two are ever alike.
    fn group(&mut self) -> Vec<Bytes> {
        let size = 1 + self.random.below(4);
        (0..size)
            .map(|_| {
                self.serial += 1;
                let filler = u8::try_from(self.serial % 256).unwrap();
                let mut stored = self.serial.to_le_bytes().to_vec();
                stored.resize(8 + self.random.below(700), filler);
                (stored, vec![filler; self.random.below(40)])
            })
            .collect()
    }

    /// What was outstanding is there to stay.
    fn settle(&mut self) {
        for record in std::mem::take(&mut self.outstanding) {
            let before = self.acknowledged.last().map_or([0; 32], |(_, hash)| *hash);
            let hash = chain_hash(&before, &record.0);
            self.acknowledged.push((record, hash));
        }
    }

    /// Opens the journal and holds it against the model: everything acknowledged and not released is there, byte for
    /// byte, and beyond it at most the one group that was outstanding, whole. From then on that counts as there.
    pub(super) fn reopen(&mut self, disk: &SimDisk) -> Result<Journal, String> {
        let opened = Journal::open(Arc::new(disk.clone()), self.options());
        let (journal, recovery) = opened.map_err(|error| format!("does not open: {error}"))?;
        if let Some(damage) = recovery.damage {
            return Err(format!("calls it damage: {damage}"));
        }
        if recovery.first_seq > self.applied + 1 {
            return Err(format!("begins at {} though {} was needed", recovery.first_seq, self.applied + 1));
        }
        let acknowledged = self.acknowledged.len() as u64;
        let whole = acknowledged + self.outstanding.len() as u64;
        if recovery.head.seq == whole {
            self.settle();
        } else if recovery.head.seq != acknowledged {
            return Err(format!("ends at {}, neither {acknowledged} nor {whole}", recovery.head.seq));
        }
        self.outstanding.clear();
        let mut next = recovery.first_seq;
        for kept in journal.read_from(next).map_err(|error| error.to_string())? {
            let kept = kept.map_err(|error| error.to_string())?;
            let (record, hash) = &self.acknowledged[usize::try_from(next).unwrap() - 1];
            let gone = self.redacted && kept.side == vec![0; record.1.len()];
            let same = kept.stored == record.0 && (kept.side == record.1 || gone);
            if kept.seq != next || !same || kept.hash != *hash {
                return Err(format!("record {next} is not what was acknowledged"));
            }
            next += 1;
        }
        if next != self.acknowledged.len() as u64 + 1 {
            return Err(format!("reading ends before {next}"));
        }
        Ok(journal)
    }
}

pub(super) fn tolerate_full(result: Result<(), JournalError>) -> Result<(), JournalError> {
    match result {
        Err(JournalError::StoreFull) => Ok(()),
        other => other,
    }
}
