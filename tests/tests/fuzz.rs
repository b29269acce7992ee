//! Every decoder against mutated bytes: what was valid is cut, flipped, doubled and spliced, and what comes of it is an
//! error or a value that can be written and read again as itself; never a panic, never an endless loop.
//!
//! Bounded and seeded, so that it is an ordinary test: `FUZZ_ROUNDS` runs that many a target, `FUZZ_SEED` begins
//! elsewhere; a failure tells the round and the bytes. The frames of a till's journal have theirs beside them, in `edge`.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ed25519_dalek::SigningKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::account::{AccountId, Base};
use shared::catalog::Catalog;
use shared::entry::Entry;
use shared::entry::envelope::Envelope;
use shared::ids::{AccountSetId, BucketId, CurrencyId, Dot, Hash, NodeId, Seq};
use shared::points::Points;
use shared::time::Millis;
use shared::wire::sealed::{GivenCatalog, SealedCatalog};
use shared::wire::signed::SignedPull;
use shared::wire::snapshot::{Chunk, SnapshotReply, SnapshotRequest};
use shared::wire::token::{check_token, token, token_node};
use shared::wire::{
    self, Authorize, Authorized, BucketDelta, DirectoryDelta, EnrolRequest, ForkAlias, MarkBrief, Pull,
    PullPage, Pulled, Push, PushReply, Pushed,
};
use shared::{api, chain};
use sync_server::app::catalog::read_document;
use sync_server::app::console::Console;
use sync_server::app::{App, import};
use system_tests::harness::goods;
use system_tests::harness::scratch::Scratch;
use system_tests::sim::rng::Rng;

/// Rounds of each target.
const ROUNDS: u64 = 20_000;
/// Rounds of each target in the long form.
const LONG: u64 = 2_000_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn rounds() -> u64 {
    let usual = if std::env::var_os("TILLKEEP_FULL").is_some() { LONG } else { ROUNDS };
    number("FUZZ_ROUNDS").unwrap_or(usual)
}

/// One of the inputs with a few things done to it.
fn mutated(inputs: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    const TELLING: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'{', b','];
    let mut bytes = inputs[rng.index(inputs.len())].clone();
    for _ in 0..=rng.below(3) {
        if bytes.is_empty() {
            bytes.push(TELLING[rng.index(TELLING.len())]);
        }
        let (at, to) = (rng.index(bytes.len()), rng.index(bytes.len()));
        let (from, to) = (at.min(to), at.max(to));
        match rng.below(7) {
            0 => bytes[at] ^= 1 << rng.below(8),
            1 => bytes[at] = TELLING[rng.index(TELLING.len())],
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(from..to)),
            4 => {
                let again = bytes[from..to].to_vec();
                bytes.splice(at..at, again);
            }
            5 => bytes.insert(at, TELLING[rng.index(TELLING.len())]),
            _ => {
                let other = &inputs[rng.index(inputs.len())];
                let cut = rng.index(other.len().max(1));
                bytes.truncate(at);
                bytes.extend(other.get(cut..).unwrap_or(&[]));
            }
        }
    }
    bytes
}

/// Runs a target over mutated inputs. `read` answers whether it took the bytes; every input itself must be taken, and of
/// what comes of them some is and some is not, or the target tests nothing.
#[track_caller]
fn fuzz(name: &str, inputs: &[Vec<u8>], rounds: u64, mut read: impl FnMut(&[u8]) -> bool) {
    for input in inputs {
        assert!(read(input), "{name}: an input that should be good is not: {input:02x?}");
    }
    let (mut taken, mut refused) = (0_u64, 0_u64);
    let mut rng = Rng::new(number("FUZZ_SEED").unwrap_or(1));
    for round in 0..rounds {
        let bytes = mutated(inputs, &mut rng);
        let read = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
        let read = read.unwrap_or_else(|_| panic!("{name}, round {round}: {bytes:02x?}"));
        *(if read { &mut taken } else { &mut refused }) += 1;
    }
    assert!(taken > 0 && refused > 0, "{name}: {taken} were taken, {refused} refused");
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16).expect("hex");
    digits.as_bytes().chunks(2).map(pair).collect()
}

/// Entries as they are stored.
fn entries() -> Vec<Vec<u8>> {
    let texts = [
        include_str!("../fixtures/entry-v1-earn.hex"),
        include_str!("../fixtures/entry-v1-sale.hex"),
        include_str!("../fixtures/entry-v1-refund.hex"),
        include_str!("../fixtures/entry-v1-cut.hex"),
    ];
    texts.into_iter().map(unhex).collect()
}

#[test]
fn entries_and_their_envelopes() {
    fuzz("envelope", &entries(), rounds(), |bytes| Envelope::read(bytes).is_ok());
    fuzz("entry", &entries(), rounds(), |bytes| {
        let Ok(entry) = Entry::from_stored(bytes) else { return false };
        let again = entry.to_stored().expect("what was read can be stored");
        assert_eq!(Entry::from_stored(&again).as_ref(), Ok(&entry));
        true
    });
    let side = Entry::side(&[(uuid(1), shared::member::CustomerKey([7; 32]))]);
    fuzz("keys beside an entry", &[side], rounds(), |bytes| Entry::read_side(bytes).is_some());
}

fn uuid(number: u128) -> shared::ids::CustomerId {
    shared::ids::CustomerId(uuid::Uuid::from_u128(number))
}

/// A message of the wire: what decodes says the same again when it is encoded and decoded.
fn message<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, inputs: &[T]) {
    let inputs: Vec<Vec<u8>> = inputs.iter().map(wire::encode).collect();
    fuzz(name, &inputs, rounds(), |bytes| {
        let Ok(message) = wire::decode::<T>(bytes) else { return false };
        assert_eq!(wire::decode::<T>(&wire::encode(&message)).as_ref(), Ok(&message));
        true
    });
}

fn page(asked: &Pull) -> Pulled {
    let account = account();
    Pulled::Page(Box::new(PullPage {
        number: asked.number,
        cursor: asked.cursor.clone(),
        forks: vec![ForkAlias { origin: NodeId(2), seq: Seq(3), hash: Hash([4; 32]), node: NodeId(5) }],
        operators: None,
        till_name: None,
        buckets: vec![BucketDelta {
            bucket: BucketId(1),
            from: 2,
            to: 9,
            marks: vec![(NodeId(2), MarkBrief { head: chain::Head::default(), parked: vec![Seq(3)] })],
            accounts: vec![(account, Base { suspense: Points(7), ..Base::default() })],
        }],
        directory: DirectoryDelta {
            from: 1,
            to: 4,
            customers_gone: vec![uuid(8)],
            ..DirectoryDelta::default()
        },
        catalog: Some(SealedCatalog::new(&SigningKey::from_bytes(&[7; 32]), vec![1, 2, 3])),
        numbers: Vec::new(),
        budgets: Vec::new(),
        parked: vec![(Dot::new(NodeId(2), Seq(3)), "its catalog is not known".into())],
        catalogs_wanted: Vec::new(),
        decisions: Vec::new(),
        more: true,
        now: Millis(1_900_000_000_000),
    }))
}

fn account() -> AccountId {
    AccountId { set: AccountSetId(uuid::Uuid::from_u128(5)), currency: CurrencyId(1) }
}

#[test]
fn messages_between_till_and_server() {
    let push: Push = wire::decode(&unhex(include_str!("../fixtures/push-v1.hex"))).expect("the fixture");
    message("push", &[push]);
    let asked: Pull = wire::decode(&unhex(include_str!("../fixtures/pull-v1.hex"))).expect("the fixture");
    let key = SigningKey::from_bytes(&[7; 32]);
    message("signed answer to a pull", &[SignedPull::new(&key, &asked, &page(&asked))]);
    message("answer to a pull", &[page(&asked), Pulled::Bootstrap, Pulled::Revoked]);
    message("pull", &[asked]);
    message(
        "answer to a push",
        &[PushReply::Taken { head: chain::Head::default() }, PushReply::Broken]
            .map(|reply| Pushed { reply, now: Millis(1) }),
    );
    message(
        "enrolment",
        &[EnrolRequest {
            code: "ABCD-2345".into(),
            key: [3; 32],
            renews: Some(NodeId(2)),
            version: "1".into(),
        }],
    );
    message(
        "asking for points",
        &[Authorize {
            node: NodeId(3),
            intent: Seq(5),
            key: 7,
            account: account(),
            points: Points(9),
            wait_ms: 300,
        }],
    );
    message(
        "the word on points",
        &[
            Authorized::Refused { available: Points(3), overdrawn: true, elsewhere: Points(4) },
            Authorized::Unknown,
        ],
    );
    let catalog = SealedCatalog::new(&key, b"{}".to_vec());
    message("a catalog that is given back", &[GivenCatalog { node: NodeId(3), catalog }]);
    message("asking for a snapshot", &[SnapshotRequest { node: NodeId(3), chunk: Some((5, 1)) }]);
    message("a snapshot's chunk", &[SnapshotReply::Chunk(vec![1, 2, 3])]);
}

#[test]
fn chunks_of_a_snapshot() {
    let base = Base { suspense: Points(7), lifetime_earned: Points(90), ..Base::default() };
    let chunks = [Chunk::Accounts(vec![(account(), base)]), Chunk::Customers(Vec::new())];
    let inputs = chunks.map(|chunk| postcard::to_allocvec(&chunk).expect("a chunk is encoded"));
    fuzz("chunk", &inputs, rounds(), |bytes| postcard::take_from_bytes::<Chunk>(bytes).is_ok());
}

#[test]
fn tokens_of_nodes() {
    let key = SigningKey::from_bytes(&[9; 32]);
    let (public, now) = (key.verifying_key().to_bytes(), Millis(1_900_000_000_000));
    let good = token(NodeId(3), &key, b"body", now);
    fuzz("token", &[good.clone().into_bytes()], rounds(), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let checked = check_token(&text, &public, b"body", now);
        assert!(checked.is_err() || text == good, "a changed token passes: {text}");
        token_node(&text).is_ok()
    });
}

/// A body of the API in JSON.
fn body<T: DeserializeOwned>(name: &str, inputs: &[serde_json::Value]) {
    let inputs: Vec<Vec<u8>> = inputs.iter().map(|input| input.to_string().into_bytes()).collect();
    fuzz(name, &inputs, rounds(), |bytes| serde_json::from_slice::<T>(bytes).is_ok());
}

#[test]
fn bodies_of_the_api() {
    let line =
        serde_json::json!({"sku": "8801", "category": "grocery", "quantity": "2", "unit_price": "10.00"});
    body::<api::transaction::SaleRequest>(
        "sale",
        &[serde_json::json!({
            "receipt": "R-1001", "card": "6009410000012345", "currency": "MYR", "lines": [line],
            "redeem": [{"currency": "PTS", "points": "500"}], "occurred_at": "2026-11-21T14:03:00Z",
        })],
    );
    body::<api::transaction::RefundRequest>(
        "refund",
        &[serde_json::json!({"receipt": "R-2", "lines": [{"line": 0, "quantity": "1"}], "reason": "torn"})],
    );
    body::<api::member::EnrolRequest>("enrolment", &[goods_enrolment()]);
    body::<api::office::NewToken>(
        "token",
        &[serde_json::json!({"name": "n", "role": "pos", "outlet": "kl"})],
    );
}

fn goods_enrolment() -> serde_json::Value {
    system_tests::harness::office::enrolment("Ali", Some("6009410000012345"))
}

#[test]
fn catalog_documents() {
    let first = Catalog::empty().version;
    let json = goods::catalog().to_string();
    fuzz("catalog in JSON", &[json.clone().into_bytes()], rounds() / 4, |bytes| {
        let read = std::str::from_utf8(bytes).map_err(|error| error.to_string());
        let document = read.and_then(|text| read_document("catalog.json", text));
        // one that reads may still not hold: then the compiler says so
        document.is_ok_and(|document| first.next(document).is_ok())
    });
    let document = read_document("catalog.json", &json).expect("the document reads");
    let (version, _) = first.next(document).expect("the document holds");
    fuzz("a stored catalog", &[version.to_bytes()], rounds() / 4, |bytes| Catalog::from_bytes(bytes).is_ok());
}

/// Says nothing.
struct Silent;

impl Console for Silent {
    fn out(&mut self, _: &str) {}
    fn err(&mut self, _: &str) {}
    fn progress(&mut self, _: u64, _: u64) {}
}

#[test]
fn members_in_csv() {
    let scratch = Scratch::new("fuzz");
    let app = App::open(scratch.path()).expect("a server's store");
    let header =
        "external_id,name,phone,email,birth_date,program,member_number,card,currency,balance,enrolled_on\n";
    let row = "7,Ali,+60123456789,ali@example.com,1990-02-03,standard-rewards,,6009410000012345,PTS,50,2024-01-01\n";
    // with no catalog every row is bad: what is tried is the reading, which must come to an end with each file
    fuzz("members", &[format!("{header}{row}{row}").into_bytes()], rounds() / 10, |bytes| {
        import::members(&app, &mut &bytes[..], bytes.len() as u64, &mut Silent).is_ok()
    });
    app.close();
}
