//! The server's half of the conversation with tills: the core decides, this loads and commits.

use std::time::Duration;

use shared::books::{NodeRow, SERVER, Told};
use shared::entry::certificate::CertificateBody;
use shared::entry::{Entry, EntryKind};
use shared::ids::{NodeId, Seq};
use shared::post::flow::Desk;
use shared::time::Millis;
use shared::wire::token::{check_token, token_node};
use shared::wire::{
    self, Authorize, Authorized, Health, Push, PushReply, ReceiptReply, ReceiptRequest, WireError,
};

use super::{App, AppError, Done, Who, grant};
use crate::store::rows::{ContactRow, Role, TillRow};
use crate::store::{Read, Write};

pub mod catalogs;
pub mod enrol;
pub mod pull;
pub mod snapshot;
pub mod told;

/// What the core is handed: the time, and today's catalog.
pub fn desk<R: Read + ?Sized>(books: &R, now: Millis) -> Done<Desk> {
    Ok(Desk::new(now, &*super::catalog::latest(books)?))
}

/// The node behind a request's token; a revoked one is named too, for it may still push.
pub fn authenticate(
    app: &App,
    token: &str,
    body: &[u8],
    now: Millis,
) -> Result<(NodeId, NodeRow), SyncError> {
    let node = token_node(token)?;
    let row = app.read()?.node(node)?.filter(|row| node != SERVER && row.origin.is_none());
    let row = row.ok_or(SyncError::UnknownNode(node))?;
    check_token(token, &row.key, body, now)?;
    Ok((node, row))
}

/// Why a sync request is not answered.
#[derive(Debug)]
pub enum SyncError {
    /// Its bytes or its token do not hold.
    Wire(WireError),
    /// No such node is known: this database never had it, or was restored to before it.
    UnknownNode(NodeId),
    /// Anything else.
    App(AppError),
}

impl From<WireError> for SyncError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl From<AppError> for SyncError {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

impl From<crate::store::StoreError> for SyncError {
    fn from(error: crate::store::StoreError) -> Self {
        Self::App(error.into())
    }
}

/// Notes a node's call.
pub(super) fn note_contact(books: &mut dyn Write, node: NodeId, health: &Health, now: Millis) -> Done<()> {
    let ms = |at: Millis| i64::try_from(at.0).unwrap_or(i64::MAX);
    let clock_offset_ms = if health.now.0 == 0 { 0 } else { ms(now).saturating_sub(ms(health.now)) };
    let row = ContactRow {
        at: now,
        pending: health.pending,
        oldest_pending: health.oldest_pending,
        free_bytes: health.free_bytes,
        clock_offset_ms,
        version: health.version.clone(),
    };
    Ok(books.put_contact(node, &row)?)
}

/// Takes a push in and posts it, in one commit.
pub async fn push(app: &App, push: Push, now: Millis) -> Done<PushReply> {
    app.write(move |books| {
        let Some(row) = books.node(push.node)? else { return Ok(PushReply::Broken) };
        let signed = push.entries.iter().fold(push.since, |head, entry| head.then(&entry.stored));
        let bytes = wire::batch_bytes(push.node, signed);
        if wire::check(&row.key, &bytes, &push.signature).is_err() {
            return Ok(PushReply::Broken);
        }
        let desk = desk(books, now)?;
        let before = books.directory_change()?;
        let reply = books.push(&desk, &push)?;
        if books.directory_change()? != before {
            super::duplicates::tidy(books, before, now)?;
        }
        note_contact(books, push.node, &push.health, now)?;
        Ok(reply)
    })
    .await
}

/// What the server itself certified of a node that it does not know (any more): the certificate in its first entry, if
/// the key that this names signed the request.
pub fn certified(
    app: &App,
    push: &Push,
    token: &str,
    body: &[u8],
    now: Millis,
) -> Result<Option<CertificateBody>, SyncError> {
    let first = push.entries.first().filter(|_| push.since.seq == Seq(0));
    let entry = first.and_then(|first| Entry::from_stored(&first.stored).ok());
    let Some(EntryKind::Open(certificate)) = entry.map(|entry| entry.kind) else { return Ok(None) };
    let said = certificate.read(&app.public_key())?;
    if said.node != push.node {
        return Err(WireError::Token("its certificate names another node").into());
    }
    check_token(token, &said.key, body, now)?;
    Ok(Some(said))
}

/// Knows a node again by its certificate, where the database was restored to before its enrolment. Answers whether it
/// does.
pub async fn recognise(app: &App, said: CertificateBody) -> Result<bool, SyncError> {
    let known = app.write(move |books| {
        if books.node(said.node)?.is_some() {
            return Ok(false);
        }
        while books.next_node()?.0 < said.node.0 {}
        let row = NodeRow {
            place: Some((said.outlet, said.till)),
            key: said.key,
            received: said.issued_at,
            told: Some(Told { at: said.issued_at, seq: Seq(0) }),
            live: true,
            ..NodeRow::default()
        };
        let till = books.till(said.till)?;
        // Of a till's nodes only the latest writes; the watermark waits for no other.
        let latest = till.as_ref().and_then(|till| till.node);
        let live = latest.is_none_or(|latest| latest < said.node);
        books.put_node(said.node, NodeRow { live, ..row })?;
        if let Some(till) = till {
            if live {
                if let Some(before) = latest {
                    enrol::retire(books, before)?;
                }
                books.put_till(&TillRow { node: Some(said.node), ..till })?;
            }
        } else {
            while books.next_till()?.0 < said.till.0 {}
            let name = said.name.clone();
            let till = TillRow {
                id: said.till,
                outlet: said.outlet,
                name,
                node: Some(said.node),
                revoked: false,
                created_at: said.issued_at,
            };
            books.put_till(&till)?;
        }
        Ok(true)
    });
    Ok(known.await?)
}

/// The longest that a till's question waits for rights to come back, in ms, whatever it asks.
const LONGEST_RECALL_MS: u32 = 5_000;

/// Answers a node that asks for points under a key. Where too few are free because of what is reserved for other tills,
/// these are asked for it, and as long as the asker can wait and any of them can hear it the answer waits for theirs.
pub async fn authorize(app: &App, ask: Authorize, now: Millis) -> Done<Authorized> {
    let mut changed = app.changed();
    let deadline = tokio::time::sleep(Duration::from_millis(u64::from(ask.wait_ms.min(LONGEST_RECALL_MS))));
    tokio::pin!(deadline);
    loop {
        changed.mark_unchanged();
        let asked = ask.clone();
        let (answer, coming) = app.write(move |books| authorize_once(books, &asked, now)).await?;
        if !coming {
            return Ok(answer);
        }
        tokio::select! {
            () = &mut deadline => return Ok(answer),
            told = changed.changed() => if told.is_err() {
                return Ok(answer);
            }
        }
    }
}

/// The answer as it is now, and whether another may come of what other tills were asked.
fn authorize_once(books: &mut dyn Write, ask: &Authorize, now: Millis) -> Done<(Authorized, bool)> {
    let desk = desk(books, now)?;
    let answer = books.authorize(&desk, ask)?;
    let Authorized::Refused { available, overdrawn: false, elsewhere } = answer else {
        return Ok((answer, false));
    };
    let helps = elsewhere.is_positive() && ask.points <= available.plus(elsewhere);
    let coming = helps && grant::recall(books, ask.account, ask.node, now)?;
    Ok((answer, coming))
}

/// The caller that a till is when it hands something on: a POS at its outlet.
pub fn caller(app: &App, row: &NodeRow) -> Done<Who> {
    let gone = || AppError::Forbidden("This node is of no outlet.".to_owned());
    let (outlet, till) = row.place.ok_or_else(gone)?;
    let catalog = app.catalog()?;
    let outlet = catalog.outlets.get(&outlet).map(|outlet| outlet.code.clone()).ok_or_else(gone)?;
    let name = app.read()?.till(till)?.map_or_else(|| format!("till {}", till.0), |till| till.name);
    Ok(Who { name, role: Role::Pos, outlet: Some(outlet), programs: None, customer: None })
}

/// A sale that a till does not know, with what was given back of it.
pub fn receipt(app: &App, ask: &ReceiptRequest) -> Done<ReceiptReply> {
    let books = app.read()?;
    let of = &ask.of;
    let found = if let Some(dot) = of.dot {
        books.sale(dot)?.map(|row| (dot, row))
    } else {
        let sales = books.sales_of(of.outlet, &of.receipt)?;
        let same = |date| of.business_date.is_none_or(|wanted| wanted == date);
        sales.into_iter().rev().find(|(_, row)| row.known && same(row.business_date))
    };
    let Some((dot, row)) = found else { return Ok(ReceiptReply { sale: None }) };
    Ok(ReceiptReply { sale: told::found(&*books, dot, &row)? })
}
