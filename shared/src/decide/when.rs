//! In whose days something is decided.

use chrono_tz::Tz;

use super::Context;
use crate::catalog::Catalog;
use crate::ids::ProgramId;
use crate::limits;
use crate::refusal::Refusal;
use crate::time::{Day, Millis};
use crate::view::Facts;

/// The outlet's day that a command belongs to.
pub(super) fn business_date(ctx: &Context<'_>) -> Day {
    let named = ctx.command.business_date;
    named.unwrap_or_else(|| ctx.command.occurred_at.unwrap_or(ctx.now).day(zone(ctx)))
}

/// The day under which settlement counts what a command takes.
pub(super) fn counted_on(ctx: &Context<'_>) -> Day {
    business_date(ctx).near(ctx.now)
}

/// Today, where it is decided.
pub(super) fn today(ctx: &Context<'_>) -> Day {
    ctx.now.day(zone(ctx))
}

pub(super) fn zone(ctx: &Context<'_>) -> Tz {
    let of = ctx.command.deed.membership().and_then(|id| ctx.facts.member(id));
    zone_of(ctx.facts, ctx.catalog, of.map(|member| member.membership.program))
}

/// The time zone in which something is decided: the outlet's; at head office, that of the program that it is about.
pub(super) fn zone_of(facts: &Facts, catalog: &Catalog, program: Option<ProgramId>) -> Tz {
    let outlet = facts.place.outlet.and_then(|outlet| catalog.outlets.get(&outlet));
    let here = outlet.map(|outlet| outlet.zone).or_else(|| Some(catalog.zone_of(program?)));
    here.unwrap_or_else(|| catalog.office_zone())
}

/// Refuses a day that a request can only have mistyped: one by which points would be gone at once, or would live and not
/// count for years. `now` is a clock that is sure: the server's, or a till's while the server answers. A till that cannot
/// know whether its clock is right sells by whatever day it is told.
///
/// # Errors
/// `invalid_request` on `business_date`, or on `occurred_at` where that says the day.
pub fn check_day(day: Option<Day>, occurred: Option<Millis>, now: Millis) -> Result<(), Refusal> {
    let (first, last) = (now.before(BEFORE_MS), now.after(AHEAD_MS));
    let (first, last) = (first.day(chrono_tz::UTC), last.day(chrono_tz::UTC));
    let said = day.map(|day| ("business_date", day));
    let Some((field, said)) = said.or_else(|| Some(("occurred_at", occurred?.day(chrono_tz::UTC)))) else {
        return Ok(());
    };
    if (first..=last).contains(&said) {
        return Ok(());
    }
    let today = now.day(chrono_tz::UTC);
    let detail = format!("Today is {today}; {said} is mistyped, or the clock that says it is wrong.");
    Err(Refusal::field(field, detail))
}

const DAY_MS: u64 = 24 * 3_600_000;
const BEFORE_MS: u64 = limits::DAYS_BEFORE * DAY_MS;
const AHEAD_MS: u64 = limits::DAYS_AHEAD * DAY_MS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_can_only_be_mistyped_is_refused_by_the_field_that_says_it() {
        let now = Millis::parse("2026-11-28T12:00:00Z").unwrap();
        let cases = [
            (Some("2026-11-28"), None, None),
            // a till that tells its week late, a shop that brings years of history, the date ahead of UTC
            (Some("2026-11-01"), None, None),
            (Some("2017-03-05"), None, None),
            (Some("2026-12-05"), None, None),
            (Some("1999-01-01"), None, Some("business_date")),
            (Some("2099-01-01"), None, Some("business_date")),
            (Some("2027-11-28"), None, Some("business_date")),
            (None, Some("2026-11-28T11:00:00Z"), None),
            (None, Some("2099-11-28T11:00:00Z"), Some("occurred_at")),
            (Some("2026-11-28"), Some("2099-11-28T11:00:00Z"), None),
            (None, None, None),
        ];
        for (day, occurred, field) in cases {
            let (said, at) =
                (day.map(|day| Day::parse(day).unwrap()), occurred.map(|at| Millis::parse(at).unwrap()));
            let refusal = check_day(said, at, now).err();
            assert_eq!(refusal.and_then(|refusal| refusal.field).as_deref(), field, "{day:?} {occurred:?}");
        }
    }
}
