//! What a visitor of the portal must not reach: what is somebody else's.

use serde_json::json;
use tollgate_sandbox::Method;

use crate::portal::Visitor;
use crate::shop::id;

const VISITS: &str = "/v1/billing_portal/sessions";

/// A token opens one customer's portal, and no other's.
#[test]
fn nobody_changes_the_plan_of_somebody_else() {
    let mut visitor = Visitor::new(&[]);
    let other = id(&visitor.shop.sandbox.post("/v1/customers", &[]));
    let theirs = visitor.show()["payment_methods"][0]["id"].clone();
    let mine = visitor.customer.clone();
    visitor.customer = other;
    visitor.visit(&[]);
    let of = json!({ "subscription": visitor.subscription });
    for step in ["cancel", "resume", "retention"] {
        assert_eq!(visitor.ask(step, &of).0, 400, "{step}");
    }
    let team = visitor.team.clone();
    let change = visitor.to(&team, 1);
    assert_eq!(visitor.ask("update", &change).0, 400);
    assert_eq!(visitor.ask("preview", &change).0, 400);
    for step in ["default_payment_method", "remove_payment_method"] {
        assert_eq!(visitor.ask(step, json!({ "payment_method": theirs })).0, 400, "{step}");
    }
    assert_eq!(visitor.show()["subscriptions"], json!([]));
    let subscription = visitor.subscription.clone();
    let params = [
        ("customer", &*visitor.customer.clone()),
        ("flow_data[type]", "subscription_cancel"),
        ("flow_data[subscription_cancel][subscription]", &*subscription),
    ];
    let (status, _) = visitor.shop.sandbox.refused(Method::Post, VISITS, &params);
    assert_eq!(status, 400);
    assert_eq!(
        (&visitor.row()["status"], &visitor.row()["customer"]),
        (&json!("active"), &json!(mine))
    );
}
