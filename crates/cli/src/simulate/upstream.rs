//! The simulated upstream: several hosts, each with a queue and a rate of work.
//!
//! Overload has a cost. A request that waits longer than the timeout has failed for its client, but
//! stays in the host's queue, and the host still does a part of its work (`waste`) before it
//! notices that the client has gone. With `waste` 0, an overloaded host serves as many requests as
//! ever; with 1, it soon serves none (congestion collapse). The queue is bounded: beyond that, the
//! host refuses at once and at no cost, like a full backlog. A host without capacity refuses
//! everything and drops its queue.

use std::collections::VecDeque;

/// The constants of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    /// Number of hosts that share the capacity.
    pub(crate) hosts: usize,
    /// Timeout of a request in milliseconds.
    pub(crate) timeout_ms: u64,
    /// Length of the queue of each host.
    pub(crate) queue: usize,
    /// Share of its work that a host does for a request whose client has gone.
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
    /// The host refused the connection.
    Refused,
}

#[derive(Debug)]
struct Host<T> {
    /// Number of timed-out requests at the front of the queue.
    ghosts: usize,
    /// Requests, with the time at which each fails.
    waiting: VecDeque<(u64, T)>,
    /// Work that the host can do now, in requests.
    credit: f64,
}

/// The upstream of a run.
#[derive(Debug)]
pub(crate) struct Upstream<T> {
    model: Model,
    hosts: Vec<Host<T>>,
}

impl<T> Upstream<T> {
    /// Creates an idle upstream.
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

    /// Sends a request to a host. It is answered at once or by a later [`Upstream::serve`].
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

    /// Works for `slice_ms` with a total of `capacity` requests per second.
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
                // An idle host does not accumulate credit.
                host.credit = host.credit.min(1.0);
            }
        }
    }
}

#[cfg(test)]
mod tests;
