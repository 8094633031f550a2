//! The examples do what they say: the app that mounts Tollgate, and the table that follows by SQL
//! alone. Their files are compiled here as they stand. And what else such an app may call.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[path = "../examples/mounted.rs"]
#[expect(dead_code, reason = "nobody runs its main function here")]
mod mounted;
#[path = "../examples/on_access_change.rs"]
#[expect(dead_code, reason = "nobody runs its main function here")]
mod on_access_change;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sqlx::SqlitePool;
use tollgate::Tollgate;
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::handlers::{Change, Kind};
use tollgate::receive::Outcome;
use tollgate::serve::ServeError;
use tollgate::store::Tx;
use tollgate::store::event::{self, Status};
use tollgate_sandbox::story::{Cast, story};
use tollgate_stripe::signature;
use tower::ServiceExt;

const SECRET: &str = "whsec_the_one_of_the_tests";
/// More than any test needs to end what runs in the background.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

fn environment(directory: &Path) -> BTreeMap<String, String> {
    let url = format!("sqlite://{}", directory.join("app.db").display());
    let pairs = [
        ("DATABASE_URL", url.as_str()),
        ("STRIPE_WEBHOOK_SECRET", SECRET),
        ("TOLLGATE_LISTEN", "127.0.0.1:0"),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

async fn call(app: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn tell(app: &Router, path: &str, name: &str, user: &str) {
    let now = Clock::system().now();
    let cast = Cast { user: Some(user.to_owned()), ..Cast::new(3, now - 3_600) };
    for event in story(name, &cast).unwrap() {
        let header = signature::header(event.body.as_bytes(), &[SECRET], now);
        let request = Request::post(path).header("stripe-signature", header);
        let (status, body) = call(app, request.body(Body::from(event.body)).unwrap()).await;
        assert_eq!((status, &body["received"]), (StatusCode::OK, &json!(true)), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_mounts_tollgate_and_its_table_follows() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::load(None, directory.path(), &environment(directory.path())).unwrap();
    let (tollgate, users) = mounted::open(&config).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let background = tokio::spawn(tollgate.clone().run(async { drop(stopped.await) }));
    let app = mounted::app(tollgate.clone(), users);
    tell(&app, "/billing/stripe/webhook", "subscribe_checkout", "ada").await;
    let asked = |user: &str| Request::get(format!("/users/{user}")).body(Body::empty()).unwrap();
    let (_, ada) = call(&app, asked("ada")).await;
    assert_eq!(ada, json!({ "plan": "pro", "note": null, "granted": true }));
    let (_, nobody) = call(&app, asked("nobody")).await;
    assert_eq!(nobody, json!({ "plan": "free", "note": null, "granted": false }));
    let (status, _) =
        call(&app, Request::get("/billing/healthz").body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    // The app and its routes are still there: that must not keep the writers waiting.
    stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, background).await.unwrap().unwrap();
    assert!(tollgate.access("ada").await.is_err(), "the database is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_follows_by_sql_alone() {
    let directory = tempfile::tempdir().unwrap();
    let environment = environment(directory.path());
    let settings = Path::new(on_access_change::SETTINGS);
    let config = Config::load(Some(settings), directory.path(), &environment).unwrap();
    // Without its table it does not start, and says why in the database's words.
    let refused = Tollgate::builder(&config).build().await.err().unwrap();
    let ServeError::Handlers(why) = &refused else { panic!("{refused:?}") };
    assert!(why.to_string().contains("no such table: users"), "{why}");

    on_access_change::make_table(&config).await.unwrap();
    let tollgate = Tollgate::builder(&config).build().await.unwrap();
    tell(&tollgate.router(), "/stripe/webhook", "subscribe_checkout", "ada").await;
    let pool = SqlitePool::connect(&environment["DATABASE_URL"]).await.unwrap();
    let row: (String, String) =
        sqlx::query_as("select plan, stripe_subscription_status from users where id = 'ada'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(row, ("pro".to_owned(), "active".to_owned()));
    tollgate.run(std::future::ready(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_replays_with_its_own_functions() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::load(None, directory.path(), &environment(directory.path())).unwrap();
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let builder = Tollgate::builder(&config);
    let builder = builder.on(Kind::Access, async move |_: &Change, _: &mut Tx<'_>| {
        if is_mended.load(Ordering::SeqCst) { Ok(()) } else { Err("not yet".into()) }
    });
    let tollgate = builder.build().await.unwrap();
    tell(&tollgate.router(), "/stripe/webhook", "subscribe_checkout", "ada").await;
    let failed = event::list(tollgate.db(), Some(Status::Failed), 100).await.unwrap();
    let id = failed.first().unwrap().id.as_str();
    let again = tollgate.replay(id).await.unwrap().unwrap();
    assert!(matches!(&again, Outcome::Failed(why) if why.contains("not yet")), "{again:?}");
    mended.store(true, Ordering::SeqCst);
    for it in &failed {
        assert_eq!(tollgate.replay(&it.id).await.unwrap(), Some(Outcome::Applied));
    }
    assert!(tollgate.access("ada").await.unwrap().access.granted);
    assert_eq!(tollgate.replay("evt_unknown").await.unwrap(), None);
    tollgate.run(std::future::ready(())).await;
}
