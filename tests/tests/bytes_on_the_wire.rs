//! A bar that is exact, and so a test: bytes on the wire per synced entry without receipt lines, in a batch of 1,000.
#![expect(clippy::unwrap_used, reason = "what does not hold here ends the test")]

use ed25519_dalek::SigningKey;
use shared::account::{AccountId, LotTerms};
use shared::catalog::CatalogHash;
use shared::chain::Head;
use shared::entry::{Actor, Column, Entry, EntryKind, Idem, Move, Posting, Totals, Why};
use shared::ids::{AccountSetId, CurrencyId, Dot, Hash, MembershipId, NodeId, OutletId, Seq, TillId};
use shared::points::Points;
use shared::time::{Day, Hlc, Millis};
use shared::wire::{self, Health, Push, PushedEntry};
use uuid::Uuid;

/// The bar: at most so many bytes an entry.
const BAR: usize = 48;

/// Deterministic numbers that look random (splitmix64), so that the batch compresses as a real one would.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A `UUIDv7` as enrolments make them (a membership and its own account set bear the same): 48 bits of a time within two years, the rest random.
    fn uuid(&mut self) -> Uuid {
        let ms = 1_730_000_000_000 + self.next() % 63_000_000_000;
        let random = (u128::from(self.next()) << 64) | u128::from(self.next());
        uuid::Builder::from_unix_timestamp_millis(ms, &random.to_be_bytes()[..10].try_into().unwrap())
            .into_uuid()
    }
}

fn earn(
    seq: u64,
    at: Millis,
    numbers: &mut Numbers,
    members: &[(AccountSetId, MembershipId)],
    keyed: bool,
) -> Entry {
    let (set, membership) = members[usize::try_from(numbers.next()).unwrap() % members.len()];
    let points = Points(i64::try_from(1 + numbers.next() % 300).unwrap());
    let outlet = OutletId(12);
    let idem = keyed.then(|| Idem {
        key: (u128::from(numbers.next()) << 64) | u128::from(numbers.next()),
        body: numbers.next(),
    });
    let posting = Posting {
        account: AccountId { set, currency: CurrencyId(1) },
        column: Column::Earned,
        points,
        why: Why { rule: None, text: "survey".into(), lines: Vec::new(), campaign: None },
        lot: Some(LotTerms::plain(Some(outlet))),
        tallied: None,
    };
    Entry {
        dot: Dot::new(NodeId(31), Seq(seq)),
        at: Hlc::at(at),
        business_date: Day(20_778),
        pull: 812 + seq / 50,
        catalog: CatalogHash(Hash::of(b"catalog")),
        totals: Totals { credits: 400_000 + seq * 150, debits: 90_000 },
        idem,
        actor: Actor::Till { outlet, till: TillId(30), cashier: Some("c12".into()) },
        kind: EntryKind::Earn(Move { membership, reason: "survey".into(), reference: None }),
        postings: vec![posting],
    }
}

fn bytes_per_entry(keyed: bool) -> usize {
    let mut numbers = Numbers(7);
    let members: Vec<_> =
        (0..100_000).map(|_| numbers.uuid()).map(|id| (AccountSetId(id), MembershipId(id))).collect();
    let mut at = Millis(1_795_269_780_000);
    let mut head = Head { seq: Seq(5_000), hash: Hash::of(b"before") };
    let since = head;
    let mut entries = Vec::new();
    for seq in 5_001..=6_000 {
        at = at.after(5_000 + numbers.next() % 60_000);
        let stored = earn(seq, at, &mut numbers, &members, keyed).to_stored().unwrap();
        head = head.then(&stored);
        entries.push(PushedEntry { stored, side: Vec::new() });
    }
    let node = NodeId(31);
    let signature = wire::sign(&SigningKey::from_bytes(&[5; 32]), &wire::batch_bytes(node, head));
    let push = Push { node, since, entries, head, signature, health: Health::default() };
    let body = zstd::bulk::compress(&wire::encode(&push), 3).unwrap();
    body.len().div_ceil(1_000)
}

#[test]
fn an_entry_without_lines_takes_at_most_48_bytes_in_a_batch_of_1000() {
    let plain = bytes_per_entry(false);
    println!(
        "{plain} bytes an entry; with an Idempotency-Key each {} (a key is 16 random bytes)",
        bytes_per_entry(true)
    );
    assert!(plain <= BAR, "{plain} bytes an entry, the bar is {BAR}");
}
