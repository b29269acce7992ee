//! What is to be sent now, made whole from its template and its customer; and what became of it.

use std::collections::BTreeMap;

use shared::api::notice::{WebhookBatch, WebhookBody};
use shared::member::{self, Channel, Customer, Personal};
use shared::time::Millis;
use uuid::Uuid;

use super::text;
use crate::app::{App, Done, consents};
use crate::clock;
use crate::store::Read;
use crate::store::rows::notice::{NoticeRow, NoticeState, Via, WebhookRow};

/// After the first failure, in ms; twice as long after each one more.
const FIRST_MS: u64 = 2_000;
/// The longest wait, in ms: an hour.
const LONGEST_MS: u64 = 3_600_000;
/// Notices in one call, at the most: some hundred kilobytes of JSON.
const BATCH: usize = 500;
/// Tries until it is given up: with these waits, in a little less than a day.
const TRIES: u32 = 32;

/// An e-mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mail {
    /// The notice: its `Message-ID` is made of it, so that a second copy is known as one.
    pub id: Uuid,
    /// Who writes.
    pub from: String,
    /// To whom.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// A call of a webhook.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The notice.
    pub id: Uuid,
    /// Where.
    pub url: String,
    /// What it is signed with.
    pub secret: String,
    /// What it is about.
    pub event: String,
    /// JSON.
    pub body: String,
}

/// What is done with a notice that is due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Parcel {
    /// An e-mail is sent.
    Mail(Box<Mail>),
    /// A webhook is called.
    Call(Box<Call>),
    /// Nothing: there is nobody to send it to, or they do not want it.
    Nothing(String),
    /// It cannot be sent as things are; later, perhaps.
    Later(String),
}

/// What became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It was taken.
    Taken,
    /// It failed, and may be tried again.
    Failed(String),
    /// It was refused for good.
    Refused(String),
    /// It is not sent.
    Dropped(String),
}

/// Where a customer is written to, masked.
pub(super) fn masked(customer: &Customer, channel: Channel) -> Option<String> {
    match channel {
        Channel::Email => customer.email_masked.clone(),
        Channel::Sms => customer.phone_masked.clone(),
        Channel::Push => Some(customer.id.to_string()),
    }
}

/// Notices that are due, each with what is to be done; those that are gathered stand together.
pub fn due(app: &App, now: Millis, limit: usize) -> Done<Vec<(Vec<Uuid>, Parcel)>> {
    let books = app.read()?;
    let mut parcels = Vec::new();
    let mut gathered: Vec<Uuid> = Vec::new();
    for row in books.notices_due(now, limit)? {
        match row.via {
            Via::Batch(hook) if gathered.contains(&hook) => {}
            Via::Batch(hook) => {
                gathered.push(hook);
                parcels.push(batch(&*books, hook)?);
            }
            Via::Person(_) | Via::Webhook(_) => parcels.push((vec![row.id], packed(&*books, &row)?)),
        }
    }
    Ok(parcels)
}

/// All that waits for a webhook in one call, once any of it is due. Notices of customers who were erased meanwhile are in
/// none.
fn batch(books: &dyn Read, hook: Uuid) -> Done<(Vec<Uuid>, Parcel)> {
    let mut rows = books.notices_due(Millis(u64::MAX), BATCH * 4)?;
    rows.retain(|row| row.via == Via::Batch(hook));
    rows.truncate(BATCH);
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let Some(hook) = books.webhook(hook)?.filter(|hook| hook.enabled) else {
        return Ok((ids, Parcel::Nothing("The webhook is no longer told.".to_owned())));
    };
    let mut items = Vec::new();
    for row in &rows {
        if books.customer(row.customer)?.is_some_and(|customer| !customer.value.erased) {
            items.push(body(row, row.kind.word()));
        }
    }
    let names: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    let id = super::named(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let event = "batch".to_owned();
    let whole = WebhookBatch { id: id.to_string(), event: event.clone(), items };
    let body = serde_json::to_string(&whole).unwrap_or_default();
    Ok((ids, Parcel::Call(Box::new(Call { id, url: hook.url, secret: hook.secret, event, body }))))
}

fn packed(books: &dyn Read, row: &NoticeRow) -> Done<Parcel> {
    let customer = books.customer(row.customer)?.map(|row| row.value).filter(|customer| !customer.erased);
    let Some(customer) = customer else {
        return Ok(Parcel::Nothing("The customer was erased.".to_owned()));
    };
    match row.via {
        Via::Webhook(id) | Via::Batch(id) => Ok(match books.webhook(id)?.filter(|hook| hook.enabled) {
            Some(hook) => call(row, &hook, row.kind.word(), &body(row, row.kind.word())),
            None => Parcel::Nothing("The webhook is no longer told.".to_owned()),
        }),
        Via::Person(channel) if customer.opt_outs.contains(&channel) => {
            Ok(Parcel::Nothing(format!("The customer does not want to be written to by {}.", channel.word())))
        }
        Via::Person(_) if consents::is_withdrawn(books, row.membership)? => {
            Ok(Parcel::Nothing("The consent to this program was withdrawn.".to_owned()))
        }
        Via::Person(channel) => to_person(books, row, &customer, channel),
    }
}

fn to_person(books: &dyn Read, row: &NoticeRow, customer: &Customer, channel: Channel) -> Done<Parcel> {
    let code = row.template.as_ref().map_or("", |code| code.as_str());
    let Some(template) = books.template(code)? else {
        return Ok(Parcel::Nothing("Its template is no longer there.".to_owned()));
    };
    let personal = personal(books, customer)?;
    let to = match (&template.to, channel) {
        (Some(to), _) => Some(to.clone()),
        (None, Channel::Email) => personal.email.clone(),
        (None, Channel::Sms) => personal.phone.clone(),
        (None, Channel::Push) => Some(customer.id.to_string()),
    };
    let Some(to) = to.filter(|to| !to.trim().is_empty()) else {
        let what = if channel == Channel::Email { "e-mail address" } else { "phone number" };
        return Ok(Parcel::Nothing(format!("The customer has no {what}.")));
    };
    let value = |name: &str| match name {
        "name" => Some(customer.display_name.clone()),
        _ => row.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
    };
    let Some((_, subject, text)) = text::in_language(&template.texts, personal.language.as_deref()) else {
        return Ok(Parcel::Nothing("Its template has no text.".to_owned()));
    };
    let (subject, text) = (text::filled(subject, value), text::filled(text, value));
    if channel == Channel::Email {
        let (id, from) = (row.id, template.from);
        return Ok(Parcel::Mail(Box::new(Mail { id, from, to, subject, body: text })));
    }
    let takes = |hook: &WebhookRow| hook.enabled && hook.events.iter().any(|event| event == channel.word());
    let Some(hook) = books.webhooks()?.into_iter().find(takes) else {
        return Ok(Parcel::Later(format!("No webhook takes `{}`.", channel.word())));
    };
    let filled = WebhookBody {
        to: Some(to),
        from: Some(template.from),
        text: Some(text),
        ..body(row, channel.word())
    };
    Ok(call(row, &hook, channel.word(), &filled))
}

fn body(row: &NoticeRow, event: &str) -> WebhookBody {
    WebhookBody {
        id: row.id.to_string(),
        event: event.to_owned(),
        at: row.at.rfc3339(),
        program: row.program.to_string(),
        membership_id: row.membership.to_string(),
        customer_id: row.customer.to_string(),
        values: row.values.iter().cloned().collect::<BTreeMap<_, _>>(),
        to: None,
        from: None,
        text: None,
    }
}

fn call(row: &NoticeRow, hook: &WebhookRow, event: &str, body: &WebhookBody) -> Parcel {
    Parcel::Call(Box::new(Call {
        id: row.id,
        url: hook.url.clone(),
        secret: hook.secret.clone(),
        event: event.to_owned(),
        body: serde_json::to_string(body).unwrap_or_default(),
    }))
}

/// What a customer gave of themselves; nothing where it cannot be opened.
fn personal(books: &dyn Read, customer: &Customer) -> Done<Personal> {
    let (sealed, key) = (books.personal(customer.id)?, books.customer_key(customer.id)?);
    let opened = sealed.zip(key).and_then(|(sealed, key)| member::open(&sealed, customer.id, &key));
    Ok(opened.unwrap_or_default())
}

/// Notes what became of notices that went together.
pub async fn told(app: &App, ids: Vec<Uuid>, fate: Fate, now: Millis) -> Done<()> {
    let random = u64::from_le_bytes(clock::random());
    app.write(move |books| {
        for id in &ids {
            let waiting = books.notice(*id)?.filter(|row| row.state == NoticeState::Waiting);
            if let Some(row) = waiting {
                books.put_notice(&after(row, fate.clone(), now, random))?;
            }
        }
        Ok(())
    })
    .await
}

/// A notice after what became of it. `random` is any number.
fn after(row: NoticeRow, fate: Fate, now: Millis, random: u64) -> NoticeRow {
    let ended = |state, error| NoticeRow { state, error, ended_at: Some(now), ..row.clone() };
    let attempts = row.attempts.saturating_add(1);
    match fate {
        Fate::Taken => NoticeRow { attempts, ..ended(NoticeState::Sent, None) },
        Fate::Dropped(why) => ended(NoticeState::Dropped, Some(why)),
        Fate::Refused(why) => NoticeRow { attempts, ..ended(NoticeState::Failed, Some(why)) },
        Fate::Failed(why) if attempts >= TRIES => {
            NoticeRow { attempts, ..ended(NoticeState::Failed, Some(why)) }
        }
        Fate::Failed(why) => {
            let next_at = now.after(wait_ms(row.attempts, random));
            NoticeRow { attempts, next_at, error: Some(why), ..row }
        }
    }
}

/// How long to wait after so many failures before this one, in ms: twice as long each time, between half and all of it,
/// so that what failed together is not all tried together.
fn wait_ms(failures: u32, random: u64) -> u64 {
    let full = FIRST_MS.saturating_mul(1 << failures.min(20)).min(LONGEST_MS);
    full / 2 + random % (full / 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_with_jitter_and_stay_within_the_longest() {
        for failures in 0..40 {
            let (least, most) = (wait_ms(failures, 0), (0..99).map(|n| wait_ms(failures, n * 7_919)).max());
            assert!(least >= FIRST_MS / 2 && most.is_some_and(|most| most <= LONGEST_MS), "{failures}");
        }
        assert_eq!(wait_ms(0, 0), 1_000);
        assert_eq!(wait_ms(3, 0), 8_000);
        assert_eq!(wait_ms(30, 0), LONGEST_MS / 2);
    }
}
