//! One transaction, from the events that came in to the effects they cause. Read [`apply_in`] from
//! top to bottom: it is the picture. The number of statements does not depend on the size of the
//! batch; one more is needed where two observations of one second contradict each other.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_stripe::object::{InvoiceStatus, Object};

mod cards;
mod facts;

use super::derive::{Causes, derive};
use super::handling::handle;
use super::ownership::{self, customer_of, user_of};
use super::retry::{self, is_open, retry_at};
use super::{EventInput, Input, Outcome, Purpose};
use crate::crash;
use crate::handlers::Handlers;
use crate::rules::effects::{Effect, EffectKind};
use crate::rules::ledger::bearing;
use crate::rules::merge::{Contestant, Fold, Standing, fold, settle};
use crate::rules::observation::Observation;
use crate::rules::payment;
use crate::rules::policy::Rulebook;
use crate::store::access::Changed;
use crate::store::event::{Conclusion, NewEvent, Recorded, Status};
use crate::store::object::StoredObject;
use crate::store::outbox::NewFact;
use crate::store::user::AppUser;
use crate::store::{self, Db, StoreError, Tx};
use crate::webhook::{self, Reading};

/// Inputs of one batch that are of one kind of table; rows beyond this would need another
/// statement.
const _: () = assert!(super::BATCH_MAX <= store::sql::ROWS_MAX);

/// What a batch came to.
#[derive(Debug, Default)]
pub struct Applied {
    /// One an input, in their order.
    pub outcomes: Vec<Outcome>,
    /// The access that changed.
    pub changed: Vec<Changed>,
    /// The facts that became known.
    pub facts: Vec<NewFact>,
    /// How many deliveries were planned.
    pub told: usize,
    /// What was found anew of users who pay for several subscriptions.
    pub doubles: Vec<Effect>,
}

/// Applies inputs in one transaction and commits it, without any handlers.
///
/// # Errors
/// Nothing of it was kept.
pub async fn apply(
    db: &Db,
    rulebook: &Rulebook,
    inputs: &[Input],
    now_ms: i64,
) -> Result<Applied, StoreError> {
    let mut tx = db.begin().await?;
    let applied = apply_in(&mut tx, rulebook, inputs, now_ms).await?;
    tx.commit().await?;
    Ok(applied)
}

/// Applies inputs in this transaction, has the app's handlers do their part, and commits it.
///
/// # Errors
/// A handler failed, or the database did; nothing of it was kept.
pub async fn apply_and_commit(
    mut tx: Tx<'_>,
    rulebook: &Rulebook,
    handlers: &Handlers,
    inputs: &[Input],
    now_ms: i64,
) -> Result<Applied, StoreError> {
    crash::point("begun");
    let applied = apply_in(&mut tx, rulebook, inputs, now_ms).await?;
    handle(&mut tx, handlers, inputs, &applied, now_ms.div_euclid(1000)).await?;
    retry::forget_due_failures(&mut tx, inputs).await?;
    crash::point("handled");
    tx.commit().await?;
    crash::point("committed");
    Ok(applied)
}

/// Applies inputs in a transaction that the caller commits.
///
/// # Errors
/// The transaction is then of no more use.
pub async fn apply_in(
    tx: &mut Tx<'_>,
    rulebook: &Rulebook,
    inputs: &[Input],
    now_ms: i64,
) -> Result<Applied, StoreError> {
    let now = now_ms.div_euclid(1000);
    let batch = Batch::of(inputs);
    store::user::hold(tx, &batch.names_to_hold()).await?;
    let recorded = store::event::record(tx, batch.new_events(now_ms)).await?;
    crash::point("recorded");
    let news = batch.news(&recorded);
    conclude(tx, &news, now).await?;
    let objects = merge(tx, &news).await?;
    crash::point("merged");
    name_users(tx, &batch.users, now).await?;
    let users: BTreeSet<&str> =
        batch.named_users().chain(objects.users.iter().map(String::as_str)).collect();
    let derived = derive(tx, rulebook, &objects.owners, &users, &objects.causes, now).await?;
    crash::point("derived");
    let cards = cards::facts(tx, rulebook, &news, now).await?;
    let found = facts::Found { rulebook, batch: &batch, news: &news, cards };
    let facts = facts::facts(&found, &objects, &derived);
    let new = store::outbox::stage(tx, &facts, now).await?;
    let told = store::delivery::plan(tx, &new, &rulebook.routes, now_ms).await?;
    crash::point("staged");
    let doubles = new.iter().map(|it| &it.staged.effect);
    let doubles = doubles.filter(|it| it.kind == EffectKind::DoubleSubscription).cloned();
    let (outcomes, doubles) = (outcomes(inputs, &recorded, &new), doubles.collect());
    let facts = new.into_iter().cloned().collect();
    Ok(Applied { outcomes, changed: derived.changed, facts, told, doubles })
}

/// The inputs, sorted out: each event once.
#[derive(Default)]
struct Batch<'a> {
    events: BTreeMap<&'a str, &'a EventInput>,
    users: BTreeMap<&'a str, AppUser>,
    due: BTreeSet<&'a str>,
    noticed: Vec<&'a NewFact>,
}

impl<'a> Batch<'a> {
    fn of(inputs: &'a [Input]) -> Self {
        let mut batch = Self::default();
        for input in inputs {
            match input {
                Input::Event(it) => {
                    batch.events.entry(it.incoming.id.as_str()).or_insert(it);
                }
                Input::User(it) => {
                    let known = batch.users.entry(it.user_id.as_str()).or_default();
                    *known = it.clone().or(std::mem::take(known));
                }
                Input::Due(user) => {
                    batch.due.insert(user);
                }
                Input::Noticed(it) => batch.noticed.push(it),
            }
        }
        batch
    }

    /// What other transactions must not touch meanwhile: payments, then customers, then users.
    fn names_to_hold(&self) -> Vec<&str> {
        let objects: Vec<&Object> = self.observations().map(|it| &it.object).collect();
        let payments: BTreeSet<&str> =
            objects.iter().flat_map(|it| payment::names(it)).flatten().collect();
        let app_customers = self.users.values().filter_map(|it| it.customer_id.as_deref());
        let owners = self.noticed.iter().filter_map(|it| it.owner_id.as_deref());
        let customers = objects.iter().filter_map(|it| customer_of(it)).chain(app_customers);
        let customers: BTreeSet<&str> = customers.chain(owners).collect();
        let users: BTreeSet<&str> = self.named_users().collect();
        payments.into_iter().chain(customers).chain(users).collect()
    }

    fn observations(&self) -> impl Iterator<Item = &'a Observation> {
        self.events.values().filter_map(|it| match &it.incoming.reading {
            Reading::Observed { observation, .. } => Some(&**observation),
            _ => None,
        })
    }

    /// The users whom the inputs themselves name.
    fn named_users(&self) -> impl Iterator<Item = &'a str> {
        self.users.keys().copied().chain(self.due.iter().copied())
    }

    fn new_events(&self, now_ms: i64) -> Vec<NewEvent> {
        self.events.values().map(|it| new_event(it, now_ms)).collect()
    }

    /// The events that are not known as applied, or are to be applied again.
    fn news(&self, recorded: &[Recorded]) -> Vec<News<'a>> {
        let news = recorded.iter().filter_map(|recorded| {
            let event = *self.events.get(recorded.id.as_str())?;
            let again = !recorded.is_new && event.purpose != Purpose::Delivery;
            let open = is_open(recorded, &event.incoming.reading);
            let is_news = recorded.is_new || again || open;
            is_news.then_some(News { event, failed_before: open.then_some(recorded.attempts) })
        });
        news.collect()
    }
}

/// An event to apply.
struct News<'a> {
    event: &'a EventInput,
    /// How often it failed before, if it is known and was not applied.
    failed_before: Option<i64>,
}

fn new_event(it: &EventInput, now_ms: i64) -> NewEvent {
    let incoming = &it.incoming;
    let (status, error) = match &incoming.reading {
        Reading::Observed { .. } | Reading::Noted { .. } => (Status::Applied, None),
        Reading::Ignored => (Status::Ignored, None),
        Reading::Broken(why) => (Status::Failed, Some(why.clone())),
    };
    let failed = status == Status::Failed;
    NewEvent {
        id: incoming.id.to_string(),
        event_type: incoming.event_type.clone(),
        created_at: incoming.created,
        object_id: incoming.object_id().map(str::to_owned),
        account: incoming.account.clone(),
        status,
        error,
        retry_at: failed.then(|| retry_at(1, now_ms.div_euclid(1000))).flatten(),
        received_ms: now_ms,
        payload: it.payload.clone(),
    }
}

/// The objects of a batch, as they stand after it.
#[derive(Default)]
struct Objects {
    saved: Vec<StoredObject>,
    /// Owners of what was saved, before and after.
    owners: BTreeSet<String>,
    /// Users whom these objects named before.
    users: BTreeSet<String>,
    /// The events that touched them.
    causes: Causes,
    /// What these objects tied to each other before.
    ties: BTreeSet<(String, String)>,
    /// The invoices among what was touched that are paid.
    paid: BTreeSet<String>,
}

/// Merges the observations into the objects they are about and saves what changed.
async fn merge(tx: &mut Tx<'_>, news: &[News<'_>]) -> Result<Objects, StoreError> {
    let observed = observed(news);
    let names = observed.values().flatten().flat_map(|it| payment::names(&it.object)).flatten();
    let names: BTreeSet<&str> = observed.keys().copied().chain(names).collect();
    let loaded = store::object::touched(tx, names.into_iter()).await?;
    let mut objects: BTreeMap<String, StoredObject> =
        loaded.into_iter().map(|it| (it.id.clone(), it)).collect();
    let before: BTreeSet<String> = objects.values().filter_map(|it| it.owner_id.clone()).collect();
    let mut causes = causes(news, &objects);
    let users = objects.values().filter_map(|it| it.user_id.clone()).collect();
    let ties = objects.values().filter_map(tie).collect();

    let (mut standings, contests) = fold_all(&observed, &objects)?;
    if !contests.is_empty() {
        let bodies = store::event::of_seconds(tx, &contests).await?;
        standings.extend(settle_all(&bodies));
    }
    let mut changed: BTreeSet<String> = BTreeSet::new();
    for (id, standing) in standings {
        let account = account_of(news, &id);
        if stand(&mut objects, &id, account, standing) {
            changed.insert(id);
        }
    }
    changed.extend(ownership::resolve(&mut objects));
    for (name, cause) in self::causes(news, &objects) {
        let known = causes.entry(name).or_default();
        *known = cause.max(std::mem::take(known));
    }

    let paid = objects.values().filter(|it| is_paid(it)).map(|it| it.id.clone()).collect();
    let saved: Vec<StoredObject> = changed.iter().filter_map(|id| objects.remove(id)).collect();
    store::object::save(tx, &saved.iter().collect::<Vec<_>>()).await?;
    if saved.is_empty() {
        return Ok(Objects { paid, ..Objects::default() });
    }
    let after = saved.iter().filter_map(|it| it.owner_id.clone());
    let owners = before.into_iter().chain(after).collect();
    Ok(Objects { saved, owners, users, causes, ties, paid })
}

/// The owner and the user whom an object ties to each other.
fn tie(it: &StoredObject) -> Option<(String, String)> {
    it.owner_id.clone().zip(it.user_id.clone())
}

fn is_paid(it: &StoredObject) -> bool {
    matches!(&it.standing.object, Object::Invoice(it) if it.status == InvoiceStatus::Paid)
}

/// The newest event about an object of each of these owners and users.
fn causes(news: &[News<'_>], objects: &BTreeMap<String, StoredObject>) -> Causes {
    let mut causes = Causes::new();
    for it in news {
        let incoming = &it.event.incoming;
        let Some(object) = incoming.object_id().and_then(|it| objects.get(it)) else { continue };
        for name in [&object.owner_id, &object.user_id].into_iter().flatten() {
            let cause = (incoming.created, incoming.id.to_string());
            let known = causes.entry(name.clone()).or_default();
            *known = cause.max(std::mem::take(known));
        }
    }
    causes
}

fn observed<'a>(news: &[News<'a>]) -> BTreeMap<&'a str, Vec<&'a Observation>> {
    let mut observed: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
    for it in news {
        if let Reading::Observed { key, observation, .. } = &it.event.incoming.reading {
            observed.entry(key).or_default().push(observation);
        }
    }
    observed
}

fn account_of(news: &[News<'_>], id: &str) -> Option<String> {
    let about_it = |it: &&News<'_>| it.event.incoming.object_id() == Some(id);
    news.iter().find(about_it).and_then(|it| it.event.incoming.account.clone())
}

type Standings = Vec<(String, Standing)>;

/// What could be decided alone, and which objects and seconds have to be judged whole.
fn fold_all(
    observed: &BTreeMap<&str, Vec<&Observation>>,
    objects: &BTreeMap<String, StoredObject>,
) -> Result<(Standings, Vec<(String, i64)>), StoreError> {
    let (mut standings, mut contests) = (Vec::new(), Vec::new());
    for (id, news) in observed {
        let standing = objects.get(*id).map(|it| &it.standing);
        let kind = standing.or(None).map(|it| it.object.kind());
        if news.iter().any(|it| Some(it.object.kind()) != kind.or(Some(news[0].object.kind()))) {
            let why = "one id names objects of two kinds".to_owned();
            return Err(StoreError::Corrupt { what: "object", why });
        }
        match fold(standing, news) {
            Fold::Unchanged => {}
            Fold::Standing(it) => standings.push(((*id).to_owned(), *it)),
            Fold::Contest { at } => contests.push(((*id).to_owned(), at)),
        }
    }
    Ok((standings, contests))
}

/// Judges the contests by all stored events of their seconds; those of this batch are among them.
fn settle_all(bodies: &[(String, Vec<u8>)]) -> Standings {
    let mut contestants: BTreeMap<&str, Vec<Contestant>> = BTreeMap::new();
    for (id, body) in bodies {
        contestants.entry(id).or_default().extend(webhook::contestant(body));
    }
    let settled = contestants.into_iter();
    settled.filter_map(|(id, it)| Some((id.to_owned(), settle(&it)?))).collect()
}

/// Puts a standing in its place; returns whether that changed anything.
fn stand(
    objects: &mut BTreeMap<String, StoredObject>,
    id: &str,
    account: Option<String>,
    standing: Standing,
) -> bool {
    let (user_id, bearing) =
        (user_of(&standing.object).map(str::to_owned), bearing(&standing.object));
    match objects.get_mut(id) {
        Some(it) if it.standing == standing => false,
        Some(it) => {
            (it.user_id, it.bearing, it.standing) = (user_id, bearing, standing);
            true
        }
        None => {
            let id = id.to_owned();
            let new = StoredObject {
                id: id.clone(),
                account,
                owner_id: None,
                payment_id: None,
                user_id,
                bearing,
                version: 0,
                standing,
            };
            objects.insert(id, new);
            true
        }
    }
}

async fn name_users(
    tx: &mut Tx<'_>,
    users: &BTreeMap<&str, AppUser>,
    now: i64,
) -> Result<(), StoreError> {
    if users.is_empty() {
        return Ok(());
    }
    store::user::name(tx, &users.values().collect::<Vec<_>>(), now).await
}

/// Writes what trying events again came to; nearly always there are none. It stands before
/// the merge, so that a contest finds them among the applied.
async fn conclude(tx: &mut Tx<'_>, news: &[News<'_>], now: i64) -> Result<(), StoreError> {
    let conclusions: Vec<Conclusion> =
        news.iter().filter_map(|it| Some(conclusion(it.event, it.failed_before?, now))).collect();
    match conclusions.is_empty() {
        true => Ok(()),
        false => store::event::conclude(tx, conclusions).await,
    }
}

fn conclusion(event: &EventInput, failed_before: i64, now: i64) -> Conclusion {
    let new = new_event(event, now.saturating_mul(1000));
    let attempts = failed_before + 1;
    Conclusion {
        retry_at: new.error.as_ref().and_then(|_| retry_at(attempts, now)),
        id: new.id,
        object_id: new.object_id,
        status: new.status,
        error: new.error,
        attempts,
    }
}

fn outcomes(inputs: &[Input], recorded: &[Recorded], new: &[&NewFact]) -> Vec<Outcome> {
    let known: BTreeMap<&str, &Recorded> = recorded.iter().map(|it| (it.id.as_str(), it)).collect();
    let mut seen = BTreeSet::new();
    let outcome = |input: &Input| match input {
        Input::User(_) | Input::Due(_) => Outcome::Applied,
        Input::Noticed(it) if new.iter().any(|new| new.staged == it.staged) => Outcome::Applied,
        Input::Noticed(_) => Outcome::Duplicate,
        Input::Event(it) => {
            let id = it.incoming.id.as_str();
            let known = known
                .get(id)
                .filter(|known| !known.is_new && !is_open(known, &it.incoming.reading));
            let first = seen.insert(id.to_owned());
            match &it.incoming.reading {
                Reading::Broken(why) => Outcome::Failed(why.clone()),
                _ if !first => Outcome::Duplicate,
                _ if known.is_some() && it.purpose == Purpose::Delivery => Outcome::Duplicate,
                Reading::Ignored => Outcome::Ignored,
                _ => Outcome::Applied,
            }
        }
    };
    inputs.iter().map(outcome).collect()
}

/// Keeps an event that could not be applied, with the reason, to be tried again, and tells of it;
/// without a word where the telling itself is what fails. One that is applied stays so: it is part
/// of the state, and whoever handed it in hears of the failure.
///
/// # Errors
/// As the database says.
pub async fn record_failure(
    db: &Db,
    rulebook: &Rulebook,
    event: &EventInput,
    why: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    let mut broken = event.clone();
    broken.incoming.reading = Reading::Broken(why.to_owned());
    let storable = |it: &str| it.replace('\0', "\u{fffd}");
    let incoming = &mut broken.incoming;
    incoming.event_type = storable(&incoming.event_type);
    incoming.account = incoming.account.as_deref().map(storable);
    match keep_failure(db, Some(rulebook), &broken, now_ms).await {
        Err(error) if super::is_about_content(&error) => {
            keep_failure(db, None, &broken, now_ms).await
        }
        done => done,
    }
}

async fn keep_failure(
    db: &Db,
    told: Option<&Rulebook>,
    broken: &EventInput,
    now_ms: i64,
) -> Result<(), StoreError> {
    let now = now_ms.div_euclid(1000);
    let mut tx = db.begin().await?;
    let recorded = store::event::record(&mut tx, vec![new_event(broken, now_ms)]).await?;
    if recorded.iter().any(|it| !it.is_new && it.status == Status::Applied) {
        return tx.commit().await;
    }
    let failed_before = recorded.iter().find(|it| !it.is_new).map(|it| it.attempts);
    conclude(&mut tx, &[News { event: broken, failed_before }], now).await?;
    if let Some(rulebook) = told {
        let failed = [facts::failed(broken)];
        let new = store::outbox::stage(&mut tx, &failed, now).await?;
        store::delivery::plan(&mut tx, &new, &rulebook.routes, now_ms).await?;
    }
    tx.commit().await
}
