//! Options that a route rule can override: interception, retry hints, breaker; and the rule itself.

use super::super::kind::{maybe, need, opt, over, section, word, Field, Kind};
use super::super::{limits, text};
use super::MODES;

/// A list of statuses.
const STATUSES: Kind = Kind::List {
    of: &Kind::Status,
    min: 0,
    max: limits::LIST,
};

/// A share that is not nothing.
const SHARE: Kind = Kind::Number {
    zero: false,
    max: 1.0,
};

pub(super) static INTERCEPT: &[Field] = &[
    opt(
        "statuses",
        STATUSES,
        "[\"502-504\"]",
        doc!("Statuses, as Envoy would send them, whose responses are replaced."),
    ),
    opt(
        "source",
        Kind::Words(
            const {
                &[
                    word("any", doc!("everybody's")),
                    word(
                        "proxy",
                        doc!("those that Envoy answers itself, as for a refused connection"),
                    ),
                    word("upstream", doc!("those that the upstream answers")),
                ]
            },
        ),
        "\"any\"",
        doc!("Whose failures are replaced."),
    ),
    opt(
        "upstream_body",
        Kind::Words(
            const {
                &[
                    word(
                        "keep_structured",
                        doc!("JSON, XML and gRPC stay, anything else is replaced"),
                    ),
                    word("replace", doc!("it is replaced")),
                    word("keep", doc!("it stays")),
                ]
            },
        ),
        "\"keep_structured\"",
        doc!("What happens to the body of a failure that the upstream answered."),
    ),
    opt(
        "status",
        Kind::Words(
            const {
                &[
                    word(
                        "standard",
                        doc!(
                    "the one that RFC 9209 recommends for the reason: refused 502, timed out 504, \
                     overload, no host or open circuit 503"
                ),
                    ),
                    word("keep", doc!("the one that Envoy was about to send")),
                ]
            },
        ),
        "\"standard\"",
        doc!("Which status the page carries."),
    ),
    section(
        "skip",
        SKIP,
        doc!("Requests whose failures are left alone."),
    ),
    opt(
        "opt_out_header",
        Kind::Text(&text::HEADER_NAME),
        "\"x-tidegate\"",
        doc!(
            "The response header by which an upstream keeps a response of its own: with the value \
             `off` it passes untouched."
        ),
    ),
];

static SKIP: &[Field] = &[
    opt(
        "paths",
        Kind::List {
            of: &Kind::Text(&text::PATH_PATTERN),
            min: 0,
            max: limits::LIST,
        },
        "[\"/robots.txt\", \"/.well-known/*\"]",
        doc!("Paths of requests, without query."),
    ),
    opt(
        "hosts",
        Kind::List {
            of: &Kind::Text(&text::HOST_PATTERN),
            min: 0,
            max: limits::LIST,
        },
        "[]",
        doc!("Hosts of requests, without port, in any case."),
    ),
];

pub(super) static RETRY: &[Field] = &[
    opt(
        "after",
        Kind::Map {
            keys: &text::AFTER_KEY,
            of: &Kind::Duration(limits::HINT),
            max: limits::LIST,
            bundled: false,
        },
        "{ \"default\": \"10s\", \"504\": \"30s\" }",
        doc!(
            "The hint when nothing better is known, by status as Envoy would have sent it; \
             `default` for all others. Statuses that are given replace those of the default; \
             `default` holds where it is not given."
        ),
    ),
    opt(
        "honor_upstream",
        Kind::Bool,
        "true",
        doc!("Whether a valid `Retry-After` of the upstream is the base of the hint."),
    ),
    opt(
        "max",
        Kind::Duration(limits::HINT),
        "\"15m\"",
        doc!("No hint is longer than this; not shorter than any value of `after`."),
    ),
    opt(
        "pace",
        Kind::Either(
            &Kind::Words(
                const {
                    &[
                        word(
                            "auto",
                            doc!("the spare part of the measured healthy rate of the route"),
                        ),
                        word("off", doc!("hints are not paced")),
                    ]
                },
            ),
            &Kind::Number {
                zero: false,
                max: limits::PACE,
            },
        ),
        "\"auto\"",
        doc!("How fast a crowd is told to come back; a number is in requests per second."),
    ),
    section(
        "page",
        RETRY_PAGE,
        doc!(
            "How the built-in page comes back by itself after a GET, where trying again helps: it \
             waits until the hint is over, asks with HEAD whether the site is back, and reloads once. \
             Visitors can stop it."
        ),
    ),
];

static RETRY_PAGE: &[Field] = &[
    opt("auto", Kind::Bool, "true", doc!("Whether it does.")),
    opt(
        "max_attempts",
        Kind::Whole {
            min: 1,
            max: limits::ATTEMPTS,
        },
        "10",
        doc!("After so many attempts it stops, and says so."),
    ),
    opt(
        "cap",
        Kind::Duration(limits::PAGE_WAIT),
        "\"2m\"",
        doc!("The longest wait between two attempts, but for the hint, which is always kept."),
    ),
];

pub(super) static BREAKER: &[Field] = &[
    opt(
        "mode",
        Kind::Words(
            const {
                &[
                    word("enforce", doc!("acts")),
                    word(
                        "shadow",
                        doc!("decides and counts, lets everything through"),
                    ),
                    word("forced_open", doc!("rejects everything")),
                    word("disabled", doc!("does nothing")),
                ]
            },
        ),
        "\"enforce\"",
        doc!("What the breaker does with what it decides."),
    ),
    opt(
        "window",
        Kind::Duration(limits::WINDOW),
        "\"10s\"",
        doc!("The time over which the share of failures is taken."),
    ),
    opt(
        "min_requests",
        Kind::Whole {
            min: 1,
            max: limits::COUNT,
        },
        "20",
        doc!("With fewer requests in the window, the share of failures does not count."),
    ),
    opt(
        "failure_ratio",
        SHARE,
        "0.5",
        doc!("The share of failures in the window that opens the circuit."),
    ),
    section(
        "consecutive",
        CONSECUTIVE,
        doc!("Failures in a row that open the circuit."),
    ),
    section(
        "failures",
        FAILURES,
        doc!("What counts as a failure, besides no response at all."),
    ),
    section("open", OPEN, doc!("How long the circuit stays open.")),
    section(
        "probe",
        PROBE,
        doc!("The requests that try whether the upstream is back."),
    ),
    section(
        "ramp",
        RAMP,
        doc!("The way from the first probes back to all requests."),
    ),
    opt(
        "group",
        Kind::Either(&Kind::Null, &Kind::Text(&text::NAME)),
        "null",
        doc!("Routes with the same group share one breaker; null: one for each route."),
    ),
];

static CONSECUTIVE: &[Field] = &[
    opt(
        "failures",
        Kind::Whole {
            min: 1,
            max: limits::COUNT,
        },
        "10",
        doc!("So many in a row open the circuit, ..."),
    ),
    opt(
        "for",
        Kind::Duration(limits::RUN),
        "\"1s\"",
        doc!("... once they have lasted so long."),
    ),
];

static FAILURES: &[Field] = &[
    opt(
        "statuses",
        STATUSES,
        "[\"502-504\"]",
        doc!("Statuses that are failures."),
    ),
    opt(
        "slow",
        Kind::Either(&Kind::Null, &Kind::Duration(limits::SLOW)),
        "null",
        doc!("A response whose headers take longer is slow; null: the time does not matter, and nobody asks for it."),
    ),
    opt(
        "slow_ratio",
        SHARE,
        "0.8",
        doc!("The share of slow responses in the window that opens the circuit."),
    ),
];

static OPEN: &[Field] = &[
    opt(
        "base",
        Kind::Duration(limits::OPEN),
        "\"2s\"",
        doc!("The first time; it doubles with each further one."),
    ),
    opt(
        "max",
        Kind::Duration(limits::OPEN),
        "\"15s\"",
        doc!("The longest time; not shorter than `base`."),
    ),
    opt(
        "jitter",
        Kind::Number {
            zero: true,
            max: 1.0,
        },
        "0.25",
        doc!("By up to this share the time is longer, at random."),
    ),
    opt(
        "honor_retry_after",
        Kind::Bool,
        "true",
        doc!("Whether a `Retry-After` of the upstream sets the time."),
    ),
];

static PROBE: &[Field] = &[
    opt(
        "permits",
        Kind::Whole {
            min: 1,
            max: limits::PROBES,
        },
        "3",
        doc!("Probes out at once, over all workers."),
    ),
    opt(
        "timeout",
        Kind::Duration(limits::PROBE),
        "\"10s\"",
        doc!("A probe that has not answered by then counts as lost."),
    ),
];

static RAMP: &[Field] = &[
    opt(
        "duration",
        Kind::Duration(limits::RAMP),
        "\"10s\"",
        doc!("How long the way takes when all goes well."),
    ),
    opt(
        "failure_ratio",
        SHARE,
        "0.3",
        doc!("The share of failures in one second that halves the admitted share."),
    ),
];

pub(in crate::config) static ROUTE: &[Field] = &[
    need(
        "name",
        Kind::Text(&text::NAME),
        doc!("By this name the metadata of an Envoy route can choose the policy; unique."),
    ),
    section(
        "match",
        MATCH,
        doc!("Which requests the rule is for; all parts that are given must fit."),
    ),
    over(
        "mode",
        Kind::Words(MODES),
        doc!("Overrides `mode` of the top level."),
    ),
    over(
        "intercept",
        Kind::Object(INTERCEPT),
        doc!("Overrides single keys of `intercept` of the top level."),
    ),
    over(
        "retry",
        Kind::Object(RETRY),
        doc!("Overrides single keys of `retry` of the top level."),
    ),
    over(
        "breaker",
        Kind::Object(BREAKER),
        doc!("Overrides single keys of `breaker` of the top level."),
    ),
    maybe(
        "page",
        Kind::Text(&text::NAME),
        doc!(
            "The template of this route's pages, by its name in `templates`; it wins over those of \
             `pages`."
        ),
    ),
    opt(
        "maintenance",
        Kind::Either(&Kind::Bool, &Kind::Object(MAINTENANCE)),
        "false",
        doc!("Answers every request with a page that says so; an object, or true, switches it on."),
    ),
];

static MATCH: &[Field] = &[
    opt(
        "route",
        Kind::Text(&text::ENVOY_NAME),
        "\"*\"",
        doc!("Name of the Envoy route."),
    ),
    opt(
        "virtual_host",
        Kind::Text(&text::ENVOY_NAME),
        "\"*\"",
        doc!("Name of the Envoy virtual host."),
    ),
    opt(
        "cluster",
        Kind::Text(&text::ENVOY_NAME),
        "\"*\"",
        doc!("Name of the cluster that was chosen for the request."),
    ),
    opt(
        "host",
        Kind::Text(&text::HOST_PATTERN),
        "\"*\"",
        doc!("Host of the request, without port, in any case."),
    ),
    maybe(
        "path_prefix",
        Kind::Text(&text::PATH_PREFIX),
        doc!("What the path of the request begins with; without: all paths."),
    ),
];

pub(in crate::config) static MAINTENANCE: &[Field] = &[
    maybe("until", Kind::Text(&text::DATE), doc!("When it ends.")),
    maybe(
        "message",
        Kind::Text(&text::PROSE),
        doc!("What visitors are told."),
    ),
];
