//! `tollgate trigger EVENT`: where a sandbox runs, the calls that make the event happen there.
//! Elsewhere a coherent story that contains the event, signed and posted to any URL: its objects
//! refer to one another, so that an app under test sees what Stripe would send.

mod drive;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate_sandbox::story::{self, Cast, EVENT_TYPES, STORIES, StoryEvent};
use tollgate_stripe::signature;

use crate::dev;
use crate::exit::{self, WrongUsage};
use crate::out;
use crate::sandbox::{LISTEN, LISTEN_VARIABLE};

/// Signs what `--bad-signature` sends; nobody's secret.
const WRONG_SECRET: &str = "whsec_wrong";
/// Copies of each event at the most.
const COPIES_MAX: usize = 100;

/// Make events happen in a running sandbox, or build, sign and post a coherent story of them.
///
/// The sandbox is asked unless an option says how a story is to be told: --url, --secret, --seed,
/// --duplicate, --shuffle, --bad-signature.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// An event type (`checkout.session.completed`) or a story (`renewal_fails_recovers`);
    /// `list` names them all.
    event: String,
    /// The sandbox [default: the one at TOLLGATE_SANDBOX_LISTEN or http://127.0.0.1:4243, where
    /// it runs].
    #[arg(long, value_name = "URL", conflicts_with_all = ["url", "secret", "seed", "duplicate", "shuffle", "bad_signature"])]
    sandbox: Option<String>,
    /// Where a sandbox is looked for.
    #[arg(long, hide = true, env = LISTEN_VARIABLE, default_value = LISTEN)]
    sandbox_listen: String,
    /// The app's user who buys.
    #[arg(long)]
    user: Option<String>,
    /// The Stripe customer, `cus_…` [default: made from the seed].
    #[arg(long)]
    customer: Option<String>,
    /// Where to post [default: the configured listener's /stripe/webhook].
    #[arg(long)]
    url: Option<String>,
    /// The signing secret [default: the first configured one, else that of `tollgate dev`].
    #[arg(long, hide_env_values = true)]
    secret: Option<String>,
    /// The price that is bought [default: the first configured one].
    #[arg(long)]
    price: Option<String>,
    /// Decides all ids, names and amounts [default: the time].
    #[arg(long)]
    seed: Option<u64>,
    /// Post each event so many times.
    #[arg(long, value_name = "N")]
    duplicate: Option<usize>,
    /// Post in the order that this seed gives.
    #[arg(long, value_name = "SEED")]
    shuffle: Option<u64>,
    /// Sign with a wrong secret: every post must be refused.
    #[arg(long)]
    bad_signature: bool,
    /// Print JSON, one event a line; of `list` all at once.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.event == "list" {
        return list(arguments.json);
    }
    if let Some(done) = drive::run(arguments).await? {
        return Ok(done);
    }
    let config = Config::from_environment(file)?;
    let clock = Clock::system();
    let events = deliveries(arguments, &config, clock.now_ms())?;
    let url = arguments.url.clone().unwrap_or_else(|| default_url(&config));
    let secret = secret(arguments, &config);
    let client = reqwest::Client::builder().build()?;
    let mut wrong = 0;
    for event in &events {
        let header = signature::header(event.body.as_bytes(), &[&secret], clock.now());
        let status = post(&client, &url, event, header).await?;
        print(event, status, arguments.json)?;
        let expected = if arguments.bad_signature { status == 400 } else { status < 300 };
        wrong += usize::from(!expected);
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { exit::found_something() })
}

impl Arguments {
    /// Whether an option says how a story is to be told.
    fn tell_a_story(&self) -> bool {
        let url = self.url.is_some() || self.secret.is_some();
        let order = self.seed.is_some() || self.duplicate.is_some() || self.shuffle.is_some();
        url || order || self.bad_signature
    }
}

fn list(json: bool) -> anyhow::Result<ExitCode> {
    if json {
        let stories = STORIES.iter().map(|it| json!({ "name": it.name, "summary": it.summary }));
        out::line(json!({
            "sandbox_events": tollgate_sandbox::triggers().collect::<Vec<_>>(),
            "story_events": EVENT_TYPES,
            "stories": stories.collect::<Vec<_>>(),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    out::line("Event types that a sandbox makes happen")?;
    tollgate_sandbox::triggers().try_for_each(|it| out::line(format_args!("  {it}")))?;
    out::line("\nEvent types that a story tells of")?;
    EVENT_TYPES.iter().try_for_each(|it| out::line(format_args!("  {it}")))?;
    out::line("\nStories")?;
    for it in STORIES {
        out::line(format_args!("  {:<28} {}", it.name, it.summary))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn deliveries(
    arguments: &Arguments,
    config: &Config,
    now_ms: i64,
) -> anyhow::Result<Vec<StoryEvent>> {
    let now = now_ms.div_euclid(1000);
    let seed = arguments.seed.unwrap_or(now_ms.unsigned_abs());
    let mut cast = Cast::new(seed, now);
    cast.user.clone_from(&arguments.user);
    if let Some(customer) = &arguments.customer {
        cast.customer.clone_from(customer);
    }
    if let Some(price) = arguments.price.clone().or_else(|| first_price(config)) {
        cast.price = price;
    }
    let name = arguments.event.as_str();
    let events = story::for_event_until(name, &cast, now)
        .or_else(|| story::story_until(name, &cast, now))
        .ok_or_else(|| {
            WrongUsage(format!("no story tells of {name}: try `tollgate trigger list`"))
        })?;
    let copies = arguments.duplicate.unwrap_or(1).clamp(1, COPIES_MAX);
    Ok(match arguments.shuffle {
        Some(seed) => story::delivered(&events, copies, seed),
        None => events.iter().flat_map(|it| std::iter::repeat_n(it, copies)).cloned().collect(),
    })
}

fn first_price(config: &Config) -> Option<String> {
    config.rulebook.plans.iter().find_map(|it| it.prices.values().next().cloned())
}

fn default_url(config: &Config) -> String {
    format!("http://{}/stripe/webhook", config.server.listen)
}

fn secret(arguments: &Arguments, config: &Config) -> String {
    if arguments.bad_signature {
        return WRONG_SECRET.to_owned();
    }
    let configured = config.webhook_secrets.first().map(|it| it.reveal().to_owned());
    arguments.secret.clone().or(configured).unwrap_or_else(|| dev::WEBHOOK_SECRET.to_owned())
}

async fn post(
    client: &reqwest::Client,
    url: &str,
    event: &StoryEvent,
    header: String,
) -> anyhow::Result<u16> {
    let request = client
        .post(url)
        .header("Content-Type", "application/json; charset=utf-8")
        .header("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .header("Stripe-Signature", header)
        .body(event.body.clone());
    let answer = request.send().await.with_context(|| format!("post to {url}"))?;
    Ok(answer.status().as_u16())
}

fn print(event: &StoryEvent, status: u16, json: bool) -> std::io::Result<()> {
    let StoryEvent { id, kind, .. } = event;
    if json {
        out::line(json!({ "id": id, "type": kind, "status": status }))
    } else {
        out::line(format_args!("{status}  {kind:<44} {id}"))
    }
}
