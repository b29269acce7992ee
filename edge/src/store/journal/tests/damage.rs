//! Damage is told from a torn tail, and what is good on either side of it can be read.

use super::*;

const GROUPS: u64 = 12;

fn filled(disk: &SimDisk) -> Vec<Appended> {
    let (mut journal, _) = open(disk, SMALL);
    append(&mut journal, GROUPS, 900)
}

fn flip(disk: &SimDisk, place: Place, into: usize) {
    disk.flip(&segment::name(Kind::Segment, place.generation), usize::try_from(place.offset).unwrap() + into);
}

#[test]
fn a_flipped_bit_before_the_last_frame_is_damage_and_both_sides_are_read() {
    for spoiled in 1..GROUPS - 1 {
        for into in [0, 5, 9, 20, 30, 50, 70, 84, 100, 900] {
            let disk = SimDisk::new(1);
            let appended = filled(&disk);
            let at = appended[usize::try_from(spoiled).unwrap()];
            flip(&disk, at.place, into);
            let (operations, names) = (disk.counts().operations, disk.names());
            let (mut journal, recovery) = open(&disk, SMALL);
            let damage = recovery.damage.unwrap();
            assert_eq!(damage.after_seq, spoiled);
            let next = appended[usize::try_from(spoiled + 1).unwrap()];
            let evidence = Evidence::LaterFrame { place: next.place, first_seq: next.first_seq };
            assert_eq!(damage.evidence, evidence);
            if at.place.offset > 512 {
                assert_eq!(damage.place, at.place);
            }
            let good: Vec<u64> = journal.read_from(1).unwrap().map(|kept| kept.unwrap().seq).collect();
            assert_eq!(good, (1..=spoiled).collect::<Vec<_>>());
            assert_eq!(salvaged(&journal), (spoiled + 2..=GROUPS).collect::<Vec<_>>());
            let refused = journal.append(&[Record { stored: b"x", side: b"" }], 0);
            assert!(matches!(refused, Err(JournalError::Damaged(found)) if found == damage));
            assert!(matches!(journal.prepare(), Err(JournalError::Damaged(_))));
            assert_eq!((disk.counts().operations, disk.names()), (operations, names), "nothing was touched");
        }
    }
}

fn salvaged(journal: &Journal) -> Vec<u64> {
    journal.salvage().unwrap().map(|group| group.unwrap().before.seq + 1).collect()
}

#[test]
fn a_flipped_bit_in_the_first_frame_leaves_the_later_segments_in_the_journal() {
    let disk = SimDisk::new(1);
    let appended = filled(&disk);
    flip(&disk, appended[0].place, 100);
    let (journal, recovery) = open(&disk.fork(), SMALL);
    let evidence = Evidence::MissingStart { needed_from: 1, first_seq: 4 };
    assert_eq!(recovery.damage, Some(Damage { place: appended[0].place, after_seq: 0, evidence }));
    assert_eq!(salvaged(&journal), [2, 3]);
    assert_eq!(journal.read_from(4).unwrap().count(), 9);
    let known = Known { applied: 3, acknowledged: 3 };
    assert_eq!(open(&disk, JournalOptions { known, ..SMALL }).1.damage, None, "nobody needs it");
}

#[test]
fn a_spoiled_last_frame_is_a_torn_tail_unless_somebody_knows_of_it() {
    let disk = SimDisk::new(1);
    let last = filled(&disk)[11];
    flip(&disk, last.place, 200);
    for known in [Known { applied: 12, acknowledged: 0 }, Known { applied: 3, acknowledged: 14 }] {
        let (journal, recovery) = open(&disk.fork(), JournalOptions { known, ..SMALL });
        let evidence = Evidence::Known { seq: known.applied.max(known.acknowledged) };
        assert_eq!(recovery.damage, Some(Damage { place: last.place, after_seq: 11, evidence }));
        assert_eq!(journal.salvage().unwrap().count(), 0);
    }
    let known = Known { applied: 11, acknowledged: 11 };
    let (_, recovery) = open(&disk, JournalOptions { known, ..SMALL });
    assert_eq!((recovery.torn, recovery.damage, recovery.head.seq), (Some(last.place), None, 11));
}

#[test]
fn a_missing_segment_is_damage() {
    let disk = SimDisk::new(1);
    let appended = filled(&disk);
    disk.remove(&segment::name(Kind::Segment, appended[5].place.generation)).unwrap();
    let (journal, recovery) = open(&disk, SMALL);
    let damage = recovery.damage.unwrap();
    assert!(matches!(damage.evidence, Evidence::LaterFrame { first_seq: 7, .. }), "{damage}");
    assert_eq!((damage.after_seq, journal.salvage().unwrap().count()), (3, 6));
}

#[test]
fn a_missing_beginning_is_damage_only_if_somebody_needs_it() {
    let disk = SimDisk::new(1);
    let appended = filled(&disk);
    disk.remove(&segment::name(Kind::Segment, appended[0].place.generation)).unwrap();
    let known = Known { applied: 5, acknowledged: 2 };
    let (journal, recovery) = open(&disk.fork(), JournalOptions { known, ..SMALL });
    let evidence = Evidence::MissingStart { needed_from: 3, first_seq: 4 };
    assert_eq!(recovery.damage.unwrap().evidence, evidence);
    assert_eq!(journal.read_from(4).unwrap().count(), 9);
    let known = Known { applied: 5, acknowledged: 3 };
    assert_eq!(open(&disk, JournalOptions { known, ..SMALL }).1.damage, None);
}

#[test]
fn an_empty_directory_where_records_are_known_is_damage() {
    let known = Known { applied: 0, acknowledged: 9 };
    let disk = SimDisk::new(1);
    let (_, recovery) = open(&disk, JournalOptions { known, ..SMALL });
    assert_eq!(recovery.damage.unwrap().evidence, Evidence::Known { seq: 9 });
    assert!(disk.names().is_empty());
}

#[test]
fn a_spoiled_segment_header_is_damage_and_its_frames_are_salvaged() {
    let disk = SimDisk::new(1);
    let appended = filled(&disk);
    let last = appended[11].place.generation;
    flip(&disk, Place { generation: last, offset: 0 }, 20);
    let (journal, recovery) = open(&disk, SMALL);
    assert_eq!(recovery.damage.unwrap().after_seq, 9);
    assert_eq!(journal.salvage().unwrap().count(), 3);
}

#[test]
fn damage_is_told_in_words_that_say_where() {
    let disk = SimDisk::new(1);
    let appended = filled(&disk);
    flip(&disk, appended[4].place, 100);
    let (mut journal, _) = open(&disk, SMALL);
    let error = journal.prepare().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the journal is damaged: nothing verifies at 0000000000000002.seg offset 1512 after record 4, \
         though record 6 is whole at 0000000000000002.seg offset 2512"
    );
}
