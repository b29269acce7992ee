//! Who bears what a redemption fell short of.

use crate::account::Short;
use crate::catalog::{Bearer, OverdraftPolicy};
use crate::entry::Authority;
use crate::points::Points;

/// Who bears a shortfall, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waterfall {
    /// The steps; the last of them takes what is left.
    pub steps: Vec<Bearer>,
    /// Shortfalls above this are offered to a person.
    pub review_over: Option<Points>,
}

impl Waterfall {
    /// The policy's waterfall for an authority. Where what a redemption bought cannot be taken back, that step is left
    /// out.
    pub fn of(policy: &OverdraftPolicy, authority: Authority, reversible: bool) -> Self {
        let steps = match authority {
            Authority::Online | Authority::Reserved | Authority::Offline => &policy.offline,
            Authority::Late => &policy.late,
            Authority::Forced => &policy.forced,
        };
        let steps = steps.iter().copied().filter(|step| reversible || *step != Bearer::Reverse);
        Self { steps: steps.collect(), review_over: policy.review_over }
    }

    /// Lets a shortfall of a redemption of `amount` run down. `debt` is what the member owes already.
    pub(super) fn run(&self, short: Points, amount: Points, debt: Points) -> Short {
        let mut left = short;
        let mut borne = Short::default();
        for step in &self.steps {
            match step {
                Bearer::MemberDebt(limit) => {
                    let room = limit.minus(debt).minus(borne.member_debt).at_least_zero();
                    let taken = left.min(room);
                    borne.member_debt = borne.member_debt.plus(taken);
                    left = left.minus(taken);
                }
                Bearer::Outlet => {
                    borne.outlet = borne.outlet.plus(left);
                    left = Points::ZERO;
                }
                Bearer::Program => {
                    borne.program = borne.program.plus(left);
                    left = Points::ZERO;
                }
                Bearer::Reverse if left.is_positive() => {
                    return Short { reversed: amount, ..Short::default() };
                }
                Bearer::Reverse => {}
            }
        }
        // a waterfall always posts: the catalog sees to its end, and where there is none the program bears it
        borne.program = borne.program.plus(left);
        borne
    }
}
