//! The gate of a ramp: which requests its rate admits.
//!
//! The rate is a token bucket of all workers. A worker knows it as of the last exchange, and takes from
//! its own copy in the meantime. If workers together take more than was there, the bucket is in debt, and
//! the next ones wait: the mean is kept at any number of workers.
//!
//! Requests with a pass are admitted first. They may leave the bucket in debt, by so much that a page
//! with its parts comes whole; what they take is missing for others. One client takes only a part of the
//! rate, with a pass or without.

use super::recovery::RecoveryState;
use super::CircuitBreaker;
use crate::breaker::admissions::Admissions;
use crate::breaker::clients::ClientId;
use crate::breaker::ramp::HALF_STEP;
use crate::breaker::state::State;
use crate::time::Timestamp;

/// The bucket holds what is due in this many seconds, and at least one request.
const BURST_SECONDS: f64 = 0.2;
/// The chance of a request is doubled if what is due in this many seconds is left, and none if as much is
/// missing.
const CORRECTION_SECONDS: f64 = 0.05;
/// The debt that requests with a pass may leave: what is due in a second, and at least so many requests.
const LEAST_PASS_DEBT: f64 = 30.0;
/// A client with a pass takes at most this part of the rate...
const PASS_PART: f64 = 0.25;
/// ...or this many requests per second.
const LEAST_PASS_RATE: f64 = 10.0;
/// While more is offered than the rate admits, a client without a pass takes at most this part of it, if
/// several clients are known...
const CLIENT_PART: f64 = 1.0 / 16.0;
/// ...or this many requests per second.
const LEAST_CLIENT_RATE: f64 = 1.0;

/// The tokens of a ramp.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TokenBucket {
    /// The number of requests that may be admitted; below zero if more were admitted than were due.
    pub tokens: f64,
    /// When it was filled last.
    pub filled_at: Timestamp,
}

/// The share before the first step of a ramp is over, when it is not known how many requests come.
const FIRST_SHARE: u32 = 50_000;

/// What the ramp of a circuit knows of the requests that come to it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GateState {
    /// How many requests may be admitted now.
    pub token_bucket: TokenBucket,
    /// The clients that were admitted most.
    pub admissions: Admissions,
    /// The requests since the last step that were admitted.
    pub admitted: u32,
    /// The requests since the last step that were rejected.
    pub rejected: u32,
    /// Of these, the requests of clients that had taken their part.
    pub beyond_part: u32,
    /// The requests since the last step whose response has begun.
    pub answered: u32,
    /// The admitted requests that wait for their response.
    pub in_flight: u32,
    /// The least number of those since the last step.
    pub least_in_flight: u32,
    /// The requests of the last step, admitted and rejected, without those of clients that had taken their
    /// part.
    pub offered_before: u32,
    /// The requests of the last step of clients that had taken their part.
    pub beyond_part_before: u32,
    /// The share of the requests that was admitted in the last step, in millionths.
    pub share: u32,
}

impl GateState {
    /// Returns the state at the beginning of a ramp.
    pub(super) fn begin(now: Timestamp) -> Self {
        Self {
            token_bucket: TokenBucket {
                tokens: 0.0,
                filled_at: now,
            },
            share: FIRST_SHARE,
            ..Self::default()
        }
    }
}

/// Requests that came to a ramp, as one worker counts them until the next exchange.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arrivals {
    /// The number of requests that were rejected.
    pub rejected: u32,
    /// Of these, the requests of clients that had taken their part.
    pub beyond_part: u32,
    /// The number of requests that were admitted, by client.
    pub admitted: Vec<(ClientId, u32)>,
    /// The number of admitted requests whose response has begun, or that ended without one.
    pub answered: u32,
}

impl Arrivals {
    /// Adds others that came to the same gate.
    pub fn merge(&mut self, other: &Self) {
        self.rejected = self.rejected.saturating_add(other.rejected);
        self.beyond_part = self.beyond_part.saturating_add(other.beyond_part);
        self.answered = self.answered.saturating_add(other.answered);
        for &(client, requests) in &other.admitted {
            self.add_admitted(client, requests);
        }
    }

    /// Returns one request that was admitted.
    pub fn admitted(client: ClientId) -> Self {
        Self {
            admitted: vec![(client, 1)],
            ..Self::default()
        }
    }

    /// Returns one request that was rejected. `is_beyond_part`: its client had taken its part.
    pub fn rejected(is_beyond_part: bool) -> Self {
        Self {
            rejected: 1,
            beyond_part: is_beyond_part.into(),
            ..Self::default()
        }
    }

    /// Returns one answer.
    pub fn answered() -> Self {
        Self {
            answered: 1,
            ..Self::default()
        }
    }

    fn add_admitted(&mut self, client: ClientId, requests: u32) {
        let mut known = self.admitted.iter_mut();
        match known.find(|(known, _)| *known == client) {
            Some((_, count)) => *count = count.saturating_add(requests),
            None => self.admitted.push((client, requests)),
        }
    }
}

impl CircuitBreaker {
    /// Returns whether the ramp admits a request now. A half-open circuit of which a probe has succeeded
    /// admits requests with a pass: who sent the probe gets the rest of the page too.
    /// `draw`: a random number in `[0, 1)`.
    pub fn admits(&self, client: ClientId, has_pass: bool, now: Timestamp, draw: f64) -> bool {
        let recovery = &*self.recovery;
        let tokens = recovery.tokens(now);
        let by_pass = has_pass
            && tokens > -recovery.ramp.rate.max(LEAST_PASS_DEBT)
            && recovery.is_own_part(client, PASS_PART, LEAST_PASS_RATE);
        match self.state {
            State::Closed => true,
            State::Open => false,
            State::HalfOpen => by_pass && recovery.probes.succeeded > 0,
            State::Ramp => {
                let by_turn =
                    || recovery.is_drawn(tokens, draw) && !self.has_taken_its_part(client, now);
                by_pass || by_turn()
            }
        }
    }

    /// Returns whether a client takes so much of a narrow gate that its requests are not drawn for.
    pub fn has_taken_its_part(&self, client: ClientId, now: Timestamp) -> bool {
        let recovery = &*self.recovery;
        recovery.is_narrow()
            && self.knows_others(now)
            && !recovery.is_own_part(client, CLIENT_PART, LEAST_CLIENT_RATE)
    }

    /// Counts requests that came to the gate.
    pub fn count_arrivals(&mut self, arrivals: &Arrivals, now: Timestamp) {
        if matches!(self.state, State::HalfOpen | State::Ramp) {
            self.recovery.count_arrivals(arrivals, now);
        }
    }
}

impl RecoveryState {
    fn is_own_part(&self, client: ClientId, part: f64, least: f64) -> bool {
        let limit = (self.ramp.rate * part).max(least);
        self.gate.admissions.is_within(client, limit)
    }

    /// Returns whether more was offered in the last step than the rate admits.
    fn is_narrow(&self) -> bool {
        let offered = self
            .gate
            .offered_before
            .saturating_add(self.gate.beyond_part_before);
        f64::from(offered) > self.ramp.rate
    }

    /// Draws for a request, so that those of all workers and of the whole second have the same chance: the
    /// rate divided by what was offered in the last step, more if tokens are left, and less if too many
    /// were taken. Requests that are not drawn for are not counted: one client that asks a thousand times a
    /// second would take all chances of the others.
    fn is_drawn(&self, tokens: f64, draw: f64) -> bool {
        if self.gate.offered_before == 0 {
            return tokens >= 1.0;
        }
        let rate = self.ramp.rate;
        let share = rate / f64::from(self.gate.offered_before);
        let correction = 1.0 + tokens / (rate * CORRECTION_SECONDS).max(1.0);
        draw < share * correction
    }

    fn count_arrivals(&mut self, arrivals: &Arrivals, now: Timestamp) {
        self.gate.rejected = self.gate.rejected.saturating_add(arrivals.rejected);
        self.gate.beyond_part = self.gate.beyond_part.saturating_add(arrivals.beyond_part);
        let tokens = self.tokens(now);
        let mut admitted = 0_u32;
        for &(client, requests) in &arrivals.admitted {
            self.gate.admissions.add(client, requests);
            admitted = admitted.saturating_add(requests);
        }
        self.gate.admitted = self.gate.admitted.saturating_add(admitted);
        self.gate.answered = self.gate.answered.saturating_add(arrivals.answered);
        self.gate.in_flight = self
            .gate
            .in_flight
            .saturating_add(admitted)
            .saturating_sub(arrivals.answered);
        // The queue of a step that is too much grows from its beginning: the end of it tells.
        let is_late = now.saturating_add(HALF_STEP) >= self.next_step_at;
        self.gate.least_in_flight = if is_late {
            self.gate.least_in_flight.min(self.gate.in_flight)
        } else {
            self.gate.in_flight
        };
        self.gate.token_bucket = TokenBucket {
            tokens: tokens - f64::from(admitted),
            filled_at: now,
        };
    }

    /// Begins a step: what was due until `now` was due at the rate until now.
    pub(super) fn begin_step(&mut self, now: Timestamp) {
        self.gate.admissions.fade();
        self.gate.token_bucket = TokenBucket {
            tokens: self.tokens(now),
            filled_at: now,
        };
        let offered = self.gate.admitted.saturating_add(self.gate.rejected);
        self.gate.offered_before = offered.saturating_sub(self.gate.beyond_part);
        self.gate.beyond_part_before = self.gate.beyond_part;
        (self.gate.admitted, self.gate.rejected, self.gate.answered) = (0, 0, 0);
        self.gate.beyond_part = 0;
        self.gate.least_in_flight = self.gate.in_flight;
    }

    fn tokens(&self, now: Timestamp) -> f64 {
        let rate = self.ramp.rate;
        let due = rate
            * now
                .saturating_since(self.gate.token_bucket.filled_at)
                .as_secs_f64();
        let most = (rate * BURST_SECONDS).max(1.0);
        (self.gate.token_bucket.tokens + due).min(most)
    }
}

#[cfg(test)]
mod tests;
