//! In which form a list is answered: JSON, or CSV where the client asks for `text/csv`.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use shared::api::Page;

use super::error::Failure;
use super::extract::nth;
use crate::app::Done;
use crate::app::reports::sheet::{self, Sheet};

/// The form that a client asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Json,
    Csv,
}

impl<S: Sync> FromRequestParts<S> for Form {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
        let first = accept.split(',').map(|media| media.split(';').next().unwrap_or("").trim());
        let mut known = first.filter(|media| matches!(*media, "text/csv" | "application/json" | "*/*"));
        Ok(if known.next() == Some("text/csv") { Self::Csv } else { Self::Json })
    }
}

impl Form {
    /// A page of a list in this form.
    pub(super) fn page<T: Serialize + Sheet>(self, name: &str, page: Page<T>) -> Response {
        match self {
            Self::Json => Json(page).into_response(),
            Self::Csv => sheet_of(name, &page.items),
        }
    }
}

impl Form {
    /// A whole list whose items have no id: page by page as JSON, and as one file.
    pub(super) fn list<T: Serialize + Sheet>(
        self,
        name: &str,
        items: Vec<T>,
        (limit, after): (Option<usize>, Option<&str>),
    ) -> Result<Response, Failure> {
        Ok(match self {
            Self::Json => Json(nth(items, (limit, after))?).into_response(),
            Self::Csv => sheet_of(name, &items),
        })
    }
}

/// Items as a CSV file.
pub(super) fn sheet_of<T: Sheet>(name: &str, items: &[T]) -> Response {
    let about = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
    ];
    (about, sheet::csv(items)).into_response()
}

/// Every page of a list as one: a file has no next page.
pub(super) fn whole<T>(page: impl Fn(Option<u64>) -> Done<Page<T>>) -> Done<Page<T>> {
    let mut all = page(None)?;
    while let Some(after) = all.next.take().and_then(|next| next.parse().ok()) {
        let more = page(Some(after))?;
        all.items.extend(more.items);
        all.next = more.next;
    }
    Ok(all)
}
