//! What carries a message to the server: a trait, so that tests can cut the line; and HTTP.

use std::path::Path;
use std::time::Duration;

use shared::limits;
use shared::wire::MEDIA_TYPE;

use crate::app::ladder::Answer;

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Request {
    /// The call: `push`, `pull` …
    pub call: &'static str,
    /// Who asks.
    pub token: Option<String>,
    /// The body, compressed.
    pub body: Vec<u8>,
    /// How long an answer may take to begin.
    pub patience: Duration,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The media type.
    pub media: String,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// The way to the server.
pub trait Transport: Send + Sync {
    /// Sends a message; `Err` says why nothing came back.
    fn send(&self, request: Request) -> Answer<'_, Result<Reply, String>>;

    /// Asks whether the server is there, which costs it nothing; `Err` says why it is not.
    fn probe(&self) -> Answer<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

/// HTTP to one server.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    server: String,
}

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a server that is there may take to say so.
const PROBE: Duration = Duration::from_secs(5);
/// How long an answer may take from its beginning to its end: some megabytes over a thin line.
const BODY: Duration = Duration::from_secs(30);
/// The thinnest line that a message is given time for, in bytes a second.
const THINNEST: u64 = 8 * 1024;

impl Http {
    /// The way to a server by its URL. Over `https` its certificate must be signed by an authority that this machine
    /// knows.
    pub fn new(server: &str) -> Result<Self, String> {
        Self::trusting(server, None)
    }

    /// The same, where its certificate must be signed by one of a file's (PEM), and by no other.
    pub fn trusting(server: &str, ca: Option<&Path>) -> Result<Self, String> {
        let server = server.trim_end_matches('/');
        if !server.starts_with("http://") && !server.starts_with("https://") {
            return Err(format!(
                "`{server}` is no server's URL; one looks like `https://loyalty.example.com`"
            ));
        }
        // installed already is as good
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder().connect_timeout(CONNECT).no_zstd();
        // a till speaks to its own server and nobody else, whatever the environment says
        let builder = builder.no_proxy().redirect(reqwest::redirect::Policy::none());
        let builder = match ca {
            Some(file) => builder.tls_certs_only(authorities(file)?),
            None => builder,
        };
        let client = builder.build().map_err(plain)?;
        Ok(Self { client, server: server.to_owned() })
    }

    async fn post(&self, request: Request) -> Result<Reply, String> {
        let url = format!("{}/sync/v1/{}", self.server, request.call);
        let upload = Duration::from_secs(request.body.len() as u64 / THINNEST);
        let patience = request.patience + upload;
        let mut post = self.client.post(url).timeout(patience + BODY);
        post = post.header("Content-Type", MEDIA_TYPE).body(request.body);
        if let Some(token) = request.token {
            post = post.bearer_auth(token);
        }
        let answer = tokio::time::timeout(patience, post.send()).await;
        let mut answer = answer.map_err(|_| silent(patience))?.map_err(plain)?;
        let status = answer.status().as_u16();
        let media = answer.headers().get("Content-Type").and_then(|value| value.to_str().ok());
        let media = media.unwrap_or("").to_owned();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(plain)? {
            if body.len() + chunk.len() > limits::SYNC_BODY_BYTES {
                return Err("the answer is longer than any that our server gives".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, media, body })
    }
}

/// A server that says nothing: it hangs, or something between swallows what is sent.
fn silent(patience: Duration) -> String {
    format!("the server has not answered for {} s", patience.as_secs())
}

/// The certificates of a file.
fn authorities(file: &Path) -> Result<Vec<reqwest::Certificate>, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let pem = std::fs::read(file).map_err(|error| wrong(&error))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong(&plain(error)))?;
    if found.is_empty() { Err(wrong(&"there is no certificate in it")) } else { Ok(found) }
}

impl Transport for Http {
    fn send(&self, request: Request) -> Answer<'_, Result<Reply, String>> {
        Box::pin(self.post(request))
    }

    fn probe(&self) -> Answer<'_, Result<(), String>> {
        let asked = self.client.get(format!("{}/healthz", self.server)).timeout(PROBE).send();
        Box::pin(async {
            let told = asked.await.and_then(reqwest::Response::error_for_status);
            told.map(drop).map_err(plain)
        })
    }
}

/// An error with its causes, and without the URL.
fn plain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
