//! Templates: what is written on which occasion, in a program's name.

use lettre::message::Mailbox;
use shared::api::notice::{NotificationTemplate, NotificationText};
use shared::decide::enrol::check_language;
use shared::ids::Code;
use shared::limits;
use shared::member::Channel;
use shared::refusal::Problem;

use super::{kind_of, may_see, text};
use crate::app::{App, AppError, Done, Who, audit, catalog, members};
use crate::clock;
use crate::store::Read;
use crate::store::rows::notice::{NoticeKind, TemplateRow};

/// Days before points expire at which that is told, where the template does not say.
pub const DAYS_BEFORE: u32 = 30;

/// All templates of the programs that the caller may see.
pub fn list(app: &App, who: &Who) -> Done<Vec<NotificationTemplate>> {
    let catalog = app.catalog()?;
    let rows = app.read()?.templates()?;
    Ok(rows.iter().filter(|row| may_see(who, &catalog, row.program.as_str())).map(shown).collect())
}

/// One template.
pub fn get(app: &App, who: &Who, code: &str) -> Done<NotificationTemplate> {
    let found = app.read()?.template(code)?;
    let found = found.filter(|row| app.catalog().is_ok_and(|it| may_see(who, &it, row.program.as_str())));
    found.as_ref().map(shown).ok_or_else(|| missing(code))
}

fn missing(code: &str) -> AppError {
    AppError::not_found(&format!("notification template `{code}`"))
}

fn shown(row: &TemplateRow) -> NotificationTemplate {
    let texts = row.texts.iter().cloned();
    NotificationTemplate {
        code: row.code.to_string(),
        program: row.program.to_string(),
        kind: row.kind.word().to_owned(),
        channel: row.channel.word().to_owned(),
        from: row.from.clone(),
        to: row.to.clone(),
        texts: texts.map(|(language, subject, body)| NotificationText { language, subject, body }).collect(),
        days_before: (row.kind == NoticeKind::Expiry).then_some(row.days_before),
        enabled: row.enabled,
        version: Some(row.version),
    }
}

/// Adds a template.
pub async fn create(app: &App, who: &Who, asked: &NotificationTemplate) -> Done<NotificationTemplate> {
    put(app, who, asked, None).await
}

/// Replaces a template; a stale version is refused.
pub async fn update(
    app: &App,
    who: &Who,
    code: &str,
    asked: &NotificationTemplate,
) -> Done<NotificationTemplate> {
    if asked.code != code {
        return Err(AppError::field("code", "A code stays; make a new template instead."));
    }
    put(app, who, asked, Some(code.to_owned())).await
}

async fn put(
    app: &App,
    who: &Who,
    asked: &NotificationTemplate,
    replaces: Option<String>,
) -> Done<NotificationTemplate> {
    let (by, wanted) = (who.clone(), asked.clone());
    let now = clock::now();
    app.write(move |books| {
        let row = read(books.as_read(), &by, &wanted)?;
        let held = books.template(row.code.as_str())?;
        let action = match (&replaces, &held) {
            (None, Some(_)) => {
                let detail = format!("There is a template `{}` already.", row.code);
                return Err(AppError::refused(Problem::InUse, detail));
            }
            (Some(code), None) => return Err(missing(code)),
            (None, None) if books.templates()?.len() >= limits::NOTICE_LISTENERS => {
                let detail = format!("There are {} templates already.", limits::NOTICE_LISTENERS);
                return Err(AppError::field("code", detail));
            }
            (None, None) => "template.create",
            (Some(_), Some(held)) => {
                catalog::check_version(Some(catalog::sent_back(wanted.version)?), held.version)?;
                "template.update"
            }
        };
        let row = TemplateRow { version: held.map_or(1, |held| held.version.saturating_add(1)), ..row };
        books.put_template(&row)?;
        audit::note(books, &by, now, action, row.code.as_str(), "")?;
        Ok(shown(&row))
    })
    .await
}

/// Takes a template away. What waits to be sent by it is dropped.
pub async fn remove(app: &App, who: &Who, code: &str) -> Done<()> {
    let (by, code) = (who.clone(), code.to_owned());
    let now = clock::now();
    app.write(move |books| {
        let row = books.template(&code)?.ok_or_else(|| missing(&code))?;
        check_program(books.as_read(), &by, row.program.as_str())?;
        books.take_template(&code)?;
        audit::note(books, &by, now, "template.delete", &code, "")
    })
    .await
}

fn check_program(books: &dyn Read, who: &Who, code: &str) -> Done<Code> {
    let catalog = catalog::latest(books)?;
    let program = catalog.program(code);
    let program =
        program.ok_or_else(|| AppError::field("program", format!("There is no program `{code}`.")))?;
    members::check_program(who, &catalog, program.id)?;
    Ok(program.code.clone())
}

/// A template as sent, checked.
fn read(books: &dyn Read, who: &Who, asked: &NotificationTemplate) -> Done<TemplateRow> {
    let code = Code::new(&asked.code).map_err(|detail| AppError::field("code", detail))?;
    let program = check_program(books, who, &asked.program)?;
    let kind = kind_of(&asked.kind, "kind")?;
    if kind == NoticeKind::Action {
        let detail = "An action calls webhooks; what a rule writes to a member is of the kind `rule`.";
        return Err(AppError::field("kind", detail));
    }
    let channel = Channel::of_word(&asked.channel);
    let channel = channel.ok_or_else(|| AppError::field("channel", "One of `email`, `sms` and `push`."))?;
    check_ends(channel, asked)?;
    if asked.texts.is_empty() || asked.texts.len() > limits::NOTICE_TEXTS {
        let detail =
            format!("A template has 1 to {} texts, each in a language of its own.", limits::NOTICE_TEXTS);
        return Err(AppError::field("texts", detail));
    }
    let mut texts: Vec<(String, String, String)> = Vec::new();
    for (place, given) in asked.texts.iter().enumerate() {
        check_text(place, given, (kind, channel))?;
        if texts.iter().any(|held| held.0.eq_ignore_ascii_case(&given.language)) {
            let detail = format!("There are two texts in `{}`.", given.language);
            return Err(AppError::field(format!("texts[{place}].language"), detail));
        }
        texts.push((given.language.clone(), given.subject.clone(), given.body.clone()));
    }
    let days_before = match (kind, asked.days_before) {
        (NoticeKind::Expiry, days) => days.unwrap_or(DAYS_BEFORE),
        (_, None) => 0,
        (_, Some(_)) => {
            return Err(AppError::field("days_before", "Only a template of the kind `expiry` has days."));
        }
    };
    if kind == NoticeKind::Expiry && !(1..=limits::NOTICE_DAYS).contains(&days_before) {
        let detail = format!("Expiry is told 1 to {} days before.", limits::NOTICE_DAYS);
        return Err(AppError::field("days_before", detail));
    }
    let (from, to) = (asked.from.trim().to_owned(), asked.to.as_ref().map(|to| to.trim().to_owned()));
    Ok(TemplateRow {
        code,
        program,
        kind,
        channel,
        from,
        to,
        texts,
        days_before,
        enabled: asked.enabled,
        version: 0,
    })
}

/// Who writes, and to whom.
fn check_ends(channel: Channel, asked: &NotificationTemplate) -> Done<()> {
    let from = shared::request::text(&asked.from, "from")?;
    let mailbox = |text: &str, field: &str| {
        let detail = || format!("`{text}` is no address; one looks like `Rewards <rewards@example.com>`.");
        text.trim().parse::<Mailbox>().map(|_| ()).map_err(|_| AppError::field(field, detail()))
    };
    match (channel, &asked.to) {
        (Channel::Email, to) => {
            mailbox(&from, "from")?;
            to.as_ref().map_or(Ok(()), |to| mailbox(to, "to"))
        }
        (_, Some(to)) => Ok(shared::request::text(to, "to").map(|_| ())?),
        (_, None) => Ok(()),
    }
}

fn check_text(place: usize, given: &NotificationText, of: (NoticeKind, Channel)) -> Done<()> {
    let at = |field: &str| format!("texts[{place}].{field}");
    let (kind, channel) = of;
    check_language(&given.language).map_err(|detail| AppError::field(at("language"), detail))?;
    if given.body.trim().is_empty() || given.body.len() > limits::NOTICE_BYTES.1 {
        let detail = format!("A text has 1 to {} bytes.", limits::NOTICE_BYTES.1);
        return Err(AppError::field(at("body"), detail));
    }
    let mail = channel == Channel::Email;
    let subject = &given.subject;
    if mail && (subject.trim().is_empty() || subject.len() > limits::NOTICE_BYTES.0) {
        let detail = format!("An e-mail's subject has 1 to {} bytes.", limits::NOTICE_BYTES.0);
        return Err(AppError::field(at("subject"), detail));
    }
    if (!mail && !subject.is_empty()) || subject.chars().any(char::is_control) {
        return Err(AppError::field(at("subject"), "Only an e-mail has a subject, of one line."));
    }
    for (field, text) in [("subject", subject), ("body", &given.body)] {
        if let Some(name) = text::unknown(text, kind) {
            let known = text::variables(kind).join("`, `");
            let detail = format!("`{name}` is no variable here; there are `{known}`.");
            return Err(AppError::field(at(field), detail));
        }
    }
    Ok(())
}
