//! The commands that look after a till: each asks the same local API, whether the daemon runs or not.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::counter::Counter;
use super::tell;
use crate::store;

/// `token create`.
pub(super) async fn token(data_dir: &Path, name: &str, as_json: bool) -> Result<ExitCode, String> {
    let made = ask(data_dir, Some(&json!({"name": name})), "/local/tokens").await?;
    tell(&if as_json { made.to_string() } else { word(&made["token"]) })?;
    Ok(ExitCode::SUCCESS)
}

/// `status`.
pub(super) async fn status(data_dir: &Path, as_json: bool) -> Result<ExitCode, String> {
    let status = ask(data_dir, None, "/api/status").await?;
    show(&status, as_json)?;
    Ok(ExitCode::SUCCESS)
}

/// `queue`.
pub(super) async fn queue(data_dir: &Path, parked: bool, as_json: bool) -> Result<ExitCode, String> {
    let state = if parked { "parked" } else { "pending" };
    let counter = Counter::open(data_dir).await?;
    let mut after = String::new();
    loop {
        let page = counter.get(&format!("/api/queue?state={state}&limit=500{after}")).await?;
        for item in page["items"].as_array().into_iter().flatten() {
            let columns = ["id", "at", "kind", "receipt", "reason"].map(|column| word(&item[column]));
            tell(&if as_json { item.to_string() } else { columns.join("  ").trim_end().to_owned() })?;
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    counter.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// `verify`. A store that the daemon does not hold is walked as it lies on the disk, damaged or not.
pub(super) async fn verify(data_dir: &Path, as_json: bool) -> Result<ExitCode, String> {
    let report = match store::verify(data_dir) {
        Err(store::StoreError::Locked) => ask(data_dir, None, "/local/verify").await?,
        report => serde_json::to_value(report.map_err(text)?).map_err(text)?,
    };
    show(&report, as_json)?;
    Ok(if report["ok"] == json!(true) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `salvage`. The daemon must not run.
pub(super) fn salvage(data_dir: &Path, as_json: bool) -> Result<ExitCode, String> {
    let reports = store::salvage(data_dir).map_err(text)?;
    if reports.is_empty() && !as_json {
        tell("No journal is damaged.")?;
    }
    for report in reports {
        let object = serde_json::to_value(report).map_err(text)?;
        show(&object, as_json)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `backup`.
pub(super) async fn backup(data_dir: &Path, to: &Path, as_json: bool) -> Result<ExitCode, String> {
    // the daemon may run in another directory
    let to = std::path::absolute(to).map_err(text)?;
    let report = ask(data_dir, Some(&json!({"to": to})), "/local/backup").await?;
    show(&report, as_json)?;
    Ok(ExitCode::SUCCESS)
}

/// `export-queue`.
pub(super) async fn export_queue(data_dir: &Path) -> Result<ExitCode, String> {
    let counter = Counter::open(data_dir).await?;
    let mut after = 0;
    loop {
        let page = counter.get(&format!("/local/queue?after={after}")).await?;
        for item in page["items"].as_array().into_iter().flatten() {
            tell(&item.to_string())?;
        }
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    counter.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// One question: a `POST` where there is a body, else a `GET`.
async fn ask(data_dir: &Path, body: Option<&Value>, path: &str) -> Result<Value, String> {
    let counter = Counter::open(data_dir).await?;
    let answer = match body {
        Some(body) => counter.post(path, body).await,
        None => counter.get(path).await,
    };
    counter.close().await?;
    answer
}

/// An object for people (a line for each field), or as JSON.
fn show(object: &Value, as_json: bool) -> Result<(), String> {
    if as_json {
        return tell(&object.to_string());
    }
    for (name, value) in object.as_object().into_iter().flatten() {
        tell(&format!("{:<20} {}", name.replace('_', " "), word(value)))?;
    }
    Ok(())
}

/// A JSON value as a word for people.
fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
