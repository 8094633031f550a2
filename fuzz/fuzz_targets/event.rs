//! Any bytes parse as an event or fail; its object reads as every kind, or fails; and what was
//! read is restored from its stored form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_stripe::event::Event;
use tollgate_stripe::object::{Kind, Object};

fuzz_target!(|body: &[u8]| {
    match Event::parse(body) {
        Ok(Event::Snapshot(event)) => read_as_every_kind(event.object.get()),
        Ok(Event::Thin(_)) => {}
        // Without a whole envelope the fuzzer would seldom reach the objects.
        Err(_) => read_as_every_kind(&String::from_utf8_lossy(body)),
    }
});

fn read_as_every_kind(text: &str) {
    for kind in Kind::ALL {
        if let Ok(object) = Object::read(kind, text) {
            let stored = object.to_stored();
            assert_eq!(Object::parse_stored(&stored), Ok(object), "stored as {stored}");
        }
    }
}
