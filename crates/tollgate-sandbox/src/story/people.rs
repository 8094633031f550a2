//! The people and the cards of the stories. Names are invented, e-mail addresses end in
//! `example.com`, card numbers are never whole.

use super::json::Json;
use crate::dice::{Dice, hash};

const FIRST: [&str; 40] = [
    "Ada", "Amara", "Anders", "Beatriz", "Bilal", "Camille", "Chidi", "Clara", "Daan", "Dmitri",
    "Elif", "Emeka", "Farah", "Gabriel", "Hana", "Ibrahim", "Ines", "Jonas", "Kaito", "Leila",
    "Liam", "Lucía", "Mateo", "Mei", "Nadia", "Noah", "Olga", "Priya", "Quinn", "Rafael", "Rosa",
    "Samir", "Sofia", "Tariq", "Ulla", "Vera", "Wanjiru", "Xavier", "Yara", "Zofia",
];
const LAST: [&str; 40] = [
    "Almeida",
    "Andersson",
    "Baker",
    "Banerjee",
    "Bianchi",
    "Castillo",
    "Dahl",
    "Diallo",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Haddad",
    "Hoffmann",
    "Ito",
    "Jansen",
    "Kaya",
    "Keller",
    "Kowalski",
    "Lambert",
    "Lindqvist",
    "Mensah",
    "Moreau",
    "Nakamura",
    "Novak",
    "Okafor",
    "Olsen",
    "Pereira",
    "Quist",
    "Rossi",
    "Sato",
    "Schneider",
    "Silva",
    "Tanaka",
    "Umar",
    "Vasquez",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zhang",
];
/// City, state, country, and the first digits of the postal code.
const PLACES: [(&str, Option<&str>, &str, &str); 16] = [
    ("Portland", Some("OR"), "US", "972"),
    ("Austin", Some("TX"), "US", "787"),
    ("Chicago", Some("IL"), "US", "606"),
    ("San Francisco", Some("CA"), "US", "941"),
    ("Brooklyn", Some("NY"), "US", "112"),
    ("Berlin", None, "DE", "101"),
    ("Hamburg", None, "DE", "203"),
    ("Lyon", None, "FR", "690"),
    ("Madrid", None, "ES", "280"),
    ("Lisboa", None, "PT", "110"),
    ("Utrecht", None, "NL", "351"),
    ("Wien", None, "AT", "101"),
    ("Milano", Some("MI"), "IT", "201"),
    ("Sydney", Some("NSW"), "AU", "20"),
    ("Toronto", Some("ON"), "CA", "M5V 2"),
    ("London", None, "GB", "EC1A 1"),
];
const STREETS: [&str; 12] = [
    "Alder Street",
    "Bridge Road",
    "Canal Row",
    "Dock Lane",
    "Elm Avenue",
    "Foundry Street",
    "Garden Court",
    "Harbour Way",
    "Mill Lane",
    "Orchard Road",
    "Station Road",
    "Willow Close",
];
const BRANDS: [(&str, &str); 4] =
    [("visa", "visa"), ("mastercard", "mastercard"), ("visa", "visa"), ("amex", "amex")];
const SHOPS: [&str; 12] = [
    "Northwind Notes",
    "Lumen Analytics",
    "Paper Crane",
    "Quiet Harbor",
    "Tidewater CRM",
    "Cobalt Forms",
    "Field Ledger",
    "Marigold Mail",
    "Ridgeline Docs",
    "Saffron Studio",
    "Tundra Metrics",
    "Violet Scheduler",
];

/// Someone who buys.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub name: String,
    pub email: String,
    pub phone: Option<String>,
    pub address: Json,
    pub country: &'static str,
    pub card: Card,
}

/// A card, as far as Stripe shows one.
#[derive(Debug, Clone)]
pub(super) struct Card {
    pub brand: &'static str,
    pub network: &'static str,
    pub country: &'static str,
    pub funding: &'static str,
    pub exp_month: i64,
    pub exp_year: i64,
    pub last4: String,
    pub fingerprint: String,
}

impl Person {
    /// Returns the person of a seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "person");
        let (first, last) = (dice.pick(&FIRST), dice.pick(&LAST));
        let (city, state, country, postal) = dice.pick(&PLACES);
        let number = dice.between(1, 9_999);
        let email = format!("{}.{}{number}@example.com", ascii(first), ascii(last));
        let phone = (dice.below(4) == 0).then(|| format!("+1555{}", dice.decimals(7)));
        let line1 = format!("{} {}", dice.between(1, 400), dice.pick(&STREETS));
        let address = Json::object([
            ("city", city.into()),
            ("country", country.into()),
            ("line1", line1.into()),
            ("line2", Json::Null),
            ("postal_code", format!("{postal}{}", dice.decimals(2)).into()),
            ("state", state.into()),
        ]);
        let card = Card::new(&mut dice, country);
        Self { name: format!("{first} {last}"), email, phone, address, country, card }
    }

    /// Returns `billing_details` of a charge or a payment method.
    pub(super) fn billing_details(&self) -> Json {
        Json::object([
            ("address", self.address.clone()),
            ("email", (&self.email).into()),
            ("name", (&self.name).into()),
            ("phone", self.phone.as_ref().into()),
            ("tax_id", Json::Null),
        ])
    }
}

impl Card {
    /// Returns the next card of a stream of chance.
    pub(super) fn new(dice: &mut Dice, country: &'static str) -> Self {
        let (brand, network) = dice.pick(&BRANDS);
        Self {
            brand,
            network,
            country,
            funding: dice.pick(&["credit", "debit", "credit", "prepaid"]),
            exp_month: dice.between(1, 12),
            exp_year: dice.between(2027, 2034),
            last4: dice.decimals(4),
            fingerprint: dice.word(16),
        }
    }
}

/// Returns the name of the shop that sells a product.
pub(super) fn shop(product: &str) -> &'static str {
    Dice::new(hash(product), "shop").pick(&SHOPS)
}

fn ascii(name: &str) -> String {
    name.to_lowercase().replace('í', "i")
}
