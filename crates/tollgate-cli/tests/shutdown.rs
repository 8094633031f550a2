//! SIGTERM under load: whoever was let in gets an answer, whatever got a 2xx is there, and SQLite
//! leaves a single file.

use std::collections::BTreeSet;
use std::thread;

use sqlx::{Connection, SqliteConnection};
use tollgate_sandbox::story::StoryEvent;

use crate::client::{Line, signed};
use crate::database::wait;
use crate::home::{Home, SECRET};
use crate::process::Serving;
use crate::state::assert_stored;
use crate::stream::{histories, pour, shuffled};

/// Requests that are under way when the signal comes.
const UNDER_WAY: usize = 24;
const CUSTOMERS: usize = 14;

/// Sends a head and waits until the server asks for the body: then the request has been let in.
fn let_in(serving: &Serving, event: &StoryEvent) -> Line {
    let body = event.body.as_bytes();
    let (signature, length) = (signed(SECRET, body), body.len());
    let head = format!(
        "POST /stripe/webhook HTTP/1.1\r\nhost: tollgate.test\r\nexpect: 100-continue\r\n\
         {signature}content-length: {length}\r\n\r\n"
    );
    let mut line = serving.connect();
    line.send(head.as_bytes()).expect("the head is taken");
    assert_eq!(line.reply().expect("it is let in").status, 100);
    line
}

#[test]
fn who_was_let_in_before_the_signal_gets_an_answer() {
    let home = Home::sqlite();
    let serving = home.serve();
    let events = histories(1, CUSTOMERS);
    let events = &events[..UNDER_WAY];
    let mut lines: Vec<Line> = events.iter().map(|it| let_in(&serving, it)).collect();
    wait(async {
        let mut other = SqliteConnection::connect(home.url()).await.expect("the file opens");
        let lock = other.begin_with("begin immediate").await.expect("it can be locked");
        // Half of them wait for the database when the signal comes, half have not sent all yet.
        let (waiting, sending) = lines.split_at_mut(UNDER_WAY / 2);
        for (line, event) in waiting.iter_mut().zip(events) {
            line.send(event.body.as_bytes()).expect("the body is taken");
        }
        serving.terminate();
        for (line, event) in sending.iter_mut().zip(&events[UNDER_WAY / 2..]) {
            line.send(event.body.as_bytes()).expect("the body is taken");
        }
        lock.rollback().await.expect("it can be unlocked");
        other.close().await.expect("the file closes");
    });
    for line in &mut lines {
        assert_eq!(line.reply().expect("it is answered").status, 200);
    }
    assert_eq!(serving.ended().code(), Some(0));
    let all: BTreeSet<String> = events.iter().map(|it| it.id.clone()).collect();
    assert_eq!(all.len(), UNDER_WAY);
    single_file(&home);
    assert_stored(&home, &all, "under way");
}

/// Nothing of the log is left to be recovered.
fn single_file(home: &Home) {
    let files = std::fs::read_dir(home.directory()).expect("it can be read");
    let names = files.map(|it| it.expect("it is there").file_name());
    let mut names: Vec<String> = names.map(|it| it.to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ["tollgate.db", "tollgate.toml"]);
}

fn under_load(home: &Home, seed: u64) {
    println!("seed {seed}");
    let events = histories(seed, CUSTOMERS);
    let serving = home.serve();
    let stream = shuffled(&events, seed);
    let signal_at = usize::try_from(seed * 37 % 150 + 20).unwrap_or(20);
    let terminate = |taken| {
        if taken == signal_at {
            serving.terminate();
        }
    };
    let poured = pour(serving.address, &stream, terminate);
    assert_eq!(serving.ended().code(), Some(0), "seed {seed}");
    // An answer is whole or there is none, and it says 200 or to come again.
    assert_eq!(poured.torn, 0, "seed {seed}");
    assert!(poured.refused.iter().all(|it| *it == 503), "seed {seed}: {:?}", poured.refused);
    assert!(poured.taken.len() < events.len(), "seed {seed}: the signal came too late");
    if home.url().starts_with("sqlite:") {
        single_file(home);
    }
    assert_stored(home, &poured.taken, "under load");
}

#[test]
fn a_signal_under_load_loses_nothing_that_was_answered_on_sqlite() {
    for seed in 1..=4 {
        under_load(&Home::sqlite(), seed);
    }
}

#[test]
fn a_signal_under_load_loses_nothing_that_was_answered_on_postgres() {
    for seed in 5..=7 {
        under_load(&Home::postgres(), seed);
    }
}

#[test]
fn a_second_signal_and_an_idle_connection_do_not_hinder_the_end() {
    let home = Home::sqlite();
    let serving = home.serve();
    let mut idle = serving.connect();
    assert_eq!(idle.call("GET", "/healthz", "", b"").expect("it answers").status, 200);
    serving.terminate();
    serving.terminate();
    assert_eq!(serving.ended().code(), Some(0));
    assert!(idle.call("GET", "/healthz", "", b"").is_err(), "the connection was closed");
    single_file(&home);
}

/// Two at once on one SQLite file is a mistake that must harm nothing.
#[test]
fn two_servers_on_one_sqlite_file_lose_nothing() {
    let home = Home::sqlite();
    let (one, other) = (home.serve(), home.serve());
    let events = histories(2, CUSTOMERS);
    let (first, second) = events.split_at(events.len() / 2);
    let (first, second) = thread::scope(|scope| {
        let first = scope.spawn(|| pour(one.address, first, |_| ()));
        let second = pour(other.address, second, |_| ());
        (first.join().expect("it does not panic"), second)
    });
    one.stop();
    other.stop();
    let taken: BTreeSet<String> = first.taken.into_iter().chain(second.taken).collect();
    assert!(!taken.is_empty());
    assert_stored(&home, &taken, "two servers");
    single_file(&home);
}
