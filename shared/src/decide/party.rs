//! Whose a sale is: from what was scanned to the membership that applies here.

use super::enrol::NewMembership;
use super::{By, Context, Selling};
use crate::catalog::cards::{self, Standard};
use crate::catalog::{Catalog, Program};
use crate::ids::{CustomerId, MembershipId};
use crate::limits;
use crate::member::signed::SignedCard;
use crate::member::{Membership, MembershipStatus};
use crate::refusal::{Candidate, Problem, Refusal};
use crate::time::{Day, Millis};
use crate::view::{Facts, MemberView, Scanned};

/// A membership with its program.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// The membership and whose it is.
    pub view: &'a MemberView,
    /// Its program.
    pub program: &'a Program,
}

/// What a sale says beside what stands first of it: a card is asked before a membership, that before a customer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Also {
    /// A membership, beside a card.
    pub membership: Option<MembershipId>,
    /// A customer, beside a card or a membership.
    pub customer: Option<CustomerId>,
}

/// Checks the form of a card's code before it is hashed: 4 to 64 printable ASCII characters without spaces. What begins as
/// a signed card does is none: it is read first.
///
/// # Errors
/// `invalid_card`.
pub fn check_code(text: &str) -> Result<(), Refusal> {
    let fits = (4..=limits::CODE_BYTES).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) && !SignedCard::is(text) {
        return Ok(());
    }
    let detail =
        format!("A card code has 4 to {} letters, digits or signs, without spaces.", limits::CODE_BYTES);
    Err(Refusal::new(Problem::InvalidCard, detail))
}

/// Checks a new card's code against the standard that its program keeps to.
///
/// # Errors
/// `invalid_card`, which says the digit that would be right.
pub fn check_standard(text: &str, standard: Standard) -> Result<(), Refusal> {
    standard.check(text).map_err(|detail| Refusal::new(Problem::InvalidCard, detail))
}

/// The codes of the cards that would be made with new memberships, once these have numbers.
pub fn made_cards(catalog: &Catalog, new: &[NewMembership]) -> Vec<String> {
    let made = new.iter().filter(|new| new.card.is_none()).filter_map(|new| {
        let program = catalog.program(new.program.as_str())?;
        program.cards.made(&new.number)
    });
    made.collect()
}

/// The membership that a scanned code means at this outlet; `None` where the code is not known here.
///
/// A card of a program that does not apply here means the customer's membership that does.
///
/// # Errors
/// `program_not_here`, or `ambiguous_code` with candidates.
pub fn scanned_here<'a>(facts: &'a Facts, catalog: &'a Catalog) -> Result<Option<Member<'a>>, Refusal> {
    match &facts.scanned {
        Scanned::Nothing | Scanned::Unknown => Ok(None),
        Scanned::Card(card) => match facts.survivor(card.membership) {
            None => Ok(None),
            Some(owner) => instead(facts, catalog, owner).map(Some),
        },
        Scanned::Number(memberships) => numbered(facts, catalog, memberships),
    }
}

/// The membership itself where its program applies here, else another of the same customer's, an active one first.
fn instead<'a>(facts: &'a Facts, catalog: &'a Catalog, owner: &'a MemberView) -> Result<Member<'a>, Refusal> {
    if let Ok(member) = here(facts, catalog, owner) {
        return Ok(member);
    }
    let own = facts.members.iter().filter(|other| other.customer.id == owner.customer.id);
    let mut others: Vec<Member<'a>> = own.filter_map(|other| here(facts, catalog, other).ok()).collect();
    others.sort_by_key(|member| {
        (member.view.membership.status != MembershipStatus::Active, member.view.membership.id)
    });
    others.first().copied().ok_or_else(not_here)
}

fn numbered<'a>(
    facts: &'a Facts,
    catalog: &'a Catalog,
    memberships: &[MembershipId],
) -> Result<Option<Member<'a>>, Refusal> {
    let mut known: Vec<&MemberView> = memberships.iter().filter_map(|id| facts.survivor(*id)).collect();
    known.sort_by_key(|view| view.membership.id);
    known.dedup_by_key(|view| view.membership.id);
    let found: Vec<Member<'a>> = known.iter().filter_map(|view| here(facts, catalog, view).ok()).collect();
    match (found.as_slice(), known.as_slice()) {
        ([one], _) => Ok(Some(*one)),
        ([], []) => Ok(None),
        ([], [only]) => instead(facts, catalog, only).map(Some),
        ([], _) => Err(not_here()),
        (several, _) => {
            let candidates = several.iter().map(|member| candidate(member)).collect();
            let detail = "This number fits several memberships; choose one.";
            Err(Refusal::new(Problem::AmbiguousCode, detail).among(candidates))
        }
    }
}

fn candidate(member: &Member<'_>) -> Candidate {
    Candidate {
        customer: member.view.customer.id,
        name: member.view.customer.display_name.clone(),
        membership: Some(member.view.membership.id),
        program: Some(member.program.code.clone()),
        because: Some("member_number".to_owned()),
    }
}

/// Refuses a sale that names two members at once: the points would be one's, and the other one was meant.
pub(super) fn agree(ctx: &Context<'_>, selling: &Selling) -> Result<(), Refusal> {
    let meant = match &selling.by {
        By::Membership(id) => Some(named(ctx.facts, ctx.catalog, *id, "membership_id")?),
        By::Code { .. } => scanned_here(ctx.facts, ctx.catalog)?,
        By::Nobody | By::Customer(_) => None,
    };
    let Some(member) = meant else { return Ok(()) };
    let what = match &selling.by {
        By::Code { tail, .. } => format!("Card …{tail}"),
        _ => "`membership_id`".to_owned(),
    };
    let (own, of) = (&member.view.membership, &member.view.customer);
    let wrong = |field: &str, said: String| {
        let detail = format!(
            "{what} is of membership {} (customer {}), and `{field}` says {said}: send only one of them, or those that \
             belong together.",
            own.id, of.id
        );
        Err(Refusal::new(Problem::InvalidCard, detail).at(field))
    };
    if let Some(id) = selling.also.membership {
        let same = ctx.facts.survivor(id).is_some_and(|view| view.membership.id == own.id);
        if !same {
            return wrong("membership_id", id.to_string());
        }
    }
    match selling.also.customer {
        Some(id) if id != of.id => wrong("customer_id", id.to_string()),
        _ => Ok(()),
    }
}

/// A membership named by its id, whose program must apply here.
///
/// # Errors
/// `not_found` or `program_not_here`, naming the field.
pub fn named<'a>(
    facts: &'a Facts,
    catalog: &'a Catalog,
    id: MembershipId,
    field: &str,
) -> Result<Member<'a>, Refusal> {
    let missing = || Refusal::new(Problem::NotFound, "There is no such membership here.").at(field);
    let view = facts.survivor(id).ok_or_else(missing)?;
    here(facts, catalog, view).map_err(|refusal| refusal.at(field))
}

/// A membership with its program, if that applies here.
fn here<'a>(facts: &Facts, catalog: &'a Catalog, view: &'a MemberView) -> Result<Member<'a>, Refusal> {
    let program = catalog.programs.get(&view.membership.program).ok_or_else(not_here)?;
    let applies = facts.place.outlet.is_none_or(|outlet| program.here(outlet));
    if applies { Ok(Member { view, program }) } else { Err(not_here()) }
}

/// The refusal of a program that does not apply at the outlet.
pub(super) fn not_here() -> Refusal {
    Refusal::new(Problem::ProgramNotHere, "This program does not apply at this outlet.")
}

/// The refusal of a card that is not known here.
pub fn unknown_card() -> Refusal {
    Refusal::new(
        Problem::UnknownCard,
        "This card is not known here. A sale with it is accepted, and earns once the card is known.",
    )
}

/// The refusal of a code that is not known here: where it can be no card's at all, for it was misread.
pub fn unknown(catalog: &Catalog, code: &str) -> Refusal {
    let programs = catalog.programs.values().map(|program| &program.cards);
    misread(cards::misread(programs, code))
}

/// The same, where it was looked at before.
pub(super) fn misread(why: Option<String>) -> Refusal {
    why.map_or_else(unknown_card, |why| Refusal::new(Problem::InvalidCard, why).at("card"))
}

impl Member<'_> {
    /// What keeps this membership from redeeming (and earning), if anything does.
    pub fn closed(&self, now: Millis) -> Option<Refusal> {
        self.closed_on(now.day(self.program.zone))
    }

    /// The same, on a day of the program's.
    pub(super) fn closed_on(&self, day: Day) -> Option<Refusal> {
        closed_on(&self.view.membership, self.program, day)
    }

    /// What keeps this membership from earning, if anything does.
    pub fn earns_nothing(&self, now: Millis) -> Option<Refusal> {
        earns_nothing(&self.view.membership, self.program, now)
    }
}

fn closed_on(membership: &Membership, program: &Program, day: Day) -> Option<Refusal> {
    let word = match membership.standing(&program.term, day) {
        MembershipStatus::Active => return None,
        MembershipStatus::Expired => return Some(expired()),
        MembershipStatus::Pending => "not confirmed yet",
        MembershipStatus::Inactive => "inactive",
        MembershipStatus::Suspended => "suspended",
        MembershipStatus::Terminated => "terminated",
    };
    Some(Refusal::new(Problem::MembershipInactive, format!("This membership is {word}.")))
}

/// What keeps a membership of a program from earning, if anything does: it is not active, or the program is retired.
pub fn earns_nothing(membership: &Membership, program: &Program, now: Millis) -> Option<Refusal> {
    let retired = || {
        let detail = "This program is over; it gives no more points.";
        program.retired.then(|| Refusal::new(Problem::MembershipInactive, detail))
    };
    closed_on(membership, program, now.day(program.zone)).or_else(retired)
}

fn expired() -> Refusal {
    Refusal::new(Problem::MembershipExpired, "This membership has expired.")
}
