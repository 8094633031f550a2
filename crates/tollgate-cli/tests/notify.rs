//! `tollgate notify test` as a user runs it: what it says of a receiver that takes, refuses or is
//! not there, and that it goes past no proxy; and `tollgate outbox list`: what waits and what is held.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use crate::database::sql;
use crate::home::Home;

/// 32 bytes.
const SECRET: &str = "whsec_dGhlIGZpcnN0IHNlY3JldCBvZiB0aGVzZSB0ZXN0cyE=";

/// A receiver that answers one request with this, and what it was sent.
fn receiver(answer: &'static str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it listens");
    let (heard, hears) = channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            let mut piece = [0; 4096];
            let count = stream.read(&mut piece).expect("it is sent");
            assert!(count > 0, "the request ends in the body");
            request.extend_from_slice(&piece[..count]);
        }
        heard.send(String::from_utf8_lossy(&request).into_owned()).expect("the test waits");
        stream.write_all(answer.as_bytes()).expect("it is heard");
    });
    (format!("http://{address}/hook?token=hunter2"), hears)
}

fn home(endpoints: &[(&str, &str)]) -> Home {
    with(Home::empty(), endpoints)
}

fn with(home: Home, endpoints: &[(&str, &str)]) -> Home {
    let table = |(name, url): &(&str, &str)| {
        format!("[[notify]]\nname = {name:?}\nurl = {url:?}\nsecret = {SECRET:?}\n")
    };
    let toml: String = endpoints.iter().map(table).collect();
    std::fs::write(home.directory().join("tollgate.toml"), toml).expect("it can be written");
    home
}

const TAKEN: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
const REFUSED: &str = "HTTP/1.1 503 x\r\nretry-after: 7\r\ncontent-length: 7\r\n\r\nhunter2";
const GONE: &str = "HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n";

#[test]
fn notify_test_says_that_it_was_taken() {
    let (url, hears) = receiver(TAKEN);
    let mut home = home(&[("app", &url)]);
    // A proxy that is nobody's: what goes there is lost.
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        home.set(name, "http://127.0.0.1:1");
    }
    let done = home.run(&["notify", "test"]).code(0);
    let said = done.out.trim_end();
    let place = url.split('?').next().expect("it has a path");
    assert_eq!(said, format!("app took it: 202 from {place} (shortened)."));
    let request = hears.recv().expect("it came");
    assert!(request.starts_with("POST /hook?token=hunter2 HTTP/1.1\r\n"), "{request}");
    for part in ["webhook-id: msg_", "webhook-signature: v1,", "\"type\":\"tollgate.test\""] {
        assert!(request.contains(part), "{part} is missing in {request}");
    }
}

#[test]
fn notify_test_says_why_it_was_not_taken() {
    let (url, _hears) = receiver(REFUSED);
    let done = home(&[("app", &url)]).run(&["notify", "test", "--json"]).code(1).json();
    let expected = ["answered 503", "app"];
    assert_eq!([&done["why"], &done["endpoint"]], expected);
    assert_eq!((&done["taken"], &done["gives_up"]), (&false.into(), &false.into()), "{done}");
    assert_eq!(done["retry_after_secs"], 7);
    assert!(!done.to_string().contains("hunter2"), "{done}");

    let (url, _hears) = receiver(GONE);
    let done = home(&[("app", &url)]).run(&["notify", "test"]).code(1);
    assert!(done.out.starts_with("app did not take it, and never will: "), "{}", done.out);

    let done = home(&[("app", "http://127.0.0.1:1/")]).run(&["notify", "test"]).code(1);
    assert!(done.out.contains("no connection: connection refused"), "{}", done.out);
}

#[test]
fn notify_test_asks_which_where_there_are_several() {
    let (url, hears) = receiver(TAKEN);
    let home_of_two = home(&[("one", "http://127.0.0.1:1/"), ("two", &url)]);
    let done = home_of_two.run(&["notify", "test"]).code(2);
    assert!(done.err.contains("one, two"), "{}", done.err);
    home_of_two.run(&["notify", "test", "--name", "three"]).code(2);
    home_of_two.run(&["notify", "test", "--name", "two"]).code(0);
    hears.recv().expect("it came");
    let done = home(&[]).run(&["notify", "test"]).code(2);
    assert!(done.err.contains("no [[notify]]"), "{}", done.err);
}

#[test]
fn notify_test_goes_where_it_is_told() {
    let (url, hears) = receiver(TAKEN);
    let home = home(&[("app", "http://127.0.0.1:1/")]);
    home.run(&["notify", "test", "--url", &url]).code(0);
    hears.recv().expect("it came");
    let done = home.run(&["notify", "test", "--url", "http://example.com/"]).code(2);
    assert!(done.err.contains("--url: allowed is https://"), "{}", done.err);
    let done = home.run(&["notify", "test", "--url", "https://169.254.169.254/"]).code(1);
    assert!(done.out.contains("may not be called: link-local"), "{}", done.out);
}

/// Mails wait for a server, and more of them than a list shows are newer than what waits for the app.
fn lists_what_waits(home: Home) {
    let home = with(home, &[("app", "http://127.0.0.1:1/")]);
    home.run(&["migrate"]).code(0);
    let tell = |fact: &str, destination: &str, at: i64| {
        let (kind, _) = fact.split_once(':').expect("it is a key");
        let outbox = "insert into outbox (id, kind, subject_id, created_at) values";
        sql(home.url(), &format!("{outbox} ('{fact}', '{kind}', 'x', {at})"));
        let delivery =
            "insert into delivery (effect_id, destination, place, status, attempts, due_ms)";
        sql(
            home.url(),
            &format!("{delivery} values ('{fact}', '{destination}', 1, 'pending', 0, 0)"),
        );
    };
    tell("access_granted:ada:1", "notify:app", 1);
    tell("access_revoked:ada:2", "notify:gone", 2);
    for number in 3..6 {
        tell(&format!("invoice_paid:in_{number}"), "mail", number);
    }
    let listed = |more: &[&str]| {
        let done = home.run(&[&["outbox", "list", "--limit", "2"], more].concat()).code(0);
        let last = |it: &str| it.split_whitespace().last().map(str::to_owned);
        done.out.lines().filter_map(last).collect::<Vec<_>>()
    };
    assert_eq!(listed(&["--status", "pending"]), ["access_granted:ada:1"]);
    assert_eq!(listed(&["--status", "held"]), ["invoice_paid:in_5", "invoice_paid:in_4"]);
    assert_eq!(listed(&["--status", "held", "--to", "notify:gone"]), ["access_revoked:ada:2"]);
    assert!(listed(&["--status", "held", "--to", "notify:app"]).is_empty());
    assert_eq!(listed(&[]), ["invoice_paid:in_5", "invoice_paid:in_4"]);
    let shown = home.run(&["outbox", "list"]).code(0).out;
    assert_eq!((shown.matches(" held ").count(), shown.matches(" pending ").count()), (4, 1));
}

#[test]
fn what_waits_is_listed_however_much_is_held_on_sqlite() {
    lists_what_waits(Home::sqlite());
}

#[test]
fn what_waits_is_listed_however_much_is_held_on_postgres() {
    lists_what_waits(Home::postgres());
}
