//! Before clover: a discount and a promotion code showed their coupon whole.

use super::{Facts, Object, field, set, set_if_absent, whole};

/// 2025-12-15.clover: a payment intent without a transfer may leave `transfer_data` out.
pub(super) fn transfer_data(intent: &mut Object, _: &dyn Facts) {
    set_if_absent(intent, "transfer_data");
}

/// 2025-12-15.clover: a product may leave `tax_code` out.
pub(super) fn tax_code(product: &mut Object, _: &dyn Facts) {
    set_if_absent(product, "tax_code");
}

/// 2025-09-30.clover: `coupon` became `source.coupon`, which is not expanded by itself.
pub(super) fn discount(discount: &mut Object, facts: &dyn Facts) {
    move_coupon(discount, "source.coupon", facts);
}

/// 2025-09-30.clover: `coupon` became `promotion.coupon`, which is not expanded by itself.
pub(super) fn promotion_code(code: &mut Object, facts: &dyn Facts) {
    move_coupon(code, "promotion.coupon", facts);
}

fn move_coupon(fields: &mut Object, path: &str, facts: &dyn Facts) {
    let coupon = whole(field(fields, path), facts);
    set(fields, "coupon", coupon);
}

#[cfg(test)]
mod tests {
    use crate::version::shelf::{Shelf, at};
    use serde_json::{Value, json};

    #[test]
    fn coupons_stand_whole_before_clover() {
        let coupon = json!({"id": "SPRING", "object": "coupon", "percent_off": 20});
        let shelf = Shelf::of([coupon.clone()]);
        for (kind, key) in [("discount", "source"), ("promotion_code", "promotion")] {
            let object = json!({"object": kind, key: {"type": "coupon", "coupon": "SPRING"}});
            assert_eq!(at("2025-08-27.basil", &object, &shelf)["coupon"], coupon);
            assert_eq!(at("2020-08-27", &object, &shelf)["coupon"], coupon);
            assert_eq!(at("2025-09-30.clover", &object, &shelf), object);
        }
    }

    #[test]
    fn an_expanded_coupon_needs_no_facts() {
        let object = json!({"object": "discount", "source": {"coupon": {"id": "SPRING"}}});
        let older = at("2024-06-20", &object, &Shelf::default());
        assert_eq!(older["coupon"], json!({"id": "SPRING"}));
    }

    #[test]
    fn what_may_be_left_out_today_was_null() {
        for (kind, key) in [("payment_intent", "transfer_data"), ("product", "tax_code")] {
            let object = json!({"object": kind});
            let older = at("2025-11-17.clover", &object, &Shelf::default());
            assert_eq!(older.get(key), Some(&Value::Null));
            let newer = at("2025-12-15.clover", &object, &Shelf::default());
            assert_eq!(newer, object);
        }
        let taxed = json!({"object": "product", "tax_code": "txcd_1"});
        assert_eq!(at("2025-11-17.clover", &taxed, &Shelf::default()), taxed);
    }
}
