//! Stripe's silence: for how long no event may come before the operator hears of it.

use super::effects::{Effect, EffectKind};

/// For how long Stripe may be silent, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// For ever.
    Endless,
    /// So long.
    Always(i64),
    /// So long where somebody pays by a subscription; else for ever. Holds where nothing is set.
    WhilePaid(i64),
}

impl Patience {
    /// What holds where nothing is set: a week is long for an app that lives by subscriptions, and
    /// Stripe switches an endpoint off after some days of failures.
    pub const DEFAULT: Self = Self::WhilePaid(7 * 86_400);

    /// Returns for how many seconds Stripe may be silent.
    pub fn secs(self, somebody_pays: bool) -> Option<i64> {
        match self {
            Self::Endless => None,
            Self::Always(secs) => Some(secs),
            Self::WhilePaid(secs) => somebody_pays.then_some(secs),
        }
    }
}

/// The last event that Stripe sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastEvent {
    /// Its id.
    pub id: String,
    /// When it came, in Unix milliseconds by our clock.
    pub received_ms: i64,
}

/// Names the fact that nothing came for as long as this, once for each silence: the event before
/// it tells one from another.
pub fn fact(last: &LastEvent, secs: i64, now: i64) -> Option<Effect> {
    let since = last.received_ms.div_euclid(1000);
    let is_long = now.saturating_sub(since) >= secs;
    is_long.then(|| Effect::new(EffectKind::Silence, &last.id, since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_one_from_its_length_on_until_an_event_comes() {
        let last = |id: &str| LastEvent { id: id.to_owned(), received_ms: 1_000_500 };
        assert_eq!(fact(&last("evt_1"), 60, 1_059), None);
        let first = fact(&last("evt_1"), 60, 1_060).expect("it is long");
        assert_eq!(first.key(), "silence:evt_1:1000");
        assert_eq!(fact(&last("evt_1"), 60, 99_000), Some(first.clone()), "it is the same one");
        assert_ne!(fact(&last("evt_2"), 60, 99_000), Some(first));
    }

    #[test]
    fn who_sells_no_subscriptions_hears_of_no_silence_unless_they_ask_for_it() {
        assert_eq!(Patience::DEFAULT.secs(false), None);
        assert_eq!(Patience::DEFAULT.secs(true), Some(604_800));
        assert_eq!(Patience::Always(60).secs(false), Some(60));
        assert_eq!(Patience::Endless.secs(true), None);
    }
}
