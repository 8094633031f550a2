//! The ways in which something can be told, and what came of it.

use std::sync::Arc;

use super::endpoint;
use super::knowledge::Fact;
use super::mailbox::Mailbox;
use super::refused::Refused;
use super::smtp::Mailer;
use crate::billing::refresh::Question;
use crate::billing::{Billing, BillingError};
use crate::mail::{Letters, Mail};
use crate::notify::Notification;
use crate::rules::card;
use crate::rules::effects::{Effect, EffectKind, still_true};
use crate::rules::known::Known;
use crate::stripe_api::Trouble;

/// A mail that would tell of something older than this is not sent: a server without mails, or
/// one that was away, does not pour out old news.
const NEWS_SECS: i64 = 3 * 86_400;

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was told.
    Done,
    /// It is not to be told; says why.
    Skipped(String),
    /// It was not taken.
    Refused(Refused),
}

impl From<Result<(), Refused>> for Told {
    fn from(it: Result<(), Refused>) -> Self {
        it.map_or_else(Self::Refused, |()| Self::Done)
    }
}

/// A way to tell a fact.
pub enum Messenger {
    /// Asks Stripe for the object that the fact is about.
    Refresh(Arc<Billing>),
    /// Writes a mail.
    Mail {
        /// What mails say.
        letters: Box<Letters>,
        /// How they go out.
        post: Post,
    },
    /// Sends a signed notification to the app.
    Notify(endpoint::Sender),
}

impl Messenger {
    /// Tells a fact, if it is still true. `now` is in Unix seconds.
    pub async fn tell(&self, fact: Option<Fact>, now: i64) -> Told {
        let Some(fact) = fact else { return Told::Skipped("its fact is gone".to_owned()) };
        if let Err(why) = holds(&fact.staged.effect, &fact.known) {
            return Told::Skipped(why.to_owned());
        }
        match self {
            Self::Refresh(billing) => refresh(billing, &fact).await,
            Self::Notify(sender) => notify(sender, &fact, now).await,
            Self::Mail { .. } if now - fact.created_at > NEWS_SECS => {
                Told::Skipped("it is too old to be told by mail".to_owned())
            }
            Self::Mail { .. } if is_news_to_nobody(&fact) => {
                Told::Skipped("nobody was told that it failed".to_owned())
            }
            Self::Mail { letters, post } => {
                let (effect, known) = (&fact.staged.effect, &fact.known);
                match letters.compose(effect, known, now) {
                    Ok(Some(mail)) => post.send(mail, now).await.into(),
                    Ok(None) => {
                        let why = letters.why_not(effect, known);
                        Told::Skipped(why.unwrap_or("there is nothing to write").to_owned())
                    }
                    Err(error) => Told::Refused(Refused::for_good(error.to_string())),
                }
            }
        }
    }
}

/// Who never read that their payment failed has no use for its recovery.
fn is_news_to_nobody(fact: &Fact) -> bool {
    fact.staged.effect.kind == EffectKind::PaymentRecovered && !fact.failure_told
}

/// How mails go out.
pub enum Post {
    /// By SMTP.
    Sent(Box<Mailer>),
    /// Not at all: they are kept to be looked at.
    Kept(Arc<Mailbox>),
}

impl Post {
    async fn send(&self, mail: Mail, now: i64) -> Result<(), Refused> {
        match self {
            Self::Sent(mailer) => mailer.send(&mail).await,
            Self::Kept(mailbox) => {
                mailbox.take(mail, now);
                Ok(())
            }
        }
    }
}

/// Whether the fact still holds, by what is known now; else why it is not told.
fn holds(effect: &Effect, known: &Known) -> Result<(), &'static str> {
    let granted = known.access.as_ref().is_some_and(|it| it.granted);
    match (effect.kind, &known.subject) {
        // It is asked for because too little is known of it.
        (EffectKind::Refresh, _) => Ok(()),
        (EffectKind::AccessGranted, _) if !granted => Err("revoked since"),
        (EffectKind::AccessRevoked, _) if granted => Err("granted since"),
        (EffectKind::CardExpiring, _) => card::still_true(effect, known),
        (EffectKind::Silence, _) if known.still_silent == Some(false) => Err("an event came since"),
        (EffectKind::DoubleSubscription, _) if known.still_doubled == Some(false) => {
            Err("only one of them goes on")
        }
        (EffectKind::EventFailed, _) if known.still_failed == Some(false) => Err("applied since"),
        (_, Some(subject)) => still_true(effect, subject),
        (_, None) => Ok(()),
    }
}

async fn notify(sender: &endpoint::Sender, fact: &Fact, now: i64) -> Told {
    let cause = fact.staged.event_id.as_deref();
    match Notification::of(&fact.staged.effect, &fact.known, cause, now) {
        Some(it) => {
            let it = it.learned_at(fact.created_at);
            sender.send(&it.id, &it.body(), now).await.into()
        }
        None => Told::Skipped("nobody outside hears of this".to_owned()),
    }
}

async fn refresh(billing: &Billing, fact: &Fact) -> Told {
    let question = Question {
        subject: &fact.staged.effect.subject,
        account: fact.reference.account.as_deref(),
        snapshot_event: fact.reference.snapshot_event.as_deref(),
        unsettled_at: fact.unsettled_at,
    };
    match billing.refresh(&question).await {
        Ok(()) => Told::Done,
        Err(BillingError::Unknown(why)) => Told::Skipped(why.to_owned()),
        Err(error @ BillingError::Invalid { .. }) => {
            Told::Refused(Refused::for_good(error.to_string()))
        }
        // A key that is not let in may be replaced.
        Err(BillingError::Stripe(error))
            if error.is_definite() && error.trouble != Trouble::Authentication =>
        {
            Told::Refused(Refused::for_good(error.to_string()))
        }
        Err(error) => Told::Refused(Refused::later(error.to_string())),
    }
}
