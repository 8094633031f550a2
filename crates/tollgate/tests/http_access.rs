//! What a user may use, as the app and the user's browser ask for it, and who may ask.

mod world;

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tollgate_sandbox::story::{Cast, story};
use world::{KEY, NOW, TOKEN_SECRET, World, request, subscription_of};

/// A token as a library would make it.
fn token(head: &Value, claims: &Value, secret: &str) -> String {
    let signed = format!("{}.{}", base64url(&head.to_string()), base64url(&claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", encode(&mac.finalize().into_bytes()))
}

fn base64url(text: &str) -> String {
    encode(text.as_bytes())
}

fn encode(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let all = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..=chunk.len() {
            let index = usize::try_from(all >> (18 - 6 * i) & 63).expect("it is small");
            text.push(char::from(LETTERS[index]));
        }
    }
    text
}

fn token_of(user: &str, exp: i64) -> String {
    token(&json!({"alg": "HS256", "typ": "JWT"}), &json!({"sub": user, "exp": exp}), TOKEN_SECRET)
}

async fn get(world: &World, path: &str, bearer: &str) -> world::Reply {
    let value = format!("Bearer {bearer}");
    world.call("GET", path, &[("authorization", &value)], b"").await
}

#[tokio::test]
async fn an_unknown_user_has_nothing() {
    let world = World::sqlite().await;
    let reply = world.app("GET", "/access/nobody", "").await;
    let expected = json!({
        "user_id": "nobody", "customer_id": null, "granted": false, "plan": "free",
        "features": [], "status": null, "reason": "no_customer", "until": null,
        "grace_until": null, "cancel_at": null, "dunning": null, "revision": 0,
        "as_of": "2026-11-22T12:00:00Z",
    });
    assert_eq!((reply.status, reply.json()), (200, expected));
    assert_eq!(reply.header("etag"), "\"0\"");
    assert_eq!(reply.header("cache-control"), "private, no-cache");
    world.end().await;
}

#[tokio::test]
async fn times_are_rfc_3339() {
    let world = World::sqlite().await;
    let cast = Cast { user: Some("ada".to_owned()), ..Cast::new(1, NOW - 7_200) };
    let events = story("cancel_uncancel", &cast).expect("it is a story");
    let canceled = events.iter().position(|it| it.body.contains(r#""cancel_at_period_end": true"#));
    let canceled = canceled.expect("the story cancels");
    world.tell(&events[..=canceled]).await;
    let answer = world.app("GET", "/access/ada", "").await.json();
    let cancel_at = answer["cancel_at"].as_str().expect("it is scheduled to end");
    assert!(cancel_at.ends_with('Z') && cancel_at.contains('T'), "{cancel_at}");
    assert_eq!(answer["until"], answer["cancel_at"]);
    world.end().await;
}

#[tokio::test]
async fn missing_money_is_told_with_the_answer_and_explained() {
    let world = World::sqlite().await;
    let cast = Cast { user: Some("ada".to_owned()), ..Cast::new(1, NOW - 40 * 86_400) };
    world.tell(&story("renewal_fails", &cast).expect("it is a story")).await;
    let answer = world.app("GET", "/access/ada", "").await.json();
    let dunning = &answer["dunning"];
    assert!(dunning["since"].as_str().is_some_and(|it| it.ends_with('Z')), "{dunning}");
    assert_eq!(dunning["access_until"], answer["grace_until"]);
    assert!(dunning["attempts"].as_i64() > Some(0), "{dunning}");
    let explained = world.app("GET", "/access/ada/explain", "").await.json();
    let all = explained["dunning"].as_array().expect("it is a list");
    assert_eq!((all.len(), &all[0]["decides"]), (1, &json!(true)));
    for same in ["invoice_id", "since", "next_attempt", "access_until"] {
        assert_eq!(all[0][same], dunning[same], "{same}");
    }
    world.end().await;
}

#[tokio::test]
async fn the_etag_is_the_revision() {
    let world = World::sqlite().await;
    world.tell(&subscription_of("ada", 1)).await;
    let reply = world.app("GET", "/access/ada", "").await;
    let tag = reply.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", reply.json()["revision"]));
    let bearer = format!("Bearer {KEY}");
    for (tags, status) in [
        (tag.clone(), 304),
        (format!("\"x\", {tag}"), 304),
        (format!("W/{tag}"), 304),
        ("*".to_owned(), 304),
        ("\"x\"".to_owned(), 200),
    ] {
        let headers = [("authorization", bearer.as_str()), ("if-none-match", tags.as_str())];
        let reply = world.call("GET", "/access/ada", &headers, b"").await;
        assert_eq!(reply.status, status, "{tags}");
        assert_eq!(reply.header("etag"), tag);
        assert_eq!(reply.body.is_empty(), status == 304);
    }
    world.end().await;
}

/// A handler that fails holds the revision back; the answer's end must not be held back with it.
async fn an_end_that_a_handler_holds_back_is_told(world: World) {
    let cast = Cast { user: Some("ada".to_owned()), ..Cast::new(1, NOW - 36 * 86_400) };
    world.tell(&story("renewal_fails", &cast).expect("it is a story")).await;
    let before = world.app("GET", "/access/ada", "").await;
    assert_eq!(before.json()["granted"], true, "{}", before.text());
    let bearer = format!("Bearer {KEY}");
    let mut stream = world.line().await;
    let headers = [("authorization", bearer.as_str())];
    stream.send(&request("GET", "/access/ada/stream", &headers, b"")).await;
    stream.until("\n\n").await;

    let end = hold_back(&world, &before.json()).await;
    world.clock.advance(Duration::from_secs((end - NOW).unsigned_abs()));
    let told = stream.until("\n\n").await;
    assert!(told.contains(r#""granted":false"#), "{told}");
    let known = |tag: &str, wait: &str| {
        let headers = [("authorization", bearer.as_str()), ("if-none-match", tag)];
        request("GET", &format!("/access/ada{wait}"), &headers, b"")
    };
    for wait in ["", "?wait=30s"] {
        let after = world.raw(&known(before.header("etag"), wait)).await;
        assert_eq!((after.status, &after.json()["granted"]), (200, &json!(false)));
        assert_eq!(after.json()["revision"], before.json()["revision"]);
        let again = world.raw(&known(after.header("etag"), "")).await;
        assert_eq!((again.status, again.header("etag")), (304, after.header("etag")));
    }
    world.end().await;
}

/// Leaves a failure behind as a handler's that is tried again much later; returns when access ends.
async fn hold_back(world: &World, answer: &Value) -> i64 {
    let failure = tollgate::store::due_failure::DueFailure {
        attempts: 9,
        error: "no such table".to_owned(),
        retry_at: i64::MAX,
    };
    let db = world.db().await;
    let mut tx = db.begin().await.expect("a transaction begins");
    tollgate::store::due_failure::record(&mut tx, "ada", &failure).await.expect("it is kept");
    tx.commit().await.expect("it is kept");
    let end = answer["grace_until"].as_str().expect("there is a grace");
    end.parse::<jiff::Timestamp>().expect("it is a time").as_second()
}

#[tokio::test]
async fn an_end_that_a_handler_holds_back_is_told_sqlite() {
    an_end_that_a_handler_holds_back_is_told(World::sqlite().await).await;
}

#[tokio::test]
async fn an_end_that_a_handler_holds_back_is_told_postgres() {
    an_end_that_a_handler_holds_back_is_told(World::postgres().await).await;
}

fn waiting(wait: &str) -> Vec<u8> {
    let bearer = format!("Bearer {KEY}");
    let headers = [("authorization", bearer.as_str()), ("if-none-match", "\"0\"")];
    request("GET", &format!("/access/ada?wait={wait}"), &headers, b"")
}

async fn a_held_answer_comes_with_the_change(world: World) {
    let mut line = world.line().await;
    line.send(&waiting("30s")).await;
    let (reply, ()) = tokio::join!(line.reply(), async {
        world.tell(&subscription_of("ada", 1)).await;
    });
    let answer = reply.json();
    assert_eq!((reply.status, &answer["user_id"]), (200, &json!("ada")));
    assert!(answer["revision"].as_i64() > Some(0));
    world.end().await;
}

#[tokio::test]
async fn a_held_answer_comes_with_the_change_sqlite() {
    a_held_answer_comes_with_the_change(World::sqlite().await).await;
}

#[tokio::test]
async fn a_held_answer_comes_with_the_change_postgres() {
    a_held_answer_comes_with_the_change(World::postgres().await).await;
}

/// Another node commits on the same database; ours has to look to see it.
#[tokio::test]
async fn a_held_answer_sees_what_another_node_changed_postgres() {
    let world = World::postgres().await;
    let other =
        tollgate::serve::Server::start(&world.config, &world.clock).await.expect("it starts");
    let mut line = world::Line::open(other.address()).await;
    line.send(&waiting("30")).await;
    let (reply, ()) = tokio::join!(line.reply(), async {
        world.tell(&subscription_of("ada", 1)).await;
    });
    assert_eq!(reply.status, 200);
    other.stop().await;
    world.end().await;
}

#[tokio::test]
async fn a_held_answer_ends_unchanged() {
    let world = World::sqlite().await;
    let reply = world.raw(&waiting("1")).await;
    assert_eq!((reply.status, reply.header("etag")), (304, "\"0\""));
    world.end().await;
}

/// Who knows nothing yet has nothing to wait for.
#[tokio::test]
async fn without_a_known_revision_nothing_is_held() {
    let world = World::sqlite().await;
    assert_eq!(world.app("GET", "/access/ada?wait=60s", "").await.status, 200);
    world.end().await;
}

#[tokio::test]
async fn a_wait_beyond_a_minute_is_refused() {
    let world = World::sqlite().await;
    for wait in ["61", "2m", "-1", "soon", "", "1.5"] {
        let reply = world.app("GET", &format!("/access/ada?wait={wait}"), "").await;
        let (_, details) = reply.refused(422, "validation_error");
        assert_eq!(details, json!({"field": "wait"}), "{wait}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_stream_tells_the_answer_now_and_after_each_change() {
    let world = World::sqlite().await;
    let bearer = format!("Bearer {KEY}");
    let headers = [("authorization", bearer.as_str())];
    let mut line = world.line().await;
    line.send(&request("GET", "/access/ada/stream", &headers, b"")).await;
    let head = line.until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/event-stream"), "{head}");
    let first = line.until("\n\n").await;
    assert!(first.contains("event: access\n") && first.contains("id: 0\n"), "{first}");
    assert!(first.contains(r#""reason":"no_customer""#), "{first}");
    world.tell(&subscription_of("bob", 2)).await;
    world.tell(&subscription_of("ada", 1)).await;
    let mut seen = line.until("\n\n").await;
    assert!(seen.contains(r#""user_id":"ada""#) && !seen.contains("id: 0\n"), "{seen}");
    while !seen.contains(r#""granted":true"#) {
        seen = line.until("\n\n").await;
    }
    world.end().await;
}

/// A browser that stays must not keep the server from stopping.
#[tokio::test]
async fn stopping_ends_streams_and_held_answers() {
    let world = World::sqlite().await;
    let bearer = format!("Bearer {KEY}");
    let headers = [("authorization", bearer.as_str())];
    let mut stream = world.line().await;
    stream.send(&request("GET", "/access/ada/stream", &headers, b"")).await;
    stream.until("\n\n").await;
    let mut held = world.line().await;
    held.send(&waiting("60s")).await;
    // The answer on another connection shows that the first was read.
    world.app("GET", "/access/ada", "").await;
    let ended = tokio::time::timeout(Duration::from_secs(10), world.end()).await;
    assert!(ended.is_ok(), "the server did not stop");
    stream.rest().await;
    let rest = held.rest().await;
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 304"));
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let world = World::sqlite().await;
    let bearer = format!("Bearer {}", token_of("ada", NOW + 60));
    let headers = [("authorization", bearer.as_str())];
    let mut line = world.line().await;
    line.send(&request("GET", "/access/ada/stream", &headers, b"")).await;
    line.until("\n\n").await;
    world.clock.advance(Duration::from_secs(60));
    line.rest().await;
    world.end().await;
}

#[tokio::test]
async fn user_ids_may_be_any_text() {
    let world = World::sqlite().await;
    for (path, user) in [
        ("a%2Fb", "a/b"),
        ("%C3%A9t%C3%A9", "été"),
        ("auth0%7C123", "auth0|123"),
        ("a%20b%0A", "a b\n"),
        ("ada@example.com", "ada@example.com"),
    ] {
        let reply = world.app("GET", &format!("/access/{path}"), "").await;
        assert_eq!((reply.status, &reply.json()["user_id"]), (200, &json!(user)));
    }
    let long = "x".repeat(255);
    assert_eq!(world.app("GET", &format!("/access/{long}"), "").await.status, 200);
    for path in ["%00", "a%00b", "%FF", &"x".repeat(256)] {
        for path in [format!("/access/{path}"), format!("/access/{path}/explain")] {
            let (_, details) = world.app("GET", &path, "").await.refused(422, "validation_error");
            assert_eq!(details, json!({"field": "user_id"}));
        }
        world.app("PUT", &format!("/users/{path}"), "{}").await.refused(422, "validation_error");
    }
    world.end().await;
}

#[tokio::test]
async fn an_explanation_shows_what_it_rests_on() {
    let world = World::sqlite().await;
    world.tell(&subscription_of("ada", 1)).await;
    let reply = world.app("GET", "/access/ada/explain", "").await;
    let it = reply.json();
    assert_eq!((reply.status, &it["user_id"], &it["granted"]), (200, &json!("ada"), &json!(true)));
    for list in ["owners", "claims", "objects"] {
        assert!(it[list].as_array().is_some_and(|it| !it.is_empty()), "{list}");
    }
    // As everywhere in our own JSON; `state` is in Stripe's words.
    for time in ["/as_of", "/claims/0/paid_through", "/objects/0/observed_at"] {
        let at = it.pointer(time).and_then(Value::as_str).unwrap_or_default();
        assert!(at.starts_with("20") && at.ends_with('Z'), "{time} in {it}");
    }
    world.end().await;
}

async fn naming_a_user_links_what_was_stored_before(world: World) {
    let cast = Cast { user: None, ..Cast::new(5, NOW - 3_600) };
    world.tell(&story("subscribe_checkout", &cast).expect("it is a story")).await;
    assert_eq!(world.app("GET", "/access/eve", "").await.json()["granted"], false);
    let body = json!({"email": "eve@example.com", "name": "Eve", "customer_id": cast.customer});
    let reply = world.app("PUT", "/users/eve", &body.to_string()).await;
    assert_eq!((reply.status, &reply.json()["granted"]), (200, &json!(true)), "{}", reply.text());
    assert_eq!(reply.json()["customer_id"], cast.customer);
    world.end().await;
}

#[tokio::test]
async fn naming_a_user_links_what_was_stored_before_sqlite() {
    naming_a_user_links_what_was_stored_before(World::sqlite().await).await;
}

#[tokio::test]
async fn naming_a_user_links_what_was_stored_before_postgres() {
    naming_a_user_links_what_was_stored_before(World::postgres().await).await;
}

#[tokio::test]
async fn what_a_named_user_must_not_be_is_refused() {
    let world = World::sqlite().await;
    for body in ["", "{", "not json", "\u{feff}{}", "{\"email\":}"] {
        world.app("PUT", "/users/ada", body).await.refused(400, "validation_error");
    }
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(321));
    let long_id = format!(r#"{{"customer_id":"{}"}}"#, "x".repeat(256));
    for (body, field) in [
        ("[]", "body"),
        ("null", "body"),
        ("\"ada\"", "body"),
        (r#"{"email":5}"#, "email"),
        (r#"{"email":""}"#, "email"),
        (r#"{"email":"a\u0000b"}"#, "email"),
        (r#"{"name":["Ada"]}"#, "name"),
        (long.as_str(), "name"),
        (r#"{"customer_id":""}"#, "customer_id"),
        (r#"{"customer_id":"a\u0000"}"#, "customer_id"),
        (long_id.as_str(), "customer_id"),
        (r#"{"e_mail":"ada@example.com"}"#, "e_mail"),
    ] {
        let (_, details) =
            world.app("PUT", "/users/ada", body).await.refused(422, "validation_error");
        assert_eq!(details, json!({"field": field}), "{body}");
    }
    let db = world.db().await;
    let known = tollgate::store::user::page(&db, "", 10).await.expect("users are listed");
    assert!(known.is_empty());
    assert_eq!(world.app("PUT", "/users/ada", r#"{"email":null}"#).await.status, 200);
    world.end().await;
}

#[tokio::test]
async fn without_a_key_nothing_of_the_apps_is_open() {
    let world = World::with(&[("TOLLGATE_API_KEY", "")], |_| ()).await;
    for (method, path) in [
        ("GET", "/access/ada"),
        ("GET", "/access/ada/stream"),
        ("GET", "/access/ada/explain"),
        ("PUT", "/users/ada"),
    ] {
        world.app(method, path, "{}").await.refused(503, "not_configured");
        let bearer = format!("Bearer {}", token_of("ada", NOW + 60));
        let reply = world.call(method, path, &[("authorization", &bearer)], b"{}").await;
        reply.refused(503, "not_configured");
    }
    world.end().await;
}

#[tokio::test]
async fn only_known_keys_open() {
    let keys = format!("{KEY}, another-key-of-the-app");
    let world = World::with(&[("TOLLGATE_API_KEY", &keys)], |_| ()).await;
    for key in [KEY, "another-key-of-the-app"] {
        assert_eq!(get(&world, "/access/ada", key).await.status, 200);
    }
    let no_header = world.call("GET", "/access/ada", &[], b"").await;
    no_header.refused(401, "unauthorized");
    assert_eq!(no_header.header("www-authenticate"), "Bearer");
    let longer = format!("{KEY}x");
    for value in
        ["", "Bearer", "Bearer ", KEY, &format!("Basic {KEY}"), &format!("Bearer {longer}")]
    {
        let reply = world.call("GET", "/access/ada", &[("authorization", value)], b"").await;
        reply.refused(401, "unauthorized");
    }
    let lower = format!("bearer {KEY}");
    assert_eq!(
        world.call("GET", "/access/ada", &[("authorization", &lower)], b"").await.status,
        200
    );
    world.end().await;
}

#[tokio::test]
async fn a_users_token_opens_that_users_access_only() {
    let world = World::sqlite().await;
    let ada = token_of("ada", NOW + 60);
    assert_eq!(get(&world, "/access/ada", &ada).await.status, 200);
    assert_eq!(get(&world, "/access/%61da?wait=1", &ada).await.status, 200);
    for path in ["/access/bob", "/access/ada/explain", "/access/bob/stream"] {
        get(&world, path, &ada).await.refused(403, "forbidden");
    }
    let bearer = format!("Bearer {ada}");
    let reply = world.call("PUT", "/users/ada", &[("authorization", &bearer)], b"{}").await;
    reply.refused(403, "forbidden");
    world.end().await;
}

#[tokio::test]
async fn a_token_that_is_not_ours_or_has_ended_opens_nothing() {
    let world = World::sqlite().await;
    let head = json!({"alg": "HS256"});
    let good = json!({"sub": "ada", "exp": NOW + 60});
    let mut tampered = token_of("ada", NOW + 60);
    tampered.replace_range(..1, "f");
    let parts = token_of("ada", NOW + 60);
    let unsigned = format!("{}.", parts.rsplit_once('.').expect("it has parts").0);
    for (why, token) in [
        ("ended", token_of("ada", NOW)),
        ("no end", token(&head, &json!({"sub": "ada"}), TOKEN_SECRET)),
        ("end is text", token(&head, &json!({"sub": "ada", "exp": "never"}), TOKEN_SECRET)),
        ("no subject", token(&head, &json!({"exp": NOW + 60}), TOKEN_SECRET)),
        (
            "not begun",
            token(&head, &json!({"sub": "ada", "exp": NOW + 60, "nbf": NOW + 1}), TOKEN_SECRET),
        ),
        ("other secret", token(&head, &good, "another-secret-of-at-least-32-bytes!")),
        ("no algorithm", token(&json!({"alg": "none"}), &good, TOKEN_SECRET)),
        ("other algorithm", token(&json!({"alg": "HS512"}), &good, TOKEN_SECRET)),
        (
            "critical extension",
            token(&json!({"alg": "HS256", "crit": ["b64"]}), &good, TOKEN_SECRET),
        ),
        ("tampered", tampered),
        ("unsigned", unsigned),
        ("not a token", "a.b.c".to_owned()),
        ("two parts", "a.b".to_owned()),
    ] {
        let reply = get(&world, "/access/ada", &token).await;
        assert_eq!(reply.status, 401, "{why}");
        reply.refused(401, "unauthorized");
    }
    world.end().await;
}
