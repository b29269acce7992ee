//! Journals, receipts, forks, idempotency keys; marks and parked entries.

use shared::books::{
    Accounts as _, Blind, ForkRow, IdemRow, Journals, Mark, Marks, NodeRow, Parked, Receipt, SaleRow, Sales,
    Unattributed, Wait,
};
use shared::chain::Head;
use shared::entry::envelope::Stored as StoredEntry;
use shared::ids::{BucketId, CodeHash, Dot, Hash, NodeId, OutletId};

use super::kv::{Kv, Stored, decode, encode, field, key, under};
use super::tables::{
    BLINDS, ENTRIES, FORKS, IDEMS, MARKS, NODES, PARKED, RECEIPTS, SALE_RECEIPTS, SALES, UNATTRIBUTED,
    UNATTRIBUTED_CARDS, VERIFICATIONS, WAITING, counter,
};
use super::view::{View, dot_at, dot_key, short_hash};
use crate::store::StoreError;

impl<T: Kv> Journals for View<T> {
    fn node(&self, node: NodeId) -> Stored<Option<NodeRow>> {
        self.row(NODES, &node.0.to_be_bytes())
    }

    fn put_node(&mut self, node: NodeId, row: NodeRow) -> Stored<()> {
        self.put(NODES, &node.0.to_be_bytes(), &row)
    }

    fn nodes(&self) -> Stored<Vec<(NodeId, NodeRow)>> {
        self.collect(NODES, &under(&[]), false, usize::MAX, |key, value| {
            Ok(Some((NodeId(u32::from_be_bytes(*key)), decode(value)?)))
        })
    }

    fn next_node(&mut self) -> Stored<NodeId> {
        let number = self.count_up(counter::NODE)?;
        u32::try_from(number).map(NodeId).map_err(|_| StoreError::Failed("no node number is left".to_owned()))
    }

    fn stored(&self, dot: Dot) -> Stored<Option<StoredEntry>> {
        self.kv.with(ENTRIES, &dot_key(dot), |value| unpack(dot, value))
    }

    /// The keys beside an entry go into a table of their own, so that erasing a customer destroys them.
    fn put_stored(&mut self, dot: Dot, stored: StoredEntry) -> Stored<()> {
        if !stored.side.is_empty() {
            self.keep_personal(&stored)?;
        }
        let verification = key::<17>(&[&field::<5>(&stored.head.hash.0, 0), &dot_key(dot)]);
        self.put_raw(VERIFICATIONS, &verification, &[])?;
        let value = [&stored.head.hash.0[..], &stored.bytes].concat();
        self.put_raw(ENTRIES, &dot_key(dot), &value)
    }

    fn receipt(&self, dot: Dot) -> Stored<Option<Receipt>> {
        self.row(RECEIPTS, &dot_key(dot))
    }

    fn put_receipt(&mut self, dot: Dot, receipt: Receipt) -> Stored<()> {
        self.put(RECEIPTS, &dot_key(dot), &receipt)
    }

    fn forks(&self) -> Stored<Vec<ForkRow>> {
        let mut forks: Vec<ForkRow> = self.in_order()?;
        forks.sort_unstable();
        Ok(forks)
    }

    fn branches(&self, root: NodeId) -> Stored<Vec<ForkRow>> {
        Ok(self.in_order()?.into_iter().filter(|fork: &ForkRow| fork.origin == root).collect())
    }

    fn put_fork(&mut self, fork: ForkRow) -> Stored<()> {
        let number = self.count_up(counter::FORK)?;
        self.told = true;
        self.put(FORKS, &number.to_be_bytes(), &fork)
    }

    fn idem(&self, key: u128) -> Stored<Option<IdemRow>> {
        self.row(IDEMS, &key.to_be_bytes())
    }

    fn put_idem(&mut self, key: u128, row: IdemRow) -> Stored<()> {
        self.put(IDEMS, &key.to_be_bytes(), &row)
    }
}

/// Reads an entry's row.
fn unpack(dot: Dot, value: &[u8]) -> Stored<StoredEntry> {
    let short = || StoreError::Damaged(format!("the row of entry {dot} is too short"));
    let (hash, bytes) = value.split_first_chunk::<32>().ok_or_else(short)?;
    Ok(StoredEntry {
        head: Head { seq: dot.seq, hash: Hash(*hash) },
        bytes: bytes.to_vec(),
        side: Vec::new(),
    })
}

/// The bytes of the chain hash that a verification code says, five bits a letter; `None` where it is none.
fn verification_start(code: &str) -> Option<[u8; 5]> {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let letters: Vec<u8> = code.bytes().filter(|byte| *byte != b'-').collect();
    if letters.len() != 8 {
        return None;
    }
    let mut bits = 0_u64;
    for letter in letters {
        let place = LETTERS.iter().position(|held| held.eq_ignore_ascii_case(&letter))?;
        bits = (bits << 5) | u64::try_from(place).ok()?;
    }
    Some(field(&bits.to_be_bytes(), 3))
}

impl<T: Kv> View<T> {
    /// Entries under a verification code.
    pub(super) fn under_verification(&self, code: &str) -> Stored<Vec<Dot>> {
        let Some(start) = verification_start(code) else { return Ok(Vec::new()) };
        Ok(self.keys(VERIFICATIONS, &under(&start))?.iter().map(|key| dot_at(key, 5)).collect())
    }

    fn in_order(&self) -> Stored<Vec<ForkRow>> {
        self.collect(FORKS, &under(&[]), false, usize::MAX, |_, value| decode(value).map(Some))
    }
}

fn mark_key(bucket: BucketId, node: NodeId) -> [u8; 6] {
    key(&[&bucket.0.to_be_bytes(), &node.0.to_be_bytes()])
}

fn parked_key(bucket: BucketId, dot: Dot) -> [u8; 14] {
    key(&[&bucket.0.to_be_bytes(), &dot_key(dot)])
}

fn wait_hash(wait: &Wait) -> Stored<[u8; 16]> {
    Ok(short_hash(&[&encode(wait)?]))
}

fn waiting_key(wait: &Wait, bucket: BucketId, dot: Dot) -> Stored<[u8; 30]> {
    Ok(key(&[&wait_hash(wait)?, &parked_key(bucket, dot)]))
}

impl<T: Kv> Marks for View<T> {
    fn buckets(&self) -> u16 {
        self.buckets
    }

    fn mark(&self, bucket: BucketId, node: NodeId) -> Stored<Option<Mark>> {
        self.row(MARKS, &mark_key(bucket, node))
    }

    fn put_mark(&mut self, bucket: BucketId, node: NodeId, mark: Mark) -> Stored<()> {
        let before = self.mark(bucket, node)?.unwrap_or_default();
        if (before.posted, before.closed) != (mark.posted, mark.closed) {
            // a till must hear of this mark even where no account changed: what was closed leaves its tail by it
            self.next_change(bucket)?;
            self.told = true;
        }
        self.put(MARKS, &mark_key(bucket, node), &mark)
    }

    fn marks(&self, bucket: BucketId) -> Stored<Vec<(NodeId, Mark)>> {
        self.collect(MARKS, &under(&bucket.0.to_be_bytes()), false, usize::MAX, |key, value| {
            Ok(Some((NodeId(u32::from_be_bytes(field(key, 2))), decode(value)?)))
        })
    }

    fn parked(&self, bucket: BucketId, dot: Dot) -> Stored<Option<Parked>> {
        self.row(PARKED, &parked_key(bucket, dot))
    }

    fn put_parked(&mut self, bucket: BucketId, dot: Dot, parked: Parked) -> Stored<()> {
        self.take_parked(bucket, dot)?;
        self.put_raw(WAITING, &waiting_key(&parked.wait, bucket, dot)?, &[])?;
        self.put(PARKED, &parked_key(bucket, dot), &parked)
    }

    fn take_parked(&mut self, bucket: BucketId, dot: Dot) -> Stored<()> {
        if let Some(before) = self.parked(bucket, dot)? {
            self.delete(WAITING, &waiting_key(&before.wait, bucket, dot)?)?;
            self.delete(PARKED, &parked_key(bucket, dot))?;
        }
        Ok(())
    }

    fn parked_in(&self, bucket: BucketId) -> Stored<Vec<(Dot, Parked)>> {
        self.collect(PARKED, &under(&bucket.0.to_be_bytes()), false, usize::MAX, |key, value| {
            Ok(Some((dot_at(key, 2), decode(value)?)))
        })
    }

    fn waiting(&self, wait: &Wait) -> Stored<Vec<(BucketId, Dot)>> {
        let keys = self.keys(WAITING, &under(&wait_hash(wait)?))?;
        Ok(keys.iter().map(|key| (BucketId(u16::from_be_bytes(field(key, 16))), dot_at(key, 18))).collect())
    }
}

fn receipt_hash(outlet: OutletId, receipt: &str) -> [u8; 16] {
    short_hash(&[&outlet.0.to_be_bytes(), receipt.as_bytes()])
}

impl<T: Kv> Sales for View<T> {
    fn sale(&self, dot: Dot) -> Stored<Option<SaleRow>> {
        self.row(SALES, &dot_key(dot))
    }

    fn put_sale(&mut self, dot: Dot, row: SaleRow) -> Stored<()> {
        if let Some((outlet, receipt)) = &row.receipt {
            let index = key::<28>(&[&receipt_hash(*outlet, receipt), &dot_key(dot)]);
            self.put_raw(SALE_RECEIPTS, &index, &[])?;
        }
        self.put(SALES, &dot_key(dot), &row)
    }

    fn sales_of(&self, outlet: OutletId, receipt: &str) -> Stored<Vec<(Dot, SaleRow)>> {
        let keys = self.keys(SALE_RECEIPTS, &under(&receipt_hash(outlet, receipt)))?;
        let mut found = Vec::new();
        for dot in keys.iter().map(|key| dot_at(key, 16)) {
            found.extend(self.sale(dot)?.map(|row| (dot, row)));
        }
        Ok(found)
    }

    fn blind(&self, outlet: OutletId, receipt: &str) -> Stored<Vec<Blind>> {
        let span = under(&receipt_hash(outlet, receipt));
        self.collect(BLINDS, &span, false, usize::MAX, |_, value| decode(value).map(Some))
    }

    fn put_blind(&mut self, outlet: OutletId, receipt: &str, blind: Blind) -> Stored<()> {
        let place = key::<24>(&[&receipt_hash(outlet, receipt), &blind.order.to_be_bytes()]);
        self.put(BLINDS, &place, &blind)
    }

    fn take_blind(&mut self, outlet: OutletId, receipt: &str, dot: Dot) -> Stored<()> {
        for blind in self.blind(outlet, receipt)?.iter().filter(|blind| blind.dot == dot) {
            let place = key::<24>(&[&receipt_hash(outlet, receipt), &blind.order.to_be_bytes()]);
            self.delete(BLINDS, &place)?;
        }
        Ok(())
    }

    fn unattributed(&self, dot: Dot) -> Stored<Option<Unattributed>> {
        self.row(UNATTRIBUTED, &dot_key(dot))
    }

    fn put_unattributed(&mut self, dot: Dot, row: Unattributed) -> Stored<()> {
        self.take_unattributed(dot)?;
        if let Unattributed::Card(code) = &row {
            self.put_raw(UNATTRIBUTED_CARDS, &key(&[&code.0, &dot_key(dot)]), &[])?;
        }
        self.put(UNATTRIBUTED, &dot_key(dot), &row)
    }

    fn take_unattributed(&mut self, dot: Dot) -> Stored<()> {
        match self.unattributed(dot)? {
            None => return Ok(()),
            Some(Unattributed::Card(code)) => {
                self.delete(UNATTRIBUTED_CARDS, &key(&[&code.0, &dot_key(dot)]))?;
            }
            Some(_) => {}
        }
        self.delete(UNATTRIBUTED, &dot_key(dot))
    }

    fn unattributed_of(&self, card: CodeHash) -> Stored<Vec<Dot>> {
        Ok(self.keys(UNATTRIBUTED_CARDS, &under(&card.0))?.iter().map(|key| dot_at(key, 16)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verification_code_leads_back_to_the_bytes_that_it_was_made_of() {
        let hash = Hash([
            0x9c, 0x01, 0xfe, 0x73, 0x55, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0,
        ]);
        let code = shared::chain::verification(hash);
        assert_eq!(verification_start(&code), Some([0x9c, 0x01, 0xfe, 0x73, 0x55]));
        assert_eq!(verification_start(&code.to_lowercase()), verification_start(&code));
        assert_eq!(verification_start("K7QX-2M9"), None);
    }
}
