//! The bodies of events, byte for byte, compressed with a dictionary that we made of our own
//! samples: 4 KB become about 0.4 KB, and writing that is faster than writing them as they are.
//! The first byte tells how to read the rest, so that a later dictionary leaves old rows readable.

use std::cell::RefCell;
use std::sync::LazyLock;
use std::thread::LocalKey;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

use super::StoreError;

const RAW: u8 = 0;
const DICTIONARY_1: u8 = 1;
/// As before, without what each frame would say again: its magic number, dictionary and size.
const DICTIONARY_1_BARE: u8 = 2;
const DICTIONARY_2_BARE: u8 = 3;
const DICTIONARY_1_BYTES: &[u8] = include_bytes!("../../dictionaries/events-1.zdict");
const DICTIONARY_2_BYTES: &[u8] = include_bytes!("../../dictionaries/events-2.zdict");
/// The highest that costs no more than the lowest; what the next ones save is not worth three times
/// the time (docs/performance.md).
const LEVEL: i32 = 3;
/// How a frame begins (RFC 8878, section 3.1.1).
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// No stored body is larger than a request may be.
const BODY_BYTES_MAX: usize = 1 << 20;

static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY_2_BYTES, LEVEL));
static DECODER_1: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY_1_BYTES));
static DECODER_2: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY_2_BYTES));

type Unpacker = RefCell<Option<Decompressor<'static>>>;

thread_local! {
    static PACKER: RefCell<Option<Compressor<'static>>> = RefCell::new(compressor().ok());
    static UNPACKER_1: Unpacker =
        RefCell::new(Decompressor::with_prepared_dictionary(&DECODER_1).ok());
    static UNPACKER_2: Unpacker =
        RefCell::new(Decompressor::with_prepared_dictionary(&DECODER_2).ok());
}

fn compressor() -> std::io::Result<Compressor<'static>> {
    let mut it = Compressor::with_prepared_dictionary(&ENCODER)?;
    it.include_dictid(false)?;
    it.include_contentsize(false)?;
    Ok(it)
}

/// Packs a body to be stored.
pub fn pack(body: &[u8]) -> Vec<u8> {
    let compressed = PACKER.with_borrow_mut(|it| it.as_mut().and_then(|it| it.compress(body).ok()));
    let bare = compressed.as_deref().and_then(|it| it.strip_prefix(&MAGIC));
    let (kind, bytes) = match bare {
        Some(bytes) if bytes.len() < body.len() => (DICTIONARY_2_BARE, bytes),
        _ => (RAW, body),
    };
    let mut packed = Vec::with_capacity(bytes.len() + 1);
    packed.push(kind);
    packed.extend_from_slice(bytes);
    packed
}

/// Returns the body that was packed.
///
/// # Errors
/// The bytes are not what [`pack`] wrote.
pub fn unpack(packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    match packed.split_first() {
        Some((&RAW, body)) => Ok(body.to_vec()),
        Some((&DICTIONARY_1, frame)) => decompress(&UNPACKER_1, frame),
        Some((&DICTIONARY_1_BARE, bare)) => decompress(&UNPACKER_1, &[&MAGIC, bare].concat()),
        Some((&DICTIONARY_2_BARE, bare)) => decompress(&UNPACKER_2, &[&MAGIC, bare].concat()),
        Some(_) => Err(corrupt("a newer version wrote it")),
        None => Err(corrupt("it is empty")),
    }
}

fn decompress(by: &'static LocalKey<Unpacker>, frame: &[u8]) -> Result<Vec<u8>, StoreError> {
    by.with_borrow_mut(|it| {
        let decompressor = it.as_mut().ok_or_else(|| corrupt("no decompressor"))?;
        let body = decompressor.decompress(frame, BODY_BYTES_MAX);
        body.map_err(|_| corrupt("its compression is damaged"))
    })
}

fn corrupt(why: &str) -> StoreError {
    StoreError::Corrupt { what: "payload", why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_comes_back_byte_for_byte() {
        for body in [&b""[..], b"{}", b"\xff\x00\xfe", &[b'x'; 1 << 20]] {
            assert_eq!(unpack(&pack(body)).expect("it was packed"), body);
        }
    }

    /// What versions before this one wrote.
    #[test]
    fn what_the_first_dictionary_packed_is_read() {
        let body = br#"{"id":"evt_1","object":"event"}"#;
        let mut old = Compressor::with_dictionary(LEVEL, DICTIONARY_1_BYTES).expect("it is one");
        let mut read = |kind: u8, begin: usize| {
            let frame = old.compress(body).expect("it is small");
            old.include_dictid(false)
                .and_then(|()| old.include_contentsize(false))
                .expect("it may");
            unpack(&[&[kind], &frame[begin..]].concat()).expect("it was packed")
        };
        assert_eq!(read(DICTIONARY_1, 0), body);
        assert_eq!(read(DICTIONARY_1_BARE, MAGIC.len()), body);
    }

    #[test]
    fn an_event_becomes_small() {
        let told = tollgate_sandbox::story::mix(7, 1000, 1_760_000_000);
        let (mut whole, mut packed) = (0, 0);
        for it in told {
            whole += it.body.len();
            packed += pack(it.body.as_bytes()).len();
        }
        assert!(packed * 8 < whole, "{whole} bytes became {packed}");
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        let mut packed = pack(&[b'x'; 4096]);
        packed.truncate(packed.len() - 2);
        assert!(unpack(&packed).is_err());
        assert!(unpack(&[]).is_err());
        assert!(unpack(&[9, 1, 2]).is_err());
    }
}
