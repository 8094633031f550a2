//! A payment intent: one payment, from the wish to the money, over any number of tries.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::address::Shipping;
use super::payment_method::Kind;
use super::{Id, Metadata, Null, Object};
use crate::money::currency::Currency;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/payment_intents/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PaymentIntent {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) allowed_payment_method_types: Option<Vec<Kind>>,
    /// In minor units of `currency`.
    pub(crate) amount: i64,
    pub(crate) amount_capturable: i64,
    pub(crate) amount_received: i64,
    pub(crate) application: Null,
    pub(crate) application_fee_amount: Null,
    pub(crate) automatic_payment_methods: Option<AutomaticMethods>,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) cancellation_reason: Option<&'static str>,
    pub(crate) capture_method: &'static str,
    pub(crate) client_secret: String,
    pub(crate) confirmation_method: &'static str,
    pub(crate) created: i64,
    pub(crate) currency: Currency,
    pub(crate) customer: Option<Id>,
    pub(crate) customer_account: Null,
    pub(crate) description: Option<String>,
    pub(crate) excluded_payment_method_types: Option<Vec<String>>,
    pub(crate) last_payment_error: Option<Box<Value>>,
    pub(crate) latest_charge: Option<Id>,
    pub(crate) livemode: bool,
    pub(crate) managed_payments: Null,
    pub(crate) metadata: Metadata,
    pub(crate) next_action: Option<NextAction>,
    pub(crate) on_behalf_of: Null,
    pub(crate) payment_method: Option<Id>,
    pub(crate) payment_method_configuration_details: Null,
    pub(crate) payment_method_options: Options,
    pub(crate) payment_method_types: Kinds,
    pub(crate) payment_record: Null,
    pub(crate) processing: Null,
    pub(crate) receipt_email: Option<String>,
    pub(crate) review: Null,
    pub(crate) setup_future_usage: Option<&'static str>,
    pub(crate) shipping: Option<Arc<Shipping>>,
    pub(crate) source: Null,
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) statement_descriptor_suffix: Option<String>,
    pub(crate) status: IntentStatus,
    pub(crate) transfer_group: Option<String>,
    /// The invoice it pays.
    #[serde(skip)]
    pub(crate) invoice: Option<Id>,
    /// The checkout session it was made by.
    #[serde(skip)]
    pub(crate) session: Option<Id>,
    /// Where the customer goes who was asked to authenticate, also afterwards.
    #[serde(skip)]
    pub(crate) return_url: Option<String>,
    /// The customer authenticated this try.
    #[serde(skip)]
    pub(crate) authenticated: bool,
    /// When it settles, or when an authorization ends.
    #[serde(skip)]
    pub(crate) due: Option<i64>,
}

/// Where a payment intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IntentStatus {
    Canceled,
    Processing,
    RequiresAction,
    RequiresCapture,
    RequiresConfirmation,
    RequiresPaymentMethod,
    Succeeded,
}

impl IntentStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::Processing => "processing",
            Self::RequiresAction => "requires_action",
            Self::RequiresCapture => "requires_capture",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::Succeeded => "succeeded",
        }
    }
}

/// Whether Stripe chooses the payment methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct AutomaticMethods {
    /// `always` or `never`.
    pub(crate) allow_redirects: &'static str,
    pub(crate) enabled: bool,
}

/// A set of kinds of payment method, in Stripe's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Kinds(pub(crate) Vec<Kind>);

/// What the customer has to do before the payment goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NextAction {
    /// Where the customer authenticates.
    pub(crate) url: String,
    /// Where they go afterward; without one, Stripe.js does it in the page.
    pub(crate) return_url: Option<String>,
}

impl Serialize for NextAction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = match &self.return_url {
            Some(back) => json!({
                "type": "redirect_to_url",
                "redirect_to_url": { "return_url": back, "url": self.url },
            }),
            None => json!({
                "type": "use_stripe_sdk",
                "use_stripe_sdk": { "type": "three_d_secure_redirect", "stripe_js": self.url },
            }),
        };
        value.serialize(serializer)
    }
}

/// `payment_method_options` of an intent: one entry a kind that has options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) kinds: Kinds,
    /// `automatic`, `any` or `challenge`.
    pub(crate) three_d_secure: &'static str,
    /// Whether the intent sets up and does not pay.
    pub(crate) setup: bool,
}

impl Options {
    pub(crate) fn new(kinds: &Kinds) -> Self {
        Self { kinds: kinds.clone(), three_d_secure: "automatic", setup: false }
    }

    fn of(&self, kind: Kind) -> Value {
        match kind {
            Kind::Card if self.setup => json!({
                "mandate_options": null,
                "network": null,
                "request_three_d_secure": self.three_d_secure,
            }),
            Kind::Card => json!({
                "installments": null,
                "mandate_options": null,
                "network": null,
                "request_three_d_secure": self.three_d_secure,
            }),
            Kind::Link => json!({ "persistent_token": null }),
            Kind::SepaDebit => json!({}),
            Kind::UsBankAccount => json!({ "verification_method": "automatic" }),
        }
    }
}

impl Serialize for Options {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.kinds.0.iter().map(|kind| (kind.as_str().to_owned(), self.of(*kind)));
        entries.collect::<Map<String, Value>>().serialize(serializer)
    }
}

impl Object for PaymentIntent {
    const NAME: &'static str = "payment_intent";
    const PREFIX: &'static str = "pi_";
    const PATH: &'static str = "/v1/payment_intents";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn customer(&self) -> Option<&Id> {
        self.customer.as_ref()
    }

    fn table(world: &World) -> &Table<Self> {
        &world.payment_intents
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.payment_intents
    }
}
