//! Making sure: applying stored events again, and deriving the whole state anew to compare it.
//! Everything enters through [`crate::receive`]; nothing here writes the state itself.

pub mod rebuild;
pub mod replay;
