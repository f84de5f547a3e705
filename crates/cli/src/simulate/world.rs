//! Runs the closed loop: visitors arrive, the breaker decides, the upstream works, and clients that
//! were not served return.

use tidegate_core::config::{Breaker as Settings, Retry};
use tidegate_core::rng::Rng as _;

use super::control::{At, Kind, Pass, Phase, Verdict};
use super::crowd::{Client, HintKind, Hints, Returning};
use super::rng::Stream;
use super::scenario::{Incident, BEFORE_MS};
use super::upstream::{Answer, Model, Upstream};

/// Step of the virtual time in milliseconds.
pub(crate) const SLICE_MS: u64 = 10;
/// Interval of each worker's tick in milliseconds.
const TICK_MS: u64 = 50;

/// The parameters of a run, except its breaker and its seed.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) incident: Incident,
    pub(crate) model: Model,
    /// New visitors per second.
    pub(crate) rate: f64,
    /// Additional visitors, spread evenly over the incident.
    pub(crate) crowd: u64,
    /// Share of clients that follow the retry hint.
    pub(crate) obey: f64,
    /// Attempts per client; 0: until it is served.
    pub(crate) tries: u32,
    pub(crate) workers: usize,
    pub(crate) duration_ms: u64,
    pub(crate) settings: Settings,
    pub(crate) retry: Retry,
    pub(crate) hints: HintKind,
}

/// The counts of one second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Second {
    /// Requests that arrived.
    pub(crate) offered: u32,
    /// Of these, requests of returning clients.
    pub(crate) returning: u32,
    /// Requests that were sent to the upstream.
    pub(crate) admitted: u32,
    /// Requests that the breaker rejected.
    pub(crate) rejected: u32,
    /// Requests that were served.
    pub(crate) good: u32,
    /// Requests that were sent to the upstream and not served.
    pub(crate) failed: u32,
    /// Number of requests that the upstream could have served.
    pub(crate) capacity: f64,
    /// Clients that wait to return, at the end of the second.
    pub(crate) waiting: u64,
    /// The state of the breaker in most slices of the second that were not closed, if any.
    pub(crate) phase: Phase,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) seconds: Vec<Second>,
    /// Requests sent to a dead upstream in the first outage until the breaker first rejected one.
    pub(crate) before_trip: u32,
    /// Requests sent to a dead upstream in total.
    pub(crate) into_dead: u32,
    /// Clients that gave up without being served.
    pub(crate) gave_up: u64,
    /// How often the breaker opened.
    pub(crate) trips: u32,
    /// How often the breaker opened after the incident.
    pub(crate) trips_after: u32,
    /// The longest time from the arrival of a client until it was served, in milliseconds.
    pub(crate) longest_wait_ms: u64,
    /// Clients that came before the end of the incident and were not served by the end of the run.
    pub(crate) early_left: u64,
    /// When the last client that came before the end of the incident was served, in milliseconds
    /// since the start.
    pub(crate) early_served_ms: u64,
}

/// A request in flight.
#[derive(Debug, Clone)]
struct Request {
    client: Client,
    pass: Pass,
    worker: usize,
    host: usize,
}

/// Runs the simulation. `progress` gets the completed share, in [0, 1], once in a simulated second.
pub(crate) fn run(setup: &Setup, kind: Kind, seed: u64, progress: &mut dyn FnMut(f64)) -> Series {
    let mut control = kind.start(&setup.settings, setup.workers, setup.model.hosts);
    let mut visits = Stream::new(seed, 1);
    let mut clients = Stream::new(seed, 2);
    let mut decisions = Stream::new(seed, 3);
    let mut upstream = Upstream::new(setup.model);
    let mut returning = Returning::new(setup.duration_ms, SLICE_MS);
    let mut hints = Hints::new(setup.hints, &setup.retry, setup.workers);
    let incident_ms = (setup.incident.end_ms - BEFORE_MS).max(1);
    let mut series = Series {
        seconds: Vec::new(),
        before_trip: 0,
        into_dead: 0,
        gave_up: 0,
        trips: 0,
        trips_after: 0,
        longest_wait_ms: 0,
        early_left: 0,
        early_served_ms: 0,
    };
    let mut trips_before = 0;
    let mut answers: Vec<(Answer, Request)> = Vec::new();
    let mut crowd_left = setup.crowd;
    let (mut second, mut phases) = (Second::default(), [0_u32; 4]);
    let (mut turn, mut has_rejected) = (0_usize, false);

    for now_ms in (0..setup.duration_ms).step_by(SLICE_MS as usize) {
        let capacity = setup.incident.capacity(now_ms);
        let mut coming = visits.count(setup.rate * SLICE_MS as f64 / 1000.0);
        if let Some(into_ms) = now_ms.checked_sub(BEFORE_MS) {
            let due = setup.crowd * (into_ms + SLICE_MS).min(incident_ms) / incident_ms;
            let now = due - (setup.crowd - crowd_left);
            crowd_left -= now;
            coming += u32::try_from(now).unwrap_or(u32::MAX);
        }
        let back = returning.take(now_ms);
        second.returning += back.len() as u32;
        let new = (0..coming).map(|_| Client {
            tries_left: setup.tries.checked_sub(1).unwrap_or(u32::MAX),
            obeys: clients.unit() < setup.obey,
            is_back: false,
            since_ms: now_ms,
        });
        if now_ms < setup.incident.end_ms {
            series.early_left += u64::from(coming);
            trips_before = control.trips();
        }
        let arrivals: Vec<Client> = new.chain(back).collect();

        for client in arrivals {
            second.offered += 1;
            let worker = decisions.below(setup.workers as u64) as usize;
            let verdict = control.admit(At {
                now_ms,
                worker,
                rng: &mut decisions,
            });
            let hosts = setup.model.hosts;
            let sent = match verdict {
                Verdict::Admit(pass) => control.host(turn, hosts).map(|host| (pass, host)).ok_or(0),
                Verdict::Reject(remaining_ms) => Err(remaining_ms),
            };
            match sent {
                Ok((pass, host)) => {
                    turn = turn.wrapping_add(1);
                    second.admitted += 1;
                    if capacity <= 0.0 {
                        series.into_dead += 1;
                        series.before_trip += u32::from(!has_rejected);
                    }
                    let request = Request {
                        client,
                        pass,
                        worker,
                        host,
                    };
                    upstream.send(host, request, capacity, now_ms, &mut answers);
                }
                Err(remaining_ms) => {
                    second.rejected += 1;
                    has_rejected = true;
                    let seed = clients.next_u64();
                    let hint_ms = hints.ms(worker, now_ms, remaining_ms, seed);
                    returning.turn_away(client, now_ms, hint_ms, &mut clients);
                }
            }
        }

        upstream.serve(capacity, now_ms, SLICE_MS, &mut answers);
        for (answer, request) in answers.drain(..) {
            let at = At {
                now_ms,
                worker: request.worker,
                rng: &mut decisions,
            };
            control.settle(at, request.pass, request.host, answer);
            if answer == Answer::Good {
                second.good += 1;
                hints.served(request.worker);
                let since_ms = request.client.since_ms;
                series.longest_wait_ms = series.longest_wait_ms.max(now_ms - since_ms);
                if since_ms < setup.incident.end_ms {
                    series.early_left -= 1;
                    series.early_served_ms = now_ms;
                }
            } else {
                second.failed += 1;
                let hint_ms = hints.ms(request.worker, now_ms, 0, clients.next_u64());
                returning.turn_away(request.client, now_ms, hint_ms, &mut clients);
            }
        }

        for worker in 0..setup.workers {
            // The ticks of the workers are spread evenly.
            let offset = worker as u64 * TICK_MS / setup.workers as u64 / SLICE_MS * SLICE_MS;
            if (now_ms + offset) % TICK_MS == 0 {
                control.tick(At {
                    now_ms,
                    worker,
                    rng: &mut decisions,
                });
                hints.tick(worker, now_ms, clients.unit());
            }
        }

        second.capacity += capacity * SLICE_MS as f64 / 1000.0;
        if let Some(slices) = phases.get_mut(control.phase(now_ms) as usize) {
            *slices += 1;
        }
        if (now_ms + SLICE_MS) % 1000 == 0 {
            second.waiting = returning.waiting();
            second.phase = longest(&phases);
            series.seconds.push(second);
            (second, phases) = (Second::default(), [0; 4]);
            progress((now_ms + SLICE_MS) as f64 / setup.duration_ms as f64);
        }
    }
    series.gave_up = returning.gave_up;
    series.trips = control.trips();
    series.trips_after = series.trips - trips_before;
    series
}

/// Returns the state other than closed that was most frequent; closed if there was none.
fn longest(slices: &[u32; 4]) -> Phase {
    let phases = [Phase::Open, Phase::HalfOpen, Phase::Ramp];
    let found = phases
        .into_iter()
        .max_by_key(|&phase| slices[phase as usize]);
    found
        .filter(|&phase| slices[phase as usize] > 0)
        .unwrap_or(Phase::Closed)
}
