//! Runs the closed loop: visitors arrive, the breaker decides, the upstream works, and clients that
//! were not served return.

use tidegate_core::breaker::ClientId;
use tidegate_core::config::{Breaker as Settings, Retry};
use tidegate_core::rng::Rng as _;

use super::broken::BrokenPath;
use super::control::{At, Control, Kind, Pass, Phase, Verdict};
use super::crowd::{Client, HintKind, Returning};
use super::paths::{address, Asker, SitePath};
use super::proxy::Proxy;
use super::rng::Stream;
use super::scenario::{Incident, BEFORE_MS};
use super::upstream::{Answer, Condition, Model, Upstream};

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

/// The counts of one second. Requests for a path that fails are counted apart.
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
    /// Requests for the path that fails that were sent to the upstream.
    pub(crate) broken_sent: u32,
    /// Requests for the path that fails that the breaker rejected.
    pub(crate) broken_rejected: u32,
    /// Number of requests that the upstream could have served.
    pub(crate) capacity: f64,
    /// Clients that wait to return, at the end of the second.
    pub(crate) waiting: u64,
    /// The state of the breaker in most slices of the second that were not closed, if any.
    pub(crate) phase: Phase,
}

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Series {
    pub(crate) seconds: Vec<Second>,
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
    asker: Asker,
    /// The visitor who waits for it; `None` if it is for the path that fails.
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
    visits: Stream,
    clients: Stream,
    decisions: Stream,
    paths: Stream,
    answers: Vec<(Answer, Request)>,
    /// The number of the next visitor.
    next_visitor: u32,
    crowd_left: u64,
    /// The number of the next request that is sent.
    turn: usize,
    has_rejected: bool,
    trips_before: u32,
    condition: Condition,
    now_ms: u64,
    second: Second,
    series: Series,
}

/// Runs the simulation. `progress` gets the completed share, in [0, 1], once in a simulated second.
pub(crate) fn run(setup: &Setup, kind: Kind, seed: u64, progress: &mut dyn FnMut(f64)) -> Series {
    let mut world = World {
        setup,
        control: kind.start(setup.workers, setup.model.hosts),
        proxy: Proxy::new(&setup.settings, &setup.retry, setup.workers),
        upstream: Upstream::new(setup.model),
        returning: Returning::new(setup.duration_ms, SLICE_MS),
        broken: BrokenPath::new(setup.duration_ms, SLICE_MS),
        visits: Stream::new(seed, 1),
        clients: Stream::new(seed, 2),
        decisions: Stream::new(seed, 3),
        paths: Stream::new(seed, 4),
        answers: Vec::new(),
        next_visitor: 0,
        crowd_left: setup.crowd,
        turn: 0,
        has_rejected: false,
        trips_before: 0,
        condition: Condition::default(),
        now_ms: 0,
        second: Second::default(),
        series: Series::default(),
    };
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
    series.gave_up = world.returning.gave_up;
    series.trips = world.control.trips(&world.proxy);
    series.trips_after = series.trips - world.trips_before;
    series
}

impl World<'_> {
    /// Simulates one slice of time.
    fn slice(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        self.condition = self.setup.incident.condition(now_ms);
        if now_ms < self.setup.incident.end_ms {
            self.trips_before = self.control.trips(&self.proxy);
        }
        let coming = self.coming();
        let back = self.returning.take(now_ms);
        self.second.returning += back.len() as u32;
        let new: Vec<Client> = (0..coming).map(|_| self.new_client()).collect();
        for client in new.into_iter().chain(back) {
            self.visit(client);
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

    /// Returns the number of visitors who arrive for the first time.
    fn coming(&mut self) -> u32 {
        let setup = self.setup;
        let mut coming = self.visits.count(setup.rate * SLICE_MS as f64 / 1000.0);
        if let Some(into_ms) = self.now_ms.checked_sub(BEFORE_MS) {
            let incident_ms = (setup.incident.end_ms - BEFORE_MS).max(1);
            let due = setup.crowd * (into_ms + SLICE_MS).min(incident_ms) / incident_ms;
            let now = due - (setup.crowd - self.crowd_left);
            self.crowd_left -= now;
            coming += u32::try_from(now).unwrap_or(u32::MAX);
        }
        if self.now_ms < setup.incident.end_ms {
            self.series.early_left += u64::from(coming);
        }
        coming
    }

    fn new_client(&mut self) -> Client {
        let number = self.next_visitor;
        self.next_visitor += 1;
        Client {
            asker: Asker {
                path: SitePath::draw(&mut self.paths),
                address: address(number),
            },
            tries_left: self.setup.tries.checked_sub(1).unwrap_or(u32::MAX),
            obeys: self.clients.unit() < self.setup.obey,
            is_back: false,
            since_ms: self.now_ms,
        }
    }

    /// Decides about a request. Returns it if it is to be sent, else the remaining open time in
    /// milliseconds, and the worker.
    fn admit(&mut self, asker: Asker, client: Option<Client>) -> Result<Request, (u64, usize)> {
        let (now_ms, hosts) = (self.now_ms, self.setup.model.hosts);
        let worker = self.decisions.below(self.setup.workers as u64) as usize;
        let verdict = self.control.admit(At {
            now_ms,
            worker,
            asker,
            rng: &mut self.decisions,
            proxy: &mut self.proxy,
        });
        let (pass, host) = match verdict {
            Verdict::Admit(pass) => (pass, self.control.host(self.turn, hosts)),
            Verdict::Reject(remaining_ms) => return Err((remaining_ms, worker)),
        };
        let Some(host) = host else {
            return Err((0, worker));
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
                let (condition, now_ms) = (self.condition, self.now_ms);
                let (host, answers) = (request.host, &mut self.answers);
                self.upstream
                    .send(host, request, condition, now_ms, answers);
            }
            Err((remaining_ms, worker)) => {
                self.second.rejected += 1;
                self.has_rejected = true;
                if self.now_ms >= BEFORE_MS {
                    self.series.rejected_ms.get_or_insert(self.now_ms);
                }
                let hint_ms = self.hint_ms(worker, remaining_ms);
                self.returning
                    .turn_away(client, self.now_ms, hint_ms, &mut self.clients);
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
            Err((remaining_ms, worker)) => {
                self.second.broken_rejected += 1;
                self.hint_ms(worker, remaining_ms);
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
        let Some(client) = request.client else {
            self.hint_ms(worker, 0);
            return;
        };
        if answer.is_good() {
            self.second.good += 1;
            self.proxy.sample(worker, now_ms - request.sent_ms);
            self.broken.open_page(client.asker.address, now_ms);
            let since_ms = client.since_ms;
            self.series.longest_wait_ms = self.series.longest_wait_ms.max(now_ms - since_ms);
            if since_ms < self.setup.incident.end_ms {
                self.series.early_left -= 1;
                self.series.early_served_ms = now_ms;
            }
            return;
        }
        self.second.failed += 1;
        if answer == Answer::Left {
            self.returning.come_back(client, now_ms, &mut self.clients);
            return;
        }
        let hint_ms = self.hint_ms(worker, 0);
        self.returning
            .turn_away(client, now_ms, hint_ms, &mut self.clients);
    }

    fn hint_ms(&mut self, worker: usize, remaining_ms: u64) -> u64 {
        let (kind, seed) = (self.setup.hints, self.clients.next_u64());
        kind.ms(&mut self.proxy, worker, self.now_ms, remaining_ms, seed)
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
