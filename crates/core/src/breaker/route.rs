//! The circuits of one route: its own, and those of the classes that fail.
//!
//! While a route is watched, outcomes are counted in a tree: the route, its hosts, the segments of
//! their paths. What fails is closed by the narrowest circuit that explains it:
//!
//! * A class whose requests fail opens its own circuit.
//! * A class that shows both successes and failures is divided by its next segment.
//! * A circuit above others opens only if more of its parts fail than are proven good; then the
//!   failures are not of a single part. The circuit of a host also opens if its upstream does not
//!   even accept connections.
//!
//! While a circuit with parts is open, the parts that are proven good go on, and of a part that is
//! not known yet one request may pass as a first try, unless the upstream accepts no connections.
//!
//! Only what fails is kept: when no circuit has a failure left in its window, the tree is empty.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use crate::breaker::circuit::{CircuitBreaker, ProbeResult};
use crate::breaker::class::{PathClass, MAX_DEPTH};
use crate::breaker::clients::ClientId;
use crate::breaker::outcome::Outcome;
use crate::breaker::probes::ProbePermit;
use crate::breaker::ramp::RAMP_FULL;
use crate::breaker::state::{State, Transition};
use crate::breaker::unsynced::UnsyncedCounts;
use crate::breaker::window::Counts;
use crate::config::Breaker as Settings;
use crate::failure::Reason;
use crate::time::Timestamp;

/// Maximum number of classes of a route.
pub const MAX_CLASSES: usize = 64;
/// Classes without failures take no more places than this: the others are for those that fail.
const MAX_GOOD_CLASSES: usize = 48;
/// A class with fewer failures, or fewer successes, is not divided.
const MIXED: u32 = 2;
/// A class with as many failures in a row is not good, whatever it was before.
const MAX_FAILURES_IN_A_ROW: u32 = 2;
/// First tries that failed are counted over this time.
const TRIES_PERIOD: Duration = Duration::from_secs(1);

/// What is known of a class while a circuit above it is not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// Nothing. One request may pass as a first try.
    #[default]
    Unknown,
    /// It answers: its requests pass.
    Good,
    /// It fails like the rest.
    Failing,
}

/// The circuit of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassCircuit {
    /// The number of components of its name.
    pub depth: usize,
    /// The circuit.
    pub circuit: CircuitBreaker,
    /// Whether outcomes are also counted by the next component.
    pub is_divided: bool,
    /// What is known of the class while a circuit above it is not closed.
    pub standing: Standing,
    /// Until when a first try is on its way.
    pub trying_until: Timestamp,
}

/// The circuits of one route, which all workers share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteCircuits {
    /// The circuit of the route as a whole.
    pub route: CircuitBreaker,
    /// The circuits of its classes, by name. In boxes, since a map has room for more than it holds.
    pub classes: BTreeMap<String, Box<ClassCircuit>>,
    /// When the first failure was counted since the route was clean.
    pub watched_since: Timestamp,
    /// The number of changes of state of all circuits.
    pub changes: u32,
    /// When the present period of first tries began, and how many of its tries failed.
    pub failed_tries: (Timestamp, u32),
}

/// The successes of a worker before the window opened, which nobody counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Credit {
    /// Successes per second, as far as they are known.
    pub per_second: f64,
    /// [`RouteCircuits::watched_since`] when this worker last added its credit.
    pub given_for: Timestamp,
}

/// A change of state of one of the circuits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTransition {
    /// The class whose circuit changed; `None` for that of the route.
    pub class: Option<String>,
    /// The change.
    pub transition: Transition,
}

/// Names a circuit and its generation: the one that admitted or rejected a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecidedBy {
    /// The number of components of its class; 0 for the circuit of the route.
    pub depth: usize,
    /// Its generation.
    pub generation: u32,
}

/// What the circuits of a route say about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It passes.
    Admit(DecidedBy),
    /// It is rejected.
    Reject(DecidedBy),
    /// It may pass as a probe of this circuit, if a permit is available.
    MayProbe(DecidedBy),
    /// It may pass as the first try of its class, below this circuit.
    MayTry(DecidedBy),
}

/// The permit of a request that tests its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestPermit {
    /// A probe of a half-open circuit.
    Probe(ProbePermit),
    /// A probe whose response has begun, which was recorded as a success: only that it is cut off is
    /// recorded with this.
    BegunProbe(ProbePermit),
    /// The first try of a class.
    FirstTry,
}

/// The result of a request that tested its upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// The class of the request.
    pub class: PathClass,
    /// Who sent it.
    pub client: ClientId,
    /// The circuit of the permit.
    pub decided_by: DecidedBy,
    /// The permit.
    pub permit: TestPermit,
    /// What the request says about the upstream.
    pub outcome: Outcome,
    /// `Retry-After` of the response.
    pub retry_after: Option<Duration>,
}

impl RouteCircuits {
    /// Returns a closed circuit without classes.
    pub fn new(settings: &Settings) -> Self {
        Self {
            route: CircuitBreaker::new(settings),
            classes: BTreeMap::new(),
            watched_since: Timestamp::EPOCH,
            changes: 0,
            failed_tries: (Timestamp::EPOCH, 0),
        }
    }

    /// Returns whether all circuits are closed and have neither failures nor slow responses.
    pub fn is_clean(&self) -> bool {
        self.route.is_clean() && self.classes.values().all(|class| class.circuit.is_clean())
    }

    /// Returns whether all circuits are closed.
    pub fn is_closed(&self) -> bool {
        self.circuits()
            .all(|circuit| circuit.state == State::Closed)
    }

    /// Returns the width of the buckets of all windows.
    pub fn bucket_width(&self) -> Duration {
        self.route.bucket_width
    }

    /// Returns the circuit that admits least.
    pub fn strictest(&self) -> &CircuitBreaker {
        let strictness = |circuit: &&CircuitBreaker| match circuit.state {
            State::Closed => (0, 0),
            State::Ramp => (1, RAMP_FULL.saturating_sub(circuit.admitted_share())),
            State::HalfOpen => (2, 0),
            State::Open => (3, 0),
        };
        self.circuits()
            .max_by_key(strictness)
            .unwrap_or(&self.route)
    }

    /// Returns the circuit of the route, or of a prefix of the class, if it exists.
    pub fn circuit(&self, class: &PathClass, depth: usize) -> Option<&CircuitBreaker> {
        match depth {
            0 => Some(&self.route),
            _ => self.class(class, depth).map(|class| &class.circuit),
        }
    }

    /// Returns all circuits: that of the route first.
    pub fn circuits(&self) -> impl Iterator<Item = &CircuitBreaker> {
        let classes = self.classes.values().map(|class| &class.circuit);
        std::iter::once(&self.route).chain(classes)
    }

    /// Returns how many components of a class its outcomes are counted by.
    pub fn counted_depth(&self, class: &PathClass) -> usize {
        let divided = (2..class.depth()).take_while(|&depth| {
            self.class(class, depth)
                .is_some_and(|known| known.is_divided)
        });
        class.depth().min(2_usize.saturating_add(divided.count()))
    }

    /// Lets counts that leave the windows age, and drops classes of which nothing is left. Every
    /// worker does so by itself.
    pub fn age(&mut self, now: Timestamp) {
        self.route.age(now);
        for class in self.classes.values_mut() {
            class.circuit.age(now);
        }
        if self.is_clean() {
            self.classes.clear();
            return;
        }
        let is_over = |class: &ClassCircuit| {
            class.circuit.is_clean()
                && class.circuit.window.sum().is_empty()
                && now >= class.trying_until
        };
        let over: Vec<String> = self
            .classes
            .iter()
            .filter(|(name, class)| is_over(class) && !self.is_below_open(name))
            .map(|(name, _)| name.clone())
            .collect();
        for name in over {
            self.classes.remove(&name);
        }
    }

    /// Applies the changes that time alone causes.
    pub fn advance(
        &mut self,
        settings: &Settings,
        now: Timestamp,
        draw: f64,
    ) -> Vec<RouteTransition> {
        self.age(now);
        let mut transitions = Vec::new();
        let by_time = self.route.advance(settings, now, draw);
        self.note(None, by_time, &mut transitions);
        let names: Vec<String> = self.classes.keys().cloned().collect();
        for name in names {
            let class = self.classes.get_mut(&name);
            let by_time = class.and_then(|class| class.circuit.advance(settings, now, draw));
            self.note(Some(&name), by_time, &mut transitions);
        }
        for changed in &transitions {
            if changed.transition.to == State::HalfOpen {
                self.let_good_ones_try(settings, changed.class.as_deref().unwrap_or_default());
            }
        }
        self.hand_over(now, &mut transitions);
        transitions
    }

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
            if counts.class.depth() > 0 {
                self.add_class(settings, &counts.class, 1, true);
            }
        }
        if credit.given_for != self.watched_since {
            self.add_credit(credit.per_second, now);
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
            circuit.should_trip(settings, now)
        })
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
        // The widest circuit first: it speaks for those below it.
        for depth in counts.depth..=deepest {
            let name = counts.class.prefix(depth);
            let should_trip = self
                .circuit(&counts.class, depth)
                .is_some_and(|circuit| circuit.should_trip(settings, now));
            if should_trip && self.may_open(settings, name, depth) {
                self.suspend_below(settings, name, depth, now);
                let circuit = self.circuit_mut(name);
                let tripped = circuit.map(|c| c.trip(settings, now, draw, counts.retry_after));
                self.note(Some(name), tripped, transitions);
                break;
            }
        }
    }

    /// Counts successes of a worker from before the window opened, by their number per second.
    fn add_credit(&mut self, per_second: f64, now: Timestamp) {
        self.route.add_credit(per_second, now);
        // The hosts share it in a way that is not known; nearly all routes have one.
        let host = self.classes.values_mut().find(|class| class.depth == 1);
        if let Some(host) = host {
            host.circuit.add_credit(per_second, now);
        }
    }

    /// Decides about a request by its class.
    pub fn decide(
        &self,
        settings: &Settings,
        class: &PathClass,
        client: ClientId,
        now: Timestamp,
        draw: f64,
    ) -> Decision {
        for depth in 0..=class.depth() {
            let Some(circuit) = self.circuit(class, depth) else {
                break;
            };
            let by = DecidedBy {
                depth,
                generation: circuit.generation,
            };
            if circuit.state == State::Closed {
                continue;
            }
            if !is_of_upstream(circuit.tripped_by) {
                match self.standing_below(class, depth, now) {
                    Some((Standing::Good, good)) => return Decision::Admit(good),
                    Some((Standing::Unknown, _)) if circuit.state != State::Ramp => {
                        if self.may_try(settings, now) {
                            return Decision::MayTry(by);
                        }
                    }
                    _ => {}
                }
            }
            return match circuit.state {
                State::Closed => Decision::Admit(by),
                State::Open if now < circuit.until => Decision::Reject(by),
                State::Open => Decision::MayProbe(by),
                // Which permits are in flight is up to the shared record. That none is left can be
                // believed until the next tick, and saves a read for each rejection.
                State::HalfOpen
                    if !circuit.may_acquire_probe(settings, now)
                        || circuit.must_wait(client, now) =>
                {
                    Decision::Reject(by)
                }
                State::HalfOpen => Decision::MayProbe(by),
                State::Ramp
                    if draw * f64::from(RAMP_FULL) < f64::from(circuit.admitted_share()) =>
                {
                    Decision::Admit(by)
                }
                State::Ramp => Decision::Reject(by),
            };
        }
        Decision::Admit(DecidedBy {
            depth: 0,
            generation: self.route.generation,
        })
    }

    /// Notes that a client asks for what the circuit of this name rejects.
    pub fn note_client(&mut self, name: &str, client: ClientId, now: Timestamp) {
        if let Some(circuit) = self.circuit_mut(name) {
            circuit.note_client(client, now);
        }
    }

    /// Returns a permit for a probe of the circuit of this prefix of the class, if one is left.
    pub fn acquire_probe(
        &mut self,
        settings: &Settings,
        class: &PathClass,
        depth: usize,
        client: ClientId,
        now: Timestamp,
    ) -> Option<(DecidedBy, TestPermit)> {
        let circuit = self.circuit_mut(class.prefix(depth))?;
        if circuit.must_wait(client, now) {
            return None;
        }
        let permit = circuit.acquire_probe(settings, now)?;
        circuit.note_probe(client, permit, now);
        let by = DecidedBy {
            depth,
            generation: permit.generation,
        };
        Some((by, TestPermit::Probe(permit)))
    }

    /// Returns a permit for the first try of a class below the circuit of this prefix.
    pub fn acquire_try(
        &mut self,
        settings: &Settings,
        class: &PathClass,
        depth: usize,
        now: Timestamp,
    ) -> Option<(DecidedBy, TestPermit)> {
        let is_unknown = matches!(
            self.standing_below(class, depth, now),
            Some((Standing::Unknown, _))
        );
        if !is_unknown || !self.may_try(settings, now) {
            return None;
        }
        let depth = depth.saturating_add(1);
        self.add_class(settings, class, depth, true)?;
        let added = self.classes.get_mut(class.prefix(depth))?;
        added.trying_until = now.saturating_add(settings.probe.timeout);
        let by = DecidedBy {
            depth,
            generation: added.circuit.generation,
        };
        Some((by, TestPermit::FirstTry))
    }

    /// Takes a permit back and records what the request says about the upstream.
    pub fn record_test(
        &mut self,
        settings: &Settings,
        result: &TestResult,
        now: Timestamp,
        draw: f64,
    ) -> Vec<RouteTransition> {
        let mut transitions = Vec::new();
        let name = result.class.prefix(result.decided_by.depth).to_owned();
        match result.permit {
            TestPermit::Probe(permit) | TestPermit::BegunProbe(permit) => {
                let has_begun = matches!(result.permit, TestPermit::BegunProbe(_));
                let circuit = self.circuit_mut(&name);
                let changed = circuit.and_then(|circuit| {
                    let outcome = circuit.verdict_on_probe(result.client, result.outcome, now);
                    let probe = ProbeResult {
                        permit,
                        outcome,
                        retry_after: result.retry_after,
                    };
                    if has_begun {
                        circuit.record_probe_cut_off(settings, probe, now, draw)
                    } else {
                        circuit.record_probe(settings, probe, now, draw)
                    }
                });
                self.note(Some(&name), changed, &mut transitions);
            }
            TestPermit::FirstTry => {
                let Some(class) = self.classes.get_mut(&name) else {
                    return transitions;
                };
                class.trying_until = Timestamp::EPOCH;
                match result.outcome {
                    Outcome::Success => class.standing = Standing::Good,
                    Outcome::Failure(_) | Outcome::Overloaded(_) => {
                        class.standing = Standing::Failing;
                        self.count_failed_try(now);
                    }
                    Outcome::Abandoned(_) | Outcome::Ignored => {}
                }
                self.hand_over(now, &mut transitions);
            }
        }
        transitions
    }

    fn class(&self, class: &PathClass, depth: usize) -> Option<&ClassCircuit> {
        // A prefix that is deeper than the class would name the class itself.
        let name = (depth <= class.depth()).then(|| class.prefix(depth))?;
        self.classes.get(name).map(Box::as_ref)
    }

    fn circuit_mut(&mut self, name: &str) -> Option<&mut CircuitBreaker> {
        match name {
            "" => Some(&mut self.route),
            _ => self.classes.get_mut(name).map(|class| &mut class.circuit),
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
            if circuit.state == State::Closed {
                circuit.count(settings, counts, now);
            }
            let Some(class) = self.classes.get_mut(name) else {
                continue;
            };
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
            let good = sum.total.saturating_sub(sum.failed);
            let is_mixed = sum.failed >= MIXED && good >= MIXED;
            class.is_divided |= is_mixed && depth > 1 && depth < MAX_DEPTH;
            if depth > 1 && !class.is_divided {
                break;
            }
        }
        deepest
    }

    /// Adds a class if there is room. Returns whether it exists.
    fn add_class(
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
                && class.circuit.window.sum().failed > 0
        });
        let least = candidates.min_by_key(|(_, class)| class.circuit.window.sum().total);
        least.map(|(name, _)| name.clone())
    }

    /// Returns whether the failures below a circuit are its own: it has no parts, or more of them fail
    /// than are proven good.
    fn may_open(&self, settings: &Settings, name: &str, depth: usize) -> bool {
        if self.below(name, depth).next().is_none() {
            return true;
        }
        let circuit = match depth {
            0 => Some(&self.route),
            _ => self.classes.get(name).map(|class| &class.circuit),
        };
        if depth == 1 && circuit.is_some_and(|circuit| is_of_upstream(circuit.tripped_by)) {
            return true;
        }
        let parts = || self.parts(name, depth).map(|part| &part.circuit);
        let good = parts().filter(|part| is_good(settings, part)).count();
        let failing = parts().filter(|part| !is_good(settings, part) && !part.is_clean());
        let failing = failing.count();
        failing > 1 && failing > good
    }

    /// Hands the decisions to the circuits below an open one, and that one notes what it knows of them.
    fn suspend_below(&mut self, settings: &Settings, name: &str, depth: usize, now: Timestamp) {
        for (_, class) in below_mut(&mut self.classes, name, depth) {
            class.standing = if is_good(settings, &class.circuit) {
                Standing::Good
            } else {
                Standing::Failing
            };
            if class.circuit.state != State::Closed {
                class.circuit.close(now);
            }
        }
    }

    /// Lets classes try again that nearly always succeeded: a single failure counted against them.
    fn let_good_ones_try(&mut self, settings: &Settings, name: &str) {
        let depth = self.classes.get(name).map_or(0, |class| class.depth);
        for (_, class) in below_mut(&mut self.classes, name, depth) {
            if class.standing == Standing::Failing && mostly_succeeds(settings, &class.circuit) {
                class.standing = Standing::Unknown;
            }
        }
    }

    /// Closes an open circuit of which more parts have proven good than fail: those that fail have
    /// circuits of their own.
    fn hand_over(&mut self, now: Timestamp, transitions: &mut Vec<RouteTransition>) {
        if self.is_closed() {
            return;
        }
        let names: Vec<(String, usize)> = std::iter::once((String::new(), 0))
            .chain(
                self.classes
                    .iter()
                    .map(|(name, class)| (name.clone(), class.depth)),
            )
            .collect();
        for (name, depth) in names {
            let Some(circuit) = self.circuit_mut(&name) else {
                continue;
            };
            let is_open = matches!(circuit.state, State::Open | State::HalfOpen);
            if !is_open || is_of_upstream(circuit.tripped_by) {
                continue;
            }
            let of = |standing| {
                let parts = self.parts(&name, depth);
                parts.filter(|part| part.standing == standing).count()
            };
            let (good, failing) = (of(Standing::Good), of(Standing::Failing));
            if good > failing {
                let closed = self.circuit_mut(&name).map(|circuit| circuit.close(now));
                self.note(Some(&name), closed, transitions);
            }
        }
    }

    /// Notes a change of state, and what it means for the classes below.
    fn note(
        &mut self,
        name: Option<&str>,
        transition: Option<Transition>,
        transitions: &mut Vec<RouteTransition>,
    ) {
        let Some(transition) = transition else { return };
        self.changes = self.changes.wrapping_add(1);
        let name = name.unwrap_or_default();
        // After the ramp nothing is known of the classes any more.
        if transition.from == State::Ramp && transition.to == State::Closed {
            let depth = self.classes.get(name).map_or(0, |class| class.depth);
            let below: Vec<String> = below_mut(&mut self.classes, name, depth)
                .map(|(name, _)| name.clone())
                .collect();
            for name in below {
                self.classes.remove(&name);
            }
        }
        transitions.push(RouteTransition {
            class: (!name.is_empty()).then(|| name.to_owned()),
            transition,
        });
    }

    /// Returns the standing of the deepest known class of a request below the circuit of a prefix, and
    /// its circuit. `None` if no class can be below it.
    fn standing_below(
        &self,
        class: &PathClass,
        depth: usize,
        now: Timestamp,
    ) -> Option<(Standing, DecidedBy)> {
        let is_leaf = depth > 1
            && !self
                .class(class, depth)
                .is_some_and(|known| known.is_divided);
        if is_leaf || depth >= class.depth() {
            return None;
        }
        let mut found = (
            Standing::Unknown,
            DecidedBy {
                depth: depth.saturating_add(1),
                generation: 0,
            },
        );
        for depth in depth.saturating_add(1)..=class.depth() {
            let Some(known) = self.class(class, depth) else {
                break;
            };
            let by = DecidedBy {
                depth,
                generation: known.circuit.generation,
            };
            found = match known.standing {
                // One first try at a time.
                Standing::Unknown if now < known.trying_until => (Standing::Failing, by),
                standing => (standing, by),
            };
        }
        Some(found)
    }

    fn may_try(&self, settings: &Settings, now: Timestamp) -> bool {
        let (since, failed) = self.failed_tries;
        let failed = if now.saturating_since(since) < TRIES_PERIOD {
            failed
        } else {
            0
        };
        let is_trying = |class: &&Box<ClassCircuit>| now < class.trying_until;
        let trying = self.classes.values().filter(is_trying).count();
        trying.saturating_add(failed as usize) < settings.probe.permits as usize
    }

    fn count_failed_try(&mut self, now: Timestamp) {
        let (since, failed) = self.failed_tries;
        self.failed_tries = if now.saturating_since(since) < TRIES_PERIOD {
            (since, failed.saturating_add(1))
        } else {
            (now, 1)
        };
    }

    /// Returns whether a circuit above this class is not closed.
    fn is_below_open(&self, name: &str) -> bool {
        if name.is_empty() {
            return false;
        }
        let is_open = |circuit: &CircuitBreaker| circuit.state != State::Closed;
        let above = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
        is_open(&self.route)
            || above
                .filter_map(|name| self.classes.get(name))
                .any(|class| is_open(&class.circuit))
    }

    /// Returns the classes that are one component below a circuit.
    fn parts<'a>(&'a self, name: &'a str, depth: usize) -> impl Iterator<Item = &'a ClassCircuit> {
        let is_part = move |class: &&ClassCircuit| class.depth == depth.saturating_add(1);
        self.below(name, depth).filter(is_part)
    }

    fn below<'a>(&'a self, name: &'a str, depth: usize) -> impl Iterator<Item = &'a ClassCircuit> {
        let is_below = move |other: &str| is_below(other, name, depth);
        let from = self.classes.range::<str, _>(from(name));
        from.take_while(move |(other, _)| other.starts_with(name))
            .filter(move |(other, _)| is_below(other))
            .map(|(_, class)| class.as_ref())
    }
}

fn from(name: &str) -> (Bound<&str>, Bound<&str>) {
    (Bound::Included(name), Bound::Unbounded)
}

fn below_mut<'a>(
    classes: &'a mut BTreeMap<String, Box<ClassCircuit>>,
    name: &'a str,
    depth: usize,
) -> impl Iterator<Item = (&'a String, &'a mut Box<ClassCircuit>)> {
    let from = classes.range_mut::<str, _>(from(name));
    from.take_while(move |(other, _)| other.starts_with(name))
        .filter(move |(other, _)| is_below(other, name, depth))
}

/// Returns whether a class belongs to another one with a name of `depth` components.
fn is_below(class: &str, name: &str, depth: usize) -> bool {
    let rest = class.strip_prefix(name);
    depth == 0 || rest.is_some_and(|rest| rest.starts_with('/'))
}

/// Returns whether a class has succeeded lately, and failed by far less than opens a circuit.
fn mostly_succeeds(settings: &Settings, circuit: &CircuitBreaker) -> bool {
    let Counts { total, failed, .. } = circuit.window.sum();
    total > failed && f64::from(failed) < settings.failure_ratio / 2.0 * f64::from(total)
}

/// Returns whether a class is proven good: it [mostly succeeds](mostly_succeeds), also now.
fn is_good(settings: &Settings, circuit: &CircuitBreaker) -> bool {
    circuit.state == State::Closed
        && mostly_succeeds(settings, circuit)
        && circuit.consecutive.count < MAX_FAILURES_IN_A_ROW
        && circuit.abandoned.count == 0
}

/// Returns whether a failure is of the upstream as a whole: it did not even accept a connection.
fn is_of_upstream(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ConnectionRefused
            | Reason::ConnectionTimeout
            | Reason::TlsProtocolError
            | Reason::TlsCertificateError
            | Reason::DnsError
    )
}

#[cfg(test)]
mod tests;
