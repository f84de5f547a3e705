//! Describes one request of an access log, and decides whether and why it failed.
//!
//! Where the filter ran, the log has its reason. Otherwise the reason is derived by the filter's
//! own function from the details, the flags and the transport failure reason in the log.

use std::borrow::Cow;

use tidegate_core::failure::{
    by_transport, classify, details_decide, is_direct_response, is_unexplained_connection_failure,
    FailedResponse, Reason,
};

/// The known facts of one request. Strings are empty if the log has no value (`-`, `null`, missing
/// field).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// When it began, in milliseconds since the Unix epoch.
    pub(super) began_ms: u64,
    pub(super) duration_ms: u64,
    /// 0: the client disconnected before there was a response.
    pub(super) status: u16,
    pub(super) bytes_sent: u64,
    pub(super) method: Cow<'a, str>,
    /// True if the request has a body.
    pub(super) sends_body: bool,
    /// Names of flags, separated by commas.
    pub(super) flags: Cow<'a, str>,
    pub(super) details: Cow<'a, str>,
    /// Transport failure reason of the upstream connection.
    pub(super) transport: Cow<'a, str>,
    pub(super) route: Cow<'a, str>,
    pub(super) authority: Cow<'a, str>,
    /// Path with the query.
    pub(super) path: Cow<'a, str>,
    pub(super) cluster: Cow<'a, str>,
    /// Address of the upstream host.
    pub(super) host: Cow<'a, str>,
    pub(super) request_id: Cow<'a, str>,
    /// The reason in the filter's own filter state.
    pub(super) reason: Cow<'a, str>,
    /// Release of the upstream.
    pub(super) release: Cow<'a, str>,
    /// Whether more follows in the line than its format has.
    pub(super) has_more: bool,
}

impl Entry<'_> {
    /// Copies what is borrowed from the line.
    pub(super) fn into_owned(self) -> Entry<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Entry {
            method: owned(self.method),
            flags: owned(self.flags),
            details: owned(self.details),
            transport: owned(self.transport),
            route: owned(self.route),
            authority: owned(self.authority),
            path: owned(self.path),
            cluster: owned(self.cluster),
            host: owned(self.host),
            request_id: owned(self.request_id),
            reason: owned(self.reason),
            release: owned(self.release),
            ..self
        }
    }
}

/// The source of a failure's reason, the most reliable first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// The filter's own filter state.
    FilterState,
    /// Envoy's response code details.
    Details,
    /// The transport failure reason of the upstream connection, which the details do not have.
    Transport,
    /// Envoy's details, which say that there was no connection, but not why.
    Unexplained,
    /// Envoy's response flags, which several reasons may share.
    Flags,
    /// The status alone.
    Status,
    /// Nothing but a status of 503: without details, flags and a host. An open circuit, a
    /// maintenance page and other filters look like this in Envoy's default format.
    Bare,
}

impl Evidence {
    pub(super) const ALL: [Self; 7] = [
        Self::FilterState,
        Self::Details,
        Self::Transport,
        Self::Unexplained,
        Self::Flags,
        Self::Status,
        Self::Bare,
    ];
}

/// The flags of `response_flags` by their bit (Envoy `stream_info.h`, `CoreResponseFlag`).
const FLAGS: [&str; 30] = [
    "LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC",
    "URX", "SI", "IH", "DPE", "UMSDR", "RFCF", "NFCF", "DT", "UPE", "NC", "OM", "DF", "DO", "DR",
    "UDO",
];

const fn bits(names: &[&str]) -> u64 {
    let mut bits = 0;
    let mut at = 0;
    while at < names.len() {
        let mut bit = 0;
        while bit < FLAGS.len() {
            if same(FLAGS[bit], names[at]) {
                bits |= 1 << bit;
            }
            bit += 1;
        }
        at += 1;
    }
    bits
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Retries were exhausted.
const RETRIES_EXHAUSTED: u64 = bits(&["URX"]);
/// The client disconnected.
const CLIENT_LEFT: u64 = bits(&["DC", "DR"]);
/// There was no connection.
const CONNECTION_FAILED: u64 = bits(&["UF"]);
/// The connection was lost.
const CONNECTION_LOST: u64 = bits(&["UC"]);
/// The response was cut off, if it had started.
const BROKE_OFF: u64 = bits(&["UR", "UC", "UPE", "LR"]);
/// A failure whatever the status: Envoy answers a failed gRPC call with 200.
const FAILED: u64 = bits(&[
    "LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "UMSDR", "UPE", "NC", "DF", "OM", "DO", "UDO",
]);
const NO_ROUTE: u64 = bits(&["NR"]);

fn parse_flags(text: &str) -> u64 {
    if text.is_empty() {
        return 0;
    }
    let bit = |name: &str| FLAGS.iter().position(|flag| *flag == name.trim());
    let bits = text.split(',').filter_map(bit);
    bits.fold(0, |flags, bit| flags | 1 << bit)
}

impl Entry<'_> {
    /// Returns when it ended, in milliseconds since the Unix epoch: the time at which a failure is
    /// seen.
    pub(super) fn ended_ms(&self) -> u64 {
        self.began_ms.saturating_add(self.duration_ms)
    }

    /// Returns why it failed; `None` if it did not.
    pub(super) fn failure(&self) -> Option<(Reason, Evidence)> {
        if let Some(reason) = Reason::from_token(&self.reason) {
            return Some((reason, Evidence::FilterState));
        }
        if self.status < 500 && self.flags.is_empty() && !self.details.contains("{") {
            return None;
        }
        // A local reply of the filter carries its reason in the details.
        let own = self.details.strip_prefix("tidegate_");
        let own = own.and_then(|own| Reason::from_token(own.split('{').next().unwrap_or(own)));
        if let Some(reason) = own {
            return Some((reason, Evidence::Details));
        }
        // Whoever gave a route a body of its own meant it.
        if is_direct_response(self.details.as_bytes()) && self.bytes_sent > 0 {
            return None;
        }
        let flags = parse_flags(&self.flags);
        let broke_off = self
            .details
            .starts_with("upstream_reset_after_response_started");
        if self.is_answer(flags, broke_off) {
            return None;
        }
        if self.status < 500 && !broke_off {
            let is_failure = flags & (FAILED | NO_ROUTE) != 0 && flags & CLIENT_LEFT == 0;
            if !is_failure {
                return None;
            }
            let has_begun = self.details.is_empty() && self.bytes_sent > 0 && self.status != 404;
            if has_begun && flags & BROKE_OFF != 0 {
                return Some((Reason::HttpResponseIncomplete, Evidence::Flags));
            }
        }
        let (details, evidence) = self.evidence(flags);
        let (reason, _) = classify(&FailedResponse {
            status: self.status,
            details: details.as_bytes(),
            flags,
            has_body: self.bytes_sent > 0,
        });
        Some((reason, evidence))
    }

    /// Returns whether the upstream answered with a status below 500, whatever happened before or
    /// after that.
    fn is_answer(&self, flags: u64, broke_off: bool) -> bool {
        // The flags may be those of an attempt that Envoy repeated.
        if self.details == "via_upstream" {
            return self.status < 500;
        }
        // An upstream that refuses a request need not read its body, and closes (RFC 9113, 8.1). The
        // filter has the same rule.
        let may_be_early = self.sends_body && (400..500).contains(&self.status);
        may_be_early && (broke_off || self.details.is_empty() && flags & BROKE_OFF != 0)
    }

    /// Returns what opened the circuit that rejected the request; `None` if none did or the log
    /// does not say.
    pub(super) fn opened_by(&self) -> Option<Reason> {
        let cause = self.details.strip_prefix("tidegate_circuit_open{")?;
        Reason::from_token(cause.strip_suffix('}')?)
    }

    /// Returns the details that Envoy would have set for a reset; `None` if the transport failure reason does
    /// not say what happened.
    fn by_transport(&self, reset: &str) -> Option<Cow<'_, str>> {
        by_transport(self.transport.as_bytes())?;
        let said = &self.transport;
        Some(format!("upstream_reset_before_response_started{{{reset}|{said}}}").into())
    }

    /// Returns the details to classify, and the evidence that they are.
    fn evidence(&self, flags: u64) -> (Cow<'_, str>, Evidence) {
        let details = Cow::Borrowed(self.details.as_ref());
        if is_unexplained_connection_failure(details.as_bytes()) {
            // Early Envoys have the cause here only.
            return match self.by_transport("remote_connection_failure") {
                Some(with_cause) => (with_cause, Evidence::Transport),
                None => (details, Evidence::Unexplained),
            };
        }
        if !details.is_empty() {
            let evidence = match (details_decide(details.as_bytes()), flags) {
                (true, _) => Evidence::Details,
                (false, 0) => Evidence::Status,
                (false, _) => Evidence::Flags,
            };
            return (details, evidence);
        }
        let reset = match flags {
            flags if flags & CONNECTION_FAILED != 0 => Some("remote_connection_failure"),
            flags if flags & CONNECTION_LOST != 0 => Some("connection_termination"),
            _ => None,
        };
        if let Some(with_cause) = reset.and_then(|reset| self.by_transport(reset)) {
            return (with_cause, Evidence::Transport);
        }
        if flags & !RETRIES_EXHAUSTED == 0 && !self.host.is_empty() {
            // Envoy sets a flag whenever it answers instead of a host.
            return ("via_upstream".into(), Evidence::Status);
        }
        let evidence = match flags {
            0 if self.status == 503 && self.host.is_empty() => Evidence::Bare,
            0 => Evidence::Status,
            _ => Evidence::Flags,
        };
        (details, evidence)
    }
}

#[cfg(test)]
mod tests;
