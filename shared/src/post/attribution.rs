//! What a sale that waited gives to the membership that it turns out to be of: by the sale's own catalog and day, and by
//! what is known of the membership when it is attributed, as no till could know who it was.

use crate::books::Books;
use crate::catalog::Program;
use crate::decide::{Draft, party};
use crate::earning::seen::Sight;
use crate::earning::{self, Issuer};
use crate::entry::membership::Attribute;
use crate::entry::{Entry, EntryKind, Held, Sale};
use crate::ids::{Dot, MembershipId};
use crate::member::Membership;
use crate::post::flow::{self, Desk};
use crate::post::{self, budget, moved};
use crate::refusal::Refusal;
use crate::view::MemberView;

/// What keeps a membership from being given what waits, if anything does: what keeps it from earning now. A sale that
/// waits for it goes on waiting, and posts once the membership is active again.
fn refused<B: Books>(books: &B, desk: &Desk, membership: &Membership) -> Result<Option<Refusal>, B::Error> {
    let catalog = books.catalog(desk.catalog)?;
    let program = catalog.as_ref().and_then(|catalog| catalog.programs.get(&membership.program));
    Ok(program.and_then(|program| party::earns_nothing(membership, program, desk.now)))
}

/// The entry that attributes an unattributed sale; `None` where it is none, or the membership or the sale's catalog is not
/// known, or the membership earns nothing now.
pub(super) fn plan<B: Books>(
    books: &B,
    desk: &Desk,
    (sale, membership): (Dot, MembershipId),
    note: &str,
) -> Result<Option<Draft>, B::Error> {
    if books.unattributed(sale)?.is_none() {
        return Ok(None);
    }
    let (Some(taken), Some(member)) = (post::read(books, sale)?, moved::survivor(books, membership)?) else {
        return Ok(None);
    };
    let mut member = member.value;
    let membership = member.id;
    let Ok(entry) = taken.entry else { return Ok(None) };
    let EntryKind::Sale(facts) = &entry.kind else { return Ok(None) };
    let Some(catalog) = books.catalog(entry.catalog)? else { return Ok(None) };
    let Some(program) = catalog.programs.get(&member.program) else { return Ok(None) };
    if refused(books, desk, &member)?.is_some() {
        return Ok(None);
    }
    flow::stand(books, &catalog, program, &mut member, desk.now)?;
    // the outlet that sold it issued the points, whoever attributes them
    let place = Issuer { catalog: &catalog, outlet: entry.actor.outlet(), day: entry.business_date };
    let mut facts = facts.clone();
    facts.held = held(books, desk, (&entry, &facts), &member, (program, &place))?;
    let mut postings =
        earning::postings(program, &member.level, member.set, &place, &facts).unwrap_or_default();
    for posting in &mut postings {
        // it counts on the day of the sale, whenever it is attributed
        posting.tallied = posting.counts_for(entry.business_date);
    }
    member.place(&mut postings, &catalog);
    let (level, held) = (member.level, facts.held);
    let kind = EntryKind::Attribute(Attribute { of: sale, membership, level, held, note: note.to_owned() });
    Ok(Some(flow::own(desk, kind, postings)))
}

/// What holds of a sale's rules for the membership that it turns out to be of, by what is known now of it and of the
/// customer's other memberships.
fn held<B: Books>(
    books: &B,
    desk: &Desk,
    (entry, sale): (&Entry, &Sale),
    membership: &Membership,
    (program, place): (&Program, &Issuer<'_>),
) -> Result<Option<Held>, B::Error> {
    let Some(customer) = books.customer(membership.customer)? else { return Ok(None) };
    let first = program.currencies.first().map(|id| membership.account(*id, place.catalog));
    let account = first.map(|id| books.account(id)).transpose()?.flatten().unwrap_or_default();
    let zone = place.outlet.and_then(|outlet| place.catalog.outlets.get(&outlet)).map(|outlet| outlet.zone);
    let member = MemberView { customer: customer.value, membership: membership.clone() };
    let members = siblings(books, desk, &member, place)?;
    let (mut tallies, mut earned, mut balances) = (Vec::new(), Vec::new(), Vec::new());
    for currency in &program.currencies {
        let account = books.account(membership.account(*currency, place.catalog))?.unwrap_or_default();
        let base = account.base();
        earned.push((*currency, base.lifetime_earned));
        balances.push((*currency, base.balance_on(place.day)));
        tallies.push((*currency, base.tally));
    }
    let budgets = budget::left(books, place.catalog)?;
    let sight = Sight {
        program,
        member: &member,
        members: &members,
        fresh: account.base().lifetime_earned.is_zero(),
        at: (sale.occurred_at.unwrap_or(entry.at.ms()), zone.unwrap_or(chrono_tz::UTC)),
        earned,
        tallies,
        budgets: &budgets,
        balances,
    };
    Ok(sight.held(place, &sale.lines))
}

/// The memberships of a member's customer, each on the levels on which it stands now.
fn siblings<B: Books>(
    books: &B,
    desk: &Desk,
    member: &MemberView,
    place: &Issuer<'_>,
) -> Result<Vec<MemberView>, B::Error> {
    let mut members = Vec::new();
    for mut other in books.memberships_of(member.customer.id)? {
        let Some(program) = place.catalog.programs.get(&other.program) else { continue };
        flow::stand(books, place.catalog, program, &mut other, desk.now)?;
        members.push(MemberView { customer: member.customer.clone(), membership: other });
    }
    Ok(members)
}
