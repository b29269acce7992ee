//! A small JSON client for the daemons, as a POS or head office would use it.

use std::time::Duration;

use serde_json::Value;

/// Somebody with a token, at one daemon.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) token: String,
}

/// What went wrong, in a sentence.
pub(crate) type Failure = String;

impl Client {
    pub(crate) fn new(url: &str, token: &str) -> Result<Self, Failure> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build();
        let http = http.map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(self.http.get(format!("{}{path}", self.url)), path).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(self.http.post(format!("{}{path}", self.url)).json(body), path).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(self.http.put(format!("{}{path}", self.url)).json(body), path).await
    }

    async fn send(&self, request: reqwest::RequestBuilder, path: &str) -> Result<Value, Failure> {
        let answer = request.bearer_auth(&self.token).send().await;
        let answer = answer.map_err(|error| format!("{}{path} does not answer: {error}", self.url))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| format!("{path}: {error}"))?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if status.is_success() { Ok(body) } else { Err(format!("{path} answered {status}: {body}")) }
    }
}
