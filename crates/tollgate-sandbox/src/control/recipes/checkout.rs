//! Recipes about Checkout, which pay as the hosted page does, and about the portal.

use super::{CLOCK, CLOCKED, CUSTOMER, PRICE, PRODUCT, Recipe, Step, advance, get, post, recipe};

const SUBSCRIBE: Step = post(
    "session",
    "/v1/checkout/sessions",
    "mode=subscription&customer={customer}&client_reference_id={user}&metadata[user_id]={user}\
     &subscription_data[metadata][user_id]={user}&line_items[0][price]={price}\
     &line_items[0][quantity]=1&success_url=https://example.com/success",
)
.only(true);
const BUY: Step = post(
    "session",
    "/v1/checkout/sessions",
    "mode=payment&customer={customer}&client_reference_id={user}&metadata[user_id]={user}\
     &payment_intent_data[metadata][user_id]={user}&line_items[0][price]={price}\
     &line_items[0][quantity]=1&success_url=https://example.com/success",
);
const CARD: Step = post("card", "/v1/payment_methods", "type=card&card[token]=tok_visa");
const PAID: Step = post(
    "paid",
    "/v1/payment_pages/{session}/confirm",
    "payment_method={card}&expected_amount={session:amount_total}",
);
/// Debits take a while, which passes on a clock of their own; SEPA ones are in euros.
const EUROS: Step = post(
    "session",
    "/v1/checkout/sessions",
    "mode=payment&customer={clocked}&client_reference_id={user}&metadata[user_id]={user}\
     &line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=1500\
     &line_items[0][price_data][product_data][name]=Sandbox Product&line_items[0][quantity]=1\
     &success_url=https://example.com/success",
);
const PAGE: Step = get("page", "/v1/payment_pages/{session}", "");

pub(super) const RECIPES: &[Recipe] = &[
    recipe(
        "checkout.session.completed",
        &[CUSTOMER, PRODUCT, PRICE, SUBSCRIBE, BUY, PAGE, CARD, PAID],
    ),
    recipe(
        "checkout.session.expired",
        &[
            CUSTOMER,
            PRODUCT,
            PRICE,
            SUBSCRIBE,
            BUY,
            post("expired", "/v1/checkout/sessions/{session}/expire", ""),
        ],
    ),
    recipe(
        "checkout.session.async_payment_succeeded",
        &[
            CLOCK,
            CLOCKED,
            EUROS,
            post(
                "card",
                "/v1/payment_methods",
                "type=sepa_debit&sepa_debit[iban]=AT611904300234573201\
                 &billing_details[name]=Sandbox Customer\
                 &billing_details[email]=customer@example.com",
            ),
            PAID,
            advance("frozen_time={now:1h}"),
        ],
    ),
    recipe(
        "checkout.session.async_payment_failed",
        &[
            CLOCK,
            CLOCKED,
            EUROS,
            post(
                "card",
                "/v1/payment_methods",
                "type=sepa_debit&sepa_debit[iban]=AT861904300235473202\
                 &billing_details[name]=Sandbox Customer\
                 &billing_details[email]=customer@example.com",
            ),
            PAID,
            advance("frozen_time={now:1h}"),
        ],
    ),
    recipe(
        "billing_portal.session.created",
        &[CUSTOMER, post("portal", "/v1/billing_portal/sessions", "customer={customer}")],
    ),
    recipe(
        "billing_portal.configuration.created",
        &[post(
            "configuration",
            "/v1/billing_portal/configurations",
            "features[invoice_history][enabled]=true",
        )],
    ),
    recipe(
        "billing_portal.configuration.updated",
        &[
            post(
                "configuration",
                "/v1/billing_portal/configurations",
                "features[invoice_history][enabled]=true",
            ),
            post(
                "updated",
                "/v1/billing_portal/configurations/{configuration}",
                "metadata[seen]={now}",
            ),
        ],
    ),
];
