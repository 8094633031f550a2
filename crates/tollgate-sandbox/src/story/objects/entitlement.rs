//! What a customer is entitled to.

use crate::dice::{Dice, hash};
use crate::story::json::{Blank, Json};
use crate::story::teller::Teller;

static SUMMARY: Blank = Blank::new(include_str!("entitlement_summary.json"));

/// The features that the stories' products have.
const FEATURES: [&str; 3] = ["export", "api", "priority-support"];

/// Returns the summary of a customer who is entitled to every feature, or to none.
pub(in crate::story) fn summary(teller: &Teller<'_>, entitled: bool) -> Json {
    let customer = &teller.cast.customer;
    let features = if entitled { &FEATURES[..] } else { &[] };
    let list: Vec<Json> = features.iter().map(|key| entitlement(teller, key)).collect();
    SUMMARY
        .copy()
        .with("customer", customer)
        .with("entitlements.data", list)
        .with("entitlements.url", format!("/v1/customer/{customer}/entitlements"))
        .with("livemode", teller.cast.livemode)
}

fn entitlement(teller: &Teller<'_>, lookup_key: &'static str) -> Json {
    let mode = if teller.cast.livemode { "live" } else { "test" };
    // A feature is the shop's, an entitlement the customer's: their ids follow from them.
    let own = Dice::new(hash(&teller.cast.customer), lookup_key).word(24);
    let feature = Dice::new(hash(&teller.cast.product), lookup_key).word(24);
    Json::object([
        ("id", format!("ent_{mode}_{own}").into()),
        ("object", "entitlements.active_entitlement".into()),
        ("feature", format!("feat_{mode}_{feature}").into()),
        ("livemode", teller.cast.livemode.into()),
        ("lookup_key", lookup_key.into()),
    ])
}
