//! `tollgate dev`: the server and the sandbox together, with test secrets and plans to buy, for a
//! newcomer without an account and without a network; and a page that shows what happens. The
//! server lives in the sandbox's time, so that moving its clock moves everything.

pub mod beside;
mod own;
mod plans;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};
use tollgate::clock::Clock;
use tollgate::config::{Config, LogFormat, Secret};
use tollgate::serve::Server;
use tollgate::setup;
use tollgate::stripe_api::Stripe;
use tollgate_sandbox::server::{Options, Sandbox};

use crate::sandbox::{LISTEN, LISTEN_VARIABLE};
use crate::{logging, out, shutdown};

/// Signs the events of `tollgate trigger` where nothing else is configured. Known to everybody:
/// never a secret of a real server.
pub const WEBHOOK_SECRET: &str = "whsec_tollgate_dev";
/// The app's key where none is configured.
const API_KEY: &str = "dev";
/// The database's file where no option names another.
const DATABASE: &str = "tollgate-dev.db";
/// How our webhook endpoint is found again in the sandbox.
const MADE_BY: &str = "tollgate dev";

/// Run everything offline, with test secrets, and a page that shows what happens.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The database's file.
    #[arg(long, default_value = DATABASE, value_name = "FILE")]
    database: PathBuf,
    /// Where the sandbox listens; port 0 takes a free one.
    #[arg(long, env = LISTEN_VARIABLE, default_value = LISTEN, value_name = "ADDR")]
    sandbox_listen: SocketAddr,
    /// The sandbox's file [default: beside the database, ending in .sandbox].
    #[arg(long, value_name = "FILE")]
    sandbox_file: Option<PathBuf>,
    /// Show a log line for each event.
    #[arg(long)]
    verbose: bool,
}

/// Runs the command until SIGTERM or SIGINT.
pub async fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut config = development(Config::from_environment(file)?, &arguments.database);
    config.log_format = LogFormat::Text;
    if !arguments.verbose {
        "warn".clone_into(&mut config.log);
    }
    let _lines = logging::start(&config)?;
    let stopping = shutdown::requested();
    let sandbox = start_sandbox(arguments).await?;
    if !plans::have_prices(&config) {
        plans::stock(&sandbox)?;
    }
    let endpoint = endpoint(&sandbox, config.server.listen)?;
    config.webhook_secrets.push(Secret::new(&endpoint.secret));
    let own = sell_in(&mut config, &sandbox.url());
    let stripe = Stripe::new(&config).context("reach the sandbox")?;
    if own {
        own::stock(&stripe, &config).await?;
    }
    let started = Server::start(&config, &Clock::ahead(sandbox.ahead())).await;
    let server = started.context("start the server (TOLLGATE_LISTEN names another address)")?;
    introduce(&sandbox, &endpoint, server.address())?;
    configure_portal(&stripe, &config).await?;
    let own = if own { own::shown(&config) } else { String::new() };
    out::text(welcome(&server, &sandbox, &config, &own))?;
    stopping.await;
    sandbox.stop().await;
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// What is configured, with test secrets where there are none, always on a database of its own.
fn development(mut config: Config, database: &Path) -> Config {
    config.dev = true;
    config.database_url = Secret::new(format!("sqlite://{}", database.display()));
    config.webhook_secrets.push(Secret::new(WEBHOOK_SECRET));
    if config.api_keys.is_empty() {
        config.api_keys.push(Secret::new(API_KEY));
    }
    config.selling.local_origins = true;
    config
}

/// Whatever is configured, nothing here calls the real Stripe: the sandbox takes any key. Where no
/// plans are configured, those that it sells are. Returns whether prices of the operator's own are.
fn sell_in(config: &mut Config, sandbox_url: &str) -> bool {
    config.stripe_key = Some(Secret::new("sk_test_tollgate_dev"));
    config.publishable_key = Some("pk_test_tollgate_dev".to_owned());
    config.stripe_api_base = sandbox_url.to_owned();
    config.sandbox_url = Some(sandbox_url.to_owned());
    let own = plans::have_prices(config);
    if own {
        own::adapt(config);
    } else if !plans::are_configured(config) {
        plans::configure(&mut config.rulebook);
    }
    own
}

/// Lets the portal offer the plans, as `tollgate setup` does at Stripe.
async fn configure_portal(stripe: &Stripe, config: &Config) -> anyhow::Result<()> {
    for step in setup::look_at_portal(stripe, config).await?.steps {
        setup::take(stripe, &Clock::system(), &step).await?;
    }
    Ok(())
}

async fn start_sandbox(arguments: &Arguments) -> anyhow::Result<Sandbox> {
    let beside = || arguments.database.with_extension("sandbox");
    let file = arguments.sandbox_file.clone().unwrap_or_else(beside);
    let options =
        Options { listen: arguments.sandbox_listen, file: Some(file), ..Options::default() };
    let started = Sandbox::start(options).await;
    started.context("start the sandbox (--sandbox-listen names another address)")
}

/// Our webhook endpoint in the sandbox.
struct Endpoint {
    id: String,
    secret: String,
    url: String,
}

/// Finds our webhook endpoint, which is made once and so keeps its secret.
fn endpoint(sandbox: &Sandbox, address: SocketAddr) -> anyhow::Result<Endpoint> {
    let known = plans::get(sandbox, "/_sandbox/endpoints")?;
    let mut known = known["data"].as_array().cloned().unwrap_or_default().into_iter();
    let ours = known.find(|it| it["metadata"]["made_by"] == MADE_BY);
    let ours = match ours {
        Some(ours) => ours,
        None => {
            let params = json!({
                "url": webhook_url(address),
                "enabled_events": ["*"],
                "metadata": { "made_by": MADE_BY },
            });
            plans::post(sandbox, "/v1/webhook_endpoints", &params)?
        }
    };
    let text = |name: &str| ours[name].as_str().map(str::to_owned);
    let found = text("id").zip(text("secret")).zip(text("url"));
    let ((id, secret), url) = found.context("read the sandbox's webhook endpoint")?;
    Ok(Endpoint { id, secret, url })
}

/// Tells the sandbox where the server came to listen: events go there, and customers come back.
fn introduce(sandbox: &Sandbox, endpoint: &Endpoint, address: SocketAddr) -> anyhow::Result<()> {
    let url = webhook_url(address);
    if endpoint.url != url {
        let path = format!("/v1/webhook_endpoints/{}", endpoint.id);
        plans::post(sandbox, &path, &json!({ "url": url }))?;
    }
    let home = format!("http://{address}/");
    let settings: Value = plans::get(sandbox, "/_sandbox/settings")?;
    if settings["shop_return_url"] != *home {
        plans::post(sandbox, "/_sandbox/settings", &json!({ "shop_return_url": home }))?;
    }
    Ok(())
}

fn webhook_url(address: SocketAddr) -> String {
    format!("http://{address}/stripe/webhook")
}

/// What to do first; `own` names prices of the operator's own.
fn welcome(server: &Server, sandbox: &Sandbox, config: &Config, own: &str) -> String {
    let (address, sandbox) = (server.address(), sandbox.url());
    let key = match config.api_keys.first() {
        Some(key) if key.reveal() == API_KEY => API_KEY,
        _ => "$TOLLGATE_API_KEY",
    };
    let own = match own {
        "" => String::new(),
        own => format!(
            "
  Your plans, at prices of the sandbox's own (minor units; a plan's `amounts` are yours to set):
{own}"
        ),
    };
    format!(
        "
  Tollgate is running.        http://{address}/
  Choose a plan and pay:      http://{address}/pricing?user=ada
  Or as the sandbox sells:    {sandbox}/shop
  The mails that go out:      http://{address}/dev/mails
  The sandbox, an offline
  Stripe with a clock:        {sandbox}/
{own}
  Or in another terminal:
    tollgate trigger checkout.session.completed --user ada
    curl -H 'Authorization: Bearer {key}' http://{address}/access/ada
    tollgate explain ada --dev
    tollgate trigger list

  Or from an app, yours or one of examples/, on any port of this computer:
    TOLLGATE_URL=http://{address} TOLLGATE_API_KEY={key}

  Point Stripe's libraries at the sandbox with any key of test mode (sk_test_…), and any tool
  that sends events at        http://{address}/stripe/webhook
  Signing secret:             {WEBHOOK_SECRET}

  From a checkout, `tollgate` is `cargo run --`. Ctrl-C ends it; what happened is kept in
  the database file and in the sandbox's file beside it.

"
    )
}
