//! A payment method: a card or a bank account, of nobody, of one customer, or used up.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::address::BillingDetails;
use super::{Id, Metadata, Null, Object};
use crate::dice::{Dice, hash};
use crate::payments::banks::TestBank;
use crate::payments::cards::TestCard;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/payment_methods/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PaymentMethod {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) allow_redisplay: &'static str,
    pub(crate) billing_details: Arc<BillingDetails>,
    pub(crate) created: i64,
    pub(crate) customer: Option<Id>,
    pub(crate) customer_account: Null,
    pub(crate) livemode: bool,
    pub(crate) metadata: Metadata,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(flatten)]
    pub(crate) means: Means,
    /// It was used without a customer or taken from one, and may not be used again.
    #[serde(skip)]
    pub(crate) spent: bool,
    /// The customer agreed to payments while they are away.
    #[serde(skip)]
    pub(crate) set_up: bool,
    /// The mandate that its debits refer to.
    #[serde(skip)]
    pub(crate) mandate: Option<Id>,
}

/// The kinds of payment method that the sandbox knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Card,
    Link,
    SepaDebit,
    UsBankAccount,
}

impl Kind {
    /// Every kind, in the order in which Stripe lists them.
    pub(crate) const ALL: [Self; 4] =
        [Self::Card, Self::Link, Self::SepaDebit, Self::UsBankAccount];

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Link => "link",
            Self::SepaDebit => "sepa_debit",
            Self::UsBankAccount => "us_bank_account",
        }
    }
}

/// What the money comes from.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Means {
    Card(Card),
    SepaDebit(SepaDebit),
    UsBankAccount(UsBankAccount),
}

impl Means {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Card(_) => Kind::Card,
            Self::SepaDebit(_) => Kind::SepaDebit,
            Self::UsBankAccount(_) => Kind::UsBankAccount,
        }
    }
}

/// A card. Its brand, country and behaviour are those of the test card with its number.
#[derive(Debug, Clone)]
pub(crate) struct Card {
    pub(crate) test: &'static TestCard,
    pub(crate) exp_month: i64,
    pub(crate) exp_year: i64,
    pub(crate) checks: Checks,
}

/// What the bank said to the details given with a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Checks {
    pub(crate) address_line1_check: Option<&'static str>,
    pub(crate) address_postal_code_check: Option<&'static str>,
    pub(crate) cvc_check: Option<&'static str>,
}

impl Serialize for Card {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Networks {
            available: &'static [&'static str],
            preferred: Null,
        }
        #[derive(Serialize)]
        struct Usage {
            supported: bool,
        }
        #[derive(Serialize)]
        struct Wire {
            brand: &'static str,
            checks: Checks,
            country: &'static str,
            display_brand: &'static str,
            exp_month: i64,
            exp_year: i64,
            fingerprint: String,
            funding: &'static str,
            generated_from: Null,
            last4: &'static str,
            networks: Networks,
            regulated_status: &'static str,
            three_d_secure_usage: Usage,
            wallet: Null,
        }
        let test = self.test;
        Wire {
            brand: test.brand.name(),
            checks: self.checks,
            country: test.country,
            display_brand: test.brand.display(),
            exp_month: self.exp_month,
            exp_year: self.exp_year,
            fingerprint: fingerprint(test.number),
            funding: test.funding,
            generated_from: Null,
            last4: test.last4(),
            networks: Networks { available: test.brand.networks(), preferred: Null },
            regulated_status: "unregulated",
            three_d_secure_usage: Usage { supported: true },
            wallet: Null,
        }
        .serialize(serializer)
    }
}

/// A bank account in the euro area, by its IBAN.
#[derive(Debug, Clone)]
pub(crate) struct SepaDebit {
    pub(crate) iban: Cow<'static, str>,
    pub(crate) fate: &'static TestBank,
}

impl SepaDebit {
    pub(crate) fn last4(&self) -> &str {
        last4(&self.iban)
    }

    pub(crate) fn country(&self) -> &str {
        self.iban.get(..2).unwrap_or_default()
    }

    /// Returns the digits behind the country and the checksum, where banks have their code.
    pub(crate) fn bank_code(&self) -> &str {
        self.iban.get(4..9).unwrap_or_default()
    }
}

impl Serialize for SepaDebit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            bank_code: &'a str,
            branch_code: &'a str,
            country: &'a str,
            fingerprint: String,
            generated_from: Null,
            last4: &'a str,
        }
        Wire {
            bank_code: self.bank_code(),
            branch_code: "",
            country: self.country(),
            fingerprint: fingerprint(&self.iban),
            generated_from: Null,
            last4: self.last4(),
        }
        .serialize(serializer)
    }
}

/// A bank account in the United States.
#[derive(Debug, Clone)]
pub(crate) struct UsBankAccount {
    pub(crate) account_holder_type: &'static str,
    pub(crate) account_type: &'static str,
    pub(crate) account_number: Cow<'static, str>,
    pub(crate) routing_number: Cow<'static, str>,
    pub(crate) fate: &'static TestBank,
}

impl UsBankAccount {
    pub(crate) const BANK_NAME: &'static str = "STRIPE TEST BANK";

    pub(crate) fn last4(&self) -> &str {
        last4(&self.account_number)
    }
}

impl Serialize for UsBankAccount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Networks {
            preferred: &'static str,
            supported: [&'static str; 1],
        }
        #[derive(Serialize)]
        struct Wire<'a> {
            account_holder_type: &'static str,
            account_type: &'static str,
            bank_name: &'static str,
            financial_connections_account: Null,
            fingerprint: String,
            last4: &'a str,
            networks: Networks,
            routing_number: &'a str,
            status_details: Null,
        }
        Wire {
            account_holder_type: self.account_holder_type,
            account_type: self.account_type,
            bank_name: Self::BANK_NAME,
            financial_connections_account: Null,
            fingerprint: fingerprint(&self.account_number),
            last4: self.last4(),
            networks: Networks { preferred: "ach", supported: ["ach"] },
            routing_number: &self.routing_number,
            status_details: Null,
        }
        .serialize(serializer)
    }
}

/// Returns the mark by which the same number is known again.
pub(crate) fn fingerprint(number: &str) -> String {
    Dice::new(hash(number), "fingerprint").word(16)
}

fn last4(number: &str) -> &str {
    &number[number.len().saturating_sub(4)..]
}

impl Object for PaymentMethod {
    const NAME: &'static str = "payment_method";
    const PREFIX: &'static str = "pm_";
    const PATH: &'static str = "/v1/payment_methods";

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
        &world.payment_methods
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.payment_methods
    }
}
