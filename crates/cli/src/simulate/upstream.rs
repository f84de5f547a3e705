//! The simulated upstream: some hosts, each with a queue and so much work per second.
//!
//! Overload is not free. A request that waits for longer than the time-out has failed for its
//! client, but it still stands in the host's queue, and when its turn comes the host does a part of
//! its work (`waste`) before it finds out that nobody waits for the answer. With `waste` 0 an
//! overloaded host would serve as many as ever; with 1 it would soon serve none (congestion
//! collapse). A queue has an end: beyond it the host refuses at once, at no cost, as a full backlog
//! does. A host without capacity refuses all, and drops what stood in its queue.

use std::collections::VecDeque;

/// What does not change during a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    /// Hosts among which the capacity is divided.
    pub(crate) hosts: usize,
    /// A request that has waited for so long has failed, in milliseconds.
    pub(crate) timeout_ms: u64,
    /// Requests that may wait at each host.
    pub(crate) queue: usize,
    /// Share of the work that a host does for a request whose client has gone.
    pub(crate) waste: f64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Served.
    Good,
    /// Not served in time.
    TimedOut,
    /// The queue was full.
    Full,
    /// Nobody listened.
    Refused,
}

#[derive(Debug)]
struct Host<T> {
    /// Requests that timed out and still stand in the queue, before all others.
    ghosts: usize,
    /// Requests with the time at which they fail.
    waiting: VecDeque<(u64, T)>,
    /// Work that may be done now, in requests.
    credit: f64,
}

/// The upstream of a run.
#[derive(Debug)]
pub(crate) struct Upstream<T> {
    model: Model,
    hosts: Vec<Host<T>>,
}

impl<T> Upstream<T> {
    /// An upstream that is idle.
    pub(crate) fn new(model: Model) -> Self {
        let idle = |_| Host {
            ghosts: 0,
            waiting: VecDeque::new(),
            credit: 0.0,
        };
        Self {
            model,
            hosts: (0..model.hosts).map(idle).collect(),
        }
    }

    /// Sends a request to a host; it is answered by a later [`Upstream::serve`], or at once.
    pub(crate) fn send(
        &mut self,
        host: usize,
        request: T,
        capacity: f64,
        now_ms: u64,
        answers: &mut Vec<(Answer, T)>,
    ) {
        let limit = self.model.queue;
        let Some(host) = self.hosts.get_mut(host) else {
            return;
        };
        if capacity <= 0.0 {
            answers.push((Answer::Refused, request));
        } else if host.ghosts + host.waiting.len() >= limit {
            answers.push((Answer::Full, request));
        } else {
            host.waiting
                .push_back((now_ms + self.model.timeout_ms, request));
        }
    }

    /// Works for `slice_ms` with `capacity` requests per second in all.
    pub(crate) fn serve(
        &mut self,
        capacity: f64,
        now_ms: u64,
        slice_ms: u64,
        answers: &mut Vec<(Answer, T)>,
    ) {
        let share = capacity * slice_ms as f64 / 1000.0 / self.model.hosts as f64;
        let waste = self.model.waste;
        for host in &mut self.hosts {
            if capacity <= 0.0 {
                host.ghosts = 0;
                host.credit = 0.0;
                let lost = host.waiting.drain(..);
                answers.extend(lost.map(|(_, request)| (Answer::Refused, request)));
                continue;
            }
            while host.waiting.front().is_some_and(|(at, _)| *at <= now_ms) {
                if let Some((_, request)) = host.waiting.pop_front() {
                    answers.push((Answer::TimedOut, request));
                    host.ghosts += 1;
                }
            }
            host.credit += share;
            while host.ghosts > 0 && host.credit >= waste {
                host.ghosts -= 1;
                host.credit -= waste;
            }
            while host.ghosts == 0 && host.credit >= 1.0 {
                let Some((_, request)) = host.waiting.pop_front() else {
                    break;
                };
                host.credit -= 1.0;
                answers.push((Answer::Good, request));
            }
            if host.ghosts == 0 && host.waiting.is_empty() {
                // An idle host saves nothing up.
                host.credit = host.credit.min(1.0);
            }
        }
    }
}

#[cfg(test)]
mod tests;
