//! Payment holds of this till: placed, captured, released, timed out.

use shared::api::hold::{CaptureRequest, Hold, HoldRequest, ReleaseRequest};
use shared::api::transaction::Transaction;
use shared::decide::Deed;
use shared::entry::EntryKind;
use shared::ids::HoldId;
use shared::render;
use shared::request;
use shared::time::Day;

use super::write::{Done, Wish};
use super::{App, Error, Outcome, fresh};

impl App {
    /// Points set aside for a payment.
    pub async fn hold(&self, key: Option<&str>, asked: &HoldRequest) -> Result<Outcome<Hold>, Error> {
        let id = HoldId(fresh::id(self.now()));
        let wanted = request::hold::hold(asked, id, &self.store().read()?.catalog())?;
        let keying = self.coming(key, "hold", asked).without_receipt(None);
        let done = self.write(Wish { asked: wanted, keying, of: None, remote: None }).await?;
        self.show_hold(&done)
    }

    /// A hold's points redeemed, or part of them.
    pub async fn capture(
        &self,
        key: Option<&str>,
        id: HoldId,
        asked: &CaptureRequest,
    ) -> Result<Outcome<Transaction>, Error> {
        let wanted = request::hold::capture(asked, id)?;
        let coming = self.coming(key, "capture", (id, asked));
        // with a receipt it is known again by that, as a sale is; without one only by a key
        let keying = match &asked.receipt {
            // a hold is captured once, on whatever day: another body is no other request
            Some(receipt) => coming.with_receipt(&format!("{id} {receipt}"), Some(Day(0))),
            None => coming.without_receipt(None),
        };
        self.transact(Wish { asked: wanted, keying, of: None, remote: None }).await
    }

    /// A hold given up.
    pub async fn release(
        &self,
        key: Option<&str>,
        id: HoldId,
        asked: &ReleaseRequest,
    ) -> Result<Outcome<Hold>, Error> {
        let wanted = request::hold::release(asked, id)?;
        let keying = self.coming(key, "release", (id, asked)).without_receipt(None);
        let done = self.write(Wish { asked: wanted, keying, of: None, remote: None }).await?;
        self.show_hold(&done)
    }

    /// Ends the holds whose time is over, by an entry each: nobody else may, as a payment could be under way here.
    pub async fn time_out_holds(&self) -> Result<usize, Error> {
        let due = self.store().read()?.holds_due(self.now())?;
        for hold in &due {
            match self.note(Deed::TimeOut(*hold)).await {
                // captured or released meanwhile
                Err(Error::Refused(_)) | Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(due.len())
    }

    fn show_hold(&self, done: &Done) -> Result<Outcome<Hold>, Error> {
        let view = self.store().read()?;
        let id = match &done.written.entry.kind {
            EntryKind::PaymentHold(placed) => Some(placed.hold),
            EntryKind::Release(release) => Some(HoldId::of_key(release.key)),
            _ => None,
        };
        let held = id.map(|id| view.hold(id)).transpose()?.flatten();
        let held = held.ok_or_else(|| Error::Broken("a hold is known by its key only".to_owned()))?;
        let body = render::hold::hold(&held, &view.catalog(), self.now());
        Ok(Outcome { body, replayed: done.replayed })
    }
}
