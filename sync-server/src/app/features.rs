//! What head office keeps of a membership beyond what every one has: labels and dynamic attributes.

use std::collections::BTreeMap;

use shared::api::change::{AttributesChange, LabelsChange};
use shared::api::member::Membership as Shown;
use shared::catalog::Catalog;
use shared::entry::{DirectoryChange, EntryKind};
use shared::ids::{Code, MembershipId};
use shared::limits;
use shared::member::Membership;
use shared::member::attribute::Value;

use super::changes::{Change, author, check_not_ended, why};
use super::{App, AppError, Done, Who, catalog, members};
use crate::clock;

/// Labels on one membership.
const LABELS: usize = 64;

/// Puts labels on a membership, and takes some off.
pub async fn labels(app: &App, who: &Who, id: MembershipId, asked: &LabelsChange) -> Done<Shown> {
    let (by, change) = (who.clone(), asked.clone());
    let now = clock::now();
    app.write(move |books| {
        let held = members::membership_for(books.as_read(), &by, id)?;
        check_not_ended(&held)?;
        let mut labels = held.labels.clone();
        labels.retain(|label| !change.remove.contains(label));
        put_on(&mut labels, &change.add, "add")?;
        let detail = format!("+{} -{}", change.add.join(","), change.remove.join(","));
        let detail = why(&detail, change.reason.as_deref());
        let note = Change { action: "membership.labels", subject: id.to_string(), detail };
        let changes = vec![DirectoryChange::Membership(Membership { labels, ..held })];
        author(books, &by, EntryKind::Directory(changes), &note, now).map(|_| ())
    })
    .await?;
    members::membership(app, who, id)
}

/// Puts labels on, each once.
pub(super) fn put_on(labels: &mut Vec<String>, add: &[String], field: &str) -> Done<()> {
    for label in add {
        let label = label.trim();
        if label.is_empty() || label.len() > limits::CODE_BYTES {
            let detail = format!("A label has 1 to {} bytes.", limits::CODE_BYTES);
            return Err(AppError::field(field, detail));
        }
        if !labels.iter().any(|held| held == label) {
            labels.push(label.to_owned());
        }
    }
    if labels.len() > LABELS {
        return Err(AppError::field(field, format!("At most {LABELS} labels.")));
    }
    Ok(())
}

/// A membership's attributes with some set and some taken away.
pub(super) fn set(
    catalog: &Catalog,
    held: &Membership,
    wanted: &BTreeMap<String, Option<String>>,
    field: &str,
) -> Done<Vec<(Code, Value)>> {
    let declared = catalog.programs.get(&held.program).map_or(&[][..], |program| &program.attributes);
    let mut attributes = held.attributes.clone();
    for (name, value) in wanted {
        let missing =
            || AppError::field(format!("{field}.{name}"), "The program declares no such attribute.");
        let of = declared.iter().find(|declared| declared.code.as_str() == name).ok_or_else(missing)?;
        attributes.retain(|(code, _)| *code != of.code);
        if let Some(text) = value {
            attributes.push((of.code.clone(), Value::read(of.kind, text, &of.code)?));
        }
    }
    attributes.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(attributes)
}

/// Sets dynamic attributes of a membership, each of the kind that its program declares, and takes some away.
pub async fn attributes(app: &App, who: &Who, id: MembershipId, asked: &AttributesChange) -> Done<Shown> {
    let (by, change) = (who.clone(), asked.clone());
    let now = clock::now();
    app.write(move |books| {
        let held = members::membership_for(books.as_read(), &by, id)?;
        check_not_ended(&held)?;
        let attributes = set(&*catalog::latest(books)?, &held, &change.set, "set")?;
        let named: Vec<&str> = change.set.keys().map(String::as_str).collect();
        let detail = why(&named.join(", "), change.reason.as_deref());
        let note = Change { action: "membership.attributes", subject: id.to_string(), detail };
        let changes = vec![DirectoryChange::Membership(Membership { attributes, ..held })];
        author(books, &by, EntryKind::Directory(changes), &note, now).map(|_| ())
    })
    .await?;
    members::membership(app, who, id)
}
