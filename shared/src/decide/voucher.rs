//! Using a voucher: one use of its account, under the same rules of authority as points. What is offline about it is its
//! program's dial alone, since the caps are of points, and a voucher has a number of uses of its own.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::benefit::Till;
use super::party::Member;
use super::redemption::blocked_card;
use super::{Context, Grounds};
use crate::account::AccountId;
use crate::catalog::Program;
use crate::catalog::document::policy::OfflineMode;
use crate::entry::reward::{Got, Used};
use crate::entry::{Authority, Column, Posting, Redemption, Why};
use crate::points::Points;
use crate::refusal::{Problem, Refusal};
use crate::view::{AccountView, Facts, Scanned};
use crate::voucher::{Voucher, VoucherId};

/// The accounts of all vouchers that facts tell of.
pub(super) fn accounts(facts: &Facts) -> impl Iterator<Item = AccountId> + '_ {
    let known = facts.members.iter().flat_map(|member| &member.membership.vouchers);
    known.chain(facts.vouchers.iter().map(|(_, voucher)| voucher)).map(Voucher::account)
}

/// Vouchers used by one transaction.
#[derive(Debug, Default)]
pub(super) struct Uses(BTreeMap<VoucherId, Points>);

impl Uses {
    /// Uses a voucher once: takes what it gives off the lines.
    pub(super) fn take(
        &mut self,
        ctx: &Context<'_>,
        text: &str,
        member: Option<Member<'_>>,
        till: &mut Till<'_>,
    ) -> Result<(Posting, Redemption), Refusal> {
        if let Some(refusal) = member.and_then(|member| blocked(ctx, &member)) {
            return Err(refusal);
        }
        let unknown = || Refusal::new(Problem::VoucherUnknown, "This voucher is not known here.");
        let voucher = ctx.facts.voucher(text).ok_or_else(unknown)?;
        let program = ctx.catalog.programs.get(&voucher.program).ok_or_else(unknown)?;
        let view = ctx.facts.uses(voucher);
        let authority = self.judge(ctx, (voucher, program), &view)?;
        let off = till.benefit(&voucher.benefit, program, &format!("voucher:{}", voucher.number()));
        let off: Decimal = off.iter().sum();
        if off.is_zero() {
            let detail = format!(
                "There is nothing here that this voucher ({}) takes anything off.",
                voucher.benefit.text()
            );
            return Err(Refusal::new(Problem::RewardUnavailable, detail));
        }
        let used = self.0.entry(voucher.id).or_default();
        *used = used.plus(Points(1));
        let posting = Posting {
            account: voucher.account(),
            column: Column::Redeemed,
            points: Points(1),
            why: Why {
                rule: Some(voucher.reward.clone()),
                text: voucher.name.clone(),
                lines: Vec::new(),
                ..Why::default()
            },
            lot: None,
            tallied: None,
        };
        Ok((posting, redemption(ctx, voucher, (&view, authority, off))))
    }

    /// On what grounds a voucher may be used once more.
    fn judge(
        &self,
        ctx: &Context<'_>,
        (voucher, program): (&Voucher, &Program),
        view: &AccountView,
    ) -> Result<Authority, Refusal> {
        if ctx.facts.place.outlet.is_some_and(|outlet| !program.here(outlet)) {
            return Err(super::party::not_here());
        }
        let owner = ctx.facts.survivor(voucher.membership);
        if let Some(refusal) = owner.and_then(|view| Member { view, program }.closed(ctx.now)) {
            return Err(refusal);
        }
        let day = ctx.now.day(program.zone);
        let used = self.0.get(&voucher.id).copied().unwrap_or_default();
        let held = match &ctx.command.grounds {
            Grounds::Held(held) => {
                let own = held.iter().filter(|(of, _)| *of == voucher.account());
                own.map(|(_, points)| *points).sum::<Points>() > used
            }
            Grounds::Books | Grounds::Offline | Grounds::Own | Grounds::Elsewhere => false,
        };
        if day > voucher.until {
            let detail = format!("This voucher was good until {}.", voucher.until);
            return Err(Refusal::new(Problem::VoucherExpired, detail));
        }
        if day < voucher.from {
            let detail = format!("This voucher is good from {} on.", voucher.from);
            return Err(Refusal::new(Problem::VoucherExpired, detail));
        }
        if !held
            && view.spendable(day).min(view.spendable(super::when::counted_on(ctx))).minus(used) < Points(1)
        {
            let times = if voucher.uses == 1 { "once".to_owned() } else { format!("{} times", voucher.uses) };
            let detail = format!("This voucher is good for use {times}, and nothing is left of it.");
            return Err(Refusal::new(Problem::VoucherUsed, detail));
        }
        if held || ctx.command.grounds == Grounds::Books {
            return Ok(Authority::Online);
        }
        offline(ctx, program).map_or(Ok(Authority::Offline), Err)
    }
}

/// What keeps a voucher from being used with no line.
fn offline(ctx: &Context<'_>, program: &Program) -> Option<Refusal> {
    let refused = |problem: Problem, limit: Option<u32>, detail: &str| {
        let limit = limit.map(|uses| uses.to_string());
        Some(Refusal { limit, can_approve: Some(false), ..Refusal::new(problem, detail) })
    };
    if !matches!(program.offline.mode, OfflineMode::Trust | OfflineMode::ReservedPlusAllowance) {
        let why = "Vouchers of this program are used only with a line.";
        return refused(Problem::OfflineRefused, Some(0), why);
    }
    if ctx.facts.clock_untrusted {
        return refused(
            Problem::ClockUntrusted,
            None,
            "This till's clock cannot be trusted, and the voucher has a last day.",
        );
    }
    let full = program.offline.till_count.filter(|most| ctx.facts.offline.till_count >= *most);
    if full.is_some() {
        return refused(
            Problem::OfflineLimitTill,
            full,
            "This till has let through as much as it may without a line.",
        );
    }
    None
}

fn blocked(ctx: &Context<'_>, member: &Member<'_>) -> Option<Refusal> {
    blocked_card(ctx.facts, member).or_else(|| member.closed(ctx.now))
}

fn redemption(
    ctx: &Context<'_>,
    voucher: &Voucher,
    (view, authority, off): (&AccountView, Authority, Decimal),
) -> Redemption {
    let used = Used { voucher: voucher.id, number: voucher.number(), reward: voucher.reward.clone() };
    Redemption {
        authority,
        seen: view.balance(),
        age_ms: if view.base_as_of.0 == 0 { 0 } else { view.age_ms(ctx.now) },
        approval: None,
        value: Decimal::ZERO,
        off,
        got: Some(Got::Voucher(used)),
        membership: voucher.membership,
        hold: None,
        right: None,
        card: match &ctx.facts.scanned {
            Scanned::Card(card) => Some(card.code),
            _ => None,
        },
    }
}
