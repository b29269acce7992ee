//! What a decision looks at, loaded from the books.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use shared::account::AccountId;
use shared::books::SERVER;
use shared::catalog::Catalog;
use shared::decide::approve::Given;
use shared::decide::party;
use shared::decide::{By, Command, Deed, Enrollee, Enrolling, NewCustomer, RedeemItem, Selling};
use shared::entry::hold::PaymentHold;
use shared::entry::reward::vouchers_of;
use shared::entry::{Authority, EntryKind, Redemption};
use shared::ids::{CustomerId, Dot, HoldId, MembershipId};
use shared::limits;
use shared::member::{CodeKind, IndexKey, Membership};
use shared::post::budget;
use shared::refusal::Candidate;
use shared::time::Millis;
use shared::view::{AccountView, Facts, HeldPoints, KnownSale, MemberView, Place, Scanned};
use shared::voucher::Voucher;

use super::{Done, duplicates, ledger, numbers, show};
use crate::store::Read;
use crate::store::topics::Lookup;

/// Loads facts for one command.
pub(super) struct Loader<'a> {
    pub(super) books: &'a dyn Read,
    pub(super) catalog: &'a Catalog,
    pub(super) index: &'a IndexKey,
    pub(super) now: Millis,
}

impl Loader<'_> {
    /// All that `command` is decided on. `code` is what was scanned, `of` the transaction that is given back or undone.
    pub(super) fn facts(
        &self,
        place: Place,
        command: &Command,
        code: Option<&str>,
        of: Option<Dot>,
    ) -> Done<Facts> {
        let mut facts = Facts::at(place);
        if let Some(code) = code {
            facts.scanned = self.scanned(code)?;
        }
        let mut customers = BTreeSet::new();
        match &command.deed {
            Deed::Sale(selling) => self.sale(selling, &facts.scanned, &mut customers)?,
            Deed::Unlinked(back, _) => self.sale(back, &facts.scanned, &mut customers)?,
            Deed::EarnPoints(moving) | Deed::RedeemPoints(moving) => {
                customers.extend(self.customer_of(moving.membership)?);
            }
            Deed::Approve(asked) => customers.extend(self.customer_of(asked.membership)?),
            Deed::Buy(buying) => customers.extend(self.customer_of(buying.membership)?),
            Deed::EarnActivity(acting) => customers.extend(self.customer_of(acting.membership)?),
            Deed::Enrol(enrolling) => self.enrolment(enrolling, &mut facts, &mut customers)?,
            Deed::Hold(holding) => customers.extend(self.customer_of(holding.membership)?),
            Deed::Capture(capturing) => facts.holds.extend(self.hold(capturing.hold)?),
            Deed::ReleaseHold(hold) | Deed::TimeOut(hold) => {
                facts.holds.extend(self.hold_anywhere(*hold, None)?);
            }
            _ => {}
        }
        if let Deed::Sale(selling) = &command.deed {
            for item in &selling.redeem {
                match item {
                    RedeemItem::Hold(hold) => facts.holds.extend(self.hold(*hold)?),
                    RedeemItem::Voucher(code) => self.voucher(code, &mut facts)?,
                    _ => {}
                }
            }
        }
        for customer in customers {
            self.customer(customer, &mut facts)?;
        }
        if let Some(idem) = command.idem {
            self.own_holds(idem.key, &mut facts)?;
        }
        if let Some(approval) = command.deed.approval() {
            // at the books nothing needs one, so that none is ever used up here
            let given = self.books.approval(approval)?;
            facts.approval = given.map(|approval| Given { approval, used: false });
        }
        facts.sale = of.map(|of| self.known_sale(of)).transpose()?.flatten();
        let vouchers = facts.sale.iter().flat_map(|sale| vouchers_of(&sale.entry.kind));
        let vouchers: Vec<AccountId> = vouchers.map(Voucher::account).collect();
        for account in vouchers {
            facts.accounts.insert(account, self.account(account)?);
        }
        Ok(facts)
    }

    fn sale(&self, selling: &Selling, scanned: &Scanned, customers: &mut BTreeSet<CustomerId>) -> Done<()> {
        let mut named: Vec<MembershipId> =
            [selling.earn_membership, selling.redeem_membership].into_iter().flatten().collect();
        match &selling.by {
            By::Nobody => {}
            By::Membership(membership) => named.push(*membership),
            By::Customer(customer) => drop(customers.insert(*customer)),
            By::Code { .. } => named.extend(memberships(scanned)),
        }
        for membership in named {
            customers.extend(self.customer_of(membership)?);
        }
        Ok(())
    }

    fn enrolment(
        &self,
        enrolling: &Enrolling,
        facts: &mut Facts,
        customers: &mut BTreeSet<CustomerId>,
    ) -> Done<()> {
        for card in enrolling.memberships.iter().filter_map(|membership| membership.card.as_ref()) {
            if self.is_taken(card)? {
                facts.taken.insert(self.index.hash(CodeKind::Scan, card));
            }
        }
        for made in party::made_cards(self.catalog, &enrolling.memberships) {
            if self.is_taken(&made)? {
                facts.taken.insert(self.index.hash(CodeKind::Scan, &made));
            }
        }
        match &enrolling.customer {
            Enrollee::Known(customer) => drop(customers.insert(*customer)),
            Enrollee::New(new) => facts.candidates = self.candidates(new)?,
        }
        Ok(())
    }

    /// Whether a code means something already, or will: a till keeps it to give as a member number.
    pub(super) fn is_taken(&self, code: &str) -> Done<bool> {
        Ok(self.scanned(code)? != Scanned::Unknown || numbers::is_kept(self.books, code)?)
    }

    /// Who a new customer may be already.
    fn candidates(&self, new: &NewCustomer) -> Done<Vec<Candidate>> {
        let hashed = [
            ("phone", Lookup::Phone, CodeKind::Phone, &new.phone),
            ("email", Lookup::Email, CodeKind::Email, &new.email),
            ("identity_number", Lookup::Identity, CodeKind::Identity, &new.identity_number),
        ];
        let mut alike: Vec<(&str, CustomerId)> = Vec::new();
        for (because, kind, code, text) in hashed {
            let Some(text) = text.as_ref().filter(|text| !text.trim().is_empty()) else { continue };
            let found = self.books.customers_by(kind, self.index.hash(code, text))?;
            alike.extend(found.into_iter().map(|id| (because, id)));
        }
        if let Some(external) = new.external_id.as_ref().filter(|text| !text.trim().is_empty()) {
            let found = self.books.customers_external(external)?;
            alike.extend(found.into_iter().map(|id| ("external_id", id)));
        }
        let mut candidates: Vec<Candidate> = Vec::new();
        for (because, customer) in alike {
            let customer = duplicates::now_is(self.books, customer)?;
            if candidates.iter().any(|known| known.customer == customer) {
                continue;
            }
            let name = self.books.customer(customer)?.map(|row| row.value.display_name);
            candidates.push(Candidate {
                customer,
                name: name.unwrap_or_default(),
                membership: None,
                program: None,
                because: Some(because.to_owned()),
            });
        }
        Ok(candidates)
    }

    /// What a code is: a card, or the number of one or several memberships.
    pub(super) fn scanned(&self, code: &str) -> Done<Scanned> {
        let card = self.books.card(self.index.hash(CodeKind::Scan, code))?;
        let numbered = self.books.memberships_numbered(code)?;
        let numbers = numbered.into_iter().map(|membership| membership.id).collect();
        Ok(Scanned::of(card.map(|row| row.value), numbers))
    }

    /// Whose a membership is, and whose those are that took it over.
    pub(super) fn customer_of(&self, membership: MembershipId) -> Done<BTreeSet<CustomerId>> {
        let mut customers = BTreeSet::new();
        let mut next = Some(membership);
        for _ in 0..limits::GENERATIONS {
            let Some(row) = next.map(|id| self.books.membership(id)).transpose()?.flatten() else { break };
            customers.insert(row.value.customer);
            next = row.value.moved_to;
        }
        Ok(customers)
    }

    /// A customer's memberships and all their accounts.
    pub(super) fn customer(&self, customer: CustomerId, facts: &mut Facts) -> Done<()> {
        let Some(known) = self.books.customer(customer)? else { return Ok(()) };
        for membership in self.books.memberships_of(customer)? {
            self.accounts(&membership, facts)?;
            facts.members.push(MemberView { customer: known.value.clone(), membership });
        }
        facts.budgets = budget::left(self.books, self.catalog)?;
        facts.lapse(self.catalog);
        facts.stand(self.catalog, self.now);
        Ok(())
    }

    fn accounts(&self, membership: &Membership, facts: &mut Facts) -> Done<()> {
        let Some(program) = self.catalog.programs.get(&membership.program) else { return Ok(()) };
        for currency in &program.currencies {
            let account = membership.account(*currency, self.catalog);
            facts.accounts.insert(account, self.account(account)?);
        }
        for voucher in &membership.vouchers {
            facts.accounts.insert(voucher.account(), self.account(voucher.account())?);
        }
        Ok(())
    }

    /// A voucher that a signed code names (its signature was checked): one that nobody was given here is none.
    fn voucher(&self, code: &str, facts: &mut Facts) -> Done<()> {
        let Some(voucher) = Voucher::said_by(code) else { return Ok(()) };
        let known = self.books.membership(voucher.membership)?;
        if known.is_some_and(|row| row.value.vouchers.contains(&voucher)) {
            for customer in self.customer_of(voucher.membership)? {
                if !facts.members.iter().any(|member| member.customer.id == customer) {
                    self.customer(customer, facts)?;
                }
            }
            facts.vouchers.push((code.to_owned(), voucher));
        }
        Ok(())
    }

    /// An account as the books have it now.
    pub(super) fn account(&self, account: AccountId) -> Done<AccountView> {
        Ok(AccountView::of(self.books.base_of(account)?.unwrap_or_default(), self.now))
    }

    /// What was set aside under the command's own key is there for it.
    fn own_holds(&self, key: u128, facts: &mut Facts) -> Done<()> {
        for (id, account) in &mut facts.accounts {
            if account.base.reserved.is_positive()
                && let Some(hold) = self.books.hold(key, *id)?
            {
                account.base.reserved = account.base.reserved.minus(hold.points);
            }
        }
        Ok(())
    }

    /// A payment hold that was placed at this server. One of a till's is that till's to capture.
    pub(super) fn hold(&self, id: HoldId) -> Done<Option<HeldPoints>> {
        let own = self.books.idem(id.key())?.is_some_and(|row| row.dot.node == SERVER);
        if own { self.placed(id) } else { Ok(None) }
    }

    /// A payment hold, wherever it was placed. Of one whose placing was not heard of only what is set aside is known: of
    /// this account, or of the one of which that is now.
    pub(super) fn hold_anywhere(&self, id: HoldId, account: Option<AccountId>) -> Done<Option<HeldPoints>> {
        let placed = self.placed(id)?;
        if placed.is_some() {
            return Ok(placed);
        }
        let open = || -> Done<Option<AccountId>> {
            let share = self.books.shares()?.into_iter().find(|share| share.key == id.key());
            Ok(share.map(|share| share.account))
        };
        let Some(account) = (if account.is_some() { account } else { open()? }) else { return Ok(None) };
        let Some(row) = self.books.hold(id.key(), account)? else { return Ok(None) };
        let Some(membership) = ledger::owner(self.books, account)? else { return Ok(None) };
        let redemption = Redemption {
            authority: Authority::Online,
            seen: row.points,
            age_ms: 0,
            approval: None,
            value: Decimal::ZERO,
            off: Decimal::ZERO,
            got: None,
            membership,
            hold: Some(id),
            card: None,
            right: None,
        };
        let expires_at = row.expires_at.unwrap_or(self.now);
        let placed = PaymentHold { hold: id, account, points: row.points, expires_at, redemption };
        Ok(Some(HeldPoints { placed, open: row.is_open() }))
    }

    fn placed(&self, id: HoldId) -> Done<Option<HeldPoints>> {
        let Some(row) = self.books.idem(id.key())? else { return Ok(None) };
        let taken = self.books.taken(row.dot)?;
        let Some(Ok(EntryKind::PaymentHold(placed))) = taken.map(|taken| taken.entry.map(|it| it.kind))
        else {
            return Ok(None);
        };
        let row = self.books.hold(id.key(), placed.account)?;
        Ok(Some(HeldPoints { placed, open: row.is_some_and(|row| row.is_open()) }))
    }

    /// A transaction with what was given back of it so far.
    pub(super) fn known_sale(&self, of: Dot) -> Done<Option<KnownSale>> {
        let (Some(taken), Some(row)) = (self.books.taken(of)?, self.books.sale(of)?) else { return Ok(None) };
        let Ok(entry) = taken.entry else { return Ok(None) };
        let attributed = show::attribution(self.books, &row)?;
        let attributed_to = attributed.as_ref().map(|(membership, _)| *membership);
        let returned = (0_u16..).zip(&row.returned).map(|(line, back)| (line, back.0));
        Ok(Some(KnownSale {
            entry,
            hash: taken.head.hash,
            attributed: attributed.map_or_else(Vec::new, |(_, legs)| legs),
            attributed_to,
            returned: returned.collect(),
            voided: row.voided,
        }))
    }
}

/// The memberships that a scanned code leads to.
pub(super) fn memberships(scanned: &Scanned) -> Vec<MembershipId> {
    match scanned {
        Scanned::Card(card) => vec![card.membership],
        Scanned::Number(memberships) => memberships.clone(),
        Scanned::Nothing | Scanned::Unknown => Vec::new(),
    }
}
