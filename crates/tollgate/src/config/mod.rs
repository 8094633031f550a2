//! The only room that reads the environment and the files with settings: `tollgate.toml`, then
//! `.env`, then `.env.local`, then the environment; the later wins. A wrong value stops the start
//! with its key, the value and what is allowed; secrets are never shown.
//!
//! - this file: what is set, and how it is found;
//! - [`layers`]: which source wins;
//! - [`mod@file`], [`dotenv`]: how the files are read;
//! - [`value`]: how a value is written;
//! - [`plans`]: the rulebook;
//! - [`selling`]: what Checkout and the portal need to know;
//! - [`brand`]: whose pages and mails they are;
//! - [`notify`]: whom to tell what;
//! - [`mail`]: from whom mails come, and which are sent;
//! - [`alarms`]: when the operator is warned;
//! - [`secret`]: a text that is never shown.

mod alarms;
mod brand;
mod dotenv;
mod file;
mod layers;
mod mail;
pub mod notify;
mod plans;
mod secret;
mod selling;
pub mod value;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

pub use brand::{Brand, Colour, OwnPages};
pub use dotenv::DotenvError;
pub use layers::{Setting, Source};
pub use mail::{LETTERS, Mail, Mailbox};
pub use secret::Secret;
pub use selling::{API_BASE, Amounts, Selling, Trial};

use crate::rules::policy::Rulebook;
use crate::rules::silence::Patience;
use layers::Layers;

/// All that an operator can set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Stripe's secret or restricted key.
    pub stripe_key: Option<Secret>,
    /// Where Stripe's API is; without a final slash.
    pub stripe_api_base: String,
    /// The key with which a browser shows embedded Checkout.
    pub publishable_key: Option<String>,
    /// How things are sold.
    pub selling: Selling,
    /// Whose pages and mails they are.
    pub brand: Brand,
    /// From whom mails come, and which are sent.
    pub mail: Mail,
    /// What of the pages is the operator's own.
    pub pages: OwnPages,
    /// Whom to tell what.
    pub notify: Vec<notify::Endpoint>,
    /// The signing secrets of the webhook; all of them are tried.
    pub webhook_secrets: Vec<Secret>,
    /// `sqlite://…` or `postgres://…`; may hold a password.
    pub database_url: Secret,
    /// Plans and policy.
    pub rulebook: Rulebook,
    /// The keys with which the app calls; without one its routes answer 503.
    pub api_keys: Vec<Secret>,
    /// Signs the tokens with which a browser reads its own user's access.
    pub user_token_secret: Option<Secret>,
    /// For how long Stripe may be silent.
    pub silence: Patience,
    /// SQL of the operator's own, run with each change of a user's access.
    pub on_access_change: Vec<String>,
    /// How long all handlers of one transaction may take together.
    pub handler_timeout: Duration,
    /// Where and how to listen.
    pub server: Server,
    /// Which log lines are written, as tracing's filter directives.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Whether `GET /` shows the page for development. No variable sets it: `tollgate dev` does.
    pub dev: bool,
    /// The sandbox whose pages and clock that page leads to. `tollgate dev` sets it as well.
    pub sandbox_url: Option<String>,
    settings: Vec<Setting>,
}

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct Server {
    /// The address; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// A path of one's own for the webhook, besides the usual ones.
    pub webhook_path: Option<String>,
    /// The age that a signature may have, in seconds.
    pub webhook_tolerance_secs: i64,
    /// Who may call the webhook; empty is everybody.
    pub webhook_networks: Vec<IpNet>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests per second that one address may make; `None` is any number.
    pub rate_limit: Option<NonZeroU32>,
    /// Connections that may be open at once.
    pub connections_max: usize,
    /// How long a request's head may take.
    pub head_timeout: Duration,
    /// How long nothing may happen on a connection: no request, and no piece of an answer taken.
    pub idle_timeout: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// How many bytes of bodies may be coming in at once.
    pub bodies_bytes_max: usize,
    /// How long requests may take to finish once the server is told to stop.
    pub drain_timeout: Duration,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Why there is no configuration. The messages never hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is none of what is allowed.
    #[error("{key} = {:?} ({origin}): allowed is {allowed}", secret::without_keys(.value))]
    Value {
        /// The variable, or the place in the file.
        key: String,
        /// The value; hidden where it is a secret.
        value: String,
        /// Where it was set.
        origin: Source,
        /// What would have been right.
        allowed: &'static str,
    },
    /// A key that we do not know.
    #[error("tollgate.toml: {key} is not a known key; did you mean {nearest}?")]
    UnknownKey {
        /// The key, with its place.
        key: String,
        /// The known key whose name is nearest.
        nearest: String,
    },
    /// A value of the wrong type.
    #[error("tollgate.toml: {key}: allowed is {allowed}")]
    Shape {
        /// The key, with its place.
        key: String,
        /// What would have been right.
        allowed: String,
    },
    /// The file is not TOML.
    #[error("tollgate.toml, line {line}: {why}")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
        /// What TOML's reader says.
        why: String,
    },
    /// A line of a `.env` file is no assignment.
    #[error("{file}, {source}")]
    Dotenv {
        /// Which of the files.
        file: &'static str,
        /// The line and what is wrong with it.
        source: DotenvError,
    },
    /// A file that should be there cannot be read.
    #[error("read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// The paths on which webhooks are taken, besides the operator's own; each also with a final slash.
/// The first is the one that `tollgate setup` registers.
pub const WEBHOOK_PATHS: [&str; 4] =
    ["/stripe/webhook", "/webhook", "/api/stripe/webhook", "/api/webhooks/stripe"];

/// Names `tollgate.toml` where no option does.
const CONFIG_VARIABLE: &str = "TOLLGATE_CONFIG";
/// Bytes of bodies that may be coming in at once: many times what Stripe sends at its busiest.
const BODIES_BYTES_MAX: usize = 64 << 20;
/// The name of the configuration file where nothing else names one.
pub const FILE_NAME: &str = "tollgate.toml";

impl Config {
    /// Reads the files of the working directory and the process's environment. `path` names the
    /// configuration file, as the option `--config` does.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_environment(path: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load(path, Path::new("."), &environment())
    }

    /// Reads the files of a directory; `environment` is the last layer, which wins.
    ///
    /// # Errors
    /// The first value that is none of what is allowed, or a file that cannot be read.
    pub fn load(
        path: Option<&Path>,
        directory: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let dotenv = read_dotenv(directory, ".env")?;
        let local = read_dotenv(directory, ".env.local")?;
        let others = [environment, &local, &dotenv];
        let named =
            others.iter().find_map(|it| it.get(CONFIG_VARIABLE).filter(|it| !it.is_empty()));
        let path = path.map(Path::to_path_buf).or(named.map(|it| directory.join(it)));
        let text = match path.clone() {
            Some(path) => read_text(&path)?.ok_or_else(|| missing(path))?,
            None => read_text(&directory.join(FILE_NAME))?.unwrap_or_default(),
        };
        let file = file::parse(&text)?;
        let here = path.as_deref().and_then(Path::parent).unwrap_or(directory);
        let layers = vec![
            (Source::Environment, environment.clone()),
            (Source::DotenvLocal, local),
            (Source::Dotenv, dotenv),
        ];
        Self::resolve(&file, here, Layers::new(&file, layers))
    }

    fn resolve(file: &file::File, here: &Path, mut layers: Layers) -> Result<Self, ConfigError> {
        let it = &mut layers;
        let keys = ["STRIPE_SECRET_KEY", "STRIPE_API_KEY"];
        let stripe_key = it.read_secret(&keys, mode_of, api_key)?;
        let key = stripe_key.as_ref();
        let (stripe_api_base, publishable_key) =
            (selling::api_base(it, key)?, selling::publishable_key(it, key)?);
        let server = server(it)?;
        let selling = selling::selling(file, it, server.listen)?;
        let brand = brand::brand(&file.brand, &selling, &mut it.settings)?;
        let config = Self {
            notify: notify::endpoints(file, it)?,
            mail: mail::mail(it, here)?,
            brand,
            pages: brand::pages(&file.pages, here, &mut it.settings)?,
            selling,
            stripe_key,
            stripe_api_base,
            publishable_key,
            server,
            webhook_secrets: it.read_secrets("STRIPE_WEBHOOK_SECRET", webhook_secret)?,
            database_url: database_url(it)?,
            api_keys: it.read_secrets("TOLLGATE_API_KEY", |text| strong(text, 16))?,
            user_token_secret: it.read_secret(
                &["TOLLGATE_USER_TOKEN_SECRET"],
                |_| "***".to_owned(),
                |text| strong(text, 32),
            )?,
            log: it.read("TOLLGATE_LOG", "info", |text| Ok(text.to_owned()))?,
            log_format: it.read("TOLLGATE_LOG_FORMAT", "json", log_format)?,
            silence: alarms::silence(it)?,
            on_access_change: file.on_access_change.clone(),
            handler_timeout: it.read("TOLLGATE_HANDLER_TIMEOUT", "5s", value::handler_timeout)?,
            rulebook: plans::rulebook(file, it)?,
            dev: false,
            sandbox_url: None,
            settings: Vec::new(),
        };
        Ok(Self { settings: layers.settings, ..config })
    }

    /// Returns every setting with its value (secrets are hidden) and where it comes from.
    pub fn describe(&self) -> Vec<Setting> {
        self.settings.clone()
    }

    /// Returns it as it is once the server listens: with the port that it got where it was to be
    /// any.
    pub fn at(&self, address: SocketAddr) -> Self {
        let mut config = self.clone();
        if self.server.listen.port() == 0 {
            let (any, got) =
                (format!("http://{}", self.server.listen), format!("http://{address}"));
            let (selling, app_url) = (&mut config.selling, &mut config.brand.app_url);
            let places = [&mut selling.public_url, app_url];
            for place in places.into_iter().chain(&mut selling.origins) {
                if *place == any {
                    place.clone_from(&got);
                }
            }
        }
        config
    }

    /// Returns the URLs at which Stripe may be told to find the webhook, the usual one first; each
    /// may also end in a slash.
    pub fn webhook_urls(&self) -> Vec<String> {
        let own = self.server.webhook_path.as_deref();
        let paths = WEBHOOK_PATHS.into_iter().chain(own);
        paths.map(|path| format!("{}{path}", self.selling.public_url)).collect()
    }

    /// Returns whether Stripe's key is one of live mode; `None` without a key.
    pub fn livemode(&self) -> Option<bool> {
        self.stripe_key.as_ref().map(|it| is_live(it.reveal()))
    }
}

/// Returns the point at which a test ends this process (`TOLLGATE_CRASH_AT`, for
/// [`crate::crash::arm`]); nothing without the feature `crash-points`.
pub fn crash_at() -> Option<String> {
    match cfg!(feature = "crash-points") {
        true => environment().remove("TOLLGATE_CRASH_AT"),
        false => None,
    }
}

/// What is not text cannot be one of our values.
#[expect(clippy::disallowed_methods, reason = "this is the room that reads the environment")]
fn environment() -> BTreeMap<String, String> {
    let text = |it: std::ffi::OsString| it.into_string().ok();
    std::env::vars_os().filter_map(|(key, value)| Some((text(key)?, text(value)?))).collect()
}

fn missing(path: PathBuf) -> ConfigError {
    let source = std::io::Error::from(std::io::ErrorKind::NotFound);
    ConfigError::Unreadable { path, source }
}

fn read_text(path: &Path) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::Unreadable { path: path.to_path_buf(), source }),
    }
}

fn read_dotenv(
    directory: &Path,
    file: &'static str,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let text = read_text(&directory.join(file))?.unwrap_or_default();
    dotenv::parse(&text).map_err(|source| ConfigError::Dotenv { file, source })
}

fn server(layers: &mut Layers) -> Result<Server, ConfigError> {
    Ok(Server {
        listen: layers.read("TOLLGATE_LISTEN", "127.0.0.1:4242", value::listen)?,
        webhook_path: layers.read_optional("TOLLGATE_WEBHOOK_PATH", value::webhook_path)?,
        webhook_tolerance_secs: layers.read(
            "TOLLGATE_WEBHOOK_TOLERANCE",
            "300",
            value::tolerance,
        )?,
        webhook_networks: layers.read("TOLLGATE_WEBHOOK_NETWORKS", "", value::networks)?,
        trusted_proxies: layers.read("TOLLGATE_TRUSTED_PROXIES", "", value::networks)?,
        rate_limit: layers.read("TOLLGATE_RATE_LIMIT", "1000", value::rate)?,
        connections_max: layers.read("TOLLGATE_CONNECTIONS_MAX", "10000", value::connections)?,
        head_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(120),
        body_timeout: Duration::from_secs(30),
        bodies_bytes_max: BODIES_BYTES_MAX,
        drain_timeout: Duration::from_secs(25),
    })
}

fn is_live(key: &str) -> bool {
    key.starts_with("sk_live_") || key.starts_with("rk_live_")
}

fn api_key(text: &str) -> value::Read<Secret> {
    let known = ["sk_test_", "sk_live_", "rk_test_", "rk_live_"];
    match known.iter().any(|it| text.starts_with(it)) {
        true => Ok(Secret::new(text)),
        false => Err("a key that begins with sk_test_, sk_live_, rk_test_ or rk_live_"),
    }
}

/// Shows what a key's prefix says, and nothing after it.
fn mode_of(key: &str) -> String {
    key.char_indices().nth(8).map_or("***".to_owned(), |(end, _)| format!("{}***", &key[..end]))
}

fn webhook_secret(text: &str) -> value::Read<Secret> {
    let others = ["sk_", "rk_", "pk_", "we_", "price_"];
    match others.iter().any(|it| text.starts_with(it)) {
        true => Err("signing secrets (\"whsec_…\"), comma separated"),
        false => Ok(Secret::new(text)),
    }
}

fn strong(text: &str, bytes_min: usize) -> value::Read<Secret> {
    match (text.len() >= bytes_min, bytes_min) {
        (true, _) => Ok(Secret::new(text)),
        (false, 32) => Err("a random text of at least 32 bytes"),
        (false, _) => Err("random texts of at least 16 bytes, comma separated"),
    }
}

fn database_url(layers: &mut Layers) -> Result<Secret, ConfigError> {
    let known = ["sqlite:", "postgres://", "postgresql://"];
    let read = |text: &str| match known.iter().any(|it| text.starts_with(it)) {
        true => Ok(Secret::new(text)),
        false => Err("a URL that begins with sqlite:// or postgres://"),
    };
    let url = layers.read_secret(&["DATABASE_URL"], without_password, read)?;
    Ok(url.unwrap_or_else(|| {
        let default = "sqlite://tollgate.db";
        if let Some(it) = layers.settings.last_mut() {
            it.value = default.to_owned();
        }
        Secret::new(default)
    }))
}

/// Shows where a server is, without who may enter; options may hold a password as well. Where a
/// password may have a `?` of its own, nobody knows where it ends.
fn without_password(url: &str) -> String {
    let place = |it: &str| it.split('?').next().unwrap_or_default().to_owned();
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((who, _))) if who.contains('?') => format!("{scheme}://***"),
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://***@{}", place(rest)),
        _ => place(url),
    }
}

fn log_format(text: &str) -> value::Read<LogFormat> {
    match text {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("\"json\" or \"text\""),
    }
}
