//! The app's own handlers run in the transaction of the change. What one breaks, by failing,
//! panicking or hanging, is its event alone: it is kept, shown and tried again, and nothing that a
//! handler did is ever there twice or alone.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use databases::{Fresh, on_both_databases};
use futures_util::future::join_all;
use history::objects::{self, USER, event, neighbour, subscription, with};
use history::{DAY, Piece, START};
use serde_json::json;
use sqlx::{AssertSqlSafe, SqlSafeStr};
use tollgate::answer;
use tollgate::clock::Clock;
use tollgate::handlers::{Change, HandlerError, Handlers, Kind};
use tollgate::receive::{self, Input, Outcome, Purpose, Receiver, SubmitError, retry};
use tollgate::reconcile::rebuild;
use tollgate::rules::effects::EffectKind;
use tollgate::store::user::AppUser;
use tollgate::store::{self, StoreError, Tx};

const NOW: i64 = START + 3_600;
/// Long enough for a handler that works, on a busy machine too.
const LIMIT: Duration = Duration::from_millis(500);

on_both_databases! {
    a_handler_sees_the_change_and_writes_in_its_transaction;
    a_handler_that_fails_costs_its_event_alone;
    a_handler_that_panics_costs_its_event_alone;
    a_handler_that_hangs_costs_its_event_alone;
    a_statement_that_does_not_end_is_stopped;
    a_handler_that_hides_a_failure_does_not_lose_the_rest;
    a_handler_that_ends_the_transaction_is_found_out;
    what_fails_late_takes_nothing_from_an_applied_event;
    each_fact_is_handled_once_for_each_user;
    what_time_brings_is_tried_again_and_shown;
    naming_a_user_answers_that_a_handler_failed;
    the_built_in_part_costs_the_same_for_any_number_of_changes;
}

/// A door whose clock the test moves, with a table of the app's behind it.
async fn open(fresh: &Fresh, mut handlers: Handlers) -> (Receiver, Clock) {
    fresh.meddle("create table users (id text primary key, plan text, seen bigint)").await;
    let clock = Clock::manual(NOW * 1000);
    handlers.set_limit(LIMIT);
    let rulebook = Arc::new(objects::rulebook());
    // The writers end with the runtime of the test.
    let (receiver, _) = receive::open_with(&fresh.db, &rulebook, Arc::new(handlers), &clock);
    (receiver, clock)
}

/// Runs SQL in the transaction, on either database.
async fn run(tx: &mut Tx<'_>, sql: String) -> Result<(), HandlerError> {
    let sql = AssertSqlSafe(sql).into_sql_str();
    if let Some(connection) = tx.sqlite() {
        sqlx::query(sql).execute(connection).await?;
    } else if let Some(connection) = tx.postgres() {
        sqlx::query(sql).execute(connection).await?;
    }
    Ok(())
}

/// What a careful app does: one row a user, and how often it was told.
async fn follow(change: &Change, tx: &mut Tx<'_>) -> Result<(), HandlerError> {
    let user = change.user_id.as_deref().unwrap_or_default();
    let plan = change.access.as_ref().map_or("free", |it| it.plan.as_str());
    let sql = format!(
        "insert into users (id, plan, seen) values ('{user}', '{plan}', 1)
         on conflict (id) do update set plan = excluded.plan, seen = users.seen + 1"
    );
    run(tx, sql).await
}

fn started() -> Piece {
    event("evt_1", "customer.subscription.created", START, &subscription("sub_1", "active"))
}

async fn a_handler_sees_the_change_and_writes_in_its_transaction(fresh: Fresh) {
    let seen: Arc<Mutex<Vec<Change>>> = Arc::default();
    let mut handlers = Handlers::default();
    let told = Arc::clone(&seen);
    handlers.on(Kind::Access, async move |change: &Change, tx: &mut Tx<'_>| {
        told.lock().unwrap().push(change.clone());
        follow(change, tx).await
    });
    let (receiver, _) = open(&fresh, handlers).await;
    assert_eq!(receiver.submit(started().delivery()).await.unwrap(), Outcome::Applied);
    let ended = with(&subscription("sub_1", "canceled"), &json!({ "canceled_at": START + 60 }));
    let ended = event("evt_2", "customer.subscription.deleted", START + 60, &ended);
    assert_eq!(receiver.submit(ended.delivery()).await.unwrap(), Outcome::Applied);
    let seen = seen.lock().unwrap().clone();
    let [first, second] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((first.user_id.as_deref(), first.revision), (Some(USER), 1));
    assert_eq!((first.event_id.as_deref(), first.at), (Some("evt_1"), NOW));
    assert_eq!(first.decided_by.as_deref(), Some("sub_1"));
    assert_eq!(first.before, None);
    assert_eq!(second.before, first.access, "what it was is what it became before");
    assert_eq!((second.revision, second.event_id.as_deref()), (2, Some("evt_2")));
    let granted = |it: &Change| it.access.as_ref().unwrap().granted;
    assert!(granted(first) && !granted(second));
    assert_eq!(fresh.ask("select count(*) from users where plan = 'free' and seen = 2").await, 1);
}

/// Lets `break_it` spoil one of 20 neighbours' changes until `broken` is false.
async fn costs_its_event_alone(
    fresh: Fresh,
    broken: Arc<AtomicBool>,
    words: &str,
    break_it: impl AsyncFn() -> Result<(), HandlerError> + Send + Sync + 'static,
) {
    let mut handlers = Handlers::default();
    let is_broken = Arc::clone(&broken);
    handlers.on(Kind::Access, async move |change: &Change, tx: &mut Tx<'_>| {
        follow(change, tx).await?;
        match change.user_id.as_deref() == Some("neighbour_7") && is_broken.load(Ordering::Acquire)
        {
            true => break_it().await,
            false => Ok(()),
        }
    });
    let (receiver, clock) = open(&fresh, handlers).await;
    let pieces: Vec<Piece> = (0..20).map(neighbour).collect();
    let outcomes = join_all(pieces.iter().map(|it| receiver.submit(it.delivery()))).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match outcome.unwrap() {
            Outcome::Failed(why) if number == 7 => assert!(why.contains(words), "{why}"),
            outcome => assert_eq!((number != 7, outcome), (true, Outcome::Applied)),
        }
    }
    assert!(receiver.handlers().failures() > 0);
    // Neither what the event says nor what the handler had written by then.
    assert_eq!(fresh.ask("select count(*) from users where seen = 1").await, 19);
    assert_eq!(fresh.ask("select count(*) from access").await, 19);
    assert_eq!(store::event::waiting(&fresh.db).await.unwrap().0, 1);
    let (event, _) = store::event::show(&fresh.db, "evt_n07").await.unwrap().unwrap();
    assert!(event.error.is_some_and(|it| it.contains(words) && it.contains("of access")));

    broken.store(false, Ordering::Release);
    clock.advance(Duration::from_secs(60));
    assert_eq!(retry::step(&fresh.db, &receiver, clock.now()).await.unwrap(), 1);
    assert_eq!(store::event::waiting(&fresh.db).await.unwrap().0, 0);
    assert_eq!(fresh.ask("select count(*) from users where seen = 1").await, 20);
}

async fn a_handler_that_fails_costs_its_event_alone(fresh: Fresh) {
    let fail = async || Err("the app's table says no".into());
    costs_its_event_alone(fresh, Arc::new(true.into()), "the app's table says no", fail).await;
}

async fn a_handler_that_panics_costs_its_event_alone(fresh: Fresh) {
    let panic = async || panic!("index out of bounds in the app");
    let words = "panicked: index out of bounds in the app";
    costs_its_event_alone(fresh, Arc::new(true.into()), words, panic).await;
}

async fn a_handler_that_hangs_costs_its_event_alone(fresh: Fresh) {
    let hang = async || std::future::pending().await;
    let mut handlers = Handlers::default();
    handlers.on(Kind::Access, async move |change: &Change, tx: &mut Tx<'_>| {
        follow(change, tx).await?;
        match change.user_id.as_deref() {
            Some("neighbour_7") => hang().await,
            _ => Ok(()),
        }
    });
    let (receiver, _) = open(&fresh, handlers).await;
    let pieces: Vec<Piece> = (5..10).map(neighbour).collect();
    let outcomes = join_all(pieces.iter().map(|it| receiver.submit(it.delivery()))).await;
    let failed = outcomes.iter().filter(|it| matches!(it, Ok(Outcome::Failed(_)))).count();
    let applied = outcomes.iter().filter(|it| matches!(it, Ok(Outcome::Applied))).count();
    assert_eq!((failed, applied), (1, 4), "{outcomes:?}");
    let Ok(Outcome::Failed(why)) = &outcomes[2] else { panic!("{outcomes:?}") };
    assert!(why.contains("took longer than 500ms"), "{why}");
    assert_eq!(fresh.ask("select count(*) from users").await, 4);
}

/// The database itself would go on with it for ever.
async fn a_statement_that_does_not_end_is_stopped(fresh: Fresh) {
    let mut handlers = Handlers::default();
    handlers.on(Kind::Access, async move |change: &Change, tx: &mut Tx<'_>| {
        match change.user_id.as_deref() {
            Some("neighbour_1") if tx.sqlite().is_some() => {
                let endless = "with recursive n (i) as (select 1 union all select i + 1 from n)
                     select count(*) from n";
                run(tx, endless.to_owned()).await
            }
            Some("neighbour_1") => run(tx, "select pg_sleep(600)".to_owned()).await,
            _ => follow(change, tx).await,
        }
    });
    let (receiver, _) = open(&fresh, handlers).await;
    let outcome = receiver.submit(neighbour(1).delivery()).await.unwrap();
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert_eq!(receiver.submit(neighbour(2).delivery()).await.unwrap(), Outcome::Applied);
    assert_eq!(fresh.ask("select count(*) from users").await, 1);
}

/// Postgres would turn the commit into a rollback and say nothing.
async fn a_handler_that_hides_a_failure_does_not_lose_the_rest(fresh: Fresh) {
    let mut handlers = Handlers::default();
    handlers.on(Kind::Access, async move |_: &Change, tx: &mut Tx<'_>| {
        drop(run(tx, "select * from nowhere".to_owned()).await);
        Ok(())
    });
    let (receiver, _) = open(&fresh, handlers).await;
    let outcome = receiver.submit(started().delivery()).await.unwrap();
    // SQLite undoes the statement alone.
    assert_eq!(matches!(outcome, Outcome::Failed(_)), fresh.db.is_postgres(), "{outcome:?}");
    let granted = fresh.ask("select count(*) from access").await;
    assert_eq!(granted == 1, outcome == Outcome::Applied, "said and done are one");
}

async fn a_handler_that_ends_the_transaction_is_found_out(fresh: Fresh) {
    let mut handlers = Handlers::default();
    handlers.on(Kind::Access, async move |_: &Change, tx: &mut Tx<'_>| {
        run(tx, "rollback".to_owned()).await
    });
    let (receiver, _) = open(&fresh, handlers).await;
    let outcome = receiver.submit(started().delivery()).await.unwrap();
    assert!(matches!(&outcome, Outcome::Failed(why) if why.contains("broken")), "{outcome:?}");
    assert_eq!(store::event::waiting(&fresh.db).await.unwrap().0, 1);
}

async fn each_fact_is_handled_once_for_each_user(fresh: Fresh) {
    let seen = Arc::<Mutex<Vec<(Option<String>, String)>>>::default();
    let mut handlers = Handlers::default();
    let told = Arc::clone(&seen);
    let kind = EffectKind::SubscriptionStarted;
    handlers.on(kind, async move |change: &Change, _: &mut Tx<'_>| {
        let object = change.object.as_ref().map(|it| it.kind().as_str().to_owned());
        assert!(change.access.as_ref().is_some_and(|it| it.granted));
        told.lock().unwrap().push((change.user_id.clone(), object.unwrap_or_default()));
        Ok(())
    });
    let (receiver, _) = open(&fresh, handlers).await;
    let other = AppUser {
        user_id: "user_2".to_owned(),
        customer_id: Some(objects::CUSTOMER.to_owned()),
        ..AppUser::default()
    };
    receiver.submit(Input::User(other)).await.unwrap();
    receiver.submit(started().delivery()).await.unwrap();
    let again = event(
        "evt_2",
        "customer.subscription.updated",
        START + 5,
        &subscription("sub_1", "active"),
    );
    receiver.submit(again.delivery()).await.unwrap();
    let piece = started();
    let replayed = Input::event(piece.incoming.clone(), piece.body.as_bytes(), Purpose::Replay);
    assert_eq!(receiver.submit(replayed).await.unwrap(), Outcome::Applied);
    let expected = |user: &str| (Some(user.to_owned()), "subscription".to_owned());
    assert_eq!(*seen.lock().unwrap(), [expected(USER), expected("user_2")]);
}

/// As where another node applied it meanwhile, or where somebody has it applied again. Were it
/// called failed, whatever derives the state anew would leave it out.
async fn what_fails_late_takes_nothing_from_an_applied_event(fresh: Fresh) {
    let (broken, mut handlers) = (Arc::new(AtomicBool::new(false)), Handlers::default());
    let is_broken = Arc::clone(&broken);
    handlers.on(Kind::Access, async move |change: &Change, tx: &mut Tx<'_>| {
        match is_broken.load(Ordering::Acquire) {
            true => Err("the app's disk is full".into()),
            false => follow(change, tx).await,
        }
    });
    let (receiver, clock) = open(&fresh, handlers).await;
    assert_eq!(receiver.submit(started().delivery()).await.unwrap(), Outcome::Applied);
    broken.store(true, Ordering::Release);
    // Now the same event changes what is stored, so that the handler is asked.
    for table in ["object", "access"] {
        fresh.meddle(&format!("delete from {table}")).await;
    }
    let again = Input::event(started().incoming, started().body.as_bytes(), Purpose::Replay);
    let outcome = receiver.submit(again).await.unwrap();
    assert!(
        matches!(&outcome, Outcome::Failed(why) if why.contains("disk is full")),
        "{outcome:?}"
    );
    let (shown, _) = store::event::show(&fresh.db, "evt_1").await.unwrap().unwrap();
    assert_eq!((shown.status.as_str(), shown.error, shown.retry_at), ("applied", None, None));
    let told = "select count(*) from outbox where kind = 'event_failed'";
    assert_eq!(fresh.ask(told).await, 0);

    let folder = tempfile::tempdir().unwrap();
    let (scratch, book) = (folder.path().join("scratch.db"), objects::rulebook());
    let (now_ms, mending) = (clock.now_ms(), Handlers::default());
    let rebuilt = rebuild::run(&fresh.db, &book, &scratch, now_ms, Some(&mending), |_| {});
    assert_eq!(rebuilt.await.unwrap().objects, 1);
    assert_eq!(fresh.ask("select count(*) from access where granted").await, 1);
}

async fn what_time_brings_is_tried_again_and_shown(fresh: Fresh) {
    let broken = Arc::new(AtomicBool::new(false));
    let tries = Arc::new(AtomicUsize::new(0));
    let mut handlers = Handlers::default();
    let (is_broken, counted) = (Arc::clone(&broken), Arc::clone(&tries));
    handlers.on(Kind::Access, async move |change: &Change, tx: &mut Tx<'_>| {
        counted.fetch_add(1, Ordering::AcqRel);
        match is_broken.load(Ordering::Acquire) {
            true => Err("the app's disk is full".into()),
            false => follow(change, tx).await,
        }
    });
    let (receiver, clock) = open(&fresh, handlers).await;
    let ends = json!({ "cancel_at": START + DAY });
    let ends = with(&subscription("sub_1", "active"), &ends);
    let piece = event("evt_1", "customer.subscription.created", START, &ends);
    receiver.submit(piece.delivery()).await.unwrap();
    broken.store(true, Ordering::Release);
    clock.advance(Duration::from_secs(2 * 86_400));
    assert_eq!(retry::due_step(&fresh.db, &receiver, clock.now()).await.unwrap(), 1);
    let failure = store::due_failure::find(&fresh.db, USER).await.unwrap().unwrap();
    assert_eq!(failure.attempts, 1);
    assert!(failure.retry_at > clock.now(), "it would spin");
    assert_eq!(retry::due_step(&fresh.db, &receiver, clock.now()).await.unwrap(), 0);
    assert_eq!(tries.load(Ordering::Acquire), 2);
    assert_eq!(fresh.ask("select count(*) from access where granted").await, 1, "half a change");
    let explained =
        answer::explain(&fresh.db, &objects::rulebook(), USER, clock.now()).await.unwrap();
    let shown = explained.remarks.join("\n");
    assert!(shown.contains("the app's disk is full"), "{shown}");

    clock.advance(Duration::from_secs(3_600));
    assert_eq!(retry::due_step(&fresh.db, &receiver, clock.now()).await.unwrap(), 1);
    assert_eq!(store::due_failure::find(&fresh.db, USER).await.unwrap().unwrap().attempts, 2);
    broken.store(false, Ordering::Release);
    clock.advance(Duration::from_secs(3_600));
    assert_eq!(retry::due_step(&fresh.db, &receiver, clock.now()).await.unwrap(), 1);
    assert_eq!(store::due_failure::find(&fresh.db, USER).await.unwrap(), None);
    assert_eq!(store::due_failure::waiting(&fresh.db).await.unwrap(), 0);
    assert_eq!(fresh.ask("select count(*) from users where plan = 'free' and seen = 2").await, 1);
}

async fn naming_a_user_answers_that_a_handler_failed(fresh: Fresh) {
    let mut handlers = Handlers::default();
    handlers.on(Kind::Access, async move |change: &Change, _: &mut Tx<'_>| match change.event_id {
        None => Err("not this one".into()),
        Some(_) => Ok(()),
    });
    let (receiver, _) = open(&fresh, handlers).await;
    let unnamed = with(&subscription("sub_1", "active"), &json!({ "metadata": {} }));
    let piece = event("evt_1", "customer.subscription.created", START, &unnamed);
    receiver.submit(piece.delivery()).await.unwrap();
    let user = AppUser {
        user_id: USER.to_owned(),
        customer_id: Some(objects::CUSTOMER.to_owned()),
        ..AppUser::default()
    };
    let answer = receiver.submit(Input::User(user)).await;
    let Err(SubmitError::Store(error)) = answer else { panic!("{answer:?}") };
    assert!(matches!(&*error, StoreError::Handler { .. }), "{error}");
    assert_eq!(store::user::find(&fresh.db, USER).await.unwrap(), None);
}

async fn the_built_in_part_costs_the_same_for_any_number_of_changes(fresh: Fresh) {
    fresh.meddle("create table users (id text primary key, plan text, email text)").await;
    let statement = "insert into users (id, plan, email) values ($user, $plan, $email)
         on conflict (id) do update set plan = $plan";
    let mut handlers = Handlers::default();
    handlers.on_access_change(&[statement.to_owned()], &fresh.db).unwrap();
    let cost = async |inputs: &[Input]| {
        let before = fresh.db.executed();
        let tx = fresh.db.begin().await.unwrap();
        let (rulebook, now_ms) = (objects::rulebook(), NOW * 1000);
        receive::apply_and_commit(tx, &rulebook, &handlers, inputs, now_ms).await.unwrap();
        fresh.db.executed() - before
    };
    let one = cost(&[neighbour(99).delivery()]).await;
    let many: Vec<Input> = (0..receive::BATCH_MAX).map(|it| neighbour(it).delivery()).collect();
    assert_eq!(cost(&many).await, one + receive::BATCH_MAX as u64 - 1);
    assert_eq!(fresh.ask("select count(*) from users where plan = 'pro'").await, 65);
    assert!(cost(&many).await < one, "nothing changed: nobody is asked");
}
