//! What holds, under which failures; and what does not.

use crate::actors::{Actor, Faults, Invalidation, World};
use crate::explorer::{Outcome, explore};
use crate::pod::{Careless, Pod};
use crate::tier::Broken;

const LOAD: Actor = Actor::load(2);
const WRITE: Actor = Actor::write(2);
/// As of pods of the version before.
const OLD_LOAD: Actor = Actor::load(1);
const KEY_CHANGE: Actor = Actor::change(Invalidation::Key);
const TAG_CHANGE: Actor = Actor::change(Invalidation::Tag);
const ALL_CHANGE: Actor = Actor::change(Invalidation::All);

const NONE: Faults = Faults { losses: 0, crashes: 0, stalls: 0, unheard: 0, deafness: 0 };

/// Who takes part and what may go wrong, such that nothing older may ever be left.
const PROOFS: &[(&[Actor], Faults)] = &[
    (&[LOAD, LOAD, WRITE, WRITE], NONE),
    (&[LOAD, WRITE, WRITE, WRITE], NONE),
    (&[LOAD, OLD_LOAD, WRITE, TAG_CHANGE], NONE),
    (&[LOAD, LOAD, KEY_CHANGE, ALL_CHANGE], NONE),
    // Redis loses what it likes, and writers stall for as long as they like.
    (&[LOAD, WRITE, WRITE, WRITE], Faults { losses: 1, stalls: 1, ..NONE }),
    (&[LOAD, LOAD, WRITE, TAG_CHANGE], Faults { losses: 2, ..NONE }),
    (&[LOAD, LOAD, TAG_CHANGE, TAG_CHANGE], Faults { losses: 3, ..NONE }),
    (&[LOAD, WRITE, TAG_CHANGE, ALL_CHANGE], Faults { losses: 2, stalls: 1, ..NONE }),
    // Pods die and requests are cancelled.
    (&[LOAD, LOAD, WRITE, WRITE], Faults { crashes: 2, ..NONE }),
    (&[LOAD, WRITE, WRITE, TAG_CHANGE], Faults { crashes: 2, ..NONE }),
    // Answers, or what was to be answered, go missing; pods die then too.
    (&[LOAD, LOAD, WRITE, WRITE], Faults { unheard: 2, ..NONE }),
    (&[LOAD, WRITE, WRITE], Faults { unheard: 2, crashes: 2, ..NONE }),
    (&[LOAD, WRITE, WRITE], Faults { unheard: 2, losses: 2, stalls: 2, ..NONE }),
    // The largest, last.
    (&[LOAD, LOAD, WRITE, WRITE], Faults { losses: 2, stalls: 1, ..NONE }),
];

/// The same, with the memory of the pod that loads. A pod whose writer dies is not told, so there are no crashes among these: what it has
/// in memory stays for as long as the policy lets a pod keep entries.
const PROOFS_IN_MEMORY: &[(&[Actor], Faults)] = &[
    (&[LOAD, LOAD, WRITE, WRITE], NONE),
    (&[LOAD, LOAD, WRITE], Faults { deafness: 2, ..NONE }),
    (&[LOAD, LOAD, WRITE], Faults { losses: 2, stalls: 1, ..NONE }),
    (&[LOAD, LOAD, WRITE], Faults { unheard: 1, deafness: 1, ..NONE }),
    (&[LOAD, LOAD, TAG_CHANGE, KEY_CHANGE], Faults { deafness: 1, ..NONE }),
    (&[LOAD, WRITE, TAG_CHANGE], Faults { losses: 1, deafness: 1, ..NONE }),
];

/// Two failures of one write, of different kinds, against which there is no protection but the entry's lifetime.
const NOT_COVERED: &[(&str, &[Actor], Faults)] = &[
    (
        "Redis loses the announcement before the commit, and the pod dies or the request is cancelled before Redis is told of the commit",
        &[LOAD, WRITE],
        Faults { losses: 1, crashes: 1, ..NONE },
    ),
    (
        "the transaction commits later than its announcement lasts, and the pod dies before Redis is told of the commit",
        &[LOAD, WRITE],
        Faults { stalls: 1, crashes: 1, ..NONE },
    ),
];

#[test]
fn nothing_older_than_the_database_is_ever_left() {
    for (actors, faults) in PROOFS {
        let start = std::time::Instant::now();
        match explore(World::new(actors, *faults, None)) {
            Outcome::Holds(worlds) => println!("{worlds} worlds, {:?}: {actors:?} {faults:?}", start.elapsed()),
            Outcome::Fails(way) => panic!("{actors:?} {faults:?}\n{way}"),
        }
    }
}

#[test]
fn nothing_older_than_the_database_is_ever_left_in_a_pods_memory_either() {
    for (actors, faults) in PROOFS_IN_MEMORY {
        match explore(World::new(actors, *faults, None).with_pod(Pod::new(None))) {
            Outcome::Holds(worlds) => println!("{worlds} worlds: {actors:?} {faults:?}"),
            Outcome::Fails(way) => panic!("{actors:?} {faults:?}\n{way}"),
        }
    }
}

#[test]
fn each_part_of_what_a_pod_does_is_needed_without_it_one_of_the_proofs_fails() {
    for careless in Careless::ALL {
        let found = PROOFS_IN_MEMORY.iter().find_map(|(actors, faults)| {
            match explore(World::new(actors, *faults, None).with_pod(Pod::new(Some(careless)))) {
                Outcome::Holds(_) => None,
                Outcome::Fails(way) => Some(way),
            }
        });
        println!("{careless:?}:\n{}\n", found.unwrap_or_else(|| panic!("{careless:?} makes no difference")));
    }
}

#[test]
fn two_failures_of_one_write_are_not_covered() {
    for (what, actors, faults) in NOT_COVERED {
        match explore(World::new(actors, *faults, None)) {
            Outcome::Holds(_) => panic!("it is covered after all, so it must be proved: {what}"),
            Outcome::Fails(way) => println!("{what}:\n{way}\n"),
        }
    }
}

#[test]
fn each_part_of_the_protocol_is_needed_without_it_one_of_the_proofs_fails() {
    for broken in Broken::ALL {
        let found =
            PROOFS.iter().find_map(|(actors, faults)| match explore(World::new(actors, *faults, Some(broken))) {
                Outcome::Holds(_) => None,
                Outcome::Fails(way) => Some(way),
            });
        println!("{broken:?}:\n{}\n", found.unwrap_or_else(|| panic!("{broken:?} makes no difference")));
    }
}
