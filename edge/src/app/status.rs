//! How the till is: status, queue, day.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::api::till::{Bootstrap, DayCurrency, DayReport, QueueItem, Status, SyncResult};
use shared::entry::{Column, Entry, EntryKind};
use shared::ids::{CurrencyId, Dot, Seq};
use shared::points::Points;
use shared::render;
use shared::time::Millis;

use super::{App, Error};
use crate::store::{View, Written};

/// Which part of the queue is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum QueueState {
    /// Not acknowledged by the server yet.
    Pending,
    /// Put aside by the server, with a reason.
    Parked,
}

impl App {
    /// How the till is.
    pub fn status(&self) -> Result<Status, Error> {
        let view = self.store().read()?;
        let identity = self.identity();
        let line = self.link().line();
        let outlet = view.catalog().outlets.get(&identity.outlet).map(|outlet| outlet.code.to_string());
        let oldest = view.waiting_after(None, 1)?.first().map(|written| written.entry.at.ms());
        let contact = line.contact_at.or(view.contact_at());
        Ok(Status {
            node: identity.node.0,
            outlet: outlet.unwrap_or_else(|| identity.outlet.0.to_string()),
            till: identity.till_name.clone(),
            connection: self.link().word().to_owned(),
            server_contact_at: contact.map(Millis::rfc3339),
            pending: view.waiting(),
            oldest_pending_at: oldest.map(Millis::rfc3339),
            parked: u64::try_from(view.parked()?.len()).unwrap_or(u64::MAX),
            members: view.members()?,
            cache_as_of: view.as_of().map(Millis::rfc3339),
            clock_offset_ms: self.clock().shown_offset_ms(),
            bootstrap: Bootstrap { done: f64::from(line.bootstrap_permille) / 1_000.0 },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            network: if line.cut { "offline" } else { "auto" }.to_owned(),
        })
    }

    /// Whether the store can be read, and takes writes.
    pub fn ready(&self) -> Result<(), Error> {
        self.store().read()?;
        self.store().stopped().map_or(Ok(()), |why| Err(Error::Broken(why)))
    }

    /// What waits for the server after an entry of this till's, or was put aside by it; in order.
    pub fn queue(
        &self,
        state: QueueState,
        after: Option<Dot>,
        limit: usize,
    ) -> Result<Vec<QueueItem>, Error> {
        let view = self.store().read()?;
        match state {
            QueueState::Pending => {
                let waiting = view.waiting_after(after, limit)?;
                Ok(waiting.iter().map(|written| item(&written.entry, "pending", None)).collect())
            }
            QueueState::Parked => {
                let mut parked = Vec::new();
                let left =
                    view.parked()?.into_iter().filter(|(dot, _)| after.is_none_or(|after| *dot > after));
                for (dot, reason) in left.take(limit) {
                    let written = view.entry(dot)?;
                    parked.extend(written.map(|written| item(&written.entry, "parked", Some(reason))));
                }
                Ok(parked)
            }
        }
    }

    /// This till's day so far.
    pub fn day(&self) -> Result<DayReport, Error> {
        let view = self.store().read()?;
        let today = self.today()?;
        let mut report =
            DayReport { date: today.to_string(), sales: 0, returns: 0, currencies: Vec::new(), waiting: 0 };
        let mut sums: BTreeMap<CurrencyId, (Points, Points)> = BTreeMap::new();
        for written in entries_since(&view, today.0)? {
            let entry = &written.entry;
            if entry.business_date != today {
                continue;
            }
            match &entry.kind {
                EntryKind::Sale(_) => report.sales += 1,
                EntryKind::Refund(_) | EntryKind::Void(_) | EntryKind::Unlinked(_) => report.returns += 1,
                _ => {}
            }
            report.waiting += u64::from(!view.is_acked(entry.dot));
            count(entry, &mut sums);
        }
        report.currencies = currencies(&view, &sums);
        Ok(report)
    }

    /// Cuts the line on purpose, or lets it go again.
    pub fn set_network(&self, mode: &str) -> Result<Status, Error> {
        match mode {
            "auto" => self.link().cut(false),
            "offline" => self.link().cut(true),
            other => {
                let detail = format!("`{other}` is neither `auto` nor `offline`.");
                return Err(Error::field("mode", detail));
            }
        }
        self.status()
    }

    /// Does a sync round now.
    pub async fn sync_now(&self) -> SyncResult {
        self.0.centre.sync().await
    }
}

fn item(entry: &Entry, state: &str, reason: Option<String>) -> QueueItem {
    QueueItem {
        id: entry.dot.to_string(),
        kind: render::transaction::kind(&entry.kind).to_owned(),
        at: entry.at.ms().rfc3339(),
        receipt: render::transaction::receipt(&entry.kind).map(str::to_owned),
        state: state.to_owned(),
        reason,
    }
}

/// This till's entries that may belong to a day or a later one: from the newest back to the first that was written two
/// days before it began, since a POS may date a sale back over midnight.
fn entries_since(view: &View, day: i32) -> Result<Vec<Written>, Error> {
    const PAGE: u16 = 500;
    let mut entries = Vec::new();
    let mut below = view.head().seq.0;
    while below > 0 {
        let from = below.saturating_sub(u64::from(PAGE));
        let mut page = view.own_from(Seq(from + 1), usize::from(PAGE))?;
        page.retain(|written| written.entry.dot.seq.0 <= below);
        let old = page.first().is_some_and(|first| written_day(&first.entry) < day.saturating_sub(2));
        entries.extend(page);
        if old {
            break;
        }
        below = from;
    }
    Ok(entries)
}

fn written_day(entry: &Entry) -> i32 {
    shared::time::Day::of(entry.at.ms().utc().date_naive()).0
}

fn count(entry: &Entry, sums: &mut BTreeMap<CurrencyId, (Points, Points)>) {
    for posting in &entry.postings {
        let (earned, redeemed) = sums.entry(posting.account.currency).or_default();
        match posting.column {
            Column::Earned => *earned = earned.plus(posting.points),
            Column::EarnReversed => *earned = earned.minus(posting.points),
            Column::Redeemed => *redeemed = redeemed.plus(posting.points),
            Column::RedeemReversed => *redeemed = redeemed.minus(posting.points),
            _ => {}
        }
    }
}

fn currencies(view: &View, sums: &BTreeMap<CurrencyId, (Points, Points)>) -> Vec<DayCurrency> {
    let catalog = view.catalog();
    let known = sums.iter().filter_map(|(id, sum)| Some((catalog.currencies.get(id)?, sum)));
    let shown = known.map(|(currency, (earned, redeemed))| DayCurrency {
        currency: currency.code.to_string(),
        earned: earned.format(currency.scale),
        redeemed: redeemed.format(currency.scale),
        value: currency.worth(*redeemed).map(Into::into),
    });
    shown.collect()
}
