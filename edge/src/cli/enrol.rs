//! `tillkeep-edge enrol`: keys, certificate, store, bootstrap; each step is there for good before the next, so that it
//! can be run again wherever it was cut off.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

use super::{complain, tell};
use crate::app::link::Link;
use crate::clock::Clock;
use crate::store::{Store, StoreError, StoreOptions};
use crate::sync::client::Client;
use crate::sync::enrol as sync_enrol;
use crate::sync::transport::{Http, Transport};
use crate::{sync, till};

/// How often a bootstrap that broke off is tried again before the command gives up.
const TRIES: u32 = 5;

/// Enrols, or goes on with an enrolment.
pub(super) async fn enrol(
    data_dir: &Path,
    server: &str,
    ca: Option<&Path>,
    code: &str,
    json: bool,
) -> Result<ExitCode, String> {
    let line: Arc<dyn Transport> = Arc::new(Http::trusting(server, ca)?);
    let options = StoreOptions::default();
    let clock = options.clock.clone();
    let store = match Store::open(data_dir, options.clone()) {
        Ok(store) => store,
        Err(StoreError::NotEnrolled) => {
            new_store(data_dir, Arc::clone(&line), (server, code), options).await?
        }
        Err(error) => return Err(error.to_string()),
    };
    let identity = store.identity();
    bootstrap(store, &clock, server, line).await?;
    let (node, till, outlet) = (identity.node.0, &identity.till_name, &identity.outlet_code);
    tell(&if json {
        serde_json::json!({"node": node, "till": till, "outlet": outlet}).to_string()
    } else {
        format!("Enrolled as node {node}: till {till} at {outlet}")
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn new_store(
    data_dir: &Path,
    line: Arc<dyn Transport>,
    (server, code): (&str, &str),
    options: StoreOptions,
) -> Result<Store, String> {
    let client = Client::new(line, Clock::machine(), Link::default());
    let identity = sync_enrol::enrolled(&client, data_dir, server, code).await;
    let identity = identity.map_err(|error| format!("{server}: {error}"))?;
    let store = Store::create(data_dir, identity, options).map_err(|error| error.to_string())?;
    sync_enrol::forget_key(data_dir);
    Ok(store)
}

/// Fetches everything that the till caches, with a bar on stderr.
async fn bootstrap(
    store: Store,
    clock: &Clock,
    server: &str,
    line: Arc<dyn Transport>,
) -> Result<(), String> {
    let desk = till::desk(store.clone(), clock, Some(server), Some(line), till::BUDGET_MS)?;
    let bar = ProgressBar::new(1_000);
    if let Ok(style) = ProgressStyle::with_template("fetching members {wide_bar} {percent:>3} %  {eta}") {
        bar.set_style(style);
    }
    let mut line = desk.app.link().watch();
    let shown = bar.clone();
    let show = tokio::spawn(async move {
        while line.changed().await.is_ok() {
            shown.set_position(u64::from(line.borrow().bootstrap_permille));
        }
    });
    let (stop, stopping) = watch::channel(false);
    let work = tokio::spawn(sync::run(desk.app.clone(), desk.client, desk.rounds, stopping));
    let result = rounds(&desk.app).await;
    // both end with this command at the latest
    let _ = stop.send(true);
    let _ = work.await;
    show.abort();
    if result.is_ok() {
        bar.finish_and_clear();
    } else {
        bar.abandon();
    }
    store.stop().await.map_err(|error| error.to_string())?;
    result
}

async fn rounds(app: &crate::app::App) -> Result<(), String> {
    let mut tries = 0;
    loop {
        let round = app.sync_now().await;
        let Some(error) = round.error else { return Ok(()) };
        tries += 1;
        if tries == TRIES {
            return Err(format!("{error}; run the same command again to go on from here"));
        }
        complain(&format!("{error}; trying again"));
        tokio::time::sleep(Duration::from_secs(u64::from(tries))).await;
    }
}
