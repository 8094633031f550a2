//! A token: card or account details on their way to a payment method, to be used once.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::payment_method::{Card, Means, UsBankAccount, fingerprint};
use super::{Id, Object};
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/tokens/object>
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) used: bool,
    pub(crate) means: Means,
    /// The name on the card or the holder of the account.
    pub(crate) name: Option<String>,
    /// The id of the card or account within.
    pub(crate) part: Id,
}

/// Returns a card as it stands in a token and among a customer's sources.
pub(crate) fn card(id: &Id, name: Option<&str>, card: &Card) -> Value {
    json!({
        "id": id,
        "object": "card",
        "address_city": null,
        "address_country": null,
        "address_line1": null,
        "address_line1_check": null,
        "address_line2": null,
        "address_state": null,
        "address_zip": null,
        "address_zip_check": null,
        "brand": card.test.brand.title(),
        "country": card.test.country,
        "cvc_check": card.checks.cvc_check,
        "dynamic_last4": null,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": fingerprint(card.test.number),
        "funding": card.test.funding,
        "last4": card.test.last4(),
        "metadata": {},
        "name": name,
        "networks": { "preferred": null },
        "regulated_status": "unregulated",
        "tokenization_method": null,
        "wallet": null,
    })
}

impl Token {
    fn bank_account(&self, account: &UsBankAccount) -> Value {
        json!({
            "id": self.part,
            "object": "bank_account",
            "account_holder_name": self.name,
            "account_holder_type": account.account_holder_type,
            "account_type": account.account_type,
            "bank_name": UsBankAccount::BANK_NAME,
            "country": "US",
            "currency": "usd",
            "fingerprint": fingerprint(&account.account_number),
            "last4": account.last4(),
            "routing_number": account.routing_number,
            "status": "new",
        })
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, part) = match &self.means {
            Means::Card(means) => ("card", card(&self.part, self.name.as_deref(), means)),
            Means::UsBankAccount(account) => ("bank_account", self.bank_account(account)),
            Means::SepaDebit(_) => ("bank_account", Value::Null),
        };
        let mut wire = Map::new();
        wire.insert("id".to_owned(), Value::String(self.id.to_string()));
        wire.insert("object".to_owned(), Self::NAME.into());
        wire.insert(kind.to_owned(), part);
        wire.insert("client_ip".to_owned(), Value::Null);
        wire.insert("created".to_owned(), self.created.into());
        wire.insert("livemode".to_owned(), false.into());
        wire.insert("type".to_owned(), kind.into());
        wire.insert("used".to_owned(), self.used.into());
        wire.serialize(serializer)
    }
}

impl Object for Token {
    const NAME: &'static str = "token";
    const PREFIX: &'static str = "tok_";
    const PATH: &'static str = "/v1/tokens";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn table(world: &World) -> &Table<Self> {
        &world.tokens
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.tokens
    }
}
