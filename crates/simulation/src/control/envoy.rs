//! Envoy's outlier detection and admission control, modelled after its documentation.

use tidegate_core::breaker::window::{Counts, Window};
use tidegate_core::rng::Rng as _;

use super::{At, Control, Pass, Phase, Verdict};
use crate::proxy::Proxy;
use crate::upstream::Answer;

/// `consecutive_5xx`: number of consecutive failures that eject a host.
const CONSECUTIVE_5XX: u32 = 5;
/// `interval` in milliseconds: ejections end, and their count decreases, at its multiples only.
const INTERVAL_MS: u64 = 10_000;
/// `base_ejection_time`, in milliseconds.
const BASE_EJECTION_MS: u64 = 30_000;
/// `max_ejection_time`, in milliseconds.
const MAX_EJECTION_MS: u64 = 300_000;

/// Outlier detection with its defaults, except two that would disable it with so few hosts: all
/// hosts may be ejected (`max_ejection_percent` 100), and then no request is sent
/// (`healthy_panic_threshold` 0). This is the configuration for use as a breaker.
#[derive(Debug)]
pub(super) struct HostEjection {
    hosts: Vec<Ejectable>,
    next_interval_ms: u64,
    trips: u32,
}

#[derive(Debug, Clone, Default)]
struct Ejectable {
    in_a_row: u32,
    /// When it was ejected, in milliseconds; `None` if it is not ejected.
    ejected_ms: Option<u64>,
    /// Factor of the ejection time.
    times: u64,
}

impl HostEjection {
    pub(super) fn new(hosts: usize) -> Self {
        Self {
            hosts: vec![Ejectable::default(); hosts],
            next_interval_ms: INTERVAL_MS,
            trips: 0,
        }
    }

    fn healthy(&self) -> impl Iterator<Item = usize> + '_ {
        let hosts = self.hosts.iter().enumerate();
        hosts.filter_map(|(at, host)| host.ejected_ms.is_none().then_some(at))
    }
}

impl Control for HostEjection {
    fn admit(&mut self, _: At<'_>) -> Verdict {
        if self.healthy().next().is_some() {
            Verdict::Admit(Pass::default())
        } else {
            Verdict::Reject(0)
        }
    }

    fn host(&self, turn: usize, _: usize) -> Option<usize> {
        let healthy: Vec<usize> = self.healthy().collect();
        healthy.get(turn.checked_rem(healthy.len())?).copied()
    }

    fn settle(&mut self, at: At<'_>, _: Pass, host: usize, answer: Answer) {
        let Some(host) = self.hosts.get_mut(host) else {
            return;
        };
        match answer {
            // Envoy does not count requests whose clients left.
            Answer::Left => return,
            answer if answer.is_good() => {
                host.in_a_row = 0;
                return;
            }
            _ => {}
        }
        host.in_a_row += 1;
        if host.in_a_row >= CONSECUTIVE_5XX && host.ejected_ms.is_none() {
            host.ejected_ms = Some(at.now_ms);
            host.times += 1;
            host.in_a_row = 0;
            self.trips += 1;
        }
    }

    fn tick(&mut self, now_ms: u64) {
        if now_ms < self.next_interval_ms {
            return;
        }
        self.next_interval_ms += INTERVAL_MS;
        for host in &mut self.hosts {
            let ejection_ms = (BASE_EJECTION_MS * host.times).min(MAX_EJECTION_MS);
            match host.ejected_ms {
                Some(since) if now_ms >= since + ejection_ms => {
                    host.ejected_ms = None;
                    host.in_a_row = 0;
                }
                Some(_) => {}
                None => host.times = host.times.saturating_sub(1),
            }
        }
    }

    fn phase(&self, _: u64, _: &Proxy) -> Phase {
        match self.healthy().count() {
            0 => Phase::Open,
            some if some < self.hosts.len() => Phase::Ramp,
            _ => Phase::Closed,
        }
    }

    fn trips(&self, _: &Proxy) -> u32 {
        self.trips
    }
}

/// `sr_threshold`: nothing is rejected above this success rate.
const SR_THRESHOLD: f64 = 0.95;
/// `max_rejection_probability`.
const MAX_REJECTION: f64 = 0.8;
/// A tenth of `sampling_window` (30 s) in milliseconds: the width of a bucket, of which the window
/// has ten.
const SAMPLING_BUCKET_MS: u64 = 3_000;

/// Admission control with its defaults (`aggression` 1, `rps_threshold` 0): rejects with
/// probability `min(0.8, (n - s / 0.95) / (n + 1))`, of the requests that this worker admitted.
#[derive(Debug)]
pub(super) struct AdmissionControl {
    workers: Vec<Window>,
}

impl AdmissionControl {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            workers: vec![Window::default(); workers],
        }
    }
}

fn rejection(window: &Window) -> f64 {
    let counts = window.sum();
    let (all, good) = (
        f64::from(counts.total),
        f64::from(counts.total - counts.failed),
    );
    ((all - good / SR_THRESHOLD) / (all + 1.0)).clamp(0.0, MAX_REJECTION)
}

impl Control for AdmissionControl {
    fn admit(&mut self, at: At<'_>) -> Verdict {
        let Some(window) = self.workers.get_mut(at.worker) else {
            return Verdict::Admit(Pass::default());
        };
        window.advance(at.now_ms / SAMPLING_BUCKET_MS);
        if at.rng.unit() < rejection(window) {
            Verdict::Reject(0)
        } else {
            Verdict::Admit(Pass::default())
        }
    }

    fn settle(&mut self, at: At<'_>, _: Pass, _: usize, answer: Answer) {
        let counts = Counts {
            total: 1,
            failed: u32::from(!answer.is_good()),
            slow: 0,
        };
        if let Some(window) = self.workers.get_mut(at.worker) {
            window.count(at.now_ms / SAMPLING_BUCKET_MS, counts);
        }
    }

    fn phase(&self, _: u64, _: &Proxy) -> Phase {
        // Admission control has no states; a ramp is closest.
        if self.workers.iter().any(|window| rejection(window) > 0.01) {
            Phase::Ramp
        } else {
            Phase::Closed
        }
    }

    fn trips(&self, _: &Proxy) -> u32 {
        0
    }
}

#[cfg(test)]
mod tests;
