//! Memberships that share points: joining those who do, and leaving them with a share.
//!
//! What is shared has a set of its own, which is nobody's alone: a pool for redeemable points (`shared`), or a set for all
//! points (`group`). What comes late to the accounts that a member had before is moved on to it.

use std::collections::BTreeSet;

use shared::account::AccountId;
use shared::api::member::Membership as Shown;
use shared::api::moving::{JoinRequest, SplitRequest};
use shared::catalog::Catalog;
use shared::catalog::document::currency::CurrencyKind;
use shared::decide::Draft;
use shared::decide::points::points_of;
use shared::entry::membership::{Agreed, Heir, Occasion, Transfer};
use shared::entry::{DirectoryChange, EntryKind, Idem};
use shared::ids::{AccountSetId, CurrencyId, MembershipId};
use shared::level::HeldLevel;
use shared::limits;
use shared::member::{Membership, MembershipKind, MembershipStatus};
use shared::points::Points;
use shared::post::flow::own;
use shared::refusal::{Problem, Refusal};
use shared::request::moving::{consents, membership};
use shared::request::text;
use shared::time::Millis;
use shared::transfer::{self, gift};
use shared::view::MemberView;

use super::merging::{Moves, survivor};
use super::moving::{Desk, plain};
use super::repeat::{Coming, Seen};
use super::write::{Outcome, actor, author, place};
use super::{App, AppError, Done, Who, audit, catalog, members, sync};
use crate::clock;
use crate::store::{Read, Write};

/// A membership shares with another from now on; answers the one that joined.
pub async fn join(
    app: &App,
    who: &Who,
    key: Option<&str>,
    id: MembershipId,
    asked: &JoinRequest,
) -> Done<Outcome<Shown>> {
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let keying = Coming::new(key, outlet, "join", &(id, asked)).without_receipt();
    let (by, asked, index) = (who.clone(), asked.clone(), app.index().clone());
    let (fresh, now) = (AccountSetId(clock::fresh_id()), clock::now());
    let replayed = app
        .write(move |books| {
            let idem = match keying.find(books.as_read(), now)? {
                Seen::As(_) => return Ok(true),
                Seen::Never(idem) => idem,
            };
            let catalog = catalog::latest(books)?;
            let plan = {
                let desk = Desk { books: books.as_read(), who: &by, catalog: &catalog, index: &index, now };
                Joining::read(&desk, id, &asked, fresh)?
            };
            plan.write(books, &by, idem, now)?;
            Ok(false)
        })
        .await?;
    Ok(Outcome { body: members::membership(app, who, id)?, replayed })
}

/// All with whom a membership shares points, itself first.
pub fn with_whom(app: &App, who: &Who, id: MembershipId) -> Done<Vec<MembershipId>> {
    let books = app.read()?;
    let held = members::membership_for(&*books, who, id)?;
    sharers(&*books, &held)
}

/// All who draw on the set that a membership shares, itself first; itself alone where it shares none.
pub(super) fn sharers(books: &dyn Read, held: &Membership) -> Done<Vec<MembershipId>> {
    let mut found = vec![held.id];
    if let Some(set) = common_set(held) {
        for id in books.memberships_on(set)? {
            let row = books.membership(id)?.map(|row| row.value);
            let lives = |it: &Membership| it.status != MembershipStatus::Terminated && it.moved_to.is_none();
            if id != held.id && row.as_ref().is_some_and(lives) {
                found.push(id);
            }
        }
    }
    Ok(found)
}

/// The set that a membership shares with others.
fn common_set(held: &Membership) -> Option<AccountSetId> {
    match held.kind {
        MembershipKind::Standard => None,
        MembershipKind::Shared => held.pool,
        MembershipKind::Group => Some(held.set),
    }
}

/// A membership as it is when it shares a set.
fn sharing(held: &Membership, kind: MembershipKind, set: AccountSetId) -> Membership {
    let mut held = Membership { kind, ..held.clone() };
    match kind {
        MembershipKind::Group => held.set = set,
        _ => held.pool = Some(set),
    }
    held
}

/// The currencies of a membership's program.
fn currencies(catalog: &Catalog, held: &Membership) -> Vec<CurrencyId> {
    catalog.programs.get(&held.program).map_or_else(Vec::new, |program| program.currencies.clone())
}

fn redeemable(catalog: &Catalog, held: &Membership) -> BTreeSet<CurrencyId> {
    let kind = |id: &CurrencyId| catalog.currencies.get(id).map(|currency| currency.kind);
    let all = currencies(catalog, held).into_iter();
    all.filter(|id| kind(id) == Some(CurrencyKind::Redeemable)).collect()
}

/// A membership that joins, checked.
struct Joining {
    joiner: Membership,
    with: Membership,
    kind: MembershipKind,
    set: AccountSetId,
    consents: Vec<Agreed>,
    reason: Option<String>,
}

impl Joining {
    fn read(desk: &Desk<'_>, id: MembershipId, asked: &JoinRequest, fresh: AccountSetId) -> Done<Self> {
        let with = membership(&asked.with, "with")?;
        if with == id {
            return Err(AppError::field("with", "A membership shares with another one."));
        }
        let kind = match asked.kind.as_str() {
            "shared" => MembershipKind::Shared,
            "group" => MembershipKind::Group,
            other => {
                let detail = format!("`{other}` is neither `shared` nor `group`.");
                return Err(AppError::field("kind", detail));
            }
        };
        let consents = consents(&asked.consent, desk.now)?;
        let with = members::membership_for(desk.books, desk.who, with)?;
        let mut concerned = vec![id];
        concerned.extend(sharers(desk.books, &with)?);
        if concerned.len() > limits::MOVED_MEMBERSHIPS {
            let detail = format!("At most {} memberships share.", limits::MOVED_MEMBERSHIPS);
            return Err(AppError::field("with", detail));
        }
        let facts = desk.facts(&concerned)?;
        let views: Vec<&MemberView> = concerned.iter().filter_map(|id| facts.member(*id)).collect();
        let joiner = members::membership_for(desk.books, desk.who, id)?;
        check_join(desk.catalog, &joiner, &with, kind)?;
        gift::check_consents(&views, &consents)?;
        let reason = asked.reason.as_deref().map(|reason| text(reason, "reason")).transpose()?;
        let set = common_set(&with).unwrap_or(fresh);
        Ok(Self { joiner, with, kind, set, consents, reason })
    }

    /// Writes the records, then moves what each had before into what they share.
    fn write(&self, books: &mut dyn Write, who: &Who, idem: Idem, now: Millis) -> Done<()> {
        let catalog = catalog::latest(books)?;
        let (place, desk) = (place(&catalog, who)?, sync::desk(books, now)?);
        let founds = self.with.kind == MembershipKind::Standard;
        let mut after = vec![sharing(&self.joiner, self.kind, self.set)];
        after.extend(founds.then(|| sharing(&self.with, self.kind, self.set)));
        let mut changes: Vec<Membership> = after.clone();
        if self.kind == MembershipKind::Group {
            for id in sharers(books.as_read(), &self.with)? {
                let row =
                    books.membership(id)?.filter(|row| changes.iter().all(|held| held.id != row.value.id));
                changes.extend(row.map(|row| row.value));
            }
            let given = given(&self.joiner, &self.with);
            for held in &mut changes {
                held.held.clone_from(&given);
            }
        }
        let changes = changes.into_iter().map(DirectoryChange::Membership).collect();
        let by = || actor(who, place, None);
        let records = Draft { actor: by(), ..own(&desk, EntryKind::Directory(changes), Vec::new()) };
        author(books, records, now)?;
        let before = [&self.joiner, &self.with];
        let mut idem = Some(idem);
        for (held, now_held) in before.into_iter().zip(&after) {
            let moves = into_common(books.as_read(), &catalog, held, now_held)?;
            let transfer = Transfer {
                from: held.id,
                to: if held.id == self.with.id { held.id } else { self.with.id },
                carried: moves.carried,
                heirs: moves.heirs,
                ..plain(Occasion::Join, self.consents.clone(), self.reason.clone())
            };
            let draft = own(&desk, EntryKind::Transfer(transfer), moves.postings);
            author(books, Draft { actor: by(), idem: idem.take(), ..draft }, now)?;
        }
        let word = if self.kind == MembershipKind::Group { "group" } else { "shared" };
        for (subject, other) in [(&self.joiner, &self.with), (&self.with, &self.joiner)] {
            let what = format!("{word} with {}", other.id);
            let detail = super::changes::why(&what, self.reason.as_deref());
            audit::note(books, who, now, "membership.join", &subject.id.to_string(), &detail)?;
        }
        Ok(())
    }
}

/// What a membership had of its own goes into what it shares now, and says which program issued it.
fn into_common(books: &dyn Read, catalog: &Catalog, before: &Membership, after: &Membership) -> Done<Moves> {
    let mut moves = Moves::default();
    for currency in currencies(catalog, before) {
        let (of, to) = (before.account(currency, catalog), after.account(currency, catalog));
        moves.add(books, (of, before.id), (to, before.id), (&before.number, "what is shared"))?;
    }
    for posting in &mut moves.postings {
        if posting.column == shared::entry::Column::TransferredIn {
            posting.lot = posting.lot.map(|terms| after.issued(terms, posting.account));
        }
    }
    Ok(moves)
}

/// The levels that were given to either: what is worked out counts for the whole group, so what was given does too.
fn given(one: &Membership, other: &Membership) -> Vec<HeldLevel> {
    let mut given = one.held.clone();
    for held in &other.held {
        if !given.contains(held) {
            given.push(held.clone());
        }
    }
    given
}

/// Whether a program's level counts points that would be shared.
fn counts_redeemable(catalog: &Catalog, held: &Membership) -> bool {
    let shared = redeemable(catalog, held);
    let program = catalog.programs.get(&held.program);
    let mut tiers = program.into_iter().flat_map(|program| &program.tiers);
    tiers.any(|tier| tier.levels.len() > 1 && shared.contains(&tier.currency))
}

fn check_join(
    catalog: &Catalog,
    joiner: &Membership,
    with: &Membership,
    kind: MembershipKind,
) -> Result<(), Refusal> {
    for (held, field) in [(joiner, "id"), (with, "with")] {
        if held.moved_to.is_some() || held.status != MembershipStatus::Active {
            let detail =
                format!("Membership {} is {}; only active ones share.", held.number, held.status.word());
            return Err(Refusal::new(Problem::InvalidTransition, detail).at(field));
        }
    }
    if joiner.kind != MembershipKind::Standard {
        let detail = format!("Membership {} shares already; it has to leave first (split).", joiner.number);
        return Err(Refusal::new(Problem::InvalidTransition, detail).at("id"));
    }
    if with.kind != MembershipKind::Standard && with.kind != kind {
        let detail = format!("Membership {} shares in another way; join it as that.", with.number);
        return Err(Refusal::new(Problem::InvalidTransition, detail).at("kind"));
    }
    if kind == MembershipKind::Group && joiner.program != with.program {
        return Err(Refusal::field("with", "A group is of one program, with one level."));
    }
    for (held, field) in [(joiner, "id"), (with, "with")] {
        if kind == MembershipKind::Shared && counts_redeemable(catalog, held) {
            let detail = "The level of this membership's program counts points that would be shared; for `shared` it counts a \
                          qualifying currency (the program's `qualifier`), which stays each member's own.";
            return Err(Refusal::new(Problem::InvalidTransition, detail).at(field));
        }
    }
    if redeemable(catalog, joiner).is_disjoint(&redeemable(catalog, with)) {
        let detail = "The two programs have no redeemable points in common; there would be nothing to share.";
        return Err(Refusal::field("with", detail));
    }
    Ok(())
}

/// Memberships leave those with whom they share; answers the first of them.
pub async fn split(app: &App, who: &Who, key: Option<&str>, asked: &SplitRequest) -> Done<Outcome<Shown>> {
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let keying = Coming::new(key, outlet, "split", asked).without_receipt();
    let (by, asked, index) = (who.clone(), asked.clone(), app.index().clone());
    let now = clock::now();
    let (first, replayed) = app
        .write(move |books| {
            let idem = match keying.find(books.as_read(), now)? {
                Seen::As(dot) => return Ok((survivor(books.as_read(), dot)?, true)),
                Seen::Never(idem) => idem,
            };
            let catalog = catalog::latest(books)?;
            let plan = {
                let desk = Desk { books: books.as_read(), who: &by, catalog: &catalog, index: &index, now };
                Parting::read(&desk, &asked)?
            };
            plan.write(books, &by, idem, now)?;
            let first = plan.leavers.first().map(|held| held.id);
            Ok((first.ok_or_else(|| AppError::not_found("such split"))?, false))
        })
        .await?;
    Ok(Outcome { body: members::membership(app, who, first)?, replayed })
}

/// Memberships that leave, checked.
struct Parting {
    leavers: Vec<Membership>,
    stayer: Option<MembershipId>,
    shares: Vec<(MembershipId, CurrencyId, Points)>,
    consents: Vec<Agreed>,
    reason: Option<String>,
}

impl Parting {
    fn read(desk: &Desk<'_>, asked: &SplitRequest) -> Done<Self> {
        let mut leavers: Vec<Membership> = Vec::new();
        for (place, id) in asked.members.iter().enumerate() {
            let field = format!("members[{place}]");
            let held = members::membership_for(desk.books, desk.who, membership(id, &field)?)?;
            let common = common_set(&held).ok_or_else(|| {
                let detail = format!("Membership {} shares with nobody.", held.number);
                Refusal::new(Problem::InvalidTransition, detail).at(&field)
            })?;
            if leavers.iter().any(|before| before.id == held.id || common_set(before) != Some(common)) {
                let detail = "Those who leave together share the same points, and stand once.";
                return Err(AppError::field(field, detail));
            }
            leavers.push(held);
        }
        let first = leavers.first().ok_or_else(|| AppError::field("members", "Name who leaves."))?;
        let concerned = sharers(desk.books, first)?;
        let consents = consents(&asked.consent, desk.now)?;
        let facts = desk.facts(&concerned)?;
        let views: Vec<&MemberView> = concerned.iter().filter_map(|id| facts.member(*id)).collect();
        gift::check_consents(&views, &consents)?;
        let shares = shares(desk, asked, &leavers)?;
        let stayer = concerned.iter().copied().find(|id| leavers.iter().all(|held| held.id != *id));
        let reason = asked.reason.as_deref().map(|reason| text(reason, "reason")).transpose()?;
        Ok(Self { leavers, stayer, shares, consents, reason })
    }

    fn write(&self, books: &mut dyn Write, who: &Who, idem: Idem, now: Millis) -> Done<()> {
        let catalog = catalog::latest(books)?;
        let (place, desk) = (place(&catalog, who)?, sync::desk(books, now)?);
        let by = || actor(who, place, None);
        let after: Vec<Membership> = self.leavers.iter().map(alone).collect();
        let changes = after.iter().cloned().map(DirectoryChange::Membership).collect();
        let records = Draft { actor: by(), ..own(&desk, EntryKind::Directory(changes), Vec::new()) };
        author(books, records, now)?;
        let mut idem = Some(idem);
        // whoever has what is left comes last, when the others have taken their shares
        for (held, now_held) in self.leavers.iter().zip(&after).rev() {
            let moves = self.leave(books.as_read(), &catalog, (held, now_held), now)?;
            let transfer = Transfer {
                from: self.stayer.unwrap_or(held.id),
                to: held.id,
                carried: moves.carried,
                heirs: moves.heirs,
                ..plain(Occasion::Split, self.consents.clone(), self.reason.clone())
            };
            let draft = own(&desk, EntryKind::Transfer(transfer), moves.postings);
            let first = self.leavers.first().is_some_and(|first| first.id == held.id);
            let idem = if first { idem.take() } else { None };
            author(books, Draft { actor: by(), idem, ..draft }, now)?;
            let detail = super::changes::why("leaves those with whom it shared", self.reason.as_deref());
            audit::note(books, who, now, "membership.split", &held.id.to_string(), &detail)?;
        }
        Ok(())
    }

    /// Whether nobody stays, and one is the first whose program has these points: what nobody takes is then theirs.
    fn takes_the_rest(&self, catalog: &Catalog, currency: CurrencyId, id: MembershipId) -> bool {
        let has = |held: &&Membership| currencies(catalog, held).contains(&currency);
        self.stayer.is_none() && self.leavers.iter().find(has).is_some_and(|first| first.id == id)
    }

    /// What one takes along: its shares, or all that is left.
    fn leave(
        &self,
        books: &dyn Read,
        catalog: &Catalog,
        (before, after): (&Membership, &Membership),
        now: Millis,
    ) -> Done<Moves> {
        let mut moves = Moves::default();
        for currency in currencies(catalog, before) {
            let (of, to) = (before.account(currency, catalog), after.account(currency, catalog));
            if of == to {
                continue;
            }
            if self.takes_the_rest(catalog, currency, before.id) {
                moves.add(books, (of, before.id), (to, after.id), ("what was shared", &after.number))?;
                continue;
            }
            // what it earned from now on is its own again
            moves.heirs.push(Heir { of: to, to, from_membership: after.id, to_membership: after.id });
            let mut taken = self.shares.iter().filter(|(id, share, _)| (*id, *share) == (after.id, currency));
            if let Some((.., points)) = taken.next() {
                let parts = share(books, catalog, (of, before), *points, now)?;
                let text = (format!("Share of {}", after.number), "Share of what was shared".to_owned());
                moves.postings.extend(transfer::legs(of, to, &parts, (&text.0, &text.1)));
            }
        }
        Ok(moves)
    }
}

/// A membership on its own again.
fn alone(held: &Membership) -> Membership {
    Membership { kind: MembershipKind::Standard, set: AccountSetId(held.id.0), pool: None, ..held.clone() }
}

/// The lots of a share, oldest expiry first.
fn share(
    books: &dyn Read,
    catalog: &Catalog,
    (of, held): (AccountId, &Membership),
    points: Points,
    now: Millis,
) -> Done<Vec<transfer::Part>> {
    let base = books.base_of(of)?.unwrap_or_default();
    let day = catalog.today(held.program, now);
    let scale = catalog.currencies.get(&of.currency).map_or(0, |currency| currency.scale);
    gift::check_there(&base, points, scale, day).map_err(|refusal| refusal.at("shares"))?;
    Ok(transfer::spendable_first(&base.lots, day, points))
}

fn shares(
    desk: &Desk<'_>,
    asked: &SplitRequest,
    leavers: &[Membership],
) -> Done<Vec<(MembershipId, CurrencyId, Points)>> {
    let mut read = Vec::new();
    for (place, share) in asked.shares.iter().enumerate() {
        let at = |name: &str| format!("shares[{place}].{name}");
        let id = membership(&share.membership_id, &at("membership_id"))?;
        let held = leavers.iter().find(|held| held.id == id);
        let held =
            held.ok_or_else(|| AppError::field(at("membership_id"), "Only who leaves takes a share."))?;
        let (currency, points) =
            points_of(desk.catalog, (&share.currency, &at("currency")), (&share.points, &at("points")))?;
        if !redeemable(desk.catalog, held).contains(&currency) {
            let detail = "Shares are of redeemable points of the member's program.";
            return Err(AppError::field(at("currency"), detail));
        }
        if read.iter().any(|(known, of, _)| (*known, *of) == (id, currency)) {
            return Err(AppError::field(at("currency"), "This share stands twice."));
        }
        read.push((id, currency, points));
    }
    Ok(read)
}
