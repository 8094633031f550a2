//! What is known around a fact at the moment it is told: the one thing that mails and
//! notifications are written from.

use tollgate_stripe::object::{Customer, Invoice, Object, PaymentMethod, Subscription};

use super::access::Access;
use super::dunning::Dunning;

/// All that is known around a fact. Everything may be missing: a fact may be older than its
/// customer's name, and an object may be gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The app's id of the user.
    pub user_id: Option<String>,
    /// Where to write: as the app named it, else as the customer has it.
    pub email: Option<String>,
    /// How to address them: as the app named it, else as the customer has it.
    pub name: Option<String>,
    /// What they may use now.
    pub access: Option<Access>,
    /// The revision of that access; 0 before the first.
    pub revision: i64,
    /// The object that the fact is about, as it stands now.
    pub subject: Option<Object>,
    /// Who pays.
    pub customer: Option<Customer>,
    /// The subscription concerned: the subject, what the invoice is for, or what an expiring card
    /// cannot pay for.
    pub subscription: Option<Subscription>,
    /// The invoice concerned: the subject, or the subscription's latest.
    pub invoice: Option<Invoice>,
    /// How they pay: the subject, or the subscription's or customer's default.
    pub payment_method: Option<PaymentMethod>,
    /// Where the subscription's money is missing, since when and how it goes on.
    pub dunning: Option<Dunning>,
    /// Of an attempt that failed or has to be confirmed: whether Stripe said both of it.
    pub to_confirm: bool,
    /// Of an event that failed: whether it still is as it was then.
    pub still_failed: Option<bool>,
    /// Of an event that failed: why, as it was found.
    pub failure: Option<String>,
    /// Of an order: when its money came, in Unix seconds. It may be days after the purchase.
    pub ordered_at: Option<i64>,
    /// Of several subscriptions at once: whether another than the subject still charges again.
    pub still_doubled: Option<bool>,
    /// Of a silence: whether no event came since.
    pub still_silent: Option<bool>,
}
