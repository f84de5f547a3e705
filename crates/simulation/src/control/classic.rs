//! Breakers as in common libraries. Both share their state between all workers, which most
//! libraries cannot.

use tidegate_core::breaker::window::{Counts, Window};
use tidegate_core::rng::Rng as _;

use super::{At, Control, Pass, Phase, Verdict};
use crate::proxy::Proxy;
use crate::upstream::Answer;

/// Width of a bucket of the window in milliseconds: ten make 10 s.
const BUCKET_MS: u64 = 1_000;
/// Requests from which on the ratio counts.
const MIN_REQUESTS: u32 = 20;
/// Share of failures at which the breaker opens.
const FAILURE_RATIO: f64 = 0.5;
/// Open time of the breaker with one probe, as in Hystrix and Polly.
const ONE_PROBE_OPEN_MS: u64 = 5_000;
/// Open time of the breaker with a linear ramp, as in Traefik.
const LINEAR_OPEN_MS: u64 = 10_000;
/// Length of the linear ramp, as in Traefik.
const LINEAR_RAMP_MS: u64 = 10_000;

/// Admits everything.
#[derive(Debug)]
pub(super) struct Nothing;

impl Control for Nothing {
    fn admit(&mut self, _: At<'_>) -> Verdict {
        Verdict::Admit(Pass::default())
    }

    fn settle(&mut self, _: At<'_>, _: Pass, _: usize, _: Answer) {}

    fn phase(&self, _: u64, _: &Proxy) -> Phase {
        Phase::Closed
    }

    fn trips(&self, _: &Proxy) -> u32 {
        0
    }
}

/// Adds an answer and returns whether the window now exceeds the threshold. Requests whose clients
/// left are not counted.
fn count(window: &mut Window, now_ms: u64, answer: Answer) -> bool {
    if answer == Answer::Left {
        return false;
    }
    let counts = Counts {
        total: 1,
        failed: u32::from(!answer.is_good()),
        slow: 0,
    };
    window.count(now_ms / BUCKET_MS, counts);
    let sum = window.sum();
    sum.total >= MIN_REQUESTS && f64::from(sum.failed) >= FAILURE_RATIO * f64::from(sum.total)
}

/// Stays open for 5 s, then closes or reopens by the result of one probe.
#[derive(Debug, Default)]
pub(super) struct OneProbe {
    phase: Phase,
    until_ms: u64,
    generation: u32,
    window: Window,
    trips: u32,
}

impl OneProbe {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation += 1;
        self.window = Window::default();
    }

    fn open(&mut self, now_ms: u64) {
        self.enter(Phase::Open);
        self.until_ms = now_ms + ONE_PROBE_OPEN_MS;
        self.trips += 1;
    }
}

impl Control for OneProbe {
    fn admit(&mut self, at: At<'_>) -> Verdict {
        match self.phase {
            Phase::Open if at.now_ms >= self.until_ms => {
                self.enter(Phase::HalfOpen);
                Verdict::Admit(Pass {
                    generation: self.generation,
                    is_probe: true,
                    ..Pass::default()
                })
            }
            Phase::Open | Phase::HalfOpen => Verdict::Reject(0),
            Phase::Closed | Phase::Ramp => Verdict::Admit(Pass {
                generation: self.generation,
                ..Pass::default()
            }),
        }
    }

    fn settle(&mut self, at: At<'_>, pass: Pass, _: usize, answer: Answer) {
        if pass.generation != self.generation {
            return;
        }
        match (pass.is_probe, answer) {
            (true, answer) if answer.is_good() => self.enter(Phase::Closed),
            (true, _) => self.open(at.now_ms),
            (false, answer) => {
                if count(&mut self.window, at.now_ms, answer) {
                    self.open(at.now_ms);
                }
            }
        }
    }

    fn phase(&self, _: u64, _: &Proxy) -> Phase {
        self.phase
    }

    fn trips(&self, _: &Proxy) -> u32 {
        self.trips
    }
}

/// Stays open for 10 s, then admits a share that grows for 10 s, unless half of it fails.
#[derive(Debug, Default)]
pub(super) struct LinearRamp {
    /// When it opened; `None` if closed.
    opened_ms: Option<u64>,
    generation: u32,
    window: Window,
    trips: u32,
}

impl Control for LinearRamp {
    fn admit(&mut self, at: At<'_>) -> Verdict {
        let Some(opened_ms) = self.opened_ms else {
            return Verdict::Admit(Pass {
                generation: self.generation,
                ..Pass::default()
            });
        };
        let ramp_ms = (at.now_ms - opened_ms).checked_sub(LINEAR_OPEN_MS);
        let share = ramp_ms.map_or(0.0, |ms| ms as f64 / LINEAR_RAMP_MS as f64);
        if share >= 1.0 {
            self.opened_ms = None;
        }
        if at.rng.unit() < share {
            Verdict::Admit(Pass {
                generation: self.generation,
                ..Pass::default()
            })
        } else {
            Verdict::Reject(0)
        }
    }

    fn settle(&mut self, at: At<'_>, pass: Pass, _: usize, answer: Answer) {
        if pass.generation == self.generation && count(&mut self.window, at.now_ms, answer) {
            self.opened_ms = Some(at.now_ms);
            self.generation += 1;
            self.window = Window::default();
            self.trips += 1;
        }
    }

    fn phase(&self, now_ms: u64, _: &Proxy) -> Phase {
        match self.opened_ms {
            None => Phase::Closed,
            Some(at) if now_ms.saturating_sub(at) < LINEAR_OPEN_MS => Phase::Open,
            Some(_) => Phase::Ramp,
        }
    }

    fn trips(&self, _: &Proxy) -> u32 {
        self.trips
    }
}
