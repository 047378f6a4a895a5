//! The laws: the same inputs give the same bytes, a restart changes nothing, and no book is called live that is not the
//! exchange's.
#![allow(clippy::unwrap_used, clippy::panic)] // tests

#[path = "../common/mod.rs"]
mod common;
mod market;
mod world;

use common::What;
use fathometer_engine::engine::{Engine, NoStopwatch};
use fathometer_engine::input::NO_LINK;
use fathometer_engine::output::{Outbox, Output};
use proptest::prelude::*;
use world::{CALM, Misfortunes, Owned, STORM, World, bytes};

fn stormy(seed: u64, steps: usize) -> World {
    let mut world = World::new(seed, STORM);
    world.run(steps);
    world
}

fn step(engine: &mut Engine, input: &Owned) -> Vec<u8> {
    let mut out = Outbox::default();
    engine.step(&input.input(), &mut out, &mut NoStopwatch);
    bytes(&out)
}

/// Laws 1 and 2: a replay of the tape says what the run said, byte by byte, every time.
#[test]
fn same_inputs_give_the_same_bytes() {
    let world = stormy(1, 6_000);
    for _ in 0..2 {
        let mut engine = Engine::new(world.config.clone());
        for (i, (input, said)) in world.tape.iter().zip(&world.said).enumerate() {
            assert!(step(&mut engine, input) == *said, "input {i}: {input:?}");
        }
        assert_eq!(engine.checkpoint().unwrap(), world.engine.checkpoint().unwrap());
    }
}

/// Law 4, exactly: an engine restored from a checkpoint says and becomes what the one that wrote it does.
#[test]
fn restart_from_a_checkpoint_at_every_seventh_input_changes_nothing() {
    let world = stormy(2, 4_000);
    let mut engine = Engine::new(world.config.clone());
    for (i, (input, said)) in world.tape.iter().zip(&world.said).enumerate() {
        if i % 7 == 0 {
            engine = Engine::restore(&engine.checkpoint().unwrap()).unwrap();
        }
        assert!(step(&mut engine, input) == *said, "input {i}: {input:?}");
    }
    assert_eq!(engine.checkpoint().unwrap(), world.engine.checkpoint().unwrap());
}

/// The checkpoint at the head of a tape segment: a fresh engine starts from it, and from there on says the same as one
/// that ran all the way, to which it means nothing.
#[test]
fn checkpoint_on_the_tape_starts_a_fresh_engine_and_leaves_a_running_one() {
    let world = stormy(3, 3_000);
    let mut running = Engine::new(world.config.clone());
    for (i, (input, said)) in world.tape.iter().zip(&world.said).enumerate() {
        assert!(step(&mut running, input) == *said, "input {i}: {input:?}");
        if i % 501 != 500 {
            continue;
        }
        let what = Some(What::Checkpoint(running.checkpoint().unwrap()));
        let head = Owned { at: input.at, link: NO_LINK, what };
        let nothing = bytes(&Outbox::default());
        assert!(step(&mut running, &head) == nothing, "a running engine said something to a checkpoint");
        let mut fresh = Engine::new(world.config.clone());
        let mut out = Outbox::default();
        fresh.step(&head.input(), &mut out, &mut NoStopwatch);
        assert_eq!(out.items.len(), running.registry().all().len());
        assert!(out.items.iter().all(|o| matches!(o, Output::Instrument { .. })));
        assert_eq!(fresh.checkpoint().unwrap(), running.checkpoint().unwrap());
        for (input, said) in world.tape.iter().zip(&world.said).skip(i + 1).take(400) {
            assert!(step(&mut fresh, input) == *said, "{input:?}");
        }
    }
}

/// A segment may begin later than its last input: what was due in between is said by both alike.
#[test]
fn checkpoint_after_a_pause_says_what_was_due() {
    let world = stormy(4, 1_000);
    let mut running = Engine::new(world.config.clone());
    for input in &world.tape {
        step(&mut running, input);
    }
    let at = world.tape.last().unwrap().at + 2_000_000_000;
    let head = Owned { at, link: NO_LINK, what: Some(What::Checkpoint(running.checkpoint().unwrap())) };
    let mut fresh = Engine::new(world.config.clone());
    let (mut by_running, mut by_fresh) = (Outbox::default(), Outbox::default());
    running.step(&head.input(), &mut by_running, &mut NoStopwatch);
    fresh.step(&head.input(), &mut by_fresh, &mut NoStopwatch);
    by_fresh.items.retain(|o| !matches!(o, Output::Instrument { .. }));
    assert!(!by_running.items.is_empty());
    assert!(bytes(&by_running) == bytes(&by_fresh));
    assert_eq!(fresh.checkpoint().unwrap(), running.checkpoint().unwrap());
}

#[test]
fn damaged_checkpoint_is_a_fault_and_the_engine_goes_on_empty() {
    let world = stormy(5, 300);
    let whole = world.engine.checkpoint().unwrap();
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        assert!(Engine::restore(&whole[..cut]).is_err());
        let mut engine = Engine::new(world.config.clone());
        let what = Some(What::Checkpoint(whole[..cut].to_vec()));
        let mut out = Outbox::default();
        engine.step(&Owned { at: 1, link: NO_LINK, what }.input(), &mut out, &mut NoStopwatch);
        assert!(matches!(&out.items[..], [Output::Fault(_)]), "{:?}", out.items);
        step(&mut engine, &world.tape[0]);
    }
}

/// Whatever happened, once the world is calm every book becomes live again: nothing waits for ever.
#[test]
fn every_book_heals_once_the_storm_is_over() {
    for seed in 10..16 {
        let mut world = stormy(seed, 4_000);
        assert!(world.compared > 2_000, "seed {seed}: only {} comparisons", world.compared);
        world.fate = CALM;
        world.run(8_000);
        world.drain();
        assert_eq!(world.invalid(), [], "seed {seed}, input {}", world.tape.len());
        assert_eq!(world.behind(), Vec::<String>::new(), "seed {seed}, input {}", world.tape.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Any mixture of misfortunes: no panic, and no book called live that is not the truth (`World` compares at every step).
    #[test]
    fn no_book_is_called_live_that_is_not_the_truth(
        seed in any::<u64>(),
        lost in 0u64..200,
        repeated in 0u64..50,
        damaged in 0u64..200,
        cut in prop_oneof![Just(0u64), 20u64..600],
        refused in 0u64..6,
        age in 1u64..60,
        thinned in 0u64..60,
    ) {
        let mut world = World::new(seed, Misfortunes { lost, repeated, damaged, cut, refused, age, thinned });
        world.run(1_500);
        let mut engine = Engine::new(world.config.clone());
        for (input, said) in world.tape.iter().zip(&world.said) {
            prop_assert!(step(&mut engine, input) == *said);
        }
    }
}
