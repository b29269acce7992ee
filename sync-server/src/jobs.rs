//! What the centre does by itself: settle what the watermark has passed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::app::{App, settling};
use crate::clock;

/// How often it is looked whether something can be settled, in ms.
pub const SETTLE_EVERY_MS: u64 = 2_000;

/// Settles every few moments, until told to stop.
pub async fn settle(app: Arc<App>, every_ms: u64, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(every_ms)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let books = Arc::clone(&app);
        match tokio::task::spawn_blocking(move || settling::round_blocking(&books, clock::now())).await {
            Ok(Ok(0)) => {}
            Ok(Ok(cuts)) => tracing::debug!(cuts, "settled"),
            Ok(Err(error)) => tracing::error!(%error, "settling failed"),
            Err(error) => tracing::error!(%error, "settling ended early"),
        }
    }
}
