//! Chance that follows from a seed (splitmix64), so that every failure can be seen again.

/// A stream of numbers.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number in `0..end`; `end` is at least 1.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Returns `0..count` shuffled, with about a third of it delivered twice.
    pub fn deliveries(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        let again = (0..count.div_ceil(3)).map(|_| self.below(count)).collect::<Vec<_>>();
        order.extend(again);
        self.shuffle(&mut order);
        order
    }

    /// Cuts items into batches of 1 to `max`.
    pub fn batches<'a, T>(&mut self, mut items: &'a [T], max: usize) -> Vec<&'a [T]> {
        let mut batches = Vec::new();
        while !items.is_empty() {
            let size = (self.below(max) + 1).min(items.len());
            let (batch, rest) = items.split_at(size);
            batches.push(batch);
            items = rest;
        }
        batches
    }
}
