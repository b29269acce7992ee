//! A till on a folder of its own, and a POS that talks to it over loopback.

use std::path::PathBuf;
use std::sync::Arc;

use edge::clock::Clock;
use edge::store::{Store, StoreOptions};
use edge::{Options, Running, Till};
use reqwest::Method;
use serde_json::{Value, json};

use crate::centre::Centre;

/// A till, its head office, and a token.
pub(crate) struct Shop {
    pub(crate) centre: Centre,
    pub(crate) till: Option<Running>,
    pub(crate) token: String,
    pub(crate) folder: PathBuf,
    pub(crate) clock: Clock,
    http: reqwest::Client,
    /// How long a cashier waits for the server, from the next start on.
    pub(crate) budget_ms: u64,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Shop {
    /// A till that was enrolled and has fetched everything, with the line cut since.
    pub(crate) async fn open(name: &str) -> Self {
        Self::fetched(Self::enrolled(name).await).await
    }

    /// Lets a till fetch everything, and cuts its line.
    pub(crate) async fn fetched(shop: Self) -> Self {
        shop.centre.cut(false);
        let round = shop.post("/api/sync", &json!({})).await;
        assert_eq!(round.body["error"], Value::Null, "{}", round.text);
        // the block of member numbers comes with a pull
        shop.post("/api/sync", &json!({})).await;
        shop.centre.cut(true);
        let round = shop.post("/api/sync", &json!({})).await;
        assert_eq!(round.body["connection"], "offline", "{}", round.text);
        shop
    }

    /// A till that was enrolled, and has no line yet.
    pub(crate) async fn enrolled(name: &str) -> Self {
        Self::enrolled_at(name, Clock::machine()).await
    }

    /// The same, by a clock of the test's own.
    pub(crate) async fn enrolled_at(name: &str, clock: Clock) -> Self {
        // installed already is as good
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = std::env::temp_dir().join(format!("tillkeep-edge-{name}-{}", std::process::id()));
        // one that is not there is as well
        let _ = std::fs::remove_dir_all(&folder);
        let centre = Centre::new();
        let store = Store::create(&folder, centre.identity(), options(&clock)).unwrap();
        store.stop().await.unwrap();
        drop(store);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut shop = Self { centre, till: None, token: String::new(), folder, clock, http, budget_ms: 200 };
        shop.start().await;
        shop.token = shop.till().app.new_token("pos").unwrap();
        shop
    }

    /// Starts the daemon on what is in the folder.
    pub(crate) async fn start(&mut self) {
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            budget_ms: self.budget_ms,
            store: options(&self.clock),
            transport: Some(Arc::new(self.centre.clone())),
            ..Options::new(&self.folder)
        };
        self.till = Some(Till::start(options).await.unwrap());
    }

    pub(crate) async fn stop(&mut self) {
        self.till.take().unwrap().stop().await.unwrap();
    }

    pub(crate) fn till(&self) -> &Running {
        self.till.as_ref().unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.ask(Method::GET, path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        self.ask(Method::POST, path, &[], Some(body.to_string())).await
    }

    pub(crate) async fn post_keyed(&self, path: &str, key: &str, body: &Value) -> Got {
        self.ask(Method::POST, path, &[("Idempotency-Key", key)], Some(body.to_string())).await
    }

    /// A request with headers beside the token and the content type; those given replace them.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Got {
        let mut all = reqwest::header::HeaderMap::new();
        all.insert("Authorization", format!("Bearer {}", self.token).parse().unwrap());
        if body.is_some() {
            all.insert("Content-Type", "application/json".parse().unwrap());
        }
        for (name, value) in headers {
            let name: reqwest::header::HeaderName = name.parse().unwrap();
            all.remove(&name);
            if !value.is_empty() {
                all.insert(name, value.parse().unwrap());
            }
        }
        let mut request = self.http.request(method, format!("{}{path}", self.till().url)).headers(all);
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        Got { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    /// The balance that a card opens.
    pub(crate) async fn balance(&self, card: &str) -> String {
        let scan = self.get(&format!("/api/cards/{card}")).await.must(200);
        scan.body["memberships"][0]["accounts"][0]["balance"].as_str().unwrap().to_owned()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // best effort: the folder is a temporary one
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Got {
    #[track_caller]
    pub(crate) fn must(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// A whole problem (RFC 9457) with this status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        self
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
    }

    #[track_caller]
    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("{}", self.text)).to_owned()
    }
}

fn options(clock: &Clock) -> StoreOptions {
    StoreOptions {
        segment_bytes: 256 * 1024,
        cache_bytes: 4 << 20,
        clock: clock.clone(),
        ..StoreOptions::default()
    }
}

/// A sale on a card: so many lines of 10.00 each.
pub(crate) fn sale(receipt: &str, card: &str, lines: usize) -> Value {
    let lines: Vec<Value> =
        (0..lines).map(|n| json!({"sku": format!("sku-{n}"), "unit_price": "10.00"})).collect();
    json!({"receipt": receipt, "card": card, "currency": "MYR", "business_date": "2026-11-21", "lines": lines})
}

/// The same, redeeming points.
pub(crate) fn redeeming(mut sale: Value, points: u32) -> Value {
    sale["redeem"] = json!([{"currency": "PTS", "points": points.to_string()}]);
    sale
}
