//! `tillkeep-edge run`.

use std::path::Path;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::config::Config;
use super::tell;
use crate::store::StoreOptions;
use crate::till::{self, Options, Till};
use crate::web::{Scanner, Settings};

/// Runs the daemon until it is told to stop.
pub(super) async fn run(data_dir: &Path, config: &Config, json: bool) -> Result<ExitCode, String> {
    let defaults = StoreOptions::default();
    let store = StoreOptions {
        segment_bytes: config.segment_bytes.unwrap_or(defaults.segment_bytes),
        cache_bytes: config.cache_bytes.unwrap_or(defaults.cache_bytes),
        ..defaults
    };
    let options = Options {
        listen: config.listen.unwrap_or(till::LISTEN),
        server: config.server.clone(),
        ca: config.ca.clone(),
        budget_ms: config.authorize_budget_ms.unwrap_or(till::BUDGET_MS),
        head_ms: config.head_timeout_ms.unwrap_or(till::HEAD_MS),
        store,
        page: page(config),
        ..Options::new(data_dir)
    };
    let failed = |error: std::io::Error| error.to_string();
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let running = Till::start(options).await?;
    let url = &running.url;
    tell(&if json {
        serde_json::json!({"url": url}).to_string()
    } else {
        format!("The till answers at {url}")
    })?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    running.stop().await?;
    Ok(ExitCode::SUCCESS)
}

fn page(config: &Config) -> Settings {
    let defaults = Settings::default();
    Settings {
        printer: config.printer.clone(),
        lock_minutes: config.lock_minutes.unwrap_or(defaults.lock_minutes).max(1),
        scanner: Scanner {
            prefix: config.scanner_prefix.clone().unwrap_or(defaults.scanner.prefix),
            suffix: config.scanner_suffix.clone().unwrap_or(defaults.scanner.suffix),
        },
        terms: config.terms.clone().unwrap_or(defaults.terms),
    }
}
