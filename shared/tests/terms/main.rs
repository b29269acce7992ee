//! Whole histories under hard terms, decided at two tills and posted in the server's books from the same bytes: several
//! programs and currencies, points that end and points that vest, every rounding, caps, campaigns with budgets, accounts
//! that are shared, levels that multiply; sales, returns by line, blind and with no receipt, and voids, over days.
//!
//! The histories are the same in each run; `TILLKEEP_FULL=1` plays ten times as many, and others each time.
#![expect(clippy::unwrap_used, reason = "what does not hold here ends the test")]

mod laws;
mod reached;
mod shop;
mod world;

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use reached::Reached;
use shop::{Shop, Step};

fn runner() -> TestRunner {
    let full = std::env::var_os("TILLKEEP_FULL").is_some_and(|value| value == "1");
    let cases = if full { 2_000 } else { 200 };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    if full {
        return TestRunner::new(config);
    }
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn step() -> impl Strategy<Value = Step> {
    let (till, member) = (0_usize..2, 0..world::MEMBERS);
    let lines = || prop::collection::vec(world::line(), 1..4);
    let redeem = prop::collection::vec((prop::bool::weighted(0.8), 1_i64..160), 0..3);
    prop_oneof![
        8 => (till.clone(), member.clone(), lines(), redeem, prop::option::weighted(0.2, member.clone()))
            .prop_map(|(till, member, lines, redeem, redeemer)| Step::Sell { till, member, lines, redeem, redeemer }),
        5 => (till.clone(), any::<prop::sample::Index>(), 0_u16..4, 1_i64..5)
            .prop_map(|(till, sale, line, halves)| Step::Back { till, sale, line, halves }),
        2 => (till.clone(), any::<prop::sample::Index>()).prop_map(|(till, sale)| Step::Void { till, sale }),
        1 => (till.clone(), member.clone(), lines())
            .prop_map(|(till, member, lines)| Step::Unlinked { till, member, lines }),
        4 => till.prop_map(Step::Sync),
        2 => Just(Step::Settle),
        3 => (1_i32..6).prop_map(Step::Days),
        1 => (member, any::<bool>()).prop_map(|(member, gold)| Step::Level { member, gold }),
    ]
}

#[test]
fn whatever_is_sold_and_given_back_under_whatever_terms_adds_up_at_the_till_and_at_the_server() {
    let reached = Cell::new(Reached::default());
    let mut runner = runner();
    let history = (world::catalog(), world::members(), prop::collection::vec(step(), 1..28), any::<bool>());
    let played = runner.run(&history, |(catalog, members, steps, voiding)| {
        let mut shop = Shop::new(&catalog, members);
        for step in &steps {
            shop.play(step);
            laws::always(&shop);
        }
        shop.give_everything_back(voiding);
        laws::nothing_is_left(&shop);
        let mut sum = reached.get();
        sum.and(shop.reached);
        sum.cuts(&shop);
        reached.set(sum);
        Ok(())
    });
    if let Err(failed) = played {
        panic!("{failed}");
    }
    for (what, count) in Reached::WHAT.into_iter().zip(reached.get().0) {
        assert!(count > 0, "no history reached {what}");
    }
}

/// The histories of the property, from a seed of their own: whether one of them notices something.
#[cfg(feature = "mutants")]
mod mutants {
    use shared::mutant::{self, Mutant};

    use super::*;

    fn caught(mutant: Mutant) {
        mutant::set(Some(mutant));
        let config =
            Config { cases: 2_000, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(config, rng);
        let history = (world::catalog(), world::members(), prop::collection::vec(step(), 1..28));
        let played = runner.run(&history, |(catalog, members, steps)| {
            let mut shop = Shop::new(&catalog, members);
            for step in &steps {
                shop.play(step);
                laws::always(&shop);
            }
            Ok(())
        });
        mutant::set(None);
        assert!(played.is_err(), "{mutant:?} was not noticed");
    }

    #[test]
    fn a_till_that_asks_for_no_caps_is_noticed() {
        caught(Mutant::CapsIgnored);
    }
}
