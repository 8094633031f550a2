//! Chance without a source of chance: a splitmix64 keyed by words, and ids that look like
//! Stripe's. An id depends on the seed, its prefix and its number, never on what was drawn before.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Stripe's time-like part of an id counts from here, so that five digits last until 2040.
const EPOCH: i64 = 1_300_000_000;

/// A stream of numbers that follows from its seed (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Returns the stream of `seed` for one `purpose`.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let mut dice = Self(seed ^ hash(purpose));
        dice.next();
        dice
    }

    /// Returns the next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number in `0..end`; `end` is at least 1.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Returns a number in `from..=to`.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to - from + 1).expect("`from` is not above `to`");
        from + i64::try_from(self.below(width)).expect("below an i64")
    }

    /// Returns one of the choices.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).expect("below a usize")]
    }

    /// Appends `count` letters and digits.
    pub(crate) fn letters(&mut self, out: &mut String, count: usize) {
        self.write(out, count, 62);
    }

    /// Returns `count` letters and digits.
    pub(crate) fn word(&mut self, count: usize) -> String {
        let mut out = String::with_capacity(count);
        self.letters(&mut out, count);
        out
    }

    /// Returns `count` upper-case letters and digits, as in an invoice's prefix.
    pub(crate) fn capitals(&mut self, count: usize) -> String {
        let mut out = String::with_capacity(count);
        self.write(&mut out, count, 36);
        out
    }

    /// Returns `count` decimal digits.
    pub(crate) fn decimals(&mut self, count: usize) -> String {
        let mut out = String::with_capacity(count);
        self.write(&mut out, count, 10);
        out
    }

    /// Ten symbols come from one number: 62 to the tenth is just below 2 to the sixtieth.
    fn write(&mut self, out: &mut String, count: usize, radix: u64) {
        let mut left = count;
        while left > 0 {
            let mut number = self.next();
            for _ in 0..left.min(10) {
                let digit = usize::try_from(number % radix).expect("below 62");
                out.push(char::from(DIGITS[digit]));
                number /= radix;
            }
            left = left.saturating_sub(10);
        }
    }
}

/// Returns a 64-bit hash of a text (FNV-1a), the same on every machine.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Returns `{prefix}{five digits of the time}{nine random}`.
pub(crate) fn short(dice: &mut Dice, prefix: &str, created: i64) -> String {
    let mut out = String::with_capacity(prefix.len() + 14);
    out.push_str(prefix);
    write_time(&mut out, created);
    dice.letters(&mut out, 9);
    out
}

fn write_time(out: &mut String, created: i64) {
    let mut left = u64::try_from(created.saturating_sub(EPOCH).max(0)).expect("not negative");
    let mut digits = [0_u8; 5];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(left % 62).expect("below 62")];
        left /= 62;
    }
    out.extend(digits.iter().copied().map(char::from));
}

/// Makes the ids of one story.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    dice: Dice,
    /// The ten characters that the ids of one Stripe account share.
    account: String,
}

impl Ids {
    /// Returns the ids of a story: `key` names the story, `account` the Stripe account.
    pub(crate) fn new(seed: u64, key: &str, account: &str) -> Self {
        let account = Dice::new(hash(account), "account").word(10);
        Self { dice: Dice::new(seed, key), account }
    }

    /// Returns `{prefix}{five digits of the time}{account}{eight random}`, as `evt_1…` and `pi_3…`.
    pub(crate) fn timed(&mut self, prefix: &str, created: i64) -> String {
        let mut out = String::with_capacity(prefix.len() + 23);
        out.push_str(prefix);
        write_time(&mut out, created);
        out.push_str(&self.account);
        self.dice.letters(&mut out, 8);
        out
    }

    /// Returns `{prefix}{five digits of the time}{nine random}`, as `cus_…`, `prod_…` and `si_…`.
    pub(crate) fn short(&mut self, prefix: &str, created: i64) -> String {
        short(&mut self.dice, prefix, created)
    }

    /// Returns `{prefix}{count random}`, as `req_…`.
    pub(crate) fn plain(&mut self, prefix: &str, count: usize) -> String {
        let mut out = String::with_capacity(prefix.len() + count);
        out.push_str(prefix);
        self.dice.letters(&mut out, count);
        out
    }

    /// Returns an id for the account itself, `acct_1…`, the same in every story of the account.
    pub(crate) fn account(&self) -> String {
        let rest = Dice::new(hash(&self.account), "account id").word(5);
        format!("acct_1{rest}{}", self.account)
    }

    /// Returns the story's own stream of chance.
    pub(crate) fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published first outputs of splitmix64 for the seed 1234567.
    #[test]
    fn the_stream_is_splitmix64() {
        let mut dice = Dice(1_234_567);
        assert_eq!(dice.next(), 6_457_827_717_110_365_317);
        assert_eq!(dice.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_later_second_has_a_greater_prefix() {
        let mut ids = Ids::new(1, "story", "acct");
        let (early, late) = (ids.timed("evt_1", 1_795_352_567), ids.timed("evt_1", 1_795_352_568));
        assert!(early[..10] < late[..10], "{early} {late}");
        assert_eq!(early.len(), "evt_".len() + 24);
        let (early, late) = (ids.short("cus_", 1_795_352_567), ids.short("cus_", 1_795_352_568));
        assert!(early[..9] < late[..9], "{early} {late}");
        assert_eq!(early.len(), "cus_".len() + 14);
    }
}
