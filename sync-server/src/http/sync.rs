//! `/sync/v1`: tills. A body is a zstd frame of a wire message (a bare message is taken too); the token is
//! signed by the node's key over the body as sent.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::api::problem::Problem;
use shared::books::NodeRow;
use shared::ids::NodeId;
use shared::limits;
use shared::wire::relay::Relay;
use shared::wire::sealed::GivenCatalog;
use shared::wire::signed::SignedPull;
use shared::wire::snapshot::{SnapshotReply, SnapshotRequest};
use shared::wire::told::ToldRequest;
use shared::wire::{
    self, Authorize, EnrolRequest, Pull, Pulled, Push, PushReply, Pushed, ReceiptRequest, WireError,
};

use super::error::Failure;
use super::extract::bytes;
use crate::app::sync::{self, SyncError};
use crate::app::{App, AppError};
use crate::clock;

/// Level of compression: fast, for pages are made while a till waits.
const ZSTD_LEVEL: i32 = 3;
/// What a zstd frame begins with.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/sync/v1/enrol", post(enrol))
        .route("/sync/v1/push", post(push))
        .route("/sync/v1/pull", post(pull))
        .route("/sync/v1/snapshot", post(snapshot))
        .route("/sync/v1/authorize", post(authorize))
        .route("/sync/v1/receipt", post(receipt))
        .route("/sync/v1/told", post(told))
        .route("/sync/v1/relay", post(relay))
        .route("/sync/v1/catalog", post(catalog))
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Wire(error) => Self::Wire(error),
            SyncError::App(error) => Self::App(error),
            SyncError::UnknownNode(_) => Self::App(AppError::Unauthorized("This node is not known here.")),
        }
    }
}

/// A request as it came.
struct Incoming {
    token: Option<String>,
    body: axum::body::Bytes,
    plain: Vec<u8>,
}

impl Incoming {
    async fn read(request: Request) -> Result<Self, Failure> {
        let headers = request.headers();
        if headers.get(CONTENT_TYPE).is_none_or(|media| media != wire::MEDIA_TYPE) {
            let detail = format!("A sync body is `{}`.", wire::MEDIA_TYPE);
            return Err(Problem::new(415, "unsupported_media_type", detail).into());
        }
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(super::auth::bearer).map(str::to_owned);
        let body = bytes(request, limits::SYNC_BODY_BYTES).await?;
        let plain = if body.starts_with(&ZSTD_MAGIC) { unpack(&body)? } else { body.to_vec() };
        Ok(Self { token, body, plain })
    }

    fn message<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        Ok(wire::decode(&self.plain)?)
    }

    fn token(&self) -> Result<&str, Failure> {
        Ok(self.token.as_deref().ok_or(WireError::Token("there is none"))?)
    }

    /// The node that signed it, which must be the one that it speaks for.
    fn node(&self, app: &App, says: NodeId) -> Result<NodeRow, Failure> {
        let now = clock::now();
        let token = self.token()?;
        let (node, row) = sync::authenticate(app, token, &self.body, now)?;
        spoken_for((node, row), says)
    }
}

/// The node that signed a request must be the one that it speaks for.
fn spoken_for((node, row): (NodeId, NodeRow), says: NodeId) -> Result<NodeRow, Failure> {
    if node == says { Ok(row) } else { Err(WireError::Token("it is another node's").into()) }
}

/// Unpacks a zstd frame, up to the limit of a body.
fn unpack(body: &[u8]) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let malformed = |error: std::io::Error| WireError::Malformed(error.to_string());
    let most = u64::try_from(limits::SYNC_BODY_BYTES).unwrap_or(u64::MAX);
    let mut plain = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(body).map_err(malformed)?;
    decoder.take(most.saturating_add(1)).read_to_end(&mut plain).map_err(malformed)?;
    if plain.len() > limits::SYNC_BODY_BYTES {
        return Err(Problem::new(413, "payload_too_large", "The body unpacks to too much.").into());
    }
    Ok(plain)
}

fn answer<T: Serialize>(message: &T) -> Result<Response, Failure> {
    let packed = zstd::bulk::compress(&wire::encode(message), ZSTD_LEVEL);
    let packed = packed.map_err(|error| WireError::Malformed(error.to_string()))?;
    Ok(([(CONTENT_TYPE, wire::MEDIA_TYPE)], packed).into_response())
}

async fn enrol(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let incoming = Incoming::read(request).await?;
    let ask: EnrolRequest = incoming.message()?;
    let now = clock::now();
    let enrolled = match ask.renews.filter(|_| ask.code.is_empty()) {
        None => sync::enrol::by_code(&app, ask, now).await?,
        Some(old) => {
            incoming.node(&app, old)?;
            sync::enrol::renewal(&app, ask, old, now).await?
        }
    };
    answer(&enrolled)
}

async fn push(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let incoming = Incoming::read(request).await?;
    let message: Push = incoming.message()?;
    if message.entries.len() > limits::PUSH_ENTRIES {
        return Err(Problem::new(413, "payload_too_large", "A push has at most 1,000 entries.").into());
    }
    let now = clock::now();
    let node = message.node;
    let token = incoming.token()?;
    let known = match sync::authenticate(&app, token, &incoming.body, now) {
        Err(SyncError::UnknownNode(_)) => {
            match sync::certified(&app, &message, token, &incoming.body, now)? {
                Some(said) => sync::recognise(&app, said).await?,
                None => false,
            }
        }
        other => other?.0 == node,
    };
    // a node that is not known is asked to begin at its first entry, which carries its certificate
    let reply = if known {
        sync::push(&app, message, now).await?
    } else {
        PushReply::Gap { want: shared::ids::Seq(1) }
    };
    answer(&Pushed { reply, now: clock::now() })
}

async fn pull(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let incoming = Incoming::read(request).await?;
    let ask: Pull = incoming.message()?;
    let pulled = match sync::authenticate(&app, incoming.token()?, &incoming.body, clock::now()) {
        // a server restored to before this node's enrolment: it is to push its first entry, which certifies it
        Err(SyncError::UnknownNode(_)) => Pulled::Bootstrap,
        found => {
            let row = spoken_for(found?, ask.node)?;
            sync::pull::pull(&app, ask.clone(), row).await?
        }
    };
    answer(&SignedPull::new(app.key(), &ask, &pulled))
}

async fn snapshot(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let incoming = Incoming::read(request).await?;
    let ask: SnapshotRequest = incoming.message()?;
    let row = not_revoked(incoming.node(&app, ask.node)?)?;
    let made = tokio::task::spawn_blocking(move || sync::snapshot::answer(&app, &ask, &row)).await;
    let reply: SnapshotReply =
        made.map_err(|_| Problem::unavailable("The snapshot could not be made."))??;
    answer(&reply)
}

async fn authorize(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let incoming = Incoming::read(request).await?;
    let ask: Authorize = incoming.message()?;
    not_revoked(incoming.node(&app, ask.node)?)?;
    answer(&sync::authorize(&app, ask, clock::now()).await?)
}

async fn receipt(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let incoming = Incoming::read(request).await?;
    let ask: ReceiptRequest = incoming.message()?;
    not_revoked(incoming.node(&app, ask.node)?)?;
    answer(&sync::receipt(&app, &ask)?)
}

async fn told(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let incoming = Incoming::read(request).await?;
    let ask: ToldRequest = incoming.message()?;
    not_revoked(incoming.node(&app, ask.node)?)?;
    answer(&sync::told::told(&app, &ask)?)
}

async fn relay(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let incoming = Incoming::read(request).await?;
    let ask: Relay = incoming.message()?;
    let row = not_revoked(incoming.node(&app, ask.node)?)?;
    answer(&super::relay::answer(&app, &row, &ask).await)
}

async fn catalog(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let incoming = Incoming::read(request).await?;
    let given: GivenCatalog = incoming.message()?;
    let row = not_revoked(incoming.node(&app, given.node)?)?;
    answer(&sync::catalogs::take_back(&app, &row, given, clock::now()).await?)
}

/// A revoked node may push, and nothing else.
fn not_revoked(row: NodeRow) -> Result<NodeRow, Failure> {
    if row.revoked {
        return Err(AppError::Forbidden("This till was taken out of service.".to_owned()).into());
    }
    Ok(row)
}
