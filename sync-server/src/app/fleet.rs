//! Tills: their one-time codes, what is known of them, and taking them out of service.

use shared::api::days::BusinessDay;
use shared::api::office::{EnrolmentCode, HeldUp, NewTill, RightsHeld, Till, TillChange};
use shared::ids::TillId;
use shared::settle::Watermark;
use shared::time::Millis;

use super::{App, AppError, Done, Who, audit, days, ledger, settling, text};
use crate::clock;
use crate::store::Read;
use crate::store::rows::{EnrolmentRow, TillRow};

/// How long a one-time code holds, in ms: a day, to carry it to the shop.
const CODE_MS: u64 = 24 * 3_600_000;
/// A till that has not called for so long is `silent`, in ms: several rounds of the longest pull.
const SILENT_MS: u64 = 5 * 60_000;

/// The hash under which a one-time code is kept; case and dashes do not count.
pub(crate) fn code_hash(code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    *blake3::hash(plain.to_ascii_uppercase().as_bytes()).as_bytes()
}

/// Letters and digits that are not mistaken for each other, in groups of four: 80 bits.
fn fresh_code() -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let letters = clock::random::<16>().map(|byte| char::from(LETTERS[usize::from(byte & 31)]));
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// Makes a till and the code that enrols it.
pub async fn create(app: &App, who: Who, request: NewTill) -> Done<EnrolmentCode> {
    let now = clock::now();
    let name = shared::request::text(&request.name, "name")?;
    let code = fresh_code();
    let expires_at = now.after(CODE_MS);
    let shown = code.clone();
    let till = app
        .write(move |books| {
            let catalog = super::catalog::latest(books)?;
            let missing = || AppError::field("outlet", format!("There is no outlet `{}`.", request.outlet));
            let outlet = catalog.outlet(&request.outlet).ok_or_else(missing)?.id;
            let id = books.next_till()?;
            let row = TillRow { id, outlet, name: name.clone(), node: None, revoked: false, created_at: now };
            books.put_till(&row)?;
            books.put_enrolment(&code_hash(&code), &EnrolmentRow { till: id, expires_at, used_by: None })?;
            audit::note(
                books,
                &who,
                now,
                "till.create",
                &id.0.to_string(),
                &format!("{} at {}", name, request.outlet),
            )?;
            Ok(id)
        })
        .await?;
    Ok(EnrolmentCode { till: till.0.to_string(), enrolment_code: shown, expires_at: text(expires_at) })
}

/// All tills.
pub fn list(app: &App) -> Done<Vec<Till>> {
    let books = app.read()?;
    let now = clock::now();
    let mark = settling::watermark(app, now)?;
    let closing = days::closing(&*books, &mark, now)?;
    books.tills()?.iter().map(|row| show(&*books, (&mark, &closing), row, now)).collect()
}

/// One till.
pub fn get(app: &App, id: TillId) -> Done<Till> {
    let books = app.read()?;
    let row = books.till(id)?.ok_or_else(|| AppError::not_found("such till"))?;
    let now = clock::now();
    let mark = settling::watermark(app, now)?;
    let closing = days::closing(&*books, &mark, now)?;
    show(&*books, (&mark, &closing), &row, now)
}

fn show(
    books: &dyn Read,
    (mark, closing): (&Watermark, &[BusinessDay]),
    row: &TillRow,
    now: Millis,
) -> Done<Till> {
    let catalog = super::catalog::latest(books)?;
    let node = row.node.map(|node| books.node(node)).transpose()?.flatten();
    let contact = row.node.map(|node| books.contact(node)).transpose()?.flatten();
    let told = node.as_ref().and_then(|node| node.told);
    let left_out = row.node.is_some_and(|node| mark.left_out.contains(&node));
    let silent = contact.as_ref().is_none_or(|contact| now.since(contact.at) > SILENT_MS);
    let status = match (row.revoked, row.node) {
        (true, _) => "revoked",
        (false, None) => "new",
        (false, Some(_)) if silent => "silent",
        (false, Some(_)) => "live",
    };
    let held = row.node.map(|node| books.rights_held(node)).transpose()?.unwrap_or_default();
    let rights = held.into_iter().map(|(currency, points)| {
        let (currency, points) = ledger::written(&catalog, currency, points);
        RightsHeld { currency, points }
    });
    let id = row.id.0.to_string();
    let waiting = closing.iter().filter(|day| day.awaited.iter().any(|till| till.till == id));
    let holds_up = waiting.map(|day| HeldUp { program: day.program.clone(), date: day.date.clone() });
    Ok(Till {
        rights: rights.collect(),
        holds_up: holds_up.collect(),
        oldest_pending_at: contact.as_ref().and_then(|contact| contact.oldest_pending).map(text),
        free_bytes: contact.as_ref().and_then(|contact| contact.free_bytes),
        id,
        outlet: catalog.outlets.get(&row.outlet).map_or_else(String::new, |outlet| outlet.code.to_string()),
        name: row.name.clone(),
        node: row.node.map(|node| node.0),
        status: status.to_owned(),
        last_contact_at: contact.as_ref().map(|contact| text(contact.at)),
        pending: contact.as_ref().map(|contact| contact.pending),
        head: node.map_or(0, |node| node.head.seq.0),
        clock_offset_ms: contact.as_ref().map(|contact| contact.clock_offset_ms),
        version: contact.map(|contact| contact.version).filter(|version| !version.is_empty()),
        told_until: told.map(|told| text(told.at)),
        left_out,
    })
}

/// Renames a till.
pub async fn rename(app: &App, who: Who, id: TillId, request: TillChange) -> Done<()> {
    let now = clock::now();
    let name = shared::request::text(&request.name, "name")?.trim().to_owned();
    app.write(move |books| {
        let row = books.till(id)?.ok_or_else(|| AppError::not_found("such till"))?;
        let detail = format!("till {} is called {name} now", row.name);
        books.put_till(&TillRow { name: name.clone(), ..row })?;
        audit::note(books, &who, now, "till.rename", &id.0.to_string(), &detail)
    })
    .await
}

/// Takes a till out of service: it may push what it has, and nothing else.
pub async fn revoke(app: &App, who: Who, id: TillId) -> Done<()> {
    let now = clock::now();
    app.write(move |books| {
        let row = books.till(id)?.ok_or_else(|| AppError::not_found("such till"))?;
        // those that it was before a fence, and its branches, too: their keys are on the same disk
        let mut nodes = Vec::new();
        for (node, found) in books.nodes()? {
            if found.place.is_some_and(|(_, till)| till == id) {
                books.put_node(node, shared::books::NodeRow { revoked: true, live: false, ..found })?;
                nodes.push(node);
            }
        }
        settling::end_shares_of(books, &nodes, now)?;
        books.put_till(&TillRow { revoked: true, ..row })?;
        audit::note(books, &who, now, "till.revoke", &id.0.to_string(), "")
    })
    .await
}
