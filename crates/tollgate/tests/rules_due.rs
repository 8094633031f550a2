//! Time: whatever was observed and whatever the policy is, `due_at` lies ahead, and until then the
//! answer stays as it is.

#[expect(dead_code, reason = "other files need more of it")]
mod history;

use history::world::{History, World};
use history::{DAY, START, VERSIONS, cast, rulebook, told};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tollgate::rules::policy::{Policy, Rule, Rulebook};
use tollgate_sandbox::story::STORIES;

fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![Just(Rule::Keep), Just(Rule::Revoke), (1..60 * DAY).prop_map(Rule::Grace)]
}

fn policy() -> impl Strategy<Value = Policy> {
    let statuses = (rule(), rule(), rule(), rule());
    let reversals = (rule(), rule(), rule(), rule());
    (statuses, reversals).prop_map(|(statuses, reversals)| Policy {
        past_due: statuses.0,
        unpaid: statuses.1,
        paused: statuses.2,
        incomplete: statuses.3,
        full_refund: reversals.0,
        partial_refund: reversals.1,
        dispute_open: reversals.2,
        dispute_lost: reversals.3,
    })
}

/// Two stories of one customer, of which any part was observed.
fn some_of(stories: [usize; 2], version: usize, part: u128) -> (World, Rulebook) {
    let cast = cast(5, VERSIONS[version]);
    let mut pieces = Vec::new();
    for story in stories {
        pieces.extend(told(STORIES[story % STORIES.len()].name, &cast));
    }
    pieces.truncate(128);
    let history = History::new(pieces);
    let mut world = World::default();
    for index in (0..history.pieces.len()).filter(|it| part & (1 << it) != 0) {
        world.take(&history, &[index]);
    }
    (world, rulebook(&cast))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20),
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_changes_before_it_is_due(
        stories in [0..STORIES.len(), 0..STORIES.len()],
        version in 0..VERSIONS.len(),
        part in prop_oneof![any::<u128>(), Just(u128::MAX)],
        policy in policy(),
        days in -2..150_i64,
        second in 0..DAY,
        between in 0.0..1.0_f64,
    ) {
        let (world, rulebook) = some_of(stories, version, part);
        let rulebook = Rulebook { policy, ..rulebook };
        let now = START + days * DAY + second;
        let access = world.access(&rulebook, now);
        let due = access.due_at.unwrap_or(now + 3_000 * DAY);
        prop_assert!(due > now, "due {} s ago: {:?}", now - due, access);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any moment will do")]
        let moment = now + ((due - 1 - now) as f64 * between) as i64;
        for later in [moment, due - 1] {
            prop_assert_eq!(&world.access(&rulebook, later), &access, "after {} s", later - now);
        }
    }
}
