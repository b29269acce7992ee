//! Customers and memberships as the books hold them, and a membership's statement.

use shared::account::{Account, AccountId};
use shared::api::Page;
use shared::api::member::{Customer, Membership as Shown, Scan, StatementLine};
use shared::books::Marked;
use shared::catalog::Catalog;
use shared::ids::{CustomerId, MembershipId, ProgramId};
use shared::member::{self, Card, CodeKind, Membership, Personal};
use shared::refusal::Refusal;
use shared::render::{self, Allowance, Scene};
use shared::view::{Facts, Scanned};
use shared::voucher::Voucher;

use super::audit::{self, AuditRow};
use super::facts::Loader;
use super::reports::range::Range;
use super::roles::Role;
use super::write::place;
use super::{App, AppError, Done, Who, duplicates, ledger, scope};
use crate::clock;
use crate::store::Read;
use crate::store::topics::{Leg, Lookup};

/// By what a customer is looked up. At most one is given; none lists all.
#[derive(Clone, Debug, Default)]
pub struct LookUp {
    /// A phone number, however it is written.
    pub phone: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
    /// The beginning of a word of the name.
    pub name: Option<String>,
    /// The number in another system.
    pub external_id: Option<String>,
}

/// A customer with all memberships.
pub fn customer(app: &App, who: &Who, id: CustomerId) -> Done<Scan> {
    check_customer(who, id)?;
    let books = app.read()?;
    let id = duplicates::now_is(&*books, id)?;
    if books.customer(id)?.is_some() {
        scope::check_person(&*books, who, id)?;
    }
    shown(app, who, id, None, None)
}

/// One customer with all memberships, as the scan shows them, `first` before the others.
pub(super) fn shown(
    app: &App,
    who: &Who,
    id: CustomerId,
    card: Option<(&Card, &str)>,
    first: Option<MembershipId>,
) -> Done<Scan> {
    let books = app.read()?;
    let person = books.customer(id)?.filter(|row| !row.value.erased);
    let person = person.ok_or_else(|| AppError::not_found("customer with this id"))?;
    let catalog = app.catalog()?;
    let now = clock::now();
    let mut facts = Facts::at(place(&catalog, who)?);
    let loader = Loader { books: &*books, catalog: &catalog, index: app.index(), now };
    loader.customer(id, &mut facts)?;
    facts.members.retain(|member| may_see(who, &catalog, member.membership.program));
    facts.members.sort_by_key(|member| Some(member.membership.id) != first);
    if let Some((card, _)) = card {
        // what a blocked card meets is told with it
        facts.scanned = Scanned::Card(card.clone());
    }
    let (outlet, key) = (facts.place.outlet, Some(app.key()));
    let scene = Scene { catalog: &catalog, outlet, now, online: true, key };
    let mut scan = render::scan(card, &person.value, &facts, &scene, |member, account| {
        Allowance::of(&facts, &scene, member, account)
    });
    scan.customer.version = Some(version(&person));
    if matches!(who.role, Role::Office | Role::Admin | Role::Reader) {
        scan.customer.financial = personal(&*books, id)?.unwrap_or_default().financial;
    }
    for membership in &mut scan.memberships {
        let row = membership.id.parse().ok().map(|id| books.membership(id)).transpose()?.flatten();
        membership.version = row.as_ref().map(version);
    }
    scan.as_of = Some(now.rfc3339());
    Ok(scan)
}

/// What a customer gave of themselves; `None` where that was erased.
pub(super) fn personal(books: &dyn Read, id: CustomerId) -> Done<Option<Personal>> {
    let (Some(key), Some(sealed)) = (books.customer_key(id)?, books.personal(id)?) else { return Ok(None) };
    Ok(member::open(&sealed, id, &key))
}

/// A record's version as it goes over JSON: the time of its last change, in sixteenths of a millisecond, which a number
/// of JavaScript's holds exactly.
pub(super) fn version<T>(row: &Marked<T>) -> u64 {
    let at = row.marker.at;
    at.ms().0.saturating_mul(16).saturating_add((at.0 & 0xffff).min(15))
}

/// Customers that a look-up finds, or all of them, a page at a time; a token that is limited to programs finds theirs.
pub fn look_up(
    app: &App,
    who: &Who,
    by: &LookUp,
    after: Option<CustomerId>,
    limit: usize,
) -> Done<Page<Customer>> {
    let books = app.read()?;
    let mut found = found(app, &*books, (who, by), after, limit)?;
    for id in &mut found {
        *id = duplicates::now_is(&*books, *id)?;
    }
    let mut seen = Vec::new();
    for id in found {
        if scope::sees_person(&*books, who, id)? {
            seen.push(id);
        }
    }
    let mut found = seen;
    found.sort_unstable();
    found.dedup();
    found.retain(|id| after.is_none_or(|after| *id > after));
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(ToString::to_string);
    let mut items = Vec::new();
    for id in found {
        let row = books.customer(id)?.filter(|row| !row.value.erased);
        items
            .extend(row.map(|row| Customer { version: Some(version(&row)), ..render::customer(&row.value) }));
    }
    Ok(Page { items, next })
}

fn found(
    app: &App,
    books: &dyn Read,
    (who, by): (&Who, &LookUp),
    after: Option<CustomerId>,
    limit: usize,
) -> Done<Vec<CustomerId>> {
    let key = app.index();
    Ok(match by {
        LookUp { phone: Some(phone), email: None, name: None, external_id: None } => {
            books.customers_by(Lookup::Phone, key.hash(CodeKind::Phone, phone))?
        }
        LookUp { email: Some(email), phone: None, name: None, external_id: None } => {
            books.customers_by(Lookup::Email, key.hash(CodeKind::Email, email))?
        }
        LookUp { external_id: Some(external), phone: None, email: None, name: None } => {
            books.customers_external(external)?
        }
        LookUp { name: Some(name), phone: None, email: None, external_id: None } => named(books, name)?,
        LookUp { name: None, phone: None, email: None, external_id: None } => {
            listed(books, who, after, limit.saturating_add(1))?
        }
        _ => {
            let detail = "Give one of `phone`, `email`, `name` and `external_id`.";
            return Err(AppError::field("phone", detail));
        }
    })
}

/// The next so many customers that a token may see, by id.
fn listed(
    books: &dyn Read,
    who: &Who,
    mut after: Option<CustomerId>,
    wanted: usize,
) -> Done<Vec<CustomerId>> {
    let mut seen = Vec::new();
    loop {
        let rows = books.customers(after, wanted)?;
        after = rows.last().map(|customer| customer.id);
        let last = rows.len() < wanted;
        // one that was merged is listed as the one that took it over
        for customer in rows.into_iter().filter(|customer| customer.merged_into.is_none()) {
            if scope::sees_person(books, who, customer.id)? {
                seen.push(customer.id);
            }
        }
        if last || seen.len() >= wanted {
            seen.truncate(wanted);
            return Ok(seen);
        }
    }
}

/// All customers in whose name every word asked for begins one.
fn named(books: &dyn Read, name: &str) -> Done<Vec<CustomerId>> {
    if name.trim().chars().count() < 2 {
        return Err(Refusal::field("name", "Give at least two letters of the name.").into());
    }
    let words: Vec<String> = name.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let longest = words.iter().max_by_key(|word| word.len()).map_or("", String::as_str);
    let mut found = Vec::new();
    for id in books.customers_named(longest, usize::MAX)? {
        let Some(row) = books.customer(id)? else { continue };
        let has = row.value.display_name.to_lowercase();
        if words.iter().all(|word| has.split_whitespace().any(|held| held.starts_with(word.as_str()))) {
            found.push(id);
        }
    }
    Ok(found)
}

/// One membership with its accounts.
pub fn membership(app: &App, who: &Who, id: MembershipId) -> Done<Shown> {
    let books = app.read()?;
    let missing = || AppError::not_found("membership with this id");
    let held = membership_for(&*books, who, id)?;
    books.customer(held.customer)?.filter(|row| !row.value.erased).ok_or_else(missing)?;
    let catalog = app.catalog()?;
    let now = clock::now();
    let mut facts = Facts::at(place(&catalog, who)?);
    let loader = Loader { books: &*books, catalog: &catalog, index: app.index(), now };
    loader.customer(held.customer, &mut facts)?;
    let (outlet, key) = (facts.place.outlet, Some(app.key()));
    let scene = Scene { catalog: &catalog, outlet, now, online: true, key };
    let member = facts.member(id).ok_or_else(missing)?;
    let mut shown = render::membership(member, &facts, &scene, |member, account| {
        Allowance::of(&facts, &scene, member, account)
    });
    shown.version = books.membership(id)?.as_ref().map(version);
    Ok(shown)
}

/// What the office did to a membership, latest first, before a number.
pub fn audited(
    app: &App,
    who: &Who,
    id: MembershipId,
    before: Option<u64>,
    limit: usize,
) -> Done<Vec<(u64, AuditRow)>> {
    membership_for(&*app.read()?, who, id)?;
    let wanted = audit::Wanted { subject: Some(id.to_string()), ..audit::Wanted::default() };
    audit::list(app, &wanted, before, limit)
}

/// A membership that the caller may see.
pub(super) fn membership_for(books: &dyn Read, who: &Who, id: MembershipId) -> Done<Membership> {
    let row = books.membership(id)?.ok_or_else(|| AppError::not_found("membership with this id"))?;
    check_customer(who, row.value.customer)?;
    check_program(who, &*super::catalog::latest(books)?, row.value.program)?;
    Ok(row.value)
}

/// A `member` token sees its own customer only.
fn check_customer(who: &Who, id: CustomerId) -> Done<()> {
    if who.role == Role::Member && who.customer != Some(id) {
        return Err(AppError::Forbidden("This token shows one customer's own data only.".to_owned()));
    }
    Ok(())
}

/// A token that is limited to programs touches no other.
pub(super) fn check_program(who: &Who, catalog: &Catalog, program: ProgramId) -> Done<()> {
    if may_see(who, catalog, program) {
        return Ok(());
    }
    Err(AppError::Forbidden("This token is limited to other programs.".to_owned()))
}

/// Whether a token may see a program's members.
pub(super) fn may_see(who: &Who, catalog: &Catalog, program: ProgramId) -> bool {
    let code = catalog.programs.get(&program).map(|program| &program.code);
    who.programs.as_ref().is_none_or(|programs| code.is_some_and(|code| programs.contains(code)))
}

/// The accounts that a membership draws on: its own, and the pool's where it shares one.
pub(super) fn accounts_of(books: &dyn Read, membership: &Membership) -> Done<Vec<(AccountId, Account)>> {
    let mut accounts = Vec::new();
    for set in membership.sets() {
        accounts.extend(books.accounts_of(set)?);
    }
    Ok(accounts)
}

/// A membership's movements, newest first. `before` is the place of the last one seen.
pub fn statement(
    app: &App,
    who: &Who,
    id: MembershipId,
    range: &Range,
    (before, limit): (Option<u64>, usize),
) -> Done<Page<StatementLine>> {
    let books = app.read()?;
    let membership = membership_for(&*books, who, id)?;
    let catalog = app.catalog()?;
    let mut legs: Vec<Leg> = Vec::new();
    let zone = catalog.zone_of(membership.program);
    // with a range, what lies after it is passed over first
    let most = if *range == Range::default() { limit.saturating_add(1) } else { usize::MAX };
    let vouchers = membership.vouchers.iter().map(Voucher::account);
    let accounts = accounts_of(&*books, &membership)?.into_iter().map(|(account, _)| account);
    for account in accounts.chain(vouchers) {
        let of = books.ledger_of(account, before, most)?;
        legs.extend(of.into_iter().filter(|leg| range.holds(leg.line.at, zone)));
    }
    legs.sort_unstable_by_key(|leg| std::cmp::Reverse(leg.order));
    let more = legs.len() > limit;
    legs.truncate(limit);
    let next = legs.last().filter(|_| more).map(|leg| leg.order.to_string());
    let mut items = Vec::new();
    for leg in &legs {
        items.extend(line(&*books, &catalog, leg)?);
    }
    Ok(Page { items, next })
}

/// What one leg means to the member; `None` where the balance stays as it is.
fn line(books: &dyn Read, catalog: &Catalog, leg: &Leg) -> Done<Option<StatementLine>> {
    let effect = ledger::effect(&leg.line);
    if effect.is_zero() {
        return Ok(None);
    }
    let told = ledger::told(books, leg)?;
    let (currency, points) = ledger::written(catalog, leg.line.account.currency, effect);
    Ok(Some(StatementLine {
        transaction_id: told.transaction.to_string(),
        at: leg.line.at.rfc3339(),
        currency,
        points,
        column: told.column.to_owned(),
        description: told.description,
        receipt: told.receipt,
        outlet: ledger::outlet_code(catalog, leg.line.outlet),
        waits: false,
    }))
}
