//! A checkout session: one way of one customer to one purchase.

use serde::Serialize;
use serde_json::Value;

use super::item::Item;
use super::{Empty, Id, Metadata, Null, Object};
use crate::money::currency::Currency;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/checkout/sessions/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CheckoutSession {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) adaptive_pricing: Option<Enabled>,
    pub(crate) after_expiration: Option<AfterExpiration>,
    pub(crate) allow_promotion_codes: Option<bool>,
    pub(crate) allowed_payment_method_types: Option<Vec<String>>,
    pub(crate) amount_subtotal: Option<i64>,
    pub(crate) amount_total: Option<i64>,
    pub(crate) automatic_tax: AutomaticTax,
    pub(crate) billing_address_collection: Option<String>,
    pub(crate) branding_settings: Value,
    pub(crate) cancel_url: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) client_secret: Option<String>,
    pub(crate) collected_information: Option<CollectedInformation>,
    pub(crate) consent: Null,
    pub(crate) consent_collection: Option<Value>,
    pub(crate) created: i64,
    pub(crate) currency: Option<Currency>,
    pub(crate) currency_conversion: Null,
    pub(crate) custom_fields: Empty,
    pub(crate) custom_text: CustomText,
    pub(crate) customer: Option<Id>,
    pub(crate) customer_account: Null,
    pub(crate) customer_creation: Option<&'static str>,
    pub(crate) customer_details: Option<CustomerDetails>,
    pub(crate) customer_email: Option<String>,
    pub(crate) discounts: Option<Vec<SessionDiscount>>,
    pub(crate) expires_at: i64,
    pub(crate) integration_identifier: Option<String>,
    pub(crate) invoice: Option<Id>,
    pub(crate) invoice_creation: Option<Value>,
    pub(crate) livemode: bool,
    pub(crate) locale: Option<String>,
    pub(crate) managed_payments: Enabled,
    pub(crate) metadata: Metadata,
    pub(crate) mode: Mode,
    pub(crate) origin_context: Option<String>,
    pub(crate) payment_intent: Option<Id>,
    pub(crate) payment_link: Null,
    pub(crate) payment_method_collection: Option<&'static str>,
    pub(crate) payment_method_configuration_details: Null,
    pub(crate) payment_method_options: Value,
    pub(crate) payment_method_types: Vec<String>,
    pub(crate) payment_status: PaymentStatus,
    pub(crate) permissions: Null,
    pub(crate) phone_number_collection: Enabled,
    pub(crate) recovered_from: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) redirect_on_completion: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) return_url: Option<String>,
    pub(crate) saved_payment_method_options: Option<Value>,
    pub(crate) setup_intent: Option<Id>,
    pub(crate) shipping_address_collection: Option<Value>,
    pub(crate) shipping_cost: Null,
    pub(crate) shipping_options: Empty,
    pub(crate) status: Status,
    pub(crate) submit_type: Option<String>,
    pub(crate) subscription: Option<Id>,
    pub(crate) success_url: Option<String>,
    pub(crate) total_details: Option<TotalDetails>,
    pub(crate) ui_mode: &'static str,
    pub(crate) url: Option<String>,
    pub(crate) wallet_options: Null,
    /// What only the sandbox knows of it.
    #[serde(skip)]
    pub(crate) hidden: Hidden,
}

/// What the sandbox remembers of a session beside its shape.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hidden {
    pub(crate) lines: Vec<Item>,
    /// `subscription_data`, `payment_intent_data` or `setup_intent_data`, as the call sent it.
    pub(crate) passed_on: Value,
    /// The first amount of a subscription that begins before its anchor, in minor units a line.
    pub(crate) first_amounts: Option<Vec<i64>>,
    /// When the subscription's trial would end, counted from the session's start.
    pub(crate) trial: Option<Trial>,
    /// The payment that was tried, so that the next attempt goes on with it.
    pub(crate) intent: Option<Id>,
    /// The customer whom an attempt made, before the session is complete.
    pub(crate) customer: Option<Id>,
    /// What waits for the customer's bank.
    pub(crate) action: Option<Action>,
    /// The discount was entered on the page and can be taken off there.
    pub(crate) code_entered: bool,
}

/// A trial that the session gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trial {
    /// So many days from the moment of completion.
    Days(i64),
    /// Until a moment, in Unix seconds.
    Until(i64),
}

/// An attempt that the customer has to authenticate.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    /// The payment intent or setup intent.
    pub(crate) intent: Id,
    pub(crate) method: Id,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
}

/// What a session is for.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    Payment,
    Setup,
    Subscription,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Open,
    Complete,
    Expired,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

/// Whether the money is there.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentStatus {
    Unpaid,
    Paid,
    NoPaymentRequired,
}

/// A feature that is on or off.
#[derive(Debug, Clone, Copy, Serialize, Default, PartialEq, Eq)]
pub(crate) struct Enabled {
    pub(crate) enabled: bool,
}

/// What is offered after a session expired.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AfterExpiration {
    pub(crate) recovery: Option<Recovery>,
}

/// A way back to an expired session.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Recovery {
    pub(crate) allow_promotion_codes: bool,
    pub(crate) enabled: bool,
    pub(crate) expires_at: Option<i64>,
    pub(crate) url: Option<String>,
}

/// Whether tax is computed; an account without tax registrations owes none.
#[derive(Debug, Clone, Copy, Serialize, Default)]
pub(crate) struct AutomaticTax {
    pub(crate) enabled: bool,
    pub(crate) liability: Option<Liability>,
    pub(crate) provider: Option<&'static str>,
    pub(crate) status: Option<&'static str>,
}

/// Who is liable for tax: the account itself.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Liability {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

/// What the page asked for beside the payment.
#[derive(Debug, Clone, Copy, Serialize, Default)]
pub(crate) struct CollectedInformation {
    pub(crate) business_name: Null,
    pub(crate) individual_name: Null,
    pub(crate) shipping_details: Null,
}

/// Texts of the app on the page.
#[derive(Debug, Clone, Serialize, Default)]
pub(crate) struct CustomText {
    pub(crate) after_submit: Option<Message>,
    pub(crate) shipping_address: Option<Message>,
    pub(crate) submit: Option<Message>,
    pub(crate) terms_of_service_acceptance: Option<Message>,
}

/// One such text.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Message {
    pub(crate) message: String,
}

/// Who the customer said they are.
#[derive(Debug, Clone, Serialize, Default)]
pub(crate) struct CustomerDetails {
    pub(crate) address: Option<Address>,
    pub(crate) business_name: Null,
    pub(crate) email: Option<String>,
    pub(crate) individual_name: Null,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) tax_exempt: Option<&'static str>,
    pub(crate) tax_ids: Option<Empty>,
}

/// An address that nobody asked for.
#[derive(Debug, Clone, Copy, Serialize, Default)]
pub(crate) struct Address {
    pub(crate) city: Null,
    pub(crate) country: Null,
    pub(crate) line1: Null,
    pub(crate) line2: Null,
    pub(crate) postal_code: Null,
    pub(crate) state: Null,
}

/// The coupon or promotion code in use.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct SessionDiscount {
    pub(crate) coupon: Option<Id>,
    pub(crate) promotion_code: Option<Id>,
}

/// What the total is made of beside the lines.
#[derive(Debug, Clone, Copy, Serialize, Default)]
pub(crate) struct TotalDetails {
    pub(crate) amount_discount: i64,
    pub(crate) amount_shipping: Option<i64>,
    pub(crate) amount_tax: i64,
}

impl Object for CheckoutSession {
    const NAME: &'static str = "checkout.session";
    const PREFIX: &'static str = "cs_";
    const PATH: &'static str = "/v1/checkout/sessions";

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
        &world.sessions
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.sessions
    }
}
