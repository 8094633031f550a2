//! What somebody has: `GET /account` says it in a sentence, and its forms cancel, go on, or open
//! Stripe's portal for cards and invoices.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use tollgate_stripe::object::SubscriptionStatus;

use super::super::App;
use super::super::billing::ready;
use super::super::error::Error;
use super::session::{self, Entry, Visitor};
use super::{Page, SIGN_IN, answered, answered_form, field, read_form, see};
use crate::billing::Billing;
use crate::billing::account::{Account, Running};
use crate::billing::ending::End;
use crate::billing::overview::{Pending, Terms, Waiting};
use crate::billing::portal::Flow;
use crate::rules::access::Reason;

/// How long somebody who looks waits for what Stripe alone knows.
const PENDING_TIME: Duration = Duration::from_secs(3);
/// What an address may say was done, and the text for it.
const DONE: [(&str, &str); 6] = [
    ("changed", "done_changed"),
    ("planned", "done_planned_short"),
    ("canceled", "done_canceled"),
    ("resumed", "done_resumed"),
    ("undone", "done_undone"),
    ("already", "done_already"),
];

/// `GET /account`.
pub async fn show(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let result = page(&app, &uri, &headers).await;
    answered(&app, &uri, &headers, result).await
}

async fn page(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Response, Error> {
    let billing = ready(app)?;
    let visitor = match session::enter(app, uri, headers)? {
        Entry::In(visitor) => visitor.ok_or(SIGN_IN)?,
        Entry::Onward(response) => return Ok(response),
    };
    let query = session::query(uri)?;
    let account = billing.account(&visitor.user_id).await?;
    let page = Page::new(app, uri, headers, &query).of(Some(&visitor));
    let pending = pending(billing, &visitor.user_id).await;
    let mut view = view(&page, &account, query["done"].as_str());
    view["pending"] = pending.map(|it| waiting(&page, &account, &it)).unwrap_or_default();
    page.show("account.html", view).await
}

/// What waits stands at Stripe alone; while Stripe is away or silent, the rest is shown without it.
async fn pending(billing: &Billing, user_id: &str) -> Option<Pending> {
    let asked = tokio::time::timeout(PENDING_TIME, billing.overview(user_id)).await;
    let why = match asked {
        Ok(Ok(overview)) => return overview.subscription.and_then(|it| it.pending),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer came in time".to_owned(),
    };
    tracing::warn!(why, user_id, "An account is shown without what waits to change");
    None
}

/// Where it stands while another card is what helps.
const MUST_PAY: [&str; 3] = ["past_due", "unpaid", "paused"];

/// What a page about an account says first, and how it is marked.
struct Sentence {
    heading: String,
    lead: String,
    mood: &'static str,
    status: &'static str,
}

fn view(page: &Page<'_>, account: &Account, done: Option<&str>) -> Value {
    let running = account.running.as_ref();
    let sentence = sentence(page, account);
    let can_resume = running.is_some_and(|it| it.ends_at.is_some());
    let title = running.map(|it| it.title.as_str()).or(account.title.as_deref());
    let plan = title.unwrap_or_default();
    let features = app_features(page, account);
    json!({
        "title": page.say("account", &[]),
        "heading": sentence.heading,
        "lead": sentence.lead,
        "mood": sentence.mood,
        "notice": notice(page, account, done),
        "remarks": remarks(page, account),
        "plan": title,
        "status": page.say(&format!("status_{}", sentence.status), &[]),
        "facts": running.map(|it| facts(page, it)).unwrap_or_default(),
        "features": features,
        "can_change": running.is_some() && !can_resume,
        "can_cancel": running.is_some() && !can_resume,
        "resume": can_resume.then(|| page.say("resume_plan", &[("plan", plan)])),
        "has_portal": account.is_customer,
        "must_pay": MUST_PAY.contains(&sentence.status),
        "pending": null,
    })
}

fn app_features(page: &Page<'_>, account: &Account) -> Vec<String> {
    let billing = page.app.billing.as_ref();
    let billing = billing.filter(|_| account.access.granted);
    billing.map(|it| it.features_of(&account.access.plan)).unwrap_or_default()
}

/// Answers "what do I have?".
fn sentence(page: &Page<'_>, account: &Account) -> Sentence {
    let Some(running) = &account.running else { return without(page, account) };
    let plan = [("plan", running.title.as_str())];
    let date = |at: Option<i64>| at.map(|it| page.language.date(it));
    let say = |key: &str| page.say(key, &plan);
    let dated = |key: &str, at: &str| page.say(key, &[plan[0], ("date", at)]);
    let (heading, lead, mood, status) = match &running.status {
        SubscriptionStatus::PastDue => {
            let until = date(account.access.grace_until.filter(|_| account.access.granted));
            let lead = match (until, account.access.granted) {
                (Some(until), _) => dated("past_due_until", &until),
                (None, true) => say("past_due_lead"),
                (None, false) => say("past_due_over"),
            };
            (say("past_due"), lead, "bad", "past_due")
        }
        SubscriptionStatus::Unpaid => (say("unpaid"), say("past_due_lead"), "bad", "unpaid"),
        SubscriptionStatus::Paused => (say("paused"), say("paused_lead"), "bad", "paused"),
        _ if taken_back(account).is_some() => {
            let lead = match (date(running.ends_at), date(running.period_end)) {
                (Some(end), _) => dated("ends", &end),
                (None, end) => end.map(|it| dated("renews", &it)).unwrap_or_default(),
            };
            (taken_back(account).map(say).unwrap_or_default(), lead, "bad", "off")
        }
        _ => match (date(running.ends_at), &running.status) {
            (Some(end), _) => (dated("ends", &end), say("ends_lead"), "wait", "ending"),
            (None, SubscriptionStatus::Trialing) => {
                (say("trying"), trial_ends(page, running), "good", "trialing")
            }
            (None, _) => {
                let lead = date(running.period_end).map(|it| dated("renews", &it));
                (say("on_plan"), lead.unwrap_or_default(), "good", "active")
            }
        },
    };
    Sentence { heading, lead, mood, status }
}

/// Why who pays for a running subscription may not use it all the same: the text about it.
fn taken_back(account: &Account) -> Option<&'static str> {
    match (account.access.granted, account.access.reason) {
        (false, Reason::FullRefund | Reason::PartialRefund) => Some("refunded"),
        (false, Reason::DisputeOpen | Reason::DisputeLost) => Some("disputed"),
        _ => None,
    }
}

fn trial_ends(page: &Page<'_>, running: &Running) -> String {
    let Some(end) = running.trial_end.or(running.period_end) else { return String::new() };
    let date = page.language.date(end);
    match &running.tag {
        Some(tag) => {
            let price = page.language.tag(tag);
            page.say("trial_ends", &[("date", &date), ("price", &price)])
        }
        None => page.say("trial_ends_short", &[("date", &date)]),
    }
}

/// Who has no subscription may still have bought something.
fn without(page: &Page<'_>, account: &Account) -> Sentence {
    let owned = account.title.as_ref().filter(|_| account.access.granted);
    match (owned, account.access.reason) {
        (Some(title), _) => Sentence {
            heading: page.say("owns", &[("plan", title)]),
            lead: String::new(),
            mood: "good",
            status: "active",
        },
        (None, Reason::PaymentPending) => Sentence {
            heading: page.say("processing", &[]),
            lead: page.say("processing_lead", &[]),
            mood: "wait",
            status: "processing",
        },
        (None, _) => Sentence {
            heading: page.say("no_plan", &[]),
            lead: page.say("no_plan_lead", &[]),
            mood: "none",
            status: "none",
        },
    }
}

/// What waits to change, and what can be done about it; a cancellation is told by the sentence.
fn waiting(page: &Page<'_>, account: &Account, pending: &Pending) -> Value {
    let title = |to: &Terms| {
        let plans = page.app.rulebook.plans.iter();
        let name = to.plan.as_deref().unwrap_or_default();
        let title = plans.clone().find(|it| it.name == name).map(|it| it.title.clone());
        let period = to.period.as_deref().map(|it| page.language.period(it));
        [title, period].into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let plan = account.running.as_ref().map(|it| it.title.as_str()).unwrap_or_default();
    match pending {
        Pending::Scheduled { to, effective_at } => {
            let values = [("plan", &*title(to)), ("date", &*page.language.day(effective_at))];
            json!({
                "kind": "scheduled",
                "text": page.say("planned", &values),
                "lead": page.say("planned_lead", &[]),
                "pay": null,
            })
        }
        Pending::Payment { to, amount_due, currency, pay_url, .. } => {
            let owed = amount_due.zip(currency.as_deref());
            let owed = owed.map(|(amount, currency)| page.language.money(amount, currency));
            let values = [("plan", &*title(to)), ("amount", owed.as_deref().unwrap_or_default())];
            let text = page.say(if owed.is_some() { "owed" } else { "owed_plain" }, &values);
            json!({
                "kind": "payment",
                "text": text,
                "lead": page.say("pending_payment", &[("plan", plan)]),
                "pay": pay_url,
            })
        }
        Pending::Cancellation { .. } => Value::Null,
    }
}

/// What was done, where the page is looked at because of that.
fn notice(page: &Page<'_>, account: &Account, done: Option<&str>) -> Option<String> {
    let (_, key) = DONE.iter().find(|(name, _)| Some(*name) == done)?;
    let running = account.running.as_ref();
    let plan = running.map(|it| it.title.as_str()).or(account.title.as_deref())?;
    let end = running.and_then(|it| it.ends_at.or(it.period_end));
    // Who loads the page again later is not told that something is so which is no more.
    let holds = match *key {
        "done_canceled" => running.is_some_and(|it| it.ends_at.is_some()),
        "done_resumed" => running.is_some_and(|it| it.ends_at.is_none()),
        _ => true,
    };
    let date = end.map(|it| page.language.date(it)).unwrap_or_default();
    holds.then(|| page.say(key, &[("plan", plan), ("date", &date)]))
}

fn remarks(page: &Page<'_>, account: &Account) -> Vec<String> {
    let mut remarks = Vec::new();
    if account.running_count > 1 {
        let count = account.running_count.to_string();
        remarks.push(page.say("several", &[("count", &count)]));
    }
    remarks
}

/// What there is to know about a subscription, name by name.
fn facts(page: &Page<'_>, running: &Running) -> Vec<Value> {
    let mut facts = Vec::new();
    let mut add = |key: &str, value: Option<String>| {
        facts.extend(value.map(|it| json!({ "name": page.say(key, &[]), "value": it })));
    };
    let date = |at: Option<i64>| at.map(|it| page.language.date(it));
    add("your_price", running.tag.as_ref().map(|it| page.language.tag(it)));
    add("your_quantity", running.quantity.filter(|it| *it > 1).map(|it| it.to_string()));
    let on_trial = running.status == SubscriptionStatus::Trialing;
    match running.ends_at {
        Some(_) => add("your_end", date(running.ends_at)),
        None if on_trial => add("your_trial", date(running.trial_end)),
        None => add("your_renewal", date(running.period_end)),
    }
    facts
}

/// `GET /account/cancel`: asks whether it is meant.
pub async fn cancel_ask(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let result = ask(&app, &uri, &headers).await;
    answered(&app, &uri, &headers, result).await
}

async fn ask(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Response, Error> {
    let billing = ready(app)?;
    let visitor = match session::enter(app, uri, headers)? {
        Entry::In(visitor) => visitor.ok_or(SIGN_IN)?,
        Entry::Onward(response) => return Ok(response),
    };
    let query = session::query(uri)?;
    let account = billing.account(&visitor.user_id).await?;
    let Some(running) = account.running.filter(|it| it.ends_at.is_none()) else {
        return see(app, "/account");
    };
    let page = Page::new(app, uri, headers, &query).of(Some(&visitor));
    let end = running.trial_end.filter(|_| running.status == SubscriptionStatus::Trialing);
    let date = end.or(running.period_end).map(|it| page.language.date(it)).unwrap_or_default();
    let values = [("plan", running.title.as_str()), ("date", date.as_str())];
    let view = json!({
        "title": page.say("cancel_plan", &[]),
        "heading": page.say("cancel_sure", &values),
        "lead": page.say("cancel_lead", &values),
        "confirm": page.say("cancel_confirm", &values),
        "keep": page.say("resume_plan", &values),
    });
    page.show("cancel.html", view).await
}

/// `POST /account/cancel`.
pub async fn cancel(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    posted(&app, request, async |app: &App, visitor: &Visitor, _: &Value| {
        ready(app)?.cancel(&visitor.user_id, End::PeriodEnd).await?;
        see(app, "/account?done=canceled")
    })
    .await
}

/// `POST /account/resume`.
pub async fn resume(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    posted(&app, request, async |app: &App, visitor: &Visitor, _: &Value| {
        ready(app)?.resume(&visitor.user_id, None).await?;
        see(app, "/account?done=resumed")
    })
    .await
}

/// `POST /account/undo`: drops a change that waits.
pub async fn undo(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    posted(&app, request, async |app: &App, visitor: &Visitor, sent: &Value| {
        let only = match field(sent, "kind") {
            Some("payment") => Waiting::Payment,
            _ => Waiting::Scheduled,
        };
        ready(app)?.resume(&visitor.user_id, Some(only)).await?;
        see(app, "/account?done=undone")
    })
    .await
}

/// `POST /account/portal`: leads to Stripe's page for cards and invoices.
pub async fn manage(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    posted(&app, request, async |app: &App, visitor: &Visitor, sent: &Value| {
        let flow = match field(sent, "flow") {
            Some("payment_method") => Some(Flow::PaymentMethod),
            _ => None,
        };
        see(app, &ready(app)?.portal_from_account(&visitor.user_id, flow).await?)
    })
    .await
}

/// Does what a form of somebody's asks for.
async fn posted(
    app: &App,
    request: Request<Body>,
    act: impl AsyncFnOnce(&App, &Visitor, &Value) -> Result<Response, Error>,
) -> Response {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let result = async {
        let (headers, _, sent) = read_form(app, request).await?;
        let visitor = session::admit(app, &headers, &sent)?;
        let done = act(app, &visitor, &sent).await;
        app.stir();
        done
    };
    answered_form(app, &uri, &headers, result.await).await
}
