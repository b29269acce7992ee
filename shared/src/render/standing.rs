//! Levels: where a membership stands, what counts, and what is missing to the next.

use crate::api::member as out;
use crate::catalog::Catalog;
use crate::catalog::tier::Over;
use crate::level::Standing;
use crate::points::Points;

/// An amount of what counts.
pub fn amount(standing: &Standing<'_>, points: Points, catalog: &Catalog) -> String {
    let currency = catalog.currencies.get(&standing.tier.currency);
    points.format(currency.map_or(0, |currency| currency.scale))
}

/// The level, with how it stands on its ladder.
pub fn level(standing: &Standing<'_>, catalog: &Catalog) -> out::Level {
    let level = standing.level;
    out::Level {
        code: level.code.to_string(),
        name: level.name.clone(),
        multiplier: level.multiplier.normalize().to_string(),
        benefits: level.benefits.clone(),
        group: standing.tier.code.as_ref().map(ToString::to_string),
        until: standing.until.map(|until| until.to_string()),
        qualifier: Some(qualifier(standing, catalog)),
        qualified: Some(amount(standing, standing.qualified, catalog)),
        next: next(standing, catalog),
    }
}

/// What counts.
pub fn qualifier(standing: &Standing<'_>, catalog: &Catalog) -> out::Qualifier {
    let tier = standing.tier;
    let currency = catalog.currencies.get(&tier.currency);
    out::Qualifier {
        kind: tier.counts.clone(),
        unit: currency.map_or_else(String::new, |currency| currency.code.to_string()),
        window: (tier.over != Over::Ever).then(|| tier.over.to_string()),
    }
}

/// What comes next.
pub fn next(standing: &Standing<'_>, catalog: &Catalog) -> Option<out::NextLevel> {
    let (level, needed) = standing.next?;
    Some(out::NextLevel {
        code: level.code.to_string(),
        name: level.name.clone(),
        needed: amount(standing, needed, catalog),
    })
}
