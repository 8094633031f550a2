//! Asking Stripe once more: for what a thin event names, for an object of which too little is known,
//! or whose observations contradict each other.

use serde_json::json;

use super::{Billing, BillingError};
use crate::stripe_api::{StripeError, Trouble};
use crate::webhook;

const SESSIONS: &str = "/v1/checkout/sessions";
/// The beginning of an id, and where such objects are read.
const PATHS: &[(&str, &str)] = &[
    ("cus_", "/v1/customers"),
    ("sub_", "/v1/subscriptions"),
    ("in_", "/v1/invoices"),
    ("cs_", SESSIONS),
    ("pi_", "/v1/payment_intents"),
    ("ch_", "/v1/charges"),
    ("py_", "/v1/charges"),
    ("re_", "/v1/refunds"),
    ("du_", "/v1/disputes"),
    ("dp_", "/v1/disputes"),
    ("pm_", "/v1/payment_methods"),
    ("inpay_", "/v1/invoice_payments"),
    ("prod_", "/v1/products"),
    ("price_", "/v1/prices"),
    ("promo_", "/v1/promotion_codes"),
];
/// The beginning of a name under which we keep objects whose ids people choose, and where they are
/// read: the account and the id follow.
const CHOSEN: &[(&str, &str)] =
    &[("product:", "/v1/products"), ("price:", "/v1/prices"), ("coupon:", "/v1/coupons")];

/// The beginning of the name under which we keep what a customer may use by Stripe's word.
const FEATURES: &str = "entitlements:";

/// Where it is read.
enum Place<'a> {
    /// A path.
    Object(String),
    /// The list of this customer's.
    Features(&'a str),
}

/// What Stripe is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The id of the object, or the name under which it is kept.
    pub subject: &'a str,
    /// The connected account whose it is.
    pub account: Option<&'a str>,
    /// The snapshot event that carries it.
    pub snapshot_event: Option<&'a str>,
    /// The second, Unix, in which its observations contradict each other or leave something open:
    /// only what is seen after it settles that.
    pub unsettled_at: Option<i64>,
}

impl Billing {
    /// Reads the event that carries an object, or the object, and takes it in. The event is better:
    /// it has what the object alone does not show, that it is deleted or a payment failed, and
    /// objects without an id of their own.
    ///
    /// # Errors
    /// There is no such object, it is of a kind that cannot be read by its id, it was asked for too
    /// early, or its state could not be learned or kept.
    pub async fn refresh(&self, question: &Question<'_>) -> Result<(), BillingError> {
        let Question { subject, account, snapshot_event, unsettled_at } = *question;
        if !account.is_none_or(is_plain) {
            return Err(BillingError::invalid("account", "This is no account of Stripe's."));
        }
        let path = path(subject);
        if let Some(id) = snapshot_event {
            match (self.observe_event(account, id).await, &path) {
                (Err(error), Some(_)) if is_out_of_reach(&error) => {}
                (Err(error), None) if is(Trouble::Missing, &error) => {
                    let why = "Stripe has no such event, or none any more.";
                    return Err(BillingError::invalid("snapshot_event", why));
                }
                (done, _) => return done,
            }
        }
        let place = match (path, subject.strip_prefix(FEATURES)) {
            (Some(path), _) => Place::Object(path),
            (None, Some(customer)) => Place::Features(customer),
            (None, None) => {
                let why = "Objects of this kind cannot be read by their id.";
                return Err(BillingError::invalid("subject", why));
            }
        };
        match self.observe_after(unsettled_at, account, &place).await {
            Err(error) if is(Trouble::Missing, &error) => {
                Err(BillingError::Unknown("Stripe has no such object."))
            }
            done => done,
        }
    }

    /// Reads an object and takes it in. Where it is only certain that it was seen in that second or
    /// before, it is asked for once more: the first answer told Stripe's time.
    async fn observe_after(
        &self,
        second: Option<i64>,
        account: Option<&str>,
        place: &Place<'_>,
    ) -> Result<(), BillingError> {
        for _ in 0..2 {
            let seen_at = match place {
                Place::Object(path) => self.observe_whole(account, path).await?,
                Place::Features(customer) => self.observe_features(account, customer).await?,
            };
            if second.is_none_or(|it| it < seen_at) {
                return Ok(());
            }
        }
        Err(StripeError::gave_up("the second that it is to judge is not over there").into())
    }

    /// Reads an object with all of its lists and takes it in; returns when it was seen.
    async fn observe_whole(&self, account: Option<&str>, path: &str) -> Result<i64, BillingError> {
        let asked_ms = self.clock.now_ms();
        // What was bought stands only where it is asked for.
        let params = match path.starts_with(SESSIONS) {
            true => json!({ "expand": ["line_items"] }),
            false => json!({}),
        };
        let mut answer = self.stripe.get_of(account, path, &params).await?;
        self.make_whole(account, &mut answer.object).await?;
        self.submit(webhook::fetched(&answer.object, answer.seen_at, asked_ms, account)).await?;
        Ok(answer.seen_at)
    }

    /// Reads an event and takes it in, as if it had been sent.
    async fn observe_event(&self, account: Option<&str>, id: &str) -> Result<(), BillingError> {
        let path = format!("/v1/events/{}", escaped(id));
        let mut event = self.stripe.get_of(account, &path, &json!({})).await?.object;
        if event["id"] != id {
            return Err(StripeError::not_an_object("it is another event").into());
        }
        // Asked for by its account, it may not name it.
        if let Some(account) = account.filter(|_| event["account"].is_null()) {
            event["account"] = account.into();
        }
        let body = event.to_string().into_bytes();
        self.submit(webhook::read(&body).map(|it| (it, body))).await
    }
}

/// Stripe keeps events for 30 days, and a key may be allowed to read objects but no events.
fn is_out_of_reach(error: &BillingError) -> bool {
    is(Trouble::Missing, error) || is(Trouble::Authentication, error)
}

fn is(trouble: Trouble, error: &BillingError) -> bool {
    matches!(error, BillingError::Stripe(it) if it.trouble == trouble)
}

/// Where the object of this name is read.
fn path(subject: &str) -> Option<String> {
    if let Some((kind, path)) = CHOSEN.iter().find(|(kind, _)| subject.starts_with(kind)) {
        let (_account, id) = subject.strip_prefix(kind)?.split_once(':')?;
        return Some(format!("{path}/{}", escaped(id)));
    }
    let (_, path) = PATHS.iter().find(|(prefix, _)| subject.starts_with(prefix))?;
    Some(format!("{path}/{}", escaped(subject)))
}

/// Writes an id as one segment of a path, whatever it holds.
fn escaped(id: &str) -> String {
    let write = |it: u8| match it {
        b'_' | b'-' => char::from(it).to_string(),
        _ if it.is_ascii_alphanumeric() => char::from(it).to_string(),
        _ => format!("%{it:02X}"),
    };
    id.bytes().map(write).collect()
}

/// Whether it can be an account, or one within others.
fn is_plain(account: &str) -> bool {
    account.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn every_name_leads_to_its_object_and_nowhere_else() {
        for (subject, wanted) in [
            ("sub_1", Some("/v1/subscriptions/sub_1")),
            ("price::price_1", Some("/v1/prices/price_1")),
            ("price:acct_1:gold:1", Some("/v1/prices/gold%3A1")),
            ("coupon::25 % OFF", Some("/v1/coupons/25%20%25%20OFF")),
            ("product:acct_1:../charges", Some("/v1/products/%2E%2E%2Fcharges")),
            ("sub_1/../../x?y", Some("/v1/subscriptions/sub_1%2F%2E%2E%2F%2E%2E%2Fx%3Fy")),
            ("di_1", None),
            ("", None),
        ] {
            assert_eq!(path(subject).as_deref(), wanted, "{subject}");
        }
    }
}
