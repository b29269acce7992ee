//! Customers, memberships and cards.

use serde::{Serialize, de::DeserializeOwned};
use shared::ids::{AccountSetId, Code, CodeHash, CustomerId, MembershipId, ProgramId};
use shared::member::{Card, Customer, Membership};

use super::{Packer, R, Reader};
use crate::store::StoreError;

const EXTERNAL: u8 = 1;
const BIRTH: u8 = 2;
const PHONE: u8 = 4;
const EMAIL: u8 = 8;
const IDENTITY: u8 = 16;
const ERASED: u8 = 32;
const RARE: u8 = 64;

const EXPIRES: u8 = 1;
/// What few have follows in postcard.
const HAS_RARE: u8 = 2;

/// How a masked phone or e-mail is written: not at all, by what its form leaves open, or whole.
const NONE: u8 = 0;
const IN_FORM: u8 = 1;
const WHOLE: u8 = 2;

const MASK: char = '…';

/// A customer as it lies in the cache: with the memberships that the server told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::store) struct CustomerRow {
    /// The customer.
    pub(in crate::store) customer: Customer,
    /// Its memberships.
    pub(in crate::store) memberships: Vec<MembershipId>,
}

impl Packer<'_> {
    /// A variant without fields.
    fn variant(&mut self, variant: &impl Serialize) -> R<()> {
        let mut buffer = [0; 4];
        let bytes =
            postcard::to_slice(variant, &mut buffer).map_err(StoreError::undecodable("word (on writing)"))?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    /// What is seldom there.
    pub(super) fn postcard(&mut self, value: &impl Serialize) -> R<()> {
        let bytes = postcard::to_allocvec(value).map_err(StoreError::undecodable("value (on writing)"))?;
        self.bytes(&bytes);
        Ok(())
    }

    fn optional_hash(&mut self, hash: Option<CodeHash>) {
        if let Some(hash) = hash {
            self.bytes(&hash.0);
        }
    }
}

impl Reader<'_> {
    pub(super) fn postcard<T: DeserializeOwned>(&mut self) -> R<T> {
        let (value, left) =
            postcard::take_from_bytes(self.left).map_err(StoreError::undecodable(self.what))?;
        self.left = left;
        Ok(value)
    }

    fn optional_hash(&mut self, is_there: bool) -> R<Option<CodeHash>> {
        is_there.then(|| self.array().map(CodeHash)).transpose()
    }
}

fn flags(flags: &[(u8, bool)]) -> u8 {
    flags.iter().filter(|(_, is_set)| *is_set).fold(0, |sum, (flag, _)| sum | flag)
}

/// The four digits of a masked phone.
fn phone_digits(masked: &str) -> Option<u16> {
    let digits = masked.strip_prefix(MASK)?;
    let plain = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

/// The first letter and the domain of a masked e-mail, written after each other.
fn email_parts(masked: &str) -> Option<String> {
    let (first, domain) = masked.split_once(MASK)?;
    let domain = domain.strip_prefix('@')?;
    (first.chars().count() == 1).then(|| format!("{first}{domain}"))
}

/// Packs a customer and its memberships.
pub(in crate::store) fn customer(
    customer: &Customer,
    memberships: &[MembershipId],
    to: &mut Vec<u8>,
) -> R<()> {
    let Customer {
        id,
        external_id,
        display_name,
        kind,
        since,
        birth,
        phone_masked,
        email_masked,
        phone,
        email,
        identity,
        erased,
        opt_outs,
        merged_into,
    } = customer;
    let rare = !opt_outs.is_empty() || merged_into.is_some();
    let mut packer = Packer(to);
    packer.byte(flags(&[
        (EXTERNAL, external_id.is_some()),
        (BIRTH, birth.is_some()),
        (PHONE, phone.is_some()),
        (EMAIL, email.is_some()),
        (IDENTITY, identity.is_some()),
        (ERASED, *erased),
        (RARE, rare),
    ]));
    let digits = phone_masked.as_deref().and_then(phone_digits);
    let parts = email_masked.as_deref().and_then(email_parts);
    let form = |text: &Option<String>, in_form: bool| match (text, in_form) {
        (None, _) => NONE,
        (Some(_), true) => IN_FORM,
        (Some(_), false) => WHOLE,
    };
    packer.byte(form(phone_masked, digits.is_some()) | form(email_masked, parts.is_some()) << 2);
    packer.variant(kind)?;
    packer.signed(i64::from(since.0));
    packer.text(display_name);
    if let Some(external) = external_id {
        packer.numbered(external);
    }
    if let Some((month, day)) = birth {
        packer.bytes(&[*month, *day]);
    }
    match (phone_masked, digits) {
        (_, Some(digits)) => packer.bytes(&digits.to_be_bytes()),
        (Some(whole), None) => packer.text(whole),
        (None, None) => {}
    }
    if let Some(email) = parts.as_ref().or(email_masked.as_ref()) {
        packer.text(email);
    }
    packer.optional_hash(*phone);
    packer.optional_hash(*email);
    packer.optional_hash(*identity);
    if rare {
        packer.postcard(&(opt_outs, merged_into))?;
    }
    for membership in memberships {
        let nearness = Packer::nearness(membership.0, id.0);
        packer.byte(nearness);
        packer.near(membership.0, nearness);
    }
    Ok(())
}

/// Reads back what [`customer`] packed.
pub(in crate::store) fn customer_from(id: CustomerId, bytes: &[u8]) -> R<CustomerRow> {
    let mut reader = Reader::of("customer", bytes);
    let flags = reader.byte()?;
    let has = |flag: u8| flags & flag != 0;
    let forms = reader.byte()?;
    let kind = reader.postcard()?;
    let since = reader.day()?;
    let display_name = reader.text()?.to_owned();
    let external_id = has(EXTERNAL).then(|| reader.numbered()).transpose()?;
    let birth = has(BIRTH).then(|| reader.array().map(|[month, day]| (month, day))).transpose()?;
    let phone_masked = match forms & 3 {
        NONE => None,
        IN_FORM => Some(format!("{MASK}{:04}", u16::from_be_bytes(reader.array()?))),
        _ => Some(reader.text()?.to_owned()),
    };
    let email_masked = match forms >> 2 {
        NONE => None,
        IN_FORM => {
            let parts = reader.text()?;
            let first = parts.chars().next().ok_or_else(|| reader.wrong("an e-mail has no letter"))?;
            Some(format!("{first}{MASK}@{}", &parts[first.len_utf8()..]))
        }
        _ => Some(reader.text()?.to_owned()),
    };
    let (phone, email) = (reader.optional_hash(has(PHONE))?, reader.optional_hash(has(EMAIL))?);
    let identity = reader.optional_hash(has(IDENTITY))?;
    let (opt_outs, merged_into) = if has(RARE) { reader.postcard()? } else { (Vec::new(), None) };
    let customer = Customer {
        id,
        external_id,
        display_name,
        kind,
        since,
        birth,
        phone_masked,
        email_masked,
        phone,
        email,
        identity,
        erased: has(ERASED),
        opt_outs,
        merged_into,
    };
    let mut memberships = Vec::new();
    while !reader.left.is_empty() {
        let nearness = reader.byte()?;
        memberships.push(MembershipId(reader.near(id.0, nearness)?));
    }
    Ok(CustomerRow { customer, memberships })
}

/// Packs a membership.
pub(in crate::store) fn membership(membership: &Membership, to: &mut Vec<u8>) -> R<()> {
    let Membership {
        id,
        customer,
        program,
        number,
        set,
        kind,
        status,
        level,
        enrolled_on,
        expires_on,
        labels,
        pool,
        attributes,
        moved_to,
        tiers,
        held,
        vouchers,
    } = membership;
    let rare = (labels, pool, attributes, moved_to, tiers, held, vouchers);
    let levelled = !tiers.is_empty() || !held.is_empty();
    let featured = !labels.is_empty() || !attributes.is_empty() || !vouchers.is_empty();
    let has_rare = featured || levelled || pool.is_some() || moved_to.is_some();
    let mut packer = Packer(to);
    let of = Packer::nearness(customer.0, id.0);
    let on = Packer::nearness(set.0, id.0);
    let there = flags(&[(EXPIRES, expires_on.is_some()), (HAS_RARE, has_rare)]);
    packer.byte(there | of << 2 | on << 4);
    packer.near(customer.0, of);
    packer.near(set.0, on);
    packer.number(u64::from(program.0));
    packer.variant(kind)?;
    packer.variant(status)?;
    packer.numbered(number);
    packer.text(level.as_str());
    packer.signed(i64::from(enrolled_on.0));
    if let Some(day) = expires_on {
        packer.signed(i64::from(day.0));
    }
    if has_rare {
        packer.postcard(&rare)?;
    }
    Ok(())
}

/// Reads back what [`membership`] packed.
pub(in crate::store) fn membership_from(id: MembershipId, bytes: &[u8]) -> R<Membership> {
    let mut reader = Reader::of("membership", bytes);
    let head = reader.byte()?;
    let customer = CustomerId(reader.near(id.0, head >> 2 & 3)?);
    let set = AccountSetId(reader.near(id.0, head >> 4)?);
    let program = ProgramId(reader.small()?);
    let (kind, status) = (reader.postcard()?, reader.postcard()?);
    let number = reader.numbered()?;
    let level = Code::new(reader.text()?).map_err(StoreError::undecodable("level"))?;
    let enrolled_on = reader.day()?;
    let expires_on = if head & EXPIRES == 0 { None } else { Some(reader.day()?) };
    let rare = if head & HAS_RARE == 0 { Default::default() } else { reader.postcard()? };
    let (labels, pool, attributes, moved_to, tiers, held, vouchers) = rare;
    reader.end()?;
    Ok(Membership {
        id,
        customer,
        program,
        number,
        set,
        kind,
        status,
        level,
        enrolled_on,
        expires_on,
        labels,
        pool,
        attributes,
        moved_to,
        tiers,
        held,
        vouchers,
    })
}

/// Packs a card.
pub(in crate::store) fn card(card: &Card, to: &mut Vec<u8>) -> R<()> {
    let Card { code: _, tail, membership, status } = card;
    let mut packer = Packer(to);
    packer.bytes(membership.0.as_bytes());
    packer.variant(status)?;
    packer.bytes(tail.as_bytes());
    Ok(())
}

/// Reads back what [`card`] packed.
pub(in crate::store) fn card_from(code: CodeHash, bytes: &[u8]) -> R<Card> {
    let mut reader = Reader::of("card", bytes);
    let membership = MembershipId(uuid::Uuid::from_bytes(reader.array()?));
    let status = reader.postcard()?;
    let tail = std::str::from_utf8(reader.left).map_err(StoreError::undecodable("card"))?.to_owned();
    Ok(Card { code, tail, membership, status })
}
