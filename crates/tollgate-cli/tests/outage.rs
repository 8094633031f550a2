//! The database away, locked or full: 503 with Retry-After, nothing lost, and recovery without a
//! restart once the cause is gone. What got no 2xx comes again, as Stripe delivers it again.

use std::process::Command;
use std::thread;
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use tollgate_sandbox::story::StoryEvent;

use crate::database::{Cluster, Database, Lock, ask, sql, wait};
use crate::home::{Home, deliver};
use crate::process::{self, Serving};
use crate::state::{State, assert_stored};
use crate::stream::histories;

const CUSTOMERS: usize = 8;
/// So often a server is asked whether it has recovered, and how long is waited in between; it
/// looks for its database twice a second.
const TRIES_MAX: usize = 200;
const PAUSE: Duration = Duration::from_millis(100);
/// So often Postgres is asked whether somebody waits.
const TURNS_MAX: usize = 5_000;

/// A table that grows with each event that comes in.
const BALLAST: &str = "create table ballast (event_id text)";
const GROWING: &str = "
    create function grow() returns trigger language plpgsql as
        $$ begin insert into ballast values (new.id); return new; end $$;
    create trigger grow before insert on event for each row execute function grow()";
const WAITING: &str = "select count(*) from pg_locks where not granted";
const END_CONNECTIONS: &str = "select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()";

/// Delivers until the first 2xx, as Stripe does; what comes before may only be a 503.
fn deliver_until_taken(serving: &Serving, event: &StoryEvent) {
    for _ in 0..TRIES_MAX {
        let reply = deliver(serving, &event.body);
        if reply.status == 200 {
            return;
        }
        assert_eq!(reply.status, 503, "{reply:?}");
        thread::sleep(PAUSE);
    }
    panic!("it does not recover");
}

/// Delivers and expects to be told to come again.
#[track_caller]
fn refused(serving: &Serving, event: &StoryEvent) {
    let reply = deliver(serving, &event.body);
    assert_eq!(reply.status, 503, "{reply:?}");
    let after: u64 = reply.header("retry-after").parse().expect("Retry-After is in seconds");
    assert!((1..=60).contains(&after), "{after}");
    assert_eq!(reply.json()["error"], "unavailable");
}

#[track_caller]
fn taken(serving: &Serving, events: &[StoryEvent]) {
    for event in events {
        let reply = deliver(serving, &event.body);
        assert_eq!(reply.status, 200, "{}: {reply:?}", event.kind);
    }
}

/// All of it is there, as if nothing had happened, and the process never ended.
fn nothing_is_lost(home: &Home, serving: Serving, events: &[StoryEvent]) {
    taken(&serving, events);
    assert_stored(home, &events.iter().map(|it| it.id.clone()).collect(), "after the outage");
    let users: Vec<String> = (0..=CUSTOMERS).map(|it| format!("user_{it}")).collect();
    let state = State::of(home, &serving, &users);
    state.holds_something();
    let calm_home = Home::sqlite();
    let calm = calm_home.serve();
    taken(&calm, events);
    state.assert_same(&State::of(&calm_home, &calm, &users), "after the outage");
    home.run(&["rebuild", "--check"]).code(0);
    serving.stop();
    calm.stop();
}

#[test]
fn a_locked_sqlite_answers_503_and_recovers() {
    let events = histories(1, CUSTOMERS);
    let (before, rest) = events.split_at(events.len() / 2);
    let home = Home::sqlite();
    let serving = home.serve();
    taken(&serving, before);
    wait(async {
        let mut other = SqliteConnection::connect(home.url()).await.expect("the file opens");
        let lock = other.begin_with("begin immediate").await.expect("it can be locked");
        // Nothing else needs a thread of this runtime while these block it.
        refused(&serving, &rest[0]);
        assert_eq!(serving.get("/access/user_0").status, 200, "reading needs no lock");
        assert_eq!(serving.get("/readyz").status, 200);
        lock.rollback().await.expect("it can be unlocked");
        other.close().await.expect("the file closes");
    });
    deliver_until_taken(&serving, &rest[0]);
    nothing_is_lost(&home, serving, &events);
}

/// A limit on the size of files is a full disk that needs no rights to make.
#[test]
fn a_full_sqlite_answers_503_and_recovers() {
    let events = histories(2, CUSTOMERS);
    let (before, rest) = events.split_at(events.len() / 2);
    let home = Home::sqlite();
    // A process that ignores the signal is told "file too large" instead, as others "disk full".
    let script = format!("trap '' XFSZ; exec '{}' serve", env!("CARGO_BIN_EXE_tollgate"));
    let serving = Serving::start(home.command_of("/bin/sh", &["-c", &script]));
    taken(&serving, before);
    assert_eq!(serving.get("/access/user_0").status, 200);
    // Less than any of its files has: nothing can be written, neither more nor over it.
    limit_files(&serving, "4096");
    refused(&serving, &rest[0]);
    refused(&serving, &rest[1]);
    assert_eq!(serving.get("/access/user_0").status, 200, "reading needs no space");
    limit_files(&serving, "unlimited");
    deliver_until_taken(&serving, &rest[0]);
    nothing_is_lost(&home, serving, &events);
}

/// Only the soft limit, so that it can be lifted again.
fn limit_files(serving: &Serving, bytes: &str) {
    let mut command = Command::new("prlimit");
    command.args(["--pid", &serving.id.to_string(), &format!("--fsize={bytes}:")]);
    process::run(command, b"").code(0);
}

#[test]
fn a_postgres_that_stops_answers_503_and_recovers() {
    let events = histories(3, CUSTOMERS);
    let (before, rest) = events.split_at(events.len() / 2);
    let cluster = Cluster::planned();
    cluster.start();
    let home = Home::at(Database::Elsewhere { url: cluster.url() });
    let serving = home.serve();
    taken(&serving, before);
    cluster.pause();
    refused(&serving, &rest[0]);
    assert_eq!(serving.get("/readyz").status, 503);
    assert_eq!(serving.get("/healthz").status, 200, "it must not be killed for this");
    assert_eq!(serving.get("/access/user_0").status, 503);
    cluster.resume();
    deliver_until_taken(&serving, &rest[0]);
    assert_eq!(serving.get("/readyz").status, 200);
    nothing_is_lost(&home, serving, &events);
}

/// What is in the middle of something when the operator shuts it down is told so (57P01).
#[test]
fn a_postgres_that_is_shut_down_answers_503_and_recovers() {
    let events = histories(4, CUSTOMERS);
    let (before, rest) = events.split_at(events.len() / 2);
    let cluster = Cluster::planned();
    cluster.start();
    let home = Home::at(Database::Elsewhere { url: cluster.url() });
    let serving = home.serve();
    taken(&serving, before);
    let lock = Lock::of(home.url(), "event");
    thread::scope(|scope| {
        let caught = scope.spawn(|| refused(&serving, &rest[0]));
        until_somebody_waits(home.url());
        cluster.halt();
        caught.join().expect("it was refused");
    });
    drop(lock);
    let told = "terminating connection due to administrator command";
    assert!(cluster.log().contains(told), "{}", cluster.log());
    refused(&serving, &rest[1]);
    assert_eq!(serving.get("/readyz").status, 503);
    cluster.resume();
    deliver_until_taken(&serving, &rest[0]);
    assert_eq!(serving.get("/readyz").status, 200);
    nothing_is_lost(&home, serving, &events);
}

fn until_somebody_waits(url: &str) {
    let waits = (0..TURNS_MAX).any(|_| ask(url, WAITING) > 0);
    assert!(waits, "nobody waits");
}

/// As a proxy or an operator does, with Postgres going on.
#[test]
fn connections_that_postgres_ends_are_made_anew() {
    let events = histories(7, CUSTOMERS);
    let (before, rest) = events.split_at(events.len() / 2);
    let home = Home::postgres();
    let serving = home.serve();
    taken(&serving, before);
    sql(home.url(), END_CONNECTIONS);
    assert_eq!(serving.get("/access/user_0").status, 200);
    deliver_until_taken(&serving, &rest[0]);
    nothing_is_lost(&home, serving, &events);
}

#[test]
fn a_locked_table_of_postgres_answers_503_and_recovers() {
    let events = histories(8, CUSTOMERS);
    let (before, rest) = events.split_at(events.len() / 2);
    let home = Home::postgres();
    let serving = home.serve();
    taken(&serving, before);
    let lock = Lock::of(home.url(), "event");
    refused(&serving, &rest[0]);
    let said = serving.said();
    assert!(said.iter().any(|it| it.contains("conflict with another transaction")), "{said:?}");
    assert_eq!(serving.get("/access/user_0").status, 200, "another table is not locked");
    assert_eq!(serving.get("/readyz").status, 200);
    drop(lock);
    deliver_until_taken(&serving, &rest[0]);
    nothing_is_lost(&home, serving, &events);
}

/// The kernel itself says "no space left on device", so that Postgres says what it says of every
/// table that cannot grow (53100). A log without space is another matter: Postgres ends then, as
/// in the tests of one that stops.
#[test]
fn a_full_postgres_answers_503_and_recovers() {
    let events = histories(9, CUSTOMERS);
    let (before, rest) = events.split_at(events.len() / 2);
    let cluster = Cluster::planned();
    cluster.start();
    let home = Home::at(Database::Elsewhere { url: cluster.url() });
    let serving = home.serve();
    taken(&serving, before);
    sql(home.url(), BALLAST);
    cluster.lay_on_full_disk("ballast");
    sql(home.url(), GROWING);
    refused(&serving, &rest[0]);
    refused(&serving, &rest[1]);
    assert!(cluster.log().contains("No space left on device"), "{}", cluster.log());
    assert_eq!(serving.get("/access/user_0").status, 200, "reading needs no space");
    assert_eq!(serving.get("/readyz").status, 200);
    // A table that is emptied gets a new file, which is on a disk again.
    sql(home.url(), "truncate ballast");
    deliver_until_taken(&serving, &rest[0]);
    nothing_is_lost(&home, serving, &events);
    assert!(ask(home.url(), "select count(*) from ballast") > 0, "it grows with each event");
}

#[test]
fn a_postgres_that_comes_after_the_server_is_waited_for() {
    let events = histories(5, CUSTOMERS);
    let cluster = Cluster::planned();
    let home = Home::at(Database::Elsewhere { url: cluster.url() });
    let serving = home.serve();
    refused(&serving, &events[0]);
    assert_eq!(serving.get("/readyz").status, 503);
    assert_eq!(serving.get("/healthz").status, 200);
    cluster.start();
    deliver_until_taken(&serving, &events[0]);
    assert_eq!(serving.get("/readyz").status, 200);
    nothing_is_lost(&home, serving, &events);
}

#[test]
fn a_command_says_3_where_postgres_is_away() {
    let cluster = Cluster::planned();
    let home = Home::at(Database::Elsewhere { url: cluster.url() });
    for command in [&["explain", "ada"][..], &["events", "list"], &["rebuild"], &["migrate"]] {
        let done = home.run(command).code(3);
        assert!(done.err.starts_with("error: "), "{done:?}");
    }
}
