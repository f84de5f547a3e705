//! The load of a route: how many requests it usually has, and how long they take.
//!
//! # How the load is measured
//!
//! While no request fails, no worker looks up the route of a request, so the load is estimated.
//! [`LoadSampler`] counts all requests that pass, and picks one of them at random, at most one per
//! tick. The route of that request is looked up, and the request stands for all requests since the
//! last one. Once per second, [`RouteLoad`] computes the mean of the last minute of its route on this
//! worker. Seconds in which a third or more of the clients got a hint, or a circuit of the route was not
//! closed, say nothing about a healthy route, and are not counted.

use std::time::Duration;

use crate::time::{saturating_millis, Timestamp};

/// A mean covers about this number of seconds.
const MEAN_SECONDS: u8 = 60;
/// The shortest time that [`Latencies`] tells apart from shorter ones is a second by two to this.
const HALVINGS: u32 = 10;
/// Number of times that [`Latencies`] tells apart: the longest is 32 s.
const LATENCIES: usize = 16;
/// Of the samples, one in so many may take longer than nearly all do.
const LATENCY_OUTLIERS: u32 = 100;
/// With fewer samples no time is usual. All of the first hundred count for the time that nearly all
/// take, so that few are enough to tell a route of long polls.
const MIN_LATENCIES: u32 = 5;
/// With so many samples, old ones lose half of their weight.
const MAX_LATENCIES: u32 = 1024;

/// A load with fewer samples per second in its mean says nothing any more: the last one was some minutes
/// ago.
const FORGOTTEN_BELOW: f32 = 0.001;

/// Deadlines of calls are forgotten when there are newer ones, after once or twice this time.
const DEADLINE_SPAN: Duration = Duration::from_secs(60);

/// How long requests of a route usually take to their response headers, each up to twice too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsualLatency {
    /// At most half of the sampled requests took longer.
    pub median: Duration,
    /// At most one sampled request in a hundred took longer.
    pub nearly_all: Duration,
}

/// The longest deadline of sampled calls, in the present span and in the one before.
#[derive(Debug, Clone, Copy, Default)]
struct Deadlines {
    began: Timestamp,
    newest: Duration,
    before: Duration,
}

impl Deadlines {
    fn add(&mut self, deadline: Duration, now: Timestamp) {
        if now.saturating_since(self.began) >= DEADLINE_SPAN {
            self.before = std::mem::take(&mut self.newest);
            self.began = now;
        }
        self.newest = self.newest.max(deadline);
    }

    fn set_back(&mut self, back: Duration) {
        self.began = self.began.saturating_sub(back);
    }

    fn longest(&self) -> Option<Duration> {
        Some(self.newest.max(self.before)).filter(|longest| !longest.is_zero())
    }
}

/// How long sampled requests took to their response headers.
#[derive(Debug, Clone, Copy, Default)]
struct Latencies {
    /// The number of samples up to each time: `2^n` times the shortest. The last one has no limit.
    counts: [u16; LATENCIES],
}

impl Latencies {
    fn add(&mut self, took: Duration) {
        if self.total() >= MAX_LATENCIES {
            for count in &mut self.counts {
                *count /= 2;
            }
        }
        let last = LATENCIES.saturating_sub(1);
        let place = (0..last).find(|&place| took <= Self::limit(place));
        if let Some(count) = self.counts.get_mut(place.unwrap_or(last)) {
            *count = count.saturating_add(1);
        }
    }

    fn usual(&self) -> Option<UsualLatency> {
        Some(UsualLatency {
            median: self.exceeded_by_one_in(2)?,
            nearly_all: self.exceeded_by_one_in(LATENCY_OUTLIERS)?,
        })
    }

    /// Returns the time that at most one sample in so many exceeded, rounded up.
    fn exceeded_by_one_in(&self, outliers: u32) -> Option<Duration> {
        let total = self.total();
        let longer = total.checked_div(outliers).unwrap_or(0);
        let needed = total.saturating_sub(longer);
        let mut sum = 0_u32;
        let reached = self.counts.iter().position(|&count| {
            sum = sum.saturating_add(count.into());
            sum >= needed
        });
        let place = reached.filter(|_| total >= MIN_LATENCIES)?;
        let last = LATENCIES.saturating_sub(1);
        Some(if place == last {
            Duration::MAX
        } else {
            Self::limit(place)
        })
    }

    /// Returns the mean, each time rounded up.
    fn mean(&self) -> Option<Duration> {
        let total = self.total();
        let sum = self
            .counts
            .iter()
            .enumerate()
            .map(|(place, &count)| Self::limit(place).as_secs_f64() * f64::from(count));
        let mean = sum.sum::<f64>() / f64::from(total);
        (total >= MIN_LATENCIES).then(|| Duration::from_secs_f64(mean))
    }

    fn total(&self) -> u32 {
        self.counts.iter().copied().map(u32::from).sum()
    }

    fn limit(place: usize) -> Duration {
        Duration::from_micros((1_000_000 << place) >> HALVINGS)
    }
}

/// A number of requests, and the number of samples that it was estimated from.
#[derive(Debug, Clone, Copy, Default)]
struct Estimate {
    requests: u32,
    samples: u32,
}

impl Estimate {
    fn add(&mut self, requests: u32) {
        self.requests = self.requests.saturating_add(requests);
        self.samples = self.samples.saturating_add(1);
    }
}

/// Picks the requests whose route is looked up.
#[derive(Debug, Default)]
pub struct LoadSampler {
    /// Requests that passed since the last sample.
    passed: u32,
    /// Requests that pass until the next sample; `None` until the next tick chooses one.
    skip: Option<u32>,
    /// Requests that passed since the last tick.
    since_tick: u32,
    /// When the present second began.
    second_began: Timestamp,
}

impl LoadSampler {
    /// Counts a request that passed. Returns whether this request is to be sampled.
    pub fn count(&mut self) -> bool {
        self.passed = self.passed.saturating_add(1);
        self.since_tick = self.since_tick.saturating_add(1);
        match self.skip {
            None => false,
            Some(0) => true,
            Some(more) => {
                self.skip = more.checked_sub(1);
                false
            }
        }
    }

    /// Takes the sample, if one is due. Returns the number of requests that it stands for.
    pub fn take_sample(&mut self) -> Option<u32> {
        if self.skip != Some(0) {
            return None;
        }
        let passed = std::mem::take(&mut self.passed);
        self.skip = None;
        Some(passed)
    }

    /// Sets back all times, as the clock was.
    pub fn set_back(&mut self, back: Duration) {
        self.second_began = self.second_began.saturating_sub(back);
    }

    /// Chooses the next sample with `draw`, a random number in `[0, 1)`. Returns the time since
    /// the last second ended, if another one is over.
    pub fn tick(&mut self, now: Timestamp, draw: f64) -> Option<Duration> {
        let passed = std::mem::take(&mut self.since_tick);
        if self.skip.is_none() && passed > 0 {
            // About as many requests will pass until the next tick; each is equally good.
            self.skip = Some((draw * f64::from(passed)) as u32);
        }
        let elapsed = now.saturating_since(self.second_began);
        if elapsed < Duration::from_secs(1) {
            return None;
        }
        let began = std::mem::replace(&mut self.second_began, now);
        (began != Timestamp::EPOCH).then_some(elapsed)
    }
}

/// The load of a route on one worker.
#[derive(Debug, Default)]
pub struct RouteLoad {
    /// The requests that the samples of this second stand for.
    second: Estimate,
    /// Clients that got a hint in this second.
    hinted: u32,
    /// Number of seconds in the mean; at most [`MEAN_SECONDS`].
    age: u8,
    /// Requests per second.
    pub(crate) mean: f32,
    /// Samples per second.
    pub(crate) sampled: f32,
    latencies: Latencies,
    deadlines: Deadlines,
}

impl RouteLoad {
    /// Adds a sample that stands for `requests`.
    pub fn add_sample(&mut self, requests: u32) {
        self.second.add(requests);
    }

    /// Adds how long a sampled request took to its response headers.
    pub fn add_latency(&mut self, took: Duration) {
        self.latencies.add(took);
    }

    /// Returns the time that requests usually take to their response headers; `None` with fewer than
    /// five samples. The last thousand or so samples count.
    pub fn usual_latency(&self) -> Option<UsualLatency> {
        self.latencies.usual()
    }

    /// Returns the mean of the times that requests take to their response headers, at most twice too
    /// long; zero with fewer than five samples.
    pub fn mean_latency(&self) -> Duration {
        self.latencies.mean().unwrap_or_default()
    }

    /// Adds the deadline of a sampled call; [`Duration::MAX`] if it has none.
    pub fn add_deadline(&mut self, deadline: Duration, now: Timestamp) {
        self.deadlines.add(deadline, now);
    }

    /// Returns the longest deadline of the sampled calls of the last minute or two in which there
    /// were some; [`Duration::MAX`] if one had none, `None` if there was no sampled call.
    pub fn longest_deadline(&self) -> Option<Duration> {
        self.deadlines.longest()
    }

    /// Returns the requests per second that the route surely had lately: the mean less twice its standard
    /// error, which is large if few of them were sampled.
    pub fn sure_rate(&self) -> f64 {
        let samples = f64::from(self.sampled) * f64::from(self.age);
        let error = 2.0 / samples.max(f64::MIN_POSITIVE).sqrt();
        f64::from(self.mean) * (1.0 - error).max(0.0)
    }

    /// Counts a client that gets a hint.
    pub fn count_hint(&mut self) {
        self.hinted = self.hinted.saturating_add(1);
    }

    /// Returns the mean of the requests per second of the last minute; 0 if it is not known.
    pub fn mean_rate(&self) -> f64 {
        self.mean.into()
    }

    /// Sets back all times, as the clock was.
    pub fn set_back(&mut self, back: Duration) {
        self.deadlines.set_back(back);
    }

    /// Returns whether the last sample is so long ago that nothing is known of the load.
    pub fn is_forgotten(&self) -> bool {
        self.sampled < FORGOTTEN_BELOW && self.second.samples == 0
    }

    /// Updates the mean at the end of a second, which took `elapsed`. `is_well`: whether all circuits of
    /// the route are closed.
    pub fn end_second(&mut self, elapsed: Duration, is_well: bool) {
        let own = std::mem::take(&mut self.second);
        let hinted = std::mem::take(&mut self.hinted);
        if !is_well || hinted > own.requests / 2 {
            return;
        }
        let elapsed_ms = saturating_millis(elapsed) as f64;
        let per_second = |requests: u32| (f64::from(requests) * 1000.0 / elapsed_ms) as f32;
        self.age = self.age.saturating_add(1).min(MEAN_SECONDS);
        self.mean += (per_second(own.requests) - self.mean) / f32::from(self.age);
        self.sampled += (per_second(own.samples) - self.sampled) / f32::from(self.age);
    }
}

#[cfg(test)]
impl RouteLoad {
    /// Lets the route have had a rate for a minute, of which every tick sampled a request.
    pub(crate) fn set_known(&mut self, per_second: f64) {
        self.mean = per_second as f32;
        self.sampled = per_second.min(20.0) as f32;
        self.age = MEAN_SECONDS;
    }
}

#[cfg(test)]
mod tests;
