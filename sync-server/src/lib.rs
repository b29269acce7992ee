//! Tillkeep's centre: takes every till's journal in, posts and settles it, and gives head office its books.
//!
//! [`store`] keeps, [`app`] loads, asks the core and commits, [`http`], [`local`] and [`jobs`] stand on it; [`Server`]
//! runs all of them. Only [`clock`] says now.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub mod app;
pub mod cli;
pub mod clock;
mod console;
pub mod http;
pub mod jobs;
pub mod local;
pub mod simulate;
pub mod store;

use app::{App, AppError};
use http::serve::serve;

/// How a server is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its store lies.
    pub data_dir: PathBuf,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The certificate that it serves TLS with; `None` leaves that to a proxy before it.
    pub tls: Option<http::tls::Files>,
    /// How long a connection may take over a request's head, in ms.
    pub head_ms: u64,
    /// How often it settles, in ms; `None` settles only when it is told to.
    pub settle_every_ms: Option<u64>,
    /// The mail server that e-mail goes to, such as `smtps://name:password@mail.example.com`.
    pub smtp_url: Option<String>,
}

/// How long a connection may take over a request's head unless told otherwise, in ms: a till that keeps one open asks more
/// often than that, or opens another.
pub const HEAD_MS: u64 = 60_000;

impl Options {
    /// A server on a free port of this machine.
    pub fn local(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            head_ms: HEAD_MS,
            settle_every_ms: Some(jobs::SETTLE_EVERY_MS),
            smtp_url: None,
        }
    }
}

/// The centre's daemon.
pub struct Server;

/// A server that runs.
pub struct Running {
    /// Its address, such as `http://127.0.0.1:43121`; `https` where it has a certificate.
    pub url: String,
    /// What it does, for those in the same process.
    pub app: Arc<App>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Why a server did not start.
#[derive(Debug)]
pub enum StartError {
    /// Its store did not open.
    Store(AppError),
    /// Its address or socket could not be had.
    Listen(std::io::Error),
    /// Its certificate cannot be used.
    Tls(String),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Listen(error) => write!(f, "cannot listen: {error}"),
            Self::Tls(error) => f.write_str(error),
        }
    }
}

impl std::error::Error for StartError {}

impl Server {
    /// Starts a server; it answers from when this returns.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let tls = options.tls.as_ref().map(http::tls::config).transpose().map_err(StartError::Tls)?;
        let directory = options.data_dir.clone();
        let opened = tokio::task::spawn_blocking(move || App::open(&directory)).await;
        let opened = opened.map_err(|error| StartError::Listen(std::io::Error::other(error)))?;
        let app = opened.map_err(StartError::Store)?;
        let listener = TcpListener::bind(options.listen).await;
        let listener = listener.map_err(|error| {
            StartError::Listen(std::io::Error::new(error.kind(), format!("{}: {error}", options.listen)))
        })?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let door = local::socket::bind(&options.data_dir).map_err(StartError::Listen)?;
        let (stop, stopped) = watch::channel(false);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let router = http::router(Arc::clone(&app));
        let served = match tls {
            Some(config) => {
                let listener = http::tls::Tls::new(listener, config).map_err(StartError::Listen)?;
                tokio::spawn(serve(listener, router, options.head_ms, stopped.clone()))
            }
            None => tokio::spawn(serve(listener, router, options.head_ms, stopped.clone())),
        };
        let mut tasks =
            vec![served, tokio::spawn(local::socket::serve(door, Arc::clone(&app), stopped.clone()))];
        if let Some(every_ms) = options.settle_every_ms {
            tasks.push(tokio::spawn(jobs::settle(Arc::clone(&app), every_ms, stopped.clone())));
            tasks.push(tokio::spawn(jobs::lapse(Arc::clone(&app), stopped.clone())));
            tasks.push(tokio::spawn(jobs::forget(Arc::clone(&app), stopped.clone())));
            tasks.push(tokio::spawn(jobs::notices::tell(Arc::clone(&app), options.smtp_url, stopped)));
        }
        Ok(Running { url: format!("{scheme}://{address}"), app, stop, tasks })
    }
}

/// How long open requests may take once the server is told to stop, in ms; a waiting pull is cut off then.
const GRACE_MS: u64 = 2_000;

impl Running {
    /// Lets open requests end, then closes the store.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let grace = std::time::Duration::from_millis(GRACE_MS);
        for mut task in self.tasks {
            if tokio::time::timeout(grace, &mut task).await.is_err() {
                task.abort();
                let _ = task.await;
            }
        }
        let app = self.app;
        let _ = std::fs::remove_file(local::socket::path(app.directory()));
        let _ = tokio::task::spawn_blocking(move || app.close()).await;
    }
}
