//! Identity and starts, tokens, the audit, tills; the office's lists.

use std::ops::ControlFlow;

use shared::account::AccountId;
use shared::books::{Case, Cases as _, Parked, Unattributed};
use shared::ids::{BucketId, CaseId, Dot, NodeId, TillId};
use shared::points::Points;
use uuid::Uuid;

use super::kv::{Kv, Stored, decode, field, key, under};
use super::tables::{
    ACCOUNT_LEGS, AUDIT, CASE_TIMES, CONTACTS, DECISIONS, ENROLMENTS, EPOCHS, IDENTITY, PARKED, TILLS,
    TOKENS, UNATTRIBUTED, counter,
};
use super::view::{View, account_key, dot_at, dot_key, span_after};
use crate::store::StoreError;
use crate::store::rows::{AuditRow, ContactRow, EnrolmentRow, Epoch, Identity, TillRow, TokenRow};
use crate::store::topics::{Fleet, Keystone, Leg, Lists, Office};

/// The one key of tables with one row.
const ONLY: [u8; 1] = [0];

impl<T: Kv> Keystone for View<T> {
    fn identity(&self) -> Stored<Option<Identity>> {
        self.row(IDENTITY, &ONLY)
    }

    fn put_identity(&mut self, row: &Identity) -> Stored<()> {
        self.put(IDENTITY, &ONLY, row)
    }

    fn epochs(&self) -> Stored<Vec<Epoch>> {
        self.collect(EPOCHS, &under(&[]), false, usize::MAX, |_, value| decode(value).map(Some))
    }

    fn add_epoch(&mut self, epoch: &Epoch) -> Stored<()> {
        let last = self.collect(EPOCHS, &under(&[]), true, 1, |at, _| Ok(Some(u64::from_be_bytes(*at))))?;
        let next = last.first().map_or(1, |last| last.saturating_add(1));
        self.put(EPOCHS, &next.to_be_bytes(), epoch)
    }
}

impl<T: Kv> Office for View<T> {
    fn token(&self, secret: &[u8; 32]) -> Stored<Option<TokenRow>> {
        self.row(TOKENS, secret)
    }

    fn put_token(&mut self, secret: &[u8; 32], row: &TokenRow) -> Stored<()> {
        self.put(TOKENS, secret, row)
    }

    fn take_token(&mut self, secret: &[u8; 32]) -> Stored<()> {
        self.delete(TOKENS, secret)
    }

    fn tokens(&self) -> Stored<Vec<([u8; 32], TokenRow)>> {
        self.collect(TOKENS, &under(&[]), false, usize::MAX, |key, value| Ok(Some((*key, decode(value)?))))
    }

    fn add_audit(&mut self, row: &AuditRow) -> Stored<()> {
        let number = self.count_up(counter::AUDIT)?;
        self.put(AUDIT, &number.to_be_bytes(), row)
    }

    fn audit(&self, before: Option<u64>, limit: usize) -> Stored<Vec<(u64, AuditRow)>> {
        let last = before.map_or(u64::MAX, |before| before.saturating_sub(1));
        self.collect(AUDIT, &([0; 8], last.to_be_bytes()), true, limit, |key, value| {
            Ok(Some((u64::from_be_bytes(*key), decode(value)?)))
        })
    }
}

impl<T: Kv> Fleet for View<T> {
    fn till(&self, id: TillId) -> Stored<Option<TillRow>> {
        self.row(TILLS, &id.0.to_be_bytes())
    }

    fn put_till(&mut self, row: &TillRow) -> Stored<()> {
        // it may have another name now, which it pulls
        self.told = true;
        self.put(TILLS, &row.id.0.to_be_bytes(), row)
    }

    fn next_till(&mut self) -> Stored<TillId> {
        let number = self.count_up(counter::TILL)?;
        u32::try_from(number).map(TillId).map_err(|_| StoreError::Failed("no till number is left".to_owned()))
    }

    fn tills(&self) -> Stored<Vec<TillRow>> {
        self.collect(TILLS, &under(&[]), false, usize::MAX, |_, value| decode(value).map(Some))
    }

    fn enrolment(&self, code: &[u8; 32]) -> Stored<Option<EnrolmentRow>> {
        self.row(ENROLMENTS, code)
    }

    fn put_enrolment(&mut self, code: &[u8; 32], row: &EnrolmentRow) -> Stored<()> {
        self.put(ENROLMENTS, code, row)
    }

    fn contact(&self, node: NodeId) -> Stored<Option<ContactRow>> {
        self.row(CONTACTS, &node.0.to_be_bytes())
    }

    fn put_contact(&mut self, node: NodeId, row: &ContactRow) -> Stored<()> {
        self.put(CONTACTS, &node.0.to_be_bytes(), row)
    }
}

impl<T: Kv> Lists for View<T> {
    fn ledger(&self, after: Option<u64>, visit: &mut dyn FnMut(Leg) -> bool) -> Stored<()> {
        self.legs(after, visit)
    }

    fn ledger_of(&self, account: AccountId, before: Option<u64>, limit: usize) -> Stored<Vec<Leg>> {
        let last = before.map_or(u64::MAX, |before| before.saturating_sub(1));
        let span = (
            key::<26>(&[&account_key(account), &[0; 8]]),
            key::<26>(&[&account_key(account), &last.to_be_bytes()]),
        );
        let orders = self.collect(ACCOUNT_LEGS, &span, true, limit, |place, _| {
            Ok(Some(u64::from_be_bytes(field(place, 18))))
        })?;
        let mut legs = Vec::with_capacity(orders.len());
        for order in orders {
            legs.extend(self.leg(order)?);
        }
        Ok(legs)
    }

    fn legs_of(&self, dot: Dot) -> Stored<Vec<Leg>> {
        self.legs_under(dot)
    }

    fn cases_latest(
        &self,
        before: Option<CaseId>,
        visit: &mut dyn FnMut(CaseId, Case) -> bool,
    ) -> Stored<()> {
        let mut span = under::<24>(&[]);
        if let Some(id) = before
            && let Some(case) = self.case(id)?
        {
            span.1 = key(&[&case.opened.0.to_be_bytes(), id.0.as_bytes()]);
        }
        self.kv.scan(CASE_TIMES, (&span.0, &span.1), true, &mut |place, _| {
            let id = CaseId(Uuid::from_bytes(field(place, 8)));
            if Some(id) == before {
                return Ok(ControlFlow::Continue(()));
            }
            let on = self.case(id)?.is_none_or(|case| visit(id, case));
            Ok(if on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })
    }

    fn decision(&self, case: CaseId) -> Stored<Option<Dot>> {
        self.kv.with(DECISIONS, case.0.as_bytes(), |value| Ok(dot_at(value, 0)))
    }

    fn put_decision(&mut self, case: CaseId, dot: Dot) -> Stored<()> {
        self.put_raw(DECISIONS, case.0.as_bytes(), &dot_key(dot))
    }

    fn verified(&self, code: &str) -> Stored<Vec<Dot>> {
        self.under_verification(code)
    }

    fn parked_list(
        &self,
        after: Option<(BucketId, Dot)>,
        limit: usize,
    ) -> Stored<Vec<(BucketId, Dot, Parked)>> {
        let last = after.map(|(bucket, dot)| key::<14>(&[&bucket.0.to_be_bytes(), &dot_key(dot)]));
        self.collect(PARKED, &span_after(last), false, limit, |place, value| {
            Ok(Some((BucketId(u16::from_be_bytes(field(place, 0))), dot_at(place, 2), decode(value)?)))
        })
    }

    fn unattributed_list(&self, after: Option<Dot>, limit: usize) -> Stored<Vec<(Dot, Unattributed)>> {
        self.collect(UNATTRIBUTED, &span_after(after.map(dot_key)), false, limit, |place, value| {
            Ok(Some((dot_at(place, 0), decode(value)?)))
        })
    }

    fn holds_live(&self, visit: &mut dyn FnMut(AccountId, Points)) -> Stored<()> {
        self.visit_holds(visit)
    }

    fn holds_expired(&self, until: u64) -> Stored<Vec<(u128, AccountId)>> {
        self.open_holds_until(until)
    }
}
