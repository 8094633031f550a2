//! Charges and refunds, and what a refund tells.

use serde_json::Value;
use tollgate_stripe::object::{Charge, ChargeStatus, Refund, RefundStatus};

use super::observation::Progress;

/// Pending, then decided; refunds and disputes follow.
pub fn progress(it: &Charge) -> Progress {
    let decided = matches!(it.status, ChargeStatus::Succeeded | ChargeStatus::Failed);
    [
        i64::from(decided),
        it.amount_captured.unwrap_or(0),
        it.amount_refunded,
        i64::from(it.disputed),
    ]
}

/// Pending, then succeeded; a succeeded refund may still fail at the bank.
pub fn refund_progress(it: &Refund) -> Progress {
    let status = match it.status {
        RefundStatus::Pending | RefundStatus::RequiresAction | RefundStatus::Unknown(_) => 0,
        RefundStatus::Succeeded => 1,
        RefundStatus::Failed | RefundStatus::Canceled => 2,
    };
    [status, 0, 0, 0]
}

/// Whether this refund gives money back, now or soon.
pub fn gives_back(it: &Refund) -> bool {
    !matches!(it.status, RefundStatus::Failed | RefundStatus::Canceled)
}

/// Whether money went back, or the bank disputes the charge.
pub fn is_reversed(it: &Charge) -> bool {
    it.refunded || it.amount_refunded > 0 || it.disputed
}

/// What the fact of a refund tells. Each of several refunds of a charge is a fact of its own, as
/// long as its event says how much had been given back before; else the fact is the total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenBack {
    /// How much had been given back before, where that is known.
    pub before: Option<i64>,
    /// How much was given back in all, with this refund.
    pub total: i64,
}

impl GivenBack {
    /// Reads what a refund's event tells.
    pub fn of_event(it: &Charge, previous: Option<&Value>) -> Self {
        let before = previous.and_then(|it| it.get("amount_refunded")?.as_i64());
        let before = before.filter(|before| (0..it.amount_refunded).contains(before));
        Self { before, total: it.amount_refunded }
    }

    /// Reads the detail of a fact, as [`GivenBack::detail`] writes it.
    pub fn of_detail(detail: &str) -> Option<Self> {
        match detail.split_once('>') {
            Some((before, total)) => {
                Some(Self { before: Some(before.parse().ok()?), total: total.parse().ok()? })
            }
            None => Some(Self { before: None, total: detail.parse().ok()? }),
        }
    }

    /// Writes it as the detail of a fact: `500>1200`, or `1200`.
    pub fn detail(self) -> String {
        match self.before {
            Some(before) => format!("{before}>{}", self.total),
            None => self.total.to_string(),
        }
    }

    /// Returns how much this refund gives back: all of it where nothing else is known.
    pub fn amount(self) -> i64 {
        self.total - self.before.unwrap_or_default()
    }

    /// Whether it still holds for what the charge has become. One refund is as true as before when
    /// another follows; a total is not.
    ///
    /// # Errors
    /// The reason to skip it, in a few words.
    pub fn still_true(self, charge: &Charge) -> Result<(), &'static str> {
        match self.before {
            Some(_) if charge.amount_refunded < self.amount() => Err("the refund failed since"),
            None if charge.amount_refunded != self.total => Err("another amount is refunded now"),
            _ => Ok(()),
        }
    }
}
