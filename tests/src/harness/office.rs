//! Head office: a sync server as a process, and what is done there.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::daemon::{self, Daemon};
use super::goods;
use super::http::{Client, points, words};
use super::scratch::{self, Scratch};
use super::wait::{eventually, until};

const PROGRAM: &str = "tillkeep-server";

/// A server on a folder of its own.
#[derive(Debug)]
pub struct Office {
    daemon: Option<Daemon>,
    port: u16,
    admin: String,
    clerk: String,
    folder: Scratch,
    more: Vec<String>,
}

/// A customer with one membership and a card.
#[derive(Clone, Debug)]
pub struct Member {
    /// The customer's id.
    pub customer: String,
    /// The membership's id.
    pub membership: String,
    /// The card's code.
    pub card: String,
}

impl Office {
    /// A server that runs, with the catalog of [`goods::catalog`].
    #[track_caller]
    pub fn open() -> Self {
        Self::open_with(&goods::catalog())
    }

    /// A server that runs, with this catalog.
    #[track_caller]
    pub fn open_with(catalog: &Value) -> Self {
        let office = Self::empty();
        let _ = office.admin().put("/api/catalog", catalog).must(200);
        office
    }

    /// A server that runs, with no catalog yet.
    #[track_caller]
    pub fn empty() -> Self {
        let folder = Scratch::new("office");
        std::fs::create_dir(folder.path().join("data")).expect("a folder in the scratch folder");
        let (admin, clerk) = (String::new(), String::new());
        let mut office = Self { daemon: None, port: 0, admin, clerk, folder, more: Vec::new() };
        office.admin = office.new_token("admin", None);
        office.clerk = office.new_token("office", None);
        office.start();
        office
    }

    /// A token by command line, whether the server runs or not.
    #[track_caller]
    pub fn new_token(&self, role: &str, outlet: Option<&str>) -> String {
        let mut arguments = vec!["token", "create", "--role", role, "--name", role];
        arguments.extend(outlet.iter().flat_map(|outlet| ["--outlet", *outlet]));
        let made = self.command(&arguments);
        assert!(made.status.success(), "token create: {}", String::from_utf8_lossy(&made.stderr));
        let told = String::from_utf8(made.stdout).expect("a token is text");
        let token = told.trim();
        assert!(!token.is_empty() && !token.contains(char::is_whitespace), "one token, not {told:?}");
        token.to_owned()
    }

    /// Runs a command of the server on this folder.
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
        let log = self.folder.path().join("server.log");
        let mut arguments = vec!["run", "--data-dir", &folder, "--listen", &listen];
        arguments.extend(self.more.iter().map(String::as_str));
        let daemon = Daemon::start(PROGRAM, &arguments, &log);
        self.port = daemon.port();
        self.daemon = Some(daemon);
    }

    /// Killed, and started with these settings beside the others.
    #[track_caller]
    pub fn run_with(&mut self, more: &[&str]) {
        self.kill();
        self.more = more.iter().map(|setting| (*setting).to_owned()).collect();
        self.start();
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        drop(self.daemon.take());
    }

    /// Stops it as a service manager would.
    #[track_caller]
    pub fn stop(&mut self) {
        let ended_well = self.daemon.take().is_none_or(|mut daemon| daemon.stop());
        assert!(ended_well, "SIGTERM is answered by an orderly end with status 0");
    }

    /// A backup of its disk, taken while it is killed.
    pub fn image(&mut self) -> Scratch {
        self.kill();
        let image = Scratch::new("image");
        scratch::copy(&self.folder.path().join("data"), &image.path().join("data"));
        self.start();
        image
    }

    /// Killed, its disk put back to what a backup holds, and started.
    pub fn put_back(&mut self, image: &Scratch) {
        self.kill();
        scratch::copy(&image.path().join("data"), &self.folder.path().join("data"));
        self.start();
    }

    /// Its port, which stays over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it keeps everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its process.
    ///
    /// # Panics
    /// It does not run.
    #[track_caller]
    pub fn daemon(&mut self) -> &mut Daemon {
        self.daemon.as_mut().expect("the server runs")
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Somebody who may edit the catalog, tills and tokens.
    pub fn admin(&self) -> Client {
        Client::new(&self.url(), &self.admin)
    }

    /// Somebody who may edit members and read reports.
    pub fn clerk(&self) -> Client {
        Client::new(&self.url(), &self.clerk)
    }

    /// Somebody without a token.
    pub fn nobody(&self) -> Client {
        Client::nobody(&self.url())
    }

    /// A new till: its id and its enrolment code.
    #[track_caller]
    pub fn new_till(&self, outlet: &str, name: &str) -> (String, String) {
        let made = self.admin().post("/api/tills", &json!({"outlet": outlet, "name": name})).must(201);
        (words(&made["till"]), words(&made["enrolment_code"]))
    }

    /// A member with a card and no points.
    #[track_caller]
    pub fn enrol(&self, name: &str, card: &str) -> Member {
        let made = self.clerk().post("/api/enrolments", &enrolment(name, Some(card))).must(201);
        Member {
            customer: words(&made["customer"]["id"]),
            membership: words(&made["memberships"][0]["id"]),
            card: card.to_owned(),
        }
    }

    /// A member with a card and points.
    #[track_caller]
    pub fn member(&self, name: &str, card: &str, with: i64) -> Member {
        let member = self.enrol(name, card);
        let path = format!("/api/memberships/{}/earn-points", member.membership);
        let body = json!({"currency": "PTS", "points": with.to_string(), "reason": "opening balance"});
        let _ = self.clerk().post(&path, &body).must(201);
        member
    }

    /// The member's account as the server has it.
    #[track_caller]
    pub fn account(&self, member: &Member) -> Value {
        let membership = self.clerk().get(&format!("/api/memberships/{}", member.membership)).must(200);
        membership["accounts"][0].clone()
    }

    /// The member's balance as the server has it.
    #[track_caller]
    pub fn balance(&self, member: &Member) -> i64 {
        points(&self.account(member)["balance"])
    }

    /// A transaction read back by its id.
    #[track_caller]
    pub fn transaction(&self, id: &str) -> Value {
        (*self.clerk().get(&format!("/api/transactions/{id}")).must(200)).clone()
    }

    /// What is owed in points, by the liability report, once nothing is in suspense any more. Checks that the accounts
    /// and the general ledger agree.
    #[track_caller]
    pub fn liability_when_settled(&self) -> Value {
        eventually("nothing is in suspense", || {
            let report = self.clerk().get("/api/reports/liability").must(200);
            let item = report["items"].as_array()?.iter().find(|item| item["currency"] == "PTS")?.clone();
            assert_eq!(item["points"], item["ledger"], "accounts and ledger disagree: {item}");
            (points(&item["suspense"]) == 0).then_some(item)
        })
    }

    /// What waits for a person, or was settled by rule.
    #[track_caller]
    pub fn cases(&self) -> Vec<Value> {
        self.clerk().all("/api/overdrafts")
    }

    /// Waits until a transaction has this state at the server, and gives it back.
    #[track_caller]
    pub fn transaction_in_state(&self, id: &str, state: &str) -> Value {
        let mut found = Value::Null;
        until(&format!("{id} is {state} at the server"), || {
            let answer = self.clerk().get(&format!("/api/transactions/{id}"));
            found = (*answer).clone();
            if found["state"] == state { Ok(()) } else { Err(answer.text) }
        });
        found
    }

    /// Checks every chain, control total and seal.
    #[track_caller]
    pub fn verify(&self) {
        let verified = self.command(&["verify"]);
        let told = [verified.stdout, verified.stderr].concat();
        assert!(verified.status.success(), "verify: {}", String::from_utf8_lossy(&told));
    }
}

/// The body of an enrolment.
pub fn enrolment(name: &str, card: Option<&str>) -> Value {
    json!({
        "customer": {"name": name},
        "memberships": [{
            "program": goods::PROGRAM, "card": card,
            "consent": {"text_version": "2026-01", "channel": "pos"}
        }]
    })
}
