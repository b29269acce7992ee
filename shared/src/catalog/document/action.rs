//! What a rule does beside giving points.

use serde::{Deserialize, Serialize};

use crate::ids::Code;

/// What a rule does to the membership that meets it. A rule that gives 0 points does this alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Gives it a level: it is held at least so long.
    Level {
        /// The level, of the program's own or of a tier group's.
        level: Code,
        /// So many days from the business day on, that day being the first; left out, until it is taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        days: Option<u32>,
    },
    /// Puts labels on and takes some off.
    Label {
        /// On.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        add: Vec<String>,
        /// Off.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remove: Vec<String>,
    },
    /// Sets an attribute that the program declares.
    Attribute {
        /// Which.
        code: Code,
        /// To what, as a text; `null` takes it away.
        value: Option<String>,
    },
    /// Gives a voucher. A return after which the rule is no longer met takes what is left of it back.
    Voucher {
        /// The reward of the program that gives vouchers.
        reward: Code,
    },
    /// Writes to the member.
    Notify {
        /// The notification template, of the kind `rule`; where there is none, nothing is sent.
        template: Code,
    },
    /// Calls the webhooks that hear of `action`, or of `action:<its name>`. A return after which the rule is no longer met
    /// calls them again, with `undone`.
    Webhook {
        /// Its name.
        action: Code,
        /// Left out, each is called as soon as the server knows of it; else what came in so many minutes is sent as one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        every_minutes: Option<u32>,
    },
}
