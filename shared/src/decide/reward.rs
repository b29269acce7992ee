//! Rewards that points buy: in a sale, or by themselves.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use uuid::Uuid;

use super::Context;
use super::benefit::Till;
use super::party::{self, Member};
use super::redemption::{Drawing, Purpose, blocked_card};
use super::when;
use crate::basket;
use crate::catalog::pricing::Moment;
use crate::catalog::reward::{Gives, Reward};
use crate::entry::reward::{Bought, Gave, Got, bought};
use crate::entry::{EntryKind, Move, Posting, Redemption};
use crate::ids::{Code, CurrencyId, MembershipId};
use crate::limits;
use crate::points::Points;
use crate::refusal::{Problem, Refusal};
use crate::voucher::Voucher;

/// Rewards bought outside a sale, as asked for.
#[derive(Clone, Debug)]
pub struct Buying {
    /// Whose points; loaded in [`crate::view::Facts::members`].
    pub membership: MembershipId,
    /// Which reward.
    pub reward: Code,
    /// How many.
    pub quantity: Decimal,
    /// What it refers to elsewhere.
    pub reference: Option<String>,
}

/// A reward that a member can buy here and now, and how many of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    reward: &'a Reward,
    quantity: u32,
    price: (CurrencyId, Points),
}

impl<'a> Wanted<'a> {
    /// A reward by its code.
    ///
    /// # Errors
    /// What blocks any redemption first, then `reward_unavailable`; `invalid_amount` on a quantity that is none.
    pub(super) fn find(
        ctx: &Context<'_>,
        member: Member<'a>,
        moment: &Moment<'_>,
        (code, quantity): (&Code, Decimal),
    ) -> Result<Self, Refusal> {
        if let Some(refusal) = blocked_card(ctx.facts, &member).or_else(|| member.closed(ctx.now)) {
            return Err(refusal);
        }
        let whole = quantity.fract().is_zero().then(|| quantity.to_u32()).flatten();
        let whole = whole.filter(|quantity| (1..=limits::REWARDS).contains(quantity));
        let quantity = whole.ok_or_else(|| {
            Refusal::amount("quantity", format!("Rewards are taken 1 to {} at a time.", limits::REWARDS))
        })?;
        let unavailable = |detail: String| Refusal::new(Problem::RewardUnavailable, detail);
        let reward = member.program.rewards.iter().find(|reward| reward.code == *code);
        let reward =
            reward.filter(|reward| reward.when.holds(&member.view.membership, moment)).ok_or_else(|| {
                unavailable(format!("There is no reward `{code}` for this member here and now."))
            })?;
        let price = reward.price.ok_or_else(|| unavailable(format!("`{code}` is given, not bought.")))?;
        if let Gives::Partner { minimum, .. } = &reward.gives
            && quantity < *minimum
        {
            let detail = format!("`{code}` is converted {minimum} at a time at the least.");
            return Err(Refusal::new(Problem::BelowMinimum, detail).at("quantity"));
        }
        Ok(Self { reward, quantity, price })
    }

    /// In which points it is paid.
    pub(super) fn currency(&self) -> CurrencyId {
        self.price.0
    }

    /// What it costs in all.
    pub(super) fn points(&self) -> Points {
        let fee = if let Gives::Partner { fee, .. } = &self.reward.gives { *fee } else { Points::ZERO };
        Points(self.price.1.0.saturating_mul(i64::from(self.quantity))).plus(fee)
    }

    /// Buys it: the redemption, and the movements that give the vouchers. `till` is the sale's basket, where there is
    /// one, and `place` the reward's place in the request.
    pub(super) fn buy(
        &self,
        ctx: &Context<'_>,
        drawing: &mut Drawing<'_>,
        (member, place): (Member<'_>, usize),
        till: Option<&mut Till<'_>>,
    ) -> Result<(Posting, Redemption), Refusal> {
        let code = &self.reward.code;
        let mut off: Vec<Decimal> = Vec::new();
        let gave = match &self.reward.gives {
            Gives::Off(benefit) => {
                let Some(till) = till else {
                    let detail = format!("`{code}` takes something off a receipt: redeem it in a sale.");
                    return Err(Refusal::new(Problem::RewardUnavailable, detail));
                };
                off = vec![Decimal::ZERO; till.basket.lines.len()];
                for taken in 0..self.quantity {
                    let more = till.benefit(benefit, member.program, &format!("reward:{code}"));
                    if more.iter().all(Decimal::is_zero) {
                        let (what, wanted) = (benefit.text(), self.quantity);
                        let detail = if taken == 0 {
                            format!("There is nothing here that `{code}` ({what}) takes anything off.")
                        } else {
                            format!("`{code}` ({what}) fits here {taken} of {wanted} times.")
                        };
                        return Err(Refusal::new(Problem::RewardUnavailable, detail));
                    }
                    off = off.iter().zip(more).map(|(sum, more)| sum.saturating_add(more)).collect();
                }
                Gave::Off
            }
            Gives::Voucher { .. } => Gave::Vouchers(self.vouchers(ctx, member, place)?),
            Gives::Partner { partner, units, unit, .. } => Gave::Partner {
                partner: partner.clone(),
                units: units.saturating_mul(Decimal::from(self.quantity)),
                unit: unit.clone(),
            },
            Gives::Donation { cause } => Gave::Donation { cause: cause.clone() },
        };
        let got = Bought { reward: code.clone(), quantity: self.quantity, gave };
        let sum = off.iter().sum();
        let (mut posting, redemption) = drawing.buy(self.points(), (sum, Got::Reward(got)), &self.text())?;
        posting.why.rule = Some(code.clone());
        if !off.is_empty() {
            // a line gives back what it got
            let weights: Vec<i128> = off.iter().map(|off| basket::units(*off, WEIGHT_PLACES)).collect();
            posting.why.lines = basket::split(posting.points, &weights);
        }
        Ok((posting, redemption))
    }

    fn text(&self) -> String {
        if self.quantity == 1 {
            self.reward.name.clone()
        } else {
            format!("{} x {}", self.quantity, self.reward.name)
        }
    }

    fn vouchers(&self, ctx: &Context<'_>, member: Member<'_>, place: usize) -> Result<Vec<Voucher>, Refusal> {
        let today = ctx.now.day(member.program.zone);
        let membership = &member.view.membership;
        let open = membership.vouchers.iter().filter(|voucher| voucher.until >= today).count();
        let quantity = usize::try_from(self.quantity).unwrap_or(usize::MAX);
        if open.saturating_add(quantity) > limits::VOUCHERS {
            let detail = format!("A membership has at most {} vouchers at once.", limits::VOUCHERS);
            return Err(Refusal::new(Problem::RewardUnavailable, detail));
        }
        let missing =
            || Refusal::field("Idempotency-Key", "A redemption needs a key, so that it counts once.");
        let key = ctx.command.idem.ok_or_else(missing)?.key;
        let one = |number: u32| {
            let id = voucher_id(key, place, number);
            Voucher::new(self.reward, membership.program, membership.id, id, today)
        };
        Ok((0..self.quantity).filter_map(one).collect())
    }
}

/// Decimal places at which what a line got is weighed: the most that any money has.
const WEIGHT_PLACES: u32 = 3;

/// A voucher's id from the key of the request that buys it: the same when it is repeated, and anybody's guess else.
fn voucher_id(key: u128, place: usize, number: u32) -> Uuid {
    let place = u64::try_from(place).unwrap_or(u64::MAX);
    let parts = [&key.to_le_bytes()[..], &place.to_le_bytes(), &number.to_le_bytes(), b"voucher"].concat();
    let hash = blake3::hash(&parts);
    uuid::Builder::from_custom_bytes(hash.as_bytes().first_chunk().copied().unwrap_or_default()).into_uuid()
}

/// Rewards bought outside a sale.
pub(super) fn buy(ctx: &Context<'_>, buying: &Buying) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    if let Some(reference) = &buying.reference {
        super::check_length("reference", reference)?;
    }
    let member = party::named(ctx.facts, ctx.catalog, buying.membership, "membership_id")?;
    let moment = Moment {
        outlet: ctx.facts.place.outlet,
        day: when::business_date(ctx),
        at: (ctx.command.occurred_at.unwrap_or(ctx.now), when::zone(ctx)),
        channel: None,
    };
    let wanted = Wanted::find(ctx, member, &moment, (&buying.reward, buying.quantity))?;
    let grounds = (&ctx.command.grounds, Purpose::Reward);
    let mut drawing = Drawing::open((ctx.facts, ctx.catalog), member, wanted.currency(), grounds, ctx.now)?
        .counted_on(super::when::counted_on(ctx));
    let (posting, redemption) = wanted.buy(ctx, &mut drawing, (member, 0), None)?;
    let given: Vec<Posting> = bought(&redemption).iter().map(Voucher::given).collect();
    let about =
        Move { membership: buying.membership, reason: wanted.text(), reference: buying.reference.clone() };
    Ok((EntryKind::Redeem(about, redemption), [vec![posting], given].concat()))
}
