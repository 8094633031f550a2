//! What a letter can name, and where it is from. Every value is a text, empty where nothing is
//! known; those from outside are made harmless here, and escaped in the layout.

use serde::Serialize;
use tollgate_stripe::object::{Invoice, Object, PaymentMethod};

use super::letter::{self, Letter};
use super::link::Links;
use super::locale::Locale;
use super::plain;
use crate::config::{Brand, Mail};
use crate::rules::effects::Effect;
use crate::rules::known::Known;
use crate::rules::policy::Rulebook;

/// What a letter can name. `docs/mails.md` lists it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Values {
    // Whose letter it is.
    pub(super) brand: String,
    pub(super) logo: String,
    pub(super) app_url: String,
    pub(super) support_email: String,
    pub(super) account_url: String,
    pub(super) survey_url: String,
    // Whom it goes to.
    pub(super) name: String,
    // What it is about.
    pub(super) level: &'static str,
    pub(super) plan: String,
    pub(super) amount: String,
    pub(super) discount: String,
    pub(super) tax: String,
    pub(super) lines: Vec<Line>,
    pub(super) paid_on: String,
    pub(super) period: String,
    pub(super) card: String,
    pub(super) invoice_number: String,
    pub(super) invoice_url: String,
}

/// What stands on an invoice.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) amount: String,
}

/// What values come from.
pub(super) struct Source<'a> {
    pub(super) letter: &'a Letter,
    pub(super) locale: &'a Locale,
    pub(super) effect: &'a Effect,
    pub(super) known: &'a Known,
    pub(super) now: i64,
    pub(super) config: &'a Mail,
    pub(super) brand: &'a Brand,
    pub(super) rulebook: &'a Rulebook,
    pub(super) links: &'a Links,
}

impl Source<'_> {
    /// Returns them.
    pub(super) fn values(&self) -> Values {
        let mut values = self.of_brand();
        values.level = letter::level(self.known);
        values.name = self.known.name.as_deref().map(plain::name).unwrap_or_default();
        values.plan = self.plan();
        values.card =
            self.known.payment_method.as_ref().map(|it| self.card(it)).unwrap_or_default();
        if let Some(invoice) = &self.known.invoice {
            self.fill_invoice(&mut values, invoice);
        }
        self.fill_subject(&mut values);
        values
    }

    fn of_brand(&self) -> Values {
        let Self { brand, config, links, .. } = self;
        let checked =
            |it: &Option<String>| it.as_deref().map(|it| links.checked(it)).unwrap_or_default();
        let app_url = links.checked(&brand.app_url);
        let account_url = match checked(&config.account_url) {
            it if it.is_empty() => app_url.clone(),
            it => it,
        };
        Values {
            brand: brand.name.clone(),
            logo: brand.logo.clone().unwrap_or_default(),
            support_email: brand.support_email.clone().unwrap_or_default(),
            survey_url: checked(&config.survey_url),
            account_url,
            app_url,
            ..Values::default()
        }
    }

    fn fill_invoice(&self, values: &mut Values, it: &Invoice) {
        values.amount = self.money(it.amount_paid.or(it.amount_due), it.currency.as_deref());
        values.paid_on = self.date(it.paid_at);
        let subscription = self.known.subscription.as_ref();
        let period = subscription.and_then(|it| it.current_period_start.zip(it.current_period_end));
        values.period = period.map(|(from, to)| self.locale.period(from, to)).unwrap_or_default();
    }

    fn fill_subject(&self, values: &mut Values) {
        if let Some(Object::CheckoutSession(it)) = &self.known.subject {
            values.amount = self.money(it.amount_total, it.currency.as_deref());
            values.paid_on = self.date(Some(self.now));
        }
    }

    fn date(&self, time: Option<i64>) -> String {
        time.map(|it| self.locale.date(it)).unwrap_or_default()
    }

    fn money(&self, amount: Option<i64>, currency: Option<&str>) -> String {
        let known =
            currency.filter(|it| it.len() == 3 && it.bytes().all(|it| it.is_ascii_alphabetic()));
        amount.zip(known).map(|(amount, it)| self.locale.money(amount, it)).unwrap_or_default()
    }

    /// The title of what was bought, in the operator's words.
    fn plan(&self) -> String {
        let subscription = self.known.subscription.as_ref();
        let of_items = subscription
            .and_then(|it| self.rulebook.plan_of_items(&it.items, it.metadata.plan.as_deref()));
        let bought = || match &self.known.subject {
            Some(Object::CheckoutSession(it)) => self
                .rulebook
                .plan_of_purchase(it.prices.iter().map(AsRef::as_ref), it.metadata.plan.as_deref()),
            _ => None,
        };
        of_items.or_else(bought).map(|it| it.title.clone()).unwrap_or_default()
    }

    fn card(&self, it: &PaymentMethod) -> String {
        match (&it.brand, &it.last4, &it.kind) {
            (Some(brand), Some(last4), _) => {
                self.locale.card(&card_brand(brand), &plain::line(last4))
            }
            (_, _, Some(kind)) => self.locale.method(kind),
            _ => String::new(),
        }
    }
}

/// Stripe's words for the brands of cards, as people know them.
const BRANDS: &[(&str, &str)] = &[
    ("amex", "American Express"),
    ("cartes_bancaires", "Cartes Bancaires"),
    ("diners", "Diners Club"),
    ("discover", "Discover"),
    ("eftpos_au", "Eftpos"),
    ("jcb", "JCB"),
    ("mastercard", "Mastercard"),
    ("unionpay", "UnionPay"),
    ("visa", "Visa"),
];

fn card_brand(brand: &str) -> String {
    let known = BRANDS.iter().find(|(word, _)| *word == brand);
    known.map_or_else(|| plain::line(brand), |(_, name)| (*name).to_owned())
}
