//! How fast the outbox empties: signed notifications to a receiver that answers at once, and mails
//! to a mail server that takes all. The facts are staged before the clock starts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::deliver::{Worker, destinations};
use tollgate::receive::{self, Input, Purpose};
use tollgate::rules::policy::Rulebook;
use tollgate::store::user::AppUser;
use tollgate::store::{Db, delivery, schema};
use tollgate::webhook;

const START: i64 = 1_790_000_000;
const BATCH: usize = 64;

/// What is told.
#[derive(Subcommand)]
pub enum Command {
    /// Signed notifications over HTTP
    Notifications(Options),
    /// Mails over SMTP
    Mails(Options),
    /// Notifications to one that answers, beside another that hangs with all of its own waiting
    Beside(Options),
}

/// Where, and how much.
#[derive(Args)]
pub struct Options {
    /// The database; it must be empty
    #[arg(long)]
    database: String,
    /// How many users start a subscription
    #[arg(long, default_value_t = 20_000)]
    users: usize,
    /// How many notifications are under way at once
    #[arg(long, default_value_t = 32)]
    concurrency: usize,
}

/// Runs it and prints one line of JSON.
pub fn main(command: &Command) -> Result<std::process::ExitCode> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Runtime::new()?;
    match command {
        Command::Beside(options) => runtime.block_on(beside(options))?,
        _ => runtime.block_on(measure(command))?,
    }
    Ok(std::process::ExitCode::SUCCESS)
}

async fn measure(command: &Command) -> Result<()> {
    let arrived = Arc::new(AtomicU64::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (options, file, to) = match command {
        Command::Notifications(options) | Command::Beside(options) => {
            tokio::spawn(serve(listener, Arc::clone(&arrived), answer_http));
            let concurrency = options.concurrency;
            let file = format!(
                "[[notify]]\nname = \"bench\"\nurl = \"http://{address}/\"\n\
                 secret = \"whsec_{}\"\nconcurrency = {concurrency}\n\
                 types = [\"subscription.started\"]\n\
                 [mail]\nfrom = \"billing@example.com\"\noff = [\"welcome\"]\n",
                "A".repeat(43) + "="
            );
            (options, file, "notify:bench")
        }
        Command::Mails(options) => {
            tokio::spawn(serve(listener, Arc::clone(&arrived), answer_smtp));
            let file = "[mail]\nfrom = \"billing@example.com\"\n".to_owned();
            (options, file, destinations::MAIL)
        }
    };
    let config = configured(&file, &options.database, &format!("smtp://{address}"))?;
    let db = Db::connect(&options.database).await?;
    schema::migrate(&db).await?;
    stage(&db, &config, options.users).await?;
    let seconds = empty(&db, &config, to).await?;
    let done = arrived.load(Ordering::Relaxed);
    ensure!(done == options.users as u64, "{done} of {} arrived", options.users);
    #[expect(clippy::cast_precision_loss, reason = "it is a small number")]
    let rate = done as f64 / seconds;
    let line = json!({ "to": to, "told": done, "seconds": seconds, "per_second": rate.round() });
    println!("{line}");
    Ok(())
}

fn configured(file: &str, database: &str, smtp: &str) -> Result<Config> {
    let directory = std::env::temp_dir().join(format!("tollgate-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let path = directory.join("tollgate.toml");
    std::fs::write(&path, file)?;
    let set = [("DATABASE_URL", database), ("TOLLGATE_SMTP_URL", smtp)];
    let environment: BTreeMap<String, String> =
        set.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let config = Config::load(Some(&path), &directory, &environment);
    std::fs::remove_dir_all(&directory)?;
    Ok(config?)
}

/// Has every user start a subscription.
async fn stage(db: &Db, config: &Config, users: usize) -> Result<()> {
    let routes = destinations::routes(config);
    let rulebook = Rulebook { routes, ..config.rulebook.clone() };
    let now_ms = Clock::system().now_ms();
    for first in (0..users).step_by(BATCH) {
        let range = first..users.min(first + BATCH);
        let named: Vec<Input> = range.clone().map(named).collect();
        receive::apply(db, &rulebook, &named, now_ms).await?;
        let started = range.map(started).collect::<Result<Vec<_>>>()?;
        receive::apply(db, &rulebook, &started, now_ms).await?;
    }
    Ok(())
}

fn named(number: usize) -> Input {
    Input::User(AppUser {
        user_id: format!("user_{number}"),
        customer_id: Some(format!("cus_{number}")),
        email: Some(format!("user{number}@example.com")),
        name: Some("Ada Example".to_owned()),
    })
}

fn started(number: usize) -> Result<Input> {
    let body = event(number).to_string();
    let incoming = webhook::read(body.as_bytes()).context("read an event of our own")?;
    Ok(Input::event(incoming, body.as_bytes(), Purpose::Delivery))
}

fn event(number: usize) -> Value {
    json!({
        "id": format!("evt_{number}"),
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": START,
        "livemode": false,
        "type": "customer.subscription.created",
        "data": { "object": {
            "id": format!("sub_{number}"),
            "object": "subscription",
            "customer": format!("cus_{number}"),
            "status": "active",
            "created": START,
            "currency": "usd",
            "items": { "object": "list", "has_more": false, "data": [{
                "id": format!("si_{number}"),
                "object": "subscription_item",
                "price": { "id": "price_pro", "object": "price" },
                "quantity": 1,
                "current_period_start": START,
                "current_period_end": START + 2_592_000,
            }] },
            "metadata": { "user_id": format!("user_{number}") },
        } },
    })
}

/// Works the destination until nothing is left; returns the seconds that it took.
async fn empty(db: &Db, config: &Config, to: &str) -> Result<f64> {
    let mut all = destinations::all(config, None, None)?;
    let at = all.iter().position(|it| it.name == to).context("the destination is configured")?;
    // Mails wait a moment for what belongs to them: here it is over.
    let clock = Clock::ahead(Arc::new(AtomicI64::new(60)));
    let mut worker = Worker::new(all.swap_remove(at), db, &clock);
    let begin = Instant::now();
    while worker.step().await? > 0 {}
    let seconds = begin.elapsed().as_secs_f64();
    let waiting = delivery::waiting(db).await?;
    let left = waiting.iter().filter(|(name, ..)| name == to).count();
    ensure!(left == 0, "some deliveries did not succeed");
    Ok(seconds)
}

/// Ends of subscriptions whose way to the one that answers is measured.
const ENDS: usize = 100;

/// Measures how long a notification takes to one that answers at once, while another that hangs
/// has `users` of its own waiting.
async fn beside(options: &Options) -> Result<()> {
    let (arrived, hung) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (kind, dead) =
        (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    let endpoint = |name: &str, listener: &TcpListener, kind: &str| -> Result<String> {
        let address = listener.local_addr()?;
        let secret = "A".repeat(43) + "=";
        Ok(format!(
            "[[notify]]\nname = \"{name}\"\nurl = \"http://{address}/\"\n\
             secret = \"whsec_{secret}\"\ntypes = [\"subscription.{kind}\"]\n"
        ))
    };
    let file = endpoint("dead", &dead, "started")? + &endpoint("kind", &kind, "ended")?;
    let file = file + "[mail]\nfrom = \"billing@example.com\"\n";
    tokio::spawn(serve(kind, Arc::clone(&arrived), answer_http));
    tokio::spawn(serve(dead, Arc::clone(&hung), never_answer));
    let config = configured(&file, &options.database, "smtp://127.0.0.1:1")?;
    let db = Db::connect(&options.database).await?;
    schema::migrate(&db).await?;
    stage(&db, &config, options.users).await?;
    let told = tokio::sync::watch::Sender::new(0);
    let closing = tokio::sync::watch::Sender::new(false);
    let mut workers = tokio::task::JoinSet::new();
    for it in destinations::all(&config, None, None)? {
        if it.name.starts_with("notify:") {
            let worker = Worker::new(it, &db, &Clock::system());
            workers.spawn(worker.run(told.subscribe(), closing.subscribe()));
        }
    }
    let mut delays = Vec::with_capacity(ENDS);
    for number in 0..ENDS {
        delays.push(one_end(&db, &config, number, &told, &arrived).await?);
    }
    closing.send_replace(true);
    workers.shutdown().await;
    delays.sort_unstable();
    let waiting = delivery::waiting(&db).await?;
    let line = json!({
        "waiting": waiting, "hung": hung.load(Ordering::Relaxed), "told": ENDS,
        "median_ms": delays[ENDS / 2], "worst_ms": delays[ENDS - 1],
    });
    println!("{line}");
    Ok(())
}

/// Ends one subscription; returns after how many milliseconds the app heard of it.
async fn one_end(
    db: &Db,
    config: &Config,
    number: usize,
    told: &tokio::sync::watch::Sender<u64>,
    arrived: &AtomicU64,
) -> Result<u128> {
    let mut ended = event(number);
    ended["id"] = json!(format!("evt_end_{number}"));
    ended["type"] = json!("customer.subscription.deleted");
    ended["created"] = json!(START + 60);
    ended["data"]["object"]["status"] = json!("canceled");
    ended["data"]["object"]["ended_at"] = json!(START + 60);
    let body = ended.to_string();
    let incoming = webhook::read(body.as_bytes()).context("read an event of our own")?;
    let rulebook = Rulebook { routes: destinations::routes(config), ..config.rulebook.clone() };
    let before = arrived.load(Ordering::Relaxed);
    let begin = Instant::now();
    let input = Input::event(incoming, body.as_bytes(), Purpose::Delivery);
    receive::apply(db, &rulebook, &[input], Clock::system().now_ms()).await?;
    told.send_modify(|it| *it += 1);
    while arrived.load(Ordering::Relaxed) == before {
        ensure!(begin.elapsed().as_secs() < 30, "it never arrived");
        tokio::time::sleep(std::time::Duration::from_micros(200)).await;
    }
    Ok(begin.elapsed().as_millis())
}

/// Takes every request and never answers.
async fn never_answer(mut stream: TcpStream, hung: Arc<AtomicU64>) -> std::io::Result<()> {
    hung.fetch_add(1, Ordering::Relaxed);
    let mut taken = [0; 4096];
    while stream.read(&mut taken).await? > 0 {}
    Ok(())
}

async fn serve<F>(
    listener: TcpListener,
    arrived: Arc<AtomicU64>,
    answer: impl Fn(TcpStream, Arc<AtomicU64>) -> F,
) where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        drop(stream.set_nodelay(true));
        tokio::spawn(answer(stream, Arc::clone(&arrived)));
    }
}

/// Answers every request with 200.
async fn answer_http(stream: TcpStream, arrived: Arc<AtomicU64>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(it) = line.strip_prefix("content-length:") {
                length = it.trim().parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        stream.read_exact(&mut vec![0; length]).await?;
        arrived.fetch_add(1, Ordering::Relaxed);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    }
}

/// Takes every mail.
async fn answer_smtp(stream: TcpStream, arrived: Arc<AtomicU64>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 bench\r\n").await?;
    let mut in_mail = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let word = line.trim_end().to_ascii_uppercase();
        let answer: &[u8] = match (in_mail, word.as_str()) {
            (true, ".") => {
                in_mail = false;
                arrived.fetch_add(1, Ordering::Relaxed);
                b"250 taken\r\n"
            }
            (true, _) => continue,
            (false, "DATA") => {
                in_mail = true;
                b"354 go on\r\n"
            }
            (false, "QUIT") => return Ok(()),
            (false, _) => b"250 ok\r\n",
        };
        stream.write_all(answer).await?;
    }
}
