//! What a call says about an invoice: checked as a whole before anything changes, then written.

use serde_json::{Value, json};

use crate::error::StripeError;
use crate::money::calendar::DAY;
use crate::object::invoice::{Invoice, Rare, Status};
use crate::object::{change_metadata, change_text};
use crate::params::Params;
use crate::world::World;

/// What the sandbox does not have.
const ABSENT: [&str; 9] = [
    "account_tax_ids",
    "application_fee_amount",
    "customer_account",
    "default_source",
    "default_tax_rates",
    "from_invoice",
    "on_behalf_of",
    "shipping_cost",
    "transfer_data",
];
/// What may change only while an invoice is a draft.
const DRAFT_ONLY: [&str; 16] = [
    "automatic_tax",
    "automatically_finalizes_at",
    "collection_method",
    "custom_fields",
    "days_until_due",
    "description",
    "discounts",
    "due_date",
    "effective_at",
    "footer",
    "issuer",
    "number",
    "payment_settings",
    "rendering",
    "shipping_details",
    "statement_descriptor",
];
/// How many custom fields an invoice may have.
const CUSTOM_FIELDS_MAX: usize = 4;
/// The furthest that an invoice may be scheduled: five years.
const SCHEDULE_DAYS_MAX: i64 = 5 * 366;

/// Refuses what an invoice of the sandbox cannot have, or what is wrong in itself.
pub(super) fn check(world: &World, params: &Params, now: i64) -> Result<(), StripeError> {
    refuse_absent(params, &ABSENT)?;
    if params.sub("issuer").is_some_and(|issuer| issuer.text("type") == Some("account")) {
        return Err(params.refuse("issuer", "Connected accounts are not part of the sandbox."));
    }
    if let Some(settings) = params.sub("payment_settings") {
        refuse_absent(&settings, &["default_mandate", "payment_method_options"])?;
    }
    let fields = params.list("custom_fields").unwrap_or_default();
    if fields.len() > CUSTOM_FIELDS_MAX {
        let message = format!("An invoice has at most {CUSTOM_FIELDS_MAX} custom fields.");
        return Err(params.refuse("custom_fields", message));
    }
    for field in &fields {
        field.need_text("name")?;
        field.need_text("value")?;
    }
    if let Some(number) = params.text("number") {
        let taken = world.invoices.newest().any(|row| row.number.as_deref() == Some(number));
        if taken {
            let message = format!("The invoice number '{number}' is already in use.");
            return Err(params.refuse("number", message));
        }
    }
    check_schedule(params, now)
}

/// Refuses parameters that the sandbox does not have; empty ones change nothing.
pub(super) fn refuse_absent(params: &Params, names: &[&str]) -> Result<(), StripeError> {
    let given = |name: &&&str| match params.value(name) {
        Some(Value::Array(values)) => !values.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        value => value.is_some(),
    };
    match names.iter().find(given) {
        Some(name) => Err(params.refuse(name, format!("`{name}` is not part of the sandbox."))),
        None => Ok(()),
    }
}

fn check_schedule(params: &Params, now: i64) -> Result<(), StripeError> {
    let Some(at) = params.int("automatically_finalizes_at") else { return Ok(()) };
    if params.flag("auto_advance") != Some(true) {
        let message = "This needs `auto_advance=true`.";
        return Err(params.refuse("automatically_finalizes_at", message));
    }
    if at <= now || at > now + SCHEDULE_DAYS_MAX * DAY {
        let message = "This must be in the future, at most five years from now.";
        return Err(params.refuse("automatically_finalizes_at", message));
    }
    Ok(())
}

/// How an invoice is collected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Collection {
    pub(super) method: &'static str,
    pub(super) days_until_due: Option<i64>,
    pub(super) due_date: Option<i64>,
}

/// Reads how an invoice is collected; `is` is how it is so far. An invoice that is sent needs a
/// time by which it is paid, and only such a one has it.
pub(super) fn collection(
    params: &Params,
    is: &Collection,
    created: i64,
    now: i64,
) -> Result<Collection, StripeError> {
    let method = match params.text("collection_method") {
        Some("send_invoice") => "send_invoice",
        Some(_) => "charge_automatically",
        None => is.method,
    };
    let (days, date) = (params.int("days_until_due"), params.int("due_date"));
    if method == "charge_automatically" {
        if let Some(name) = ["days_until_due", "due_date"].iter().find(|name| params.has(name)) {
            let message =
                format!("`{name}` is for invoices with `collection_method=send_invoice`.");
            return Err(params.refuse(name, message));
        }
        return Ok(Collection { method, days_until_due: None, due_date: None });
    }
    match (days, date) {
        (Some(_), Some(_)) => {
            Err(params.refuse("due_date", "Give either `days_until_due` or `due_date`, not both."))
        }
        (Some(days), None) if days < 0 => Err(params
            .refuse("days_until_due", "This value must be greater than or equal to 0.")
            .code("parameter_invalid_integer")),
        (Some(days), None) => {
            let due_date = Some(created + days * DAY);
            Ok(Collection { method, days_until_due: Some(days), due_date })
        }
        (None, Some(date)) if date <= now => {
            Err(params.refuse("due_date", "The due date must be in the future."))
        }
        (None, Some(_)) => Ok(Collection { method, days_until_due: None, due_date: date }),
        (None, None) if is.due_date.is_some() => Ok(Collection { method, ..*is }),
        (None, None) => Err(params
            .refuse(
                "days_until_due",
                "An invoice that is sent needs `days_until_due` or `due_date`.",
            )
            .code("parameter_missing")),
    }
}

/// Refuses to change what is fixed once an invoice is final.
pub(super) fn check_editable(invoice: &Invoice, params: &Params) -> Result<(), StripeError> {
    if invoice.status == Status::Draft {
        return Ok(());
    }
    let fixed = DRAFT_ONLY.iter().find(|name| params.has(name) || params.cleared(name));
    match fixed {
        Some(name) => Err(params
            .refuse(name, format!("Finalized invoices can't be updated: `{name}` is fixed."))
            .code("invoice_not_editable")),
        None => Ok(()),
    }
}

/// Writes what a call says, but for what needs the world: discounts and methods.
pub(super) fn apply(invoice: &mut Invoice, params: &Params) {
    if let Some(advances) = params.flag("auto_advance") {
        invoice.auto_advance = advances;
    }
    if let Some(tax) = params.sub("automatic_tax") {
        invoice.automatic_tax = tax.flag("enabled").unwrap_or(false);
    }
    if params.cleared("effective_at") {
        invoice.moments.effective_at = None;
    } else if let Some(at) = params.int("effective_at") {
        invoice.moments.effective_at = Some(at);
    }
    change_text(&mut invoice.description, params, "description");
    change_text(&mut invoice.number, params, "number");
    change_metadata(&mut invoice.metadata, params);
    const RARE: [&str; 6] = [
        "custom_fields",
        "footer",
        "payment_settings",
        "rendering",
        "shipping_details",
        "statement_descriptor",
    ];
    if RARE.iter().any(|name| params.has(name) || params.cleared(name)) {
        apply_rare(invoice.rare.get_or_insert_default(), params);
    }
}

fn apply_rare(rare: &mut Rare, params: &Params) {
    change_text(&mut rare.footer, params, "footer");
    change_text(&mut rare.statement_descriptor, params, "statement_descriptor");
    change_value(&mut rare.custom_fields, params, "custom_fields", |params| {
        let fields = params.list("custom_fields").unwrap_or_default();
        let pair =
            |field: &Params| json!({ "name": field.text("name"), "value": field.text("value") });
        Value::Array(fields.iter().map(pair).collect())
    });
    change_value(&mut rare.rendering, params, "rendering", |params| {
        let given = params.sub("rendering").unwrap_or_default();
        let pdf = given.sub("pdf").unwrap_or_default();
        json!({
            "amount_tax_display": given.text("amount_tax_display"),
            "pdf": { "page_size": pdf.text("page_size").unwrap_or("auto") },
            "template": given.text("template"),
            "template_version": given.int("template_version"),
        })
    });
    change_value(&mut rare.shipping_details, params, "shipping_details", shipping);
    if let Some(settings) = params.sub("payment_settings") {
        change_value(
            &mut rare.payment_method_types,
            &settings,
            "payment_method_types",
            |settings| settings.value("payment_method_types").cloned().unwrap_or_default(),
        );
    }
}

fn change_value(place: &mut Value, params: &Params, name: &str, read: impl Fn(&Params) -> Value) {
    if params.cleared(name) {
        *place = Value::Null;
    } else if params.has(name) {
        *place = read(params);
    }
}

fn shipping(params: &Params) -> Value {
    let given = params.sub("shipping_details").unwrap_or_default();
    let address = given.sub("address").unwrap_or_default();
    json!({
        "address": {
            "city": address.text("city"),
            "country": address.text("country"),
            "line1": address.text("line1"),
            "line2": address.text("line2"),
            "postal_code": address.text("postal_code"),
            "state": address.text("state"),
        },
        "carrier": null,
        "name": given.text("name").unwrap_or_default(),
        "phone": given.text("phone"),
        "tracking_number": null,
    })
}
