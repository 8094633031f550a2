//! Recipes about customers, what they pay with, and test clocks.

use super::{CLOCK, CUSTOMER, NO_CARD, Recipe, advance, delete, post, recipe};

const METHOD: super::Step = post("method", "/v1/payment_methods", "type=card&card[token]=tok_visa");
const ATTACH: super::Step =
    post("attached", "/v1/payment_methods/{method}/attach", "customer={customer}");

pub(super) const RECIPES: &[Recipe] = &[
    recipe("customer.created", &[NO_CARD]),
    recipe(
        "customer.updated",
        &[CUSTOMER, post("updated", "/v1/customers/{customer}", "metadata[seen]={now}")],
    ),
    recipe("customer.source.created", &[post("customer", "/v1/customers", "source=tok_visa")]),
    recipe("customer.deleted", &[CUSTOMER, delete("deleted", "/v1/customers/{customer}")]),
    recipe("payment_method.attached", &[CUSTOMER, METHOD, ATTACH]),
    recipe(
        "payment_method.detached",
        &[CUSTOMER, METHOD, ATTACH, post("detached", "/v1/payment_methods/{method}/detach", "")],
    ),
    recipe(
        "payment_method.updated",
        &[
            CUSTOMER,
            METHOD,
            ATTACH,
            post("updated", "/v1/payment_methods/{method}", "metadata[seen]={now}"),
        ],
    ),
    recipe("test_helpers.test_clock.created", &[CLOCK]),
    recipe("test_helpers.test_clock.advancing", &[CLOCK, advance("frozen_time={now:1d}")]),
    recipe("test_helpers.test_clock.ready", &[CLOCK, advance("frozen_time={now:1d}")]),
    recipe(
        "test_helpers.test_clock.deleted",
        &[CLOCK, delete("deleted", "/v1/test_helpers/test_clocks/{clock}")],
    ),
];
