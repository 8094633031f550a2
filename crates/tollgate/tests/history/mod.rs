//! Histories to try in every order: the sandbox's stories and events written by hand, a small
//! world in memory that only uses the pure rules, and chance that follows from a seed.

pub mod chance;
pub mod judged;
pub mod objects;
pub mod world;

use tollgate::receive::{Input, Purpose};
use tollgate::rules::effects::Effect;
use tollgate::rules::merge::Contestant;
use tollgate::rules::policy::{Plan, Policy, Rulebook};
use tollgate::webhook::{self, Incoming, Reading};
use tollgate_sandbox::story::{ApiVersionShape, Cast, story};

/// When every story begins: 2026-09-21.
pub const START: i64 = 1_790_000_000;
pub const DAY: i64 = 86_400;

/// The shapes in which histories are told: before and after each move of a field.
pub const VERSIONS: [ApiVersionShape; 5] = [
    ApiVersionShape::V2020_08_27,
    ApiVersionShape::V2024_06_20,
    ApiVersionShape::Basil,
    ApiVersionShape::Clover,
    ApiVersionShape::Endive,
];

/// One event, read once.
#[derive(Clone, Debug)]
pub struct Piece {
    pub body: String,
    pub incoming: Incoming,
    pub contestant: Option<Contestant>,
}

impl Piece {
    pub fn new(body: String) -> Self {
        let incoming = webhook::read(body.as_bytes()).expect("the body is an event");
        let contestant = webhook::contestant(body.as_bytes());
        Self { body, incoming, contestant }
    }

    pub fn id(&self) -> &str {
        self.incoming.id.as_str()
    }

    /// Returns the key of the object that it carries.
    pub fn key(&self) -> Option<&str> {
        match &self.incoming.reading {
            Reading::Observed { key, .. } => Some(key),
            _ => None,
        }
    }

    pub fn effects(&self) -> &[Effect] {
        match &self.incoming.reading {
            Reading::Observed { effects, .. } | Reading::Noted { effects, .. } => effects,
            _ => &[],
        }
    }

    pub fn delivery(&self) -> Input {
        Input::event(self.incoming.clone(), self.body.as_bytes(), Purpose::Delivery)
    }
}

/// Returns the cast of a seed.
pub fn cast(seed: u64, version: ApiVersionShape) -> Cast {
    Cast { api_version: version, ..Cast::new(seed, START) }
}

/// Tells a story of the sandbox.
pub fn told(name: &str, cast: &Cast) -> Vec<Piece> {
    let events = story(name, cast).expect("the sandbox knows the story");
    events.into_iter().map(|it| Piece::new(it.body)).collect()
}

/// Returns the rulebook of a cast: `pro` is its price, `team` the dearer one.
pub fn rulebook(cast: &Cast) -> Rulebook {
    Rulebook {
        plans: vec![
            plan("pro", 10, "monthly", &cast.price, &["export"]),
            plan("team", 20, "monthly", &cast.other_price(), &["api", "export"]),
        ],
        any_price: None,
        policy: Policy::default(),
        accounts: Vec::new(),
        routes: tollgate::rules::routes::Routes::default(),
    }
}

pub fn plan(name: &str, rank: i64, period: &str, price: &str, features: &[&str]) -> Plan {
    Plan {
        name: name.to_owned(),
        title: name.to_owned(),
        rank,
        prices: [(period.to_owned(), price.to_owned())].into(),
        features: features.iter().map(|it| (*it).to_owned()).collect(),
    }
}
