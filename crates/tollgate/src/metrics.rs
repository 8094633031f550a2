//! What is counted and measured, in the text format of Prometheus. Every label takes its values
//! from a fixed list of ours, so that nobody can fill the memory from outside.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds in seconds; a commit takes milliseconds, a long poll up to a minute.
const BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabel {
    route: String,
    status: u16,
}

/// The names of destinations come from the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabel {
    destination: String,
    status: String,
}

/// Of what is not always known: a gauge alone would say 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NoLabel {}

/// All metrics of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    events: Family<OutcomeLabel, Counter>,
    refused: Family<ReasonLabel, Counter>,
    answers: Family<AnswerLabel, Counter>,
    durations: Family<RouteLabel, Histogram, fn() -> Histogram>,
    /// Changes of access that this node committed.
    pub access_changes: Counter,
    connections: Gauge,
    queue: Gauge,
    deliveries: Family<DeliveryLabel, Gauge>,
    failed_waiting: Gauge,
    doubles: Gauge,
    due_waiting: Gauge,
    handler_failures: Counter,
    last_event_age: Family<NoLabel, Gauge>,
    database_up: Gauge,
}

/// What is looked up when somebody asks for the metrics.
#[derive(Clone, Debug)]
pub struct Levels {
    /// Deliveries that are not settled or were given up: destination, status, how many.
    pub deliveries: Vec<(String, String, i64)>,
    /// Inputs that wait for a batch.
    pub queue: usize,
    /// Failed events that will be tried again; `None` where the database does not say.
    pub failed_waiting: Option<i64>,
    /// How often this node found that a user pays for several subscriptions.
    pub doubles: u64,
    /// Users whose access time should have changed, and a handler failed.
    pub due_waiting: Option<i64>,
    /// How often a handler failed.
    pub handler_failures: u64,
    /// Seconds since Stripe sent the last event; `None` before the first.
    pub last_event_age: Option<i64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let mut it = Self {
            registry: Registry::with_prefix("tollgate"),
            events: Family::default(),
            refused: Family::default(),
            answers: Family::default(),
            durations: Family::new_with_constructor(histogram),
            access_changes: Counter::default(),
            connections: Gauge::default(),
            queue: Gauge::default(),
            deliveries: Family::default(),
            failed_waiting: Gauge::default(),
            doubles: Gauge::default(),
            due_waiting: Gauge::default(),
            handler_failures: Counter::default(),
            last_event_age: Family::default(),
            database_up: Gauge::default(),
        };
        it.register();
        it
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("events", "Stripe's events by what became of them", self.events.clone());
        let help = "Requests to the webhook that were refused, by reason";
        registry.register("events_refused", help, self.refused.clone());
        registry.register("http_answers", "Answers by route and status", self.answers.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's head to its answer's head",
            Unit::Seconds,
            self.durations.clone(),
        );
        let help = "Changes of access that this node committed";
        registry.register("access_changes", help, self.access_changes.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("queue_length", "Inputs that wait for a batch", self.queue.clone());
        let help = "Failed events that will be tried again";
        registry.register("events_failed_waiting", help, self.failed_waiting.clone());
        let help = "How often this node found that a user pays for several subscriptions";
        registry.register("double_subscriptions", help, self.doubles.clone());
        let help = "Users whose access time should have changed, but a handler failed";
        registry.register("due_failed_waiting", help, self.due_waiting.clone());
        let help = "How often a handler of the app's failed";
        registry.register("handler_failures", help, self.handler_failures.clone());
        let help = "Deliveries that wait (pending) or were given up (dead), by destination";
        registry.register("deliveries", help, self.deliveries.clone());
        registry.register_with_unit(
            "last_event_age",
            "Time since Stripe sent the last event",
            Unit::Seconds,
            self.last_event_age.clone(),
        );
        let help = "Whether the database answered when it was last asked";
        registry.register("database_up", help, self.database_up.clone());
    }

    /// Counts an event that was taken.
    pub fn event(&self, outcome: &'static str) {
        self.events.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// Counts a request to the webhook that was refused.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// Counts an answer; `route` is the pattern of a route, never a path as it came.
    pub fn answered(&self, route: &str, status: u16, after: Duration) {
        let route = route.to_owned();
        let label = RouteLabel { route: route.clone() };
        self.durations.get_or_create(&label).observe(after.as_secs_f64());
        self.answers.get_or_create(&AnswerLabel { route, status }).inc();
    }

    /// Counts a connection until what it returns is dropped.
    pub fn connection(&self) -> Connected {
        self.connections.inc();
        Connected(self.connections.clone())
    }

    /// Writes everything in the text format.
    pub fn text(&self, levels: &Levels) -> String {
        self.queue.set(i64::try_from(levels.queue).unwrap_or(i64::MAX));
        self.doubles.set(i64::try_from(levels.doubles).unwrap_or(i64::MAX));
        self.database_up.set(i64::from(levels.failed_waiting.is_some()));
        if let Some(it) = levels.failed_waiting {
            self.failed_waiting.set(it);
        }
        if let Some(it) = levels.due_waiting {
            self.due_waiting.set(it);
        }
        self.last_event_age.clear();
        if let Some(it) = levels.last_event_age {
            self.last_event_age.get_or_create(&NoLabel {}).set(it);
        }
        let counted = self.handler_failures.get();
        self.handler_failures.inc_by(levels.handler_failures.saturating_sub(counted));
        self.deliveries.clear();
        for (destination, status, count) in &levels.deliveries {
            let label = DeliveryLabel { destination: destination.clone(), status: status.clone() };
            self.deliveries.get_or_create(&label).set(*count);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string cannot fail");
        text
    }
}

/// An open connection, counted while it exists.
#[derive(Debug)]
pub struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_the_last_event_is_missing_before_the_first() {
        let metrics = Metrics::default();
        let line = |last_event_age| {
            let levels = Levels {
                deliveries: Vec::new(),
                queue: 0,
                failed_waiting: None,
                doubles: 0,
                due_waiting: None,
                handler_failures: 0,
                last_event_age,
            };
            let text = metrics.text(&levels);
            let line = text.lines().find(|it| it.starts_with("tollgate_last_event_age_seconds"));
            line.map(str::to_owned)
        };
        assert_eq!(line(None), None);
        assert_eq!(line(Some(7)).as_deref(), Some("tollgate_last_event_age_seconds{} 7"));
        assert_eq!(line(None), None, "it is not known any more");
    }
}
