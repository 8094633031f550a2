//! Mails by SMTP. A connection stays open between mails; where it leads to another machine it is
//! encrypted, and no password goes over one that is not.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::TlsParameters;
use lettre::transport::smtp::response::Code;
use lettre::{Address, Message};
use percent_encoding::percent_decode_str;
use url::Url;

use super::line::{Encryption, Line, Stage, Stopped};
use super::refused::Refused;
use crate::config::{self, Secret};
use crate::mail::Mail;

/// What one mail may take.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends mails to one server.
pub struct Mailer {
    line: Line,
    from: Mailbox,
    reply_to: Option<Mailbox>,
}

/// Why mails cannot be sent with what is configured.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The server's URL.
    #[error("TOLLGATE_SMTP_URL: allowed is smtp://user:password@host:587 or smtps://…")]
    Url,
    /// An address of ours.
    #[error("{0}: allowed is an address such as billing@example.com")]
    Address(&'static str),
    /// The certificates of this system cannot be read.
    #[error("prepare TLS for mails")]
    Tls(#[source] lettre::transport::smtp::Error),
}

impl Mailer {
    /// Prepares sending by `smtp://…` (encrypted by STARTTLS; where the host is this machine, if it
    /// is offered, with any certificate) or `smtps://…` (encrypted from the start), over at most so
    /// many connections.
    ///
    /// # Errors
    /// The URL or an address is not one.
    pub fn new(
        url: &Secret,
        from: &config::Mailbox,
        reply_to: Option<&str>,
        connections: usize,
    ) -> Result<Self, MailerError> {
        let url = Url::parse(url.reveal()).map_err(|_| MailerError::Url)?;
        let host = url.host_str().ok_or(MailerError::Url)?.trim_matches(['[', ']']);
        let implicit = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(MailerError::Url),
        };
        // On this machine the clear is good enough, so whatever certificate is offered is as well:
        // a mail server fresh from its package has one that nobody signed.
        let may_be_clear = !implicit && is_here(&url);
        let parameters = TlsParameters::builder(host.to_owned())
            .dangerous_accept_invalid_certs(may_be_clear)
            .dangerous_accept_invalid_hostnames(may_be_clear)
            .build()
            .map_err(MailerError::Tls)?;
        let (encryption, port) = match (implicit, may_be_clear) {
            (true, _) => (Encryption::FromStart(parameters), 465),
            (false, true) => (Encryption::IfOffered(parameters), 25),
            (false, false) => (Encryption::Required(parameters), 587),
        };
        let login = (!url.username().is_empty()).then(|| {
            Credentials::new(decoded(url.username()), decoded(url.password().unwrap_or("")))
        });
        let line = Line {
            host: host.to_owned(),
            port: url.port().unwrap_or(port),
            encryption,
            login,
            kept_max: connections,
            kept: Mutex::default(),
        };
        let address = |text: &str, what| text.parse().map_err(|_| MailerError::Address(what));
        let from = Mailbox::new(from.name.clone(), address(&from.address, "TOLLGATE_MAIL_FROM")?);
        let reply_to = reply_to.map(|it| address(it, "mail.reply_to")).transpose()?;
        let reply_to = reply_to.map(|it| Mailbox::new(None, it));
        Ok(Self { line, from, reply_to })
    }

    /// Sends one mail.
    ///
    /// # Errors
    /// The server did not take it.
    pub async fn send(&self, mail: &Mail) -> Result<(), Refused> {
        let message = self.message(mail).map_err(Refused::for_good)?;
        match tokio::time::timeout(TIMEOUT, self.line.send(&message)).await {
            Ok(sent) => sent.map_err(|it| refused(&it)),
            Err(_) => Err(Refused::later("the mail server did not answer in time")),
        }
    }

    /// The mail as it goes over the line; errors never quote it.
    fn message(&self, mail: &Mail) -> Result<Message, String> {
        let address: Address =
            mail.to.parse().map_err(|_| "the customer's address is none".to_owned())?;
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(mail.to_name.clone(), address))
            .subject(mail.subject.clone())
            .message_id(Some(mail.message_id.clone()));
        if let Some(it) = &self.reply_to {
            builder = builder.reply_to(it.clone());
        }
        for (name, value) in &mail.headers {
            builder = builder.raw_header(header(name, value)?);
        }
        let body = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
        builder.multipart(body).map_err(|_| "the mail cannot be put together".to_owned())
    }
}

fn header(name: &str, value: &str) -> Result<lettre::message::header::HeaderValue, String> {
    use lettre::message::header::{HeaderName, HeaderValue};
    let name = HeaderName::new_from_ascii(name.to_owned());
    let name = name.map_err(|_| "a header of the mail has no valid name".to_owned())?;
    Ok(HeaderValue::new(name, value.to_owned()))
}

/// Whether the server is on this machine. A URL of this scheme holds an address as a name.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|it: IpAddr| it.is_loopback())
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// What it means that a mail came no further. An answer may quote addresses, so only its code is
/// kept.
fn refused(stopped: &Stopped) -> Refused {
    let (stage, error) = match stopped {
        Stopped::At(stage, error) => (*stage, error),
        Stopped::Lacks(what) => {
            return Refused::later(format!("the mail server lacks something: {what}"));
        }
    };
    match error.status() {
        Some(code) => {
            let why = format!("the mail server answered {code} {}", place(stage));
            let for_good = error.is_permanent() && is_about_the_mail(stage, code, enhanced(error));
            if for_good { Refused::for_good(why) } else { Refused::later(why) }
        }
        // The text is the library's own, about what the server does not know.
        None if error.is_client() => {
            let why = error.source().map(ToString::to_string);
            Refused::later(format!("the mail server lacks something: {}", why.unwrap_or_default()))
        }
        None => Refused::later(match of_tls(error) {
            Some(why) => format!("no encrypted connection to the mail server: {why}"),
            None => "the mail server could not be reached".to_owned(),
        }),
    }
}

/// Where something was answered, for the operator.
fn place(stage: Stage) -> &'static str {
    match stage {
        Stage::Connection => "to the connection",
        Stage::Sender => "to MAIL FROM",
        Stage::Recipient => "to RCPT TO",
        Stage::Data => "to DATA",
        Stage::Text => "to the text",
    }
}

/// Whether a refusal for good is about this mail: its recipient, its size or its text. Else it is
/// about us, as when our address is on a list or our account is paused, and every other mail would
/// be refused as well. Many servers keep that back until they hear of a recipient, and say it in the
/// finer code alone (RFC 3463): what lacks one counts by what RFC 5321 has for that command.
fn is_about_the_mail(stage: Stage, code: Code, enhanced: Option<(u16, u16)>) -> bool {
    let code: u16 = code.into();
    match (stage, enhanced) {
        (Stage::Connection | Stage::Sender | Stage::Data, _) => false,
        _ if matches!(code, 500..=504 | 521 | 523 | 530 | 534 | 535 | 538) => false,
        // A sender's address that is none.
        (_, Some((1, 7 | 8))) => false,
        (_, Some((subject, detail))) => {
            matches!((subject, detail), (1 | 2 | 6, _) | (3, 4))
        }
        (Stage::Recipient, None) => matches!(code, 550..=553 | 556),
        (Stage::Text, None) => code == 552,
    }
}

/// The subject and the detail of the finer code that an answer begins with, as `1, 1` in `5.1.1`.
fn enhanced(error: &lettre::transport::smtp::Error) -> Option<(u16, u16)> {
    let text = error.source()?.to_string();
    let mut numbers = text.split_ascii_whitespace().next()?.split('.');
    let (class, subject, detail) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let is_one = class == "5" && numbers.next().is_none();
    is_one.then_some((subject.parse().ok()?, detail.parse().ok()?))
}

/// Why there is no encrypted connection, if that is it: such a failure comes as one of the line, and
/// has nothing that the server says.
fn of_tls(error: &lettre::transport::smtp::Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(it) = cause {
        match it.downcast_ref::<io::Error>() {
            Some(it) if it.kind() == io::ErrorKind::InvalidData => return Some(it),
            _ => cause = it.source(),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer() -> Mailer {
        let from = config::Mailbox {
            name: Some("Käse & Söhne".to_owned()),
            address: "billing@example.com".to_owned(),
        };
        Mailer::new(&Secret::new("smtp://127.0.0.1:1"), &from, Some("help@example.com"), 1)
            .expect("it is all right")
    }

    fn mail() -> Mail {
        Mail {
            to: "ada@example.com".to_owned(),
            to_name: Some("Ada Müller".to_owned()),
            subject: "Ihre Zahlung über 29,00 €".to_owned(),
            html: format!("<p>Über {}</p>", "sehr lange Zeilen, ".repeat(200)),
            text: "Über 29,00\u{a0}€ \u{2014} danke.".to_owned(),
            message_id: "<abc@example.com>".to_owned(),
            headers: vec![("Auto-Submitted", "auto-generated".to_owned())],
        }
    }

    #[test]
    fn only_this_machine_may_be_spoken_to_in_the_clear() {
        let here = |it: &str| is_here(&Url::parse(it).expect("it is a URL"));
        for url in ["smtp://localhost", "smtp://127.0.0.1:2525", "smtp://[::1]:25"] {
            assert!(here(url), "{url}");
        }
        for url in ["smtp://mail.example.com", "smtp://10.0.0.1", "smtp://localhost.example.com"] {
            assert!(!here(url), "{url}");
        }
    }

    /// Not every server takes eight bits.
    #[tokio::test]
    async fn a_mail_is_plain_ascii_whatever_it_says() {
        let text = mailer().message(&mail()).expect("it can be put together").formatted();
        let text = String::from_utf8_lossy(&text).into_owned();
        let odd: Vec<&str> = text.lines().filter(|it| !it.is_ascii()).collect();
        assert!(odd.is_empty(), "{odd:#?}");
        assert!(text.contains("Message-ID: <abc@example.com>"), "{text}");
        assert!(text.lines().all(|it| it.len() <= 998));
    }
}
