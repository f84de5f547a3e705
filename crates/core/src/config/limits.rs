//! Limits of a configuration. Each worker thread of Envoy parses the configuration and keeps a copy in
//! its own VM, so these limits bound the time and the memory of both.

use std::ops::RangeInclusive;
use std::time::Duration;

/// The whole configuration, in bytes. Kubernetes limits a resource to this size, so no larger one
/// can arrive through Istio or Envoy Gateway.
pub const CONFIG_BYTES: usize = 1 << 20;

/// A template, in bytes: a page with inlined images. Four of them fill a configuration.
pub const TEMPLATE_BYTES: usize = 256 << 10;

pub use crate::template::limits::{PAGE_BYTES, TEMPLATE_DEPTH, TEMPLATE_TAGS};

/// Constants of `vars`.
pub const VARS: usize = 64;

/// A constant of `vars`, in bytes: a drawing or a paragraph of markup.
pub const VAR_BYTES: usize = 16 << 10;

/// The logo, in bytes. It is part of every HTML page, which should stay small.
pub const LOGO_BYTES: usize = 64 << 10;

/// Nested elements of an inline logo. No drawing needs more.
pub const SVG_DEPTH: usize = 32;

/// Templates: more different pages than a brand can maintain.
pub const TEMPLATES: usize = 64;

/// Rules of `brands`. Each has its own copy of every page that shows the brand.
pub const BRANDS: usize = 64;

/// Languages of `locales.strings`.
pub const LOCALES: usize = 64;

/// Rules of `routes`. They are tried in order when a route fails.
pub const ROUTES: usize = 256;

/// Rules of `pages`. They are tried in order for every page.
pub const PAGES: usize = 256;

/// Texts of a language or of a page rule: several times as many as the built-in page has.
pub const STRINGS: usize = 256;

/// A text of a page, in bytes: a long paragraph.
pub const STRING_BYTES: usize = 2_000;

/// Links of a page. Visitors do not read more than a few.
pub const LINKS: usize = 12;

/// The name of the brand or of a link, in bytes: one line on a phone, in any script.
pub const LABEL_BYTES: usize = 200;

/// A name to which other keys refer, in bytes. It becomes a label of metrics.
pub const NAME_BYTES: usize = 64;

/// A URL, in bytes. All browsers and proxies accept this length.
pub const URL_BYTES: usize = 2_048;

/// A pattern or a path prefix, in bytes. The longest DNS name has 253.
pub const PATTERN_BYTES: usize = 256;

/// Items of a list of patterns, hosts, statuses or reasons. They are tried in order.
pub const LIST: usize = 64;

/// Headers of `headers.set`.
pub const HEADERS: usize = 64;

/// The value of a header, in bytes: half of the 8 KiB that common clients accept for all headers.
pub const HEADER_VALUE_BYTES: usize = 4_096;

/// Members that a template adds to problem+json.
pub const PROBLEM_MEMBERS: usize = 32;

/// The opener or closer of a template tag, in bytes.
pub const DELIMITER_BYTES: usize = 8;

/// Errors that are reported one by one. Each is a line of Envoy's log; further errors are counted.
pub const ERRORS: usize = 100;

/// The lowest status of a failure. Successes and redirects are never replaced.
pub const STATUS_MIN: u16 = 400;

/// The highest status of HTTP (RFC 9110 §15).
pub const STATUS_MAX: u16 = 599;

/// The shortest and the longest duration of an option.
pub type Span = RangeInclusive<Duration>;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Makes a span of milliseconds.
const fn span(min: u64, max: u64) -> Span {
    RangeInclusive::new(Duration::from_millis(min), Duration::from_millis(max))
}

/// A retry hint. `Retry-After` counts whole seconds, and a longer wait than a day helps no visitor.
pub const HINT: Span = span(SECOND, 24 * HOUR);

/// The wait between two attempts of a page. A shorter one would be load, a longer one a dead page.
pub const PAGE_WAIT: Span = span(SECOND, HOUR);

/// The window of the breaker. It has ten buckets, and counts reach the other workers within 100 ms.
pub const WINDOW: Span = span(SECOND, 10 * MINUTE);

/// The duration of a run of failures. 0 is allowed: the count alone decides.
pub const RUN: Span = span(0, 10 * MINUTE);

/// The response time from which a response is slow.
pub const SLOW: Span = span(1, 10 * MINUTE);

/// The open time of a circuit: from the time in which all workers learn of it to the longest time
/// without a probe.
pub const OPEN: Span = span(100, HOUR);

/// The time that a probe may take. Its permit is leased for this time.
pub const PROBE: Span = span(100, 10 * MINUTE);

/// The duration of the ramp, which moves once a second.
pub const RAMP: Span = span(SECOND, HOUR);

/// Requests of a window, and failures in a row.
pub const COUNT: u32 = 1_000_000;

/// Attempts of a page before it gives up.
pub const ATTEMPTS: u32 = 1_000;

/// Concurrent probes. More would be real load, and the shared record has room for no more.
pub const PROBES: u32 = 10;

/// Requests per second of `breaker.ramp.rate`.
pub const RATE: f64 = 1_000_000.0;

/// Check-ins per second of `retry.check_ins`: more than one Envoy can answer.
pub const CHECK_INS: u32 = 1_000_000;
