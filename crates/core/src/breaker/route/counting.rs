//! Counting: which circuits an outcome concerns, and which of them it opens.

use std::time::Duration;

use super::{below_mut, ClassCircuit, RouteCircuits, RouteTransition, Standing, MAX_CLASSES};
use crate::breaker::circuit::CircuitBreaker;
use crate::breaker::class::PathClass;
use crate::breaker::state::State;
use crate::breaker::unsynced::UnsyncedCounts;
use crate::config::Breaker as Settings;
use crate::time::Timestamp;

/// Classes without failures take no more places than this: the others are for those that fail.
const MAX_GOOD_CLASSES: usize = 48;
/// A class with fewer failures, or fewer successes, is not divided.
const MIXED: u32 = 2;
/// A class with as many failures in a row is not good, whatever it was before.
const MAX_FAILURES_IN_A_ROW: u32 = 2;

/// The successes of a worker before the window opened, which were not counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Credit {
    /// Successes per second, as far as they are known.
    pub per_second: f64,
    /// Requests per second, as well as it is known.
    pub requests_per_second: f64,
    /// The mean time to the response headers; zero if not known.
    pub latency: Duration,
    /// Whether they were of several clients.
    pub has_several_clients: bool,
    /// [`RouteCircuits::watched_since`] when this worker last added its credit.
    pub given_for: Timestamp,
}

impl RouteCircuits {
    /// Adds the outcomes that a worker counted, and opens circuits that they trip. Drops outcomes of
    /// another generation.
    pub fn absorb(
        &mut self,
        settings: &Settings,
        counts: &[UnsyncedCounts],
        credit: Credit,
        now: Timestamp,
        draw: f64,
    ) -> Vec<RouteTransition> {
        let mut transitions = Vec::new();
        if self.is_clean() {
            // Successes of a clean route need not be known.
            let Some(counts) = counts.iter().find(|counts| counts.has_failed()) else {
                return transitions;
            };
            self.watched_since = now;
            (self.healthy_rate, self.known_rate) = (0.0, 0.0);
            self.known_latency = Duration::ZERO;
            if counts.class.depth() > 0 {
                self.add_class(settings, &counts.class, 1, true);
            }
        }
        if credit.given_for != self.watched_since {
            self.add_credit(credit, now);
        }
        for counts in counts {
            self.absorb_one(settings, counts, now, draw, &mut transitions);
        }
        transitions
    }

    /// Returns whether these outcomes, with those that are known, could trip a circuit.
    pub fn could_trip(&self, settings: &Settings, counts: &UnsyncedCounts, now: Timestamp) -> bool {
        let new = CircuitBreaker::new(settings);
        (counts.depth..=counts.class.depth()).any(|depth| {
            let known = self.circuit(&counts.class, depth).unwrap_or(&new);
            if known.is_far_from_trip(settings, counts) {
                return false;
            }
            let mut circuit = known.clone();
            circuit.age(now);
            if circuit.state == State::Closed {
                circuit.count(settings, counts, now);
            }
            circuit.should_trip(settings, self.healthy_rate, now)
                || circuit.hangs(settings, self.healthy_rate, now)
        })
    }

    /// Returns how many components of a class its outcomes are counted by.
    pub fn counted_depth(&self, class: &PathClass) -> usize {
        let divided = (2..class.depth()).take_while(|&depth| {
            self.class(class, depth)
                .is_some_and(|known| known.is_divided)
        });
        class.depth().min(2_usize.saturating_add(divided.count()))
    }

    fn absorb_one(
        &mut self,
        settings: &Settings,
        counts: &UnsyncedCounts,
        now: Timestamp,
        draw: f64,
        transitions: &mut Vec<RouteTransition>,
    ) {
        let decided_by = self.circuit(&counts.class, counts.depth);
        let Some(decided_by) = decided_by.filter(|c| c.generation == counts.generation) else {
            return;
        };
        match decided_by.state {
            State::Closed => {}
            State::Ramp => {
                if let Some(circuit) = self.circuit_mut(counts.class.prefix(counts.depth)) {
                    circuit.count(settings, counts, now);
                }
                return;
            }
            State::Open | State::HalfOpen => return,
        }
        let deepest = self.count(settings, counts, now);
        // Clients of long polls leave, while other requests of the route are answered: only a route that
        // answers nothing at all hangs.
        let rate = self.healthy_rate;
        let hangs = self.route.hangs(settings, rate, now);
        // The widest circuit first: it speaks for those below it.
        let mut opens = (counts.depth..=deepest).find(|&depth| {
            let should_trip = self.circuit(&counts.class, depth).is_some_and(|circuit| {
                circuit.should_trip(settings, rate, now)
                    || (hangs && circuit.hangs(settings, rate, now))
            });
            should_trip && self.may_open(settings, counts.class.prefix(depth), depth, now)
        });
        while let Some(depth) = opens {
            let name = counts.class.prefix(depth);
            self.suspend_below(settings, name, depth, now, transitions);
            self.divide_if_part_works(name);
            let circuit = self.circuit_mut(name);
            let tripped = circuit.map(|c| c.trip(settings, now, draw, counts.retry_after));
            self.note(name, tripped, transitions);
            opens = self.fails_as_a_whole(settings, &counts.class, depth);
        }
    }

    /// Divides a class that is about to open and still answers some requests: which part of it works is
    /// looked for from now on.
    fn divide_if_part_works(&mut self, name: &str) {
        if let Some(class) = self.classes.get_mut(name) {
            let works = class.circuit.window.sum().good() > 0;
            class.is_divided |= works && class.can_be_divided(name);
        }
    }

    /// Returns the depth of the circuit above one that has opened, if most of its parts are not closed
    /// now: parts that open one after the other are not what fails, the whole is. (Its own window may
    /// still hold the successes of before.)
    fn fails_as_a_whole(
        &self,
        settings: &Settings,
        class: &PathClass,
        depth: usize,
    ) -> Option<usize> {
        let above = depth.checked_sub(1).filter(|above| *above > 0)?;
        let parts = || {
            let parts = self.parts(class.prefix(above), above);
            parts.map(|part| &part.circuit)
        };
        let open = parts().filter(|part| part.state != State::Closed).count();
        let good = parts().filter(|part| is_good(settings, part)).count();
        (open > 1 && open > good).then_some(above)
    }

    /// Counts successes of a worker from before the window opened, by their number per second.
    fn add_credit(&mut self, credit: Credit, now: Timestamp) {
        let per_second = credit.per_second;
        if credit.has_several_clients {
            self.healthy_rate += per_second;
        }
        self.known_rate += credit.requests_per_second;
        self.known_latency = self.known_latency.max(credit.latency);
        self.route.add_credit(per_second, now);
        // The hosts share it in a way that is not known; nearly all routes have one.
        let host = self.classes.values_mut().find(|class| class.depth == 1);
        if let Some(host) = host {
            host.circuit.add_credit(per_second, now);
        }
    }

    /// Counts outcomes in the closed circuits from `counts.depth` on. Returns the depth of the last.
    fn count(&mut self, settings: &Settings, counts: &UnsyncedCounts, now: Timestamp) -> usize {
        let has_failed = counts.has_failed();
        let mut deepest = 0;
        for depth in counts.depth..=counts.class.depth() {
            if depth > 0
                && self
                    .add_class(settings, &counts.class, depth, has_failed)
                    .is_none()
            {
                break;
            }
            deepest = depth;
            let name = counts.class.prefix(depth);
            let is_below_open = self.is_below_open(name);
            let Some(circuit) = self.circuit_mut(name) else {
                break;
            };
            if circuit.state != State::Closed {
                // A late outcome: this circuit speaks for those below it now.
                break;
            }
            circuit.count(settings, counts, now);
            let Some(class) = self.classes.get_mut(name) else {
                continue;
            };
            class.only_tried = false;
            if is_below_open {
                // The last outcome decides: of a good class, no more than one request fails.
                let is_good = counts.last_success >= counts.last_response && !has_failed;
                class.standing = if is_good {
                    Standing::Good
                } else {
                    Standing::Failing
                };
            }
            let sum = class.circuit.window.sum();
            let is_mixed = sum.failed >= MIXED && sum.succeeded() >= MIXED;
            class.is_divided |= is_mixed && class.can_be_divided(name);
            if depth > 1 && !class.is_divided {
                break;
            }
        }
        deepest
    }

    /// Adds a class if there is room. Returns whether it exists.
    pub(super) fn add_class(
        &mut self,
        settings: &Settings,
        class: &PathClass,
        depth: usize,
        has_failed: bool,
    ) -> Option<()> {
        let name = class.prefix(depth);
        if self.classes.contains_key(name) {
            return Some(());
        }
        let room = if has_failed {
            MAX_CLASSES
        } else {
            MAX_GOOD_CLASSES
        };
        if self.classes.len() >= room {
            let least = has_failed.then(|| self.least_failing()).flatten()?;
            self.classes.remove(&least);
        }
        let added = ClassCircuit {
            depth,
            circuit: CircuitBreaker::new(settings),
            is_divided: false,
            standing: Standing::default(),
            trying_until: Timestamp::EPOCH,
            only_tried: false,
        };
        self.classes.insert(name.to_owned(), Box::new(added));
        Some(())
    }

    /// Returns the class that is missed least: one that fails, has no part and no open circuit.
    fn least_failing(&self) -> Option<String> {
        let candidates = self.classes.iter().filter(|(_, class)| {
            class.depth > 1
                && !class.is_divided
                && class.circuit.state == State::Closed
                && class.standing != Standing::Good
                && (class.only_tried || class.circuit.window.sum().failed > 0)
        });
        let least = candidates.min_by_key(|(_, class)| class.circuit.window.sum().total);
        least.map(|(name, _)| name.clone())
    }

    /// Returns whether the failures below a circuit are its own: it has no parts, or more of them fail
    /// than are proven good.
    fn may_open(&self, settings: &Settings, name: &str, depth: usize, now: Timestamp) -> bool {
        if self.below(name, depth).next().is_none() {
            // The parts of a class that was divided just now are not known yet.
            let is_divided = self.classes.get(name).is_some_and(|class| class.is_divided);
            return !is_divided || self.classes.len() >= MAX_CLASSES;
        }
        // Without a connection nothing below a host can succeed, whatever it did before.
        let host = self.classes.get(name).filter(|class| class.depth == 1);
        if host.is_some_and(|host| {
            let circuit = &host.circuit;
            circuit.tripped_by.is_without_connection()
                && circuit.has_only_failed(settings, self.healthy_rate, now)
        }) {
            return true;
        }
        let parts = || self.parts(name, depth).map(|part| &part.circuit);
        let good = parts().filter(|part| is_good(settings, part)).count();
        let failing = parts().filter(|part| !is_good(settings, part) && !part.is_clean());
        let failing = failing.count();
        failing > 1 && failing > good
    }

    /// Hands the decisions to the circuits below an open one, and that one notes what it knows of them.
    fn suspend_below(
        &mut self,
        settings: &Settings,
        name: &str,
        depth: usize,
        now: Timestamp,
        transitions: &mut Vec<RouteTransition>,
    ) {
        let mut closed = Vec::new();
        for (name, class) in below_mut(&mut self.classes, name, depth) {
            class.standing = if is_good(settings, &class.circuit) {
                Standing::Good
            } else {
                Standing::Failing
            };
            if class.circuit.state != State::Closed {
                closed.push((name.clone(), class.circuit.close(now)));
            }
        }
        for (name, transition) in closed {
            self.note(&name, Some(transition), transitions);
        }
    }
}

/// Returns whether a class has succeeded lately, and failed by far less than opens a circuit.
pub(super) fn mostly_succeeds(settings: &Settings, circuit: &CircuitBreaker) -> bool {
    let counts = circuit.window.sum();
    let bad = counts.total.saturating_sub(counts.good());
    counts.good() > 0 && f64::from(bad) < settings.failure_ratio / 2.0 * f64::from(counts.total)
}

/// Returns whether a class is proven good: it [mostly succeeds](mostly_succeeds), also now.
pub(super) fn is_good(settings: &Settings, circuit: &CircuitBreaker) -> bool {
    circuit.state == State::Closed
        && mostly_succeeds(settings, circuit)
        && circuit.consecutive.count < MAX_FAILURES_IN_A_ROW
        && circuit.abandoned.count == 0
}
