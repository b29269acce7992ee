//! What members and other systems are told: notifications, their templates, webhooks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `/api/notification-templates`: what is written on one occasion, in a program's name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationTemplate {
    /// Its code.
    pub code: String,
    /// The program's code.
    pub program: String,
    /// On what occasion: `level_change`, `expiry`, `enrolment`, `redemption`, `rule` (when a rule says so), or
    /// `message` (when somebody sends it).
    pub kind: String,
    /// `email`, `sms` or `push`; the last two go to the webhook that takes them.
    pub channel: String,
    /// Who writes: of an e-mail an address such as `Standard Rewards <rewards@example.com>`, else a sender's name.
    pub from: String,
    /// To whom; left out, to the customer. An address of the house, where it is told instead.
    #[serde(default)]
    pub to: Option<String>,
    /// What is written. A customer reads the text in their language, else the first.
    pub texts: Vec<NotificationText>,
    /// How many days before points expire; of the kind `expiry` only, 30 where left out.
    #[serde(default)]
    pub days_before: Option<u32>,
    /// Whether it is sent; a template that rests is kept.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The version to send back with a change.
    #[serde(default)]
    pub version: Option<u64>,
}

fn yes() -> bool {
    true
}

/// A template's text in one language. `{{name}}` stands for a variable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationText {
    /// A language's tag, such as `en` or `ms`.
    pub language: String,
    /// The subject; of an e-mail only.
    #[serde(default)]
    pub subject: String,
    /// The text.
    pub body: String,
}

/// `/api/webhooks`: another system that is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its id; the server's answers only.
    #[serde(default)]
    pub id: Option<String>,
    /// Where it is told, by `POST`.
    pub url: String,
    /// What it is told of: `level_change`, `expiry`, `enrolment`, `redemption`; `action` (what rules call webhooks for),
    /// or `action:` with the name of one; and `sms` or `push`, where it sends them.
    pub events: Vec<String>,
    /// What its signatures are made with: given, or made by the server and told once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Whether it is told.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The version to send back with a change.
    #[serde(default)]
    pub version: Option<u64>,
}

/// What a webhook is sent. The header `Tillkeep-Signature: t=<seconds>,v1=<hex>` holds HMAC-SHA256 under its secret over
/// the seconds, a dot and the body.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookBody {
    /// The notification's id: the same however often it is sent.
    pub id: String,
    /// What it is about.
    pub event: String,
    /// When that happened.
    pub at: String,
    /// The program's code.
    pub program: String,
    /// The membership.
    pub membership_id: String,
    /// The customer.
    pub customer_id: String,
    /// What there is to say, by variable.
    pub values: BTreeMap<String, String>,
    /// To whom; of `sms` the phone, of `push` the customer's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Who writes; of `sms` and `push`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What is written; of `sms` and `push`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What a webhook is sent of actions that are gathered: signed as one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookBatch {
    /// Its id: the same as long as it holds the same.
    pub id: String,
    /// `batch`.
    pub event: String,
    /// What it gathers; each has the id under which it is sent once.
    pub items: Vec<WebhookBody>,
}

/// One notification.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// Its id.
    pub id: String,
    /// On what occasion.
    pub kind: String,
    /// `email`, `sms`, `push` or `webhook`.
    pub channel: String,
    /// The program's code.
    pub program: String,
    /// Its template, where it has one.
    pub template: Option<String>,
    /// The webhook that is told, where it is one.
    pub webhook_id: Option<String>,
    /// The customer.
    pub customer_id: String,
    /// The membership.
    pub membership_id: String,
    /// `waiting`, `sent`, `failed` (it can be retried), or `dropped` (`error` says why).
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next; while it waits.
    pub next_at: Option<String>,
    /// What went wrong last.
    pub error: Option<String>,
    /// When that happened which it tells of.
    pub at: String,
    /// When it was sent, dropped or given up.
    pub ended_at: Option<String>,
    /// To whom, masked.
    pub to: Option<String>,
    /// What there is to say, by variable.
    pub values: BTreeMap<String, String>,
}

/// `POST /api/notifications`: a message to a segment of a program's members.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageRequest {
    /// A template of the kind `message`.
    pub template: String,
    /// Members of any of these levels; none is all.
    #[serde(default)]
    pub levels: Vec<String>,
    /// Members with any of these labels; none is all.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// A message to a segment, and how far it has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Its template.
    pub template: String,
    /// Levels.
    pub levels: Vec<String>,
    /// Labels.
    pub labels: Vec<String>,
    /// Notifications made of it so far.
    pub made: u64,
    /// Whether every member was looked at.
    pub done: bool,
}
