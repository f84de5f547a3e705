//! The breakers that are compared, and their common interface.

mod classic;
mod envoy;
mod tidegate;

use clap::ValueEnum;
use serde::Serialize;
use tidegate_core::worker::Permit;

use super::paths::Asker;
use super::proxy::Proxy;
use super::rng::Stream;
use super::upstream::Answer;

/// A breaker to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Everything passes
    None,
    /// Opens for 5 s, then closes after one good probe
    OneProbe,
    /// Opens for 10 s, then lets a share in that grows to all within 10 s; opens again at 50 %
    LinearRamp,
    /// Envoy's outlier detection: hosts that fail 5 times in a row are left out
    HostEjection,
    /// Envoy's admission control: each worker rejects by its own success rate
    AdmissionControl,
    /// This filter's breaker
    Tidegate,
}

impl Kind {
    /// Returns its name on the command line, which is also that of its pictures.
    pub fn name(self) -> String {
        crate::value_name(&self)
    }

    /// Returns its display name.
    pub fn title(self) -> &'static str {
        match self {
            Self::None => "no breaker",
            Self::OneProbe => "one probe, then closed",
            Self::LinearRamp => "linear ramp, re-opens at 50 %",
            Self::HostEjection => "Envoy's host ejection",
            Self::AdmissionControl => "Envoy's admission control",
            Self::Tidegate => "Tidegate",
        }
    }

    /// Creates its initial state for a run.
    pub(crate) fn start(self, workers: usize, hosts: usize) -> Box<dyn Control> {
        match self {
            Self::None => Box::new(classic::Nothing),
            Self::OneProbe => Box::new(classic::OneProbe::default()),
            Self::LinearRamp => Box::new(classic::LinearRamp::default()),
            Self::HostEjection => Box::new(envoy::HostEjection::new(hosts)),
            Self::AdmissionControl => Box::new(envoy::AdmissionControl::new(workers)),
            Self::Tidegate => Box::new(tidegate::Tidegate),
        }
    }
}

/// A call for a request: its time in milliseconds since the start, its worker, and who asks for what.
#[derive(Debug)]
pub(crate) struct At<'a> {
    pub(crate) now_ms: u64,
    pub(crate) worker: usize,
    pub(crate) asker: Asker,
    pub(crate) rng: &'a mut Stream,
    /// The workers of this filter: its own breaker runs there.
    pub(crate) proxy: &'a mut Proxy,
}

/// The decision about a request.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    /// Admitted, with this pass.
    Admit(Pass),
    /// Rejected. Contains the remaining open time of the circuit in milliseconds; 0 if unknown.
    Reject(u64),
}

/// What a breaker needs when the request has ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pass {
    pub(crate) permit: Permit,
    pub(crate) generation: u32,
    pub(crate) is_probe: bool,
}

/// The state of a breaker, for charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Every request passes.
    #[default]
    Closed,
    /// Every request is rejected.
    Open,
    /// A few requests pass, as probes.
    HalfOpen,
    /// A share of the requests passes.
    Ramp,
}

/// A breaker, over all workers.
pub(crate) trait Control {
    /// Decides about a request.
    fn admit(&mut self, at: At<'_>) -> Verdict;

    /// Selects the host of the `turn`-th request; `None` if no host is available.
    fn host(&self, turn: usize, hosts: usize) -> Option<usize> {
        turn.checked_rem(hosts)
    }

    /// Records how an admitted request ended at a host.
    fn settle(&mut self, at: At<'_>, pass: Pass, host: usize, answer: Answer);

    /// Does the periodic work, at least 20 times a second.
    fn tick(&mut self, now_ms: u64) {
        let _ = now_ms;
    }

    /// Returns the current state.
    fn phase(&self, now_ms: u64, proxy: &Proxy) -> Phase;

    /// Returns how often it opened.
    fn trips(&self, proxy: &Proxy) -> u32;
}
