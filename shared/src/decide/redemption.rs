//! Whether points may be redeemed, and up to how many: every rule as a [`Ceiling`], judged in the order in which refusals
//! are given. The scan, the quote and the sale ask the same list.

use std::borrow::Cow;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::Grounds;
use super::ceiling::{Ceiling, Rule};
use super::offline::{self, Case};
use super::party::Member;
use super::right::Reserve;
use crate::account::AccountId;
use crate::catalog::document::currency::CurrencyKind;
use crate::catalog::{self, Catalog, Currency};
use crate::entry::approval::{Approval, Lift};
use crate::entry::hold::PaymentHold;
use crate::entry::{Authority, Column, Posting, Redemption, Why};
use crate::ids::CurrencyId;
use crate::limits;
use crate::member::CardStatus;
use crate::money::{self, CurrencyCode};
use crate::points::Points;
use crate::refusal::{Problem, Refusal};
use crate::time::{Day, Millis};
use crate::view::{AccountView, Facts, Scanned};

mod buying;

/// What a redemption is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// To pay part of a basket.
    Basket {
        /// The money.
        currency: CurrencyCode,
        /// What the basket costs.
        total: Decimal,
    },
    /// To pay some basket; the scan's question.
    SomeBasket,
    /// Outside a sale.
    Alone,
    /// To buy something that has a price in points.
    Reward,
}

/// One account's redemptions within one transaction.
#[derive(Debug)]
pub(super) struct Drawing<'a> {
    facts: &'a Facts,
    member: Member<'a>,
    currency: &'a Currency,
    account: AccountId,
    view: Cow<'a, AccountView>,
    grounds: &'a Grounds,
    purpose: Purpose,
    now: Millis,
    /// The program's day.
    day: Day,
    /// The day under which settlement counts it.
    on: Day,
    /// What is left of this node's right.
    reserve: Reserve,
    /// Points drawn by this transaction so far.
    drawn: Points,
    /// Of these, those that passed as `offline`, and how often.
    drawn_offline: Points,
    offline_count: u32,
    /// What they are worth.
    value: Decimal,
    /// A manager's approval, where the command names one.
    approval: Option<&'a Approval>,
    /// Points that passed by it.
    lifted: Points,
}

impl<'a> Drawing<'a> {
    /// A member's account in a currency of its program.
    ///
    /// # Errors
    /// `invalid_request`, where the program has no such currency.
    pub(super) fn open(
        (facts, catalog): (&'a Facts, &'a Catalog),
        member: Member<'a>,
        currency: CurrencyId,
        (grounds, purpose): (&'a Grounds, Purpose),
        now: Millis,
    ) -> Result<Self, Refusal> {
        let known =
            catalog.currencies.get(&currency).filter(|_| member.program.currencies.contains(&currency));
        let currency = known
            .ok_or_else(|| Refusal::field("currency", "This membership's program has no such points."))?;
        let account = member.view.membership.account(currency.id, catalog);
        let view = facts.accounts.get(&account).map_or_else(Cow::default, Cow::Borrowed);
        let reserve = Reserve::of(&member.program.offline, &view, (now, facts.clock_untrusted));
        let (zone, own) =
            (super::when::zone_of(facts, catalog, Some(member.program.id)), member.program.zone);
        let day = now.day(own);
        Ok(Self {
            facts,
            member,
            currency,
            account,
            view,
            grounds,
            purpose,
            now,
            day,
            on: if zone == own { day } else { now.day(zone) },
            reserve,
            drawn: Points::ZERO,
            drawn_offline: Points::ZERO,
            offline_count: 0,
            value: Decimal::ZERO,
            approval: None,
            lifted: Points::ZERO,
        })
    }

    /// What is drawn counts under a day.
    pub(super) fn counted_on(self, on: Day) -> Self {
        Self { on, ..self }
    }

    /// The same on other grounds.
    pub(super) fn on_grounds(self, grounds: &'a Grounds) -> Self {
        Self { grounds, ..self }
    }

    /// Lets what is drawn stand on an approval, where it needs one.
    pub(super) fn under(&mut self, approval: Option<&'a Approval>) {
        self.approval = approval.filter(|approval| approval.account == self.account);
    }

    /// The same without this node's right: what is set aside for a payment that may be made after it has expired.
    pub(super) fn without_right(self) -> Self {
        Self { reserve: Reserve::NONE, ..self }
    }

    pub(super) fn account(&self) -> AccountId {
        self.account
    }

    pub(super) fn currency(&self) -> &'a Currency {
        self.currency
    }

    /// Takes some points, or says why not.
    pub(super) fn take(&mut self, points: Points) -> Result<(Posting, Redemption), Refusal> {
        if !points.is_positive() || points.0 > limits::POINTS {
            return Err(Refusal::amount("points", "Points to redeem are more than zero, and not too many."));
        }
        let lift = self.lift(points)?;
        let value = self.worth(points).unwrap_or_default();
        let authority = if lift.is_some() { Authority::Forced } else { self.authority(points) };
        let redemption = Redemption {
            authority,
            seen: self.view.balance(),
            age_ms: self.view.age_ms(self.now),
            approval: lift,
            value,
            off: Decimal::ZERO,
            got: None,
            membership: self.member.view.membership.id,
            hold: None,
            card: match &self.facts.scanned {
                Scanned::Card(card) => Some(card.code),
                _ => None,
            },
            right: self.reserve.take(authority, points),
        };
        if redemption.authority == Authority::Offline {
            self.drawn_offline = self.drawn_offline.plus(points);
            self.offline_count = self.offline_count.saturating_add(1);
        }
        self.drawn = self.drawn.plus(points);
        self.value = self.value.saturating_add(value);
        let posting = Posting {
            account: self.account(),
            column: Column::Redeemed,
            points,
            why: Why { rule: None, text: self.text(value), lines: Vec::new(), campaign: None },
            lot: None,
            tallied: None,
        };
        Ok((posting, redemption))
    }

    /// The approval that some points need to pass; `None` where they pass by themselves.
    fn lift(&mut self, points: Points) -> Result<Option<Lift>, Refusal> {
        let Some(refusal) = self.judge(points) else { return Ok(None) };
        let Some(approval) = self.approval.filter(|_| refusal.can_approve == Some(true)) else {
            return Err(refusal);
        };
        let left = approval.points.minus(self.lifted);
        if points > left {
            let scale = self.currency.scale;
            let detail =
                format!("{} approved up to {} points.", approval.name, approval.points.format(scale));
            return Err(Refusal { detail, available: Some(left.format(scale)), ..refusal });
        }
        self.lifted = self.lifted.plus(points);
        Ok(Some(approval.lift()))
    }

    /// Takes the points of a payment hold: they were judged when it was placed, and only the basket is asked again.
    pub(super) fn take_held(&mut self, placed: &PaymentHold) -> Result<(Posting, Redemption), Refusal> {
        let points = placed.points;
        if let Purpose::Basket { currency, total } = self.purpose {
            let room = self.basket_share(currency, total);
            if points > room.most {
                let scale = self.currency.scale;
                let available = Some(room.most.at_least_zero().format(scale));
                return Err(Refusal { available, ..room.refusal(scale) });
            }
        }
        let value = self.worth(points).unwrap_or_default();
        self.value = self.value.saturating_add(value);
        let posting = Posting {
            account: placed.account,
            column: Column::Redeemed,
            points,
            why: Why { rule: None, text: self.text(value), lines: Vec::new(), campaign: None },
            lot: None,
            tallied: None,
        };
        Ok((posting, Redemption { value, ..placed.redemption.clone() }))
    }

    fn text(&self, value: Decimal) -> String {
        let money = match self.purpose {
            Purpose::Basket { currency, .. } => Some(currency),
            _ => self.currency.cash_value.map(|value| value.currency),
        };
        match money {
            Some(money) if value > Decimal::ZERO => {
                format!("Redeemed for {} {money}", money::format(value, money))
            }
            _ => "Redeemed".to_owned(),
        }
    }

    /// Whether the server set aside enough for this, on top of what was drawn.
    fn is_held(&self, points: Points) -> bool {
        let Grounds::Held(held) = self.grounds else { return false };
        let account = self.account();
        let held: Points = held.iter().filter(|(of, _)| *of == account).map(|(_, points)| *points).sum();
        self.drawn.plus(points) <= held
    }

    fn authority(&self, points: Points) -> Authority {
        if *self.grounds == Grounds::Books || self.is_held(points) {
            Authority::Online
        } else if self.reserve.covers(points) {
            Authority::Reserved
        } else {
            Authority::Offline
        }
    }

    /// What the first refusal of redeeming so many points would be; `None` where they pass.
    pub(super) fn problem(&self, points: Points) -> Option<Problem> {
        let ceilings = self.ceilings(self.authority(points), self.is_held(points));
        let small = self.too_small(points);
        let over = ceilings.iter().filter(|ceiling| points > ceiling.most).chain(&small);
        over.map(|ceiling| ceiling.problem).min()
    }

    /// The first refusal of redeeming so many points; `None` where they pass.
    pub(super) fn judge(&self, points: Points) -> Option<Refusal> {
        let held = self.is_held(points);
        let ceilings = self.ceilings(self.authority(points), held);
        let small = self.too_small(points);
        let over = || ceilings.iter().filter(|ceiling| points > ceiling.most).chain(&small);
        let first = over().min_by_key(|ceiling| ceiling.problem)?;
        let mut refusal = first.refusal(self.currency.scale);
        let mut most = self.best(&ceilings).max(self.best_reserved());
        if held {
            // the balance is the server's to judge; what would do is told by it all the same
            let there: Vec<Ceiling> = self.balance().collect();
            most = most.min(self.best(&there));
        }
        refusal.available = Some(most.format(self.currency.scale));
        if first.problem >= Problem::OfflineRefused {
            refusal.can_approve = Some(over().all(|ceiling| ceiling.may_lift));
        }
        Some(refusal)
    }

    /// The most points that would pass now; zero where none would.
    pub(super) fn most(&self) -> Points {
        let online = *self.grounds == Grounds::Books;
        let authority = if online { Authority::Online } else { Authority::Offline };
        self.best(&self.ceilings(authority, false)).max(self.best_reserved())
    }

    /// The most that would pass on this node's own right.
    fn best_reserved(&self) -> Points {
        let live = self.reserve.live();
        if !live.is_positive() {
            return Points::ZERO;
        }
        let mut ceilings = self.ceilings(Authority::Reserved, false);
        ceilings.push(Ceiling::at(Problem::InsufficientPoints, live, Rule::Balance(live)));
        self.best(&ceilings)
    }

    /// The most points that would pass now with no line, and the most if a manager lifted what a manager may; zero where none
    /// would.
    pub(super) fn most_offline(&self) -> (Points, Points) {
        let mut ceilings = self.ceilings(Authority::Offline, false);
        let most = self.best(&ceilings).max(self.best_reserved());
        ceilings.retain(|ceiling| !ceiling.may_lift);
        (most, self.best(&ceilings))
    }

    /// The fewest points that make sense to ask for: the minimum, in whole steps.
    pub(super) fn least(&self) -> Points {
        let Some(rule) = self.rule() else { return Points(1) };
        let step = rule.step.0.max(1);
        let least = rule.minimum.0.max(1);
        let steps = least.saturating_add(step).saturating_sub(1) / step;
        Points(steps.saturating_mul(step))
    }

    /// The highest amount under all ceilings that is a whole step, reaches the minimum and is worth something.
    fn best(&self, ceilings: &[Ceiling]) -> Points {
        let most = ceilings.iter().map(|ceiling| ceiling.most).min().unwrap_or(Points::ZERO).at_least_zero();
        let step = self.rule().map_or(1, |rule| rule.step.0.max(1));
        let most = Points(most.0.saturating_sub(most.0.checked_rem(step).unwrap_or(0)));
        if most.is_positive() && self.too_small(most).is_empty() { most } else { Points::ZERO }
    }

    /// The program's points-to-cash rule, which is of its first currency.
    fn rule(&self) -> Option<&'a catalog::Redemption> {
        let first = self.member.program.currencies.first() == Some(&self.currency.id);
        let cash = first && self.purpose != Purpose::Reward;
        self.member.program.redemption.as_ref().filter(|_| cash)
    }

    /// What some points are worth here, in the basket's money; `None` where they buy nothing.
    pub(super) fn worth(&self, points: Points) -> Option<Decimal> {
        let worth = self.currency.worth(points);
        match self.purpose {
            Purpose::Basket { currency, .. } => worth.filter(|worth| worth.currency == currency),
            Purpose::Reward => None,
            _ => worth,
        }
        .map(|worth| worth.amount)
    }

    /// What is wrong with an amount for being too small, or between the steps.
    fn too_small(&self, points: Points) -> Vec<Ceiling> {
        let mut wrong = Vec::new();
        if let Some(rule) = self.rule() {
            if points < rule.minimum {
                wrong.push(Ceiling::none(Problem::BelowMinimum, Rule::AtLeast(rule.minimum)));
            }
            if rule.step.is_positive() && points.0.checked_rem(rule.step.0) != Some(0) {
                wrong.push(Ceiling::none(Problem::InvalidStep, Rule::Steps(rule.step)));
            }
        }
        if matches!(self.purpose, Purpose::Basket { .. })
            && self.worth(points).is_some_and(|worth| worth.is_zero())
        {
            wrong.push(Ceiling::plain(Problem::BelowMinimum, "So few points are worth nothing."));
        }
        wrong
    }

    /// Every ceiling that applies to the next redemption. `held`: points are set aside for it.
    fn ceilings(&self, authority: Authority, held: bool) -> Vec<Ceiling> {
        let mut ceilings = Vec::with_capacity(16);
        let too_many = Rule::Plain("These are too many points.");
        ceilings.push(Ceiling::at(Problem::AboveMaximum, Points(limits::POINTS), too_many));
        ceilings.extend(self.closed());
        if !held && authority != Authority::Reserved {
            ceilings.extend(self.balance());
        }
        ceilings.extend(self.cash());
        if authority == Authority::Offline {
            ceilings.extend(self.offline());
        }
        ceilings
    }

    /// A blocked card, a membership that is not active.
    fn closed(&self) -> impl Iterator<Item = Ceiling> {
        let refusals = [blocked_card(self.facts, &self.member), self.member.closed_on(self.day)];
        refusals.into_iter().flatten().map(Ceiling::from)
    }

    /// What is owed, what is there.
    fn balance(&self) -> impl Iterator<Item = Ceiling> {
        let day = self.day;
        let owes = Rule::Owes(self.view.base.debt);
        let overdrawn = self.view.is_overdrawn().then(|| Ceiling::none(Problem::AccountOverdrawn, owes));
        // by the program's day, and by the one that settlement counts it under
        let spendable = match self.grounds {
            Grounds::Own => self.reserve.live(),
            Grounds::Elsewhere => {
                let whole = self.view.whole();
                whole.spendable_if_returned(day).min(whole.spendable_if_returned(self.on))
            }
            Grounds::Offline if self.on != day => self.view.spendable(day).min(self.view.spendable(self.on)),
            _ => self.view.spendable(day),
        };
        let most = spendable.minus(self.drawn).at_least_zero();
        let there = Ceiling::at(Problem::InsufficientPoints, most, Rule::Balance(most));
        overdrawn.into_iter().chain([there])
    }

    /// What the program says about turning points into cash, and what the basket can take.
    fn cash(&self) -> Vec<Ceiling> {
        let mut ceilings = Vec::new();
        if self.currency.kind == CurrencyKind::Qualifying {
            let why = "These points only count towards a level.";
            ceilings.push(Ceiling::plain(Problem::RewardUnavailable, why));
        }
        if let Some(most) = self.rule().and_then(|rule| rule.maximum) {
            ceilings.push(Ceiling::at(Problem::AboveMaximum, most, Rule::AtOnce(most)));
        }
        match self.purpose {
            Purpose::Reward => {}
            // what no basket takes is not redeemed beside one either: the scan, a sale, redeem-points and a hold agree
            Purpose::Alone | Purpose::SomeBasket => {
                if self.rule().is_none() || self.currency.cash_value.is_none() {
                    ceilings.push(buys_nothing());
                }
            }
            Purpose::Basket { currency, total } => ceilings.push(self.basket_share(currency, total)),
        }
        ceilings
    }

    /// The most points whose value the basket can take.
    fn basket_share(&self, money: CurrencyCode, total: Decimal) -> Ceiling {
        let value = self.currency.cash_value.filter(|value| value.currency == money);
        let (Some(rule), Some(value)) = (self.rule(), value) else { return buys_nothing() };
        let share = total.saturating_mul(rule.maximum_share);
        let share = share.round_dp_with_strategy(money.scale(), rust_decimal::RoundingStrategy::ToZero);
        let budget = share.saturating_sub(self.value).max(Decimal::ZERO);
        let unit = Decimal::from(10_u64.saturating_pow(u32::from(self.currency.scale)));
        let exact = budget
            .checked_mul(unit)
            .and_then(|units| units.checked_div(value.amount))
            .unwrap_or(Decimal::MAX);
        let points = |amount: Decimal| Points(amount.to_i64().unwrap_or(limits::POINTS));
        // the last point may be worth more than what is left to pay, but only by less than the smallest coin
        let (up, down) = (points(exact.ceil()), points(exact.floor()));
        let fits = self.worth(up).is_some_and(|worth| worth <= budget);
        let most = if fits { up } else { down };
        Ceiling::at(Problem::AboveMaximum, most, Rule::Share(share, money))
    }

    fn offline(&self) -> Vec<Ceiling> {
        if self.member.program.currencies.first() != Some(&self.currency.id) {
            let why = "These points can be redeemed only with a line.";
            return vec![Ceiling::plain(Problem::OfflineRefused, why)];
        }
        let used = &self.facts.offline;
        let membership = &self.member.view.membership;
        let case = Case {
            level: &membership.level,
            labels: &membership.labels,
            review: self.view.base.review,
            seen: self.view.balance(),
            age_ms: self.view.age_ms(self.now),
            clock_untrusted: self.facts.clock_untrusted,
            drawn: self.drawn_offline,
            member_used: used.member.get(&self.account()).copied().unwrap_or_default(),
            till_used: used.till.get(&self.currency.id).copied().unwrap_or_default(),
            till_count: used.till_count.saturating_add(self.offline_count),
            reserved: self.reserve.live(),
        };
        offline::ceilings(&self.member.program.offline, &case)
    }
}

/// The refusal of the scanned card, where it is blocked and its customer is the one who redeems.
pub(super) fn blocked_card(facts: &Facts, member: &Member<'_>) -> Option<Refusal> {
    let Scanned::Card(card) = &facts.scanned else { return None };
    let owner = facts.survivor(card.membership)?;
    if card.status.may_redeem() || owner.customer.id != member.view.customer.id {
        return None;
    }
    let word = match card.status {
        CardStatus::Lost => "was reported lost",
        CardStatus::Stolen => "was reported stolen",
        _ => "has expired",
    };
    Some(Refusal::new(Problem::CardBlocked, format!("This card {word}; no points can be redeemed with it.")))
}

fn buys_nothing() -> Ceiling {
    Ceiling::plain(Problem::RewardUnavailable, "These points cannot pay here.")
}
