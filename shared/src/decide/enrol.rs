//! Enrolment: a new customer with memberships, or further memberships for a known one; and reports of cards.

use std::collections::{BTreeMap, BTreeSet};

use super::when;
use super::{Context, Enrollee, Enrolling, NewCustomer, party};
use crate::catalog::Program;
use crate::catalog::cards::Standard;
use crate::entry::membership::Consent;
use crate::entry::{self, EntryKind};
use crate::ids::{AccountSetId, Code, CodeHash, CustomerId, MembershipId, ProgramId};
use crate::limits;
use crate::member::{
    self, Card, CardStatus, CodeKind, CustomerKey, CustomerRecord, IndexKey, Membership, MembershipStatus,
    Personal,
};
use crate::refusal::{Candidate, Problem, Refusal};
use crate::time::Day;
use crate::view::Scanned;

/// A new membership.
#[derive(Clone, Debug)]
pub struct NewMembership {
    /// A fresh id.
    pub id: MembershipId,
    /// A fresh account set.
    pub set: AccountSetId,
    /// Its number, from the till's block.
    pub number: String,
    /// The program's code.
    pub program: Code,
    /// A card's code, as scanned.
    pub card: Option<String>,
    /// The consent given.
    pub consent: Option<ConsentGiven>,
}

/// A consent as given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsentGiven {
    /// Which text was shown.
    pub text_version: String,
    /// Through which channel.
    pub channel: String,
}

/// What an enrolment makes, and the key that travels beside it.
pub(super) type Enrolled = (EntryKind, Vec<(CustomerId, CustomerKey)>);

/// An enrolment's facts.
pub(super) fn decide(ctx: &Context<'_>, enrolling: &Enrolling) -> Result<Enrolled, Refusal> {
    let mut enrol =
        entry::Enrol { customer: None, memberships: Vec::new(), cards: Vec::new(), consents: Vec::new() };
    let (mut keys, mut newcomer) = (Vec::new(), None);
    let customer = match &enrolling.customer {
        Enrollee::Known(customer) => {
            if enrolling.memberships.is_empty() {
                return Err(Refusal::field("memberships", "Name a program to enrol in."));
            }
            *customer
        }
        Enrollee::New(new) => {
            enrol.customer = Some(new_customer(ctx, new)?);
            newcomer = Some(&**new);
            keys.push((new.id, new.key.clone()));
            new.id
        }
    };
    if enrolling.memberships.len() > limits::ENROL_MEMBERSHIPS {
        let detail = format!("At most {} memberships begin at once.", limits::ENROL_MEMBERSHIPS);
        return Err(Refusal::field("memberships", detail));
    }
    let numbers = enrolling.memberships.iter().filter(|new| !new.number.is_empty());
    let numbers = numbers.map(|new| (enrolling.index.hash(CodeKind::Scan, &new.number), new.id));
    let mut seen = Seen { numbers: numbers.collect(), ..Seen::default() };
    for (place, new) in enrolling.memberships.iter().enumerate() {
        add_membership(ctx, (customer, newcomer), new, &enrolling.index, &mut seen, &mut enrol)
            .map_err(|refusal| nest(refusal, place))?;
    }
    if !ctx.facts.candidates.is_empty() && !enrolling.allow_duplicate {
        let detail = "A customer like this is known already. Is it one of these?";
        return Err(Refusal::new(Problem::DuplicateCustomer, detail).among(ctx.facts.candidates.clone()));
    }
    Ok((EntryKind::Enrol(enrol), keys))
}

/// Whether a program takes a customer: one that is over takes nobody, a pilot those that it names.
fn takes(
    ctx: &Context<'_>,
    customer: CustomerId,
    program: &Program,
    newcomer: Option<&NewCustomer>,
) -> Result<(), Refusal> {
    if program.retired {
        let detail = "This program is over; it takes no new members.";
        return Err(Refusal::new(Problem::ProgramNotHere, detail).at("program"));
    }
    let Some(pilot) = &program.pilot else { return Ok(()) };
    let known = ctx.facts.members.iter().map(|member| &member.customer).find(|known| known.id == customer);
    let number = match newcomer {
        Some(new) => given(new.external_id.as_deref()),
        None => known.and_then(|customer| customer.external_id.clone()),
    };
    if number.is_some_and(|number| pilot.contains(&number)) {
        return Ok(());
    }
    let detail = "This program is a pilot, and this customer is not among those whom it takes.";
    Err(Refusal::new(Problem::ProgramNotHere, detail).at("program"))
}

fn nest(refusal: Refusal, place: usize) -> Refusal {
    let field = match &refusal.field {
        Some(field) => format!("memberships[{place}].{field}"),
        None => format!("memberships[{place}]"),
    };
    refusal.at(field)
}

/// What earlier memberships of the same enrolment took.
#[derive(Default)]
struct Seen {
    programs: BTreeSet<ProgramId>,
    cards: BTreeSet<CodeHash>,
    /// The numbers of all that begin at once: what is one's number is no card of another.
    numbers: Vec<(CodeHash, MembershipId)>,
}

impl Seen {
    /// Notes a card; `false` where something else of this enrolment has its code.
    fn card(&mut self, code: CodeHash, of: MembershipId) -> bool {
        let numbered = self.numbers.iter().any(|(number, whose)| *number == code && *whose != of);
        !numbered && self.cards.insert(code)
    }
}

fn add_membership(
    ctx: &Context<'_>,
    (customer, newcomer): (CustomerId, Option<&NewCustomer>),
    new: &NewMembership,
    index: &IndexKey,
    seen: &mut Seen,
    enrol: &mut entry::Enrol,
) -> Result<(), Refusal> {
    let program = program(ctx, new)?;
    if !seen.programs.insert(program.id) {
        return Err(Refusal::field("program", "This program is named twice."));
    }
    not_a_member_yet(ctx, customer, program)?;
    takes(ctx, customer, program, newcomer)?;
    super::check_text("number", &new.number)?;
    let consent = new
        .consent
        .as_ref()
        .filter(|consent| !consent.text_version.trim().is_empty() && !consent.channel.trim().is_empty());
    let consent = consent.ok_or_else(|| {
        Refusal::new(Problem::ConsentRequired, "Without the customer's consent nobody is enrolled.")
            .at("consent")
    })?;
    super::check_length("consent.text_version", &consent.text_version)?;
    super::check_length("consent.channel", &consent.channel)?;
    if let Some(card) = &new.card {
        let standard = program.cards.standard;
        enrol.cards.push(new_card(ctx, (card, standard), new, index, seen)?);
    } else if let Some(made) = program.cards.made(&new.number) {
        let code = index.hash(CodeKind::Scan, &made);
        // a code that means something else already is left to it; the member number is scanned then
        if !ctx.facts.taken.contains(&code) && seen.card(code, new.id) {
            let status = CardStatus::Active;
            enrol.cards.push(Card { code, tail: tail(&made), membership: new.id, status });
        }
    }
    let missing = || Refusal::new(Problem::InvalidTransition, "This program has no levels.").at("program");
    let level = program.levels.first().ok_or_else(missing)?;
    let enrolled_on = ctx.now.day(program.zone);
    enrol.memberships.push(Membership {
        id: new.id,
        customer,
        program: program.id,
        number: new.number.clone(),
        set: new.set,
        kind: member::MembershipKind::Standard,
        status: if program.term.confirmed { MembershipStatus::Pending } else { MembershipStatus::Active },
        level: level.code.clone(),
        enrolled_on,
        expires_on: program.term.end_after(enrolled_on),
        labels: Vec::new(),
        pool: None,
        attributes: Vec::new(),
        moved_to: None,
        tiers: Vec::new(),
        held: Vec::new(),
        vouchers: Vec::new(),
    });
    enrol.consents.push(Consent {
        program: program.id,
        text_version: consent.text_version.clone(),
        channel: consent.channel.clone(),
        at: ctx.now,
    });
    Ok(())
}

fn program<'a>(ctx: &Context<'a>, new: &NewMembership) -> Result<&'a Program, Refusal> {
    let missing = || Refusal::field("program", format!("There is no program `{}`.", new.program));
    let program = ctx.catalog.program(new.program.as_str()).ok_or_else(missing)?;
    let applies = ctx.facts.place.outlet.is_none_or(|outlet| program.here(outlet));
    if applies { Ok(program) } else { Err(party::not_here().at("program")) }
}

/// One customer has one membership of a program, until it is terminated.
fn not_a_member_yet(ctx: &Context<'_>, customer: CustomerId, program: &Program) -> Result<(), Refusal> {
    let same = ctx.facts.members.iter().find(|member| {
        member.customer.id == customer
            && member.membership.program == program.id
            && member.membership.status != MembershipStatus::Terminated
    });
    let Some(member) = same else { return Ok(()) };
    let candidate = Candidate {
        customer,
        name: member.customer.display_name.clone(),
        membership: Some(member.membership.id),
        program: Some(program.code.clone()),
        because: Some("program".to_owned()),
    };
    let detail = format!("This customer is a member of {} already.", program.name);
    Err(Refusal::new(Problem::DuplicateCustomer, detail).at("program").among(vec![candidate]))
}

fn new_card(
    ctx: &Context<'_>,
    (text, standard): (&str, Standard),
    new: &NewMembership,
    index: &IndexKey,
    seen: &mut Seen,
) -> Result<Card, Refusal> {
    let text = text.trim();
    party::check_code(text).map_err(|refusal| refusal.at("card"))?;
    party::check_standard(text, standard).map_err(|refusal| refusal.at("card"))?;
    let code = index.hash(CodeKind::Scan, text);
    if ctx.facts.taken.contains(&code) || !seen.card(code, new.id) {
        return Err(Refusal::new(Problem::InUse, "This card is in use already.").at("card"));
    }
    Ok(Card { code, tail: tail(text), membership: new.id, status: CardStatus::Active })
}

/// The last four characters of a code.
pub fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(4);
    text.chars().skip(skip).collect()
}

fn new_customer(ctx: &Context<'_>, new: &NewCustomer) -> Result<CustomerRecord, Refusal> {
    let today = when::today(ctx);
    check_customer(new, today).map_err(|refusal| match refusal.field.clone() {
        Some(field) => refusal.at(format!("customer.{field}")),
        None => refusal,
    })?;
    let personal = Personal {
        name: new.name.trim().to_owned(),
        external_id: given(new.external_id.as_deref()),
        phone: given(new.phone.as_deref()),
        email: given(new.email.as_deref()),
        birth_date: new.birth_date,
        identity_number: given(new.identity_number.as_deref()),
        language: given(new.language.as_deref()),
        financial: new.financial.clone(),
    };
    let sealed = member::seal(&personal, new.id, &new.key, new.nonce);
    Ok(CustomerRecord {
        id: new.id,
        kind: new.kind,
        since: today,
        erased: false,
        opt_outs: new.opt_outs.clone(),
        merged_into: None,
        personal: Some(sealed),
    })
}

/// A text that says something, without the white space around it.
fn given(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Whether financial fields can be: not too many, each under a short code, with a text that is not too long.
///
/// # Errors
/// `400 invalid_request` on `financial` and the field.
pub fn check_financial(fields: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if fields.len() > limits::FINANCIAL_FIELDS {
        let detail = format!("There are at most {} financial fields.", limits::FINANCIAL_FIELDS);
        return Err(Refusal::field("financial", detail));
    }
    for (name, text) in fields {
        let field = format!("financial.{name}");
        let letters = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        if name.is_empty() || name.len() > limits::FINANCIAL_NAME_BYTES || !name.chars().all(letters) {
            let detail = format!(
                "A financial field's name is 1 to {} letters, digits, `_` and `-`, such as `credit_limit`.",
                limits::FINANCIAL_NAME_BYTES
            );
            return Err(Refusal::field(field, detail));
        }
        super::check_text(&field, text)?;
    }
    Ok(())
}

/// Whether what is said of a new customer can be: lengths, a phone's digits, an e-mail's form, a day of birth.
///
/// # Errors
/// `400 invalid_request` on the field.
pub fn check_customer(new: &NewCustomer, today: Day) -> Result<(), Refusal> {
    super::check_text("name", &new.name)?;
    if new.name.chars().any(char::is_control) {
        return Err(Refusal::field("name", "A name has no control characters."));
    }
    check_financial(&new.financial)?;
    if let Some(phone) = given(new.phone.as_deref()) {
        check_phone(&phone)?;
    }
    if let Some(email) = given(new.email.as_deref()) {
        check_email(&email)?;
    }
    for (field, text) in [("external_id", &new.external_id), ("identity_number", &new.identity_number)] {
        if text.as_deref().is_some_and(|text| text.len() > limits::CODE_BYTES) {
            return Err(Refusal::field(field, format!("At most {} bytes.", limits::CODE_BYTES)));
        }
    }
    if let Some(language) = new.language.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        check_language(language).map_err(|detail| Refusal::field("language", detail))?;
    }
    // the day before 1900 began
    let earliest = Day(-25_568);
    if new.birth_date.is_some_and(|day| day > today || day <= earliest) {
        return Err(Refusal::field("birth_date", "A date of birth lies in the past, and after 1900."));
    }
    Ok(())
}

/// A language's tag (BCP 47): letters and digits in parts of 2 to 8, such as `ms` or `en-GB`.
pub fn check_language(tag: &str) -> Result<(), String> {
    let fits = |part: &str| (2..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    if tag.len() <= 35 && tag.split('-').all(fits) && tag.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok(());
    }
    Err(format!("`{tag}` is no language's tag; one looks like `ms` or `en-GB`."))
}

/// 6 to 15 digits (E.164 has at most 15), and what people write between them.
fn check_phone(text: &str) -> Result<(), Refusal> {
    let digits = member::normal_phone(text).len();
    let plain =
        text.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '(' | ')' | '.' | '/'));
    if plain && text.len() <= limits::CODE_BYTES && (6..=15).contains(&digits) {
        return Ok(());
    }
    Err(Refusal::field("phone", "A phone number has 6 to 15 digits, such as `+60 12 345 6789`."))
}

/// One `@` with something on both sides, a dot in the domain, no spaces; at most 254 bytes (RFC 5321).
fn check_email(text: &str) -> Result<(), Refusal> {
    let clean = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let parts = text.split_once('@').filter(|(user, domain)| {
        let dotted = domain.split('.').count() > 1 && domain.split('.').all(|label| !label.is_empty());
        !user.is_empty() && dotted && !domain.contains('@')
    });
    if clean && parts.is_some() {
        return Ok(());
    }
    Err(Refusal::field("email", "An e-mail address looks like `aisha@example.com`."))
}

/// A card reported.
pub(super) fn report(
    ctx: &Context<'_>,
    (code, tail): (CodeHash, &str),
    status: CardStatus,
    signed: Option<MembershipId>,
) -> Result<EntryKind, Refusal> {
    if !matches!(status, CardStatus::Lost | CardStatus::Stolen | CardStatus::Damaged) {
        return Err(Refusal::field("status", "A card is reported `lost`, `stolen` or `damaged`."));
    }
    let Scanned::Card(card) = &ctx.facts.scanned else { return Err(party::unknown_card()) };
    let ended = matches!(card.status, CardStatus::Expired | CardStatus::Replaced);
    // what was lost or stolen stays blocked until head office has it back
    let weaker = status == CardStatus::Damaged && !card.status.may_redeem();
    if ended || weaker {
        return Err(Refusal::new(Problem::InvalidTransition, "This card is out of use already."));
    }
    let membership = signed.filter(|id| *id == card.membership);
    Ok(EntryKind::CardReport(entry::card::CardReport { code, tail: tail.to_owned(), status, membership }))
}
