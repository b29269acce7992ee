//! The server's calls, typed: encoded, compressed, signed; answers checked to be our server's.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::api::problem::Problem;
use shared::ids::NodeId;
use shared::limits;
use shared::time::Millis;
use shared::wire::relay::{Relay, Relayed};
use shared::wire::sealed::{CatalogTaken, GivenCatalog};
use shared::wire::signed::SignedPull;
use shared::wire::snapshot::{SnapshotReply, SnapshotRequest};
use shared::wire::token::token;
use shared::wire::told::{ToldReply, ToldRequest};
use shared::wire::{
    Authorize, Authorized, EnrolRequest, Enrolled, MEDIA_TYPE, Pull, Pulled, Push, Pushed, ReceiptReply,
    ReceiptRequest, decode, encode,
};

use super::transport::{Reply, Request, Transport};
use crate::app::link::Link;
use crate::clock::Clock;

/// An answer takes no longer to begin, beside what was asked to wait.
const PATIENCE: Duration = Duration::from_secs(5);
/// Beside that, for a snapshot that the server may have to make first.
const SNAPSHOT: Duration = Duration::from_secs(30);
/// So often a server that lets a till wait is asked whether it is still there.
pub(super) const PROBE_EVERY: Duration = Duration::from_secs(5);
/// The first bytes of everything that zstd compressed (RFC 8878).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// zstd's own default level: bodies are small, and tills slow.
const ZSTD_LEVEL: i32 = 3;

/// Who signs.
#[derive(Clone)]
pub struct Signer {
    /// The node.
    pub node: NodeId,
    /// Its key.
    pub key: SigningKey,
}

impl Signer {
    /// A node with its secret key.
    pub fn of(node: NodeId, secret: &[u8; 32]) -> Self {
        Self { node, key: SigningKey::from_bytes(secret) }
    }
}

/// The server, as this till speaks to it.
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
    clock: Clock,
    link: Link,
}

impl Client {
    /// A client over a transport; what it learns of the line and the time goes into `link` and `clock`.
    pub fn new(transport: Arc<dyn Transport>, clock: Clock, link: Link) -> Self {
        Self { transport, clock, link }
    }

    /// Enrols, or (signed by the earlier node) renews.
    pub async fn enrol(&self, asked: &EnrolRequest, signer: Option<&Signer>) -> Result<Enrolled, String> {
        self.call("enrol", signer, asked, Duration::ZERO).await
    }

    /// Sends entries.
    pub async fn push(&self, signer: &Signer, push: &Push) -> Result<Pushed, String> {
        let sent = self.clock.source();
        let pushed: Pushed = self.call("push", Some(signer), push, Duration::ZERO).await?;
        self.clock.learn(pushed.now, sent, self.clock.source());
        Ok(pushed)
    }

    /// Asks for what changed; the answer must be signed by the server whose key is given.
    pub async fn pull(&self, signer: &Signer, pull: &Pull, server: &[u8; 32]) -> Result<Pulled, String> {
        let sent = self.clock.source();
        let wait = Duration::from_millis(u64::from(pull.wait_ms));
        let signed: SignedPull = self.call("pull", Some(signer), pull, wait).await?;
        let pulled = signed.read(server, pull).map_err(|error| error.to_string())?;
        if let Pulled::Page(page) = &pulled {
            self.clock.learn(page.now, sent, self.clock.source());
        }
        Ok(pulled)
    }

    /// Asks for a snapshot's outline or a chunk.
    pub async fn snapshot(&self, signer: &Signer, asked: &SnapshotRequest) -> Result<SnapshotReply, String> {
        self.call("snapshot", Some(signer), asked, SNAPSHOT).await
    }

    /// Asks for points.
    pub async fn authorize(&self, signer: &Signer, asked: &Authorize) -> Result<Authorized, String> {
        self.call("authorize", Some(signer), asked, Duration::ZERO).await
    }

    /// Asks for a sale.
    pub async fn receipt(&self, signer: &Signer, asked: &ReceiptRequest) -> Result<ReceiptReply, String> {
        self.call("receipt", Some(signer), asked, Duration::ZERO).await
    }

    /// Gives a catalog back that the server asked for.
    pub async fn give_catalog(&self, signer: &Signer, given: &GivenCatalog) -> Result<CatalogTaken, String> {
        self.call("catalog", Some(signer), given, Duration::ZERO).await
    }

    /// Asks what became of transactions.
    pub async fn told(&self, signer: &Signer, asked: &ToldRequest) -> Result<ToldReply, String> {
        self.call("told", Some(signer), asked, Duration::ZERO).await
    }

    /// Hands a request of a POS on.
    pub async fn relay(&self, signer: &Signer, asked: &Relay) -> Result<Relayed, String> {
        self.call("relay", Some(signer), asked, Duration::ZERO).await
    }

    /// Waits until the server, which was asked to wait before it answers, is not there any more; answers why.
    pub async fn until_silent(&self, every: Duration) -> String {
        loop {
            tokio::time::sleep(every).await;
            if let Err(why) = self.transport.probe().await {
                return format!("the server is silent: {why}");
            }
        }
    }

    /// One call. A `401` tells the server's time; with that it is tried once more.
    async fn call<T: DeserializeOwned>(
        &self,
        call: &'static str,
        signer: Option<&Signer>,
        message: &impl Serialize,
        wait: Duration,
    ) -> Result<T, String> {
        let message = encode(message);
        let mut reply = self.send(call, signer, &message, wait).await?;
        if reply.status == 401 && self.learn_from(&reply) {
            reply = self.send(call, signer, &message, wait).await?;
        }
        let answer = read(&reply)?;
        self.link.answered(self.clock.now());
        Ok(answer)
    }

    async fn send(
        &self,
        call: &'static str,
        signer: Option<&Signer>,
        message: &[u8],
        wait: Duration,
    ) -> Result<Reply, String> {
        let now = self.clock.now();
        let body = zstd::encode_all(message, ZSTD_LEVEL).map_err(|error| error.to_string())?;
        let request = Request {
            call,
            token: signer.map(|signer| token(signer.node, &signer.key, &body, now)),
            body,
            patience: PATIENCE + wait,
        };
        tokio::select! {
            reply = self.transport.send(request) => reply,
            () = self.link.until_cut() => Err("the line is cut on purpose".to_owned()),
        }
    }

    /// Whether a refusal told a time by which the request may pass.
    fn learn_from(&self, reply: &Reply) -> bool {
        let problem = serde_json::from_slice::<Problem>(&reply.body).ok();
        let told = problem.and_then(|problem| problem.server_time);
        let Some(server) = told.and_then(|text| Millis::parse(&text).ok()) else { return false };
        let (here, before) = (self.clock.source(), self.clock.offset_ms());
        self.clock.learn(server, here, here);
        before != self.clock.offset_ms()
    }
}

fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, String> {
    if reply.status != 200 {
        let problem = serde_json::from_slice::<Problem>(&reply.body).ok();
        let detail = problem.map(|problem| format!(": {} ({})", problem.detail, problem.code));
        return Err(format!("the server answered {}{}", reply.status, detail.unwrap_or_default()));
    }
    if !reply.media.starts_with(MEDIA_TYPE) {
        return Err("what answered is not our server".to_owned());
    }
    let bytes = if reply.body.starts_with(&ZSTD_MAGIC) { unpack(&reply.body)? } else { reply.body.clone() };
    decode(&bytes).map_err(|error| error.to_string())
}

/// Decompresses, and stops at the most that a message may have.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let reader = zstd::Decoder::new(packed).map_err(|error| error.to_string())?;
    let limit = u64::try_from(limits::SYNC_BODY_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;
    use crate::app::ladder::Answer;
    use crate::sync::transport::Http;

    struct Fixed(Reply);

    impl Transport for Fixed {
        fn send(&self, _: Request) -> Answer<'_, Result<Reply, String>> {
            let reply = self.0.clone();
            Box::pin(async move { Ok(reply) })
        }
    }

    fn client(reply: Reply) -> Client {
        Client::new(Arc::new(Fixed(reply)), Clock::manual(Millis(0)), Link::default())
    }

    #[tokio::test]
    async fn only_an_answer_in_our_servers_own_form_is_a_line() {
        let asked = EnrolRequest { code: "c".into(), key: [0; 32], renews: None, version: "1".into() };
        for (status, media, body) in
            [(200, "text/html", &b"<html>"[..]), (200, MEDIA_TYPE, b"\x01nonsense"), (502, "text/plain", b"")]
        {
            let client = client(Reply { status, media: media.into(), body: body.to_vec() });
            assert!(client.enrol(&asked, None).await.is_err());
            assert!(!client.link.line().online);
        }
    }

    /// A server that takes everything in and says nothing, but so often that it is there.
    struct Hanging(std::sync::atomic::AtomicU32);

    impl Transport for Hanging {
        fn send(&self, _: Request) -> Answer<'_, Result<Reply, String>> {
            Box::pin(std::future::pending())
        }

        fn probe(&self) -> Answer<'_, Result<(), String>> {
            let left = self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
            Box::pin(async move { left.map(drop).map_err(|_| "no answer".to_owned()) })
        }
    }

    #[tokio::test]
    async fn a_server_that_hangs_while_a_till_waits_on_it_is_known_to() {
        let hanging = Arc::new(Hanging(2.into()));
        let client = Client::new(Arc::clone(&hanging) as _, Clock::manual(Millis(0)), Link::default());
        let why = client.until_silent(Duration::from_millis(1)).await;
        assert_eq!((why.as_str(), hanging.0.load(Relaxed)), ("the server is silent: no answer", 0));
    }

    #[tokio::test]
    async fn a_call_waits_for_the_beginning_of_an_answer_no_longer_than_it_was_told_to() {
        let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Http::new(&format!("http://{}", deaf.local_addr().unwrap())).unwrap();
        let request =
            Request { call: "push", token: None, body: Vec::new(), patience: Duration::from_millis(20) };
        let error = line.send(request).await.unwrap_err();
        assert!(error.starts_with("the server has not answered"), "{error}");
    }

    #[tokio::test]
    async fn a_refused_token_teaches_the_time() {
        let problem = Problem {
            server_time: Some("2026-11-21T14:00:00Z".into()),
            ..Problem::unauthorized("The token is out of time.")
        };
        let body = serde_json::to_vec(&problem).unwrap();
        let client = client(Reply { status: 401, media: "application/problem+json".into(), body });
        let asked = EnrolRequest { code: "c".into(), key: [0; 32], renews: None, version: "1".into() };
        assert!(client.enrol(&asked, None).await.is_err());
        assert_eq!(client.clock.now().rfc3339(), "2026-11-21T14:00:00Z");
    }
}
