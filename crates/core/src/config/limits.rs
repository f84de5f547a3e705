//! How much a configuration may hold. Every worker thread of Envoy keeps a copy of the configuration
//! in its own VM, and reads it on the main thread's time: what is bounded here bounds both.

/// The whole configuration, in bytes: what Kubernetes lets one resource hold, and so the most that
/// can arrive through Istio or Envoy Gateway.
pub const CONFIG_BYTES: usize = 1 << 20;

/// One template, in bytes: a page with its images inlined. Four of them fill a configuration.
pub const TEMPLATE_BYTES: usize = 256 << 10;

pub use crate::template::limits::{PAGE_BYTES, TEMPLATE_DEPTH, TEMPLATE_TAGS};

/// Constants of `vars`.
pub const VARS: usize = 64;

/// One constant of `vars`, in bytes: a drawing or a paragraph of markup.
pub const VAR_BYTES: usize = 16 << 10;

/// The logo, in bytes: it is part of every HTML page, and a page should be light.
pub const LOGO_BYTES: usize = 64 << 10;

/// Elements of an inline logo that may stand in each other: no drawing needs more, and the check
/// keeps the open ones in memory.
pub const SVG_DEPTH: usize = 32;

/// Templates: more different pages than any brand keeps in order.
pub const TEMPLATES: usize = 64;

/// Languages of `locales.strings`.
pub const LOCALES: usize = 64;

/// Route rules: they are tried one after the other when a route fails.
pub const ROUTES: usize = 256;

/// Page rules: they are tried one after the other for each page.
pub const PAGES: usize = 256;

/// Texts of one language or one page rule: several times what the built-in page has.
pub const STRINGS: usize = 256;

/// One text of a page, in bytes: a long paragraph.
pub const STRING_BYTES: usize = 2_000;

/// Links under a page: beyond a handful nobody reads them.
pub const LINKS: usize = 12;

/// A name that is shown, of the brand or of a link, in bytes: one line on a telephone, in any script.
pub const LABEL_BYTES: usize = 200;

/// A name by which the configuration refers to something, in bytes: it becomes a label of metrics.
pub const NAME_BYTES: usize = 64;

/// A URL, in bytes: what every browser and proxy still takes.
pub const URL_BYTES: usize = 2_048;

/// A pattern or a path prefix, in bytes: the longest DNS name has 253.
pub const PATTERN_BYTES: usize = 256;

/// Patterns, hosts, statuses or reasons in one list: they are tried one after the other.
pub const LIST: usize = 64;

/// Headers of `headers.set`.
pub const HEADERS: usize = 64;

/// The value of a header, in bytes: half of the 8 KiB that common clients take for all headers.
pub const HEADER_VALUE_BYTES: usize = 4_096;

/// Members that a template adds to problem+json.
pub const PROBLEM_MEMBERS: usize = 32;

/// A template tag's opener or closer, in bytes.
pub const DELIMITER_BYTES: usize = 8;

/// Errors that are told one by one; of more only the number is told. Each is a line of Envoy's log.
pub const ERRORS: usize = 100;

/// Bytes of a wrong value that an error repeats.
pub const FOUND_BYTES: usize = 60;

/// The lowest status that counts as a failure: a success or a redirect is never replaced.
pub const STATUS_MIN: u16 = 400;

/// The highest status that HTTP knows (RFC 9110 §15).
pub const STATUS_MAX: u16 = 599;

/// One second, one minute and one hour, in milliseconds.
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// A bound for a duration, in milliseconds: shortest and longest.
pub type Span = (u64, u64);

/// A hint: `Retry-After` counts whole seconds; nobody waits for a page for more than a day.
pub const HINT: Span = (SECOND, 24 * HOUR);

/// The wait between two attempts of a page: shorter would be load, longer a dead page.
pub const PAGE_WAIT: Span = (SECOND, HOUR);

/// The breaker's window: it has ten buckets, and a tick is 100 ms.
pub const WINDOW: Span = (SECOND, 10 * MINUTE);

/// How long a run of failures must last; nothing at all is a fair wish.
pub const RUN: Span = (0, 10 * MINUTE);

/// A response time that is slow.
pub const SLOW: Span = (1, 10 * MINUTE);

/// Open time: from one tick to what no outage should wait for unprobed.
pub const OPEN: Span = (100, HOUR);

/// How long a probe may take: its permit is lent for that time.
pub const PROBE: Span = (100, 10 * MINUTE);

/// The ramp: it moves once a second.
pub const RAMP: Span = (SECOND, HOUR);

/// Failures in a row, requests, attempts, probes: counters that one person can still reason about.
pub const COUNT: i64 = 1_000_000;

/// Attempts of one page before it gives up.
pub const ATTEMPTS: i64 = 1_000;

/// Probes out at once: more would not be a trickle, and the shared record has room for no more.
pub const PROBES: i64 = 10;

/// Requests per second of `retry.pace`.
pub const PACE: f64 = 1_000_000.0;

/// WCAG 2.2 §1.4.11: what a thing needs to stand out from what is around it, in hundredths (3:1).
pub const CONTRAST_HUNDREDTHS: u32 = 300;
