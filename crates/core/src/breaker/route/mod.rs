//! The circuits of one route: its own, and those of the classes that fail.
//!
//! While a route is watched, outcomes are counted in a tree: the route, its hosts, the segments of
//! their paths. The narrowest circuit that explains the failures opens:
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
//!
//! `counting` adds outcomes and opens circuits; `decision` decides about requests; time and what
//! circuits mean for those above and below are here.

mod counting;
mod decision;

pub use counting::Credit;
pub use decision::{DecidedBy, Decision, TestPermit, TestResult, Visitor};

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use crate::breaker::circuit::gate::Arrivals;
use crate::breaker::circuit::{CircuitBreaker, Usual};
use crate::breaker::class::{PathClass, MAX_DEPTH};
use crate::breaker::state::{State, Transition};
use crate::config::Breaker as Settings;
use crate::time::Timestamp;

/// Maximum number of classes of a route.
pub const MAX_CLASSES: usize = 64;

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
#[derive(Debug, Clone, PartialEq)]
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
    /// Whether nothing is known of it but that a first try failed.
    pub only_tried: bool,
}

impl ClassCircuit {
    /// Returns whether its next component may be looked at: hosts always are, and a path that ends here
    /// has none.
    fn can_be_divided(&self, name: &str) -> bool {
        (2..MAX_DEPTH).contains(&self.depth) && !name.ends_with('/')
    }
}

/// The circuits of one route, which all workers share.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteCircuits {
    /// The circuit of the route as a whole.
    pub route: CircuitBreaker,
    /// The circuits of its classes, by name. In boxes, since a map has room for more than it holds.
    pub classes: BTreeMap<String, Box<ClassCircuit>>,
    /// When the first failure was counted since the route was clean.
    pub watched_since: Timestamp,
    /// The successes per second from before that the workers know of; zero if all were of one client.
    pub healthy_rate: f64,
    /// The requests per second from before that the workers know of, whoever sent them.
    pub known_rate: f64,
    /// The mean time to the response headers from before, the longest that a worker knows of.
    pub known_latency: Duration,
    /// The number of changes of state of all circuits.
    pub changes: u32,
    /// When the present period of first tries began, and what they cost.
    pub tries: (Timestamp, u32),
}

/// A change of state of one of the circuits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTransition {
    /// The class whose circuit changed; `None` for that of the route.
    pub class: Option<String>,
    /// The change.
    pub transition: Transition,
}

impl RouteCircuits {
    /// Returns a closed circuit without classes.
    pub fn new(settings: &Settings) -> Self {
        Self::of_route(CircuitBreaker::new(settings))
    }

    /// Returns circuits of which nothing is known but that of the route.
    pub(super) fn of_route(route: CircuitBreaker) -> Self {
        Self {
            route,
            classes: BTreeMap::new(),
            watched_since: Timestamp::EPOCH,
            healthy_rate: 0.0,
            known_rate: 0.0,
            known_latency: Duration::ZERO,
            changes: 0,
            tries: (Timestamp::EPOCH, 0),
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
        let strictest = self.circuits().max_by_key(|circuit| circuit.strictness());
        strictest.unwrap_or(&self.route)
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
            // A class is found by those above it.
            .filter(|(name, class)| self.below(name, class.depth).all(&is_over))
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
        self.follow_clock(settings, now);
        self.age(now);
        let mut transitions = Vec::new();
        let by_time = self.route.advance(settings, self.usual(0), now, draw);
        self.note("", by_time, &mut transitions);
        let names: Vec<String> = self.classes.keys().cloned().collect();
        for name in names {
            let depth = self.classes.get(&name).map_or(0, |class| class.depth);
            let usual = self.usual(depth);
            let class = self.classes.get_mut(&name);
            let by_time = class.and_then(|class| class.circuit.advance(settings, usual, now, draw));
            self.note(&name, by_time, &mut transitions);
        }
        for changed in &transitions {
            if changed.transition.to == State::HalfOpen {
                self.let_good_ones_try(settings, changed.class.as_deref().unwrap_or_default());
            }
        }
        self.hand_over(now, &mut transitions);
        transitions
    }

    /// Adjusts times of first tries after the clock was set back.
    fn follow_clock(&mut self, settings: &Settings, now: Timestamp) {
        let (since, _) = &mut self.tries;
        *since = since.at_most_ahead(now, Duration::ZERO);
        for class in self.classes.values_mut() {
            let timeout = settings.probe.timeout;
            class.trying_until = class.trying_until.at_most_ahead(now, timeout);
        }
    }

    /// Returns what is known of the requests that a circuit of this depth usually sees. Nearly all routes
    /// have one host; what its paths have is not known.
    fn usual(&self, depth: usize) -> Usual {
        Usual {
            rate: if depth > 1 { 0.0 } else { self.known_rate },
            latency: self.known_latency,
        }
    }

    /// Counts requests that came to the gate of the circuit of this name.
    pub fn count_arrivals(&mut self, name: &str, arrivals: &Arrivals, now: Timestamp) {
        if let Some(circuit) = self.circuit_mut(name) {
            circuit.count_arrivals(arrivals, now);
        }
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

    /// Lets classes try again that nearly always succeeded: a single failure counted against them.
    fn let_good_ones_try(&mut self, settings: &Settings, name: &str) {
        let depth = self.classes.get(name).map_or(0, |class| class.depth);
        for (_, class) in below_mut(&mut self.classes, name, depth) {
            if class.standing == Standing::Failing
                && counting::mostly_succeeds(settings, &class.circuit)
            {
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
        let classes = self.classes.iter();
        let names: Vec<(String, usize)> = std::iter::once((String::new(), 0))
            .chain(classes.map(|(name, class)| (name.clone(), class.depth)))
            .collect();
        for (name, depth) in names {
            let Some(circuit) = self.circuit_mut(&name) else {
                continue;
            };
            let is_open = matches!(circuit.state, State::Open | State::HalfOpen);
            if !is_open || circuit.tripped_by.is_without_connection() {
                continue;
            }
            let of = |standing| {
                let below = self.below(&name, depth);
                below.filter(|class| class.standing == standing).count()
            };
            let (good, failing) = (of(Standing::Good), of(Standing::Failing));
            // Those that fail must be known: what fails may be what is not asked for now.
            if failing > 0 && good > failing {
                let closed = self.circuit_mut(&name).map(|circuit| circuit.close(now));
                self.note(&name, closed, transitions);
            }
        }
    }

    /// Notes a change of state of a class, or of the route if the name is empty, and what it means for
    /// the classes below.
    fn note(
        &mut self,
        name: &str,
        transition: Option<Transition>,
        transitions: &mut Vec<RouteTransition>,
    ) {
        let Some(transition) = transition else { return };
        self.changes = self.changes.wrapping_add(1);
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

#[cfg(test)]
mod tests;
