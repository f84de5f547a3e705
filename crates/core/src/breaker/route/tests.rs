//! The circuits of a route, without workers: each outcome is added at once.

use super::*;
use crate::breaker::clients::ClientId;
use crate::breaker::outcome::Outcome;
use crate::breaker::tests::{at, settings, FAILURE, START};
use crate::breaker::unsynced::UnsyncedCounts;
use crate::failure::Reason;

const BAD_GATEWAY: Outcome = Outcome::Failure(Reason::UpstreamBadGateway);

struct Tree {
    circuits: RouteCircuits,
    settings: Settings,
    now: Timestamp,
}

fn tree() -> Tree {
    let settings = settings(|s| {
        s.open.jitter = 0.0;
        s.min_requests = 4;
    });
    Tree {
        circuits: RouteCircuits::new(&settings),
        settings,
        now: START,
    }
}

/// Returns the class of a path on the host `a`, or of a host and a path.
fn class(path: &str) -> PathClass {
    let (host, path) = path.split_at(path.find('/').unwrap());
    let host = if host.is_empty() { "a" } else { host };
    PathClass::of_request(host.as_bytes(), path.as_bytes())
}

impl Tree {
    fn decide(&self, path: &str) -> Decision {
        let (class, visitor) = (class(path), Visitor::default());
        self.circuits
            .decide(&self.settings, &class, visitor, self.now, 0.5)
    }

    /// Lets requests that pass end with an outcome. Returns the names of the circuits that changed.
    fn record(&mut self, path: &str, outcome: Outcome, many: usize) -> Vec<String> {
        let mut changed = Vec::new();
        for _ in 0..many {
            let Decision::Admit(by) = self.decide(path) else {
                break;
            };
            let mut class = class(path);
            class.truncate(self.circuits.counted_depth(&class));
            let mut counts = UnsyncedCounts::new(class, by.depth, by.generation);
            let width = self.circuits.bucket_width();
            counts.add(outcome, false, ClientId::UNKNOWN, width, self.now);
            let credit = Credit {
                per_second: 0.0,
                requests_per_second: 0.0,
                latency: Duration::ZERO,
                has_several_clients: false,
                given_for: self.circuits.watched_since,
            };
            let (settings, now) = (&self.settings, self.now);
            let changes = self.circuits.absorb(settings, &[counts], credit, now, 0.0);
            changed.extend(
                changes
                    .into_iter()
                    .map(|change| change.class.unwrap_or_default()),
            );
        }
        changed
    }

    fn wait(&mut self, ms: u64) -> Vec<RouteTransition> {
        self.now = at(self.now.saturating_since(START).as_millis() as u64 + ms);
        self.circuits.advance(&self.settings, self.now, 0.0)
    }

    fn state(&self, name: &str) -> State {
        let class = self.circuits.classes.get(name);
        class.map_or(State::Closed, |class| class.circuit.state)
    }

    /// Ends a first try of a path. Returns whether it was allowed.
    fn try_first(&mut self, path: &str, outcome: Option<Outcome>) -> bool {
        let Decision::MayTry(above) = self.decide(path) else {
            return false;
        };
        let class = class(path);
        let permit = self
            .circuits
            .acquire_try(&self.settings, &class, above.depth, self.now);
        let Some((decided_by, permit)) = permit else {
            return false;
        };
        if let Some(outcome) = outcome {
            let result = TestResult {
                class,
                client: ClientId::UNKNOWN,
                decided_by,
                permit,
                outcome,
                retry_after: None,
            };
            self.circuits
                .record_test(&self.settings, &result, self.now, 0.0);
        }
        true
    }

    /// Opens the circuit of the host: two paths fail, `/good` is good.
    fn with_an_open_host() -> Self {
        let mut tree = tree();
        for path in ["/x", "/y", "/good"] {
            let outcome = if path == "/good" {
                Outcome::Success
            } else {
                BAD_GATEWAY
            };
            tree.record(path, outcome, 1);
        }
        let changed = tree.record("/y", BAD_GATEWAY, 1);
        assert_eq!(changed, ["a"]);
        tree
    }
}

fn passes(decision: Decision) -> bool {
    matches!(decision, Decision::Admit(_))
}

#[test]
fn the_narrowest_class_that_explains_the_failures_opens() {
    type Story<'a> = &'a [(&'a str, Outcome, usize)];
    let ok = Outcome::Success;
    let cases: [(Story<'_>, &[&str]); 8] = [
        // The only class that is known.
        (&[("/x", BAD_GATEWAY, 4)], &["a/x"]),
        (&[("/", BAD_GATEWAY, 4)], &["a/"]),
        (
            &[
                ("/ok", ok, 9),
                ("/x/1", BAD_GATEWAY, 2),
                ("/x/2", BAD_GATEWAY, 2),
            ],
            &["a/x"],
        ),
        // Below a class that is mixed, the part that fails.
        (
            &[
                ("/x/1", BAD_GATEWAY, 2),
                ("/x/2", ok, 2),
                ("/x/1", BAD_GATEWAY, 4),
            ],
            &["a/x/1"],
        ),
        // A path that ends cannot be divided: the home page, and one with a query.
        (
            &[("/", BAD_GATEWAY, 2), ("/", ok, 2), ("/", BAD_GATEWAY, 2)],
            &["a/"],
        ),
        // More parts fail than are good.
        (&[("/x", BAD_GATEWAY, 2), ("/y", BAD_GATEWAY, 2)], &["a"]),
        (
            &[
                ("/ok", ok, 1),
                ("/x", BAD_GATEWAY, 2),
                ("/y", BAD_GATEWAY, 2),
            ],
            &["a"],
        ),
        (
            &[
                ("/1", ok, 1),
                ("/2", ok, 1),
                ("/x", BAD_GATEWAY, 2),
                ("/y", BAD_GATEWAY, 2),
            ],
            &[],
        ),
    ];
    for (story, opened) in cases {
        let mut tree = tree();
        let mut changed = Vec::new();
        // From the first failure on, successes are counted.
        tree.record("other/", BAD_GATEWAY, 1);
        tree.record("other/", Outcome::Success, 9);
        for (path, outcome, many) in story {
            changed.extend(tree.record(path, *outcome, *many));
        }
        assert_eq!(changed, opened, "{story:?}");
    }
}

#[test]
fn an_upstream_without_connections_opens_its_host_also_for_good_classes() {
    let mut tree = tree();
    tree.settings.consecutive.failures = 3;
    tree.record("/x", BAD_GATEWAY, 1);
    tree.record("/good", Outcome::Success, 9);
    let changed = tree.record("/good", FAILURE, 3);
    assert_eq!(changed, ["a"]);
    assert!(!passes(tree.decide("/good")));
    assert!(!matches!(tree.decide("/new"), Decision::MayTry(_)));
    assert!(passes(tree.decide("other/x")));
}

#[test]
fn a_good_class_goes_on_until_it_fails_once() {
    let mut tree = Tree::with_an_open_host();
    for _ in 0..3 {
        assert!(passes(tree.decide("/good")));
        tree.record("/good", Outcome::Success, 1);
    }
    tree.record("/good", BAD_GATEWAY, 1);
    assert!(!passes(tree.decide("/good")));
    assert!(!matches!(tree.decide("/good"), Decision::MayTry(_)));
}

#[test]
fn a_class_that_nearly_always_succeeded_may_try_again_when_the_host_is_half_open() {
    let mut tree = Tree::with_an_open_host();
    tree.record("/good", Outcome::Success, 9);
    tree.record("/good", BAD_GATEWAY, 1);
    assert!(!tree.try_first("/good", None));
    tree.wait(2_000);
    assert_eq!(tree.state("a"), State::HalfOpen);
    assert!(tree.try_first("/good", Some(Outcome::Success)));
    assert!(passes(tree.decide("/good")));
    assert!(!tree.try_first("/x", None), "it always failed");
}

#[test]
fn a_class_that_is_not_known_tries_once_and_three_may_fail_in_a_second() {
    let mut tree = Tree::with_an_open_host();
    assert!(tree.try_first("/new", None));
    assert!(!tree.try_first("/new", None), "it is on its way");
    assert!(tree.try_first("/bad1", Some(BAD_GATEWAY)));
    assert!(!tree.try_first("/bad1", None), "it failed");
    assert!(tree.try_first("/bad2", Some(BAD_GATEWAY)));
    assert!(!tree.try_first("/more", None), "three at a time, or failed");
    tree.wait(1_000);
    assert!(tree.try_first("/more", Some(Outcome::Ignored)));
    assert!(
        tree.try_first("/more", None),
        "its client left: nothing is known yet"
    );
    // A try without an end counts for as long as a probe.
    tree.wait(9_000);
    assert!(tree.try_first("/new", None));
}

#[test]
fn a_host_of_which_more_parts_are_good_than_fail_closes() {
    let mut tree = Tree::with_an_open_host();
    for path in ["/1", "/2"] {
        assert_eq!(tree.state("a"), State::Open);
        tree.try_first(path, Some(Outcome::Success));
    }
    // /good, /1 and /2 against /x and /y.
    assert_eq!(tree.state("a"), State::Closed);
    assert!(passes(tree.decide("/x")), "until its own circuit opens");
}

#[test]
fn classes_below_a_circuit_are_forgotten_when_it_closes_after_its_ramp() {
    let mut tree = Tree::with_an_open_host();
    tree.wait(2_000);
    for _ in 0..3 {
        let class = class("/x");
        let permit = tree.circuits.acquire_probe(
            &tree.settings.probe,
            &class,
            1,
            ClientId::UNKNOWN,
            tree.now,
        );
        let (decided_by, permit) = permit.expect("a probe");
        let result = TestResult {
            class,
            client: ClientId::UNKNOWN,
            decided_by,
            permit,
            outcome: Outcome::Success,
            retry_after: None,
        };
        tree.circuits
            .record_test(&tree.settings, &result, tree.now, 0.0);
    }
    assert_eq!(tree.state("a"), State::Ramp);
    assert!(
        passes(tree.decide("/good")),
        "it is not held back by the ramp"
    );
    for _ in 0..20 {
        tree.wait(1_000);
    }
    assert!(tree.circuits.classes.is_empty());
}

#[test]
fn good_classes_keep_their_places_and_failing_ones_find_one() {
    let mut tree = tree();
    tree.settings.min_requests = 1_000_000;
    tree.record("/bad", BAD_GATEWAY, 2);
    for n in 0..100 {
        tree.record(&format!("/good{n}"), Outcome::Success, 1);
    }
    let of = |tree: &Tree, start: &str| {
        let names = tree.circuits.classes.keys();
        names.filter(|name| name.starts_with(start)).count()
    };
    // The host and /bad have places too.
    assert_eq!(of(&tree, "a/good"), 46);
    for n in 0..100 {
        tree.record(&format!("/fails{n}"), BAD_GATEWAY, 1);
    }
    assert_eq!(tree.circuits.classes.len(), MAX_CLASSES);
    assert_eq!(of(&tree, "a/good"), 46);
    assert_eq!(
        of(&tree, "a/bad"),
        1,
        "those with the fewest outcomes go first"
    );
    assert_eq!(of(&tree, "a/fails99"), 1, "the newest is counted");
}

#[test]
fn a_class_is_divided_when_it_is_mixed_up_to_four_segments() {
    let mut tree = tree();
    tree.settings.min_requests = 1_000_000;
    let path = "/1/2/3/4/5";
    for depth in 2..=5 {
        assert_eq!(tree.circuits.counted_depth(&class(path)), depth.min(5));
        for outcome in [BAD_GATEWAY, BAD_GATEWAY, Outcome::Success, Outcome::Success] {
            tree.record(path, outcome, 1);
        }
    }
    assert_eq!(tree.circuits.counted_depth(&class(path)), 5);
    assert!(!tree.circuits.classes["a/1/2/3/4"].is_divided);
}

#[test]
fn the_tree_is_empty_when_nothing_fails_any_more() {
    let mut tree = tree();
    tree.record("/x", BAD_GATEWAY, 2);
    tree.record("/good", Outcome::Success, 2);
    assert!(!tree.circuits.classes.is_empty());
    tree.wait(10_000);
    assert!(tree.circuits.is_clean() && tree.circuits.classes.is_empty());
    tree.record("/good", Outcome::Success, 2);
    assert!(
        tree.circuits.classes.is_empty(),
        "successes of a clean route are not counted"
    );
}

#[test]
fn the_ramp_of_a_host_begins_with_the_rate_that_all_workers_know_and_that_of_a_path_does_not() {
    for (paths, name, first) in [(&["/x", "/y"][..], "a", 20.0), (&["/x"], "a/x", 1.0)] {
        let mut tree = tree();
        // Two workers know of a part of the rate each. What each knows counts once.
        tree.record("other/", Outcome::Ignored, 1);
        for (n, path) in (0..8).zip(paths.iter().cycle()) {
            let known = Credit {
                per_second: 0.0,
                requests_per_second: if n % 2 == 0 { 300.0 } else { 100.0 },
                latency: Duration::from_millis(if n % 2 == 0 { 20 } else { 30 }),
                has_several_clients: false,
                given_for: if n < 2 {
                    Timestamp::EPOCH
                } else {
                    tree.circuits.watched_since
                },
            };
            let class = class(path);
            let mut counts = UnsyncedCounts::new(class, 0, tree.circuits.route.generation);
            let width = tree.circuits.bucket_width();
            counts.add(BAD_GATEWAY, false, ClientId::UNKNOWN, width, tree.now);
            let (settings, now) = (&tree.settings, tree.now);
            tree.circuits.absorb(settings, &[counts], known, now, 0.0);
        }
        assert_eq!(tree.circuits.known_rate, 400.0);
        assert_eq!(tree.circuits.known_latency, Duration::from_millis(30));
        assert_eq!(tree.state(name), State::Open);
        tree.wait(2_000);
        assert_eq!(tree.state(name), State::HalfOpen);
        assert_eq!(
            tree.circuits.classes[name].circuit.recovery.ramp.rate,
            first
        );
    }
}
