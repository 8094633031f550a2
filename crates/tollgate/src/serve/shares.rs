//! How many connections each address has open, so that none of them has them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The connections of all addresses.
#[derive(Clone)]
pub(super) struct Shares {
    max: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection's place among those of its address, until it is dropped.
pub(super) struct Share {
    of: Option<(Shares, IpAddr)>,
}

impl Shares {
    /// Lets each address have so many.
    pub(super) fn new(max: usize) -> Self {
        Self { max, open: Arc::default() }
    }

    /// Takes a place; `None` where the address has all of its own. Who is not counted has any.
    pub(super) fn take(&self, address: Option<IpAddr>) -> Option<Share> {
        let Some(address) = address else { return Some(Share { of: None }) };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Share { of: Some((self.clone(), address)) })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((shares, address)) = &self.of else { return };
        let mut open = shares.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                open.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_gives_it_back() {
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let shares = Shares::new(2);
        let (first, second) = (shares.take(Some(one)), shares.take(Some(one)));
        assert!(first.is_some() && second.is_some() && shares.take(Some(one)).is_none());
        assert!(shares.take(Some(other)).is_some() && shares.take(None).is_some());
        drop(first);
        assert!(shares.take(Some(one)).is_some());
        drop(second);
        assert!(shares.open.lock().expect("nobody panicked").is_empty());
    }
}
