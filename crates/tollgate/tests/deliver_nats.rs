//! Notifications into a real NATS server with JetStream: `NATS_SERVER` names the program, else
//! `nats-server` is looked for as a shell does.

mod broker;
#[expect(dead_code, reason = "other files need more of it")]
mod strangers;

use std::time::Duration;

use async_nats::jetstream;
use broker::Broker;
use standardwebhooks::Webhook;
use strangers::{SECRET, endpoint};
use tollgate::clock::Clock;
use tollgate::config::notify::Endpoint;
use tollgate::deliver::nats::Sender;
use tollgate::notify::Notification;

const TIMEOUT: Duration = Duration::from_secs(3);

fn of(url: &str) -> Sender {
    Sender::new(&Endpoint { timeout: TIMEOUT, ..endpoint(url, "") })
}

async fn send(sender: &Sender, notification: &Notification) -> Result<String, String> {
    let now = Clock::system().now();
    let sent = sender.ask(&notification.id, &notification.body(), now).await;
    sent.map_err(|it| it.to_string())
}

async fn stream(url: &str) -> jetstream::stream::Stream {
    let client = async_nats::connect(url).await.expect("the server is there");
    let config = jetstream::stream::Config {
        name: "BILLING".to_owned(),
        subjects: vec!["billing.eu.>".to_owned()],
        ..Default::default()
    };
    jetstream::new(client).create_stream(config).await.expect("a stream can be made")
}

#[tokio::test]
async fn a_stream_keeps_a_notification_once_however_often_it_is_sent() {
    let broker = Broker::start(&[]);
    let mut stream = stream(&broker.url()).await;
    let sender = of(&format!("{}/billing.eu", broker.url()));
    let notification = Notification::test(1_767_225_600);
    assert_eq!(send(&sender, &notification).await.as_deref(), Ok("stream BILLING"));
    let again = send(&of(&format!("{}/billing.eu", broker.url())), &notification).await;
    assert_eq!(again.as_deref(), Ok("stream BILLING, which had it already"));
    assert_eq!(stream.info().await.expect("it answers").state.messages, 1);

    let message = stream.get_raw_message(1).await.expect("it is there");
    assert_eq!(message.subject.as_str(), "billing.eu.tollgate.test");
    assert_eq!(message.payload, notification.body().into_bytes());
    let header = |name: &str| message.headers.get(name).map(ToString::to_string);
    assert_eq!(header("Nats-Msg-Id").as_deref(), Some(notification.id.as_str()));
    assert_eq!(header("content-type").as_deref(), Some("application/json"));

    let mut headers = reqwest::header::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let value = header(name).expect("it is signed").parse().expect("it is a header");
        headers.insert(name, value);
    }
    let verifier = Webhook::new(SECRET).expect("it is a secret");
    verifier.verify(&message.payload, &headers).expect("it verifies");
}

#[tokio::test]
async fn a_subject_that_no_stream_takes_is_refused() {
    let broker = Broker::start(&[]);
    let sender = of(&format!("{}/nobody", broker.url()));
    let refused = send(&sender, &Notification::test(1)).await;
    assert_eq!(refused, Err("no stream takes this subject".to_owned()));
}

#[tokio::test]
async fn user_and_password_stand_in_the_url() {
    let broker = Broker::start(&["--user", "tollgate", "--pass", "p@ss+word"]);
    let right = broker.url().replace("://", "://tollgate:p%40ss+word@");
    let refused = send(&of(&format!("{right}/billing")), &Notification::test(1)).await;
    assert_eq!(refused, Err("no stream takes this subject".to_owned()));
    let wrong = broker.url().replace("://", "://tollgate:hunter2@");
    let refused = send(&of(&format!("{wrong}/billing")), &Notification::test(1)).await;
    let refused = refused.expect_err("it is wrong");
    assert!(refused.starts_with("no connection") && !refused.contains("hunter2"), "{refused}");
}

#[tokio::test]
async fn a_server_that_comes_back_is_told_again() {
    let broker = Broker::start(&[]);
    drop(stream(&broker.url()).await);
    let sender = of(&format!("{}/billing.eu", broker.url()));
    send(&sender, &Notification::test(1)).await.expect("it is taken");
    let port = broker.port().to_owned();
    drop(broker);
    let away = send(&sender, &Notification::test(2)).await.expect_err("nobody is there");
    assert!(away.starts_with("no "), "{away}");

    let broker = Broker::start(&["--port", &port]);
    drop(stream(&broker.url()).await);
    let mut answers = Vec::new();
    while answers.len() < 5 && !answers.last().is_some_and(Result::is_ok) {
        answers.push(send(&sender, &Notification::test(3)).await);
    }
    assert!(answers.last().is_some_and(Result::is_ok), "{answers:?}");
}

/// It would win over what is sent then: a stream keeps the first message of an id.
#[tokio::test]
async fn what_was_given_up_is_not_published_once_the_server_is_back() {
    let broker = Broker::start(&[]);
    drop(stream(&broker.url()).await);
    let sender = of(&format!("{}/billing.eu", broker.url()));
    send(&sender, &Notification::test(1)).await.expect("it is taken");
    let port = broker.port().to_owned();
    drop(broker);
    let (notification, now) = (Notification::test(2), Clock::system().now());
    let body = notification.body();
    for early in [now - 600, now - 300, now - 100] {
        sender.ask(&notification.id, &body, early).await.expect_err("nobody is there");
    }

    let broker = Broker::start(&["--port", &port]);
    let mut stream = stream(&broker.url()).await;
    let mut taken = sender.ask(&notification.id, &body, now).await;
    for _ in 0..5 {
        if taken.is_err() {
            taken = sender.ask(&notification.id, &body, now).await;
        }
    }
    assert_eq!(taken.expect("it is back"), "stream BILLING", "it had not had it");
    assert_eq!(stream.info().await.expect("it answers").state.messages, 1);
    let message = stream.get_raw_message(1).await.expect("it is there");
    let signed_at = message.headers.get("webhook-timestamp").map(ToString::to_string);
    assert_eq!(signed_at, Some(now.to_string()));
}

#[tokio::test]
async fn nobody_at_all_is_refused_in_time() {
    let refused = send(&of("nats://127.0.0.1:1/billing"), &Notification::test(1)).await;
    assert!(refused.expect_err("nobody is there").starts_with("no "));
}
