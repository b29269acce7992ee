//! What is told to members and to other systems: templates, webhooks, and the outbox of notices.
//!
//! A notice holds nothing personal: whom it goes to and what it says is worked out when it is sent, so that erasing a
//! customer leaves nothing of them here.

use serde::{Deserialize, Serialize};
use shared::ids::{Code, CustomerId, Dot, MembershipId};
use shared::member::Channel;
use shared::time::Millis;
use uuid::Uuid;

/// On what occasion something is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum NoticeKind {
    /// A membership came to another level.
    LevelChange,
    /// Points will expire.
    Expiry,
    /// A membership began.
    Enrolment,
    /// Points were redeemed.
    Redemption,
    /// Somebody at the office writes to a segment.
    Message,
    /// A rule was met that writes to the member.
    Rule,
    /// A rule was met that calls webhooks.
    Action,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::LevelChange,
        Self::Expiry,
        Self::Enrolment,
        Self::Redemption,
        Self::Message,
        Self::Rule,
        Self::Action,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::LevelChange => "level_change",
            Self::Expiry => "expiry",
            Self::Enrolment => "enrolment",
            Self::Redemption => "redemption",
            Self::Message => "message",
            Self::Rule => "rule",
            Self::Action => "action",
        }
    }

    /// The kind that a word names.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A template.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TemplateRow {
    /// Its code.
    pub code: Code,
    /// The program in whose name it writes.
    pub program: Code,
    /// On what occasion.
    pub kind: NoticeKind,
    /// In which way.
    pub channel: Channel,
    /// Who writes.
    pub from: String,
    /// To whom; `None` is to the customer.
    pub to: Option<String>,
    /// Language, subject and body; the first is for whoever reads none of the languages.
    pub texts: Vec<(String, String, String)>,
    /// How many days before points expire.
    pub days_before: u32,
    /// Whether it is sent.
    pub enabled: bool,
    /// Rises with every change.
    pub version: u64,
}

/// Another system that is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WebhookRow {
    /// Its id.
    pub id: Uuid,
    /// Where it is told.
    pub url: String,
    /// Of what: kinds by their words, `action:` with the name of one, and `sms` or `push`.
    pub events: Vec<String>,
    /// What signatures are made with.
    pub secret: String,
    /// Whether it is told.
    pub enabled: bool,
    /// Rises with every change.
    pub version: u64,
}

/// By which way a notice goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Via {
    /// To a person, by a template.
    Person(Channel),
    /// To a webhook that hears of such events.
    Webhook(Uuid),
    /// To such a webhook, in one call with others that are due then.
    Batch(Uuid),
}

/// Where a notice stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum NoticeState {
    /// It is to be sent at `next_at`.
    Waiting,
    /// It was taken by whom it was sent to.
    Sent,
    /// It was tried too often, or refused for good.
    Failed,
    /// It is not sent: nobody to send it to, or they do not want it.
    Dropped,
}

impl NoticeState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }

    /// The state that a word names.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Sent, Self::Failed, Self::Dropped].into_iter().find(|it| it.word() == word)
    }
}

/// One notice of the outbox, under an id that its cause gives it: the same cause makes it once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NoticeRow {
    /// Its id.
    pub id: Uuid,
    /// On what occasion.
    pub kind: NoticeKind,
    /// By which way.
    pub via: Via,
    /// By which template.
    pub template: Option<Code>,
    /// The program.
    pub program: Code,
    /// Of whom.
    pub customer: CustomerId,
    /// Of which membership.
    pub membership: MembershipId,
    /// What there is to say, by variable; nothing personal.
    pub values: Vec<(String, String)>,
    /// When that happened which it tells of.
    pub at: Millis,
    /// When it was put here.
    pub made_at: Millis,
    /// Where it stands.
    pub state: NoticeState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Millis,
    /// What went wrong last, or why it was dropped.
    pub error: Option<String>,
    /// When it was sent, dropped or given up.
    pub ended_at: Option<Millis>,
}

/// What happened to a membership that notices may tell of, noted in the transaction that did it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Cause {
    /// It is new.
    Made {
        /// Which.
        membership: MembershipId,
        /// The entry that brought it.
        by: Option<Dot>,
    },
    /// Its level is another.
    Level {
        /// Which.
        membership: MembershipId,
        /// The level before.
        from: Code,
        /// The level now.
        to: Code,
        /// The entry that brought it.
        by: Option<Dot>,
        /// When.
        at: Millis,
    },
    /// A rule was met that tells somebody.
    Rule {
        /// By whom.
        membership: MembershipId,
        /// The rule.
        rule: Code,
        /// What met it.
        of: Dot,
        /// Its receipt's number.
        receipt: String,
        /// Where that was.
        outlet: String,
        /// When.
        at: Millis,
        /// Who is told.
        tells: Tells,
        /// Whether what met it came back.
        undone: bool,
    },
}

/// Who is told when a rule is met.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Tells {
    /// The member, by a template.
    Member(Code),
    /// Webhooks that hear of this action, gathered over so many minutes; 0 is at once.
    Webhooks(Code, u32),
}

/// A message to a segment: notices are made of it some members at a time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MessageRow {
    /// Its id.
    pub id: Uuid,
    /// The first bytes of the request's hash: a repeat has the same.
    pub body: u64,
    /// The template.
    pub template: Code,
    /// Members of these levels; none is all.
    pub levels: Vec<String>,
    /// Members with these labels; none is all.
    pub labels: Vec<String>,
    /// The last membership that was looked at.
    pub after: Option<MembershipId>,
    /// Notices made of it.
    pub made: u64,
    /// Whether all were looked at.
    pub done: bool,
    /// When it was asked for.
    pub at: Millis,
}
