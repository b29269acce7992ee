//! The straight path through the server's core, in one transaction: take in, post, try again what waited, and let the
//! server write what follows from it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono_tz::Tz;

use crate::account::Base;
use crate::books::{Books, SERVER};
use crate::catalog::{Catalog, CatalogHash, Program};
use crate::decide::Draft;
use crate::entry::{Actor, Cut, Entry, EntryKind, Posting};
use crate::ids::{CurrencyId, Dot, MembershipId, ProgramId};
use crate::intake::{self, Follow, hold};
use crate::level;
use crate::member::Membership;
use crate::post::{self, attribution, moved};
use crate::settle::{self, Watermark};
use crate::time::{Day, Hlc, Millis};
use crate::wire::{Authorize, Authorized, Push, PushReply, PushedEntry};

/// What the server is handed by its shell.
#[derive(Clone, Copy, Debug)]
pub struct Desk {
    /// The wall clock.
    pub now: Millis,
    /// The catalog that is current.
    pub catalog: CatalogHash,
    /// In whose days it counts: head office's, where nothing else says.
    pub zone: Tz,
}

impl Desk {
    /// At a time, under a catalog.
    pub fn new(now: Millis, catalog: &Catalog) -> Self {
        Self { now, catalog: catalog.hash, zone: catalog.office_zone() }
    }

    /// The same, for what is one program's.
    #[must_use]
    pub fn of(self, catalog: &Catalog, program: ProgramId) -> Self {
        Self { zone: catalog.zone_of(program), ..self }
    }

    /// Today.
    pub fn today(&self) -> Day {
        self.now.day(self.zone)
    }
}

/// A till's push, from its bytes to its rows. The signature was checked.
pub fn push<B: Books>(books: &mut B, desk: &Desk, push: &Push) -> Result<PushReply, B::Error> {
    let taken = intake::take_in(books, push, desk.now)?;
    let mut follow = taken.follow;
    if let Some(node) = taken.node {
        follow.extend(post::advance(books, node)?);
    }
    finish(books, desk, follow)?;
    Ok(taken.reply)
}

/// Writes something of the server's own into its journal: takes it in, posts it, and does what follows.
pub fn author<B: Books>(books: &mut B, desk: &Desk, draft: Draft) -> Result<Dot, B::Error> {
    let (dot, follow) = write(books, desk, draft)?;
    finish(books, desk, follow)?;
    Ok(dot)
}

/// Does all that follows, and what follows from that.
pub fn finish<B: Books>(books: &mut B, desk: &Desk, mut follow: Follow) -> Result<(), B::Error> {
    while !follow.is_empty() {
        let mut next = Follow::default();
        for wait in &follow.retry {
            next.extend(post::retry(books, wait)?);
        }
        for release in follow.release {
            let live = books.hold(release.key, release.account)?.is_some_and(|row| row.points.is_positive());
            if live {
                next.extend(write(books, desk, own(desk, EntryKind::Release(release), Vec::new()))?.1);
            }
        }
        for (sale, membership) in follow.attribute {
            let judged = books.receipt(sale)?.and_then(|receipt| receipt.judged);
            if judged.is_some_and(|judged| judged.suspect) {
                continue;
            }
            let note = "the card is known now";
            if let Some(draft) = attribution::plan(books, desk, (sale, membership), note)? {
                next.extend(write(books, desk, draft)?.1);
            }
        }
        follow.moved.sort_unstable();
        follow.moved.dedup();
        for account in follow.moved {
            if let Some(draft) = moved::plan(books, desk, account)? {
                next.extend(write(books, desk, draft)?.1);
            }
        }
        follow = next;
    }
    Ok(())
}

/// Appends to the server's own journal, and posts it.
fn write<B: Books>(books: &mut B, desk: &Desk, draft: Draft) -> Result<(Dot, Follow), B::Error> {
    let head = books.node(SERVER)?.unwrap_or_default().head;
    let last = match books.stored(Dot::new(SERVER, head.seq))? {
        Some(stored) => Entry::from_stored(&stored.bytes).ok(),
        None => None,
    };
    let (clock, totals) = last.map(|entry| (entry.at, entry.totals)).unwrap_or_default();
    let dot = Dot::new(SERVER, head.seq.next());
    let side = Entry::side(&draft.keys);
    let entry = draft.entry(dot, clock.tick(desk.now), 0, totals);
    let stored = entry.to_stored().unwrap_or_default();
    let mut follow = intake::take_one(books, SERVER, &PushedEntry { stored, side }, desk.now)?;
    follow.extend(post::advance(books, SERVER)?);
    Ok((dot, follow))
}

/// The day on which a node asks: in the time zone of the membership's program where the account set is one membership's own,
/// else in that of the node's outlet. By UTC, a voucher would not be good yet in the first hours of its day.
fn day_of<B: Books>(books: &B, desk: &Desk, ask: &Authorize) -> Result<Day, B::Error> {
    let Some(catalog) = books.catalog(desk.catalog)? else { return Ok(desk.today()) };
    let own = books.membership(MembershipId(ask.account.set.0))?;
    let program = own.and_then(|row| catalog.programs.get(&row.value.program)).map(|program| program.zone);
    let place = books.node(ask.node)?.and_then(|row| row.place);
    let outlet = place.and_then(|(outlet, _)| catalog.outlets.get(&outlet)).map(|outlet| outlet.zone);
    Ok(desk.now.day(program.or(outlet).unwrap_or(desk.zone)))
}

/// Answers a node that asks for points, and writes the hold.
pub fn authorize<B: Books>(books: &mut B, desk: &Desk, ask: &Authorize) -> Result<Authorized, B::Error> {
    let catalog = books.catalog(desk.catalog)?;
    let currency = catalog.as_ref().and_then(|catalog| catalog.currencies.get(&ask.account.currency));
    let inactive = currency.and_then(|currency| currency.inactive);
    let (answer, hold) = hold::authorize(books, ask, (day_of(books, desk, ask)?, inactive))?;
    if let Some(hold) = hold {
        author(books, desk, own(desk, EntryKind::Hold(hold), Vec::new()))?;
    }
    Ok(answer)
}

/// A draft of the server's own.
pub fn own(desk: &Desk, kind: EntryKind, postings: Vec<Posting>) -> Draft {
    Draft {
        business_date: desk.today(),
        catalog: desk.catalog,
        idem: None,
        actor: Actor::Server,
        kind,
        postings,
        keys: Vec::new(),
    }
}

/// Settles every bucket that can be settled at a watermark; answers the cuts.
pub fn settle<B: Books>(books: &mut B, desk: &Desk, watermark: &Watermark) -> Result<Vec<Cut>, B::Error> {
    let mut cuts = Vec::new();
    for bucket in crate::books::buckets(books) {
        if let Some(cut) = settle::plan_cut(books, bucket, watermark)? {
            moved::cut(books, desk, &cut)?;
            cuts.push(cut);
        }
    }
    Ok(cuts)
}

/// Attributes an unattributed sale; `None` where it is none, or the membership or the sale's catalog is not known, or the
/// membership earns nothing now.
pub fn attribute<B: Books>(
    books: &mut B,
    desk: &Desk,
    (sale, membership): (Dot, MembershipId),
    actor: Actor,
    note: &str,
) -> Result<Option<Dot>, B::Error> {
    match attribution::plan(books, desk, (sale, membership), note)? {
        Some(draft) => author(books, desk, Draft { actor, ..draft }).map(Some),
        None => Ok(None),
    }
}

/// Lets a membership's record say the levels on which it stands now, by the books.
pub fn stand<B: Books>(
    books: &B,
    catalog: &Catalog,
    program: &Program,
    member: &mut Membership,
    now: Millis,
) -> Result<(), B::Error> {
    let mut bases: BTreeMap<CurrencyId, Base> = BTreeMap::new();
    for tier in &program.tiers {
        let account = books.account(member.account(tier.currency, catalog))?;
        bases.insert(tier.currency, account.unwrap_or_default().base());
    }
    let base = |currency| Cow::Owned(bases.get(&currency).cloned().unwrap_or_default());
    let standings = level::standings(program, member, now.day(program.zone), base);
    member.stand(&standings);
    Ok(())
}

/// The clock of the server's own journal.
pub fn clock<B: Books>(books: &B) -> Result<Hlc, B::Error> {
    let head = books.node(SERVER)?.unwrap_or_default().head;
    let last = books.stored(Dot::new(SERVER, head.seq))?;
    Ok(last
        .and_then(|stored| Entry::from_stored(&stored.bytes).ok())
        .map_or(Hlc::default(), |entry| entry.at))
}
