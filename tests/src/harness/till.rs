//! A till: its daemon as a process, the line to head office, and the POS that talks to it.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::daemon::{self, Daemon};
use super::http::{Answer, Client, points};
use super::line::Line;
use super::office::Office;
use super::scratch::{self, Scratch};
use super::wait::until;

const PROGRAM: &str = "tillkeep-edge";

/// A till that was enrolled.
#[derive(Debug)]
pub struct Till {
    daemon: Option<Daemon>,
    port: u16,
    token: String,
    line: Line,
    folder: Scratch,
    /// How long it waits for the server before a redemption, in ms, where it was told.
    budget_ms: Option<u32>,
}

impl Till {
    /// A new till at an outlet, enrolled over its own line, and running.
    #[track_caller]
    pub fn open(office: &Office, outlet: &str, name: &str) -> Self {
        let mut till = Self::enrolled(office, outlet, name);
        till.start();
        till
    }

    /// The same, which waits for the server for so long before a redemption.
    #[track_caller]
    pub fn patient(office: &Office, outlet: &str, name: &str, budget_ms: u32) -> Self {
        let mut till = Self::enrolled(office, outlet, name);
        till.budget_ms = Some(budget_ms);
        till.start();
        till
    }

    /// A new till, enrolled and not yet running.
    #[track_caller]
    pub fn enrolled(office: &Office, outlet: &str, name: &str) -> Self {
        let (_, code) = office.new_till(outlet, name);
        let line = Line::to(office.port());
        let mut till = Self {
            daemon: None,
            port: 0,
            token: String::new(),
            line,
            folder: Scratch::new(name),
            budget_ms: None,
        };
        let enrolled = till.enrol(&code);
        assert!(enrolled.status.success(), "enrol: {}", String::from_utf8_lossy(&enrolled.stderr));
        till.token = till.new_token("pos");
        till
    }

    /// Enrols with a code.
    #[track_caller]
    pub fn enrol(&self, code: &str) -> Output {
        self.command(&["enrol", "--server", &self.line.url(), "--code", code])
    }

    /// A token by command line, whether the till runs or not.
    #[track_caller]
    pub fn new_token(&self, name: &str) -> String {
        let made = self.command(&["token", "create", "--name", name]);
        assert!(made.status.success(), "token create: {}", String::from_utf8_lossy(&made.stderr));
        let told = String::from_utf8(made.stdout).expect("a token is text");
        let token = told.trim();
        assert!(!token.is_empty() && !token.contains(char::is_whitespace), "one token, not {told:?}");
        token.to_owned()
    }

    /// Runs a command of the till on its folder.
    #[track_caller]
    pub fn command(&self, arguments: &[&str]) -> Output {
        let folder = self.folder.at("data");
        let mut all = arguments.to_vec();
        all.extend(["--data-dir", &folder]);
        daemon::run(PROGRAM, &all)
    }

    /// Starts it where it stopped, on the port that it had.
    #[track_caller]
    pub fn start(&mut self) {
        let listen = format!("127.0.0.1:{}", self.port);
        let folder = self.folder.at("data");
        let server = self.line.url();
        let mut arguments = vec!["run", "--data-dir", &folder, "--listen", &listen, "--server", &server];
        let budget = self.budget_ms.map(|ms| ms.to_string());
        if let Some(budget) = &budget {
            arguments.extend(["--authorize-budget-ms", budget]);
        }
        let daemon = Daemon::start(PROGRAM, &arguments, &self.folder.path().join("till.log"));
        self.port = daemon.port();
        self.daemon = Some(daemon);
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        drop(self.daemon.take());
    }

    /// `kill -9`, and started again.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        self.start();
    }

    /// An image of its disk, taken while it is killed.
    pub fn image(&mut self) -> Scratch {
        self.kill();
        let image = Scratch::new("image");
        scratch::copy(&self.folder.path().join("data"), &image.path().join("data"));
        self.start();
        image
    }

    /// Killed, its disk put back to what an image holds, and started.
    pub fn put_back(&mut self, image: &Scratch) {
        self.kill();
        scratch::copy(&image.path().join("data"), &self.folder.path().join("data"));
        self.start();
    }

    /// A machine cloned from an image, with a line of its own; it runs.
    #[must_use]
    pub fn cloned(&self, image: Scratch, office: &Office) -> Self {
        let line = Line::to(office.port());
        let mut clone =
            Self { daemon: None, port: 0, token: self.token.clone(), line, folder: image, budget_ms: None };
        clone.start();
        clone
    }

    /// Its process.
    ///
    /// # Panics
    /// It does not run.
    #[track_caller]
    pub fn daemon(&mut self) -> &mut Daemon {
        self.daemon.as_mut().expect("the till runs")
    }

    /// The line to head office.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Where it keeps everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The POS at this till.
    pub fn pos(&self) -> Client {
        Client::new(&self.url(), &self.token)
    }

    /// Somebody without a token.
    pub fn nobody(&self) -> Client {
        Client::nobody(&self.url())
    }

    /// Its token for the POS, which lets a person in at its page too.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A sale that is taken.
    #[track_caller]
    pub fn sell(&self, sale: &Value) -> Answer {
        self.pos().post("/api/transactions", sale).must(201)
    }

    /// Lines of a transaction of this till given back: `(line, quantity)` each.
    #[track_caller]
    pub fn refund(&self, id: &str, receipt: &str, lines: &[(u16, &str)]) -> Answer {
        let body = json!({"receipt": receipt, "lines": back(lines)});
        self.pos().post(&format!("/api/transactions/{id}/refund"), &body)
    }

    /// Lines given back of a sale that a receipt of an outlet names.
    #[track_caller]
    pub fn refund_by_receipt(&self, of: (&str, &str), receipt: &str, lines: &[(u16, &str)]) -> Answer {
        let original = json!({"receipt": of.1, "outlet": of.0});
        let body = json!({"original": original, "receipt": receipt, "lines": back(lines)});
        self.pos().post("/api/refunds", &body)
    }

    /// The scan of a card.
    #[track_caller]
    pub fn scan(&self, card: &str) -> Answer {
        self.pos().get(&format!("/api/cards/{card}"))
    }

    /// The account that a card opens, as this till sees it.
    #[track_caller]
    pub fn account(&self, card: &str) -> Value {
        self.scan(card).must(200)["memberships"][0]["accounts"][0].clone()
    }

    /// The balance that a card opens, as this till sees it.
    #[track_caller]
    pub fn balance(&self, card: &str) -> i64 {
        points(&self.account(card)["balance"])
    }

    /// How the till is.
    #[track_caller]
    pub fn status(&self) -> Answer {
        self.pos().get("/api/status").must(200)
    }

    /// Does sync rounds until the server has everything and the till knows what the server knew after that.
    #[track_caller]
    pub fn sync(&self) {
        until("everything is synced", || {
            let round = self.pos().post("/api/sync", &json!({})).must(200);
            let done = round["connection"] == "online" && round["pending"] == 0 && round["error"].is_null();
            if done { Ok(()) } else { Err(round.text) }
        });
        // one round more: what the server posted of the last push is in its answer
        let _ = self.pos().post("/api/sync", &json!({})).must(200);
    }

    /// Waits until the till believes to have a line, or to have none.
    #[track_caller]
    pub fn wait_for_connection(&self, connection: &str) {
        until(&format!("the till is {connection}"), || {
            let status = self.status();
            if status["connection"] == connection { Ok(()) } else { Err(status.text) }
        });
    }

    /// Waits until the till sees this balance.
    #[track_caller]
    pub fn wait_for_balance(&self, card: &str, balance: i64) {
        until(&format!("the till sees {balance} points on {card}"), || {
            let scan = self.scan(card);
            let seen = &scan["memberships"][0]["accounts"][0]["balance"];
            if *seen == json!(balance.to_string()) { Ok(()) } else { Err((scan.status, seen.clone())) }
        });
    }
}

fn back(lines: &[(u16, &str)]) -> Value {
    lines.iter().map(|(line, quantity)| json!({"line": line, "quantity": quantity})).collect()
}
