//! The load of a route, and how far apart its clients are to come back.
//!
//! Every client that gets a failure also gets a hint when to come back, and clients that follow it
//! come back then. With the same delay for all, they come back as one wave. With short delays, new
//! failures add to old ones, and the outage outlives its cause. Therefore each client gets a slot of
//! its own. The distance of the slots follows from the capacity that the route has beyond its usual
//! visitors, who keep coming in the meantime.
//!
//! # How the load is measured
//!
//! While no request fails, no worker looks up the route of a request, so the load is estimated.
//! [`LoadSampler`] counts all requests that pass, and picks one of them at random, at most one per
//! tick. The route of that request is looked up, and the request stands for all requests since the
//! last one. Once per second, [`RouteLoad`] computes the mean of the last minute and the peak of the
//! last hour of its route on this worker. Seconds in which a third or more of the clients got a hint
//! say nothing about a healthy route, and are not counted; nor is the time in which a crowd is on
//! its way back.
//!
//! The spare capacity is `max(peak - mean, 0.3 * mean)`, at least one request per second. Each worker
//! has its own slots: together they never promise more than the spare capacity. Of a peak, only the
//! part counts that random variation does not explain.

use std::time::Duration;

use crate::time::{saturating_millis, Timestamp};

/// A mean covers about this number of seconds.
const MEAN_SECONDS: u8 = 60;
/// A peak is remembered for [`PEAKS`] to `PEAKS + 1` times this, less a second: at least an hour.
const PEAK_SPAN_MS: u64 = 20 * 60 * 1000;
const PEAKS: usize = 4;
/// Spare capacity as a part of the mean, if the peak is not higher.
const SPARE: f64 = 0.3;
/// Minimum spare capacity of each worker, in requests per second.
const FLOOR: f64 = 1.0;
/// Slots further ahead of the base than this belong to a crowd.
const CROWD: Duration = Duration::from_secs(1);

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

    /// Returns a lower bound of the number of requests, if these are a part of `all`.
    ///
    /// Subtracts twice the standard error of the sample, which is zero if all requests were sampled
    /// or all had the same route. Also subtracts three times the standard deviation of the number of
    /// requests of one worker: which worker gets a request is random, and the peaks of the workers,
    /// each at another time, would add up to more than ever came.
    fn lower_bound(self, all: Self) -> u64 {
        let (requests, samples) = (f64::from(self.requests), f64::from(self.samples));
        let other_share = 1.0 - samples / f64::from(all.samples);
        let unsampled_share = 1.0 - f64::from(all.samples) / f64::from(all.requests);
        // 0/0 is NaN, and casting NaN to an integer gives 0.
        let variance = (requests * requests / samples * other_share * unsampled_share) as u64;
        let by_sample = variance.isqrt().saturating_mul(2);
        let by_worker = u64::from(self.requests).isqrt().saturating_mul(3);
        u64::from(self.requests)
            .saturating_sub(by_sample)
            .saturating_sub(by_worker)
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
    /// The requests of the present second.
    second: Estimate,
}

/// A second that is over.
#[derive(Debug, Clone, Copy)]
pub struct Second {
    all: Estimate,
    elapsed: Duration,
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
        self.second.add(passed);
        Some(passed)
    }

    /// Chooses the next sample with `draw`, a random number in `[0, 1)`. Returns the last second if
    /// it is over.
    pub fn tick(&mut self, now: Timestamp, draw: f64) -> Option<Second> {
        let passed = std::mem::take(&mut self.since_tick);
        if self.skip.is_none() && passed > 0 {
            // About as many requests will pass until the next tick; each is equally good.
            self.skip = Some((draw * f64::from(passed)) as u32);
        }
        let elapsed = now.saturating_since(self.second_began);
        if elapsed < Duration::from_secs(1) {
            return None;
        }
        let all = std::mem::take(&mut self.second);
        let began = std::mem::replace(&mut self.second_began, now);
        (began != Timestamp::EPOCH).then_some(Second { all, elapsed })
    }
}

/// The load of a route on one worker, and the slots of its clients.
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
    /// The highest numbers of requests in a second, by span: of the newest and those before it.
    peaks: [f32; PEAKS],
    /// The number of the newest span.
    span: u32,
    /// The next free slot, since the Unix epoch.
    pub(crate) next_slot: Duration,
    /// Until when a crowd is on its way back, since the Unix epoch.
    crowd_until: Duration,
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

    /// Returns the requests per second that the route carries beyond its usual visitors.
    pub fn spare(&self) -> f64 {
        let peak = self.peaks.iter().copied().fold(0.0, f32::max);
        let (peak, mean) = (f64::from(peak), f64::from(self.mean));
        (peak - mean).max(SPARE * mean).max(FLOOR)
    }

    /// Updates the mean and the peak with a second that is over.
    pub fn end_second(&mut self, second: Second, now: Timestamp) {
        let Second { all, elapsed } = second;
        let own = std::mem::take(&mut self.second);
        let hinted = std::mem::take(&mut self.hinted);
        let is_failing = hinted > own.requests / 2;
        if is_failing || now.since_epoch() < self.crowd_until {
            return;
        }
        let elapsed_ms = saturating_millis(elapsed) as f64;
        let per_second = |requests: u64| (requests as f64 * 1000.0 / elapsed_ms) as f32;
        self.age = self.age.saturating_add(1).min(MEAN_SECONDS);
        self.mean += (per_second(own.requests.into()) - self.mean) / f32::from(self.age);
        self.sampled += (per_second(own.samples.into()) - self.sampled) / f32::from(self.age);
        let span = (now.as_millis() / PEAK_SPAN_MS) as u32;
        if span.saturating_sub(self.span) >= PEAKS as u32 {
            self.peaks = [0.0; PEAKS];
        }
        let peak = per_second(own.lower_bound(all));
        // Each span has a place; the newest replaces the oldest.
        let place = span as usize % PEAKS;
        if let Some(newest) = self.peaks.get_mut(place) {
            let is_new = self.span != span;
            *newest = if is_new { peak } else { newest.max(peak) };
        }
        self.span = span;
    }

    /// Takes the next slot. Returns `None` if it would be after the last one that is allowed.
    pub fn take_slot(&mut self, slots: Slots, interval: Duration) -> Option<Duration> {
        let slot = slots.next(self.next_slot)?;
        self.next_slot = slot.saturating_add(interval);
        if slot > slots.first.saturating_add(CROWD) {
            self.crowd_until = self.next_slot;
        }
        Some(slot)
    }
}

/// The slots that a client may have, since the Unix epoch.
#[derive(Debug, Clone, Copy)]
pub struct Slots {
    /// The first slot.
    pub first: Duration,
    /// The last slot.
    pub last: Duration,
}

impl Slots {
    /// Returns the next slot from `free` on, unless it is after the last one.
    pub fn next(self, free: Duration) -> Option<Duration> {
        Some(self.first.max(free)).filter(|&slot| slot <= self.last)
    }

    /// Returns the distance of the slots of `rate` requests per second, in whole microseconds.
    pub fn interval(rate: f64) -> Duration {
        Duration::from_micros((1_000_000.0 / rate) as u64)
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
