//! The service against a model of it that fits on a page.

use moneyer::sweeper::{Plan, sweep_once};
use proptest::prelude::*;
use std::time::Duration;

use crate::support::{NOW, Server, block_on};

#[derive(Debug, Clone)]
enum Step {
    Mint {
        by: usize,
    },
    MintUntil {
        by: usize,
        minutes: i64,
    },
    Disable {
        by: usize,
        which: prop::sample::Index,
    },
    List {
        by: usize,
    },
    Wait {
        seconds: u64,
    },
    Sweep,
}

struct Known {
    by: usize,
    token: String,
    expires_at: Option<i64>,
    ended: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let by = 0..2_usize;
    let step = prop_oneof![
        by.clone().prop_map(|by| Step::Mint { by }),
        (by.clone(), 1..4_i64).prop_map(|(by, minutes)| Step::MintUntil { by, minutes }),
        (by.clone(), any::<prop::sample::Index>())
            .prop_map(|(by, which)| Step::Disable { by, which }),
        by.prop_map(|by| Step::List { by }),
        (1..90_u64).prop_map(|seconds| Step::Wait { seconds }),
        Just(Step::Sweep),
    ];
    prop::collection::vec(step, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_service_does_as_the_model_does(steps in steps()) {
        let server = Server::start();
        let keys = [server.account("one"), server.account("two")];
        let mut known: Vec<Known> = Vec::new();
        let mut now = NOW.seconds();
        for step in steps {
            match step {
                Step::Mint { by } => {
                    known.push(Known { by, token: server.mint(&keys[by]), expires_at: None, ended: false });
                }
                Step::MintUntil { by, minutes } => {
                    let at = (now / 60 + minutes) * 60;
                    let expire = moneyer::domain::Timestamp::from_seconds(at).to_minute();
                    let token = server.auth(&keys[by]).query("expire", &expire).send().token();
                    known.push(Known { by, token, expires_at: Some(at), ended: false });
                }
                Step::Disable { by, which } => {
                    if known.is_empty() { continue }
                    let known = which.get_mut(&mut known);
                    let answer = server.auth(&keys[by]).query("disableToken", &known.token).send();
                    prop_assert_eq!(answer.status(), if known.by == by { 200 } else { 404 });
                    known.ended |= known.by == by;
                }
                Step::List { by } => {
                    let good = |known: &&Known| known.by == by && !known.ended && known.expires_at.is_none_or(|at| at > now);
                    let expected: Vec<&str> = known.iter().rev().filter(good).map(|known| known.token.as_str()).collect();
                    prop_assert_eq!(server.list(&keys[by]), expected);
                }
                Step::Wait { seconds } => {
                    server.advance(seconds);
                    now += i64::try_from(seconds).unwrap();
                }
                Step::Sweep => {
                    let plan = Plan { interval: Duration::from_mins(1), retention: Duration::from_hours(24), batch: 2 };
                    block_on(sweep_once(&server.app, &plan)).unwrap();
                }
            }
        }
    }
}
