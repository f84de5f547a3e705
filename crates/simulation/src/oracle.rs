//! An oracle, to compare hints with: it knows when the upstream is back, and sends it the visitors in
//! the order in which they came, as fast as it can serve them. It needs neither a breaker nor hints,
//! knows who is no visitor, and sends none of their requests. So it loses the least time that can be
//! lost.

use std::collections::VecDeque;

use super::arrivals::Arrivals;
use super::waits::Waits;
use super::world::{Second, Series, Setup, SLICE_MS};

/// Visitors who came in the same slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group {
    since_ms: u64,
    /// Whether there was no capacity when they came.
    is_turned_away: bool,
    count: u32,
}

/// The visitors who wait, in the order in which they came.
#[derive(Debug, Default)]
struct Queue {
    groups: VecDeque<Group>,
    waiting: u64,
    /// Work that the upstream can do now, in requests.
    credit: f64,
}

impl Queue {
    fn join(&mut self, group: Group) {
        if group.count > 0 {
            self.waiting += u64::from(group.count);
            self.groups.push_back(group);
        }
    }

    /// Serves as many visitors as `capacity` requests per second allow in `slice_ms`.
    fn serve(&mut self, capacity: f64, slice_ms: u64) -> Vec<Group> {
        let mut served = Vec::new();
        if capacity <= 0.0 {
            self.credit = 0.0;
            return served;
        }
        self.credit += capacity * slice_ms as f64 / 1000.0;
        while let Some(first) = self.groups.front_mut() {
            // A float that is too large becomes the highest number.
            let count = first.count.min(self.credit as u32);
            if count == 0 {
                return served;
            }
            self.credit -= f64::from(count);
            self.waiting -= u64::from(count);
            served.push(Group { count, ..*first });
            first.count -= count;
            if first.count == 0 {
                self.groups.pop_front();
            }
        }
        // An idle upstream does not accumulate credit.
        self.credit = self.credit.min(1.0);
        served
    }
}

/// Runs the simulation with an oracle. The visitors are those that [`super::world::run`] has with the
/// same seed.
pub(crate) fn run(setup: &Setup, seed: u64) -> Series {
    let mut arrivals = Arrivals::new(setup, seed);
    course(setup, &mut |now_ms| arrivals.next(now_ms))
}

/// Runs the simulation with these visitors: the number that arrives in a slice.
fn course(setup: &Setup, arrivals: &mut dyn FnMut(u64) -> u32) -> Series {
    let mut queue = Queue::default();
    let mut series = Series {
        waits: Waits::new(setup.incident.end_ms),
        ..Series::default()
    };
    let mut second = Second::default();
    for now_ms in (0..setup.duration_ms).step_by(SLICE_MS as usize) {
        let capacity = setup.incident.condition(now_ms).capacity;
        let group = Group {
            since_ms: now_ms,
            is_turned_away: capacity <= 0.0,
            count: arrivals(now_ms),
        };
        queue.join(group);
        second.offered += group.count;
        second.capacity += capacity * SLICE_MS as f64 / 1000.0;
        series.waits.come(group.count, now_ms);
        if group.is_turned_away {
            (0..group.count).for_each(|_| series.waits.turn_away());
        }
        for group in queue.serve(capacity, SLICE_MS) {
            second.admitted += group.count;
            second.good += group.count;
            for _ in 0..group.count {
                let (since_ms, was_turned_away) = (group.since_ms, group.is_turned_away);
                series.waits.serve(since_ms, was_turned_away, now_ms);
            }
        }
        if (now_ms + SLICE_MS) % 1000 == 0 {
            second.waiting = queue.waiting;
            series.seconds.push(std::mem::take(&mut second));
        }
    }
    series.waits.finish(setup.duration_ms);
    series
}

#[cfg(test)]
mod tests;
