//! Customers, memberships and cards, as a till caches them: the least of a person that a checkout needs.
//!
//! What was given in full (name, phone, e-mail, birth date, identity number) is [`Personal`], sealed under a key of that
//! customer's own ([`seal`], [`open`]); erasing a customer is destroying that key. An entry says of a customer a
//! [`CustomerRecord`]: nothing in its bytes tells who it is but to who has the key.

use std::collections::{BTreeMap, BTreeSet};

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use chrono::Datelike as _;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::account::{AccountId, LotTerms};
use crate::catalog::Catalog;
use crate::catalog::document::currency::CurrencyKind;
use crate::entry::Posting;
use crate::ids::{AccountSetId, Code, CodeHash, CurrencyId, CustomerId, MembershipId, ProgramId};
use crate::level::HeldLevel;
use crate::time::Day;
use crate::voucher::Voucher;

pub mod attribute;
pub mod retention;
pub mod signed;
pub mod status;

/// For so many days after its last one a voucher is still known by its membership: what used it may come late.
const ENDED_DAYS: i32 = 90;

/// A customer as cached.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// Its number in other systems.
    pub external_id: Option<String>,
    /// The name that a cashier sees; empty once erased.
    pub display_name: String,
    /// A person or an organisation.
    pub kind: CustomerKind,
    /// Since when it is known.
    pub since: Day,
    /// Birth month and day.
    pub birth: Option<(u8, u8)>,
    /// The last digits of the phone.
    pub phone_masked: Option<String>,
    /// The e-mail with its middle left out.
    pub email_masked: Option<String>,
    /// The phone's hash, for look-ups.
    pub phone: Option<CodeHash>,
    /// The e-mail's hash, for look-ups.
    pub email: Option<CodeHash>,
    /// The identity number's hash, for telling duplicates.
    pub identity: Option<CodeHash>,
    /// Whether the personal data were erased.
    pub erased: bool,
    /// Ways in which it does not want to be written to, for all of its memberships.
    pub opt_outs: Vec<Channel>,
    /// The customer that it was found to be, where it was merged.
    pub merged_into: Option<CustomerId>,
}

impl Customer {
    /// This customer with its outline (number in other systems, name, birthday, masked contacts, hashes) as `personal` says.
    #[must_use]
    pub fn outlined(self, personal: &Personal, index: &IndexKey) -> Self {
        let hash = |kind: CodeKind, text: &Option<String>| text.as_deref().map(|text| index.hash(kind, text));
        let month_and_day = |day: Day| {
            let date = day.date();
            Some((u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?))
        };
        Self {
            external_id: personal.external_id.clone(),
            display_name: personal.name.clone(),
            birth: personal.birth_date.and_then(month_and_day),
            phone_masked: personal.phone.as_deref().map(mask_phone),
            email_masked: personal.email.as_deref().map(mask_email),
            phone: hash(CodeKind::Phone, &personal.phone),
            email: hash(CodeKind::Email, &personal.email),
            identity: hash(CodeKind::Identity, &personal.identity_number),
            ..self
        }
    }

    /// What an entry says of this customer; its outline is read from `personal`, which is sealed under its key.
    pub fn record(&self, personal: Option<Sealed>) -> CustomerRecord {
        CustomerRecord {
            id: self.id,
            kind: self.kind,
            since: self.since,
            erased: self.erased,
            opt_outs: self.opt_outs.clone(),
            merged_into: self.merged_into,
            personal,
        }
    }
}

/// A customer as an entry says it: what tells nobody who it is, and the rest under its key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CustomerRecord {
    /// Its id.
    pub id: CustomerId,
    /// A person or an organisation.
    pub kind: CustomerKind,
    /// Since when it is known.
    pub since: Day,
    /// Whether the personal data were erased.
    pub erased: bool,
    /// Ways in which it does not want to be written to.
    pub opt_outs: Vec<Channel>,
    /// The customer that it was found to be, where it was merged.
    pub merged_into: Option<CustomerId>,
    /// [`Personal`], sealed; `None` where nothing is known.
    pub personal: Option<Sealed>,
}

impl CustomerRecord {
    /// The customer, as far as its key opens it: without the right one nothing but what stands open.
    pub fn open(&self, key: Option<&CustomerKey>, index: &IndexKey) -> Customer {
        let personal = self.personal.as_ref().zip(key).and_then(|(sealed, key)| open(sealed, self.id, key));
        let bare = Customer {
            id: self.id,
            external_id: None,
            display_name: String::new(),
            kind: self.kind,
            since: self.since,
            birth: None,
            phone_masked: None,
            email_masked: None,
            phone: None,
            email: None,
            identity: None,
            erased: self.erased,
            opt_outs: self.opt_outs.clone(),
            merged_into: self.merged_into,
        };
        match personal {
            Some(personal) => bare.outlined(&personal, index),
            None => bare,
        }
    }
}

/// A way of writing to a customer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
    /// A message to an app.
    Push,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Email, Self::Sms, Self::Push];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
        }
    }

    /// The channel that a word names.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }
}

/// A person or an organisation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerKind {
    /// A person.
    #[default]
    Individual,
    /// A company, a club, a household.
    Organisation,
}

/// A membership as cached.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Membership {
    /// Its id.
    pub id: MembershipId,
    /// Whose it is.
    pub customer: CustomerId,
    /// In which program.
    pub program: ProgramId,
    /// Its number, unique in the program.
    pub number: String,
    /// The accounts it draws on: its own, or its group's.
    pub set: AccountSetId,
    /// Standard, shared or group.
    pub kind: MembershipKind,
    /// Its place in its lifecycle.
    pub status: MembershipStatus,
    /// The code of its level, as written down last; where it stands now is worked out ([`crate::level`]).
    pub level: Code,
    /// When it began.
    pub enrolled_on: Day,
    /// When it ends.
    pub expires_on: Option<Day>,
    /// Labels.
    pub labels: Vec<String>,
    /// The accounts of redeemable points that it shares with others, where it is shared.
    pub pool: Option<AccountSetId>,
    /// What its program keeps of it beyond this, by the attribute's code.
    pub attributes: Vec<(Code, attribute::Value)>,
    /// The membership that took it over, where it was merged: its points, numbers and cards are there now.
    pub moved_to: Option<MembershipId>,
    /// The codes of its levels in its program's tier groups, in their order, as written down last.
    pub tiers: Vec<Code>,
    /// Levels that were given to it.
    pub held: Vec<HeldLevel>,
    /// Vouchers that it was given, used ones too until they end; what is left of each is its account's to say.
    pub vouchers: Vec<Voucher>,
}

impl Membership {
    /// Where its points of a currency are counted: redeemable ones in the pool, where it shares one.
    pub fn account(&self, currency: CurrencyId, catalog: &Catalog) -> AccountId {
        let kind = catalog.currencies.get(&currency).map(|currency| currency.kind);
        let set = match self.pool {
            Some(pool) if kind == Some(CurrencyKind::Redeemable) => pool,
            _ => self.set,
        };
        AccountId { set, currency }
    }

    /// Whether it stands on one of these levels, on whatever ladder.
    pub fn stands_on(&self, levels: &BTreeSet<Code>) -> bool {
        std::iter::once(&self.level).chain(&self.tiers).any(|level| levels.contains(level))
    }

    /// Whether it has these values of attributes, all of them.
    pub fn has(&self, wanted: &[(Code, attribute::Value)]) -> bool {
        wanted.iter().all(|wanted| self.attributes.contains(wanted))
    }

    /// Puts movements of its own set into the accounts where their currencies are counted.
    pub fn place(&self, postings: &mut [Posting], catalog: &Catalog) {
        for posting in postings.iter_mut().filter(|posting| posting.account.set == self.set) {
            posting.account = self.account(posting.account.currency, catalog);
            posting.lot = posting.lot.map(|terms| self.issued(terms, posting.account));
        }
    }

    /// The terms of its points in an account: where others share it, perhaps of other programs, they say by which program
    /// they were issued.
    pub fn issued(&self, terms: LotTerms, account: AccountId) -> LotTerms {
        let shared = self.pool == Some(account.set);
        LotTerms { program: terms.program.or(shared.then_some(self.program)), ..terms }
    }

    /// Takes in a voucher that it was given, and lets go of those that ended long ago.
    pub fn take_in(&mut self, voucher: &Voucher, today: Day) {
        if !self.vouchers.iter().any(|known| known.id == voucher.id) {
            self.vouchers.retain(|known| known.until.0 >= today.0.saturating_sub(ENDED_DAYS));
            self.vouchers.push(voucher.clone());
        }
    }

    /// The sets that it draws on: its own, and the pool where it shares one.
    pub fn sets(&self) -> impl Iterator<Item = AccountSetId> + use<> {
        [Some(self.set), self.pool].into_iter().flatten()
    }
}

/// How a membership holds its points.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MembershipKind {
    /// Accounts of its own.
    #[default]
    Standard,
    /// Redeemable points shared, qualifying points its own.
    Shared,
    /// All points and the level shared.
    Group,
}

/// A membership's place in its lifecycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MembershipStatus {
    /// Enrolled, not yet confirmed.
    Pending,
    /// Earning and redeeming.
    #[default]
    Active,
    /// Left alone for long.
    Inactive,
    /// Stopped by head office for a time.
    Suspended,
    /// Past its end.
    Expired,
    /// Ended for good.
    Terminated,
}

/// A card as cached, under the hash of its code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Card {
    /// Its code's hash.
    pub code: CodeHash,
    /// Its last four characters.
    pub tail: String,
    /// What it opens.
    pub membership: MembershipId,
    /// Whether it may redeem.
    pub status: CardStatus,
}

/// The state of a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardStatus {
    /// In use.
    #[default]
    Active,
    /// Reported lost.
    Lost,
    /// Reported stolen.
    Stolen,
    /// Reported damaged.
    Damaged,
    /// Past its end.
    Expired,
    /// Another card took its place.
    Replaced,
}

impl CardStatus {
    /// Whether a redemption may be made with it.
    pub fn may_redeem(self) -> bool {
        matches!(self, Self::Active | Self::Damaged | Self::Replaced)
    }
}

/// The key under which chains of one operator hash codes; the server makes it once and gives it to every till.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct IndexKey(pub [u8; 32]);

impl std::fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IndexKey(…)")
    }
}

/// What a hashed text is, so that equal texts of different kinds do not meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodeKind {
    /// A card code or a member number: whatever may be scanned.
    Scan,
    /// A phone number, normalised by [`normal_phone`].
    Phone,
    /// An e-mail address, lower-cased.
    Email,
    /// An identity number.
    Identity,
    /// A customer's number in another system.
    External,
}

impl IndexKey {
    /// The hash of a text of some kind. White space around it does not count, nor (but for scans) does case.
    pub fn hash(&self, kind: CodeKind, text: &str) -> CodeHash {
        let tag = match kind {
            CodeKind::Scan => b's',
            CodeKind::Phone => b'p',
            CodeKind::Email => b'e',
            CodeKind::Identity => b'i',
            CodeKind::External => b'x',
        };
        let normal = match kind {
            CodeKind::Phone => normal_phone(text),
            CodeKind::Email | CodeKind::Identity => text.trim().to_lowercase(),
            CodeKind::Scan | CodeKind::External => text.trim().to_owned(),
        };
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&[tag]);
        hasher.update(normal.as_bytes());
        let mut short = [0; 16];
        hasher.finalize_xof().fill(&mut short);
        CodeHash(short)
    }
}

/// A phone number's digits alone, without a leading `+` or `00`.
pub fn normal_phone(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("00").unwrap_or(&digits).to_owned()
}

/// The last four digits of a phone, the rest as dots.
pub fn mask_phone(text: &str) -> String {
    let digits = normal_phone(text);
    format!("…{}", digits.get(digits.len().saturating_sub(4)..).unwrap_or(""))
}

/// The first letter of an e-mail address and its domain.
pub fn mask_email(text: &str) -> String {
    let (user, domain) = text.split_once('@').unwrap_or((text, ""));
    let first: String = user.chars().take(1).collect();
    format!("{first}…@{domain}")
}

/// What a customer gave of themselves, in full.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Personal {
    /// Full name.
    pub name: String,
    /// Its number in other systems.
    pub external_id: Option<String>,
    /// Phone as given.
    pub phone: Option<String>,
    /// E-mail as given.
    pub email: Option<String>,
    /// Date of birth.
    pub birth_date: Option<Day>,
    /// Identity number as given.
    pub identity_number: Option<String>,
    /// The language that they want to be written to in, by its tag.
    pub language: Option<String>,
    /// What another system keeps of their money (what is outstanding, a credit limit, payment terms), by its field: passed
    /// through to head office as it came, and never looked at by any rule.
    pub financial: BTreeMap<String, String>,
}

/// A customer's own key. It travels beside an entry, never in its hashed bytes; destroying it erases the person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct CustomerKey(pub [u8; 32]);

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomerKey(…)")
    }
}

/// Sealed bytes: a 24 byte nonce, then ciphertext and tag.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sealed(pub Vec<u8>);

/// Seals personal data for a customer. `nonce` is fresh randomness, used once.
pub fn seal(personal: &Personal, customer: CustomerId, key: &CustomerKey, nonce: [u8; 24]) -> Sealed {
    let cipher = XChaCha20Poly1305::new(&Key::from(key.0));
    let plain = postcard::to_allocvec(personal).unwrap_or_default();
    let payload = Payload { msg: &plain, aad: customer.0.as_bytes() };
    let mut bytes = nonce.to_vec();
    bytes.extend(cipher.encrypt(&XNonce::from(nonce), payload).unwrap_or_default());
    Sealed(bytes)
}

/// Opens what [`seal`] made; `None` where the key, the customer or a byte is wrong.
pub fn open(sealed: &Sealed, customer: CustomerId, key: &CustomerKey) -> Option<Personal> {
    let (nonce, body) = sealed.0.split_first_chunk::<24>()?;
    let cipher = XChaCha20Poly1305::new(&Key::from(key.0));
    let payload = Payload { msg: body, aad: customer.0.as_bytes() };
    let plain = cipher.decrypt(&XNonce::from(*nonce), payload).ok()?;
    postcard::from_bytes(&plain).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use uuid::Uuid;

    /// A standard membership, active and without an end.
    pub(crate) fn membership() -> Membership {
        Membership {
            id: MembershipId(Uuid::from_u128(2)),
            customer: CustomerId(Uuid::from_u128(1)),
            program: ProgramId(1),
            number: "M-1".into(),
            set: AccountSetId(Uuid::from_u128(2)),
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
        }
    }

    #[test]
    fn personal_data_open_only_with_their_own_key_and_customer() {
        let customer = CustomerId(Uuid::from_u128(1));
        let personal =
            Personal { name: "Aisha".into(), phone: Some("+60 12 345".into()), ..Personal::default() };
        let sealed = seal(&personal, customer, &CustomerKey([7; 32]), [9; 24]);
        assert_eq!(open(&sealed, customer, &CustomerKey([7; 32])), Some(personal));
        assert_eq!(open(&sealed, customer, &CustomerKey([8; 32])), None);
        assert_eq!(open(&sealed, CustomerId(Uuid::from_u128(2)), &CustomerKey([7; 32])), None);
    }

    #[test]
    fn one_phone_has_one_hash_however_it_is_written() {
        let key = IndexKey([1; 32]);
        assert_eq!(key.hash(CodeKind::Phone, "+60 12-345 678"), key.hash(CodeKind::Phone, "006012345678"));
        assert_ne!(key.hash(CodeKind::Phone, "60123"), key.hash(CodeKind::Scan, "60123"));
    }
}
