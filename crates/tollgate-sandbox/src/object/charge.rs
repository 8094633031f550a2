//! A charge: one try of a payment, as the bank answered it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::address::{BillingDetails, Shipping};
use super::payment_method::{Card, Means, UsBankAccount, fingerprint};
use super::{Id, Metadata, Null, Object};
use crate::dice::{Dice, hash};
use crate::money::currency::Currency;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/charges/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Charge {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    /// In minor units of `currency`.
    pub(crate) amount: i64,
    pub(crate) amount_captured: i64,
    /// What went back: refunds, and the part of an authorization that was not captured.
    pub(crate) amount_refunded: i64,
    pub(crate) application: Null,
    pub(crate) application_fee: Null,
    pub(crate) application_fee_amount: Null,
    pub(crate) balance_transaction: Option<Id>,
    pub(crate) billing_details: Arc<BillingDetails>,
    pub(crate) calculated_statement_descriptor: Option<Cow<'static, str>>,
    pub(crate) captured: bool,
    pub(crate) created: i64,
    pub(crate) currency: Currency,
    pub(crate) customer: Option<Id>,
    pub(crate) description: Option<String>,
    pub(crate) disputed: bool,
    pub(crate) failure_balance_transaction: Option<Id>,
    pub(crate) failure_code: Option<&'static str>,
    pub(crate) failure_message: Option<&'static str>,
    pub(crate) fraud_details: FraudDetails,
    pub(crate) livemode: bool,
    pub(crate) metadata: Metadata,
    pub(crate) on_behalf_of: Null,
    pub(crate) outcome: Option<ChargeOutcome>,
    pub(crate) paid: bool,
    pub(crate) payment_intent: Option<Id>,
    pub(crate) payment_method: Option<Id>,
    pub(crate) payment_method_details: Details,
    pub(crate) radar_options: RadarOptions,
    pub(crate) receipt_email: Option<String>,
    pub(crate) receipt_number: Null,
    pub(crate) receipt_url: Receipt,
    pub(crate) refunded: bool,
    pub(crate) review: Null,
    pub(crate) shipping: Option<Arc<Shipping>>,
    pub(crate) source: Null,
    pub(crate) source_transfer: Null,
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) statement_descriptor_suffix: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) transfer_data: Null,
    pub(crate) transfer_group: Option<String>,
}

impl Charge {
    /// Returns what can still be refunded, in minor units.
    pub(crate) fn refundable(&self) -> i64 {
        self.amount - self.amount_refunded
    }
}

/// What somebody reported about a charge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct FraudDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_report: Option<&'static str>,
}

/// Where the customer sees what they paid; nothing for a charge that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt(pub(crate) Option<Id>);

impl Serialize for Receipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let url = self.0.as_ref().map(|charge| {
            let token = Dice::new(hash(charge), "receipt").word(32);
            format!("https://pay.stripe.com/receipts/payment/{token}")
        });
        url.serialize(serializer)
    }
}

/// An empty object: no session was given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct RadarOptions {}

/// What the network and Stripe's rules said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ChargeOutcome {
    pub(crate) advice_code: Option<&'static str>,
    pub(crate) network_advice_code: Null,
    pub(crate) network_decline_code: Option<&'static str>,
    pub(crate) network_status: &'static str,
    pub(crate) reason: Option<&'static str>,
    pub(crate) risk_level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) risk_score: Option<u64>,
    pub(crate) seller_message: &'static str,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

/// The payment method as it was when it was charged.
#[derive(Debug, Clone)]
pub(crate) struct Details {
    pub(crate) means: Means,
    /// In minor units.
    pub(crate) amount: i64,
    /// The bank gave its consent.
    pub(crate) authorized: bool,
    /// The customer authenticated with their bank.
    pub(crate) authenticated: bool,
    /// Until when an authorization can be captured.
    pub(crate) capture_before: Option<i64>,
    pub(crate) mandate: Option<Id>,
    /// What the bank's own numbers follow from.
    pub(crate) charge: Id,
}

impl Details {
    fn card(&self, card: &Card) -> Value {
        let mut dice = Dice::new(hash(&self.charge), "network");
        let mut details = json!({
            "amount_authorized": self.authorized.then_some(self.amount),
            "authorization_code": self.authorized.then(|| dice.decimals(6)),
            "brand": card.test.brand.name(),
            "checks": card.checks,
            "country": card.test.country,
            "electronic_commerce_indicator": null,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "extended_authorization": { "status": "disabled" },
            "fingerprint": fingerprint(card.test.number),
            "funding": card.test.funding,
            "incremental_authorization": { "status": "unavailable" },
            "installments": null,
            "last4": card.test.last4(),
            "mandate": null,
            "multicapture": { "status": "unavailable" },
            "network": card.test.brand.network(),
            "network_token": { "used": false },
            "network_transaction_id": self.authorized.then(|| dice.decimals(15)),
            "overcapture": { "maximum_amount_capturable": self.amount, "status": "unavailable" },
            "regulated_status": "unregulated",
            "three_d_secure": self.authenticated.then(three_d_secure),
            "transaction_link_id": null,
            "wallet": null,
        });
        if let Some(until) = self.capture_before {
            details["capture_before"] = until.into();
        }
        details
    }

    fn us_bank_account(&self, account: &UsBankAccount) -> Value {
        let mut details = json!({
            "account_holder_type": account.account_holder_type,
            "account_type": account.account_type,
            "bank_name": UsBankAccount::BANK_NAME,
            "fingerprint": fingerprint(&account.account_number),
            "last4": account.last4(),
            "payment_reference": Dice::new(hash(&self.charge), "network").decimals(15),
            "routing_number": account.routing_number,
        });
        if let Some(mandate) = &self.mandate {
            details["mandate"] = Value::String(mandate.to_string());
        }
        details
    }
}

fn three_d_secure() -> Value {
    json!({
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": null,
        "result": "authenticated",
        "result_reason": null,
        "transaction_id": null,
        "version": "2.2.0",
    })
}

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = self.means.kind().as_str();
        let details = match &self.means {
            Means::Card(card) => self.card(card),
            Means::SepaDebit(debit) => json!({
                "bank_code": debit.bank_code(),
                "branch_code": "",
                "country": debit.country(),
                "fingerprint": fingerprint(&debit.iban),
                "last4": debit.last4(),
                "mandate": self.mandate,
            }),
            Means::UsBankAccount(account) => self.us_bank_account(account),
        };
        let mut wire = Map::new();
        wire.insert("type".to_owned(), kind.into());
        wire.insert(kind.to_owned(), details);
        wire.serialize(serializer)
    }
}

impl Object for Charge {
    const NAME: &'static str = "charge";
    const PREFIX: &'static str = "ch_";
    const PATH: &'static str = "/v1/charges";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn customer(&self) -> Option<&Id> {
        self.customer.as_ref()
    }

    fn owners(&self) -> Vec<&Id> {
        self.customer.iter().chain(&self.payment_intent).collect()
    }

    fn table(world: &World) -> &Table<Self> {
        &world.charges
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.charges
    }
}
