//! What a decision is made on, loaded from one view of the store.

use std::collections::BTreeMap;

use shared::catalog::Catalog;
use shared::decide::party;
use shared::decide::{By, Command, Deed, Enrollee, Enrolling, NewCustomer, RedeemItem, Selling};
use shared::ids::{CodeHash, CustomerId, Dot, HoldId, MembershipId};
use shared::member::{Card, CardStatus, CodeKind, IndexKey, Membership};
use shared::refusal::Candidate;
use shared::time::{Day, Millis};
use shared::view::{Facts, KnownSale, MemberView, Place, Scanned};
use shared::voucher::Voucher;

use super::error::Error;
use crate::store::{CodeHit, StoreError, View};

const HOUR_MS: u64 = 3_600_000;

/// Customers, each with one of the memberships where it is at hand already.
type Customers = BTreeMap<CustomerId, Option<Membership>>;

/// Loads facts for one command.
pub(crate) struct Loader<'a> {
    pub(crate) view: &'a View,
    pub(crate) catalog: &'a Catalog,
    pub(crate) now: Millis,
}

impl Loader<'_> {
    /// All that `command` is decided on. `of` is the transaction that is given back or undone.
    pub(crate) fn facts(
        &self,
        place: Place,
        command: &Command,
        of: Option<Dot>,
        clock_untrusted: bool,
    ) -> Result<Facts, Error> {
        let mut facts = Facts { clock_untrusted, ..Facts::at(place) };
        let mut customers = Customers::new();
        match &command.deed {
            Deed::Sale(selling) => self.sale(selling, &mut facts, &mut customers)?,
            Deed::Unlinked(back, _) => self.sale(back, &mut facts, &mut customers)?,
            Deed::EarnPoints(moving) | Deed::RedeemPoints(moving) => {
                customers.extend(self.customer_of(moving.membership)?);
            }
            Deed::Approve(asked) => customers.extend(self.customer_of(asked.membership)?),
            Deed::Buy(buying) => customers.extend(self.customer_of(buying.membership)?),
            Deed::EarnActivity(acting) => customers.extend(self.customer_of(acting.membership)?),
            Deed::Enrol(enrolling) => self.enrolment(enrolling, &mut facts, &mut customers)?,
            Deed::CardReport { code, tail, signed, .. } => {
                facts.scanned = self.scanned_signed((*code, tail), *signed)?;
            }
            Deed::Hold(holding) => customers.extend(self.customer_of(holding.membership)?),
            Deed::Capture(capturing) => self.hold(capturing.hold, &mut facts)?,
            Deed::ReleaseHold(hold) | Deed::TimeOut(hold) => self.hold(*hold, &mut facts)?,
            Deed::ReturnRight(account) => {
                facts.accounts.insert(*account, self.view.account(*account)?);
            }
            Deed::Refund(_) | Deed::BlindRefund(..) | Deed::Void(_) | Deed::Intent(_) | Deed::Release(_) => {}
        }
        for (customer, at_hand) in customers {
            self.household(customer, at_hand, &mut facts)?;
        }
        if let Some(of) = of {
            self.known_sale(of, &mut facts)?;
        }
        if let Some(approval) = command.deed.approval() {
            facts.approval = self.view.approval(approval)?;
        }
        (facts.offline.till, facts.offline.till_count) = self.view.offline_since_contact()?;
        Ok(facts)
    }

    fn sale(&self, selling: &Selling, facts: &mut Facts, customers: &mut Customers) -> Result<(), Error> {
        let mut named: Vec<MembershipId> =
            [selling.earn_membership, selling.redeem_membership].into_iter().flatten().collect();
        match &selling.by {
            By::Nobody => {}
            By::Membership(membership) => named.push(*membership),
            By::Customer(customer) => {
                customers.entry(*customer).or_default();
            }
            By::Code { code, .. } => {
                facts.scanned = self.scanned(*code)?;
                match &facts.scanned {
                    Scanned::Card(card) => named.push(card.membership),
                    Scanned::Number(memberships) => named.extend(memberships),
                    Scanned::Nothing | Scanned::Unknown => {}
                }
            }
        }
        for membership in named {
            customers.extend(self.customer_of(membership)?);
        }
        for item in &selling.redeem {
            match item {
                RedeemItem::Hold(hold) => self.hold(*hold, facts)?,
                RedeemItem::Voucher(code) => self.voucher(code, facts, customers)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A voucher that a signed code names: its code is checked by the server's key, whether it is known here or not.
    fn voucher(&self, code: &str, facts: &mut Facts, customers: &mut Customers) -> Result<(), Error> {
        if let Some(voucher) = Voucher::of_signed(code, &self.view.server_key()) {
            facts.accounts.insert(voucher.account(), self.view.account(voucher.account())?);
            customers.extend(self.customer_of(voucher.membership)?);
            facts.vouchers.push((code.to_owned(), voucher));
        }
        Ok(())
    }

    fn hold(&self, hold: HoldId, facts: &mut Facts) -> Result<(), StoreError> {
        facts.holds.extend(self.view.hold(hold)?);
        Ok(())
    }

    fn enrolment(
        &self,
        enrolling: &Enrolling,
        facts: &mut Facts,
        customers: &mut Customers,
    ) -> Result<(), Error> {
        let key = &enrolling.index;
        for card in enrolling.memberships.iter().filter_map(|membership| membership.card.as_ref()) {
            let code = key.hash(CodeKind::Scan, card);
            if self.view.is_own_number(card)? || !self.view.codes(code)?.is_empty() {
                facts.taken.insert(code);
            }
        }
        for made in party::made_cards(self.catalog, &enrolling.memberships) {
            let code = key.hash(CodeKind::Scan, &made);
            if !self.view.codes(code)?.is_empty() {
                facts.taken.insert(code);
            }
        }
        let new = match &enrolling.customer {
            Enrollee::Known(customer) => {
                customers.entry(*customer).or_default();
                return Ok(());
            }
            Enrollee::New(new) => new,
        };
        for (because, found) in self.alike(key, new)? {
            for id in found {
                let id = self.view.customer_now(id)?;
                let name = self.view.customer(id)?.map(|customer| customer.display_name).unwrap_or_default();
                if facts.candidates.iter().all(|known| known.customer != id) {
                    let because = Some(because.to_owned());
                    facts.candidates.push(Candidate {
                        customer: id,
                        name,
                        membership: None,
                        program: None,
                        because,
                    });
                }
            }
        }
        Ok(())
    }

    /// Customers who are known under something that the new one gave, and what that is.
    fn alike(
        &self,
        key: &IndexKey,
        new: &NewCustomer,
    ) -> Result<Vec<(&'static str, Vec<CustomerId>)>, StoreError> {
        let mut alike = Vec::new();
        if let Some(phone) = &new.phone {
            alike.push(("phone", self.view.by_phone(key.hash(CodeKind::Phone, phone))?));
        }
        if let Some(email) = &new.email {
            alike.push(("email", self.view.by_email(key.hash(CodeKind::Email, email))?));
        }
        if let Some(number) = &new.identity_number {
            alike.push(("identity_number", self.view.by_identity(key.hash(CodeKind::Identity, number))?));
        }
        if let Some(external) = &new.external_id {
            alike.push(("external_id", self.view.by_external(key.hash(CodeKind::External, external))?));
        }
        Ok(alike)
    }

    /// What a code is.
    pub(crate) fn scanned(&self, code: CodeHash) -> Result<Scanned, StoreError> {
        let (mut own, mut numbers) = (None, Vec::new());
        for hit in self.view.codes(code)? {
            match hit {
                CodeHit::Card(card) => own = own.or(Some(card)),
                CodeHit::Number(membership) => numbers.push(membership),
            }
        }
        Ok(Scanned::of(own, numbers))
    }

    /// The same, where a signed card says whose a card is that this till has never seen.
    pub(crate) fn scanned_signed(
        &self,
        (code, tail): (CodeHash, &str),
        signed: Option<MembershipId>,
    ) -> Result<Scanned, StoreError> {
        let scanned = self.scanned(code)?;
        let Some(membership) = signed.filter(|_| scanned == Scanned::Unknown) else { return Ok(scanned) };
        if self.view.membership(membership)?.is_none() {
            return Ok(scanned);
        }
        let status = CardStatus::Active;
        Ok(Scanned::Card(Card { code, tail: tail.to_owned(), membership, status }))
    }

    /// Whose a membership is, and whose those are that took it over.
    pub(crate) fn customer_of(&self, membership: MembershipId) -> Result<Customers, StoreError> {
        let generations = self.view.generations(membership)?;
        Ok(generations.into_iter().map(|membership| (membership.customer, Some(membership))).collect())
    }

    /// A customer's memberships and all their accounts.
    pub(crate) fn customer(&self, customer: CustomerId, facts: &mut Facts) -> Result<(), StoreError> {
        self.household(customer, None, facts)
    }

    /// The same, where one of the memberships is at hand already.
    pub(crate) fn household(
        &self,
        customer: CustomerId,
        at_hand: Option<Membership>,
        facts: &mut Facts,
    ) -> Result<(), StoreError> {
        let Some((known, memberships)) = self.view.household(customer, at_hand)? else { return Ok(()) };
        for mut membership in memberships {
            for voucher in self.view.vouchers(membership.id)? {
                membership.take_in(&voucher, Day(0));
            }
            self.accounts(&membership, facts)?;
            facts.members.push(MemberView { customer: known.clone(), membership });
        }
        facts.budgets = self.view.budgets()?;
        facts.lapse(self.catalog);
        facts.stand(self.catalog, self.now);
        Ok(())
    }

    fn accounts(&self, membership: &Membership, facts: &mut Facts) -> Result<(), StoreError> {
        let Some(program) = self.catalog.programs.get(&membership.program) else { return Ok(()) };
        let since = self.now.before(u64::from(program.offline.per_member_hours) * HOUR_MS);
        for currency in &program.currencies {
            let account = membership.account(*currency, self.catalog);
            facts.accounts.insert(account, self.view.account(account)?);
            facts.offline.member.insert(account, self.view.offline_used(account, since, self.now)?);
        }
        for voucher in &membership.vouchers {
            facts.accounts.insert(voucher.account(), self.view.account(voucher.account())?);
        }
        Ok(())
    }

    fn known_sale(&self, of: Dot, facts: &mut Facts) -> Result<(), Error> {
        let Some(written) = self.view.entry(of)? else { return Ok(()) };
        let returned = self.view.returned(of)?;
        let sale = KnownSale {
            entry: (*written.entry).clone(),
            hash: written.hash,
            attributed: returned.attributed,
            attributed_to: returned.attributed_to,
            returned: returned.lines,
            voided: returned.voided,
        };
        for posting in sale.legs() {
            facts.accounts.insert(posting.account, self.view.account(posting.account)?);
        }
        facts.sale = Some(sale);
        Ok(())
    }
}
