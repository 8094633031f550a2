//! A crash anywhere loses nothing that got a 2xx and doubles nothing. The server is ended as a
//! power cut would end it, again and again in one history: from outside at some moment of the
//! stream, and from inside at every named point of a transaction. The app's own `users` table
//! follows by `[[on_access_change]]`, and is never another than access, whenever it ends.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use tollgate::crash::POINTS;
use tollgate_sandbox::story::StoryEvent;

use crate::database::{ask, sql};
use crate::home::Home;
use crate::process::Serving;
use crate::state::{State, assert_stored};
use crate::stream::{histories, pour, shuffled};

/// Customers of one history, each with some ten to twenty events.
const CUSTOMERS: usize = 14;
/// Batches of each life after which a point ends it.
const COUNTS: [u64; 4] = [1, 2, 3, 5];
/// Lives that are ended from outside.
const KILLS: u64 = 4;
/// A life that is ended from outside answers at most so many deliveries.
const ANSWERS_MAX: u64 = 60;

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;

const TABLE: &str = "create table users (id text primary key, plan text, granted boolean,
    status text, revision bigint)";
const STATEMENT: &str = r#"
[[on_access_change]]
sql = """
insert into users values ($user, $plan, $granted, $status, $revision)
on conflict (id) do update
set plan = $plan, granted = $granted, status = $status, revision = $revision
"""
"#;
const DISAGREEING: &str = "select count(*) from access a full join users u on u.id = a.user_id
    where (a.user_id, a.plan, a.granted, a.status, a.revision)
        is distinct from (u.id, u.plan, u.granted, u.status, u.revision)";

/// Has a table of the app's own follow every change of access.
fn follow(home: &Home) {
    // On SQLite this makes the file.
    home.run(&["migrate"]).code(0);
    sql(home.url(), TABLE);
    let path = home.directory().join("tollgate.toml");
    let settings = std::fs::read_to_string(&path).expect("it is there");
    std::fs::write(&path, settings + STATEMENT).expect("it can be written");
}

/// How a life of the server ends.
enum End {
    /// At a point, when it is passed so often.
    Point(&'static str, u64),
    /// From outside, once so many deliveries got a 2xx.
    Kill(usize),
}

/// Lives one history through crashes and compares what it ends in with a run without any.
fn survive(home: &Home, seed: u64, ends: &[End]) {
    let name = format!("seed {seed}");
    let events = histories(seed, CUSTOMERS);
    let users: Vec<String> = (0..=CUSTOMERS).map(|it| format!("user_{it}")).collect();
    let expected = undisturbed(&events, &users);
    follow(home);
    let mut taken = BTreeSet::new();
    for (life, end) in (0..).zip(ends) {
        let mut stream = shuffled(&events, seed * 100 + life);
        stream.retain(|it| !taken.contains(&it.id));
        taken.extend(live(home, &stream, end));
        assert_eq!(ask(home.url(), DISAGREEING), 0, "{name}: after life {life}");
        assert_stored(home, &taken, &name);
    }
    // Half of the seeds deliver everything again, the others what got no answer.
    let mut stream = shuffled(&events, seed);
    stream.retain(|it| seed.is_multiple_of(2) || !taken.contains(&it.id));
    let serving = home.serve();
    finish(&serving, &stream, &name);
    State::of(home, &serving, &users).assert_same(&expected, &name);
    assert_eq!(ask(home.url(), DISAGREEING), 0, "{name}: in the end");
    assert!(ask(home.url(), "select count(*) from users where granted") > 0, "{name}");
    let check = home.run(&["rebuild", "--check", "--json"]).code(0).json();
    assert_eq!(check["drift"].as_array().map(Vec::len), Some(0), "{name}: {check}");
    serving.stop();
}

/// The same history in its true order on a server that nothing happens to.
fn undisturbed(events: &[StoryEvent], users: &[String]) -> State {
    let home = Home::sqlite();
    let serving = home.serve();
    finish(&serving, events, "undisturbed");
    let state = State::of(&home, &serving, users);
    state.holds_something();
    serving.stop();
    state
}

/// Delivers all of it and expects all of it to be taken.
fn finish(serving: &Serving, stream: &[StoryEvent], name: &str) {
    let wanted: BTreeSet<String> = stream.iter().map(|it| it.id.clone()).collect();
    let poured = pour(serving.address, stream, |_| ());
    assert_eq!((poured.taken, poured.refused, poured.torn), (wanted, Vec::new(), 0), "{name}");
}

/// One life of the server, to its end; returns the events that got a 2xx.
fn live(home: &Home, stream: &[StoryEvent], end: &End) -> BTreeSet<String> {
    let (poured, signal, expected) = match end {
        End::Point(point, count) => {
            let serving = home.serve_with("TOLLGATE_CRASH_AT", &format!("{point}:{count}"));
            let poured = pour(serving.address, stream, |_| ());
            (poured, serving.ended().signal(), SIGABRT)
        }
        End::Kill(answers) => {
            let serving = home.serve();
            let kill = |taken| {
                if taken >= *answers {
                    serving.kill();
                }
            };
            let poured = pour(serving.address, stream, kill);
            (poured, serving.ended().signal(), SIGKILL)
        }
    };
    assert_eq!(signal, Some(expected), "the stream ended before the server did");
    assert_eq!(poured.refused, Vec::<u16>::new());
    poured.taken
}

fn at_every_point(home: impl Fn() -> Home, points: &[&'static str]) {
    for (seed, point) in (1..).zip(points) {
        println!("seed {seed}, {point}");
        let ends = COUNTS.map(|count| End::Point(point, count));
        survive(&home(), seed, &ends);
    }
}

/// Where in the stream each life ends, is chance that the seed decides.
fn killed(home: &Home, seed: u64) {
    let answers = |life| (seed * 31 + life * 43) % ANSWERS_MAX + 1;
    let kills = (0..KILLS).map(|life| End::Kill(usize::try_from(answers(life)).unwrap_or(1)));
    survive(home, seed, &kills.collect::<Vec<_>>());
}

#[test]
fn every_point_is_tried() {
    assert_eq!(POINTS, [&BEFORE_DERIVING[..], &AFTER_DERIVING[..]].concat());
}

/// The points in two halves, so that two cores work on them.
const BEFORE_DERIVING: [&str; 3] = ["begun", "recorded", "merged"];
const AFTER_DERIVING: [&str; 4] = ["derived", "staged", "handled", "committed"];

#[test]
fn a_crash_before_deriving_loses_and_doubles_nothing_on_sqlite() {
    at_every_point(Home::sqlite, &BEFORE_DERIVING);
}

#[test]
fn a_crash_after_deriving_loses_and_doubles_nothing_on_sqlite() {
    at_every_point(Home::sqlite, &AFTER_DERIVING);
}

#[test]
fn a_crash_before_deriving_loses_and_doubles_nothing_on_postgres() {
    at_every_point(Home::postgres, &BEFORE_DERIVING);
}

#[test]
fn a_crash_after_deriving_loses_and_doubles_nothing_on_postgres() {
    at_every_point(Home::postgres, &AFTER_DERIVING);
}

#[test]
fn a_kill_anywhere_loses_and_doubles_nothing_on_sqlite() {
    for seed in [11, 12, 13] {
        println!("seed {seed}");
        killed(&Home::sqlite(), seed);
    }
}

#[test]
fn a_kill_anywhere_loses_and_doubles_nothing_on_postgres() {
    for seed in [14, 15, 16] {
        println!("seed {seed}");
        killed(&Home::postgres(), seed);
    }
}
