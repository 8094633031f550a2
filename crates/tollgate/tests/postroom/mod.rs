//! The way of a mail in tests: events come in by the door, time passes, a worker composes, and
//! what would have been sent is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::deliver::destinations::{Destination, MAIL, routes};
use tollgate::deliver::mailbox::Mailbox;
use tollgate::deliver::messenger::{Messenger, Post};
use tollgate::deliver::{Terms, Worker};
use tollgate::mail::{Letters, Mail};
use tollgate::receive::{self, Receiver, Writers};
use tollgate::rules::policy::Rulebook;
use tollgate::store::delivery::{Delivery, newest};
use tollgate::store::{self, Db};

use crate::databases::Fresh;
use crate::history::{Piece, objects};

/// Who hears of what concerns the operator.
pub const OPERATOR: &str = "ops@example.com";

const SHOP: &str = r#"
[brand]
name = "Example"
app_url = "https://app.example.com"
[mail]
from = "Example <billing@example.com>"
operator = "ops@example.com"
"#;

/// A shop of which every fact becomes a mail that can.
pub struct Postroom {
    pub db: Db,
    pub clock: Clock,
    pub receiver: Receiver,
    pub rulebook: Arc<Rulebook>,
    config: Config,
    mailbox: Arc<Mailbox>,
    worker: Worker,
    _writers: Writers,
}

impl Postroom {
    /// Opens it at this time, in Unix seconds.
    pub fn open(fresh: &Fresh, now: i64) -> Self {
        let config = config();
        let clock = Clock::manual(now * 1000);
        let rulebook = Rulebook { routes: routes(&config), ..objects::rulebook() };
        let rulebook = Arc::new(rulebook);
        let (receiver, writers) = receive::open(&fresh.db, &rulebook, &clock);
        let mailbox = Arc::new(Mailbox::default());
        let worker = worker(&config, &fresh.db, &clock, &mailbox);
        let db = fresh.db.clone();
        Self { db, clock, receiver, rulebook, config, mailbox, worker, _writers: writers }
    }

    /// Another node's door and worker over its own connections; mails of both are kept together.
    pub fn another(&self, db: Db) -> Self {
        let (receiver, writers) = receive::open(&db, &self.rulebook, &self.clock);
        let mailbox = Arc::clone(&self.mailbox);
        let worker = worker(&self.config, &db, &self.clock, &mailbox);
        let (clock, rulebook) = (self.clock.clone(), Arc::clone(&self.rulebook));
        let config = self.config.clone();
        Self { db, clock, receiver, rulebook, config, mailbox, worker, _writers: writers }
    }

    /// Stripe sends these.
    pub async fn take_in(&self, pieces: &[Piece]) {
        for piece in pieces {
            self.receiver.submit(piece.delivery()).await.expect("it is taken");
        }
    }

    /// Time passes.
    pub fn wait(&self, secs: i64) {
        self.clock.advance(Duration::from_secs(u64::try_from(secs).expect("it goes forward")));
    }

    /// Writes all that is due a minute later, when nothing belongs to it any more.
    pub async fn post(&mut self) {
        self.wait(60);
        self.send().await;
    }

    /// Writes all that is due now.
    pub async fn send(&mut self) {
        for _ in 0..100 {
            if self.worker.step().await.expect("the database answers") == 0 {
                return;
            }
        }
        panic!("it finds something to do again and again");
    }

    /// Returns the mails so far, the oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        let mut all = self.mailbox.all();
        all.reverse();
        all.into_iter().map(|it| it.mail).collect()
    }

    /// Returns the keys of the staged facts that begin with this.
    pub async fn staged(&self, prefix: &str) -> Vec<String> {
        let all = store::outbox::page(&self.db, "", 1_000).await.expect("the database answers");
        let keys = all.iter().map(|it| it.effect.key());
        keys.filter(|it| it.starts_with(prefix)).collect()
    }

    /// Returns why the mail of this fact was not sent.
    pub async fn why_skipped(&self, key: &str) -> Option<String> {
        let skipped = newest(&self.db, "skipped", MAIL, 1_000).await.expect("it answers");
        let of_it = |it: Delivery| (it.effect_id == key).then_some(it.error);
        skipped.into_iter().find_map(of_it).flatten()
    }
}

fn config() -> Config {
    let place = tempfile::tempdir().expect("a directory can be made");
    std::fs::write(place.path().join("tollgate.toml"), SHOP).expect("the file can be written");
    Config::load(None, place.path(), &BTreeMap::new()).unwrap_or_else(|it| panic!("{it}"))
}

fn worker(config: &Config, db: &Db, clock: &Clock, mailbox: &Arc<Mailbox>) -> Worker {
    let letters = Letters::of(config).unwrap_or_else(|it| panic!("{it}"));
    let destination = Destination {
        name: MAIL.to_owned(),
        messenger: Messenger::Mail {
            letters: Box::new(letters),
            post: Post::Kept(Arc::clone(mailbox)),
        },
        terms: Terms { concurrency: 4, timeout: Duration::from_secs(10) },
    };
    Worker::new(destination, db, clock)
}
