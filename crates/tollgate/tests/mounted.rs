//! The routes in the router of somebody's app: pages below a path find each other, and what is the
//! app's to answer stays the app's.

#[expect(dead_code, unused_imports, reason = "other tests need the rest of it")]
mod shop;

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::routing::get;
use http_body_util::BodyExt;
use shop::{Shop, TOKEN_SECRET};
use tollgate::Tollgate;
use tollgate::config::Config;
use tower::ServiceExt;

const PLAN: &str = "[plans.pro]\nprices = { monthly = \"pro_monthly\" }\n";

struct Mounted {
    shop: Shop,
    tollgate: Tollgate,
    _dir: tempfile::TempDir,
}

impl Mounted {
    async fn new(public_url: &str) -> Self {
        let shop = Shop::open(None).await;
        let dir = tempfile::tempdir().expect("a directory can be made");
        std::fs::write(dir.path().join("tollgate.toml"), PLAN).expect("it can be written");
        let database = format!("sqlite://{}", dir.path().join("app.db").display());
        let stripe = shop.sandbox.url();
        let variables = [
            ("DATABASE_URL", database.as_str()),
            ("STRIPE_API_BASE", &stripe),
            ("STRIPE_SECRET_KEY", "sk_test_the_key_of_the_tests"),
            ("TOLLGATE_USER_TOKEN_SECRET", TOKEN_SECRET),
            ("TOLLGATE_PUBLIC_URL", public_url),
        ];
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let config = Config::load(None, dir.path(), &variables).expect("they are right");
        let tollgate = Tollgate::builder(&config).clock(&shop.clock).build().await;
        Self { shop, tollgate: tollgate.expect("it is built"), _dir: dir }
    }

    async fn end(self) {
        self.tollgate.run(std::future::ready(())).await;
        self.shop.close().await;
    }
}

/// What a browser got.
struct Seen {
    status: StatusCode,
    location: String,
    cookie: String,
    text: String,
}

async fn look(app: &Router, path: &str, cookie: &str) -> Seen {
    let request = Request::get(path).header(header::ACCEPT, "text/html");
    let request = request.header(header::COOKIE, cookie).body(Body::empty());
    let response = app.clone().oneshot(request.expect("it is one")).await.expect("it answers");
    let header = |name| {
        let value = response.headers().get(name).and_then(|it| it.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (location, cookie) = (header(header::LOCATION), header(header::SET_COOKIE));
    let status = response.status();
    let body = response.into_body().collect().await.expect("it has a body").to_bytes();
    let text = String::from_utf8(body.to_vec()).expect("it is text");
    Seen { status, location, cookie, text: text.replace("&#x2f;", "/") }
}

/// The values of an attribute that are paths.
fn paths(text: &str, attribute: &str) -> Vec<String> {
    let begin = format!("{attribute}=\"");
    let values = text.split(&begin).skip(1);
    let values = values.filter_map(|it| it.split('"').next()).filter(|it| it.starts_with('/'));
    values.map(|it| it.replace("&amp;", "&")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_below_a_path_lead_to_each_other() {
    let mounted = Mounted::new("https://app.example/billing").await;
    let app = Router::new().nest("/billing", mounted.tollgate.router());
    let token = mounted.shop.token_of("ada");
    let came = look(&app, &format!("/billing/pricing?token={token}"), "").await;
    assert_eq!((came.status, came.location.as_str()), (StatusCode::SEE_OTHER, "/billing/pricing"));
    assert!(came.cookie.contains("; Path=/billing;"), "{}", came.cookie);
    let cookie = came.cookie.split(';').next().expect("there is one");
    for path in ["/billing/pricing", "/billing/account"] {
        let page = look(&app, path, cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        let links = paths(&page.text, "href");
        assert!(links.iter().any(|it| it.starts_with("/billing/pages/style.css")), "{links:?}");
        for link in links {
            assert_eq!(look(&app, &link, cookie).await.status, StatusCode::OK, "{path}: {link}");
        }
        let forms = paths(&page.text, "action");
        assert!(forms.iter().all(|it| it.starts_with("/billing/")), "{path}: {forms:?}");
    }
    let pricing = look(&app, "/billing/pricing", cookie).await;
    assert_eq!(paths(&pricing.text, "action"), ["/billing/pricing"]);
    let led = look(&app, "/billing/account/cancel", cookie).await;
    assert_eq!((led.status, led.location.as_str()), (StatusCode::SEE_OTHER, "/billing/account"));
    mounted.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_no_route_for_is_the_apps_to_answer() {
    let mounted = Mounted::new("https://app.example").await;
    let own = Router::new().route("/own", get(async || "the app's")).fallback(async || "nothing");
    let app = own.merge(mounted.tollgate.router());
    assert_eq!(look(&app, "/own", "").await.text, "the app's");
    assert_eq!(look(&app, "/elsewhere", "").await.text, "nothing");
    assert_eq!(look(&app, "/pricing", "").await.status, StatusCode::OK);
    mounted.end().await;
}
