//! A head office in memory: it answers a till's messages as a server would, as far as these tests need it, and its line
//! can be cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use edge::app::ladder::Answer;
use edge::store::Identity;
use edge::sync::transport::{Reply, Request, Transport};
use parking_lot::Mutex;
use serde_json::json;
use shared::account::{AccountId, Base, LotTerms};
use shared::catalog::document::Document;
use shared::catalog::{Catalog, Version};
use shared::chain::Head;
use shared::entry::Entry;
use shared::entry::certificate::{Certificate, CertificateBody};
use shared::ids::{AccountSetId, Code, CustomerId, Hash, MembershipId, NodeId, TillId};
use shared::member::MembershipStatus;
use shared::member::{
    Card, CardStatus, CodeKind, Customer, CustomerKind, IndexKey, Membership, MembershipKind,
};
use shared::points::Points;
use shared::time::{Day, Millis};
use shared::wire::sealed::SealedCatalog;
use shared::wire::signed::SignedPull;
use shared::wire::snapshot::{Chunk, Snapshot, SnapshotReply, SnapshotRequest};
use shared::wire::told::ToldReply;
use shared::wire::{
    Authorize, Authorized, Cursor, DirectoryDelta, MEDIA_TYPE, NumberBlock, Pull, PullPage, Pulled, Push,
    PushReply, Pushed, ReceiptReply, decode, encode, sign,
};
use uuid::Uuid;

/// The card of the member that every test has.
pub(crate) const CARD: &str = "6009410000012345";
/// That member's phone.
pub(crate) const PHONE: &str = "+60 12 345 6789";
/// Their balance at the server.
pub(crate) const BALANCE: i64 = 5_430;

const INCARNATION: u64 = 77;

/// What the server does when it is asked for points.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Word {
    /// It answers this.
    Says(Authorized),
    /// It answers this once, and is silent from then on.
    Once(Authorized),
    /// It is silent.
    Nothing,
}

/// The head office; cheap to clone.
#[derive(Clone)]
pub(crate) struct Centre(Arc<Inner>);

struct Inner {
    key: SigningKey,
    catalog: SealedCatalog,
    state: Mutex<State>,
}

struct State {
    cut: bool,
    word: Word,
    asked: Vec<Authorize>,
    heads: BTreeMap<NodeId, Head>,
    entries: Vec<Entry>,
    /// Made since the snapshot.
    cards: Vec<Card>,
}

impl Centre {
    pub(crate) fn new() -> Self {
        let document: Document = serde_json::from_value(document()).unwrap();
        let (version, _) = Version::default().next(document).unwrap();
        let state = State {
            cut: true,
            word: Word::Nothing,
            asked: Vec::new(),
            heads: BTreeMap::new(),
            entries: Vec::new(),
            cards: Vec::new(),
        };
        let key = SigningKey::from_bytes(&[7; 32]);
        let catalog = SealedCatalog::new(&key, version.to_bytes());
        Self(Arc::new(Inner { key, catalog, state: Mutex::new(state) }))
    }

    /// The line is there, or is not.
    pub(crate) fn cut(&self, cut: bool) {
        self.0.state.lock().cut = cut;
    }

    /// What it says when it is asked for points.
    pub(crate) fn say(&self, word: Word) {
        self.0.state.lock().word = word;
    }

    /// Another card of the member, which tills are told of when they next pull.
    pub(crate) fn make_card(&self, code: &str) {
        let card = Card {
            code: index_key().hash(CodeKind::Scan, code),
            tail: String::new(),
            membership: membership_id(),
            status: CardStatus::Active,
        };
        self.0.state.lock().cards.push(card);
    }

    /// What it was asked for.
    pub(crate) fn asked(&self) -> Vec<Authorize> {
        self.0.state.lock().asked.clone()
    }

    /// What it was told.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.state.lock().entries.clone()
    }

    pub(crate) fn catalog(&self) -> Catalog {
        Catalog::from_bytes(&self.0.catalog.stored).unwrap()
    }

    /// A till's identity, as an enrolment would have given it.
    pub(crate) fn identity(&self) -> Identity {
        let secret = [9; 32];
        let outlet = self.catalog().outlet("kl-central").unwrap().id;
        let body = CertificateBody {
            node: NodeId(2),
            key: SigningKey::from_bytes(&secret).verifying_key().to_bytes(),
            outlet,
            till: TillId(1),
            name: "Till 1".into(),
            issued_at: Millis(1),
        };
        Identity {
            node: NodeId(2),
            secret,
            certificate: Certificate::issue(&body, &self.0.key),
            outlet,
            outlet_code: "kl-central".into(),
            till: TillId(1),
            till_name: "Till 1".into(),
            server_url: "http://127.0.0.1:9".into(),
            server_key: self.0.key.verifying_key().to_bytes(),
            incarnation: INCARNATION,
            index_key: index_key(),
            buckets: 4,
            catalog: self.0.catalog.clone(),
            tokens: Vec::new(),
            tries: Vec::new(),
            earlier: Vec::new(),
        }
    }

    fn answer(&self, request: &Request) -> Option<Vec<u8>> {
        let message = zstd::decode_all(&request.body[..]).unwrap();
        match request.call {
            "push" => Some(encode(&self.push(&decode(&message).unwrap()))),
            "pull" => {
                let ask: Pull = decode(&message).unwrap();
                Some(encode(&SignedPull::new(&self.0.key, &ask, &self.pulled(ask.clone()))))
            }
            "snapshot" => Some(encode(&self.snapshot(&decode(&message).unwrap()))),
            "receipt" => Some(encode(&ReceiptReply { sale: None })),
            "told" => Some(encode(&ToldReply { told: Vec::new() })),
            "authorize" => {
                let mut state = self.0.state.lock();
                state.asked.push(decode(&message).unwrap());
                match state.word.clone() {
                    Word::Says(word) => Some(encode(&word)),
                    Word::Once(word) => {
                        state.word = Word::Nothing;
                        Some(encode(&word))
                    }
                    Word::Nothing => None,
                }
            }
            other => panic!("a till never calls {other} here"),
        }
    }

    fn push(&self, push: &Push) -> Pushed {
        let mut state = self.0.state.lock();
        let held = state.heads.get(&push.node).copied().unwrap_or_default();
        let mut head = push.since;
        if head.seq > held.seq {
            return pushed(PushReply::Gap { want: held.seq.next() });
        }
        for entry in &push.entries {
            head = head.then(&entry.stored);
            if head.seq > held.seq {
                state.entries.push(Entry::from_stored(&entry.stored).unwrap());
            }
        }
        let head = if head.seq > held.seq { head } else { held };
        state.heads.insert(push.node, head);
        pushed(PushReply::Taken { head })
    }

    fn pulled(&self, mut pull: Pull) -> Pulled {
        let numbers = pull.numbers_wanted.iter().map(|program| NumberBlock {
            program: *program,
            prefix: "LOY-".into(),
            first: 1_000,
            count: 100,
        });
        // 1 is the snapshot's change number
        let from = pull.cursor.directory;
        let cards: Vec<Card> =
            self.0.state.lock().cards.iter().skip(usize::try_from(from).unwrap() - 1).cloned().collect();
        let to = from + u64::try_from(cards.len()).unwrap();
        pull.cursor.directory = to;
        let directory = DirectoryDelta { from, to, cards, ..DirectoryDelta::default() };
        Pulled::Page(Box::new(PullPage {
            number: pull.number,
            forks: Vec::new(),
            buckets: Vec::new(),
            directory,
            cursor: pull.cursor,
            catalog: None,
            operators: None,
            till_name: None,
            numbers: numbers.collect(),
            budgets: Vec::new(),
            parked: Vec::new(),
            catalogs_wanted: Vec::new(),
            decisions: Vec::new(),
            more: false,
            now: now(),
        }))
    }

    fn snapshot(&self, asked: &SnapshotRequest) -> SnapshotReply {
        let chunks: Vec<Vec<u8>> =
            chunks(&self.catalog()).iter().map(|chunk| postcard::to_allocvec(chunk).unwrap()).collect();
        if let Some((_, place)) = asked.chunk {
            return SnapshotReply::Chunk(chunks[usize::try_from(place).unwrap()].clone());
        }
        let mut outline = Snapshot {
            id: 5,
            cursor: Cursor { incarnation: INCARNATION, epoch: 1, buckets: vec![1; 4], directory: 1 },
            chunks: chunks.iter().map(|chunk| Hash::of(chunk)).collect(),
            members: 1,
            catalog: self.0.catalog.clone(),
            operators: Vec::new(),
            forks: Vec::new(),
            marks: Vec::new(),
            now: now(),
            signature: Vec::new(),
        };
        outline.signature = sign(&self.0.key, &outline.signed_bytes());
        SnapshotReply::Outline(Box::new(outline))
    }
}

impl Transport for Centre {
    fn send(&self, request: Request) -> Answer<'_, Result<Reply, String>> {
        let waits = request.call == "pull" && request.patience.as_secs() > 20;
        let answer = if self.0.state.lock().cut { None } else { self.answer(&request) };
        Box::pin(async move {
            if waits {
                // nothing ever happens at this server by itself
                tokio::time::sleep(request.patience).await;
            }
            match answer {
                Some(body) => Ok(Reply { status: 200, media: MEDIA_TYPE.into(), body }),
                None if request.call == "authorize" => {
                    tokio::time::sleep(request.patience).await;
                    Err("no answer".into())
                }
                None => Err("the line is down".into()),
            }
        })
    }
}

fn pushed(reply: PushReply) -> Pushed {
    Pushed { reply, now: now() }
}

/// The server's clock is the machine's.
fn now() -> Millis {
    edge::clock::Clock::machine().now()
}

pub(crate) fn index_key() -> IndexKey {
    IndexKey([1; 32])
}

/// The account of the one member.
pub(crate) fn account(catalog: &Catalog) -> AccountId {
    AccountId { set: AccountSetId(Uuid::from_u128(3)), currency: catalog.currency("PTS").unwrap().id }
}

pub(crate) fn membership_id() -> MembershipId {
    MembershipId(Uuid::from_u128(2))
}

fn chunks(catalog: &Catalog) -> Vec<Chunk> {
    let key = index_key();
    let customer = Customer {
        id: CustomerId(Uuid::from_u128(1)),
        external_id: Some("10001".into()),
        display_name: "John Chen".into(),
        kind: CustomerKind::Individual,
        since: Day::parse("2022-01-15").unwrap(),
        birth: None,
        phone_masked: Some("…6789".into()),
        email_masked: None,
        phone: Some(key.hash(CodeKind::Phone, PHONE)),
        email: None,
        identity: None,
        erased: false,
        opt_outs: Vec::new(),
        merged_into: None,
    };
    let membership = Membership {
        id: membership_id(),
        customer: customer.id,
        program: catalog.program("standard-rewards").unwrap().id,
        number: "LOY-100234".into(),
        set: account(catalog).set,
        kind: MembershipKind::Standard,
        status: MembershipStatus::Active,
        level: Code::new("member").unwrap(),
        enrolled_on: Day::parse("2022-01-20").unwrap(),
        expires_on: None,
        labels: Vec::new(),
        pool: None,
        attributes: Vec::new(),
        moved_to: None,
        tiers: Vec::new(),
        held: Vec::new(),
        vouchers: Vec::new(),
    };
    let card = Card {
        code: key.hash(CodeKind::Scan, CARD),
        tail: "2345".into(),
        membership: membership.id,
        status: CardStatus::Active,
    };
    let mut base = Base { lifetime_earned: Points(BALANCE), ..Base::default() };
    base.lots.credit(LotTerms::plain(None), Points(BALANCE));
    vec![
        Chunk::Customers(vec![customer]),
        Chunk::Memberships(vec![membership]),
        Chunk::Cards(vec![card]),
        Chunk::Accounts(vec![(account(catalog), base)]),
    ]
}

/// 1 point per whole ringgit paid; a point is worth 0.01; redeem in hundreds; with no line at most 500 at once and 800
/// of one member in a day.
fn document() -> serde_json::Value {
    let outlet = |code: &str| json!({"code": code, "name": code, "time_zone": "Asia/Kuala_Lumpur", "currency": "MYR", "business": null});
    json!({
        "outlets": [outlet("kl-central"), outlet("penang")],
        "currencies": [{
            "code": "PTS", "name": "Points", "kind": "redeemable", "scale": 0,
            "cash_value": {"amount": "0.01", "currency": "MYR"}, "expiry": null
        }],
        "programs": [{
            "code": "standard-rewards", "name": "Standard Rewards", "color": "#0b6e4f",
            "time_zone": "Asia/Kuala_Lumpur", "outlets": "all", "style": "points_accrued",
            "window": {"months": 12}, "currencies": ["PTS"],
            "levels": [
                {"code": "member", "name": "Member", "threshold": "0", "multiplier": "1"},
                {"code": "gold", "name": "Gold", "threshold": "10000", "multiplier": "2"}
            ],
            "redemption": {"minimum": "100", "step": "100", "maximum_share": "1"},
            "offline": {
                "mode": "trust", "per_redemption": "500", "per_member": "800", "per_member_hours": 24,
                "till_points": "20000", "till_count": 200, "balance_age_hours": 72, "balance_share": "1",
                "levels": "all", "deny_labels": []
            },
            "overdraft": {
                "offline": [{"member_debt": "300"}, "program"], "late": [{"member_debt": "300"}, "outlet"],
                "forced": ["outlet"], "review_over": null, "longest_wait_hours": 72
            }
        }],
        "earning_rules": [{
            "code": "base", "program": "standard-rewards", "currency": "PTS", "points": "1",
            "per": {"amount": "1.00", "currency": "MYR"}, "basis": "paid", "rounding": "floor_basket",
            "multiplied": true
        }]
    })
}
