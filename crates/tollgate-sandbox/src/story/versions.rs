//! The same object in the shapes of older API versions.
//!
//! A story keeps its objects in the newest shape with what they refer to expanded (an invoice its
//! payments and prices, a payment its charge), plus `invoice` on payments and charges, which
//! Stripe once sent. From that one tree every version's snapshot can be cut.

use super::json::Json;
use super::objects::catalog;

/// An API version in whose shapes a story can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ApiVersionShape {
    /// 2020-08-27: payments list their charges, charges their refunds.
    V2020_08_27,
    /// 2022-11-15: payments name their latest charge.
    V2022_11_15,
    /// 2024-06-20: the last shapes before basil that are widely pinned.
    V2024_06_20,
    /// 2025-03-31.basil: periods on items, invoices with a parent and several payments.
    Basil,
    /// 2025-09-30.clover: coupons behind `promotion` and `source`.
    Clover,
    /// 2026-10-28.endive: the current one.
    #[default]
    Endive,
}

impl ApiVersionShape {
    /// Every version, oldest first.
    pub const ALL: [Self; 6] = [
        Self::V2020_08_27,
        Self::V2022_11_15,
        Self::V2024_06_20,
        Self::Basil,
        Self::Clover,
        Self::Endive,
    ];

    /// Returns the version as Stripe writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2020_08_27 => "2020-08-27",
            Self::V2022_11_15 => "2022-11-15",
            Self::V2024_06_20 => "2024-06-20",
            Self::Basil => "2025-03-31.basil",
            Self::Clover => "2025-09-30.clover",
            Self::Endive => "2026-10-28.endive",
        }
    }
}

use ApiVersionShape::{Basil, Clover, Endive, V2022_11_15, V2024_06_20};

/// Returns the snapshot that Stripe would send of an object of a story.
pub(super) fn render(stage: &Json, version: ApiVersionShape) -> Json {
    let mut object = stage.clone();
    match stage.text("object") {
        "subscription" => subscription(&mut object, version),
        "invoice" => invoice(&mut object, version),
        "payment_intent" => payment_intent(&mut object, version),
        "charge" => charge(&mut object, version),
        "promotion_code" => promotion_code(&mut object, version),
        "discount" => discount(&mut object, version),
        "checkout.session" => session(&mut object, version),
        "dispute" => dispute(&mut object, version),
        "product" => product(&mut object, version),
        _ => {}
    }
    object
}

fn subscription(object: &mut Json, version: ApiVersionShape) {
    if version < Endive {
        for key in ["billing_schedules", "managed_payments", "status_details"] {
            object.take(key);
        }
        object.slot("trial_settings.end_behavior").take("billing_cycle_anchor");
        for item in object.items_mut("items.data") {
            item.take("current_trial");
        }
    }
    if version < Clover {
        // Subscriptions were created with classic billing unless one asked for another.
        object.set("billing_mode.flexible", Json::Null);
        object.set("billing_mode.type", "classic");
    }
    if version < Basil {
        object.take("billing_mode");
        let first = object.get("discounts.0").clone();
        object.set("discount", shown(&first, version));
        for (key, path) in [
            ("current_period_end", "items.data.0.current_period_end"),
            ("current_period_start", "items.data.0.current_period_start"),
            ("plan", "items.data.0.plan"),
            ("quantity", "items.data.0.quantity"),
        ] {
            let value = object.get(path).clone();
            object.set(key, value);
        }
        for item in object.items_mut("items.data") {
            item.take("current_period_end");
            item.take("current_period_start");
        }
    }
    collapse_all(object.items_mut("discounts"));
}

fn invoice(object: &mut Json, version: ApiVersionShape) {
    let payments = object.take("payments");
    if version < Endive {
        object.take("status_details");
    }
    if version < Basil {
        invoice_before_basil(object, &payments, version);
    }
    for line in object.items_mut("lines.data") {
        if version < Basil {
            line_before_basil(line);
        } else {
            collapse(line.slot("pricing.price_details.price"));
        }
        collapse_all(line.items_mut("discounts"));
    }
    collapse_all(object.items_mut("discounts"));
}

fn invoice_before_basil(object: &mut Json, payments: &Json, version: ApiVersionShape) {
    let parent = object.take("parent");
    object.take("total_taxes");
    object.take("amount_overpaid");
    let details = parent.get("subscription_details");
    object.set("subscription", details.get("subscription"));
    if let date @ Json::Int(_) = details.get("subscription_proration_date") {
        object.set("subscription_proration_date", date);
    }
    let metadata = Json::object([("metadata", details.get("metadata").clone())]);
    object.set("subscription_details", if details.is_null() { Json::Null } else { metadata });
    let payment = payments.get("data.0.payment");
    object.set("payment_intent", payment.get("payment_intent"));
    object.set("charge", payment.get("charge"));
    object.set("paid", object.text("status") == "paid");
    object.set("paid_out_of_band", false);
    let first = object.get("discounts.0").clone();
    object.set("discount", shown(&first, version));
    for key in ["quote", "tax", "application_fee_amount", "transfer_data"] {
        object.set(key, Json::Null);
    }
    object.set("total_tax_amounts", Vec::new());
}

fn line_before_basil(line: &mut Json) {
    let parent = line.take("parent");
    let pricing = line.take("pricing");
    line.take("taxes");
    line.take("quantity_decimal");
    line.take("subtotal");
    let (details, kind) = match parent.get("subscription_item_details") {
        Json::Null => (parent.get("invoice_item_details"), "invoiceitem"),
        details if details.get("invoice_item").is_null() => (details, "subscription"),
        details => (details, "invoiceitem"),
    };
    let price = pricing.get("price_details.price");
    let recurring = !price.get("recurring").is_null();
    line.set("plan", if recurring { catalog::plan_of(price) } else { Json::Null });
    line.set("price", price);
    line.set("proration", details.get("proration"));
    line.set("proration_details", details.get("proration_details"));
    line.set("subscription", details.get("subscription"));
    for (key, path) in
        [("subscription_item", "subscription_item"), ("invoice_item", "invoice_item")]
    {
        if let id @ Json::Text(_) = details.get(path) {
            line.set(key, id);
        }
    }
    line.set("amount_excluding_tax", line.int("amount"));
    line.set("unit_amount_excluding_tax", price.get("unit_amount_decimal"));
    line.set("tax_amounts", Vec::new());
    line.set("tax_rates", Vec::new());
    line.set("type", kind);
}

fn payment_intent(object: &mut Json, version: ApiVersionShape) {
    if version >= Basil {
        object.take("invoice");
    }
    if version < Endive {
        for key in ["allowed_payment_method_types", "managed_payments"] {
            object.take(key);
        }
    }
    if version < V2022_11_15 {
        let charges = match object.get("latest_charge") {
            Json::Null => Vec::new(),
            latest => vec![render(latest, version)],
        };
        let url = format!("/v1/charges?payment_intent={}", object.text("id"));
        let count = i64::try_from(charges.len()).expect("one charge at most");
        let list = Json::object([
            ("object", "list".into()),
            ("data", charges.into()),
            ("has_more", false.into()),
            ("total_count", count.into()),
            ("url", url.into()),
        ]);
        object.set("charges", list);
    }
    collapse(object.slot("latest_charge"));
}

fn charge(object: &mut Json, version: ApiVersionShape) {
    if version >= Basil {
        object.take("invoice");
    }
    if version >= V2022_11_15 {
        object.take("refunds");
    }
}

fn promotion_code(object: &mut Json, version: ApiVersionShape) {
    if version < Clover {
        let mut promotion = object.take("promotion");
        object.set("coupon", promotion.take("coupon"));
    } else {
        collapse(object.slot("promotion.coupon"));
    }
}

fn discount(object: &mut Json, version: ApiVersionShape) {
    if version < Clover {
        let mut source = object.take("source");
        object.set("coupon", source.take("coupon"));
    } else {
        collapse(object.slot("source.coupon"));
    }
}

fn session(object: &mut Json, version: ApiVersionShape) {
    if version >= Endive {
        return;
    }
    let ui_mode = match object.text("ui_mode") {
        "embedded_page" => "embedded",
        "elements" => "custom",
        _ => "hosted",
    };
    object.set("ui_mode", ui_mode);
    for key in ["allowed_payment_method_types", "managed_payments"] {
        object.take(key);
    }
}

fn dispute(object: &mut Json, version: ApiVersionShape) {
    if version < Endive {
        object.take("intended_submission_method");
        object.slot("evidence_details").take("submission_method");
    }
}

fn product(object: &mut Json, version: ApiVersionShape) {
    if version < V2024_06_20 {
        let features = object.take("marketing_features");
        object.set("features", features);
    }
}

/// A discount inside another object; null stays null.
fn shown(discount: &Json, version: ApiVersionShape) -> Json {
    render(discount, version)
}

fn collapse_all(references: &mut [Json]) {
    references.iter_mut().for_each(collapse);
}

/// Puts an expanded object's id in its place.
fn collapse(reference: &mut Json) {
    if matches!(reference, Json::Object(_)) {
        *reference = reference.id();
    }
}
