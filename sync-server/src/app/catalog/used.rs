//! What keeps an item of the catalog from going: one rule, whether it is taken away by itself or left out of a whole
//! document.

use std::borrow::Cow;
use std::collections::BTreeMap;

use shared::books::Side;
use shared::catalog::document::campaign::Campaign;
use shared::catalog::document::conversion::Conversion;
use shared::catalog::document::currency::Currency;
use shared::catalog::document::earning::EarningRule;
use shared::catalog::document::level::TierGroup;
use shared::catalog::document::outlet::Outlet;
use shared::catalog::document::pricing::{Pricebook, PricingScheme};
use shared::catalog::document::program::Program;
use shared::catalog::document::reward::Reward;
use shared::catalog::document::{AllOr, Document};
use shared::ids::Code;
use shared::level;
use shared::member::Membership;
use shared::refusal::Problem;

use super::super::edit::Item;
use super::super::{AppError, Done};
use super::latest;
use crate::clock;
use crate::store::Read;

/// Refuses a document that leaves something out which is in use, or that would give what is in use another meaning.
pub(super) fn check(books: &dyn Read, before: &Document, after: &Document) -> Done<()> {
    items::<Outlet>(books, before, after)?;
    items::<Currency>(books, before, after)?;
    items::<Program>(books, before, after)?;
    items::<EarningRule>(books, before, after)?;
    items::<Campaign>(books, before, after)?;
    items::<Conversion>(books, before, after)?;
    items::<PricingScheme>(books, before, after)?;
    items::<Pricebook>(books, before, after)?;
    items::<Reward>(books, before, after)?;
    meanings(books, before, after)?;
    for program in &before.programs {
        if let Some(next) = after.programs.iter().find(|next| next.code == program.code) {
            levels(books, program, next)?;
            currencies(books, program, next)?;
            tier_groups(books, program, next)?;
        }
    }
    Ok(())
}

fn items<I: Item>(books: &dyn Read, before: &Document, after: &Document) -> Done<()> {
    for item in I::list(before) {
        if I::list(after).iter().any(|next| next.code() == item.code()) {
            continue;
        }
        if let Some(why) = I::used(item.code(), after, books)? {
            let detail = format!("The {} `{}` cannot go: {why}.", I::NAME, item.code());
            return Err(AppError::refused(Problem::InUse, detail));
        }
    }
    Ok(())
}

/// Points are kept as whole numbers of a currency's smallest unit: with another scale each of them would be another
/// amount, and with another kind another thing.
fn meanings(books: &dyn Read, before: &Document, after: &Document) -> Done<()> {
    for currency in &before.currencies {
        let Some(next) = after.currencies.iter().find(|next| next.code == currency.code) else { continue };
        let what = match () {
            () if next.scale != currency.scale => "scale",
            () if next.kind != currency.kind => "kind",
            () => continue,
        };
        let code = &currency.code;
        if let Some(why) = self::currency(code, before, books)?.or(given(code, books)?) {
            let detail = format!(
                "The {what} of currency `{code}` cannot change: {why}. Make another currency, and a conversion into it."
            );
            return Err(AppError::refused(Problem::InUse, detail));
        }
    }
    Ok(())
}

/// Whether anybody was ever given points of a currency: that there is an account of it, whatever is left there.
fn given(code: &Code, books: &dyn Read) -> Done<Option<String>> {
    let Some(number) = latest(books)?.currency(code.as_str()).map(|currency| currency.id) else {
        return Ok(None);
    };
    let mut after = None;
    loop {
        let page = books.accounts(after, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        after = Some(*last);
        if page.iter().any(|(account, _)| account.currency == number) {
            return Ok(Some("points of it were given".to_owned()));
        }
    }
}

/// A program goes on with a currency that its members have points of.
fn currencies(books: &dyn Read, before: &Program, after: &Program) -> Done<()> {
    let catalog = latest(books)?;
    for code in before.currencies.iter().filter(|code| !after.currencies.contains(code)) {
        let Some(number) = catalog.currency(code.as_str()).map(|currency| currency.id) else { continue };
        let has = |it: &Membership| {
            let Some(account) = books.account(it.account(number, &catalog))? else { return Ok(false) };
            let account = account.base();
            Ok(!(account.lots.posted().is_zero() && account.suspense.is_zero() && account.debt.is_zero()))
        };
        if any_member(books, &before.code, has)? {
            let detail = format!(
                "Program `{}` cannot go on without currency `{code}`: its members have points of it.",
                before.code
            );
            return Err(AppError::refused(Problem::InUse, detail));
        }
    }
    Ok(())
}

fn levels(books: &dyn Read, before: &Program, after: &Program) -> Done<()> {
    let stays = |code: &Code| after.levels.iter().any(|next| next.code == *code);
    for level in before.levels.iter().filter(|level| !stays(&level.code)) {
        if any_member(books, &before.code, |it| Ok(it.level == level.code))? {
            let detail = format!("The level `{}` cannot go: it has members.", level.code);
            return Err(AppError::refused(Problem::InUse, detail));
        }
    }
    Ok(())
}

fn tier_groups(books: &dyn Read, before: &Program, after: &Program) -> Done<()> {
    for group in &before.tier_groups {
        let next = after.tier_groups.iter().find(|next| next.code == group.code);
        let stays = |code: &Code| next.is_some_and(|next| next.levels.iter().any(|it| it.code == *code));
        let gone: Vec<&Code> = codes(group).filter(|code| !stays(code)).collect();
        // whoever has reached no level of it stands on its first
        let first = group.levels.iter().min_by_key(|level| level.threshold).map(|level| &level.code);
        let reached = |code: &Code| gone.contains(&code) && Some(code) != first;
        let on = |it: &Membership| {
            let given = it.held.iter().any(|held| gone.contains(&&held.level));
            Ok(given || stands_on(books, it)?.iter().any(reached))
        };
        if !gone.is_empty() && any_member(books, &before.code, on)? {
            let what = if next.is_some() { "A level of the" } else { "The" };
            let detail =
                format!("{what} tier group `{}` cannot go: members stand on levels of it.", group.code);
            return Err(AppError::refused(Problem::InUse, detail));
        }
    }
    Ok(())
}

/// The levels on which a membership stands today, whether or not that was written down yet.
fn stands_on(books: &dyn Read, it: &Membership) -> Done<Vec<Code>> {
    let catalog = latest(books)?;
    let Some(program) = catalog.programs.get(&it.program) else { return Ok(Vec::new()) };
    let mut bases = BTreeMap::new();
    for tier in &program.tiers {
        let account = books.account(it.account(tier.currency, &catalog))?;
        bases.insert(tier.currency, account.unwrap_or_default().base());
    }
    let base = |currency| Cow::Owned(bases.get(&currency).cloned().unwrap_or_default());
    let standings = level::standings(program, it, clock::now().day(program.zone), base);
    Ok(standings.iter().map(|standing| standing.level.code.clone()).collect())
}

fn codes(group: &TierGroup) -> impl Iterator<Item = &Code> {
    group.levels.iter().map(|level| &level.code)
}

/// What an outlet is needed for: a program that names it, a till that stands in it, a token that sells there.
pub(in super::super) fn outlet(code: &Code, document: &Document, books: &dyn Read) -> Done<Option<String>> {
    let named = |program: &&Program| matches!(&program.outlets, AllOr::Some(codes) if codes.contains(code));
    if let Some(program) = document.programs.iter().find(named) {
        return Ok(Some(format!("program `{}` names it", program.code)));
    }
    let number = latest(books)?.outlet(code.as_str()).map(|outlet| outlet.id);
    let till = books.tills()?.into_iter().find(|till| Some(till.outlet) == number && !till.revoked);
    if let Some(till) = till {
        return Ok(Some(format!("till `{}` stands in it", till.name)));
    }
    let now = clock::now();
    let lives = books
        .tokens()?
        .into_iter()
        .map(|(_, row)| row)
        .find(|row| row.outlet.as_ref() == Some(code) && row.expires_at.is_none_or(|end| end > now));
    Ok(lives.map(|row| format!("token `{}` is of it", row.name)))
}

/// What a currency is needed for: a program that has it, a conversion that names it, points that somebody has.
pub(in super::super) fn currency(code: &Code, document: &Document, books: &dyn Read) -> Done<Option<String>> {
    if let Some(program) = document.programs.iter().find(|program| program.currencies.contains(code)) {
        return Ok(Some(format!("program `{}` has it", program.code)));
    }
    let converts = |item: &&Conversion| item.from == *code || item.to == *code;
    if let Some(conversion) = document.conversions.iter().find(converts) {
        return Ok(Some(format!("conversion `{}` names it", conversion.code)));
    }
    let Some(number) = latest(books)?.currency(code.as_str()).map(|currency| currency.id) else {
        return Ok(None);
    };
    for side in [Side::Member, Side::Suspense, Side::Debt] {
        if books.total(number, side)? != 0 {
            return Ok(Some("members have points of it".to_owned()));
        }
    }
    Ok(None)
}

/// What a program is needed for: whatever belongs to it, and its members.
pub(in super::super) fn program(code: &Code, document: &Document, books: &dyn Read) -> Done<Option<String>> {
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
    Ok(any_member(books, code, |_| Ok(true))?.then(|| "it has members".to_owned()))
}

/// What a campaign is needed for: the rules that belong to it.
#[expect(
    clippy::unnecessary_wraps,
    reason = "of one form with those of the other kinds, which do read the books"
)]
pub(in super::super) fn campaign(code: &Code, document: &Document, _: &dyn Read) -> Done<Option<String>> {
    let rule = document.earning_rules.iter().find(|rule| rule.campaign.as_ref() == Some(code));
    Ok(rule.map(|rule| format!("earning rule `{}` belongs to it", rule.code)))
}

/// Nothing: what it gave stands by the catalog under which it was given.
#[expect(
    clippy::unnecessary_wraps,
    reason = "of one form with those of the other kinds, which do read the books"
)]
pub(in super::super) fn rule(_: &Code, _: &Document, _: &dyn Read) -> Done<Option<String>> {
    Ok(None)
}

/// Memberships looked at in one go.
const PAGE: usize = 1_000;

/// Whether a program has such a member; looks no further than the first.
fn any_member(books: &dyn Read, program: &Code, is: impl Fn(&Membership) -> Done<bool>) -> Done<bool> {
    let number = latest(books)?.program(program.as_str()).map(|program| program.id);
    let mut after = None;
    loop {
        let page = books.memberships(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(false) };
        after = Some(last.id);
        for it in page.iter().filter(|it| Some(it.program) == number) {
            if is(it)? {
                return Ok(true);
            }
        }
    }
}
