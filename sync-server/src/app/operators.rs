//! Operators: who works at the outlets' tills under a PIN, and which of them may lift a limit there. Tills pull the list of
//! their outlet; PINs are kept and sent as argon2id hashes alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use shared::api::operators::{Approval, ApprovalRequest, NewOperator, Operator as Shown, OperatorChange};
use shared::catalog::Catalog;
use shared::entry::EntryKind;
use shared::ids::{ApprovalId, Code, Hash, OutletId};
use shared::limits;
use shared::operator::{Operator, OperatorRole, Tries, check_pin, digest};
use shared::refusal::{Problem, Refusal};
use shared::request;

use super::repeat::Coming;
use super::write::{Wish, place, write};
use super::{App, AppError, Done, Who, audit, text, users};
use crate::clock;
use crate::store::Read;
use crate::store::rows::{OperatorRow, TriesRow};

/// The operators of one outlet, and the name of the list.
#[derive(Debug, Default)]
pub struct List {
    change: u64,
    /// See [`digest`].
    pub digest: Hash,
    /// In the order of their codes.
    pub operators: Vec<Operator>,
}

/// The lists lately asked for, by outlet: every till that waits for a change asks for its own.
#[derive(Default)]
pub struct Lists(Mutex<BTreeMap<OutletId, Arc<List>>>);

/// The operators of an outlet; none where there is no outlet.
pub fn of_outlet(app: &App, books: &dyn Read, outlet: Option<OutletId>) -> Done<Arc<List>> {
    let Some(outlet) = outlet else { return Ok(Arc::default()) };
    let change = books.operators_change()?;
    let known = app.operator_lists().0.lock().get(&outlet).cloned();
    if let Some(known) = known.filter(|known| known.change == change) {
        return Ok(known);
    }
    let here = books.operators()?.into_iter().filter(|row| works_at(row, Some(outlet)));
    let mut operators: Vec<Operator> = here.map(|row| row.operator).collect();
    operators.sort_by(|one, other| one.code.cmp(&other.code));
    let list = Arc::new(List { change, digest: digest(&operators), operators });
    app.operator_lists().0.lock().insert(outlet, Arc::clone(&list));
    Ok(list)
}

/// Whether an operator works at a place; at head office all do.
fn works_at(row: &OperatorRow, outlet: Option<OutletId>) -> bool {
    let Some(outlet) = outlet else { return true };
    row.outlets.as_ref().is_none_or(|outlets| outlets.contains(&outlet))
}

/// All operators, by code.
pub fn list(app: &App) -> Done<Vec<Shown>> {
    let catalog = app.catalog()?;
    let mut shown: Vec<Shown> = app.read()?.operators()?.iter().map(|row| show(row, &catalog)).collect();
    shown.sort_by(|one, other| one.code.cmp(&other.code));
    Ok(shown)
}

/// One operator.
pub fn get(app: &App, code: &str) -> Done<Shown> {
    let row = app.read()?.operator(code)?.ok_or_else(unknown)?;
    Ok(show(&row, &*app.catalog()?))
}

/// Makes an operator.
pub async fn create(app: &App, who: Who, request: NewOperator) -> Done<Shown> {
    let now = clock::now();
    let catalog = app.catalog()?;
    let role = role(&request.role)?;
    check_pin(&request.pin, role)?;
    let operator = Operator {
        code: Code::new(request.code.trim()).map_err(|detail| AppError::field("code", detail))?,
        name: request::text(&request.name, "name")?.trim().to_owned(),
        role,
        pin: users::hash_of(request.pin).await?,
    };
    let outlets = request.outlets.as_deref().map(|codes| outlets(&catalog, codes)).transpose()?;
    let row = OperatorRow { operator, outlets, created_at: now, version: 1 };
    app.write(move |books| {
        let code = row.operator.code.as_str();
        if books.operator(code)?.is_some() {
            let detail = format!("There is an operator `{code}` already.");
            return Err(AppError::refused(Problem::InUse, detail));
        }
        if books.operators()?.len() >= limits::OPERATORS {
            let detail = format!("There are {} operators; that is the most.", limits::OPERATORS);
            return Err(AppError::field("code", detail));
        }
        books.put_operator(&row)?;
        let detail = format!("{}, {}", row.operator.name, role.as_str());
        audit::note(books, &who, now, "operator.create", code, &detail)?;
        Ok(show(&row, &catalog))
    })
    .await
}

/// Changes an operator.
pub async fn change(app: &App, who: Who, code: &str, request: OperatorChange) -> Done<Shown> {
    let now = clock::now();
    let catalog = app.catalog()?;
    let new_role = request.role.as_deref().map(role).transpose()?;
    let held = app.read()?.operator(code)?.ok_or_else(unknown)?;
    let role = new_role.unwrap_or(held.operator.role);
    let pin = match request.pin {
        Some(pin) => {
            check_pin(&pin, role)?;
            Some(users::hash_of(pin).await?)
        }
        None if role == OperatorRole::Manager && held.operator.role != role => {
            let detail = format!(
                "A manager's PIN has at least {} digits; send a new one as `pin`.",
                limits::PIN_DIGITS_MANAGER
            );
            return Err(AppError::field("pin", detail));
        }
        None => None,
    };
    let name = request.name.map(|name| request::text(&name, "name")).transpose()?;
    let all = request.all_outlets == Some(true);
    if all && request.outlets.is_some() {
        return Err(AppError::field("outlets", "Name the outlets, or say `all_outlets`; not both."));
    }
    let outlets = request.outlets.as_deref().map(|codes| outlets(&catalog, codes)).transpose()?;
    let code = code.to_owned();
    app.write(move |books| {
        let held = books.operator(&code)?.ok_or_else(unknown)?;
        if held.version != request.version {
            let detail = format!(
                "It was changed meanwhile: this is version {}, version {} was sent.",
                held.version, request.version
            );
            return Err(AppError::refused(Problem::VersionConflict, detail));
        }
        let operator = Operator {
            name: name.as_ref().map_or(held.operator.name, |name| name.trim().to_owned()),
            role,
            pin: pin.clone().unwrap_or(held.operator.pin),
            code: held.operator.code,
        };
        let row = OperatorRow {
            operator,
            outlets: if all { None } else { outlets.clone().or(held.outlets) },
            version: held.version.saturating_add(1),
            created_at: held.created_at,
        };
        books.put_operator(&row)?;
        let what = if pin.is_some() { ", new PIN" } else { "" };
        let detail = format!("{}, {}{what}", row.operator.name, role.as_str());
        audit::note(books, &who, now, "operator.update", &code, &detail)?;
        Ok(show(&row, &catalog))
    })
    .await
}

/// Takes an operator away.
pub async fn remove(app: &App, who: Who, code: &str) -> Done<()> {
    let now = clock::now();
    let code = code.to_owned();
    app.write(move |books| {
        let row = books.operator(&code)?.ok_or_else(unknown)?;
        books.take_operator(&code)?;
        books.put_pin_tries(&code, None)?;
        audit::note(books, &who, now, "operator.delete", &code, &row.operator.name)
    })
    .await
}

/// A manager's PIN for one redemption, at the server itself. The books need none: it is taken, and stays unused.
pub async fn approve(app: &App, who: &Who, asked: &ApprovalRequest) -> Done<Approval> {
    let catalog = app.catalog()?;
    let place = place(&catalog, who)?;
    let manager = by_pin(app, place.outlet, asked).await?;
    if !manager.may_approve() {
        let detail = format!("{} is no manager; only a manager may lift a limit.", manager.name);
        return Err(AppError::Forbidden(detail));
    }
    let id = ApprovalId(clock::fresh_id());
    let wanted = request::approval::approval(asked, id, &manager, &catalog)?;
    // an approval has no repeat: whoever asks twice gets two
    let keying = Coming::new(None, place.outlet, "approval", &id).without_receipt();
    let done = write(app, who, Wish { asked: wanted, keying, code: None, of: None }).await?;
    let taken = app.read()?.taken(done.dot)?.and_then(|taken| taken.entry.ok());
    match taken.map(|entry| entry.kind) {
        Some(EntryKind::Approval(given)) => {
            Ok(Approval { approval: given.id.to_string(), expires_at: text(given.expires_at) })
        }
        _ => Err(AppError::not_found("such approval")),
    }
}

/// The operator whose PIN it is. Each try is counted on disk before the PIN is looked at.
async fn by_pin(app: &App, outlet: Option<OutletId>, asked: &ApprovalRequest) -> Done<Operator> {
    let now = clock::now();
    let found = app.read()?.operator(asked.operator.trim())?.filter(|row| works_at(row, outlet));
    let (code, held) = match &found {
        Some(row) => (row.operator.code.to_string(), row.operator.pin.clone()),
        None => (String::new(), users::NOBODY.to_owned()),
    };
    let pin = Hash::of(held.as_bytes());
    let counted = code.clone();
    let tries = app
        .write(move |books| {
            let before = books.pin_tries(&counted)?.filter(|row| row.pin == pin);
            let before = before.map_or(Tries::default(), |row| row.tries);
            if let Some(seconds) = before.wait(now) {
                return Err(AppError::TooOften(seconds));
            }
            let tries = before.tried(now);
            books.put_pin_tries(&counted, Some(&TriesRow { pin, tries }))?;
            Ok(tries)
        })
        .await?;
    if !users::verified(asked.pin.clone(), held).await? || found.is_none() {
        let detail = match tries.wait(now) {
            Some(_) => "This is not the operator's PIN. It is locked here for some minutes.",
            None => "This is not the operator's PIN.",
        };
        return Err(Refusal::new(Problem::PinWrong, detail).into());
    }
    app.write(move |books| Ok(books.put_pin_tries(&code, None)?)).await?;
    found.map(|row| row.operator).ok_or_else(unknown)
}

fn role(text: &str) -> Done<OperatorRole> {
    OperatorRole::parse(text).map_err(|detail| AppError::field("role", detail))
}

fn outlets(catalog: &Catalog, codes: &[String]) -> Done<Vec<OutletId>> {
    if codes.is_empty() {
        let detail = "An operator works at one outlet at least; leave `outlets` out for all of them.";
        return Err(AppError::field("outlets", detail));
    }
    let known = |code: &String| {
        let outlet = catalog.outlet(code).map(|outlet| outlet.id);
        outlet.ok_or_else(|| AppError::field("outlets", format!("There is no outlet `{code}`.")))
    };
    codes.iter().map(known).collect()
}

fn unknown() -> AppError {
    AppError::not_found("such operator")
}

fn show(row: &OperatorRow, catalog: &Catalog) -> Shown {
    let code = |id: &OutletId| catalog.outlets.get(id).map(|outlet| outlet.code.to_string());
    Shown {
        code: row.operator.code.to_string(),
        name: row.operator.name.clone(),
        outlets: row.outlets.as_ref().map(|outlets| outlets.iter().filter_map(code).collect()),
        role: row.operator.role.as_str().to_owned(),
        created_at: text(row.created_at),
        version: row.version,
    }
}
