use super::*;
use crate::store::disk::Disk;
use crate::store::sim_disk::SimDisk;

#[test]
fn names_are_read_back_and_no_other_name_is_ours() {
    for kind in [Kind::Segment, Kind::Spare, Kind::New] {
        assert_eq!(parse_name(&name(kind, 0x1f)), Some((kind, 0x1f)));
    }
    assert_eq!(name(Kind::Segment, 31), "000000000000001f.seg");
    for other in
        ["", "1f.seg", "000000000000001F.seg", "+00000000000001f.seg", "000000000000001f.log", "lost+found"]
    {
        assert_eq!(parse_name(other), None, "{other}");
    }
}

#[test]
fn a_header_of_format_1_is_these_bytes() {
    let header = header_of_format(1, 7, 0x10_0000);
    let (fields, rest) = header.split_at(CHECKSUM_AT);
    let expected =
        [b"TillkJnl".as_slice(), &[1, 0], &[7, 0, 0, 0, 0, 0, 0, 0], &[0, 0, 0x10, 0, 0, 0, 0, 0]].concat();
    assert_eq!(fields, expected);
    assert_eq!(rest[..16], blake3::hash(&expected).as_bytes()[..16]);
    assert!(rest[16..].iter().all(|byte| *byte == 0));
}

#[test]
fn a_frame_is_found_anywhere_even_across_the_chunks_it_is_read_in() {
    let disk = SimDisk::new(1);
    let file = disk.create(&name(Kind::Segment, 3)).unwrap();
    file.write_at(&vec![b'T'; 300 * 1024], 0).unwrap();
    for offset in [600, 64 * 1024 - 2, 64 * 1024 + 513, 200_000] {
        let file = disk.open(&name(Kind::Segment, 3)).unwrap();
        let mut bytes = Vec::new();
        let records = [frame::Record { stored: &[1; 100], side: &[] }];
        frame::encode(&mut bytes, Place { generation: 3, offset }, frame::Head::EMPTY, 0, &records);
        file.write_at(&bytes, offset).unwrap();
        let mut reader = SegmentReader::open(&disk, 3, CHUNK_BYTES).unwrap();
        let found = reader.find_frame(FIRST_FRAME_AT).unwrap().unwrap();
        assert_eq!((found.0, found.1.first_seq), (offset, 1));
        file.write_at(&vec![b'T'; bytes.len()], offset).unwrap();
        assert_eq!(reader_after(&disk).find_frame(FIRST_FRAME_AT).unwrap(), None);
    }
}

fn reader_after(disk: &SimDisk) -> SegmentReader {
    SegmentReader::open(disk, 3, CHUNK_BYTES).unwrap()
}
