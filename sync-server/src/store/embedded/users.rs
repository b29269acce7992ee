//! Users of the console.

use uuid::Uuid;

use super::kv::{Kv, Stored, decode, under};
use super::tables::USERS;
use super::view::View;
use crate::store::rows::UserRow;
use crate::store::topics::Users;

impl<T: Kv> Users for View<T> {
    fn user(&self, id: Uuid) -> Stored<Option<UserRow>> {
        self.row(USERS, id.as_bytes())
    }

    fn put_user(&mut self, row: &UserRow) -> Stored<()> {
        self.put(USERS, row.id.as_bytes(), row)
    }

    fn take_user(&mut self, id: Uuid) -> Stored<()> {
        self.delete(USERS, id.as_bytes())
    }

    fn users(&self) -> Stored<Vec<UserRow>> {
        self.collect(USERS, &under(&[]), false, usize::MAX, |_, value| decode(value).map(Some))
    }
}
