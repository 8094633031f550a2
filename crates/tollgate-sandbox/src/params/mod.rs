//! What a call may send: the parameters of every endpoint, taken from the official library's types.
//! A call is checked and refused as Stripe does, in [`check()`], and its handler reads [`Params`].

mod check;
mod legacy;
mod read;
mod schema;
mod suggest;
#[cfg(test)]
mod tests;

pub use check::check;
#[cfg(test)]
pub use check::endpoints;
pub use read::Params;
