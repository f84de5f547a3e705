//! The simulated upstream: several hosts, each with a queue and a rate of work.
//!
//! Overload has a cost. A request that waits longer than the timeout has failed for its client, but
//! stays in the host's queue, and the host still does a part of its work (`waste`) before it
//! notices that the client has gone. With `waste` 0, an overloaded host serves as many requests as
//! ever; with 1, it soon serves none (congestion collapse). The queue is bounded: beyond that, the
//! host refuses at once and at no cost, like a full backlog. A host without capacity refuses
//! everything and drops its queue.
//!
//! A host may also hang: it accepts each request and never answers, and the client leaves. Or each
//! answer takes a time in which the host has nothing to do, as for long polls: such a request joins
//! the queue when that time is over.

use std::collections::VecDeque;

/// Clients leave a host that hangs after this time, in milliseconds.
pub(crate) const PATIENCE_MS: u64 = 2_000;

/// The constants of a run.
#[derive(Debug, Clone, Copy)]
pub struct Model {
    /// Number of hosts that share the capacity.
    pub hosts: usize,
    /// Timeout of a request in milliseconds.
    pub timeout_ms: u64,
    /// Length of the queue of each host, in requests.
    pub queue: usize,
    /// Share of its work that a host does for a request whose client has gone, in [0, 1].
    pub waste: f64,
}

/// The condition of the upstream at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Condition {
    /// Requests per second that all hosts together can serve; 0 if they serve none.
    pub(crate) capacity: f64,
    /// Without capacity: whether the hosts accept requests, and never answer.
    pub(crate) hangs: bool,
    /// How long each request waits at its host before it is to be served, in milliseconds.
    pub(crate) delay_ms: u64,
    /// True if each answer is a 401.
    pub(crate) denies: bool,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Served.
    Good,
    /// Answered with 401: the upstream is alive, and does not know the client.
    Denied,
    /// Not served in time.
    TimedOut,
    /// The queue was full.
    Full,
    /// The host refused the connection.
    Refused,
    /// The host died with the request in its queue.
    Lost,
    /// The client left before there was an answer.
    Left,
    /// Answered with 502, by a path that is broken.
    Broken,
}

impl Answer {
    /// Returns whether the upstream answered as it should.
    pub(crate) fn is_good(self) -> bool {
        matches!(self, Self::Good | Self::Denied)
    }
}

#[derive(Debug)]
struct Host<T> {
    /// Number of timed-out requests at the front of the queue.
    ghosts: usize,
    /// Requests, with the time at which each fails.
    waiting: VecDeque<(u64, T)>,
    /// Requests that are not to be served yet, with the time at which each joins the queue.
    delayed: VecDeque<(u64, T)>,
    /// Requests that are never served, with the time at which the client of each leaves.
    hanging: VecDeque<(u64, T)>,
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
            delayed: VecDeque::new(),
            hanging: VecDeque::new(),
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
        condition: Condition,
        now_ms: u64,
        answers: &mut Vec<(Answer, T)>,
    ) {
        let limit = self.model.queue;
        let Some(host) = self.hosts.get_mut(host) else {
            return;
        };
        if condition.hangs {
            host.hanging.push_back((now_ms + PATIENCE_MS, request));
        } else if condition.capacity <= 0.0 {
            answers.push((Answer::Refused, request));
        } else if condition.delay_ms > 0 {
            host.delayed
                .push_back((now_ms + condition.delay_ms, request));
        } else if host.ghosts + host.waiting.len() >= limit {
            answers.push((Answer::Full, request));
        } else {
            host.waiting
                .push_back((now_ms + self.model.timeout_ms, request));
        }
    }

    /// Works for `slice_ms` in this condition.
    pub(crate) fn serve(
        &mut self,
        condition: Condition,
        now_ms: u64,
        slice_ms: u64,
        answers: &mut Vec<(Answer, T)>,
    ) {
        let capacity = condition.capacity;
        let share = capacity * slice_ms as f64 / 1000.0 / self.model.hosts as f64;
        let waste = self.model.waste;
        let served = if condition.denies {
            Answer::Denied
        } else {
            Answer::Good
        };
        for host in &mut self.hosts {
            while let Some(request) = due(&mut host.hanging, now_ms) {
                answers.push((Answer::Left, request));
            }
            if capacity <= 0.0 {
                host.ghosts = 0;
                host.credit = 0.0;
                let lost = host.waiting.drain(..).chain(host.delayed.drain(..));
                if condition.hangs {
                    host.hanging
                        .extend(lost.map(|(_, request)| (now_ms + PATIENCE_MS, request)));
                } else {
                    let lost = lost.chain(host.hanging.drain(..));
                    answers.extend(lost.map(|(_, request)| (Answer::Lost, request)));
                }
                continue;
            }
            while let Some(request) = due(&mut host.delayed, now_ms) {
                host.waiting
                    .push_back((now_ms + self.model.timeout_ms, request));
            }
            while let Some(request) = due(&mut host.waiting, now_ms) {
                answers.push((Answer::TimedOut, request));
                host.ghosts += 1;
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
                answers.push((served, request));
            }
            if host.ghosts == 0 && host.waiting.is_empty() {
                // An idle host does not accumulate credit.
                host.credit = host.credit.min(1.0);
            }
        }
    }
}

/// Takes the first request of a queue if its time has come.
fn due<T>(queue: &mut VecDeque<(u64, T)>, now_ms: u64) -> Option<T> {
    let is_due = queue.front().is_some_and(|(at, _)| *at <= now_ms);
    let (_, request) = is_due.then(|| queue.pop_front()).flatten()?;
    Some(request)
}

#[cfg(test)]
mod tests;
