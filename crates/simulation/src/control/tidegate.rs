//! The circuit breaker of this filter, which runs in the workers of the proxy.

use tidegate_core::breaker::State;

use super::{At, Control, Pass, Phase, Verdict};
use crate::proxy::Proxy;
use crate::upstream::Answer;

/// The breaker of the workers.
#[derive(Debug)]
pub(super) struct Tidegate;

impl Control for Tidegate {
    fn admit(&mut self, at: At<'_>) -> Verdict {
        let decision = at.proxy.try_acquire(at.worker, at.asker, at.now_ms, at.rng);
        match decision {
            Ok(permit) => Verdict::Admit(Pass {
                permit,
                ..Pass::default()
            }),
            Err(rejection) => Verdict::Reject(rejection.remaining.as_millis() as u64),
        }
    }

    fn settle(&mut self, at: At<'_>, pass: Pass, _: usize, answer: Answer) {
        let permit = pass.permit;
        at.proxy
            .record(at.worker, at.asker, permit, answer, at.now_ms, at.rng);
    }

    fn phase(&self, _: u64, proxy: &Proxy) -> Phase {
        match proxy.state() {
            State::Closed => Phase::Closed,
            State::Open => Phase::Open,
            State::HalfOpen => Phase::HalfOpen,
            State::Ramp => Phase::Ramp,
        }
    }

    fn trips(&self, proxy: &Proxy) -> u32 {
        proxy.trips
    }
}
