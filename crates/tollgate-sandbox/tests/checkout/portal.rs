//! The billing portal: what customers do there, and what an app allows them.

use std::borrow::Borrow;

use serde_json::{Value, json};
use tollgate_sandbox::Method;

use crate::shop::{ASKS, DECLINED, IBAN, Shop, VISA, card, id, text};
use crate::world::DAY;

const VISITS: &str = "/v1/billing_portal/sessions";
const CONFIGURATIONS: &str = "/v1/billing_portal/configurations";
const BACK: (&str, &str) = ("return_url", "https://app.example.com/account");

/// A customer with a subscription to `pro`, and a visit to the portal.
pub(crate) struct Visitor {
    pub(crate) shop: Shop,
    pub(crate) customer: String,
    pub(crate) subscription: String,
    item: String,
    /// Another product, at 30 euros a month.
    pub(crate) team: String,
    /// And one at 5.
    basic: String,
    path: String,
}

impl Visitor {
    pub(crate) fn new(more: &[(&str, &str)]) -> Self {
        let mut visitor = Self::buyer();
        visitor.visit(more);
        visitor
    }

    fn buyer() -> Self {
        Self::billed("flexible")
    }

    /// Has subscribed, and has not opened the portal yet.
    fn billed(mode: &str) -> Self {
        let mut shop = Shop::new();
        let session = shop.subscribe(&[("subscription_data[billing_mode][type]", mode)]);
        let done = shop.pay(&session, VISA);
        let (customer, subscription) =
            (text(&done, "customer").to_owned(), text(&done, "subscription").to_owned());
        let row = shop.sandbox.get(&format!("/v1/subscriptions/{subscription}"), &[]);
        let item = id(&row["items"]["data"][0]);
        let mut price = |name: &str, amount: &str| {
            let product = id(&shop.sandbox.post("/v1/products", &[("name", name)]));
            let params = [
                ("product", &*product),
                ("currency", "eur"),
                ("unit_amount", amount),
                ("recurring[interval]", "month"),
            ];
            id(&shop.sandbox.post("/v1/prices", &params))
        };
        let (team, basic) = (price("Team", "3000"), price("Basic", "500"));
        shop.sandbox.events();
        Self { shop, customer, subscription, item, team, basic, path: String::new() }
    }

    pub(crate) fn visit(&mut self, more: &[(&str, &str)]) -> Value {
        let customer = self.customer.clone();
        let mut params = vec![("customer", &*customer)];
        params.extend(more);
        let session = self.shop.sandbox.post(VISITS, &params);
        let token = text(&session, "url").rsplit('/').next().unwrap().to_owned();
        self.path = format!("/_pages/portal/{token}");
        session
    }

    pub(crate) fn show(&mut self) -> Value {
        let (status, page) = self.shop.page(Method::Get, &self.path.clone(), &Value::Null);
        assert_eq!(status, 200, "{page}");
        page
    }

    pub(crate) fn ask(&mut self, step: &str, body: impl Borrow<Value>) -> (u16, Value) {
        self.shop.page(Method::Post, &format!("{}/{step}", self.path), body.borrow())
    }

    /// Does something, and returns the page anew.
    fn act(&mut self, step: &str, body: impl Borrow<Value>) -> Value {
        let (status, answer) = self.ask(step, body);
        assert_eq!((status, &answer["status"]), (200, &json!("complete")), "{step}: {answer}");
        answer["portal"].clone()
    }

    pub(crate) fn row(&mut self) -> Value {
        self.shop.sandbox.get(&format!("/v1/subscriptions/{}", self.subscription), &[])
    }

    pub(crate) fn to(&self, price: &str, quantity: i64) -> Value {
        json!({ "subscription": self.subscription, "price": price, "quantity": quantity })
    }

    fn configure(&mut self, params: &[(&str, &str)]) -> String {
        id(&self.shop.sandbox.post(CONFIGURATIONS, params))
    }

    /// Allows changes to every price of the shop, with some more rules.
    fn allow_changes(&mut self, more: &[(&str, &str)]) -> String {
        let (product, prices) =
            ("features[subscription_update][products]", [self.team.clone(), self.basic.clone()]);
        let mut params = vec![
            ("features[subscription_update][enabled]".to_owned(), "true".to_owned()),
            (
                "features[subscription_update][default_allowed_updates][0]".to_owned(),
                "price".to_owned(),
            ),
        ];
        for (index, price) in prices.iter().enumerate() {
            let row = self.shop.sandbox.get(&format!("/v1/prices/{price}"), &[]);
            params.push((format!("{product}[{index}][product]"), text(&row, "product").to_owned()));
            params.push((format!("{product}[{index}][prices][0]"), price.clone()));
        }
        params.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let params: Vec<(&str, &str)> =
            params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.configure(&params)
    }
}

#[test]
fn the_first_visit_makes_the_default_configuration() {
    let mut visitor = Visitor::buyer();
    let session = visitor.visit(&[BACK]);
    assert_eq!(visitor.shop.told(), ["billing_portal.session.created"]);
    assert_eq!(session["return_url"], "https://app.example.com/account");
    visitor.visit(&[]);
    assert_eq!(visitor.shop.told(), ["billing_portal.session.created"]);
    let listed = visitor.shop.sandbox.get(CONFIGURATIONS, &[("is_default", "true")]);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}

#[test]
fn the_page_tells_where_things_stand() {
    let mut visitor = Visitor::new(&[BACK]);
    let page = visitor.show();
    let one = &page["subscriptions"][0];
    assert_eq!(
        (&one["name"], &one["amount"], &one["per"]),
        (&json!("Pro"), &json!(2000), &json!("per month"))
    );
    assert_eq!(one["next"]["kind"], "renews");
    assert_eq!(one["next"]["payment_method"], "Visa •••• 4242");
    assert_eq!((&one["can"]["update"], &one["can"]["cancel"]), (&json!("price"), &json!(true)));
    let names: Vec<&Value> =
        one["options"].as_array().unwrap().iter().map(|option| &option["name"]).collect();
    assert_eq!(names, ["Basic", "Pro", "Team", "Pro"]);
    assert_eq!(page["payment_methods"][0]["name"], "Visa •••• 4242");
    assert_eq!(
        (&page["invoices"][0]["status"], &page["invoices"][0]["total"]),
        (&json!("paid"), &json!(2000))
    );
    assert_eq!(
        (&page["customer"]["email"], &page["customer_update"]),
        (&json!("ada@example.com"), &json!(["name", "email"]))
    );
    assert_eq!(visitor.shop.page(Method::Get, "/_pages/portal/nobody", &Value::Null).0, 404);
}

#[test]
fn a_plan_ends_with_its_period_and_can_go_on() {
    // Flexible billing sets the moment; the flag is classic billing's.
    for (mode, flag) in [("flexible", false), ("classic", true)] {
        let mut visitor = Visitor::billed(mode);
        visitor.visit(&[]);
        visitor.shop.told();
        let of = json!({ "subscription": visitor.subscription, "feedback": "too_expensive", "comment": "Later" });
        let page = visitor.act("cancel", of.clone());
        assert_eq!(page["subscriptions"][0]["next"]["kind"], "ends");
        assert_eq!(
            page["subscriptions"][0]["can"],
            json!({ "update": null, "quantity": null, "cancel": false, "resume": true })
        );
        assert_eq!(visitor.shop.told(), ["customer.subscription.updated"]);
        let row = visitor.row();
        assert_eq!(
            (&row["cancel_at_period_end"], &row["status"]),
            (&json!(flag), &json!("active")),
            "{mode}"
        );
        assert_eq!(row["cancel_at"], row["items"]["data"][0]["current_period_end"], "{mode}");
        assert_eq!(row["cancellation_details"]["feedback"], "too_expensive");
        assert_eq!(visitor.ask("cancel", of.clone()).0, 409);
        let page = visitor.act("resume", json!({ "subscription": visitor.subscription }));
        assert_eq!(page["subscriptions"][0]["next"]["kind"], "renews");
        let row = visitor.row();
        assert_eq!(
            (&row["cancel_at_period_end"], &row["cancel_at"]),
            (&json!(false), &Value::Null),
            "{mode}"
        );
        visitor.act("cancel", of);
        visitor.shop.sandbox.pass(32 * DAY);
        assert_eq!(visitor.row()["status"], "canceled", "{mode}");
        assert_eq!(visitor.show()["subscriptions"], json!([]));
    }
}

#[test]
fn a_plan_ends_at_once_where_the_app_wants_it_so() {
    let mut visitor = Visitor::buyer();
    let configuration = visitor.configure(&[
        ("features[subscription_cancel][enabled]", "true"),
        ("features[subscription_cancel][mode]", "immediately"),
    ]);
    visitor.visit(&[("configuration", &configuration)]);
    let page = visitor.show();
    assert_eq!(
        (&page["cancel"]["mode"], &page["payment_method_update"]),
        (&json!("immediately"), &json!(false))
    );
    let of = json!({ "subscription": visitor.subscription });
    visitor.act("cancel", of);
    assert_eq!(visitor.row()["status"], "canceled");
    let body = json!({ "card": card(VISA) });
    assert_eq!(visitor.ask("payment_methods", body).0, 409, "what is off is off for the page too");
}

#[test]
fn another_plan_costs_what_the_preview_says() {
    let mut visitor = Visitor::new(&[]);
    visitor.shop.sandbox.pass(31 * DAY / 2);
    let team = visitor.team.clone();
    let (status, preview) = visitor.ask("preview", visitor.to(&team, 1));
    assert_eq!(
        (status, &preview["when"], &preview["due_now"]),
        (200, &json!("now"), &json!(500)),
        "{preview}"
    );
    assert_eq!(preview["lines"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&preview["then"]["amount"], &preview["then"]["per"]),
        (&json!(3000), &json!("per month"))
    );
    visitor.shop.told();
    let mut body = visitor.to(&team, 1);
    body["proration_date"] = preview["proration_date"].clone();
    let page = visitor.act("update", body);
    assert_eq!(page["subscriptions"][0]["name"], "Team");
    assert_eq!(page["invoices"][0]["total"], 500);
    let told = visitor.shop.told();
    assert!(told.contains(&"invoice.paid".to_owned()), "{told:?}");
    assert!(told.contains(&"customer.subscription.updated".to_owned()), "{told:?}");
}

#[test]
fn a_declined_change_leaves_the_plan_as_it_was() {
    let mut visitor = Visitor::new(&[]);
    let body = json!({ "card": card("4000000000000341") });
    visitor.act("payment_methods", body);
    visitor.shop.sandbox.pass(10 * DAY);
    let team = visitor.team.clone();
    let (status, answer) = visitor.ask("update", visitor.to(&team, 1));
    assert_eq!((status, &answer["error"]["code"]), (402, &json!("card_declined")), "{answer}");
    let row = visitor.row();
    assert_eq!((&row["status"], &row["pending_update"]), (&json!("active"), &Value::Null));
    assert_eq!(visitor.show()["subscriptions"][0]["name"], "Pro");
}

#[test]
fn the_bank_asks_before_a_change() {
    let mut visitor = Visitor::new(&[]);
    let (_, answer) = visitor.ask("payment_methods", json!({ "card": card(ASKS) }));
    assert_eq!(
        (&answer["status"], &answer["action"]["amount"]),
        (&json!("requires_action"), &Value::Null)
    );
    let action = |answer: &Value, outcome: &str| json!({ "action": answer["action"]["id"], "outcome": outcome });
    let page = visitor.act("action", action(&answer, "complete"));
    assert_eq!(page["payment_methods"][0]["name"], "Visa •••• 3184");
    visitor.shop.sandbox.pass(10 * DAY);
    let team = visitor.team.clone();
    let (_, answer) = visitor.ask("update", visitor.to(&team, 1));
    assert_eq!(text(&answer, "status"), "requires_action", "{answer}");
    let (status, _) = visitor.ask("action", action(&answer, "fail"));
    assert_eq!(status, 402);
    assert_eq!(visitor.show()["subscriptions"][0]["name"], "Pro");
    let (_, answer) = visitor.ask("update", visitor.to(&team, 1));
    let page = visitor.act("action", action(&answer, "complete"));
    assert_eq!(page["subscriptions"][0]["name"], "Team");
}

#[test]
fn quantities_change_within_what_the_app_allows() {
    let mut visitor = Visitor::new(&[]);
    let pro = visitor.shop.pro.clone();
    let page = visitor.act("update", visitor.to(&pro, 3));
    assert_eq!(
        (&page["subscriptions"][0]["quantity"], &page["subscriptions"][0]["amount"]),
        (&json!(3), &json!(6000))
    );
    assert_eq!(visitor.ask("update", visitor.to(&pro, 0)).0, 400);
    let pen = visitor.shop.pen.clone();
    assert_eq!(visitor.ask("update", visitor.to(&pen, 1)).0, 400, "a price that is not on offer");
}

#[test]
fn a_cheaper_plan_begins_with_the_next_period() {
    let mut visitor = Visitor::buyer();
    let configuration = visitor.allow_changes(&[(
        "features[subscription_update][schedule_at_period_end][conditions][0][type]",
        "decreasing_item_amount",
    )]);
    visitor.visit(&[("configuration", &configuration)]);
    let basic = visitor.basic.clone();
    let (_, preview) = visitor.ask("preview", visitor.to(&basic, 1));
    assert_eq!((&preview["when"], &preview["due_now"]), (&json!("period_end"), &json!(0)));
    let page = visitor.act("update", visitor.to(&basic, 1));
    let next = &page["subscriptions"][0]["next"];
    assert_eq!(
        (&next["kind"], &next["name"], &next["amount"]),
        (&json!("changes"), &json!("Basic"), &json!(500))
    );
    let page = visitor.act("resume", json!({ "subscription": visitor.subscription }));
    assert_eq!(page["subscriptions"][0]["next"]["kind"], "renews");
    visitor.act("update", visitor.to(&basic, 1));
    visitor.shop.sandbox.pass(32 * DAY);
    assert_eq!(visitor.show()["subscriptions"][0]["name"], "Basic");
}

#[test]
fn prorations_may_wait_for_the_next_invoice() {
    let mut visitor = Visitor::buyer();
    let configuration = visitor.allow_changes(&[(
        "features[subscription_update][proration_behavior]",
        "create_prorations",
    )]);
    visitor.visit(&[("configuration", &configuration)]);
    visitor.shop.sandbox.pass(31 * DAY / 2);
    let team = visitor.team.clone();
    let (_, preview) = visitor.ask("preview", visitor.to(&team, 1));
    assert_eq!((&preview["when"], &preview["due_now"]), (&json!("next_invoice"), &json!(0)));
    assert_eq!(preview["next_invoice"]["amount"], 3500);
    visitor.act("update", visitor.to(&team, 1));
    assert_eq!(visitor.show()["invoices"], Value::Null, "the configuration does not show them");
    assert_eq!(visitor.shop.sandbox.get("/v1/invoices", &[])["data"].as_array().unwrap().len(), 1);
    visitor.shop.sandbox.pass(17 * DAY);
    let invoices = visitor.shop.sandbox.get("/v1/invoices", &[]);
    assert_eq!(invoices["data"][0]["total"], 3500);
}

#[test]
fn payment_methods_come_change_and_go() {
    let mut visitor = Visitor::new(&[]);
    let first = visitor.show()["payment_methods"][0]["id"].clone();
    let (status, answer) = visitor.ask("payment_methods", json!({ "card": card(DECLINED) }));
    assert_eq!((status, &answer["error"]["code"]), (402, &json!("card_declined")));
    let page = visitor.act("payment_methods", json!({ "iban": IBAN, "name": "Ada" }));
    assert_eq!(page["payment_methods"][0]["name"], "SEPA debit •••• 3000");
    assert_eq!(page["payment_methods"][0]["is_default"], true);
    assert_eq!(page["subscriptions"][0]["next"]["payment_method"], "SEPA debit •••• 3000");
    let debit = page["payment_methods"][0]["id"].clone();
    let (status, answer) = visitor.ask("remove_payment_method", json!({ "payment_method": debit }));
    assert_eq!(status, 400, "{answer}");
    visitor.act("default_payment_method", json!({ "payment_method": first }));
    let page = visitor.act("remove_payment_method", json!({ "payment_method": debit }));
    assert_eq!(page["payment_methods"].as_array().unwrap().len(), 1);
    let told = visitor.shop.told();
    assert_eq!(told.last().unwrap(), "payment_method.detached");
    assert_eq!(
        visitor.ask("default_payment_method", json!({ "payment_method": "pm_none" })).0,
        400
    );
}

/// Who comes to the portal because a payment failed finds the way to pay.
#[test]
fn a_missing_payment_is_shown_and_paid() {
    let mut visitor = Visitor::new(&[]);
    visitor.act("payment_methods", json!({ "card": card("4000000000000341") }));
    visitor.shop.sandbox.pass(32 * DAY);
    let page = visitor.show();
    let one = &page["subscriptions"][0];
    assert_eq!((&one["status"], &one["next"]["kind"]), (&json!("past_due"), &json!("retries")));
    let invoice = text(one, "open_invoice").to_owned();
    assert_eq!(
        (&page["invoices"][0]["id"], &page["invoices"][0]["amount_due"]),
        (&json!(invoice), &json!(2000))
    );
    assert!(text(&page["invoices"][0], "url").ends_with(&format!("/i/{invoice}")));
    let body = json!({ "card": card(VISA) });
    let pay = format!("/_pages/invoice/{invoice}/pay");
    let (status, answer) = visitor.shop.page(Method::Post, &pay, &body);
    assert_eq!((status, &answer["invoice"]["status"]), (200, &json!("paid")), "{answer}");
    assert_eq!(visitor.row()["status"], "active");
}

#[test]
fn customers_change_what_they_may() {
    let mut visitor = Visitor::new(&[]);
    let page = visitor.act("customer", json!({ "name": "Grace", "email": "grace@example.com" }));
    assert_eq!(page["customer"], json!({ "name": "Grace", "email": "grace@example.com" }));
    let (status, answer) = visitor.ask("customer", json!({ "email": "grace" }));
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("email")));
    let configuration = visitor.configure(&[("features[invoice_history][enabled]", "true")]);
    visitor.visit(&[("configuration", &configuration)]);
    assert_eq!(visitor.ask("customer", json!({ "name": "Eve" })).0, 409);
}

#[test]
fn a_deep_link_offers_to_stay() {
    let mut visitor = Visitor::buyer();
    let params = [("percent_off", "20"), ("duration", "repeating"), ("duration_in_months", "3")];
    let coupon = id(&visitor.shop.sandbox.post("/v1/coupons", &params));
    let subscription = visitor.subscription.clone();
    let session = visitor.visit(&[
        ("flow_data[type]", "subscription_cancel"),
        ("flow_data[subscription_cancel][subscription]", &subscription),
        ("flow_data[subscription_cancel][retention][type]", "coupon_offer"),
        ("flow_data[subscription_cancel][retention][coupon_offer][coupon]", &coupon),
        ("flow_data[after_completion][type]", "redirect"),
        ("flow_data[after_completion][redirect][return_url]", "https://app.example.com/stayed"),
    ]);
    assert_eq!(session["flow"]["type"], "subscription_cancel");
    let flow = visitor.show()["flow"].clone();
    assert_eq!(flow["subscription"], json!(subscription));
    assert_eq!(flow["after_completion"]["return_url"], "https://app.example.com/stayed");
    assert!(text(&flow["retention"], "text").contains("20% off for 3 months"));
    let page = visitor.act("retention", json!({ "subscription": subscription }));
    assert_eq!(page["flow"], Value::Null);
    assert_eq!(page["subscriptions"][0]["discount"], "20% off for 3 months");
    assert_eq!(visitor.ask("retention", json!({ "subscription": subscription })).0, 409, "once");
}

#[test]
fn a_deep_link_may_only_ask_for_a_confirmation() {
    let mut visitor = Visitor::buyer();
    let (subscription, item, team) =
        (visitor.subscription.clone(), visitor.item.clone(), visitor.team.clone());
    visitor.visit(&[
        ("flow_data[type]", "subscription_update_confirm"),
        ("flow_data[subscription_update_confirm][subscription]", &subscription),
        ("flow_data[subscription_update_confirm][items][0][id]", &item),
        ("flow_data[subscription_update_confirm][items][0][price]", &team),
        ("flow_data[subscription_update_confirm][items][0][quantity]", "5"),
        ("flow_data[after_completion][type]", "hosted_confirmation"),
        ("flow_data[after_completion][hosted_confirmation][custom_message]", "Welcome, team"),
    ]);
    let flow = visitor.show()["flow"].clone();
    assert_eq!(flow["update"], json!({ "price": team, "quantity": 5, "name": "5 × Team" }));
    assert_eq!(flow["after_completion"]["custom_message"], "Welcome, team");
    let page = visitor.act("update", visitor.to(&team, 5));
    assert_eq!(
        (&page["subscriptions"][0]["amount"], &page["flow"]),
        (&json!(15_000), &Value::Null)
    );
}

#[test]
fn configurations_are_changed_and_listed() {
    let mut visitor = Visitor::buyer();
    let configuration = visitor.configure(&[
        ("features[invoice_history][enabled]", "true"),
        ("business_profile[headline]", "Hello"),
        ("metadata[a]", "1"),
    ]);
    visitor.shop.told();
    let path = format!("{CONFIGURATIONS}/{configuration}");
    let changed = visitor.shop.sandbox.post(&path, &[("active", "false"), ("metadata[a]", "2")]);
    assert_eq!((&changed["active"], &changed["metadata"]["a"]), (&json!(false), &json!("2")));
    assert_eq!(visitor.shop.told(), ["billing_portal.configuration.updated"]);
    let (status, _) = visitor.shop.sandbox.refused(
        Method::Post,
        VISITS,
        &[("customer", &*visitor.customer.clone()), ("configuration", &configuration)],
    );
    assert_eq!(status, 400);
    assert_eq!(visitor.shop.sandbox.get(&path, &[])["business_profile"]["headline"], "Hello");
    assert_eq!(visitor.shop.sandbox.get(CONFIGURATIONS, &[("active", "true")])["data"], json!([]));
}
