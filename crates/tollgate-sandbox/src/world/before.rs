//! What stood around an object before it changed: the facts that an event's previous attributes
//! are rendered with in old versions, where an invoice shows its payment and its charge.

use serde_json::Value;

use super::World;
use crate::object::invoice::Invoice;
use crate::object::{Id, Object as _};
use crate::version::{Facts, Payment};

/// The first version in which an invoice no longer shows its payment.
const WITHOUT_PAYMENT: &str = "2025-03-31";

/// The world as the last event about an invoice told of it. Where none did while an old version
/// was in use, and for the lists of charges and refunds that versions of 2020 show within other
/// objects, it is the present one: those do not appear among previous attributes.
pub(super) struct Before<'a>(pub(super) &'a World);

impl Facts for Before<'_> {
    fn object(&self, id: &str) -> Option<Value> {
        self.0.object(id)
    }

    fn invoice_of_payment(&self, payment_intent: &str) -> Option<String> {
        self.0.invoice_of_payment(payment_intent)
    }

    fn payment_of_invoice(&self, invoice: &str) -> Option<Payment> {
        match self.0.told.get(invoice) {
            Some(told) => Some(told.clone()),
            None => self.0.payment_of_invoice(invoice),
        }
    }

    fn charges_of_payment(&self, payment_intent: &str) -> Vec<Value> {
        self.0.charges_of_payment(payment_intent)
    }

    fn refunds_of_charge(&self, charge: &str) -> Vec<Value> {
        self.0.refunds_of_charge(charge)
    }
}

impl World {
    /// Remembers which payment an event about an invoice shows, if anyone reads old versions.
    pub(super) fn remember_payment(&mut self, about: &Id, about_kind: &str) {
        if about_kind != Invoice::NAME || !self.reads_old_versions() {
            return;
        }
        let payment = self.payment_of_invoice(about).unwrap_or_default();
        self.told.insert(about.clone(), payment);
    }

    fn reads_old_versions(&self) -> bool {
        let endpoints = self.webhook_endpoints.newest().map(|row| row.api_version.as_ref());
        let destinations =
            self.event_destinations.newest().map(|row| row.snapshot_api_version.as_ref());
        let named = endpoints.chain(destinations).flatten().map(String::as_str);
        // Versions begin with their date, so that texts compare as moments.
        named.chain([self.settings.api_version.as_str()]).any(|version| version < WITHOUT_PAYMENT)
    }
}
