//! What is for sale: `GET /pricing` shows it, `POST /pricing` leads to Stripe's page to pay. Who has
//! a subscription is led to a preview of the change instead.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use tollgate_stripe::form;

use super::super::App;
use super::super::billing::ready;
use super::super::error::Error;
use super::session::{self, Entry, Visitor};
use super::{Page, answered, answered_form, field, read_form, see};
use crate::billing::BillingError;
use crate::billing::account::Account;
use crate::billing::checkout::{Opened, UiMode, Wanted};
use crate::billing::offers::{Offer, Tag};

/// Periods that the switch can tell apart; the stylesheet has a rule for each.
const PERIODS_MAX: usize = 6;
const MONTHS_OF_YEAR: i64 = 12;

/// `GET /pricing`.
pub async fn show(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let result = page(&app, &uri, &headers).await;
    answered(&app, &uri, &headers, result).await
}

async fn page(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Response, Error> {
    let billing = ready(app)?;
    let visitor = match session::enter(app, uri, headers)? {
        Entry::In(visitor) => visitor,
        Entry::Onward(response) => return Ok(response),
    };
    let query = session::query(uri)?;
    let page = Page::new(app, uri, headers, &query).of(visitor.as_ref());
    let offers = billing.offers().await?;
    let account = match &visitor {
        Some(visitor) => Some(billing.account(&visitor.user_id).await?),
        None => None,
    };
    let view = view(&page, &offers, account.as_ref(), query["period"].as_str());
    page.show("pricing.html", view).await
}

fn view(
    page: &Page<'_>,
    offers: &[Offer],
    account: Option<&Account>,
    asked: Option<&str>,
) -> Value {
    let periods = periods(offers);
    let current = account.and_then(|it| it.running.as_ref()).and_then(|it| it.period.as_deref());
    let chosen = [asked, current].into_iter().flatten();
    let chosen = chosen.filter_map(|it| periods.iter().position(|name| name == it)).next();
    let percent = saving(offers);
    let shown: Vec<Value> = periods
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let save = percent.filter(|_| name == "yearly");
            json!({
                "index": index,
                "name": name,
                "title": page.language.period(name),
                "is_chosen": index == chosen.unwrap_or(0),
                "save": save.map(|it| page.say("save", &[("percent", &it.to_string())])),
            })
        })
        .collect();
    let cards: Vec<Value> = offers.iter().map(|it| card(page, it, account, &periods)).collect();
    let known = account.is_some();
    json!({
        "title": page.say("pricing", &[]),
        "heading": page.say("pricing_title", &[]),
        "lead": page.say("pricing_lead", &[]),
        "periods": if shown.len() > 1 { shown } else { Vec::new() },
        "offers": cards,
        "note": page.say(if known { "pay_note" } else { "sign_in_note" }, &[]),
    })
}

/// All periods of recurring prices, the shortest first.
fn periods(offers: &[Offer]) -> Vec<String> {
    let mut periods: Vec<String> = Vec::new();
    let recurring = |it: &&(String, Tag)| it.1.interval.is_some();
    for (name, _) in offers.iter().flat_map(|it| &it.prices).filter(recurring) {
        if !periods.contains(name) && periods.len() < PERIODS_MAX {
            periods.push(name.clone());
        }
    }
    let order = ["daily", "weekly", "monthly", "quarterly", "yearly"];
    periods.sort_by_key(|name| order.iter().position(|it| it == name).unwrap_or(order.len()));
    periods
}

/// How many percent a year is cheaper than twelve months, at most; whole percents, rounded down.
fn saving(offers: &[Offer]) -> Option<i64> {
    let of = |offer: &Offer, period: &str| {
        let (_, tag) = offer.prices.iter().find(|(name, _)| name == period)?;
        Some((tag.amount?, tag.currency.clone()))
    };
    let saved = offers.iter().filter_map(|offer| {
        let ((month, one), (year, other)) = (of(offer, "monthly")?, of(offer, "yearly")?);
        let full = month.checked_mul(MONTHS_OF_YEAR).filter(|it| *it > 0 && one == other)?;
        Some((full - year).checked_mul(100)? / full)
    });
    saved.max().filter(|it| *it > 0)
}

fn card(page: &Page<'_>, offer: &Offer, account: Option<&Account>, periods: &[String]) -> Value {
    let running = account.and_then(|it| it.running.as_ref());
    let is_current = running.is_some_and(|it| it.plan == offer.plan);
    let is_owned = account.is_some_and(|it| owns(it, offer));
    let prices: Vec<Value> = offer
        .prices
        .iter()
        .enumerate()
        .map(|(at, (period, tag))| {
            json!({
                "shown_for": shown_for(offer, at, periods),
                "amount": tag.amount.map(|it| page.language.price(it, &tag.currency)),
                "per": page.language.per(tag),
                "usage": page.say("by_usage", &[]),
                "trial": trial(page, offer, tag, account),
                "action": action(page, offer, period, tag, account),
            })
        })
        .collect();
    json!({
        "plan": offer.plan,
        "title": offer.title,
        "description": offer.description,
        "features": offer.features,
        "mark": match (is_current, is_owned) {
            (true, _) => Some(page.say("current", &[])),
            (_, true) => Some(page.say("owned", &[])),
            _ => None,
        },
        "prices": prices,
    })
}

/// For which periods of the switch a price is shown, by their numbers: its own, and those for which
/// the plan has no price. What is paid once is shown always.
fn shown_for(offer: &Offer, at: usize, periods: &[String]) -> Option<String> {
    let (name, tag) = &offer.prices[at];
    tag.interval.as_ref()?;
    let has = |period: &String| offer.prices.iter().any(|(it, _)| it == period);
    let numbers = periods.iter().enumerate().filter(|(_, it)| *it == name || (at == 0 && !has(it)));
    let numbers: Vec<String> = numbers.map(|(index, _)| index.to_string()).collect();
    Some(numbers.join(" "))
}

fn owns(account: &Account, offer: &Offer) -> bool {
    account.owned.contains(&offer.plan)
}

/// Whether the plan can be tried by who looks. Stripe is not asked: Checkout decides in the end.
fn may_try(offer: &Offer, account: Option<&Account>) -> Option<u32> {
    let used = account.is_some_and(|it| it.running.is_some() || (offer.trial_once && it.had_trial));
    offer.trial_days.filter(|_| !used)
}

fn trial(page: &Page<'_>, offer: &Offer, tag: &Tag, account: Option<&Account>) -> Option<String> {
    let days = may_try(offer, account).filter(|_| tag.interval.is_some())?;
    let values = [("days", &*days.to_string()), ("price", &page.language.tag(tag))];
    Some(page.say("trial_then", &values))
}

/// What can be done about a price: go and sign in, buy it, change to it, or nothing.
fn action(
    page: &Page<'_>,
    offer: &Offer,
    period: &str,
    tag: &Tag,
    account: Option<&Account>,
) -> Value {
    let of_plan = |key: &str| page.say(key, &[("plan", &offer.title)]);
    let once = tag.interval.is_none();
    let wording = match may_try(offer, account).filter(|_| !once) {
        Some(days) => page.say("try", &[("days", &days.to_string())]),
        None => of_plan(if once { "buy" } else { "choose" }),
    };
    let Some(account) = account else {
        let url = page.app.pages.sign_in(&offer.plan, period);
        return json!({ "kind": "link", "url": url, "text": wording, "is_main": true });
    };
    if once && owns(account, offer) {
        return json!({ "kind": "none", "text": of_plan("owned") });
    }
    let Some(running) = account.running.as_ref().filter(|_| !once) else {
        // Who has a plan already is not urged to buy another thing.
        let is_main = account.running.is_none();
        return json!({ "kind": "buy", "period": period, "text": wording, "is_main": is_main });
    };
    if running.plan == offer.plan && running.period.as_deref() == Some(period) {
        let text = page.say("manage", &[]);
        return json!({ "kind": "link", "url": page.at("/account"), "text": text, "is_main": false });
    }
    let to = form::encode(&json!({ "plan": offer.plan, "period": period }));
    let same = running.plan == offer.plan;
    let text = match (same, offer.rank > running.rank) {
        (true, _) => page.say("switch_to", &[("period", &page.language.period(period))]),
        (false, true) => of_plan("upgrade"),
        (false, false) => of_plan("change_to"),
    };
    let is_main = same || offer.rank > running.rank;
    json!({ "kind": "link", "url": page.at(&format!("/account/change?{to}")), "text": text, "is_main": is_main })
}

/// `POST /pricing`.
pub async fn buy(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let result = go_and_pay(&app, request).await;
    answered_form(&app, &uri, &headers, result).await
}

async fn go_and_pay(app: &App, request: Request<Body>) -> Result<Response, Error> {
    let billing = ready(app)?;
    let (headers, _, sent) = read_form(app, request).await?;
    let visitor = session::admit(app, &headers, &sent)?;
    let wanted = wanted(&visitor, field(&sent, "plan"), field(&sent, "period"), UiMode::Hosted);
    let opened = billing.checkout(&wanted).await;
    app.stir();
    match opened {
        Ok(Opened::Hosted { url, .. }) => see(app, &url),
        Ok(Opened::Embedded { .. }) => Err(Error::Internal),
        // Where it can be changed is better than where it cannot be bought.
        Err(BillingError::AlreadySubscribed { .. }) => see(app, "/account?done=already"),
        Err(error) => Err(error.into()),
    }
}

/// What somebody wants who looks at a page of ours.
pub(super) fn wanted(
    visitor: &Visitor,
    plan: Option<&str>,
    period: Option<&str>,
    ui_mode: UiMode,
) -> Wanted {
    Wanted {
        user_id: Some(visitor.user_id.clone()),
        plan: plan.map(str::to_owned),
        period: period.map(str::to_owned),
        ui_mode,
        by_page: true,
        ..Wanted::default()
    }
}
