//! Notices: templates, webhooks, causes and the outbox.

use std::ops::ControlFlow;

use shared::books::Marked;
use shared::member::Membership;
use shared::time::Millis;
use uuid::Uuid;

use super::kv::{Kv, Stored, decode, field, key, under};
use super::tables::{
    MESSAGES, NOTICE_CAUSES, NOTICE_DUE, NOTICE_TIMES, NOTICES, ORIGINS, TEMPLATES, WEBHOOKS, counter,
};
use super::view::{View, dot_key, short_hash};
use crate::store::rows::happening::Happening;
use crate::store::rows::notice::{Cause, MessageRow, NoticeRow, NoticeState, TemplateRow, WebhookRow};
use crate::store::topics::Days as _;
use crate::store::topics::happenings::Happenings as _;
use crate::store::topics::notices::Notices;

fn template_key(code: &str) -> [u8; 16] {
    short_hash(&[code.as_bytes()])
}

fn timed(at: Millis, id: Uuid) -> [u8; 24] {
    key(&[&at.0.to_be_bytes(), id.as_bytes()])
}

impl<T: Kv> View<T> {
    /// From now on causes are noted, and the ledger's lines after this one are told of.
    fn hear(&mut self) -> Stored<()> {
        if !self.is_heard()? {
            let end = self.ledger_end()?;
            self.put_notice_mark(end)?;
        }
        self.put(super::tables::COUNTERS, &counter::HEARD, &1_u64)
    }

    /// Ends hearing where nobody listens any more.
    fn hear_no_more(&mut self) -> Stored<()> {
        if self.templates()?.is_empty() && self.webhooks()?.is_empty() {
            self.put(super::tables::COUNTERS, &counter::HEARD, &0_u64)?;
        }
        Ok(())
    }

    /// Notes what a membership's new row means: for reports, and for notices where anybody listens.
    pub(super) fn note_cause(&mut self, before: Option<&Membership>, row: &Marked<Membership>) -> Stored<()> {
        if let (None, Some(dot)) = (before, row.marker.dot) {
            self.put_raw(ORIGINS, row.value.id.0.as_bytes(), &dot_key(dot))?;
        }
        if let Some(before) = before.filter(|before| before.level != row.value.level) {
            let what = Happening::Level { from: before.level.clone(), to: row.value.level.clone() };
            self.add_happening((row.value.program, row.value.id), row.marker.at.ms(), &what)?;
        }
        let (membership, by, at) = (row.value.id, row.marker.dot, row.marker.at.ms());
        let Some(before) = before else { return self.add_cause(&Cause::Made { membership, by }) };
        let own = std::iter::once((&before.level, &row.value.level));
        // a ladder that is new to the membership is nothing that it climbed
        let groups = before.tiers.iter().zip(&row.value.tiers);
        for (from, to) in own.chain(groups).filter(|(from, to)| from != to) {
            self.add_cause(&Cause::Level { membership, from: from.clone(), to: to.clone(), by, at })?;
        }
        Ok(())
    }
}

impl<T: Kv> Notices for View<T> {
    fn template(&self, code: &str) -> Stored<Option<TemplateRow>> {
        self.row(TEMPLATES, &template_key(code))
    }

    fn put_template(&mut self, row: &TemplateRow) -> Stored<()> {
        self.hear()?;
        self.put(TEMPLATES, &template_key(row.code.as_str()), row)
    }

    fn take_template(&mut self, code: &str) -> Stored<()> {
        self.delete(TEMPLATES, &template_key(code))?;
        self.hear_no_more()
    }

    fn templates(&self) -> Stored<Vec<TemplateRow>> {
        let mut rows: Vec<TemplateRow> =
            self.collect(TEMPLATES, &under(&[]), false, usize::MAX, |_, value| decode(value).map(Some))?;
        rows.sort_by(|one, other| one.code.cmp(&other.code));
        Ok(rows)
    }

    fn webhook(&self, id: Uuid) -> Stored<Option<WebhookRow>> {
        self.row(WEBHOOKS, id.as_bytes())
    }

    fn put_webhook(&mut self, row: &WebhookRow) -> Stored<()> {
        self.hear()?;
        self.put(WEBHOOKS, row.id.as_bytes(), row)
    }

    fn take_webhook(&mut self, id: Uuid) -> Stored<()> {
        self.delete(WEBHOOKS, id.as_bytes())?;
        self.hear_no_more()
    }

    fn webhooks(&self) -> Stored<Vec<WebhookRow>> {
        self.collect(WEBHOOKS, &under(&[]), false, usize::MAX, |_, value| decode(value).map(Some))
    }

    fn notice(&self, id: Uuid) -> Stored<Option<NoticeRow>> {
        self.row(NOTICES, id.as_bytes())
    }

    fn put_notice(&mut self, row: &NoticeRow) -> Stored<()> {
        match self.notice(row.id)? {
            Some(before) if before.state == NoticeState::Waiting => {
                self.delete(NOTICE_DUE, &timed(before.next_at, row.id))?;
            }
            Some(_) => {}
            None => self.put_raw(NOTICE_TIMES, &timed(row.made_at, row.id), &[])?,
        }
        if row.state == NoticeState::Waiting {
            self.put_raw(NOTICE_DUE, &timed(row.next_at, row.id), &[])?;
        }
        self.put(NOTICES, row.id.as_bytes(), row)
    }

    fn notices_latest(&self, before: Option<Uuid>, visit: &mut dyn FnMut(NoticeRow) -> bool) -> Stored<()> {
        let mut span = under::<24>(&[]);
        if let Some(id) = before
            && let Some(row) = self.notice(id)?
        {
            span.1 = timed(row.made_at, id);
        }
        self.kv.scan(NOTICE_TIMES, (&span.0, &span.1), true, &mut |place, _| {
            let id = Uuid::from_bytes(field(place, 8));
            if Some(id) == before {
                return Ok(ControlFlow::Continue(()));
            }
            let on = self.notice(id)?.is_none_or(&mut *visit);
            Ok(if on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })
    }

    fn notices_due(&self, now: Millis, limit: usize) -> Stored<Vec<NoticeRow>> {
        let span = ([0; 24], key::<24>(&[&now.0.to_be_bytes(), &[0xff; 16]]));
        self.collect(NOTICE_DUE, &span, false, limit, |place, _| {
            self.notice(Uuid::from_bytes(field(place, 8)))
        })
    }

    fn is_heard(&self) -> Stored<bool> {
        Ok(self.counter(counter::HEARD)? > 0)
    }

    fn causes(&self, limit: usize) -> Stored<Vec<(u64, Cause)>> {
        self.collect(NOTICE_CAUSES, &under(&[]), false, limit, |at, value| {
            Ok(Some((u64::from_be_bytes(*at), decode(value)?)))
        })
    }

    fn add_cause(&mut self, cause: &Cause) -> Stored<()> {
        if !self.is_heard()? {
            return Ok(());
        }
        let number = self.count_up(counter::CAUSE)?;
        self.put(NOTICE_CAUSES, &number.to_be_bytes(), cause)
    }

    fn take_cause(&mut self, number: u64) -> Stored<()> {
        self.delete(NOTICE_CAUSES, &number.to_be_bytes())
    }

    fn notice_mark(&self) -> Stored<u64> {
        self.counter(counter::NOTICE_MARK)
    }

    fn put_notice_mark(&mut self, order: u64) -> Stored<()> {
        self.put(super::tables::COUNTERS, &counter::NOTICE_MARK, &order)
    }

    fn message(&self, id: Uuid) -> Stored<Option<MessageRow>> {
        self.row(MESSAGES, id.as_bytes())
    }

    fn put_message(&mut self, row: &MessageRow) -> Stored<()> {
        self.put(MESSAGES, row.id.as_bytes(), row)
    }

    fn messages_open(&self) -> Stored<Vec<MessageRow>> {
        self.collect(MESSAGES, &under(&[]), false, usize::MAX, |_, value| {
            decode(value).map(|row: MessageRow| Some(row).filter(|row| !row.done))
        })
    }
}
