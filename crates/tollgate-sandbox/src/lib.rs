//! The offline Stripe. Today it holds one thing: [`story`], which tells coherent histories of
//! Stripe events for the command `tollgate trigger`, the load generator, the training of the
//! compression dictionary and the tests. Nothing here reads a clock, a file or the network.

pub mod story;
