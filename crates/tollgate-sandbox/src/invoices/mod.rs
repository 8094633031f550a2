//! Invoices: drafts, their lines, finalization, payment, retries; and pending invoice items.
//!
//! - [`mod@draft`]: how an invoice comes to be, for real and as a preview; [`lines`]: its lines and the
//!   items that they stand on; [`sums`]: what they add up to; [`buyer`]: whose it is.
//! - [`mod@finalize`], [`collect`], [`close`]: its life, by calls and by time.
//! - [`terms`], [`content`]: what calls say about invoices and about their lines, checked.
//! - [`calls`], [`edit`], [`items`], [`bonds`]: the endpoints.

mod bonds;
mod buyer;
mod calls;
mod close;
mod collect;
mod content;
mod draft;
mod edit;
mod finalize;
mod items;
mod lines;
mod sums;
mod terms;

pub(crate) use bonds::{
    confirmation_secret, invoice_of, is_paid, is_void, paid_with, payment_intent, payments,
};
pub(crate) use close::{mark_uncollectible, stop_collecting, void};
pub(crate) use collect::{pay, payment_failed, payment_succeeded, wake};
pub(crate) use draft::{draft, preview, tell_upcoming};
pub(crate) use finalize::{finalize, finalize_paid_by};
pub(crate) use lines::{add_item, drop_pending, pending};

use crate::money::currency::Currency;
use crate::object::{Id, Metadata};
use crate::world::Route;

/// The endpoints of this room.
pub(crate) const ROUTES: &[&[Route]] = &[calls::ROUTES, edit::ROUTES, items::ROUTES, bonds::ROUTES];

/// An invoice to be made.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) customer: Id,
    pub(crate) subscription: Option<Id>,
    pub(crate) currency: Currency,
    /// `subscription_create`, `subscription_cycle`, `subscription_update`, `manual` …
    pub(crate) billing_reason: &'static str,
    /// `charge_automatically` or `send_invoice`.
    pub(crate) collection_method: &'static str,
    pub(crate) days_until_due: Option<i64>,
    /// What it is charged to unless the customer's default.
    pub(crate) default_payment_method: Option<Id>,
    pub(crate) description: Option<String>,
    pub(crate) lines: Vec<NewLine>,
    /// Whether pending items (of the subscription, or of the customer without one) go on it.
    pub(crate) takes_pending_items: bool,
    /// Discounts on the whole invoice, in order.
    pub(crate) discounts: Vec<Id>,
    /// Whether it finalizes itself and is collected.
    pub(crate) auto_advance: bool,
    pub(crate) metadata: Metadata,
    /// The metadata of the subscription, as `parent` keeps it.
    pub(crate) subscription_metadata: Metadata,
    /// The moment of the prorations on it.
    pub(crate) proration_date: Option<i64>,
    /// The period of the invoice, in Unix seconds; `None` means now to now.
    pub(crate) period: Option<(i64, i64)>,
}

/// A line to be put on an invoice, or kept as a pending item.
#[derive(Debug, Clone)]
pub(crate) struct NewLine {
    /// In minor units of the invoice's currency; negative for a credit.
    pub(crate) amount: i64,
    pub(crate) description: Option<String>,
    pub(crate) price: Option<Id>,
    pub(crate) quantity: Option<i64>,
    /// What the line is for, in Unix seconds.
    pub(crate) period: (i64, i64),
    pub(crate) subscription: Option<Id>,
    pub(crate) subscription_item: Option<Id>,
    pub(crate) proration: bool,
    /// Where a proration credits an earlier invoice: that invoice and its lines.
    pub(crate) credited: Option<(Id, Vec<Id>)>,
    /// Whether the invoice's discounts apply to it (not to prorations that contain theirs).
    pub(crate) discountable: bool,
    /// Discounts on this line alone.
    pub(crate) discounts: Vec<Id>,
    pub(crate) metadata: Metadata,
}
