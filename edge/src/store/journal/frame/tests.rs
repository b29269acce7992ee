use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const PLACE: Place = Place { generation: 5, offset: 1_000 };

fn encoded(records: &[(Vec<u8>, Vec<u8>)], head: Head) -> (Vec<u8>, Head) {
    let records: Vec<Record<'_>> = records.iter().map(|(stored, side)| Record { stored, side }).collect();
    let mut bytes = Vec::new();
    let after = encode(&mut bytes, PLACE, head, 1_750_000_000_000, &records);
    assert_eq!(bytes.len(), encoded_bytes(&records));
    (bytes, after)
}

#[test]
fn a_frame_of_format_1_is_these_bytes() {
    let (bytes, _) = encoded(&[(b"abc".to_vec(), b"k".to_vec())], Head { seq: 41, hash: [0xaa; 32] });
    let head = [
        b"TKF1".as_slice(),
        &[12, 0, 0, 0],
        &[5, 0, 0, 0, 0, 0, 0, 0],
        &[42, 0, 0, 0, 0, 0, 0, 0],
        &[1, 0, 0, 0],
        &1_750_000_000_000_u64.to_le_bytes(),
        &[0xaa; 32],
    ]
    .concat();
    let body = [3, 0, 0, 0, 1, 0, 0, 0, b'a', b'b', b'c', b'k'];
    assert_eq!(bytes[..68], head);
    assert_eq!(bytes[84..], body);
    let checksum = blake3::Hasher::new()
        .update(&1_000_u64.to_le_bytes())
        .update(&bytes[8..16])
        .update(&bytes[..8])
        .update(&bytes[16..68])
        .update(&body)
        .finalize();
    assert_eq!(bytes[68..84], checksum.as_bytes()[..16]);
}

#[test]
fn a_frame_holds_only_where_and_when_it_was_written() {
    let (bytes, _) = encoded(&[(vec![1; 40], vec![])], Head::EMPTY);
    assert!(decode(&bytes, PLACE).is_ok());
    assert_eq!(decode(&bytes, Place { offset: 1_001, ..PLACE }).unwrap_err(), FrameFault::Checksum);
    assert_eq!(decode(&bytes, Place { generation: 6, ..PLACE }).unwrap_err(), FrameFault::NotAFrame);
    let mut of_later_use = bytes;
    of_later_use[8] = 6;
    assert_eq!(decode(&of_later_use, Place { generation: 6, ..PLACE }).unwrap_err(), FrameFault::Checksum);
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let (bytes, _) = encoded(&[(vec![1; 40], vec![2; 3]), (vec![], vec![])], Head::EMPTY);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&flipped, PLACE).is_err(), "bit {bit}");
    }
}

/// A frame whose checksum holds, whatever its fields say.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&bytes, PLACE.offset);
    bytes[CHECKSUM_AT..FRAME_HEAD_BYTES].copy_from_slice(&sum);
    bytes
}

#[test]
fn fields_past_their_limits_are_refused_even_under_a_good_checksum() {
    let (bytes, _) = encoded(&[(vec![1; 40], vec![])], Head::EMPTY);
    let with = |at: usize, field: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + field.len()].copy_from_slice(field);
        decode(&sealed(bytes), PLACE).unwrap_err()
    };
    assert_eq!(with(4, &u32::MAX.to_le_bytes()), FrameFault::Limits, "longer than any frame");
    assert_eq!(with(4, &49_u32.to_le_bytes()), FrameFault::Limits, "longer than what is there");
    assert_eq!(with(16, &0_u64.to_le_bytes()), FrameFault::Limits, "no record is number 0");
    assert_eq!(with(16, &u64::MAX.to_le_bytes()), FrameFault::Limits, "numbers run out");
    assert_eq!(with(24, &0_u32.to_le_bytes()), FrameFault::Limits, "no records");
    assert_eq!(with(24, &4_097_u32.to_le_bytes()), FrameFault::Limits, "too many records");
    assert_eq!(with(24, &2_u32.to_le_bytes()), FrameFault::Records, "more than there are");
    assert_eq!(with(84, &u32::MAX.to_le_bytes()), FrameFault::Records, "a record past the frame");
}

proptest! {
    #[test]
    fn records_come_back_as_they_went_in(
        records in vec((vec(any::<u8>(), 0..200), vec(any::<u8>(), 0..50)), 1..20),
        seq in 0..u64::MAX / 2,
        hash in any::<[u8; 32]>(),
    ) {
        let head = Head { seq, hash };
        let (bytes, after) = encoded(&records, head);
        let frame = decode(&bytes, PLACE).unwrap();
        prop_assert!(frame.head.follows(head));
        prop_assert_eq!(frame.head.before(), head);
        prop_assert_eq!(frame.head.last_seq(), after.seq);
        let back: Vec<_> = frame.records().map(|record| (record.stored.to_vec(), record.side.to_vec())).collect();
        prop_assert_eq!(back, records);
    }

    #[test]
    fn bytes_of_any_kind_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(decode(&bytes, PLACE).is_err());
    }

    #[test]
    fn a_frame_with_a_good_checksum_over_any_body_is_read_within_its_bounds(
        body in vec(prop_oneof![Just(0_u8), Just(1), any::<u8>()], 0..300),
        records in 0_u32..40,
        claimed in prop_oneof![Just(None), (0_u32..400).prop_map(Some)],
    ) {
        let (mut bytes, _) = encoded(&[(vec![], vec![])], Head::EMPTY);
        bytes.truncate(FRAME_HEAD_BYTES);
        bytes.extend_from_slice(&body);
        bytes[4..8].copy_from_slice(&claimed.unwrap_or(u32::try_from(body.len()).unwrap()).to_le_bytes());
        bytes[24..28].copy_from_slice(&records.to_le_bytes());
        let bytes = sealed(bytes);
        if let Ok(frame) = decode(&bytes, PLACE) {
            let read: Vec<_> = frame.records().collect();
            let total: usize = read.iter().map(|record| 8 + record.stored.len() + record.side.len()).sum();
            prop_assert_eq!(read.len(), usize::try_from(records).unwrap());
            prop_assert_eq!(total, body.len());
        }
    }
}
