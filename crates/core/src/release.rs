//! Which release of a route's upstream answers, as its responses say.
//!
//! Most failures begin with a change. A response may name the release that made it; the one before
//! and the one after a failure began are then in the log.

use crate::prelude::*;
use crate::text::lossy;

/// A name is cut after so many bytes: this is to be told apart, not to be read in full.
const MAX_BYTES: usize = 64;
/// While a release is rolled out, the old one answers too: it is back only if the new one has not
/// been seen for so long, in milliseconds.
const BACK_MS: u64 = 60_000;

/// The releases of one route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Releases {
    /// The newest; `None` where none was ever named.
    pub now: Option<Box<str>>,
    /// The one before it.
    pub before: Option<Box<str>>,
    /// When the newest was first seen, in milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// When it was last seen.
    seen_ms: u64,
}

impl Releases {
    /// A response names its release; empty: it does not.
    pub fn saw(&mut self, release: &[u8], now_ms: u64) {
        let release = release.get(..MAX_BYTES).unwrap_or(release);
        if release.is_empty() {
            return;
        }
        let is = |known: &Option<Box<str>>| {
            known
                .as_ref()
                .is_some_and(|known| known.as_bytes() == release)
        };
        if is(&self.now) {
            self.seen_ms = now_ms;
            return;
        }
        if is(&self.before) && now_ms < self.seen_ms.saturating_add(BACK_MS) {
            return;
        }
        // What is not UTF-8 would differ from itself each time.
        if core::str::from_utf8(release).is_err() {
            return;
        }
        self.before = self.now.take();
        self.now = Some(lossy(release).into());
        (self.since_ms, self.seen_ms) = (now_ms, now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_and_the_one_before_it() {
        let mut releases = Releases::default();
        let mut story = String::new();
        for (ms, seen) in [
            (0, ""),
            (1, "v1"),
            (2, "v1"),
            (1_000, "v2"),
            // Both answer while it is rolled out.
            (2_000, "v1"),
            (3_000, "v2"),
            (4_000, "v1"),
            // It was rolled back.
            (63_000, "v1"),
            (64_000, "\u{7f}"),
            (65_000, ""),
        ] {
            releases.saw(seen.as_bytes(), ms);
            let name = |release: &Option<Box<str>>| release.as_deref().unwrap_or("-").to_owned();
            story += &format!(
                "{} {} {}\n",
                name(&releases.before),
                name(&releases.now),
                releases.since_ms
            );
        }
        assert_eq!(
            story,
            "- - 0\n- v1 1\n- v1 1\nv1 v2 1000\nv1 v2 1000\nv1 v2 1000\nv1 v2 1000\n\
             v2 v1 63000\nv1 \u{7f} 64000\nv1 \u{7f} 64000\n"
        );
    }

    #[test]
    fn what_is_long_is_cut_and_what_is_no_text_is_none() {
        let mut releases = Releases::default();
        releases.saw(&[b'a'; 200], 1);
        assert_eq!(releases.now.as_deref().map(str::len), Some(MAX_BYTES));
        releases.saw(b"\xff", 2);
        assert_eq!(releases.before, None);
    }
}
