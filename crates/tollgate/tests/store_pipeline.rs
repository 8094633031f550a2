//! What the writer sends to Postgres without waiting for each answer: which sessions do, and that a
//! statement which fails later than it was asked for is not kept, nor anything beside it.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use databases::{Fresh, on_both_databases, on_postgres};
use history::START;
use history::objects::{self, event};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tollgate::receive;
use tollgate::store::object::{self, StoredObject};
use tollgate::store::sql::Statement;
use tollgate::store::user::{self, AppUser};
use tollgate::store::{Db, Session, StoreError, Tx};

on_both_databases! {
    what_another_saved_in_between_is_a_conflict;
    a_session_that_ends_holds_nobody_off;
}

/// sqlx calls what it prepares by its own name.
static OF_SQLX: Statement = Statement::plain(
    "of_sqlx",
    "select count(*) from pg_prepared_statements where name like 'sqlx%'",
);
static ENCRYPTED: Statement =
    Statement::plain("encrypted", "select ssl from pg_stat_ssl where pid = pg_backend_pid()");
static PID: Statement = Statement::plain("pid", "select cast(pg_backend_pid() as bigint)");

async fn number(session: &mut Session, statement: &Statement) -> Result<i64, StoreError> {
    let mut tx = session.begin().await?;
    let rows = tx.run(statement, Vec::new()).await?;
    tx.commit().await?;
    rows[0].get(0)
}

async fn waits_for_each(session: &mut Session) -> bool {
    number(session, &OF_SQLX).await.unwrap() > 0
}

async fn is_encrypted(session: &mut Session) -> bool {
    let mut tx = session.begin().await.unwrap();
    let rows = tx.run(&ENCRYPTED, Vec::new()).await.unwrap();
    rows[0].get(0).unwrap()
}

/// The same database, as its URL says it with this instead of its options.
async fn said(fresh: &Fresh, options: &str) -> Db {
    let plain = fresh.url().split('?').next().unwrap();
    Db::connect(&format!("{plain}{options}")).await.unwrap()
}

#[test]
fn statements_of_the_writer_go_out_together_on_postgres() {
    on_postgres(async |fresh| {
        let mut session = fresh.db.session(false).await.unwrap();
        assert!(!waits_for_each(&mut session).await);
        drop(session);
        // A handler is given sqlx's connection.
        let mut session = fresh.db.session(true).await.unwrap();
        assert!(waits_for_each(&mut session).await);
        drop(session);
        fresh.gone().await;
    });
}

#[test]
fn they_are_encrypted_on_postgres_where_the_url_asks_for_it() {
    on_postgres(async |fresh| {
        for (options, encrypted) in
            [("?sslmode=disable", false), ("?sslmode=require", true), ("?sslmode=prefer", true)]
        {
            let db = said(&fresh, options).await;
            let mut session = db.session(false).await.unwrap();
            assert!(!waits_for_each(&mut session).await, "{options}");
            assert_eq!(is_encrypted(&mut session).await, encrypted, "{options}");
            drop(session);
            db.close().await;
        }
        fresh.gone().await;
    });
}

#[test]
fn what_only_sqlx_can_is_left_to_it_on_postgres() {
    on_postgres(async |fresh| {
        let db = said(&fresh, "?sslmode=disable&statement-cache-capacity=7").await;
        let mut session = db.session(false).await.unwrap();
        assert!(waits_for_each(&mut session).await);
        drop(session);
        db.close().await;
        // The server's certificate is nobody's whom we trust.
        let db = said(&fresh, "?sslmode=verify-full").await;
        let refused = db.session(false).await.unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
        db.close().await;
        fresh.gone().await;
    });
}

#[test]
fn a_connection_that_the_server_ended_is_made_anew_on_postgres() {
    on_postgres(async |fresh| {
        let db = &fresh.db;
        let mut session = db.session(false).await.unwrap();
        let pid = number(&mut session, &PID).await.unwrap();
        // Ended between two sessions: nobody notices.
        drop(session);
        end(&fresh, pid).await;
        let mut session = db.session(false).await.unwrap();
        let pid = number(&mut session, &PID).await.unwrap();
        // Ended under a transaction: that one is lost, and says so.
        let mut tx = session.begin().await.unwrap();
        name(&mut tx, "lost").await.unwrap();
        tx.run(&PID, Vec::new()).await.unwrap();
        end(&fresh, pid).await;
        let lost = tx.commit().await.unwrap_err();
        assert!(matches!(lost, StoreError::Unavailable(_)), "{lost:?}");
        drop(session);
        let mut session = db.session(false).await.unwrap();
        assert!(!waits_for_each(&mut session).await);
        assert_eq!(user::find(db, "lost").await.unwrap(), None);
        drop(session);
        fresh.gone().await;
    });
}

/// A server that lets nobody in, and counts who asks. It reads a question for encryption, and then
/// who comes.
async fn closed_door() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://ada:secret@{}/door", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut question = [0; 512];
            stream.read_exact(&mut question[..8]).await.unwrap();
            stream.write_all(b"N").await.unwrap();
            let _who = stream.read(&mut question).await.unwrap();
            let refusal = b"SFATAL\0VFATAL\0C28P01\0Mnot you\0\0";
            let length = u32::try_from(refusal.len() + 4).unwrap();
            let message = [&b"E"[..], &length.to_be_bytes(), refusal].concat();
            stream.write_all(&message).await.unwrap();
        }
    });
    (url, asked)
}

#[tokio::test]
async fn where_it_is_not_let_in_only_sqlx_asks_again() {
    let (url, asked) = closed_door().await;
    let db = Db::connect(&url).await.unwrap();
    for wanted in [2, 3] {
        db.session(false).await.unwrap_err();
        assert_eq!(asked.load(Ordering::SeqCst), wanted);
    }
}

async fn end(fresh: &Fresh, pid: i64) {
    let gone = format!("select cast(count(pg_terminate_backend({pid}, 5000)) as bigint)");
    assert_eq!(fresh.ask(&gone).await, 1);
}

async fn name(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    let user = AppUser { user_id: user_id.to_owned(), ..AppUser::default() };
    user::name(tx, &[&user], 1).await
}

async fn customer(db: &Db) -> StoredObject {
    let rulebook = objects::rulebook();
    let created = event("evt_1", "customer.created", START, &objects::customer());
    receive::apply(db, &rulebook, &[created.delivery()], START * 1000).await.unwrap();
    object::page(db, "", 1).await.unwrap().remove(0)
}

async fn save_last(mut tx: Tx<'_>, stale: &StoredObject) -> Result<(), StoreError> {
    name(&mut tx, "ada").await?;
    object::save(&mut tx, &[stale]).await?;
    tx.commit().await
}

/// A version that is saved twice stands for two transactions that both loaded the one before it.
async fn what_another_saved_in_between_is_a_conflict(fresh: Fresh) {
    let db = &fresh.db;
    let loaded = customer(db).await;
    for guests in [false, true] {
        let mut session = db.session(guests).await.unwrap();
        let mut stale = loaded.clone();
        stale.version -= 1;
        // Found by the next statement that is waited for …
        let mut tx = session.begin().await.unwrap();
        let found = async {
            object::save(&mut tx, &[&stale]).await?;
            name(&mut tx, "ada").await?;
            user::of_ids(&mut tx, &["ada"]).await
        };
        assert!(matches!(found.await, Err(StoreError::Conflict(_))));
        drop(tx);
        // … or by the commit.
        let found = save_last(session.begin().await.unwrap(), &stale).await;
        assert!(matches!(found, Err(StoreError::Conflict(_))), "{found:?}");
        drop(session);
        assert_eq!(user::find(db, "ada").await.unwrap(), None);
        assert_eq!(object::page(db, "", 1).await.unwrap()[0], loaded);
    }
    fresh.gone().await;
}

async fn a_session_that_ends_holds_nobody_off(fresh: Fresh) {
    let db = &fresh.db;
    for guests in [false, true] {
        let mut session = db.session(guests).await.unwrap();
        let mut tx = session.begin().await.unwrap();
        user::hold(&mut tx, &["cus_1"]).await.unwrap();
        name(&mut tx, "ada").await.unwrap();
        drop(tx);
        drop(session);
        let mut tx = db.begin().await.unwrap();
        user::hold(&mut tx, &["cus_1"]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(user::find(db, "ada").await.unwrap(), None);
    }
    fresh.gone().await;
}
