//! The files of the pages, compiled in, and the headers they go out with.
//!
//! | address | answers |
//! |---|---|
//! | `/c/pay/{session}`, `/c/embed/{session}` | `checkout.html` |
//! | `/p/session/{token}` | `portal.html` |
//! | `/i/{invoice}` | `invoice.html` |
//! | `/authenticate/{intent}` | `authenticate.html` |
//! | `/_pages/{file}` | a style or a script |
//! | `/v3`, `/v3/`, `/{release}/stripe.js` | `stripe.js`, for pages of any origin |
//!
//! `/c/embed/{session}?parent={origin}` posts messages to that origin, `{sandbox_checkout: id,
//! type}`: `ready` (with `redirect_on_completion`), `failed` (`message`), `height` (`height`),
//! `complete`, `redirect` (`url`).

/// A file of the pages, ready to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) kind: &'static str,
    pub(crate) text: &'static str,
    /// Headers beside `Content-Type`.
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const SCRIPT: &str = "text/javascript; charset=utf-8";
pub(crate) const STYLE: &str = "text/css; charset=utf-8";

/// Nothing is loaded from elsewhere, and nobody frames a page.
pub(crate) const ALONE: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

/// The embedded checkout is framed by the app's page, wherever that is.
const FRAMED: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'self'",
    ),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

pub(crate) const PLAIN: &[(&str, &str)] = &[
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

/// Apps load the stand-in for Stripe.js from their own pages.
const SHARED: &[(&str, &str)] = &[
    ("access-control-allow-origin", "*"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
];

const CHECKOUT: &str = include_str!("../../assets/checkout.html");
const PORTAL: &str = include_str!("../../assets/portal.html");
const INVOICE: &str = include_str!("../../assets/invoice.html");
const AUTHENTICATE: &str = include_str!("../../assets/authenticate.html");
const STRIPE: &str = include_str!("../../assets/stripe.js");

const FILES: [(&str, &str, &str); 8] = [
    ("page.css", STYLE, include_str!("../../assets/page.css")),
    ("page.js", SCRIPT, include_str!("../../assets/page.js")),
    ("pay-form.js", SCRIPT, include_str!("../../assets/pay-form.js")),
    ("checkout.js", SCRIPT, include_str!("../../assets/checkout.js")),
    ("portal.js", SCRIPT, include_str!("../../assets/portal.js")),
    ("portal-change.js", SCRIPT, include_str!("../../assets/portal-change.js")),
    ("invoice.js", SCRIPT, include_str!("../../assets/invoice.js")),
    ("authenticate.js", SCRIPT, include_str!("../../assets/authenticate.js")),
];

/// Returns the file at a path.
pub(crate) fn find(path: &str) -> Option<Page> {
    if let Some(name) = path.strip_prefix("/_pages/") {
        let (_, kind, text) = FILES.iter().find(|(file, ..)| *file == name)?;
        return Some(Page { kind, text, headers: PLAIN });
    }
    let html = |text, headers| Some(Page { kind: HTML, text, headers });
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["c", "pay", id] if !id.is_empty() => html(CHECKOUT, ALONE),
        ["c", "embed", id] if !id.is_empty() => html(CHECKOUT, FRAMED),
        ["p", "session", token] if !token.is_empty() => html(PORTAL, ALONE),
        ["i", id] if !id.is_empty() => html(INVOICE, ALONE),
        ["authenticate", id] if !id.is_empty() => html(AUTHENTICATE, ALONE),
        ["v3"] => Some(Page { kind: SCRIPT, text: STRIPE, headers: SHARED }),
        [release, "stripe.js"] if is_release(release) => {
            Some(Page { kind: SCRIPT, text: STRIPE, headers: SHARED })
        }
        _ => None,
    }
}

fn is_release(name: &str) -> bool {
    name == "v3" || !name.is_empty() && name.bytes().all(|letter| letter.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(page: Page) -> &'static str {
        let found = page.headers.iter().find(|(name, _)| *name == "content-security-policy");
        found.map_or("", |(_, value)| value)
    }

    #[test]
    fn every_address_has_its_file() {
        for (path, text) in [
            ("/c/pay/cs_test_1", CHECKOUT),
            ("/c/embed/cs_test_1", CHECKOUT),
            ("/p/session/abc", PORTAL),
            ("/i/in_1", INVOICE),
            ("/authenticate/pi_1", AUTHENTICATE),
            ("/v3/", STRIPE),
            ("/v3", STRIPE),
            ("/dahlia/stripe.js", STRIPE),
        ] {
            assert_eq!(find(path).map(|page| page.text), Some(text), "{path}");
        }
        for (name, kind, _) in FILES {
            assert_eq!(find(&format!("/_pages/{name}")).unwrap().kind, kind, "{name}");
        }
        for path in ["/", "/c/pay/", "/_pages/CONTRACT.md", "/p/session", "/DAHLIA/stripe.js"] {
            assert_eq!(find(path), None, "{path}");
        }
    }

    /// A page with a payment form that can be framed can be made to be clicked by mistake.
    #[test]
    fn only_the_embedded_checkout_can_be_framed() {
        assert!(policy(find("/c/pay/cs_1").unwrap()).contains("frame-ancestors 'none'"));
        assert!(policy(find("/p/session/x").unwrap()).contains("frame-ancestors 'none'"));
        assert!(policy(find("/i/in_1").unwrap()).contains("frame-ancestors 'none'"));
        assert!(policy(find("/authenticate/pi_1").unwrap()).contains("frame-ancestors 'none'"));
        let embedded = policy(find("/c/embed/cs_1").unwrap());
        assert!(embedded.starts_with("default-src 'none'") && !embedded.contains("frame"));
    }
}
