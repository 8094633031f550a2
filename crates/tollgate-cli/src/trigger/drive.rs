//! Driving a sandbox: it is asked to make the event happen, and then whether what came of it has
//! been delivered.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tollgate_stripe::form;

use super::Arguments;
use crate::exit;
use crate::out;

/// A sandbox nearby answers at once, or there is none.
const NEARBY: Duration = Duration::from_secs(2);
/// How often, and how many times, it is asked whether everything has been delivered.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS_MAX: usize = 100;
/// A sandbox takes any key of test mode.
const KEY: &str = "sk_test_sandbox";

/// What a sandbox answers to a trigger.
#[derive(Debug, Deserialize)]
struct Made {
    came: bool,
    data: Vec<Event>,
}

#[derive(Debug, Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    object: String,
}

/// Drives the sandbox; `None` where there is none, or where a story is asked for.
pub async fn run(arguments: &Arguments) -> anyhow::Result<Option<ExitCode>> {
    if arguments.tell_a_story() {
        return Ok(None);
    }
    let base = base(arguments);
    let client = Client::builder().no_proxy().build()?;
    if let Err(error) = find(&client, &base).await {
        if arguments.sandbox.is_some() {
            return Err(error);
        }
        return Ok(None);
    }
    let known = tollgate_sandbox::triggers().any(|it| it == arguments.event);
    if !known && arguments.sandbox.is_none() {
        return Ok(None);
    }
    let made = trigger(&client, &base, arguments).await?;
    delivered(&client, &base, &made.data).await?;
    for event in &made.data {
        print(event, arguments.json)?;
    }
    Ok(Some(if made.came { ExitCode::SUCCESS } else { exit::found_something() }))
}

fn base(arguments: &Arguments) -> String {
    let nearby = || format!("http://{}", arguments.sandbox_listen);
    let base = arguments.sandbox.clone().unwrap_or_else(nearby);
    base.trim_end_matches('/').to_owned()
}

async fn find(client: &Client, base: &str) -> anyhow::Result<()> {
    let request = client.get(format!("{base}/_sandbox/state")).timeout(NEARBY);
    let answer = request.send().await.with_context(|| format!("reach the sandbox at {base}"))?;
    let state: Value = answer.json().await.unwrap_or_default();
    if state["object"] != "sandbox.state" {
        bail!("what answers at {base} is not a sandbox");
    }
    Ok(())
}

async fn trigger(client: &Client, base: &str, arguments: &Arguments) -> anyhow::Result<Made> {
    let mut params = json!({ "event": arguments.event });
    let wanted =
        [("user", &arguments.user), ("customer", &arguments.customer), ("price", &arguments.price)];
    for (name, value) in wanted {
        if let Some(value) = value {
            params[name] = json!(value);
        }
    }
    let request = client
        .post(format!("{base}/_sandbox/trigger"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form::encode(&params));
    let answer = request.send().await.with_context(|| format!("reach the sandbox at {base}"))?;
    let (status, body) = (answer.status(), answer.text().await?);
    if status != StatusCode::OK {
        let error: Value = serde_json::from_str(&body).unwrap_or_default();
        let why = error["error"]["message"].as_str().unwrap_or("no message");
        bail!("make {} happen: {why}", arguments.event);
    }
    serde_json::from_str(&body).context("read the sandbox's answer")
}

/// Waits until the sandbox's endpoints have taken the events, so that the app can be asked next.
/// An endpoint that does not take them gets them again later, and nobody waits for that here.
async fn delivered(client: &Client, base: &str, events: &[Event]) -> anyhow::Result<()> {
    let mut looks = 0;
    for event in events {
        let url = format!("{base}/v1/events/{}", event.id);
        while looks < LOOKS_MAX {
            let answer = client.get(&url).bearer_auth(KEY).send().await;
            let answer = answer.with_context(|| format!("reach the sandbox at {base}"))?;
            let event: Value = answer.json().await.unwrap_or_default();
            if event["pending_webhooks"].as_u64().unwrap_or(0) == 0 {
                break;
            }
            looks += 1;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    Ok(())
}

fn print(event: &Event, json: bool) -> std::io::Result<()> {
    let Event { id, kind, object } = event;
    if json {
        out::line(json!({ "id": id, "type": kind, "object": object }))
    } else {
        out::line(format_args!("{kind:<48} {id}  {object}"))
    }
}
