//! Derives the whole state anew from the stored events and compares it with what is held. The new
//! state is made in a scratch database, through the same door; only what differs is then derived
//! again in the real one, an object at a time, so that a running server is never without answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::replay::{self, ReplayError};
use crate::handlers::Handlers;
use crate::receive::handling::handle;
use crate::receive::{Input, Purpose, apply, apply_and_commit, apply_in};
use crate::rules::access::{Access, Reason};
use crate::rules::policy::Rulebook;
use crate::rules::routes::Routes;
use crate::store::event::{Status, Stored};
use crate::store::object::StoredObject;
use crate::store::{self, Db, StoreError};
use crate::webhook;

/// Events, objects or users that are worked on at a time.
const PAGE: i64 = 256;
/// Only what differs so often, each time with the events that came meanwhile, is drift.
const LOOKS_MAX: usize = 3;
/// How far apart the clocks of nodes may be, in milliseconds.
const CLOCKS_DIFFER_MS: i64 = 300_000;
/// How often something is mended again that another transaction was in the way of.
const TRIES_MAX: usize = 6;
/// Objects that are mended in one transaction, for which the index of all events is read once.
const MENDED_AT_ONCE: usize = 32;

const OBJECT: &str = "object";
const ACCESS: &str = "access";

/// One difference between what is held and what the events say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Drift {
    /// The object's id, or the user's.
    pub id: String,
    /// `object` or `access`.
    pub table: &'static str,
    /// What differs, in a few words.
    pub what: &'static str,
}

impl Drift {
    fn is_about_what(&self, other: &Self) -> bool {
        (self.table, &self.id) == (other.table, &other.id)
    }
}

/// What a rebuild found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Events that were read.
    pub events: u64,
    /// Objects that they give.
    pub objects: u64,
    /// Users whose access was compared.
    pub users: u64,
    /// What differs, or was mended.
    pub drift: Vec<Drift>,
}

/// Compares the state with the one that the events give at `now_ms` (Unix milliseconds), made in
/// a new SQLite database at `scratch`. `progress` is told the number of events read so far. With
/// `mend` what differs is mended, and what an older version ignored is applied; then its handlers
/// hear of the access that changes thereby, and so does everybody whom the rulebook's routes name,
/// and of nothing else: they were told all facts before.
///
/// # Errors
/// A database is away; what was mended before stays so.
pub async fn run(
    db: &Db,
    rulebook: &Rulebook,
    scratch: &Path,
    now_ms: i64,
    mend: Option<&Handlers>,
    progress: impl Fn(u64),
) -> Result<Report, ReplayError> {
    let fresh = Db::connect(&format!("sqlite://{}", scratch.display())).await?;
    store::schema::migrate(&fresh).await?;
    let untold = &Rulebook { routes: Routes::default(), ..rulebook.clone() };
    let read = derive_anew(db, &fresh, untold, now_ms, progress).await?;
    let mut report = compare(db, &fresh, rulebook, now_ms).await?;
    for _ in 1..LOOKS_MAX {
        if report.drift.is_empty() {
            break;
        }
        catch_up(db, &fresh, untold, now_ms).await?;
        let mut again = compare(db, &fresh, rulebook, now_ms).await?;
        again.drift.retain(|it| report.drift.iter().any(|before| before.is_about_what(it)));
        report = again;
    }
    fresh.close().await;
    if let Some(handlers) = mend {
        apply_ignored(db, rulebook, handlers, &read.ignored, now_ms).await?;
        mend_objects(db, rulebook, handlers, &report.drift, now_ms).await?;
        mend_access(db, rulebook, handlers, &report.drift, now_ms).await?;
    }
    Ok(Report { events: read.events, ..report })
}

async fn compare(
    db: &Db,
    fresh: &Db,
    rulebook: &Rulebook,
    now_ms: i64,
) -> Result<Report, ReplayError> {
    let (objects, mut drift) = compare_objects(db, fresh).await?;
    let (users, of_access) = compare_access(db, fresh, rulebook, now_ms / 1000).await?;
    drift.extend(of_access);
    Ok(Report { events: 0, objects, users, drift })
}

/// What was read.
#[derive(Debug, Default)]
struct Read {
    events: u64,
    /// The ids of those that an older version ignored and this one reads.
    ignored: Vec<String>,
}

async fn derive_anew(
    db: &Db,
    fresh: &Db,
    rulebook: &Rulebook,
    now_ms: i64,
    progress: impl Fn(u64),
) -> Result<Read, ReplayError> {
    copy_users(db, fresh, rulebook, now_ms).await?;
    let (mut read, mut after) = (Read::default(), String::new());
    loop {
        let page = store::event::page(db, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(read) };
        after.clone_from(&last.id);
        read.events += page.len() as u64;
        for it in page.iter().filter(|it| it.status == Status::Ignored) {
            if webhook::snapshot(&it.body).is_some() {
                read.ignored.push(it.id.clone());
            }
        }
        apply(fresh, rulebook, &inputs(&page)?, now_ms).await?;
        fresh.checkpoint().await?;
        progress(read.events);
    }
}

/// Derives what came since `now_ms`: a server may have gone on meanwhile.
async fn catch_up(
    db: &Db,
    fresh: &Db,
    rulebook: &Rulebook,
    now_ms: i64,
) -> Result<(), ReplayError> {
    copy_users(db, fresh, rulebook, now_ms).await?;
    let (since_ms, mut after) = (now_ms - CLOCKS_DIFFER_MS, String::new());
    loop {
        let page = store::event::page_since(db, since_ms, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        apply(fresh, rulebook, &inputs(&page)?, now_ms).await?;
    }
}

/// The events that were applied, to be applied again.
fn inputs(events: &[Stored]) -> Result<Vec<Input>, ReplayError> {
    let applied = events.iter().filter(|it| it.status != Status::Failed);
    applied.map(|it| replay::input(it, Purpose::Rebuild)).collect()
}

async fn copy_users(
    db: &Db,
    fresh: &Db,
    rulebook: &Rulebook,
    now_ms: i64,
) -> Result<(), ReplayError> {
    let mut after = String::new();
    loop {
        let page = store::user::page(db, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.user_id);
        let inputs: Vec<Input> = page.into_iter().map(Input::User).collect();
        apply(fresh, rulebook, &inputs, now_ms).await?;
    }
}

async fn compare_objects(db: &Db, fresh: &Db) -> Result<(u64, Vec<Drift>), ReplayError> {
    let (count, mut drift) = missing_or_different(fresh, db).await?;
    let (_, extra) = missing_or_different(db, fresh).await?;
    let extra = extra.into_iter().filter(|it| it.what == MISSING);
    drift.extend(extra.map(|it| Drift { what: "no event speaks of it", ..it }));
    Ok((count, drift))
}

const MISSING: &str = "it is missing";

/// Walks the objects of `one`; returns how many, and what `other` lacks or has otherwise.
async fn missing_or_different(one: &Db, other: &Db) -> Result<(u64, Vec<Drift>), ReplayError> {
    let (mut count, mut drift, mut after) = (0, Vec::new(), String::new());
    loop {
        let page = store::object::page(one, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok((count, drift)) };
        after.clone_from(&last.id);
        count += page.len() as u64;
        let ids: Vec<&str> = page.iter().map(|it| it.id.as_str()).collect();
        let found = store::object::find_all(other, &ids).await?;
        let found: BTreeMap<&str, &StoredObject> =
            found.iter().map(|it| (it.id.as_str(), it)).collect();
        for object in &page {
            let what = match found.get(object.id.as_str()) {
                None => Some(MISSING),
                Some(it) => difference(object, it),
            };
            drift.extend(what.map(|what| Drift { id: object.id.clone(), table: OBJECT, what }));
        }
    }
}

fn difference(a: &StoredObject, b: &StoredObject) -> Option<&'static str> {
    if a.standing.object != b.standing.object {
        Some("its state differs")
    } else if a.standing != b.standing {
        Some("another event decides")
    } else if (&a.owner_id, &a.payment_id, &a.user_id) != (&b.owner_id, &b.payment_id, &b.user_id) {
        Some("it belongs to another")
    } else if (a.bearing, &a.account) != (b.bearing, &b.account) {
        Some("it weighs otherwise")
    } else {
        None
    }
}

/// Applies what an older version ignored, which makes it known what these events are about.
async fn apply_ignored(
    db: &Db,
    rulebook: &Rulebook,
    handlers: &Handlers,
    ids: &[String],
    now_ms: i64,
) -> Result<(), ReplayError> {
    for chunk in ids.chunks(crate::receive::BATCH_MAX) {
        let mut events = Vec::new();
        for id in chunk {
            events.extend(store::event::find(db, id).await?);
        }
        take(db, rulebook, handlers, &inputs(&events)?, now_ms).await?;
    }
    Ok(())
}

/// Applies inputs, again where another transaction was in the way.
async fn take(
    db: &Db,
    rulebook: &Rulebook,
    handlers: &Handlers,
    inputs: &[Input],
    now_ms: i64,
) -> Result<(), ReplayError> {
    let mut tries = 1;
    loop {
        let tx = db.begin().await?;
        match apply_and_commit(tx, rulebook, handlers, inputs, now_ms).await {
            Err(StoreError::Conflict(_)) if tries < TRIES_MAX => tries += 1,
            done => return done.map(drop).map_err(ReplayError::from),
        }
    }
}

/// Derives drifting objects again from all events about them.
async fn mend_objects(
    db: &Db,
    rulebook: &Rulebook,
    handlers: &Handlers,
    drift: &[Drift],
    now_ms: i64,
) -> Result<(), ReplayError> {
    let objects = drift.iter().filter(|it| it.table == OBJECT);
    let ids: Vec<String> = objects.map(|it| it.id.clone()).collect();
    for some in ids.chunks(MENDED_AT_ONCE) {
        let mut tries = 1;
        loop {
            match mend_some(db, rulebook, handlers, some, now_ms).await {
                Err(ReplayError::Store(StoreError::Conflict(_))) if tries < TRIES_MAX => tries += 1,
                done => break done?,
            }
        }
    }
    Ok(())
}

/// Forgets objects and applies all events about them, in one transaction. The events are read
/// after the objects are gone: whoever changes one meanwhile has committed by then, or will find
/// another version than the one it loaded and begin again.
async fn mend_some(
    db: &Db,
    rulebook: &Rulebook,
    handlers: &Handlers,
    ids: &[String],
    now_ms: i64,
) -> Result<(), ReplayError> {
    let mut tx = db.begin().await?;
    let version = store::object::delete(&mut tx, ids).await?;
    let events = store::event::of_objects(&mut tx, ids).await?;
    for chunk in inputs(&events)?.chunks(store::sql::ROWS_MAX) {
        let applied = apply_in(&mut tx, rulebook, chunk, now_ms).await?;
        handle(&mut tx, handlers, chunk, &applied, now_ms.div_euclid(1000)).await?;
    }
    store::object::raise(&mut tx, ids, version).await?;
    tx.commit().await?;
    Ok(())
}

/// Derives the access of each drifting user again from the objects as they now are.
async fn mend_access(
    db: &Db,
    rulebook: &Rulebook,
    handlers: &Handlers,
    drift: &[Drift],
    now_ms: i64,
) -> Result<(), ReplayError> {
    let users = drift.iter().filter(|it| it.table == ACCESS);
    let due: Vec<Input> = users.map(|it| Input::Due(it.id.clone())).collect();
    for chunk in due.chunks(crate::receive::BATCH_MAX) {
        take(db, rulebook, handlers, chunk, now_ms).await?;
    }
    Ok(())
}

async fn compare_access(
    db: &Db,
    fresh: &Db,
    rulebook: &Rulebook,
    now: i64,
) -> Result<(u64, Vec<Drift>), ReplayError> {
    let mut users: BTreeSet<String> = all_users(db).await?;
    users.extend(all_users(fresh).await?);
    let mut drift = Vec::new();
    for user in &users {
        let held = crate::answer::access(db, rulebook, user, now).await?.access;
        let derived = crate::answer::access(fresh, rulebook, user, now).await?.access;
        // Who lost their last link keeps a row that says so.
        let nothing = |it: &Access| *it == Access::none(Reason::NoCustomer);
        if held != derived && !(nothing(&held) && nothing(&derived)) {
            let what = "it differs";
            drift.push(Drift { id: user.clone(), table: ACCESS, what });
        }
    }
    Ok((users.len() as u64, drift))
}

async fn all_users(db: &Db) -> Result<BTreeSet<String>, ReplayError> {
    let (mut users, mut after) = (BTreeSet::new(), String::new());
    loop {
        let page = store::access::page(db, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(users) };
        after.clone_from(&last.user_id);
        users.extend(page.into_iter().map(|it| it.user_id));
    }
}
