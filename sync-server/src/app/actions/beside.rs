//! What actions do beside the membership's record: vouchers, messages, calls of webhooks. Each is under a name that what met
//! the rule gives it, so that it is there once however often it is done.

use shared::catalog::action::Action;
use shared::catalog::reward::Reward;
use shared::member::{Membership, MembershipStatus};
use shared::time::{Day, Millis};
use shared::voucher::{Voucher, VoucherId};

use super::{Met, survivor};
use crate::app::{Done, Who, audit, vouchers};
use crate::store::Write;
use crate::store::rows::notice::{Cause, Tells};

/// Does what a rule asks for; answers how much of it was done now.
pub(super) fn give(books: &mut dyn Write, met: &Met, now: Millis) -> Done<usize> {
    let Some(held) = survivor(books.as_read(), met.membership)? else { return Ok(0) };
    if held.status == MembershipStatus::Terminated {
        return Ok(0);
    }
    let mut done = 0;
    for (place, action) in met.actions.iter().enumerate() {
        done += usize::from(match action {
            Action::Voucher(_) => give_voucher(books, met, (place, action), &held, now)?,
            Action::Notify(_) | Action::Webhook { .. } => tell(books, met, action, false)?,
            Action::Level { .. } | Action::Label { .. } | Action::Attribute(..) => false,
        });
    }
    Ok(done)
}

/// Takes back what a rule did that is met no more: what is left of its vouchers is cancelled, its webhooks are told. A
/// message is sent, and a label, level or attribute stays.
pub(super) fn take_back(books: &mut dyn Write, met: &Met, now: Millis) -> Done<usize> {
    let mut done = 0;
    for (place, action) in met.actions.iter().enumerate() {
        done += usize::from(match action {
            Action::Voucher(_) => {
                let id = VoucherId::by_rule(met.hash, &met.rule, place);
                let reason = format!("Taken back: what rule {} gave it for was returned", met.rule);
                vouchers::cancel(books, &Who::server(), id, &reason, now)?
            }
            Action::Webhook { .. } => tell(books, met, action, true)?,
            _ => false,
        });
    }
    Ok(done)
}

/// Gives a voucher by the terms of the catalog under which its rule was met, from the business day on, so that it is the
/// same one if a server that was restored has to give it again. One that would have ended before the server heard of it is
/// counted from today.
fn give_voucher(
    books: &mut dyn Write,
    met: &Met,
    (place, action): (usize, &Action),
    held: &Membership,
    now: Millis,
) -> Done<bool> {
    let Action::Voucher(reward) = action else { return Ok(false) };
    let id = VoucherId::by_rule(met.hash, &met.rule, place);
    if vouchers::of_account(books.as_read(), id.account())?.is_some() {
        return Ok(false);
    }
    let program = met.catalog.programs.get(&held.program);
    let reward = program.and_then(|program| program.rewards.iter().find(|known| known.code == *reward));
    let today = met.catalog.today(held.program, now);
    let made = reward.and_then(|reward| made(reward, held, id, met.day, today));
    let refused = match made {
        None => Some("its program has no such voucher any more".to_owned()),
        Some(_) => vouchers::no_room(held, today),
    };
    let subject = held.id.to_string();
    if let Some(why) = refused {
        let detail = format!("{}: no voucher, as {why}", met.rule);
        audit::note(books, &Who::server(), now, "voucher.refused", &subject, &detail)?;
        return Ok(false);
    }
    let Some(voucher) = made else { return Ok(false) };
    let receipt = Some(met.receipt.clone()).filter(|receipt| !receipt.is_empty());
    let reason = format!("By rule {}", met.rule);
    vouchers::issue(books, &Who::server(), voucher, (reason, receipt), (Some(met.rule.clone()), None), now)?;
    Ok(true)
}

fn made(reward: &Reward, held: &Membership, id: VoucherId, day: Day, today: Day) -> Option<Voucher> {
    let from = |day| Voucher::new(reward, held.program, held.id, id.0, day);
    from(day).filter(|voucher| voucher.until >= today).or_else(|| from(today))
}

fn tell(books: &mut dyn Write, met: &Met, action: &Action, undone: bool) -> Done<bool> {
    let tells = match action {
        Action::Notify(template) => Tells::Member(template.clone()),
        Action::Webhook { action, every_minutes } => Tells::Webhooks(action.clone(), *every_minutes),
        _ => return Ok(false),
    };
    if !books.is_heard()? {
        return Ok(false);
    }
    books.add_cause(&Cause::Rule {
        membership: met.membership,
        rule: met.rule.clone(),
        of: met.of,
        receipt: met.receipt.clone(),
        outlet: met.outlet.clone(),
        at: met.at,
        tells,
        undone,
    })?;
    Ok(true)
}
