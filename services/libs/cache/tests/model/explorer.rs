//! Tries every order of steps, the shortest ones first.

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};

use crate::actors::{Step, World};

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing was ever wrong, in so many worlds.
    Holds(usize),
    /// These steps lead to something wrong.
    Fails(String),
}

/// Tries everything that can happen.
pub(crate) fn explore(first: World) -> Outcome {
    // Worlds are told apart by 128 bits of hash; that two different ones are taken for one is out of the question.
    let hashers = (RandomState::new(), RandomState::new());
    let print = |world: &World| (hashers.0.hash_one(world), hashers.1.hash_one(world));
    let mut seen = HashSet::from([print(&first)]);
    let mut steps: Vec<(usize, Option<Step>)> = vec![(0, None)];
    let mut open = VecDeque::from([(0, first)]);
    while let Some((number, world)) = open.pop_front() {
        if let Some(wrong) = world.wrong() {
            return Outcome::Fails(way(&steps, number) + &wrong);
        }
        for (step, next) in world.next() {
            if seen.insert(print(&next)) {
                steps.push((number, Some(step)));
                open.push_back((steps.len() - 1, next));
            }
        }
    }
    Outcome::Holds(seen.len())
}

/// The steps that lead to a world.
fn way(steps: &[(usize, Option<Step>)], mut number: usize) -> String {
    let mut way = Vec::new();
    while let (before, Some(step)) = steps[number] {
        way.push(step);
        number = before;
    }
    way.iter().rev().fold(String::new(), |mut text, step| {
        let _ = writeln!(text, "  {step:?}");
        text
    })
}
