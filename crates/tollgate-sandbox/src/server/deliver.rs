//! Posts what is due, until the sandbox stops. The posts of an endpoint start in order: the next
//! one when the one before it is answered, or when that takes long.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Client;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::clock;
use super::keeper::Keeper;
use crate::delivery::Post;

/// How many posts are taken and not yet answered, at most.
const TAKEN_MAX: usize = 1_024;
/// How long an endpoint may take, as Stripe's own limit is short.
const TIMEOUT: Duration = Duration::from_secs(20);
/// After how long without an answer the next post of an endpoint starts.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn run(keeper: Arc<Keeper>, mut stopped: watch::Receiver<bool>) {
    let client = match client() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "no deliveries: the HTTP client does not start");
            return;
        }
    };
    let ahead = keeper.ahead();
    let office = Arc::new(Office {
        keeper,
        client,
        ahead,
        taken: AtomicUsize::new(0),
        freed: Notify::new(),
        stopped: stopped.clone(),
    });
    let mut lanes = Lanes::default();
    while !*stopped.borrow() {
        let (changed, freed) = (office.keeper.changed.notified(), office.freed.notified());
        let room = TAKEN_MAX.saturating_sub(office.taken.load(Ordering::Acquire));
        let posts = if room > 0 { office.keeper.take_due(room) } else { Vec::new() };
        if posts.is_empty() {
            tokio::select! {
                _ = stopped.changed() => break,
                () = changed, if room > 0 => {}
                () = freed, if room == 0 => {}
            }
        }
        office.taken.fetch_add(posts.len(), Ordering::AcqRel);
        posts.into_iter().for_each(|post| lanes.put(&office, post));
    }
    lanes.finish().await;
}

/// Endpoints are called directly, whatever proxy the machine is set up for, and redirects count
/// as failures, as at Stripe.
fn client() -> Result<Client, reqwest::Error> {
    // Another part of the program may have chosen it first.
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
}

/// What all lanes share.
struct Office {
    keeper: Arc<Keeper>,
    client: Client,
    ahead: Arc<AtomicI64>,
    /// How many posts are taken and not yet answered.
    taken: AtomicUsize,
    freed: Notify,
    stopped: watch::Receiver<bool>,
}

/// The posts of each endpoint, one after the other.
#[derive(Default)]
struct Lanes {
    open: HashMap<String, UnboundedSender<Post>>,
    tasks: JoinSet<()>,
}

impl Lanes {
    fn put(&mut self, office: &Arc<Office>, post: Post) {
        let lane = self.open.entry(post.endpoint.clone()).or_insert_with(|| {
            let (lane, posts) = unbounded_channel();
            self.tasks.spawn(drive(office.clone(), posts));
            lane
        });
        // A lane lives as long as its sender, which is here.
        lane.send(post).ok();
    }

    /// Waits for what is under way; what has not started is due again when the sandbox is.
    async fn finish(mut self) {
        self.open.clear();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a lane of deliveries ended badly");
            }
        }
    }
}

async fn drive(office: Arc<Office>, mut posts: UnboundedReceiver<Post>) {
    let mut under_way = JoinSet::new();
    while let Some(post) = posts.recv().await {
        if *office.stopped.borrow() {
            break;
        }
        let is_slow = post.slow_millis > 0;
        under_way.spawn(attempt(office.clone(), post));
        if !is_slow {
            // Whichever comes first: an answer, or the end of patience.
            tokio::time::timeout(PATIENCE, under_way.join_next()).await.ok();
        }
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

async fn attempt(office: Arc<Office>, post: Post) {
    let id = post.id;
    let status = office.send(post).await;
    if let Err(error) = office.keeper.answered(id, status) {
        tracing::error!(%error, "the outcome of a delivery is not kept");
    }
    office.taken.fetch_sub(1, Ordering::AcqRel);
    office.freed.notify_one();
}

impl Office {
    async fn send(&self, mut post: Post) -> Option<u16> {
        if post.slow_millis > 0 {
            tokio::time::sleep(Duration::from_millis(post.slow_millis)).await;
        }
        // A world that lives in the past still has its deliveries verified in the present.
        post.sign(clock::now() + self.ahead.load(Ordering::Acquire).max(0));
        let mut body = post.body.into_bytes();
        body.truncate(post.cut_at.unwrap_or(body.len()));
        let mut request = self.client.post(&post.url).body(body);
        for (name, value) in post.headers {
            request = request.header(name, value);
        }
        let status = match request.send().await {
            Ok(answer) => Some(answer.status().as_u16()),
            Err(error) => {
                tracing::debug!(%error, "a delivery got no answer");
                None
            }
        };
        let (event, kind, endpoint) = (&post.event, &post.kind, &post.endpoint);
        tracing::debug!(%event, %kind, %endpoint, status, "delivered");
        status
    }
}
