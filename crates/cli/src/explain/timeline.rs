//! Counts the requests of a route over time, in a bounded number of steps that widen with the
//! length of the log.

use std::collections::VecDeque;

/// Number of steps for a route.
pub(super) const MAX_STEPS: usize = 512;

/// Request counts over time, in at most `STEPS` steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timeline<const STEPS: usize = MAX_STEPS> {
    /// Width of a step in seconds, a power of two.
    width_s: u64,
    /// Number of the first step: its time divided by the width.
    first: u64,
    steps: VecDeque<u64>,
}

impl<const STEPS: usize> Default for Timeline<STEPS> {
    fn default() -> Self {
        Self {
            width_s: 1,
            first: 0,
            steps: VecDeque::new(),
        }
    }
}

impl<const STEPS: usize> Timeline<STEPS> {
    /// Adds `requests` at a time.
    pub(super) fn add(&mut self, at_ms: u64, requests: u64) {
        let at_s = at_ms / 1000;
        loop {
            let step = at_s / self.width_s;
            if self.steps.is_empty() {
                self.first = step;
            }
            let end = self.first + self.steps.len() as u64;
            let span = end.max(step + 1) - self.first.min(step);
            if span > STEPS as u64 {
                self.widen();
                continue;
            }
            while step < self.first {
                self.steps.push_front(0);
                self.first -= 1;
            }
            let at = (step - self.first) as usize;
            if self.steps.len() <= at {
                self.steps.resize(at + 1, 0);
            }
            if let Some(count) = self.steps.get_mut(at) {
                *count += requests;
            }
            return;
        }
    }

    /// Merges another part of the log.
    pub(super) fn absorb(&mut self, other: Self) {
        while self.width_s < other.width_s {
            self.widen();
        }
        for (at, requests) in other.steps.iter().enumerate() {
            if *requests > 0 {
                let step = other.first + at as u64;
                self.add(
                    step.saturating_mul(other.width_s).saturating_mul(1000),
                    *requests,
                );
            }
        }
    }

    fn widen(&mut self) {
        let old = std::mem::take(&mut self.steps);
        let first = self.first / 2;
        for (at, requests) in old.into_iter().enumerate() {
            let step = ((self.first + at as u64) / 2 - first) as usize;
            if self.steps.len() <= step {
                self.steps.resize(step + 1, 0);
            }
            if let Some(count) = self.steps.get_mut(step) {
                *count += requests;
            }
        }
        self.first = first;
        self.width_s *= 2;
    }

    /// Returns the time of the first request, if there is one.
    pub(super) fn start_ms(&self) -> Option<u64> {
        (!self.steps.is_empty()).then(|| self.first * self.width_s * 1000)
    }

    /// Returns the number of all requests.
    pub(super) fn total(&self) -> u64 {
        self.steps.iter().sum()
    }

    /// Returns the number of requests in all steps that have a part in the time from `from_ms` to
    /// `to_ms`.
    pub(super) fn around(&self, from_ms: u64, to_ms: u64) -> u64 {
        let number = |at_ms: u64| at_ms / 1000 / self.width_s;
        let steps = number(from_ms)..=number(to_ms);
        let numbered = (self.first..).zip(&self.steps);
        let shared = numbered.filter(|(number, _)| steps.contains(number));
        shared.map(|(_, requests)| requests).sum()
    }

    /// Estimates the number of requests from `from_ms` to before `to_ms`; `None` if the steps are
    /// too wide for that.
    pub(super) fn between(&self, from_ms: u64, to_ms: u64) -> Option<f64> {
        let width_ms = self.width_s * 1000;
        if to_ms.saturating_sub(from_ms) < 2 * width_ms {
            return None;
        }
        let steps = self.steps.iter().enumerate().map(|(at, requests)| {
            let start = (self.first + at as u64) * width_ms;
            let shared = to_ms
                .min(start + width_ms)
                .saturating_sub(from_ms.max(start));
            *requests as f64 * shared as f64 / width_ms as f64
        });
        Some(steps.sum())
    }
}

#[cfg(test)]
mod tests;
