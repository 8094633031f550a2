//! Deriving everything anew from the stored events gives the same state; damage is found and
//! mended; and a server may go on meanwhile.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;

use std::sync::Arc;

use databases::{Fresh, on_both_databases};
use futures_util::future::join_all;
use tollgate::clock::Clock;
use tollgate::handlers::Handlers;
use tollgate::receive::{self, Input, Outcome, Purpose, Receiver, Writers};
use tollgate::reconcile::rebuild::{self, Drift, Report};
use tollgate::rules::policy::Rulebook;
use tollgate::store::access::StoredAccess;
use tollgate::store::object::StoredObject;
use tollgate::store::{self, Db};
use tollgate::webhook;
use tollgate_sandbox::story::{Cast, STORIES, StoryEvent, delivered, story};

/// 2026-06-01T00:00:00Z.
const START: i64 = 1_780_272_000;
/// After every story, in milliseconds.
const NOW_MS: i64 = (START + 400 * 86_400) * 1000;
/// More rows than any test here makes.
const ALL: i64 = 10_000;

/// Every story, each of a customer of its own.
fn histories(seed: u64) -> Vec<StoryEvent> {
    let tell = |(number, info): (u64, &tollgate_sandbox::story::StoryInfo)| {
        let user = Some(format!("user_{number}"));
        story(info.name, &Cast { user, ..Cast::new(seed * 1_000 + number, START) }).unwrap()
    };
    (0..).zip(STORIES).flat_map(tell).collect()
}

fn input(event: &StoryEvent) -> Input {
    let body = event.body.as_bytes();
    Input::event(webhook::read(body).unwrap(), body, Purpose::Delivery)
}

fn open(db: &Db) -> (Receiver, Writers) {
    receive::open(db, &Arc::new(Rulebook::default()), &Clock::manual(NOW_MS))
}

/// Delivers events from several tasks at once.
async fn deliver(receiver: &Receiver, events: &[StoryEvent]) {
    const AT_ONCE: usize = 32;
    for chunk in events.chunks(AT_ONCE) {
        for outcome in join_all(chunk.iter().map(|it| receiver.submit(input(it)))).await {
            assert!(!matches!(outcome.unwrap(), Outcome::Failed(_)));
        }
    }
}

async fn take(db: &Db, events: &[StoryEvent]) {
    let (receiver, writers) = open(db);
    deliver(&receiver, events).await;
    drop(receiver);
    writers.finish().await;
}

async fn rebuild(db: &Db, mend: bool, progress: impl Fn(u64)) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let scratch = folder.path().join("scratch.db");
    let handlers = Handlers::default();
    let mend = mend.then_some(&handlers);
    rebuild::run(db, &Rulebook::default(), &scratch, NOW_MS, mend, progress).await.unwrap()
}

async fn check(db: &Db) -> Vec<Drift> {
    rebuild(db, false, |_| ()).await.drift
}

/// All that is derived, without versions and revisions.
async fn rows(db: &Db) -> (Vec<StoredObject>, Vec<StoredAccess>) {
    let mut objects = store::object::page(db, "", ALL).await.unwrap();
    let mut access = store::access::page(db, "", ALL).await.unwrap();
    objects.iter_mut().for_each(|it| it.version = 0);
    access.iter_mut().for_each(|it| (it.revision, it.changed_at) = (0, 0));
    (objects, access)
}

async fn nothing_drifts_whatever_the_order(fresh: Fresh) {
    let events = histories(1);
    take(&fresh.db, &delivered(&events, 2, 1)).await;
    let report = rebuild(&fresh.db, false, |_| ()).await;
    assert_eq!(report.drift, []);
    assert_eq!(report.events, events.len() as u64);
    let (objects, access) = rows(&fresh.db).await;
    assert_eq!((report.objects, report.users), (objects.len() as u64, access.len() as u64));
    assert!(
        access.iter().any(|it| it.access.granted) && access.iter().any(|it| !it.access.granted)
    );
    fresh.gone().await;
}

async fn damage_is_found_exactly_and_mended(fresh: Fresh) {
    take(&fresh.db, &delivered(&histories(2), 1, 2)).await;
    let before = rows(&fresh.db).await;
    let subscriptions: Vec<&StoredObject> =
        before.0.iter().filter(|it| it.id.starts_with("sub_")).collect();
    let granted = before.1.iter().find(|it| it.access.granted).unwrap();
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|it| subscriptions[it].id.as_str());
    let damage = [
        (a, "object", "it is missing", format!("delete from object where id = '{a}'")),
        (b, "object", "its state differs", set_state(b, c)),
        (c, "object", "another event decides", set(c, "event_id = 'evt_another'")),
        (d, "object", "it belongs to another", set(d, "owner_id = 'cus_another'")),
        (e, "object", "it weighs otherwise", set(e, "bearing = 0")),
        ("zz_ghost", "object", "no event speaks of it", ghost(a)),
        (
            granted.user_id.as_str(),
            "access",
            "it differs",
            format!("update access set plan = 'gold' where user_id = '{}'", granted.user_id),
        ),
    ];
    // The ghost is made of what is deleted.
    for (.., sql) in damage.iter().rev() {
        fresh.meddle(sql).await;
    }
    let mut wanted: Vec<Drift> = damage
        .iter()
        .map(|(id, table, what, _)| Drift { id: (*id).to_owned(), table, what })
        .collect();
    let mut found = check(&fresh.db).await;
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    let mut mended = rebuild(&fresh.db, true, |_| ()).await.drift;
    mended.sort();
    assert_eq!(mended, wanted);
    assert_eq!(check(&fresh.db).await, []);
    assert_eq!(rows(&fresh.db).await, before);
    fresh.gone().await;
}

fn set(id: &str, what: &str) -> String {
    format!("update object set {what} where id = '{id}'")
}

fn set_state(id: &str, from: &str) -> String {
    set(id, &format!("state = (select state from object where id = '{from}')"))
}

fn ghost(of: &str) -> String {
    format!(
        "insert into object select 'zz_ghost', kind, account, null, null, null, 0, observed_at,
         event_id, contested, unsettled, version, state from object where id = '{of}'"
    )
}

async fn everything_is_derived_anew_where_all_is_gone(fresh: Fresh) {
    take(&fresh.db, &delivered(&histories(3), 1, 3)).await;
    let before = rows(&fresh.db).await;
    fresh.meddle("delete from object; delete from access").await;
    assert!(!rebuild(&fresh.db, true, |_| ()).await.drift.is_empty());
    assert_eq!(check(&fresh.db).await, []);
    assert_eq!(rows(&fresh.db).await, before);
    fresh.gone().await;
}

/// Makes it as if an older version had taken these events in, which did not know their types. Thin
/// ones are left: they carry nothing to derive from.
async fn forget_how_to_read(fresh: &Fresh, prefix: &str) {
    let ignored = format!(
        "update event set status = 'ignored', object_id = null
         where object_id like '{prefix}%' and type not like 'v1.%'"
    );
    fresh.meddle(&ignored).await;
    fresh.meddle(&format!("delete from object where id like '{prefix}%'")).await;
}

async fn ignored(fresh: &Fresh) -> i64 {
    fresh.ask("select count(*) from event where status = 'ignored'").await
}

async fn what_an_older_version_ignored_is_found_and_mended(fresh: Fresh) {
    take(&fresh.db, &delivered(&histories(6), 1, 6)).await;
    let (before, never_read) = (rows(&fresh.db).await, ignored(&fresh).await);
    forget_how_to_read(&fresh, "cs_").await;
    assert!(ignored(&fresh).await > never_read);
    let found = check(&fresh.db).await;
    assert!(found.iter().any(|it| it.table == "object" && it.what == "it is missing"), "{found:?}");
    rebuild(&fresh.db, true, |_| ()).await;
    assert_eq!(check(&fresh.db).await, []);
    assert_eq!(ignored(&fresh).await, never_read);
    let lost = "select count(*) from event where status = 'applied' and object_id is null
         and type like 'checkout.session.%'";
    assert_eq!(fresh.ask(lost).await, 0, "what they are about");
    assert_eq!(rows(&fresh.db).await, before);
    fresh.gone().await;
}

async fn what_an_older_version_ignored_is_applied_where_it_comes_again(fresh: Fresh) {
    let cast = Cast { user: Some("ada".to_owned()), ..Cast::new(7, START) };
    let events = story("subscribe_checkout", &cast).unwrap();
    take(&fresh.db, &events).await;
    let before = rows(&fresh.db).await;
    forget_how_to_read(&fresh, "cs_").await;
    let (receiver, writers) = open(&fresh.db);
    let session = |it: &&StoryEvent| it.body.contains("\"checkout.session.completed\"");
    let event = events.iter().find(session).unwrap();
    assert!(matches!(receiver.submit(input(event)).await.unwrap(), Outcome::Applied));
    assert!(matches!(receiver.submit(input(event)).await.unwrap(), Outcome::Duplicate));
    drop(receiver);
    writers.finish().await;
    assert_eq!(check(&fresh.db).await, []);
    assert_eq!(rows(&fresh.db).await, before);
    fresh.gone().await;
}

/// A check looks at a server that goes on: what changes while it looks is no drift.
async fn what_comes_in_during_a_check_is_no_drift(fresh: Fresh) {
    let events = histories(4);
    let (before, during) = events.split_at(events.len() / 2);
    take(&fresh.db, before).await;
    let (receiver, writers) = open(&fresh.db);
    let now = tokio::runtime::Handle::current();
    let live = |_| tokio::task::block_in_place(|| now.block_on(deliver(&receiver, during)));
    assert_eq!(rebuild(&fresh.db, false, live).await.drift, []);
    drop(receiver);
    writers.finish().await;
    fresh.gone().await;
}

async fn what_comes_in_during_a_mend_is_not_lost(fresh: Fresh) {
    let events = histories(5);
    let calm = Fresh::scratch().await;
    take(&calm.db, &events).await;
    // Every second event of each object comes while the object is mended.
    let (before, during): (Vec<_>, Vec<_>) =
        events.iter().cloned().enumerate().partition(|(number, _)| number % 2 == 0);
    let [before, during] = [before, during].map(|it| it.into_iter().map(|(_, it)| it).collect());
    let (before, during): (Vec<StoryEvent>, Vec<StoryEvent>) = (before, during);
    take(&fresh.db, &before).await;
    fresh.meddle("delete from object; delete from access").await;
    let (receiver, writers) = open(&fresh.db);
    let derived = tokio::sync::Notify::new();
    let live = async {
        derived.notified().await;
        for event in &during {
            deliver(&receiver, std::slice::from_ref(event)).await;
        }
    };
    let (report, ()) = tokio::join!(rebuild(&fresh.db, true, |_| derived.notify_one()), live);
    assert!(!report.drift.is_empty());
    drop(receiver);
    writers.finish().await;
    assert_eq!(check(&fresh.db).await, []);
    assert_eq!(rows(&fresh.db).await, rows(&calm.db).await);
    calm.gone().await;
    fresh.gone().await;
}

on_both_databases! {
    nothing_drifts_whatever_the_order;
    damage_is_found_exactly_and_mended;
    everything_is_derived_anew_where_all_is_gone;
    what_comes_in_during_a_check_is_no_drift;
    what_comes_in_during_a_mend_is_not_lost;
    what_an_older_version_ignored_is_found_and_mended;
    what_an_older_version_ignored_is_applied_where_it_comes_again;
}
