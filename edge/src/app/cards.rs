//! The scan, and cards reported.

use std::collections::BTreeMap;

use shared::api::member::{Alert, CardReportRequest, Scan};
use shared::catalog::Catalog;
use shared::decide::Deed;
use shared::decide::party;
use shared::ids::{CustomerId, MembershipId};
use shared::member::signed::SignedCard;
use shared::member::{Card, Membership};
use shared::render::{self, Allowance, Scene};
use shared::request;
use shared::view::{Facts, Scanned};

use super::facts::Loader;
use super::write::Wish;
use super::{App, Error, Outcome};
use crate::store::View;

/// How long a scan tells of a decided case, in ms: two weeks, in which most members come by.
const DECIDED_MS: u64 = 14 * 24 * 3_600_000;
/// Decided cases that a scan tells of an account.
const DECIDED_MOST: usize = 3;

impl App {
    /// A scanned text as the code that it stands for, with the membership that a signed card names.
    pub(super) fn card_read(&self, text: &str) -> Result<(String, Option<MembershipId>), Error> {
        let server = self.store().read()?.server_key();
        Ok(match SignedCard::read(text, &server)? {
            None => (text.trim().to_owned(), None),
            Some(card) => (card.code, Some(card.membership)),
        })
    }

    /// The scan: what a code opens, from what this till holds alone.
    pub fn scan(&self, code: &str) -> Result<Scan, Error> {
        self.scan_signed(code.trim(), None)
    }

    /// The same, where a signed card says whose a card is that this till has never seen.
    pub(super) fn scan_signed(&self, code: &str, signed: Option<MembershipId>) -> Result<Scan, Error> {
        let view = self.store().read()?;
        let (hash, tail) = request::scanned(code, &self.identity().index_key)?;
        let catalog = view.catalog();
        let loader = Loader { view: &view, catalog: &catalog, now: self.now() };
        let mut facts = self.facts_of_nobody(&view)?;
        facts.scanned = loader.scanned_signed((hash, &tail), signed)?;
        for membership in opened(&view, &facts.scanned)?.into_values() {
            loader.household(membership.customer, Some(membership), &mut facts)?;
        }
        let member = party::scanned_here(&facts, &catalog)?.ok_or_else(party::unknown_card)?;
        let (customer, first) = (member.view.customer.id, member.view.membership.id);
        facts.members.sort_by_key(|member| member.membership.id != first);
        let card = facts.scanned_card();
        self.shown(&view, customer, card.as_ref().map(|card| (card, code)), &facts)
    }

    /// One customer with all memberships, as the scan shows them.
    pub(super) fn shown(
        &self,
        view: &View,
        customer: CustomerId,
        card: Option<(&Card, &str)>,
        facts: &Facts,
    ) -> Result<Scan, Error> {
        let known = facts.members.iter().map(|member| &member.customer).find(|known| known.id == customer);
        let person = match known {
            Some(known) => known.clone(),
            None => view.customer(customer)?.ok_or_else(|| Error::not_found("customer with this id"))?,
        };
        let catalog = view.catalog();
        let scene = self.scene(&catalog);
        let mut scan = render::scan(card, &person, facts, &scene, |member, account| {
            Allowance::of(facts, &scene, member, account)
        });
        for membership in &mut scan.memberships {
            let loaded = membership.id.parse().ok().and_then(|id| facts.member(id));
            membership
                .alerts
                .extend(loaded.map(|it| self.decided(view, &it.membership)).transpose()?.unwrap_or_default());
        }
        scan.as_of = scan.as_of.or_else(|| view.as_of().map(shared::time::Millis::rfc3339));
        Ok(scan)
    }

    /// What was decided of a membership's accounts lately, for the cashier who has them before him.
    fn decided(&self, view: &View, membership: &Membership) -> Result<Vec<Alert>, Error> {
        let catalog = view.catalog();
        let Some(program) = catalog.programs.get(&membership.program) else { return Ok(Vec::new()) };
        let mut alerts = Vec::new();
        for currency in &program.currencies {
            let all = view.decisions_of(membership.account(*currency, &catalog))?.into_iter();
            let lately = all.filter(|decided| self.now().since(decided.at) < DECIDED_MS).take(DECIDED_MOST);
            alerts.extend(lately.map(|decided| Alert { code: "decision".to_owned(), text: decided.text }));
        }
        Ok(alerts)
    }

    /// The light under which things are shown here and now.
    pub(super) fn scene<'a>(&self, catalog: &'a Catalog) -> Scene<'a> {
        let outlet = Some(self.identity().outlet);
        Scene { catalog, outlet, now: self.now(), online: self.link().is_online(), key: None }
    }

    /// Facts with nobody in them yet.
    pub(super) fn facts_of_nobody(&self, view: &View) -> Result<Facts, Error> {
        let mut facts = Facts { clock_untrusted: self.clock().is_untrusted(), ..Facts::at(self.place()) };
        (facts.offline.till, facts.offline.till_count) = view.offline_since_contact()?;
        Ok(facts)
    }

    /// A card is lost, stolen or damaged; answers the scan with it.
    pub async fn report_card(
        &self,
        key: Option<&str>,
        code: &str,
        asked: &CardReportRequest,
    ) -> Result<Outcome<Scan>, Error> {
        let (card, signed) = self.card_read(code)?;
        let mut report = request::card_report(&card, asked, &self.identity().index_key)?;
        if let Deed::CardReport { signed: whose, .. } = &mut report.deed {
            *whose = signed;
        }
        let coming = self.coming(key, "card_report", (code, asked));
        let keying = coming.without_receipt(None);
        let done = self.write(Wish { asked: report, keying, of: None, remote: None }).await?;
        Ok(Outcome { body: self.scan_signed(&card, signed)?, replayed: done.replayed })
    }
}

/// By customer, a membership that a scanned code opens.
pub(super) fn opened(view: &View, scanned: &Scanned) -> Result<BTreeMap<CustomerId, Membership>, Error> {
    let ids = match scanned {
        Scanned::Card(card) => std::slice::from_ref(&card.membership),
        Scanned::Number(found) => found.as_slice(),
        Scanned::Nothing | Scanned::Unknown => &[],
    };
    let mut opened = BTreeMap::new();
    for id in ids {
        let generations = view.generations(*id)?;
        opened.extend(generations.into_iter().map(|membership| (membership.customer, membership)));
    }
    Ok(opened)
}
