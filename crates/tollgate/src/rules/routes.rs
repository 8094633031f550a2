//! Who hears of which facts: made once from the configuration, read with every fact.

use std::collections::BTreeMap;

use super::effects::EffectKind;

/// Somebody who is told of facts, by the name that they have in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The destination's name.
    pub destination: String,
    /// One customer's facts are told in their order: the next waits for the one before.
    pub in_order: bool,
    /// How many milliseconds later it is told, so that what happens meanwhile is told with it.
    pub delay_ms: i64,
}

/// Every kind of fact with those who hear of it. By default nobody hears of anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes(BTreeMap<EffectKind, Vec<Route>>);

impl Routes {
    /// Has this destination hear of facts of this kind at once.
    pub fn add(&mut self, kind: EffectKind, destination: &str, in_order: bool) {
        self.add_later(kind, destination, in_order, 0);
    }

    /// Has this destination hear of facts of this kind so many milliseconds later.
    pub fn add_later(
        &mut self,
        kind: EffectKind,
        destination: &str,
        in_order: bool,
        delay_ms: i64,
    ) {
        let route = Route { destination: destination.to_owned(), in_order, delay_ms };
        let routes = self.0.entry(kind).or_default();
        if routes.iter().all(|it| it.destination != route.destination) {
            routes.push(route);
        }
    }

    /// Returns those who hear of facts of this kind.
    pub fn of(&self, kind: EffectKind) -> &[Route] {
        self.0.get(&kind).map_or(&[], Vec::as_slice)
    }
}
