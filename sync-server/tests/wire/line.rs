//! A centre on loopback, and a node that speaks to it in wire messages.

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::api::office::NewToken;
use shared::catalog::CatalogHash;
use shared::chain::Head;
use shared::decide::Draft;
use shared::entry::{Actor, EntryKind, Totals};
use shared::ids::{Dot, NodeId};
use shared::time::Hlc;
use shared::wire::signed::SignedPull;
use shared::wire::snapshot::{SnapshotReply, SnapshotRequest};
use shared::wire::token::token;
use shared::wire::{
    self, Cursor, EnrolRequest, Enrolled, Health, Pull, Pulled, Push, PushReply, Pushed, PushedEntry,
};
use sync_server::app::{Who, tokens};
use sync_server::{Options, Running, Server, clock};

pub(crate) struct Centre {
    running: Option<Running>,
    folder: PathBuf,
    http: reqwest::Client,
    admin: String,
}

impl Centre {
    pub(crate) async fn open(name: &str) -> Self {
        // installed already is as good
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = std::env::temp_dir().join(format!("tillkeep-wire-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut centre = Self { running: None, folder, http, admin: String::new() };
        centre.start().await;
        let asked = NewToken {
            name: "admin".to_owned(),
            role: "admin".to_owned(),
            outlet: None,
            programs: None,
            customer_id: None,
            minutes: None,
        };
        let app = &centre.running.as_ref().unwrap().app;
        centre.admin = tokens::create(app, Who::local(), asked).await.unwrap().token.unwrap();
        let catalog = json!({
            "outlets": [{"code": "kl", "name": "KL", "time_zone": "Asia/Kuala_Lumpur", "currency": "MYR"}],
            "currencies": [{"code": "PTS", "name": "Points"}],
            "programs": [{"code": "club", "name": "Club", "time_zone": "Asia/Kuala_Lumpur",
                "currencies": ["PTS"], "levels": [{"code": "member", "name": "Member", "threshold": "0"}]}],
        });
        centre.send(reqwest::Method::PUT, "/api/catalog", &catalog).await;
        centre
    }

    pub(crate) async fn start(&mut self) {
        let options = Options { settle_every_ms: None, ..Options::local(self.folder.join("data")) };
        self.running = Some(Server::start(options).await.unwrap());
    }

    pub(crate) async fn stop(&mut self) {
        self.running.take().unwrap().stop().await;
    }

    pub(crate) async fn close(mut self) {
        self.stop().await;
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    pub(crate) fn back_up(&self) {
        copy(&self.folder.join("data"), &self.folder.join("backup"));
    }

    pub(crate) fn restore(&self) {
        std::fs::remove_dir_all(self.folder.join("data")).unwrap();
        copy(&self.folder.join("backup"), &self.folder.join("data"));
    }

    fn url(&self) -> &str {
        &self.running.as_ref().unwrap().url
    }

    async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let mut request = self.http.request(method, format!("{}{path}", self.url())).bearer_auth(&self.admin);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        self.send(reqwest::Method::POST, path, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.send(reqwest::Method::GET, path, &Value::Null).await
    }

    pub(crate) async fn new_till(&self) -> String {
        let made = self.post("/api/tills", &json!({"outlet": "kl", "name": "till"})).await;
        made["enrolment_code"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn member(&self, card: &str, points: i64) {
        let body = json!({"customer": {"name": "Somebody New"}, "memberships": [{"program": "club", "card": card,
            "consent": {"text_version": "1", "channel": "pos"}}]});
        let made = self.post("/api/enrolments", &body).await;
        let path = format!("/api/memberships/{}/earn-points", made["memberships"][0]["id"].as_str().unwrap());
        let gift = json!({"currency": "PTS", "points": points.to_string(), "reason": "a gift"});
        self.post(&path, &gift).await;
    }

    pub(crate) async fn enrol(&self, code: &str, seed: u8) -> Result<Enrolled, u16> {
        let key = SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
        let ask = EnrolRequest { code: code.to_owned(), key, renews: None, version: "test".to_owned() };
        self.call("enrol", None, &ask).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        call: &str,
        signer: Option<(NodeId, &SigningKey)>,
        message: &impl Serialize,
    ) -> Result<T, u16> {
        let body = zstd::bulk::compress(&wire::encode(message), 3).unwrap();
        let mut request = self.http.post(format!("{}/sync/v1/{call}", self.url()));
        request = request.header("Content-Type", wire::MEDIA_TYPE);
        if let Some((node, key)) = signer {
            request = request.bearer_auth(token(node, key, &body, clock::now()));
        }
        let answer = request.body(body).send().await.unwrap();
        if !answer.status().is_success() {
            return Err(answer.status().as_u16());
        }
        let bytes = answer.bytes().await.unwrap();
        let plain = zstd::stream::decode_all(&bytes[..]).unwrap();
        Ok(wire::decode(&plain).unwrap())
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

/// A node with its first entry written and not yet told.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) key: SigningKey,
    pub(crate) head: Head,
    pub(crate) entries: Vec<PushedEntry>,
    pub(crate) server_key: [u8; 32],
    catalog: CatalogHash,
    pulls: u64,
}

impl Node {
    pub(crate) async fn enrolled(centre: &Centre, seed: u8) -> Self {
        let code = centre.new_till().await;
        Self::with_code(centre, &code, seed).await
    }

    pub(crate) async fn with_code(centre: &Centre, code: &str, seed: u8) -> Self {
        let enrolled = centre.enrol(code, seed).await.unwrap();
        let said = enrolled.certificate.read(&enrolled.server_key).unwrap();
        let catalog = shared::catalog::Catalog::from_bytes(&enrolled.catalog.stored).unwrap().hash;
        let draft = Draft {
            business_date: clock::now().day(chrono_tz::UTC),
            catalog,
            idem: None,
            actor: Actor::Server,
            kind: EntryKind::Open(enrolled.certificate),
            postings: Vec::new(),
            keys: Vec::new(),
        };
        let dot = Dot::new(said.node, Head::default().seq.next());
        let entry = draft.entry(dot, Hlc::at(clock::now()), 0, Totals::default());
        let stored = entry.to_stored().unwrap();
        Self {
            id: said.node,
            key: SigningKey::from_bytes(&[seed; 32]),
            head: Head::default().then(&stored),
            entries: vec![PushedEntry { stored, side: Vec::new() }],
            server_key: enrolled.server_key,
            catalog,
            pulls: 0,
        }
    }

    pub(crate) async fn push(&mut self, centre: &Centre) -> PushReply {
        let entries = self.entries.clone();
        self.push_after(centre, Head::default(), &entries).await
    }

    pub(crate) async fn push_after(
        &self,
        centre: &Centre,
        since: Head,
        entries: &[PushedEntry],
    ) -> PushReply {
        self.push_with(centre, since, entries, &self.key).await
    }

    pub(crate) async fn push_signed_by(&self, centre: &Centre, other: &SigningKey) -> PushReply {
        self.push_with(centre, Head::default(), &self.entries, other).await
    }

    async fn push_with(
        &self,
        centre: &Centre,
        since: Head,
        entries: &[PushedEntry],
        signer: &SigningKey,
    ) -> PushReply {
        let push = Push {
            node: self.id,
            since,
            entries: entries.to_vec(),
            head: self.head,
            signature: wire::sign(signer, &wire::batch_bytes(self.id, self.head)),
            health: Health::default(),
        };
        let pushed: Pushed = centre.call("push", Some((self.id, &self.key)), &push).await.unwrap();
        pushed.reply
    }

    pub(crate) async fn pull(&mut self, centre: &Centre, cursor: Cursor, wait_ms: u32) -> Pulled {
        self.pulls += 1;
        let pull = Pull {
            node: self.id,
            number: self.pulls,
            cursor,
            head: self.head,
            catalog: self.catalog,
            operators: shared::ids::Hash::default(),
            till_name: "till".to_owned(),
            wait_ms,
            numbers_wanted: Vec::new(),
            budgets: Vec::new(),
            rights_wanted: Vec::new(),
            health: Health::default(),
        };
        let signed: SignedPull = centre.call("pull", Some((self.id, &self.key)), &pull).await.unwrap();
        signed.read(&self.server_key, &pull).unwrap()
    }

    pub(crate) async fn snapshot(&self, centre: &Centre, chunk: Option<(u64, u32)>) -> SnapshotReply {
        let ask = SnapshotRequest { node: self.id, chunk };
        centre.call("snapshot", Some((self.id, &self.key)), &ask).await.unwrap()
    }

    pub(crate) async fn refused(&self, centre: &Centre, call: &str) -> u16 {
        let ask = SnapshotRequest { node: self.id, chunk: None };
        centre.call::<SnapshotReply>(call, Some((self.id, &self.key)), &ask).await.unwrap_err()
    }
}
