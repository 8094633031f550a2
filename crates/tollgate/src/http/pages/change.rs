//! Another plan: `GET /account/change` shows what it comes to, `POST /account/change` commits exactly
//! that. What is charged now takes effect only once it is paid, and the page says so.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use tollgate_stripe::form;

use super::super::App;
use super::super::billing::ready;
use super::super::error::Error;
use super::session::{self, Entry, Visitor};
use super::{Page, SIGN_IN, answered, answered_form, field, read_form, see};
use crate::billing::account::Running;
use crate::billing::change::{Kind, Line, Preview, Target, When};
use crate::billing::offers::Tag;
use crate::billing::{Billing, BillingError};

/// When a change may take effect, by the word of the address and the texts about it.
const TIMES: [(When, &str); 3] =
    [(When::Now, "now"), (When::NextInvoice, "next_invoice"), (When::PeriodEnd, "period_end")];

/// What somebody wants to change to.
struct Wish {
    plan: String,
    period: String,
    title: String,
    tag: Tag,
    when: When,
    /// What can be chosen, the best first.
    times: Vec<When>,
    running: Running,
}

/// `GET /account/change`.
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
    let Some(wish) = wish(billing, &visitor, &query).await? else { return see(app, "/pricing") };
    let target = Target {
        user_id: visitor.user_id.clone(),
        plan: Some(wish.plan.clone()),
        period: Some(wish.period.clone()),
        quantity: None,
        when: wish.when,
    };
    let preview = billing.preview(&target).await?;
    let page = Page::new(app, uri, headers, &query).of(Some(&visitor));
    let view = view(&page, &wish, &preview, None);
    page.show("change.html", view).await
}

/// Reads what is wanted; `None` where there is nothing to change.
async fn wish(billing: &Billing, visitor: &Visitor, query: &Value) -> Result<Option<Wish>, Error> {
    let Some(running) = billing.account(&visitor.user_id).await?.running else { return Ok(None) };
    let (plan, period, tag) =
        billing.named(query["plan"].as_str(), query["period"].as_str()).await?;
    if tag.interval.is_none()
        || (plan.name == running.plan && running.period.as_ref() == Some(&period))
    {
        return Ok(None);
    }
    let times = times(&running, plan.rank, &tag);
    let asked = TIMES.iter().find(|(_, word)| query["when"] == *word).map(|(when, _)| *when);
    let when = asked.filter(|it| times.contains(it)).unwrap_or(times[0]);
    let (title, plan) = (plan.title.clone(), plan.name.clone());
    Ok(Some(Wish { plan, period, title, tag, when, times, running }))
}

/// More is had at once, less when what is paid for is over. Another period is never charged by
/// the next invoice alone: Stripe makes one at once.
fn times(running: &Running, rank: i64, tag: &Tag) -> Vec<When> {
    let length = |it: &Tag| it.interval.as_ref().map(|(every, count)| (every == "year", *count));
    let longer = running.tag.as_ref().is_some_and(|now| length(tag) > length(now));
    let is_other = running.tag.as_ref().is_some_and(|now| now.interval != tag.interval);
    let mut times = match rank > running.rank || (rank == running.rank && longer) {
        true => vec![When::Now, When::NextInvoice, When::PeriodEnd],
        false => vec![When::PeriodEnd, When::NextInvoice],
    };
    times.retain(|it| !is_other || *it != When::NextInvoice);
    times
}

fn view(page: &Page<'_>, wish: &Wish, preview: &Preview, notice: Option<&str>) -> Value {
    let money = |amount| page.language.money(amount, &preview.currency);
    let plan = wish.running.title.as_str();
    let end = wish.running.period_end.map(|it| page.language.date(it)).unwrap_or_default();
    let dated = [("plan", plan), ("date", end.as_str())];
    let amount = money(preview.amount_due);
    let (due, confirm) = match wish.when {
        When::Now if preview.amount_due > 0 => {
            (page.say("due_now", &[]), page.say("confirm_pay", &[("amount", &amount)]))
        }
        When::Now => (page.say("due_now", &[]), page.say("confirm_change", &[])),
        When::NextInvoice => (page.say("due_next", &[]), page.say("confirm_change", &[])),
        When::PeriodEnd => {
            // In a narrow column the date has to break, and not within the year.
            let date = end.replace('\u{a0}', " ");
            (page.say("due_then", &[("date", &date)]), page.say("confirm_plan", &dated))
        }
    };
    let price = |it: &Tag| page.language.tag(it);
    let from = wish.running.tag.as_ref().map(price);
    let from = from.map_or_else(|| plan.to_owned(), |it| format!("{plan}, {it}"));
    let to = format!("{}, {}", wish.title, price(&wish.tag));
    let times = wish.times.iter().map(|it| time(page, wish, *it)).collect::<Vec<_>>();
    let lines = preview.lines.iter();
    let is_same = wish.plan == wish.running.plan;
    let heading = match is_same {
        true => page.say(
            "preview_switch",
            &[("plan", plan), ("period", &page.language.period(&wish.period))],
        ),
        false => page.say("preview_title", &[("plan", &wish.title)]),
    };
    json!({
        "title": page.say("preview", &[]),
        "heading": heading,
        "lead": page.say("from_to", &[("from", &from), ("to", &to)]),
        "notice": notice,
        "times": times,
        "lines": lines
            .map(|it| json!({ "description": line(page, wish, it), "amount": money(it.amount) }))
            .collect::<Vec<_>>(),
        "due": due,
        "amount": amount,
        "nothing_due": (wish.when != When::Now).then(|| page.say("nothing_due", &[])),
        "effect": page.say(&format!("effect_{}", word(wish.when)), &dated),
        "confirm": confirm,
        "plan": wish.plan,
        "period": wish.period,
        "when": word(wish.when),
        "preview": preview.preview,
    })
}

/// Says what a line is for; Stripe's words are English.
fn line(page: &Page<'_>, wish: &Wish, line: &Line) -> String {
    let said = match line.kind {
        Kind::Unused => page.say("line_unused", &[("plan", &wish.running.title)]),
        Kind::Remaining => page.say("line_remaining", &[("plan", &wish.title)]),
        Kind::Period => format!("{}, {}", wish.title, page.language.tag(&wish.tag)),
        Kind::Other => return line.description.clone(),
    };
    match line.quantity {
        Some(count) if count > 1 => format!("{count}\u{a0}\u{d7} {said}"),
        _ => said,
    }
}

fn time(page: &Page<'_>, wish: &Wish, when: When) -> Value {
    let query = json!({ "plan": wish.plan, "period": wish.period, "when": word(when) });
    json!({
        "url": page.at(&format!("/account/change?{}", form::encode(&query))),
        "text": page.say(&format!("when_{}", word(when)), &[]),
        "is_this": when == wish.when,
    })
}

fn word(when: When) -> &'static str {
    TIMES.iter().find(|(it, _)| *it == when).map_or("now", |(_, word)| word)
}

/// `POST /account/change`.
pub async fn commit(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let result = committed(&app, &uri, request).await;
    answered_form(&app, &uri, &headers, result).await
}

async fn committed(app: &App, uri: &Uri, request: Request<Body>) -> Result<Response, Error> {
    let billing = ready(app)?;
    let (headers, _, sent) = read_form(app, request).await?;
    let visitor = session::admit(app, &headers, &sent)?;
    let preview = field(&sent, "preview").unwrap_or_default();
    let done = billing.commit(Some(&visitor.user_id), preview).await;
    app.stir();
    let page = Page::new(app, uri, &headers, &sent).of(Some(&visitor));
    match done {
        Ok(_) if sent["when"] == "period_end" => see(app, "/account?done=planned"),
        Ok(_) => see(app, "/account?done=changed"),
        Err(BillingError::PreviewChanged(preview)) => {
            let Some(wish) = wish(billing, &visitor, &sent).await? else {
                return see(app, "/account");
            };
            let notice = page.say("preview_changed", &[]);
            let view = view(&page, &wish, &preview, Some(&notice));
            page.with_status(StatusCode::CONFLICT).show("change.html", view).await
        }
        Err(BillingError::PaymentNeeded { pay_url, to_confirm }) => {
            let account = billing.account(&visitor.user_id).await?;
            let plan = account.running.map(|it| it.title).unwrap_or_default();
            let view = unpaid(&page, &plan, pay_url, to_confirm);
            page.with_status(StatusCode::PAYMENT_REQUIRED).show("message.html", view).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The old plan stays, and what is to be done about it.
fn unpaid(page: &Page<'_>, plan: &str, pay_url: Option<String>, to_confirm: bool) -> Value {
    let (key, way) = match to_confirm {
        true => ("change_confirm", "confirm_payment"),
        false => ("change_failed", "pay_invoice"),
    };
    let account = json!({ "url": page.at("/account"), "text": page.say("to_account", &[]) });
    let pay = pay_url.map(|url| json!({ "url": url, "text": page.say(way, &[]) }));
    json!({
        "title": page.say("preview", &[]),
        "mood": if to_confirm { "wait" } else { "bad" },
        "heading": page.say(key, &[]),
        "lead": page.say(&format!("{key}_lead"), &[("plan", plan)]),
        "features": [],
        "other_way": pay.as_ref().map(|_| account.clone()),
        "way": pay.unwrap_or(account),
    })
}
