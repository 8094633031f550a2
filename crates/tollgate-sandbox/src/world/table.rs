//! Objects of one kind, in the order in which they were made.

use std::collections::{HashMap, HashSet};

use crate::object::{Id, Object};

/// All objects of one kind: found by id, or by an owner, newest first.
#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: Vec<Option<T>>,
    places: HashMap<Id, usize>,
    owned: HashMap<Id, Vec<usize>>,
    deleted: HashSet<Id>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            places: HashMap::new(),
            owned: HashMap::new(),
            deleted: HashSet::new(),
        }
    }
}

impl<T: Object> Table<T> {
    /// Adds a row, or puts it in the place of the one with its id.
    pub(crate) fn put(&mut self, row: T) {
        if let Some(&place) = self.places.get(row.id()) {
            self.rows[place] = Some(row);
            return;
        }
        let place = self.rows.len();
        self.places.insert(row.id().clone(), place);
        for owner in row.owners() {
            self.owned.entry(owner.clone()).or_default().push(place);
        }
        self.rows.push(Some(row));
    }

    /// Says that a row now belongs to another owner as well, as when a payment method is attached.
    pub(crate) fn own(&mut self, owner: &Id, id: &str) {
        let Some(&place) = self.places.get(id) else { return };
        let places = self.owned.entry(owner.clone()).or_default();
        if !places.contains(&place) {
            places.push(place);
            places.sort_unstable();
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows[*self.places.get(id)?].as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.rows[*self.places.get(id)?].as_mut()
    }

    /// Takes a row out and remembers that it was there.
    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        let row = self.rows[self.places.remove(id)?].take()?;
        self.deleted.insert(row.id().clone());
        Some(row)
    }

    pub(crate) fn was_deleted(&self, id: &str) -> bool {
        self.deleted.contains(id)
    }

    /// Returns every row, newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().rev().flatten()
    }

    /// Returns the rows of one owner, newest first. A row may have left its owner since.
    pub(crate) fn of(&self, owner: &str) -> impl Iterator<Item = &T> {
        let places = self.owned.get(owner).map(Vec::as_slice).unwrap_or_default();
        places.iter().rev().filter_map(|&place| self.rows[place].as_ref())
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }
}
