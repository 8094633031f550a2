//! Before basil: an invoice named its subscription and its one payment, a line and an invoice item
//! carried their price.

use serde_json::{Value, json};

use super::basil::{plan_of, set_first_discount};
use super::{Facts, Object, Payment, field, id_of, set, whole};

/// 2025-03-31.basil: what an invoice comes from moved to `parent`, how it was paid to `payments`,
/// taxes to `total_taxes`, `discount` to `discounts`.
pub(super) fn invoice(invoice: &mut Object, facts: &dyn Facts) {
    set_origin(invoice);
    set_payment(invoice, facts);
    set_first_discount(invoice, facts);
    let taxes = field(invoice, "total_taxes").as_array().cloned().unwrap_or_default();
    let tax: i64 = taxes.iter().filter_map(|tax| tax["amount"].as_i64()).sum();
    set(invoice, "tax", (!taxes.is_empty()).then_some(tax));
    set(invoice, "total_tax_amounts", tax_amounts(&taxes));
    for name in ["application_fee_amount", "transfer_data"] {
        set(invoice, name, Value::Null);
    }
}

fn set_origin(invoice: &mut Object) {
    let details = field(invoice, "parent.subscription_details").clone();
    let quote = field(invoice, "parent.quote_details.quote").clone();
    set(invoice, "subscription", details["subscription"].clone());
    // An invoice of no subscription has details too, of nothing.
    set(invoice, "subscription_details", json!({"metadata": details["metadata"]}));
    if let date @ Value::Number(_) = &details["subscription_proration_date"] {
        set(invoice, "subscription_proration_date", date.clone());
    }
    set(invoice, "quote", quote);
}

fn set_payment(invoice: &mut Object, facts: &dyn Facts) {
    let id = invoice.get("id").and_then(id_of);
    let payment = id.and_then(|id| facts.payment_of_invoice(id));
    let Payment { payment_intent, charge } = payment.unwrap_or_default();
    let paid = field(invoice, "status") == "paid";
    let elsewhere = field(invoice, "amount_paid_off_stripe").as_i64() > Some(0);
    set(invoice, "payment_intent", payment_intent);
    set(invoice, "charge", charge);
    set(invoice, "paid", paid);
    set(invoice, "paid_out_of_band", paid && elsewhere);
}

/// 2025-03-31.basil: a line's price moved to `pricing`, its origin to `parent`, its taxes to
/// `taxes`.
pub(super) fn line(line: &mut Object, facts: &dyn Facts) {
    set_line_origin(line);
    set_line_taxes(line, facts);
    set_price(line, facts);
    let unit_amount = field(line, "pricing.unit_amount_decimal").clone();
    set(line, "unit_amount_excluding_tax", unit_amount);
}

fn set_line_origin(line: &mut Object) {
    let from_subscription = field(line, "parent.subscription_item_details").clone();
    let details = match &from_subscription {
        Value::Null => field(line, "parent.invoice_item_details").clone(),
        details => details.clone(),
    };
    let by_itself = from_subscription.is_object() && details["invoice_item"].is_null();
    set(line, "type", if by_itself { "subscription" } else { "invoiceitem" });
    set(line, "proration", details["proration"] == true);
    let credited = &details["proration_details"]["credited_items"];
    set(line, "proration_details", json!({"credited_items": credited}));
    if field(line, "subscription").is_null() {
        set(line, "subscription", details["subscription"].clone());
    }
    for name in ["invoice_item", "subscription_item"] {
        if let id @ Value::String(_) = &details[name] {
            set(line, name, id.clone());
        }
    }
}

fn set_line_taxes(line: &mut Object, facts: &dyn Facts) {
    let taxes = field(line, "taxes").as_array().cloned().unwrap_or_default();
    let rates = taxes.iter().filter_map(|tax| id_of(&tax["tax_rate_details"]["tax_rate"]));
    let rates: Vec<Value> = rates.filter_map(|rate| facts.object(rate)).collect();
    let included = taxes.iter().filter(|tax| tax["tax_behavior"] == "inclusive");
    let included: i64 = included.filter_map(|tax| tax["amount"].as_i64()).sum();
    let amount = field(line, "amount").as_i64().map(|amount| amount - included);
    set(line, "amount_excluding_tax", amount);
    set(line, "tax_amounts", tax_amounts(&taxes));
    set(line, "tax_rates", rates);
}

fn tax_amounts(taxes: &[Value]) -> Vec<Value> {
    let amount = |tax: &Value| {
        json!({
            "amount": tax["amount"],
            "inclusive": tax["tax_behavior"] == "inclusive",
            "tax_rate": tax["tax_rate_details"]["tax_rate"],
            "taxability_reason": tax["taxability_reason"],
            "taxable_amount": tax["taxable_amount"],
        })
    };
    taxes.iter().map(amount).collect()
}

/// 2025-03-31.basil: an invoice item's price moved to `pricing`, its subscription to `parent`.
pub(super) fn item(item: &mut Object, facts: &dyn Facts) {
    set_price(item, facts);
    let details = field(item, "parent.subscription_details").clone();
    set(item, "subscription", details["subscription"].clone());
    if let id @ Value::String(_) = &details["subscription_item"] {
        set(item, "subscription_item", id.clone());
    }
    let decimal = field(item, "pricing.unit_amount_decimal").clone();
    let whole_number = decimal.as_str().and_then(|text| text.parse::<i64>().ok());
    set(item, "unit_amount", whole_number);
    set(item, "unit_amount_decimal", decimal);
}

/// Sets the price that `pricing` names, whole, and the plan that it was.
fn set_price(fields: &mut Object, facts: &dyn Facts) {
    let price = whole(field(fields, "pricing.price_details.price"), facts);
    set(fields, "plan", plan_of(&price));
    set(fields, "price", price);
}

#[cfg(test)]
mod tests {
    use crate::version::shelf::{Shelf, at};
    use serde_json::{Value, json};

    const BEFORE: &str = "2025-02-24.acacia";
    const BASIL: &str = "2025-03-31.basil";

    fn price() -> Value {
        json!({
            "id": "price_1", "object": "price", "unit_amount": 500, "unit_amount_decimal": "500",
            "currency": "usd", "transform_quantity": null,
            "recurring": {"interval": "month", "interval_count": 3, "usage_type": "licensed"},
        })
    }

    fn tax(amount: i64, behavior: &str) -> Value {
        json!({
            "amount": amount, "tax_behavior": behavior, "taxable_amount": 400,
            "taxability_reason": "standard_rated", "tax_rate_details": {"tax_rate": "txr_1"},
        })
    }

    fn line(parent: &Value) -> Value {
        json!({
            "object": "line_item", "amount": 500, "taxes": [], "parent": parent,
            "pricing": {"price_details": {"price": "price_1"}, "unit_amount_decimal": "500"},
        })
    }

    #[test]
    fn an_invoice_names_its_subscription_and_payment() {
        let shelf = Shelf::default().with_payment("in_1", "pi_1", "ch_1");
        let newest = json!({
            "object": "invoice", "id": "in_1", "status": "paid", "discounts": [],
            "parent": {"quote_details": null, "subscription_details": {
                "subscription": "sub_1", "metadata": {"a": "b"}, "subscription_proration_date": 7,
            }},
        });
        let older = at(BEFORE, &newest, &shelf);
        assert_eq!(older["subscription"], "sub_1");
        assert_eq!(older["subscription_details"], json!({"metadata": {"a": "b"}}));
        assert_eq!(older["subscription_proration_date"], 7);
        assert_eq!((&older["payment_intent"], &older["charge"]), (&json!("pi_1"), &json!("ch_1")));
        assert_eq!((&older["paid"], &older["paid_out_of_band"]), (&json!(true), &json!(false)));
        for null in ["quote", "tax", "discount", "application_fee_amount", "transfer_data"] {
            assert_eq!(older.get(null), Some(&Value::Null), "{null}");
        }
        assert_eq!(at(BASIL, &newest, &shelf), newest);
    }

    #[test]
    fn an_invoice_by_hand_has_no_subscription_and_no_payment() {
        let newest = json!({
            "object": "invoice", "id": "in_1", "status": "open", "parent": null,
            "amount_paid_off_stripe": 0,
        });
        let older = at(BEFORE, &newest, &Shelf::default());
        assert_eq!(older["subscription_details"], json!({"metadata": null}));
        for null in ["subscription", "payment_intent", "charge"] {
            assert_eq!(older.get(null), Some(&Value::Null), "{null}");
        }
        assert_eq!(older["paid"], false);
        assert_eq!(older.get("subscription_proration_date"), None);
    }

    #[test]
    fn an_invoice_paid_elsewhere_is_paid_out_of_band() {
        let newest = json!({"object": "invoice", "status": "paid", "amount_paid_off_stripe": 500});
        assert_eq!(at(BEFORE, &newest, &Shelf::default())["paid_out_of_band"], true);
    }

    #[test]
    fn taxes_were_amounts_that_say_whether_they_are_included() {
        let taxes = [tax(100, "inclusive"), tax(20, "exclusive")];
        let shelf = Shelf::of([json!({"id": "txr_1", "object": "tax_rate"})]);
        let amount = |amount: i64, inclusive: bool| {
            json!({
                "amount": amount, "inclusive": inclusive, "tax_rate": "txr_1",
                "taxability_reason": "standard_rated", "taxable_amount": 400,
            })
        };
        let amounts = json!([amount(100, true), amount(20, false)]);
        let invoice = at(BEFORE, &json!({"object": "invoice", "total_taxes": taxes}), &shelf);
        assert_eq!((&invoice["tax"], &invoice["total_tax_amounts"]), (&json!(120), &amounts));
        let line = json!({"object": "line_item", "amount": 500, "taxes": taxes});
        let line = at(BEFORE, &line, &shelf);
        assert_eq!((&line["amount_excluding_tax"], &line["tax_amounts"]), (&json!(400), &amounts));
        assert_eq!(line["tax_rates"][1]["id"], "txr_1");
    }

    #[test]
    fn a_line_of_the_subscription_carries_its_price_and_plan() {
        let newest = line(&json!({"invoice_item_details": null, "subscription_item_details": {
            "invoice_item": null, "proration": false, "subscription": "sub_1",
            "subscription_item": "si_1", "proration_details": {"credited_items": null},
        }}));
        let older = at(BEFORE, &newest, &Shelf::of([price()]));
        assert_eq!(older["type"], "subscription");
        assert_eq!(older["subscription"], "sub_1");
        assert_eq!(older["subscription_item"], "si_1");
        assert_eq!(older.get("invoice_item"), None);
        assert_eq!(older["proration"], false);
        assert_eq!(older["proration_details"], json!({"credited_items": null}));
        assert_eq!(older["price"]["unit_amount"], 500);
        assert_eq!(older["price"]["recurring"].get("aggregate_usage"), Some(&Value::Null));
        assert_eq!(
            (&older["plan"]["id"], &older["plan"]["amount"]),
            (&json!("price_1"), &json!(500))
        );
        assert_eq!(older["plan"]["interval_count"], 3);
        assert_eq!(older["plan"].get("aggregate_usage"), Some(&Value::Null));
        assert_eq!(older["amount_excluding_tax"], 500);
        assert_eq!(older["unit_amount_excluding_tax"], "500");
        assert_eq!((&older["tax_amounts"], &older["tax_rates"]), (&json!([]), &json!([])));
        assert_eq!(at(BASIL, &newest, &Shelf::of([price()])), newest);
    }

    #[test]
    fn a_proration_is_a_line_of_an_invoice_item() {
        let credited = json!({"invoice": "in_0", "invoice_line_items": ["il_0"]});
        let newest = line(&json!({"subscription_item_details": {
            "invoice_item": "ii_1", "proration": true, "subscription": "sub_1",
            "subscription_item": "si_1", "proration_details": {"credited_items": credited},
        }}));
        let older = at(BEFORE, &newest, &Shelf::default());
        assert_eq!(older["type"], "invoiceitem");
        assert_eq!(older["invoice_item"], "ii_1");
        assert_eq!(older["proration"], true);
        assert_eq!(older["proration_details"]["credited_items"], credited);
    }

    #[test]
    fn a_line_for_one_time_has_no_plan() {
        let newest = line(&json!({"subscription_item_details": null, "invoice_item_details": {
            "invoice_item": "ii_1", "proration": false, "subscription": null,
        }}));
        let mut once = price();
        once["recurring"] = Value::Null;
        let older = at(BEFORE, &newest, &Shelf::of([once]));
        assert_eq!((&older["type"], &older["plan"]), (&json!("invoiceitem"), &Value::Null));
        assert_eq!(older["price"]["id"], "price_1");
        assert_eq!((older.get("subscription_item"), &older["subscription"]), (None, &Value::Null));
    }

    #[test]
    fn an_invoice_item_carries_its_price_and_subscription() {
        let newest = json!({
            "object": "invoiceitem",
            "parent": {"subscription_details": {"subscription": "sub_1", "subscription_item": "si_1"}},
            "pricing": {"price_details": {"price": "price_1"}, "unit_amount_decimal": "500"},
        });
        let older = at(BEFORE, &newest, &Shelf::of([price()]));
        assert_eq!(older["subscription"], "sub_1");
        assert_eq!(older["subscription_item"], "si_1");
        assert_eq!(
            (&older["unit_amount"], &older["unit_amount_decimal"]),
            (&json!(500), &json!("500"))
        );
        assert_eq!(
            (&older["price"]["id"], &older["plan"]["id"]),
            (&json!("price_1"), &json!("price_1"))
        );
        assert_eq!(at(BASIL, &newest, &Shelf::of([price()])), newest);
    }

    #[test]
    fn an_amount_below_a_minor_unit_has_no_unit_amount() {
        let newest = json!({"object": "invoiceitem", "pricing": {"unit_amount_decimal": "0.5"}});
        let older = at(BEFORE, &newest, &Shelf::default());
        assert_eq!(older.get("unit_amount"), Some(&Value::Null));
        assert_eq!(older["unit_amount_decimal"], "0.5");
    }
}
