//! The server around the routes: limits, proxies, what operators ask, the page for development,
//! how it starts and how it stops.

mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tollgate::clock::Clock;
use tollgate::http::{OPENAPI, ROUTES};
use tollgate::serve::{ServeError, Server};
use world::{NOW, World, config, request, subscription_of};

#[tokio::test]
async fn an_address_that_asks_too_often_is_slowed_down() {
    let world = World::with(&[("TOLLGATE_RATE_LIMIT", "1")], |_| ()).await;
    // One a second and one in reserve.
    for _ in 0..2 {
        assert_eq!(world.app("GET", "/access/ada", "").await.status, 200);
    }
    let reply = world.app("GET", "/access/ada", "").await;
    reply.refused(429, "rate_limited");
    assert_eq!(reply.header("retry-after"), "1");
    world.deliver(b"{}").await.refused(429, "rate_limited");
    // Whoever watches the server must not be shut out with them.
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(world.call("GET", path, &[], b"").await.status, 200);
    }
    world.call("GET", "/openapi.json", &[], b"").await.refused(429, "rate_limited");
    assert_eq!(world.call("GET", "/healthz", &[], b"").await.status, 200);
    world.end().await;
}

#[tokio::test]
async fn without_a_limit_nobody_is_slowed_down() {
    let world = World::with(&[("TOLLGATE_RATE_LIMIT", "off")], |_| ()).await;
    for _ in 0..50 {
        assert_eq!(world.app("GET", "/access/ada", "").await.status, 200);
    }
    world.end().await;
}

#[tokio::test]
async fn each_client_behind_a_trusted_proxy_has_its_own_limit() {
    let variables = [("TOLLGATE_RATE_LIMIT", "1"), ("TOLLGATE_TRUSTED_PROXIES", "127.0.0.0/8")];
    let world = World::with(&variables, |_| ()).await;
    for client in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        for expected in [400, 400, 429] {
            let headers = [("x-forwarded-for", client)];
            let reply = world.call("POST", "/webhook", &headers, b"").await;
            assert_eq!(reply.status, expected, "{client}");
        }
    }
    world.end().await;
}

#[tokio::test]
async fn only_allowed_networks_reach_the_webhook() {
    let allowed = [("TOLLGATE_WEBHOOK_NETWORKS", "192.0.2.0/24")];
    let world = World::with(&allowed, |_| ()).await;
    world.deliver(b"{}").await.refused(403, "forbidden");
    // Nobody trusts this peer, so what it says does not count.
    let headers = [("x-forwarded-for", "192.0.2.7")];
    world.call("POST", "/webhook", &headers, b"{}").await.refused(403, "forbidden");
    assert_eq!(world.app("GET", "/access/ada", "").await.status, 200);
    world.end().await;

    let variables = [allowed[0], ("TOLLGATE_TRUSTED_PROXIES", "127.0.0.1")];
    let world = World::with(&variables, |_| ()).await;
    let reply = world.call("POST", "/webhook", &headers, b"{}").await;
    reply.refused(400, "validation_error");
    let headers = [("x-forwarded-for", "192.0.2.7, 198.51.100.1")];
    world.call("POST", "/webhook", &headers, b"{}").await.refused(403, "forbidden");
    world.end().await;
}

#[tokio::test]
async fn operators_are_told_how_it_is() {
    let world = World::sqlite().await;
    let health = world.call("GET", "/healthz", &[], b"").await;
    assert_eq!((health.status, health.json()), (200, json!({"status": "ok"})));
    let ready = world.call("GET", "/readyz", &[], b"").await;
    let expected = json!({"status": "ok", "database": "ok", "waiting": 0});
    assert_eq!((ready.status, ready.json()), (200, expected));
    let metrics = world.call("GET", "/metrics", &[], b"").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    assert!(metrics.text().ends_with("# EOF\n"));
    world.end().await;
}

#[tokio::test]
async fn changes_of_access_are_counted() {
    let world = World::sqlite().await;
    world.tell(&subscription_of("ada", 1)).await;
    let metrics = world.call("GET", "/metrics", &[], b"").await;
    let count =
        metrics.text().lines().find_map(|it| it.strip_prefix("tollgate_access_changes_total "));
    assert!(count.is_some_and(|it| it != "0"), "{}", metrics.text());
    world.end().await;
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let world = World::sqlite().await;
    for path in [
        "/nothing",
        "/access",
        "/access/",
        "/users/",
        "/access/a/b",
        "/stripe",
        "//",
        "/dev/stream",
        "/",
    ] {
        world.call("GET", path, &[], b"").await.refused(404, "not_found");
    }
    // A path of one's own making must not fill the metrics.
    let metrics = world.call("GET", "/metrics", &[], b"").await;
    assert!(!metrics.text().contains("nothing"), "{}", metrics.text());
    assert!(metrics.text().contains(r#"route="other",status="404""#));
    world.end().await;
}

/// The document is what other people's programs are made from.
#[test]
fn the_document_names_exactly_the_routes() {
    let document: Value = serde_json::from_str(OPENAPI).expect("it is JSON");
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().expect("it has paths");
    let documented: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("a path has methods");
            methods.keys().map(|it| (it.to_uppercase(), path.clone()))
        })
        .collect();
    let routes: BTreeSet<(String, String)> =
        ROUTES.iter().map(|it| (it.method.to_owned(), it.path.to_owned())).collect();
    assert_eq!(documented, routes);
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document: Value = serde_json::from_str(OPENAPI).expect("it is JSON");
    let mut count = 0;
    for (at, _) in OPENAPI.match_indices("\"$ref\": \"#") {
        let rest = &OPENAPI[at + 10..];
        let pointer = &rest[..rest.find('"').expect("it is closed")];
        assert!(document.pointer(pointer).is_some(), "{pointer}");
        count += 1;
    }
    assert!(count > 10, "only {count} references were found");
}

#[tokio::test]
async fn the_document_is_served() {
    let world = World::sqlite().await;
    let reply = world.call("GET", "/openapi.json", &[], b"").await;
    assert_eq!((reply.status, reply.text()), (200, OPENAPI));
    world.end().await;
}

#[tokio::test]
async fn the_page_teaches_the_first_step_and_then_shows_what_came() {
    let world = World::with(&[], |it| it.dev = true).await;
    let page = world.call("GET", "/", &[], b"").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert!(page.text().contains("<h1>Nobody has access yet.</h1>"), "{}", page.text());
    assert!(page.text().contains("tollgate trigger checkout.session.completed --user ada"));
    assert!(page.text().contains("http://tollgate.test/access/ada"));
    world.tell(&subscription_of("ada", 1)).await;
    let page = world.call("GET", "/", &[], b"").await;
    assert!(page.text().contains("<h1>ada has access.</h1>"), "{}", page.text());
    assert!(page.text().contains("customer.<wbr>subscription.<wbr>created<wbr>"));
    for path in ["/dev/style.css", "/dev/live.js"] {
        let reply = world.call("GET", path, &[], b"").await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
    world.end().await;
}

/// A user's id is whatever somebody made it: also a script.
#[tokio::test]
async fn nothing_written_into_the_page_becomes_part_of_it() {
    let world = World::with(&[], |it| it.dev = true).await;
    let user = "<script>alert('1')</script>\r\n\"&";
    world.tell(&subscription_of(user, 1)).await;
    let mut line = world.line().await;
    line.send(&request("GET", "/dev/stream", &[], b"")).await;
    let state = line.until("\n\n").await;
    let page = world.call("GET", "/", &[], b"").await;
    for text in [page.text(), &state] {
        assert!(!text.contains("<script>alert") && text.contains("&lt;script&gt;"), "{text}");
    }
    world.end().await;
}

#[tokio::test]
async fn the_page_follows_what_happens() {
    let world = World::with(&[], |it| it.dev = true).await;
    let mut line = world.line().await;
    line.send(&request("GET", "/dev/stream", &[], b"")).await;
    let first = line.until("\n\n").await;
    assert!(
        first.contains("event: state\n") && first.contains("Nobody has access yet."),
        "{first}"
    );
    world.tell(&subscription_of("ada", 1)).await;
    while !line.until("\n\n").await.contains("ada has access.") {}
    world.end().await;
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_server_stops() {
    let world = World::sqlite().await;
    let body = subscription_of("ada", 1)[0].body.clone();
    let header = tollgate_stripe::signature::header(body.as_bytes(), &[world::SECRET], NOW);
    let bytes = request("POST", "/webhook", &[("stripe-signature", &header)], body.as_bytes());
    let (first, last) = bytes.split_at(bytes.len() - 10);
    let mut line = world.line().await;
    line.send(first).await;
    // An answer on another connection shows that the server has the first part.
    world.call("GET", "/healthz", &[], b"").await;
    let address = world.server.address();
    let (reply, ()) = tokio::join!(
        async {
            // The server no longer listens, but this request goes on.
            while tokio::net::TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
            line.send(last).await;
            line.reply().await
        },
        world.end()
    );
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn what_was_taken_is_there_after_a_restart() {
    let world = World::sqlite().await;
    world.tell(&subscription_of("ada", 1)).await;
    let World { server, config, clock, .. } = &world;
    let before = world.app("GET", "/access/ada", "").await.json();
    let second = Server::start(config, clock).await.expect("a second one may run beside it");
    assert_ne!(second.address(), server.address());
    let mut line = world::Line::open(second.address()).await;
    let bearer = format!("Bearer {}", world::KEY);
    line.send(&request("GET", "/access/ada", &[("authorization", &bearer)], b"")).await;
    assert_eq!(line.reply().await.json(), before);
    second.stop().await;
    world.end().await;
}

#[tokio::test]
async fn another_configuration_reaches_who_was_there_before() {
    let world = World::sqlite().await;
    world.tell(&subscription_of("ada", 1)).await;
    let before = world.app("GET", "/access/ada", "").await;
    assert_eq!(before.json()["granted"], true);
    let mut other = world.config.clone();
    other.rulebook.any_price = None;
    let second = Server::start(&other, &world.clock).await.expect("it starts");
    let mut line = world::Line::open(second.address()).await;
    let bearer = format!("Bearer {}", world::KEY);
    let headers = [("authorization", bearer.as_str()), ("if-none-match", before.header("etag"))];
    line.send(&request("GET", "/access/ada?wait=20s", &headers, b"")).await;
    let after = line.reply().await.json();
    assert_eq!((&after["granted"], &after["reason"]), (&json!(false), &json!("unknown_price")));
    second.stop().await;
    world.end().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let adjust =
        |it: &mut tollgate::config::Config| it.server.head_timeout = Duration::from_millis(50);
    let world = World::with(&[], adjust).await;
    for said in ["", "GET / HTTP/1.1\r\nhost:", "PRI * HTTP/2.0\r\n"] {
        let mut line = world.line().await;
        line.send(said.as_bytes()).await;
        line.rest().await;
    }
    world.end().await;
}

#[tokio::test]
async fn more_connections_than_allowed_wait() {
    let world = World::with(&[("TOLLGATE_CONNECTIONS_MAX", "1")], |_| ()).await;
    let mut first = world.line().await;
    first.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    first.until(r#"{"status":"ok"}"#).await;
    let mut second = world.line().await;
    second.send(&request("GET", "/healthz", &[], b"")).await;
    let early = tokio::time::timeout(Duration::from_millis(100), second.until("HTTP")).await;
    assert!(early.is_err(), "the second was answered beside the first");
    drop(first);
    assert_eq!(second.reply().await.status, 200);
    world.end().await;
}

/// Stripe has to get through, whoever else holds connections.
#[tokio::test]
async fn one_address_does_not_have_all_connections() {
    let world = World::with(&[("TOLLGATE_CONNECTIONS_MAX", "4")], |_| ()).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut line = world.line().await;
        line.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        line.until(r#"{"status":"ok"}"#).await;
        open.push(line);
    }
    let mut third = world.line().await;
    third.send(&request("GET", "/healthz", &[], b"")).await;
    assert!(third.rest().await.is_empty(), "an address has half of them");
    let elsewhere = tokio::net::TcpSocket::new_v4().expect("there are sockets");
    elsewhere.bind(([127, 0, 0, 2], 0).into()).expect("the address is this machine's");
    let mut other = elsewhere.connect(world.server.address()).await.expect("the server listens");
    other.write_all(&request("GET", "/healthz", &[], b"")).await.expect("it is read");
    let mut text = String::new();
    other.read_to_string(&mut text).await.expect("it is answered");
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    world.end().await;
}

#[tokio::test]
async fn a_trusted_proxy_has_the_connections_of_all_its_clients() {
    let variables =
        [("TOLLGATE_CONNECTIONS_MAX", "4"), ("TOLLGATE_TRUSTED_PROXIES", "127.0.0.0/8")];
    let world = World::with(&variables, |_| ()).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut line = world.line().await;
        line.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        line.until(r#"{"status":"ok"}"#).await;
        open.push(line);
    }
    drop(open);
    world.end().await;
}

/// Pings keep a connection of HTTP/2 alive, and a full buffer any: neither must hold it for ever.
#[tokio::test]
async fn a_connection_on_which_nothing_happens_is_closed() {
    let adjust = |it: &mut tollgate::config::Config| {
        it.server.head_timeout = Duration::from_secs(1);
        it.server.idle_timeout = Duration::from_millis(300);
    };
    let world = World::with(&[("TOLLGATE_CONNECTIONS_MAX", "1")], adjust).await;
    let mut http_2 = world.line().await;
    http_2.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    http_2.send(b"\0\0\x0f\x01\x05\0\0\0\x01\x82\x86\x04\x08/healthz\x01\x01x").await;
    let answered = http_2.rest().await;
    let body = br#"{"status":"ok"}"#;
    assert!(answered.windows(body.len()).any(|it| it == body), "it was answered");

    let mut deaf = world.line().await;
    let asked = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(400);
    deaf.send(&asked).await;
    // There is room for one only: who does not read gives it up.
    assert_eq!(world.call("GET", "/healthz", &[], b"").await.status, 200);
    world.end().await;
}

#[tokio::test]
async fn a_key_of_the_other_mode_stops_the_start() {
    let world = World::sqlite().await;
    world.tell(&subscription_of("ada", 1)[..1]).await;
    let mut other = world.config.clone();
    let live = config(
        std::path::Path::new("."),
        "sqlite://x",
        &[("STRIPE_SECRET_KEY", "sk_live_12345678")],
    );
    other.stripe_key = live.stripe_key;
    let error = Server::start(&other, &world.clock).await.err().expect("it does not start");
    let text = error.to_string();
    assert_eq!(text, "STRIPE_SECRET_KEY is for live mode, but the database is for test mode");
    let mode = tollgate::store::schema::livemode(&world.db().await).await;
    assert_eq!(mode.expect("the database answers"), Some(false));
    world.end().await;
}

#[tokio::test]
async fn a_wrong_database_or_address_stops_the_start() {
    let world = World::sqlite().await;
    let mut config = world.config.clone();
    config.server.listen = world.server.address();
    let taken = Server::start(&config, &world.clock).await.err();
    assert!(matches!(taken, Some(ServeError::Listen { .. })));
    let dir = tempfile::tempdir().expect("a directory can be made");
    let url = format!("sqlite://{}/no/such/directory/tollgate.db", dir.path().display());
    let config = world::config(dir.path(), &url, &[]);
    let missing = Server::start(&config, &Clock::manual(NOW * 1000)).await.err();
    assert!(matches!(missing, Some(ServeError::Database(_))));
    world.end().await;
}

/// The database comes after the server: here, a forwarder to it.
#[tokio::test]
async fn a_database_that_comes_later_is_taken_up_postgres() {
    let world = World::postgres().await;
    let place = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = place.local_addr().expect("it has one");
    drop(place);
    let url = world.config.database_url.reveal().to_owned();
    let (before, rest) = url.split_once('@').expect("it has a user");
    let (real, name) = rest.split_once('/').expect("it names a database");
    let mut config = world.config.clone();
    config.database_url = tollgate::config::Secret::new(format!("{before}@{address}/{name}"));
    let late = Server::start(&config, &world.clock).await.expect("it starts without its database");
    let ask = async || {
        let mut line = world::Line::open(late.address()).await;
        line.send(&request("GET", "/readyz", &[], b"")).await;
        line.reply().await.status
    };
    assert_eq!(ask().await, 503);
    let forwarder = tokio::spawn(forward(address, real.to_owned()));
    while ask().await != 200 {
        tokio::task::yield_now().await;
    }
    late.stop().await;
    forwarder.abort();
    world.end().await;
}

async fn forward(from: std::net::SocketAddr, to: String) {
    let listener = tokio::net::TcpListener::bind(from).await.expect("the port is still free");
    while let Ok((mut ours, _)) = listener.accept().await {
        let to = to.clone();
        tokio::spawn(async move {
            let mut theirs = tokio::net::TcpStream::connect(to).await.expect("the cluster listens");
            drop(tokio::io::copy_bidirectional(&mut ours, &mut theirs).await);
        });
    }
}
