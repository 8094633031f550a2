//! Recipes about subscriptions, whose time passes on a test clock.

use super::{
    CLOCK, CLOCKED, CLOCKED_SUBSCRIPTION, CUSTOMER, PRICE, PRODUCT, Recipe, SUBSCRIPTION, Step,
    advance, delete, post, recipe,
};

/// A second plan to change to, dearer than the first.
const DEARER: Step = post(
    "dearer",
    "/v1/prices",
    "product={price:product}&unit_amount=9900&currency={price:currency}\
     &recurring[interval]={price:recurring.interval}",
);
/// A subscription made anew, whatever the user has already.
const NEW: Step = post(
    "made",
    "/v1/subscriptions",
    "customer={customer}&items[0][price]={price}&metadata[user_id]={user}",
);
const NO_CARD_YET: Step = post(
    "poor",
    "/v1/customers",
    "name=Sandbox Customer&email=customer@example.com&metadata[user_id]={user}&test_clock={clock}",
);
const TRIAL_THAT_PAUSES: Step = post(
    "trial",
    "/v1/subscriptions",
    "customer={poor}&items[0][price]={price}&metadata[user_id]={user}&trial_period_days=7\
     &trial_settings[end_behavior][missing_payment_method]=pause",
);
const CARD: Step = post("card", "/v1/payment_methods/pm_card_visa/attach", "customer={poor}");
const DEFAULT_CARD: Step =
    post("default", "/v1/customers/{poor}", "invoice_settings[default_payment_method]={card}");
/// From here on the customer's card is declined.
const BROKEN: Step =
    post("broken", "/v1/payment_methods/pm_card_chargeCustomerFail/attach", "customer={clocked}");
const DEFAULT_BROKEN: Step =
    post("default", "/v1/customers/{clocked}", "invoice_settings[default_payment_method]={broken}");
const CHANGE_THAT_WAITS: Step = post(
    "change",
    "/v1/subscriptions/{clocked_subscription}",
    "items[0][id]={clocked_subscription:items.data.0}&items[0][price]={dearer}\
     &proration_behavior=always_invoice&payment_behavior=pending_if_incomplete",
);
const SCHEDULE: Step = post("schedule", "/v1/subscription_schedules", "from_subscription={made}");

const CLOCKED_SCHEDULE: Step =
    post("schedule", "/v1/subscription_schedules", "from_subscription={clocked_subscription}");
/// The schedule ends the subscription after ten days.
const TEN_DAYS: Step = post(
    "ends",
    "/v1/subscription_schedules/{schedule}",
    "phases[0][items][0][price]={price}&phases[0][end_date]={now:10d}&end_behavior=cancel",
);

pub(super) const RECIPES: &[Recipe] = &[
    recipe("customer.subscription.created", &[CUSTOMER, PRODUCT, PRICE, NEW]),
    recipe(
        "customer.subscription.updated",
        &[
            CUSTOMER,
            PRODUCT,
            PRICE,
            SUBSCRIPTION,
            post("updated", "/v1/subscriptions/{subscription}", "metadata[seen]={now}"),
        ],
    ),
    recipe(
        "customer.subscription.deleted",
        &[
            CUSTOMER,
            PRODUCT,
            PRICE,
            SUBSCRIPTION,
            delete("ended", "/v1/subscriptions/{subscription}"),
        ],
    ),
    recipe(
        "customer.subscription.trial_will_end",
        &[
            PRODUCT,
            PRICE,
            CLOCK,
            CLOCKED,
            post(
                "trial",
                "/v1/subscriptions",
                "customer={clocked}&items[0][price]={price}&metadata[user_id]={user}\
                 &trial_period_days=7",
            ),
            advance("frozen_time={now:5d}"),
        ],
    ),
    recipe(
        "customer.subscription.paused",
        &[PRODUCT, PRICE, CLOCK, NO_CARD_YET, TRIAL_THAT_PAUSES, advance("frozen_time={now:8d}")],
    ),
    recipe(
        "customer.subscription.resumed",
        &[
            PRODUCT,
            PRICE,
            CLOCK,
            NO_CARD_YET,
            TRIAL_THAT_PAUSES,
            advance("frozen_time={now:8d}"),
            CARD,
            DEFAULT_CARD,
            post("resumed", "/v1/subscriptions/{trial}/resume", ""),
        ],
    ),
    recipe(
        "customer.subscription.pending_update_applied",
        &[
            PRODUCT,
            PRICE,
            DEARER,
            CLOCK,
            CLOCKED,
            CLOCKED_SUBSCRIPTION,
            BROKEN,
            DEFAULT_BROKEN,
            CHANGE_THAT_WAITS,
            post("paid", "/v1/invoices/{change:latest_invoice}/pay", "payment_method=pm_card_visa"),
        ],
    ),
    recipe(
        "customer.subscription.pending_update_expired",
        &[
            PRODUCT,
            PRICE,
            DEARER,
            CLOCK,
            CLOCKED,
            CLOCKED_SUBSCRIPTION,
            BROKEN,
            DEFAULT_BROKEN,
            CHANGE_THAT_WAITS,
            advance("frozen_time={now:2d}"),
        ],
    ),
    recipe("subscription_schedule.created", &[CUSTOMER, PRODUCT, PRICE, NEW, SCHEDULE]),
    recipe(
        "subscription_schedule.updated",
        &[
            CUSTOMER,
            PRODUCT,
            PRICE,
            NEW,
            SCHEDULE,
            post("updated", "/v1/subscription_schedules/{schedule}", "metadata[seen]={now}"),
        ],
    ),
    recipe(
        "subscription_schedule.released",
        &[
            CUSTOMER,
            PRODUCT,
            PRICE,
            NEW,
            SCHEDULE,
            post("released", "/v1/subscription_schedules/{schedule}/release", ""),
        ],
    ),
    recipe(
        "subscription_schedule.completed",
        &[
            PRODUCT,
            PRICE,
            CLOCK,
            CLOCKED,
            CLOCKED_SUBSCRIPTION,
            CLOCKED_SCHEDULE,
            TEN_DAYS,
            advance("frozen_time={now:11d}"),
        ],
    ),
    recipe(
        "subscription_schedule.expiring",
        &[
            PRODUCT,
            PRICE,
            CLOCK,
            CLOCKED,
            CLOCKED_SUBSCRIPTION,
            CLOCKED_SCHEDULE,
            TEN_DAYS,
            advance("frozen_time={now:4d}"),
        ],
    ),
    recipe(
        "subscription_schedule.canceled",
        &[
            CUSTOMER,
            PRODUCT,
            PRICE,
            NEW,
            SCHEDULE,
            post("canceled", "/v1/subscription_schedules/{schedule}/cancel", ""),
        ],
    ),
];
