//! Connections to the mail server, each for one mail at a time and then kept for the next. One that
//! was left in the middle of a mail, because it was refused or took too long, is closed: what the
//! server says at last would be taken for its answer to another mail.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::{Address, Message};

use crate::clock::Stopwatch;

/// What one address of the server may take to be reached; there may be others.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// A connection that was idle for longer is not used again: servers close such.
const IDLE_MAX: Duration = Duration::from_secs(60);
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// How a connection is encrypted.
pub(super) enum Encryption {
    /// From its start.
    FromStart(TlsParameters),
    /// By STARTTLS, or there is none.
    Required(TlsParameters),
    /// By STARTTLS, where the server offers it.
    IfOffered(TlsParameters),
}

/// How far a mail came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// To the server: nothing was said of a mail.
    Connection,
    /// To whom it is from.
    Sender,
    /// To whom it is for.
    Recipient,
    /// To the question for its text.
    Data,
    /// To its end.
    Text,
}

/// Why a mail came no further.
pub(super) enum Stopped {
    /// What was answered there, or why nothing was.
    At(Stage, Error),
    /// The server does not offer what the mail needs.
    Lacks(&'static str),
}

/// A mail server, and how it is reached.
pub(super) struct Line {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    pub(super) login: Option<Credentials>,
    /// How many connections are kept at most.
    pub(super) kept_max: usize,
    pub(super) kept: Mutex<Vec<(AsyncSmtpConnection, Stopwatch)>>,
}

impl Line {
    /// Sends one mail. Whoever drops this before its end closes the connection.
    ///
    /// # Errors
    /// The server did not take it, or was not reached.
    pub(super) async fn send(&self, message: &Message) -> Result<(), Stopped> {
        let mut connection = match self.known_to_work().await {
            Some(it) => it,
            None => self.connect().await.map_err(|it| Stopped::At(Stage::Connection, it))?,
        };
        converse(&mut connection, message).await?;
        let mut kept = self.kept();
        if kept.len() < self.kept_max {
            kept.push((connection, Stopwatch::start()));
        }
        Ok(())
    }

    async fn known_to_work(&self) -> Option<AsyncSmtpConnection> {
        while let Some(mut connection) = self.take_kept() {
            if connection.test_connected().await {
                return Some(connection);
            }
        }
        None
    }

    fn take_kept(&self) -> Option<AsyncSmtpConnection> {
        let mut kept = self.kept();
        kept.retain(|(_, idle)| idle.elapsed() < IDLE_MAX);
        kept.pop().map(|(connection, _)| connection)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(AsyncSmtpConnection, Stopwatch)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let (server, hello) = ((self.host.as_str(), self.port), ClientId::default());
        let from_start = match &self.encryption {
            Encryption::FromStart(it) => Some(it.clone()),
            _ => None,
        };
        let connecting = AsyncSmtpConnection::connect_tokio1(
            server,
            Some(CONNECT_MAX),
            &hello,
            from_start,
            None,
        );
        let mut connection = connecting.await?;
        match &self.encryption {
            Encryption::Required(it) => connection.starttls(it.clone(), &hello).await?,
            Encryption::IfOffered(it) if connection.can_starttls() => {
                connection.starttls(it.clone(), &hello).await?;
            }
            _ => {}
        }
        if let Some(login) = &self.login {
            connection.auth(&MECHANISMS, login).await?;
        }
        Ok(connection)
    }
}

/// Says one mail, step by step, because what is answered means something else at each.
async fn converse(to: &mut AsyncSmtpConnection, message: &Message) -> Result<(), Stopped> {
    let at = |stage| move |error| Stopped::At(stage, error);
    let envelope = message.envelope();
    let is_plain = |it: &Address| AsRef::<str>::as_ref(it).is_ascii();
    let mut parameters = Vec::new();
    if !envelope.from().into_iter().chain(envelope.to()).all(is_plain) {
        if !to.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Stopped::Lacks("SMTPUTF8 for an address that is not ASCII"));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let from = Mail::new(envelope.from().cloned(), parameters);
    to.command(from).await.map_err(at(Stage::Sender))?;
    for address in envelope.to() {
        let recipient = Rcpt::new(address.clone(), Vec::new());
        to.command(recipient).await.map_err(at(Stage::Recipient))?;
    }
    to.command(Data).await.map_err(at(Stage::Data))?;
    to.message(&message.formatted()).await.map_err(at(Stage::Text))?;
    Ok(())
}
