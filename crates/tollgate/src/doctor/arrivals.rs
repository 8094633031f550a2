//! Whether what Stripe sends arrives: the newest event that the endpoint was to send should be
//! stored. That alone proves that a signing secret is the endpoint's, which Stripe never shows.

use serde_json::Value;
use tollgate_stripe::object::Kind;

use super::Finding;
use super::ask::AtStripe;
use crate::config::Config;
use crate::rules::catalog;
use crate::store::{Db, event};

/// A delivery may take so long.
const ON_ITS_WAY_SECS: i64 = 60;

/// What is on sale.
const ON_SALE: [Kind; 4] = [Kind::Product, Kind::Price, Kind::Coupon, Kind::PromotionCode];

/// Which events are not stored.
pub(super) enum Missing {
    /// The database could not be asked, which is told elsewhere.
    Unknown,
    /// The ids of these.
    Known(Vec<String>),
}

/// Looks for the events in the database.
pub(super) async fn missing(config: &Config, at_stripe: &AtStripe) -> Missing {
    let url = config.database_url.reveal();
    if !Db::is_there(url).unwrap_or(false) {
        return Missing::Unknown;
    }
    let Ok(db) = Db::connect(url).await else { return Missing::Unknown };
    let mut missing = Vec::new();
    for id in sent(at_stripe).filter_map(|it| it["id"].as_str()) {
        match event::find(&db, id).await {
            Ok(Some(_)) => {}
            Ok(None) => missing.push(id.to_owned()),
            Err(_) => {
                db.close().await;
                return Missing::Unknown;
            }
        }
    }
    db.close().await;
    Missing::Known(missing)
}

/// The events that the endpoint was to send, the newest first; without those of what is on sale,
/// which setting up itself causes before anything listens.
fn sent(at_stripe: &AtStripe) -> impl Iterator<Item = &Value> {
    let endpoint = at_stripe.endpoints.as_ref().and_then(|it| it.first());
    let events = at_stripe.events.iter().flatten();
    events.filter(move |it| endpoint.is_some_and(|endpoint| is_sent(it, endpoint)))
}

fn is_sent(event: &Value, endpoint: &Value) -> bool {
    let kind = event["type"].as_str().unwrap_or_default();
    let entry = catalog::entry(kind);
    let counts = entry.is_some_and(|it| !ON_SALE.contains(&it.kind));
    let enabled = endpoint["enabled_events"].as_array().into_iter().flatten();
    let mut enabled = enabled.filter_map(Value::as_str);
    counts
        && event["created"].as_i64() >= endpoint["created"].as_i64()
        && enabled.any(|it| it == "*" || it == kind)
}

/// Judges it; `now` is in Unix seconds. Nothing is said where nothing is known.
pub(super) fn judge(at_stripe: &AtStripe, missing: &Missing, now: i64) -> Option<Finding> {
    let Missing::Known(missing) = missing else { return None };
    at_stripe.endpoints.as_ref()?.first()?;
    at_stripe.events.as_ref()?;
    let Some(newest) = sent(at_stripe).next() else {
        let says = "Stripe had nothing to send yet; that its events arrive shows with the first.";
        return Some(Finding::ok("arrivals", says));
    };
    let (id, kind) = (newest["id"].as_str()?, newest["type"].as_str()?);
    if !missing.iter().any(|it| it == id) {
        let says = "Stripe's newest event is here: the endpoint's signing secret is known.";
        return Some(Finding::ok("arrivals", says));
    }
    let age = now - newest["created"].as_i64()?;
    let says = format!("Stripe's newest event has not arrived ({kind}, {id}, {age} s old).");
    Some(match age <= ON_ITS_WAY_SECS {
        true => Finding::warn("arrivals", says, "Run `tollgate doctor` again in a minute."),
        false => Finding::fail(
            "arrivals",
            says,
            "See the endpoint's attempts at https://dashboard.stripe.com/webhooks: where they got a \
             400, STRIPE_WEBHOOK_SECRET is another endpoint's.",
        ),
    })
}
