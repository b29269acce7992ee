//! A till that writes a journal of its own and pushes it, with what it once knew of the accounts.

use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use shared::account::AccountId;
use shared::api::transaction::SaleRequest;
use shared::catalog::Catalog;
use shared::chain::Head;
use shared::decide::idem::idem_key;
use shared::decide::{Command, Draft, Grounds, decide};
use shared::entry::{Actor, Entry, EntryKind, Idem, Redemption, Totals};
use shared::ids::{CodeHash, Dot, MembershipId, NodeId, OutletId, TillId};
use shared::member::{CodeKind, IndexKey};
use shared::request;
use shared::time::{Hlc, Millis};
use shared::view::{AccountView, Facts, MemberView, Place, Scanned};
use shared::wire::{self, EnrolRequest, Push, PushReply, PushedEntry};
use sync_server::app::sync;
use sync_server::clock;

use crate::office::Office;

/// A till.
#[derive(Clone)]
pub(crate) struct Till {
    node: NodeId,
    key: SigningKey,
    outlet: OutletId,
    id: TillId,
    head: Head,
    sent: Head,
    at: Hlc,
    totals: Totals,
    waiting: Vec<PushedEntry>,
}

impl Till {
    /// A till of an outlet, enrolled.
    pub(crate) async fn enrol(office: &Office, outlet: &str, name: &str, seed: u8) -> Self {
        let made = office.post("/api/tills", &json!({"outlet": outlet, "name": name})).await.is(201);
        let key = SigningKey::from_bytes(&[seed; 32]);
        let ask = EnrolRequest {
            code: made["enrolment_code"].as_str().unwrap().to_owned(),
            key: key.verifying_key().to_bytes(),
            renews: None,
            version: "test".to_owned(),
        };
        let enrolled = sync::enrol::by_code(office.app(), ask, clock::now()).await.unwrap();
        let said = enrolled.certificate.read(&enrolled.server_key).unwrap();
        let mut till = Self {
            node: said.node,
            key,
            outlet: said.outlet,
            id: said.till,
            head: Head::default(),
            sent: Head::default(),
            at: Hlc::default(),
            totals: Totals::default(),
            waiting: Vec::new(),
        };
        let catalog = office.app().catalog().unwrap();
        let draft = Draft {
            business_date: clock::now().day(chrono_tz::UTC),
            catalog: catalog.hash,
            idem: None,
            actor: Actor::Server,
            kind: EntryKind::Open(enrolled.certificate),
            postings: Vec::new(),
            keys: Vec::new(),
        };
        till.append(draft);
        till
    }

    fn append(&mut self, draft: Draft) -> Dot {
        let dot = Dot::new(self.node, self.head.seq.next());
        self.at = self.at.tick(clock::now());
        let side = Entry::side(&draft.keys);
        let entry = draft.entry(dot, self.at, 0, self.totals);
        self.totals = entry.totals;
        let stored = entry.to_stored().unwrap();
        self.head = self.head.then(&stored);
        self.waiting.push(PushedEntry { stored, side });
        dot
    }

    /// A sale with no line, decided on what the till knew: `known`. Answers its id.
    pub(crate) fn sell(&mut self, known: &Known, body: &Value) -> String {
        self.sell_as(known, body, |_| ())
    }

    /// The same, its redemption written as `change` makes it.
    pub(crate) fn sell_as(
        &mut self,
        known: &Known,
        body: &Value,
        change: impl FnOnce(&mut Redemption),
    ) -> String {
        let body: SaleRequest = serde_json::from_value(body.clone()).unwrap();
        let asked = request::sale(&body, &known.catalog, &known.index).unwrap();
        let place = Place { outlet: Some(self.outlet), till: Some(self.id), node: self.node };
        let facts = Facts { place, ..known.facts.clone() };
        let idem = Idem { key: idem_key(self.outlet, &[&body.receipt]), body: 1 };
        let command = Command {
            actor: Actor::Till { outlet: self.outlet, till: self.id, cashier: Some("c1".to_owned()) },
            idem: Some(idem),
            business_date: asked.business_date,
            occurred_at: None,
            grounds: Grounds::Offline,
            deed: asked.deed,
        };
        let mut draft = decide(&facts, &known.catalog, &command, clock::now()).unwrap();
        if let EntryKind::Sale(sale) = &mut draft.kind
            && let Some(redemption) = sale.redemptions.first_mut()
        {
            change(redemption);
        }
        self.append(draft).to_string()
    }

    /// Tells the centre all that it has not told.
    pub(crate) async fn push(&mut self, office: &Office) {
        self.push_at(office, clock::now()).await;
    }

    /// The same at some time.
    pub(crate) async fn push_at(&mut self, office: &Office, now: Millis) {
        let reply = self.send(office, now).await;
        assert_eq!(reply, PushReply::Taken { head: self.head });
        self.sent = self.head;
    }

    /// The same where the centre holds another branch already.
    pub(crate) async fn push_forked(&mut self, office: &Office) {
        let reply = self.send(office, clock::now()).await;
        assert!(matches!(reply, PushReply::Forked { head, .. } if head == self.head), "{reply:?}");
    }

    async fn send(&mut self, office: &Office, now: Millis) -> PushReply {
        let push = Push {
            node: self.node,
            since: self.sent,
            entries: std::mem::take(&mut self.waiting),
            head: self.head,
            signature: wire::sign(&self.key, &wire::batch_bytes(self.node, self.head)),
            health: wire::Health::default(),
        };
        sync::push(office.app(), push, now).await.unwrap()
    }
}

/// What a till knew of a card when the line went down.
pub(crate) struct Known {
    facts: Facts,
    catalog: Catalog,
    index: IndexKey,
}

impl Known {
    /// Everything that the centre knows of a card now; nothing where it does not know the card.
    pub(crate) fn of(office: &Office, card: &str) -> Self {
        let app = office.app();
        let books = app.read().unwrap();
        let catalog = Catalog::clone(&app.catalog().unwrap());
        let place = Place { outlet: None, till: None, node: NodeId(0) };
        let code: CodeHash = app.index().hash(CodeKind::Scan, card);
        let mut facts = Facts { scanned: Scanned::Unknown, ..Facts::at(place) };
        if let Some(card) = books.card(code).unwrap() {
            let membership = books.membership(card.value.membership).unwrap().unwrap().value;
            let customer = books.customer(membership.customer).unwrap().unwrap().value;
            for currency in catalog.currencies.keys() {
                let id = AccountId { set: membership.set, currency: *currency };
                let base = books.base_of(id).unwrap().unwrap_or_default();
                facts.accounts.insert(id, AccountView::of(base, clock::now()));
            }
            facts.scanned = Scanned::Card(card.value);
            facts.members.push(MemberView { customer, membership });
        }
        Self { facts, catalog, index: app.index().clone() }
    }

    /// The same under a membership that the centre has not heard of.
    pub(crate) fn of_a_stranger(mut self) -> Self {
        let id = MembershipId(clock::fresh_id());
        self.facts.members[0].membership.id = id;
        if let Scanned::Card(card) = &mut self.facts.scanned {
            card.membership = id;
        }
        self
    }
}

/// Until the clock has moved on, so that what was pushed lies before the watermark.
pub(crate) async fn a_moment() -> Millis {
    let begun = clock::now();
    while clock::now() <= begun {
        tokio::task::yield_now().await;
    }
    clock::now()
}
