//! The kind of a page: what pages of one failure have in common, whoever asks.

use std::time::Duration;

use super::{Gate, PageInfo};
use crate::failure::{Reason, Source};

/// Decides all values of a page in one language, except its times and the values of the request. While a site
/// fails, most of its visitors get pages of a few kinds, so the values that a kind decides are computed once
/// ([`SpecializedPages`](super::specialized::SpecializedPages)).
///
/// It contains no bytes of a request: pages of other clients would show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PageKind {
    pub(super) status: u16,
    pub(super) reason: Reason,
    pub(super) source: Source,
    pub(super) tripped_by: Option<Reason>,
    /// Whether trying again can help.
    pub(super) is_retryable: bool,
    /// How the page retries automatically; `None`: it does not.
    pub(super) auto_retry: Option<AutoRetry>,
    /// `None`: the circuit is closed.
    pub(super) gate: Option<Gate>,
    /// Whether sending the request twice does no more than sending it once.
    pub(super) is_safe: bool,
    /// Whether the request certainly never reached an upstream.
    pub(super) is_unsent: bool,
    /// Whether a link to the home page would lead to the same failure.
    pub(super) is_at_home: bool,
}

/// How a page retries automatically (`retry.page`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct AutoRetry {
    pub(super) max_attempts: u32,
    pub(super) cap: Duration,
}

impl PageKind {
    /// Returns the kind of the page for a failure.
    pub(super) fn new(info: &PageInfo<'_>, is_at_home: bool) -> Self {
        let is_safe = matches!(info.method, b"GET" | b"HEAD");
        let is_retryable = info.retry_after.is_some();
        let auto_retry = info
            .page_retry
            .filter(|page| page.auto && is_safe && is_retryable);
        Self {
            status: info.status,
            reason: info.reason,
            source: info.source,
            tripped_by: info.tripped_by,
            is_retryable,
            auto_retry: auto_retry.map(|page| AutoRetry {
                max_attempts: page.max_attempts,
                cap: page.cap,
            }),
            gate: info.gate,
            is_safe,
            is_unsent: info.is_unsent
                || matches!(info.reason, Reason::CircuitOpen | Reason::Maintenance),
            is_at_home: is_safe && is_at_home,
        }
    }

    /// Returns whether the visitor has to check first what became of the request.
    pub(super) fn must_check(&self) -> bool {
        !self.is_safe && !self.is_unsent
    }
}
