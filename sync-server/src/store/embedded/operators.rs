//! Operators, their tries, and approvals.

use shared::entry::approval::Approval;
use shared::ids::ApprovalId;

use super::kv::{Kv, Stored, decode, field, under};
use super::tables::{APPROVALS, OPERATORS, PIN_TRIES, counter};
use super::view::View;
use crate::store::rows::{OperatorRow, TriesRow};
use crate::store::topics::Operators;

fn code_key(code: &str) -> [u8; 16] {
    field(blake3::hash(code.as_bytes()).as_bytes(), 0)
}

impl<T: Kv> Operators for View<T> {
    fn operator(&self, code: &str) -> Stored<Option<OperatorRow>> {
        self.row(OPERATORS, &code_key(code))
    }

    fn put_operator(&mut self, row: &OperatorRow) -> Stored<()> {
        self.count_up(counter::OPERATORS)?;
        self.told = true;
        self.put(OPERATORS, &code_key(row.operator.code.as_str()), row)
    }

    fn take_operator(&mut self, code: &str) -> Stored<()> {
        self.count_up(counter::OPERATORS)?;
        self.told = true;
        self.delete(OPERATORS, &code_key(code))
    }

    fn operators(&self) -> Stored<Vec<OperatorRow>> {
        self.collect(OPERATORS, &under(&[]), false, usize::MAX, |_, value| decode(value).map(Some))
    }

    fn operators_change(&self) -> Stored<u64> {
        self.counter(counter::OPERATORS)
    }

    fn pin_tries(&self, code: &str) -> Stored<Option<TriesRow>> {
        self.row(PIN_TRIES, &code_key(code))
    }

    fn put_pin_tries(&mut self, code: &str, row: Option<&TriesRow>) -> Stored<()> {
        match row {
            Some(row) => self.put(PIN_TRIES, &code_key(code), row),
            None => self.delete(PIN_TRIES, &code_key(code)),
        }
    }

    fn approval(&self, id: ApprovalId) -> Stored<Option<Approval>> {
        self.row(APPROVALS, id.0.as_bytes())
    }

    fn put_approval(&mut self, approval: &Approval) -> Stored<()> {
        self.put(APPROVALS, approval.id.0.as_bytes(), approval)
    }
}
