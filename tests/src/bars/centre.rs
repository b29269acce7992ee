//! The embedded server: entries a second in batches of 1,000, from a push to its commit.

pub mod authorising;
pub mod settling;

use std::fmt::Write as _;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Instant;

use ed25519_dalek::SigningKey;
use edge::app::link::Link;
use edge::clock::Clock;
use edge::sync::client::{Client, Signer};
use edge::sync::transport::Http;
use shared::account::{AccountId, LotTerms};
use shared::books::NodeRow;
use shared::catalog::CatalogHash;
use shared::catalog::document::Document;
use shared::chain::Head;
use shared::entry::{Actor, Column, Entry, EntryKind, Idem, Move, Posting, Totals, Why};
use shared::ids::{CurrencyId, Dot, NodeId, OutletId, TillId};
use shared::member::Membership;
use shared::points::Points;
use shared::time::{Day, Hlc, Millis};
use shared::wire::{self, Health, Push, PushReply, PushedEntry};
use sync_server::app::console::Console;
use sync_server::app::{App, Who, catalog, import, sync};
use tokio::runtime::{Builder, Runtime};

use super::Options;
use super::measure::{Rounds, brief, number, processor_time, timed};
use super::memory;
use super::table::Table;
use crate::harness::goods;
use crate::harness::scratch::Scratch;
use crate::sim::rng::Rng;

/// Entries in a push.
const BATCH: u32 = 1_000;
/// Pushes in a round, from a till each.
const PUSHES: u32 = 8;

struct Silent;

impl Console for Silent {
    fn out(&mut self, _: &str) {}
    fn err(&mut self, line: &str) {
        panic!("{line}");
    }
    fn progress(&mut self, _: u64, _: u64) {}
}

/// A till, as the server knows it, and its journal's end.
struct Pusher {
    node: NodeId,
    key: SigningKey,
    head: Head,
    totals: Totals,
}

struct Centre {
    app: Arc<App>,
    runtime: Runtime,
    catalog: CatalogHash,
    members: Vec<Membership>,
    at: u64,
    rng: Rng,
}

/// Opens a server, imports members, and has tills push earns.
pub fn measure(options: &Options, table: &mut Table<'_>) {
    let folder = Scratch::new("centre");
    let dir = folder.path().join("data");
    std::fs::create_dir_all(&dir).expect("a folder");
    memory::server(&dir, "empty", table);
    let (took, mut centre) = timed(|| Centre::open(&dir, options.centre_members));
    table.note(&format!("a server with {} members, imported in {}", centre.members.len(), brief(took)));
    let mut pushers: Vec<Pusher> = (0..PUSHES).map(|till| centre.enrol(till)).collect();
    centre.rounds(options, &mut pushers, None, table);
    let (_, line) = centre.serve();
    centre.rounds(options, &mut pushers, Some(&line), table);
    let parked = centre.app.read().and_then(|books| Ok(books.parked_list(None, 1)?)).expect("the parked");
    assert!(parked.is_empty(), "the bench measures posting, not parking: {parked:?}");
    let size = std::fs::metadata(dir.join("server.redb")).map_or(0, |data| data.len());
    table.note(&format!("its file: {}", super::measure::mebibytes(size)));
    centre.app.close();
    memory::server(&dir, &format!("{} members", options.centre_members), table);
}

impl Centre {
    fn open(dir: &std::path::Path, members: u32) -> Self {
        let app = App::open(dir).expect("a server's store");
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let document: Document = serde_json::from_value(goods::catalog()).expect("the catalog reads");
        let made = runtime.block_on(catalog::replace(&app, Who::local(), document, None));
        let catalog = made.expect("the catalog is taken").hash;
        let mut csv = String::from("external_id,name,program,card,currency,balance\n");
        for member in 0..members {
            let card = goods::numbered(member);
            writeln!(csv, "{member},Member {member},{},{card},PTS,500", goods::PROGRAM)
                .expect("a string takes all");
        }
        let bytes = csv.len() as u64;
        import::members(&app, &mut Cursor::new(csv), bytes, &mut Silent).expect("members are imported");
        let members = app.read().and_then(|books| Ok(books.memberships(None, usize::MAX)?)).expect("members");
        let at = app.read().map(|_| 1_900_000_000_000).unwrap_or_default();
        Self { app, runtime, catalog, members, at, rng: Rng::new(6) }
    }

    /// Serves on a free port of this machine; its URL, and the way there as a till has it.
    fn serve(&self) -> (String, Client) {
        let _inside = self.runtime.enter();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener for tokio");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let router = sync_server::http::router(Arc::clone(&self.app));
        self.runtime.spawn(async move { axum::serve(listener, router).await });
        let client = Self::client(&url);
        (url, client)
    }

    fn client(url: &str) -> Client {
        let line = Arc::new(Http::new(url).expect("a way to the server"));
        Client::new(line, Clock::machine(), Link::default())
    }

    /// Pushes round by round, one push after the other: in this process, or over a line.
    fn rounds(
        &mut self,
        options: &Options,
        pushers: &mut [Pusher],
        line: Option<&Client>,
        table: &mut Table<'_>,
    ) {
        let (mut rates, mut used) = (Rounds::default(), Rounds::default());
        for _ in 0..options.rounds {
            let pushes: Vec<(Signer, Push)> = pushers
                .iter_mut()
                .map(|pusher| (Signer { node: pusher.node, key: pusher.key.clone() }, self.push(pusher)))
                .collect();
            let (begun, processor) = (Instant::now(), processor_time());
            for (signer, push) in pushes {
                let head = push.head;
                let reply = self.runtime.block_on(async {
                    match line {
                        Some(line) => line.push(&signer, &push).await.expect("the server answers").reply,
                        None => {
                            sync::push(&self.app, push, Millis(self.at)).await.expect("the push is taken")
                        }
                    }
                });
                assert_eq!(reply, PushReply::Taken { head });
            }
            let entries = number(u64::from(BATCH * PUSHES));
            rates.add(entries / begun.elapsed().as_secs_f64());
            used.add(processor_time().saturating_sub(processor).as_secs_f64() * 1e6 / entries);
        }
        let way = if line.is_some() { "over HTTP" } else { "in this process" };
        let told =
            format!("server, embedded, entries/s in batches of 1,000, {way}: take in, post, one commit");
        table.figure(&told, &rates);
        table.figure("the same, processor time per entry, in µs", &used);
    }

    fn enrol(&self, till: u32) -> Pusher {
        let key = SigningKey::from_bytes(&[u8::try_from(till).unwrap_or(0) + 1; 32]);
        let public = key.verifying_key().to_bytes();
        let node = self.app.write_blocking(move |books| {
            let node = books.next_node()?;
            let place = Some((OutletId(1), TillId(till + 1)));
            let row = NodeRow { place, key: public, live: true, ..NodeRow::default() };
            books.put_node(node, row)?;
            Ok(node)
        });
        Pusher { node: node.expect("a node"), key, head: Head::default(), totals: Totals::default() }
    }

    fn push(&mut self, pusher: &mut Pusher) -> Push {
        self.push_of(pusher, Self::earn)
    }

    /// A batch of what is made one by one.
    fn push_of(&mut self, pusher: &mut Pusher, mut make: impl FnMut(&mut Self, &Pusher) -> Entry) -> Push {
        let since = pusher.head;
        let mut entries = Vec::new();
        for _ in 0..BATCH {
            let mut entry = make(self, pusher);
            entry.totals = pusher.totals.with(&entry.postings);
            pusher.totals = entry.totals;
            let stored = entry.to_stored().expect("an entry is stored");
            pusher.head = pusher.head.then(&stored);
            entries.push(PushedEntry { stored, side: Vec::new() });
        }
        let head = pusher.head;
        let signature = wire::sign(&pusher.key, &wire::batch_bytes(pusher.node, head));
        Push { node: pusher.node, since, entries, head, signature, health: Health::default() }
    }

    fn earn(&mut self, pusher: &Pusher) -> Entry {
        self.at += 50;
        let membership = &self.members[self.rng.index(self.members.len())];
        let points = Points(i64::try_from(1 + self.rng.below(300)).unwrap_or(1));
        let posting = Posting {
            account: AccountId { set: membership.set, currency: CurrencyId(1) },
            column: Column::Earned,
            points,
            why: Why { rule: None, text: "survey".into(), lines: Vec::new(), campaign: None },
            lot: Some(LotTerms::plain(Some(OutletId(1)))),
            tallied: None,
        };
        Entry {
            dot: Dot::new(pusher.node, pusher.head.seq.next()),
            at: Hlc::at(Millis(self.at)),
            business_date: Day(21_990),
            pull: 1,
            catalog: self.catalog,
            totals: pusher.totals.with(std::slice::from_ref(&posting)),
            idem: Some(Idem { key: self.rng.key(), body: 1 }),
            actor: Actor::Till { outlet: OutletId(1), till: TillId(1), cashier: Some("c12".into()) },
            kind: EntryKind::Earn(Move {
                membership: membership.id,
                reason: "survey".into(),
                reference: None,
            }),
            postings: vec![posting],
        }
    }
}
