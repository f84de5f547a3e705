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
                description: "Routes of some Envoy whose circuit is open, half-open or in its ramp.",
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
                description: "Share of all requests that ended with a failure of an upstream or at an open circuit.",
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
                title: "Upstreams were spared",
                description: "Requests in the time shown that an open circuit kept from a failing upstream.",
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
                description: "Host calls that failed, configurations that were refused, and crashes of the module in the time shown. Each is worth a look at Envoy's log.",
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
                description: "The worst state of the route at any Envoy. A route appears when its circuit opens for the first time.",
                kind: Kind::States,
                unit: "none",
                width: 24,
                queries: &[(
                    r#"max by (tidegate_route) (tidegate_breaker_state{instance=~"$instance", tidegate_route=~"$route"})"#,
                    "{{tidegate_route}}",
                )],
            },
            Panel {
                title: "Share admitted",
                description: "How much of the traffic of a route is let through: all of it while closed, a growing share in the ramp, none while open.",
                kind: Kind::Lines,
                unit: "percent",
                width: 12,
                queries: &[(
                    r#"min by (tidegate_route) (tidegate_breaker_admitted_percent{instance=~"$instance", tidegate_route=~"$route"})"#,
                    "{{tidegate_route}}",
                )],
            },
            Panel {
                title: "Rejections",
                description: "Requests that an open circuit answered itself.",
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
                description: "Requests that a half-open circuit let through to see whether the upstream is back.",
                kind: Kind::Bars,
                unit: "short",
                width: 12,
                queries: &[(
                    r#"sum by (tidegate_route) (increase(tidegate_breaker_probes{instance=~"$instance", tidegate_route=~"$route"}[$__rate_interval]))"#,
                    "{{tidegate_route}}",
                )],
            },
        ],
    ),
    (
        "Failures",
        &[
            Panel {
                title: "Failures by reason",
                description: "Failures that a page or a problem replaced. docs/runbooks.md says what to check first for each reason.",
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
                description: "The same by route.",
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
                description: "What would have been done on routes that only watch: failures replaced, requests rejected.",
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
                description: "What clients got instead of a failure: a page, a problem (JSON), text, a gRPC status, nothing but the status.",
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
                description: "Clients that were told when to come back, and clients that came back when told and got through.",
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
            description: "Calls of the filter to Envoy that failed, configurations that were refused, trouble with what the workers share, requests of routes beyond the limit, names in route metadata that are not there.",
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
