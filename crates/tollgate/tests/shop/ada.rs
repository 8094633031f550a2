//! Ada, who pays for the plan basic, and what happens to her subscription.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Reply, Shop, text};

/// A shop in which ada pays for the plan basic.
pub async fn shop_of_ada() -> Shop {
    ada_pays(Shop::open(None).await).await
}

/// Ada subscribes in this shop.
pub async fn ada_pays(shop: Shop) -> Shop {
    let session = shop.session(&json!({ "user_id": "ada", "plan": "basic" })).await;
    shop.pay(&session).await;
    shop.come_back(&session).await;
    assert_eq!(shop.access("ada").await["plan"], "basic");
    shop
}

pub async fn preview(shop: &Shop, plan: &str, period: &str, when: &str) -> Value {
    let body = json!({ "user_id": "ada", "plan": plan, "period": period, "when": when });
    let reply = shop.app(Method::POST, "/billing/plan-change/preview", Some(&body)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body
}

pub async fn commit(shop: &Shop, preview: &Value) -> Reply {
    let body = json!({ "preview": preview["preview"] });
    shop.app(Method::POST, "/billing/plan-change", Some(&body)).await
}

pub async fn subscription(shop: &Shop) -> Value {
    shop.find("/v1/subscriptions").await["data"][0].clone()
}

pub async fn newest_invoice(shop: &Shop) -> Value {
    let id = subscription(shop).await["latest_invoice"].clone();
    shop.find(&format!("/v1/invoices/{}", id.as_str().expect("there is one"))).await
}

pub async fn pass_days(shop: &Shop, days: i64) {
    let params = json!({ "seconds": days * 86_400 });
    shop.stripe(Method::POST, "/_sandbox/advance", &params).await;
}

/// From now on every charge is declined.
pub async fn let_cards_fail(shop: &Shop) {
    let subscription = subscription(shop).await;
    let params = json!({ "customer": subscription["customer"] });
    let path = "/v1/payment_methods/pm_card_chargeCustomerFail/attach";
    let card = shop.stripe(Method::POST, path, &params).await;
    let path = format!("/v1/subscriptions/{}", text(&subscription, "id"));
    shop.stripe(Method::POST, &path, &json!({ "default_payment_method": card["id"] })).await;
}
