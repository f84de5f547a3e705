//! One client that ignores hints and sends requests at a fixed rate: a program that retries without a
//! pause, or a monitor. It is not counted as a visitor.

/// A client that asks all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hammer {
    /// Requests per second.
    pub per_second: u32,
    /// When it begins, in milliseconds since the start.
    pub from_ms: u64,
}

impl Hammer {
    /// Returns the number of its requests in the slice that starts at `now_ms`.
    pub(crate) fn count(self, now_ms: u64, slice_ms: u64) -> u64 {
        if now_ms < self.from_ms {
            return 0;
        }
        let due = |ms: u64| ms * u64::from(self.per_second) / 1000;
        due(now_ms + slice_ms) - due(now_ms)
    }
}

#[cfg(test)]
mod tests;
