//! How objects come, change and go. Each change that Stripe tells of makes its event here, so
//! that no event can differ from what happened.

use serde_json::Value;

use super::{ClockId, Wake, World};
use crate::error::StripeError;
use crate::object::{Id, Object};

impl World {
    /// Returns an object that a path names; 404 where there is none.
    pub(crate) fn get<T: Object>(&self, id: &str) -> Result<&T, StripeError> {
        T::table(self).get(id).ok_or_else(|| StripeError::no_such(T::NAME, id))
    }

    /// Returns an object that a parameter names; 400 where there is none.
    pub(crate) fn need<T: Object>(&self, id: &str, param: &str) -> Result<&T, StripeError> {
        T::table(self).get(id).ok_or_else(|| StripeError::no_such_param(T::NAME, id, param))
    }

    /// Returns an object that another one refers to and that is never deleted.
    pub(crate) fn known<T: Object>(&self, id: &str) -> &T {
        T::table(self).get(id).expect("objects refer only to objects that are there")
    }

    /// Returns an object as it is answered in the current shape.
    pub(crate) fn show<T: Object>(&self, id: &str) -> Result<Value, StripeError> {
        self.get::<T>(id).map(shape)
    }

    /// Adds an object and tells of it.
    pub(crate) fn create<T: Object>(&mut self, row: T, event: &'static str) -> Id {
        let id = row.id().clone();
        self.add(row);
        self.emit::<T>(event, &id);
        id
    }

    /// Adds an object that no event tells of.
    pub(crate) fn add<T: Object>(&mut self, row: T) {
        T::table_mut(self).put(row);
    }

    /// Changes an object; an event tells of it, with the previous attributes, if anything differs.
    pub(crate) fn update<T: Object>(
        &mut self,
        id: &str,
        event: &'static str,
        change: impl FnOnce(&mut T),
    ) {
        let Some(row) = T::table_mut(self).get_mut(id) else { return };
        let before = row.clone();
        change(row);
        self.emit_difference(event, id, &before);
    }

    /// Changes an object without telling, because another event does.
    pub(crate) fn edit<T: Object>(&mut self, id: &str, change: impl FnOnce(&mut T)) {
        if let Some(row) = T::table_mut(self).get_mut(id) {
            change(row);
        }
    }

    /// Tells of what was changed since `before`, if anything was: for changes in several steps.
    pub(crate) fn tell_change<T: Object>(&mut self, event: &'static str, id: &str, before: &T) {
        self.emit_difference(event, id, before);
    }

    /// Deletes an object and tells of it; answers as Stripe does.
    pub(crate) fn delete<T: Object>(
        &mut self,
        id: &str,
        event: Option<&'static str>,
    ) -> Result<Value, StripeError> {
        self.get::<T>(id)?;
        if let Some(event) = event {
            self.emit::<T>(event, id);
        }
        T::table_mut(self).remove(id);
        Ok(serde_json::json!({ "id": id, "object": T::NAME, "deleted": true }))
    }

    /// Returns the clock that a customer's objects live by.
    pub(crate) fn clock_of(&self, customer: Option<&Id>) -> ClockId {
        self.customers.get(customer?)?.test_clock.clone()
    }

    /// Returns the time of the clock that a customer's objects live by, in Unix seconds.
    pub(crate) fn now_of(&self, customer: Option<&Id>) -> i64 {
        self.clocks.now(&self.clock_of(customer))
    }

    /// Asks for a wake at a moment of the customer's clock.
    pub(crate) fn wake_at(&mut self, customer: Option<&Id>, due: i64, wake: Wake) {
        let clock = self.clock_of(customer);
        self.clocks.wake_at(clock, due, wake);
    }
}

/// Returns an object in the current shape.
pub(crate) fn shape<T: Object>(row: &T) -> Value {
    serde_json::to_value(row).expect("objects have text keys and plain numbers")
}
