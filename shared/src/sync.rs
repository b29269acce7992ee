//! The till's half of the conversation with the server, without any I/O.
//!
//! A [`TillSync`] is a small state that the shell stores; [`TillSync::next`] says what to do, and
//! [`TillSync::on_pushed`] and [`TillSync::judge`] what an answer means. The server's half is [`crate::intake`].
//!
//! ```
//! use shared::chain::Head;
//! use shared::ids::{NodeId, Seq};
//! use shared::sync::{Step, TillSync};
//! use shared::wire::PushReply;
//!
//! // A till has written two entries, and the server knows none of them.
//! let heads = [Head::default(), Head::default().then(b"one"), Head::default().then(b"one").then(b"two")];
//! let journal = heads.as_slice();
//! let mut till = TillSync::new(NodeId(2));
//! assert_eq!(till.next(&journal), Step::Push { since: heads[0] });
//!
//! // It pushes both; the answer is lost, so it pushes again, and the server answers what it holds.
//! till.on_pushed(PushReply::Taken { head: heads[2] }, &journal);
//! assert_eq!(till.acked, heads[2]);
//!
//! // Nothing waits any more: it pulls, from where it stands.
//! let Step::Bootstrap = till.next(&journal) else { panic!("it has no cursor yet") };
//!
//! // A copy of this till's disk pushed something else under the same numbers: the server re-homed this branch.
//! till.on_pushed(PushReply::Forked { node: NodeId(9), head: heads[2] }, &journal);
//! assert_eq!(till.next(&journal), Step::Renew, "it is fenced: a new node id, and on it goes");
//! ```

use serde::{Deserialize, Serialize};

use crate::chain::Head;
use crate::ids::{Hash, NodeId, Seq};
use crate::wire::{BucketDelta, Cursor, ForkAlias, MarkBrief, PullPage, PushReply};

/// A node's own journal, as far as the conversation needs it.
pub trait Journal {
    /// Its head.
    fn head(&self) -> Head;
    /// The chain's head at a seq; `None` beyond the journal's head, or before what is kept of it.
    fn at(&self, seq: Seq) -> Option<Head>;
}

impl Journal for &[Head] {
    fn head(&self) -> Head {
        self.last().copied().unwrap_or_default()
    }

    fn at(&self, seq: Seq) -> Option<Head> {
        self.iter().find(|head| head.seq == seq).copied()
    }
}

/// Where a till stands with its server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TillSync {
    /// The node.
    pub node: NodeId,
    /// How far the server has confirmed this node's own journal.
    pub acked: Head,
    /// Where the next push begins: `acked`, or further back while a common prefix is looked for.
    pub since: Head,
    /// Why this node may not go on as it is.
    pub fence: Option<Fence>,
    /// Where it stands in the server's change feed; `None` asks for a bootstrap.
    pub cursor: Option<Cursor>,
    /// Number of the last pull that was asked.
    pub asked: u64,
    /// Number of the last pull that was applied: what entries carry.
    pub applied: u64,
    /// Whether the pull numbered `asked` is still outstanding.
    pub outstanding: bool,
    /// Whether a push must come before the next page may be applied.
    pub push_first: bool,
}

/// Why a node may not write any more entries under its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Fence {
    /// The server holds more of this node's journal than the till: the store was restored from an older image.
    Behind,
    /// The server holds another journal under this number: this one was re-homed.
    Forked {
        /// As that node.
        node: NodeId,
    },
    /// Head office revoked it.
    Revoked,
}

/// What to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Send the entries after this place.
    Push {
        /// The place.
        since: Head,
    },
    /// Everything of this fenced node is with the server: ask for a new node.
    Renew,
    /// Fetch a snapshot.
    Bootstrap,
    /// Ask for what changed.
    Pull {
        /// The pull's number.
        number: u64,
        /// From where.
        cursor: Cursor,
    },
    /// The node was revoked and has told everything: nothing is left to do.
    Rest,
}

/// What a page means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Apply it, whole, in one transaction.
    Apply,
    /// It answers no pull that is outstanding, or is older than what is held: leave it.
    Skip(&'static str),
    /// A mark disagrees with the till's own journal, or lies beyond it: push first, then ask again.
    PushFirst,
    /// The server has lost what it acknowledged, or the cursor is of another database.
    Bootstrap,
}

impl TillSync {
    /// The state of a node that has just been enrolled.
    pub fn new(node: NodeId) -> Self {
        Self {
            node,
            acked: Head::default(),
            since: Head::default(),
            fence: None,
            cursor: None,
            asked: 0,
            applied: 0,
            outstanding: false,
            push_first: false,
        }
    }

    /// What to do next. A push comes before a pull, so that a page finds what the till has already told.
    pub fn next(&self, journal: &impl Journal) -> Step {
        let told = self.acked.seq >= journal.head().seq;
        match self.fence {
            Some(Fence::Behind) => Step::Renew,
            Some(Fence::Forked { .. }) if told => Step::Renew,
            Some(Fence::Revoked) if told => Step::Rest,
            _ if !told || self.push_first => Step::Push { since: self.since },
            _ => match &self.cursor {
                None => Step::Bootstrap,
                Some(cursor) => Step::Pull { number: self.asked.saturating_add(1), cursor: cursor.clone() },
            },
        }
    }

    /// A pull was sent: its number is the one that a page must answer.
    pub fn on_asked(&mut self, number: u64) {
        self.asked = number;
        self.outstanding = true;
    }

    /// A pull failed or timed out: no page of it will be applied.
    pub fn on_pull_lost(&mut self) {
        self.outstanding = false;
    }

    /// Takes a push's answer in.
    pub fn on_pushed(&mut self, reply: PushReply, journal: &impl Journal) {
        match reply {
            PushReply::Taken { head } => self.confirmed(head, journal),
            PushReply::Forked { node, head } => {
                self.confirmed(head, journal);
                self.fence = Some(Fence::Forked { node });
            }
            PushReply::Behind { .. } => {
                self.confirmed(journal.head(), journal);
                self.fence = Some(Fence::Behind);
            }
            PushReply::Gap { want } => self.step_to(Seq(want.0.saturating_sub(1)), journal),
            PushReply::Need { from } => self.step_to(from, journal),
            PushReply::Broken => self.step_to(Seq(0), journal),
        }
    }

    /// The server holds our journal up to `head`; believed only where our own chain says the same.
    fn confirmed(&mut self, head: Head, journal: &impl Journal) {
        if journal.at(head.seq) == Some(head) || head.seq == Seq(0) {
            self.acked = head;
            self.since = head;
            self.push_first = false;
        }
    }

    /// The next push begins after `seq`. What the server no longer has is not acknowledged any more.
    fn step_to(&mut self, seq: Seq, journal: &impl Journal) {
        let place = if seq == Seq(0) { Some(Head::default()) } else { journal.at(seq) };
        if let Some(place) = place {
            self.since = place;
            if place.seq < self.acked.seq {
                self.acked = place;
            }
        }
    }

    /// What a page means for this till. `held` is the cursor it builds on.
    pub fn judge(&self, page: &PullPage, journal: &impl Journal) -> Verdict {
        if !self.outstanding || page.number != self.asked {
            return Verdict::Skip("it answers no pull that is outstanding");
        }
        let Some(held) = &self.cursor else {
            return Verdict::Skip("there is no base yet: a snapshot comes first");
        };
        if page.cursor.incarnation != held.incarnation {
            return Verdict::Bootstrap;
        }
        let fits = |delta: &BucketDelta| {
            let held = held.buckets.get(usize::from(delta.bucket.0)).copied().unwrap_or(0);
            delta.from <= held && held <= delta.to
        };
        if !page.buckets.iter().all(fits) || page.directory.from > held.directory {
            return Verdict::Skip("it does not begin where this till stands");
        }
        let marks = page.buckets.iter().flat_map(|delta| &delta.marks);
        for (node, mark) in marks {
            if *node == self.node && !agrees(mark, journal) {
                return Verdict::PushFirst;
            }
        }
        Verdict::Apply
    }

    /// The page was applied.
    pub fn on_applied(&mut self, page: &PullPage) {
        self.cursor = Some(page.cursor.clone());
        self.applied = page.number;
        self.outstanding = false;
    }

    /// A snapshot was applied.
    pub fn on_bootstrapped(&mut self, cursor: Cursor) {
        self.cursor = Some(cursor);
        self.outstanding = false;
    }

    /// The cursor is worth nothing any more.
    pub fn on_cursor_lost(&mut self) {
        self.cursor = None;
        self.outstanding = false;
        // whatever was acknowledged may be gone with it: ask where the server stands
        self.push_first = true;
    }
}

/// Whether a mark of this node speaks of the journal that this till holds.
fn agrees(mark: &MarkBrief, journal: &impl Journal) -> bool {
    mark.head.seq == Seq(0) || journal.at(mark.head.seq).is_some_and(|own| own.hash == mark.head.hash)
}

/// Under which node the server keeps an entry that was written as (`origin`, `seq`) on the branch with this chain.
/// `hash_at` gives the chain's hash at a seq of the branch. The fork table is the latest one, whole.
pub fn home_of(
    forks: &[ForkAlias],
    origin: NodeId,
    seq: Seq,
    hash_at: impl Fn(Seq) -> Option<Hash>,
) -> NodeId {
    forks
        .iter()
        .filter(|fork| fork.origin == origin && fork.seq <= seq && hash_at(fork.seq) == Some(fork.hash))
        .max_by_key(|fork| fork.seq)
        .map_or(origin, |fork| fork.node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::BucketId;
    use crate::time::Millis;
    use crate::wire::DirectoryDelta;

    fn chain(entries: &[&[u8]]) -> Vec<Head> {
        let mut heads = vec![Head::default()];
        for entry in entries {
            let last = heads.last().copied().unwrap_or_default();
            heads.push(last.then(entry));
        }
        heads
    }

    fn page(number: u64, from: u64, to: u64, marks: Vec<(NodeId, MarkBrief)>) -> PullPage {
        PullPage {
            number,
            cursor: Cursor { incarnation: 1, epoch: 1, buckets: vec![to], directory: 0 },
            forks: Vec::new(),
            buckets: vec![BucketDelta { bucket: BucketId(0), from, to, marks, accounts: Vec::new() }],
            directory: DirectoryDelta::default(),
            catalog: None,
            operators: None,
            till_name: None,
            numbers: Vec::new(),
            budgets: Vec::new(),
            parked: Vec::new(),
            catalogs_wanted: Vec::new(),
            decisions: Vec::new(),
            more: false,
            now: Millis(0),
        }
    }

    fn pulled(heads: &[Head]) -> TillSync {
        let mut till = TillSync::new(NodeId(2));
        till.on_pushed(PushReply::Taken { head: *heads.last().unwrap() }, &heads);
        till.on_bootstrapped(Cursor { incarnation: 1, epoch: 1, buckets: vec![5], directory: 0 });
        till.on_asked(1);
        till
    }

    #[test]
    fn a_page_is_applied_only_where_it_answers_the_pull_and_begins_where_the_till_stands() {
        let heads = chain(&[b"a"]);
        let till = pulled(&heads);
        let journal = heads.as_slice();
        assert_eq!(till.judge(&page(1, 5, 7, vec![]), &journal), Verdict::Apply);
        assert!(matches!(till.judge(&page(2, 5, 7, vec![]), &journal), Verdict::Skip(_)));
        assert!(matches!(till.judge(&page(1, 6, 7, vec![]), &journal), Verdict::Skip(_)));
        assert!(matches!(till.judge(&page(1, 1, 4, vec![]), &journal), Verdict::Skip(_)), "an older page");
    }

    #[test]
    fn a_mark_beyond_or_beside_the_journal_asks_for_a_push_first() {
        let heads = chain(&[b"a"]);
        let till = pulled(&heads);
        let other = chain(&[b"x"]);
        for head in [other[1], heads[1].then(b"more")] {
            let marks = vec![(NodeId(2), MarkBrief { head, parked: vec![] })];
            assert_eq!(till.judge(&page(1, 5, 7, marks), &heads.as_slice()), Verdict::PushFirst);
        }
    }

    #[test]
    fn a_server_that_lost_entries_is_sent_them_again() {
        let heads = chain(&[b"a", b"b", b"c"]);
        let mut till = pulled(&heads);
        till.on_pushed(PushReply::Gap { want: Seq(2) }, &heads.as_slice());
        assert_eq!(till.next(&heads.as_slice()), Step::Push { since: heads[1] });
    }

    #[test]
    fn an_entry_of_a_branch_is_found_under_its_new_home() {
        let heads = chain(&[b"a", b"b"]);
        let fork = ForkAlias { origin: NodeId(2), seq: Seq(2), hash: heads[2].hash, node: NodeId(9) };
        let hash_at = |seq: Seq| heads.iter().find(|head| head.seq == seq).map(|head| head.hash);
        assert_eq!(home_of(&[fork], NodeId(2), Seq(1), hash_at), NodeId(2));
        assert_eq!(home_of(&[fork], NodeId(2), Seq(2), hash_at), NodeId(9));
    }
}
