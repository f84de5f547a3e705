//! The rate that a ramp admits, whatever comes.

use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_e2e::upstream::Behaviour;

use super::bench::{Site, Stage};
use super::crowd::Crowd;
use crate::breaker::bench::{is_rejected, wait_until};
use crate::scenarios::highest_mean;

/// Requests per second while all is well.
const USUAL: u32 = 100;
/// Requests per second that the upstream can serve.
const CAPACITY: u32 = 150;
/// The rate of the ramp of a route that has [`USUAL`], in the first seconds: 5 % of that, but ten for a
/// small route; twice as many up to 50; then to the usual rate within a quarter of the default duration.
const RAMP: [u32; 4] = [10, 48, 96, 100];
/// The rate that a configuration names.
const KNOWN: u32 = 20;
/// By default, so many probes must succeed.
const PROBES: usize = 3;
/// Time without failures before the outage.
const WELL: Duration = Duration::from_secs(6);
/// Length of an outage.
const OUTAGE: Duration = Duration::from_secs(4);
/// Number of seconds for which the way back is watched.
const WATCHED: usize = 15;
/// Time in which a gate forgets a crowd: it draws by what came in the step before.
const FORGETS: Duration = Duration::from_secs(2);
/// Time in which a circuit closes that rejects nobody: three whole steps of a second.
const CLOSES: Duration = Duration::from_millis(4500);

pub(super) fn sites(crowd: fn(&Stage<'_>)) -> Vec<Site> {
    let known = json!({ "ramp": { "rate": KNOWN } });
    vec![
        Site::exactly("crowd", json!({}), crowd),
        Site::exactly("known", known, a_known_rate_is_the_limit),
    ]
}

pub(super) fn five_times_as_many_come_back(stage: &Stage<'_>) {
    a_crowd_comes_back(stage, 5);
}

pub(super) fn ten_times_as_many_come_back(stage: &Stage<'_>) {
    a_crowd_comes_back(stage, 10);
}

/// After an outage so many times as many requests come as usual.
fn a_crowd_comes_back(stage: &Stage<'_>, times: u32) {
    let capacity = Behaviour::Capacity {
        per_second: CAPACITY,
        patience: Duration::from_secs(1),
    };
    stage.upstream.set("crowd", capacity);
    let (_crowd, back) = outage(stage, USUAL, times * USUAL);
    let came = Came::watch(stage, back);
    came.check_peak(CAPACITY);
    for (second, rate) in RAMP.iter().enumerate() {
        let (count, rate) = (f64::from(came.by_second[second]), f64::from(*rate));
        let most = 1.2 * rate * came.longest_second() + 3.0;
        assert!((0.7 * rate..=most).contains(&count), "{second}: {came:?}");
    }
    for served in &came.by_second[RAMP.len()..] {
        assert!(*served >= USUAL * 8 / 10, "{came:?}");
    }
    let changes = stage.changes();
    assert!(stage.is_in("ramp"), "{changes:?}");
    let ramps = changes.iter().filter(|(_, to)| to == "ramp");
    assert_eq!(ramps.count(), 1, "{changes:?}");
}

/// More is never admitted than the configuration says, although the route had more; and when nobody is
/// rejected any more, the circuit closes.
fn a_known_rate_is_the_limit(stage: &Stage<'_>) {
    let (crowd, back) = outage(stage, 2 * KNOWN, 10 * KNOWN);
    let came = Came::watch(stage, back);
    came.check_known(KNOWN);
    let (total, most) = (came.by_second.iter().sum(), KNOWN * WATCHED as u32);
    assert!(
        (most * 8 / 10..=most * 105 / 100).contains(&total),
        "{total}: {came:?}"
    );
    assert!(stage.is_in("ramp"), "{:?}", stage.changes());
    drop(crowd);
    let since = Instant::now();
    let few = Crowd::of_clients(stage, KNOWN / 2, KNOWN / 2, "crowd");
    stage.wait_until_closed();
    let closed = Instant::now();
    let seen = few.seen();
    let rejected = seen.iter().filter(|one| is_rejected(&one.answer));
    let last = rejected.map(|one| one.got).max().unwrap_or(since);
    let (after, took) = (last - since, closed - last);
    assert!(after < FORGETS + stage.stall(), "rejected after {after:?}");
    assert!(took < CLOSES + stage.stall(), "closed after {took:?}");
}

/// Lets a site be well, then down, with other numbers of requests per second. Returns what goes on, and
/// when the site is back.
fn outage(stage: &Stage<'_>, before: u32, after: u32) -> (Crowd, Instant) {
    let usual = Crowd::of_clients(stage, before, before, "crowd");
    wait_for(WELL);
    let seen = usual.seen();
    assert!(seen.iter().all(|one| one.answer.status == 200));
    stage.upstream.close_port();
    drop(usual);
    let crowd = Crowd::of_clients(stage, after, after, "crowd");
    wait_for(OUTAGE);
    crowd.wait_for_rejection(Instant::now());
    let back = Instant::now();
    stage.upstream.open_port();
    (crowd, back)
}

/// What came to an upstream in the first seconds of a ramp.
#[derive(Debug)]
struct Came {
    /// The number of requests of each second.
    by_second: Vec<u32>,
    /// How long the machine has stalled at most.
    stall: Duration,
}

impl Came {
    /// Waits until the ramp has gone on for a while.
    fn watch(stage: &Stage<'_>, back: Instant) -> Self {
        wait_until("the ramp", || {
            let arrivals = stage.upstream.arrivals("crowd");
            let first = arrivals.partition_point(|at| *at < back);
            // It begins with the last probe.
            let (probe, came) = arrivals[first..].get(PROBES - 1..)?.split_first()?;
            let end = *probe + Duration::from_secs(WATCHED as u64);
            let mut by_second = vec![0; WATCHED];
            for at in came.iter().filter(|at| **at < end) {
                by_second[(*at - *probe).as_secs() as usize] += 1;
            }
            (Instant::now() > end + stage.stall()).then(|| Self {
                by_second,
                stall: stage.stall(),
            })
        })
    }

    /// Returns the length of a second on a machine that stalls, in seconds: what comes in the stall too
    /// arrives in it.
    fn longest_second(&self) -> f64 {
        1.0 + self.stall.as_secs_f64()
    }

    /// Checks the load where a configuration names a low rate: a second may have a few more.
    fn check_known(&self, rate: u32) {
        let most = 1.15 * f64::from(rate) * self.longest_second();
        self.check(most, most + 3.0);
    }

    /// Checks the highest load, relative to what the upstream can serve: as in the simulation, one second of
    /// a single run may be a tenth above.
    fn check_peak(&self, capacity: u32) {
        let most = 1.15 * f64::from(capacity) * self.longest_second();
        self.check(most, most * 1.1);
    }

    /// Checks the load in the mean of three seconds, and in one of them: requests are drawn at random, by each
    /// worker, so that a second may have more than the rate, and the seconds around it do not.
    fn check(&self, most: f64, most_in_one: f64) {
        assert!(highest_mean(&self.by_second, 3) <= most, "{most}: {self:?}");
        let peak = self.by_second.iter().max();
        let peak = peak.copied().map_or(0.0, f64::from);
        assert!(peak <= most_in_one, "{most_in_one}: {self:?}");
    }
}

fn wait_for(time: Duration) {
    let end = Instant::now() + time;
    wait_until("the time to be over", || {
        (Instant::now() > end).then_some(())
    });
}
