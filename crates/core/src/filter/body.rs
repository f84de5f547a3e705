//! The body of a response that is replaced: the page in place of its first chunk, and nothing in place of
//! the others.

use super::{Filter, Stage};
use crate::host::{HeaderMap, Host};
use crate::http::rpc::is_grpc;
use crate::worker::Worker;

/// How much of a replaced body is read and dropped, so that the upstream's connection can be used again.
/// What is dropped makes no back-pressure: a longer body, or one without an end, would be read at full
/// speed. No error page is that long.
const MAX_DROPPED: usize = 16 << 20;

/// What to do with a chunk of a response body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyAction {
    /// Let it pass.
    Continue,
    /// Replace it by these bytes.
    Replace(Vec<u8>),
    /// Reset the response: the client has its page, and the upstream does not end its body.
    Reset,
}

impl Filter {
    /// Decides about a chunk of the response body, which has `size` bytes.
    pub fn on_response_body(&mut self, size: usize, end_of_stream: bool) -> BodyAction {
        self.has_ended |= end_of_stream;
        let dropped = match &mut self.stage {
            Stage::Page(page) => {
                let page = std::mem::take(page);
                self.stage = Stage::Drain { dropped: size };
                return BodyAction::Replace(page);
            }
            Stage::Drain { dropped } => dropped,
            Stage::Waiting | Stage::Decided => return BodyAction::Continue,
        };
        let was_in_limit = *dropped <= MAX_DROPPED;
        *dropped = dropped.saturating_add(size);
        match size {
            _ if was_in_limit && *dropped > MAX_DROPPED && !end_of_stream => BodyAction::Reset,
            0 => BodyAction::Continue,
            _ => BodyAction::Replace(Vec::new()),
        }
    }

    /// Takes note of the response trailers. Returns whether to drop them, because they belong to a body
    /// that was replaced.
    pub fn on_response_trailers(&mut self, host: &mut impl Host, worker: &Worker) -> bool {
        self.has_ended = true;
        if !self.is_recorded && is_grpc(&self.request) {
            if let Ok(status) = host.header(HeaderMap::ResponseTrailers, "grpc-status") {
                let verdict = self.of_grpc_status(host, worker, &status);
                self.verdict = Some(self.excuse_deadline(host, worker, verdict, b""));
            }
        }
        matches!(self.stage, Stage::Page(_) | Stage::Drain { .. })
    }
}
