//! Mails by SMTP. A connection stays open between mails; where it leads to another machine it is
//! encrypted, and no password goes over one that is not.

use std::net::IpAddr;
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::response::Code;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use percent_encoding::percent_decode_str;
use url::Url;

use super::refused::Refused;
use crate::config::{self, Secret};
use crate::mail::Mail;

/// What one mail may take.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends mails to one server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
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
    /// Prepares sending by `smtp://…` (encrypted by STARTTLS unless the host is this machine) or
    /// `smtps://…` (encrypted from the start), over at most so many connections.
    ///
    /// # Errors
    /// The URL or an address is not one.
    pub fn new(
        url: &Secret,
        from: &config::Mailbox,
        reply_to: Option<&str>,
        connections: u32,
    ) -> Result<Self, MailerError> {
        let url = Url::parse(url.reveal()).map_err(|_| MailerError::Url)?;
        let host = url.host_str().ok_or(MailerError::Url)?;
        let implicit = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(MailerError::Url),
        };
        let parameters = TlsParameters::new(host.to_owned()).map_err(MailerError::Tls)?;
        let (tls, port) = match (implicit, is_here(&url)) {
            (true, _) => (Tls::Wrapper(parameters), 465),
            (false, true) => (Tls::Opportunistic(parameters), 25),
            (false, false) => (Tls::Required(parameters), 587),
        };
        let pool = PoolConfig::new().max_size(connections).idle_timeout(Duration::from_secs(60));
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(url.port().unwrap_or(port))
            .tls(tls)
            .timeout(Some(TIMEOUT))
            .pool_config(pool);
        if !url.username().is_empty() {
            let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or("")));
            builder = builder.credentials(Credentials::new(user, password));
        }
        let address = |text: &str, what| text.parse().map_err(|_| MailerError::Address(what));
        let from = Mailbox::new(from.name.clone(), address(&from.address, "TOLLGATE_MAIL_FROM")?);
        let reply_to = reply_to.map(|it| address(it, "mail.reply_to")).transpose()?;
        let reply_to = reply_to.map(|it| Mailbox::new(None, it));
        Ok(Self { transport: builder.build(), from, reply_to })
    }

    /// Sends one mail.
    ///
    /// # Errors
    /// The server did not take it.
    pub async fn send(&self, mail: &Mail) -> Result<(), Refused> {
        let message = self.message(mail).map_err(Refused::for_good)?;
        self.transport.send(message).await.map(drop).map_err(|it| refused(&it))
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

/// What the server's answer means. It may quote addresses, so only its code is kept.
fn refused(error: &lettre::transport::smtp::Error) -> Refused {
    match error.status() {
        Some(code) if error.is_permanent() && !is_about_us(code) => {
            Refused::for_good(format!("the mail server answered {code}"))
        }
        Some(code) => Refused::later(format!("the mail server answered {code}")),
        None if error.is_timeout() => Refused::later("the mail server did not answer in time"),
        // The text is the library's own, about what the server does not know.
        None if error.is_client() => {
            let why = std::error::Error::source(error).map(ToString::to_string);
            Refused::later(format!("the mail server lacks something: {}", why.unwrap_or_default()))
        }
        None if error.is_tls() => Refused::later("no encrypted connection to the mail server"),
        None => Refused::later("the mail server could not be reached"),
    }
}

/// It does not let us in, or does not know what we say: no fault of this mail.
fn is_about_us(code: Code) -> bool {
    let code: u16 = code.into();
    matches!(code, 421 | 500..=504 | 521 | 523 | 530 | 534 | 535 | 538)
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
