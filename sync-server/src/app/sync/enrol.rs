//! Taking a node in: by a till's one-time code, or in the place of a fenced one.

use shared::books::{NodeRow, Told};
use shared::entry::certificate::{Certificate, CertificateBody};
use shared::ids::{NodeId, Seq};
use shared::time::Millis;
use shared::wire::{EnrolRequest, Enrolled};

use super::catalogs::sealed;
use crate::app::{App, AppError, Done, audit, fleet};
use crate::app::{Who, catalog};
use crate::store::Write;
use crate::store::rows::{EnrolmentRow, TillRow, Used};

/// Enrols a node by its code. The same key may ask again, where the answer was lost.
pub async fn by_code(app: &App, ask: EnrolRequest, now: Millis) -> Done<Enrolled> {
    let hash = fleet::code_hash(&ask.code);
    let (node, issued_at) = app
        .write(move |books| {
            let wrong =
                || AppError::Unauthorized("This enrolment code is not known, was used, or has run out.");
            let row = books.enrolment(&hash)?.ok_or_else(wrong)?;
            match &row.used_by {
                Some(used) if used.key == ask.key => return Ok((used.node, used.at)),
                Some(_) => return Err(wrong()),
                None if row.expires_at <= now => return Err(wrong()),
                None => {}
            }
            let till = books.till(row.till)?.filter(|till| !till.revoked).ok_or_else(wrong)?;
            let node = take_in(books, &till, ask.key, now)?;
            let used = Used { key: ask.key, node, at: now };
            books.put_enrolment(&hash, &EnrolmentRow { used_by: Some(used), ..row })?;
            audit::note(
                books,
                &Who::server(),
                now,
                "till.enrol",
                &till.id.0.to_string(),
                &format!("node {}", node.0),
            )?;
            Ok((node, now))
        })
        .await?;
    answer(app, node, issued_at)
}

/// Enrols the node that takes the place of a fenced one, whose key signed the request.
pub async fn renewal(app: &App, ask: EnrolRequest, old: NodeId, now: Millis) -> Done<Enrolled> {
    let (node, issued_at) = app
        .write(move |books| {
            let gone = || AppError::Unauthorized("This node was revoked.");
            let row = books.node(old)?.filter(|row| !row.revoked).ok_or_else(gone)?;
            let (_, till) = row.place.ok_or_else(gone)?;
            let till = books.till(till)?.filter(|till| !till.revoked).ok_or_else(gone)?;
            for (node, row) in books.nodes()? {
                let at_till = row.place.is_some_and(|(_, at)| at == till.id);
                if at_till && row.key == ask.key && row.origin.is_none() {
                    return Ok((node, row.told.map_or(now, |told| told.at)));
                }
            }
            retire(books, old)?;
            let node = take_in(books, &till, ask.key, now)?;
            let detail = format!("node {} in the place of {}", node.0, old.0);
            audit::note(books, &Who::server(), now, "till.renew", &till.id.0.to_string(), &detail)?;
            Ok((node, now))
        })
        .await?;
    answer(app, node, issued_at)
}

/// The watermark waits no more for a node that will not write, nor for its branches.
pub(super) fn retire(books: &mut dyn Write, old: NodeId) -> Done<()> {
    for (node, row) in books.nodes()? {
        if node == old || row.origin.is_some_and(|origin| origin.root == old) {
            books.put_node(node, NodeRow { live: false, ..row })?;
        }
    }
    Ok(())
}

fn take_in(books: &mut dyn Write, till: &TillRow, key: [u8; 32], now: Millis) -> Done<NodeId> {
    if let Some(before) = till.node {
        retire(books, before)?;
    }
    let node = books.next_node()?;
    let row = NodeRow {
        place: Some((till.outlet, till.id)),
        key,
        received: now,
        // it has told everything, which is nothing
        told: Some(Told { at: now, seq: Seq(0) }),
        live: true,
        ..NodeRow::default()
    };
    books.put_node(node, row)?;
    books.put_till(&TillRow { node: Some(node), ..till.clone() })?;
    Ok(node)
}

/// What the node is told; the same for a repeat.
fn answer(app: &App, node: NodeId, issued_at: Millis) -> Done<Enrolled> {
    let books = app.read()?;
    let row = books.node(node)?.ok_or_else(|| AppError::not_found("such node"))?;
    let (outlet, till) = row.place.ok_or_else(|| AppError::not_found("such till"))?;
    let name = books.till(till)?.map_or_else(String::new, |till| till.name);
    let body = CertificateBody { node, key: row.key, outlet, till, name, issued_at };
    Ok(Enrolled {
        certificate: Certificate::issue(&body, app.key()),
        server_key: app.public_key(),
        incarnation: app.incarnation(),
        index_key: app.index().clone(),
        catalog: sealed(app, &*catalog::latest(&*books)?),
        buckets: app.buckets(),
    })
}
