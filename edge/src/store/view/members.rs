//! Members: by card, number, contact and name.

use std::collections::BTreeSet;
use std::sync::Arc;

use shared::ids::{CodeHash, CustomerId, Dot, MembershipId};
use shared::limits;
use shared::member::{CardStatus, CodeKind, Customer, Membership};
use shared::voucher::Voucher;
use uuid::Uuid;

use super::super::CodeHit;
use super::super::directory::{
    CUSTOMER, MEMBERSHIP, WORD_BYTES, card_key, contacts, customer_key, decode, hash_prefix, id_behind_hash,
    membership_key, names_from, words,
};
use super::super::key::{Key, Parts};
use super::super::packed::{self, CustomerRow};
use super::super::tables::Table;
use super::{R, View};

impl View {
    /// What a code opens: a card, else the member numbers that it is. Several memberships of one number may be of several
    /// programs.
    pub fn codes(&self, code: CodeHash) -> R<Vec<CodeHit>> {
        if let Some(value) = self.get(&card_key(code))? {
            let mut card = packed::card_from(code, value.bytes())?;
            if let Some(report) = self.get(&Key::of(Table::CardReports).code(code))? {
                let (status, _): (CardStatus, Dot) = decode("card report", report.bytes())?;
                card.status = status;
            }
            return Ok(vec![CodeHit::Card(card)]);
        }
        let mut hits = Vec::new();
        let index = &self.identity.index_key;
        self.led_to(hash_prefix(Table::Numbers, code), MEMBERSHIP, |id, value| {
            let membership = packed::membership_from(MembershipId(id), value)?;
            if index.hash(CodeKind::Scan, &membership.number) == code {
                hits.push(CodeHit::Number(membership.id));
            }
            Ok(())
        })?;
        Ok(hits)
    }

    /// A membership.
    pub fn membership(&self, id: MembershipId) -> R<Option<Membership>> {
        let value = self.get(&membership_key(id))?;
        value.map(|value| packed::membership_from(id, value.bytes())).transpose()
    }

    /// A membership and, one after the other, those that took it over.
    pub fn generations(&self, id: MembershipId) -> R<Vec<Membership>> {
        let mut generations = Vec::with_capacity(1);
        let mut next = Some(id);
        while let Some(known) = next.map(|id| self.membership(id)).transpose()?.flatten() {
            next = known.moved_to;
            generations.push(known);
            if generations.len() >= limits::GENERATIONS {
                break;
            }
        }
        Ok(generations)
    }

    /// Vouchers that own entries gave a membership, and that its row may not have yet.
    pub fn vouchers(&self, id: MembershipId) -> R<Vec<Voucher>> {
        let mut found = Vec::new();
        self.scan(Key::of(Table::Vouchers).uuid(id.0), |_, value| {
            found.push(decode("voucher", value)?);
            Ok(true)
        })?;
        Ok(found)
    }

    /// A customer.
    pub fn customer(&self, id: CustomerId) -> R<Option<Customer>> {
        Ok(self.customer_row(id)?.map(|row| row.customer))
    }

    /// The customer that an id means now: itself, or the one that it was found to be.
    pub fn customer_now(&self, id: CustomerId) -> R<CustomerId> {
        let mut found = id;
        for _ in 0..limits::GENERATIONS {
            match self.customer(found)?.and_then(|customer| customer.merged_into) {
                Some(next) => found = next,
                None => break,
            }
        }
        Ok(found)
    }

    pub(in crate::store) fn customer_row(&self, id: CustomerId) -> R<Option<CustomerRow>> {
        let value = self.get(&customer_key(id))?;
        value.map(|value| packed::customer_from(id, value.bytes())).transpose()
    }

    /// A customer's memberships.
    pub fn memberships_of(&self, id: CustomerId) -> R<Vec<Membership>> {
        let told = self.customer_row(id)?.map(|row| row.memberships).unwrap_or_default();
        self.these_and_own(id, told, None)
    }

    /// A customer and its memberships, of which one may be at hand already.
    pub fn household(
        &self,
        id: CustomerId,
        at_hand: Option<Membership>,
    ) -> R<Option<(Customer, Vec<Membership>)>> {
        let Some(row) = self.customer_row(id)? else { return Ok(None) };
        Ok(Some((row.customer, self.these_and_own(id, row.memberships, at_hand)?)))
    }

    /// Those that the server told of, and those enrolled here since.
    fn these_and_own(
        &self,
        id: CustomerId,
        mut ids: Vec<MembershipId>,
        mut at_hand: Option<Membership>,
    ) -> R<Vec<Membership>> {
        self.scan(Key::of(Table::MembershipsOf).uuid(id.0), |key, _| {
            let own = MembershipId(Parts(&key[16..]).uuid());
            if !ids.contains(&own) {
                ids.push(own);
            }
            Ok(true)
        })?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            match at_hand.take_if(|membership| membership.id == id) {
                Some(membership) => found.push(membership),
                None => found.extend(self.membership(id)?),
            }
        }
        Ok(found)
    }

    /// Customers with this phone.
    pub fn by_phone(&self, hash: CodeHash) -> R<Vec<CustomerId>> {
        self.by_contact(hash)
    }

    /// Customers with this e-mail address.
    pub fn by_email(&self, hash: CodeHash) -> R<Vec<CustomerId>> {
        self.by_contact(hash)
    }

    /// Customers with this number in another system.
    pub fn by_external(&self, hash: CodeHash) -> R<Vec<CustomerId>> {
        self.by_contact(hash)
    }

    /// Customers with this identity number.
    pub fn by_identity(&self, hash: CodeHash) -> R<Vec<CustomerId>> {
        self.by_contact(hash)
    }

    /// A hash tells by itself of what kind it is.
    fn by_contact(&self, hash: CodeHash) -> R<Vec<CustomerId>> {
        let mut found = BTreeSet::new();
        let index = &self.identity.index_key;
        self.led_to(hash_prefix(Table::Contacts, hash), CUSTOMER, |id, value| {
            let customer = packed::customer_from(CustomerId(id), value)?.customer;
            if contacts(&customer, index).any(|contact| contact == hash) {
                found.insert(customer.id);
            }
            Ok(())
        })?;
        Ok(found.into_iter().collect())
    }

    /// The rows of one kind to which the pairs of a look-up table lead: those that are meant, and any others whose id
    /// begins alike.
    fn led_to(&self, prefix: Key, kind: u16, mut visit: impl FnMut(Uuid, &[u8]) -> R<()>) -> R<()> {
        self.scan(prefix, |key, _| {
            self.beginning_so(id_behind_hash(key), kind, &mut visit)?;
            Ok(true)
        })
    }

    /// The rows of one kind whose id begins so.
    pub(in crate::store) fn beginning_so(
        &self,
        beginning: &[u8],
        kind: u16,
        visit: &mut impl FnMut(Uuid, &[u8]) -> R<()>,
    ) -> R<()> {
        self.scan(Key::of(Table::Members).bytes(beginning), |key, value| {
            let mut parts = Parts(key);
            let id = parts.uuid();
            if u16::from_be_bytes(parts.take()) == kind {
                visit(id, value)?;
            }
            Ok(true)
        })
    }

    /// Customers whose names have words that begin like each of these, at most `limit`; case does not count.
    pub fn by_name(&self, beginnings: &str, limit: usize) -> R<Vec<CustomerId>> {
        let wanted: Vec<String> = words(beginnings).collect();
        let mut found = BTreeSet::new();
        let Some(rarest) = wanted.iter().max_by_key(|word| word.len()) else { return Ok(Vec::new()) };
        let (from, to) = names_from(rarest);
        self.scan_range(from, to, |key, _| {
            self.beginning_so(&key[WORD_BYTES..], CUSTOMER, &mut |id, value| {
                let customer = packed::customer_from(CustomerId(id), value)?.customer;
                let has: Vec<String> = words(&customer.display_name).collect();
                if wanted.iter().all(|wanted| has.iter().any(|word| word.starts_with(wanted.as_str()))) {
                    found.insert(customer.id);
                }
                Ok(())
            })?;
            Ok(found.len() < limit)
        })?;
        Ok(found.into_iter().take(limit).collect())
    }

    /// How many memberships are known here: each has a number.
    pub fn members(&self) -> R<u64> {
        let mut count = self.published.snap.table(Table::Numbers).count()?;
        let layers = self.published.layers().chain(self.staged.iter().map(|(layer, _)| layer));
        let (mut seen, numbers) = (BTreeSet::new(), Key::of(Table::Numbers).range());
        for layer in layers.map(Arc::as_ref) {
            for (key, _) in layer.range(*numbers.start(), *numbers.end()) {
                if seen.insert(*key) && self.published.snap.get(key)?.is_none() {
                    count += 1;
                }
            }
        }
        Ok(count)
    }
}
