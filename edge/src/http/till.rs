//! How the till is, and what can be done to it.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as Sse, KeepAlive};
use axum::response::{IntoResponse, Sse as Stream};
use serde::Deserialize;
use shared::api::problem::Problem;
use shared::api::till::{DayReport, NetworkRequest, PosBasket, QueueItem, Status, SyncResult};
use shared::api::{Page, Paging};
use shared::page::language::Language;
use shared::page::phrases;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;
use utoipa::IntoParams;

use super::Till;
use super::answer::Answer;
use super::problem::{Failure, invalid};
use super::request::{Json, Query, id};
use crate::app::events::Event;
use crate::app::status::QueueState;
use crate::web::told;

/// Which part of the queue.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueQuery {
    /// `pending` (the default) or `parked`.
    state: Option<String>,
    /// Items on a page.
    limit: Option<usize>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Whether the store takes writes and the till can be used.
pub(crate) async fn ready(State(app): Till) -> Result<&'static str, Failure> {
    app.ready()?;
    Ok("ready\n")
}

/// How the till is.
#[utoipa::path(get, path = "/api/status", responses((status = 200, body = Status)))]
pub(crate) async fn status(State(app): Till) -> Result<Answer<Status>, Failure> {
    Ok(Answer(app.status()?))
}

/// What waits for the server, or was put aside by it.
#[utoipa::path(get, path = "/api/queue", params(QueueQuery), responses(
    (status = 200, body = Page<QueueItem>), (status = 400, body = Problem)))]
pub(crate) async fn queue(
    State(app): Till,
    Query(query): Query<QueueQuery>,
) -> Result<Answer<Page<QueueItem>>, Failure> {
    let state = match query.state.as_deref() {
        None | Some("pending") => QueueState::Pending,
        Some("parked") => QueueState::Parked,
        Some(_) => return Err(invalid(Some("state".to_owned()), "`state` is `pending` or `parked`.")),
    };
    let after = query.after.as_deref().map(id).transpose()?;
    let limit = Paging { limit: query.limit, after: None }.limit();
    let mut items = app.queue(state, after, limit + 1)?;
    let next = items.get(limit - 1).map(|item| item.id.clone()).filter(|_| items.len() > limit);
    items.truncate(limit);
    Ok(Answer(Page { items, next }))
}

/// Does a sync round now, and answers when it is over.
#[utoipa::path(post, path = "/api/sync", responses((status = 200, body = SyncResult)))]
pub(crate) async fn sync(State(app): Till) -> Answer<SyncResult> {
    Answer(app.sync_now().await)
}

/// Cuts the line on purpose, or lets it go again.
#[utoipa::path(post, path = "/api/network", request_body = NetworkRequest, responses(
    (status = 200, body = Status), (status = 400, body = Problem)))]
pub(crate) async fn network(
    State(app): Till,
    Json(asked): Json<NetworkRequest>,
) -> Result<Answer<Status>, Failure> {
    Ok(Answer(app.set_network(&asked.mode)?))
}

/// This till's day so far.
#[utoipa::path(get, path = "/api/day", responses((status = 200, body = DayReport)))]
pub(crate) async fn day(State(app): Till) -> Result<Answer<DayReport>, Failure> {
    Ok(Answer(app.day()?))
}

/// The basket that the POS put on the till's page; with no lines where there is none.
#[utoipa::path(get, path = "/api/basket", responses((status = 200, body = PosBasket)))]
pub(crate) async fn basket(State(app): Till) -> Answer<PosBasket> {
    Answer(app.basket().unwrap_or_default())
}

/// Puts a basket on the till's page, for the cashier to finish there.
#[utoipa::path(put, path = "/api/basket", request_body = PosBasket, responses(
    (status = 200, body = PosBasket), (status = 400, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn put_basket(
    State(app): Till,
    Json(asked): Json<PosBasket>,
) -> Result<Answer<PosBasket>, Failure> {
    app.put_basket(asked.clone())?;
    Ok(Answer(asked))
}

/// What happens, as server-sent events: `status`, `synced`, `decision`, `basket`. Begins with the status as it is.
#[utoipa::path(get, path = "/api/events", responses((status = 200, content_type = "text/event-stream")))]
pub(crate) async fn events(State(app): Till, headers: HeaderMap) -> Result<impl IntoResponse, Failure> {
    let heard = BroadcastStream::new(app.listen());
    let first = tokio_stream::once(Event::Status(Box::new(app.status()?)));
    // a listener that missed some goes on with what comes next
    let language = told::language(&headers);
    let stream = first.chain(heard.filter_map(Result::ok));
    let stream = stream.map(move |event| Ok::<_, Infallible>(sse(&event, language)));
    Ok(Stream::new(stream).keep_alive(KeepAlive::default()))
}

fn sse(event: &Event, language: Language) -> Sse {
    let (name, data) = match event {
        Event::Status(status) => ("status", serde_json::to_string(status)),
        Event::Synced(result) => ("synced", serde_json::to_string(result)),
        Event::Decision(decision) => {
            let mut decision = serde_json::to_value(decision).unwrap_or_default();
            phrases::tell(language, &mut decision);
            ("decision", serde_json::to_string(&decision))
        }
        Event::Basket(basket) => ("basket", serde_json::to_string(basket)),
    };
    Sse::default().event(name).data(data.unwrap_or_default())
}
