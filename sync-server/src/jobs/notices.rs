//! Notices on their way: made of what happened, sent as they are due, and what became of each noted. Nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use shared::time::Millis;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::hook::Hooks;
use super::mail::Mailer;
use crate::app::notices::make;
use crate::app::notices::parcel::{self, Fate, Parcel};
use crate::app::{App, AppError, Done};
use crate::clock;

/// How often it is looked whether there is anything to tell, in ms.
pub const LOOK_EVERY_MS: u64 = 1_000;
/// How often it is looked what will expire, in ms.
const EXPIRY_EVERY_MS: u64 = 3_600_000;
/// Sent side by side, at the most: a mail server or a shop's system takes so many from one client.
const AT_ONCE: usize = 8;

/// Tells what is to be told, until told to stop.
pub async fn tell(app: Arc<App>, smtp_url: Option<String>, mut stop: watch::Receiver<bool>) {
    let sender = Arc::new(Sender { mail: Mailer::new(smtp_url.as_deref()), hooks: Hooks::new() });
    let (mut looked, mut heard) = (None, 0);
    loop {
        match round(&app, &sender, (&mut looked, &mut heard)).await {
            // there may be more
            Ok(sent) if sent >= AT_ONCE => {}
            Ok(_) => {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MS)) => {}
                    _ = stop.wait_for(|stop| *stop) => return,
                }
            }
            Err(error) => {
                tracing::error!(%error, "telling failed");
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(10 * LOOK_EVERY_MS)) => {}
                    _ = stop.wait_for(|stop| *stop) => return,
                }
            }
        }
        if *stop.borrow() {
            return;
        }
    }
}

struct Sender {
    mail: Mailer,
    hooks: Hooks,
}

/// One round; answers how many were due. `looked` is when it was last looked what will expire, and `heard` how many
/// listened then: whoever comes new need not wait.
async fn round(
    app: &Arc<App>,
    sender: &Arc<Sender>,
    (looked, heard): (&mut Option<Millis>, &mut usize),
) -> Done<usize> {
    let now = clock::now();
    let listeners = listeners(app)?;
    let expiry = listeners > *heard || looked.is_none_or(|at| now.since(at) >= EXPIRY_EVERY_MS);
    *heard = listeners;
    let books = Arc::clone(app);
    let made = move || {
        let made = make::round_blocking(&books, now)?;
        Ok(if expiry { made + make::expiry_blocking(&books, now)? } else { made })
    };
    let made: Done<u64> = tokio::task::spawn_blocking(made).await.unwrap_or(Ok(0));
    if made? > 0 {
        tracing::debug!("notices made");
    }
    if expiry {
        *looked = Some(now);
    }
    let due = parcel::due(app, clock::now(), AT_ONCE)?;
    let count = due.len();
    let mut running = JoinSet::new();
    for (ids, parcel) in due {
        let (app, sender) = (Arc::clone(app), Arc::clone(sender));
        running.spawn(async move { deliver(&app, &sender, ids, parcel).await });
    }
    while let Some(done) = running.join_next().await {
        if let Ok(Err(error)) = done {
            return Err(error);
        }
    }
    Ok(count)
}

fn listeners(app: &App) -> Done<usize> {
    let books = app.read()?;
    if !books.is_heard()? {
        return Ok(0);
    }
    Ok(books.templates()?.len() + books.webhooks()?.len())
}

async fn deliver(app: &App, sender: &Sender, ids: Vec<Uuid>, parcel: Parcel) -> Result<(), AppError> {
    let fate = match parcel {
        Parcel::Mail(mail) => sender.mail.send(&mail).await,
        Parcel::Call(call) => sender.hooks.call(&call, clock::now()).await,
        Parcel::Nothing(why) => Fate::Dropped(why),
        Parcel::Later(why) => Fate::Failed(why),
    };
    if let Fate::Failed(why) | Fate::Refused(why) = &fate {
        tracing::warn!(?ids, why, "a notification was not sent");
    }
    parcel::told(app, ids, fate, clock::now()).await
}
