//! In whose days something is decided.

use chrono_tz::Tz;

use super::Context;
use crate::catalog::Catalog;
use crate::ids::ProgramId;
use crate::time::Day;
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
