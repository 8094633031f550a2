//! The room that bodies take while they come in. Whoever sends one is not known before it is whole,
//! so all of them together have a limit, and those of one address a part of it: nobody fills the
//! memory, and nobody alone keeps the others out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body_util::BodyExt;

use super::error::Error;

/// The largest body that is taken, in bytes; Stripe's events are far smaller.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// The first room that a body gets which does not come all at once.
const ROOM_BYTES_MIN: usize = 16 << 10;
/// One address has no more than this part of all the room.
const SHARE: usize = 2;

/// The room of all bodies that are coming in. Cloning shares it.
#[derive(Clone)]
pub(super) struct Bodies {
    bytes_max: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    of: HashMap<IpAddr, usize>,
}

/// A body that is whole, and its room until it is dropped.
pub(super) struct Whole {
    bytes: Bytes,
    _room: Room,
}

impl Deref for Whole {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The room of one body.
struct Room {
    bodies: Bodies,
    address: Option<IpAddr>,
    bytes: usize,
}

impl Bodies {
    /// Gives so many bytes to all bodies together.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, taken: Arc::default() }
    }

    /// Reads a body of that address; what is `None` is not counted among those of an address.
    ///
    /// # Errors
    /// It is too large or cut off, or there is no room for it now.
    pub(super) async fn read(&self, address: Option<IpAddr>, body: Body) -> Result<Whole, Error> {
        collect(body, Room { bodies: self.clone(), address, bytes: 0 }).await
    }
}

async fn collect(mut body: Body, mut room: Room) -> Result<Whole, Error> {
    let mut held = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::BodyCutOff)?;
        // Trailers say nothing to us.
        let Ok(bytes) = frame.into_data() else { continue };
        let len = held.len() + bytes.len();
        if len > BODY_BYTES_MAX {
            return Err(Error::PayloadTooLarge(BODY_BYTES_MAX));
        }
        if held.is_empty() && body.is_end_stream() {
            room.grow(len)?;
            return Ok(Whole { bytes, _room: room });
        }
        if len > room.bytes {
            room.grow(len.next_power_of_two().max(ROOM_BYTES_MIN))?;
            held.reserve_exact(room.bytes - held.len());
        }
        held.extend_from_slice(&bytes);
    }
    Ok(Whole { bytes: held.into(), _room: room })
}

impl Room {
    /// Takes up so many bytes in all.
    fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        let more = bytes.saturating_sub(self.bytes);
        let mut taken = self.bodies.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = self.address.and_then(|it| taken.of.get(&it)).copied().unwrap_or_default();
        let share = self.bodies.bytes_max.div_ceil(SHARE);
        let is_beyond_share = self.address.is_some() && of_address + more > share;
        if is_beyond_share || taken.all + more > self.bodies.bytes_max {
            return Err(Error::NoRoom);
        }
        taken.all += more;
        if let Some(address) = self.address {
            *taken.of.entry(address).or_default() += more;
        }
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut taken = self.bodies.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= self.bytes;
        let Some(address) = self.address else { return };
        if let Some(of_address) = taken.of.get_mut(&address) {
            *of_address -= self.bytes;
            if *of_address == 0 {
                taken.of.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_is_given_back_with_the_body() {
        let bodies = Bodies::new(100);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let read = |address, len: usize| bodies.read(address, Body::from(vec![b'x'; len]));
        let first = read(Some(one), 50).await.expect("it is half");
        assert!(matches!(read(Some(one), 1).await, Err(Error::NoRoom)));
        let second = read(None, 50).await.expect("nobody has this half");
        assert!(matches!(read(Some(other), 1).await, Err(Error::NoRoom)));
        assert!(matches!(read(None, 1).await, Err(Error::NoRoom)));
        drop((first, second));
        assert_eq!(read(Some(one), 50).await.expect("it is free again").len(), 50);
        let taken = bodies.taken.lock().expect("nobody panicked");
        assert_eq!((taken.all, taken.of.len()), (0, 0));
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_the_same() {
        let pieces = (0..2000).map(|it| Ok::<_, std::io::Error>(format!("{it},")));
        let whole: String = (0..2000).map(|it| format!("{it},")).collect();
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let read = Bodies::new(BODY_BYTES_MAX).read(None, body).await;
        assert_eq!(&*read.expect("there is room"), whole.as_bytes());
    }
}
