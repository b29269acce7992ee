//! The core over a transaction: what `shared` does to any books, so that whoever holds a [`Write`](super::Write) can ask
//! for it without knowing which home it has.

use shared::account::{AccountId, Base};
use shared::books::{Books, Wait};
use shared::catalog::Program;
use shared::chain::Head;
use shared::decide::Draft;
use shared::entry::Actor;
use shared::ids::{BucketId, Dot, MembershipId, NodeId, OutletId};
use shared::intake;
use shared::member::Membership;
use shared::points::Points;
use shared::post::flow::{self, Desk};
use shared::post::shares::{self, Share};
use shared::post::{self, Taken, moved, reserve};
use shared::settle::{self, Watermark};
use shared::time::Millis;
use shared::wire::{Authorize, Authorized, MarkBrief, Push, PushReply, PushedEntry};

use super::StoreError;

type Kept<T> = Result<T, StoreError>;

/// What tills and people are told of the books.
pub trait Told {
    /// An account as a till is told of it.
    fn base_of(&self, account: AccountId) -> Kept<Option<Base>>;
    /// An account as one till is told of it, its own right too.
    fn base_for(&self, account: AccountId, node: NodeId) -> Kept<Option<Base>>;
    /// A bucket's mark for a node as a till is told of it.
    fn mark_brief(&self, bucket: BucketId, node: NodeId) -> Kept<MarkBrief>;
    /// An entry with its receipt.
    fn taken(&self, dot: Dot) -> Kept<Option<Taken>>;
    /// Up to when every till has told everything.
    fn watermark(&self, desk: &Desk, longest_wait_ms: u64) -> Kept<Watermark>;
    /// Shares in holds that the server ends in their nodes' place now.
    fn lost_shares(&self, now: Millis, longest_wait_ms: u64) -> Kept<Vec<Share>>;
    /// Whether a bucket has seen and settled everything that happened before a time.
    fn is_settled(&self, bucket: BucketId, watermark: &Watermark, before: Millis) -> Kept<bool>;
    /// Whether a bucket can be cut at a watermark, and a cut would settle anything.
    fn is_cuttable(&self, bucket: BucketId, watermark: &Watermark) -> Kept<bool>;
}

impl<T: Books<Error = StoreError>> Told for T {
    fn base_of(&self, account: AccountId) -> Kept<Option<Base>> {
        post::base_of(self, account)
    }

    fn base_for(&self, account: AccountId, node: NodeId) -> Kept<Option<Base>> {
        post::base_for(self, account, node)
    }

    fn mark_brief(&self, bucket: BucketId, node: NodeId) -> Kept<MarkBrief> {
        post::mark_brief(self, bucket, node)
    }

    fn taken(&self, dot: Dot) -> Kept<Option<Taken>> {
        post::read(self, dot)
    }

    fn watermark(&self, desk: &Desk, longest_wait_ms: u64) -> Kept<Watermark> {
        Ok(settle::watermark(&self.nodes()?, desk.now, longest_wait_ms))
    }

    fn lost_shares(&self, now: Millis, longest_wait_ms: u64) -> Kept<Vec<Share>> {
        shares::lost(self, now, longest_wait_ms)
    }

    fn is_settled(&self, bucket: BucketId, watermark: &Watermark, before: Millis) -> Kept<bool> {
        settle::is_settled(self, bucket, watermark, before)
    }

    fn is_cuttable(&self, bucket: BucketId, watermark: &Watermark) -> Kept<bool> {
        Ok(settle::plan_cut(self, bucket, watermark)?.is_some())
    }
}

/// What moves the books.
pub trait Core {
    /// A till's push, from its bytes to its rows.
    fn push(&mut self, desk: &Desk, push: &Push) -> Kept<PushReply>;
    /// Writes what was decided into the server's own journal, posts it, and does what follows.
    fn author(&mut self, desk: &Desk, draft: Draft) -> Kept<Dot>;
    /// Answers a node that asks for points.
    fn authorize(&mut self, desk: &Desk, ask: &Authorize) -> Kept<Authorized>;
    /// Grants what a program's policy gives of an account to tills that have a line; answers how many grants were written.
    fn grant(
        &mut self,
        desk: &Desk,
        account: AccountId,
        owner: (&Program, &Membership),
        tills: &[(NodeId, OutletId)],
        wanted: Option<NodeId>,
    ) -> Kept<usize>;
    /// Takes back what is left of a node's right; answers how much that was.
    fn reclaim(&mut self, desk: &Desk, account: AccountId, node: NodeId) -> Kept<Points>;
    /// Asks every node but one for its right of an account; answers which were asked.
    fn recall(&mut self, account: AccountId, by: NodeId) -> Kept<Vec<NodeId>>;
    /// Has a node told of its rights again; answers of how many accounts.
    fn tell_rights(&mut self, node: NodeId) -> Kept<usize>;
    /// Ends a node's share in a hold in its place.
    fn end_share(&mut self, desk: &Desk, share: Share) -> Kept<()>;
    /// Settles a bucket, if it can be; answers whether it was.
    fn cut(&mut self, desk: &Desk, bucket: BucketId, watermark: &Watermark) -> Kept<bool>;
    /// Attributes an unattributed sale.
    fn attribute(
        &mut self,
        desk: &Desk,
        sale: (Dot, MembershipId),
        actor: Actor,
        note: &str,
    ) -> Kept<Option<Dot>>;
    /// Accepts what came after its till was revoked.
    fn accept(&mut self, dot: Dot) -> Kept<()>;
    /// Tries a parked entry again.
    fn retry(&mut self, desk: &Desk, bucket: BucketId, dot: Dot) -> Kept<()>;
    /// Tries again what waits for something.
    fn retry_waiting(&mut self, desk: &Desk, wait: &Wait) -> Kept<()>;
    /// Hears where a node stands by its own word in a pull.
    fn told_by_pull(&mut self, node: NodeId, head: Head, now: Millis) -> Kept<()>;
    /// Takes an entry in with the receipt of its first taking in, and posts it.
    fn replay(
        &mut self,
        desk: &Desk,
        node: NodeId,
        pushed: &PushedEntry,
        receipt: &shared::books::Receipt,
    ) -> Kept<()>;
}

impl<T: Books<Error = StoreError>> Core for T {
    fn push(&mut self, desk: &Desk, push: &Push) -> Kept<PushReply> {
        flow::push(self, desk, push)
    }

    fn author(&mut self, desk: &Desk, draft: Draft) -> Kept<Dot> {
        flow::author(self, desk, draft)
    }

    fn authorize(&mut self, desk: &Desk, ask: &Authorize) -> Kept<Authorized> {
        flow::authorize(self, desk, ask)
    }

    fn grant(
        &mut self,
        desk: &Desk,
        account: AccountId,
        owner: (&Program, &Membership),
        tills: &[(NodeId, OutletId)],
        wanted: Option<NodeId>,
    ) -> Kept<usize> {
        reserve::grant(self, desk, account, owner, tills, wanted)
    }

    fn reclaim(&mut self, desk: &Desk, account: AccountId, node: NodeId) -> Kept<Points> {
        reserve::reclaim(self, desk, account, node)
    }

    fn recall(&mut self, account: AccountId, by: NodeId) -> Kept<Vec<NodeId>> {
        reserve::recall(self, account, by)
    }

    fn tell_rights(&mut self, node: NodeId) -> Kept<usize> {
        reserve::tell_again(self, node)
    }

    fn end_share(&mut self, desk: &Desk, share: Share) -> Kept<()> {
        shares::end(self, desk, share)
    }

    fn cut(&mut self, desk: &Desk, bucket: BucketId, watermark: &Watermark) -> Kept<bool> {
        let Some(cut) = settle::plan_cut(self, bucket, watermark)? else {
            return Ok(false);
        };
        moved::cut(self, desk, &cut)?;
        Ok(true)
    }

    fn attribute(
        &mut self,
        desk: &Desk,
        sale: (Dot, MembershipId),
        actor: Actor,
        note: &str,
    ) -> Kept<Option<Dot>> {
        flow::attribute(self, desk, sale, actor, note)
    }

    fn accept(&mut self, dot: Dot) -> Kept<()> {
        post::suspect::accept(self, dot)
    }

    fn retry(&mut self, desk: &Desk, bucket: BucketId, dot: Dot) -> Kept<()> {
        let follow = post::retry_one(self, bucket, dot)?;
        flow::finish(self, desk, follow)
    }

    fn retry_waiting(&mut self, desk: &Desk, wait: &Wait) -> Kept<()> {
        let follow = post::retry(self, wait)?;
        flow::finish(self, desk, follow)
    }

    fn told_by_pull(&mut self, node: NodeId, head: Head, now: Millis) -> Kept<()> {
        intake::told_by_pull(self, node, head, now)
    }

    fn replay(
        &mut self,
        desk: &Desk,
        node: NodeId,
        pushed: &PushedEntry,
        receipt: &shared::books::Receipt,
    ) -> Kept<()> {
        let mut follow = intake::replay(self, node, pushed, receipt)?;
        follow.extend(post::advance(self, node)?);
        // what moved on the first time is among what is replayed
        follow.moved.clear();
        flow::finish(self, desk, follow)
    }
}
