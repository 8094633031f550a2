//! Recipes about invoices and what they are made of.

use super::{
    CLOCK, CLOCKED, CLOCKED_SUBSCRIPTION, CUSTOMER, NO_CARD, PRICE, PRODUCT, Recipe, Step, advance,
    delete, post, recipe,
};

const ITEM: Step = post(
    "item",
    "/v1/invoiceitems",
    "customer={customer}&amount=2000&currency=usd&description=Made by a trigger",
);
const INVOICE: Step = post(
    "invoice",
    "/v1/invoices",
    "customer={customer}&pending_invoice_items_behavior=include&auto_advance=false",
);
const FINAL: Step = post("final", "/v1/invoices/{invoice}/finalize", "");
const PAID: Step = post("paid", "/v1/invoices/{invoice}/pay", "payment_method=pm_card_visa");
const NEW_ITEM: Step = post(
    "item",
    "/v1/invoiceitems",
    "customer={new}&amount=2000&currency=usd&description=Made by a trigger",
);
const NEW_INVOICE: Step = post(
    "invoice",
    "/v1/invoices",
    "customer={new}&pending_invoice_items_behavior=include&auto_advance=false",
);
const SENT_INVOICE: Step = post(
    "invoice",
    "/v1/invoices",
    "customer={customer}&pending_invoice_items_behavior=include&collection_method=send_invoice\
     &days_until_due=10",
);

const fn attach(path: &'static str) -> Step {
    post("method", path, "customer={new}")
}

const fn clocked_item(form: &'static str) -> Step {
    post("item", "/v1/invoiceitems", form)
}

const fn pay_refused() -> Step {
    post("paid", "/v1/invoices/{invoice}/pay", "payment_method={method}").refused()
}

pub(super) const RECIPES: &[Recipe] = &[
    recipe("invoiceitem.created", &[CUSTOMER, ITEM]),
    recipe("invoiceitem.deleted", &[CUSTOMER, ITEM, delete("deleted", "/v1/invoiceitems/{item}")]),
    recipe("invoice.created", &[CUSTOMER, ITEM, INVOICE]),
    recipe(
        "invoice.updated",
        &[
            CUSTOMER,
            ITEM,
            INVOICE,
            post("updated", "/v1/invoices/{invoice}", "metadata[seen]={now}"),
        ],
    ),
    recipe(
        "invoice.deleted",
        &[CUSTOMER, ITEM, INVOICE, delete("deleted", "/v1/invoices/{invoice}")],
    ),
    recipe("invoice.finalized", &[CUSTOMER, ITEM, INVOICE, FINAL]),
    recipe("invoice.paid", &[CUSTOMER, ITEM, INVOICE, PAID]),
    recipe("invoice.payment_succeeded", &[CUSTOMER, ITEM, INVOICE, PAID]),
    recipe("invoice_payment.paid", &[CUSTOMER, ITEM, INVOICE, PAID]),
    recipe(
        "invoice.payment_failed",
        &[
            NO_CARD,
            attach("/v1/payment_methods/pm_card_chargeCustomerFail/attach"),
            NEW_ITEM,
            NEW_INVOICE,
            pay_refused(),
        ],
    ),
    recipe(
        "invoice.payment_action_required",
        &[
            NO_CARD,
            attach("/v1/payment_methods/pm_card_threeDSecure2Required/attach"),
            NEW_ITEM,
            NEW_INVOICE,
            pay_refused(),
        ],
    ),
    recipe(
        "invoice.overpaid",
        &[
            CUSTOMER,
            ITEM,
            INVOICE,
            FINAL,
            post(
                "payment",
                "/v1/payment_intents",
                "amount=5000&currency=usd&customer={customer}&payment_method=pm_card_visa\
                 &automatic_payment_methods[enabled]=true\
                 &automatic_payment_methods[allow_redirects]=never",
            ),
            post("joined", "/v1/invoices/{invoice}/attach_payment", "payment_intent={payment}"),
            post("confirmed", "/v1/payment_intents/{payment}/confirm", ""),
        ],
    ),
    recipe(
        "invoice.finalization_failed",
        &[
            CLOCK,
            CLOCKED,
            clocked_item("customer={clocked}&amount=99999999&currency=usd"),
            post("second", "/v1/invoiceitems", "customer={clocked}&amount=99999999&currency=usd"),
            post(
                "invoice",
                "/v1/invoices",
                "customer={clocked}&pending_invoice_items_behavior=include&auto_advance=true",
            ),
            advance("frozen_time={now:2h}"),
        ],
    ),
    recipe(
        "invoice.voided",
        &[CUSTOMER, ITEM, INVOICE, FINAL, post("voided", "/v1/invoices/{invoice}/void", "")],
    ),
    recipe(
        "invoice.marked_uncollectible",
        &[
            CUSTOMER,
            ITEM,
            INVOICE,
            FINAL,
            post("given_up", "/v1/invoices/{invoice}/mark_uncollectible", ""),
        ],
    ),
    recipe(
        "invoice.sent",
        &[CUSTOMER, ITEM, SENT_INVOICE, post("sent", "/v1/invoices/{invoice}/send", "")],
    ),
    recipe(
        "invoice.overdue",
        &[
            CLOCK,
            CLOCKED,
            clocked_item("customer={clocked}&amount=2000&currency=usd"),
            post(
                "invoice",
                "/v1/invoices",
                "customer={clocked}&pending_invoice_items_behavior=include\
                 &collection_method=send_invoice&days_until_due=10",
            ),
            FINAL,
            advance("frozen_time={now:12d}"),
        ],
    ),
    recipe(
        "invoice.upcoming",
        &[
            PRODUCT,
            PRICE,
            CLOCK,
            CLOCKED,
            CLOCKED_SUBSCRIPTION,
            advance("frozen_time={clocked_subscription:items.data.0.current_period_end}"),
        ],
    ),
];
