//! Data on stdout, messages and progress on stderr.

use std::io::Write as _;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::app::console::Console;

/// Writes a line of data.
pub(super) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // a closed pipe ends the reader's interest, not the work
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Writes a message.
pub(super) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "tillkeep-server: {line}");
}

/// The terminal, as a command's console.
pub(super) struct Terminal {
    json: bool,
    show: Option<fn(&Value) -> String>,
    bar: Option<ProgressBar>,
}

impl Terminal {
    pub(super) fn new(json: bool) -> Self {
        Self { json, show: None, bar: None }
    }

    /// How an answer in JSON is shown to people.
    pub(super) fn show(&mut self, show: fn(&Value) -> String) {
        self.show = Some(show);
    }
}

impl Console for Terminal {
    fn out(&mut self, line: &str) {
        match (self.show.filter(|_| !self.json), serde_json::from_str(line)) {
            (Some(show), Ok(answer)) => say(&show(&answer)),
            _ => say(line),
        }
    }

    fn err(&mut self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| complain(line)),
            None => complain(line),
        }
    }

    fn progress(&mut self, done: u64, total: u64) {
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}");
            ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_length(total);
        bar.set_position(done);
        if done >= total {
            bar.finish();
        }
    }
}
