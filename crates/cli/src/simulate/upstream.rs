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
mod tests {
    use super::*;

    const MODEL: Model = Model {
        hosts: 2,
        timeout_ms: 1000,
        queue: 100,
        waste: 0.5,
    };

    /// Answers of the last 10 of 20 seconds, per second, at `offered` and `capacity` per second.
    fn steady(model: Model, offered: u64, capacity: f64) -> [f64; 4] {
        let mut upstream = Upstream::new(model);
        let mut counts = [0.0; 4];
        let (mut answers, mut sent) = (Vec::new(), 0);
        for now_ms in (0..20_000_u64).step_by(10) {
            while sent * 1000 < now_ms * offered {
                let host = usize::try_from(sent).unwrap() % model.hosts;
                upstream.send(host, (), capacity, now_ms, &mut answers);
                sent += 1;
            }
            upstream.serve(capacity, now_ms, 10, &mut answers);
            for (answer, ()) in answers.drain(..) {
                if now_ms >= 10_000 {
                    counts[answer as usize] += 0.1;
                }
            }
        }
        counts
    }

    #[test]
    fn serves_what_it_can() {
        let [good, late, full, refused] = steady(MODEL, 80, 100.0);
        assert!((good - 80.0).abs() < 1.0 && late + full + refused < 1.0);
    }

    #[test]
    fn overload_costs_as_much_as_the_model_says() {
        // Served + waste * late = capacity; served + late = offered.
        let [good, late, ..] = steady(MODEL, 120, 100.0);
        assert!((good - 80.0).abs() < 2.0, "{good}");
        assert!((late - 40.0).abs() < 2.0, "{late}");
        let free = Model {
            waste: 0.0,
            ..MODEL
        };
        let [good, ..] = steady(free, 120, 100.0);
        assert!((good - 100.0).abs() < 2.0, "{good}");
        // Everything that is begun is given up: only the end of the queue keeps it from growing.
        let [good, late, full, _] = steady(MODEL, 400, 100.0);
        assert!(good < 3.0, "{good}");
        assert!((late - 200.0).abs() < 5.0 && (full - 200.0).abs() < 5.0);
    }

    #[test]
    fn the_dead_refuse() {
        assert_eq!(steady(MODEL, 50, 0.0)[..3], [0.0; 3]);
        let mut upstream = Upstream::new(MODEL);
        let mut answers = Vec::new();
        upstream.send(0, 'a', 1.0, 0, &mut answers);
        assert_eq!(answers, []);
        upstream.serve(0.0, 10, 10, &mut answers);
        upstream.send(1, 'b', 0.0, 10, &mut answers);
        assert_eq!(answers, [(Answer::Refused, 'a'), (Answer::Refused, 'b')]);
    }
}
