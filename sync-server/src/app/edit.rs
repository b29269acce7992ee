//! Single items of the catalog: every edit makes a new version of the whole.

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::catalog::document::campaign::Campaign;
use shared::catalog::document::conversion::Conversion;
use shared::catalog::document::currency::Currency;
use shared::catalog::document::earning::EarningRule;
use shared::catalog::document::level::Level;
use shared::catalog::document::outlet::Outlet;
use shared::catalog::document::pricing::{Pricebook, PricingScheme};
use shared::catalog::document::program::Program;
use shared::catalog::document::reward::Reward;
use shared::catalog::document::{AllOr, Document};
use shared::ids::Code;
use shared::member::Membership;
use shared::refusal::Problem;

use super::catalog::{check_version, latest, put};
use super::{App, AppError, Done, Who};
use crate::clock;
use crate::store::Read;

/// A kind of item that is edited by itself.
pub trait Item: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What one is called.
    const NAME: &'static str;
    /// Its code.
    fn code(&self) -> &Code;
    /// The version that last changed it.
    fn version(&self) -> Option<u64>;
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
            fn code(&self) -> &Code {
                &self.code
            }
            fn version(&self) -> Option<u64> {
                self.version
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

item!(Outlet, "outlet", outlets, outlet_used);
item!(Currency, "currency", currencies, currency_used);
item!(Program, "program", programs, program_used);
item!(EarningRule, "earning rule", earning_rules, rule_used);
item!(Campaign, "campaign", campaigns, campaign_used);
item!(Conversion, "conversion", conversions, rule_used);
item!(PricingScheme, "pricing scheme", pricing_schemes, rule_used);
item!(Pricebook, "pricebook", pricebooks, rule_used);
item!(Reward, "reward", rewards, rule_used);

fn outlet_used(code: &Code, document: &Document, books: &dyn Read) -> Done<Option<String>> {
    let named = |program: &&Program| matches!(&program.outlets, AllOr::Some(codes) if codes.contains(code));
    if let Some(program) = document.programs.iter().find(named) {
        return Ok(Some(format!("program `{}` names it", program.code)));
    }
    let number = latest(books)?.outlet(code.as_str()).map(|outlet| outlet.id);
    let till = books.tills()?.into_iter().find(|till| Some(till.outlet) == number && !till.revoked);
    Ok(till.map(|till| format!("till `{}` stands in it", till.name)))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "of one form with those of the other kinds, which do read the books"
)]
fn currency_used(code: &Code, document: &Document, _: &dyn Read) -> Done<Option<String>> {
    let program = document.programs.iter().find(|program| program.currencies.contains(code));
    let has = program.map(|program| format!("program `{}` has it", program.code));
    let converts = |item: &&Conversion| item.from == *code || item.to == *code;
    let conversion = document.conversions.iter().find(converts);
    Ok(has.or_else(|| conversion.map(|item| format!("conversion `{}` names it", item.code))))
}

fn program_used(code: &Code, document: &Document, books: &dyn Read) -> Done<Option<String>> {
    if let Some(rule) = document.earning_rules.iter().find(|rule| rule.program == *code) {
        return Ok(Some(format!("earning rule `{}` belongs to it", rule.code)));
    }
    if let Some(campaign) = document.campaigns.iter().find(|campaign| campaign.program == *code) {
        return Ok(Some(format!("campaign `{}` belongs to it", campaign.code)));
    }
    if let Some(scheme) = document.pricing_schemes.iter().find(|scheme| scheme.program == *code) {
        return Ok(Some(format!("pricing scheme `{}` belongs to it", scheme.code)));
    }
    if let Some(book) = document.pricebooks.iter().find(|book| book.program == *code) {
        return Ok(Some(format!("pricebook `{}` belongs to it", book.code)));
    }
    if let Some(reward) = document.rewards.iter().find(|reward| reward.program == *code) {
        return Ok(Some(format!("reward `{}` belongs to it", reward.code)));
    }
    let number = latest(books)?.program(code.as_str()).map(|program| program.id);
    let member = any_membership(books, |it| Some(it.program) == number)?;
    Ok(member.then(|| "it has members".to_owned()))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "of one form with those of the other kinds, which do read the books"
)]
fn rule_used(_: &Code, _: &Document, _: &dyn Read) -> Done<Option<String>> {
    Ok(None)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "of one form with those of the other kinds, which do read the books"
)]
fn campaign_used(code: &Code, document: &Document, _: &dyn Read) -> Done<Option<String>> {
    let rule = document.earning_rules.iter().find(|rule| rule.campaign.as_ref() == Some(code));
    Ok(rule.map(|rule| format!("earning rule `{}` belongs to it", rule.code)))
}

/// Memberships looked at in one go.
const PAGE: usize = 1_000;

/// Whether there is such a membership; looks no further than the first.
pub(super) fn any_membership(books: &dyn Read, is: impl Fn(&Membership) -> bool) -> Done<bool> {
    let mut after = None;
    loop {
        let page = books.memberships(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(false) };
        after = Some(last.id);
        if page.iter().any(&is) {
            return Ok(true);
        }
    }
}

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
            return Err(AppError::refused(Problem::VersionConflict, detail));
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
        check_version(item.version(), held)?;
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
        if let Some(why) = I::used(&item, &document, books.as_read())? {
            let detail = format!("The {} `{code}` cannot go: {why}.", I::NAME);
            return Err(AppError::refused(Problem::InUse, detail));
        }
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
        check_version(version, item.version.unwrap_or(0))?;
        let levels = edited(&item.levels, &edit, &program, books.as_read())?;
        for place in document.programs.iter_mut().filter(|place| place.code == item.code) {
            place.levels.clone_from(&levels);
        }
        let catalog = put(books, &who, now, document, ("level.edit", &program))?;
        Ok(find(&catalog.version.document.programs, &program)?.version.unwrap_or(0))
    })
    .await
}

fn edited(levels: &[Level], edit: &LevelEdit, program: &str, books: &dyn Read) -> Done<Vec<Level>> {
    let mut levels = levels.to_vec();
    let place = |code: &str| {
        let place = levels.iter().position(|level| level.code.as_str() == code);
        place.ok_or_else(|| AppError::not_found(&format!("level `{code}`")))
    };
    match edit {
        LevelEdit::Create(level) if place(level.code.as_str()).is_ok() => {
            let detail = format!("There is a level `{}` already.", level.code);
            return Err(AppError::refused(Problem::VersionConflict, detail));
        }
        LevelEdit::Create(level) => levels.push(level.clone()),
        LevelEdit::Update(code, level) => {
            let place = place(code)?;
            levels[place] = level.clone();
        }
        LevelEdit::Remove(code) => {
            let place = place(code)?;
            let number = latest(books)?.program(program).map(|program| program.id);
            if any_membership(books, |it| Some(it.program) == number && it.level.as_str() == code)? {
                let detail = format!("The level `{code}` cannot go: it has members.");
                return Err(AppError::refused(Problem::InUse, detail));
            }
            levels.remove(place);
        }
    }
    Ok(levels)
}
