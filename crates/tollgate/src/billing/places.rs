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
    let is_ours = |it: &Url| selling.knows(&it.origin().ascii_serialization());
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

/// Where Checkout leads who does not pay: to the app that sent them there, if it said where it is.
pub(super) fn turned_back(
    selling: &Selling,
    return_to: Option<&str>,
    session: Option<&str>,
) -> String {
    let named =
        return_to.and_then(|it| Url::parse(it).ok()).map(|it| it.origin().ascii_serialization());
    let template = match named {
        Some(origin) => selling.cancel_url.replace("{origin}", &origin),
        None => selling.cancel_url.clone(),
    };
    fill(selling, &template, session)
}

/// Where Checkout leads who came from our own prices and does not pay.
pub(super) fn to_prices(selling: &Selling) -> String {
    match selling.cancel_is_set {
        true => turned_back(selling, None, None),
        false => format!("{}/pricing", selling.public_url),
    }
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
            local_origins: false,
            success_url: String::new(),
            cancel_url: "{origin}/pricing".to_owned(),
            success_is_set: false,
            cancel_is_set: false,
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
    fn every_port_here_is_allowed_where_that_is_set() {
        let here = Selling { local_origins: true, ..selling() };
        for text in ["http://localhost:5173/a", "http://127.0.0.1:8000/", "http://[::1]:3000/"] {
            assert!(allowed(&selling(), text).is_err(), "{text}");
            assert_eq!(allowed(&here, text).expect(text), text);
        }
        for text in [
            "https://evil.example/",
            "http://localhost.evil.example/",
            "https://localhost/",
            "http://192.168.0.1/",
            "http://user@localhost/",
        ] {
            assert!(allowed(&here, text).is_err(), "{text}");
        }
    }

    #[test]
    fn who_does_not_pay_is_led_back_to_the_app_that_asked() {
        let from = |it| turned_back(&selling(), it, None);
        assert_eq!(from(None), "https://app.example/pricing");
        assert_eq!(from(Some("http://localhost:3000/thanks")), "http://localhost:3000/pricing");
        let fixed = Selling { cancel_url: "https://shop.example/".to_owned(), ..selling() };
        let asked = Some("http://localhost:3000/thanks");
        assert_eq!(turned_back(&fixed, asked, None), "https://shop.example/");
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
