//! Who gets which snapshot, in which version, signed how.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tollgate_sandbox::Method::{Get, Post};

use crate::schema::Schemas;
use crate::world::{DAY, START, Sandbox};
use crate::{HOOK, body, customer, endpoint, header, pending, read, text, verify};

const CURRENT: &str = "2026-10-28.endive";

#[test]
fn endpoints_are_made_changed_listed_and_removed() {
    let mut sandbox = Sandbox::new();
    let params =
        [("description", "mine"), ("metadata[a]", "1"), ("enabled_events[]", "invoice.paid")];
    let (id, secret) = endpoint(&mut sandbox, &params);
    assert!(secret.starts_with("whsec_"));
    let path = format!("/v1/webhook_endpoints/{id}");
    let shown = sandbox.get(&path, &[]);
    assert_eq!(shown.get("secret"), None, "it is told once");
    assert_eq!((&shown["status"], &shown["api_version"]), (&json!("enabled"), &Value::Null));
    let off =
        sandbox.post(&path, &[("disabled", "true"), ("metadata[b]", "2"), ("description", "")]);
    assert_eq!((&off["status"], &off["description"]), (&json!("disabled"), &Value::Null));
    assert_eq!(off["metadata"], json!({ "a": "1", "b": "2" }));
    assert_eq!(sandbox.get("/v1/webhook_endpoints", &[])["data"], json!([off]));
    assert_eq!(sandbox.delete(&path, &[])["deleted"], true);
    assert_eq!(sandbox.refused(Get, &path, &[]).0, 404);
    for url in ["here", "ftp://a.test/", "http://"] {
        let params = [("url", url), ("enabled_events[]", "*")];
        let (status, error) = sandbox.refused(Post, "/v1/webhook_endpoints", &params);
        assert_eq!((status, &error["param"]), (400, &json!("url")), "{url}");
    }
    let connected = [("url", HOOK), ("enabled_events[]", "*"), ("connect", "true")];
    assert_eq!(sandbox.refused(Post, "/v1/webhook_endpoints", &connected).1["param"], "connect");
}

#[test]
fn a_delivery_is_signed_and_printed_as_stripe_does() {
    let mut sandbox = Sandbox::new();
    let (id, secret) = endpoint(&mut sandbox, &[]);
    customer(&mut sandbox);
    let posts = sandbox.world.take_due(10);
    let [post] = posts.as_slice() else { panic!("one delivery, not {}", posts.len()) };
    assert_eq!(
        (&post.endpoint, post.url.as_str(), post.kind.as_str()),
        (&id, HOOK, "customer.created")
    );
    assert_eq!(header(post, "Content-Type"), "application/json; charset=utf-8");
    assert!(header(post, "User-Agent").starts_with("Stripe/1.0 "));
    assert_eq!(verify(post, &secret, START), Ok(()));
    assert!(verify(post, "whsec_other", START).is_err());
    let event = body(post);
    assert_eq!(post.body, serde_json::to_string_pretty(&event).unwrap());
    assert_eq!(event, read(&mut sandbox, &format!("/v1/events/{}", post.event)));
    assert_eq!((&event["pending_webhooks"], &event["api_version"]), (&json!(1), &json!(CURRENT)));
    assert!(sandbox.world.take_due(10).is_empty(), "it is under way");
    sandbox.world.answered(post.id, Some(204));
    assert_eq!(pending(&mut sandbox, &post.event), 0);
    assert_eq!(sandbox.world.next_delivery(), None);
}

/// Real time may be later than the world's; a receiver goes by real time.
#[test]
fn a_post_can_be_signed_later() {
    let mut sandbox = Sandbox::new();
    let (_, secret) = endpoint(&mut sandbox, &[]);
    customer(&mut sandbox);
    let mut post = sandbox.world.take_due(1).remove(0);
    assert!(verify(&post, &secret, START + DAY).is_err());
    post.sign(START + DAY);
    assert_eq!(verify(&post, &secret, START + DAY), Ok(()));
}

#[test]
fn an_endpoint_gets_what_it_wants_and_nothing_when_switched_off() {
    let mut sandbox = Sandbox::new();
    let (all, _) = endpoint(&mut sandbox, &[]);
    let (some, _) = endpoint(&mut sandbox, &[("enabled_events[]", "customer.updated")]);
    let (off, _) = endpoint(&mut sandbox, &[]);
    sandbox.post(&format!("/v1/webhook_endpoints/{off}"), &[("disabled", "true")]);
    let ada = customer(&mut sandbox);
    sandbox.post(&format!("/v1/customers/{ada}"), &[("name", "Grace")]);
    let mut got: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for post in sandbox.world.take_due(10) {
        got.entry(post.endpoint).or_default().push(post.kind);
    }
    assert_eq!(got[&all], ["customer.created", "customer.updated"]);
    assert_eq!(got[&some], ["customer.updated"]);
    assert!(!got.contains_key(&off));
}

#[test]
fn what_waits_for_an_endpoint_ends_with_it() {
    let mut sandbox = Sandbox::new();
    let (gone, _) = endpoint(&mut sandbox, &[]);
    let (off, _) = endpoint(&mut sandbox, &[]);
    customer(&mut sandbox);
    let event = text(&read(&mut sandbox, "/v1/events")["data"][0]["id"]);
    assert_eq!(pending(&mut sandbox, &event), 2);
    let under_way = sandbox.world.take_due(1).remove(0);
    sandbox.delete(&format!("/v1/webhook_endpoints/{gone}"), &[]);
    sandbox.post(&format!("/v1/webhook_endpoints/{off}"), &[("disabled", "true")]);
    assert_eq!(pending(&mut sandbox, &event), 0);
    assert_eq!((sandbox.world.next_delivery(), sandbox.world.take_due(9)), (None, Vec::new()));
    sandbox.world.answered(under_way.id, Some(500));
    assert_eq!(
        sandbox.world.next_delivery(),
        None,
        "an answer that comes too late changes nothing"
    );
}

#[test]
fn each_endpoint_gets_its_version() {
    let mut sandbox = Sandbox::new();
    let versions = ["2020-08-27", "2024-06-20", CURRENT];
    let mut of = BTreeMap::new();
    for version in versions {
        of.insert(endpoint(&mut sandbox, &[("api_version", version)]).0, version);
    }
    let product =
        text(&sandbox.post("/v1/products", &[("name", "Pro"), ("active", "false")])["id"]);
    sandbox.post(&format!("/v1/products/{product}"), &[("active", "true")]);
    let posts = sandbox.world.take_due(100);
    assert_eq!(posts.len(), 6);
    let schemas = Schemas::load();
    for post in posts {
        let (event, version) = (body(&post), of[&post.endpoint]);
        assert_eq!(event["api_version"], version);
        let product = &event["data"]["object"];
        // Until 2024 a product's features were those of marketing.
        assert_eq!(product.get("features").is_some(), version < "2024-04-10", "{version}");
        if version == CURRENT {
            assert_eq!(schemas.faults("product", product), [""; 0]);
        }
        if post.kind == "product.updated" {
            assert_eq!(event["data"]["previous_attributes"], json!({ "active": false }));
        }
    }
}

/// A customer who pays, and an invoice of theirs that is paid on finalization.
fn paid_invoice(sandbox: &mut Sandbox) -> String {
    let ada = customer(sandbox);
    let card = sandbox.post("/v1/payment_methods/pm_card_visa/attach", &[("customer", &ada)]);
    let default = [("invoice_settings[default_payment_method]", card["id"].as_str().unwrap())];
    sandbox.post(&format!("/v1/customers/{ada}"), &default);
    let item = [("customer", ada.as_str()), ("amount", "500"), ("currency", "usd")];
    sandbox.post("/v1/invoiceitems", &item);
    let params = [("customer", ada.as_str()), ("pending_invoice_items_behavior", "include")];
    let invoice = text(&sandbox.post("/v1/invoices", &params)["id"]);
    sandbox.post(&format!("/v1/invoices/{invoice}/pay"), &[]);
    invoice
}

/// In old versions an invoice showed its charge: an event that tells of the charge says that
/// there was none before.
#[test]
fn previous_attributes_of_old_versions_are_those_of_before() {
    let mut sandbox = Sandbox::new();
    endpoint(&mut sandbox, &[("api_version", "2020-08-27")]);
    let invoice = paid_invoice(&mut sandbox);
    let posts = sandbox.world.take_due(100);
    let updates: Vec<Value> =
        posts.iter().filter(|post| post.kind == "invoice.updated").map(body).collect();
    let about = |event: &&Value| event["data"]["object"]["id"] == invoice.as_str();
    let told =
        updates.iter().filter(about).filter(|event| event["data"]["object"]["charge"].is_string());
    let mut charge = None;
    for event in told {
        let previous = &event["data"]["previous_attributes"];
        if charge.is_none() {
            assert_eq!(previous.get("charge"), Some(&Value::Null), "{previous:#}");
        } else {
            assert_eq!(previous.get("charge"), None);
        }
        charge = Some(event["data"]["object"]["charge"].clone());
    }
    assert!(charge.is_some(), "an update tells of the charge");
}
