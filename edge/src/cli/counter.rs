//! Where a command asks, whether the daemon runs or not: the same local API, in this process on a store that is free, or
//! through the daemon's socket.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use serde_json::Value;
use shared::api::problem::Problem;
use tower::ServiceExt as _;

use super::socket;
use crate::app::App;
use crate::http;
use crate::store::{Store, StoreError, StoreOptions};
use crate::till;

/// How long a daemon that has just started may take to open its socket.
const OPENING: Duration = Duration::from_secs(5);
/// The longest answer of the local API; a till's whole queue fits.
const ANSWER_BYTES: usize = 1 << 30;

/// Where a command asks.
pub(crate) enum Counter {
    /// In this process.
    Here(Box<Router>, App),
    /// At the daemon.
    Daemon {
        /// Speaks over the socket.
        client: reqwest::Client,
        #[expect(dead_code, reason = "the client's path leads through this open directory")]
        folder: Option<File>,
    },
}

impl Counter {
    /// Opens the store of a data directory, or finds the daemon that holds it.
    pub(crate) async fn open(data_dir: &Path) -> Result<Self, String> {
        let options = StoreOptions::default();
        let clock = options.clock.clone();
        match Store::open(data_dir, options) {
            Ok(store) => {
                let desk = till::desk(store, &clock, None, None, till::BUDGET_MS)?;
                Ok(Self::Here(Box::new(http::local_router(&desk.app)), desk.app))
            }
            Err(StoreError::Locked) => Self::at_daemon(data_dir).await,
            Err(error) => Err(error.to_string()),
        }
    }

    async fn at_daemon(data_dir: &Path) -> Result<Self, String> {
        let place = socket::path(data_dir);
        for _ in 0..OPENING.as_millis() / 50 {
            if place.exists() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (path, folder) = socket::short(&place).map_err(|error| error.to_string())?;
        // installed already is as good
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().unix_socket(path).build();
        Ok(Self::Daemon { client: client.map_err(|error| error.to_string())?, folder })
    }

    /// Asks with `GET`.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, String> {
        self.ask(Method::GET, path, None).await
    }

    /// Asks with `POST`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let body = body.map(Value::to_string);
        let (status, bytes) = match self {
            Self::Here(router, _) => here(router, method, path, body).await?,
            Self::Daemon { client, .. } => at_daemon(client, method, path, body).await?,
        };
        if (200..300).contains(&status) {
            return serde_json::from_slice(&bytes).map_err(|error| error.to_string());
        }
        let problem = serde_json::from_slice::<Problem>(&bytes);
        Err(problem.map_or_else(|_| format!("the till answered {status}"), |problem| problem.detail))
    }

    /// Leaves: a store that was opened here is closed.
    pub(crate) async fn close(self) -> Result<(), String> {
        match self {
            Self::Here(router, app) => {
                drop(router);
                app.store().stop().await.map_err(|error| error.to_string())
            }
            Self::Daemon { .. } => Ok(()),
        }
    }
}

async fn here(
    router: &Router,
    method: Method,
    path: &str,
    body: Option<String>,
) -> Result<(u16, Vec<u8>), String> {
    let request =
        Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    let request =
        request.body(body.map_or_else(Body::empty, Body::from)).map_err(|error| error.to_string())?;
    let answer = router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    let status = answer.status().as_u16();
    let bytes = to_bytes(answer.into_body(), ANSWER_BYTES).await.map_err(|error| error.to_string())?;
    Ok((status, bytes.to_vec()))
}

async fn at_daemon(
    client: &reqwest::Client,
    method: Method,
    path: &str,
    body: Option<String>,
) -> Result<(u16, Vec<u8>), String> {
    let gone = |error: reqwest::Error| format!("the daemon does not answer: {}", error.without_url());
    let mut request = client.request(method, format!("http://localhost{path}"));
    request = request.header(header::CONTENT_TYPE, "application/json");
    if let Some(body) = body {
        request = request.body(body);
    }
    let answer = request.send().await.map_err(gone)?;
    let status = answer.status().as_u16();
    Ok((status, answer.bytes().await.map_err(gone)?.to_vec()))
}
