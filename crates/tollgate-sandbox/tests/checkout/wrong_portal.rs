//! What a portal must not be made of, as a table: the call, its parameters, and the one that the
//! refusal names.

use serde_json::json;
use tollgate_sandbox::Method;

use crate::shop::{fill, stocked};
use crate::wrong::Params;

const CONFIGURATIONS: &str = "/v1/billing_portal/configurations";
const VISITS: &str = "/v1/billing_portal/sessions";

const ROWS: &[(&str, Params, &str)] = &[
    (CONFIGURATIONS, &[("name", "x")], "features"),
    (
        CONFIGURATIONS,
        &[("features[customer_update][enabled]", "true")],
        "features[customer_update][allowed_updates]",
    ),
    (
        CONFIGURATIONS,
        &[
            ("features[subscription_cancel][enabled]", "true"),
            ("features[subscription_cancel][proration_behavior]", "always_invoice"),
        ],
        "features[subscription_cancel][proration_behavior]",
    ),
    (
        CONFIGURATIONS,
        &[
            ("features[subscription_cancel][enabled]", "true"),
            ("features[subscription_cancel][proration_behavior]", "create_prorations"),
        ],
        "features[subscription_cancel][proration_behavior]",
    ),
    (
        CONFIGURATIONS,
        &[
            ("features[subscription_cancel][enabled]", "true"),
            ("features[subscription_cancel][mode]", "later"),
        ],
        "features[subscription_cancel][mode]",
    ),
    (
        CONFIGURATIONS,
        &[("features[subscription_pause][enabled]", "true")],
        "features[subscription_pause][enabled]",
    ),
    (
        CONFIGURATIONS,
        &[("features[subscription_update][enabled]", "true")],
        "features[subscription_update][default_allowed_updates]",
    ),
    (
        CONFIGURATIONS,
        &[
            ("features[subscription_update][enabled]", "true"),
            ("features[subscription_update][default_allowed_updates][0]", "price"),
        ],
        "features[subscription_update][products]",
    ),
    (
        CONFIGURATIONS,
        &[("features[invoice_history][enabled]", "true"), ("default_return_url", "here")],
        "default_return_url",
    ),
    (
        CONFIGURATIONS,
        &[("features[invoice_history][enabled]", "true"), ("login_page[enabled]", "true")],
        "login_page",
    ),
    (VISITS, &[], "customer"),
    (VISITS, &[("customer", "cus_none")], "customer"),
    (VISITS, &[("customer", "{someone}"), ("configuration", "bpc_none")], "configuration"),
    (VISITS, &[("customer", "{someone}"), ("return_url", "there")], "return_url"),
    (
        VISITS,
        &[("customer", "{someone}"), ("flow_data[type]", "subscription_cancel")],
        "flow_data[subscription_cancel]",
    ),
    (
        VISITS,
        &[
            ("customer", "{someone}"),
            ("flow_data[type]", "subscription_cancel"),
            ("flow_data[subscription_cancel][subscription]", "sub_none"),
        ],
        "flow_data[subscription_cancel][subscription]",
    ),
    (
        VISITS,
        &[
            ("customer", "{someone}"),
            ("flow_data[type]", "payment_method_update"),
            ("flow_data[after_completion][type]", "redirect"),
        ],
        "flow_data[after_completion][redirect]",
    ),
    (
        CONFIGURATIONS,
        &[
            ("features[subscription_update][enabled]", "true"),
            ("features[subscription_update][default_allowed_updates][0]", "price"),
            ("features[subscription_update][products][0][product]", "{product}"),
            ("features[subscription_update][products][0][prices][0]", "{pen}"),
        ],
        "features[subscription_update][products][0][prices]",
    ),
];

#[test]
fn wrong_portals_are_refused_by_their_parameter() {
    let (mut shop, names) = stocked();
    for (path, params, param) in ROWS {
        let filled: Vec<(&str, String)> =
            params.iter().map(|(name, value)| (*name, fill(value, &names))).collect();
        let params: Vec<(&str, &str)> =
            filled.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, error) = shop.sandbox.refused(Method::Post, path, &params);
        assert_eq!((status, &error["param"]), (400, &json!(param)), "{params:?}: {error}");
    }
    assert_eq!(shop.sandbox.told(), Vec::<String>::new(), "a refused call leaves nothing");
}
