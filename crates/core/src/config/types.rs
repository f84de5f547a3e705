//! The types of a valid configuration. What each option means, allows and defaults to stands in
//! one place, the tables of [`super::table`]; these are only the shapes that the rest of the core reads.

use crate::prelude::*;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use super::json::Json;

use super::color::Color;
use super::pattern::Pattern;
use crate::page::Program;
use crate::reason::Reason;
use crate::statuses::StatusSet;

/// A whole, valid configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Whether the filter acts, only says what it would do, or sleeps.
    pub mode: Mode,
    /// What the pages look like.
    pub brand: Brand,
    /// The settings of a route that no rule of `routes` matches.
    pub policy: Policy,
    /// Per-route rules; the first match wins.
    pub routes: Vec<RouteRule>,
    /// The operator's own pages, by name, sorted by name.
    pub templates: Vec<(String, Template)>,
    /// What templates can show by `vars.<name>`, sorted by name.
    pub vars: Vec<(String, String)>,
    /// Which page goes with which failure; the first match wins.
    pub pages: Vec<PageRule>,
    /// What opens and closes a template tag.
    pub delimiters: (String, String),
    /// Languages.
    pub locales: Locales,
    /// Which form a client gets.
    pub formats: Formats,
    /// Response headers that stay, come, and go.
    pub headers: Headers,
    /// What a page may show, and who may frame it.
    pub security: Security,
    /// The `Proxy-Status` member (RFC 9209).
    pub proxy_status: ProxyStatus,
    /// When the metadata of the Envoy route is read.
    pub route_metadata: RouteMetadata,
    /// Name, in lower case, of the upstream's response header that names its release.
    pub release_header: String,
}

/// What the filter does with what it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Act.
    #[default]
    Enforce,
    /// Decide, count and log, but change nothing.
    Shadow,
    /// Do nothing at all.
    Off,
}

/// What the pages look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// Shown name of the site; empty: none.
    pub name: String,
    /// Logo, already checked: a `data:` URI or an inline `<svg>`.
    pub logo: Option<Logo>,
    /// Accent colour on a light page.
    pub color: Option<Color>,
    /// Accent colour on a dark page.
    pub color_dark: Option<Color>,
    /// Where "home" leads; `http`, `https` or relative.
    pub home_url: Option<String>,
    /// The status page; `http`, `https` or relative.
    pub status_url: Option<String>,
    /// Further links, in order.
    pub links: Vec<Link>,
}

/// A logo that needs no further request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logo {
    /// A `data:image/…` URI.
    DataUri(String),
    /// Inline SVG markup, without script.
    Svg(String),
}

/// A link of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What is shown.
    pub label: String,
    /// `http`, `https`, `mailto`, `tel` or relative.
    pub url: String,
}

/// The settings that apply to a route.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Which failures get a page.
    pub intercept: Intercept,
    /// When clients are told to come back.
    pub retry: Retry,
    /// The circuit breaker.
    pub breaker: Breaker,
}

/// Which failures get a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Intercept {
    /// Statuses, as Envoy would send them, that are replaced.
    pub statuses: StatusSet,
    /// Whose failures are replaced.
    pub source: SourceFilter,
    /// What happens to an error body that the upstream sent.
    pub upstream_body: UpstreamBody,
    /// Which status the page carries.
    pub status: StatusRule,
    /// Request paths that are left alone (`*` is a wildcard; the query is not matched).
    pub skip_paths: Vec<Pattern>,
    /// Request hosts that are left alone (without port, any case).
    pub skip_hosts: Vec<Pattern>,
    /// Name, in lower case, of the response header by which an upstream opts out with `off`.
    pub opt_out_header: String,
}

/// Whose failures are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFilter {
    /// Everybody's.
    Any,
    /// Those that Envoy itself answers.
    Proxy,
    /// Those that the upstream answers.
    Upstream,
}

/// What happens to an error body that the upstream sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamBody {
    /// JSON, XML and gRPC stay, the rest is replaced.
    KeepStructured,
    /// Always replaced.
    Replace,
    /// Never replaced.
    Keep,
}

/// Which status the page carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusRule {
    /// The one that RFC 9209 recommends for the reason.
    Standard,
    /// The one that Envoy was about to send.
    Keep,
}

/// When clients are told to come back.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// Used when nothing better is known, for a status that `after_by_status` does not list.
    pub after: Duration,
    /// By status of the failure as Envoy would have sent it, sorted by status.
    pub after_by_status: Vec<(u16, Duration)>,
    /// Whether a valid `Retry-After` of the upstream is taken as the base.
    pub honor_upstream: bool,
    /// No hint is longer than this.
    pub max: Duration,
    /// How fast a crowd is told to come back.
    pub pace: Pace,
    /// The page's own retries.
    pub page: PageRetry,
}

/// How fast a crowd is told to come back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// The spare part of the measured healthy rate of the route.
    Auto,
    /// So many requests per second, over all workers.
    Rate(f64),
    /// Not paced.
    Off,
}

/// The page's own retries.
#[derive(Debug, Clone, PartialEq)]
pub struct PageRetry {
    /// Whether the page comes back by itself.
    pub auto: bool,
    /// After so many attempts it stops and says so.
    pub max_attempts: u32,
    /// The longest wait between two attempts.
    pub cap: Duration,
}

/// The circuit breaker of a route.
#[derive(Debug, Clone, PartialEq)]
pub struct Breaker {
    /// What the breaker does with what it decides.
    pub mode: BreakerMode,
    /// Length of the window over which the ratio is taken.
    pub window: Duration,
    /// The ratio counts from so many requests in the window.
    pub min_requests: u32,
    /// Share of failures, in (0, 1], that opens the circuit.
    pub failure_ratio: f64,
    /// So many failures in a row open the circuit...
    pub consecutive_failures: u32,
    /// ...once they have lasted so long.
    pub consecutive_for: Duration,
    /// Statuses that are failures.
    pub failure_statuses: StatusSet,
    /// A response slower than this is slow; `None`: speed does not matter.
    pub slow: Option<Duration>,
    /// Share of slow responses, in (0, 1], that opens the circuit.
    pub slow_ratio: f64,
    /// First open time.
    pub open_base: Duration,
    /// Longest open time before jitter.
    pub open_max: Duration,
    /// The open time is longer by up to this share, in [0, 1].
    pub open_jitter: f64,
    /// Whether a `Retry-After` of the upstream sets the open time.
    pub open_honor_retry_after: bool,
    /// Probes out at once, over all workers.
    pub probe_permits: u32,
    /// A probe that has not answered by then is lost.
    pub probe_timeout: Duration,
    /// How long the way back from a trickle to all takes.
    pub ramp_duration: Duration,
    /// Share of failures in one second, in (0, 1], that halves the ramp.
    pub ramp_failure_ratio: f64,
    /// Routes of one group share one breaker.
    pub group: Option<String>,
}

/// What the breaker does with what it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerMode {
    /// Act.
    Enforce,
    /// Decide and count, let everything through.
    Shadow,
    /// Reject everything.
    ForcedOpen,
    /// Do nothing.
    Disabled,
}

/// One rule of `routes`.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteRule {
    /// By which a route's metadata can choose this policy; unique.
    pub name: String,
    /// Which routes the rule is for.
    pub matches: RouteMatch,
    /// Overrides the mode.
    pub mode: Mode,
    /// The whole policy: what the rule says, and the defaults of the top level for the rest.
    pub policy: Policy,
    /// Template of this route's pages.
    pub page: Option<String>,
    /// Maintenance, where it is switched on.
    pub maintenance: Option<Maintenance>,
}

/// Which routes a rule is for; every part that is given must match.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteMatch {
    /// Envoy route name.
    pub route: Pattern,
    /// Envoy virtual host name.
    pub virtual_host: Pattern,
    /// Cluster chosen for the request.
    pub cluster: Pattern,
    /// Host of the request, without port, any case.
    pub host: Pattern,
    /// What the path of the request begins with.
    pub path_prefix: String,
}

/// A route in maintenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintenance {
    /// When it ends, in seconds since the Unix epoch.
    pub until: Option<u64>,
    /// What visitors are told.
    pub message: Option<String>,
}

/// A page of the operator's own.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// HTML source.
    pub html: Option<TemplateSource>,
    /// Text source.
    pub text: Option<TemplateSource>,
    /// Members that problem+json gets in addition; string values are templates.
    pub problem: Vec<(String, Json)>,
}

/// The source of a template.
#[derive(Clone)]
pub struct TemplateSource {
    /// The source as it was written.
    pub text: String,
    /// What was read from it when it was checked, so that it is read once. It holds what the
    /// configuration said then.
    pub(crate) program: Option<Arc<Program>>,
}

impl fmt::Debug for TemplateSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(formatter)
    }
}

impl PartialEq for TemplateSource {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Which page goes with which failure.
#[derive(Debug, Clone, PartialEq)]
pub struct PageRule {
    /// Statuses of the page; empty: every.
    pub statuses: StatusSet,
    /// Reasons; empty: every.
    pub reasons: Vec<Reason>,
    /// Hosts; empty: every.
    pub hosts: Vec<Pattern>,
    /// What the path begins with; empty: every.
    pub path_prefix: String,
    /// Envoy route names; empty: every.
    pub routes: Vec<Pattern>,
    /// Template to use; `None`: the built-in page, with `strings`.
    pub template: Option<String>,
    /// Wording that differs on this page.
    pub strings: Vec<(String, String)>,
}

/// Languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locales {
    /// Language tag (BCP 47) used when nothing the client asks for is there.
    pub default: String,
    /// Wording by language tag; each a list of key and text.
    pub strings: Vec<(String, Vec<(String, String)>)>,
}

/// Which form a client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formats {
    /// Used when the client says nothing.
    pub default: DefaultFormat,
    /// What `type` of problem+json begins with; `about:blank`: nothing is appended.
    pub problem_type_base: String,
    /// Prefixes of user agents that are programs of a terminal.
    pub cli_agents: Vec<String>,
}

/// The formats that can be the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultFormat {
    /// HTML.
    Html,
    /// problem+json.
    Problem,
    /// One line of text.
    Text,
}

/// Response headers that stay, come, and go. Names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers {
    /// Headers of the failed response that the page keeps.
    pub keep: Vec<Pattern>,
    /// Headers that the page gets, replacing its own of that name; in order of name.
    pub set: Vec<(String, String)>,
    /// Headers that the page never carries.
    pub remove: Vec<Pattern>,
}

/// What a page may show, and who may frame it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Security {
    /// Content-Security-Policy.
    pub csp: Csp,
    /// Source list of `frame-ancestors`.
    pub frame_ancestors: String,
    /// What a page may show.
    pub expose: Vec<Exposed>,
    /// What happens to a reply of the upstream that says it is a Tidegate page already.
    pub inner_pages: InnerPages,
}

/// What happens to a reply of the upstream that carries Tidegate's own marker header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InnerPages {
    /// It passes untouched: an inner hop has made the page.
    Trust,
    /// The marker means nothing: the upstream may not set it.
    Ignore,
}

/// Content-Security-Policy of HTML pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Csp {
    /// Computed from the page's own inline blocks.
    Auto,
    /// None sent.
    Off,
    /// The operator's own.
    Custom(String),
}

/// A fact about the request that a page may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposed {
    /// `x-request-id`.
    RequestId,
    /// When it failed.
    Timestamp,
    /// Host of the request.
    Host,
    /// Path of the request, without its query.
    Path,
}

/// The `Proxy-Status` member (RFC 9209).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyStatus {
    /// Name of this deployment, not of the product: a token or a string (RFC 9209 §2).
    pub name: String,
    /// Whether Envoy's own details are told.
    pub details: bool,
}

/// When the metadata of the Envoy route is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteMetadata {
    /// When a route fails, or its breaker is not closed.
    OnFailure,
    /// At every request.
    Always,
}
