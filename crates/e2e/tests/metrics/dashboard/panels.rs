//! The source of `envoy/dashboard.json`: one entry per panel.

/// How a panel presents its queries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// One large number, with a background that is green at zero and yellow or red from these
    /// values on.
    Number {
        /// Yellow from this value on.
        warn: f64,
        /// Red from this value on.
        bad: f64,
    },
    /// Lines over time.
    Lines,
    /// Stacked filled lines.
    Stack,
    /// Bars: number of events.
    Bars,
    /// States of breakers over time.
    States,
}

/// One panel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) kind: Kind,
    /// Grafana's name for the unit.
    pub(crate) unit: &'static str,
    /// Columns out of 24.
    pub(crate) width: u64,
    /// Queries and their legends.
    pub(crate) queries: &'static [(&'static str, &'static str)],
}

/// A heading and the panels below it.
pub(crate) type Row = (&'static str, &'static [Panel]);

/// Requests per second.
const PER_SECOND: &str = "reqps";

pub(crate) const ROWS: &[Row] = &[
    (
        "Now",
        &[
            Panel {
                title: "Circuits not closed",
                description: "Routes whose circuit is open, half-open or in its ramp on at least one Envoy.",
                kind: Kind::Number { warn: 1.0, bad: 5.0 },
                unit: "short",
                width: 6,
                queries: &[(
                    r#"count(tidegate_breaker_state{instance=~"$instance", tidegate_route=~"$route"} > 0) or vector(0)"#,
                    "circuits",
                )],
            },
            Panel {
                title: "Requests that fail",
                description: "Share of all requests that failed at an upstream or were rejected by an open circuit.",
                kind: Kind::Number { warn: 0.01, bad: 0.05 },
                unit: "percentunit",
                width: 6,
                queries: &[(
                    r#"(
  sum(
    rate(tidegate_intercepted{instance=~"$instance", tidegate_reason!~"circuit_open|maintenance"}[$__rate_interval])
      or rate(tidegate_breaker_rejected{instance=~"$instance"}[$__rate_interval])
  ) or vector(0)
) / sum(rate(envoy_http_downstream_rq_completed{instance=~"$instance", envoy_http_conn_manager_prefix!="admin"}[$__rate_interval]))"#,
                    "share",
                )],
            },
            Panel {
                title: "Requests kept from upstreams",
                description: "Requests that an open circuit rejected in the time shown.",
                kind: Kind::Number { warn: 1.0, bad: 1e12 },
                unit: "short",
                width: 6,
                queries: &[(
                    r#"sum(increase(tidegate_breaker_rejected{instance=~"$instance", tidegate_route=~"$route"}[$__range])) or vector(0)"#,
                    "requests",
                )],
            },
            Panel {
                title: "Errors of the filter",
                description: "Failed host calls, refused configurations and crashes of the module in the time shown. Check Envoy's log for each.",
                kind: Kind::Number { warn: 1.0, bad: 1.0 },
                unit: "short",
                width: 6,
                queries: &[(
                    r#"(sum(increase(tidegate_host_errors{instance=~"$instance"}[$__range])) or vector(0))
  + (sum(increase(tidegate_config_errors{instance=~"$instance"}[$__range])) or vector(0))
  + (sum(increase(envoy_wasm_tidegate_vm_reload{instance=~"$instance"}[$__range])) or vector(0))"#,
                    "errors",
                )],
            },
        ],
    ),
    (
        "Circuits",
        &[
            Panel {
                title: "State of each route",
                description: "The worst state of the route on any Envoy. A route appears when its circuit opens for the first time. During a hot restart, Envoy adds the states of both processes; the panel cuts them at open.",
                kind: Kind::States,
                unit: "none",
                width: 24,
                queries: &[(
                    r#"clamp_max(max by (tidegate_route) (tidegate_breaker_state{instance=~"$instance", tidegate_route=~"$route"}), 3)"#,
                    "{{tidegate_route}}",
                )],
            },
            Panel {
                title: "Share admitted",
                description: "Share of a route's requests that the breaker admits: all while closed, a growing share in the ramp, none while open.",
                kind: Kind::Lines,
                unit: "percent",
                width: 12,
                queries: &[(
                    r#"clamp_max(min by (tidegate_route) (tidegate_breaker_admitted_percent{instance=~"$instance", tidegate_route=~"$route"}), 100)"#,
                    "{{tidegate_route}}",
                )],
            },
            Panel {
                title: "Rejections",
                description: "Requests that an open circuit rejected.",
                kind: Kind::Stack,
                unit: PER_SECOND,
                width: 12,
                queries: &[(
                    r#"sum by (tidegate_route) (rate(tidegate_breaker_rejected{instance=~"$instance", tidegate_route=~"$route"}[$__rate_interval]))"#,
                    "{{tidegate_route}}",
                )],
            },
            Panel {
                title: "Trips",
                description: "How often a circuit opened.",
                kind: Kind::Bars,
                unit: "short",
                width: 12,
                queries: &[(
                    r#"sum by (tidegate_route) (increase(tidegate_breaker_trips{instance=~"$instance", tidegate_route=~"$route"}[$__rate_interval]))"#,
                    "{{tidegate_route}}",
                )],
            },
            Panel {
                title: "Probes",
                description: "Requests that a half-open circuit admitted to find out whether the upstream is back.",
                kind: Kind::Bars,
                unit: "short",
                width: 12,
                queries: &[(
                    r#"sum by (tidegate_route) (increase(tidegate_breaker_probes{instance=~"$instance", tidegate_route=~"$route"}[$__rate_interval]))"#,
                    "{{tidegate_route}}",
                )],
            },
            Panel {
                title: "Rejections by a part of a route",
                description: "Of the rejections, those by the circuit of a path or a part of the paths: the rest of the route passes.",
                kind: Kind::Stack,
                unit: PER_SECOND,
                width: 12,
                queries: &[(
                    r#"sum by (tidegate_route) (rate(tidegate_breaker_rejected_by_class{instance=~"$instance", tidegate_route=~"$route"}[$__rate_interval]))"#,
                    "{{tidegate_route}}",
                )],
            },
            Panel {
                title: "Not counted",
                description: "Requests that failed, or whose client left, and that say nothing about the upstream. docs/observability.md explains the words.",
                kind: Kind::Stack,
                unit: PER_SECOND,
                width: 12,
                queries: &[(
                    r#"sum by (tidegate_why) (rate(tidegate_breaker_ignored{instance=~"$instance", tidegate_route=~"$route"}[$__rate_interval]))"#,
                    "{{tidegate_why}}",
                )],
            },
        ],
    ),
    (
        "Failures",
        &[
            Panel {
                title: "Failures by reason",
                description: "Failures that were replaced by a page or another reply. docs/runbooks.md says for each reason what to check first.",
                kind: Kind::Stack,
                unit: PER_SECOND,
                width: 12,
                queries: &[(
                    r#"sum by (tidegate_reason) (rate(tidegate_intercepted{instance=~"$instance", tidegate_route=~"$route"}[$__rate_interval]))"#,
                    "{{tidegate_reason}}",
                )],
            },
            Panel {
                title: "Failures by route",
                description: "Failures that were replaced by a page or another reply, by route.",
                kind: Kind::Stack,
                unit: PER_SECOND,
                width: 12,
                queries: &[(
                    r#"sum by (tidegate_route) (rate(tidegate_intercepted{instance=~"$instance", tidegate_route=~"$route"}[$__rate_interval]))"#,
                    "{{tidegate_route}}",
                )],
            },
            Panel {
                title: "In shadow mode",
                description: "What the filter would have done on routes in shadow mode: failures replaced, requests rejected.",
                kind: Kind::Lines,
                unit: PER_SECOND,
                width: 24,
                queries: &[
                    (
                        r#"sum by (tidegate_reason) (rate(tidegate_would_intercept{instance=~"$instance", tidegate_route=~"$route"}[$__rate_interval]))"#,
                        "would replace: {{tidegate_reason}}",
                    ),
                    (
                        r#"sum by (tidegate_route) (rate(tidegate_breaker_would_reject{instance=~"$instance", tidegate_route=~"$route"}[$__rate_interval]))"#,
                        "would reject: {{tidegate_route}}",
                    ),
                ],
            },
        ],
    ),
    (
        "Clients",
        &[
            Panel {
                title: "Replies by format",
                description: "What clients got instead of a failure: a page, a problem document (JSON), text, a gRPC status, or the status alone.",
                kind: Kind::Stack,
                unit: PER_SECOND,
                width: 12,
                queries: &[(
                    r#"sum by (tidegate_format) (rate(tidegate_replies{instance=~"$instance"}[$__rate_interval]))"#,
                    "{{tidegate_format}}",
                )],
            },
            Panel {
                title: "Hints",
                description: "Clients that got a retry hint, and requests that carry a sign of having waited for the hint and succeeded.",
                kind: Kind::Lines,
                unit: PER_SECOND,
                width: 12,
                queries: &[
                    (
                        r#"sum(rate(tidegate_hints_given{instance=~"$instance", tidegate_route=~"$route"}[$__rate_interval]))"#,
                        "given",
                    ),
                    (
                        r#"sum(rate(tidegate_hints_kept{instance=~"$instance", tidegate_route=~"$route"}[$__rate_interval]))"#,
                        "kept",
                    ),
                ],
            },
        ],
    ),
    (
        "The filter itself",
        &[Panel {
            title: "Errors and limits",
            description: "Failed calls from the filter to Envoy, refused configurations, failures of the data that workers share, requests of routes beyond the limit, requests left alone for want of memory, unknown names in route metadata.",
            kind: Kind::Bars,
            unit: "short",
            width: 24,
            queries: &[
                (
                    r#"sum(increase(tidegate_host_errors{instance=~"$instance"}[$__rate_interval])) or vector(0)"#,
                    "host",
                ),
                (
                    r#"sum(increase(tidegate_config_errors{instance=~"$instance"}[$__rate_interval])) or vector(0)"#,
                    "configuration",
                ),
                (
                    r#"sum(increase(tidegate_breaker_store_errors{instance=~"$instance"}[$__rate_interval])) or vector(0)"#,
                    "shared memory",
                ),
                (
                    r#"sum(increase(tidegate_breaker_routes_over_limit{instance=~"$instance"}[$__rate_interval])) or vector(0)"#,
                    "beyond the limit",
                ),
                (
                    r#"sum(increase(tidegate_requests_over_memory{instance=~"$instance"}[$__rate_interval])) or vector(0)"#,
                    "too much memory",
                ),
                (
                    r#"sum(increase(tidegate_breaker_unknown_name{instance=~"$instance"}[$__rate_interval])) or vector(0)"#,
                    "unknown name",
                ),
                (
                    r#"sum(increase(envoy_wasm_tidegate_vm_reload{instance=~"$instance"}[$__rate_interval])) or vector(0)"#,
                    "crash",
                ),
            ],
        }],
    ),
];
