//! E-mail over SMTP.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::app::notices::parcel::{Fate, Mail};

/// Longest wait for a mail server, in ms.
const WAIT_MS: u64 = 20_000;

/// The way to the mail server, or why there is none.
pub(super) struct Mailer {
    server: Result<AsyncSmtpTransport<Tokio1Executor>, String>,
}

/// Whether an address of a mail server can be used.
///
/// # Errors
/// What is wrong with it, in words.
pub fn check(url: &str) -> Result<(), String> {
    builder(url).map(|_| ())
}

fn builder(url: &str) -> Result<AsyncSmtpTransportBuilder, String> {
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
    let builder = builder.map_err(|error| {
        format!(
            "`{url}` is no mail server's address ({error}); one looks like `smtps://name:password@mail.example.com` \
             or `smtp://mail.example.com:587?tls=required`"
        )
    })?;
    Ok(builder.timeout(Some(Duration::from_millis(WAIT_MS))))
}

/// Only within a runtime: the connections that it keeps are seen to there.
fn transport(url: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    Ok(builder(url)?.build())
}

impl Mailer {
    pub(super) fn new(url: Option<&str>) -> Self {
        let none = || Err("No mail server is set: run the server with --smtp-url.".to_owned());
        Self { server: url.map_or_else(none, transport) }
    }

    /// Hands a mail to the server.
    pub(super) async fn send(&self, mail: &Mail) -> Fate {
        let server = match &self.server {
            Ok(server) => server,
            Err(why) => return Fate::Failed(why.clone()),
        };
        let message = match message(mail) {
            Ok(message) => message,
            Err(why) => return Fate::Refused(why),
        };
        match server.send(message).await {
            Ok(_) => Fate::Taken,
            // what a server says may hold the address, which is kept nowhere
            Err(error) => {
                let said = error.to_string().replace(mail.to.as_str(), "…");
                if error.is_permanent() {
                    Fate::Refused(format!("The mail server refused it: {said}"))
                } else {
                    Fate::Failed(format!("The mail server did not take it: {said}"))
                }
            }
        }
    }
}

/// A mail as it goes over the line. Its `Message-ID` is the notice's, whenever it is sent.
fn message(mail: &Mail) -> Result<Message, String> {
    let wrong = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    let from: lettre::message::Mailbox = mail.from.parse().map_err(|error| wrong("from", &error))?;
    let to = mail.to.parse().map_err(|error| wrong("to", &error))?;
    let domain = from.email.domain().to_owned();
    Message::builder()
        .from(from)
        .to(to)
        .subject(mail.subject.clone())
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        .header(ContentType::TEXT_PLAIN)
        .body(mail.body.clone())
        .map_err(|error| wrong("the message", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_notices_id_and_no_header_of_its_text() {
        let mail = Mail {
            id: uuid::Uuid::from_u128(7),
            from: "Rewards <rewards@example.com>".to_owned(),
            to: "aisha@example.org".to_owned(),
            subject: "Selamat datang ✓\r\nBcc: all@example.org".to_owned(),
            body: "500 mata".to_owned(),
        };
        let text = String::from_utf8(message(&mail).expect("a message").formatted()).expect("text");
        assert!(text.contains("Message-ID: <00000000-0000-0000-0000-000000000007@example.com>"), "{text}");
        assert!(!text.to_lowercase().contains("\nbcc:"), "{text}");
        assert!(check("smtp://localhost:25").is_ok() && check("mail.example.com").is_err());
    }
}
