//! Single items of the catalog: every edit makes a new version of the whole.

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::catalog::document::Document;
use shared::catalog::document::campaign::Campaign;
use shared::catalog::document::conversion::Conversion;
use shared::catalog::document::currency::Currency;
use shared::catalog::document::earning::EarningRule;
use shared::catalog::document::level::Level;
use shared::catalog::document::outlet::Outlet;
use shared::catalog::document::pricing::{Pricebook, PricingScheme};
use shared::catalog::document::program::Program;
use shared::catalog::document::reward::Reward;
use shared::ids::Code;
use shared::refusal::Problem;

use super::catalog::{check_version, latest, put, sent_back, used};
use super::{App, AppError, Done, Who};
use crate::clock;
use crate::store::Read;

/// A kind of item that is edited by itself.
pub trait Item: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What one is called.
    const NAME: &'static str;
    /// Its list in the document.
    const LIST: &'static str;
    /// Its code.
    fn code(&self) -> &Code;
    /// The version that last changed it.
    fn version(&self) -> Option<u64>;
    /// What it says, whatever its version.
    #[must_use]
    fn unversioned(&self) -> Self;
    /// All of them.
    fn list(document: &Document) -> &Vec<Self>;
    /// All of them, to change.
    fn list_mut(document: &mut Document) -> &mut Vec<Self>;
    /// Why one cannot go, if it cannot.
    fn used(code: &Code, document: &Document, books: &dyn Read) -> Done<Option<String>>;
}

macro_rules! item {
    ($type:ty, $name:literal, $list:ident, $used:path) => {
        impl Item for $type {
            const NAME: &'static str = $name;
            const LIST: &'static str = stringify!($list);
            fn code(&self) -> &Code {
                &self.code
            }
            fn version(&self) -> Option<u64> {
                self.version
            }
            fn unversioned(&self) -> Self {
                Self { version: None, ..self.clone() }
            }
            fn list(document: &Document) -> &Vec<Self> {
                &document.$list
            }
            fn list_mut(document: &mut Document) -> &mut Vec<Self> {
                &mut document.$list
            }
            fn used(code: &Code, document: &Document, books: &dyn Read) -> Done<Option<String>> {
                $used(code, document, books)
            }
        }
    };
}

item!(Outlet, "outlet", outlets, used::outlet);
item!(Currency, "currency", currencies, used::currency);
item!(Program, "program", programs, used::program);
item!(EarningRule, "earning rule", earning_rules, used::rule);
item!(Campaign, "campaign", campaigns, used::campaign);
item!(Conversion, "conversion", conversions, used::rule);
item!(PricingScheme, "pricing scheme", pricing_schemes, used::rule);
item!(Pricebook, "pricebook", pricebooks, used::rule);
item!(Reward, "reward", rewards, used::rule);

/// All items of a kind.
pub fn list<I: Item>(app: &App) -> Done<Vec<I>> {
    Ok(I::list(&app.catalog()?.version.document).clone())
}

/// One item.
pub fn get<I: Item>(app: &App, code: &str) -> Done<I> {
    let catalog = app.catalog()?;
    find(I::list(&catalog.version.document), code).cloned()
}

pub(super) fn find<'a, I: Item>(items: &'a [I], code: &str) -> Done<&'a I> {
    let found = items.iter().find(|item| item.code().as_str() == code);
    found.ok_or_else(|| AppError::not_found(&format!("{} `{code}`", I::NAME)))
}

/// Adds an item.
pub async fn create<I: Item>(app: &App, who: Who, item: I) -> Done<I> {
    let now = clock::now();
    app.write(move |books| {
        let mut document = latest(books)?.version.document.clone();
        if I::list(&document).iter().any(|held| held.code() == item.code()) {
            let detail = format!("There is a {} `{}` already.", I::NAME, item.code());
            return Err(AppError::refused(Problem::InUse, detail));
        }
        I::list_mut(&mut document).push(item.clone());
        let code = item.code().to_string();
        let catalog = put(books, &who, now, document, (&format!("{}.create", I::NAME), &code))?;
        find(I::list(&catalog.version.document), &code).cloned()
    })
    .await
}

/// Replaces an item.
pub async fn update<I: Item>(app: &App, who: Who, code: String, item: I) -> Done<I> {
    let now = clock::now();
    app.write(move |books| {
        if item.code().as_str() != code {
            return Err(AppError::field("code", "A code stays; make a new item instead."));
        }
        let mut document = latest(books)?.version.document.clone();
        let held = find(I::list(&document), &code)?.version().unwrap_or(0);
        check_version(Some(sent_back(item.version())?), held)?;
        for place in I::list_mut(&mut document).iter_mut().filter(|place| place.code() == item.code()) {
            *place = item.clone();
        }
        let catalog = put(books, &who, now, document, (&format!("{}.update", I::NAME), &code))?;
        find(I::list(&catalog.version.document), &code).cloned()
    })
    .await
}

/// Takes an item away, unless it is in use.
pub async fn remove<I: Item>(app: &App, who: Who, code: String) -> Done<()> {
    let now = clock::now();
    app.write(move |books| {
        let mut document = latest(books)?.version.document.clone();
        let item = find(I::list(&document), &code)?.code().clone();
        I::list_mut(&mut document).retain(|held| *held.code() != item);
        put(books, &who, now, document, (&format!("{}.delete", I::NAME), &code))?;
        Ok(())
    })
    .await
}

/// A program's levels, by rising threshold as written.
pub fn levels(app: &App, program: &str) -> Done<(Vec<Level>, u64)> {
    let program = get::<Program>(app, program)?;
    Ok((program.levels, program.version.unwrap_or(0)))
}

/// What is done to a level.
#[derive(Clone, Debug)]
pub enum LevelEdit {
    /// A new one.
    Create(Level),
    /// Another in the place of this code.
    Update(String, Level),
    /// Gone.
    Remove(String),
}

/// Edits a program's levels; `version` is the program's as it was read.
pub async fn edit_level(
    app: &App,
    who: Who,
    program: String,
    edit: LevelEdit,
    version: Option<u64>,
) -> Done<u64> {
    let now = clock::now();
    app.write(move |books| {
        let mut document = latest(books)?.version.document.clone();
        let item = find(&document.programs, &program)?.clone();
        if matches!(edit, LevelEdit::Update(..)) {
            sent_back(version)?;
        }
        check_version(version, item.version.unwrap_or(0))?;
        let levels = edited(&item.levels, &edit)?;
        for place in document.programs.iter_mut().filter(|place| place.code == item.code) {
            place.levels.clone_from(&levels);
        }
        let catalog = put(books, &who, now, document, ("level.edit", &program))?;
        Ok(find(&catalog.version.document.programs, &program)?.version.unwrap_or(0))
    })
    .await
}

fn edited(levels: &[Level], edit: &LevelEdit) -> Done<Vec<Level>> {
    let mut levels = levels.to_vec();
    let place = |code: &str| {
        let place = levels.iter().position(|level| level.code.as_str() == code);
        place.ok_or_else(|| AppError::not_found(&format!("level `{code}`")))
    };
    match edit {
        LevelEdit::Create(level) if place(level.code.as_str()).is_ok() => {
            let detail = format!("There is a level `{}` already.", level.code);
            return Err(AppError::refused(Problem::InUse, detail));
        }
        LevelEdit::Create(level) => levels.push(level.clone()),
        LevelEdit::Update(code, level) => {
            let place = place(code)?;
            if level.code.as_str() != code {
                return Err(AppError::field("code", "A code stays; make a new item instead."));
            }
            levels[place] = level.clone();
        }
        LevelEdit::Remove(code) => {
            let place = place(code)?;
            levels.remove(place);
        }
    }
    Ok(levels)
}
