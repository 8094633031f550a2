//! Before dahlia: Checkout's ways of being shown had other names.

use super::{Facts, Object, field, set};

/// 2026-03-25.dahlia: `hosted`, `embedded` and `custom` became `hosted_page`, `embedded_page` and
/// `elements`. `form` was new and has no older name; it mounts like `elements`.
pub(super) fn ui_mode(session: &mut Object, _: &dyn Facts) {
    let older = match field(session, "ui_mode").as_str() {
        Some("hosted_page") => "hosted",
        Some("embedded_page") => "embedded",
        Some("elements" | "form") => "custom",
        _ => return,
    };
    set(session, "ui_mode", older);
}

#[cfg(test)]
mod tests {
    use crate::version::shelf::{Shelf, at};
    use serde_json::json;

    #[test]
    fn checkout_calls_its_pages_by_the_names_of_the_version() {
        for (newer, older) in [
            (json!("hosted_page"), json!("hosted")),
            (json!("embedded_page"), json!("embedded")),
            (json!("elements"), json!("custom")),
            (json!(null), json!(null)),
        ] {
            let session = json!({"object": "checkout.session", "ui_mode": newer});
            let shelf = Shelf::default();
            assert_eq!(at("2026-02-25.clover", &session, &shelf)["ui_mode"], older);
            assert_eq!(at("2026-03-25.dahlia", &session, &shelf), session);
        }
    }
}
