//! The form of a program, the longest of all.

use super::tables::{EACH, SPAN};
use super::{Kind, Spec, Table, column, loose, may, must, section};

/// Its fields.
pub(super) const TABLE: Table = &[PROGRAM, LEVELS, REDEEMING, DIAL, OVERDRAFT, MEMBERSHIP];

/// A new one: one level, and no redeeming without a line.
pub(super) const BLANK: &str = r##"{"color": "#0b6e4f", "style": "points_accrued", "not_earning": ["gift-card", "account-settlement"],
    "levels": [{"code": "member", "name": "Member", "threshold": "0", "multiplier": "1"}],
    "redemption": {"minimum": "100", "step": "100", "maximum_share": "1"},
    "offline": {"mode": "refuse", "per_member_hours": 24, "balance_share": "1"},
    "overdraft": {"offline": ["program"], "late": ["program"], "forced": ["outlet"], "longest_wait_hours": 72},
    "term": {"renewal": "manual"}}"##;

const PROGRAM: &[Spec] = &[
    section("s.what"),
    must("code", Kind::Own),
    must("name", Kind::Text),
    must("color", Kind::Text),
    may("logo", Kind::Text),
    must("time_zone", Kind::Text),
    must("currencies", Kind::Codes("currencies")),
    may("outlets", Kind::AllOr("outlets")),
    may("not_earning", Kind::Texts),
    may("pilot", Kind::Texts),
    may("retired", Kind::Flag),
    may("retention", SPAN),
    must("retention.days", Kind::Whole),
    must("retention.months", Kind::Whole),
    must("retention.years", Kind::Whole),
];

const LEVELS: &[Spec] = &[
    section("s.levels"),
    must("style", Kind::Choice(&["points_accrued", "spend", "custom_qualifier"])),
    may("qualifier.currency", Kind::Ref("currencies")),
    may("qualifier.per", Kind::Money),
    may("qualifier.each", EACH),
    must("qualifier.each.activity", Kind::Code),
    may("window", Kind::Tag { words: &[], shapes: &["days", "months", "years", "calendar"] }),
    must("window.days", Kind::Whole),
    must("window.months", Kind::Whole),
    must("window.years", Kind::Whole),
    must("window.calendar", Kind::Choice(&["month", "quarter", "year"])),
    may("level_rules.evaluate", Kind::Choice(&["midnight", "at_once"])),
    may("level_rules.fall", Kind::Choice(&["daily", "month_end", "quarter_end", "year_end", "never"])),
    may("level_rules.grace_days", Kind::Whole),
    may("level_rules.one_at_a_time", Kind::Flag),
    may(
        "levels",
        Kind::Rows(&[
            column("code", Kind::Code),
            column("name", Kind::Text),
            column("threshold", Kind::Decimal),
            loose("multiplier", Kind::Decimal),
            loose("benefits", Kind::Texts),
        ]),
    ),
    may("tier_groups", Kind::Ladders),
];

const REDEEMING: &[Spec] = &[
    section("s.redemption"),
    may("redemption", Kind::Has),
    may("redemption.minimum", Kind::Decimal),
    may("redemption.step", Kind::Decimal),
    may("redemption.maximum", Kind::Decimal),
    may("redemption.maximum_share", Kind::Decimal),
    may("redemption.excluded_categories", Kind::Texts),
];

const DIAL: &[Spec] = &[
    section("s.dial"),
    must("offline.mode", Kind::Choice(&["refuse", "reserved", "reserved_plus_allowance", "trust"])),
    may("offline.per_redemption", Kind::Decimal),
    may("offline.per_member", Kind::Decimal),
    may("offline.per_member_hours", Kind::Whole),
    may("offline.till_points", Kind::Decimal),
    may("offline.till_count", Kind::Whole),
    may("offline.balance_age_hours", Kind::Whole),
    may("offline.balance_share", Kind::Decimal),
    may("offline.levels", Kind::AllOr("levels")),
    may("offline.deny_labels", Kind::Texts),
    may("offline.rights", Kind::Has),
    may("offline.rights.grant", Kind::Choice(&["none", "usual", "on_demand"])),
    may("offline.rights.share", Kind::Decimal),
    may("offline.rights.visits", Kind::Whole),
    may("offline.rights.most", Kind::Decimal),
    may("offline.rights.hours", Kind::Whole),
    may("offline.rights.grace_hours", Kind::Whole),
    may("offline.rights.elsewhere", Kind::Choice(&["refuse", "allowance"])),
];

const OVERDRAFT: &[Spec] = &[
    section("s.overdraft"),
    must("overdraft.offline", Kind::Bearers),
    must("overdraft.late", Kind::Bearers),
    must("overdraft.forced", Kind::Bearers),
    may("overdraft.review_over", Kind::Decimal),
    may("overdraft.longest_wait_hours", Kind::Whole),
    may("overdraft.write_off_days", Kind::Whole),
];

const MEMBERSHIP: &[Spec] = &[
    section("s.term"),
    may("term.confirmed", Kind::Flag),
    may("term.fee", Kind::Money),
    may("term.length", SPAN),
    must("term.length.days", Kind::Whole),
    must("term.length.months", Kind::Whole),
    must("term.length.years", Kind::Whole),
    may("term.ends", Kind::Date),
    may("term.renewal", Kind::Choice(&["manual", "automatic"])),
    may("term.grace_days", Kind::Whole),
    may("cards", Kind::Has),
    may("cards.standard", Kind::Choice(&["text", "ean13", "luhn", "code128", "qr"])),
    may("cards.prefix", Kind::Text),
    may(
        "attributes",
        Kind::Rows(&[
            column("code", Kind::Code),
            column("name", Kind::Text),
            column("kind", Kind::Choice(&["text", "number", "flag", "date"])),
        ]),
    ),
];
