//! A program's policies for tills with no line and for what was overdrawn.

use rust_decimal::Decimal;

use super::super::document::AllOr;
use super::super::document::policy::{self, Granting, OfflineMode};
use super::super::{Bearer, OfflinePolicy, OverdraftPolicy, RightsPolicy};
use super::program::ProgramCompiler;
use super::{Problem, points, problem, share};
use crate::limits;

impl ProgramCompiler<'_> {
    /// The dial.
    pub(super) fn offline(&self, scale: u8) -> Result<OfflinePolicy, Problem> {
        let item = &self.item.offline;
        let field = self.at("offline");
        let limit = |value: Option<Decimal>| value.map(|value| points(value, scale, &field)).transpose();
        Ok(OfflinePolicy {
            mode: item.mode,
            per_redemption: limit(item.per_redemption)?,
            per_member: limit(item.per_member)?,
            per_member_hours: item.per_member_hours,
            till_points: limit(item.till_points)?,
            till_count: item.till_count,
            balance_age_hours: item.balance_age_hours,
            balance_share: share(item.balance_share, &field)?,
            levels: match &item.levels {
                AllOr::All => None,
                AllOr::Some(codes) => Some(codes.iter().cloned().collect()),
            },
            deny_labels: item.deny_labels.iter().cloned().collect(),
            rights: self.rights(scale)?,
        })
    }

    /// What is reserved for tills.
    fn rights(&self, scale: u8) -> Result<RightsPolicy, Problem> {
        let item = &self.item.offline;
        let reserves = matches!(item.mode, OfflineMode::Reserved | OfflineMode::ReservedPlusAllowance);
        if item.rights.is_some() && !reserves {
            return Err(problem(
                self.at("offline.rights"),
                "points are reserved for tills only where `mode` is `reserved` or `reserved_plus_allowance`; \
                 leave `rights` out, or change the mode",
            ));
        }
        let rights = item.rights.clone().unwrap_or_default();
        let within = |name: &str, value: u32, (least, most): (u32, u32)| {
            let why = format!("this is {least} to {most}, not {value}");
            let field = self.at(&format!("offline.rights.{name}"));
            if value < least || value > most { Err(problem(field, &why)) } else { Ok(value) }
        };
        if rights.share <= Decimal::ZERO || rights.share > Decimal::ONE {
            return Err(problem(
                self.at("offline.rights.share"),
                "the share of the balance that is reserved is above 0 and at most 1; \
                 to reserve nothing, `grant` is `none`",
            ));
        }
        let visits = u32::try_from(limits::VISITS).unwrap_or(u32::MAX);
        let field = self.at("offline.rights.most");
        Ok(RightsPolicy {
            grant: if reserves { rights.grant } else { Granting::None },
            share: rights.share,
            visits: within("visits", rights.visits, (1, visits))?,
            most: rights.most.map(|value| points(value, scale, &field)).transpose()?,
            hours: within("hours", rights.hours, (1, 720))?,
            grace_hours: within("grace_hours", rights.grace_hours, (0, 720))?,
            elsewhere: rights.elsewhere,
        })
    }

    /// Who bears what was overdrawn.
    pub(super) fn overdraft(&self, scale: u8) -> Result<OverdraftPolicy, Problem> {
        let item = &self.item.overdraft;
        let waterfall = |name: &str, steps: &[policy::Bearer]| {
            let field = self.at(&format!("overdraft.{name}"));
            let ends = matches!(steps.last(), Some(policy::Bearer::Outlet | policy::Bearer::Program));
            if !ends {
                return Err(problem(
                    field,
                    "a waterfall ends in `outlet` or `program`, so that it always posts",
                ));
            }
            let step = |step: &policy::Bearer| match step {
                policy::Bearer::MemberDebt(limit) => Ok(Bearer::MemberDebt(points(*limit, scale, &field)?)),
                policy::Bearer::Outlet => Ok(Bearer::Outlet),
                policy::Bearer::Program => Ok(Bearer::Program),
                policy::Bearer::Reverse => Ok(Bearer::Reverse),
            };
            steps.iter().map(step).collect::<Result<Vec<_>, _>>()
        };
        if !(1..=limits::LONGEST_WAIT_HOURS).contains(&item.longest_wait_hours) {
            let detail = format!("a silent till is waited for 1 to {} hours", limits::LONGEST_WAIT_HOURS);
            return Err(problem(self.at("overdraft.longest_wait_hours"), detail));
        }
        Ok(OverdraftPolicy {
            offline: waterfall("offline", &item.offline)?,
            late: waterfall("late", &item.late)?,
            forced: waterfall("forced", &item.forced)?,
            review_over: item
                .review_over
                .map(|value| points(value, scale, &self.at("overdraft.review_over")))
                .transpose()?,
            longest_wait_hours: item.longest_wait_hours,
            write_off_days: item.write_off_days,
        })
    }
}
