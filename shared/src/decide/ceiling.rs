//! One rule of what may be redeemed, as the most that it lets through. A scan asks dozens of these and tells hardly any, so
//! a rule keeps its numbers and becomes a sentence only where it refuses.

use rust_decimal::Decimal;

use crate::money::{self, CurrencyCode};
use crate::points::Points;
use crate::refusal::{Problem, Refusal};

/// The most that one rule lets through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ceiling {
    /// The refusal of what is above it.
    pub problem: Problem,
    /// So many points pass; zero or below is none.
    pub most: Points,
    /// What stands behind it.
    pub rule: Rule,
    /// Whether a manager may let more pass.
    pub may_lift: bool,
}

/// A rule with the numbers that its refusal tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rule {
    /// One that has no number.
    Plain(&'static str),
    /// A refusal's own sentence.
    Said(String),
    /// What the account owes.
    Owes(Points),
    /// What there is to redeem.
    Balance(Points),
    /// The program's most at once.
    AtOnce(Points),
    /// The program's fewest at once.
    AtLeast(Points),
    /// The program's steps.
    Steps(Points),
    /// What points may pay of a receipt.
    Share(Decimal, CurrencyCode),
    /// What is reserved for this till, where nothing else passes.
    Reserved(Points),
    /// A balance so many hours old, and the hours that are trusted.
    Age(u64, u32),
    /// An offline policy's limit.
    Offline(Points, Span),
    /// An offline policy's count of redemptions.
    Count(u32),
}

/// Over what a limit of an offline policy runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Span {
    /// One redemption.
    Redemption,
    /// A share of one balance.
    Balance,
    /// One member within so many hours.
    Member(u32),
    /// One till since its last contact.
    Till,
}

impl Ceiling {
    /// Nothing passes, by a rule that a manager may not lift.
    pub(super) fn none(problem: Problem, rule: Rule) -> Self {
        Self { problem, most: Points::ZERO, rule, may_lift: false }
    }

    /// Nothing passes, for a reason without a number.
    pub(super) fn plain(problem: Problem, why: &'static str) -> Self {
        Self::none(problem, Rule::Plain(why))
    }

    /// So many points pass.
    pub(super) fn at(problem: Problem, most: Points, rule: Rule) -> Self {
        Self { problem, most, rule, may_lift: false }
    }

    /// The same, which a manager may lift.
    pub(super) fn liftable(self) -> Self {
        Self { may_lift: true, ..self }
    }

    /// A limit of an offline policy: `limit` is the rule's number, `most` what is left of it.
    pub(super) fn offline(problem: Problem, most: Points, limit: Points, span: Span) -> Self {
        Self::at(problem, most, Rule::Offline(limit, span)).liftable()
    }

    /// The refusal of more than this, in points of a currency with this scale.
    pub(super) fn refusal(&self, scale: u8) -> Refusal {
        // what is refused altogether without a line has a limit too: none of it
        let none = (self.problem == Problem::OfflineRefused).then(|| Points::ZERO.format(scale));
        let limit = self.rule.limit(scale).or(none);
        Refusal { limit, ..Refusal::new(self.problem, self.rule.sentence(scale)) }
    }
}

impl From<Refusal> for Ceiling {
    fn from(refusal: Refusal) -> Self {
        Self::none(refusal.problem, Rule::Said(refusal.detail))
    }
}

impl Rule {
    /// The rule's number, as a decimal string, where it has one.
    fn limit(&self, scale: u8) -> Option<String> {
        match self {
            Self::Plain(_) | Self::Said(_) | Self::Owes(_) | Self::Balance(_) => None,
            Self::AtOnce(limit)
            | Self::AtLeast(limit)
            | Self::Steps(limit)
            | Self::Reserved(limit)
            | Self::Offline(limit, _) => Some(limit.format(scale)),
            Self::Share(share, money) => Some(money::format(*share, *money)),
            Self::Age(_, trusted) => Some(trusted.to_string()),
            Self::Count(most) => Some(most.to_string()),
        }
    }

    /// What the cashier reads.
    fn sentence(&self, scale: u8) -> String {
        match self {
            Self::Plain(why) => (*why).to_owned(),
            Self::Said(why) => why.clone(),
            Self::Owes(debt) => {
                format!("This account owes {} points; they are made up for first.", debt.format(scale))
            }
            Self::Balance(points) => format!("There are {} points to redeem.", points.format(scale)),
            Self::AtOnce(most) => format!("At most {} points are redeemed at once.", most.format(scale)),
            Self::AtLeast(least) => format!("At least {} points are redeemed at once.", least.format(scale)),
            Self::Steps(step) => format!("Points are redeemed in steps of {}.", step.format(scale)),
            Self::Share(share, money) => {
                format!("Points can pay at most {} {money} of this receipt.", money::format(*share, *money))
            }
            Self::Reserved(points) => format!(
                "Without a line, only points reserved for this till can be redeemed; there are {}.",
                points.format(scale)
            ),
            Self::Age(old, trusted) => format!(
                "The balance known here is {old} hours old; without a line at most {trusted} are trusted."
            ),
            Self::Offline(limit, span) => {
                let limit = limit.format(scale);
                match span {
                    Span::Redemption => {
                        format!("Without a line, at most {limit} points at once can be redeemed.")
                    }
                    Span::Balance => {
                        format!("Without a line, at most {limit} points of this balance can be redeemed.")
                    }
                    Span::Member(hours) => format!(
                        "Without a line, at most {limit} points of one member within {hours} hours can be redeemed."
                    ),
                    Span::Till => {
                        format!("Without a line, at most {limit} points at this till can be redeemed.")
                    }
                }
            }
            Self::Count(most) => {
                format!("This till has redeemed {most} times without a line; that is its limit.")
            }
        }
    }
}
