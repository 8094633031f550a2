//! Derives the whole state anew from the stored events and compares it with what is held. The new
//! state is made in a scratch database, through the same door; only what differs is then derived
//! again in the real one, an object at a time, so that a running server is never without answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::replay::{self, ReplayError};
use crate::receive::{Input, Purpose, apply, apply_in};
use crate::rules::access::{Access, Reason};
use crate::rules::policy::Rulebook;
use crate::store::object::StoredObject;
use crate::store::{self, Db};

/// Events, objects or users that are worked on at a time.
const PAGE: i64 = 256;

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
/// a new SQLite database at `scratch`; mends it if `mend`. `progress` is told the number of
/// events read so far.
///
/// # Errors
/// A database is away; what was mended before stays so.
pub async fn run(
    db: &Db,
    rulebook: &Rulebook,
    scratch: &Path,
    now_ms: i64,
    mend: bool,
    progress: impl Fn(u64),
) -> Result<Report, ReplayError> {
    let fresh = Db::connect(&format!("sqlite://{}", scratch.display())).await?;
    store::schema::migrate(&fresh).await?;
    let events = derive_anew(db, &fresh, rulebook, now_ms, progress).await?;
    let (objects, mut drift) = compare_objects(db, &fresh).await?;
    if mend {
        mend_objects(db, rulebook, &drift, now_ms).await?;
    }
    let (users, access_drift) = compare_access(db, &fresh, rulebook, now_ms / 1000).await?;
    if mend {
        let due: Vec<Input> = access_drift.iter().map(|it| Input::Due(it.id.clone())).collect();
        for chunk in due.chunks(crate::receive::BATCH_MAX) {
            apply(db, rulebook, chunk, now_ms).await?;
        }
    }
    drift.extend(access_drift);
    fresh.close().await;
    Ok(Report { events, objects, users, drift })
}

async fn derive_anew(
    db: &Db,
    fresh: &Db,
    rulebook: &Rulebook,
    now_ms: i64,
    progress: impl Fn(u64),
) -> Result<u64, ReplayError> {
    copy_users(db, fresh, rulebook, now_ms).await?;
    let (mut count, mut after) = (0, String::new());
    loop {
        let page = store::event::page(db, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(count) };
        after.clone_from(&last.id);
        count += page.len() as u64;
        let applied = page.iter().filter(|it| it.status != store::event::Status::Failed);
        let inputs: Result<Vec<Input>, _> =
            applied.map(|it| replay::input(it, Purpose::Rebuild)).collect();
        apply(fresh, rulebook, &inputs?, now_ms).await?;
        fresh.checkpoint().await?;
        progress(count);
    }
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
            let table = "object";
            drift.extend(what.map(|what| Drift { id: object.id.clone(), table, what }));
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

/// Forgets each drifting object and applies all events about it, in one transaction.
async fn mend_objects(
    db: &Db,
    rulebook: &Rulebook,
    drift: &[Drift],
    now_ms: i64,
) -> Result<(), ReplayError> {
    for it in drift {
        let ids = [it.id.clone()];
        let events = store::event::of_objects(db, &ids).await?;
        let applied = events.iter().filter(|it| it.status != store::event::Status::Failed);
        let inputs: Result<Vec<Input>, _> =
            applied.map(|it| replay::input(it, Purpose::Rebuild)).collect();
        let mut tx = db.begin().await?;
        store::object::delete(&mut tx, &ids).await?;
        for chunk in inputs?.chunks(store::sql::ROWS_MAX) {
            apply_in(&mut tx, rulebook, chunk, now_ms).await?;
        }
        tx.commit().await?;
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
            drift.push(Drift { id: user.clone(), table: "access", what });
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
