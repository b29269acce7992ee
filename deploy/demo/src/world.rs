//! The demo's small world: a server, a catalog, members, and three tills in two outlets, all on loopback, with their
//! stores in a directory that is thrown away.

use std::path::Path;
use std::sync::Arc;

use edge::app::link::Link;
use edge::clock::Clock;
use edge::store::{Store, StoreOptions};
use edge::sync::client::Client as SyncClient;
use edge::sync::transport::Http;
use serde_json::{Value, json};
use shared::api::office::NewToken;
use sync_server::app::tokens;

use crate::client::{Client, Failure};

/// The running world.
pub(crate) struct World {
    pub(crate) office: Client,
    pub(crate) tills: Vec<Till>,
    pub(crate) members: Vec<Member>,
    server: sync_server::Running,
}

/// A till of it.
pub(crate) struct Till {
    pub(crate) name: &'static str,
    pub(crate) client: Client,
    running: edge::Running,
}

/// A member of it.
pub(crate) struct Member {
    pub(crate) card: String,
    pub(crate) name: String,
    pub(crate) points: u64,
}

/// Outlet, name of the till.
const TILLS: [(&str, &str); 3] =
    [("kl-central", "KL Central 1"), ("kl-central", "KL Central 2"), ("langkawi-jetty", "Langkawi Jetty 1")];

/// Names for members; made up.
const NAMES: [&str; 5] = ["John Chen", "Aisha Osman", "Emma Rodriguez", "Marcus Thompson", "David Park"];

impl World {
    /// Builds it in a directory, with so many members.
    pub(crate) async fn build(dir: &Path, members: u32) -> Result<Self, Failure> {
        let server = sync_server::Server::start(sync_server::Options::local(dir.join("server"))).await;
        let server = server.map_err(|error| format!("the server does not start: {error}"))?;
        let office = Client::new(&server.url, &admin_token(&server).await?)?;
        office.put("/api/catalog", &catalog()?).await?;
        office.post("/api/notification-templates", &tenth_stamp()).await?;
        let members = enrol_members(&office, members).await?;
        let mut tills = Vec::new();
        for (place, (outlet, name)) in TILLS.into_iter().enumerate() {
            let dir = dir.join(format!("till-{}", place + 1));
            tills.push(start_till(&dir, &office, outlet, name).await?);
        }
        Ok(Self { office, tills, members, server })
    }

    /// Stops all of it.
    pub(crate) async fn stop(self) {
        for till in self.tills {
            if let Err(error) = till.running.stop().await {
                eprintln!("{} did not stop well: {error}", till.name);
            }
        }
        self.server.stop().await;
    }
}

async fn admin_token(server: &sync_server::Running) -> Result<String, Failure> {
    let asked = NewToken {
        name: "demo".to_owned(),
        role: "admin".to_owned(),
        outlet: None,
        programs: None,
        customer_id: None,
        minutes: None,
    };
    let made = tokens::create(&server.app, sync_server::app::Who::local(), asked).await;
    let made = made.map_err(|error| format!("no admin token: {error}"))?;
    made.token.ok_or_else(|| "the token was not told".to_owned())
}

/// The catalog that uses every feature there is; the story's figures are those of its `standard-rewards`.
const CATALOG: &str = include_str!("../catalog.toml");

fn catalog() -> Result<Value, Failure> {
    let document = sync_server::app::catalog::read_document("catalog.toml", CATALOG)?;
    serde_json::to_value(document).map_err(|error| error.to_string())
}

/// What a rule of the catalog writes to the member whose stamp is the tenth.
fn tenth_stamp() -> Value {
    let text = |language: &str, subject: &str, body: &str| json!({"language": language, "subject": subject, "body": body});
    json!({
        "code": "tenth-stamp", "program": "coffee-club", "kind": "rule", "channel": "email",
        "from": "Coffee Club <coffee@example.com>",
        "texts": [
            text("en", "Ten stamps", "Dear {{name}}, with receipt {{receipt}} you have ten stamps. A coffee is on us."),
            text("ms", "Sepuluh setem", "{{name}}: sepuluh setem dengan resit {{receipt}}. Secawan kopi percuma untuk anda."),
        ],
    })
}

/// Who takes part in what beside: the member's place, the program, and what they begin with. Green Days tries itself with
/// its pilot's customers, who are the first three; nobody new comes to the founders' club. John Chen, of whom the story
/// tells, is in the one program only.
const BESIDE: [(u32, &str, &str, &str); 6] = [
    (1, "premium", "LANTERNS", "25.0"),
    (1, "coffee-club", "STAMPS", "9"),
    (2, "coffee-club", "STAMPS", "12"),
    (2, "green-days", "LEAVES", "120.00"),
    (3, "premium", "LANTERNS", "8.5"),
    (4, "workshop", "SPARKS", "30"),
];

/// Enrols members. The first has the card of the story and 600 points, the others a little more each.
async fn enrol_members(office: &Client, count: u32) -> Result<Vec<Member>, Failure> {
    let mut members = Vec::new();
    for place in 0..count {
        let first = usize::try_from(place).map_err(|error| error.to_string())?;
        let name =
            NAMES.get(first).map_or_else(|| format!("Member {}", place + 1), |name| (*name).to_owned());
        let card = (6_009_410_000_012_345_u64 + u64::from(place)).to_string();
        let points = 600 + 50 * u64::from(place % 40);
        let consent = json!({"text_version": "2026-01", "channel": "demo"});
        let mut programs = vec![json!({"program": "standard-rewards", "card": card, "consent": consent})];
        let beside: Vec<_> = BESIDE.into_iter().filter(|(member, ..)| *member == place).collect();
        programs
            .extend(beside.iter().map(|(_, program, ..)| json!({"program": program, "consent": consent})));
        let enrolled = office
            .post(
                "/api/enrolments",
                &json!({
                    "customer": {"name": name, "external_id": (10_001 + place).to_string()},
                    "memberships": programs, "allow_duplicate": true,
                }),
            )
            .await?;
        open(office, &enrolled, ("standard-rewards", "PTS", &points.to_string())).await?;
        for (_, program, currency, points) in beside {
            open(office, &enrolled, (program, currency, points)).await?;
        }
        members.push(Member { card, name, points });
    }
    Ok(members)
}

/// What a new member begins with in one program, confirmed first where the program asks for it.
async fn open(
    office: &Client,
    enrolled: &Value,
    (program, currency, points): (&str, &str, &str),
) -> Result<(), Failure> {
    let memberships = enrolled["memberships"].as_array();
    let membership = memberships.into_iter().flatten().find(|it| it["program"]["code"] == program);
    let membership = membership.ok_or_else(|| format!("no membership of {program} in {enrolled}"))?;
    let path = format!("/api/memberships/{}", membership["id"].as_str().unwrap_or_default());
    if membership["status"] == "pending" {
        let confirmed = json!({"status": "active", "reason": "the fee is paid"});
        office.post(&format!("{path}/status"), &confirmed).await?;
    }
    let opening = json!({"currency": currency, "points": points, "reason": "opening balance"});
    office.post(&format!("{path}/adjust-points"), &opening).await?;
    Ok(())
}

/// Registers a till at head office, enrols it, fetches what it caches, and starts it.
async fn start_till(dir: &Path, office: &Client, outlet: &str, name: &'static str) -> Result<Till, Failure> {
    let registered = office.post("/api/tills", &json!({"outlet": outlet, "name": name})).await?;
    let code = registered["enrolment_code"].as_str().ok_or("a till without an enrolment code")?;
    let sync = SyncClient::new(Arc::new(Http::new(&office.url)?), Clock::machine(), Link::default());
    let identity = edge::sync::enrol::enrolled(&sync, dir, &office.url, code).await?;
    let store = Store::create(dir, identity, StoreOptions::default()).map_err(|error| error.to_string())?;
    store.stop().await.map_err(|error| error.to_string())?;
    // its lock goes with it
    drop(store);
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let options = edge::Options { listen, ..edge::Options::new(dir) };
    let running = edge::Till::start(options).await?;
    let token = running.app.new_token("demo").map_err(|error| error.to_string())?;
    let client = Client::new(&running.url, &token)?;
    let round = client.post("/api/sync", &json!({})).await?;
    match round["error"].as_str() {
        Some(error) => Err(format!("{name} does not reach the server: {error}")),
        None => Ok(Till { name, client, running }),
    }
}
