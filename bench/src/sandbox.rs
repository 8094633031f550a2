//! How fast the offline Stripe is: a year of renewals in one world, and calls over HTTP.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tollgate_sandbox::{Method, Request, World};

use crate::client::{Connection, Target};
use crate::report::{Tally, per_second};

const DAY: i64 = 86_400;
/// 2026-09-21.
const START: i64 = 1_790_000_000;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lets customers renew every month for a year, in one world without a network
    Year(Year),
    /// Makes calls to a running sandbox from several connections
    Calls(Calls),
}

#[derive(Args)]
pub(crate) struct Year {
    /// How many customers, one subscription each
    #[arg(long, default_value_t = 10_000)]
    customers: u64,
}

#[derive(Args)]
pub(crate) struct Calls {
    /// The sandbox
    #[arg(long, default_value = "http://127.0.0.1:4243/")]
    url: String,
    /// How many calls in all
    #[arg(long, default_value_t = 20_000)]
    calls: usize,
    /// From how many connections at once
    #[arg(long, default_value_t = 8)]
    connections: usize,
}

pub(crate) fn main(command: &Command) -> Result<ExitCode> {
    let figures = match command {
        Command::Year(options) => year(options)?,
        Command::Calls(options) => calls(options)?,
    };
    println!("{figures}");
    Ok(ExitCode::SUCCESS)
}

/// Returns the seconds that a year took, its invoices, and the most memory that was held.
fn year(options: &Year) -> Result<Value> {
    let mut world = World::new(1, START);
    let price = "currency=usd&unit_amount=1000&recurring[interval]=month&product_data[name]=Pro";
    let price = id(&call(&mut world, Method::Post, "/v1/prices", price)?)?;
    let began = Instant::now();
    for number in 0..options.customers {
        // Renewals are spread over the month.
        let at = START + i64::try_from(number)? * 28 * DAY / i64::try_from(options.customers)?;
        world.advance(at);
        subscribe(&mut world, number, &price)?;
    }
    let subscribed = began.elapsed();
    let began = Instant::now();
    world.advance(world.now() + 365 * DAY);
    let year = began.elapsed();
    let state = call(&mut world, Method::Get, "/_sandbox/state", "")?;
    Ok(json!({
        "customers": options.customers,
        "subscribe_secs": subscribed.as_secs_f64(),
        "year_secs": year.as_secs_f64(),
        "invoices": state["invoices"],
        "peak_bytes": peak_bytes()?,
    }))
}

fn subscribe(world: &mut World, number: u64, price: &str) -> Result<()> {
    let form = format!(
        "email=user{number}@example.com&payment_method=pm_card_visa\
         &invoice_settings[default_payment_method]=pm_card_visa"
    );
    let customer = id(&call(world, Method::Post, "/v1/customers", &form)?)?;
    let form = format!("customer={customer}&items[0][price]={price}");
    let subscription = call(world, Method::Post, "/v1/subscriptions", &form)?;
    ensure!(subscription["status"] == "active", "not active: {subscription}");
    Ok(())
}

fn call(world: &mut World, method: Method, path: &str, form: &str) -> Result<Value> {
    let answer = world.call(&Request::new(method, path, form));
    ensure!(answer.status == 200, "{path} answers {}: {}", answer.status, answer.body);
    Ok(serde_json::from_str(&answer.body)?)
}

fn id(object: &Value) -> Result<String> {
    Ok(object["id"].as_str().context("an object has an id")?.to_owned())
}

/// The most memory that this process ever held.
fn peak_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).context("VmHWM")?;
    Ok(kilobytes.parse::<u64>()? * 1024)
}

/// The calls that a shop makes, writes and reads mixed.
const MIX: [(&str, &str, &str); 6] = [
    ("POST", "/v1/customers", "email=ada@example.com&metadata[user_id]=ada"),
    ("POST", "/v1/products", "name=Pro"),
    ("GET", "/v1/customers?limit=10", ""),
    (
        "POST",
        "/v1/payment_intents",
        "amount=1000&currency=usd&confirm=true&payment_method=pm_card_visa\
         &return_url=http://127.0.0.1/",
    ),
    (
        "POST",
        "/v1/checkout/sessions",
        "mode=payment&success_url=http://127.0.0.1/&line_items[0][quantity]=1\
         &line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=1000\
         &line_items[0][price_data][product_data][name]=Pro",
    ),
    ("GET", "/v1/events?limit=10", ""),
];

/// Returns calls a second, and how long one takes.
fn calls(options: &Calls) -> Result<Value> {
    let target = Target::parse(&options.url)?;
    let requests: Vec<Vec<u8>> = MIX.iter().map(|call| request(&target, call)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let began = Instant::now();
    let tally = runtime.block_on(send_all(options, &target, &requests))?;
    let elapsed = began.elapsed();
    Ok(json!({
        "calls_per_second": per_second(tally.answered(), elapsed),
        "latency_ms": tally.latency_ms(),
    }))
}

fn request(target: &Target, (method, path, form): &(&str, &str, &str)) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer sk_test_benchmark\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        target.authority,
        form.len()
    )
    .into_bytes()
}

async fn send_all(options: &Calls, target: &Target, requests: &[Vec<u8>]) -> Result<Tally> {
    let each = options.calls / options.connections;
    let senders = (0..options.connections).map(|first| {
        let (authority, requests) = (target.authority.clone(), requests.to_vec());
        tokio::spawn(async move {
            let mut connection = Connection::open(&authority).await?;
            let mut tally = Tally::new();
            for number in 0..each {
                let began = Instant::now();
                let status = connection.send(&requests[(first + number) % requests.len()]).await?;
                ensure!(status == 200, "a call answers {status}");
                tally.record(status, began.elapsed());
            }
            anyhow::Ok(tally)
        })
    });
    let mut all = Tally::new();
    for sender in senders.collect::<Vec<_>>() {
        all.add(&sender.await??)?;
    }
    Ok(all)
}
