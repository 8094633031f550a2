//! Notifications over HTTP to receivers that do everything wrong: what is taken, what is tried
//! again, what is never called, and that nobody costs more than their own time.

mod strangers;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use standardwebhooks::Webhook;
use strangers::{Act, GIGABYTE, OTHER, SECRET, Stranger, answer, endpoint};
use tollgate::clock::{Clock, Stopwatch};
use tollgate::config::notify::Endpoint;
use tollgate::deliver::http::{Refused, Retry, Sender};
use tollgate::notify::Notification;

/// Far more than any of these may take: each has half a second, and its answer one more.
const ENOUGH: Duration = Duration::from_secs(10);

fn hasty(url: &str, more: &str) -> Endpoint {
    Endpoint { timeout: Duration::from_millis(500), ..endpoint(url, more) }
}

async fn send(sender: &Sender) -> Result<(), Refused> {
    let now = Clock::system().now();
    let notification = Notification::test(now);
    let watch = Stopwatch::start();
    let sent = sender.send(&notification.id, &notification.body(), now).await;
    assert!(watch.elapsed() < ENOUGH, "it took {:?}", watch.elapsed());
    sent
}

async fn told(act: Act) -> (Result<(), Refused>, Stranger) {
    let stranger = Stranger::start(act).await;
    let sender = Sender::new(&hasty(&format!("http://{}/hook", stranger.address), ""));
    (send(&sender).await, stranger)
}

async fn refused(act: Act) -> Refused {
    told(act).await.0.expect_err("it is refused")
}

/// The head and the body of a request, as the library for verifying takes them.
fn parts(request: &str) -> (HeaderMap, String) {
    let (head, body) = request.split_once("\r\n\r\n").expect("it has a body");
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        let name: HeaderName = name.parse().expect("it is a name");
        Some((name, HeaderValue::from_str(value).expect("it is a value")))
    };
    (head.lines().skip(1).filter_map(header).collect(), body.to_owned())
}

#[tokio::test]
async fn what_arrives_verifies_with_each_of_the_secrets_and_with_no_other() {
    let stranger = Stranger::start(Act::Say(answer(204, "", ""))).await;
    let url = format!("http://{}/hook?tenant=7", stranger.address);
    let more = format!("secrets = [{SECRET:?}, {OTHER:?}]");
    send(&Sender::new(&endpoint(&url, &more))).await.expect("it is taken");
    let [request] = &stranger.heard()[..] else { panic!("one request") };
    assert!(request.starts_with("POST /hook?tenant=7 HTTP/1.1\r\n"), "{request}");
    let (headers, body) = parts(request);
    for (name, value) in [("content-type", "application/json"), ("accept", "*/*")] {
        assert_eq!(headers.get(name).map(HeaderValue::as_bytes), Some(value.as_bytes()), "{name}");
    }
    assert!(headers["user-agent"].to_str().is_ok_and(|it| it.starts_with("tollgate/")));
    assert!(headers.get("accept-encoding").is_none() && headers.get("cookie").is_none());
    for secret in [SECRET, OTHER] {
        let verifier = Webhook::new(secret).expect("it is a secret");
        verifier.verify(body.as_bytes(), &headers).expect("it verifies");
    }
    let stranger = Webhook::new("whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgbG9uZw==");
    let stranger = stranger.expect("it is a secret");
    assert!(stranger.verify(body.as_bytes(), &headers).is_err());
}

#[tokio::test]
async fn what_was_changed_on_its_way_does_not_verify() {
    let (sent, stranger) = told(Act::Say(answer(200, "", "ok"))).await;
    sent.expect("it is taken");
    let (headers, body) = parts(&stranger.heard()[0]);
    let verifier = Webhook::new(SECRET).expect("it is a secret");
    verifier.verify(body.as_bytes(), &headers).expect("it verifies as it came");
    let other = body.replace("\"revision\":0", "\"revision\":1");
    assert_ne!(other, body);
    assert!(verifier.verify(other.as_bytes(), &headers).is_err(), "another body");
    for (name, value) in
        [("webhook-id", "msg_other"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,AAAA")]
    {
        let mut headers = headers.clone();
        headers.insert(name, HeaderValue::from_static(value));
        assert!(verifier.verify(body.as_bytes(), &headers).is_err(), "another {name}");
    }
}

#[tokio::test]
async fn one_connection_serves_many() {
    let stranger = Stranger::start(Act::Say(answer(200, "", "thank you"))).await;
    let sender = Sender::new(&endpoint(&format!("http://{}/", stranger.address), ""));
    for _ in 0..20 {
        send(&sender).await.expect("it is taken");
    }
    assert_eq!((stranger.heard().len(), stranger.came()), (20, 1));
}

#[tokio::test]
async fn any_2xx_is_success_and_nothing_else_is() {
    for status in [200, 201, 202, 204, 299] {
        let (sent, _) = told(Act::Say(answer(status, "", ""))).await;
        assert_eq!(sent, Ok(()), "{status}");
    }
    for status in [304, 400, 401, 404, 409, 500, 502, 599] {
        let it = refused(Act::Say(answer(status, "retry-after: 7\r\n", "secret"))).await;
        assert!(it.why.starts_with(&format!("answered {status}")), "{it}");
        assert_eq!((it.retry, it.retry_after), (Retry::Later, None), "{status}");
    }
    let gone = refused(Act::Say(answer(410, "", ""))).await;
    assert_eq!(gone.retry, Retry::GiveUp);
}

#[tokio::test]
async fn who_asks_for_time_gets_it() {
    for status in [429, 503] {
        let it = refused(Act::Say(answer(status, "retry-after: 7\r\n", ""))).await;
        assert_eq!((it.retry, it.retry_after), (Retry::Later, Some(Duration::from_secs(7))));
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let other = Stranger::start(Act::Say(answer(200, "", ""))).await;
    for status in [301, 302, 303, 307, 308] {
        for place in [format!("http://{}/", other.address), "http://169.254.169.254/".to_owned()] {
            let headers = format!("location: {place}\r\n");
            let it = refused(Act::Say(answer(status, &headers, ""))).await;
            assert_eq!(it.why, format!("answered {status}: redirects are not followed"));
        }
    }
    assert_eq!(other.came(), 0);
}

#[tokio::test]
async fn who_does_not_answer_is_left() {
    let (none, started) = ("no answer within 500ms", "HTTP/1.1 200 OK\r\ncontent-le");
    for text in ["", started] {
        assert_eq!(refused(Act::Freeze(text.to_owned())).await.why, none, "{text}");
    }
    for text in ["", started, "HTTP/1.1", "\0\0\0\0\r\n\r\n", "220 mail.example.com ESMTP\r\n"] {
        let it = refused(Act::Leave(text.to_owned())).await;
        assert!(it.why.starts_with("the connection ended without an answer"), "{it}");
    }
    let nobody = Sender::new(&hasty("http://127.0.0.1:1/", ""));
    let it = send(&nobody).await.expect_err("nobody is there");
    assert_eq!(it.why, "no connection: connection refused");
}

#[tokio::test]
async fn a_head_without_end_is_left() {
    for (start, piece) in [
        ("HTTP/1.1 200 OK\r\n", "x-y: 0123456789012345678901234567890123456789\r\n"),
        ("HTTP/1.1 200 OK\r\nx: ", "0123456789"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("", "0123456789"),
    ] {
        for act in [Act::Flood(start.to_owned(), piece), Act::Drip(start.to_owned(), piece)] {
            let (sent, stranger) = told(act).await;
            assert!(sent.is_err(), "{piece}");
            assert!(stranger.written() < GIGABYTE / 4, "{} bytes", stranger.written());
        }
    }
}

/// The status says it all. What comes after it is read to sixteen kilobytes, for one second.
#[tokio::test]
async fn a_body_without_end_is_left() {
    let chunked = "transfer-encoding: chunked\r\n\r\n";
    let long = format!("content-length: {GIGABYTE}\r\n\r\n");
    for (rest, piece) in [(long.as_str(), "0123456789abcdef"), (chunked, "4\r\nabcd\r\n")] {
        for (status, taken) in [(200, true), (500, false)] {
            let start = format!("HTTP/1.1 {status} x\r\n{rest}");
            for act in [Act::Flood(start.clone(), piece), Act::Drip(start.clone(), piece)] {
                let (sent, stranger) = told(act).await;
                assert_eq!(sent.is_ok(), taken, "{status}");
                // What it could write stands in the sockets' buffers; nobody has read it.
                assert!(stranger.written() < 64 << 20, "{} bytes", stranger.written());
            }
        }
        let (sent, _) = told(Act::Freeze(format!("HTTP/1.1 200 x\r\n{rest}"))).await;
        assert_eq!(sent, Ok(()));
    }
}

#[tokio::test]
async fn a_compressed_answer_is_not_unpacked() {
    let headers = "content-encoding: gzip\r\n";
    let (sent, _) = told(Act::Say(answer(200, headers, "this is no gzip"))).await;
    assert_eq!(sent, Ok(()));
}

#[tokio::test]
async fn an_address_that_may_not_be_called_is_not() {
    for host in ["10.0.0.1", "169.254.169.254", "[fe80::1]", "[::ffff:10.0.0.1]", "0xa.1", "0"] {
        let sender = Sender::new(&hasty(&format!("https://{host}/"), ""));
        let it = send(&sender).await.expect_err("it is not called");
        assert!(it.why.contains("may not be called"), "{host}: {it}");
        assert_eq!(it.retry, Retry::Later);
    }
    let metadata = Sender::new(&hasty("https://169.254.169.254/", "allow_private = true"));
    let it = send(&metadata).await.expect_err("it is not called");
    assert_eq!(it.why, "169.254.169.254 may not be called: link-local");
}

/// A resolver that answers what it was given, one answer after another.
struct Names {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    port: u16,
    asked: AtomicUsize,
}

impl Names {
    fn new(port: u16, answers: &[&[&str]]) -> Arc<Self> {
        let address = |it: &&str| it.parse().expect("it is an address");
        let answers = answers.iter().rev().map(|it| it.iter().map(address).collect()).collect();
        Arc::new(Self { answers: Mutex::new(answers), port, asked: AtomicUsize::new(0) })
    }
}

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers.lock().expect("nobody panicked").pop().unwrap_or_default();
        let addresses: Vec<SocketAddr> =
            answer.into_iter().map(|it| SocketAddr::new(it, self.port)).collect();
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

/// A receiver behind a name, whose addresses each are answers of a resolver.
async fn named(more: &str, answers: &[&[&str]]) -> (Sender, Arc<Names>, Stranger) {
    let stranger = Stranger::start(Act::Slam).await;
    let (_, port) = stranger.address.rsplit_once(':').expect("it has a port");
    let names = Names::new(port.parse().expect("it is a number"), answers);
    let url = format!("https://hooks.example.com:{port}/");
    let sender = Sender::with_names(&hasty(&url, more), Arc::clone(&names) as Arc<dyn Resolve>);
    (sender, names, stranger)
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_called() {
    for address in ["127.0.0.1", "10.0.0.5", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"] {
        let (sender, _, stranger) = named("", &[&[address]]).await;
        let it = send(&sender).await.expect_err("it is not called");
        let expected = format!("hooks.example.com is at {address}, which may not be called: ");
        assert!(it.why.starts_with(&expected), "{it}");
        assert_eq!(stranger.came(), 0);
    }
}

/// The name is looked up once: what was judged is what is called, and each look-up is judged.
#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let answers: [&[&str]; 3] = [&["127.0.0.1"], &["169.254.169.254"], &["fe80::1", "127.0.0.1"]];
    let (sender, names, stranger) = named("allow_private = true", &answers).await;
    let it = send(&sender).await.expect_err("it hangs up");
    assert!(it.why.starts_with("no connection"), "{it}");
    assert_eq!((stranger.came(), names.asked.load(Ordering::Relaxed)), (1, 1));
    let it = send(&sender).await.expect_err("it is not called");
    assert!(it.why.ends_with("169.254.169.254, which may not be called: link-local"), "{it}");
    assert_eq!(stranger.came(), 1);
    let it = send(&sender).await.expect_err("it hangs up");
    assert!(it.why.starts_with("no connection"), "{it}");
    assert_eq!(stranger.came(), 2, "of several addresses those are called that may be");
}

#[tokio::test]
async fn this_machine_by_its_name_is_this_machine_only() {
    let stranger = Stranger::start(Act::Say(answer(200, "", ""))).await;
    let (_, port) = stranger.address.rsplit_once(':').expect("it has a port");
    let number = port.parse().expect("it is a number");
    let names = Names::new(number, &[&["10.0.0.5"], &["127.0.0.1"]]);
    let endpoint = hasty(&format!("http://localhost:{port}/"), "allow_private = true");
    let sender = Sender::with_names(&endpoint, names);
    let it = send(&sender).await.expect_err("it is not called");
    assert!(it.why.ends_with("may not be called: not on this machine"), "{it}");
    assert_eq!(send(&sender).await, Ok(()));
}

#[tokio::test]
async fn no_complaint_repeats_the_url_or_the_answer() {
    for act in [
        Act::Say(answer(500, "x-leak: hunter2\r\n", "hunter2")),
        Act::Say(answer(302, "location: https://hunter2/\r\n", "")),
        Act::Leave("hunter2 hunter2 hunter2\r\n\r\n".to_owned()),
        Act::Freeze("hunter2".to_owned()),
    ] {
        let stranger = Stranger::start(act).await;
        let url = format!("http://{}/hunter2?token=hunter2", stranger.address);
        let it = send(&Sender::new(&hasty(&url, ""))).await.expect_err("it is refused");
        assert!(!it.why.contains("hunter2"), "{it}");
    }
    let sender = Sender::new(&hasty("http://127.0.0.1:1/?token=hunter2", ""));
    assert!(!format!("{sender:?}").contains(SECRET.trim_start_matches("whsec_")));
}
