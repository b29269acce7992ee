//! Rewards.

use rust_decimal::Decimal;

use super::super::document::reward as written;
use super::super::reward::{Gives, Reward};
use super::pricing::{Compiler, money};
use super::{Problem, points, problem};
use crate::entry::reward::Benefit;
use crate::ids::CurrencyId;
use crate::limits;
use crate::points::Points;

impl Compiler<'_> {
    /// Checks a reward and puts it into its program.
    pub(super) fn reward(&mut self, item: &written::Reward) -> Result<(), Problem> {
        let at = format!("rewards[{}]", item.code);
        let price = self.reward_price(item, &at)?;
        let scale = price.and_then(|(id, _)| self.currencies.get(&id)).map_or(0, |currency| currency.scale);
        let reward = Reward {
            code: item.code.clone(),
            name: super::name(&item.name, &at)?,
            when: self.when(&item.when, &item.program, &at)?,
            price,
            every: item.every,
            gives: gives((&item.gives, item.every.is_some()), scale, &format!("{at}.gives"))?,
        };
        check_every(item, &reward, &at)?;
        if reward.price.is_none() && !matches!(reward.gives, Gives::Voucher { .. }) {
            let detail = "what costs no points is given by head office or a rule, and that is a voucher";
            return Err(problem(format!("{at}.points"), detail));
        }
        let rewards = &mut self.program(&item.program, &at)?.rewards;
        rewards.push(reward);
        rewards.sort_by(|a, b| a.code.cmp(&b.code));
        Ok(())
    }

    fn reward_price(
        &mut self,
        item: &written::Reward,
        at: &str,
    ) -> Result<Option<(CurrencyId, Points)>, Problem> {
        let Some(price) = item.points else { return Ok(None) };
        let (numbers, field) = (self.numbers, format!("{at}.currency"));
        let named = item.currency.as_ref().map(|code| {
            let id = numbers.currencies.get(code).copied();
            id.ok_or_else(|| problem(&field, format!("there is no currency `{code}`")))
        });
        let named = named.transpose()?;
        let program = self.program(&item.program, at)?;
        let id = named.or(program.currencies.first().copied());
        let id = id
            .filter(|id| program.currencies.contains(id))
            .ok_or_else(|| problem(&field, format!("program `{}` has no such currency", item.program)))?;
        let scale = self.currencies.get(&id).map_or(0, |currency| currency.scale);
        let price = points(price, scale, &format!("{at}.points"))?;
        if !price.is_positive() {
            return Err(problem(format!("{at}.points"), "a reward costs more than zero points"));
        }
        Ok(Some((id, price)))
    }
}

/// What is given in each period is a voucher for nothing, and asks for members only.
fn check_every(item: &written::Reward, reward: &Reward, at: &str) -> Result<(), Problem> {
    if reward.every.is_none() {
        return Ok(());
    }
    if reward.price.is_some() || !matches!(reward.gives, Gives::Voucher { .. }) {
        let detail = "what is given in each period is a voucher that costs no points";
        return Err(problem(format!("{at}.every"), detail));
    }
    let when = &reward.when;
    let asks = when.outlets.is_some() || when.hours.is_some() || !when.days.is_empty();
    if asks || !item.when.channels.is_empty() {
        let detail = "what is given in each period is given by the server: it asks for members and dates, not for \
                      outlets, weekdays, hours or channels";
        return Err(problem(format!("{at}.when"), detail));
    }
    Ok(())
}

fn gives((item, every): (&written::Gives, bool), scale: u8, at: &str) -> Result<Gives, Problem> {
    Ok(match item {
        written::Gives::Off(off) => Gives::Off(benefit(off, at)?),
        written::Gives::Voucher(terms) => {
            if every && terms.days.is_some() {
                let detail = "the reward's period says how long its vouchers are good; leave out `days`";
                return Err(problem(format!("{at}.voucher.days"), detail));
            }
            let (uses, days) = (terms.uses, terms.days.unwrap_or(0));
            let long = every || (1..=limits::VOUCHER_DAYS).contains(&days);
            if uses == 0 || uses > limits::VOUCHER_USES || !long {
                let detail = format!(
                    "a voucher is for 1 to {} uses and 1 to {} days",
                    limits::VOUCHER_USES,
                    limits::VOUCHER_DAYS
                );
                return Err(problem(at, detail));
            }
            Gives::Voucher { benefit: benefit(&terms.off, at)?, uses, days }
        }
        written::Gives::Partner(partner) => {
            if partner.units <= Decimal::ZERO || partner.unit.trim().is_empty() {
                return Err(problem(at, "a partner gives more than zero units, which have a name"));
            }
            let fee = partner.fee.map(|fee| points(fee, scale, &format!("{at}.partner.fee"))).transpose()?;
            let minimum = partner.minimum.unwrap_or(1);
            if minimum == 0 || minimum > limits::REWARDS {
                return Err(problem(at, format!("a minimum is 1 to {}", limits::REWARDS)));
            }
            Gives::Partner {
                fee: fee.unwrap_or_default(),
                minimum,
                partner: partner.partner.clone(),
                units: partner.units,
                unit: super::name(&partner.unit, at)?,
            }
        }
        written::Gives::Donation(gift) => Gives::Donation { cause: super::name(&gift.cause, at)? },
    })
}

fn benefit(off: &written::Off, at: &str) -> Result<Benefit, Problem> {
    Ok(match off {
        written::Off::Value(value) => {
            money(value.amount, value.currency, at)?;
            if value.amount.is_zero() {
                return Err(problem(at, "what is taken off is more than zero"));
            }
            Benefit::Value(*value)
        }
        written::Off::Percent(share) => {
            if share.percent <= Decimal::ZERO || share.percent > Decimal::ONE_HUNDRED {
                return Err(problem(
                    at,
                    format!("`{}` is no percentage: above 0 and up to 100", share.percent),
                ));
            }
            if let Some(most) = share.most {
                money(most.amount, most.currency, at)?;
            }
            Benefit::Percent { percent: share.percent, most: share.most }
        }
        written::Off::Item(skus) => {
            let fits = |sku: &String| !sku.trim().is_empty() && sku.len() <= limits::TEXT_BYTES;
            if skus.is_empty() || skus.len() > limits::VOUCHER_ITEMS || !skus.iter().all(fits) {
                return Err(problem(
                    at,
                    format!("an item is one of 1 to {} articles", limits::VOUCHER_ITEMS),
                ));
            }
            Benefit::Item(skus.clone())
        }
    })
}
