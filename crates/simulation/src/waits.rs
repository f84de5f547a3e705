//! How long visitors wait, and when those come back that an incident turned away.

/// The waiting times of the visitors of a run. All times are in milliseconds; points in time count
/// from the start of the run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waits {
    /// When the incident ends.
    end_ms: u64,
    /// Visitors who have come and were not served yet.
    unserved: u64,
    /// The sum, over these, of the time from which their waiting is lost.
    unserved_from_ms: u64,
    /// The time that visitors waited after the incident, in total: what better hints could save.
    pub(crate) lost_ms: u64,
    /// The longest time from the arrival of a visitor until it was served.
    pub(crate) longest_ms: u64,
    /// Visitors who came before the end of the incident and were not served.
    pub(crate) early_left: u64,
    /// Visitors whom the incident turned away.
    pub turned_away: u64,
    /// When each of these was served, in order.
    pub back_ms: Vec<u64>,
}

impl Waits {
    /// Creates the times of a run whose incident ends at `end_ms`.
    pub(crate) fn new(end_ms: u64) -> Self {
        Self {
            end_ms,
            ..Self::default()
        }
    }

    /// Visitors arrive.
    pub(crate) fn come(&mut self, count: u32, now_ms: u64) {
        let count = u64::from(count);
        self.unserved += count;
        self.unserved_from_ms += count * now_ms.max(self.end_ms);
        if now_ms < self.end_ms {
            self.early_left += count;
        }
    }

    /// The incident turns a visitor away for the first time.
    pub(crate) fn turn_away(&mut self) {
        self.turned_away += 1;
    }

    /// A visitor who came at `since_ms` is served.
    pub(crate) fn serve(&mut self, since_ms: u64, was_turned_away: bool, now_ms: u64) {
        let from_ms = since_ms.max(self.end_ms);
        self.unserved -= 1;
        self.unserved_from_ms -= from_ms;
        self.lost_ms += now_ms.saturating_sub(from_ms);
        self.longest_ms = self.longest_ms.max(now_ms - since_ms);
        if since_ms < self.end_ms {
            self.early_left -= 1;
        }
        if was_turned_away {
            self.back_ms.push(now_ms);
        }
    }

    /// The run ends. Those who still wait have waited in vain.
    pub(crate) fn finish(&mut self, now_ms: u64) {
        let until_ms = self.unserved * now_ms.max(self.end_ms);
        self.lost_ms += until_ms - self.unserved_from_ms;
        (self.unserved, self.unserved_from_ms) = (0, 0);
    }

    /// Returns the time from the end of the incident until this share of those that it turned away
    /// were served; `None` if they were not in the run.
    pub(crate) fn back_after_ms(&self, share: f64) -> Option<u64> {
        let needed = (share * self.turned_away as f64).ceil() as usize;
        let Some(last) = needed.checked_sub(1) else {
            return Some(0);
        };
        let back_ms = self.back_ms.get(last)?;
        Some(back_ms.saturating_sub(self.end_ms))
    }
}

#[cfg(test)]
mod tests;
