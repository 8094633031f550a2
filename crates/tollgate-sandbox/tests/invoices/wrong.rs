//! Wrong calls: how each is refused, and that nothing has changed by it.

use serde_json::Value;
use tollgate_sandbox::Method::{self, Delete, Get, Post};

use super::world::{DAY, START, Sandbox};
use super::{customer, draft, show, step, text};

/// What the table names in braces.
struct Names(Vec<(&'static str, String)>);

impl Names {
    fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    }
}

/// Method, path, parameters; status, `code` (or `type`), `param`.
type Row = (Method, &'static str, &'static str, u16, &'static str, &'static str);

const INVALID: &str = "invalid_request_error";
const INTEGER: &str = "parameter_invalid_integer";
const FIXED: &str = "invoice_not_editable";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Making invoices.
    (Post, "/v1/invoices", "", 400, "parameter_missing", "customer"),
    (Post, "/v1/invoices", "customer=cus_x", 400, "resource_missing", "customer"),
    (Post, "/v1/invoices", "customer={ada}&colour=red", 400, "parameter_unknown", "colour"),
    (Post, "/v1/invoices", "customer={ada}&currency=euro", 400, INVALID, "currency"),
    (Post, "/v1/invoices", "customer={ada}&subscription=sub_x", 400, "resource_missing", "subscription"),
    (Post, "/v1/invoices", "customer={ada}&collection_method=post", 400, INVALID, "collection_method"),
    (Post, "/v1/invoices", "customer={ada}&collection_method=send_invoice", 400, "parameter_missing", "days_until_due"),
    (Post, "/v1/invoices", "customer={ada}&days_until_due=3", 400, INVALID, "days_until_due"),
    (Post, "/v1/invoices", "customer={ada}&due_date={later}", 400, INVALID, "due_date"),
    (Post, "/v1/invoices", "customer={ada}&collection_method=send_invoice&days_until_due=3&due_date={later}", 400, INVALID, "due_date"),
    (Post, "/v1/invoices", "customer={ada}&collection_method=send_invoice&due_date={past}", 400, INVALID, "due_date"),
    (Post, "/v1/invoices", "customer={ada}&collection_method=send_invoice&days_until_due=-1", 400, INTEGER, "days_until_due"),
    (Post, "/v1/invoices", "customer={ada}&automatically_finalizes_at={later}", 400, INVALID, "automatically_finalizes_at"),
    (Post, "/v1/invoices", "customer={ada}&auto_advance=true&automatically_finalizes_at={past}", 400, INVALID, "automatically_finalizes_at"),
    (Post, "/v1/invoices", "customer={ada}&pending_invoice_items_behavior=all", 400, INVALID, "pending_invoice_items_behavior"),
    (Post, "/v1/invoices", "customer={ada}&default_payment_method=pm_x", 400, "resource_missing", "default_payment_method"),
    (Post, "/v1/invoices", "customer={ada}&default_payment_method={bobs_card}", 400, INVALID, "default_payment_method"),
    (Post, "/v1/invoices", "customer={ada}&number={number}", 400, INVALID, "number"),
    (Post, "/v1/invoices", "customer={ada}&from_invoice[invoice]={open}&from_invoice[action]=revision", 400, INVALID, "from_invoice"),
    (Post, "/v1/invoices", "customer={ada}&application_fee_amount=5", 400, INVALID, "application_fee_amount"),
    (Post, "/v1/invoices", "customer={ada}&default_tax_rates[]=txr_x", 400, INVALID, "default_tax_rates"),
    (Post, "/v1/invoices", "customer={ada}&shipping_cost[shipping_rate]=shr_x", 400, INVALID, "shipping_cost"),
    (Post, "/v1/invoices", "customer={ada}&issuer[type]=account", 400, INVALID, "issuer"),
    (Post, "/v1/invoices", "customer={ada}&custom_fields[0][name]=a", 400, "parameter_missing", "custom_fields[0][value]"),
    // Changing them.
    (Post, "/v1/invoices/in_x", "description=a", 404, "resource_missing", "id"),
    (Post, "/v1/invoices/{open}", "description=a", 400, FIXED, "description"),
    (Post, "/v1/invoices/{open}", "collection_method=send_invoice", 400, FIXED, "collection_method"),
    (Post, "/v1/invoices/{open}", "discounts=", 400, FIXED, "discounts"),
    (Post, "/v1/invoices/{open}", "automatic_tax[enabled]=true", 400, FIXED, "automatic_tax"),
    (Post, "/v1/invoices/{paid}", "footer=a", 400, FIXED, "footer"),
    (Post, "/v1/invoices/{draft}", "days_until_due=4", 400, INVALID, "days_until_due"),
    (Post, "/v1/invoices/{draft}", "customer={bob}", 400, "parameter_unknown", "customer"),
    (Delete, "/v1/invoices/{open}", "", 400, FIXED, ""),
    (Delete, "/v1/invoices/{paid}", "", 400, FIXED, ""),
    (Delete, "/v1/invoices/in_x", "", 404, "resource_missing", "id"),
    // The steps of their life.
    (Post, "/v1/invoices/{open}/finalize", "", 400, FIXED, ""),
    (Post, "/v1/invoices/{void}/finalize", "", 400, FIXED, ""),
    (Post, "/v1/invoices/in_x/finalize", "", 404, "resource_missing", "id"),
    (Post, "/v1/invoices/{draft}/finalize", "when=now", 400, "parameter_unknown", "when"),
    (Post, "/v1/invoices/{paid}/pay", "", 400, INVALID, ""),
    (Post, "/v1/invoices/{void}/pay", "", 400, INVALID, ""),
    (Post, "/v1/invoices/{bobs}/pay", "", 400, "resource_missing", ""),
    (Post, "/v1/invoices/{open}/pay", "payment_method=pm_x", 400, "resource_missing", "payment_method"),
    (Post, "/v1/invoices/{open}/pay", "forgive=true", 400, INVALID, "forgive"),
    (Post, "/v1/invoices/{open}/pay", "source=src_x", 400, INVALID, "source"),
    (Post, "/v1/invoices/{open}/pay", "paid_out_of_band=true&payment_method=pm_card_visa", 400, INVALID, "payment_method"),
    (Post, "/v1/invoices/{open}/pay", "off_session=perhaps", 400, INVALID, "off_session"),
    (Post, "/v1/invoices/{open}/send", "", 400, INVALID, ""),
    (Post, "/v1/invoices/{draft}/void", "", 400, FIXED, ""),
    (Post, "/v1/invoices/{paid}/void", "", 400, FIXED, ""),
    (Post, "/v1/invoices/{void}/void", "", 400, FIXED, ""),
    (Post, "/v1/invoices/{draft}/mark_uncollectible", "", 400, FIXED, ""),
    (Post, "/v1/invoices/{paid}/mark_uncollectible", "", 400, FIXED, ""),
    (Post, "/v1/invoices/{open}/attach_payment", "", 400, "parameter_missing", "payment_intent"),
    (Post, "/v1/invoices/{open}/attach_payment", "payment_intent=pi_x", 400, "resource_missing", "payment_intent"),
    (Post, "/v1/invoices/{open}/attach_payment", "payment_record=pr_x", 400, INVALID, "payment_record"),
    (Post, "/v1/invoices/{draft}/attach_payment", "payment_intent={intent}", 400, INVALID, ""),
    (Post, "/v1/invoices/{open}/attach_payment", "payment_intent={intent}", 400, INVALID, "payment_intent"),
    // Items.
    (Post, "/v1/invoiceitems", "amount=5&currency=usd", 400, "parameter_missing", "customer"),
    (Post, "/v1/invoiceitems", "customer={ada}&currency=usd", 400, "parameter_missing", "amount"),
    (Post, "/v1/invoiceitems", "customer={new}&amount=5", 400, "parameter_missing", "currency"),
    (Post, "/v1/invoiceitems", "customer={ada}&amount=five&currency=usd", 400, INTEGER, "amount"),
    (Post, "/v1/invoiceitems", "customer={ada}&amount=5&unit_amount_decimal=5&currency=usd", 400, INVALID, "unit_amount_decimal"),
    (Post, "/v1/invoiceitems", "customer={ada}&amount=5&quantity=2&currency=usd", 400, INVALID, "quantity"),
    (Post, "/v1/invoiceitems", "customer={ada}&unit_amount_decimal=5&quantity=-2&currency=usd", 400, INTEGER, "quantity"),
    (Post, "/v1/invoiceitems", "customer={ada}&unit_amount_decimal=5&quantity_decimal=1.5&currency=usd", 400, INVALID, "quantity_decimal"),
    (Post, "/v1/invoiceitems", "customer={ada}&amount=9999999999999&currency=usd", 400, "amount_too_large", "amount"),
    (Post, "/v1/invoiceitems", "customer={ada}&amount=5&currency=dollars", 400, INVALID, "currency"),
    (Post, "/v1/invoiceitems", "customer={ada}&pricing[price]=price_x", 400, "resource_missing", "pricing[price]"),
    (Post, "/v1/invoiceitems", "customer={ada}&amount=5&currency=usd&invoice=in_x", 400, "resource_missing", "invoice"),
    (Post, "/v1/invoiceitems", "customer={ada}&amount=5&currency=usd&invoice={open}", 400, FIXED, "invoice"),
    (Post, "/v1/invoiceitems", "customer={bob}&amount=5&currency=usd&invoice={draft}", 400, INVALID, "invoice"),
    (Post, "/v1/invoiceitems", "customer={ada}&amount=5&currency=eur&invoice={draft}", 400, INVALID, "currency"),
    (Post, "/v1/invoiceitems", "customer={ada}&amount=5&currency=usd&subscription=sub_x", 400, "resource_missing", "subscription"),
    (Post, "/v1/invoiceitems", "customer={ada}&amount=5&currency=usd&period[start]={later}&period[end]={past}", 400, INVALID, "period[end]"),
    (Post, "/v1/invoiceitems", "customer={ada}&amount=5&currency=usd&tax_rates[]=txr_x", 400, INVALID, "tax_rates"),
    (Get, "/v1/invoiceitems/ii_x", "", 404, "resource_missing", "id"),
    (Post, "/v1/invoiceitems/{item}", "amount=5", 400, FIXED, ""),
    (Delete, "/v1/invoiceitems/{item}", "", 400, FIXED, ""),
    // Lines.
    (Post, "/v1/invoices/{draft}/add_lines", "", 400, "parameter_missing", "lines"),
    (Post, "/v1/invoices/{draft}/add_lines", "lines[0][description]=a", 400, "parameter_missing", "lines[0][amount]"),
    (Post, "/v1/invoices/{draft}/add_lines", "lines[0][invoice_item]={item}", 400, INVALID, "lines[0][invoice_item]"),
    (Post, "/v1/invoices/{draft}/add_lines", "lines[0][invoice_item]=ii_x", 400, "resource_missing", "lines[0][invoice_item]"),
    (Post, "/v1/invoices/{draft}/update_lines", "lines[0][id]=il_x", 400, "resource_missing", "lines[0][id]"),
    (Post, "/v1/invoices/{draft}/remove_lines", "lines[0][id]=il_x&lines[0][behavior]=delete", 400, "resource_missing", "lines[0][id]"),
    (Post, "/v1/invoices/{draft}/lines/il_x", "description=a", 404, "resource_missing", "id"),
    (Get, "/v1/invoices/in_x/lines", "", 404, "resource_missing", "id"),
    // Payments, lists and searches.
    (Get, "/v1/invoice_payments/inpay_x", "", 404, "resource_missing", "id"),
    (Get, "/v1/invoice_payments", "payment[type]=payment_intent", 400, "parameter_missing", "payment[payment_intent]"),
    (Get, "/v1/invoices", "status=lost", 400, INVALID, "status"),
    (Get, "/v1/invoices", "limit=0", 400, INTEGER, "limit"),
    (Get, "/v1/invoices", "starting_after=in_x", 400, "resource_missing", "starting_after"),
    (Get, "/v1/invoices/search", "", 400, "parameter_missing", "query"),
    (Get, "/v1/invoices/search", "query=colour:'red'", 400, INVALID, "query"),
];

/// The objects of the table: an invoice in each state, and what does not fit together.
fn names(sandbox: &mut Sandbox) -> Names {
    let (ada, bob) = (customer(sandbox, "pm_card_visa"), customer(sandbox, ""));
    let new = customer(sandbox, "");
    let paid = draft(sandbox, &ada, 1_000, &[]);
    step(sandbox, &paid, "pay");
    let void = draft(sandbox, &ada, 1_000, &[]);
    step(sandbox, &void, "finalize");
    step(sandbox, &void, "void");
    let open = draft(sandbox, &ada, 1_000, &[]);
    let open_now = step(sandbox, &open, "finalize");
    let line = &open_now["lines"]["data"][0]["parent"]["invoice_item_details"];
    let bobs = draft(sandbox, &bob, 1_000, &[]);
    let draft = draft(sandbox, &ada, 1_000, &[]);
    let card = sandbox.post("/v1/payment_methods/pm_card_visa/attach", &[("customer", &bob)]);
    let params = [("customer", bob.as_str()), ("amount", "500"), ("currency", "usd")];
    let intent = sandbox.post("/v1/payment_intents", &params);
    Names(vec![
        ("{ada}", ada),
        ("{bob}", bob),
        ("{new}", new),
        ("{paid}", paid),
        ("{void}", void),
        ("{open}", open),
        ("{bobs}", bobs),
        ("{draft}", draft),
        ("{item}", text(&line["invoice_item"])),
        ("{number}", text(&open_now["number"])),
        ("{bobs_card}", text(&card["id"])),
        ("{intent}", text(&intent["id"])),
        ("{later}", (START + 30 * DAY).to_string()),
        ("{past}", (START - DAY).to_string()),
    ])
}

#[test]
fn wrong_calls_are_refused_and_change_nothing() {
    let mut sandbox = Sandbox::new();
    let names = names(&mut sandbox);
    sandbox.told();
    let ids: Vec<String> =
        ["{paid}", "{void}", "{open}", "{bobs}", "{draft}"].map(|name| names.fill(name)).into();
    let before: Vec<Value> = ids.iter().map(|id| show(&mut sandbox, id)).collect();
    let mut faults = Vec::new();
    for (method, path, params, status, code, param) in ROWS {
        let what = format!("{} {path} {params}", method.as_str());
        let (path, params) = (names.fill(path), names.fill(params));
        let params: Vec<(&str, &str)> =
            params.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let (found, error) = sandbox.refused(*method, &path, &params);
        let says = if *code == INVALID { "type" } else { "code" };
        let said =
            (found, error[says].as_str().unwrap_or(""), error["param"].as_str().unwrap_or(""));
        if said != (*status, *code, *param) || error["message"].as_str().unwrap().len() < 10 {
            faults.push(format!("{what}: {error}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(sandbox.told(), [""; 0], "a refused call tells nothing");
    let after: Vec<Value> = ids.iter().map(|id| show(&mut sandbox, id)).collect();
    assert_eq!(before, after);
}
