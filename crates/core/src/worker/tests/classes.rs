//! Requests for what fails are rejected, and no others: clients with addresses and paths, over several workers.

use super::crowds::{defaults, each, scene, Asked, Crowd, Scene, BAD_GATEWAY, ROUTE};
use super::*;
use crate::breaker::{ClientId, PathClass};

const VISITORS: std::ops::Range<u32> = 1..11;
const ONE: std::ops::Range<u32> = 99..100;
const MANY: std::ops::Range<u32> = 100..130;

fn visit(rate: f64, paths: &'static [&'static str]) -> Crowd {
    Crowd::new(rate, VISITORS, paths)
}

/// An upstream that fails requests of every crowd but the first, the visitors.
fn others_fail(outcome: Outcome) -> impl Fn(Asked) -> Outcome {
    move |asked| match asked.crowd {
        0 => Outcome::Success,
        _ => outcome,
    }
}

/// A failing path, host or prefix, whoever asks for it and however often: nobody else notices, and
/// few of the requests for it reach the upstream. (What is rejected last: one client's random paths.)
#[test]
fn what_fails_is_rejected_and_the_rest_is_served() {
    let of = |rate, clients, paths| Crowd::new(rate, clients, paths);
    let host = |crowd: Crowd| Crowd {
        host: "a.example",
        ..crowd
    };
    let cases = [
        (
            "one client",
            visit(20.0, &["/"]),
            of(40.0, ONE, &["/bad"]),
            80,
        ),
        ("slow site", visit(2.0, &["/"]), of(3.0, ONE, &["/bad"]), 40),
        (
            "very slow site",
            visit(0.7, &["/"]),
            of(2.0, ONE, &["/bad"]),
            40,
        ),
        (
            "all poll",
            visit(2.0, &["/", "/a", "/b"]),
            of(20.0, VISITORS, &["/bad"]),
            60,
        ),
        (
            "random paths",
            visit(20.0, &["/", "/a", "/b"]),
            of(40.0, ONE, &["/x#"]),
            350,
        ),
        (
            "users",
            visit(20.0, &["/", "/items/1"]),
            of(40.0, MANY, &["/users/#"]),
            80,
        ),
        (
            "deep",
            visit(20.0, &["/", "/api/v1/b"]),
            of(20.0, MANY, &["/api/v1/a"]),
            100,
        ),
        (
            "host",
            visit(20.0, &["/", "/a"]),
            host(of(20.0, VISITORS, &["/", "/a"])),
            60,
        ),
    ];
    for (name, visitors, others, most) in cases {
        for outcome in [BAD_GATEWAY, Outcome::Failure(Reason::HttpResponseTimeout)] {
            let (crowds, upstream) = ([visitors.clone(), others.clone()], others_fail(outcome));
            each(&scene(&crowds, &upstream), false, |how, seen, changes| {
                assert!(seen[0].share() >= 0.99, "{name}, {how}");
                assert!(seen[1].sent <= most, "{name}, {how}");
                // If no whole host is rejected, each rejection is counted as one of a class.
                let is_host_open = changes.iter().any(|(class, _)| !class.contains('/'));
                let with_all = seen[1].rejected_with_all;
                assert_eq!(with_all > 0, is_host_open, "{name}, {how}");
            });
        }
    }
}

/// Of hosts behind one route, each may be dead by itself.
#[test]
fn a_dead_host_closes_no_other() {
    let dead = Crowd {
        host: "dead.example",
        ..Crowd::new(20.0, VISITORS, &["/", "/a"])
    };
    let (crowds, upstream) = ([visit(5.0, &["/", "/b"]), dead], others_fail(FAILURE));
    each(&scene(&crowds, &upstream), false, |how, seen, changes| {
        assert!(seen[0].share() >= 0.99, "{how}");
        assert!(seen[1].sent <= 60, "{how}");
        assert!(
            changes.iter().all(|(class, _)| class == "dead.example"),
            "{how}"
        );
    });
}

/// At night only a monitor asks for a broken path, then the first visitor comes, for a page with many
/// parts.
#[test]
fn the_first_visitor_of_another_path_is_served() {
    for monitored in [&["/bad"][..], &["/bad", "/worse"]] {
        let first = Crowd {
            between: 60_000..62_000,
            ..Crowd::new(30.0, 5..6, &["/", "/css/a", "/js/b", "/img/c", "/fonts/d"])
        };
        let monitor = Crowd::new(3.0, ONE, monitored);
        let (crowds, upstream) = ([first, monitor], others_fail(BAD_GATEWAY));
        let scene = Scene {
            to_ms: 62_000,
            ..scene(&crowds, &upstream)
        };
        each(&scene, false, |how, seen, _| {
            assert!(seen[0].share() > 0.99, "{how}")
        });
    }
}

/// A dead upstream is found soon, also in the middle of other failures; then one more request is sent
/// of each class that was good, and the probes.
#[test]
fn a_dead_upstream_is_cut_off_for_all_classes() {
    const DEAD: u64 = 15_000;
    let good = ["/", "/a", "/b", "/c"];
    let paths: &[&str] = &["/", "/a", "/b", "/c"];
    let bad = Crowd::new(40.0, ONE, &["/bad"]);
    for (name, crowds, rate) in [
        ("alone", vec![visit(20.0, paths)], 20.0),
        ("busy", vec![Crowd::new(500.0, 1..300, paths)], 500.0),
        (
            "many classes",
            vec![Crowd::new(200.0, 1..300, &["/", "/p#"])],
            200.0,
        ),
        ("beside a broken path", vec![visit(20.0, paths), bad], 20.0),
    ] {
        for death in [FAILURE, BAD_GATEWAY] {
            let upstream = |asked: Asked| match asked.crowd {
                _ if asked.ms >= DEAD => death,
                0 => Outcome::Success,
                _ => BAD_GATEWAY,
            };
            let scene = |from_ms, to_ms| Scene {
                from_ms,
                to_ms,
                known_rate: rate,
                ..scene(&crowds, &upstream)
            };
            each(&scene(DEAD, DEAD + 1_500), false, |how, seen, _| {
                assert!(f64::from(seen[0].sent) < 1.5 * rate, "{name}, {how}");
            });
            each(
                &scene(DEAD + 1_500, DEAD + 10_000),
                false,
                |how, seen, _| {
                    // Three half-open periods, each with a probe that fails; and of the classes that
                    // are not known, three a second, unless no connection is accepted.
                    let tries = if death == FAILURE { 0 } else { 3 * 9 };
                    let most = good.len() + 3 + 6 + tries;
                    assert!(seen[0].sent as usize <= most, "{name}, {death:?}, {how}");
                },
            );
        }
    }
}

#[test]
fn failures_on_all_paths_open_the_host() {
    let upstream = |asked: Asked| match asked.draw {
        draw if draw < 0.6 => BAD_GATEWAY,
        _ => Outcome::Success,
    };
    let crowds = [visit(40.0, &["/", "/a", "/b", "/c", "/d", "/e"])];
    each(&scene(&crowds, &upstream), false, |how, _, changes| {
        let opened = ("shop.example".to_owned(), State::Open);
        assert!(changes.contains(&opened), "{how}");
    });
}

/// What one client does alone opens nothing that others use, even on the path that they use.
#[test]
fn one_client_has_one_voice() {
    let causes = [
        Outcome::Failure(Reason::ConnectionTerminated),
        Outcome::Failure(Reason::HttpResponseTimeout),
        OVERLOADED,
    ];
    for cause in causes {
        for (rate, hammering) in [(20.0, 40.0), (20.0, 100.0), (2.0, 40.0), (1.0, 2.0)] {
            let crowds = [visit(rate, &["/"]), Crowd::new(hammering, ONE, &["/"])];
            let upstream = others_fail(cause);
            let scene = Scene {
                known_rate: rate,
                ..scene(&crowds, &upstream)
            };
            each(&scene, true, |how, seen, _| {
                assert!(
                    seen[0].share() >= 0.99,
                    "{cause:?}, {rate} {hammering}, {how}"
                );
            });
        }
    }
}

/// Together they open it, and one does where no addresses are known.
#[test]
fn several_clients_that_fail_most_requests_open_what_they_ask_for() {
    let upstream = others_fail(BAD_GATEWAY);
    for (path, clients) in [
        ("/", 99..107),
        ("/x", 99..107),
        ("/x", 99..100),
        ("/", 99..100),
    ] {
        let paths: &'static [&'static str] = if path == "/" { &["/"] } else { &["/x"] };
        let crowds = [visit(20.0, paths), Crowd::new(80.0, clients.clone(), paths)];
        let scene = Scene {
            has_addresses: clients.len() > 1,
            ..scene(&crowds, &upstream)
        };
        let (seen, _) = scene.run();
        assert!(
            seen[1].sent < seen[1].asked / 2,
            "{path} {clients:?}: {seen:?}"
        );
    }
}

/// After an outage one client still fails, many times a second: the others get the probes.
#[test]
fn one_client_cannot_take_all_probes() {
    let upstream = |asked: Asked| match asked.ms {
        5_000..9_000 => BAD_GATEWAY,
        _ if asked.crowd == 1 => BAD_GATEWAY,
        _ => Outcome::Success,
    };
    for rate in [0.5, 2.0, 20.0] {
        let crowds = [visit(rate, &["/"]), Crowd::new(40.0, ONE, &["/"])];
        let scene = Scene {
            from_ms: 30_000,
            to_ms: 60_000,
            ..scene(&crowds, &upstream)
        };
        each(&scene, true, |how, seen, _| {
            assert!(seen[0].share() >= 0.99, "{rate}, {how}")
        });
    }
}

/// A burst of failures within milliseconds opens nothing, at any rate of healthy requests.
#[test]
fn a_burst_is_no_outage() {
    for rate in [2.0, 20.0, 100.0, 500.0] {
        for (burst, every_ms) in [
            (20.0, 60_000),
            (40.0, 60_000),
            (20.0, 15_000),
            (40.0, 15_000),
        ] {
            let mut crowds = vec![visit(rate, &["/"])];
            for begin in (500..60_000).step_by(every_ms) {
                crowds.push(Crowd {
                    between: begin..begin + 5,
                    ..Crowd::new(burst * 200.0, ONE, &["/"])
                });
            }
            let upstream = others_fail(BAD_GATEWAY);
            let scene = Scene {
                known_rate: rate,
                to_ms: 60_000,
                ..scene(&crowds, &upstream)
            };
            each(&scene, false, |how, seen, _| {
                assert!(
                    seen[0].share() >= 0.99,
                    "{rate}, {burst} every {every_ms} ms, {how}"
                );
            });
        }
    }
}

/// With the credit, the window of a route is that of a breaker that counted all along.
#[test]
fn a_window_begins_with_what_an_exact_one_would_hold() {
    for rate in [5.0, 50.0, 500.0] {
        for failing in [0.3, 0.6] {
            let upstream = |asked: Asked| match asked.draw {
                draw if draw < failing && asked.ms >= 20_000 => BAD_GATEWAY,
                _ => Outcome::Success,
            };
            let crowds = [visit(rate, &["/"])];
            for ms in [20_100, 21_000, 24_000] {
                let mut settings = defaults();
                settings.min_requests = 1_000_000;
                settings.consecutive.failures = 1_000_000;
                let scene = Scene {
                    known_rate: rate,
                    to_ms: ms,
                    settings,
                    ..scene(&crowds, &upstream)
                };
                let (_, world) = scene.run();
                let found = world.view(0, ROUTE).window.sum();
                if found.failed == 0 {
                    continue;
                }
                // Nine buckets that are over, and the one that has begun.
                let exact = rate * 9.5;
                let slack = 4.0 * exact.sqrt() + rate;
                assert!(
                    (f64::from(found.total) - exact).abs() <= slack,
                    "{rate} {failing} {ms}: {found:?}"
                );
            }
        }
    }
}

/// One circuit for the whole route, if so configured.
#[test]
fn with_the_scope_of_the_route_one_path_closes_all() {
    let mut settings = defaults();
    settings.scope = crate::config::BreakerScope::Route;
    let crowds = [visit(2.0, &["/"]), Crowd::new(40.0, MANY, &["/bad"])];
    let upstream = others_fail(BAD_GATEWAY);
    let scene = Scene {
        settings,
        ..scene(&crowds, &upstream)
    };
    each(&scene, false, |how, seen, changes| {
        assert!(seen[0].share() < 0.5, "{how}");
        assert!(changes.iter().all(|(class, _)| class.is_empty()), "{how}");
    });
}

/// However many classes fail, a route keeps a bounded number of them, and none when it is well again.
#[test]
fn classes_are_bounded_and_forgotten() {
    let crowds = [Crowd::new(400.0, 1..200, &["/x#", "/y#/z", "/"])];
    let upstream = |asked: Asked| match asked.ms {
        ..10_000 if asked.draw < 0.4 => BAD_GATEWAY,
        _ => Outcome::Success,
    };
    let run = |to_ms| {
        let (_, world) = Scene {
            to_ms,
            ..scene(&crowds, &upstream)
        }
        .run();
        let route = ROUTE.into();
        world.workers[0]
            .view(circuit(&route))
            .unwrap()
            .classes
            .len()
    };
    assert!((10..=64).contains(&run(9_000)));
    assert_eq!(run(60_000), 0);
}

/// Clients leave because nothing is answered any more, although the route usually answers at once.
#[test]
fn an_upstream_that_hangs_is_cut_off() {
    let upstream = |asked: Asked| match asked.ms {
        15_000.. => Outcome::Abandoned(millis(2_000)),
        _ => Outcome::Success,
    };
    for rate in [5.0, 50.0] {
        let crowds = [visit(rate, &["/", "/a", "/b"])];
        let scene = Scene {
            to_ms: 21_000,
            ..scene(&crowds, &upstream)
        };
        each(&scene, false, |how, _, changes| {
            let has_opened = changes.iter().any(|(_, state)| *state == State::Open);
            assert!(has_opened, "{rate}, {how}");
        });
    }
}

/// What looks like it and is none: clients that always leave, a slow page, one client alone, clients that
/// wait for little longer than usual.
#[test]
fn clients_that_leave_while_others_are_answered_open_nothing() {
    let left = |ms| Outcome::Abandoned(millis(ms));
    let always: &[Crowd] = &[visit(5.0, &["/poll"])];
    let slow_page: &[Crowd] = &[visit(2.0, &["/"]), Crowd::new(20.0, MANY, &["/slow"])];
    let alone: &[Crowd] = &[
        Crowd {
            between: 0..20_000,
            ..visit(20.0, &["/"])
        },
        Crowd::new(40.0, ONE, &["/"]),
    ];
    for (name, crowds, outcome, latency, needs_addresses) in [
        ("long polls", always, left(30_000), 25_000, false),
        ("a slow page", slow_page, left(5_000), 20, false),
        ("one client", alone, left(5_000), 20, true),
        ("usually slow", alone, left(5_000), 700, false),
        ("not much longer", alone, left(900), 20, false),
    ] {
        let upstream = |asked: Asked| match asked.ms {
            _ if asked.crowd > 0 => outcome,
            10_000.. if crowds.len() == 1 => outcome,
            _ => Outcome::Success,
        };
        let scene = Scene {
            latency: millis(latency),
            to_ms: 29_000,
            ..scene(crowds, &upstream)
        };
        each(&scene, needs_addresses, |how, _, changes| {
            assert!(changes.is_empty(), "{name}, {how}")
        });
    }
}

/// A visitor who is alone at a site that is down asks every few seconds. Once its circuit is open, each of
/// its requests is rejected, or a probe.
#[test]
fn a_circuit_that_a_single_client_opened_stays_until_a_probe_succeeds() {
    for scope in ["/", "/a/b"] {
        for gap_ms in [4_100, 5_000, 1_100] {
            let mut world = World::new(1, defaults());
            let caller = Caller {
                class: PathClass::of_request(b"shop.example", scope.as_bytes()),
                client: ClientId::of_address(b"10.0.0.1:80"),
                ..Caller::default()
            };
            let mut has_opened = false;
            for number in 0..60 {
                let (route, draw) = (ROUTE.into(), &mut FixedDraw(0.5));
                let (circuit, now) = (circuit(&route), world.now);
                let (worker, host) = (&mut world.workers[0], &mut world.host);
                let permit = worker.try_acquire(host, circuit, &caller, false, now, draw);
                if let Ok(permit) = permit {
                    assert!(
                        !has_opened || permit.is_probe(),
                        "{scope}, every {gap_ms} ms: request {number} is no probe"
                    );
                    let failed = BAD_GATEWAY.into();
                    worker.record(host, circuit, &caller, permit, failed, now, draw);
                }
                for _ in 0..gap_ms / 50 {
                    world.now = world.now.saturating_add(millis(50));
                    world.tick(0);
                }
                let mut changes = world.changes().into_iter();
                has_opened |= changes.any(|(_, to)| to == State::Open);
            }
            assert!(has_opened, "{scope}");
        }
    }
}
