//! Recipes about what is sold and for how much.

use super::{CUSTOMER, PRICE, PRODUCT, Recipe, SUBSCRIPTION, Step, delete, post, recipe};

const MADE: Step =
    post("made", "/v1/products", "name=Sandbox Product&description=Made by a trigger");
const MADE_PRICE: Step = post(
    "made_price",
    "/v1/prices",
    "product={made}&unit_amount=1500&currency=usd&recurring[interval]=month",
);
const COUPON: Step =
    post("coupon", "/v1/coupons", "percent_off=25&duration=repeating&duration_in_months=3");
const CODE: Step = post(
    "code",
    "/v1/promotion_codes",
    "promotion[type]=coupon&promotion[coupon]={coupon}&metadata[seen]={now}",
);
const FEATURE: Step =
    post("feature", "/v1/entitlements/features", "name=Sandbox Feature&lookup_key=feature_{made}");
const GIVES: Step = post("gives", "/v1/products/{made}/features", "entitlement_feature={feature}");
/// A customer without the feature, whatever the user has already.
const BUYER: Step = post(
    "buyer",
    "/v1/customers",
    "name=Sandbox Customer&email=customer@example.com&metadata[user_id]={user}\
     &payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa",
);
const BOUGHT: Step = post(
    "bought",
    "/v1/subscriptions",
    "customer={buyer}&items[0][price]={made_price}&metadata[user_id]={user}",
);
const DISCOUNT: Step =
    post("discounted", "/v1/subscriptions/{subscription}", "discounts[0][coupon]={coupon}");

pub(super) const RECIPES: &[Recipe] = &[
    recipe("product.created", &[MADE]),
    recipe(
        "product.updated",
        &[MADE, post("updated", "/v1/products/{made}", "metadata[seen]={now}")],
    ),
    recipe("product.deleted", &[MADE, delete("deleted", "/v1/products/{made}")]),
    recipe("price.created", &[MADE, MADE_PRICE]),
    recipe(
        "price.updated",
        &[MADE, MADE_PRICE, post("updated", "/v1/prices/{made_price}", "metadata[seen]={now}")],
    ),
    recipe("coupon.created", &[COUPON]),
    recipe(
        "coupon.updated",
        &[COUPON, post("updated", "/v1/coupons/{coupon}", "metadata[seen]={now}")],
    ),
    recipe("coupon.deleted", &[COUPON, delete("deleted", "/v1/coupons/{coupon}")]),
    recipe("promotion_code.created", &[COUPON, CODE]),
    recipe(
        "promotion_code.updated",
        &[COUPON, CODE, post("updated", "/v1/promotion_codes/{code}", "active=false")],
    ),
    recipe(
        "customer.discount.created",
        &[CUSTOMER, PRODUCT, PRICE, SUBSCRIPTION, COUPON, DISCOUNT],
    ),
    recipe(
        "customer.discount.updated",
        &[
            CUSTOMER,
            COUPON,
            post("discounted", "/v1/customers/{customer}", "coupon={coupon}").old(),
            post("better", "/v1/coupons", "percent_off=50&duration=forever"),
            post("replaced", "/v1/customers/{customer}", "coupon={better}").old(),
        ],
    ),
    recipe(
        "customer.discount.deleted",
        &[
            CUSTOMER,
            PRODUCT,
            PRICE,
            SUBSCRIPTION,
            COUPON,
            DISCOUNT,
            delete("undone", "/v1/subscriptions/{subscription}/discount"),
        ],
    ),
    recipe(
        "entitlements.active_entitlement_summary.updated",
        &[MADE, MADE_PRICE, FEATURE, GIVES, BUYER, BOUGHT],
    ),
];
