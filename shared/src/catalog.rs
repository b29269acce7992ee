//! The catalog: every outlet, currency, program, level, rule and policy, as one numbered immutable version.
//!
//! [`document`] is what people write and read; [`Catalog`] is the same, checked as a whole and compiled once per version
//! into what the rules look up. A catalog's identity is the hash of its stored bytes; its number is an alias.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::{Code, CurrencyId, Hash, OutletId, ProgramId};
use crate::money::{CurrencyCode, Money};
use crate::points::Points;
use crate::time::{Day, Millis};

pub mod action;
pub mod cards;
pub mod compile;
pub mod conversion;
pub mod document;
pub mod earning;
pub mod expiry;
pub mod pricing;
pub mod reward;
mod room;
pub mod term;
pub mod tier;

use document::Document;
use document::currency::CurrencyKind;
use document::policy::{Elsewhere, Granting, OfflineMode};

/// The identity of a catalog version: blake3 of its stored bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct CatalogHash(pub Hash);

/// The lasting numbers behind the codes, never used twice.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Numbers {
    /// Currencies by code.
    pub currencies: BTreeMap<Code, CurrencyId>,
    /// Programs by code.
    pub programs: BTreeMap<Code, ProgramId>,
    /// Outlets by code.
    pub outlets: BTreeMap<Code, OutletId>,
}

/// What is stored, hashed and sent of a version, as JSON.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Version {
    /// 1, 2, 3 …; zero is the empty catalog before the first.
    pub version: u64,
    /// What people wrote.
    pub document: Document,
    /// The numbers behind the codes.
    pub numbers: Numbers,
}

/// One catalog version, compiled.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// Its identity.
    pub hash: CatalogHash,
    /// Its number, and what was written.
    pub version: Version,
    /// Outlets by number.
    pub outlets: BTreeMap<OutletId, Outlet>,
    /// Currencies by number.
    pub currencies: BTreeMap<CurrencyId, Currency>,
    /// Programs by number.
    pub programs: BTreeMap<ProgramId, Program>,
    /// What points of one currency become in another, in the order written.
    pub conversions: Vec<conversion::Conversion>,
}

/// A shop.
#[derive(Clone, Debug)]
pub struct Outlet {
    /// Its number.
    pub id: OutletId,
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// Where its days begin and end.
    pub zone: Tz,
    /// The money it sells in.
    pub currency: CurrencyCode,
}

/// A points currency.
#[derive(Clone, Debug)]
pub struct Currency {
    /// Its number.
    pub id: CurrencyId,
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// Whether it can be spent.
    pub kind: CurrencyKind,
    /// Decimal places of one point.
    pub scale: u8,
    /// What one whole point is worth.
    pub cash_value: Option<Money>,
    /// When its points expire; `None` is never.
    pub expiry: Option<expiry::Expiry>,
    /// After how long without activity all that is left expires; `None` is never.
    pub inactive: Option<expiry::Span>,
    /// After how many days earned points can be spent.
    pub vesting_days: u32,
    /// The most that an account takes ([`Currency::check_room`]); `None` is no limit.
    pub greatest: Option<Points>,
}

impl Currency {
    /// What some points are worth, rounded down to the money's scale; `None` for points without a cash value.
    pub fn worth(&self, points: Points) -> Option<Money> {
        let value = self.cash_value?;
        let whole = Decimal::from_i128_with_scale(i128::from(points.0), u32::from(self.scale));
        let amount = whole.checked_mul(value.amount)?;
        let amount =
            amount.round_dp_with_strategy(value.currency.scale(), rust_decimal::RoundingStrategy::ToZero);
        Some(Money { amount, currency: value.currency })
    }
}

/// A loyalty program.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its number.
    pub id: ProgramId,
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// Its colour on the pages, such as `#0b6e4f`.
    pub color: String,
    /// Where its logo is.
    pub logo: Option<String>,
    /// Whether it is over: no new members, no points given.
    pub retired: bool,
    /// After how long personal data of former members are erased; `None` is never.
    pub retention: Option<expiry::Span>,
    /// The customers, by their number in another system, who alone can be enrolled.
    pub pilot: Option<BTreeSet<String>>,
    /// Where its days begin and end.
    pub zone: Tz,
    /// Where it applies; `None` is everywhere.
    pub outlets: Option<BTreeSet<OutletId>>,
    /// Its currencies, the first one that of points-to-cash.
    pub currencies: Vec<CurrencyId>,
    /// Levels by rising threshold; the first is at zero.
    pub levels: Vec<Level>,
    /// Its ladders of levels with how a membership climbs them: the first is that of its own levels.
    pub tiers: Vec<tier::Tier>,
    /// How points are turned into cash; `None` where they are not.
    pub redemption: Option<Redemption>,
    /// How far a till with no line is trusted.
    pub offline: OfflinePolicy,
    /// Who bears what was overdrawn.
    pub overdraft: OverdraftPolicy,
    /// Categories whose lines earn nothing, unless a rule names them.
    pub not_earning: BTreeSet<String>,
    /// Its earning rules, in the order written.
    pub rules: earning::Rules,
    /// Its campaigns, in the order in which they are taken.
    pub campaigns: Vec<earning::Campaign>,
    /// What lines cost its members.
    pub pricing: pricing::Pricing,
    /// What its points buy, by code.
    pub rewards: Vec<reward::Reward>,
    /// How long a membership lasts and what it costs.
    pub term: term::Term,
    /// What is kept of a membership beyond what every one has.
    pub attributes: Vec<crate::member::attribute::Declared>,
    /// Which codes its cards bear.
    pub cards: cards::Written,
}

/// A level (member class).
#[derive(Clone, Debug)]
pub struct Level {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// From how much of what counts a member has it.
    pub threshold: Points,
    /// What earned points are multiplied with where a rule says so.
    pub multiplier: Decimal,
    /// Named entitlements.
    pub benefits: Vec<String>,
}

/// Points to cash.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// Fewest points at once.
    pub minimum: Points,
    /// Points come in multiples of this; zero is any amount.
    pub step: Points,
    /// Most points at once.
    pub maximum: Option<Points>,
    /// The largest share of the basket that points may pay, 0 to 1.
    pub maximum_share: Decimal,
}

/// The dial: how far a till with no line is trusted, and the caps on it. A limit that is `None` is no limit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OfflinePolicy {
    /// The dial's setting.
    pub mode: OfflineMode,
    /// Points in one redemption.
    pub per_redemption: Option<Points>,
    /// Points of one account at one till within `per_member_hours`.
    pub per_member: Option<Points>,
    /// The window of `per_member`, in hours.
    pub per_member_hours: u32,
    /// Points at one till since its last contact with the server.
    pub till_points: Option<Points>,
    /// Redemptions at one till since its last contact with the server.
    pub till_count: Option<u32>,
    /// The oldest balance that is trusted, in hours.
    pub balance_age_hours: Option<u32>,
    /// The largest share of the known balance, 0 to 1.
    pub balance_share: Decimal,
    /// Levels that may; `None` is all.
    pub levels: Option<BTreeSet<Code>>,
    /// Labels that may not.
    pub deny_labels: BTreeSet<String>,
    /// What is reserved for tills.
    pub rights: RightsPolicy,
}

/// What is reserved for tills, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RightsPolicy {
    /// To which tills.
    pub grant: Granting,
    /// The share of the balance that is reserved in all, above 0 up to 1.
    pub share: Decimal,
    /// From how many of the last visits the usual outlets are learnt.
    pub visits: u32,
    /// The most that is reserved of one account in all.
    pub most: Option<Points>,
    /// For how long its holder may spend a right, in hours.
    pub hours: u32,
    /// For how long after that the server leaves it, in hours.
    pub grace_hours: u32,
    /// What becomes of a redemption elsewhere that rights stand in the way of.
    pub elsewhere: Elsewhere,
}

impl OfflinePolicy {
    /// To which tills points are reserved.
    pub fn grants(&self) -> Granting {
        self.rights.grant
    }

    /// Whether a till may spend its own rights with no line.
    pub fn reserves(&self) -> bool {
        matches!(self.mode, OfflineMode::Reserved | OfflineMode::ReservedPlusAllowance)
    }

    /// Whether a till may redeem beyond its rights with no line, within the caps.
    pub fn allows_beyond(&self) -> bool {
        matches!(self.mode, OfflineMode::Trust | OfflineMode::ReservedPlusAllowance)
    }
}

/// Who bears what was overdrawn: for each authority a waterfall, which always ends in an outlet or the program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OverdraftPolicy {
    /// For redemptions within the policy of a till without a line.
    pub offline: Vec<Bearer>,
    /// For redemptions under a right or hold that was gone.
    pub late: Vec<Bearer>,
    /// For redemptions beyond the policy.
    pub forced: Vec<Bearer>,
    /// Shortfalls above this are offered to a person.
    pub review_over: Option<Points>,
    /// A till silent for longer than this is not waited for, in hours.
    pub longest_wait_hours: u32,
    /// After so many days the program takes over what a member owes; `None` is never.
    pub write_off_days: Option<u32>,
}

/// One step of a waterfall.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Bearer {
    /// The member owes it, up to so many points in all.
    MemberDebt(Points),
    /// The outlet that let it through.
    Outlet,
    /// The program.
    Program,
    /// Nobody: the redemption is undone, as far as what it bought can still be taken back; else the next step takes it.
    Reverse,
}

impl Catalog {
    /// An outlet by code.
    pub fn outlet(&self, code: &str) -> Option<&Outlet> {
        self.outlets.values().find(|outlet| outlet.code.as_str() == code)
    }

    /// Today in a program's time zone; in head office's where there is no such program.
    pub fn today(&self, program: ProgramId, now: Millis) -> Day {
        now.day(self.zone_of(program))
    }

    /// A program's time zone; head office's where there is no such program.
    pub fn zone_of(&self, program: ProgramId) -> Tz {
        self.programs.get(&program).map_or_else(|| self.office_zone(), |program| program.zone)
    }

    /// In which time zone head office counts days where nothing else says: its first program's; UTC before there is one.
    pub fn office_zone(&self) -> Tz {
        self.programs.values().next().map_or(chrono_tz::UTC, |program| program.zone)
    }

    /// A program by code.
    pub fn program(&self, code: &str) -> Option<&Program> {
        self.programs.values().find(|program| program.code.as_str() == code)
    }

    /// A currency by code.
    pub fn currency(&self, code: &str) -> Option<&Currency> {
        self.currencies.values().find(|currency| currency.code.as_str() == code)
    }
}

impl Program {
    /// Whether it applies at an outlet.
    pub fn here(&self, outlet: OutletId) -> bool {
        self.outlets.as_ref().is_none_or(|outlets| outlets.contains(&outlet))
    }

    /// Whether a rule or a campaign gives a member no more than so much.
    pub fn is_capped(&self) -> bool {
        self.rules.are_capped() || self.campaigns.iter().any(|campaign| campaign.caps.any())
    }

    /// The level with this code, or the first one.
    pub fn level(&self, code: &str) -> Option<&Level> {
        self.levels.iter().find(|level| level.code.as_str() == code).or(self.levels.first())
    }
}
