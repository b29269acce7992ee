//! Notices and what they are made of.

use shared::time::Millis;
use uuid::Uuid;

use super::super::StoreError;
use super::super::rows::notice::{Cause, MessageRow, NoticeRow, TemplateRow, WebhookRow};

type Kept<T> = Result<T, StoreError>;

/// Templates, webhooks and the outbox.
pub trait Notices {
    /// A template by its code.
    fn template(&self, code: &str) -> Kept<Option<TemplateRow>>;
    /// Writes a template. From the first on, causes are noted.
    fn put_template(&mut self, row: &TemplateRow) -> Kept<()>;
    /// Takes a template away.
    fn take_template(&mut self, code: &str) -> Kept<()>;
    /// All templates.
    fn templates(&self) -> Kept<Vec<TemplateRow>>;
    /// A webhook.
    fn webhook(&self, id: Uuid) -> Kept<Option<WebhookRow>>;
    /// Writes a webhook. From the first on, causes are noted.
    fn put_webhook(&mut self, row: &WebhookRow) -> Kept<()>;
    /// Takes a webhook away.
    fn take_webhook(&mut self, id: Uuid) -> Kept<()>;
    /// All webhooks.
    fn webhooks(&self) -> Kept<Vec<WebhookRow>>;
    /// A notice.
    fn notice(&self, id: Uuid) -> Kept<Option<NoticeRow>>;
    /// Writes a notice; the store keeps the lists by time and of what is due from what is put here.
    fn put_notice(&mut self, row: &NoticeRow) -> Kept<()>;
    /// Notices, latest first, before one; goes on while `visit` says so.
    fn notices_latest(&self, before: Option<Uuid>, visit: &mut dyn FnMut(NoticeRow) -> bool) -> Kept<()>;
    /// Notices that wait and are due at a time, the longest due first.
    fn notices_due(&self, now: Millis, limit: usize) -> Kept<Vec<NoticeRow>>;
    /// Whether anything listens: a template or a webhook.
    fn is_heard(&self) -> Kept<bool>;
    /// Causes in the order in which they came, by number.
    fn causes(&self, limit: usize) -> Kept<Vec<(u64, Cause)>>;
    /// Notes a cause, where anybody listens.
    fn add_cause(&mut self, cause: &Cause) -> Kept<()>;
    /// Takes a cause away.
    fn take_cause(&mut self, number: u64) -> Kept<()>;
    /// The last line of the ledger that notices were made of.
    fn notice_mark(&self) -> Kept<u64>;
    /// Moves it.
    fn put_notice_mark(&mut self, order: u64) -> Kept<()>;
    /// A message to a segment.
    fn message(&self, id: Uuid) -> Kept<Option<MessageRow>>;
    /// Writes it.
    fn put_message(&mut self, row: &MessageRow) -> Kept<()>;
    /// Messages of which not every member was looked at yet.
    fn messages_open(&self) -> Kept<Vec<MessageRow>>;
}
