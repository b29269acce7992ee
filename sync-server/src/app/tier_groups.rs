//! A program's tier groups, one by one: every edit makes a new version of the whole catalog.

use shared::catalog::document::level::TierGroup;
use shared::catalog::document::program::Program;
use shared::refusal::Problem;

use super::catalog::{check_version, latest, put, sent_back};
use super::edit;
use super::{App, AppError, Done, Who};
use crate::clock;

/// A program's tier groups as written, and the program's version.
pub fn list(app: &App, program: &str) -> Done<(Vec<TierGroup>, u64)> {
    let program = edit::get::<Program>(app, program)?;
    Ok((program.tier_groups, program.version.unwrap_or(0)))
}

/// What is done to a tier group.
#[derive(Clone, Debug)]
pub enum GroupEdit {
    /// A new one.
    Create(TierGroup),
    /// Another in the place of this code.
    Update(String, TierGroup),
    /// Gone.
    Remove(String),
}

/// Edits a program's tier groups; `version` is the program's as it was read.
pub async fn edit(app: &App, who: Who, program: String, edit: GroupEdit, version: Option<u64>) -> Done<u64> {
    let now = clock::now();
    app.write(move |books| {
        let mut document = latest(books)?.version.document.clone();
        let item = edit::find(&document.programs, &program)?.clone();
        if matches!(edit, GroupEdit::Update(..)) {
            sent_back(version)?;
        }
        check_version(version, item.version.unwrap_or(0))?;
        let groups = edited(&item, &edit)?;
        for place in document.programs.iter_mut().filter(|place| place.code == item.code) {
            place.tier_groups.clone_from(&groups);
        }
        let catalog = put(books, &who, now, document, ("tier group.edit", &program))?;
        Ok(edit::find(&catalog.version.document.programs, &program)?.version.unwrap_or(0))
    })
    .await
}

fn edited(program: &Program, edit: &GroupEdit) -> Done<Vec<TierGroup>> {
    let mut groups = program.tier_groups.clone();
    let place = |code: &str| {
        let place = groups.iter().position(|group| group.code.as_str() == code);
        place.ok_or_else(|| AppError::not_found(&format!("tier group `{code}`")))
    };
    match edit {
        GroupEdit::Create(group) if place(group.code.as_str()).is_ok() => {
            let detail = format!("There is a tier group `{}` already.", group.code);
            return Err(AppError::refused(Problem::InUse, detail));
        }
        GroupEdit::Create(group) => groups.push(group.clone()),
        GroupEdit::Update(code, group) => {
            let place = place(code)?;
            if group.code.as_str() != code {
                return Err(AppError::field("code", "A code stays; make a new item instead."));
            }
            groups[place] = group.clone();
        }
        GroupEdit::Remove(code) => {
            let place = place(code)?;
            groups.remove(place);
        }
    }
    Ok(groups)
}
