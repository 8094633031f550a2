//! Where people may be sent back to: the operator's own places, and, where a caller names one, only
//! what lies on a configured origin.

use reqwest::Url;

use super::BillingError;
use crate::config::Selling;

/// What Stripe fills in, and we where Stripe does not.
pub(super) const SESSION: &str = "{CHECKOUT_SESSION_ID}";

/// Returns a place that a caller names, as the URL that it is.
///
/// # Errors
/// It does not lie on one of the app's origins.
pub(super) fn allowed(selling: &Selling, return_to: &str) -> Result<String, BillingError> {
    let usual = selling.origins.first().map_or("", String::as_str);
    let url = match Url::parse(return_to) {
        Ok(url) => Some(url),
        // A path; what pretends to be one is caught by the origin that it ends up with.
        Err(_) if return_to.starts_with('/') => {
            Url::parse(usual).ok().and_then(|it| it.join(return_to).ok())
        }
        Err(_) => None,
    };
    let is_ours = |it: &Url| selling.origins.contains(&it.origin().ascii_serialization());
    let plain = |it: &Url| it.username().is_empty() && it.password().is_none();
    match url.filter(|it| is_ours(it) && plain(it)) {
        Some(url) => Ok(url.into()),
        None => {
            tracing::warn!("A place to return to was refused: it is on no configured origin");
            Err(BillingError::Invalid {
                field: "return_to",
                message: "return_to must be a path, or a URL on one of the configured origins."
                    .to_owned(),
                allowed: selling.origins.clone(),
            })
        }
    }
}

/// Fills in `{origin}`, and a session where there is one.
pub(super) fn fill(selling: &Selling, template: &str, session: Option<&str>) -> String {
    let origin = selling.origins.first().map_or("", String::as_str);
    let text = template.replace("{origin}", origin);
    session.map_or(text.clone(), |it| text.replace(SESSION, it))
}

/// Where Checkout comes back to, so that what was bought counts before anybody looks.
pub(super) fn arrival(selling: &Selling) -> String {
    format!("{}/billing/return?session_id={SESSION}", selling.public_url)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn selling() -> Selling {
        Selling {
            public_url: "https://billing.example".to_owned(),
            origins: vec!["https://app.example".to_owned(), "http://localhost:3000".to_owned()],
            success_url: String::new(),
            cancel_url: String::new(),
            promotion_codes: true,
            trials: BTreeMap::new(),
            amounts: BTreeMap::new(),
        }
    }

    #[test]
    fn a_path_and_a_known_origin_are_allowed() {
        for (text, url) in [
            ("/thanks?a=1", "https://app.example/thanks?a=1"),
            ("https://app.example/x", "https://app.example/x"),
            ("http://localhost:3000", "http://localhost:3000/"),
            ("HTTPS://APP.EXAMPLE:443/", "https://app.example/"),
        ] {
            assert_eq!(allowed(&selling(), text).expect(text), url);
        }
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example/",
            "/\t/evil.example",
            "\\\\evil.example",
            "https:evil.example",
            "https://app.example@evil.example/",
            "https://user:pw@app.example/",
            "https://app.example.evil.example/",
            "http://app.example/",
            "https://app.example:8443/",
            "javascript:alert(1)",
            "data:text/html,x",
            "thanks",
            "",
        ] {
            assert!(allowed(&selling(), text).is_err(), "{text}");
        }
    }
}
