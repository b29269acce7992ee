//! A running till: its store, its HTTP, its socket, its sync, started and stopped together. The daemon, the demo and
//! tests all start it here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::{Listener, ListenerExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::link::Link;
use crate::cli::socket;
use crate::clock::Clock;
use crate::http;
use crate::http::serve::serve;
use crate::store::{Store, StoreOptions};
use crate::sync;
use crate::sync::client::Client;
use crate::sync::transport::{Http, Transport};
use crate::web;

/// How long stopping waits for requests under way.
const STOPPING: Duration = Duration::from_secs(5);

/// How a till is started.
#[derive(Clone)]
pub struct Options {
    /// Where it keeps everything. It is enrolled already.
    pub data_dir: PathBuf,
    /// Where its HTTP listens; port 0 is any free one.
    pub listen: SocketAddr,
    /// The server's URL, where it is another than at the enrolment.
    pub server: Option<String>,
    /// Who signs the server's certificate (a PEM file), where this machine does not know them.
    pub ca: Option<PathBuf>,
    /// How long a redemption waits for the server, in ms.
    pub budget_ms: u64,
    /// How long a connection may take over a request's head, in ms.
    pub head_ms: u64,
    /// What the store may take.
    pub store: StoreOptions,
    /// How its page is set up.
    pub page: web::Settings,
    /// Another way to the server than HTTP; for tests.
    pub transport: Option<Arc<dyn Transport>>,
}

/// How long a redemption waits for the server unless told otherwise, in ms.
pub const BUDGET_MS: u64 = 400;

/// How long a connection may take over a request's head unless told otherwise, in ms: a POS that keeps one open asks more
/// often than that, or opens another.
pub(crate) const HEAD_MS: u64 = 60_000;

/// Where a till listens unless told otherwise.
pub const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7411);

impl Options {
    /// A till's defaults.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            listen: LISTEN,
            server: None,
            ca: None,
            budget_ms: BUDGET_MS,
            head_ms: HEAD_MS,
            store: StoreOptions::default(),
            page: web::Settings::default(),
            transport: None,
        }
    }
}

/// The till.
#[derive(Debug)]
pub struct Till;

/// A till that runs.
pub struct Running {
    /// Where it answers.
    pub url: String,
    /// What it does, for callers in the same process.
    pub app: App,
    socket: PathBuf,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Till {
    /// Starts a till. It serves from what it holds, whether there is a line or not.
    pub async fn start(options: Options) -> Result<Running, String> {
        let clock = options.store.clock.clone();
        let store = Store::open(&options.data_dir, options.store).map_err(text)?;
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|error| format!("{} cannot be listened on: {error}", options.listen))?;
        let url = format!("http://{}", listener.local_addr().map_err(text)?);
        let transport = match (options.transport, &options.ca) {
            (None, Some(ca)) => {
                let known = store.identity().server_url.clone();
                let server = options.server.as_deref().unwrap_or(&known);
                Some(Arc::new(Http::trusting(server, Some(ca))?) as Arc<dyn Transport>)
            }
            (given, _) => given,
        };
        let desk = desk(store, &clock, options.server.as_deref(), transport, options.budget_ms)?;
        desk.app.release_left_over().await.map_err(text)?;

        let (stop, stopping) = watch::channel(false);
        let head_ms = options.head_ms;
        let local = socket::listen(&options.data_dir)?;
        let tasks = vec![
            tokio::spawn(serve(
                quick(listener),
                http::router(&desk.app, &options.page),
                head_ms,
                stopping.clone(),
            )),
            tokio::spawn(serve(local, http::local_router(&desk.app), head_ms, stopping.clone())),
            tokio::spawn(sync::tell_status(desk.app.clone(), stopping.clone())),
            tokio::spawn(time_out_holds(desk.app.clone(), stopping.clone())),
            tokio::spawn(sync::run(desk.app.clone(), desk.client, desk.rounds, stopping)),
        ];
        Ok(Running { url, app: desk.app, socket: socket::path(&options.data_dir), stop, tasks })
    }
}

/// How often it is looked whether a payment hold is past its time, or a right.
const HOLDS_EVERY: Duration = Duration::from_secs(5);

/// Ends payment holds whose time is over, and gives such rights back, until told to stop.
async fn time_out_holds(app: App, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = app.time_out_holds().await {
            tracing::warn!(%error, "holds past their time could not be ended");
        }
        if let Err(error) = app.return_rights().await {
            tracing::warn!(%error, "rights could not be given back");
        }
        tokio::select! {
            () = tokio::time::sleep(HOLDS_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// A till that neither listens nor syncs by itself: its owner sells at it and tells it when to sync. For whoever runs
/// hundreds of tills in one process.
pub struct ByHand {
    /// What it does.
    pub app: App,
    /// Its conversation with the server.
    pub sync: sync::ByHand,
}

impl ByHand {
    /// A till on its store, over a transport.
    pub async fn open(
        store: Store,
        clock: &Clock,
        transport: Arc<dyn Transport>,
        budget_ms: u64,
    ) -> Result<Self, String> {
        let desk = desk(store, clock, None, Some(transport), budget_ms)?;
        desk.app.release_left_over().await.map_err(text)?;
        Ok(Self { sync: sync::ByHand::new(desk.app.clone(), desk.client), app: desk.app })
    }
}

/// A till that does not listen: what works on a store, and its way to the server.
pub(crate) struct Desk {
    pub(crate) app: App,
    pub(crate) client: Client,
    pub(crate) rounds: sync::Rounds,
}

/// Sets a till up on its store. `server` is where its server is for now, instead of where the till was enrolled.
pub(crate) fn desk(
    store: Store,
    clock: &Clock,
    server: Option<&str>,
    transport: Option<Arc<dyn Transport>>,
    budget_ms: u64,
) -> Result<Desk, String> {
    let transport = match transport {
        Some(transport) => transport,
        None => Arc::new(Http::new(server.unwrap_or(&store.identity().server_url))?),
    };
    if let Some(told) = store.read().map_err(text)?.as_of() {
        clock.heard(told);
    }
    let link = Link::default();
    link.bootstrapped(sync::bootstrapped(&store));
    let client = Client::new(transport, clock.clone(), link.clone());
    let (server, rounds) = sync::Server::new(client.clone(), store.clone());
    let app = App::new(store, clock.clone(), link, server, budget_ms);
    Ok(Desk { app, client, rounds })
}

impl Running {
    /// Stops it: requests under way are answered, the store is closed.
    pub async fn stop(self) -> Result<(), String> {
        // everybody who listens may have ended by themselves
        let _ = self.stop.send(true);
        for mut task in self.tasks {
            // a listener of events never ends by itself
            if tokio::time::timeout(STOPPING, &mut task).await.is_err() {
                task.abort();
            }
        }
        socket::remove(&self.socket);
        self.app.store().stop().await.map_err(text)
    }

    /// Where its data are.
    pub fn data_dir(&self) -> &Path {
        self.socket.parent().unwrap_or(Path::new("."))
    }
}

/// Sends small answers at once: a POS waits for each.
fn quick(listener: TcpListener) -> impl Listener<Io: std::fmt::Debug, Addr = SocketAddr> {
    listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays slow");
        }
    })
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
