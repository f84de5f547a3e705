//! The bytes that requests in flight keep of their headers, all together.
//!
//! Each request keeps little (`filter/kept_headers.rs`), but how many are in flight is up to the clients. If
//! the memory of the VM is used up, the next allocation traps, and the filter is gone on that worker.

use std::cell::Cell;
use std::rc::Rc;

/// The most that requests in flight keep together: some fifty thousand of them, on one worker.
pub const MAX_KEPT_BYTES: usize = 64 << 20;

/// Counts the bytes that requests in flight keep.
#[derive(Debug, Clone, Default)]
pub(super) struct KeptBytes(Rc<Cell<usize>>);

impl KeptBytes {
    /// Counts bytes until the result is dropped. Returns `None` if they are too many with those that are
    /// kept already.
    pub(super) fn keep(&self, bytes: usize) -> Option<Kept> {
        let all = self.0.get().checked_add(bytes)?;
        (all <= MAX_KEPT_BYTES).then(|| {
            self.0.set(all);
            Kept {
                of: self.clone(),
                bytes,
            }
        })
    }
}

/// Bytes that a request in flight keeps.
#[derive(Debug)]
pub struct Kept {
    of: KeptBytes,
    bytes: usize,
}

impl Drop for Kept {
    fn drop(&mut self) {
        let KeptBytes(all) = &self.of;
        all.set(all.get().saturating_sub(self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_given_back_when_a_request_ends() {
        let all = KeptBytes::default();
        let half = all.keep(MAX_KEPT_BYTES / 2);
        let rest = all.keep(MAX_KEPT_BYTES - MAX_KEPT_BYTES / 2);
        assert!(half.is_some() && rest.is_some());
        assert!(all.keep(1).is_none());
        assert!(all.keep(usize::MAX).is_none());
        assert!(all.keep(0).is_some());
        drop(half);
        assert!(all.keep(MAX_KEPT_BYTES / 2).is_some());
        assert!(all.keep(MAX_KEPT_BYTES / 2 + 1).is_none());
        drop(rest);
        assert_eq!(all.0.get(), 0);
    }
}
