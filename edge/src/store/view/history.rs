//! Entries by what people know of them: ids, keys, receipts, codes, customers.

use std::collections::{BTreeMap, BTreeSet};

use shared::account::AccountId;
use shared::entry::{Entry, EntryKind, Reversal};
use shared::ids::{AccountSetId, CustomerId, Dot, OutletId, ProgramId, Seq};
use shared::member::CodeKind;
use shared::view::{TailRow, rows};
use shared::wire::told::Told;
use shared::wire::{Decided, NumberBlock};

use super::super::directory::decode;
use super::super::effects::{receipt_prefix, verification_prefix};
use super::super::key::{Key, Parts};
use super::super::tables::Table;
use super::super::{Returned, Written};
use super::{R, View, history_prefix, split_entry, written};

/// A block with fewer numbers left than this part of it runs low.
const LOW_PART: u64 = 4;

impl View {
    /// An entry of this store.
    pub fn entry(&self, dot: Dot) -> R<Option<Written>> {
        self.get(&Key::of(Table::Entries).dot(dot))?.map(|value| written(value.bytes())).transpose()
    }

    /// The chain's hash after an entry of this store.
    pub fn hash(&self, dot: Dot) -> R<Option<shared::ids::Hash>> {
        let value = self.get(&Key::of(Table::Entries).dot(dot))?;
        value.map(|value| Ok(split_entry(value.bytes())?.0)).transpose()
    }

    /// What became of a request with this key. Never an intent or its release.
    pub fn by_idem(&self, key: u128) -> R<Option<Dot>> {
        Ok(self.get(&Key::of(Table::Idems).u128(key))?.map(|value| Parts(value.bytes()).dot()))
    }

    /// Sales, returns and voids with this receipt number, newest first.
    pub fn by_receipt(&self, outlet: OutletId, receipt: &str) -> R<Vec<Dot>> {
        self.dots(receipt_prefix(Table::Receipts, outlet, receipt), 20)
    }

    /// Entries with this verification code.
    pub fn by_verification(&self, code: &str) -> R<Vec<Dot>> {
        self.dots(verification_prefix(code), 8)
    }

    /// The dots at `at` in the keys that begin so, newest first.
    fn dots(&self, prefix: Key, at: usize) -> R<Vec<Dot>> {
        let mut dots = Vec::new();
        self.scan(prefix, |key, _| {
            dots.push(Parts(&key[at..]).dot());
            Ok(true)
        })?;
        dots.reverse();
        Ok(dots)
    }

    /// A customer's transactions, newest first.
    pub fn by_customer(&self, id: CustomerId) -> R<Vec<Dot>> {
        let memberships = self.memberships_of(id)?;
        let owned = memberships.iter().map(|membership| membership.id.0).chain([id.0]);
        let mut lists: Vec<Key> = owned.map(|owner| Key::of(Table::Owned).uuid(owner)).collect();
        lists.extend(memberships.iter().map(|membership| history_prefix(membership.set)));
        // Both tables have the complement of the time, then the dot, behind the owner.
        let mut found: BTreeSet<(u64, Dot)> = BTreeSet::new();
        for list in lists {
            self.scan(list, |key, _| {
                let mut parts = Parts(&key[16..]);
                let newest_first = u64::from_be_bytes(parts.take());
                found.insert((newest_first, parts.dot()));
                Ok(true)
            })?;
        }
        let mut seen = BTreeSet::new();
        Ok(found.into_iter().map(|(_, dot)| dot).filter(|dot| seen.insert(*dot)).collect())
    }

    /// The own node's entries, newest first.
    pub fn latest(&self) -> impl Iterator<Item = Dot> {
        let node = self.published.node;
        (1..=self.head().seq.0).rev().map(move |seq| Dot::new(node, Seq(seq)))
    }

    /// The rows of an account set that are known here, one for each posting, by entry, the newest first; no further entry is
    /// asked once there are `limit`.
    pub fn rows(&self, set: AccountSetId, limit: usize) -> R<Vec<TailRow>> {
        let mut dots = Vec::new();
        self.scan(history_prefix(set), |key, _| {
            dots.push(Parts(&key[24..]).dot());
            Ok(dots.len() < limit)
        })?;
        let mut found = Vec::new();
        for dot in dots {
            if found.len() >= limit {
                break;
            }
            let Some(written) = self.entry(dot)? else { continue };
            let own = rows::each(&written.entry).into_iter();
            found.extend(own.filter(|row| row.account.set == set && row.moves()));
        }
        Ok(found)
    }

    /// What was given back of a transaction.
    pub fn returned(&self, of: Dot) -> R<Returned> {
        self.entry(of)?.map_or_else(|| self.referring(of), |sale| self.returned_of(&sale.entry))
    }

    /// What those gave back that name a transaction by its dot.
    fn referring(&self, of: Dot) -> R<Returned> {
        let mut returned = Returned::default();
        for dot in self.dots(Key::of(Table::References).dot(of), 12)? {
            if let Some(written) = self.entry(dot)? {
                returned.add(&written);
            }
        }
        Ok(returned)
    }

    /// What was given back of a transaction that is at hand.
    pub fn returned_of(&self, sale: &Entry) -> R<Returned> {
        let mut returned = self.referring(sale.dot)?;
        let (EntryKind::Sale(facts), Some(outlet)) = (&sale.kind, sale.actor.outlet()) else {
            return Ok(returned);
        };
        for dot in self.dots(receipt_prefix(Table::Blind, outlet, &facts.receipt), 20)? {
            let Some(written) = self.entry(dot)? else { continue };
            let fits = reversal(&written)
                .and_then(|reversal| reversal.of.business_date)
                .is_none_or(|date| date == sale.business_date);
            if fits {
                returned.add(&written);
            }
        }
        Ok(returned)
    }

    /// What the server last said of an entry of this store.
    pub fn told(&self, of: &Written) -> R<Option<Told>> {
        let Some(kept) = self.get(&Key::of(Table::Told).dot(of.entry.dot))? else { return Ok(None) };
        let told: Told = decode("the server's word", kept.bytes())?;
        Ok(Some(told).filter(|told| told.hash == of.hash))
    }

    /// Own entries from `seq` on, at most `limit`.
    pub fn own_from(&self, seq: Seq, limit: usize) -> R<Vec<Written>> {
        let own = Key::of(Table::Entries).u32(self.published.node.0);
        let mut found = Vec::new();
        self.scan_range(own.u64(seq.0), *own.range().end(), |_, value| {
            if found.len() < limit {
                found.push(written(value)?);
            }
            Ok(found.len() < limit)
        })?;
        Ok(found)
    }

    /// This store's entries that the server has not acknowledged, at most `limit` of those after one of them, oldest first:
    /// also what it wrote last as nodes that it was before.
    pub fn waiting_after(&self, after: Option<Dot>, limit: usize) -> R<Vec<Written>> {
        let mut found = Vec::new();
        for acked in self.published.meta.acked() {
            let after = match after {
                Some(after) if after.node > acked.node => continue,
                Some(after) if after.node == acked.node => after.seq.max(acked.seq),
                _ => acked.seq,
            };
            let all = Key::of(Table::Entries).u32(acked.node.0);
            self.scan_range(all.u64(after.next().0), *all.range().end(), |_, value| {
                if found.len() < limit {
                    found.push(written(value)?);
                }
                Ok(found.len() < limit)
            })?;
        }
        Ok(found)
    }

    /// How many they are.
    pub fn waiting(&self) -> u64 {
        let head = |node| {
            if node == self.published.node {
                self.head().seq
            } else {
                self.published.meta.applied.get(&node).copied().unwrap_or_default().seq
            }
        };
        self.published.meta.acked().map(|acked| head(acked.node).0.saturating_sub(acked.seq.0)).sum()
    }

    /// Cases about this outlet's transactions, settled or decided.
    pub fn decisions(&self) -> R<Vec<Decided>> {
        self.decided(Key::of(Table::Decisions))
    }

    /// Those of one account, latest first.
    pub fn decisions_of(&self, account: AccountId) -> R<Vec<Decided>> {
        let mut found = self.decided(Key::of(Table::Decisions).account(account))?;
        found.sort_by_key(|decided| std::cmp::Reverse(decided.at));
        Ok(found)
    }

    fn decided(&self, prefix: Key) -> R<Vec<Decided>> {
        let mut found = Vec::new();
        self.scan(prefix, |_, value| {
            found.push(decode("decision", value)?);
            Ok(true)
        })?;
        Ok(found)
    }

    /// The next member number of a program that this till may hand out, the group so far counted. What is scanned as a
    /// card or a number already is passed over.
    pub fn next_number(&self, program: ProgramId) -> R<Option<String>> {
        for block in self.number_blocks(Key::of(Table::NumberBlocks).u16(program.0))? {
            for next in self.next_of(&block)?..block.end() {
                let number = format!("{}{next}", block.prefix);
                if self.codes(self.identity.index_key.hash(CodeKind::Scan, &number))?.is_empty() {
                    return Ok(Some(number));
                }
            }
        }
        Ok(None)
    }

    /// Whether a code is a member number that this till was given to hand out.
    pub fn is_own_number(&self, code: &str) -> R<bool> {
        let blocks = self.number_blocks(Key::of(Table::NumberBlocks))?;
        Ok(blocks.iter().any(|block| block.holds(code)))
    }

    /// Programs in which the numbers left run low.
    pub fn number_blocks_low(&self) -> R<Vec<ProgramId>> {
        let mut left: BTreeMap<ProgramId, (u64, u64)> = BTreeMap::new();
        left.extend(self.published.catalog.programs.keys().map(|program| (*program, (0, 0))));
        for block in self.number_blocks(Key::of(Table::NumberBlocks))? {
            let sums = left.entry(block.program).or_default();
            sums.0 += block.end().saturating_sub(self.next_of(&block)?);
            sums.1 = sums.1.max(u64::from(block.count));
        }
        Ok(left
            .into_iter()
            .filter(|(_, (left, all))| left * LOW_PART <= *all)
            .map(|(program, _)| program)
            .collect())
    }

    fn number_blocks(&self, prefix: Key) -> R<Vec<NumberBlock>> {
        let mut blocks = Vec::new();
        self.scan(prefix, |_, value| {
            blocks.push(decode("block of numbers", value)?);
            Ok(true)
        })?;
        Ok(blocks)
    }

    /// One past the highest number of a block that was handed out.
    fn next_of(&self, block: &NumberBlock) -> R<u64> {
        let used = Key::of(Table::NumbersUsed).u16(block.program.0);
        let (from, to) = (used.u64(block.first), used.u64(block.end() - 1));
        let staged = self.staged.iter().map(|(layer, _)| layer);
        let above = self
            .published
            .layers()
            .chain(staged)
            .filter_map(|layer| layer.range(from, to).next_back().map(|(key, _)| key.body().to_vec()));
        let below = self.published.snap.table(Table::NumbersUsed).last(from.body()..=to.body())?;
        let last = above.chain(below).max();
        Ok(last.map_or(block.first, |key| u64::from_be_bytes(Parts(&key[2..]).take()).saturating_add(1)))
    }
}

fn reversal(written: &Written) -> Option<&Reversal> {
    match &written.entry.kind {
        EntryKind::Refund(reversal) | EntryKind::Void(reversal) => Some(reversal),
        _ => None,
    }
}

impl Returned {
    fn add(&mut self, written: &Written) {
        match &written.entry.kind {
            EntryKind::Refund(reversal) => {
                for line in &reversal.lines {
                    let sum = self.lines.entry(line.line).or_default();
                    *sum = sum.checked_add(line.quantity).unwrap_or(*sum);
                }
            }
            EntryKind::Void(_) => self.voided = true,
            EntryKind::Attribute(attribute) => {
                self.attributed.extend(written.entry.postings.iter().cloned());
                self.attributed_to = Some(attribute.membership);
            }
            _ => {}
        }
    }
}
