//! `tollgate notify test`: does an endpoint take what it is told? The same sender as the server's,
//! with the same signature and the same limits.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::config::notify::Endpoint;
use tollgate::deliver::endpoint::Sender;
use tollgate::deliver::refused::{Refused, Retry};
use tollgate::notify::Notification;

use crate::exit::{self, WrongUsage};
use crate::out;

/// Notifications to the app.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Send one signed notification of the type tollgate.test, and say what was answered.
    Test(Arguments),
}

/// Send one signed notification of the type tollgate.test, and say what was answered.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Which endpoint of the configuration; needed where there are several.
    #[arg(long)]
    name: Option<String>,
    /// Send it there instead, with the endpoint's secrets.
    #[arg(long)]
    url: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(file: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Test(arguments) = command;
    let config = Config::from_environment(file)?;
    let mut endpoint = choose(&config.notify, arguments.name.as_deref())?.clone();
    if let Some(url) = &arguments.url {
        let wrong = |allowed| WrongUsage(format!("--url: allowed is {allowed}"));
        endpoint = endpoint.at(url).map_err(wrong)?;
    }
    let now = Clock::system().now();
    let notification = Notification::test(now);
    let answer = Sender::new(&endpoint).ask(&notification.id, &notification.body(), now).await;
    match arguments.json {
        true => out::line(as_json(&endpoint, &notification.id, &answer))?,
        false => out::line(sentence(&endpoint, &answer))?,
    }
    Ok(if answer.is_ok() { ExitCode::SUCCESS } else { exit::found_something() })
}

fn choose<'a>(endpoints: &'a [Endpoint], name: Option<&str>) -> Result<&'a Endpoint, WrongUsage> {
    let names: Vec<&str> = endpoints.iter().map(|it| it.name.as_str()).collect();
    match (name, endpoints) {
        (_, []) => Err(WrongUsage("nobody is to be told: tollgate.toml has no [[notify]]".into())),
        (None, [only]) => Ok(only),
        (None, _) => Err(WrongUsage(format!("--name: one of {}", names.join(", ")))),
        (Some(name), _) => {
            let unknown = || WrongUsage(format!("--name {name}: allowed is {}", names.join(", ")));
            endpoints.iter().find(|it| it.name == name).ok_or_else(unknown)
        }
    }
}

fn sentence(endpoint: &Endpoint, answer: &Result<String, Refused>) -> String {
    let (name, url) = (&endpoint.name, endpoint.shown_url());
    match answer {
        Ok(answer) => format!("{name} took it: {answer} from {url}."),
        Err(refused) if refused.retry == Retry::GiveUp => {
            format!("{name} did not take it, and never will: {refused} ({url}).")
        }
        Err(refused) => format!("{name} did not take it: {refused} ({url})."),
    }
}

fn as_json(endpoint: &Endpoint, id: &str, answer: &Result<String, Refused>) -> Value {
    let (name, url) = (&endpoint.name, endpoint.shown_url());
    match answer {
        Ok(answer) => {
            json!({ "endpoint": name, "url": url, "id": id, "taken": true, "answer": answer })
        }
        Err(it) => json!({
            "endpoint": name,
            "url": url,
            "id": id,
            "taken": false,
            "why": it.why,
            "gives_up": it.retry == Retry::GiveUp,
            "retry_after_secs": it.retry_after.map(|it| it.as_secs()),
        }),
    }
}
