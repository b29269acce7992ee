//! Whose a card is. Head office moves cards as it likes, and its last word counts. An enrolment takes a card that nobody
//! has: a till with no line cannot know that another member was given it meanwhile, and that one keeps it. The enrolment
//! stands with all else that it says, and a case tells head office.
//!
//! Of two enrolments the one that was taken in first has the card, whichever is posted first: that is recorded in their
//! receipts.
//!
//! A code that is a membership's number stays that membership's: as a card of another it would be scanned first, and what
//! the numbered member earns would be the other one's. So an enrolment's card yields to a number, whichever came first,
//! and the code becomes a card of the numbered membership, by which the till that gave it away hears of it.

use crate::books::{Books, Case, CaseKind, Marked, Marker};
use crate::entry::{Enrol, Entry, EntryKind};
use crate::ids::{Dot, MembershipId};
use crate::intake::{Follow, directory};
use crate::member::{Card, CardStatus};
use crate::time::{Hlc, Millis};

/// A number is its member's from the start: whatever is written of it as a card is newer.
const FROM_THE_START: Marker = Marker { at: Hlc(0), dot: None };

/// A card that an enrolment gives.
pub(super) fn enrolled<B: Books>(
    books: &mut B,
    (dot, entry): (Dot, &Entry),
    row: Marked<Card>,
    follow: &mut Follow,
) -> Result<(), B::Error> {
    let held = books.card(row.value.code)?.filter(|held| held.value.membership != row.value.membership);
    let numbered = books.numbered(row.value.code)?;
    let open = match &held {
        Some(held) => enrolment_of(books, held)?.is_some(),
        None => true,
    };
    if open && !numbered.is_empty() && !numbered.contains(&row.value.membership) {
        lost(books, (dot, entry), &row.value)?;
        return give_to_number(books, &row.value, &numbered, follow);
    }
    let Some(held) = held else { return directory::card(books, row, follow) };
    let own = taken_in(books, Marker { at: entry.at, dot: Some(dot) })?;
    let first = taken_in(books, held.marker)?;
    match enrolment_of(books, &held)? {
        Some((loser, other)) if own < first => {
            lost(books, (loser, &other), &held.value)?;
            directory::put_card(books, row, follow)
        }
        // head office had it moved since
        None if own < first => Ok(()),
        _ => {
            lost(books, (dot, entry), &row.value)?;
            // the till that gave it has another card of this code, until it is told
            books.put_card(held)
        }
    }
}

/// A membership that is new under this number: an enrolment that gave the number away as a card is told, and its member
/// scans as before.
pub(super) fn numbered<B: Books>(
    books: &mut B,
    id: MembershipId,
    number: &str,
    follow: &mut Follow,
) -> Result<(), B::Error> {
    let code = books.number_hash(number)?;
    let Some(held) = books.card(code)?.filter(|held| held.value.membership != id) else { return Ok(()) };
    let numbered = books.numbered(code)?;
    let Some((loser, entry)) = enrolment_of(books, &held)? else { return Ok(()) };
    if numbered.contains(&held.value.membership) {
        return Ok(());
    }
    lost(books, (loser, &entry), &held.value)?;
    give_to_number(books, &held.value, &numbered, follow)
}

/// Makes a code a card of the membership whose number it is. Where several share the number it is none's: a scan asks.
fn give_to_number<B: Books>(
    books: &mut B,
    card: &Card,
    numbered: &[MembershipId],
    follow: &mut Follow,
) -> Result<(), B::Error> {
    let [membership] = *numbered else { return Ok(()) };
    let value = Card { membership, status: CardStatus::Active, ..card.clone() };
    directory::put_card(books, Marked { marker: FROM_THE_START, value }, follow)
}

/// A card as head office writes it; an enrolment that had it is told, where it came later.
pub(super) fn written<B: Books>(
    books: &mut B,
    row: Marked<Card>,
    follow: &mut Follow,
) -> Result<(), B::Error> {
    let Some(held) = books.card(row.value.code)?.filter(|held| held.value.membership != row.value.membership)
    else {
        return directory::card(books, row, follow);
    };
    let Some((loser, other)) = enrolment_of(books, &held)? else {
        return directory::card(books, row, follow);
    };
    if taken_in(books, row.marker)? < taken_in(books, held.marker)? {
        lost(books, (loser, &other), &held.value)?;
    }
    directory::put_card(books, row, follow)
}

/// The order in which the server took facts in.
fn taken_in<B: Books>(books: &B, marker: Marker) -> Result<(Millis, Option<Dot>), B::Error> {
    let receipt = marker.dot.map(|dot| books.receipt(dot)).transpose()?.flatten();
    Ok((receipt.map_or(marker.at.ms(), |receipt| receipt.received), marker.dot))
}

/// The enrolment by which a card is whose it is; `None` where head office wrote it.
fn enrolment_of<B: Books>(books: &B, held: &Marked<Card>) -> Result<Option<(Dot, Entry)>, B::Error> {
    let Some(dot) = held.marker.dot else { return Ok(None) };
    let stored = books.stored(dot)?;
    let entry = stored.and_then(|stored| Entry::from_stored(&stored.bytes).ok());
    Ok(entry.filter(|entry| matches!(entry.kind, EntryKind::Enrol(_))).map(|entry| (dot, entry)))
}

/// Tells head office of a membership that did not get its card.
fn lost<B: Books>(books: &mut B, (of, entry): (Dot, &Entry), card: &Card) -> Result<(), B::Error> {
    let place = match &entry.kind {
        EntryKind::Enrol(Enrol { cards, .. }) => cards.iter().position(|it| it.code == card.code),
        _ => None,
    };
    let kind = CaseKind::CardTaken { card: card.code, tail: card.tail.clone(), membership: card.membership };
    let id = kind.id(of, None, place.and_then(|place| u16::try_from(place).ok()).unwrap_or(0));
    if books.case(id)?.is_some() {
        return Ok(());
    }
    books.put_case(id, Case { kind, account: None, of, opened: entry.at.ms(), open: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::memory::MemoryBooks;
    use crate::books::{Directory as _, Journals as _, Receipt, SERVER};
    use crate::catalog::CatalogHash;
    use crate::chain::Head;
    use crate::entry::envelope::Stored;
    use crate::entry::{Actor, DirectoryChange, Totals};
    use crate::ids::{
        AccountSetId, Code, CodeHash, CustomerId, Hash, NodeId, OutletId, ProgramId, Seq, TillId,
    };
    use crate::member::{CodeKind, IndexKey, Membership, MembershipKind, MembershipStatus};
    use crate::time::Day;
    use crate::view::Scanned;
    use uuid::Uuid;

    const CODE: &str = "LOY-100301";

    fn code() -> CodeHash {
        IndexKey([0; 32]).hash(CodeKind::Scan, CODE)
    }

    fn card(member: u128) -> Card {
        let membership = MembershipId(Uuid::from_u128(member));
        Card { code: code(), tail: "2345".into(), membership, status: CardStatus::Active }
    }

    fn enrol(member: u128) -> EntryKind {
        EntryKind::Enrol(Enrol {
            customer: None,
            memberships: Vec::new(),
            cards: vec![card(member)],
            consents: Vec::new(),
        })
    }

    /// A newcomer whose member number is the code.
    fn numbered(member: u128, card: bool) -> EntryKind {
        let id = MembershipId(Uuid::from_u128(member));
        let membership = Membership {
            id,
            customer: CustomerId(id.0),
            program: ProgramId(1),
            number: CODE.to_owned(),
            set: AccountSetId(id.0),
            kind: MembershipKind::Standard,
            status: MembershipStatus::Active,
            level: Code::new("member").unwrap(),
            enrolled_on: Day(20_000),
            expires_on: None,
            labels: Vec::new(),
            pool: None,
            attributes: Vec::new(),
            moved_to: None,
            tiers: Vec::new(),
            held: Vec::new(),
            vouchers: Vec::new(),
        };
        let EntryKind::Enrol(with_card) = enrol(member) else { unreachable!() };
        let cards = if card { with_card.cards.clone() } else { Vec::new() };
        EntryKind::Enrol(Enrol { memberships: vec![membership], cards, ..with_card })
    }

    fn by_office(member: u128) -> EntryKind {
        EntryKind::Directory(vec![DirectoryChange::Card(card(member))])
    }

    /// A fact with the till's time of it, and when the server took it in.
    fn fact(node: NodeId, (at, received): (u64, u64), kind: EntryKind) -> (Entry, Millis) {
        let entry = Entry {
            dot: Dot::new(node, Seq(1)),
            at: Hlc::at(Millis(at)),
            business_date: Day(20_000),
            pull: 0,
            catalog: CatalogHash(Hash::of(b"catalog")),
            totals: Totals::default(),
            idem: None,
            actor: Actor::Till { outlet: OutletId(1), till: TillId(1), cashier: None },
            kind,
            postings: Vec::new(),
        };
        (entry, Millis(received))
    }

    /// The books, and who stands without the card, when they are posted in this order.
    fn posted(facts: &[&(Entry, Millis)]) -> (MemoryBooks, Vec<u128>) {
        let mut books = MemoryBooks::new(1);
        for (entry, received) in facts {
            let dot = entry.dot;
            let stored =
                Stored { bytes: entry.to_stored().unwrap(), head: Head::default(), side: Vec::new() };
            books.entries.insert(dot, stored);
            books.put_receipt(dot, Receipt { received: *received, floor: Millis(0), judged: None }).unwrap();
            directory::apply(&mut books, dot, entry).unwrap();
        }
        let mut without: Vec<u128> = books
            .cases
            .values()
            .map(|case| match &case.kind {
                CaseKind::CardTaken { membership, .. } => membership.0.as_u128(),
                other => panic!("{other:?}"),
            })
            .collect();
        without.sort_unstable();
        (books, without)
    }

    /// Whose the card is, and who stands without it.
    fn after(facts: &[&(Entry, Millis)]) -> (u128, Vec<u128>) {
        let (books, without) = posted(facts);
        (books.cards[&code()].value.membership.0.as_u128(), without)
    }

    /// A card of a third one, who stands without it whatever comes first; the code is nobody's alone.
    #[test]
    fn a_code_that_is_the_number_of_two_is_asked_for_in_whatever_order_they_are_posted() {
        let facts = [
            fact(NodeId(2), (10, 50), numbered(1, false)),
            fact(NodeId(3), (20, 60), numbered(2, false)),
            fact(NodeId(4), (30, 70), enrol(3)),
        ];
        for order in permutations(facts.len()) {
            let order: Vec<_> = order.into_iter().map(|place| &facts[place]).collect();
            let (books, without) = posted(&order);
            let card = books.card(code()).unwrap().map(|row| row.value);
            let means = Scanned::of(card, books.numbered(code()).unwrap());
            let Scanned::Number(mut both) = means else { panic!("{means:?}") };
            both.sort_unstable();
            let both: Vec<u128> = both.into_iter().map(|it| it.0.as_u128()).collect();
            assert_eq!((both, without), (vec![1, 2], vec![3]));
        }
    }

    #[test]
    fn an_enrolment_takes_no_card_that_somebody_has_in_whatever_order_they_are_posted() {
        let (office, one, two) = (SERVER, NodeId(2), NodeId(3));
        // the till's clock does not matter, nor when it was: what the server held first counts
        let cases = [
            // enrolled at the server, and meanwhile at a till with no line
            (vec![fact(office, (50, 50), enrol(1)), fact(one, (60, 90), enrol(2))], 1, vec![2]),
            (vec![fact(office, (50, 50), enrol(1)), fact(one, (10, 90), enrol(2))], 1, vec![2]),
            // two tills with no line
            (vec![fact(one, (30, 80), enrol(1)), fact(two, (20, 90), enrol(2))], 1, vec![2]),
            // given by head office
            (vec![fact(office, (50, 50), by_office(1)), fact(two, (20, 90), enrol(2))], 1, vec![2]),
            // moved by head office afterwards, as a merge does
            (vec![fact(one, (20, 40), enrol(1)), fact(office, (50, 50), by_office(3))], 3, vec![]),
        ];
        for (facts, holder, without) in cases {
            let (first, second) = (&facts[0], &facts[1]);
            for order in [[first, second], [second, first]] {
                assert_eq!(after(&order), (holder, without.clone()), "{:?}", order.map(|it| &it.0.kind));
            }
        }
    }

    #[test]
    fn a_code_that_is_a_member_number_is_no_card_of_another_in_whatever_order_they_are_posted() {
        let (office, one, two, three) = (SERVER, NodeId(2), NodeId(3), NodeId(4));
        let cases = [
            // the number came first, or the card did
            (vec![fact(one, (10, 50), numbered(1, false)), fact(two, (20, 90), enrol(2))], 1, vec![2]),
            (vec![fact(one, (10, 90), numbered(1, false)), fact(two, (20, 50), enrol(2))], 1, vec![2]),
            // two were given it as a card
            (
                vec![
                    fact(one, (10, 70), numbered(1, false)),
                    fact(two, (20, 50), enrol(2)),
                    fact(three, (20, 90), enrol(3)),
                ],
                1,
                vec![2, 3],
            ),
            // one's own number may be one's card
            (vec![fact(one, (10, 50), numbered(1, true))], 1, vec![]),
            (vec![fact(one, (10, 50), numbered(1, true)), fact(two, (20, 40), enrol(2))], 1, vec![2]),
            // head office gives no card that is a number: what it wrote stays
            (vec![fact(office, (50, 50), by_office(2)), fact(one, (10, 90), numbered(1, false))], 2, vec![]),
        ];
        for (facts, holder, without) in cases {
            for order in permutations(facts.len()) {
                let order: Vec<_> = order.into_iter().map(|place| &facts[place]).collect();
                assert_eq!(after(&order), (holder, without.clone()), "{order:?}");
            }
        }
    }

    fn permutations(of: usize) -> Vec<Vec<usize>> {
        let orders: &[&[usize]] = match of {
            1 => &[&[0]],
            2 => &[&[0, 1], &[1, 0]],
            _ => &[&[0, 1, 2], &[0, 2, 1], &[1, 0, 2], &[1, 2, 0], &[2, 0, 1], &[2, 1, 0]],
        };
        orders.iter().map(|order| order.to_vec()).collect()
    }

    #[test]
    fn of_three_enrolments_the_first_taken_in_has_the_card() {
        let facts = [1, 2, 3].map(|member: u32| {
            let (node, received) = (NodeId(member.saturating_add(1)), u64::from(member).saturating_mul(10));
            fact(node, (100_u64.saturating_sub(received), received), enrol(u128::from(member)))
        });
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let order = order.map(|place: usize| &facts[place]);
            assert_eq!(after(&order), (1, vec![2, 3]));
        }
    }
}
