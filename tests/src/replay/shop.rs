//! A store's till, in one of two forms behind one set of functions: in this process through the real engine, or as a
//! process of its own that can be killed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use edge::ByHand;
use edge::app::Error;
use edge::app::ladder::Answer as Reply;
use edge::app::link::Link;
use edge::clock::Clock;
use edge::store::{Store, StoreOptions};
use edge::sync::client::Client;
use edge::sync::enrol;
use edge::sync::transport::{Http, Request, Transport};
use serde_json::json;
use shared::api::transaction::{SaleRequest, Transaction};

use crate::harness::http;
use crate::harness::till::Till;

/// A store's till.
pub enum Shop {
    /// In this process.
    Here(Box<Here>),
    /// A process of its own.
    Apart(Apart),
}

/// What a till answers to a sale.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It is taken.
    Sold {
        /// The transaction.
        transaction: Box<Transaction>,
        /// Whether it is the first answer over again.
        replayed: bool,
    },
    /// It is refused with this code.
    Refused(String),
}

/// How long a redemption waits for the server, in ms: the till's own default.
const BUDGET_MS: u64 = edge::BUDGET_MS;
/// A small journal segment: most stores have few receipts.
const SEGMENT_BYTES: usize = 64 * 1024;
/// Memory for a cache's pages: 457 of these are 225 MiB.
const CACHE_BYTES: usize = 512 * 1024;

/// A till in this process.
pub struct Here {
    till: ByHand,
    line: Arc<Cable>,
    folder: PathBuf,
}

/// The way to the server, which can be cut.
struct Cable {
    http: Http,
    cut: AtomicBool,
}

impl Transport for Cable {
    fn send(&self, request: Request) -> Reply<'_, Result<edge::sync::transport::Reply, String>> {
        if self.cut.load(Ordering::Relaxed) {
            return Box::pin(async { Err("the line is cut".to_owned()) });
        }
        self.http.send(request)
    }
}

impl Here {
    /// A new till in a folder, enrolled with a code and bootstrapped. `http` is shared by all tills.
    ///
    /// # Errors
    /// The server or the disk does not do it.
    pub async fn open(folder: &Path, server: &str, code: &str, http: Http) -> Result<Self, String> {
        let line = Arc::new(Cable { http, cut: AtomicBool::new(false) });
        let clock = Clock::machine();
        let client = Client::new(Arc::clone(&line) as Arc<dyn Transport>, clock.clone(), Link::default());
        let identity = enrol::enrolled(&client, folder, server, code).await?;
        let options = StoreOptions {
            segment_bytes: SEGMENT_BYTES,
            cache_bytes: CACHE_BYTES,
            clock: clock.clone(),
            ..StoreOptions::default()
        };
        let store = Store::create(folder, identity, options).map_err(|error| error.to_string())?;
        enrol::forget_key(folder);
        let way = Arc::clone(&line) as Arc<dyn Transport>;
        let till = ByHand::open(store, &clock, way, BUDGET_MS).await?;
        Ok(Self { till, line, folder: folder.to_owned() })
    }

    async fn sell(&self, sale: &SaleRequest) -> Result<Answer, String> {
        match self.till.app.sell(None, sale).await {
            Ok(done) => Ok(Answer::Sold { transaction: Box::new(done.body), replayed: done.replayed }),
            Err(Error::Refused(refusal)) => Ok(Answer::Refused(refusal.code().to_owned())),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A till as a process of its own. Between its customers it is kept off the line: a till waits at the server for
/// anything to happen, and with a year in some minutes something always does.
#[derive(Clone)]
pub struct Apart(Arc<Mutex<Till>>);

impl Apart {
    /// A till that runs.
    #[must_use]
    pub fn new(till: Till) -> Self {
        Self(Arc::new(Mutex::new(till)))
    }

    /// Does something at it, on a thread that may block.
    async fn at<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Till) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let till = Arc::clone(&self.0);
        let acting = move || act(&mut till.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(acting).await.map_err(|error| format!("a till's process: {error}"))?
    }
}

fn network(till: &Till, mode: &str) -> Result<(), String> {
    let answer = ask(till, "POST", "/api/network", Some(json!({"mode": mode}).to_string()))?;
    if answer.status == 200 { Ok(()) } else { Err(answer.text) }
}

fn ask(till: &Till, method: &str, path: &str, body: Option<String>) -> Result<http::Answer, String> {
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    let body = body.map(String::into_bytes);
    till.pos().send(&http::Request { method: method.to_owned(), path: path.to_owned(), headers, body })
}

fn round(till: &Till) -> Result<(), String> {
    let answer = ask(till, "POST", "/api/sync", Some("{}".to_owned()))?;
    match answer["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None if answer.status == 200 => Ok(()),
        None => Err(answer.text),
    }
}

fn sell(till: &Till, body: &str) -> Result<Answer, String> {
    let answer = ask(till, "POST", "/api/transactions", Some(body.to_owned()))?;
    match (answer.status, answer["code"].as_str()) {
        (201, _) => {
            let transaction = serde_json::from_str(&answer.text).map_err(|error| error.to_string())?;
            Ok(Answer::Sold { transaction: Box::new(transaction), replayed: answer.is_replay() })
        }
        (422 | 409, Some(code)) => Ok(Answer::Refused(code.to_owned())),
        _ => Err(format!("{} {}", answer.status, answer.text)),
    }
}

/// Kills the till while a sale is under way there and starts it again; tells the answer, if one came.
fn sell_and_kill(till: &mut Till, body: &str, after: Duration) -> Option<Answer> {
    let pos = till.pos();
    let request = http::Request {
        method: "POST".to_owned(),
        path: "/api/transactions".to_owned(),
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: Some(body.as_bytes().to_vec()),
    };
    let sending = std::thread::spawn(move || pos.send(&request));
    std::thread::sleep(after);
    till.restart();
    let answer = sending.join().ok()?.ok()?;
    let transaction = serde_json::from_str(&answer.text).ok().filter(|_| answer.status == 201)?;
    Some(Answer::Sold { transaction, replayed: answer.is_replay() })
}

impl Shop {
    /// Lets the line be up or down.
    ///
    /// # Errors
    /// The till does not answer.
    pub async fn connect(&mut self, up: bool) -> Result<(), String> {
        match self {
            Self::Here(here) => {
                here.line.cut.store(!up, Ordering::Relaxed);
                Ok(())
            }
            Self::Apart(apart) => {
                let act = move |till: &mut Till| {
                    if up {
                        till.line().mend();
                    } else {
                        till.line().cut();
                    }
                    network(till, "auto")
                };
                apart.at(act).await
            }
        }
    }

    /// Leaves the till alone until its next customer.
    ///
    /// # Errors
    /// The till does not answer.
    pub async fn rest(&mut self) -> Result<(), String> {
        match self {
            Self::Here(_) => Ok(()),
            Self::Apart(apart) => apart.at(|till| network(till, "offline")).await,
        }
    }

    /// Pushes and pulls.
    ///
    /// # Errors
    /// The server was not reached.
    pub async fn round(&mut self) -> Result<(), String> {
        match self {
            Self::Here(here) => here.till.sync.round().await.error.map_or(Ok(()), Err),
            Self::Apart(apart) => apart.at(|till| round(till)).await,
        }
    }

    /// Pushes what was sold.
    ///
    /// # Errors
    /// The server was not reached.
    pub async fn tell(&mut self) -> Result<(), String> {
        match self {
            Self::Here(here) => here.till.sync.tell().await,
            Self::Apart(apart) => apart.at(|till| round(till)).await,
        }
    }

    /// What the till shows on a card: the balance, and what of it can be spent.
    ///
    /// # Errors
    /// It does not know the card.
    pub async fn shows(&self, card: &str) -> Result<(i64, i64), String> {
        let shown = match self {
            Self::Here(here) => {
                let scan = here.till.app.scan_or_ask(card).await.map_err(|error| error.to_string())?;
                let account = scan.memberships.first().and_then(|membership| membership.accounts.first());
                account.map(|account| [account.balance.clone(), account.spendable.clone()])
            }
            Self::Apart(apart) => {
                let path = format!("/api/cards/{card}");
                let answer = apart.at(move |till| ask(till, "GET", &path, None)).await?;
                let account = &answer["memberships"][0]["accounts"][0];
                let text = |name: &str| account[name].as_str().map(str::to_owned);
                text("balance").zip(text("spendable")).map(|(balance, spendable)| [balance, spendable])
            }
        };
        let points = shown.and_then(|[balance, spendable]| balance.parse().ok().zip(spendable.parse().ok()));
        points.ok_or_else(|| format!("the scan of {card} shows no account"))
    }

    /// A sale.
    ///
    /// # Errors
    /// The till does not answer.
    pub async fn sell(&self, sale: &SaleRequest) -> Result<Answer, String> {
        match self {
            Self::Here(here) => here.sell(sale).await,
            Self::Apart(apart) => {
                let body = body(sale)?;
                apart.at(move |till| sell(till, &body)).await
            }
        }
    }

    /// A sale during which the till's process is killed and started again. The answer, if one came before.
    ///
    /// # Errors
    /// The till does not come back.
    pub async fn sell_and_kill(&self, sale: &SaleRequest, after_us: u64) -> Result<Option<Answer>, String> {
        let Self::Apart(apart) = self else { return Ok(None) };
        let (body, after) = (body(sale)?, Duration::from_micros(after_us));
        apart.at(move |till| Ok(sell_and_kill(till, &body, after))).await
    }

    /// How many entries the server does not have.
    ///
    /// # Errors
    /// The till does not answer.
    pub async fn pending(&self) -> Result<u64, String> {
        match self {
            Self::Here(here) => Ok(here.till.app.status().map_err(|error| error.to_string())?.pending),
            Self::Apart(apart) => {
                let status = apart.at(|till| ask(till, "GET", "/api/status", None)).await?;
                status["pending"].as_u64().ok_or(status.text)
            }
        }
    }

    /// Memory of a process of its own, in KiB; nothing of one in this process.
    pub async fn resident_kib(&self) -> u64 {
        match self {
            Self::Here(_) => 0,
            Self::Apart(apart) => apart.at(|till| Ok(till.daemon().resident_kib())).await.unwrap_or(0),
        }
    }

    /// Where it keeps everything.
    ///
    /// # Errors
    /// Never, of a till in this process.
    pub async fn folder(&self) -> Result<PathBuf, String> {
        match self {
            Self::Here(here) => Ok(here.folder.clone()),
            Self::Apart(apart) => apart.at(|till| Ok(till.folder().to_owned())).await,
        }
    }

    /// Closes the till.
    ///
    /// # Errors
    /// Its store cannot be closed.
    pub async fn close(self) -> Result<(), String> {
        match self {
            Self::Here(here) => here.till.app.store().stop().await.map_err(|error| error.to_string()),
            Self::Apart(apart) => {
                let end = move || drop(apart);
                tokio::task::spawn_blocking(end).await.map_err(|error| error.to_string())
            }
        }
    }
}

fn body(sale: &SaleRequest) -> Result<String, String> {
    serde_json::to_string(sale).map_err(|error| error.to_string())
}
