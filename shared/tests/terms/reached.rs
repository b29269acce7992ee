//! What histories reach, so that it shows when the generator no longer gets there.

use std::collections::BTreeMap;

use shared::account::AccountId;
use shared::books::{SERVER, Side};
use shared::decide::Draft;
use shared::entry::{Column, EntryKind};

use crate::shop::{POINTS, STARS, Shop};

/// How often, in the order of [`Reached::WHAT`].
#[derive(Clone, Copy, Default)]
pub(crate) struct Reached(pub(crate) [u64; 10]);

impl Reached {
    pub(crate) const WHAT: [&str; 10] = [
        "sales that earned in two currencies",
        "sales that earned under a campaign",
        "sales cut short by a cap, a budget or a greatest balance",
        "sales that redeemed",
        "returns of lines",
        "blind returns",
        "returns with no receipt",
        "cuts that let points expire",
        "cuts that settled a shortfall",
        "movements in shared accounts",
    ];

    pub(crate) fn and(&mut self, more: Self) {
        for (sum, more) in self.0.iter_mut().zip(more.0) {
            *sum += more;
        }
    }

    /// Counts a draft that a till wrote.
    pub(crate) fn draft(&mut self, shop: &Shop, draft: &Draft) {
        let earned = || draft.postings.iter().filter(|posting| posting.column == Column::Earned);
        let in_currency = |currency| earned().any(|posting| posting.account.currency == currency);
        match &draft.kind {
            EntryKind::Sale(sale) => {
                self.0[0] += u64::from(in_currency(POINTS) && in_currency(STARS));
                self.0[1] += u64::from(earned().any(|posting| posting.why.campaign.is_some()));
                let mut given: BTreeMap<_, i64> = BTreeMap::new();
                for posting in earned() {
                    for counter in posting.tallied.iter().flat_map(|tallied| &tallied.under) {
                        *given.entry(counter).or_default() += posting.points.0;
                    }
                }
                let left = sale.held.iter().flat_map(|held| &held.left);
                let mut full =
                    left.filter(|(counter, left)| given.get(counter).is_some_and(|sum| *sum == left.0));
                self.0[2] += u64::from(full.next().is_some());
                self.0[3] += u64::from(!sale.redemptions.is_empty());
            }
            EntryKind::Refund(_) if draft.postings.is_empty() => self.0[5] += 1,
            EntryKind::Refund(_) => self.0[4] += 1,
            EntryKind::Unlinked(_) => self.0[6] += 1,
            _ => {}
        }
        let shared = |account: AccountId| {
            let draws =
                shop.members.iter().filter(|member| member.membership.sets().any(|set| set == account.set));
            draws.count() > 1
        };
        self.0[9] += u64::from(draft.postings.iter().any(|posting| shared(posting.account)));
    }

    /// Counts what the server's own entries did, once a history is over.
    pub(crate) fn cuts(&mut self, shop: &Shop) {
        let own = || shop.books.lines.iter().filter(|(key, _)| key.dot.node == SERVER).map(|(_, line)| line);
        self.0[7] += u64::from(own().any(|line| (line.from, line.to) == (Side::Member, Side::Program)));
        self.0[8] += u64::from(own().any(|line| matches!(line.from, Side::Debt | Side::Outlet)));
    }
}
