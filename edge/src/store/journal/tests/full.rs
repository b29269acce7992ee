//! A disk without room refuses whole groups and harms nothing.

use super::*;

#[test]
fn a_full_disk_refuses_whole_groups_reads_on_and_takes_more_when_there_is_room() {
    let disk = SimDisk::new(1);
    let (mut journal, _) = open(&disk, SMALL);
    disk.set_capacity_bytes(Some(3 * SEGMENT_MIN_BYTES));
    let one = [Record { stored: &[5; 900], side: b"" }];
    let mut taken = 0;
    let refused = loop {
        match journal.append(&one, 0) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, JournalError::StoreFull));
    assert_eq!(taken, 9, "three in each of three segments");
    let before = disk.names();
    assert!(matches!(journal.prepare(), Err(JournalError::StoreFull)));
    assert_eq!(disk.names(), before, "nothing is left of the attempt");
    assert_eq!(journal.read_from(1).unwrap().count(), 9);
    let small = [Record { stored: &[6; 100], side: b"" }];
    journal.append(&small, 0).unwrap();
    disk.set_capacity_bytes(None);
    journal.append(&one, 0).unwrap();
    disk.lose_power(3);
    let (_, recovery) = open(&disk, SMALL);
    assert_eq!((recovery.head, recovery.damage), (journal.head(), None));
}

#[test]
fn a_disk_that_is_full_from_the_start_opens_and_reads() {
    let disk = SimDisk::new(1);
    disk.set_capacity_bytes(Some(100));
    let (mut journal, recovery) = open(&disk, SMALL);
    assert_eq!(recovery.head, Head::EMPTY);
    let one = [Record { stored: b"one", side: b"" }];
    assert!(matches!(journal.append(&one, 0), Err(JournalError::StoreFull)));
    assert!(journal.read_from(1).unwrap().next().is_none());
    disk.set_capacity_bytes(None);
    assert_eq!(journal.append(&one, 0).unwrap().last_seq, 1);
}
