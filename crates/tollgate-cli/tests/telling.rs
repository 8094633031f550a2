//! Mails and notifications through crashes: a server that ends at any point between claiming a
//! delivery and settling it tells everything, and what it tells again has the same id.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tollgate::clock::Stopwatch;
use tollgate::crash::DELIVERY_POINTS;
use tollgate::store::delivery;

use crate::database::sql;
use crate::home::{Home, KEY, deliver};
use crate::process::Serving;
use crate::stream::histories;

/// Customers of a run; each lives another story.
const CUSTOMERS: usize = 6;
/// Claims, answers or settlements after which a life ends.
const COUNTS: [u64; 2] = [1, 2];
/// How long a server may take to tell all that it has to.
const ENOUGH: Duration = Duration::from_secs(60);
const SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiB0aGVzZSB0ZXN0cyBpcyBsb25n";
const SIGABRT: i32 = 6;

/// What arrived: ids, and how often each did.
type Arrived = Arc<Mutex<BTreeMap<String, u64>>>;

fn count(arrived: &Arrived, id: &str) {
    *arrived.lock().expect("nobody panics").entry(id.to_owned()).or_default() += 1;
}

/// Starts a receiver and returns where it listens and what arrived.
fn receiver(converse: fn(TcpStream, &Arrived) -> std::io::Result<()>) -> (String, Arrived) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it listens").to_string();
    let arrived = Arrived::default();
    let theirs = Arc::clone(&arrived);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let theirs = Arc::clone(&theirs);
            thread::spawn(move || drop(converse(stream, &theirs)));
        }
    });
    (address, arrived)
}

/// Takes every mail and notes its `Message-ID`.
fn take_mails(stream: TcpStream, arrived: &Arrived) -> std::io::Result<()> {
    let mut answers = stream.try_clone()?;
    answers.write_all(b"220 test\r\n")?;
    let (mut in_mail, mut id) = (false, String::new());
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if in_mail {
            if line.to_ascii_lowercase().starts_with("message-id:") {
                id = line[11..].trim().to_owned();
            } else if line == "." {
                count(arrived, &id);
                in_mail = false;
                answers.write_all(b"250 taken\r\n")?;
            }
            continue;
        }
        in_mail = line.eq_ignore_ascii_case("data");
        answers.write_all(if in_mail { b"354 go on\r\n" } else { b"250 ok\r\n" })?;
    }
    Ok(())
}

/// Takes every notification and notes its `webhook-id`.
fn take_notifications(stream: TcpStream, arrived: &Arrived) -> std::io::Result<()> {
    let mut answers = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut id, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            match line.split_once(": ") {
                Some(("webhook-id", it)) => it.clone_into(&mut id),
                Some(("content-length", it)) => length = it.parse().unwrap_or(0),
                _ if line.is_empty() => break,
                _ => {}
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        count(arrived, &id);
        answers.write_all(b"HTTP/1.1 204 x\r\n\r\n")?;
    }
}

/// Has every destination tell through a run; `crashes` end its lives.
struct Run {
    mails: BTreeMap<String, u64>,
    notifications: BTreeMap<String, u64>,
}

impl Run {
    fn of(mut home: Home, seed: u64, crashes: &[(&str, u64)]) -> Self {
        let (mail, mails) = receiver(take_mails);
        let (app, notifications) = receiver(take_notifications);
        // Nobody can be reached while it happens, so that what is still true is the same each time.
        configure(&home, "127.0.0.1:1");
        let serving = home.serve();
        name_users(&serving);
        // One after the other: the revisions that facts about access name are the same each time.
        for event in histories(seed, CUSTOMERS) {
            assert_eq!(deliver(&serving, &event.body).status, 200);
        }
        serving.stop();

        configure(&home, &app);
        home.set("TOLLGATE_SMTP_URL", &format!("smtp://{mail}"));
        home.set("TOLLGATE_MAIL_FROM", "billing@example.com");
        for (point, passes) in crashes {
            due_now(&home);
            let mut command = home.command(&["serve"]);
            command.env("TOLLGATE_CRASH_AT", format!("{point}:{passes}"));
            // It may be at the point before it says where it listens.
            let serving = Serving::begin(command);
            assert_eq!(serving.ended().signal(), Some(SIGABRT), "{point}:{passes}");
        }
        due_now(&home);
        let serving = home.serve();
        until_all_is_told(&home);
        serving.stop();
        let taken = |it: &Arrived| it.lock().expect("nobody panics").clone();
        Self { mails: taken(&mails), notifications: taken(&notifications) }
    }
}

fn configure(home: &Home, app: &str) {
    let path = home.directory().join("tollgate.toml");
    let text = std::fs::read_to_string(&path).expect("it is there");
    let plans = text.split("[[notify]]").next().unwrap_or_default();
    let notify = format!(
        "[[notify]]\nname = \"app\"\nurl = \"http://{app}/\"\nsecret = \"{SECRET}\"\ntypes = [\"*\"]\n"
    );
    std::fs::write(&path, format!("{plans}{notify}")).expect("it can be written");
}

/// Gives every user an address.
fn name_users(serving: &Serving) {
    for number in 0..=CUSTOMERS {
        let body = format!("{{\"email\":\"user{number}@example.com\"}}");
        let head = format!("authorization: Bearer {KEY}\r\ncontent-type: application/json\r\n");
        let path = format!("/users/user_{number}");
        let reply = serving.connect().call("PUT", &path, &head, body.as_bytes());
        assert_eq!(reply.expect("it answers").status, 200);
    }
}

/// Ends every wait and every lease.
fn due_now(home: &Home) {
    sql(home.url(), "update delivery set due_ms = 0 where status = 'pending'");
}

fn until_all_is_told(home: &Home) {
    let watch = Stopwatch::start();
    loop {
        let waiting = home.read(async |db| delivery::waiting(db).await.expect("it is counted"));
        if waiting.is_empty() {
            return;
        }
        assert!(watch.elapsed() < ENOUGH, "still waiting: {waiting:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn survive(home: impl Fn() -> Home, seed: u64, point: &'static str) {
    println!("seed {seed}, {point}");
    let expected = Run::of(home(), seed, &[]);
    let once = |it: &BTreeMap<String, u64>| it.values().all(|times| *times == 1);
    assert!(once(&expected.mails) && once(&expected.notifications), "told twice without a crash");
    assert!(
        expected.mails.len() > 4 && expected.notifications.len() > 20,
        "there was much to tell"
    );

    let crashes = COUNTS.map(|passes| (point, passes));
    let survived = Run::of(home(), seed, &crashes);
    let ids = |it: &BTreeMap<String, u64>| it.keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids(&survived.mails), ids(&expected.mails), "mails after {point}");
    assert_eq!(ids(&survived.notifications), ids(&expected.notifications), "after {point}");
    let most = survived.mails.values().chain(survived.notifications.values()).max();
    let allowed = crashes.len() as u64 + 1;
    assert!(most.is_some_and(|it| *it <= allowed), "told {most:?} times in {allowed} lives");
}

#[test]
fn a_crash_at_any_point_of_a_delivery_loses_nothing_on_sqlite() {
    for (seed, point) in (1..).zip(DELIVERY_POINTS) {
        survive(Home::sqlite, seed, point);
    }
}

#[test]
fn a_crash_at_any_point_of_a_delivery_loses_nothing_on_postgres() {
    for (seed, point) in (1..).zip(DELIVERY_POINTS) {
        survive(Home::postgres, seed, point);
    }
}
