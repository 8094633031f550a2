//! A server of one's own for a test, on SQLite or Postgres, with a clock that stands still, and a
//! client so small that it can send what no proper client would.

mod client;
mod document;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqlSafeStr};
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::serve::Server;
use tollgate::store::Db;
use tollgate_sandbox::story::{Cast, StoryEvent, story};
use tollgate_stripe::signature;

pub use client::{Connection as Line, Reply};

/// 2026-11-22T12:00:00Z.
pub const NOW: i64 = 1_795_348_800;
pub const SECRET: &str = "whsec_the_one_of_the_tests";
pub const KEY: &str = "the-key-of-the-tests-app";
pub const TOKEN_SECRET: &str = "a-secret-of-at-least-thirty-two-bytes";

/// A running server and all that a test needs to look at it.
pub struct World {
    pub server: Server,
    pub clock: Clock,
    pub config: Config,
    dir: tempfile::TempDir,
    /// The cluster and the name of a Postgres database.
    postgres: Option<(String, String)>,
}

impl World {
    /// Starts a server on SQLite.
    pub async fn sqlite() -> Self {
        Self::with(&[], |_| ()).await
    }

    /// Starts a server on SQLite with other settings.
    pub async fn with(variables: &[(&str, &str)], adjust: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().expect("a directory can be made");
        let url = format!("sqlite://{}", dir.path().join("tollgate.db").display());
        Self::start(dir, url, None, variables, adjust).await
    }

    /// Starts a server on a fresh Postgres database.
    pub async fn postgres() -> Self {
        let admin = admin_url();
        let name = database_name();
        command(&admin, format!("drop database if exists {name} with (force)")).await;
        command(&admin, format!("create database {name} template template0")).await;
        let url = sibling(&admin, &name);
        let dir = tempfile::tempdir().expect("a directory can be made");
        Self::start(dir, url, Some((admin, name)), &[], |_| ()).await
    }

    async fn start(
        dir: tempfile::TempDir,
        url: String,
        postgres: Option<(String, String)>,
        variables: &[(&str, &str)],
        adjust: impl FnOnce(&mut Config),
    ) -> Self {
        let clock = Clock::manual(NOW * 1000);
        let mut config = config(dir.path(), &url, variables);
        adjust(&mut config);
        let server = Server::start(&config, &clock).await.expect("the server starts");
        Self { server, clock, config, dir, postgres }
    }

    /// Stops the server gracefully and removes its database.
    pub async fn end(self) {
        self.server.stop().await;
        if let Some((admin, name)) = self.postgres {
            command(&admin, format!("drop database if exists {name} with (force)")).await;
        }
        drop(self.dir);
    }

    /// Opens the database beside the server.
    pub async fn db(&self) -> Db {
        Db::connect(self.config.database_url.reveal()).await.expect("the database opens")
    }

    /// Opens a connection to the server.
    pub async fn line(&self) -> Line {
        Line::open(self.server.address()).await
    }

    /// Sends bytes as they are and reads the answer to the end.
    pub async fn raw(&self, bytes: &[u8]) -> Reply {
        let mut line = self.line().await;
        line.send(bytes).await;
        line.reply().await
    }

    /// Sends a request on a connection of its own.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let reply = self.raw(&request(method, path, headers, body)).await;
        document::check(method, path, reply.status, &reply.body);
        reply
    }

    /// Calls as the app.
    pub async fn app(&self, method: &str, path: &str, body: &str) -> Reply {
        let key = format!("Bearer {KEY}");
        self.call(method, path, &[("authorization", &key)], body.as_bytes()).await
    }

    /// Delivers a body as Stripe does, signed now.
    pub async fn deliver(&self, body: &[u8]) -> Reply {
        self.deliver_to("/stripe/webhook", body).await
    }

    /// Delivers a body to another path.
    pub async fn deliver_to(&self, path: &str, body: &[u8]) -> Reply {
        let header = signature::header(body, &[SECRET], self.clock.now());
        self.call("POST", path, &[("stripe-signature", &header)], body).await
    }

    /// Delivers all events of a story and expects each to be taken.
    pub async fn tell(&self, events: &[StoryEvent]) {
        for event in events {
            let reply = self.deliver(event.body.as_bytes()).await;
            assert_eq!(reply.status, 200, "{}: {}", event.kind, reply.text());
        }
    }
}

/// The configuration of a test's server, as an operator would write it.
pub fn config(dir: &std::path::Path, url: &str, variables: &[(&str, &str)]) -> Config {
    let usual = [
        ("TOLLGATE_LISTEN", "127.0.0.1:0"),
        ("DATABASE_URL", url),
        ("STRIPE_WEBHOOK_SECRET", SECRET),
        ("TOLLGATE_API_KEY", KEY),
        ("TOLLGATE_USER_TOKEN_SECRET", TOKEN_SECRET),
    ];
    let all = usual.iter().chain(variables);
    let environment: BTreeMap<String, String> =
        all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Config::load(None, dir, &environment).expect("the configuration is right")
}

/// Writes a request; a length is added unless the headers say otherwise.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text =
        format!("{method} {path} HTTP/1.1\r\nhost: tollgate.test\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !headers.iter().any(|(name, _)| *name == "transfer-encoding" || *name == "content-length") {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A customer of this name who subscribes.
pub fn subscription_of(user: &str, seed: u64) -> Vec<StoryEvent> {
    let cast = Cast { user: Some(user.to_owned()), ..Cast::new(seed, NOW - 3_600) };
    story("subscribe_checkout", &cast).expect("the story exists")
}

#[expect(clippy::disallowed_methods, reason = "the tests have no configuration of their own")]
fn admin_url() -> String {
    std::env::var("TOLLGATE_TEST_POSTGRES")
        .expect("TOLLGATE_TEST_POSTGRES names a Postgres cluster: see ./test or tools/postgres.sh")
}

fn database_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("world_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The URL of another database of the same cluster.
fn sibling(admin: &str, name: &str) -> String {
    let (base, parameters) = admin.split_once('?').unwrap_or((admin, ""));
    let server = base.rsplit_once('/').map_or(base, |(server, _)| server);
    let mark = if parameters.is_empty() { "" } else { "?" };
    format!("{server}/{name}{mark}{parameters}")
}

async fn command(admin: &str, sql: String) {
    let mut connection = PgConnection::connect(admin).await.expect("the cluster answers");
    let sql = AssertSqlSafe(sql).into_sql_str();
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("the cluster does it");
    connection.close().await.expect("the connection closes");
}
