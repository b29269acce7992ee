//! What the centre does by itself: settle what the watermark has passed, close the days that are over, and see to what
//! a day's passing brings.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::app::{
    App, AppError, actions, benefits, days, grant, inactivity, levels, renewals, retention, settling,
};
use crate::clock;

pub mod mail;
pub mod notices;

mod hook;

/// How often it is looked whether something can be settled, in ms.
pub const SETTLE_EVERY_MS: u64 = 2_000;

/// Settles and does what rules ask for every few moments, until told to stop.
pub async fn settle(app: Arc<App>, every_ms: u64, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(every_ms)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let books = Arc::clone(&app);
        let round = move || {
            let now = clock::now();
            let rights = grant::round_blocking(&books, now)?;
            if rights > 0 {
                tracing::debug!(rights, "rights granted, renewed or taken back");
            }
            let acted = actions::round_blocking(&books, now)?;
            Ok((settling::round_blocking(&books, now)?, days::round_blocking(&books, now)?, acted))
        };
        match tokio::task::spawn_blocking(round).await {
            Ok(Ok((0, 0, 0))) => {}
            Ok(Ok((cuts, days, acted))) => tracing::debug!(cuts, days, acted, "settled"),
            Ok::<Result<_, AppError>, _>(Err(error)) => tracing::error!(%error, "settling failed"),
            Err(error) => tracing::error!(%error, "settling ended early"),
        }
    }
}

/// How often it is looked whether memberships have come to their end or to another level, in ms. Nothing waits for it:
/// whether a membership works, and on which level, is worked out where it is asked for.
pub const LAPSE_EVERY_MS: u64 = 3_600_000;

/// Renews and expires memberships, writes down their levels and gives their benefits by period, at once and then every hour, until told to stop.
pub async fn lapse(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        let books = Arc::clone(&app);
        let round = move || {
            let now = clock::now();
            let expired = inactivity::round_blocking(&books, now)?;
            let renewed = renewals::round_blocking(&books, now)?;
            let levels = levels::round_blocking(&books, now)? + retention::round_blocking(&books, now)?;
            // after all that says who they are for
            Ok::<_, AppError>(expired + renewed + levels + benefits::round_blocking(&books, now)?)
        };
        match tokio::task::spawn_blocking(round).await {
            Ok(Ok(0)) => {}
            Ok(Ok(changed)) => {
                tracing::info!(
                    changed,
                    "memberships renewed, expired, on another level or given benefits, points expired, customers erased"
                );
            }
            Ok(Err(error)) => tracing::error!(%error, "renewing memberships failed"),
            Err(error) => tracing::error!(%error, "renewing memberships ended early"),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(LAPSE_EVERY_MS)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// How often it is looked whether somebody was erased, in ms.
const FORGET_EVERY_MS: u64 = 5_000;
/// Writing the store anew takes no more than one part in so many of the time.
const FORGET_SHARE: u64 = 100;

/// Takes those who were erased out of the store's files, until told to stop.
pub async fn forget(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut rest = FORGET_EVERY_MS;
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(rest)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let (books, began) = (Arc::clone(&app), clock::now());
        match tokio::task::spawn_blocking(move || books.forget()).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(copied))) => {
                tracing::info!(copied.rows, copied.bytes, "erased customers are out of the store's files");
            }
            Ok(Err(error)) => tracing::error!(%error, "erased customers are still in the store's files"),
            Err(error) => {
                tracing::error!(%error, "taking erased customers out of the store's files ended early");
            }
        }
        rest = FORGET_EVERY_MS.max(clock::now().since(began).saturating_mul(FORGET_SHARE));
    }
}
