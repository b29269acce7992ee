//! Made-up members, the same every time, in the chunks of a snapshot.

use ed25519_dalek::SigningKey;
use shared::account::{AccountId, Base, LotTerms, Lots};
use shared::catalog::Version;
use shared::catalog::document::Document;
use shared::ids::{
    AccountSetId, Code, CodeHash, CurrencyId, CustomerId, Hash, MembershipId, OutletId, ProgramId,
};
use shared::member::{
    Card, CardStatus, CodeKind, Customer, CustomerKind, IndexKey, Membership, MembershipKind,
    MembershipStatus,
};
use shared::points::Points;
use shared::time::{Day, Millis};
use shared::wire::sealed::SealedCatalog;
use shared::wire::snapshot::{Chunk, Snapshot};
use shared::wire::{self, Cursor};
use uuid::Uuid;

use crate::harness::goods;
use crate::sim::rng::Rng;

/// Records in a chunk, as the server makes them.
const CHUNK_ROWS: u32 = 5_000;
/// Buckets of the embedded server.
pub const BUCKETS: u16 = shared::limits::BUCKETS_EMBEDDED;
/// Under which codes are hashed.
pub const INDEX: IndexKey = IndexKey([6; 32]);
const FIRST: [&str; 8] = ["Aisha", "John", "Mei Ling", "Ravi", "Siti", "Daniel", "Nurul", "Wei"];
const LAST: [&str; 8] = ["Chen", "Abdullah", "Tan", "Kumar", "Lim", "Rahman", "Wong", "Ismail"];

/// So many members.
#[derive(Debug)]
pub struct Members {
    /// How many.
    pub count: u32,
    /// Cards as they sort, and whose each is.
    cards: Vec<(CodeHash, u32)>,
    /// In how many programs each of them is.
    programs: u16,
    /// The catalog.
    pub catalog: SealedCatalog,
}

/// A catalog as the server seals it.
fn sealed(catalog: serde_json::Value) -> SealedCatalog {
    let document: Document = serde_json::from_value(catalog).expect("the catalog reads");
    let version = Version::default().next(document).expect("the catalog compiles").0;
    SealedCatalog::new(&SigningKey::from_bytes(&[7; 32]), version.to_bytes())
}

fn id(member: u32, kind: u64) -> Uuid {
    let ms = 1_730_000_000_000 + u64::from(member) * 6_000;
    let bits = Rng::new(u64::from(member) * 4 + kind).key().to_be_bytes();
    let random = bits.first_chunk().expect("16 bytes hold 10");
    uuid::Builder::from_unix_timestamp_millis(ms, random).into_uuid()
}

/// A member's membership.
pub fn membership_id(member: u32) -> MembershipId {
    MembershipId(id(member, 1))
}

/// A member's card.
pub fn card_code(member: u32) -> String {
    goods::numbered(member)
}

fn customer(member: u32) -> Customer {
    let mut rng = Rng::new(u64::from(member) + 1_000_000_007);
    let name = format!("{} {}", FIRST[rng.index(8)], LAST[rng.index(8)]);
    let phone = rng.chance(90).then(|| format!("6012{:07}", rng.below(10_000_000)));
    let email = rng.chance(60).then(|| format!("{}{member}@example.com", FIRST[rng.index(8)]));
    Customer {
        id: CustomerId(id(member, 0)),
        external_id: Some((10_000_000 + member).to_string()),
        display_name: name,
        kind: CustomerKind::Individual,
        since: Day(19_000),
        birth: Some((u8::try_from(rng.between(1, 12)).unwrap_or(1), 14)),
        phone_masked: phone.as_deref().map(shared::member::mask_phone),
        email_masked: email.as_deref().map(shared::member::mask_email),
        phone: phone.map(|phone| INDEX.hash(CodeKind::Phone, &phone)),
        email: email.map(|email| INDEX.hash(CodeKind::Email, &email)),
        identity: None,
        erased: false,
        opt_outs: Vec::new(),
        merged_into: None,
    }
}

/// What goes into a member's ids beside their kind, in each program.
fn kind(program: u16) -> u64 {
    1_000 * u64::from(program - 1)
}

fn membership(member: u32, program: u16) -> Membership {
    Membership {
        id: MembershipId(id(member, 1 + kind(program))),
        customer: CustomerId(id(member, 0)),
        program: ProgramId(program),
        number: format!("LOY-{}", 1_000_000 + member),
        set: AccountSetId(id(member, 2 + kind(program))),
        kind: MembershipKind::Standard,
        status: MembershipStatus::Active,
        level: Code::new("member").expect("a code"),
        enrolled_on: Day(20_000),
        expires_on: None,
        labels: Vec::new(),
        pool: None,
        attributes: Vec::new(),
        moved_to: None,
        tiers: Vec::new(),
        held: Vec::new(),
        vouchers: Vec::new(),
    }
}

/// An account that earned at one or two outlets and redeemed some.
fn account(member: u32, program: u16) -> (AccountId, Base) {
    let mut rng = Rng::new(u64::from(member) + 2_000_000_011 + kind(program));
    let mut lots = Lots::default();
    let mut earned = Points::ZERO;
    for outlet in 1..=rng.between(1, 2) {
        let points = Points(i64::try_from(rng.between(100, 20_000)).unwrap_or(100));
        lots.credit(LotTerms::plain(Some(OutletId(u32::try_from(outlet).unwrap_or(1)))), points);
        earned = earned.plus(points);
    }
    lots.spent = Points(i64::try_from(rng.below(100)).unwrap_or(0));
    let base = Base { lifetime_redeemed: lots.spent, lifetime_earned: earned, lots, ..Base::default() };
    (AccountId { set: AccountSetId(id(member, 2 + kind(program))), currency: CurrencyId(program) }, base)
}

impl Members {
    /// So many, each in one program with one rule.
    pub fn new(count: u32) -> Self {
        Self::of(count, 1, goods::catalog())
    }

    /// So many, each in so many programs of a catalog, whose n-th program has the n-th currency.
    pub fn of(count: u32, programs: u16, catalog: serde_json::Value) -> Self {
        let mut cards: Vec<(CodeHash, u32)> =
            (0..count).map(|member| (INDEX.hash(CodeKind::Scan, &card_code(member)), member)).collect();
        cards.sort_unstable();
        Self { count, cards, programs, catalog: sealed(catalog) }
    }

    fn pages(&self) -> u32 {
        self.count.div_ceil(CHUNK_ROWS)
    }

    /// All chunks' numbers.
    pub fn chunks(&self) -> std::ops::Range<u32> {
        0..4 * self.pages()
    }

    /// A chunk's bytes.
    pub fn chunk(&self, number: u32) -> Vec<u8> {
        let (kind, page) = (number / self.pages(), number % self.pages());
        let rows = page * CHUNK_ROWS..self.count.min((page + 1) * CHUNK_ROWS);
        let chunk = match kind {
            0 => Chunk::Customers(rows.map(customer).collect()),
            1 => {
                let all = rows
                    .flat_map(|member| (1..=self.programs).map(move |program| membership(member, program)));
                let mut all: Vec<Membership> = all.collect();
                all.sort_by_key(|membership| membership.id);
                Chunk::Memberships(all)
            }
            2 => Chunk::Cards(rows.map(|place| self.card(place)).collect()),
            _ => {
                let all =
                    rows.flat_map(|member| (1..=self.programs).map(move |program| account(member, program)));
                let mut all: Vec<(AccountId, Base)> = all.collect();
                all.sort_by_key(|(account, _)| *account);
                Chunk::Accounts(all)
            }
        };
        postcard::to_allocvec(&chunk).expect("a chunk encodes")
    }

    fn card(&self, place: u32) -> Card {
        let (code, member) = self.cards[usize::try_from(place).expect("a place in the list")];
        let text = card_code(member);
        let tail = text[text.len() - 4..].to_owned();
        Card { code, tail, membership: membership_id(member), status: CardStatus::Active }
    }

    /// The outline of a snapshot of these chunks.
    pub fn outline(&self, chunks: Vec<Hash>, now: Millis) -> Snapshot {
        let buckets = vec![1; usize::from(BUCKETS)];
        let mut outline = Snapshot {
            id: 1,
            cursor: Cursor { incarnation: 9, epoch: 1, buckets, directory: u64::from(self.count) },
            chunks,
            members: u64::from(self.count),
            catalog: self.catalog.clone(),
            operators: Vec::new(),
            forks: Vec::new(),
            marks: Vec::new(),
            now,
            signature: Vec::new(),
        };
        outline.signature = wire::sign(&SigningKey::from_bytes(&[7; 32]), &outline.signed_bytes());
        outline
    }
}
