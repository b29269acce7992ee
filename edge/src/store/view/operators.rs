//! Operators as last pulled, and the approvals that this store has written.

use shared::decide::approve::Given;
use shared::ids::{ApprovalId, Hash};
use shared::operator::Operator;

use super::super::directory::{decode, encode};
use super::super::key::Key;
use super::super::overlay::Layer;
use super::super::tables::Table;
use super::{R, View};

/// Writes a whole list; whatever stood there before has to be removed first.
pub(in crate::store) fn put_operators(layer: &mut Layer, operators: &[Operator]) -> R<()> {
    for operator in operators {
        layer.put(operator_key(operator.code.as_str()), &encode(operator)?);
    }
    Ok(())
}

fn operator_key(code: &str) -> Key {
    Key::of(Table::Operators).bytes(&Hash::of(code.as_bytes()).0[..16])
}

impl View {
    /// The operator of a code, case counting.
    pub fn operator(&self, code: &str) -> R<Option<Operator>> {
        let Some(value) = self.get(&operator_key(code))? else { return Ok(None) };
        decode("operator", value.bytes()).map(Some)
    }

    /// All operators of this till's outlet, by name.
    pub fn operators(&self) -> R<Vec<Operator>> {
        let mut all: Vec<Operator> = Vec::new();
        self.scan(Key::of(Table::Operators), |_, value| {
            all.push(decode("operator", value)?);
            Ok(true)
        })?;
        all.sort_by(|one, other| (&one.name, &one.code).cmp(&(&other.name, &other.code)));
        Ok(all)
    }

    /// The name of their list, by which the server knows whether it has another.
    pub fn operators_digest(&self) -> Hash {
        self.published.meta.operators
    }

    /// An approval that this store has written.
    pub fn approval(&self, id: ApprovalId) -> R<Option<Given>> {
        let Some(value) = self.get(&Key::of(Table::Approvals).uuid(id.0))? else { return Ok(None) };
        let approval = decode("approval", value.bytes())?;
        let used = self.get(&Key::of(Table::ApprovalsUsed).uuid(id.0))?.is_some();
        Ok(Some(Given { approval, used }))
    }
}
