//! What things cost: currencies, billing periods, discounts and prorations. Pure rules on
//! integers; every amount is in minor units of its currency, every moment in Unix seconds.

pub(crate) mod calendar;
pub(crate) mod currency;
pub(crate) mod discount;
pub(crate) mod price;
pub(crate) mod proration;
mod share;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod laws;
