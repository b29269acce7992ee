//! Enrolment, with or without a line: new customers, and further memberships for known ones.

use shared::api::member::{EnrolRequest, Scan};
use shared::decide::enrol::NewMembership;
use shared::decide::{Deed, Enrollee, Enrolling};
use shared::entry::EntryKind;
use shared::ids::{CustomerId, MembershipId};
use shared::limits;
use shared::member::CustomerKey;
use shared::refusal::Refusal;
use shared::request::{self, Asked, Fresh};

use super::write::Wish;
use super::{App, Error, Outcome, fresh};

impl App {
    /// Enrols, and answers the scan's body, by the card that the first of the new memberships got, if any.
    pub async fn enrol(&self, key: Option<&str>, asked: &EnrolRequest) -> Result<Outcome<Scan>, Error> {
        let given = asked.memberships.first().and_then(|membership| membership.card.clone());
        let coming = self.coming(key, "enrol", asked);
        let keying = coming.without_receipt(None);
        let asked = Asked {
            deed: Deed::Enrol(Box::new(self.enrolling(asked)?)),
            business_date: None,
            occurred_at: None,
            cashier: None,
        };
        let done = self.write(Wish { asked, keying, of: None, remote: None }).await?;
        let EntryKind::Enrol(enrol) = &done.written.entry.kind else {
            return Err(Error::Broken("an enrolment of nobody".to_owned()));
        };
        let first = enrol.memberships.first();
        let catalog = self.store().read()?.catalog();
        let made = first.and_then(|first| catalog.programs.get(&first.program)?.cards.made(&first.number));
        let new = enrol.customer.as_ref().map(|customer| customer.id);
        let body = match (given.or(made), new.or(first.map(|first| first.customer))) {
            (Some(card), _) => self.scan(&card)?,
            (None, Some(customer)) => self.customer(customer)?,
            (None, None) => return Err(Error::Broken("an enrolment of nobody".to_owned())),
        };
        Ok(Outcome { body, replayed: done.replayed })
    }

    fn enrolling(&self, asked: &EnrolRequest) -> Result<Enrolling, Error> {
        let now = self.now();
        let fresh = Fresh {
            customer: CustomerId(fresh::id(now)),
            key: CustomerKey(fresh::bytes()),
            nonce: fresh::bytes(),
        };
        let customer = request::enrollee(asked, fresh)?;
        if let Enrollee::Known(id) = &customer
            && self.store().read()?.customer(*id)?.is_none()
        {
            return Err(Error::not_found("customer with this id at this till"));
        }
        if asked.memberships.len() > limits::ENROL_MEMBERSHIPS {
            let detail = format!("At most {} memberships in one enrolment.", limits::ENROL_MEMBERSHIPS);
            return Err(Error::field("memberships", detail));
        }
        let mut memberships: Vec<NewMembership> = Vec::with_capacity(asked.memberships.len());
        for (place, membership) in asked.memberships.iter().enumerate() {
            if membership.member_number.is_some() {
                let detail = "A till gives numbers from its own block; only head office takes numbers over.";
                return Err(Refusal::field(format!("memberships[{place}].member_number"), detail).into());
            }
            let id = MembershipId(fresh::id(now));
            memberships.push(request::new_membership(place, membership, id, String::new())?);
        }
        let index = self.identity().index_key.clone();
        Ok(Enrolling { customer, memberships, allow_duplicate: asked.allow_duplicate, index })
    }
}
