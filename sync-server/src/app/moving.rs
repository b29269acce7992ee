//! Points that members give to each other.

use shared::api::moving::{ConvertRequest, TransferRequest};
use shared::api::transaction::Transaction;
use shared::catalog::Catalog;
use shared::decide::Draft;
use shared::decide::party::{self, Member};
use shared::decide::points::points_of;
use shared::entry::membership::{Agreed, Occasion, Transfer};
use shared::entry::{EntryKind, Idem};
use shared::ids::MembershipId;
use shared::member::IndexKey;
use shared::post::flow::own;
use shared::request;
use shared::request::moving::{consents, membership};
use shared::time::Millis;
use shared::transfer::convert::{self, Converting};
use shared::transfer::gift::{self, Gift};
use shared::view::{Facts, Place};

use super::facts::Loader;
use super::repeat::{Coming, Keying, Seen};
use super::write::{Outcome, Written, actor, author, place};
use super::{App, AppError, Done, Who, audit, catalog, members, show, sync};
use crate::clock;
use crate::store::{Read, Write};

/// Points given to another membership of the same program.
pub async fn transfer(
    app: &App,
    who: &Who,
    key: Option<&str>,
    from: MembershipId,
    asked: &TransferRequest,
) -> Done<Outcome<Transaction>> {
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let keying = Coming::new(key, outlet, "transfer", &(from, asked)).without_receipt();
    let (by, asked, index) = (who.clone(), asked.clone(), app.index().clone());
    once(app, keying, move |books, idem, now| {
        let catalog = catalog::latest(books)?;
        let desk = Desk { books: books.as_read(), who: &by, catalog: &catalog, index: &index, now };
        let draft = desk.given(from, idem, &asked)?;
        let detail = format!("{} {} to {}", asked.points, asked.currency, asked.to_membership_id);
        Ok((draft, ("membership.transfer_points", from.to_string(), detail), by.clone()))
    })
    .await
}

/// Points of one currency into another's, between memberships of one customer.
pub async fn convert(
    app: &App,
    who: &Who,
    key: Option<&str>,
    from: MembershipId,
    asked: &ConvertRequest,
) -> Done<Outcome<Transaction>> {
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let keying = Coming::new(key, outlet, "convert", &(from, asked)).without_receipt();
    let (by, asked, index) = (who.clone(), asked.clone(), app.index().clone());
    once(app, keying, move |books, idem, now| {
        let catalog = catalog::latest(books)?;
        let desk = Desk { books: books.as_read(), who: &by, catalog: &catalog, index: &index, now };
        let draft = desk.converted(from, idem, &asked)?;
        let detail = format!("{} {} into {}", asked.points, asked.from, asked.to);
        Ok((draft, ("membership.convert_points", from.to_string(), detail), by.clone()))
    })
    .await
}

/// What the audit is told: action, subject, detail.
pub(super) type Note = (&'static str, String, String);

/// Writes what `decide` drafts, once, with its note; answers the transaction.
pub(super) async fn once<F>(app: &App, keying: Keying, decide: F) -> Done<Outcome<Transaction>>
where
    F: Fn(&mut dyn Write, Idem, Millis) -> Done<(Draft, Note, Who)> + Send + 'static,
{
    let now = clock::now();
    let done = app
        .write(move |books| {
            let idem = match keying.find(books.as_read(), now)? {
                Seen::As(dot) => return Ok(Written { dot, replayed: true }),
                Seen::Never(idem) => idem,
            };
            let (draft, (action, subject, detail), by) = decide(books, idem, now)?;
            let dot = author(books, draft, now)?;
            audit::note(books, &by, now, action, &subject, &detail)?;
            Ok(Written { dot, replayed: false })
        })
        .await?;
    let body = show::transaction(&*app.read()?, done.dot, clock::now())?;
    Ok(Outcome { body, replayed: done.replayed })
}

/// What is asked about memberships, over the books as they are now.
pub(super) struct Desk<'a> {
    pub(super) books: &'a dyn Read,
    pub(super) who: &'a Who,
    pub(super) catalog: &'a Catalog,
    pub(super) index: &'a IndexKey,
    pub(super) now: Millis,
}

impl Desk<'_> {
    /// Where the caller stands.
    pub(super) fn place(&self) -> Done<Place> {
        place(self.catalog, self.who)
    }

    /// Facts with all memberships of the customers whose memberships are named.
    pub(super) fn facts(&self, named: &[MembershipId]) -> Done<Facts> {
        let mut facts = Facts::at(self.place()?);
        let loader = Loader { books: self.books, catalog: self.catalog, index: self.index, now: self.now };
        for id in named {
            members::membership_for(self.books, self.who, *id)?;
            for customer in loader.customer_of(*id)? {
                if facts.members.iter().all(|known| known.customer.id != customer) {
                    loader.customer(customer, &mut facts)?;
                }
            }
        }
        Ok(facts)
    }

    fn given(&self, from: MembershipId, idem: Idem, asked: &TransferRequest) -> Done<Draft> {
        let to = membership(&asked.to_membership_id, "to_membership_id")?;
        let (currency, points) =
            points_of(self.catalog, (&asked.currency, "currency"), (&asked.points, "points"))?;
        let consents = consents(&asked.consent, self.now)?;
        let facts = self.facts(&[from, to])?;
        let named = |id, field| party::named(&facts, self.catalog, id, field);
        let (from, to): (Member<'_>, Member<'_>) = (named(from, "id")?, named(to, "to_membership_id")?);
        let gift = Gift { from, to, currency, points };
        let accounts = gift::accounts(&gift, self.catalog)?;
        gift::check_consents(&[from.view, to.view], &consents)?;
        let base = |account| Ok::<_, AppError>(self.books.base_of(account)?.unwrap_or_default());
        let bases = (base(accounts.0)?, base(accounts.1)?);
        let postings = gift::give(&gift, self.catalog, (&bases.0, &bases.1), self.now)?;
        let reason = asked.reason.as_deref().map(|reason| request::text(reason, "reason")).transpose()?;
        let kind = EntryKind::Transfer(Transfer {
            from: from.view.membership.id,
            to: to.view.membership.id,
            ..plain(Occasion::Gift, consents, reason)
        });
        let place = self.place()?;
        let desk = sync::desk(self.books, self.now)?.of(self.catalog, from.view.membership.program);
        Ok(Draft { actor: actor(self.who, place, None), idem: Some(idem), ..own(&desk, kind, postings) })
    }
}

impl Desk<'_> {
    fn converted(&self, from: MembershipId, idem: Idem, asked: &ConvertRequest) -> Done<Draft> {
        let (give, points) = points_of(self.catalog, (&asked.from, "from"), (&asked.points, "points"))?;
        let unknown = || AppError::field("to", format!("There are no points `{}`.", asked.to));
        let take = self.catalog.currency(&asked.to).ok_or_else(unknown)?.id;
        let rule = convert::rule(self.catalog, give, take)?;
        let mut facts = self.facts(&[from])?;
        let named =
            |facts: &'_ Facts| party::named(facts, self.catalog, from, "id").map(|it| it.view.membership.id);
        let giver = named(&facts)?;
        let taker = match &asked.to_membership_id {
            Some(id) => membership(id, "to_membership_id")?,
            None => convert::receiver(
                &facts,
                self.catalog,
                &party::named(&facts, self.catalog, giver, "id")?,
                take,
            )?,
        };
        if facts.member(taker).is_none() {
            facts = self.facts(&[from, taker])?;
        }
        let (from, to) = (
            party::named(&facts, self.catalog, giver, "id")?,
            party::named(&facts, self.catalog, taker, "to_membership_id")?,
        );
        let place = self.place()?;
        let converting = Converting { from, to, rule, points, outlet: place.outlet };
        let base = |of: &Member<'_>, currency| {
            let account = of.view.membership.account(currency, self.catalog);
            Ok::<_, AppError>(self.books.base_of(account)?.unwrap_or_default())
        };
        let bases = (base(&from, give)?, base(&to, take)?);
        let postings = convert::convert(&converting, self.catalog, (&bases.0, &bases.1), self.now)?;
        let kind = EntryKind::Transfer(Transfer {
            from: from.view.membership.id,
            to: to.view.membership.id,
            ..plain(Occasion::Convert, Vec::new(), None)
        });
        let desk = sync::desk(self.books, self.now)?.of(self.catalog, from.view.membership.program);
        Ok(Draft { actor: actor(self.who, place, None), idem: Some(idem), ..own(&desk, kind, postings) })
    }
}

/// A transfer that moves nothing yet, from nobody to nobody.
pub(super) fn plain(occasion: Occasion, consents: Vec<Agreed>, note: Option<String>) -> Transfer {
    Transfer {
        from: MembershipId(uuid::Uuid::nil()),
        to: MembershipId(uuid::Uuid::nil()),
        occasion,
        consents,
        note: note.unwrap_or_default(),
        carried: Vec::new(),
        heirs: Vec::new(),
        dated: None,
    }
}
