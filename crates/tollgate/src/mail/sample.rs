//! Facts to look at a letter with: one or more for each, of an imagined customer.

use tollgate_stripe::object::{
    Customer, Invoice, InvoiceStatus, Object, PaymentMethod, Subscription, SubscriptionItem,
    SubscriptionStatus,
};

use super::letter::{self, Letter};
use crate::rules::effects::{Effect, EffectKind};
use crate::rules::known::Known;

/// 22 November 2026, noon.
const NOW: i64 = 1_795_348_800;
const DAY: i64 = 86_400;

/// Facts that make a letter.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The letter's name, and behind a hyphen what is special here.
    pub name: &'static str,
    /// The fact.
    pub effect: Effect,
    /// What is known around it.
    pub known: Known,
    /// When it is told.
    pub now: i64,
}

impl Sample {
    /// Returns the letter that tells it.
    pub(super) fn letter(&self) -> &'static Letter {
        letter::of(self.effect.kind).expect("samples are of facts that a letter tells")
    }
}

/// Returns the samples of every letter.
pub fn all() -> Vec<Sample> {
    vec![of("receipt", EffectKind::InvoicePaid, "in_1sample", "", known())]
}

fn of(name: &'static str, kind: EffectKind, subject: &str, detail: &str, known: Known) -> Sample {
    Sample { name, effect: Effect::new(kind, subject, detail), known, now: NOW }
}

fn known() -> Known {
    Known {
        user_id: Some("user_1".to_owned()),
        email: Some("ada@example.com".to_owned()),
        name: Some("Ada Lovelace".to_owned()),
        subject: Some(Object::Invoice(invoice())),
        customer: Some(Customer { id: "cus_1sample".into(), ..Customer::default() }),
        subscription: Some(subscription()),
        invoice: Some(invoice()),
        payment_method: Some(card()),
        ..Known::default()
    }
}

fn subscription() -> Subscription {
    let item = SubscriptionItem {
        price: Some("price_sample".into()),
        quantity: Some(1),
        ..SubscriptionItem::default()
    };
    Subscription {
        id: "sub_1sample".into(),
        customer: Some("cus_1sample".into()),
        status: SubscriptionStatus::Active,
        items: vec![item],
        currency: Some("eur".to_owned()),
        current_period_start: Some(NOW),
        current_period_end: Some(NOW + 30 * DAY),
        ..Subscription::default()
    }
}

fn invoice() -> Invoice {
    Invoice {
        id: Some("in_1sample".into()),
        status: InvoiceStatus::Paid,
        currency: Some("eur".to_owned()),
        amount_due: Some(2_900),
        amount_paid: Some(2_900),
        attempt_count: 1,
        paid_at: Some(NOW),
        ..Invoice::default()
    }
}

fn card() -> PaymentMethod {
    PaymentMethod {
        id: "pm_1sample".into(),
        kind: Some("card".to_owned()),
        brand: Some("visa".to_owned()),
        last4: Some("4242".to_owned()),
        exp_month: Some(12),
        exp_year: Some(2026),
        ..PaymentMethod::default()
    }
}
