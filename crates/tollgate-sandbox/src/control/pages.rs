//! The files of the desk and the shop, compiled in.

use crate::checkout::pages::{ALONE, HTML, PLAIN, Page, SCRIPT, STYLE};

/// The page that embeds Checkout frames a page of the sandbox, and nothing else does.
const FRAMES: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         frame-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'",
    ),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

const FILES: [(&str, &str, &str); 4] = [
    ("/_desk/desk.css", STYLE, include_str!("../../assets/desk.css")),
    ("/_desk/desk.js", SCRIPT, include_str!("../../assets/desk.js")),
    ("/_desk/shop.js", SCRIPT, include_str!("../../assets/desk-shop.js")),
    ("/_desk/embedded.js", SCRIPT, include_str!("../../assets/desk-embedded.js")),
];

/// Returns what stands at a path.
pub(crate) fn find(path: &str) -> Option<Page> {
    let html = |text, headers| Some(Page { kind: HTML, text, headers });
    match path {
        "/" => html(include_str!("../../assets/desk.html"), ALONE),
        "/shop" | "/shop/" => html(include_str!("../../assets/desk-shop.html"), ALONE),
        "/shop/embedded" => html(include_str!("../../assets/desk-embedded.html"), FRAMES),
        _ => {
            let (_, kind, text) = FILES.iter().find(|(file, ..)| *file == path)?;
            Some(Page { kind, text, headers: PLAIN })
        }
    }
}
