//! A centre in a folder of its own with a small catalog, and callers with tokens.

use std::path::PathBuf;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use shared::api::office::NewToken;
use shared::time::{Day, Millis};
use sync_server::app::console::Console;
use sync_server::app::{App, Who, days, settling, tokens, verify};
use sync_server::{Options, Running, Server, clock};

/// A centre that runs.
pub(crate) struct Office {
    running: Option<Running>,
    folder: PathBuf,
    http: reqwest::Client,
    admin: String,
    pos: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) replayed: bool,
    pub(crate) body: Value,
}

impl Got {
    /// The body of an answer with this status.
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The problem's code.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }
}

impl Office {
    /// A centre with the catalog of these tests, a token for head office and one for `kl`.
    pub(crate) async fn open(name: &str) -> Self {
        // installed already is as good
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = std::env::temp_dir().join(format!("tillkeep-books-{name}-{}", std::process::id()));
        // one that is not there is as well
        let _ = std::fs::remove_dir_all(&folder);
        let options = Options { settle_every_ms: None, ..Options::local(&folder) };
        let running = Server::start(options).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut office =
            Self { running: Some(running), folder, http, admin: String::new(), pos: String::new() };
        office.admin = office.token("admin", None).await;
        office.send(Method::PUT, "/api/catalog", &office.admin, None, &catalog()).await.is(200);
        office.pos = office.token("pos", Some("kl")).await;
        office
    }

    /// What it does, in this process.
    pub(crate) fn app(&self) -> &Arc<App> {
        &self.running.as_ref().unwrap().app
    }

    /// A token's secret.
    pub(crate) async fn token(&self, role: &str, outlet: Option<&str>) -> String {
        self.token_of(role, NewToken { outlet: outlet.map(str::to_owned), ..blank() }).await
    }

    /// The secret of a token of one customer, or of some programs.
    pub(crate) async fn token_of(&self, role: &str, asked: NewToken) -> String {
        let asked = NewToken { name: format!("{role} token"), role: role.to_owned(), ..asked };
        tokens::create(self.app(), Who::local(), asked).await.unwrap().token.unwrap()
    }

    /// Any request.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Got {
        let url = format!("{}{path}", self.running.as_ref().unwrap().url);
        let mut request = self.http.request(method, url).bearer_auth(token);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let replayed = answer.headers().contains_key("Idempotent-Replayed");
        let text = answer.text().await.unwrap();
        Got { status, replayed, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    /// Head office asks.
    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send(Method::GET, path, &self.admin, None, &Value::Null).await
    }

    /// Head office does.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        self.send(Method::POST, path, &self.admin, None, body).await
    }

    /// Head office takes away.
    pub(crate) async fn delete(&self, path: &str) -> Got {
        self.send(Method::DELETE, path, &self.admin, None, &Value::Null).await
    }

    /// Head office changes.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Got {
        self.send(Method::PATCH, path, &self.admin, None, body).await
    }

    /// The POS of outlet `kl` does.
    pub(crate) async fn pos(&self, path: &str, body: &Value) -> Got {
        self.send(Method::POST, path, &self.pos, None, body).await
    }

    /// The POS of outlet `kl` does, under a key.
    pub(crate) async fn pos_keyed(&self, key: &str, path: &str, body: &Value) -> Got {
        self.send(Method::POST, path, &self.pos, Some(key), body).await
    }

    /// A member with a card; answers customer and membership.
    pub(crate) async fn member(&self, name: &str, card: &str) -> (String, String) {
        let body = self.post("/api/enrolments", &enrolment(name, card)).await.is(201);
        let customer = body["customer"]["id"].as_str().unwrap().to_owned();
        (customer, body["memberships"][0]["id"].as_str().unwrap().to_owned())
    }

    /// What a membership has.
    pub(crate) async fn balance(&self, membership: &str) -> String {
        let body = self.get(&format!("/api/memberships/{membership}")).await.is(200);
        body["accounts"][0]["balance"].as_str().unwrap().to_owned()
    }

    /// Head office gives points.
    pub(crate) async fn give(&self, membership: &str, points: &str) {
        let path = format!("/api/memberships/{membership}/adjust-points");
        let body = json!({"currency": "PTS", "points": points, "reason": "a present"});
        self.post(&path, &body).await.is(201);
    }

    /// Settles what can be settled.
    pub(crate) async fn settle(&self) -> usize {
        settling::round(self.app(), clock::now()).await.unwrap()
    }

    /// Settles what can be settled at a time, and closes the days that are over then; answers how many.
    pub(crate) async fn close_days(&self, now: Millis) -> usize {
        settling::round(self.app(), now).await.unwrap();
        let app = Arc::clone(self.app());
        tokio::task::spawn_blocking(move || days::round_blocking(&app, now).unwrap()).await.unwrap()
    }

    /// A day of the one program at a time.
    pub(crate) fn day(&self, date: Day, now: Millis) -> Value {
        let day = days::get(self.app(), &Who::local(), "standard-rewards", date, now).unwrap();
        serde_json::to_value(day).unwrap()
    }

    /// What `verify` says, and whether all holds.
    pub(crate) fn verified(&self) -> (bool, String) {
        let mut said = Said::default();
        let holds = verify::verify(self.app(), &mut said).unwrap();
        (holds, said.0)
    }

    /// Stops it, lets `work` at its data directory, and starts it again.
    pub(crate) async fn reopened(mut self, work: impl FnOnce(&std::path::Path)) -> Self {
        self.running.take().unwrap().stop().await;
        work(&self.folder);
        let options = Options { settle_every_ms: None, ..Options::local(&self.folder) };
        self.running = Some(Server::start(options).await.unwrap());
        self
    }

    /// Checks every chain and control total, and that all accounts together are what the general ledger says.
    pub(crate) async fn balanced(&self) {
        let mut said = Said::default();
        assert!(verify::verify(self.app(), &mut said).unwrap(), "{}", said.0);
        let body = self.get("/api/reports/liability").await.is(200);
        for item in body["items"].as_array().unwrap() {
            assert_eq!(item["points"], item["ledger"], "{body}");
        }
    }

    /// Ends it.
    pub(crate) async fn close(mut self) {
        self.running.take().unwrap().stop().await;
        // left behind it would do no harm
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A token of nobody.
pub(crate) fn blank() -> NewToken {
    NewToken {
        name: String::new(),
        role: String::new(),
        outlet: None,
        programs: None,
        customer_id: None,
        minutes: None,
    }
}

/// What a command line would have printed.
#[derive(Default)]
struct Said(String);

impl Console for Said {
    fn out(&mut self, line: &str) {
        self.err(line);
    }

    fn err(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn progress(&mut self, _: u64, _: u64) {}
}

/// An enrolment in the one program.
pub(crate) fn enrolment(name: &str, card: &str) -> Value {
    json!({
        "customer": {"name": name},
        "memberships": [{
            "program": "standard-rewards", "card": card,
            "consent": {"text_version": "2026-01", "channel": "counter"}
        }]
    })
}

/// A sale of some lines, each (quantity, price).
pub(crate) fn sale(receipt: &str, card: &str, lines: &[(&str, &str)]) -> Value {
    let lines: Vec<Value> = lines
        .iter()
        .map(|(quantity, price)| json!({"sku": "8801", "quantity": quantity, "unit_price": price}))
        .collect();
    json!({"receipt": receipt, "business_date": "2026-11-21", "card": card, "currency": "MYR", "lines": lines})
}

/// 1 point per whole ringgit paid; redeem in hundreds; short redemptions are the member's debt up to 300.
fn catalog() -> Value {
    let outlet = |code: &str, name: &str| json!({"code": code, "name": name, "time_zone": "Asia/Kuala_Lumpur", "currency": "MYR", "business": null});
    json!({
        "outlets": [outlet("kl", "KL Central"), outlet("penang", "Penang")],
        "currencies": [{
            "code": "PTS", "name": "Points", "kind": "redeemable", "scale": 0,
            "cash_value": {"amount": "0.01", "currency": "MYR"}, "expiry": null
        }],
        "programs": [{
            "code": "standard-rewards", "name": "Standard Rewards", "color": "#0b6e4f",
            "time_zone": "Asia/Kuala_Lumpur", "outlets": "all", "style": "points_accrued",
            "window": {"months": 12}, "currencies": ["PTS"],
            "levels": [{"code": "member", "name": "Member", "threshold": "0", "multiplier": "1"}],
            "redemption": {"minimum": "100", "step": "100", "maximum_share": "1"},
            "offline": {
                "mode": "trust", "per_redemption": "500", "per_member": "500", "per_member_hours": 24,
                "till_points": "20000", "till_count": 200, "balance_age_hours": 72, "balance_share": "1",
                "levels": "all", "deny_labels": []
            },
            "overdraft": {
                "offline": [{"member_debt": "300"}, "program"], "late": [{"member_debt": "300"}, "outlet"],
                "forced": ["outlet"], "review_over": "50", "longest_wait_hours": 72
            }
        }],
        "earning_rules": [{
            "code": "base", "program": "standard-rewards", "currency": "PTS", "points": "1",
            "per": {"amount": "1.00", "currency": "MYR"}, "basis": "paid", "rounding": "floor_basket",
            "multiplied": true
        }]
    })
}
