//! The gate of a ramp, as several workers share it.

use super::*;
use crate::breaker::ClientId;
use crate::config::RampRate;
use crate::rng::SplitMix64;

const ROUTE: &str = "shop/app";

/// Returns workers at the beginning of a ramp of a route that carries so many requests per second.
fn at_gate(workers: usize, carries: f64) -> World {
    let mut world = World::new(
        workers,
        settings(|s| s.ramp.rate = RampRate::PerSecond(carries)),
    );
    world.trip(ROUTE);
    world.wait(2_000);
    world.pass_probes(ROUTE);
    world
}

/// Clients that ask again and again.
struct Crowd {
    per_second: u32,
    /// The numbers of their addresses.
    clients: std::ops::Range<u32>,
    has_pass: bool,
}

/// Lets crowds ask for a second; what is admitted is answered at once. Returns the number of requests of
/// each that were admitted.
fn second(world: &mut World, crowds: &[Crowd], rng: &mut SplitMix64) -> Vec<u32> {
    let mut admitted = vec![0; crowds.len()];
    for _ in 0..1_000 {
        for (crowd, admitted) in crowds.iter().zip(&mut admitted) {
            let mut due = f64::from(crowd.per_second) / 1_000.0;
            while rng.unit() < due {
                due -= 1.0;
                let clients = f64::from(crowd.clients.end - crowd.clients.start);
                let client = crowd.clients.start + (rng.unit() * clients) as u32;
                let caller = Caller {
                    client: ClientId(client),
                    has_pass: crowd.has_pass,
                    ..Caller::default()
                };
                let worker = (rng.unit() * world.workers.len() as f64) as usize;
                world.draw = rng.unit();
                if let Ok(permit) = world.acquire_as(worker, ROUTE, &caller) {
                    world.record(worker, ROUTE, permit, Outcome::Success);
                    *admitted += 1;
                }
            }
        }
        world.now = world.now.saturating_add(millis(1));
        if world.now.as_millis() % 50 == 0 {
            for worker in 0..world.workers.len() {
                world.tick(worker);
            }
        }
    }
    admitted
}

/// Lets two crowds ask for some seconds, and returns how many requests of each were admitted in the twenty
/// seconds after that.
fn twenty_seconds_after(
    seconds: u32,
    world: &mut World,
    crowds: &[Crowd; 2],
    seed: u64,
) -> [u32; 2] {
    let rng = &mut SplitMix64::new(seed);
    for _ in 0..seconds {
        second(world, crowds, rng);
    }
    let mut all = [0; 2];
    for _ in 0..20 {
        for (all, admitted) in all.iter_mut().zip(second(world, crowds, rng)) {
            *all += admitted;
        }
    }
    all
}

fn crowd(per_second: u32) -> Crowd {
    Crowd {
        per_second,
        clients: 1..10_000,
        has_pass: false,
    }
}

#[test]
fn workers_together_admit_the_rate() {
    for workers in [1, 2, 4] {
        let (mut world, rng) = (at_gate(workers, 200.0), &mut SplitMix64::new(3));
        let mut all = 0.0;
        let mut due = 0.0;
        for _ in 0..30 {
            let rate = world.view(0, ROUTE).recovery.ramp.rate;
            let admitted = f64::from(second(&mut world, &[crowd(800)], rng)[0]);
            assert!(
                admitted <= rate * 1.25 + 10.0,
                "{workers} workers: {admitted} of {rate}"
            );
            due += rate;
            all += admitted;
        }
        assert_eq!(world.state(0, ROUTE), State::Ramp);
        assert_eq!(world.view(0, ROUTE).recovery.ramp.rate, 200.0);
        assert!(
            (0.93..=1.05).contains(&(all / due)),
            "{workers} workers: {all} of {due}"
        );
    }
}

#[test]
fn one_client_that_hammers_leaves_the_rate_to_the_others() {
    for per_second in [50, 1_000] {
        for workers in [1, 2, 4] {
            let crowds = [
                crowd(20),
                Crowd {
                    per_second,
                    clients: 20_000..20_001,
                    has_pass: false,
                },
            ];
            let mut world = at_gate(workers, 10.0);
            let [others, own] = twenty_seconds_after(3, &mut world, &crowds, 5);
            // Of ten requests per second.
            let case = format!("{per_second}/s, {workers} workers: {others} and {own}");
            assert!(others >= 120, "{case}");
            assert!(own <= 20 * (1 + workers as u32), "{case}");
        }
    }
}

#[test]
fn who_has_a_pass_is_admitted_first() {
    for workers in [1, 2, 4] {
        let crowds = [
            crowd(400),
            Crowd {
                per_second: 60,
                clients: 20_000..20_010,
                has_pass: true,
            },
        ];
        let mut world = at_gate(workers, 100.0);
        let [others, with_pass] = twenty_seconds_after(5, &mut world, &crowds, 9);
        let case = format!("{workers} workers: {others} and {with_pass}");
        // All but what is lost by chance, and the others get the rest of 100 per second.
        assert!(with_pass >= 1_100, "{case}");
        assert!((700..=900).contains(&others), "{case}");
    }
}
