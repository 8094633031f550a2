//! What time alone makes known: that Stripe is silent, and that cards expire before they can pay.
//! A step looks at a bounded page and returns, so that tests move the clock and step. What it finds
//! goes through the door, where each fact is staged once, on however many nodes it is found.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use tollgate_stripe::object::Object;

use super::retry::StepError;
use super::{Input, Outcome, Receiver, SubmitError};
use crate::rules::card::{Month, Payer};
use crate::rules::effects::Effect;
use crate::rules::silence::{self, Patience};
use crate::store::object::StoredObject;
use crate::store::outbox::{NewFact, Staged};
use crate::store::{self, Db};

/// How often it is looked for silence.
const SILENCE_EVERY_SECS: i64 = 60;
/// A server that was down has heard nothing; it complains only once Stripe has had time to come
/// back to it.
const WARM_UP_SECS: i64 = 3_600;
/// How often all cards are looked at that expire now.
const CARDS_EVERY_SECS: i64 = 86_400;
/// Cards of one step.
const PAGE: i64 = 64;

/// What one node watches. What it forgets by a restart is found again.
#[derive(Debug)]
pub struct Alarms {
    patience: Patience,
    started: i64,
    next_silence: i64,
    /// The silence that was told last.
    told: Option<Effect>,
    /// Months whose cards are still to be looked at, and the card that was the last.
    months: Vec<Month>,
    after: String,
    next_cards: i64,
}

impl Alarms {
    /// Begins to watch; `now` is in Unix seconds.
    pub fn new(patience: Patience, now: i64) -> Self {
        Self {
            patience,
            started: now,
            next_silence: i64::MIN,
            told: None,
            months: Vec::new(),
            after: String::new(),
            next_cards: i64::MIN,
        }
    }

    /// Looks at what is due; returns at how many cards it looked, and one more for a new silence.
    ///
    /// # Errors
    /// The database is away, or too much is waiting; the next step does the same again.
    pub async fn step(
        &mut self,
        db: &Db,
        receiver: &Receiver,
        now: i64,
    ) -> Result<usize, StepError> {
        // A clock that was ahead when this began would have it wait for as long.
        self.started = self.started.min(now);
        let silences = self.listen(db, receiver, now).await?;
        Ok(silences + self.look_at_cards(db, receiver, now).await?)
    }

    async fn listen(&mut self, db: &Db, receiver: &Receiver, now: i64) -> Result<usize, StepError> {
        if waits(self.next_silence, now, SILENCE_EVERY_SECS) {
            return Ok(0);
        }
        let found = self.silence(db, now).await?.filter(|it| self.told.as_ref() != Some(it));
        let mut count = 0;
        if let Some(effect) = found {
            let outcome = submit(receiver, effect.clone(), None).await?;
            if outcome == Outcome::Applied {
                let (last_event, since) = (effect.subject.as_str(), effect.detail.as_str());
                tracing::error!(last_event, since, "Stripe has sent no event for too long");
                count = 1;
            }
            self.told = Some(effect).filter(|_| !matches!(outcome, Outcome::Failed(_)));
        }
        self.next_silence = now.saturating_add(SILENCE_EVERY_SECS);
        Ok(count)
    }

    async fn silence(&self, db: &Db, now: i64) -> Result<Option<Effect>, StepError> {
        // The longest that counts, whoever pays; so that somebody is looked for only if it matters.
        let Some(secs) = self.patience.secs(true) else { return Ok(None) };
        if now.saturating_sub(self.started) < secs.min(WARM_UP_SECS) {
            return Ok(None);
        }
        let last = store::event::last(db).await?;
        let Some(effect) = last.and_then(|it| silence::fact(&it, secs, now)) else {
            return Ok(None);
        };
        let counts = self.patience.secs(false).is_some() || store::access::anybody_pays(db).await?;
        Ok(counts.then_some(effect))
    }

    /// Once a day all cards that expire in this month, and those of the month before: a server that
    /// was down then has missed them.
    async fn look_at_cards(
        &mut self,
        db: &Db,
        receiver: &Receiver,
        now: i64,
    ) -> Result<usize, StepError> {
        if !waits(self.next_cards, now, CARDS_EVERY_SECS) && self.months.is_empty() {
            let month = Month::of(now);
            self.months = vec![month.before(), month];
            self.next_cards = now.saturating_add(CARDS_EVERY_SECS);
            self.after = String::new();
        }
        while let Some(month) = self.months.last() {
            let cards = store::object::expiring(db, month.parts(), &self.after, PAGE).await?;
            tell(db, receiver, &cards).await?;
            if let Some(last) = cards.last() {
                self.after.clone_from(&last.id);
                return Ok(cards.len());
            }
            self.months.pop();
            self.after = String::new();
        }
        Ok(0)
    }
}

/// Whether it is still too early. What lies further ahead than a wait lasts was reckoned by a clock
/// that has been set back since.
fn waits(next: i64, now: i64, every: i64) -> bool {
    (1..=every).contains(&next.saturating_sub(now))
}

/// Tells of those cards that cannot pay for what they are to pay for.
async fn tell(db: &Db, receiver: &Receiver, cards: &[StoredObject]) -> Result<(), StepError> {
    let counting = || cards.iter().filter(|it| receiver.counts(it.account.as_deref()));
    let owners: BTreeSet<&str> = counting().filter_map(|it| it.owner_id.as_deref()).collect();
    if owners.is_empty() {
        return Ok(());
    }
    let owners: Vec<&str> = owners.into_iter().collect();
    let objects = store::object::read_payers(db, &owners).await?;
    let payers = Payer::all(objects.iter().map(|it| &it.standing.object));
    let fact = |it: &StoredObject| {
        let Object::PaymentMethod(card) = &it.standing.object else { return None };
        let owner = it.owner_id.as_deref()?;
        Some((payers.get(owner)?.fact(card)?, owner.to_owned()))
    };
    let found: Vec<(Effect, String)> = counting().filter_map(fact).collect();
    if found.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = found.iter().map(|(effect, _)| effect.key()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let known = store::outbox::find(db, &keys).await?;
    let known: BTreeSet<&Effect> = known.iter().map(|(it, _)| &it.effect).collect();
    let new = found.iter().filter(|(effect, _)| !known.contains(effect));
    let told = new.map(|(effect, owner)| submit(receiver, effect.clone(), Some(owner.clone())));
    join_all(told).await.into_iter().try_for_each(|it| it.map(drop))?;
    Ok(())
}

/// Hands a fact in. Where it cannot be kept for what it is, as when a handler of the app's fails,
/// that is said, and it is found again; it must not hold up the others.
async fn submit(
    receiver: &Receiver,
    effect: Effect,
    owner_id: Option<String>,
) -> Result<Outcome, SubmitError> {
    let key = effect.key();
    let staged = Staged { effect, event_id: None };
    let fact = NewFact { staged, owner_id, only_if_failed: false };
    match receiver.submit(Input::Noticed(Box::new(fact))).await {
        Err(SubmitError::Store(error)) if super::is_about_content(&error) => {
            tracing::error!(key, why = %error, "A fact that time brought could not be kept");
            Ok(Outcome::Failed(error.to_string()))
        }
        done => done,
    }
}
