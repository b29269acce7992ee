//! The pages' files, part of the program.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::page;

const FILES: [(&str, &str); 4] = [
    ("page.css", page::STYLE),
    ("office.css", include_str!("page/office.css")),
    ("form.js", include_str!("page/form.js")),
    ("icon.svg", page::ICON),
];

/// A file by its name.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let Some((_, text)) = FILES.iter().find(|(known, _)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let about = [(header::CONTENT_TYPE, page::media_type(&name)), (header::CACHE_CONTROL, "max-age=300")];
    (about, *text).into_response()
}
