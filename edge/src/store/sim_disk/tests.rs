use super::*;

fn with_file(seed: u64, bytes: &[u8]) -> (SimDisk, Arc<dyn DiskFile>) {
    let disk = SimDisk::new(seed);
    let file = disk.create("a").unwrap();
    file.write_at(bytes, 0).unwrap();
    file.sync().unwrap();
    disk.sync_dir().unwrap();
    (disk, file)
}

fn contents(disk: &SimDisk, name: &str) -> Vec<u8> {
    let file = disk.open(name).unwrap();
    let mut bytes = vec![0; usize::try_from(file.size_bytes().unwrap()).unwrap()];
    file.read_at(&mut bytes, 0).unwrap();
    bytes
}

#[test]
fn what_was_synced_survives_and_what_was_not_is_torn_at_sectors() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let (disk, file) = with_file(seed, &[1; 2048]);
        file.write_at(&[2; 1024], 700).unwrap();
        disk.lose_power(seed);
        let after = contents(&disk, "a");
        assert!(after[..700].iter().chain(&after[1724..]).all(|byte| *byte == 1));
        let sector = |start: usize, end: usize| {
            assert!(after[start..end].iter().all(|byte| *byte == after[start]), "a sector is whole");
            after[start]
        };
        seen.insert((sector(700, 1024), sector(1024, 1536), sector(1536, 1724)));
    }
    assert_eq!(seen.len(), 8, "each sector for itself: {seen:?}");
}

#[test]
fn names_come_and_go_until_the_directory_is_synced() {
    let mut kept = 0;
    for seed in 0..100 {
        let (disk, file) = with_file(seed, b"a");
        disk.rename("a", "b").unwrap();
        disk.lose_power(seed);
        kept += usize::from(disk.names() == ["b"]);
        assert_eq!(disk.names().len(), 1);
        drop(file);
        let name = disk.names().remove(0);
        disk.rename(&name, "c").unwrap();
        disk.sync_dir().unwrap();
        disk.lose_power(seed);
        assert_eq!(disk.names(), ["c"]);
    }
    assert!((20..80).contains(&kept), "{kept}");
}

#[test]
fn a_kill_keeps_what_was_written_and_makes_none_of_it_durable() {
    let (disk, file) = with_file(1, b"old");
    file.write_at(b"new", 0).unwrap();
    disk.kill();
    assert_eq!(contents(&disk, "a"), b"new");
    let lost = (0..50).filter(|seed| {
        let disk = disk.fork();
        disk.lose_power(*seed);
        contents(&disk, "a") == b"old"
    });
    assert!(lost.count() > 10);
}

#[test]
fn a_cut_fails_the_operation_and_everything_after_it() {
    let (disk, file) = with_file(1, b"old");
    disk.cut_at(2);
    file.write_at(b"new", 0).unwrap();
    assert!(file.sync().is_err());
    assert!(disk.is_cut() && disk.list().is_err() && file.read_at(&mut [0], 0).is_err());
    disk.kill();
    assert_eq!(contents(&disk, "a"), b"new");
}

#[test]
fn a_failed_sync_counts_as_written_and_may_never_have_been() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let (disk, file) = with_file(seed, b"old");
        file.write_at(b"new", 0).unwrap();
        disk.fail_sync_at(1);
        assert!(file.sync().is_err());
        let read = contents(&disk, "a");
        file.sync().unwrap();
        disk.lose_power(seed);
        outcomes.insert((read, contents(&disk, "a")));
    }
    assert_eq!(outcomes.len(), 3, "seen or not, there or not, but never there and unseen: {outcomes:?}");
}

#[test]
fn room_runs_out_for_growing_and_never_for_writing_over() {
    let (disk, file) = with_file(1, &[1; 1000]);
    disk.set_capacity_bytes(Some(1000));
    file.write_at(&[2; 1000], 0).unwrap();
    assert_eq!(file.write_at(&[2; 10], 995).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(disk.create("b").unwrap().write_at(b"b", 0).is_err());
    disk.remove("a").unwrap();
    disk.open("b").unwrap().write_at(b"b", 0).unwrap();
}
