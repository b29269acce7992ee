//! Memberships that become one: the old one stays as it is with its own accounts, which are empty from then on, and says
//! who took it over. Whatever comes to it late is moved on ([`shared::post::moved`]).

use std::collections::BTreeSet;

use shared::account::AccountId;
use shared::api::member::Membership as Shown;
use shared::api::moving::MergeRequest;
use shared::decide::Draft;
use shared::entry::membership::{Agreed, Carried, Heir, Occasion, Transfer};
use shared::entry::{DirectoryChange, EntryKind, Idem, Posting};
use shared::ids::MembershipId;
use shared::member::{Membership, MembershipStatus};
use shared::post::flow::own;
use shared::refusal::{Problem, Refusal};
use shared::request::moving::{consents, membership};
use shared::request::text;
use shared::time::{Day, Millis};
use shared::transfer::{self, gift};
use shared::view::MemberView;

use super::moving::{Desk, plain};
use super::repeat::{Coming, Seen};
use super::write::{Outcome, actor, author, place};
use super::{App, AppError, Done, Who, audit, catalog, members, sync};
use crate::clock;
use crate::store::{Read, Write};

/// Merges memberships into one; answers it.
pub async fn merge(app: &App, who: &Who, key: Option<&str>, asked: &MergeRequest) -> Done<Outcome<Shown>> {
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let keying = Coming::new(key, outlet, "merge", asked).without_receipt();
    let (by, asked, index) = (who.clone(), asked.clone(), app.index().clone());
    let now = clock::now();
    let (into, replayed) = app
        .write(move |books| {
            let idem = match keying.find(books.as_read(), now)? {
                Seen::As(dot) => return Ok((survivor(books.as_read(), dot)?, true)),
                Seen::Never(idem) => idem,
            };
            let catalog = catalog::latest(books)?;
            let plan = {
                let desk = Desk { books: books.as_read(), who: &by, catalog: &catalog, index: &index, now };
                Plan::read(&desk, &asked)?
            };
            plan.write(books, &by, Some(idem), now)?;
            Ok((plan.into, false))
        })
        .await?;
    Ok(Outcome { body: members::membership(app, who, into)?, replayed })
}

/// Who took over in the transfer that a repeat is of.
pub(super) fn survivor(books: &dyn Read, dot: shared::ids::Dot) -> Done<MembershipId> {
    match books.taken(dot)?.and_then(|taken| taken.entry.ok()).map(|entry| entry.kind) {
        Some(EntryKind::Transfer(transfer)) => Ok(transfer.to),
        _ => Err(AppError::not_found("such merge")),
    }
}

/// What is to be merged, checked.
pub(super) struct Plan {
    into: MembershipId,
    from: Vec<MembershipId>,
    consents: Vec<Agreed>,
    reason: Option<String>,
}

impl Plan {
    /// Memberships that become one without anybody's asking: their customers were found to be the same.
    pub(super) fn of_one_customer(into: MembershipId, from: Vec<MembershipId>, reason: String) -> Self {
        Self { into, from, consents: Vec::new(), reason: Some(reason) }
    }

    fn read(desk: &Desk<'_>, asked: &MergeRequest) -> Done<Self> {
        let into = membership(&asked.into, "into")?;
        let mut from = Vec::new();
        for (place, id) in asked.from.iter().enumerate() {
            let field = format!("from[{place}]");
            let id = membership(id, &field)?;
            if id == into || from.contains(&id) {
                return Err(AppError::field(field, "A membership is merged once, and not into itself."));
            }
            from.push(id);
        }
        if from.is_empty() || from.len() > shared::limits::MOVED_MEMBERSHIPS {
            let most = shared::limits::MOVED_MEMBERSHIPS;
            return Err(AppError::field("from", format!("Name 1 to {most} memberships to merge.")));
        }
        let consents = consents(&asked.consent, desk.now)?;
        let named: Vec<MembershipId> = std::iter::once(into).chain(from.iter().copied()).collect();
        let facts = desk.facts(&named)?;
        let views: Vec<&MemberView> = named.iter().filter_map(|id| facts.member(*id)).collect();
        for (place, view) in views.iter().enumerate() {
            let field = if place == 0 { "into".to_owned() } else { format!("from[{}]", place - 1) };
            check(views.first().copied(), view).map_err(|refusal| refusal.at(field))?;
        }
        gift::check_consents(&views, &consents)?;
        let reason = asked.reason.as_deref().map(|reason| text(reason, "reason")).transpose()?;
        Ok(Self { into, from, consents, reason })
    }

    /// Writes it: the records first, then what moves.
    pub(super) fn write(
        &self,
        books: &mut dyn Write,
        who: &Who,
        mut idem: Option<Idem>,
        now: Millis,
    ) -> Done<()> {
        let held = |books: &dyn Read, id| {
            let row = books.membership(id)?.map(|row| row.value);
            row.ok_or_else(|| AppError::not_found("membership with this id"))
        };
        for id in &self.from {
            let (from, into) = (held(books.as_read(), *id)?, held(books.as_read(), self.into)?);
            let moves = Moves::of(books.as_read(), &from, &into, &self.from)?;
            let one = united(&from, &into);
            let gone = Membership { status: MembershipStatus::Terminated, moved_to: Some(into.id), ..from };
            let changes = vec![DirectoryChange::Membership(one), DirectoryChange::Membership(gone)];
            let place = place(&*catalog::latest(books)?, who)?;
            let desk = sync::desk(books, now)?;
            let by = || actor(who, place, None);
            let records = Draft { actor: by(), ..own(&desk, EntryKind::Directory(changes), Vec::new()) };
            author(books, records, now)?;
            let transfer = Transfer {
                from: *id,
                to: self.into,
                carried: moves.carried,
                heirs: moves.heirs,
                ..plain(Occasion::Merge, self.consents.clone(), self.reason.clone())
            };
            let draft = own(&desk, EntryKind::Transfer(transfer), moves.postings);
            author(books, Draft { actor: by(), idem: idem.take(), ..draft }, now)?;
            let why = self.reason.as_deref();
            let both = [(*id, format!("into {}", self.into)), (self.into, format!("takes over {id}"))];
            for (subject, what) in both {
                let detail = super::changes::why(&what, why);
                audit::note(books, who, now, "membership.merge", &subject.to_string(), &detail)?;
            }
        }
        Ok(())
    }
}

/// Whether a membership can take part.
fn check(into: Option<&MemberView>, view: &MemberView) -> Result<(), Refusal> {
    let membership = &view.membership;
    if into.is_some_and(|into| into.membership.program != membership.program) {
        return Err(Refusal::new(Problem::InvalidRequest, "Memberships of one program are merged."));
    }
    if membership.moved_to.is_some() {
        let detail = format!("Membership {} was merged already.", membership.number);
        return Err(Refusal::new(Problem::InvalidTransition, detail));
    }
    if membership.status == MembershipStatus::Terminated {
        let detail = format!("Membership {} is terminated.", membership.number);
        return Err(Refusal::new(Problem::InvalidTransition, detail));
    }
    Ok(())
}

/// The membership that stays, with what the other one had beside points: labels, levels that were given to it, attributes
/// that it has not itself, its vouchers, and the earlier begin.
fn united(from: &Membership, into: &Membership) -> Membership {
    let mut one = into.clone();
    one.enrolled_on = one.enrolled_on.min(from.enrolled_on);
    for label in &from.labels {
        if !one.labels.contains(label) {
            one.labels.push(label.clone());
        }
    }
    for held in &from.held {
        if !one.held.contains(held) {
            one.held.push(held.clone());
        }
    }
    for (code, value) in &from.attributes {
        if one.attributes.iter().all(|(known, _)| known != code) {
            one.attributes.push((code.clone(), value.clone()));
        }
    }
    // their uses are counted where they were: a voucher has an account of its own
    for voucher in &from.vouchers {
        one.take_in(voucher, Day(0));
    }
    one
}

/// All that moves from one membership's accounts to another's.
#[derive(Default)]
pub(super) struct Moves {
    pub(super) postings: Vec<Posting>,
    pub(super) carried: Vec<Carried>,
    pub(super) heirs: Vec<Heir>,
}

impl Moves {
    /// What a membership leaves to another: all of the sets that nobody but `leaving` draws on. What it shared with others
    /// stays with them.
    fn of(books: &dyn Read, from: &Membership, into: &Membership, leaving: &[MembershipId]) -> Done<Self> {
        let catalog = catalog::latest(books)?;
        let mut moves = Self::default();
        for set in from.sets() {
            if is_drawn_on(books, set, leaving)? || into.sets().any(|own| own == set) {
                continue;
            }
            let mut accounts: BTreeSet<AccountId> =
                books.accounts_of(set)?.into_iter().map(|(account, _)| account).collect();
            let program = catalog.programs.get(&from.program);
            let currencies = program.into_iter().flat_map(|program| &program.currencies);
            accounts.extend(currencies.map(|currency| AccountId { set, currency: *currency }));
            for of in accounts {
                let to = into.account(of.currency, &catalog);
                moves.add(books, (of, from.id), (to, into.id), (&from.number, &into.number))?;
            }
        }
        Ok(moves)
    }

    /// Adds one account's.
    pub(super) fn add(
        &mut self,
        books: &dyn Read,
        (of, from): (AccountId, MembershipId),
        (to, into): (AccountId, MembershipId),
        (numbered, as_now): (&str, &str),
    ) -> Done<()> {
        if of == to {
            return Ok(());
        }
        let base = books.base_of(of)?.unwrap_or_default();
        let text = (format!("Moved to {as_now}"), format!("Moved from {numbered}"));
        let (postings, carried) = transfer::all_of((of, &base), to, (&text.0, &text.1));
        self.postings.extend(postings);
        self.carried.extend(Some(carried).filter(|carried| !carried.is_nothing()));
        self.inherit(books, (of, from), (to, into))
    }

    /// What comes to an account later goes to another from now on.
    pub(super) fn inherit(
        &mut self,
        books: &dyn Read,
        (of, from_membership): (AccountId, MembershipId),
        (to, to_membership): (AccountId, MembershipId),
    ) -> Done<()> {
        if books.heir(to)?.is_some() {
            // it may have been another's before: what comes to it stays there now, and no ring is made
            let own = Heir { of: to, to, from_membership: to_membership, to_membership };
            self.heirs.push(own);
        }
        self.heirs.push(Heir { of, to, from_membership, to_membership });
        Ok(())
    }
}

/// Whether somebody who stays draws on a set.
fn is_drawn_on(books: &dyn Read, set: shared::ids::AccountSetId, leaving: &[MembershipId]) -> Done<bool> {
    for id in books.memberships_on(set)?.into_iter().filter(|id| !leaving.contains(id)) {
        let row = books.membership(id)?.map(|row| row.value);
        let draws = |held: &Membership| {
            let ended = held.status == MembershipStatus::Terminated || held.moved_to.is_some();
            !ended && held.sets().any(|own| own == set)
        };
        if row.as_ref().is_some_and(draws) {
            return Ok(true);
        }
    }
    Ok(false)
}
