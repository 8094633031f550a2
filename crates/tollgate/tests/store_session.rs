//! The writer's session: whether it has guests or not, and whichever connection that gives it, it
//! reads and writes as every other transaction does.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;

use std::cell::Cell;
use std::str::FromStr;
use std::time::Duration;

use databases::{Fresh, on_both_databases};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tollgate::store::event::{self, NewEvent, Status};
use tollgate::store::user::{self, AppUser};
use tollgate::store::{Db, StoreError, Tx};

on_both_databases! {
    with_guests_and_without_the_same_is_written_and_read;
    what_is_not_committed_is_not_there_and_the_session_goes_on;
    after_a_refused_statement_the_next_session_writes;
    whoever_else_writes_comes_between_two_sessions;
    tables_are_looked_at_beside_an_open_transaction;
}

const BODY: &[u8] = b"{\"id\":\"evt_1\",\"text\":\"\xc3\xa4 \\u0000\"}";

fn event(id: &str) -> NewEvent {
    NewEvent {
        id: id.to_owned(),
        event_type: "customer.created".to_owned(),
        created_at: 1_795_000_000,
        object_id: None,
        account: None,
        status: Status::Applied,
        error: None,
        retry_at: None,
        received_ms: i64::MAX,
        payload: tollgate::store::payload::pack(BODY),
    }
}

fn ada(email: Option<&str>) -> AppUser {
    let email = email.map(str::to_owned);
    AppUser { user_id: "ada".to_owned(), email, ..AppUser::default() }
}

async fn name(tx: &mut Tx<'_>, email: &str) -> Result<(), StoreError> {
    user::name(tx, &[&ada(Some(email))], 1).await
}

async fn email(db: &Db) -> Option<String> {
    user::find(db, "ada").await.unwrap().and_then(|it| it.email)
}

async fn with_guests_and_without_the_same_is_written_and_read(fresh: Fresh) {
    let db = &fresh.db;
    for guests in [false, true] {
        let id = format!("evt_{guests}");
        let mut session = db.session(guests).await.unwrap();
        for known in [false, true] {
            let mut tx = session.begin().await.unwrap();
            let recorded = event::record(&mut tx, vec![event(&id), event("evt_other")]).await;
            let found = recorded.unwrap().into_iter().find(|it| it.id == id).unwrap();
            assert_eq!((found.is_new, found.status), (!known, Status::Applied));
            tx.commit().await.unwrap();
        }
        drop(session);
        let (summary, body) = event::show(db, &id).await.unwrap().expect("it is stored");
        assert_eq!((summary.seen, summary.received_ms), (2, i64::MAX));
        assert_eq!((summary.object_id, summary.error), (None, None));
        assert_eq!(body, BODY);
    }
    fresh.gone().await;
}

async fn what_is_not_committed_is_not_there_and_the_session_goes_on(fresh: Fresh) {
    let db = &fresh.db;
    for guests in [false, true] {
        let mut session = db.session(guests).await.unwrap();
        let mut tx = session.begin().await.unwrap();
        name(&mut tx, "dropped@example.com").await.unwrap();
        drop(tx);
        let mut tx = session.begin().await.unwrap();
        let kept = format!("{guests}@example.com");
        name(&mut tx, &kept).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = session.begin().await.unwrap();
        name(&mut tx, "dropped@example.com").await.unwrap();
        // The session may end before its transaction is looked at again.
        drop(tx);
        drop(session);
        assert_eq!(email(db).await, Some(kept));
    }
    fresh.gone().await;
}

async fn after_a_refused_statement_the_next_session_writes(fresh: Fresh) {
    let db = &fresh.db;
    for guests in [false, true] {
        let mut session = db.session(guests).await.unwrap();
        let mut tx = session.begin().await.unwrap();
        name(&mut tx, "dropped@example.com").await.unwrap();
        // One id twice in a batch: Postgres refuses it; SQLite counts it twice.
        let twice = event::record(&mut tx, vec![event("evt_1"), event("evt_1")]).await;
        assert_eq!(twice.is_err(), db.is_postgres());
        drop(tx);
        drop(session);
        let mut session = db.session(guests).await.unwrap();
        let mut tx = session.begin().await.unwrap();
        name(&mut tx, "kept@example.com").await.unwrap();
        tx.commit().await.unwrap();
        drop(session);
        assert_eq!(email(db).await.as_deref(), Some("kept@example.com"));
    }
    fresh.gone().await;
}

async fn whoever_else_writes_comes_between_two_sessions(fresh: Fresh) {
    let db = &fresh.db;
    for turn in 0..3 {
        let mut session = db.session(false).await.unwrap();
        let mut tx = session.begin().await.unwrap();
        name(&mut tx, &format!("session_{turn}@example.com")).await.unwrap();
        tx.commit().await.unwrap();
        drop(session);
        let mut tx = db.begin().await.unwrap();
        name(&mut tx, &format!("other_{turn}@example.com")).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(email(db).await, Some(format!("other_{turn}@example.com")));
    }
    fresh.gone().await;
}

async fn tables_are_looked_at_beside_an_open_transaction(fresh: Fresh) {
    let db = &fresh.db;
    let mut session = db.session(false).await.unwrap();
    let mut tx = session.begin().await.unwrap();
    event::record(&mut tx, vec![event("evt_1")]).await.unwrap();
    db.look_at_tables().await.unwrap();
    tx.commit().await.unwrap();
    drop(session);
    db.look_at_tables().await.unwrap();
    if db.is_postgres() {
        let looked = "select cast(reltuples as bigint) from pg_class where relname = 'event'";
        assert_eq!(fresh.ask(looked).await, 1);
    }
    fresh.gone().await;
}

/// A log that never begins anew grows by all that is written, here by 256 MiB.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_begins_anew_while_transactions_follow_each_other() {
    let fresh = Fresh::scratch().await;
    let db = fresh.db.clone();
    let checkpoints = tokio::spawn(async move {
        loop {
            db.checkpoint().await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    for round in 0..8 {
        let mut session = fresh.db.session(false).await.unwrap();
        for turn in 0..8 {
            let mut tx = session.begin().await.unwrap();
            let large =
                NewEvent { payload: vec![b'x'; 4 << 20], ..event(&format!("evt_{round}_{turn}")) };
            event::record(&mut tx, vec![large]).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
    checkpoints.abort();
    let log = fresh.url().trim_start_matches("sqlite://").to_owned() + "-wal";
    let bytes = std::fs::metadata(log).unwrap().len();
    assert!(bytes < 128 << 20, "{bytes} bytes");
    fresh.gone().await;
}

/// Somebody's open transaction, as in a shell beside the server, must not stop who writes.
#[tokio::test]
async fn whoever_reads_in_the_log_holds_up_neither_checkpoint_nor_writer() {
    let fresh = Fresh::scratch().await;
    let db = &fresh.db;
    let write = async |id: &str| {
        let mut tx = db.begin().await.unwrap();
        let large = NewEvent { payload: vec![b'x'; 20 << 20], ..event(id) };
        event::record(&mut tx, vec![large]).await.unwrap();
        tx.commit().await.unwrap();
    };
    write("evt_1").await;
    let at_once = SqliteConnectOptions::from_str(fresh.url()).unwrap().busy_timeout(Duration::ZERO);
    let mut impatient = SqliteConnection::connect_with(&at_once).await.unwrap();
    let mut shell = SqliteConnection::connect(fresh.url()).await.unwrap();
    let mut reading = shell.begin().await.unwrap();
    let count = "select count(*) from event";
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *reading).await.unwrap(), 1);
    for id in ["evt_2", "evt_3"] {
        write(id).await;
        let is_done = Cell::new(false);
        let checkpoint = async {
            db.checkpoint().await.unwrap();
            is_done.set(true);
        };
        let others = async {
            while !is_done.get() {
                let lock = impatient.begin_with("begin immediate").await.expect("nobody has it");
                lock.rollback().await.unwrap();
            }
        };
        tokio::join!(checkpoint, others);
    }
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *reading).await.unwrap(), 1);
    reading.rollback().await.unwrap();
    assert_eq!(fresh.ask(count).await, 3);
    fresh.gone().await;
}
