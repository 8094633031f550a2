//! All that the rules know after some events, in memory: what `receive` does, without a database.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use tollgate::rules::access::{Access, access, claims};
use tollgate::rules::effects::Effect;
use tollgate::rules::ledger::Ledger;
use tollgate::rules::merge::{Fold, Standing, fold, settle};
use tollgate::rules::observation::Observation;
use tollgate::rules::policy::Rulebook;
use tollgate::webhook::Reading;
use tollgate_stripe::object::Object;

use super::Piece;
use super::chance::Chance;

/// Events that are tried in every order: 5040 of them.
const PERMUTED_MAX: usize = 7;

/// A history, as a set of at most 128 events.
pub struct History {
    pub pieces: Vec<Piece>,
    /// What contests came to, by the set of events that take part.
    settled: RefCell<HashMap<u128, Option<Rc<Standing>>>>,
}

/// What is known after some of a history's events have come.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct World {
    seen: u128,
    pub standings: BTreeMap<String, Rc<Standing>>,
}

impl History {
    pub fn new(pieces: Vec<Piece>) -> Self {
        assert!(pieces.len() <= 128, "a set of {} events does not fit", pieces.len());
        Self { pieces, settled: RefCell::default() }
    }

    /// Returns the world in which everything came one by one in the order of the history.
    pub fn in_order(&self) -> World {
        let mut world = World::default();
        (0..self.pieces.len()).for_each(|it| world.take(self, &[it]));
        world
    }

    /// Returns the world in which everything came in an order of chance, in batches, with
    /// duplicates.
    pub fn shuffled(&self, seed: u64) -> World {
        let mut chance = Chance::new(seed);
        let order = chance.deliveries(self.pieces.len());
        let mut world = World::default();
        for batch in chance.batches(&order, 5) {
            world.take(self, batch);
        }
        world
    }

    /// Calls `check` with the world after each permutation of these events.
    pub fn permutations(&self, events: &[usize], check: &mut impl FnMut(&World, &[usize])) {
        self.permute(&World::default(), &mut Vec::new(), events, check);
    }

    fn permute(
        &self,
        world: &World,
        path: &mut Vec<usize>,
        left: &[usize],
        check: &mut impl FnMut(&World, &[usize]),
    ) {
        if left.is_empty() {
            return check(world, path);
        }
        for next in left {
            let rest: Vec<usize> = left.iter().copied().filter(|it| it != next).collect();
            let mut world = world.clone();
            world.take(self, &[*next]);
            path.push(*next);
            self.permute(&world, path, &rest, check);
            path.pop();
        }
    }

    /// Returns the events of each object that has several, those of the busiest object first.
    pub fn of_objects(&self) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, piece) in self.pieces.iter().enumerate() {
            if let Some(key) = piece.key() {
                groups.entry(key).or_default().push(index);
            }
        }
        let mut groups: Vec<Vec<usize>> = groups.into_values().filter(|it| it.len() > 1).collect();
        groups.sort_by_key(|it| std::cmp::Reverse(self.crowd(it)));
        groups
    }

    /// How many of these events share their second with another, then how many there are.
    fn crowd(&self, events: &[usize]) -> (usize, usize) {
        let crowded = events.iter().filter(|it| self.is_crowded(**it, events));
        (crowded.count(), events.len())
    }

    fn is_crowded(&self, event: usize, events: &[usize]) -> bool {
        let at = |it: usize| self.pieces[it].incoming.created;
        events.iter().filter(|it| at(**it) == at(event)).count() > 1
    }

    /// Returns up to seven events that conflict the most: those of the busiest objects.
    pub fn conflicting(&self) -> Vec<usize> {
        self.of_objects().into_iter().flatten().take(PERMUTED_MAX).collect()
    }

    /// Returns up to seven of these events, first those that share their second with another.
    pub fn busiest(&self, events: &[usize]) -> Vec<usize> {
        let (crowded, lonely): (Vec<usize>, Vec<usize>) =
            events.iter().partition(|it| self.is_crowded(**it, events));
        crowded.into_iter().chain(lonely).take(PERMUTED_MAX).collect()
    }

    /// Returns all facts that the history tells.
    pub fn effects(&self) -> BTreeSet<Effect> {
        self.pieces.iter().flat_map(Piece::effects).cloned().collect()
    }

    fn settle(&self, key: &str, at: i64, seen: u128) -> Option<Rc<Standing>> {
        let takes_part = |it: &&usize| {
            let piece = &self.pieces[**it];
            seen & (1 << **it) != 0 && piece.key() == Some(key) && piece.incoming.created == at
        };
        let all: Vec<usize> = (0..self.pieces.len()).collect();
        let mut events: Vec<usize> = all.iter().filter(takes_part).copied().collect();
        let set = events.iter().fold(0, |set, it| set | 1 << it);
        let judge = || {
            events.sort_by_key(|it| self.pieces[*it].id());
            let contestants = events.iter().filter_map(|it| self.pieces[*it].contestant.clone());
            settle(&contestants.collect::<Vec<_>>()).map(Rc::new)
        };
        self.settled.borrow_mut().entry(set).or_insert_with(judge).clone()
    }
}

impl World {
    /// Takes a batch of events, as one transaction does; those that are known change nothing.
    pub fn take(&mut self, history: &History, batch: &[usize]) {
        let mut news: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
        for index in batch {
            let is_new = self.seen & (1 << index) == 0;
            self.seen |= 1 << index;
            match &history.pieces[*index].incoming.reading {
                Reading::Observed { key, observation, .. } if is_new => {
                    news.entry(key).or_default().push(observation);
                }
                _ => {}
            }
        }
        for (key, news) in news {
            let standing = match fold(self.standings.get(key).map(|it| &**it), &news) {
                Fold::Unchanged => None,
                Fold::Standing(it) => Some(Rc::new(*it)),
                Fold::Contest { at } => history.settle(key, at, self.seen),
            };
            if let Some(it) = standing {
                self.standings.insert(key.to_owned(), it);
            }
        }
    }

    pub fn object(&self, key: &str) -> &Object {
        &self.standings[key].object
    }

    /// Returns what the only user may use at `now`.
    pub fn access(&self, rulebook: &Rulebook, now: i64) -> Access {
        let ledger = Ledger::new(self.standings.values().map(|it| &it.object));
        let customer = ledger.customers.first().map(|it| it.id.as_str());
        access(&ledger, &claims(&ledger, rulebook, now), customer)
    }
}
