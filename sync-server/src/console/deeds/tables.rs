//! The tables of fields of the deeds.

use crate::console::forms::tables::Sort;
use crate::console::forms::{Kind, Spec, may, must};

/// All deeds, in the order in which they are offered.
pub(super) const DEEDS: [Sort; 11] = [
    deed("adjust", &[ADJUST], "{}"),
    deed("transfer", &[TRANSFER, CONSENT], CONSOLE),
    deed("merge", &[MERGE, CONSENT], CONSOLE),
    deed("join", &[JOIN, CONSENT], CONSOLE),
    deed("split", &[SPLIT, CONSENT], CONSOLE),
    deed("card-report", &[REPORT], r#"{"status": "lost"}"#),
    deed("card-replace", &[REPLACE], "{}"),
    deed("card-add", &[ADD], "{}"),
    deed("card-back", &[ADD], "{}"),
    deed("consent-give", &[AGREE], r#"{"channel": "console"}"#),
    deed(WITHDRAW, &[AGREE], r#"{"channel": "console"}"#),
];

/// Consent is given here, unless something else is said.
const CONSOLE: &str = r#"{"kind": "shared", "consent": {"channel": "console"}}"#;

/// Withdrawing a consent, which is offered beside each that stands.
pub(super) const WITHDRAW: &str = "consent-withdraw";

const fn deed(name: &'static str, table: &'static [&'static [Spec]], blank: &'static str) -> Sort {
    Sort { name, list: "", table, blank }
}

const ADJUST: &[Spec] =
    &[must("currency", Kind::Ref("currencies")), must("points", Kind::Decimal), must("reason", Kind::Text)];

const TRANSFER: &[Spec] = &[
    must("to", Kind::Text),
    must("currency", Kind::Ref("currencies")),
    must("points", Kind::Decimal),
    may("reason", Kind::Text),
];

const MERGE: &[Spec] = &[must("from", Kind::Text), may("reason", Kind::Text)];

const JOIN: &[Spec] =
    &[must("with", Kind::Text), must("kind", Kind::Choice(&["shared", "group"])), may("reason", Kind::Text)];

const SPLIT: &[Spec] =
    &[may("currency", Kind::Ref("currencies")), may("points", Kind::Decimal), may("reason", Kind::Text)];

const CONSENT: &[Spec] = &[may("consent.text_version", Kind::Text), may("consent.channel", Kind::Text)];

const REPORT: &[Spec] =
    &[must("code", Kind::Text), must("status", Kind::Choice(&["lost", "stolen", "damaged"]))];

const REPLACE: &[Spec] = &[must("old", Kind::Text), must("code", Kind::Text), may("reason", Kind::Text)];

const ADD: &[Spec] = &[must("code", Kind::Text), may("reason", Kind::Text)];

const AGREE: &[Spec] = &[
    must("text_version", Kind::Text),
    must("channel", Kind::Choice(&["console", "paper", "phone", "email", "web"])),
    may("at", Kind::Date),
    may("reason", Kind::Text),
];
