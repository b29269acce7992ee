//! Keys taken out of the journal: gone from every file, and nothing else with them, wherever the power goes.

use super::workload::Model;
use super::*;

const GROUPS: usize = 16;
const SECRET: [u8; 32] = [0xA5; 32];

fn secrets(side: &[u8]) -> Option<Vec<u8>> {
    (side == SECRET).then(Vec::new)
}

#[test]
fn a_key_that_is_taken_out_is_in_no_file_and_the_rest_stays() {
    let disk = SimDisk::new(1);
    let (mut journal, _) = Journal::open(Arc::new(disk.clone()), SMALL).unwrap();
    for n in 0..40_u64 {
        let stored = [n.to_le_bytes().to_vec(), vec![7; 300]].concat();
        let side = if n % 10 == 3 { &SECRET[..] } else { b"of another" };
        journal.append(&[Record { stored: &stored, side }], n).unwrap();
        journal.prepare().unwrap();
    }
    // what is released waits as a spare, with all that was in it
    assert!(journal.release_until(20, u64::MAX).unwrap() > 0);
    assert!(disk.has(&SECRET));
    let before: Vec<Kept> = journal.read_from(30).unwrap().map(Result::unwrap).collect();
    assert!(journal.redact(&secrets).unwrap() > 0);
    assert!(!disk.has(&SECRET));
    assert_eq!(journal.redact(&secrets).unwrap(), 0, "once is enough");
    let after: Vec<Kept> = journal.read_from(30).unwrap().map(Result::unwrap).collect();
    for (before, after) in before.iter().zip(&after) {
        let side = if before.side == SECRET { vec![0; SECRET.len()] } else { before.side.clone() };
        assert_eq!(*after, Kept { side, ..before.clone() });
    }
    let last = journal.append(&[Record { stored: b"next", side: &SECRET }], 99).unwrap();
    drop(journal);
    let options = JournalOptions { known: Known { applied: 20, acknowledged: 20 }, ..SMALL };
    let (journal, recovery) = Journal::open(Arc::new(disk), options).unwrap();
    assert_eq!((recovery.damage, recovery.head.seq), (None, last.last_seq));
    assert_eq!(journal.read_from(last.last_seq).unwrap().next().unwrap().unwrap().side, SECRET);
}

#[test]
fn a_segment_that_cannot_be_read_to_its_end_stays_as_it_is() {
    let disk = SimDisk::new(1);
    let (mut journal, _) = Journal::open(Arc::new(disk.clone()), SMALL).unwrap();
    for n in 0..8_u64 {
        journal.append(&[Record { stored: &n.to_le_bytes(), side: &SECRET }], n).unwrap();
    }
    let name = disk.names().into_iter().find(|name| name.ends_with("seg")).unwrap();
    // in the head of the second frame
    disk.flip(&name, 512 + 160);
    let before = disk.bytes(&name);
    assert!(matches!(journal.redact(&secrets), Err(JournalError::Unreadable { .. })));
    assert_eq!(disk.bytes(&name), before);
}

#[test]
fn wherever_the_power_goes_while_keys_are_taken_out_every_record_is_there() {
    for seed in 1..4 {
        for n in 1.. {
            let disk = SimDisk::new(seed);
            let mut model = Model::new(seed);
            let (mut journal, _) = Journal::open(Arc::new(disk.clone()), model.options()).unwrap();
            model.work(&mut journal, GROUPS).unwrap();
            model.redacted();
            disk.cut_at(n);
            let done = journal.redact(&|side| (!side.is_empty()).then(Vec::new));
            drop(journal);
            if !disk.is_cut() {
                assert!(done.unwrap() > 0);
                disk.kill();
                model.reopen(&disk).unwrap();
                assert!(n > 4, "it was never cut");
                break;
            }
            for tear in 0..4 {
                let (disk, mut model) = (disk.fork(), model.clone());
                match tear {
                    0 => disk.kill(),
                    _ => disk.lose_power(seed * 100 + tear),
                }
                let mut journal =
                    model.reopen(&disk).unwrap_or_else(|why| panic!("seed {seed}, cut {n}.{tear}: {why}"));
                model.work(&mut journal, 4).unwrap();
            }
        }
    }
}
