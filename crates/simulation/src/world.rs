//! Runs the closed loop: visitors arrive, the breaker decides, the upstream works, and clients that
//! were not served return.

use tidegate_core::breaker::ClientId;
use tidegate_core::config::{Breaker as Settings, Retry};
use tidegate_core::rng::Rng as _;

use super::arrivals::Arrivals;
use super::broken::BrokenPath;
use super::control::{At, Control, Kind, Pass, Phase, Verdict};
use super::crowd::{Client, HintKind, Restless, Returning};
use super::hammer::Hammer;
use super::paths::{address, Asker, SitePath, ONE_CLIENT};
use super::proxy::{Proxy, Rejected};
use super::rng::Stream;
use super::scenario::{Incident, BEFORE_MS};
use super::upstream::{Answer, Condition, Model, Upstream};
use super::waits::Waits;

/// Step of the virtual time in milliseconds.
pub(crate) const SLICE_MS: u64 = 10;
/// Interval of each worker's tick in milliseconds.
const TICK_MS: u64 = 50;

/// The parameters of a run, except its breaker and its seed.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The failure of the upstream: its kind, its beginning and its end.
    pub incident: Incident,
    /// The upstream.
    pub model: Model,
    /// New visitors per second.
    pub rate: f64,
    /// Additional visitors, spread evenly over the incident.
    pub crowd: u64,
    /// Share of clients that follow the retry hint, in [0, 1].
    pub obey: f64,
    /// When the others return.
    pub restless: Restless,
    /// Whether all visitors come from one address.
    pub has_one_address: bool,
    /// A client that asks all the time and is no visitor.
    pub hammer: Option<Hammer>,
    /// Attempts per client; 0: until it is served.
    pub tries: u32,
    /// Worker threads of the proxy.
    pub workers: usize,
    /// Length of the run in milliseconds: a multiple of 1000.
    pub duration_ms: u64,
    /// The settings of the breaker of this filter.
    pub settings: Settings,
    /// The settings of the retry hints of this filter.
    pub retry: Retry,
    /// The retry hints that clients get which were not served.
    pub hints: HintKind,
}

/// The counts of one second. Requests for a path that fails, and those of a client that asks all the
/// time, are counted apart.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Second {
    /// Requests that arrived.
    pub offered: u32,
    /// Of these, requests of returning clients.
    pub returning: u32,
    /// Requests that were sent to the upstream.
    pub admitted: u32,
    /// Requests that the breaker rejected.
    pub rejected: u32,
    /// Requests that were served.
    pub good: u32,
    /// Requests that were sent to the upstream and not served.
    pub failed: u32,
    /// Requests for the path that fails that were sent to the upstream.
    pub broken_sent: u32,
    /// Requests for the path that fails that the breaker rejected.
    pub broken_rejected: u32,
    /// Requests of the client that asks all the time that were sent to the upstream.
    pub hammer_sent: u32,
    /// Requests of the client that asks all the time that the breaker rejected.
    pub hammer_rejected: u32,
    /// Number of requests that the upstream could have served.
    pub capacity: f64,
    /// Clients that wait to return, at the end of the second.
    pub waiting: u64,
    /// The state of the breaker in most slices of the second that were not closed, if any.
    pub phase: Phase,
}

impl Second {
    /// Returns the number of requests of the client that asks all the time.
    pub fn hammer(&self) -> u32 {
        self.hammer_sent + self.hammer_rejected
    }

    /// Returns the number of requests that were sent to the upstream, relative to what it could have
    /// served; 0 if it served none.
    pub(crate) fn load(&self) -> f64 {
        if self.capacity <= 0.0 {
            return 0.0;
        }
        f64::from(self.admitted + self.hammer_sent) / self.capacity
    }
}

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// The counts of each second of the run.
    pub seconds: Vec<Second>,
    /// When the breaker first rejected a request since the incident began, in milliseconds since the
    /// start.
    pub(crate) rejected_ms: Option<u64>,
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
    /// How long the visitors waited.
    pub waits: Waits,
}

/// A request in flight.
#[derive(Debug, Clone)]
struct Request {
    asker: Asker,
    /// The visitor who waits for it, if any.
    client: Option<Client>,
    pass: Pass,
    worker: usize,
    host: usize,
    sent_ms: u64,
}

/// The state of a run.
struct World<'a> {
    setup: &'a Setup,
    control: Box<dyn Control>,
    proxy: Proxy,
    upstream: Upstream<Request>,
    returning: Returning,
    broken: BrokenPath,
    arrivals: Arrivals,
    clients: Stream,
    decisions: Stream,
    paths: Stream,
    answers: Vec<(Answer, Request)>,
    /// The number of the next visitor.
    next_visitor: u32,
    /// The number of the next request that is sent.
    turn: usize,
    has_rejected: bool,
    trips_before: u32,
    condition: Condition,
    now_ms: u64,
    second: Second,
    series: Series,
}

/// Simulates a run with a breaker. `progress` gets the completed share, in [0, 1], once in a simulated
/// second.
pub fn run(setup: &Setup, kind: Kind, seed: u64, progress: &mut dyn FnMut(f64)) -> Series {
    let mut world = World::new(setup, kind, seed);
    let mut phases = [0_u32; 4];
    for now_ms in (0..setup.duration_ms).step_by(SLICE_MS as usize) {
        world.slice(now_ms);
        let phase = world.control.phase(now_ms, &world.proxy);
        if let Some(slices) = phases.get_mut(phase as usize) {
            *slices += 1;
        }
        if (now_ms + SLICE_MS) % 1000 == 0 {
            world.second.waiting = world.returning.waiting();
            world.second.phase = longest(&phases);
            world.series.seconds.push(world.second);
            (world.second, phases) = (Second::default(), [0; 4]);
            progress((now_ms + SLICE_MS) as f64 / setup.duration_ms as f64);
        }
    }
    let mut series = world.series;
    series.waits.finish(setup.duration_ms);
    series.gave_up = world.returning.gave_up;
    series.trips = world.control.trips(&world.proxy);
    series.trips_after = series.trips - world.trips_before;
    series
}

impl<'a> World<'a> {
    fn new(setup: &'a Setup, kind: Kind, seed: u64) -> Self {
        Self {
            setup,
            control: kind.start(setup.workers, setup.model.hosts),
            proxy: Proxy::new(&setup.settings, &setup.retry, setup.workers),
            upstream: Upstream::new(setup.model),
            returning: Returning::new(setup.duration_ms, SLICE_MS, setup.restless),
            broken: BrokenPath::new(setup.duration_ms, SLICE_MS),
            arrivals: Arrivals::new(setup, seed),
            clients: Stream::new(seed, 2),
            decisions: Stream::new(seed, 3),
            paths: Stream::new(seed, 4),
            answers: Vec::new(),
            next_visitor: 0,
            turn: 0,
            has_rejected: false,
            trips_before: 0,
            condition: Condition::default(),
            now_ms: 0,
            second: Second::default(),
            series: Series {
                waits: Waits::new(setup.incident.end_ms),
                ..Series::default()
            },
        }
    }
}

impl World<'_> {
    /// Simulates one slice of time.
    fn slice(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        self.condition = self.setup.incident.condition(now_ms);
        if now_ms < self.setup.incident.end_ms {
            self.trips_before = self.control.trips(&self.proxy);
        }
        let coming = self.arrivals.next(now_ms);
        self.series.waits.come(coming, now_ms);
        let back = self.returning.take(now_ms);
        self.second.returning += back.len() as u32;
        let new: Vec<Client> = (0..coming).map(|_| self.new_client()).collect();
        for client in new.into_iter().chain(back) {
            self.visit(client);
        }
        let hammer = self.setup.hammer;
        for _ in 0..hammer.map_or(0, |hammer| hammer.count(now_ms, SLICE_MS)) {
            self.ask_again();
        }
        let askers = self.setup.incident.askers(now_ms);
        for address in self.broken.take(askers, now_ms) {
            self.ask_broken(address);
        }
        let mut answers = std::mem::take(&mut self.answers);
        self.upstream
            .serve(self.condition, now_ms, SLICE_MS, &mut answers);
        for (answer, request) in answers.drain(..) {
            self.settle(answer, request);
        }
        self.answers = answers;
        self.tick();
        self.second.capacity += self.condition.capacity * SLICE_MS as f64 / 1000.0;
    }

    fn new_client(&mut self) -> Client {
        let number = self.next_visitor;
        if !self.setup.has_one_address {
            self.next_visitor += 1;
        }
        Client {
            asker: Asker {
                path: SitePath::draw(&mut self.paths),
                address: address(number),
            },
            tries_left: self.setup.tries.checked_sub(1).unwrap_or(u32::MAX),
            obeys: self.clients.unit() < self.setup.obey,
            is_back: false,
            was_turned_away: false,
            since_ms: self.now_ms,
        }
    }

    /// Decides about a request. Returns it if it is to be sent.
    fn admit(&mut self, asker: Asker, client: Option<Client>) -> Result<Request, Rejected> {
        let (now_ms, hosts) = (self.now_ms, self.setup.model.hosts);
        let worker = self.decisions.below(self.setup.workers as u64) as usize;
        let verdict = self.control.admit(At {
            now_ms,
            worker,
            asker,
            rng: &mut self.decisions,
            proxy: &mut self.proxy,
        });
        let rejected = |remaining_ms| Rejected {
            worker,
            client: asker.address,
            now_ms,
            remaining_ms,
        };
        let (pass, host) = match verdict {
            Verdict::Admit(pass) => (pass, self.control.host(self.turn, hosts)),
            Verdict::Reject(remaining_ms) => return Err(rejected(remaining_ms)),
        };
        let Some(host) = host else {
            return Err(rejected(0));
        };
        self.turn = self.turn.wrapping_add(1);
        Ok(Request {
            asker,
            client,
            pass,
            worker,
            host,
            sent_ms: now_ms,
        })
    }

    /// A visitor comes.
    fn visit(&mut self, client: Client) {
        self.second.offered += 1;
        match self.admit(client.asker, Some(client)) {
            Ok(request) => {
                self.second.admitted += 1;
                if self.condition.capacity <= 0.0 {
                    self.series.into_dead += 1;
                    self.series.before_trip += u32::from(!self.has_rejected);
                }
                self.send(request);
            }
            Err(rejected) => {
                self.second.rejected += 1;
                self.has_rejected = true;
                if self.now_ms >= BEFORE_MS {
                    self.series.rejected_ms.get_or_insert(self.now_ms);
                }
                let hint_ms = self.hint_ms(rejected);
                self.turn_away(client, Some(hint_ms));
            }
        }
    }

    fn send(&mut self, request: Request) {
        let (condition, now_ms) = (self.condition, self.now_ms);
        let (host, answers) = (request.host, &mut self.answers);
        self.upstream
            .send(host, request, condition, now_ms, answers);
    }

    /// A visitor who was not served will come back: after a hint, if it got one.
    fn turn_away(&mut self, mut client: Client, hint_ms: Option<u64>) {
        let (now_ms, rng) = (self.now_ms, &mut self.clients);
        let is_incident = (BEFORE_MS..self.setup.incident.end_ms).contains(&now_ms);
        if is_incident && !client.was_turned_away {
            client.was_turned_away = true;
            self.series.waits.turn_away();
        }
        match hint_ms {
            Some(hint_ms) => self.returning.turn_away(client, now_ms, hint_ms, rng),
            None => self.returning.come_back(client, now_ms, rng),
        }
    }

    /// The client that asks all the time asks for the front page.
    fn ask_again(&mut self) {
        let asker = Asker {
            path: SitePath::FRONT,
            address: address(ONE_CLIENT),
        };
        match self.admit(asker, None) {
            Ok(request) => {
                self.second.hammer_sent += 1;
                self.send(request);
            }
            Err(rejected) => {
                self.second.hammer_rejected += 1;
                self.hint_ms(rejected);
            }
        }
    }

    /// A client asks for the path that fails, whose answer takes the upstream no work.
    fn ask_broken(&mut self, address: ClientId) {
        let asker = Asker {
            path: SitePath::BROKEN,
            address,
        };
        match self.admit(asker, None) {
            Ok(request) => {
                self.second.broken_sent += 1;
                self.answers.push((Answer::Broken, request));
            }
            Err(rejected) => {
                self.second.broken_rejected += 1;
                self.hint_ms(rejected);
            }
        }
    }

    /// A request that was sent has ended.
    fn settle(&mut self, answer: Answer, request: Request) {
        let (now_ms, worker) = (self.now_ms, request.worker);
        let at = At {
            now_ms,
            worker,
            asker: request.asker,
            rng: &mut self.decisions,
            proxy: &mut self.proxy,
        };
        self.control.settle(at, request.pass, request.host, answer);
        let failed = Rejected {
            worker,
            client: request.asker.address,
            now_ms,
            remaining_ms: 0,
        };
        if answer.is_good() {
            self.proxy.sample(worker, now_ms - request.sent_ms);
        }
        let Some(client) = request.client else {
            if !answer.is_good() {
                self.hint_ms(failed);
            }
            return;
        };
        if answer.is_good() {
            self.second.good += 1;
            self.broken.open_page(client.asker.address, now_ms);
            let waits = &mut self.series.waits;
            waits.serve(client.since_ms, client.was_turned_away, now_ms);
            return;
        }
        self.second.failed += 1;
        let is_told = answer != Answer::Left;
        let hint_ms = is_told.then(|| self.hint_ms(failed));
        self.turn_away(client, hint_ms);
    }

    fn hint_ms(&mut self, rejected: Rejected) -> u64 {
        let kind = self.setup.hints;
        kind.ms(&mut self.proxy, rejected, &mut self.clients)
    }

    /// Runs the ticks that are due, which are spread evenly over the workers.
    fn tick(&mut self) {
        let workers = self.setup.workers;
        for worker in 0..workers {
            let offset = worker as u64 * TICK_MS / workers as u64 / SLICE_MS * SLICE_MS;
            if (self.now_ms + offset) % TICK_MS == 0 {
                self.control.tick(self.now_ms);
                let draw = self.clients.unit();
                self.proxy.tick(worker, self.now_ms, draw);
            }
        }
    }
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

#[cfg(test)]
pub(crate) mod tests;
