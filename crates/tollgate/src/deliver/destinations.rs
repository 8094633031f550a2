//! Who is told of what, as it is configured: the routes that go into the rulebook, and a worker
//! for everybody who can be reached.

use std::sync::Arc;

use super::mailbox::Mailbox;
use super::messenger::{Messenger, Post};
use super::smtp::{self, Mailer, MailerError};
use super::{Terms, endpoint};
use crate::billing::Billing;
use crate::config::Config;
use crate::config::notify::Endpoint;
use crate::mail::{self, Audience, Letters, LettersError};
use crate::notify::type_of;
use crate::rules::effects::EffectKind;
use crate::rules::policy::Rulebook;
use crate::rules::routes::Routes;

/// The destination that is asked about objects.
pub const STRIPE: &str = "stripe";
/// The destination of mails.
pub const MAIL: &str = "mail";

/// What happens at once comes in several events: a mail that waits a moment knows them all, and a
/// payment that recovers at once needs none.
const MAIL_DELAY_MS: i64 = 15_000;
const STRIPE_CONCURRENCY: usize = 4;
/// Connections to the mail server.
const MAIL_CONCURRENCY: usize = 16;
/// A refresh asks at most a few times; see `stripe_api`.
const STRIPE_TIMEOUT_SECS: u64 = 60;

/// Why somebody cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// A template of the mails is wrong.
    #[error(transparent)]
    Letters(#[from] LettersError),
    /// Mails cannot be sent with what is configured.
    #[error(transparent)]
    Mailer(#[from] MailerError),
    /// Mails have no sender.
    #[error("TOLLGATE_MAIL_FROM is missing: with TOLLGATE_SMTP_URL, say from whom mails come")]
    NoSender,
}

/// Somebody who is told, and how.
pub struct Destination {
    /// The name that routes give it.
    pub name: String,
    /// How it is told.
    pub messenger: Messenger,
    /// How many at once, and how long each may take.
    pub terms: Terms,
}

/// Returns the rulebook by which facts are also told. Whoever applies events goes by it, be it a
/// server or a command: a fact that is staged without it is never told by anybody.
pub fn rulebook(config: &Config) -> Rulebook {
    Rulebook { routes: routes(config), ..config.rulebook.clone() }
}

/// Returns who hears of which facts. Mails are planned without a mail server too: they wait for
/// one as long as they are news. So are questions without a key: what is not asked is not known.
pub fn routes(config: &Config) -> Routes {
    let mut routes = Routes::default();
    for kind in EffectKind::all() {
        if kind == EffectKind::Refresh {
            routes.add(kind, STRIPE, false);
        }
        if is_written(kind, config) {
            let delay_ms = if config.dev { 0 } else { mail_delay_ms(kind) };
            routes.add_later(kind, MAIL, false, delay_ms);
        }
        let Some(name) = type_of(kind) else { continue };
        for endpoint in config.notify.iter().filter(|it| it.wants(name)) {
            routes.add(kind, &of_endpoint(endpoint), true);
        }
    }
    routes
}

/// What says that something is over comes after what says why.
fn mail_delay_ms(kind: EffectKind) -> i64 {
    match kind {
        EffectKind::AccessRevoked => MAIL_DELAY_MS + 5_000,
        EffectKind::SubscriptionEnded => MAIL_DELAY_MS + 10_000,
        _ => MAIL_DELAY_MS,
    }
}

/// The destination of an endpoint; the prefix keeps it apart from ours.
fn of_endpoint(endpoint: &Endpoint) -> String {
    format!("notify:{}", endpoint.name)
}

/// Whether anybody is written a mail about facts of this kind.
fn is_written(kind: EffectKind, config: &Config) -> bool {
    match mail::audience(kind) {
        Some(Audience::Operator) => config.mail.operator.is_some(),
        Some(Audience::Customer) => true,
        None => false,
    }
}

/// Returns the names of everybody who can be reached with what is configured; what is planned for
/// others is held.
pub fn names(config: &Config) -> Vec<String> {
    let stripe = config.stripe_key.as_ref().map(|_| STRIPE.to_owned());
    let mail = (config.mail.smtp_url.is_some() || keeps_mails(config)).then(|| MAIL.to_owned());
    let endpoints = config.notify.iter().map(of_endpoint);
    stripe.into_iter().chain(mail).chain(endpoints).collect()
}

/// Returns everybody who can be reached with what is configured.
///
/// # Errors
/// What is configured cannot work.
pub fn all(
    config: &Config,
    billing: Option<&Arc<Billing>>,
    mailbox: Option<&Arc<Mailbox>>,
) -> Result<Vec<Destination>, DestinationError> {
    let mut all = Vec::new();
    let letters = Letters::of(config)?;
    if let Some(billing) = billing {
        let timeout = std::time::Duration::from_secs(STRIPE_TIMEOUT_SECS);
        all.push(Destination {
            name: STRIPE.to_owned(),
            messenger: Messenger::Refresh(Arc::clone(billing)),
            terms: Terms { concurrency: STRIPE_CONCURRENCY, timeout },
        });
    }
    if let Some(post) = post(config, mailbox)? {
        all.push(Destination {
            name: MAIL.to_owned(),
            messenger: Messenger::Mail { letters: Box::new(letters), post },
            terms: Terms { concurrency: MAIL_CONCURRENCY, timeout: smtp::TIMEOUT },
        });
    }
    all.extend(config.notify.iter().map(|it| Destination {
        name: of_endpoint(it),
        messenger: Messenger::Notify(endpoint::Sender::new(it)),
        terms: Terms { concurrency: it.concurrency, timeout: it.timeout },
    }));
    Ok(all)
}

/// Whether mails are kept to be looked at rather than sent: in development, unless there is a
/// server to send them.
pub fn keeps_mails(config: &Config) -> bool {
    config.dev && config.mail.smtp_url.is_none()
}

fn post(config: &Config, mailbox: Option<&Arc<Mailbox>>) -> Result<Option<Post>, DestinationError> {
    let Some(url) = &config.mail.smtp_url else {
        return Ok(mailbox.map(|it| Post::Kept(Arc::clone(it))));
    };
    let from = config.mail.from.as_ref().ok_or(DestinationError::NoSender)?;
    let mailer = Mailer::new(url, from, config.mail.reply_to.as_deref(), MAIL_CONCURRENCY)?;
    Ok(Some(Post::Sent(Box::new(mailer))))
}
