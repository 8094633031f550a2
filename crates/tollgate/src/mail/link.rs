//! Where a mail may lead: to what is configured, and to Stripe's own pages. A link to anywhere
//! else is left out, whoever wrote it.

use reqwest::Url;

use crate::config::{Brand, Mail};

/// Stripe's own hosts.
const STRIPE: &str = "stripe.com";
/// Where its dashboard is.
const DASHBOARD: &str = "https://dashboard.stripe.com";

/// The places that mails may lead to.
#[derive(Debug, Default)]
pub(super) struct Links {
    origins: Vec<String>,
    /// Where the dashboard is; none where Stripe is a sandbox.
    dashboard: Option<String>,
    /// Stripe is a sandbox: what that calls a page of Stripe's is none.
    is_sandboxed: bool,
}

impl Links {
    /// The places that mails and the brand name.
    pub(super) fn new(config: &Mail, brand: &Brand) -> Self {
        let mut links = Self { dashboard: Some(DASHBOARD.to_owned()), ..Self::default() };
        links.allow(&brand.app_url);
        [&config.survey_url, &config.account_url]
            .into_iter()
            .flatten()
            .for_each(|it| links.allow(it));
        links
    }

    /// Lets mails lead to the origin of this URL.
    pub(super) fn allow(&mut self, url: &str) {
        self.origins.extend(Url::parse(url).ok().filter(Url::has_host).map(|it| origin(&it)));
    }

    /// Says where Stripe is, and of which mode: a sandbox has no dashboard of Stripe's.
    pub(super) fn at(&mut self, api_base: &str, livemode: Option<bool>) {
        let is_stripe = Url::parse(api_base).is_ok_and(|it| is_stripes(&it));
        let test = if livemode == Some(false) { "/test" } else { "" };
        self.is_sandboxed = api_base.starts_with("http://");
        self.dashboard = is_stripe.then(|| format!("{DASHBOARD}{test}"));
    }

    /// Returns a page of Stripe's dashboard.
    pub(super) fn of_stripe(&self, path: &str) -> String {
        self.dashboard.as_ref().map(|it| self.checked(&format!("{it}/{path}"))).unwrap_or_default()
    }

    /// Returns the link if a mail may have it, else nothing.
    pub(super) fn checked(&self, text: &str) -> String {
        let url = Url::parse(text).ok().filter(|it| matches!(it.scheme(), "http" | "https"));
        let bare = |it: &Url| it.username().is_empty() && it.password().is_none();
        let of_stripe = |it: &Url| is_stripes(it) && !self.is_sandboxed;
        let allowed = |it: &Url| of_stripe(it) || self.origins.contains(&origin(it));
        url.filter(|it| bare(it) && allowed(it)).map(String::from).unwrap_or_default()
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn is_stripes(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let inner = host.strip_suffix(STRIPE).is_some_and(|it| it.is_empty() || it.ends_with('.'));
    url.scheme() == "https" && url.port().is_none() && inner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_leads_to_what_is_configured_and_to_stripe() {
        let mut links = Links::default();
        links.allow("https://app.example.com/account");
        links.allow("http://127.0.0.1:12111");
        for url in [
            "https://invoice.stripe.com/i/acct_1/live_x?s=ap",
            "https://pay.stripe.com/receipts/x",
            "https://app.example.com/anything",
            "http://127.0.0.1:12111/i/in_1",
        ] {
            assert_eq!(links.checked(url), url);
        }
        for url in [
            "http://invoice.stripe.com/i/x",
            "https://evilstripe.com/",
            "https://stripe.com.evil.example/",
            "https://stripe.com@evil.example/",
            "https://invoice.stripe.com:8443/",
            "https://user:secret@app.example.com/",
            "http://app.example.com/",
            "https://app.example.com:8443/",
            "javascript:alert(1)",
            "data:text/html,x",
            "//app.example.com/",
            "",
        ] {
            assert_eq!(links.checked(url), "", "{url}");
        }
    }

    /// A sandbox's receipts have addresses of Stripe's, where nobody knows them.
    #[test]
    fn a_mail_of_a_sandbox_does_not_lead_to_stripe() {
        let receipt = "https://pay.stripe.com/receipts/x";
        let mut links = Links::default();
        links.at("http://127.0.0.1:4243", Some(false));
        links.allow("http://127.0.0.1:4243");
        assert_eq!(links.checked(receipt), "");
        assert_eq!(links.checked("http://127.0.0.1:4243/i/in_1"), "http://127.0.0.1:4243/i/in_1");
        links.at("https://stripe-proxy.example", Some(false));
        assert_eq!(links.checked(receipt), receipt);
    }
}
