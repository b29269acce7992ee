//! A JSON client, as a POS or head office would have one.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::LazyLock;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

/// Longest wait for one answer.
const ANSWER_SECONDS: u64 = 60;

struct Wire {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
}

static WIRE: LazyLock<Wire> = LazyLock::new(|| {
    // already installed is as good
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let http = reqwest::Client::builder()
        // a daemon that was killed must not be met through a connection of its former life
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(ANSWER_SECONDS))
        .no_proxy()
        .build();
    Wire { runtime: runtime.expect("a runtime"), http: http.expect("an HTTP client") }
});

/// Somebody at one daemon, with a token or without.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    token: Option<String>,
}

/// A request, for the cases that the short forms do not cover.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// From the first slash on.
    pub path: String,
    /// Headers beside the token.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Option<Vec<u8>>,
}

/// An answer; it reads as its JSON body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked, for failures.
    pub asked: String,
    /// The HTTP status.
    pub status: u16,
    /// Headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub text: String,
    body: Value,
}

impl Client {
    /// Somebody with a token.
    pub fn new(base: &str, token: &str) -> Self {
        Self { base: base.to_owned(), token: Some(token.to_owned()) }
    }

    /// Somebody without.
    pub fn nobody(base: &str) -> Self {
        Self { base: base.to_owned(), token: None }
    }

    /// The daemon's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `GET`.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None, &[])
    }

    /// `POST`.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, Some(body), &[])
    }

    /// `POST` with an `Idempotency-Key`.
    #[track_caller]
    pub fn post_keyed(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.ask("POST", path, Some(body), &[("Idempotency-Key", key)])
    }

    /// `PUT`.
    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask("PUT", path, Some(body), &[])
    }

    /// `PATCH`.
    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.ask("PATCH", path, Some(body), &[])
    }

    /// `DELETE`.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, None, &[])
    }

    /// Every item of a list, page by page.
    #[track_caller]
    pub fn all(&self, path: &str) -> Vec<Value> {
        let join = if path.contains('?') { '&' } else { '?' };
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}{join}limit=500{after}")).must(200);
            items.extend(page["items"].as_array().expect("a list has items").iter().cloned());
            let Some(next) = page["next"].as_str() else { return items };
            after = format!("&after={next}");
        }
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Answer {
        let mut headers: Vec<_> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        let body = body.map(|body| body.to_string().into_bytes());
        let request = Request { method: method.to_owned(), path: path.to_owned(), headers, body };
        match self.send(&request) {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {}{path}: no answer: {error}", self.base),
        }
    }

    /// Sends a request as it stands.
    ///
    /// # Errors
    /// No answer came, and why.
    pub fn send(&self, request: &Request) -> Result<Answer, String> {
        let asked = format!("{} {}{}", request.method, self.base, request.path);
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|error| error.to_string())?;
        let mut call = WIRE.http.request(method, format!("{}{}", self.base, request.path));
        if let Some(token) = &self.token {
            call = call.bearer_auth(token);
        }
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        if let Some(body) = &request.body {
            call = call.body(body.clone());
        }
        let answer = WIRE.runtime.block_on(async {
            let answer = call.send().await?;
            let status = answer.status().as_u16();
            let headers = answer.headers().clone();
            Ok::<_, reqwest::Error>((status, headers, answer.text().await?))
        });
        let (status, headers, text) = answer.map_err(|error| format!("{error:?}"))?;
        let headers = headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { asked, status, headers: headers.collect(), text, body })
    }
}

impl Deref for Answer {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.body
    }
}

impl Answer {
    /// This answer, which has this status.
    ///
    /// # Panics
    /// It has another.
    #[track_caller]
    #[must_use]
    pub fn must(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} answered {}: {}", self.asked, self.status, self.text);
        self
    }

    /// This answer, which is a whole problem (RFC 9457) with this status and code.
    ///
    /// # Panics
    /// It is not.
    #[track_caller]
    #[must_use]
    pub fn problem(self, status: u16, code: &str) -> Self {
        let told = format!("{} answered {}: {}", self.asked, self.status, self.text);
        assert_eq!((self.status, self["code"].as_str()), (status, Some(code)), "{told}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{told}");
        assert_eq!(self["status"].as_u64(), Some(u64::from(status)), "{told}");
        for field in ["type", "title", "detail"] {
            assert!(self[field].as_str().is_some_and(|text| !text.is_empty()), "no `{field}`: {told}");
        }
        self
    }

    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Whether it is the first answer over again.
    pub fn is_replay(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    /// The transaction's id.
    #[track_caller]
    pub fn id(&self) -> String {
        words(&self["id"])
    }
}

/// A JSON text.
///
/// # Panics
/// It is something else.
#[track_caller]
pub fn words(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text was expected, not {value}")).to_owned()
}

/// Points: a decimal string of a whole number.
///
/// # Panics
/// It is something else.
#[track_caller]
pub fn points(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_else(|| panic!("points are a decimal string, not {value}"));
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no whole number of points"))
}
