//! Items and lines: what waits, what stands on a draft, and how either changes.

use serde_json::{Value, json};
use tollgate_sandbox::Method::Post;

use super::world::{DAY, START, Sandbox};
use super::{customer, draft, fields, item, show, step, text};

fn lines(invoice: &Value) -> Vec<(i64, String)> {
    let data = invoice["lines"]["data"].as_array().unwrap();
    let line = |line: &Value| {
        (line["amount"].as_i64().unwrap(), line["description"].as_str().unwrap_or("").to_owned())
    };
    data.iter().map(line).collect()
}

#[test]
fn items_wait_change_and_go() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let start = START.to_string();
    let end = (START + DAY).to_string();
    let made = sandbox.post(
        "/v1/invoiceitems",
        &[
            ("customer", &ada),
            ("unit_amount_decimal", "12.5"),
            ("quantity", "3"),
            ("currency", "usd"),
            ("description", "Setup"),
            ("period[start]", &start),
            ("period[end]", &end),
            ("metadata[k]", "v"),
        ],
    );
    // 3 × 12.5 cents are 37.5, rounded half up.
    assert_eq!(
        fields(&made, &["amount", "quantity", "invoice", "discountable", "proration"]),
        [json!(38), json!(3), Value::Null, json!(true), json!(false)]
    );
    assert_eq!(made["pricing"]["unit_amount_decimal"], "12.5");
    assert_eq!(made["period"], json!({ "start": START, "end": START + DAY }));
    let path = format!("/v1/invoiceitems/{}", text(&made["id"]));
    let more = sandbox.post(&path, &[("quantity", "4"), ("metadata[k]", "")]);
    assert_eq!(fields(&more, &["amount", "metadata"]), [json!(50), json!({})]);
    let credit = sandbox.post(&path, &[("amount", "-300"), ("discountable", "false")]);
    assert_eq!(
        fields(&credit, &["amount", "quantity", "discountable", "net_amount"]),
        [json!(-300), json!(1), json!(false), json!(-300)]
    );
    sandbox.told();
    assert_eq!(sandbox.delete(&path, &[])["deleted"], true);
    assert_eq!(sandbox.told(), ["invoiceitem.deleted"]);
}

/// Pending items come first, newest first; what is added to a draft comes last, in order.
#[test]
fn lines_stand_in_stripes_order() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    item(&mut sandbox, &ada, 100);
    item(&mut sandbox, &ada, 200);
    let invoice = draft(&mut sandbox, &ada, 300, &[]);
    for amount in ["400", "500"] {
        let params = [
            ("customer", ada.as_str()),
            ("invoice", &invoice),
            ("amount", amount),
            ("currency", "usd"),
        ];
        sandbox.post("/v1/invoiceitems", &params);
        assert_eq!(sandbox.told(), ["invoiceitem.created", "invoice.updated"]);
    }
    let open = step(&mut sandbox, &invoice, "finalize");
    let amounts: Vec<i64> = lines(&open).into_iter().map(|(amount, _)| amount).collect();
    assert_eq!(amounts, [300, 200, 100, 400, 500]);
    assert_eq!(fields(&open, &["subtotal", "total"]), [json!(1_500), json!(1_500)]);
    let details = &open["lines"]["data"][0]["parent"]["invoice_item_details"];
    assert!(text(&details["invoice_item"]).starts_with("ii_"));
}

/// Without being asked to, an invoice leaves pending items alone.
#[test]
fn pending_items_are_left_out_unless_they_are_asked_for() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    item(&mut sandbox, &ada, 100);
    assert_eq!(sandbox.post("/v1/invoices", &[("customer", &ada)])["total"], 0);
    let params = [("customer", ada.as_str()), ("pending_invoice_items_behavior", "exclude")];
    assert_eq!(sandbox.post("/v1/invoices", &params)["total"], 0);
    let params = [("customer", ada.as_str()), ("pending_invoice_items_behavior", "include")];
    assert_eq!(sandbox.post("/v1/invoices", &params)["total"], 100);
}

#[test]
fn an_item_on_a_draft_changes_its_line() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let invoice = draft(&mut sandbox, &ada, 1_000, &[]);
    let line = &show(&mut sandbox, &invoice)["lines"]["data"][0];
    let id = text(&line["parent"]["invoice_item_details"]["invoice_item"]);
    let path = format!("/v1/invoiceitems/{id}");
    sandbox.post(&path, &[("amount", "1500"), ("description", "More")]);
    let changed = show(&mut sandbox, &invoice);
    assert_eq!(lines(&changed), [(1_500, "More".to_owned())]);
    assert_eq!(changed["lines"]["data"][0]["id"], line["id"], "it is still the same line");
    assert_eq!(changed["amount_due"], 1_500);
    assert_eq!(sandbox.told(), ["invoice.updated"]);
    sandbox.delete(&path, &[]);
    assert_eq!(sandbox.told(), ["invoiceitem.deleted", "invoice.updated"]);
    assert_eq!(show(&mut sandbox, &invoice)["total"], 0);
}

#[test]
fn lines_are_added_updated_and_removed_together() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let invoice = draft(&mut sandbox, &ada, 1_000, &[]);
    let waiting = item(&mut sandbox, &ada, 50);
    sandbox.told();
    let path = format!("/v1/invoices/{invoice}");
    let added = sandbox.post(
        &format!("{path}/add_lines"),
        &[
            ("lines[0][amount]", "200"),
            ("lines[0][description]", "Two"),
            ("lines[1][invoice_item]", &waiting),
            ("invoice_metadata[order]", "7"),
        ],
    );
    let amounts: Vec<i64> = lines(&added).into_iter().map(|(amount, _)| amount).collect();
    assert_eq!(amounts, [1_000, 200, 50]);
    assert_eq!(fields(&added, &["total", "metadata"]), [json!(1_250), json!({ "order": "7" })]);
    assert_eq!(sandbox.told(), ["invoiceitem.created", "invoice.updated"]);
    let id = |at: usize| text(&added["lines"]["data"][at]["id"]);
    let updated = sandbox.post(
        &format!("{path}/update_lines"),
        &[
            ("lines[0][id]", id(0).as_str()),
            ("lines[0][amount]", "900"),
            ("lines[1][id]", id(1).as_str()),
            ("lines[1][description]", "Second"),
            ("invoice_metadata[order]", ""),
        ],
    );
    assert_eq!(lines(&updated)[..2], [(900, String::new()), (200, "Second".to_owned())]);
    assert_eq!(fields(&updated, &["total", "metadata"]), [json!(1_150), json!({})]);
    assert_eq!(sandbox.told(), ["invoice.updated"]);
    let one = sandbox.post(&format!("{path}/lines/{}", id(2)), &[("description", "Third")]);
    assert_eq!(fields(&one, &["id", "description"]), [json!(id(2)), json!("Third")]);
    sandbox.told();
    let removed = sandbox.post(
        &format!("{path}/remove_lines"),
        &[
            ("lines[0][id]", id(0).as_str()),
            ("lines[0][behavior]", "delete"),
            ("lines[1][id]", id(2).as_str()),
            ("lines[1][behavior]", "unassign"),
        ],
    );
    assert_eq!(lines(&removed), [(200, "Second".to_owned())]);
    assert_eq!(sandbox.told(), ["invoiceitem.deleted", "invoice.updated"]);
    let again = sandbox.get(&format!("/v1/invoiceitems/{waiting}"), &[]);
    assert_eq!(fields(&again, &["invoice", "description"]), [Value::Null, json!("Third")]);
}

#[test]
fn an_invoice_shows_ten_lines_and_lists_them_all() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    for amount in 1..=12 {
        item(&mut sandbox, &ada, amount * 100);
    }
    let invoice = draft(&mut sandbox, &ada, 1_300, &[]);
    let shown = show(&mut sandbox, &invoice);
    assert_eq!(shown["lines"]["data"].as_array().unwrap().len(), 10);
    assert_eq!(shown["lines"]["has_more"], true);
    assert_eq!(shown["total"], 9_100);
    let path = text(&shown["lines"]["url"]);
    let all = sandbox.get(&path, &[("limit", "100")]);
    assert_eq!(all["data"].as_array().unwrap().len(), 13);
    let last = text(&shown["lines"]["data"][9]["id"]);
    let rest = sandbox.get(&path, &[("starting_after", &last)]);
    assert_eq!(rest["data"].as_array().unwrap()[..], all["data"].as_array().unwrap()[10..]);
}

/// A final invoice is a document.
#[test]
fn the_lines_of_a_final_invoice_are_fixed() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let invoice = draft(&mut sandbox, &ada, 1_000, &[]);
    let line = text(&show(&mut sandbox, &invoice)["lines"]["data"][0]["id"]);
    step(&mut sandbox, &invoice, "finalize");
    let path = format!("/v1/invoices/{invoice}");
    for (path, params) in [
        (format!("{path}/add_lines"), vec![("lines[0][amount]", "1")]),
        (format!("{path}/update_lines"), vec![("lines[0][id]", line.as_str())]),
        (format!("{path}/lines/{line}"), vec![("description", "x")]),
        (
            format!("{path}/remove_lines"),
            vec![("lines[0][id]", line.as_str()), ("lines[0][behavior]", "delete")],
        ),
    ] {
        let (status, error) = sandbox.refused(Post, &path, &params);
        assert_eq!((status, text(&error["code"])), (400, "invoice_not_editable".to_owned()));
    }
}

/// A price says what an item costs, tiers and packages too; what recurs is for subscriptions.
#[test]
fn items_take_single_prices_and_make_their_own() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let product = text(&sandbox.post("/v1/products", &[("name", "Setup")])["id"]);
    let base = [("product", product.as_str()), ("currency", "usd"), ("unit_amount", "1500")];
    let once = text(&sandbox.post("/v1/prices", &base)["id"]);
    let params = [("customer", ada.as_str()), ("pricing[price]", &once), ("quantity", "3")];
    let made = sandbox.post("/v1/invoiceitems", &params);
    assert_eq!(
        fields(&made, &["amount", "quantity", "description", "currency"]),
        [json!(4_500), json!(3), json!("Setup"), json!("usd")]
    );
    assert_eq!(made["pricing"]["price_details"], json!({ "price": once, "product": product }));
    let path = format!("/v1/invoiceitems/{}", text(&made["id"]));
    assert_eq!(sandbox.post(&path, &[("quantity", "2")])["amount"], 3_000);
    let params = [
        ("customer", ada.as_str()),
        ("price_data[product]", product.as_str()),
        ("price_data[currency]", "usd"),
        ("price_data[unit_amount]", "250"),
        ("quantity", "2"),
    ];
    assert_eq!(sandbox.post("/v1/invoiceitems", &params)["amount"], 500);
    let mut monthly = base.to_vec();
    monthly.push(("recurring[interval]", "month"));
    let monthly = text(&sandbox.post("/v1/prices", &monthly)["id"]);
    let old = text(&sandbox.post("/v1/prices", &base)["id"]);
    sandbox.post(&format!("/v1/prices/{old}"), &[("active", "false")]);
    let euro = [("product", product.as_str()), ("currency", "eur"), ("unit_amount", "1")];
    let euro = text(&sandbox.post("/v1/prices", &euro)["id"]);
    let draft = draft(&mut sandbox, &ada, 100, &[]);
    for (price, param) in
        [(&monthly, "pricing[price]"), (&old, "pricing[price]"), (&euro, "currency")]
    {
        let params =
            [("customer", ada.as_str()), ("pricing[price]", price), ("invoice", draft.as_str())];
        let (status, error) = sandbox.refused(Post, "/v1/invoiceitems", &params);
        assert_eq!((status, text(&error["param"])), (400, param.to_owned()), "{error}");
    }
}
