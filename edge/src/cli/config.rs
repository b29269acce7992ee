//! Settings from a TOML file. Every one may be given as a flag or an environment variable too, which come first.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Level;

/// The settings file. An unknown name in it is refused, so that a misspelt one is noticed.
#[derive(Clone, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Where the till keeps everything.
    pub(super) data_dir: Option<PathBuf>,
    /// Where its HTTP listens. Default `127.0.0.1:7411`.
    pub(super) listen: Option<SocketAddr>,
    /// The server's URL. Default: that of the enrolment.
    pub(super) server: Option<String>,
    /// Who signs the server's certificate: a PEM file. Default: whom this machine trusts.
    pub(super) ca: Option<PathBuf>,
    /// How long a redemption waits for the server, in ms. Default 400.
    pub(super) authorize_budget_ms: Option<u64>,
    /// How long a connection may take over a request's head, in ms. Default 60000.
    pub(super) head_timeout_ms: Option<u64>,
    /// How much is logged. Default `info`.
    pub(super) log: Option<Level>,
    /// The size of a journal segment, in bytes. Default 1 MiB.
    pub(super) segment_bytes: Option<usize>,
    /// A receipt printer that understands ESC/POS: a device or a file. Default: the browser prints.
    pub(super) printer: Option<PathBuf>,
    /// Minutes without a key until the page's screen locks. Default 5.
    pub(super) lock_minutes: Option<u32>,
    /// What the scanner types before a code. Default nothing.
    pub(super) scanner_prefix: Option<String>,
    /// The key that the scanner presses after a code, `Enter` or `Tab`. Default `Enter`.
    pub(super) scanner_suffix: Option<String>,
    /// The version of the terms that are shown when the page enrols. Default `1`.
    pub(super) terms: Option<String>,
    /// Memory for the cache's pages, in bytes. Default 64 MiB.
    pub(super) cache_bytes: Option<usize>,
}

impl Config {
    /// Reads the file, where one is named.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Self::default()) };
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        toml::from_str(&text).map_err(|error| wrong(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_setting_is_refused_by_name() {
        let read = toml::from_str::<Config>;
        assert_eq!(read("authorize_budget_ms = 250\nlog = \"warn\"").unwrap().authorize_budget_ms, Some(250));
        assert!(read("autorize_budget_ms = 250").unwrap_err().to_string().contains("autorize_budget_ms"));
    }
}
