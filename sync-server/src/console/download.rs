//! Lists as files: every row that a page's filter finds, however many pages it has, sent while it is read.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::api::office::LedgerLine;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::members::{self as people, Asked, Part};
use super::ranged::walk;
use super::reports::Range;
use super::session::Visitor;
use super::view::Refused;
use crate::app::members::{self as known, LookUp};
use crate::app::reports::lists::MemberRow;
use crate::app::reports::sheet::{self, Sheet};
use crate::app::{App, AppError, Done, cases as overdrafts, fleet as tills, ledger as books, roles};

/// Rows read at a time.
const STEP: usize = 500;
/// Parts of a file that wait for a slow reader.
const PARTS: usize = 4;

/// A part of a list, and where the next one begins.
type Rows<T> = (Vec<T>, Option<String>);

/// A file of all parts. What is wrong with the question is told as a page; a list that breaks off later breaks the file off.
async fn streamed<T: Sheet + Send + 'static>(
    visitor: &Visitor,
    name: &str,
    part: impl Fn(Option<&str>) -> Done<Rows<T>> + Send + Sync + 'static,
) -> Result<Response, Refused> {
    let part = Arc::new(part);
    let first = Arc::clone(&part);
    let (rows, mut next) = walk(visitor, move || first(None)).await?;
    let (send, receive) = mpsc::channel::<io::Result<Vec<u8>>>(PARTS);
    tokio::task::spawn_blocking(move || {
        let begin = [sheet::head::<T>(), sheet::rows(&rows)].concat();
        let mut sent = send.blocking_send(Ok(begin));
        // whoever went away asks for no more
        while let (Ok(()), Some(after)) = (&sent, next.take()) {
            match part(Some(&after)) {
                Ok((rows, following)) => {
                    next = following;
                    sent = send.blocking_send(Ok(sheet::rows(&rows)));
                }
                Err(error) => {
                    tracing::error!(%error, "a file breaks off");
                    sent = send.blocking_send(Err(io::Error::other(error.to_string())));
                }
            }
        }
    });
    let about = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((about, Body::from_stream(ReceiverStream::new(receive))).into_response())
}

/// Reads where a part begins, which a part before it has said.
fn place<P: std::str::FromStr>(after: Option<&str>) -> Option<P> {
    after.and_then(|after| after.parse().ok())
}

/// Which cases.
#[derive(Deserialize)]
pub(super) struct Which {
    state: Option<String>,
}

/// `/cases.csv`: open or settled ones, or both.
pub(super) async fn cases(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Which>,
) -> Result<Response, Refused> {
    visitor.must(roles::READ)?;
    let open = match asked.state.as_deref() {
        None | Some("") => None,
        Some("open") => Some(true),
        Some("settled") => Some(false),
        Some(_) => {
            let wrong = AppError::field("state", "One of `open` and `settled`.");
            return Err(visitor.told()(wrong));
        }
    };
    let (who, language) = (visitor.who.clone(), visitor.words.language());
    streamed(&visitor, "cases", move |after| {
        let page = overdrafts::list_in(&app, &who, open, (place(after), STEP), language)?;
        Ok((page.items, page.next))
    })
    .await
}

/// `/fleet.csv`.
pub(super) async fn fleet(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Response, Refused> {
    visitor.must(roles::READ)?;
    streamed(&visitor, "fleet", move |_| Ok((tills::list(&app)?, None))).await
}

/// `/members.csv`: whoever the search finds, or, where nothing is searched for, everybody.
pub(super) async fn members(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    visitor.must(roles::READ)?;
    let who = visitor.who.clone();
    streamed(&visitor, "members", move |after| {
        let text = asked.q.trim();
        let page = match text {
            "" => known::look_up(&app, &who, &LookUp::default(), place(after), STEP)?,
            text => people::search(&app, &who, text, (place(after), STEP))?,
        };
        let rows = page.items.into_iter().map(|customer| MemberRow::of(&app, &who, customer));
        Ok((rows.collect::<Done<_>>()?, page.next))
    })
    .await
}

/// `/memberships/{id}/statement.csv`: its movements in the range, newest first.
pub(super) async fn statement(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(asked): Query<Part>,
) -> Result<Response, Refused> {
    visitor.must(roles::READ)?;
    let id = id.parse().map_err(|_| visitor.told()(AppError::not_found("membership with this id")))?;
    let range = asked.days.range().map_err(visitor.told())?;
    let who = visitor.who.clone();
    streamed(&visitor, "statement", move |after| {
        let page = known::statement(&app, &who, id, &range, (place(after), STEP))?;
        Ok((page.items, page.next))
    })
    .await
}

/// `/ledger.csv`: the ledger's lines in the range.
pub(super) async fn ledger(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(range): Query<Range>,
) -> Result<Response, Refused> {
    visitor.must(roles::READ)?;
    let who = visitor.who.clone();
    streamed::<LedgerLine>(&visitor, "ledger", move |after| {
        let page = books::list(&app, &who, &range.wanted(), place(after).or(range.after), STEP)?;
        Ok((page.items, page.next))
    })
    .await
}
