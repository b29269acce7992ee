//! Vouchers at head office: given to a membership, looked at, taken back. Those that points buy come with their sale.

use shared::account::AccountId;
use shared::api::transaction::{Voucher as Shown, VoucherChange, VoucherRequest};
use shared::catalog::Catalog;
use shared::catalog::reward::Reward;
use shared::decide::{Deed, Draft, RedeemItem};
use shared::entry::reward::{Issue, bought, vouchers_of};
use shared::entry::{Actor, Column, EntryKind, Idem, Move, Posting, Redemption, Why};
use shared::ids::{Code, Dot, MembershipId};
use shared::limits;
use shared::member::Membership;
use shared::points::Points;
use shared::post::flow::own;
use shared::refusal::{Problem, Refusal};
use shared::render;
use shared::request::text;
use shared::settle::reward as settled;
use shared::time::{Day, Millis};
use shared::voucher::{Voucher, VoucherId};

use super::repeat::{Coming, Seen};
use super::write::{Outcome, actor, author, place};
use super::{App, AppError, Done, Who, audit, catalog, members, sync};
use crate::clock;
use crate::store::{Read, Write};

/// Refuses a sale's voucher codes that this server did not sign.
pub(super) fn check_codes(app: &App, deed: &Deed) -> Done<()> {
    let Deed::Sale(selling) = deed else { return Ok(()) };
    for (at, item) in selling.redeem.iter().enumerate() {
        if let RedeemItem::Voucher(code) = item
            && Voucher::is_code(code)
            && Voucher::of_signed(code, &app.public_key()).is_none()
        {
            let detail = "This voucher's code was not signed by this server.";
            let refusal = Refusal::new(Problem::VoucherUnknown, detail);
            return Err(refusal.at(format!("redeem[{at}]")).into());
        }
    }
    Ok(())
}

/// The voucher that an account counts the uses of, by the entry that gave it.
pub(super) fn of_account(books: &dyn Read, account: AccountId) -> Done<Option<Voucher>> {
    let mut found = None;
    let mut before = None;
    // what gave it came first; there are few legs, as there are few uses
    loop {
        let legs = books.ledger_of(account, before, LEGS)?;
        let Some(last) = legs.last() else { return Ok(found) };
        before = Some(last.order);
        for leg in legs.iter().rev() {
            let Some(taken) = books.taken(leg.key.dot)? else { continue };
            let Ok(entry) = taken.entry else { continue };
            let given = vouchers_of(&entry.kind).into_iter().find(|it| it.account() == account).cloned();
            if given.is_some() {
                found = given;
            }
        }
    }
}

/// Legs of a voucher's account read at a time.
const LEGS: usize = 100;

/// One voucher, by its id.
pub fn get(app: &App, who: &Who, id: VoucherId) -> Done<Shown> {
    let books = app.read()?;
    let voucher = known(&*books, who, id)?;
    shown(app, &*books, &voucher)
}

fn known(books: &dyn Read, who: &Who, id: VoucherId) -> Done<Voucher> {
    let voucher =
        of_account(books, id.account())?.ok_or_else(|| AppError::not_found("voucher with this id"))?;
    members::membership_for(books, who, voucher.membership)?;
    Ok(voucher)
}

/// A membership's vouchers, those that ended lately and used ones too, by their last day.
pub fn list(app: &App, who: &Who, membership: MembershipId) -> Done<Vec<Shown>> {
    let books = app.read()?;
    let mut vouchers = members::membership_for(&*books, who, membership)?.vouchers;
    vouchers.sort_by_key(|voucher| (voucher.until, voucher.id));
    vouchers.iter().map(|voucher| shown(app, &*books, voucher)).collect()
}

fn shown(app: &App, books: &dyn Read, voucher: &Voucher) -> Done<Shown> {
    let catalog = catalog::latest(books)?;
    let day = catalog.today(voucher.program, clock::now());
    let left = books.base_of(voucher.account())?.unwrap_or_default().spendable(day);
    let code = Some(voucher.signed(app.key()));
    let version = Some(version(books, voucher)?);
    Ok(Shown { code, version, ..render::voucher::voucher(voucher, Some(left)) })
}

/// A voucher's version: the place of what moved it last.
fn version(books: &dyn Read, voucher: &Voucher) -> Done<u64> {
    Ok(books.ledger_of(voucher.account(), None, 1)?.first().map_or(0, |leg| leg.order))
}

/// Gives a membership a voucher of a reward, once under its key.
pub async fn create(app: &App, who: &Who, key: Option<&str>, asked: &VoucherRequest) -> Done<Outcome<Shown>> {
    let membership: MembershipId =
        asked.membership_id.parse().map_err(|detail: String| Refusal::field("membership_id", detail))?;
    let reward = Code::new(asked.reward.as_str()).map_err(|detail| Refusal::field("reward", detail))?;
    let until = asked.until.as_deref().map(Day::parse).transpose();
    let until = until.map_err(|detail| Refusal::field("until", detail))?;
    let reason = text(asked.reason.as_deref().unwrap_or("Given by head office"), "reason")?;
    let by = who.clone();
    let now = clock::now();
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let keying = Coming::new(key, outlet, "voucher", asked).without_receipt();
    let wish = Given { membership, reward, until, reason };
    let (id, replayed) = app
        .write(move |books| {
            members::membership_for(books.as_read(), &by, membership)?;
            match keying.find(books.as_read(), now)? {
                Seen::As(dot) => Ok((given_by(books.as_read(), dot)?, true)),
                Seen::Never(idem) => Ok((give(books, &by, &wish, idem, now)?, false)),
            }
        })
        .await?;
    Ok(Outcome { body: get(app, who, id)?, replayed })
}

/// The voucher that an entry gave.
fn given_by(books: &dyn Read, dot: Dot) -> Done<VoucherId> {
    let entry = books.taken(dot)?.and_then(|taken| taken.entry.ok());
    let given = entry.and_then(|entry| vouchers_of(&entry.kind).first().map(|voucher| voucher.id));
    given.ok_or_else(|| AppError::not_found("voucher that was given under this key"))
}

/// A voucher to be given.
#[derive(Clone, Debug)]
struct Given {
    /// To whom.
    membership: MembershipId,
    /// Of which reward of the membership's program; it gives vouchers.
    reward: Code,
    /// Its last day, where that is not the reward's to say.
    until: Option<Day>,
    /// Why.
    reason: String,
}

/// Gives a voucher that nobody paid points for, by hand. Answers its id.
///
/// # Errors
/// `reward_unavailable` where the program has no such voucher, or the membership has as many as it may.
fn give(books: &mut dyn Write, who: &Who, wish: &Given, idem: Idem, now: Millis) -> Done<VoucherId> {
    let catalog = catalog::latest(books)?;
    let row = books.membership(wish.membership)?;
    let membership = row.ok_or_else(|| AppError::not_found("membership with this id"))?.value;
    let today = catalog.today(membership.program, now);
    let reward = reward_of(&catalog, &membership, &wish.reward, today)?;
    let id = clock::fresh_id();
    let voucher = Voucher::new(reward, membership.program, wish.membership, id, today);
    let not_one =
        || Refusal::new(Problem::RewardUnavailable, format!("`{}` gives no vouchers.", reward.code));
    let mut voucher = voucher.ok_or_else(|| not_one().at("reward"))?;
    if let Some(until) = wish.until {
        if until < today {
            return Err(AppError::field("until", "A voucher's last day is today or later."));
        }
        voucher.until = until;
    }
    issue(books, who, voucher, (wish.reason.clone(), None), (None, Some(idem)), now)
}

/// Writes the entry that gives a voucher, for a reason and (where there is one) on a receipt; by a rule, or under a key.
/// Answers its id.
pub(super) fn issue(
    books: &mut dyn Write,
    who: &Who,
    voucher: Voucher,
    (reason, reference): (String, Option<String>),
    (rule, idem): (Option<Code>, Option<Idem>),
    now: Millis,
) -> Done<VoucherId> {
    let (id, detail) = (voucher.id, format!("{}: {reason}", voucher.reward));
    let about = Move { membership: voucher.membership, reason, reference };
    let postings = vec![voucher.given()];
    let kind = EntryKind::Issue(Issue { about, rule, vouchers: vec![voucher] });
    let desk = sync::desk(books, now)?;
    let by = actor_of(&*catalog::latest(books)?, who)?;
    author(books, Draft { actor: by, idem, ..own(&desk, kind, postings) }, now)?;
    audit::note(books, who, now, "voucher.give", &id.to_string(), &detail)?;
    Ok(id)
}

/// Why a membership can have no more vouchers, if it has as many as it may.
pub(super) fn no_room(membership: &Membership, today: Day) -> Option<String> {
    let open = membership.vouchers.iter().filter(|voucher| voucher.until >= today).count();
    (open >= limits::VOUCHERS)
        .then(|| format!("a membership has at most {} vouchers at once", limits::VOUCHERS))
}

fn reward_of<'a>(catalog: &'a Catalog, membership: &Membership, code: &Code, today: Day) -> Done<&'a Reward> {
    let unavailable =
        |detail: String| AppError::from(Refusal::new(Problem::RewardUnavailable, detail).at("reward"));
    let program = catalog.programs.get(&membership.program);
    let reward = program.and_then(|program| program.rewards.iter().find(|reward| reward.code == *code));
    let reward =
        reward.ok_or_else(|| unavailable(format!("The membership's program has no reward `{code}`.")))?;
    match no_room(membership, today) {
        Some(why) => Err(unavailable(format!("This is one too many: {why}."))),
        None => Ok(reward),
    }
}

fn actor_of(catalog: &Catalog, who: &Who) -> Done<Actor> {
    Ok(actor(who, place(catalog, who)?, None))
}

/// Takes back what is left of a voucher.
pub async fn change(app: &App, who: &Who, id: VoucherId, asked: &VoucherChange) -> Done<Shown> {
    if asked.status != "cancelled" {
        let detail =
            format!("`{}` is nothing that becomes of a voucher by hand; `cancelled` is.", asked.status);
        return Err(AppError::field("status", detail));
    }
    let reason = text(&asked.reason, "reason")?;
    let (by, said) = (who.clone(), asked.version);
    let now = clock::now();
    app.write(move |books| {
        let voucher = known(books.as_read(), &by, id)?;
        catalog::check_version(said, version(books.as_read(), &voucher)?)?;
        if !cancel(books, &by, voucher.id, &reason, now)? {
            let detail = "Nothing is left of this voucher that could be taken back.";
            return Err(AppError::refused(Problem::InvalidTransition, detail));
        }
        Ok::<_, AppError>(())
    })
    .await?;
    get(app, who, id)
}

/// Takes back what is left of a voucher; answers whether anything was.
pub(super) fn cancel(
    books: &mut dyn Write,
    who: &Who,
    id: VoucherId,
    reason: &str,
    now: Millis,
) -> Done<bool> {
    let Some(voucher) = of_account(books.as_read(), id.account())? else { return Ok(false) };
    let base = books.base_of(id.account())?.unwrap_or_default();
    let left = base.lots.posted().minus(base.reserved).minus(base.suspense).at_least_zero();
    if left.is_zero() {
        return Ok(false);
    }
    let (kind, postings) = ended(&voucher, left, reason);
    let catalog = catalog::latest(books)?;
    let desk = sync::desk(books, now)?;
    let draft = Draft { actor: actor_of(&catalog, who)?, ..own(&desk, kind, postings) };
    author(books, draft, now)?;
    audit::note(books, who, now, "voucher.cancel", &id.to_string(), reason)?;
    Ok(true)
}

fn ended(voucher: &Voucher, left: Points, reason: &str) -> (EntryKind, Vec<Posting>) {
    let posting = Posting {
        account: voucher.account(),
        column: Column::AdjustedDown,
        points: left,
        why: Why {
            rule: Some(voucher.reward.clone()),
            text: reason.to_owned(),
            lines: Vec::new(),
            ..Why::default()
        },
        lot: None,
        tallied: None,
    };
    let about = Move { membership: voucher.membership, reason: reason.to_owned(), reference: None };
    (EntryKind::Adjust(about), vec![posting])
}

/// Whether a redemption bought vouchers, and none of them was used.
pub(super) fn is_unused(books: &dyn Read, redemption: &Redemption) -> Done<bool> {
    let vouchers = bought(redemption);
    for voucher in vouchers {
        if !settled::is_whole(voucher, &books.base_of(voucher.account())?.unwrap_or_default()) {
            return Ok(false);
        }
    }
    Ok(!vouchers.is_empty())
}

/// Takes the vouchers back that a redemption had bought which a person undid.
pub(super) fn take_back(books: &mut dyn Write, redemption: &Redemption, of: Dot, now: Millis) -> Done<()> {
    let (kind, postings) = settled::taken_back(redemption, of);
    let desk = sync::desk(books, now)?;
    author(books, own(&desk, kind, postings), now)?;
    Ok(())
}
