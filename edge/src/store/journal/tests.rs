//! What the journal does when nothing goes wrong, on the simulated disk and on a real one.

use std::sync::Arc;

use super::limits::KEEP_MS;
use super::*;
use crate::store::disk::RealDisk;
use crate::store::sim_disk::SimDisk;

mod crash;
mod damage;
mod full;
#[cfg(feature = "mutants")]
mod mutants;
mod redact;
mod workload;

const SMALL: JournalOptions = JournalOptions {
    segment_bytes: SEGMENT_MIN_BYTES,
    keep_ms: KEEP_MS,
    start: Head::EMPTY,
    known: Known { applied: 0, acknowledged: 0 },
};

fn open(disk: &SimDisk, options: JournalOptions) -> (Journal, Recovery) {
    Journal::open(Arc::new(disk.clone()), options).unwrap()
}

fn append(journal: &mut Journal, groups: u64, bytes: usize) -> Vec<Appended> {
    let one = |n: u64| vec![u8::try_from(n % 251).unwrap(); bytes];
    let mut appended = Vec::new();
    for n in 0..groups {
        let (stored, side) = (one(n), n.to_le_bytes());
        appended.push(journal.append(&[Record { stored: &stored, side: &side }], n).unwrap());
        journal.prepare().unwrap();
    }
    appended
}

#[test]
fn records_come_back_in_order_with_their_bytes_and_the_chain() {
    let disk = SimDisk::new(1);
    let (mut journal, recovery) = open(&disk, SMALL);
    assert_eq!(recovery, Recovery { first_seq: 1, head: Head::EMPTY, torn: None, damage: None });
    let group = [Record { stored: b"one", side: b"key" }, Record { stored: b"two", side: b"" }];
    let first = journal.append(&group, 1_000).unwrap();
    let second = journal.append(&[Record { stored: b"", side: b"" }], 2_000).unwrap();
    let hash_1 = *blake3::hash(&[&[0; 32][..], b"one"].concat()).as_bytes();
    let hash_2 = *blake3::hash(&[&hash_1[..], b"two"].concat()).as_bytes();
    let hash_3 = *blake3::hash(&hash_2).as_bytes();
    assert_eq!((first.first_seq, first.last_seq, first.hash), (1, 2, hash_2));
    assert_eq!((second.first_seq, second.last_seq, second.hash), (3, 3, hash_3));

    drop(journal);
    let (journal, recovery) = open(&disk, SMALL);
    assert_eq!(recovery.head, Head { seq: 3, hash: hash_3 });
    let all: Vec<Kept> = journal.read_from(1).unwrap().map(Result::unwrap).collect();
    let kept = |seq, stored: &[u8], side: &[u8], hash, written_ms| Kept {
        seq,
        stored: stored.to_vec(),
        side: side.to_vec(),
        hash,
        written_ms,
    };
    assert_eq!(
        all,
        [
            kept(1, b"one", b"key", hash_1, 1_000),
            kept(2, b"two", b"", hash_2, 1_000),
            kept(3, b"", b"", hash_3, 2_000),
        ]
    );
    let from_two: Vec<Kept> = journal.read_from(2).unwrap().map(Result::unwrap).collect();
    assert_eq!(from_two, all[1..]);
    assert!(journal.read_from(4).unwrap().next().is_none());
    let hashes: Vec<_> = (0..5).map(|seq| journal.snapshot().hash_at(seq).unwrap()).collect();
    assert_eq!(hashes, [Some([0; 32]), Some(hash_1), Some(hash_2), Some(hash_3), None]);
}

#[test]
fn a_group_is_one_write_and_one_sync_across_segments_too() {
    let disk = SimDisk::new(1);
    let (mut journal, _) = open(&disk, SMALL);
    let stored = vec![7; 300];
    for size in (1..=8).cycle().take(200) {
        journal.prepare().unwrap();
        let before = disk.counts();
        journal.append(&vec![Record { stored: &stored, side: b"" }; size], 0).unwrap();
        let after = disk.counts();
        assert_eq!((after.writes - before.writes, after.syncs - before.syncs), (1, 1));
        assert_eq!(after.operations - before.operations, 2, "nothing but the write and the sync");
    }
    let counters = journal.counters();
    assert_eq!((counters.groups, counters.records, counters.syncs), (200, 900, 200));
    assert_eq!(counters.segments_prepared_late, 0);
    assert!(counters.segments_prepared > 70, "{counters:?}");
}

#[test]
fn an_earn_writes_its_record_and_ninety_two_bytes() {
    let (mut journal, _) = open(&SimDisk::new(1), JournalOptions::default());
    journal.append(&[Record { stored: &[1; 300], side: &[2; 32] }], 0).unwrap();
    assert_eq!(journal.counters().bytes_written, 300 + 32 + 92);
}

#[test]
fn a_group_outside_the_limits_is_refused_and_the_journal_goes_on() {
    let (mut journal, _) = open(&SimDisk::new(1), SMALL);
    let limit = journal.group_limit_bytes();
    assert_eq!(limit, SEGMENT_MIN_BYTES - 512);
    let fits = vec![1; limit - 92];
    let over = vec![1; limit - 91];
    let one = |stored| [Record { stored, side: b"" }];
    assert!(matches!(journal.append(&[], 0), Err(JournalError::EmptyGroup)));
    assert!(
        matches!(journal.append(&one(&over), 0), Err(JournalError::GroupTooLarge { bytes, .. }) if bytes == limit + 1)
    );
    let (mut large, _) = open(&SimDisk::new(1), JournalOptions::default());
    let many = vec![Record { stored: b"", side: b"" }; GROUP_MAX_RECORDS + 1];
    assert!(matches!(large.append(&many, 0), Err(JournalError::GroupTooLong { records: 4097, .. })));
    assert_eq!(large.append(&many[1..], 0).unwrap().last_seq, 4096);
    for _ in 0..5 {
        journal.append(&one(&fits), 0).unwrap();
    }
    assert_eq!(journal.snapshot().verify().unwrap(), 5);
}

#[test]
fn segments_are_used_again_once_nobody_needs_them() {
    let disk = SimDisk::new(1);
    let (mut journal, _) = open(&disk, SMALL);
    append(&mut journal, 60, 780);
    assert_eq!(disk.names().len(), 16, "fifteen of four each; the next was made as the last was begun");
    let young = journal.release_until(60, KEEP_MS - 1).unwrap();
    assert_eq!(young, 0, "the age holds them");
    assert_eq!(journal.release_until(0, u64::MAX).unwrap(), 0, "the position holds them");
    let before = journal.snapshot();
    assert_eq!(journal.release_until(43, u64::MAX).unwrap(), 10);
    let left: Vec<u64> = journal.read_from(41).unwrap().map(|kept| kept.unwrap().seq).collect();
    assert_eq!(left, (41..=60).collect::<Vec<_>>());
    assert!(matches!(journal.read_from(40), Err(JournalError::Released { seq: 40 })));
    let old = before.read_from(1).unwrap().next();
    assert!(matches!(old, Some(Err(JournalError::Released { seq: 1 }))), "{old:?}");
    assert_eq!(journal.release_until(60, u64::MAX).unwrap(), 4, "the last one stays");
    let files = disk.names();
    let spares = files.iter().filter(|name| name.contains(".spare")).count();
    assert_eq!((spares, files.len()), (SPARES_MAX, SPARES_MAX + 2), "{files:?}");
    append(&mut journal, 8, 780);
    assert_eq!(disk.names().len(), files.len(), "no new file while there are spares");

    let known = Known { applied: 60, acknowledged: 60 };
    let (journal, recovery) = open(&disk, JournalOptions { known, ..SMALL });
    assert_eq!((recovery.first_seq, recovery.head.seq, recovery.damage), (57, 68, None));
    assert_eq!(journal.snapshot().verify().unwrap(), 12);
}

#[test]
fn a_reader_on_a_segment_that_is_used_again_is_told_so() {
    let disk = SimDisk::new(1);
    let (mut journal, _) = open(&disk, SMALL);
    append(&mut journal, 8, 1_500);
    let snapshot = journal.snapshot();
    let mut reading = snapshot.read_from(1).unwrap();
    assert_eq!(reading.next().unwrap().unwrap().seq, 1);
    assert_eq!(journal.release_until(8, u64::MAX).unwrap(), 3);
    append(&mut journal, 8, 1_500);
    let rest: Vec<_> = reading.collect();
    assert!(matches!(rest.last(), Some(Err(JournalError::Released { .. }))), "{rest:?}");
}

#[test]
fn a_chain_can_begin_after_another() {
    let start = Head { seq: 41, hash: [9; 32] };
    let disk = SimDisk::new(1);
    let (mut journal, recovery) = open(&disk, JournalOptions { start, ..SMALL });
    assert_eq!((recovery.head, recovery.first_seq), (start, 42));
    let appended = journal.append(&[Record { stored: b"next", side: b"" }], 0).unwrap();
    assert_eq!((appended.first_seq, appended.hash), (42, chain_hash(&[9; 32], b"next")));
    let known = Known { applied: 41, acknowledged: 41 };
    let (_, recovery) = open(&disk, JournalOptions { known, ..SMALL });
    assert_eq!((recovery.first_seq, recovery.head.seq, recovery.damage), (42, 42, None));
}

#[test]
fn opening_reads_from_the_applied_record_on_and_the_past_by_its_first_frames() {
    let disk = SimDisk::new(1);
    let (mut journal, _) = open(&disk, SMALL);
    let appended = append(&mut journal, 40, 800);
    let spoiled = appended[1].place;
    disk.flip(
        &segment::name(Kind::Segment, spoiled.generation),
        usize::try_from(spoiled.offset).unwrap() + 100,
    );
    let known = Known { applied: 30, acknowledged: 30 };
    let (journal, recovery) = open(&disk, JournalOptions { known, ..SMALL });
    assert_eq!((recovery.first_seq, recovery.head.seq, recovery.damage), (1, 40, None));
    assert_eq!(journal.read_from(3).unwrap().count(), 38);
    let found = journal.snapshot().verify();
    assert!(
        matches!(found, Err(JournalError::Unreadable { place, after_seq: 1 }) if place == spoiled),
        "{found:?}"
    );
}

#[test]
fn a_segment_of_another_size_is_read_and_not_used_again() {
    let disk = SimDisk::new(1);
    let (mut journal, _) = open(&disk, SMALL);
    append(&mut journal, 8, 800);
    let larger = JournalOptions { segment_bytes: 4 * SEGMENT_MIN_BYTES, keep_ms: 0, ..SMALL };
    let (mut journal, _) = open(&disk, larger);
    append(&mut journal, 2, 9_000);
    assert_eq!(journal.snapshot().verify().unwrap(), 10);
    journal.release_until(10, 0).unwrap();
    let (mut journal, recovery) =
        open(&disk, JournalOptions { known: Known { applied: 10, acknowledged: 10 }, ..larger });
    assert_eq!((recovery.head.seq, recovery.damage), (10, None));
    append(&mut journal, 2, 9_000);
    assert_eq!(journal.head().seq, 12);
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let disk = SimDisk::new(1);
    let (journal, _) = open(&disk, SMALL);
    drop(journal);
    let file = disk.open("0000000000000001.seg").unwrap();
    file.write_at(&segment::header_of_format(2, 1, SEGMENT_MIN_BYTES as u64), 0).unwrap();
    let opened = Journal::open(Arc::new(disk), SMALL);
    assert!(matches!(opened, Err(JournalError::NewerFormat { found: 2, known: 1 })));
}

#[test]
fn a_real_directory_keeps_the_journal_and_is_held_by_one_at_a_time() {
    let path = std::env::temp_dir().join(format!("tillkeep-journal-{}", std::process::id())).join("node-1");
    let options = JournalOptions { segment_bytes: 64 * 1024, keep_ms: 0, ..SMALL };
    let disk = Arc::new(RealDisk::open(&path).unwrap());
    assert_eq!(RealDisk::open(&path).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    let (mut journal, _) = Journal::open(disk, options).unwrap();
    append(&mut journal, 300, 700);
    assert_eq!(journal.release_until(200, 400).unwrap(), 2);
    append(&mut journal, 100, 700);
    let head = journal.head();
    drop(journal);
    let known = Known { applied: 200, acknowledged: 200 };
    let disk = Arc::new(RealDisk::open(&path).unwrap());
    let (journal, recovery) = Journal::open(disk, JournalOptions { known, ..options }).unwrap();
    assert_eq!((recovery.head, recovery.damage), (head, None));
    assert_eq!(journal.snapshot().verify().unwrap(), 401 - recovery.first_seq);
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}
